//! One pipeline run: which step starts when, from its plan to its end. Events in, effects out.
//!
//! ```text
//! running ─► collecting ─► finished          of a step:  pending ─► weighing ─► live ─► ended
//!    └─ cancel ─► stopping ─┘                                └─► skipped   └─► reused
//! ```
//!
//! A step that runs is an ordinary [`crate::run::Run`] with a life of its own; what happens to it arrives here
//! as [`PipelineEvent::Moved`]. [`Pipeline::on`] is the only way to change a pipeline, every effect but
//! [`PipelineEffect::Cancel`] answers with one event, and a step starts only when every step whose outputs it
//! takes has given them. It does not wait for their containers to be removed; the end of the whole does.

pub mod room;

use crate::failure::{Blame, Failure};
use crate::ids::RunId;
use crate::message;
use crate::plan::image::ImagePlan;
use crate::plan::pipeline::{PipelinePlan, Source, heights, needs};
use crate::run::adopt::Adopter;
use crate::run::card::{PhaseCard, PhaseName};
use crate::run::snapshot::{Snapshot, State};
use crate::run::{End, Millis};
use room::{Demand, Load, Room};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap, HashSet};

/// A pipeline run: its steps, where each stands, and how long all of it took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pipeline {
    /// Name of the run.
    pub id: RunId,
    /// The steps, in the order of the plan.
    pub steps: Vec<Step>,
    /// Outputs of the pipeline and where they come from.
    pub outputs: Vec<(String, Source)>,
    /// The phases of the whole.
    pub card: PhaseCard,
    /// Why it did not succeed.
    pub failure: Option<Failure>,
    stage: Stage,
    room: Room,
    continues_on_failure: bool,
    /// Whether whoever has it is only passing by: what runs is watched, nothing new starts.
    #[serde(skip)]
    is_held: bool,
    /// What has changed since that was last asked.
    #[serde(skip)]
    changes: Changes,
}

/// What of a pipeline stands differently than before. A pipeline may have thousands of steps and each of them
/// changes a dozen times, so whoever writes it down writes these and not the whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Its steps, by their places.
    pub steps: BTreeSet<usize>,
    /// Whether what it is beside its steps has changed: how far it is, its phases, its failure.
    pub whole: bool,
}

impl Changes {
    /// Whether everything is as it was.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && !self.whole
    }
}

/// One step of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// Whether a debugger is wanted in it.
    pub debug: bool,
    /// Inputs that are outputs of other steps.
    pub sources: Vec<(String, Source)>,
    /// Where it stands.
    pub state: StepState,
    /// The run that is this step; of a reused step the earlier one.
    pub run: Option<RunId>,
    /// When its turn came.
    pub began: Option<Millis>,
    /// When it ended.
    pub ended: Option<Millis>,
    /// Steps with the same number run from the same image.
    image: usize,
    demand: Demand,
    /// The longest chain of steps that wait for it.
    height: u32,
    reuse: Reuse,
}

/// What an earlier result is worth to a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Reuse {
    /// An earlier result will do, and this one may be taken later.
    Allowed,
    /// It runs in any case, and its result may be taken later.
    Forced,
    /// Nobody knows what comes of it: a debugger may change it, or it says so itself.
    Never,
}

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "at", rename_all = "camelCase")]
pub enum StepState {
    /// Its turn has not come.
    Pending,
    /// An earlier result of the same content is looked for.
    Weighing,
    /// It is started, or its run goes on.
    Live {
        /// The run's state.
        state: State,
        /// Whether its image is there.
        has_image: bool,
        /// Whether its outputs are there, and only its container is still to go.
        #[serde(default)]
        has_result: bool,
    },
    /// An earlier result took its place.
    Reused,
    /// Its run has ended.
    Ended {
        /// How.
        end: End,
    },
    /// It never ran.
    Skipped,
}

