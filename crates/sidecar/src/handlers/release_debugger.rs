//! `aml/releaseDebugger`: sends away whoever is attached, at once to a run of ours, through its owner to
//! anybody else's.

use super::requests::{self, RELEASE};
use crate::state::State;
use engine::failure::Failure;
use protocol::run::{RunAnswer, RunIdParams};

pub(crate) fn release_debugger(state: &mut State, params: &RunIdParams) -> Result<RunAnswer, Failure> {
    let record = state.store.find(&params.run)?;
    if state.live(&record.id).is_some() {
        state.release_debugger(&record.id);
    } else {
        requests::ask(state, &record.id, RELEASE)?;
    }
    Ok(RunAnswer { run: record.id.0 })
}
