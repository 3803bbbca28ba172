//! Pipeline runs that this process owns: a run whose spec turns out to be a pipeline becomes the parent of its
//! steps, and every step is a run like any other.

use super::State;
use crate::clock;
use crate::effects::RunTasks;
use crate::handlers::start_run::wish;
use crate::main_loop::Happened;
use crate::outbox::Notice;
use crate::store::{Ownership, RunRecord, Store};
use crate::to_proto;
use engine::failure::{Blame, Failure};
use engine::ids::RunId;
use engine::message;
use engine::pipeline::room::Room;
use engine::pipeline::{Pipeline, PipelineEffect, PipelineEvent, Step};
use engine::plan::pipeline::PipelinePlan;
use engine::run::Run;
use engine::run::adopt::Adopter;
use engine::run::card::PhaseCard;
use engine::run::effect::Effect;
use engine::run::event::RunEvent;
use engine::run::snapshot::{self, Snapshot};
use protocol::run::{RunSnapshot, StartRunParams};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The kind of a pipeline run's record.
pub(crate) const PIPELINE: &str = "pipeline";
/// The kind of a step's record.
const STEP: &str = "step";

/// A pipeline run that this process owns.
#[derive(Debug)]
pub(super) struct LivePipeline {
    pipeline: Pipeline,
    plan: PipelinePlan,
    record: RunRecord,
    ownership: Ownership,
    params: StartRunParams,
    tasks: RunTasks,
    /// What decides the result of each step that was weighed.
    contents: BTreeMap<usize, String>,
    /// Taken over on the way to something else.
    passing: bool,
    /// When the outside was last told.
    told: Option<Instant>,
    /// Whether there is something to tell, which waits for its time.
    is_due: bool,
}

/// A snapshot has all the steps of a pipeline, so while they change one after the other it is told so often.
const BETWEEN_WORDS: Duration = Duration::from_millis(100);

/// What the store keeps of a pipeline run from its plan on. Where it stands is its record's snapshot, and where
/// each step does, a row of its own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct KeptPipeline {
    pub(crate) params: StartRunParams,
    pub(crate) pipeline: PipelinePlan,
}

/// Where a pipeline run stood when its record was last written.
pub(crate) fn stored_pipeline(store: &Store, record: &RunRecord) -> Option<Pipeline> {
    let mut pipeline: Pipeline = serde_json::from_str(record.snapshot.as_deref()?).ok()?;
    let steps = store.standings(&record.id).ok()?;
    // Earlier versions kept the steps in the snapshot.
    if !steps.is_empty() {
        pipeline.steps =
            steps.iter().map(|step| serde_json::from_str(step)).collect::<Result<_, _>>().ok()?;
    }
    Some(pipeline)
}

impl LivePipeline {
    pub(super) fn snapshot(&self) -> RunSnapshot {
        to_proto::pipeline_snapshot(&self.record, &self.pipeline)
    }

    fn run_of(&self, step: usize) -> Option<&RunId> {
        self.pipeline.steps[step].run.as_ref()
    }

    /// What the outside is told now.
    fn word(&mut self) -> Notice {
        self.told = Some(Instant::now());
        self.is_due = false;
        Notice::RunChanged(Box::new(self.snapshot()))
    }

    /// How long nothing is told of its steps from now on.
    fn silence(&self) -> Duration {
        self.told.map_or(Duration::ZERO, |told| BETWEEN_WORDS.saturating_sub(told.elapsed()))
    }
}

impl State {
    pub(crate) fn live_pipelines(&self) -> Vec<RunId> {
        self.pipelines.keys().cloned().collect()
    }

    pub(crate) fn is_live_pipeline(&self, run: &RunId) -> bool {
        self.pipelines.contains_key(run)
    }