/// Where the whole stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "at", rename_all = "camelCase")]
enum Stage {
    Running,
    Stopping,
    Collecting { end: End },
    Finished { end: End },
}

/// What can happen to a pipeline run.
#[derive(Debug, Clone, PartialEq)]
pub enum PipelineEvent {
    /// Whether an earlier run of the same content ended well.
    Weighed {
        /// Which step.
        step: usize,
        /// That run.
        result: Option<RunId>,
    },
    /// The step has a run with a record.
    Started {
        /// Which step.
        step: usize,
        /// Its run.
        run: RunId,
    },
    /// The step could not be given a run.
    NotStarted {
        /// Which step.
        step: usize,
        /// Why.
        failure: Failure,
    },
    /// The step's run changed.
    Moved {
        /// Which step.
        step: usize,
        /// The run's state.
        state: State,
        /// Whether its image is there.
        has_image: bool,
        /// Whether it went well, and only its container is still to go.
        has_result: bool,
        /// Why it did not succeed.
        failure: Option<Failure>,
    },
    /// The user asks for the end.
    CancelRequested {
        /// Without any grace.
        at_once: bool,
    },
    /// The pipeline's own outputs are in its folder.
    Collected,
}

/// What a pipeline run asks the sidecar to do; the comment names the event that answers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PipelineEffect {
    /// Look for an earlier result of the same content → `Weighed`.
    Weigh {
        /// Which step.
        step: usize,
    },
    /// Give the step a run → `Started` or `NotStarted`, later `Moved`….
    Start {
        /// Which step.
        step: usize,
        /// Whether it is the first to ask for its image: who asked for a new one gets it once.
        is_first_of_image: bool,
    },
    /// End the step's run. The run's own end comes as `Moved`.
    Cancel {
        /// Which step.
        step: usize,
        /// Without any grace.
        at_once: bool,
    },
    /// Put the pipeline's outputs into its folder → `Collected`.
    Collect,
}

impl Pipeline {
    /// A pipeline whose plan is made, and the steps that start at once. `card` has the phases so far; `force`
    /// runs every step although earlier results would do.
    pub fn begin(
        id: RunId,
        plan: &PipelinePlan,
        card: PhaseCard,
        room: Room,
        force: bool,
        at: Millis,
    ) -> (Self, Vec<PipelineEffect>) {
        let before: Vec<Vec<usize>> = plan.steps.iter().map(|step| needs(&step.sources)).collect();
        // A plan has no cycle: one that has is refused when it is made.
        let heights = heights(&before).unwrap_or_else(|_| vec![1; before.len()]);
        let mut images = HashMap::new();
        let steps = plan.steps.iter().zip(heights).map(|(step, height)| Step {
            name: step.name.clone(),
            debug: step.debug,
            sources: step.sources.clone(),
            state: StepState::Pending,
            run: None,
            began: None,
            ended: None,
            image: number_of(&mut images, &step.plan.image),
            demand: Demand::of(&step.plan.container.limits),
            height,
            reuse: match (step.debug || !step.is_deterministic, force || plan.force_rerun) {
                (true, _) => Reuse::Never,
                (false, true) => Reuse::Forced,
                (false, false) => Reuse::Allowed,
            },
        });
        let mut pipeline = Self {
            id,
            steps: steps.collect(),
            outputs: plan.outputs.clone(),
            card,
            failure: None,
            stage: Stage::Running,
            room,
            continues_on_failure: plan.continue_on_step_failure,
            is_held: false,
            changes: Changes { steps: (0..plan.steps.len()).collect(), whole: true },
        };
        pipeline.card.end_ok(PhaseName::Resolve, at, None);
        pipeline.card.begin(PhaseName::Run, at);
        let effects = pipeline.advance(at);
        (pipeline, effects)
    }

