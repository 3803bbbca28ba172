//! `aml/removeRun`: forgets an ended run, record and folder.

use crate::state::State;
use engine::failure::{Blame, Failure};
use engine::message;
use protocol::run::{RemoveRunParams, RunAnswer};

pub(crate) fn remove_run(state: &mut State, params: &RemoveRunParams) -> Result<RunAnswer, Failure> {
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
    Ok(RunAnswer { run: record.id.0 })
}
