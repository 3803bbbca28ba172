//! `aml/releaseDebugger`: sends away whoever is attached, at once to a run of ours, through its owner to
//! anybody else's.

use crate::clock;
use crate::state::State;
use engine::failure::Failure;
use protocol::run::{RunAnswer, RunIdParams};

/// What a process writes into the store for another process's run.
pub(crate) const RELEASE: &str = "release";

pub(crate) fn release_debugger(state: &mut State, params: &RunIdParams) -> Result<RunAnswer, Failure> {
    let record = state.store.find(&params.run)?;
    if state.live(&record.id).is_some() {
        state.release_debugger(&record.id);
    } else {
        state.store.ask(&record.id, RELEASE, clock::now_ms())?;
    }
    Ok(RunAnswer { run: record.id.0 })
}
