//! `aml/removeRun`: forgets an ended run: record, folder, and the container that it may have left warm.

use crate::main_loop::{Reply, give};
use crate::state::State;
use crate::warm;
use engine::failure::{Blame, Failure};
use engine::ids::RunId;
use engine::message;
use protocol::run::{RemoveRunParams, RunAnswer};

pub(crate) fn remove_run(state: &mut State, params: &RemoveRunParams, reply: Reply<RunAnswer>) {
    let (run, gone) = match forget(state, params) {
        Ok(forgotten) => forgotten,
        Err(failure) => return give(reply, Err(failure)),
    };
    let settings = state.settings.clone();
    tokio::spawn(async move {
        warm::sweep(&settings, |entry| gone.contains(&entry.run)).await;
        give(reply, Ok(RunAnswer { run: run.0 }));
    });
}

/// The run; and all that went, its steps with it.
fn forget(state: &mut State, params: &RemoveRunParams) -> Result<(RunId, Vec<RunId>), Failure> {
    let record = state.store.find(&params.run)?;
    if state.live(&record.id).is_some() || state.is_live_pipeline(&record.id) {
        return Err(Failure::new(Blame::User, message!("remove.live", run = record.id))
            .with_fix(message!("remove.live.fix", run = record.id)));
    }
    // The steps go first: a pipeline without some of its steps can still be removed.
    let steps = state.store.steps(&record.id)?.into_iter().map(|step| step.id);
    let gone: Vec<RunId> = steps.chain([record.id.clone()]).collect();
    for run in &gone {
        state.store.remove(run)?;
    }
    Ok((record.id, gone))
}
