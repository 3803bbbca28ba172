//! One run, from spec to collected outputs: events in, effects out.
//!
//! ```text
//! resolving ─► imaging ─► creating ─► starting ─► live (waiting ⇄ running ⇄ paused) ─► collecting ─► removing ─► finished
//!     │           │           │ ▲         │          │ │                                   ▲
//!     │           │           │ └─────────┼─ restarting ◄                                  │
//!     └───────────┴───────────┴─ cancel ──┴──────────┴──► stopping ────────────────────────┘
//! ```
//!
//! Two things keep this true: [`Run::on`] is the only way to change a run, and every effect it returns
//! answers with exactly one event (or with none after [`Effect::Abandon`]). A run that has ended never
//! leaves a container behind, whatever arrives late.

pub mod adopt;
pub mod card;
pub mod effect;
mod ending;
pub mod event;
mod imaging;
pub mod service;
pub mod snapshot;

use crate::bytecode;
use crate::debuggee::{self, Attendance, DebuggeeState, Report};
use crate::failure::{Blame, Failure};
use crate::ids::{ContainerId, ImageRef, RunId};
use crate::message;
use crate::plan::container::{ContainerPlan, Mount};
use crate::plan::image::{BuildSettings, Recipe};
use crate::plan::{ImageFacts, Plan, command, deployment};
use crate::warm::{self, Door, Kept, NextCommand};
use card::{PhaseCard, PhaseName};
use effect::Effect;
use event::{DebugEvent, Exit, RunEvent};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Duration;

/// Milliseconds since 1970, as the sidecar's clock gives them with each event.
pub type Millis = u64;

/// What the user asked for beside the spec itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wish {
    /// Stop in the debuggee before its first line and let a debugger attach.
    pub debug: bool,
    /// Build the image even if one of the same content is there.
    pub rebuild: bool,
    /// Ask the registry for the base image even if one is there.
    pub pull: bool,
    /// End when the image is ready.
    pub image_only: bool,
    /// Seconds that the debuggee waits for a debugger before it goes on without.
    pub wait_s: u32,
    /// The way into the container, if it may be kept for the next run.
    pub door: Option<Door>,
    /// Debug the Python processes that the debuggee starts as well.
    pub children: bool,
}

/// A run: what was asked, what is decided, where it stands, and how long each phase took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Name of the run.
    pub id: RunId,
    /// What was asked for.
    pub wish: Wish,
    /// What was decided; absent until the spec is resolved.
    pub plan: Option<Box<Plan>>,
    /// The image that the container runs from.
    pub image: Option<ImageFacts>,
    /// Images of ours that lead to it, while it is not there: pruning must not take them away.
    #[serde(default)]
    making: Vec<ImageRef>,
    /// The container, from its creation to its removal.
    pub container: Option<ContainerId>,
    /// The way into the container, if it may be kept for the next run.
    #[serde(default)]
    pub door: Option<Door>,
    /// Loopback port of the gateway, once it listens.
    pub gateway_port: Option<u16>,
    /// What the start hook reported.
    pub report: Option<Report>,
    /// How the container ended.
    pub exit: Option<Exit>,
    /// The phases so far.
    pub card: PhaseCard,
    /// Why the run did not succeed.
    pub failure: Option<Failure>,
    /// How the server of a deployment stands.
    #[serde(default)]
    pub serving: service::Serving,
    stage: Stage,
    /// Whether a debugger holds the session. Not stored: with its owner the session is gone.
    #[serde(skip)]
    attached: bool,
    /// The debugger is attached already and only waits for the next debuggee; nobody has to be told of it.
    #[serde(skip)]
    comes_back: bool,
    /// The registry has been asked for the base image.
    #[serde(skip)]
    pulled: bool,
    #[serde(skip)]
    build: BuildSettings,
    /// What runs in a container that was kept, while one is looked for.
    #[serde(skip)]
    command: Option<Box<ContainerPlan>>,
    last_progress: Millis,
}