    /// Takes one event and says what has to happen next.
    pub fn on(&mut self, at: Millis, event: PipelineEvent) -> Vec<PipelineEffect> {
        let before = (self.stage, self.card.clone(), self.failure.clone());
        let effects = self.take(at, event);
        self.changes.whole |= before != (self.stage, self.card.clone(), self.failure.clone());
        effects
    }

    fn take(&mut self, at: Millis, event: PipelineEvent) -> Vec<PipelineEffect> {
        match event {
            PipelineEvent::Weighed { step, result } => self.weighed(at, step, result),
            PipelineEvent::Started { step, run } => {
                self.step(step).run = Some(run);
                vec![]
            }
            PipelineEvent::NotStarted { step, failure } => {
                self.ended(at, step, End::Failed, Some(failure));
                self.advance(at)
            }
            PipelineEvent::Moved { step, state, has_image, has_result, failure } => {
                let now = StepState::Live { state, has_image, has_result };
                self.moved(at, step, now, failure)
            }
            PipelineEvent::CancelRequested { at_once } => self.cancel(at, at_once),
            PipelineEvent::Collected => self.collected(at),
        }
    }

    /// Takes the pipeline over from an owner that is gone. The steps' runs have been taken over before:
    /// `found` is where each of them stands, `None` where there is no such run.
    pub fn adopt(
        mut self,
        at: Millis,
        found: impl Fn(&Step) -> Option<(RunId, State, Option<Failure>)>,
        adopter: Adopter,
    ) -> (Self, Vec<PipelineEffect>) {
        self.is_held = adopter == Adopter::Passing;
        // Whoever wrote it down may have done it in another way.
        self.changes = Changes { steps: (0..self.steps.len()).collect(), whole: true };
        for step in 0..self.steps.len() {
            if self.steps[step].is_over() {
                continue;
            }
            match found(&self.steps[step]) {
                // Its run went with its owner before the command can have done anything: once more.
                Some((_, State::Lost, _)) if !self.is_held => self.step(step).state = StepState::Pending,
                None => self.step(step).state = StepState::Pending,
                Some((run, State::Lost, _)) => {
                    let step = self.step(step);
                    step.run = Some(run);
                    step.state = StepState::Ended { end: End::Lost };
                    step.ended = Some(at);
                }
                Some((run, state, failure)) => {
                    self.step(step).run = Some(run);
                    let now = StepState::Live { state, has_image: true, has_result: false };
                    self.note(at, step, now, failure);
                }
            }
        }
        let effects = match self.stage {
            Stage::Collecting { .. } => vec![PipelineEffect::Collect],
            Stage::Stopping => self.cancel(at, false),
            Stage::Running | Stage::Finished { .. } => self.advance(at),
        };
        (self, effects)
    }

    /// What has changed since this was last asked: everything of a new pipeline and of one that was taken over.
    pub fn take_changes(&mut self) -> Changes {
        std::mem::take(&mut self.changes)
    }

    /// The pipeline without its steps, which are kept one by one.
    pub fn without_steps(&self) -> Self {
        Self {
            id: self.id.clone(),
            steps: Vec::new(),
            outputs: self.outputs.clone(),
            card: self.card.clone(),
            failure: self.failure.clone(),
            stage: self.stage,
            room: self.room,
            continues_on_failure: self.continues_on_failure,
            is_held: self.is_held,
            changes: Changes::default(),
        }
    }

    /// A step that is about to change.
    fn step(&mut self, step: usize) -> &mut Step {
        self.changes.steps.insert(step);
        &mut self.steps[step]
    }

    /// Whether the pipeline has ended and nothing is left to do.
    pub fn is_finished(&self) -> bool {
        matches!(self.stage, Stage::Finished { .. })
    }

