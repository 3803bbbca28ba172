//! `run`, `rerun`, `build`, `attach`: commands that stay until their run has ended.

use super::arguments::{Build, Debug, Debugger, Rerun, Run, RunName};
use super::breaks::{self, Left, TimedStop};
use super::printer::{Printer, stop_json};
use super::session::Session;
use super::values::{BreakPlace, break_place, start_params};
use crate::files;
use crate::main_loop::Ask;
use crate::outbox::Notice;
use crate::settings::Settings;
use crate::to_proto;
use engine::dap::breaker::{Breakpoint, Missed, StopWish, line_with_code};
use engine::failure::{Blame, Failure};
use engine::message;
use protocol::debug::AttachParams;
use protocol::deployment::DeploymentParams;
use protocol::run::{CancelRunParams, RerunParams, RunAnswer, RunIdParams, RunSnapshot};
use protocol::text::FailureText;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

pub(crate) async fn run(
    mut settings: Settings,
    run: Run,
    printer: &mut Printer,
    began: Instant,
) -> Result<u8, Failure> {
    if run.target != "local" {
        return Err(Failure::new(Blame::User, message!("cli.target-not-yet", target = run.target))
            .with_fix(message!("cli.target-not-yet.fix")));
    }
    let stops = Stops::wished(&run.debug)?;
    let mut params = start_params(&settings, &run.file, &run.values, &run.image)?;
    params.debug = run.debug.debug || stops.is_some();
    if !params.debug && !run.steps.is_empty() {
        return Err(Failure::new(Blame::User, message!("cli.step-without-debug"))
            .with_fix(message!("cli.step-without-debug.fix")));
    }
    let places = stops.iter().flat_map(|stops| &stops.places);
    params.breaks = places.map(BreakPlace::file_of_step).collect();
    params.steps = run.steps;
    params.force = run.force;
    params.process = run.debug.process;
    params.rank = run.debug.rank;
    params.children = run.debug.children;
    if let Some(debugger) = run.debug.debugger {
        settings.debugpy_in_image = debugger == Debugger::Image;
    }
    params.experiment = run.experiment;
    let session = Session::open(settings).await?;
    let RunAnswer { run } = session.ask(|reply| Ask::StartRun(params, reply)).await?;
    Watch::new(session, run, stops, began).until_over(printer).await
}

pub(crate) async fn rerun(
    settings: Settings,
    rerun: Rerun,
    printer: &mut Printer,
    began: Instant,
) -> Result<u8, Failure> {
    let stops = Stops::wished(&rerun.debug)?;
    let debug = (rerun.debug.debug || stops.is_some()).then_some(true);
    let session = Session::open(settings).await?;
    let Debug { process, rank, children, .. } = rerun.debug;
    let children = children.then_some(true);
    let params = RerunParams { run: rerun.run, debug, process, rank, children, step: rerun.step };
    let RunAnswer { run } = session.ask(|reply| Ask::Rerun(params, reply)).await?;
    Watch::new(session, run, stops, began).until_over(printer).await
}

pub(crate) async fn build(
    settings: Settings,
    build: Build,
    printer: &mut Printer,
    began: Instant,
) -> Result<u8, Failure> {
    let mut params = start_params(&settings, &build.file, &Default::default(), &build.image)?;
    params.image_only = true;
    params.with_debugpy = build.with_debugpy;
    let session = Session::open(settings).await?;
    let RunAnswer { run } = session.ask(|reply| Ask::StartRun(params, reply)).await?;
    Watch::new(session, run, None, began).until_over(printer).await
}

