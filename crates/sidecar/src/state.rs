//! What the process knows. A plain value: no lock, no reference counting, one owner.

mod pipelines;

pub(crate) use pipelines::{KeptPipeline, PIPELINE, stored_pipeline};

use crate::effects::{Effects, RunTasks};
use crate::handlers::deployments;
use crate::handlers::images::OnEngine;
use crate::main_loop::{Event, Reply, give};
use crate::outbox::{Notice, Outbox, Progress};
use crate::settings::Settings;
use crate::store::{Ownership, RunRecord, Store};
use crate::{attach, clock, to_proto, warm};
use engine::attach::AttachEntry;
use engine::failure::{Blame, Failure};
use engine::ids::{ImageRef, RunId};
use engine::ledger::ImageRecord;
use engine::message;
use engine::run::Run;
use engine::run::adopt::Adopter;
use engine::run::effect::Effect;
use engine::run::event::RunEvent;
use protocol::run::{RunSnapshot, StartRunParams};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

/// Everything that the owner loop owns.
#[derive(Debug)]
pub struct State {
    /// Where settings, flags and the environment have been resolved to.
    pub settings: Settings,
    /// The workspace store.
    pub store: Store,
    /// The way out.
    pub outbox: Outbox,
    /// The doer.
    pub effects: Effects,
    runs: BTreeMap<RunId, Live>,
    pipelines: BTreeMap<RunId, pipelines::LivePipeline>,
    /// What was asked of other processes' runs and nobody has taken yet, and when to look after it.
    pub(crate) asked: BTreeMap<(RunId, &'static str), Instant>,
    /// Whoever waits until runs that were taken over have true records.
    settling: Vec<Settling>,
    /// Steps on nodes that are followed, by what they were called.
    remotes: BTreeMap<String, AbortHandle>,
    /// How many were followed.
    remotes_begun: u32,
    /// Which images of ours the engine has, as far as somebody has asked.
    pub(crate) on_engine: Option<OnEngine>,
}

/// Runs that were taken over, and who waits for them.
#[derive(Debug)]
struct Settling {
    runs: Vec<RunId>,
    reply: Reply<()>,
}

/// A run that this process owns.
#[derive(Debug)]
struct Live {
    run: Run,
    record: RunRecord,
    ownership: Ownership,
    tasks: RunTasks,
    /// Taken over on the way to something else: set free again as soon as its record is true.
    passing: bool,
}

/// What the store keeps of a run beside its columns: enough to adopt it and to run it again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) params: StartRunParams,
    pub(crate) run: Run,
}

impl State {
    /// A process that owns no run yet.
    pub fn new(
        settings: Settings,
        store: Store,
        outbox: Outbox,
        inbox: mpsc::UnboundedSender<Event>,
    ) -> Self {
        let effects = Effects::new(settings.clone(), store.id().clone(), inbox);
        Self {
            settings,
            store,
            outbox,
            effects,
            runs: BTreeMap::new(),
            pipelines: BTreeMap::new(),
            asked: BTreeMap::new(),
            settling: Vec::new(),
            remotes: BTreeMap::new(),
            remotes_begun: 0,
            on_engine: None,
        }
    }

    /// Takes in what follows a step on a node, and answers what it is called.
    pub(crate) fn new_remote(&mut self, begin: impl FnOnce(&str) -> AbortHandle) -> String {
        self.remotes.retain(|_, task| !task.is_finished());
        self.remotes_begun += 1;
        let id = format!("remote-{}", self.remotes_begun);
        self.remotes.insert(id.clone(), begin(&id));
        id
    }

    /// Ends what follows a step on a node.
    pub(crate) fn leave_remote(&mut self, id: &str) {
        if let Some(task) = self.remotes.remove(id) {
            task.abort();
        }
    }

    /// Whether time means anything to this process.
    pub(crate) fn has_to_tick(&self) -> bool {
        !self.runs.is_empty() || !self.pipelines.is_empty() || !self.asked.is_empty()
    }

    pub(crate) fn live_runs(&self) -> Vec<RunId> {
        self.runs.keys().cloned().collect()
    }

    pub(crate) fn live(&self, run: &RunId) -> Option<&Run> {
        self.runs.get(run).map(|live| &live.run)
    }

    /// Takes a run in, performs what it asks for first, and tells the outside.
    pub(crate) fn take_in(
        &mut self,
        run: Run,
        record: RunRecord,
        ownership: Ownership,
        params: StartRunParams,
        effects: Vec<Effect>,
    ) {
        let id = run.id.clone();
        let tasks = self.effects.tasks_for(&id, params, self.store.folder(&id));
        self.runs.insert(id.clone(), Live { run, record, ownership, tasks, passing: false });
        self.settle(&id, effects, true);
    }

    /// The same for a run whose owner is gone.
    pub(crate) fn adopt(
        &mut self,
        run: Run,
        record: RunRecord,
        ownership: Ownership,
        params: StartRunParams,
        effects: Vec<Effect>,
        adopter: Adopter,
    ) {
        let id = run.id.clone();
        self.take_in(run, record, ownership, params, effects);
        if let Some(live) = self.runs.get_mut(&id) {
            live.passing = adopter == Adopter::Passing;
        }
    }

