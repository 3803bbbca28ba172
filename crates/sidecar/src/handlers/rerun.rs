//! `aml/rerun`: the plan of an earlier run again, in a folder of its own.

use crate::clock;
use crate::state::{Kept, KeptPipeline, PIPELINE, State, stored_pipeline};
use crate::store::RunRecord;
use engine::failure::{Blame, Failure};
use engine::message;
use engine::plan::pipeline::find_step;
use engine::run::Run;
use engine::run::card::PhaseCard;
use protocol::run::{RerunParams, RunAnswer};

pub(crate) fn rerun(state: &mut State, params: &RerunParams) -> Result<RunAnswer, Failure> {
    let mut earlier = state.store.find(&params.run)?;
    if let Some(step) = &params.step {
        earlier = run_of_step(state, &earlier, step)?;
    }
    if earlier.kind == PIPELINE {
        return rerun_pipeline(state, &earlier, params);
    }
    let kept = earlier.plan.as_deref().and_then(|plan| serde_json::from_str::<Kept>(plan).ok());
    let Some(Kept { params: mut start, run }) = kept else {
        return Err(Failure::new(Blame::User, message!("rerun.no-plan", run = earlier.id))
            .with_fix(message!("rerun.no-plan.fix")));
    };
    start.debug = params.debug.unwrap_or(start.debug);
    start.children = params.children.unwrap_or(start.children);
    start.process = params.process.clone().or(start.process);
    start.rank = params.rank.or(start.rank);
    let now = clock::now_ms();
    let id = state.store.new_run_id(&earlier.experiment, now)?;
    let mut record = RunRecord::new(id.clone(), &earlier.experiment, earlier.spec.clone(), now);
    record.debug = start.debug;
    record.step.clone_from(&earlier.step);
    record.kind.clone_from(&earlier.kind);
    let ownership = state.store.begin(&record)?;
    let wish = super::start_run::wish(state, &start);
    let (run, effects) = match run.plan {
        Some(plan) => {
            let (from, to) = (state.store.folder(&earlier.id), state.store.folder(&id));
            let mut plan = plan.for_another_run((&earlier.id, from.root()), (&id, to.root()));
            if let Some(ports) = plan.service.as_ref().map(|service| service.ports) {
                let port = super::deployments::free_port(ports.scoring)?;
                plan.answer_on(port);
                for other in plan.other_ports() {
                    plan.move_port(other, super::deployments::free_port(other)?);
                }
            }
            plan.debuggee.choose(start.process.as_deref(), start.rank);
            Run::start_planned(id.clone(), wish, plan, now)
        }
        // The earlier run never got as far as a plan; its spec may read better now.
        None => Run::start(id.clone(), wish, now),
    };
    state.take_in(run, record, ownership, start, effects);
    Ok(RunAnswer { run: id.0 })
}

/// The run of a step of this pipeline run; the earlier one where its result was reused.
fn run_of_step(state: &State, pipeline: &RunRecord, name: &str) -> Result<RunRecord, Failure> {
    let Some(stored) = stored_pipeline(&state.store, pipeline).filter(|_| pipeline.kind == PIPELINE) else {
        return Err(Failure::new(Blame::User, message!("rerun.no-pipeline", run = pipeline.id)));
    };
    let step = find_step(stored.steps.iter().map(|step| step.name.as_str()), name)?;
    let step = &stored.steps[step];
    match &step.run {
        Some(run) => state.store.find(run.as_str()),
        None => Err(Failure::new(Blame::User, message!("rerun.step-never-ran", step = step.name))
            .with_fix(message!("rerun.step-never-ran.fix", run = pipeline.id))),
    }
}

/// The whole pipeline again, as it was planned.
fn rerun_pipeline(
    state: &mut State,
    earlier: &RunRecord,
    params: &RerunParams,
) -> Result<RunAnswer, Failure> {
    let kept = earlier.plan.as_deref().and_then(|plan| serde_json::from_str::<KeptPipeline>(plan).ok());
    let (Some(mut kept), Some(stored)) = (kept, stored_pipeline(&state.store, earlier)) else {
        return Err(Failure::new(Blame::User, message!("rerun.no-plan", run = earlier.id))
            .with_fix(message!("rerun.no-plan.fix")));
    };
    if let Some(debug) = params.debug {
        kept.params.debug = debug;
        kept.pipeline.steps.iter_mut().for_each(|step| step.debug &= debug);
    }
    kept.params.children = params.children.unwrap_or(kept.params.children);
    for step in kept.pipeline.steps.iter_mut().filter(|step| step.debug) {
        step.plan.debuggee.choose(params.process.as_deref(), params.rank);
    }
    let now = clock::now_ms();
    let id = state.store.new_run_id(&earlier.experiment, now)?;
    let mut record = RunRecord::new(id.clone(), &earlier.experiment, earlier.spec.clone(), now);
    record.debug = kept.params.debug;
    let ownership = state.store.begin(&record)?;
    state.begin_pipeline(record, ownership, kept.params, kept.pipeline, PhaseCard::default(), stored.room());
    Ok(RunAnswer { run: id.0 })
}
