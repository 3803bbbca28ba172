//! `aml/listExperiments`, `aml/listRuns` and `aml/showRun`.

use super::deployments::KIND;
use crate::state::State;
use engine::failure::Failure;
use protocol::run::{
    ExperimentSummary, ListExperimentsAnswer, ListRunsAnswer, ListRunsParams, RunIdParams, RunSnapshot,
};

/// Page size where none is asked for.
const PAGE: u32 = 100;

pub(crate) fn list_experiments(state: &State) -> Result<ListExperimentsAnswer, Failure> {
    let experiments: Vec<ExperimentSummary> = state
        .store
        .experiments()?
        .into_iter()
        .map(|experiment| ExperimentSummary {
            name: experiment.name,
            runs: experiment.runs,
            live: experiment.live,
            newest_at: experiment.newest_ms,
        })
        .collect();
    let live = experiments.iter().map(|experiment| experiment.live).sum();
    Ok(ListExperimentsAnswer { experiments, live })
}

pub(crate) fn list_runs(state: &State, params: &ListRunsParams) -> Result<ListRunsAnswer, Failure> {
    if let Some(parent) = &params.parent {
        let parent = state.store.find(parent)?;
        let steps = state.store.steps(&parent.id)?;
        return Ok(ListRunsAnswer { runs: steps.iter().map(|record| state.snapshot_of(record)).collect() });
    }
    let limit = if params.limit == 0 { PAGE } else { params.limit };
    let records = state.store.list(limit, params.offset, params.experiment.as_deref())?;
    let runs = records.iter().filter(|record| record.kind != "build" && record.kind != KIND);
    Ok(ListRunsAnswer { runs: runs.map(|record| state.snapshot_of(record)).collect() })
}

pub(crate) fn show_run(state: &State, params: &RunIdParams) -> Result<RunSnapshot, Failure> {
    Ok(state.snapshot_of(&state.store.find(&params.run)?))
}
