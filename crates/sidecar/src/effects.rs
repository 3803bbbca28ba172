//! The doer: performs what the engine crate decides, and sends each result back as an event.
//!
//! Every task belongs to a run and ends with it: dropping [`RunTasks`] drops the work, and whatever the
//! container engine was doing for it ends there too. This is the only file that starts tasks for runs.

mod bytecode;
mod collect;
mod container;
mod context;
mod copies;
pub(crate) mod debugger;
mod driver_log;
mod follow;
mod image;
mod resolve;
pub(crate) mod secrets;
mod service;
mod steps;
mod warm;

use crate::gateway::GatewayHandle;
use crate::main_loop::{Event, Happened, LogName};
use crate::outbox::{Permit, Progress, Stretch};
use crate::settings::Settings;
use crate::store::{LogFile, RunFolder};
use docker::Docker;
use driver_log::Reading;
use engine::failure::Failure;
use engine::ids::{RunId, StoreId};
use engine::message::Message;
use engine::plan::pipeline::Content;
use engine::run::Run;
use engine::run::effect::Effect;
use engine::run::event::RunEvent;
use protocol::run::StartRunParams;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{AbortHandle, JoinSet};

/// Performs effects; owned by the loop's state.
#[derive(Debug)]
pub struct Effects {
    settings: Settings,
    store: StoreId,
    inbox: mpsc::UnboundedSender<Event>,
}

/// The work in flight of one run.
#[derive(Debug)]
pub(crate) struct RunTasks {
    context: RunContext,
    /// What [`Effect::Abandon`] drops.
    work: JoinSet<()>,
    /// Whoever asks a deployment whether it answers.
    asking: Option<AbortHandle>,
    gateway: Option<GatewayHandle>,
}

impl RunTasks {
    /// What was asked for.
    pub(crate) fn params(&self) -> StartRunParams {
        self.context.params.as_ref().clone()
    }

    /// What was asked for, less what must not be written down.
    pub(crate) fn public_params(&self) -> StartRunParams {
        let mut params = self.context.params.as_ref().clone();
        params.env.retain(|name, _| !params.secrets.contains(name));
        params
    }

    /// Two would answer for each other's server.
    fn asks_no_more(&mut self) {
        if let Some(asking) = self.asking.take() {
            asking.abort();
        }
    }

    /// Sends away whoever is attached.
    pub(crate) fn release_debugger(&self) {
        if let Some(gateway) = &self.gateway {
            gateway.release();
        }
    }
}

/// What every task of a run needs to know.
#[derive(Debug, Clone)]
pub(crate) struct RunContext {
    pub(crate) id: RunId,
    pub(crate) store: StoreId,
    pub(crate) settings: Settings,
    pub(crate) params: Arc<StartRunParams>,
    pub(crate) folder: RunFolder,
    inbox: mpsc::UnboundedSender<Event>,
    /// Bytes of lines that may be on their way to whoever watches.
    room: Arc<Semaphore>,
}

/// Enough that nobody who keeps up is ever waited for.
const ROOM: u32 = 4 << 20;

impl RunContext {
    /// Sends an event of this run to the owner loop.
    pub(crate) fn tell(&self, event: RunEvent) {
        // The loop is gone only when the process ends.
        let _ = self.inbox.send(Event::Run(self.id.clone(), event));
    }

    /// Tells the owner loop that a container which was kept for runs like this one is not any more.
    pub(crate) fn tell_cooled(&self, run: RunId) {
        let _ = self.inbox.send(Event::Cooled(run));
    }

    /// Sends an event of this pipeline run to the owner loop.
    pub(crate) fn tell_of_pipeline(&self, happened: Happened) {
        let _ = self.inbox.send(Event::Pipeline(self.id.clone(), happened));
    }

    /// Shows lines that have been written to the log at `offset`, and `end` behind them.
    pub(crate) fn lines(&self, log: LogName, lines: Vec<String>, offset: u64, end: u64) {
        self.send_lines(log, lines, offset, end, None);
    }

    /// The same for a program that may write more than anybody reads: waits until there is room.
    pub(crate) async fn many_lines(&self, log: LogName, lines: Vec<String>, offset: u64, end: u64) {
        let bytes = u32::try_from(end - offset).unwrap_or(u32::MAX).min(ROOM);
        // It is never closed; where it were, nothing would be held back.
        let room = self.room.clone().acquire_many_owned(bytes).await.ok();
        self.send_lines(log, lines, offset, end, room.map(Arc::new));
    }