    /// What work for a pipeline run ended with.
    pub(crate) fn on_happened(&mut self, id: &RunId, happened: Happened) {
        match happened {
            Happened::Planned(plan, room) => self.become_pipeline(id, *plan, room),
            Happened::Weighed(step, content) => {
                let result = content.as_deref().and_then(|content| self.find_result(content));
                if let (Some(live), Some(content)) = (self.pipelines.get_mut(id), content) {
                    live.contents.insert(step, content);
                }
                self.on_pipeline(id, PipelineEvent::Weighed { step, result });
            }
            Happened::Collected => self.on_pipeline(id, PipelineEvent::Collected),
            Happened::Due => {
                let is_time = |live: &LivePipeline| live.is_due && live.silence().is_zero();
                if let Some(live) = self.pipelines.get_mut(id).filter(|live| is_time(live)) {
                    self.outbox.say(live.word());
                }
            }
        }
    }

    /// The run's spec is a pipeline: what it has been so far was the reading of it.
    fn become_pipeline(&mut self, id: &RunId, plan: PipelinePlan, room: Room) {
        // Cancelled while its spec was read.
        let Some(mut live) = self.runs.remove(id) else { return };
        self.effects.perform(&mut live.tasks, &live.run, Effect::CloseGateway);
        let params = live.tasks.params();
        self.begin_pipeline(live.record, live.ownership, params, plan, live.run.card, room);
    }

    /// Starts a pipeline whose plan is made.
    pub(crate) fn begin_pipeline(
        &mut self,
        mut record: RunRecord,
        ownership: Ownership,
        params: StartRunParams,
        plan: PipelinePlan,
        card: PhaseCard,
        room: Room,
    ) {
        let id = record.id.clone();
        let (pipeline, effects) =
            Pipeline::begin(id.clone(), &plan, card, room, params.force, clock::now_ms());
        record.kind = PIPELINE.to_owned();
        record.experiment.clone_from(&plan.experiment);
        record.display_name.clone_from(&plan.display_name);
        let tasks = self.effects.tasks_for(&id, params.clone(), self.store.folder(&id));
        let kept = KeptPipeline { params: tasks.public_params(), pipeline: plan };
        record.plan = serde_json::to_string(&kept).ok();
        let plan = kept.pipeline;
        let live = LivePipeline {
            pipeline,
            plan,
            record,
            ownership,
            params,
            tasks,
            contents: BTreeMap::new(),
            passing: false,
            told: None,
            is_due: false,
        };
        self.pipelines.insert(id.clone(), live);
        self.settle_pipeline(&id, effects);
    }

    /// Takes over a pipeline run whose owner is gone, after the runs of its steps.
    pub(crate) fn adopt_pipeline(&mut self, record: &RunRecord, ownership: Ownership, adopter: Adopter) {
        let kept = record.plan.as_deref().and_then(|plan| serde_json::from_str::<KeptPipeline>(plan).ok());
        let (Some(kept), Some(pipeline)) = (kept, stored_pipeline(&self.store, record)) else {
            tracing::error!(run = %record.id, "the record of a pipeline run cannot be read");
            return;
        };
        let id = record.id.clone();
        let found: BTreeMap<String, _> = self
            .store
            .steps(&id)
            .unwrap_or_default()
            .into_iter()
            .filter_map(|step| Some((step.step.clone()?, self.standing(&step))))
            .collect();
        let (pipeline, effects) =
            pipeline.adopt(clock::now_ms(), |step: &Step| found.get(&step.name).cloned(), adopter);
        let KeptPipeline { params, pipeline: plan } = kept;
        let tasks = self.effects.tasks_for(&id, params.clone(), self.store.folder(&id));
        let live = LivePipeline {
            pipeline,
            plan,
            record: record.clone(),
            ownership,
            params,
            tasks,
            contents: BTreeMap::new(),
            passing: adopter == Adopter::Passing,
            told: None,
            is_due: false,
        };
        self.pipelines.insert(id.clone(), live);
        self.settle_pipeline(&id, effects);
        self.set_free_with_steps(Some(id));
    }

