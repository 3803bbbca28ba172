//! The owner loop: the one task that holds [`State`], and the closed list of everything that can happen.
//!
//! Handlers run to their end without waiting. What takes time is an [`engine::run::effect::Effect`],
//! performed elsewhere, whose result comes back here as an [`Event`]. SQLite is the one exception: a
//! record is written from here, because a write takes less than a tenth of a millisecond and an owner
//! that reads its own writes needs no cache.

use crate::handlers;
use crate::handlers::adopt::Containers;
use crate::outbox::{Notice, Permit, Progress, Stretch};
use crate::settings::Settings;
use crate::state::State;
use crate::store::RunRecord;
use engine::failure::Failure;
use engine::ids::{ImageRef, RunId};
use engine::message::Message;
use engine::pipeline::room::Room;
use engine::plan::pipeline::PipelinePlan;
use engine::run::adopt::Adopter;
use engine::run::event::RunEvent;
use protocol::check::{CheckAnswer, CheckParams};
use protocol::debug::{ApplyMappingParams, AttachAnswer, AttachParams};
use protocol::deployment::{
    DeploymentAnswer, DeploymentParams, InvokeAnswer, InvokeDeploymentParams, ListDeploymentsAnswer,
    RestartDeploymentParams, StartDeploymentParams,
};
use protocol::doctor::DoctorAnswer;
use protocol::draft::{DraftSpecAnswer, DraftSpecParams};
use protocol::images::{
    ListImagesAnswer, PruneImagesAnswer, PruneImagesParams, WhyImageAnswer, WhyImageParams,
};
use protocol::log::{ReadLogAnswer, ReadLogParams};
use protocol::remote::{
    AttachRemoteAnswer, AttachRemoteParams, LeaveRemoteAnswer, LeaveRemoteParams, VariantAnswer,
    VariantParams,
};
use protocol::run::{
    CancelRunParams, ListExperimentsAnswer, ListRunsAnswer, ListRunsParams, OutputsAnswer, RemoveRunParams,
    RerunParams, RunAnswer, RunIdParams, RunSnapshot, StartRunParams,
};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Where an answer goes. Whoever asked may be gone; then the answer falls on the floor.
pub type Reply<T> = oneshot::Sender<Result<T, Failure>>;

/// Everything that can happen to the process.
#[derive(Debug)]
pub enum Event {
    /// Somebody asks.
    Asked(Ask),
    /// Something happened to a run.
    Run(RunId, RunEvent),
    /// Something happened to a pipeline run.
    Pipeline(RunId, Happened),
    /// A run wrote lines.
    Lines(RunId, LogName, Vec<String>, Stretch, Permit),
    /// How far a pull or a build is, for whoever watches.
    Progress(RunId, Progress),
    /// Nothing that belongs to no run is left; the answer may go once these runs have true records.
    Swept(Vec<RunId>, Reply<()>),
    /// The engine has answered which containers of this store it knows.
    Orphans(Adopter, Containers, Reply<()>),
    /// The same, for one run that is wanted.
    Wanted(Box<RunRecord>, Containers, Reply<bool>),
    /// Whether an image must stay, asked again before it is removed; the answer is the reason.
    IsNeeded(ImageRef, oneshot::Sender<Option<Message>>),
    /// Images were removed from the engine.
    Pruned(Vec<ImageRef>, PruneImagesAnswer, Reply<PruneImagesAnswer>),
    /// The container of a run that has ended is not kept warm any more.
    Cooled(RunId),
}

/// What work for a pipeline run ends with.
#[derive(Debug)]
pub enum Happened {
    /// Its spec is read: what was a run with a spec is a pipeline run from here on.
    Planned(Box<PipelinePlan>, Room),
    /// The digest of what decides a step's result; `None` where something of it could not be read.
    Weighed(usize, Option<String>),
    /// Its outputs are in its folder.
    Collected,
    /// It is time to tell how its steps go.
    Due,
}

/// Which log of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogName {
    /// `60_control_log.txt`: what we did, the build among it.
    Control,
    /// `70_driver_log.txt`, also `user_logs/std_log.txt`: what the user's command wrote.
    Driver,
}

impl LogName {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            LogName::Control => "control",
            LogName::Driver => "driver",
        }
    }
}