    /// Whether it waits for a run of one of its steps.
    pub fn has_live_steps(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.state, StepState::Weighing | StepState::Live { .. }))
    }

    /// What the machine had when it began.
    pub fn room(&self) -> Room {
        self.room
    }

    /// Whether the content of a step's result is worth knowing, for now or for later.
    pub fn may_be_reused(&self, step: usize) -> bool {
        self.steps[step].reuse != Reuse::Never
    }

    /// The state word of the whole.
    pub fn state(&self) -> State {
        match self.stage {
            Stage::Running => State::Running,
            Stage::Stopping | Stage::Collecting { .. } => State::Stopping,
            Stage::Finished { end } => end.state(),
        }
    }

    /// The pipeline as the outside sees it, without its steps.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            service: None,
            id: self.id.clone(),
            state: self.state(),
            card: self.card.clone(),
            image: None,
            making: Vec::new(),
            container: None,
            gateway_port: None,
            mapping: None,
            attached: false,
            exit_code: None,
            failure: self.failure.clone(),
            began: self.card.0.first().map(|phase| phase.began),
        }
    }

    fn weighed(&mut self, at: Millis, step: usize, result: Option<RunId>) -> Vec<PipelineEffect> {
        if self.steps[step].state != StepState::Weighing {
            return vec![];
        }
        match result.filter(|_| self.steps[step].reuse == Reuse::Allowed) {
            Some(run) => {
                let step = self.step(step);
                step.run = Some(run);
                step.state = StepState::Reused;
                step.ended = Some(at);
                self.advance(at)
            }
            None if self.stage == Stage::Running => self.start(step),
            None => {
                self.step(step).state = StepState::Skipped;
                self.advance(at)
            }
        }
    }

    fn start(&mut self, step: usize) -> Vec<PipelineEffect> {
        let image = self.steps[step].image;
        let is_first_of_image = !self.steps.iter().any(|other| other.image == image && other.has_image());
        self.step(step).state =
            StepState::Live { state: State::Preparing, has_image: false, has_result: false };
        vec![PipelineEffect::Start { step, is_first_of_image }]
    }

    fn moved(
        &mut self,
        at: Millis,
        step: usize,
        now: StepState,
        failure: Option<Failure>,
    ) -> Vec<PipelineEffect> {
        if self.steps[step].is_over() {
            return vec![];
        }
        let stands = |step: &Step| (step.is_over(), step.is_well(), step.has_image());
        let before = stands(&self.steps[step]);
        self.note(at, step, now, failure);
        if stands(&self.steps[step]) == before { vec![] } else { self.advance(at) }
    }

    /// Where the run of a step stands now, as [`StepState::Live`] says it.
    fn note(&mut self, at: Millis, step: usize, now: StepState, failure: Option<Failure>) {
        let StepState::Live { state, .. } = now else { return };
        let end = match state {
            State::Completed => End::Completed,
            State::Failed => End::Failed,
            State::Cancelled => End::Cancelled,
            State::Lost => End::Lost,
            State::Preparing | State::Waiting | State::Running | State::Paused | State::Stopping => {
                if self.steps[step].state != now {
                    self.step(step).state = now;
                }
                return;
            }
        };
        self.ended(at, step, end, failure);
    }

    fn ended(&mut self, at: Millis, step: usize, end: End, failure: Option<Failure>) {
        let of_step = self.step(step);
        of_step.state = StepState::Ended { end };
        of_step.ended = Some(at);
        if end == End::Completed || self.failure.is_some() {
            return;
        }
        let name = &self.steps[step].name;
        let fix = message!("pipeline.step-failed.fix", run = self.id, step = name);
        let failure =
            failure.unwrap_or_else(|| Failure::new(Blame::Internal, message!("pipeline.step-gone")));
        self.failure = Some(Failure {
            blame: failure.blame,
            what: message!("pipeline.in-step", step = name, problem = failure.what),
            detail: failure.detail,
            said: failure.said,
            fix: Some(fix),
        });
    }

    /// Starts what can start, and ends the whole when nothing can any more.
    fn advance(&mut self, at: Millis) -> Vec<PipelineEffect> {
        if matches!(self.stage, Stage::Collecting { .. } | Stage::Finished { .. }) {
            return vec![];
        }
        self.skip(at);
        let mut effects = Vec::new();
        if self.stage == Stage::Running && !self.is_held {
            let mut floor = Floor::of(&self.steps);
            for step in self.ready() {
                if floor.has_place_for(&self.steps[step], self.room) {
                    effects.extend(self.take_turn(at, step));
                    floor.add(&self.steps[step]);
                }
            }
        }
        if effects.is_empty() && !self.has_live_steps() {
            effects.extend(self.conclude(at));
        }
        effects
    }

    fn take_turn(&mut self, at: Millis, step: usize) -> Vec<PipelineEffect> {
        self.step(step).began = Some(at);
        if self.may_be_reused(step) {
            self.step(step).state = StepState::Weighing;
            return vec![PipelineEffect::Weigh { step }];
        }
        self.start(step)
    }

    /// Steps whose turn cannot come any more.
    fn skip(&mut self, at: Millis) {
        let stops = self.failure.is_some() && !self.continues_on_failure;
        if self.stage == Stage::Stopping || stops {
            self.skip_pending(at);
        }
        // Whoever waits for a step that was skipped is skipped too.
        loop {
            let lost: Vec<usize> = (0..self.steps.len()).filter(|step| self.waits_in_vain(*step)).collect();
            if lost.is_empty() {
                return;
            }
            lost.into_iter().for_each(|step| self.step(step).skip(at));
        }
    }

    fn skip_pending(&mut self, at: Millis) {
        let is_pending = |step: &usize| self.steps[*step].state == StepState::Pending;
        let pending: Vec<usize> = (0..self.steps.len()).filter(is_pending).collect();
        pending.into_iter().for_each(|step| self.step(step).skip(at));
    }

    fn waits_in_vain(&self, step: usize) -> bool {
        let step = &self.steps[step];
        step.state == StepState::Pending
            && step.sources.iter().any(|(_, source)| {
                let before = &self.steps[source.step];
                before.is_over() && !before.is_well()
            })
    }

    /// Steps that may start, those first for which the longest chain waits.
    fn ready(&self) -> Vec<usize> {
        let is_ready = |step: &Step| {
            step.state == StepState::Pending
                && step.sources.iter().all(|(_, source)| self.steps[source.step].is_well())
        };
        let mut ready: Vec<usize> =
            (0..self.steps.len()).filter(|step| is_ready(&self.steps[*step])).collect();
        ready.sort_by_key(|step| std::cmp::Reverse(self.steps[*step].height));
        ready
    }

    fn conclude(&mut self, at: Millis) -> Vec<PipelineEffect> {
        let is_undone =
            |step: &Step| matches!(step.state, StepState::Pending | StepState::Ended { end: End::Lost });
        let end = if self.stage == Stage::Stopping {
            self.failure = Some(Failure::new(Blame::Cancelled, message!("run.cancelled")));
            End::Cancelled
        } else if self.is_held && self.steps.iter().any(is_undone) {
            // It is held: what it would still have to do, nobody is there to do.
            self.failure = Some(
                Failure::new(
                    Blame::Environment,
                    message!("adopt.owner-gone", phase = PhaseName::Run.title()),
                )
                .with_fix(message!("pipeline.owner-gone.fix", run = self.id)),
            );
            self.skip_pending(at);
            End::Lost
        } else if self.failure.is_some() {
            End::Failed
        } else {
            End::Completed
        };
        match (end, &self.failure) {
            (End::Failed | End::Lost, Some(failure)) => {
                self.card.end_failed(PhaseName::Run, at, &failure.clone());
            }
            (End::Cancelled, _) => self.card.end_cancelled(PhaseName::Run, at),
            _ => self.card.end_ok(PhaseName::Run, at, self.note_of_reuse()),
        }
        self.card.begin(PhaseName::Collect, at);
        self.stage = Stage::Collecting { end };
        vec![PipelineEffect::Collect]
    }

    fn note_of_reuse(&self) -> Option<message::Message> {
        let reused = self.steps.iter().filter(|step| step.state == StepState::Reused).count();
        (reused > 0).then(|| message!("pipeline.reused", count = reused, all = self.steps.len()))
    }

    fn collected(&mut self, at: Millis) -> Vec<PipelineEffect> {
        if let Stage::Collecting { end } = self.stage {
            self.card.end_ok(PhaseName::Collect, at, None);
            self.stage = Stage::Finished { end };
        }
        vec![]
    }

    fn cancel(&mut self, at: Millis, at_once: bool) -> Vec<PipelineEffect> {
        if !matches!(self.stage, Stage::Running | Stage::Stopping) {
            return vec![];
        }
        self.stage = Stage::Stopping;
        let is_live =
            |step: &usize| matches!(self.steps[*step].state, StepState::Live { has_result: false, .. });
        let live: Vec<usize> = (0..self.steps.len()).filter(is_live).collect();
        let mut effects = self.advance(at);
        effects.extend(live.into_iter().map(|step| PipelineEffect::Cancel { step, at_once }));
        effects
    }
}

