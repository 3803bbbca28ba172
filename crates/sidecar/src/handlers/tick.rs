//! Time passed: watchdogs, and what other processes ask of our runs.

use super::requests;
use crate::state::State;
use engine::run::event::RunEvent;

pub(crate) fn tick(state: &mut State) {
    // One cheap look tells whether any other process has written anything at all.
    let asked = state.store.changed_by_others().unwrap_or(true);
    for run in state.live_runs() {
        state.on_run(&run, RunEvent::Tick);
        if asked {
            requests::heed(state, &run);
        }
    }
    for run in state.live_pipelines().into_iter().filter(|_| asked) {
        requests::heed(state, &run);
    }
    requests::see_to_ours(state);
}