/// Where the run stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "at", rename_all = "camelCase")]
enum Stage {
    Resolving,
    Imaging {
        /// Not stored: an image phase whose owner is gone is never taken up again.
        #[serde(skip)]
        step: ImageStep,
    },
    Preparing {
        /// Asked to stop while the engine was doing an errand: that is quick, and leaves nothing behind.
        cancelled: bool,
    },
    Creating {
        /// Asked to stop while the engine was still creating: never leave it behind.
        cancelled: bool,
    },
    Starting,
    Live(Debugger),
    /// The command is being ended so that it can start again.
    Restarting,
    /// The container of a server has ended over an edit of the user's and waits for the next one.
    Fallen,
    Stopping(End),
    Collecting(End),
    Removing(End),
    Finished(End),
}

/// What the image phase is waiting for.
#[derive(Debug, Clone, Default, PartialEq)]
enum ImageStep {
    #[default]
    InspectingBase,
    Pulling,
    InspectingBuilt(Box<Recipe>),
    Building(Box<Recipe>),
}

/// What a debugger is doing to a live run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Debugger {
    /// None is wanted, or the wait for one is over.
    Away,
    /// One is wanted and the start hook has not reported yet.
    Expected,
    /// The debuggee stands before its first line until one attaches.
    Awaited,
    /// One is attached and the debuggee runs.
    Attached,
    /// The debuggee stands at a breakpoint.
    Paused,
}

/// How a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum End {
    /// Exit code 0, outputs collected.
    Completed,
    /// Something failed; [`Run::failure`] says what.
    Failed,
    /// The user asked for the end.
    Cancelled,
    /// Nobody knows how it ended.
    Lost,
}

/// The longest that each phase may take without any progress, in milliseconds. The run itself has no
/// limit but the spec's own.
const PATIENCE: [(PhaseName, Millis); 6] = [
    (PhaseName::Resolve, 30_000),
    // A pull or a wheel that is compiled may be silent for long; ten minutes was seen on slow disks.
    (PhaseName::Build, 600_000),
    (PhaseName::Create, 120_000),
    (PhaseName::Start, 120_000),
    (PhaseName::Attach, 120_000),
    (PhaseName::Collect, 120_000),
];

/// 128 + SIGKILL. Nobody here has sent it when it is judged, and engines do not always say that it was the
/// kernel, for want of memory.
const KILLED: i64 = 137;

/// How long the container's processes have to end after the first signal.
const STOP_GRACE_MS: u32 = 5_000;

impl Run {
    /// A new run and what has to happen first.
    pub fn start(id: RunId, wish: Wish, at: Millis) -> (Self, Vec<Effect>) {
        let gateway = (wish.debug && !wish.image_only).then_some(Effect::OpenGateway);
        let effects = gateway.into_iter().chain([Effect::Resolve]).collect();
        let mut run = Self {
            id,
            wish,
            plan: None,
            image: None,
            making: Vec::new(),
            container: None,
            door: None,
            gateway_port: None,
            report: None,
            exit: None,
            card: PhaseCard::default(),
            failure: None,
            serving: service::Serving::default(),
            stage: Stage::Resolving,
            attached: false,
            comes_back: false,
            pulled: false,
            build: BuildSettings::default(),
            command: None,
            last_progress: at,
        };
        run.card.begin(PhaseName::Resolve, at);
        (run, effects)
    }

    /// A run of a plan that an earlier run made.
    pub fn start_planned(id: RunId, wish: Wish, plan: Box<Plan>, at: Millis) -> (Self, Vec<Effect>) {
        let (mut run, _) = Self::start(id, wish, at);
        run.plan = Some(plan);
        let gateway = run.wish.debug.then_some(Effect::OpenGateway);
        (run, gateway.into_iter().chain([Effect::ReadBuildSettings]).collect())
    }

