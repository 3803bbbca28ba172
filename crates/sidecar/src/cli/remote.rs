//! `attach --log` and `attach --listen`: steps on nodes, from the line in a log or from their own call to a
//! debugger.

use super::arguments::Node;
use super::breaks::{self, Left, TimedStop};
use super::foreground::Signals;
use super::printer::{Printer, stop_json};
use super::values::{BreakPlace, break_place};
use crate::remote::{self, Code, Following, Jump, Listen, Log, News, Unreached, Who, Wish, token};
use crate::settings::Settings;
use crate::store::Store;
use crate::{attach, clock, files, spec_reader, to_proto};
use engine::attach::ready_line;
use engine::dap::breaker::{Breakpoint, Stop, StopWish, line_with_code};
use engine::failure::{Blame, Failure};
use engine::log::beacon::Beacon;
use engine::message::Message;
use engine::plan::pipeline::graph;
use engine::spec::Body;
use engine::{launch_json, message};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// How long our own debugger may take to say what it saw when its connection has ended.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How long after the end of all that are known another rank of a step may still come, where none was named: ranks are
/// seconds apart on a busy node.
const NEXT_RANK: Duration = Duration::from_secs(5);

/// Between two looks at the clock while a step waits.
const SECOND: Duration = Duration::from_secs(1);

pub(crate) async fn attach(
    settings: Settings,
    node: Node,
    printer: &mut Printer,
    began: Instant,
) -> Result<u8, Failure> {
    let code = code(&node)?;
    let breaks: Vec<BreakPlace> =
        node.breaks.iter().map(|text| break_place(text)).collect::<Result<_, _>>()?;
    check_breaks(&breaks, &code)?;
    let logs = logs(&node);
    let jump = node.jump.as_deref().map(Jump::read).transpose()?;
    let store = Store::open(&settings.home)?;
    let listen = match &node.listen {
        Some(text) => Some(Listen::read(text, token::token(&settings.home)?)?),
        None => None,
    };
    let is_endless =
        node.step.is_empty() && (listen.is_some() || logs.iter().any(|log| Path::new(&log.at).is_dir()));
    let mut expected: BTreeSet<Option<String>> = node.step.iter().cloned().map(Some).collect();
    if !is_endless {
        expected.extend(logs.iter().filter(|log| !Path::new(&log.at).is_dir()).map(|log| log.step.clone()));
    }
    let is_for_all_ranks = node.rank.is_none();
    if let Some(listen) = &listen {
        warn_of_listening(listen, printer);
    }
    // A log that has one name has its step's; where steps are found by themselves, names choose among them.
    let steps =
        if logs.iter().any(|log| log.step.is_none()) || listen.is_some() { node.step } else { Vec::new() };
    let wish = Wish {
        logs,
        listen,
        steps,
        port: node.debug_port,
        rank: node.rank,
        jump: jump.clone(),
        code: code.clone(),
    };
    let following = remote::follow(wish, store)?;
    if let Some(address) = following.listens {
        let file = token::file(&settings.home);
        printer.remark(&message!("remote.listens", address = address, file = file.display()));
        printer
            .answer("", &json!({ "event": "listening", "address": address.to_string(), "tokenFile": file }));
    }
    let (sender, seen) = mpsc::unbounded_channel();
    let pipeline = node.pipeline.map(|path| path.display().to_string());
    let watch = Watch {
        code,
        breaks,
        jump,
        pipeline,
        began,
        is_endless,
        expected,
        is_for_all_ranks,
        last_end: None,
        processes: BTreeMap::new(),
        stops: Vec::new(),
        sender,
    };
    watch.until_over(following, seen, printer).await
}

/// `STEP=VALUE`, or a value alone. What stands before the sign has to be a name: a URL has such signs, too.
fn named(text: &str) -> (Option<String>, &str) {
    let is_name = |name: &str| {
        !name.is_empty() && name.chars().all(|letter| letter.is_alphanumeric() || "._-".contains(letter))
    };
    match text.split_once('=') {
        Some((name, value)) if is_name(name) => (Some(name.to_owned()), value),
        _ => (None, text),
    }
}

/// The logs; the name of one step is that of one log without a name.
fn logs(node: &Node) -> Vec<Log> {
    let mut logs: Vec<Log> = node.log.iter().map(|text| named(text)).map(log).collect();
    if let ([Log { step: step @ None, at }], [name]) = (logs.as_mut_slice(), node.step.as_slice())
        && !Path::new(at).is_dir()
    {
        *step = Some(name.clone());
    }
    logs
}

fn log((step, at): (Option<String>, &str)) -> Log {
    Log { step, at: at.to_owned() }
}