    fn send_lines(&self, log: LogName, lines: Vec<String>, offset: u64, end: u64, room: Permit) {
        if lines.is_empty() {
            return;
        }
        let path = match log {
            LogName::Control => self.folder.control_log(),
            LogName::Driver => self.folder.driver_log(),
        };
        let stretch = Stretch { path, offset, end };
        let _ = self.inbox.send(Event::Lines(self.id.clone(), log, lines, stretch, room));
    }

    pub(crate) fn progress(&self, progress: Progress) {
        let _ = self.inbox.send(Event::Progress(self.id.clone(), progress));
    }

    /// Writes lines of ours into the control log and shows them.
    pub(crate) fn control(&self, log: &mut LogFile, lines: Vec<String>) -> Result<(), Failure> {
        let mut text = lines.join("\n");
        text.push('\n');
        log.append(text.as_bytes())?;
        let end = log.length()?;
        self.lines(LogName::Control, lines, end - text.len() as u64, end);
        Ok(())
    }

    /// The container engine. Cheap: nothing is asked of it yet.
    pub(crate) async fn engine(&self) -> Result<Docker, Failure> {
        Docker::connect(&self.settings.engine).await.map_err(Failure::from)
    }
}

impl Effects {
    pub(crate) fn new(settings: Settings, store: StoreId, inbox: mpsc::UnboundedSender<Event>) -> Self {
        Self { settings, store, inbox }
    }

    pub(crate) fn inbox(&self) -> mpsc::UnboundedSender<Event> {
        self.inbox.clone()
    }

    pub(crate) fn tasks_for(&self, id: &RunId, params: StartRunParams, folder: RunFolder) -> RunTasks {
        let context = RunContext {
            id: id.clone(),
            store: self.store.clone(),
            settings: self.settings.clone(),
            params: Arc::new(params),
            folder,
            inbox: self.inbox.clone(),
            room: Arc::new(Semaphore::new(ROOM as usize)),
        };
        RunTasks { context, work: JoinSet::new(), asking: None, gateway: None }
    }

    /// Listens for debuggers of the run, on this port if it is free.
    pub(crate) fn open_gateway(&self, tasks: &mut RunTasks, port: u16) {
        debugger::open_gateway(tasks, port);
    }

    /// Works out the digest of what decides a step's result; it comes as an event.
    pub(crate) fn weigh(&self, tasks: &mut RunTasks, step: usize, content: Content) {
        let context = tasks.context.clone();
        tasks.work.spawn(async move { steps::weigh(&context, step, content).await });
    }

    /// Has the loop hear after this time that it may tell again how a pipeline goes.
    pub(crate) fn tell_later(&self, tasks: &mut RunTasks, after: Duration) {
        let context = tasks.context.clone();
        tasks.work.spawn(async move {
            tokio::time::sleep(after).await;
            context.tell_of_pipeline(Happened::Due);
        });
    }

    /// Links the outputs of a pipeline into its folder; the end of it comes as an event. `outputs` are names
    /// and folders of steps.
    pub(crate) fn link_outputs(&self, tasks: &mut RunTasks, outputs: Vec<(String, PathBuf)>) {
        let context = tasks.context.clone();
        tasks.work.spawn(async move { steps::link_outputs(&context, outputs).await });
    }