    /// Takes one event and says what has to happen next.
    pub fn on(&mut self, at: Millis, event: RunEvent) -> Vec<Effect> {
        if !matches!(event, RunEvent::Tick) {
            self.last_progress = at;
        }
        match event {
            RunEvent::Tick => self.watch(at),
            RunEvent::Progress => vec![],
            RunEvent::CancelRequested { at_once } => self.cancel(at, at_once),
            RunEvent::Failed(failure) => self.fail(at, failure),
            RunEvent::GatewayOpen { port } => {
                self.gateway_port = Some(port);
                vec![]
            }
            RunEvent::Resolved(plan, build) => self.resolved(at, plan, build),
            RunEvent::BuildSettingsRead(build) => match self.plan.take() {
                Some(plan) => self.resolved(at, plan, build),
                None => vec![],
            },
            RunEvent::ImageInspected { reference, facts } => self.image_inspected(at, reference, facts),
            RunEvent::ImagePulled(reference) => self.image_pulled(reference),
            RunEvent::ImageBuilt(facts) => self.image_built(at, facts),
            RunEvent::Prepared { debugger, bytecode } => self.create(debugger, bytecode),
            RunEvent::ContainerCreated(container) => self.created(at, container),
            RunEvent::ContainerTaken(kept) => self.taken(at, *kept),
            RunEvent::ContainerEnded(container) => self.created(at, container),
            RunEvent::ContainerStarted => self.started(at),
            RunEvent::DebuggeeReported(report) => self.reported(at, report),
            RunEvent::Debug(event) => self.debugged(at, event),
            RunEvent::MappingChosen(pair) => vec![Effect::ApplyMapping(pair)],
            RunEvent::ContainerExited(exit) => self.exited(at, exit),
            RunEvent::ContainerGone => self.gone(at),
            RunEvent::EngineLost(failure) => self.engine_lost(at, failure),
            RunEvent::Collected => self.collected(at),
            RunEvent::ContainerRemoved => self.removed(),
            RunEvent::CaughtUp => vec![],
            RunEvent::Healthy => self.healthy(at),
            RunEvent::CodeChanged => self.code_changed(at),
            RunEvent::RestartRequested => self.restart(at),
            RunEvent::ServerRestarted { attended } => self.restarted(at, attended),
            RunEvent::RestartRefused(failure) => self.restart_refused(at, failure),
            RunEvent::CannotServe(failure) => self.cannot_serve(at, failure),
        }
    }

    /// Whether the run has ended and nothing is left to do.
    pub fn is_finished(&self) -> bool {
        matches!(self.stage, Stage::Finished(_))
    }

    /// Whether a debugger holds its session.
    pub fn is_attended(&self) -> bool {
        self.attached
    }

    /// Whether it went well and everything that it gives is where it stays, though its container may still be in hand.
    pub fn has_result(&self) -> bool {
        match self.stage {
            // Keeping a container puts another folder under what its mounts show: who mounted that of before would see
            // it emptied.
            Stage::Removing(End::Completed) => self.door.is_none(),
            Stage::Finished(end) => end == End::Completed,
            _ => false,
        }
    }

    /// How the run ended, once it has.
    pub fn end(&self) -> Option<End> {
        match self.stage {
            Stage::Finished(end) => Some(end),
            _ => None,
        }
    }

    fn create(&mut self, debugger: Option<String>, bytecode: Option<String>) -> Vec<Effect> {
        match self.stage {
            Stage::Preparing { cancelled: false } => {}
            Stage::Preparing { cancelled: true } => return self.finish(End::Cancelled),
            _ => return vec![],
        }
        let Some(mut container) = self.container_plan(debugger, bytecode) else { return vec![] };
        // What is copied in does not change with the code, and no socket leads to another machine.
        let is_copied = container.mounts.iter().any(|mount| matches!(mount, Mount::Copied { .. }));
        // And a server is not kept: its ports are its own.
        let is_kept = self.wish.debug && !is_copied && self.service().is_none();
        let door = self.wish.door.clone().filter(|_| is_kept);
        self.stage = Stage::Creating { cancelled: false };
        let Some(mut door) = door else { return vec![Effect::CreateContainer(Box::new(container))] };
        door.key = warm::key(&container, self.folder());
        door.names = container.environment.iter().map(|(name, _)| name.clone()).collect();
        // The next run finds what every run of the plan has, and not what leads to this one.
        self.command = Some(Box::new(container.clone()));
        warm::put_into(&mut container, &door);
        self.door = Some(door.clone());
        vec![Effect::TakeContainer { plan: Box::new(container), door }]
    }