/// Writes the entry; a live run that nobody owns is taken over and kept within reach of debuggers.
pub(crate) async fn attach(
    settings: Settings,
    name: RunName,
    printer: &mut Printer,
    began: Instant,
) -> Result<u8, Failure> {
    let session = Session::open(settings).await?;
    // A person knows a deployment by its name.
    let params = DeploymentParams { deployment: name.run.clone() };
    let shown = session.ask(|reply| Ask::ShowDeployment(params, reply)).await;
    let run = shown.map_or(name.run, |shown| shown.run.run);
    let params = RunIdParams { run: run.clone() };
    let adopted = session.ask(|reply| Ask::AdoptRun(params, reply)).await?;
    let params = AttachParams { run };
    let answer = session.ask(|reply| Ask::Attach(params, reply)).await?;
    let text = serde_json::to_string_pretty(&answer.configuration).unwrap_or_default();
    printer.say(&match answer.changed {
        true => message!("attach.written", name = answer.name, file = answer.launch_json),
        false => message!("attach.unchanged", name = answer.name, file = answer.launch_json),
    });
    let mut object = serde_json::to_value(&answer).unwrap_or_default();
    object["event"] = "attach".into();
    printer.answer(&text, &object);
    if !adopted {
        return Ok(0);
    }
    printer.say(&message!("attach.adopted", run = answer.run));
    Watch::new(session, answer.run, None, began).until_over(printer).await
}

/// Where this command itself stops the program.
pub(super) struct Stops {
    places: Vec<BreakPlace>,
    exceptions: bool,
}

impl Stops {
    /// `None` leaves the program to other debuggers.
    fn wished(debug: &Debug) -> Result<Option<Self>, Failure> {
        Self::at(&debug.breaks, debug.break_on_exception)
    }

    pub(super) fn at(breaks: &[String], exceptions: bool) -> Result<Option<Self>, Failure> {
        let places: Vec<BreakPlace> =
            breaks.iter().map(|text| break_place(text)).collect::<Result<_, _>>()?;
        Ok((exceptions || !places.is_empty()).then_some(Self { places, exceptions }))
    }
}

/// One run, watched until it has ended.
pub(super) struct Watch {
    session: Session,
    run: String,
    /// Runs of its steps, where it is a pipeline.
    steps: BTreeSet<String>,
    wished: Option<Stops>,
    began: Instant,
    stops: (mpsc::UnboundedSender<TimedStop>, mpsc::UnboundedReceiver<TimedStop>),
    seen: Vec<Value>,
    /// The run that each of our debuggers is attached to. A pipeline may have several, one per step.
    debuggers: BTreeMap<String, breaks::Debugger>,
    /// What is wrong with a `--break`, found when the code folder was known.
    misplaced: Option<Failure>,
    interrupts: u32,
    /// The run, where it is a deployment that answers.
    serving: Option<String>,
}

/// What a watch sees.
pub(super) enum Happened {
    Stop(TimedStop),
    Notice(Notice),
}

impl Watch {
    pub(super) fn new(session: Session, run: String, wished: Option<Stops>, began: Instant) -> Self {
        Self {
            session,
            run,
            steps: BTreeSet::new(),
            wished,
            began,
            stops: mpsc::unbounded_channel(),
            seen: Vec::new(),
            debuggers: BTreeMap::new(),
            misplaced: None,
            interrupts: 0,
            serving: None,
        }
    }

    async fn until_over(mut self, printer: &mut Printer) -> Result<u8, Failure> {
        let mut signals = Signals::new()?;
        let last = loop {
            tokio::select! {
                happened = self.next() => match happened? {
                    Happened::Stop(stop) => self.on_stop(stop, printer),
                    Happened::Notice(notice) => {
                        if let Some(last) = self.on_notice(&notice, printer) {
                            break last;
                        }
                    }
                },
                // A deployment that answers needs nobody to go on.
                () = signals.next() => match &self.serving {
                    Some(name) => {
                        printer.say(&message!("deploy.left", run = name));
                        return Ok(0);
                    }
                    None => self.interrupted(printer),
                },
            }
        };
        let mut left = self.debuggers_left(false).await;
        self.take_late_stops(printer);
        self.forget_hit(&mut left.missed);
        Ok(self.conclude(&last, left, printer))
    }

    pub(super) fn run(&self) -> &str {
        &self.run
    }

    /// The next thing that happens. What happened before the end is told before it.
    pub(super) async fn next(&mut self) -> Result<Happened, Failure> {
        tokio::select! {
            biased;
            Some(stop) = self.stops.1.recv() => Ok(Happened::Stop(stop)),
            notice = self.session.next() => notice.map(Happened::Notice),
        }
    }

    pub(super) fn tell(&self, ask: Ask) {
        self.session.send(ask);
    }

