//! `aml/rerun`: the plan of an earlier run again, in a folder of its own.

use crate::clock;
use crate::state::{Kept, State};
use crate::store::RunRecord;
use engine::failure::{Blame, Failure};
use engine::message;
use engine::run::Run;
use protocol::run::{RerunParams, RunAnswer};

pub(crate) fn rerun(state: &mut State, params: &RerunParams) -> Result<RunAnswer, Failure> {
    let earlier = state.store.find(&params.run)?;
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