/// Where the code of each step is, here and there.
fn code(node: &Node) -> Result<Code, Failure> {
    let mut code = Code {
        local: BTreeMap::new(),
        other_local: spec_reader::absolute(Path::new("."))?.components().collect(),
        remote: BTreeMap::new(),
        other_remote: ".".to_owned(),
    };
    if let Some(pipeline) = &node.pipeline {
        code.local = code_of_steps(&spec_reader::absolute(pipeline)?)?;
    }
    for text in &node.code {
        let (step, folder) = named(text);
        let folder = spec_reader::absolute(Path::new(folder))?.components().collect();
        match step {
            Some(step) => drop(code.local.insert(step, folder)),
            None => code.other_local = folder,
        }
    }
    for text in &node.remote_root {
        let (step, folder) = named(text);
        match step {
            Some(step) => drop(code.remote.insert(step, folder.to_owned())),
            None => folder.clone_into(&mut code.other_remote),
        }
    }
    Ok(code)
}

fn code_of_steps(path: &Path) -> Result<BTreeMap<String, PathBuf>, Failure> {
    let reading = spec_reader::read(path)?;
    let Some(Body::Pipeline(job)) = reading.spec.map(|spec| spec.body) else {
        return Err(Failure::new(Blame::User, message!("variant.no-pipeline", file = path.display()))
            .with_fix(message!("variant.no-pipeline.fix")));
    };
    let inputs = job.inputs.clone();
    Ok(graph(path, &job, inputs)?.code_folders())
}

/// A place has to be in the code of some step; whose it is turns out when they come.
fn check_breaks(breaks: &[BreakPlace], code: &Code) -> Result<(), Failure> {
    for place in breaks {
        let mut folders = code.local.values().chain([&code.other_local]);
        if !folders.any(|folder| place.local(folder).is_ok()) {
            place.local(&code.other_local)?;
        }
    }
    Ok(())
}

fn warn_of_listening(listen: &Listen, printer: &mut Printer) {
    if listen.is_everywhere() {
        printer.say(&message!("remote.listens-everywhere"));
    } else if listen.is_open() {
        printer.say(&message!("remote.listens-open"));
    }
}

/// What was seen by our own debugger of a process.
enum Seen {
    Stop(Who, TimedStop),
    Left(Who, Left),
    /// The process has ended, and its debugger has said nothing more.
    Silent(Who),
}

/// One process and how far it has come.
#[derive(Default)]
struct Process {
    /// When its wait ends, milliseconds since the epoch.
    ends: Option<u64>,
    /// Whether a debugger of ours is there.
    is_debugged: bool,
    outcome: Option<Result<(), Failure>>,
}

struct Watch {
    code: Code,
    breaks: Vec<BreakPlace>,
    jump: Option<Jump>,
    pipeline: Option<String>,
    began: Instant,
    /// Whether more steps may always come.
    is_endless: bool,
    /// Steps that have to have come before this ends.
    expected: BTreeSet<Option<String>>,
    /// Whether no rank was named that alone is waited for.
    is_for_all_ranks: bool,
    /// When a process was last seen to end.
    last_end: Option<Instant>,
    processes: BTreeMap<Who, Process>,
    stops: Vec<Value>,
    sender: mpsc::UnboundedSender<Seen>,
}

impl Watch {
    async fn until_over(
        mut self,
        mut following: Following,
        mut seen: mpsc::UnboundedReceiver<Seen>,
        printer: &mut Printer,
    ) -> Result<u8, Failure> {
        let mut signals = Signals::new()?;
        let mut clock = tokio::time::interval(SECOND);
        while !self.is_over() {
            tokio::select! {
                biased;
                Some(seen) = seen.recv() => self.saw(seen, printer),
                Some((who, news)) = following.news.recv() => self.on(who, news, printer),
                _ = clock.tick() => self.count_down(printer),
                () = signals.next() => {
                    printer.countdown(None);
                    return Ok(Blame::Cancelled.exit_code());
                }
            }
        }
        printer.countdown(None);
        drop(following);
        let asked = !self.breaks.is_empty();
        let failed = self.processes.values().find_map(|process| process.outcome.as_ref()?.as_ref().err());
        let code = failed.map_or(0, |failure| failure.blame.exit_code());
        let steps = self.processes.iter().filter(|(who, _)| **who != Who::default()).map(|(who, process)| {
            let failure = process.outcome.as_ref().and_then(|outcome| outcome.as_ref().err());
            json!({ "step": who.step, "rank": who.rank, "failure": failure.map(to_proto::failure),
                "outcome": if failure.is_some() { "failed" } else { "completed" } })
        });
        let steps: Vec<Value> = steps.collect();
        let mut result = json!({
            "event": "result",
            "outcome": if failed.is_some() { "failed" } else { "completed" },
            "failure": failed.map(to_proto::failure),
        });
        if !steps.is_empty() {
            result["steps"] = json!(steps);
        }
        if asked {
            result["stops"] = json!(self.stops);
        }
        printer.answer("", &result);
        Ok(code)
    }