    /// One event of one run: decide, perform, record, tell.
    pub(crate) fn on_run(&mut self, id: &RunId, event: RunEvent) {
        // A run that has ended here may still be spoken of by work that was in flight.
        let Some(live) = self.runs.get_mut(id) else { return };
        let caught_up = event == RunEvent::CaughtUp;
        let before = live.run.snapshot();
        let effects = live.run.on(clock::now_ms(), event);
        let changed = live.run.snapshot() != before;
        let set_free = caught_up && live.passing;
        self.settle(id, effects, changed);
        if set_free {
            let parent = self.runs.remove(id).and_then(|live| live.record.parent);
            self.set_free_with_steps(parent);
            self.answer_settled();
        }
    }

    /// Sends away whoever debugs a run of ours.
    pub(crate) fn release_debugger(&mut self, id: &RunId) {
        if let Some(live) = self.runs.get(id) {
            live.tasks.release_debugger();
        }
    }

    /// Answers when none of these runs is in hand any more.
    pub(crate) fn answer_when_settled(&mut self, runs: Vec<RunId>, reply: Reply<()>) {
        self.settling.push(Settling { runs, reply });
        self.answer_settled();
    }

    fn answer_settled(&mut self) {
        let (done, open) = std::mem::take(&mut self.settling)
            .into_iter()
            .partition(|settling: &Settling| settling.runs.iter().all(|run| !self.has(run)));
        self.settling = open;
        let done: Vec<Settling> = done;
        for settling in done {
            give(settling.reply, Ok(()));
        }
    }

    fn has(&self, run: &RunId) -> bool {
        self.runs.contains_key(run) || self.pipelines.contains_key(run)
    }

    pub(crate) fn on_progress(&mut self, id: &RunId, progress: Progress) {
        self.on_run(id, RunEvent::Progress);
        self.outbox.say(Notice::Progress(id.clone(), progress));
    }

    fn settle(&mut self, id: &RunId, effects: Vec<Effect>, changed: bool) {
        let Some(live) = self.runs.get_mut(id) else { return };
        // The record comes first: whatever an effect leaves on the engine, somebody will know of it.
        if changed {
            let snapshot = write_record(&mut self.store, live);
            if let Err(failure) = &snapshot {
                tracing::error!(run = %id, %failure, "the run's record could not be written");
            }
        }
        for effect in effects {
            match effect {
                Effect::OpenGateway => {
                    let (folder, target) = attach::place(&live.record.spec, live.record.step.as_deref());
                    let port = self.store.port_for(&folder, &target).unwrap_or(0);
                    self.effects.open_gateway(&mut live.tasks, port);
                }
                Effect::NoteImage { name, base, parts, size, built } => {
                    note_image(&mut self.store, name, base, parts, size, built);
                    // What the engine had before it had this one is not worth a word any more.
                    self.on_engine = None;
                }
                Effect::CreateContainer(mut container) => {
                    let wish = live.tasks.public_params().deployment;
                    match deployments::last_look(&mut live.run, &mut container, wish.as_ref()) {
                        Ok(()) => {
                            let create = Effect::CreateContainer(container);
                            self.effects.perform(&mut live.tasks, &live.run, create);
                        }
                        Err(failure) => {
                            let event = Event::Run(id.clone(), RunEvent::Failed(failure));
                            let _ = self.effects.inbox().send(event);
                        }
                    }
                }
                Effect::OfferDebugger => {
                    if let Some((_, entry)) = entry_of(&live.run, &live.record) {
                        self.outbox.say(Notice::DebuggerReady(id.clone(), Box::new(entry)));
                    }
                }
                Effect::OfferMapping(proposal) => {
                    self.outbox.say(Notice::MappingProposed(id.clone(), Box::new(proposal)));
                }
                effect => self.effects.perform(&mut live.tasks, &live.run, effect),
            }
        }
        if changed {
            let snapshot = live.run.snapshot();
            let told = to_proto::run_snapshot(&live.record, &snapshot);
            let told = with_warmth(&self.settings, told);
            let of_pipeline = live.record.parent.clone().zip(live.record.step.clone());
            let (has_image, has_result) = (live.run.image.is_some(), live.run.has_result());
            if live.run.is_finished() {
                // The lock is free before anybody is told, so that whoever is told may own the run.
                self.runs.remove(id);
                self.answer_settled();
            }
            self.outbox.say(Notice::RunChanged(Box::new(told)));
            if let Some((pipeline, step)) = of_pipeline {
                self.step_moved(&pipeline, &step, &snapshot, has_image, has_result);
                self.set_free_with_steps(Some(pipeline));
            }
        }
    }

