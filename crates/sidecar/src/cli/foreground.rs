//! `run`, `rerun`, `build`, `attach`: commands that stay until their run has ended.

use super::arguments::{Build, Debug, Rerun, Run, RunName};
use super::breaks::{self, Debugger, Left, TimedStop};
use super::printer::{Printer, stop_json};
use super::session::Session;
use super::values::{BreakPlace, break_place, start_params};
use crate::files;
use crate::main_loop::Ask;
use crate::outbox::Notice;
use crate::settings::Settings;
use crate::to_proto;
use engine::dap::breaker::{Breakpoint, StopWish, line_with_code};
use engine::failure::{Blame, Failure};
use engine::message;
use protocol::debug::AttachParams;
use protocol::run::{CancelRunParams, RerunParams, RunAnswer, RunIdParams, RunSnapshot};
use protocol::text::FailureText;
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

pub(crate) async fn run(
    settings: Settings,
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
    params.process = run.debug.process;
    params.rank = run.debug.rank;
    params.children = run.debug.children;
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
    let params = RerunParams { run: rerun.run, debug, process, rank, children: children.then_some(true) };
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
    let params = RunIdParams { run: name.run.clone() };
    let adopted = session.ask(|reply| Ask::AdoptRun(params, reply)).await?;
    let params = AttachParams { run: name.run };
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
    wished: Option<Stops>,
    began: Instant,
    stops: (mpsc::UnboundedSender<TimedStop>, mpsc::UnboundedReceiver<TimedStop>),
    seen: Vec<Value>,
    debugger: Option<Debugger>,
    /// What is wrong with a `--break`, found when the code folder was known.
    misplaced: Option<Failure>,
    interrupts: u32,
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
            wished,
            began,
            stops: mpsc::unbounded_channel(),
            seen: Vec::new(),
            debugger: None,
            misplaced: None,
            interrupts: 0,
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
                () = signals.next() => self.interrupted(printer),
            }
        };
        let left = self.debugger_left(false).await;
        self.take_late_stops(printer);
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
            Notice::Lines { run, .. } | Notice::Progress(run, _) | Notice::DebuggerReady(run, _) => {
                run.as_str()
            }
        };
        if of != self.run {
            return None;
        }
        match notice {
            // Whoever gave breakpoints has a debugger already.
            Notice::DebuggerReady(..) if self.wished.is_some() => {}
            notice => printer.notice(notice),
        }
        let Notice::RunChanged(run) = notice else { return None };
        if run.ended_at.is_some() {
            return Some(run.as_ref().clone());
        }
        self.attach_when_possible(run);
        None
    }

    /// Attaches as soon as the gateway listens and the code folder is known: the gateway holds everything
    /// back until the debuggee is there, so there is no moment to wait for.
    fn attach_when_possible(&mut self, run: &RunSnapshot) {
        let (Some(port), Some(mapping)) = (run.gateway_port, &run.mapping) else { return };
        let Some(wished) = &self.wished else { return };
        if self.debugger.is_some() || self.misplaced.is_some() {
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
        match wished.places.iter().map(breakpoint).collect::<Result<Vec<_>, Failure>>() {
            Ok(breakpoints) => {
                let code_folder = (mapping.local_root.clone(), mapping.remote_root.clone());
                let wish = StopWish { breakpoints, exceptions: wished.exceptions, code_folder };
                self.debugger = Some(breaks::attach(port, wish, self.began, self.stops.0.clone()));
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

    /// What the debugger has to say at its end. It ends with the run; one of a deployment that goes on has to
    /// be asked to leave, and takes its breakpoints along.
    pub(super) async fn debugger_left(&mut self, leaves: bool) -> Left {
        let Some(debugger) = self.debugger.take() else { return Left::default() };
        if leaves {
            let _ = debugger.leave.send(true);
        }
        // Without that the gateway is closed, and the client sees the end of its connection at once.
        match tokio::time::timeout(Duration::from_secs(2), debugger.task).await {
            Ok(Ok(left)) => left,
            _ => Left::default(),
        }
    }

    fn conclude(&self, last: &RunSnapshot, left: Left, printer: &mut Printer) -> u8 {
        let (code, failure) = self.verdict(last, left, true);
        printer.result(last, self.stops_seen(), failure.as_ref());
        code
    }

    /// Exit code and failure. `is_over`: the run has ended, and how it did counts.
    pub(super) fn verdict(&self, last: &RunSnapshot, left: Left, is_over: bool) -> (u8, Option<FailureText>) {
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
        let detail = left.missed.iter().map(|missed| missed.message().text());
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