    /// Where the run of a step stands, here or in the store.
    fn standing(&self, record: &RunRecord) -> (RunId, snapshot::State, Option<Failure>) {
        let stored =
            || record.snapshot.as_deref().and_then(|text| serde_json::from_str::<Snapshot>(text).ok());
        let snapshot = self.live(&record.id).map(Run::snapshot).or_else(stored);
        let state = snapshot.as_ref().map_or(snapshot::State::Lost, |snapshot| snapshot.state);
        (record.id.clone(), state, snapshot.and_then(|snapshot| snapshot.failure))
    }

    /// A pipeline that was taken over in passing is set free with the last of its steps.
    pub(super) fn set_free_with_steps(&mut self, pipeline: Option<RunId>) {
        let Some(id) = pipeline else { return };
        let has_step = self.runs.values().any(|live| live.record.parent.as_ref() == Some(&id));
        let is_left = |live: &LivePipeline| live.passing && !has_step && live.pipeline.has_live_steps();
        if self.pipelines.get(&id).is_some_and(is_left) {
            self.pipelines.remove(&id);
            self.answer_settled();
        }
    }

    /// The step of a pipeline run that is attached to where none is named: the first that was started for a
    /// debugger, those first that are not over.
    pub(super) fn debugged_step(&self, pipeline: &RunRecord) -> Result<RunRecord, Failure> {
        let mut steps = self.store.steps(&pipeline.id)?;
        steps.retain(|step| step.debug);
        steps.sort_by_key(RunRecord::is_final);
        steps.into_iter().next().ok_or_else(|| {
            Failure::new(Blame::User, message!("attach.no-step", run = pipeline.id))
                .with_fix(message!("attach.no-step.fix", run = pipeline.id))
        })
    }

    /// One event of one pipeline run: decide, record, perform, tell.
    pub(crate) fn on_pipeline(&mut self, id: &RunId, event: PipelineEvent) {
        let Some(live) = self.pipelines.get_mut(id) else { return };
        let effects = live.pipeline.on(clock::now_ms(), event);
        self.settle_pipeline(id, effects);
    }

    /// The run of a step changed.
    pub(super) fn step_moved(
        &mut self,
        id: &RunId,
        step: &str,
        snapshot: &Snapshot,
        has_image: bool,
        has_result: bool,
    ) {
        let Some(live) = self.pipelines.get(id) else { return };
        let Some(at) = live.pipeline.steps.iter().position(|known| known.name == step) else { return };
        if snapshot.state == snapshot::State::Completed
            && let Some(content) = live.contents.get(&at)
            && let Err(failure) = self.store.note_result(content, &snapshot.id)
        {
            tracing::warn!(run = %snapshot.id, %failure, "the step's result cannot be reused");
        }
        let (state, failure) = (snapshot.state, snapshot.failure.clone());
        self.on_pipeline(id, PipelineEvent::Moved { step: at, state, has_image, has_result, failure });
    }

    fn settle_pipeline(&mut self, id: &RunId, effects: Vec<PipelineEffect>) {
        self.record_pipeline(id);
        for effect in effects {
            match effect {
                PipelineEffect::Weigh { step } => self.weigh(id, step),
                PipelineEffect::Start { step, is_first_of_image } => {
                    if let Err(failure) = self.start_step(id, step, is_first_of_image) {
                        self.on_pipeline(id, PipelineEvent::NotStarted { step, failure });
                    }
                }
                PipelineEffect::Cancel { step, at_once } => {
                    let run = self.pipelines.get(id).and_then(|live| live.run_of(step).cloned());
                    if let Some(run) = run {
                        self.on_run(&run, RunEvent::CancelRequested { at_once });
                    }
                }
                PipelineEffect::Collect => self.link_outputs(id),
            }
        }
    }