    /// The launch.json entry of a run, live or not, and the folder whose `.vscode` it belongs to.
    pub(crate) fn attach_entry(&mut self, record: &RunRecord) -> Result<(PathBuf, AttachEntry), Failure> {
        if record.kind == PIPELINE {
            let step = self.debugged_step(record)?;
            return self.attach_entry(&step);
        }
        let (folder, target) = attach::place(&record.spec, record.step.as_deref());
        let live = self.runs.get(&record.id).and_then(|live| entry_of(&live.run, &live.record));
        if let Some(entry) = live {
            return Ok(entry);
        }
        let kept = record.plan.as_deref().and_then(|plan| serde_json::from_str::<Kept>(plan).ok());
        let Some(plan) = kept.and_then(|kept| kept.run.plan) else {
            return Err(Failure::new(Blame::User, message!("attach.no-plan", run = record.id))
                .with_fix(message!("attach.no-plan.fix")));
        };
        // Without our debugger a script may still bring its own.
        let listener = plan.listener().filter(|_| !record.debug);
        let port = match listener {
            Some(port) => port,
            None => self.store.port_for(&folder, &target)?,
        };
        let entry = attach::entry(&folder, &plan, record.step.as_deref(), port);
        Ok((folder, entry))
    }

    /// Takes a removed image off the ledger.
    pub(crate) fn forget_image(&mut self, image: &ImageRef) {
        if let Err(failure) = self.store.forget_image(image) {
            tracing::warn!(%image, %failure, "the removed image stays in the ledger");
        }
    }

    /// A run as the outside sees it, live or from the store.
    pub(crate) fn snapshot_of(&self, record: &RunRecord) -> RunSnapshot {
        if let Some(live) = self.pipelines.get(&record.id) {
            return live.snapshot();
        }
        if let Some(live) = self.runs.get(&record.id) {
            return to_proto::run_snapshot(&live.record, &live.run.snapshot());
        }
        if record.kind == PIPELINE
            && let Some(pipeline) = stored_pipeline(&self.store, record)
        {
            return to_proto::pipeline_snapshot(record, &pipeline);
        }
        // Who cannot be asked is not said to be gone.
        let is_owned = || self.store.is_owned(&record.id).unwrap_or(true);
        with_warmth(&self.settings, to_proto::stored_snapshot(record, is_owned))
    }

    /// Tells that the container of a run that has ended is not warm any more: it is gone, or another run's.
    pub(crate) fn cooled(&mut self, run: &RunId) {
        if let Ok(Some(record)) = self.store.get(run) {
            let snapshot = self.snapshot_of(&record);
            self.outbox.say(Notice::RunChanged(Box::new(snapshot)));
        }
    }
}

fn with_warmth(settings: &Settings, snapshot: RunSnapshot) -> RunSnapshot {
    let is_over = snapshot.debug && snapshot.ended_at.is_some();
    let warm_until = is_over.then(|| warm::until(&settings.home, &snapshot.run)).flatten();
    RunSnapshot { warm_until, ..snapshot }
}

fn entry_of(run: &Run, record: &RunRecord) -> Option<(PathBuf, AttachEntry)> {
    let step = record.step.as_deref();
    let (folder, _) = attach::place(&record.spec, step);
    let entry = attach::entry(&folder, run.plan.as_deref()?, step, run.gateway_port?);
    Some((folder, entry))
}

/// The ledger is a convenience: a run goes on without it.
fn note_image(
    store: &mut Store,
    name: ImageRef,
    base: Option<ImageRef>,
    parts: BTreeMap<String, String>,
    size: u64,
    built: bool,
) {
    let now = clock::now_ms();
    let known =
        !built && store.list_images().is_ok_and(|images| images.iter().any(|image| image.name == name));
    let noted = if known {
        store.touch_image(&name, now)
    } else {
        let base = base.unwrap_or_else(|| name.clone());
        store.record_image(&ImageRecord { name, base, parts, built_ms: now, used_ms: now, size })
    };
    if let Err(failure) = noted {
        tracing::warn!(%failure, "the image could not be noted in the ledger");
    }
}

fn write_record(store: &mut Store, live: &mut Live) -> Result<(), Failure> {
    let snapshot = live.run.snapshot();
    let record = &mut live.record;
    record.state = snapshot.state.word().to_owned();
    record.container = snapshot.container.clone();
    record.image = snapshot.image.clone();
    record.exit_code = snapshot.exit_code;
    record.started_ms = snapshot.began;
    record.ended_ms = match snapshot.state.is_final() {
        true => record.ended_ms.or(Some(clock::now_ms())),
        // A run that was given up for lost may be found again.
        false => None,
    };
    if let Some(plan) = &live.run.plan {
        record.experiment.clone_from(&plan.experiment);
        record.display_name.clone_from(&plan.display_name);
    }
    record.failure = snapshot.failure.as_ref().and_then(|failure| serde_json::to_string(failure).ok());
    record.snapshot = serde_json::to_string(&snapshot).ok();
    let kept = Kept { params: live.tasks.public_params(), run: live.run.clone() };
    record.plan = serde_json::to_string(&kept).ok();
    store.update(&live.ownership, record)
}