    /// Whether every step that is expected has come, and none of all goes on.
    fn is_over(&self) -> bool {
        let has_come = |step: &Option<String>| self.processes.keys().any(|who| who.step == *step);
        let is_done = !self.processes.is_empty() && self.processes.values().all(|it| it.outcome.is_some());
        let may_end =
            if self.is_endless { !self.breaks.is_empty() } else { self.expected.iter().all(has_come) };
        let has_ranks = self.is_for_all_ranks && self.processes.keys().any(|who| who.rank.is_some());
        let may_come = has_ranks && self.last_end.is_some_and(|at| at.elapsed() < NEXT_RANK);
        is_done && may_end && !may_come
    }

    fn on(&mut self, who: Who, news: News, printer: &mut Printer) {
        match news {
            News::Waits(beacon) => self.waits(who, &beacon, printer),
            News::NotListening => self.say(&who, &message!("remote.not-listening"), printer),
            News::Reached(port) => {
                if let Err(failure) = self.offer(&who, port, printer) {
                    self.end(who, Err(failure), printer);
                }
            }
            News::Attended => {
                self.process(&who).ends = None;
                self.count_down(printer);
            }
            News::OutOfReach(beacon, unreached) => {
                let Beacon { address, port, .. } = beacon;
                let event = json!({ "event": "outOfReach", "step": who.step, "rank": who.rank,
                    "cause": unreached.cause.word(), "address": format!("{address}:{port}") });
                printer.answer("", &event);
                let failure = Unreached::failure(unreached, &address, port, self.jump.as_ref());
                self.end(who, Err(failure), printer);
            }
            News::GaveUp { why, waited } => {
                let failure = remote::gave_up(&who, self.pipeline.as_deref(), why, waited);
                self.end(who, Err(failure), printer);
            }
            News::Failed(failure) => self.end(who, Err(failure), printer),
            News::Refused(peer) => {
                printer.remark(&message!("remote.stranger", peer = peer));
                printer.answer("", &json!({ "event": "refusedCaller", "address": peer.to_string() }));
            }
            News::Over if self.process(&who).is_debugged => {
                let sender = self.sender.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(LAST_WORDS).await;
                    let _ = sender.send(Seen::Silent(who));
                });
            }
            News::Over => self.end(who, Ok(()), printer),
        }
    }

    fn waits(&mut self, who: Who, beacon: &Beacon, printer: &mut Printer) {
        let ends = beacon.seconds.map(|seconds| clock::now_ms() + (seconds * 1000.0) as u64);
        self.process(&who).ends = ends;
        let Beacon { address, port, .. } = beacon;
        let text = match beacon.seconds {
            Some(seconds) => message!("remote.waits-for", address = address, port = port, seconds = seconds),
            None => message!("remote.waits", address = address, port = port),
        };
        printer.remark(&of_message(&who, text));
        // A program reads an empty name where there is none, as before there were several.
        let event = json!({
            "event": "beacon", "step": who.step.unwrap_or_default(), "rank": who.rank, "address": address,
            "port": port, "seconds": beacon.seconds, "waitEndsAt": ends,
        });
        printer.answer("", &event);
    }

    fn offer(&mut self, who: &Who, port: u16, printer: &mut Printer) -> Result<(), Failure> {
        let (code, remote_root) = self.code.of(who.step.as_deref());
        let (folder, entry) = who.entry(&self.code, port);
        let step = who.step.clone().unwrap_or_default();
        let ready = json!({
            "event": "debugReady", "step": step, "rank": who.rank,
            "configuration": launch_json::configuration(&entry),
        });
        printer.answer("", &ready);
        // In English, since a tasks.json may wait for this line.
        printer.line(&ready_line(&entry.host, port).text());
        self.process(who).outcome = None;
        self.debug(who, port, &code, remote_root)?;
        let answer = attach::write(&step, &folder, &entry)?;
        printer.remark(&match answer.changed {
            true => message!("attach.written", name = answer.name, file = answer.launch_json),
            false => message!("attach.unchanged", name = answer.name, file = answer.launch_json),
        });
        Ok(())
    }

    /// Attaches our own debugger where the process has a file that was named.
    fn debug(&mut self, who: &Who, port: u16, code: &Path, remote_root: String) -> Result<(), Failure> {
        let breakpoints = self.breaks.iter().filter(|place| place.local(code).is_ok());
        let breakpoints = breakpoints.map(|place| breakpoint(place, code)).collect::<Result<Vec<_>, _>>()?;
        if breakpoints.is_empty() {
            return Ok(());
        }
        let code_folder = (code.to_string_lossy().into_owned(), remote_root);
        let wish = StopWish { breakpoints, exceptions: false, code_folder };
        let (stops, mut stopped) = mpsc::unbounded_channel::<TimedStop>();
        let debugger = breaks::attach(port, wish, self.began, stops);
        let (who_is, sender) = (who.clone(), self.sender.clone());
        tokio::spawn(async move {
            while let Some(stop) = stopped.recv().await {
                let _ = sender.send(Seen::Stop(who_is.clone(), stop));
            }
            let _ = sender.send(Seen::Left(who_is, debugger.task.await.unwrap_or_default()));
        });
        self.process(who).is_debugged = true;
        Ok(())
    }

    fn saw(&mut self, seen: Seen, printer: &mut Printer) {
        match seen {
            Seen::Stop(who, (stop, ms)) => {
                if let Printer::Terminal(_) = printer {
                    printer.stop(&of_process(&who, stop.clone()), ms);
                }
                let mut event = stop_json(&stop, ms);
                if who.step.is_some() {
                    event["step"] = json!(who.step);
                }
                if who.rank.is_some() {
                    event["rank"] = json!(who.rank);
                }
                self.stops.push(event.clone());
                event["event"] = json!("stopped");
                printer.answer("", &event);
            }
            // The program has ended; a debug server of its own stays until its client has left.
            Seen::Left(who, left) => self.end(who, verdict(left), printer),
            Seen::Silent(who) => self.end(who, Ok(()), printer),
        }
    }

    /// The first outcome counts.
    fn end(&mut self, who: Who, outcome: Result<(), Failure>, printer: &mut Printer) {
        let process = self.process(&who);
        process.ends = None;
        if process.outcome.is_some() {
            return;
        }
        if let Err(failure) = &outcome {
            let what = Message::clone(&failure.what);
            let shown = Failure { what: of_message(&who, what), ..failure.clone() };
            printer.failure(&shown);
        }
        process.outcome = Some(outcome);
        self.last_end = Some(Instant::now());
        self.count_down(printer);
    }

    /// The wait that ends first, as a person sees it run down.
    fn count_down(&self, printer: &mut Printer) {
        let now = clock::now_ms();
        let waiting = self.processes.iter().filter_map(|(who, process)| Some((process.ends?, who)));
        let text = waiting.filter(|(ends, _)| *ends > now).min().map(|(ends, who)| {
            let left = (ends - now).div_ceil(1000);
            let left = format!("{}:{:02}", left / 60, left % 60);
            of(who, &message!("remote.time-left", left = left))
        });
        printer.countdown(text.as_deref());
    }

    fn process(&mut self, who: &Who) -> &mut Process {
        self.processes.entry(who.clone()).or_default()
    }

    fn say(&self, who: &Who, text: &Message, printer: &mut Printer) {
        printer.say(&of_message(who, text.clone()));
    }
}