/// Every question that the editor or the command line asks.
#[derive(Debug)]
#[expect(missing_docs, reason = "each is the request of the same name in `protocol::methods`")]
pub enum Ask {
    StartRun(StartRunParams, Reply<RunAnswer>),
    Rerun(RerunParams, Reply<RunAnswer>),
    CancelRun(CancelRunParams, Reply<RunAnswer>),
    ShowRun(RunIdParams, Reply<RunSnapshot>),
    ListExperiments(Reply<ListExperimentsAnswer>),
    ListRuns(ListRunsParams, Reply<ListRunsAnswer>),
    RemoveRun(RemoveRunParams, Reply<RunAnswer>),
    ListOutputs(RunIdParams, Reply<OutputsAnswer>),
    ReadLog(ReadLogParams, Reply<ReadLogAnswer>),
    Attach(AttachParams, Reply<AttachAnswer>),
    ReleaseDebugger(RunIdParams, Reply<RunAnswer>),
    ApplyMapping(ApplyMappingParams, Reply<RunAnswer>),
    Check(CheckParams, Reply<CheckAnswer>),
    StartDeployment(StartDeploymentParams, Reply<RunAnswer>),
    ListDeployments(Reply<ListDeploymentsAnswer>),
    ShowDeployment(DeploymentParams, Reply<DeploymentAnswer>),
    InvokeDeployment(InvokeDeploymentParams, Reply<InvokeAnswer>),
    RestartDeployment(RestartDeploymentParams, Reply<RunAnswer>),
    StopDeployment(DeploymentParams, Reply<RunAnswer>),
    RemoveDeployment(DeploymentParams, Reply<RunAnswer>),
    DraftSpec(DraftSpecParams, Reply<DraftSpecAnswer>),
    ListImages(Duration, Reply<ListImagesAnswer>),
    WhyImage(WhyImageParams, Reply<WhyImageAnswer>),
    PruneImages(PruneImagesParams, Reply<PruneImagesAnswer>),
    Variant(VariantParams, Reply<VariantAnswer>),
    AttachRemote(AttachRemoteParams, Reply<AttachRemoteAnswer>),
    LeaveRemote(LeaveRemoteParams, Reply<LeaveRemoteAnswer>),
    Doctor(Reply<DoctorAnswer>),
    /// Takes over every run whose owner is gone; answers when their records are true.
    Adopt(Adopter, Reply<()>),
    /// Takes over one run if nobody owns it, to stay with it; answers whether this process has it now.
    AdoptRun(RunIdParams, Reply<bool>),
}

/// How often the owner looks at its watchdogs and at what other processes ask of its runs.
const TICK: Duration = Duration::from_millis(200);

/// Runs the loop until every sender of events is gone.
pub async fn run(mut state: State, mut inbox: mpsc::UnboundedReceiver<Event>) {
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            event = inbox.recv() => match event {
                Some(event) => handle(&mut state, event),
                None => return,
            },
            // An idle process does not wake up.
            _ = tick.tick(), if state.has_to_tick() => handlers::tick::tick(&mut state),
        }
    }
}

fn handle(state: &mut State, event: Event) {
    match event {
        Event::Run(run, event) => {
            let event = handlers::deployments::refuse_second(state, &run, event);
            state.on_run(&run, event);
        }
        Event::Pipeline(run, happened) => state.on_happened(&run, happened),
        Event::Lines(run, log, lines, stretch, room) => {
            state.outbox.say(Notice::Lines { run, log, lines, stretch, room });
        }
        Event::Progress(run, progress) => state.on_progress(&run, progress),
        Event::Swept(runs, reply) => state.answer_when_settled(runs, reply),
        Event::Orphans(adopter, containers, reply) => {
            handlers::adopt::on_containers(state, adopter, containers, reply);
        }
        Event::IsNeeded(image, reply) => drop(reply.send(handlers::images::needed(state, &image))),
        Event::Pruned(gone, answer, reply) => {
            gone.iter().for_each(|image| state.forget_image(image));
            give(reply, Ok(answer));
        }
        Event::Cooled(run) => state.cooled(&run),
        Event::Wanted(record, containers, reply) => {
            handlers::adopt::on_wanted(state, &record, containers, reply);
        }
        Event::Asked(ask) => answer(state, ask),
    }
}

