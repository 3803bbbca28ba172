//! `aml/removeRun`: forgets an ended run: record, folder, and the container that it may have left warm.

use crate::main_loop::{Reply, give};
use crate::state::State;
use crate::warm;
use engine::failure::{Blame, Failure};
use engine::ids::RunId;
use engine::message;
use protocol::run::{RemoveRunParams, RunAnswer};

pub(crate) fn remove_run(state: &mut State, params: &RemoveRunParams, reply: Reply<RunAnswer>) {
    let run = match forget(state, params) {
        Ok(run) => run,
        Err(failure) => return give(reply, Err(failure)),
    };
    let settings = state.settings.clone();
    tokio::spawn(async move {
        warm::sweep(&settings, |entry| entry.run == run).await;
        give(reply, Ok(RunAnswer { run: run.0 }));
    });
}

fn forget(state: &mut State, params: &RemoveRunParams) -> Result<RunId, Failure> {
    let record = state.store.find(&params.run)?;
    if state.live(&record.id).is_some() || state.is_live_pipeline(&record.id) {
        return Err(Failure::new(Blame::User, message!("remove.live", run = record.id))
            .with_fix(message!("remove.live.fix", run = record.id)));
    }
    // The steps go first: a pipeline without some of its steps can still be removed.
    for step in state.store.steps(&record.id)? {
        state.store.remove(&step.id)?;
    }
    state.store.remove(&record.id)?;
    Ok(record.id)
}