    /// The container as this run needs it, whether it is made or was kept.
    fn container_plan(&self, debugger: Option<String>, bytecode: Option<String>) -> Option<ContainerPlan> {
        let (plan, image) = (self.plan.as_ref()?, self.image.as_ref()?);
        let mut container = plan.container.clone();
        container.image = ImageRef(image.id.clone());
        container.user = user_of(plan, image);
        // A server takes its own signals, and an image's own command is not known.
        if plan.service.is_none() {
            container.command = command::outlasted(container.command);
        }
        bytecode::put_into(&mut container, bytecode, &plan.code);
        if let Some(volume) = debugger {
            let wait = Duration::from_secs(u64::from(self.wish.wait_s));
            let attendance = Attendance { wait, children: self.wish.children };
            debuggee::put_into(&mut container, image, &volume, &plan.debuggee, attendance);
            if plan.service.is_some() {
                deployment::for_debugging(&mut container, self.wish.children);
            }
        }
        Some(container)
    }

    /// The run's own folder on this machine.
    fn folder(&self) -> &Path {
        let first = self.plan.as_ref().and_then(|plan| plan.folders.first());
        first.and_then(|folder| folder.parent()).unwrap_or(Path::new("/"))
    }

    fn created(&mut self, at: Millis, container: ContainerId) -> Vec<Effect> {
        match self.stage {
            Stage::Creating { cancelled: false } => {
                self.container = Some(container.clone());
                let note = self.comes_back.then(|| message!("run.restarted"));
                self.card.end_ok(PhaseName::Create, at, note);
                self.card.begin(PhaseName::Start, at);
                self.stage = Stage::Starting;
                vec![Effect::StartContainer(container, self.door.clone())]
            }
            Stage::Creating { cancelled: true } => self.remove(container, End::Cancelled),
            // It came too late: whatever this run is doing now, nobody else will remove it.
            _ => vec![Effect::RemoveContainer(container)],
        }
    }

    /// No container had to be made, and what starts in it is a command.
    fn taken(&mut self, at: Millis, kept: Kept) -> Vec<Effect> {
        let container = kept.container.clone();
        let (Stage::Creating { cancelled: false }, Some(plan), Some(image)) =
            (&self.stage, self.command.clone(), &self.image)
        else {
            return self.created(at, container);
        };
        let next = NextCommand::new(&plan, &image.environment, &kept.door);
        self.container = Some(container);
        self.door = Some(kept.door.clone());
        let note = if self.comes_back { message!("run.restarted") } else { message!("phase.container-kept") };
        self.card.end_ok(PhaseName::Create, at, Some(note));
        self.card.begin(PhaseName::Start, at);
        self.stage = Stage::Starting;
        vec![Effect::StartCommand(Box::new(kept), Box::new(next))]
    }

    fn started(&mut self, at: Millis) -> Vec<Effect> {
        let (Stage::Starting, Some(container)) = (&self.stage, self.container.clone()) else {
            return vec![];
        };
        let mut effects = match self.service() {
            Some(_) => self.service_started(),
            None => vec![],
        };
        if self.service().is_some() && !self.wish.debug {
            return effects;
        }
        self.card.end_ok(PhaseName::Start, at, None);
        if self.wish.debug {
            self.card.begin(PhaseName::Attach, at);
            self.stage = Stage::Live(Debugger::Expected);
            effects.push(Effect::OpenRelay(container));
            effects
        } else {
            self.card.begin(PhaseName::Run, at);
            self.stage = Stage::Live(Debugger::Away);
            vec![]
        }
    }