impl Step {
    /// Whether it holds a place among those that run.
    fn is_active(&self) -> bool {
        matches!(self.state, StepState::Weighing | StepState::Live { has_result: false, .. })
    }

    /// Whether nothing more will happen to it.
    pub fn is_over(&self) -> bool {
        matches!(self.state, StepState::Reused | StepState::Ended { .. } | StepState::Skipped)
    }

    /// Whether its outputs are there.
    pub fn is_well(&self) -> bool {
        matches!(
            self.state,
            StepState::Reused
                | StepState::Ended { end: End::Completed }
                | StepState::Live { has_result: true, .. }
        )
    }

    fn has_image(&self) -> bool {
        matches!(
            self.state,
            StepState::Live { has_image: true, .. } | StepState::Ended { end: End::Completed }
        )
    }

    fn skip(&mut self, at: Millis) {
        self.state = StepState::Skipped;
        self.ended = self.began.and(Some(at));
    }

    /// Its state in the words of the wire: those of a run, `pending` and `skipped`.
    pub fn word(&self) -> &'static str {
        match self.state {
            StepState::Pending => "pending",
            StepState::Weighing => State::Preparing.word(),
            StepState::Live { state, .. } => state.word(),
            StepState::Reused => State::Completed.word(),
            StepState::Ended { end } => end.state().word(),
            StepState::Skipped => "skipped",
        }
    }
}

/// What the steps that run take, and which images are there or in hand: seen once for all that might start.
#[derive(Debug, Default)]
struct Floor {
    load: Load,
    there: HashSet<usize>,
    in_hand: HashSet<usize>,
}

impl Floor {
    fn of(steps: &[Step]) -> Self {
        let mut floor = Self::default();
        steps.iter().for_each(|step| floor.add(step));
        floor
    }

    fn add(&mut self, step: &Step) {
        if step.has_image() {
            self.there.insert(step.image);
        }
        if step.is_active() {
            self.load.add(step.demand);
            if !step.has_image() {
                self.in_hand.insert(step.image);
            }
        }
    }

    /// Whether there is room for it, and nobody is at its image just now: two that build the same image would
    /// build it twice.
    fn has_place_for(&self, step: &Step, room: Room) -> bool {
        let is_free = self.there.contains(&step.image) || !self.in_hand.contains(&step.image);
        is_free && room.has_place_for(step.demand, self.load)
    }
}

/// The number of an image among those seen so far, by its content.
fn number_of(images: &mut HashMap<String, usize>, image: &ImagePlan) -> usize {
    let next = images.len();
    *images.entry(serde_json::json!(image).to_string()).or_insert(next)
}

#[cfg(test)]
mod tests;
