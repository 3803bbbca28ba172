//! `aml/cancelRun`: ends a run of ours at once, asks the owner of anybody else's.

use super::requests::{self, CANCEL};
use crate::state::State;
use engine::failure::{Blame, Failure};
use engine::message;
use engine::pipeline::PipelineEvent;
use engine::run::event::RunEvent;
use engine::run::snapshot::state_title;
use protocol::run::{CancelRunParams, RunAnswer};

pub(crate) fn cancel_run(state: &mut State, params: &CancelRunParams) -> Result<RunAnswer, Failure> {
    let record = state.store.find(&params.run)?;
    if state.live(&record.id).is_some() {
        state.on_run(&record.id, RunEvent::CancelRequested { at_once: params.at_once });
    } else if state.is_live_pipeline(&record.id) {
        state.on_pipeline(&record.id, PipelineEvent::CancelRequested { at_once: params.at_once });
    } else if record.is_final() {
        return Err(Failure::new(
            Blame::User,
            message!("cancel.ended", run = record.id, state = state_title(&record.state)),
        ));
    } else {
        requests::ask(state, &record.id, CANCEL)?;
    }
    Ok(RunAnswer { run: record.id.0 })
}