    fn reported(&mut self, at: Millis, report: Report) -> Vec<Effect> {
        let Stage::Live(stand) = self.stage else { return vec![] };
        let state = report.state;
        self.stage = Stage::Live(match (state, report.paused) {
            (DebuggeeState::Waiting, _) if stand == Debugger::Expected => Debugger::Awaited,
            // The process before this one has ended, and nobody is attached. A worker of a server waits for nobody.
            (DebuggeeState::Waiting, _) if stand == Debugger::Away && self.service().is_none() => {
                Debugger::Awaited
            }
            (DebuggeeState::Waiting, _) => stand,
            // Its earlier owner is gone, and whoever was attached with it.
            (DebuggeeState::Attended, Some(_)) => Debugger::Paused,
            (DebuggeeState::Attended, None) | (DebuggeeState::Unattended, _) => Debugger::Away,
        });
        let before = self.report.replace(report);
        match state {
            DebuggeeState::Unattended => return self.unattended(at),
            DebuggeeState::Attended if self.card.open() == Some(PhaseName::Attach) => {
                self.card.end_ok(PhaseName::Attach, at, None);
                self.card.begin(PhaseName::Run, at);
            }
            DebuggeeState::Attended | DebuggeeState::Waiting => {}
        }
        let told = self.note_debuggee(before.as_ref());
        let comes_back = std::mem::take(&mut self.comes_back) || self.attached;
        let offer = (!comes_back).then_some(Effect::OfferDebugger);
        told.into_iter().chain(offer).collect()
    }

    /// Says which process it is, where nobody has named one.
    fn note_debuggee(&self, before: Option<&Report>) -> Option<Effect> {
        let (report, plan) = (self.report.as_ref()?, self.plan.as_ref()?);
        let (pid, command) = (report.pid, report.argv.join(" "));
        match before {
            _ if plan.debuggee.process.is_some() => None,
            None => Some(Effect::Note(message!("debuggee.is-one-of", pid = pid, command = command))),
            Some(before) if (before.pid, before.port) == (report.pid, report.port) => None,
            Some(_) => Some(Effect::Note(message!("debuggee.is", pid = pid, command = command))),
        }
    }

    /// Nobody attached in time; the debuggee has gone on.
    fn unattended(&mut self, at: Millis) -> Vec<Effect> {
        self.stage = Stage::Live(Debugger::Away);
        if self.card.open() != Some(PhaseName::Attach) {
            return vec![];
        }
        self.card.end_ok(PhaseName::Attach, at, Some(message!("attach.gave-up")));
        self.card.begin(PhaseName::Run, at);
        vec![Effect::Note(message!("attach.gave-up"))]
    }

    fn debugged(&mut self, at: Millis, event: DebugEvent) -> Vec<Effect> {
        match event {
            DebugEvent::Configured => self.attached = true,
            DebugEvent::Detached => self.attached = false,
            // A server's session lasts from one debuggee to the next.
            DebugEvent::DebuggeeGone if self.service().is_none() => self.attached = false,
            DebugEvent::Said(message) => return vec![Effect::Note(message)],
            DebugEvent::TerminateRequested if self.stage == Stage::Fallen => return self.cancel(at, false),
            DebugEvent::RestartRequested if self.stage == Stage::Fallen => return self.restart(at),
            _ => {}
        }
        let Stage::Live(stand) = self.stage else { return vec![] };
        let next = match event {
            DebugEvent::TerminateRequested => return self.cancel(at, false),
            DebugEvent::RestartRequested if self.service().is_some() => return self.restart(at),
            DebugEvent::RestartRequested => return self.start_again(at),
            DebugEvent::Unattended => return self.unattended(at),
            DebugEvent::WorkerEnded => return self.worker_ended(),
            // Of a container that has ended and started again since.
            DebugEvent::DebuggeeGone if stand == Debugger::Expected => return vec![],
            DebugEvent::DebuggeeGone => return self.relay_broke(),
            DebugEvent::MappingProposed(proposal) => return vec![Effect::OfferMapping(proposal)],
            DebugEvent::Said(_) => return vec![],
            DebugEvent::Configured | DebugEvent::Resumed => Debugger::Attached,
            DebugEvent::Paused => Debugger::Paused,
            // Whoever stood at a breakpoint when its debugger vanished still stands there.
            DebugEvent::Detached if matches!(stand, Debugger::Awaited | Debugger::Paused) => stand,
            DebugEvent::Detached => Debugger::Away,
        };
        if self.card.open() == Some(PhaseName::Attach) && next != stand {
            self.card.end_ok(PhaseName::Attach, at, None);
            self.card.begin(PhaseName::Run, at);
        }
        self.stage = Stage::Live(next);
        vec![]
    }

