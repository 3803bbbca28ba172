//! Retention: runs whose time is over are removed, record, logs and outputs, if the user has set a time.

use crate::clock;
use crate::state::State;

const DAY_MS: u64 = 24 * 3_600_000;

/// So many at once: removing a folder takes time, and the others go the next time.
const AT_ONCE: u32 = 10;

/// Asked where a process begins and where a run does, which is as often as runs can become too many.
pub(crate) fn retire(state: &mut State) {
    let Some(days) = state.settings.keep_runs_days else { return };
    let before = clock::now_ms().saturating_sub(u64::from(days) * DAY_MS);
    let old = state.store.ended_before(before, AT_ONCE).unwrap_or_default();
    for run in old {
        if let Err(failure) = state.store.remove(&run) {
            // Somebody reads it just now, or its files are in use.
            tracing::info!(%run, %failure, "a run whose time is over stays");
        }
    }
}
