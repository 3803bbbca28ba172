//! Time passed: watchdogs, and what other processes ask of our runs.

use super::cancel_run::CANCEL;
use super::deployments::RESTART;
use super::release_debugger::RELEASE;
use crate::state::State;
use engine::pipeline::PipelineEvent;
use engine::run::event::RunEvent;

pub(crate) fn tick(state: &mut State) {
    // One cheap look tells whether any other process has written anything at all.
    let asked = state.store.changed_by_others().unwrap_or(true);
    for run in state.live_runs() {
        state.on_run(&run, RunEvent::Tick);
        if !asked {
            continue;
        }
        match state.store.take_requests(&run) {
            Ok(requests) => {
                let is_asked = |verb: &str| requests.iter().any(|request| request.verb == verb);
                if is_asked(RELEASE) {
                    state.release_debugger(&run);
                }
                if is_asked(RESTART) {
                    state.on_run(&run, RunEvent::RestartRequested);
                }
                if is_asked(CANCEL) {
                    state.on_run(&run, RunEvent::CancelRequested { at_once: false });
                }
            }
            Err(failure) => tracing::warn!(%run, %failure, "requests for the run could not be read"),
        }
    }
    for run in state.live_pipelines().into_iter().filter(|_| asked) {
        match state.store.take_requests(&run) {
            Ok(requests) if requests.iter().any(|request| request.verb == CANCEL) => {
                state.on_pipeline(&run, PipelineEvent::CancelRequested { at_once: false });
            }
            Ok(_) => {}
            Err(failure) => tracing::warn!(%run, %failure, "requests for the run could not be read"),
        }
    }
}