    /// Writes down what has changed and tells the outside: at once where the whole stands differently, and after
    /// a while where only steps do.
    fn record_pipeline(&mut self, id: &RunId) {
        let Some(live) = self.pipelines.get_mut(id) else { return };
        let changes = live.pipeline.take_changes();
        if changes.is_empty() {
            return;
        }
        let json = |step: usize| Some((step, serde_json::to_string(&live.pipeline.steps[step]).ok()?));
        let steps: Vec<_> = changes.steps.iter().copied().filter_map(json).collect();
        if changes.whole {
            let snapshot = live.pipeline.snapshot();
            let record = &mut live.record;
            record.state = snapshot.state.word().to_owned();
            record.started_ms = snapshot.began;
            record.ended_ms =
                snapshot.state.is_final().then(|| record.ended_ms.unwrap_or_else(clock::now_ms));
            record.failure =
                snapshot.failure.as_ref().and_then(|failure| serde_json::to_string(failure).ok());
            record.snapshot = serde_json::to_string(&live.pipeline.without_steps()).ok();
        }
        let record = changes.whole.then_some(&live.record);
        if let Err(failure) = self.store.update_with_steps(&live.ownership, record, &steps) {
            tracing::error!(run = %id, %failure, "the run's record could not be written");
        }
        let silence = live.silence();
        if !changes.whole && !silence.is_zero() {
            if !std::mem::replace(&mut live.is_due, true) {
                self.effects.tell_later(&mut live.tasks, silence);
            }
            return;
        }
        let word = live.word();
        if live.pipeline.is_finished() {
            // The lock is free before anybody is told, so that whoever is told may own the run.
            self.pipelines.remove(id);
            self.answer_settled();
        }
        self.outbox.say(word);
    }

    fn weigh(&mut self, id: &RunId, step: usize) {
        let Some(live) = self.pipelines.get_mut(id) else { return };
        let (store, steps) = (&self.store, &live.pipeline.steps);
        let folder_of = |step: usize| Some(store.folder(steps[step].run.as_ref()?).root().to_owned());
        let content = live.plan.content(step, folder_of);
        self.effects.weigh(&mut live.tasks, step, content);
    }

    fn find_result(&self, content: &str) -> Option<RunId> {
        self.store.find_result(content).unwrap_or_else(|failure| {
            tracing::warn!(%failure, "earlier results cannot be looked for");
            None
        })
    }

    /// Gives a step a run: name, folder, owner and record first, as every run.
    fn start_step(&mut self, id: &RunId, step: usize, is_first_of_image: bool) -> Result<(), Failure> {
        let Some(live) = self.pipelines.get(id) else { return Ok(()) };
        let now = clock::now_ms();
        let planned = &live.plan.steps[step];
        let experiment = &live.record.experiment;
        let run_id = self.store.new_run_id(experiment, now)?;
        let mut record = RunRecord::new(run_id.clone(), experiment, live.record.spec.clone(), now);
        record.kind = STEP.to_owned();
        record.parent = Some(id.clone());
        record.step = Some(planned.name.clone());
        record.debug = planned.debug;
        let mut params = live.params.clone();
        params.debug = planned.debug;
        params.inputs.clear();
        params.rebuild &= is_first_of_image;
        params.pull &= is_first_of_image;
        let folder = self.store.folder(&run_id);
        let folder_of = |step| Some(self.store.folder(live.run_of(step)?).root().to_owned());
        let plan = live.plan.for_run(step, &run_id, folder.root(), id, folder_of);
        let ownership = self.store.begin(&record)?;
        let (run, effects) = Run::start_planned(run_id.clone(), wish(self, &params), plan, now);
        self.on_pipeline(id, PipelineEvent::Started { step, run: run_id });
        self.take_in(run, record, ownership, params, effects);
        Ok(())
    }

    fn link_outputs(&mut self, id: &RunId) {
        let Some(live) = self.pipelines.get_mut(id) else { return };
        let steps = &live.pipeline.steps;
        let outputs: Vec<(String, PathBuf)> = live
            .pipeline
            .outputs
            .iter()
            .filter(|(_, source)| steps[source.step].is_well())
            .filter_map(|(name, source)| {
                let folder = self.store.folder(steps[source.step].run.as_ref()?);
                Some((name.clone(), folder.named_outputs().join(&source.output)))
            })
            .collect();
        self.effects.link_outputs(&mut live.tasks, outputs);
    }
}

#[cfg(test)]
mod tests;
