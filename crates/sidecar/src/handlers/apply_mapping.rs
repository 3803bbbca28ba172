//! `aml/applyMapping`: a path mapping of the user's for whoever debugs a run.

use crate::state::State;
use engine::failure::{Blame, Failure};
use engine::message;
use engine::run::event::RunEvent;
use protocol::debug::ApplyMappingParams;
use protocol::run::RunAnswer;

pub(crate) fn apply_mapping(state: &mut State, params: ApplyMappingParams) -> Result<RunAnswer, Failure> {
    let record = state.store.find(&params.run)?;
    // Another process's gateway is out of reach; a debugger attached there is that process's as well.
    if state.live(&record.id).is_none() {
        return Err(Failure::new(Blame::User, message!("mapping.no-gateway", run = record.id))
            .with_fix(message!("mapping.no-gateway.fix")));
    }
    state.on_run(&record.id, RunEvent::MappingChosen((params.local_root, params.remote_root)));
    Ok(RunAnswer { run: record.id.0 })
}
