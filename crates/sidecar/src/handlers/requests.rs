//! What one process asks of another's run: put into the store, found by the run's owner, and done by whoever
//! takes the run over where that owner goes first.

use crate::clock;
use crate::main_loop::{Ask, Event};
use crate::state::State;
use crate::store::RunRecord;
use engine::failure::Failure;
use engine::ids::RunId;
use engine::pipeline::PipelineEvent;
use engine::run::adopt::Adopter;
use engine::run::event::RunEvent;
use protocol::run::RunIdParams;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// End it.
pub(crate) const CANCEL: &str = "cancel";
/// Let its server load the code again.
pub(crate) const RESTART: &str = "restart";
/// Send its debugger away.
pub(crate) const RELEASE: &str = "release";

/// Asks the owner of a run for something, and sees to it that somebody does it.
pub(crate) fn ask(state: &mut State, run: &RunId, verb: &'static str) -> Result<(), Failure> {
    state.store.ask(run, verb, clock::now_ms())?;
    state.asked.insert((run.clone(), verb), Instant::now());
    Ok(())
}

/// Does what was asked of a run of ours.
pub(crate) fn heed(state: &mut State, run: &RunId) {
    let requests = match state.store.take_requests(run) {
        Ok(requests) => requests,
        Err(failure) => return tracing::warn!(%run, %failure, "requests for the run could not be read"),
    };
    let is_asked = |verb: &str| requests.iter().any(|request| request.verb == verb);
    if is_asked(RELEASE) {
        state.release_debugger(run);
    }
    if is_asked(RESTART) {
        state.on_run(run, RunEvent::RestartRequested);
    }
    if is_asked(CANCEL) {
        state.on_run(run, RunEvent::CancelRequested { at_once: false });
        state.on_pipeline(run, PipelineEvent::CancelRequested { at_once: false });
    }
}

/// Longer than an engine takes to say which containers it has.
const BETWEEN_TRIES: Duration = Duration::from_secs(2);

/// An owner may go without having looked: whoever asked it takes its place then.
pub(super) fn see_to_ours(state: &mut State) {
    for ((run, verb), due) in state.asked.clone() {
        let is_open = state.store.is_asked(&run, verb).unwrap_or(false)
            && state.store.get(&run).is_ok_and(|record| record.is_some_and(|record| !record.is_final()));
        if !is_open {
            state.asked.remove(&(run, verb));
        } else if due <= Instant::now() && matches!(state.store.is_owned(&run), Ok(false)) {
            let (adopted, _) = oneshot::channel();
            let adopt = Ask::AdoptRun(RunIdParams { run: run.0.clone() }, adopted);
            let _ = state.effects.inbox().send(Event::Asked(adopt));
            // Somebody else may come first, or the engine not answer.
            state.asked.insert((run, verb), Instant::now() + BETWEEN_TRIES);
        }
    }
}

/// How long whoever takes a run over stays with it: to its end, where that is what was asked for.
pub(super) fn stay(state: &State, record: &RunRecord, adopter: Adopter) -> Adopter {
    let is_to_end = |run: &RunId| state.store.is_asked(run, CANCEL).unwrap_or(false);
    let ends = is_to_end(&record.id) || record.parent.as_ref().is_some_and(is_to_end);
    if ends { Adopter::Staying } else { adopter }
}