    /// Whether a `--break` is misplaced, so that the run is on its way out.
    pub(super) fn has_failed(&self) -> bool {
        self.misplaced.is_some()
    }

    /// The stops so far, where breakpoints were asked for.
    pub(super) fn stops_seen(&self) -> Option<&[Value]> {
        self.wished.is_some().then_some(self.seen.as_slice())
    }

    pub(super) fn on_stop(&mut self, (stop, ms): TimedStop, printer: &mut Printer) {
        printer.stop(&stop, ms);
        self.seen.push(stop_json(&stop, ms));
    }

    pub(super) fn take_late_stops(&mut self, printer: &mut Printer) {
        while let Ok(stop) = self.stops.1.try_recv() {
            self.on_stop(stop, printer);
        }
    }

    /// Tells what happened; the snapshot if it was the end.
    pub(super) fn on_notice(&mut self, notice: &Notice, printer: &mut Printer) -> Option<RunSnapshot> {
        let of = match notice {
            Notice::RunChanged(run) => run.run.as_str(),
            Notice::Lines { run, .. }
            | Notice::Progress(run, _)
            | Notice::DebuggerReady(run, _)
            | Notice::MappingProposed(run, _) => run.as_str(),
            // Nobody follows one here.
            Notice::RemoteChanged(_) => return None,
        };
        // A step says whose it is in its first word, which is its record.
        let is_step = match notice {
            Notice::RunChanged(run) => run.parent.as_deref() == Some(&self.run),
            _ => self.steps.contains(of),
        };
        if of != self.run && !is_step {
            return None;
        }
        if is_step {
            self.steps.insert(of.to_owned());
        }
        match notice {
            // Whoever gave breakpoints has a debugger already.
            Notice::DebuggerReady(..) if self.wished.is_some() => {}
            notice => printer.notice(notice),
        }
        let Notice::RunChanged(run) = notice else { return None };
        if run.ended_at.is_some() && !is_step {
            return Some(run.as_ref().clone());
        }
        if !is_step {
            let answers = run.service.as_ref().is_some_and(|service| service.healthy_at.is_some());
            self.serving = answers.then(|| run.run.clone());
        }
        self.attach_when_possible(run);
        None
    }

    /// Attaches as soon as the gateway listens and the code folder is known: the gateway holds everything
    /// back until the debuggee is there, so there is no moment to wait for. In a step of a pipeline only the
    /// breakpoints in its own code are set.
    fn attach_when_possible(&mut self, run: &RunSnapshot) {
        let (Some(port), Some(mapping)) = (run.gateway_port, &run.mapping) else { return };
        let Some(wished) = &self.wished else { return };
        if self.debuggers.contains_key(&run.run) || self.misplaced.is_some() {
            return;
        }
        let (local, remote) = (Path::new(&mapping.local_root), &mapping.remote_root);
        let breakpoint = |place: &BreakPlace| {
            let file = place.local(local)?;
            let inside = file.strip_prefix(local).unwrap_or(&file);
            let inside: Vec<_> = inside.iter().map(|part| part.to_string_lossy()).collect();
            let remote = format!("{}/{}", remote.trim_end_matches('/'), inside.join("/"));
            let code_line = line_with_code(&files::read_text(&file)?, place.line);
            Ok(Breakpoint { file: place.file.clone(), remote, line: place.line, code_line })
        };
        let is_own = |place: &&BreakPlace| run.parent.is_none() || place.local(local).is_ok();
        match wished.places.iter().filter(is_own).map(breakpoint).collect::<Result<Vec<_>, Failure>>() {
            Ok(breakpoints) => {
                let code_folder = (mapping.local_root.clone(), mapping.remote_root.clone());
                let wish = StopWish { breakpoints, exceptions: wished.exceptions, code_folder };
                let debugger = breaks::attach(port, wish, self.began, self.stops.0.clone());
                self.debuggers.insert(run.run.clone(), debugger);
            }
            Err(failure) => {
                self.misplaced = Some(failure);
                self.cancel(false);
            }
        }
    }

    pub(super) fn interrupted(&mut self, printer: &mut Printer) {
        self.interrupts += 1;
        let at_once = self.interrupts > 1;
        printer.say(&match at_once {
            false => message!("cli.interrupted", run = self.run),
            true => message!("cli.interrupted-again", run = self.run),
        });
        self.cancel(at_once);
    }