/// The file by its path here: what it is called on the node, the mapping says.
fn breakpoint(place: &BreakPlace, code: &Path) -> Result<Breakpoint, Failure> {
    let file = place.local(code)?;
    let code_line = line_with_code(&files::read_text(&file)?, place.line);
    let remote = file.to_string_lossy().into_owned();
    Ok(Breakpoint { file: place.file.clone(), remote, line: place.line, code_line })
}

fn verdict(left: Left) -> Result<(), Failure> {
    if left.missed.is_empty() && left.refused.is_none() {
        return Ok(());
    }
    let detail = left.missed.iter().map(|missed| missed.message().text());
    Err(Failure::new(Blame::Breakpoint, message!("cli.breakpoints-missed"))
        .with_detail(detail.chain(left.refused))
        .with_fix(message!("cli.breakpoints-missed.fix")))
}

fn of(who: &Who, text: &Message) -> String {
    of_message(who, text.clone()).text()
}

fn of_message(who: &Who, problem: Message) -> Message {
    match who.label() {
        Some(label) => message!("remote.of", process = label, text = problem),
        None => problem,
    }
}

fn of_process(who: &Who, mut stop: Stop) -> Stop {
    if let Some(label) = who.label() {
        stop.file = format!("{label}: {}", stop.file);
    }
    stop
}