    /// The command is ended, to be started again as the same run: its session goes on, and so do its record, its
    /// log and its folders.
    fn start_again(&mut self, at: Millis) -> Vec<Effect> {
        let Some(container) = self.container.clone() else { return vec![] };
        self.end_open_phase(at, End::Completed);
        self.card.begin(PhaseName::Create, at);
        self.stage = Stage::Restarting;
        self.report = None;
        vec![Effect::Note(message!("run.restarts")), Effect::EndCommand(container, self.door.clone())]
    }

    /// The command that was to be started again has ended, and perhaps its container with it.
    fn ended_to_start_again(&mut self) -> Vec<Effect> {
        // Whatever comes of it, it answers with a container.
        let Some(container) = self.container.take() else { return vec![] };
        self.stage = Stage::Creating { cancelled: false };
        self.comes_back = true;
        vec![Effect::KeepForAgain(container, self.door.clone())]
    }

    /// The way to the debuggee broke and its container still runs: try once more.
    fn relay_broke(&self) -> Vec<Effect> {
        self.container.clone().map(Effect::OpenRelay).into_iter().collect()
    }

    /// Nothing spins for ever: a phase without progress for longer than its patience fails.
    fn watch(&mut self, at: Millis) -> Vec<Effect> {
        let silent = at.saturating_sub(self.last_progress);
        let ending = match self.stage {
            Stage::Stopping(end) | Stage::Removing(end) => Some(end),
            Stage::Preparing { cancelled: true } | Stage::Creating { cancelled: true } => {
                Some(End::Cancelled)
            }
            _ => None,
        };
        if let Some(end) = ending
            && silent > PATIENCE[0].1
        {
            // The engine does not answer any more; the record must not wait for it.
            let mut effects = vec![Effect::Abandon];
            effects.extend(self.finish(end));
            return effects;
        }
        // A person at a breakpoint has no deadline.
        if let (Stage::Live(_), false, Some(limit)) =
            (&self.stage, self.wish.debug, self.plan.as_ref().and_then(|plan| plan.timeout_seconds))
            && let Some(began) = self.card.began(PhaseName::Start)
            && at.saturating_sub(began) > limit * 1_000
        {
            let failure = Failure::new(Blame::Code, message!("run.timeout", seconds = limit))
                .with_fix(message!("run.timeout.fix"));
            return self.end_with(at, End::Failed, failure, STOP_GRACE_MS);
        }
        // A debuggee that has reported waits for a person, who has no deadline here: the hook has one.
        if matches!(self.stage, Stage::Live(stand) if stand != Debugger::Expected) {
            return vec![];
        }
        // Whoever asks a server gives it up by the spec's own numbers.
        if matches!(self.stage, Stage::Starting) && self.service().is_some() {
            return vec![];
        }
        let Some(open) = self.card.open() else { return vec![] };
        let patience = PATIENCE.iter().find(|(phase, _)| *phase == open).map(|(_, limit)| *limit);
        match patience {
            Some(limit) if silent > limit => {
                let failure = Failure::new(
                    Blame::Environment,
                    message!("phase.silent", phase = open.title(), seconds = limit / 1_000),
                )
                .with_fix(message!("phase.silent.fix"));
                self.fail(at, failure)
            }
            _ => vec![],
        }
    }
}

/// Azure runs jobs as root, and the run's folders belong to whoever the engine's root is.
fn user_of(plan: &Plan, image: &ImageFacts) -> Option<String> {
    let keeps_user = plan.service.as_ref().is_some_and(|service| service.keeps_user);
    let roots = || (!image.user.is_empty() && !keeps_user).then(|| "0:0".to_owned());
    plan.container.user.clone().or_else(roots)
}

#[cfg(test)]
mod tests;