    /// Starts what the effect asks for; the result comes as an event.
    pub(crate) fn perform(&self, tasks: &mut RunTasks, run: &Run, effect: Effect) {
        let context = tasks.context.clone();
        let plan = run.plan.as_deref();
        match effect {
            Effect::Resolve => answering(tasks, resolve::resolve(context)),
            Effect::ReadBuildSettings => answering(tasks, resolve::build_settings(context, plan.cloned())),
            Effect::InspectImage(reference) => answering(tasks, image::inspect(context, reference)),
            Effect::PullImage(reference) => answering(tasks, image::pull(context, reference)),
            Effect::BuildImage(recipe) => answering(tasks, image::build(context, *recipe)),
            Effect::Prepare { image, user, debugger } => answering(tasks, async move {
                let debugger = async {
                    if debugger { debugger::prepare(&context, &image).await.map(Some) } else { Ok(None) }
                };
                let bytecode = bytecode::prepare(&context, &image, user);
                let (debugger, bytecode) = tokio::try_join!(debugger, bytecode)?;
                Ok(RunEvent::Prepared { debugger, bytecode })
            }),
            Effect::CreateContainer(plan) => answering(tasks, container::create(context, *plan)),
            Effect::TakeContainer { plan: container, door } => {
                let folders = plan.map(|plan| plan.folders.clone()).unwrap_or_default();
                answering(tasks, warm::take(context, *container, door, folders));
            }
            Effect::StartContainer(container, door) => {
                // What the log says from before this start is nothing about it.
                tasks.asks_no_more();
                answering(tasks, follow::start(context, container, Reading::new(door, plan)));
            }
            Effect::StartCommand(kept, next) => {
                let reading = Reading::new(Some(kept.door), plan);
                answering(tasks, follow::start_command(context, kept.container, reading, *next));
            }
            Effect::EndCommand(container, door) => {
                answering(tasks, container::end_command(context, container, door));
            }
            Effect::KeepForAgain(container, door) => {
                answering(tasks, warm::again(context, container, door, plan.cloned()));
            }
            Effect::KeepContainer(kept) => answering(tasks, warm::keep(context, *kept, plan.cloned())),
            Effect::Follow(container, door) => {
                answering(tasks, follow::follow(context, container, Reading::new(door, plan)));
            }
            Effect::CatchUp(container, door) => {
                let reading = Reading::new(door, plan);
                answering(tasks, async move {
                    debugger::look(&context, &container).await;
                    follow::catch_up(context, container, reading).await
                });
            }
            Effect::Collect => {
                let filled = run.container.clone().zip(plan.cloned());
                answering(tasks, collect::collect(context, filled));
            }
            Effect::AwaitHealth => {
                if let Some(service) = plan.and_then(|plan| plan.service.clone()) {
                    // A person at a breakpoint is no failure of the server's, nor is an edit.
                    let is_judged = !run.wish.debug && run.serving.refused.is_none();
                    tasks.asks_no_more();
                    let asking = service::await_health(context, service, is_judged);
                    tasks.asking = Some(spawn(tasks, asking));
                }
            }
            Effect::WatchCode { since } => {
                if let Some(plan) =
                    plan.filter(|plan| plan.service.as_ref().is_some_and(|it| it.entry.is_some()))
                {
                    service::watch_code(tasks, plan.code.clone(), since);
                }
            }
            Effect::RestartServer { container, attended } => {
                if let Some(plan) = plan {
                    service::restart(tasks, plan, container, attended);
                }
            }
            Effect::OpenRelay(container) => debugger::open_relay(tasks, plan, container),
            Effect::ApplyMapping(pair) => {
                if let Some(gateway) = &tasks.gateway {
                    gateway.inlet().map(pair);
                }
            }
            Effect::CloseGateway => {
                if let Some(gateway) = tasks.gateway.take() {
                    gateway.close();
                }
            }
            Effect::StopContainer { container, grace_ms } => {
                answering(tasks, container::stop(context, container, grace_ms));
            }
            Effect::RemoveContainer(container) => {
                answering(tasks, container::remove(context, container, run.door.clone()));
            }
            Effect::Abandon => tasks.work.abort_all(),
            Effect::Note(message) => note(&context, &message),
            Effect::Say(message) => match &tasks.gateway {
                // It comes back from there, to be noted.
                Some(gateway) => gateway.inlet().say(message),
                None => note(&context, &message),
            },
            // These need what the loop alone knows; it has done them.
            Effect::OpenGateway
            | Effect::OfferDebugger
            | Effect::OfferMapping(_)
            | Effect::NoteImage { .. } => {}
        }
    }
}

/// Runs the work; whatever it ends with goes to the loop.
fn answering(tasks: &mut RunTasks, work: impl Future<Output = Result<RunEvent, Failure>> + Send + 'static) {
    spawn(tasks, work);
}

/// The same, for work that may be given up.
fn spawn(
    tasks: &mut RunTasks,
    work: impl Future<Output = Result<RunEvent, Failure>> + Send + 'static,
) -> AbortHandle {
    let context = tasks.context.clone();
    tasks.work.spawn(async move {
        let event = work.await.unwrap_or_else(RunEvent::Failed);
        context.tell(event);
    })
}

fn note(context: &RunContext, message: &Message) {
    let written = context
        .folder
        .open_control_log()
        .and_then(|mut log| context.control(&mut log, message.text().lines().map(str::to_owned).collect()));
    if let Err(failure) = written {
        tracing::warn!(run = %context.id, %failure, "a note could not be written to the control log");
    }
}

/// An engine's address as the name of a folder.
fn folder_name(engine: &str) -> String {
    engine.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect()
}