fn answer(state: &mut State, ask: Ask) {
    match ask {
        Ask::StartRun(params, reply) => give(reply, handlers::start_run::start_run(state, params)),
        Ask::Rerun(params, reply) => give(reply, handlers::rerun::rerun(state, &params)),
        Ask::CancelRun(params, reply) => give(reply, handlers::cancel_run::cancel_run(state, &params)),
        Ask::ShowRun(params, reply) => give(reply, handlers::list_runs::show_run(state, &params)),
        Ask::ListExperiments(reply) => give(reply, handlers::list_runs::list_experiments(state)),
        Ask::ListRuns(params, reply) => give(reply, handlers::list_runs::list_runs(state, &params)),
        Ask::RemoveRun(params, reply) => handlers::remove_run::remove_run(state, &params, reply),
        Ask::ListOutputs(params, reply) => handlers::files_of_run::list_outputs(state, &params, reply),
        Ask::ReadLog(params, reply) => handlers::files_of_run::read_log(state, params, reply),
        Ask::Attach(params, reply) => handlers::attach::attach(state, &params, reply),
        Ask::ReleaseDebugger(params, reply) => {
            give(reply, handlers::release_debugger::release_debugger(state, &params));
        }
        Ask::ApplyMapping(params, reply) => {
            give(reply, handlers::apply_mapping::apply_mapping(state, params));
        }
        Ask::Check(params, reply) => handlers::check::check(params, reply),
        Ask::StartDeployment(params, reply) => handlers::deployments::start(state, params, reply),
        Ask::ListDeployments(reply) => give(reply, handlers::deployments::list(state)),
        Ask::ShowDeployment(params, reply) => handlers::deployments::show(state, &params, reply),
        Ask::InvokeDeployment(params, reply) => handlers::deployments::invoke(state, params, reply),
        Ask::RestartDeployment(params, reply) => handlers::deployments::restart(state, &params, reply),
        Ask::StopDeployment(params, reply) => handlers::deployments::stop(state, &params, reply),
        Ask::RemoveDeployment(params, reply) => handlers::deployments::remove(state, &params, reply),
        Ask::DraftSpec(params, reply) => handlers::draft_spec::draft_spec(params, reply),
        Ask::ListImages(patience, reply) => handlers::images::list_images(state, patience, reply),
        Ask::WhyImage(params, reply) => handlers::images::why_image(state, params, reply),
        Ask::PruneImages(params, reply) => handlers::images::prune_images(state, &params, reply),
        Ask::Variant(params, reply) => handlers::remote::make_variant(params, reply),
        Ask::AttachRemote(params, reply) => give(reply, handlers::remote::attach(state, params)),
        Ask::LeaveRemote(params, reply) => give(reply, Ok(handlers::remote::leave(state, &params))),
        Ask::Doctor(reply) => handlers::doctor::doctor(&state.settings, reply),
        Ask::Adopt(adopter, reply) => handlers::adopt::adopt_all(state, adopter, reply),
        Ask::AdoptRun(params, reply) => handlers::adopt::adopt_run(state, &params, reply),
    }
}

/// What can be answered while there is no store: the rest is refused with the reason.
pub(crate) fn answer_without_store(settings: &Settings, event: Event, failure: &Failure) {
    let Event::Asked(ask) = event else { return };
    let failure = failure.clone();
    match ask {
        Ask::Check(params, reply) => handlers::check::check(params, reply),
        Ask::DraftSpec(params, reply) => handlers::draft_spec::draft_spec(params, reply),
        Ask::Variant(params, reply) => handlers::remote::make_variant(params, reply),
        Ask::AttachRemote(_, reply) => give(reply, Err(failure)),
        Ask::LeaveRemote(_, reply) => give(reply, Err(failure)),
        Ask::Doctor(reply) => handlers::doctor::doctor(settings, reply),
        Ask::StartRun(_, reply) => give(reply, Err(failure)),
        Ask::Rerun(_, reply) => give(reply, Err(failure)),
        Ask::CancelRun(_, reply) => give(reply, Err(failure)),
        Ask::ShowRun(_, reply) => give(reply, Err(failure)),
        Ask::ListRuns(_, reply) => give(reply, Err(failure)),
        Ask::RemoveRun(_, reply) => give(reply, Err(failure)),
        Ask::ListOutputs(_, reply) => give(reply, Err(failure)),
        Ask::ReadLog(_, reply) => give(reply, Err(failure)),
        Ask::Attach(_, reply) => give(reply, Err(failure)),
        Ask::ReleaseDebugger(_, reply) => give(reply, Err(failure)),
        Ask::ApplyMapping(_, reply) => give(reply, Err(failure)),
        Ask::ListExperiments(reply) => give(reply, Err(failure)),
        Ask::StartDeployment(_, reply) => give(reply, Err(failure)),
        Ask::ListDeployments(reply) => give(reply, Err(failure)),
        Ask::ShowDeployment(_, reply) => give(reply, Err(failure)),
        Ask::InvokeDeployment(_, reply) => give(reply, Err(failure)),
        Ask::RestartDeployment(_, reply) => give(reply, Err(failure)),
        Ask::StopDeployment(_, reply) => give(reply, Err(failure)),
        Ask::RemoveDeployment(_, reply) => give(reply, Err(failure)),
        Ask::ListImages(_, reply) => give(reply, Err(failure)),
        Ask::WhyImage(_, reply) => give(reply, Err(failure)),
        Ask::PruneImages(_, reply) => give(reply, Err(failure)),
        Ask::Adopt(_, reply) => give(reply, Err(failure)),
        Ask::AdoptRun(_, reply) => give(reply, Err(failure)),
    }
}

/// Answers; whoever asked may be gone.
pub(crate) fn give<T>(reply: Reply<T>, answer: Result<T, Failure>) {
    let _ = reply.send(answer);
}