    fn cancel(&self, at_once: bool) {
        let params = CancelRunParams { run: self.run.clone(), at_once };
        self.session.tell(|reply| Ask::CancelRun(params, reply));
    }

    /// What all debuggers have to say at their end. They end with the run; one of a deployment that goes on has
    /// to be asked to leave, and takes its breakpoints along.
    pub(super) async fn debuggers_left(&mut self, leaves: bool) -> Left {
        let mut all = Left::default();
        for (_, debugger) in std::mem::take(&mut self.debuggers) {
            if leaves {
                let _ = debugger.leave.send(true);
            }
            // Without that the gateway is closed, and the client sees the end of its connection at once.
            if let Ok(Ok(left)) = tokio::time::timeout(Duration::from_secs(2), debugger.task).await {
                all.missed.extend(left.missed);
                all.refused = all.refused.or(left.refused);
            }
        }
        all
    }

    /// A breakpoint may be in several steps: it is missed where none of them has hit it.
    fn forget_hit(&self, missed: &mut Vec<Missed>) {
        let was_hit = |one: &Missed| {
            let Breakpoint { file, line, code_line, .. } = &one.breakpoint;
            let is_there = |stop: &Value| {
                stop["file"] == file.as_str() && (stop["line"] == *line || stop["line"] == *code_line)
            };
            self.seen.iter().any(is_there)
        };
        missed.retain(|one| !was_hit(one));
        missed.dedup_by(|one, other| one.message() == other.message());
    }

    fn conclude(&self, last: &RunSnapshot, left: Left, printer: &mut Printer) -> u8 {
        let (code, failure) = self.verdict(last, left, true, printer);
        printer.result(last, self.stops_seen(), failure.as_ref());
        code
    }

    /// Exit code and failure. `is_over`: the run has ended, and how it did counts.
    pub(super) fn verdict(
        &self,
        last: &RunSnapshot,
        left: Left,
        is_over: bool,
        printer: &Printer,
    ) -> (u8, Option<FailureText>) {
        if let Some(failure) = &self.misplaced {
            return (failure.blame.exit_code(), Some(to_proto::failure(failure)));
        }
        if last.state == "cancelled" {
            return (Blame::Cancelled.exit_code(), last.failure.clone());
        }
        if is_over && last.state != "completed" {
            let code = last.failure.as_ref().map_or(1, |failure| exit_code(&failure.blame));
            return (code, last.failure.clone());
        }
        if left.missed.is_empty() && left.refused.is_none() {
            return (0, None);
        }
        let detail = left.missed.iter().map(|missed| printer.words(&missed.message()));
        let failure = Failure::new(Blame::Breakpoint, message!("cli.breakpoints-missed"))
            .with_detail(detail.chain(left.refused))
            .with_fix(message!("cli.breakpoints-missed.fix"));
        (failure.blame.exit_code(), Some(to_proto::failure(&failure)))
    }
}

fn exit_code(blame: &str) -> u8 {
    let blame = match blame {
        "user" => Blame::User,
        "environment" => Blame::Environment,
        "breakpoint" => Blame::Breakpoint,
        "cancelled" => Blame::Cancelled,
        "internal" => Blame::Internal,
        _ => Blame::Code,
    };
    blame.exit_code()
}

/// The ways in which the system asks a command to end.
#[cfg(unix)]
pub(super) struct Signals([tokio::signal::unix::Signal; 3]);

#[cfg(unix)]
impl Signals {
    pub(super) fn new() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};
        let take = |kind| {
            signal(kind).map_err(|error| {
                Failure::new(Blame::Internal, message!("internal.no-signals"))
                    .with_detail([error.to_string()])
            })
        };
        Ok(Self([
            take(SignalKind::interrupt())?,
            take(SignalKind::terminate())?,
            take(SignalKind::hangup())?,
        ]))
    }

    pub(super) async fn next(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

#[cfg(not(unix))]
pub(super) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(super) fn new() -> Result<Self, Failure> {
        Ok(Self)
    }

    pub(super) async fn next(&mut self) {
        // Where the system cannot tell, the command goes on.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
