//! What the command line prints: words for a person on a terminal, one JSON object a line for a program.
//!
//! On a terminal the run's own output goes to standard output and our words to standard error, so that
//! `aml-debug run … > log` keeps what the user's code wrote. With `--json` everything is on standard output.
#![expect(clippy::print_stderr, reason = "this is the one file that prints")]

use crate::clock;
use crate::files;
use crate::main_loop::LogName;
use crate::outbox::{Notice, Progress};
use crate::to_proto;
use engine::attach::ready_line;
use engine::dap::breaker::Stop;
use engine::failure::Failure;
use engine::launch_json;
use engine::message;
use engine::message::{Language, Message};
use engine::run::snapshot::state_title;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use protocol::deployment::{DeploymentAnswer, InvokeAnswer, ServiceSnapshot};
use protocol::run::{PhaseSnapshot, RunSnapshot, StepSnapshot};
use protocol::text::FailureText;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::path::Path;

/// Prints in one of the two forms.
#[derive(Debug)]
pub(crate) enum Printer {
    /// For a person.
    Terminal(Terminal),
    /// For a program.
    Json,
}

/// What a terminal needs to know.
#[derive(Debug)]
pub(crate) struct Terminal {
    paint: bool,
    language: Language,
    bars: MultiProgress,
    /// A bar per layer or build step under way.
    by_item: BTreeMap<String, ProgressBar>,
    state: String,
    /// Of a pipeline: run of a step → its name.
    steps: BTreeMap<String, String>,
    /// Of a pipeline: name of a step → its state.
    states: BTreeMap<String, String>,
}

impl Printer {
    pub(crate) fn new(json: bool) -> Self {
        if json {
            return Self::Json;
        }
        let paint = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let bars = MultiProgress::new();
        Self::Terminal(Terminal {
            paint,
            language: language(),
            bars,
            by_item: BTreeMap::new(),
            state: String::new(),
            steps: BTreeMap::new(),
            states: BTreeMap::new(),
        })
    }

    /// One thing that happened to a run.
    pub(crate) fn notice(&mut self, notice: &Notice) {
        match self {
            Self::Terminal(terminal) => terminal.notice(notice),
            Self::Json => object(&notice_json(notice)),
        }
    }

    /// A breakpoint that was hit.
    pub(crate) fn stop(&mut self, stop: &Stop, ms_from_start: u64) {
        match self {
            Self::Terminal(terminal) => terminal.stop(stop, ms_from_start),
            Self::Json => {
                let mut event = stop_json(stop, ms_from_start);
                event["event"] = json!("stopped");
                object(&event);
            }
        }
    }

    /// A sentence of ours.
    pub(crate) fn say(&mut self, message: &Message) {
        match self {
            Self::Terminal(terminal) => terminal.line(&terminal.words(message)),
            Self::Json => object(&json!({ "event": "message", "message": to_proto::text(message) })),
        }
    }

    /// A sentence in the language of the terminal; in English for a program.
    pub(crate) fn words(&self, message: &Message) -> String {
        match self {
            Self::Terminal(terminal) => terminal.words(message),
            Self::Json => message.text(),
        }
    }

    /// A sentence beside the answer, for a person only.
    pub(crate) fn remark(&mut self, message: &Message) {
        if let Self::Terminal(terminal) = self {
            terminal.line(&terminal.words(message));
        }
    }

    /// A line beside the answer, for a person only.
    pub(crate) fn line(&mut self, text: &str) {
        if let Self::Terminal(terminal) = self {
            terminal.line(text);
        }
    }

    /// A stretch of a log, as it is.
    pub(crate) fn raw(&mut self, text: &str) {
        let mut stdout = std::io::stdout().lock();
        let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    }

    /// What a person sees of a wait while it lasts; `None` ends it.
    pub(crate) fn countdown(&mut self, text: Option<&str>) {
        let Self::Terminal(terminal) = self else { return };
        match text {
            Some(text) => terminal.countdown(text),
            None => terminal.end_countdown(),
        }
    }

    /// An answer: words for a person, the object for a program.
    pub(crate) fn answer(&mut self, text: &str, value: &Value) {
        match self {
            Self::Terminal(_) if text.is_empty() => {}
            Self::Terminal(_) => out(text),
            Self::Json => object(value),
        }
    }

    /// What went wrong: what failed, why, what to do.
    pub(crate) fn failure(&mut self, failure: &Failure) {
        match self {
            Self::Terminal(terminal) => terminal.failure(&to_proto::failure(failure)),
            Self::Json => object(&json!({ "event": "error", "failure": to_proto::failure(failure) })),
        }
    }

    /// The end of a foreground command.
    pub(crate) fn result(
        &mut self,
        run: &RunSnapshot,
        stops: Option<&[Value]>,
        failure: Option<&FailureText>,
    ) {
        match self {
            Self::Terminal(terminal) => {
                if let Some(failure) = failure {
                    terminal.failure(failure);
                }
                terminal.card(run);
            }
            Self::Json => object(&result_json(run, stops, failure)),
        }
    }

    /// The end of `deploy`, which mostly is not the end of the deployment.
    pub(crate) fn deployed(
        &mut self,
        run: &RunSnapshot,
        stops: Option<&[Value]>,
        response: Option<&InvokeAnswer>,
        failure: Option<&FailureText>,
    ) {
        match self {
            Self::Terminal(terminal) => {
                if let Some(response) = response {
                    terminal.response(response, None);
                }
                if let Some(failure) = failure {
                    terminal.failure(failure);
                }
                terminal.card(run);
            }
            Self::Json => {
                let mut result = result_json(run, stops, failure);
                if let Some(service) = &run.service {
                    result["deployment"] = json!(format!("{}/{}", service.endpoint, service.name));
                    result["scoringUri"] = json!(service.scoring_uri);
                }
                if let Some(response) = response {
                    result["response"] = json!(response);
                }
                object(&result);
            }
        }
    }

    /// A deployment answers from now on.
    pub(crate) fn healthy(&mut self, service: &ServiceSnapshot) {
        match self {
            Self::Terminal(terminal) => {
                terminal.line(&terminal.words(&message!("deploy.healthy", uri = service.scoring_uri)));
            }
            Self::Json => object(&json!({ "event": "healthy", "service": service })),
        }
    }

    /// What a deployment answered, and where that was written to.
    pub(crate) fn response(&mut self, answer: &InvokeAnswer, saved: Option<&Path>) {
        match self {
            Self::Terminal(terminal) => {
                terminal.response(answer, saved);
                if let Some(failure) = &answer.failure {
                    terminal.failure(failure);
                }
            }
            Self::Json => object(&json!(answer)),
        }
    }

    /// A deployment with what lies beside it.
    pub(crate) fn deployment(&mut self, shown: &DeploymentAnswer) {
        match self {
            Self::Terminal(terminal) => terminal.deployment(shown),
            Self::Json => object(&json!(shown)),
        }
    }

    /// An edit that was not taken.
    pub(crate) fn refused(&mut self, failure: &FailureText) {
        match self {
            Self::Terminal(terminal) => terminal.failure(failure),
            Self::Json => object(&json!({ "event": "refused", "failure": failure })),
        }
    }
}

/// No layer of an image is called so.
const COUNTDOWN: &str = "countdown";

fn result_json(run: &RunSnapshot, stops: Option<&[Value]>, failure: Option<&FailureText>) -> Value {
    let mut result = json!({
        "event": "result",
        "outcome": run.state,
        "run": run.run,
        "image": run.image,
        "phases": run.phases,
        "exitCode": run.exit_code,
    });
    if let Some(graph) = &run.graph {
        result["steps"] = json!(graph.steps);
    }
    if let Some(stops) = stops {
        result["stops"] = json!(stops);
    }
    if let Some(failure) = failure {
        result["failure"] = json!(failure);
    }
    result
}

/// A stop as `--json` shows it.
pub(crate) fn stop_json(stop: &Stop, ms_from_start: u64) -> Value {
    let locals: serde_json::Map<String, Value> =
        stop.locals.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let mut object =
        json!({ "file": stop.file, "line": stop.line, "locals": locals, "msFromStart": ms_from_start });
    if let Some(process) = stop.process {
        object["process"] = process.into();
    }
    if let Some(exception) = &stop.exception {
        object["exception"] = json!(exception);
    }
    object
}

fn notice_json(notice: &Notice) -> Value {
    match notice {
        Notice::RunChanged(run) => json!({ "event": "runChanged", "run": run }),
        Notice::Lines { run, log, lines, .. } => {
            json!({ "event": "log", "run": run.as_str(), "log": log.word(), "lines": lines })
        }
        Notice::Progress(run, progress) => json!({
            "event": "progress", "run": run.as_str(), "item": progress.item, "status": progress.status,
            "done": progress.done, "total": progress.total,
        }),
        Notice::DebuggerReady(run, entry) => {
            json!({ "event": "debugReady", "run": run.as_str(), "configuration": launch_json::configuration(entry) })
        }
        Notice::MappingProposed(run, proposal) => {
            let mut object = json!(to_proto::mapping_proposal(run, proposal));
            object["event"] = json!("mappingProposed");
            object
        }
        Notice::RemoteChanged(step) => json!({ "event": "remoteChanged", "step": step }),
    }
}

impl Terminal {
    fn notice(&mut self, notice: &Notice) {
        match notice {
            Notice::RunChanged(run) => self.run_changed(run),
            Notice::Lines { log: LogName::Driver, lines, run, .. } => {
                let of = self.prefix(run.as_str());
                self.bars.suspend(|| lines.iter().for_each(|line| out(&format!("{of}{line}"))));
            }
            Notice::Lines { log: LogName::Control, lines, run, .. } => {
                let of = self.prefix(run.as_str());
                lines.iter().for_each(|line| self.faint(&format!("{of}{line}")));
            }
            Notice::Progress(_, progress) => self.progress(progress),
            Notice::DebuggerReady(_, entry) => {
                let text =
                    serde_json::to_string_pretty(&launch_json::configuration(entry)).unwrap_or_default();
                // In English, since the tasks.json that started us waits for this line.
                self.line(&ready_line(&entry.host, entry.port).text());
                self.faint(&text);
            }
            // The sentence of a mapping stands in the control log; a step on a node has no run here.
            Notice::MappingProposed(..) | Notice::RemoteChanged(_) => {}
        }
    }

    /// What stands before a line of a step: steps that run side by side write between one another.
    fn prefix(&self, run: &str) -> String {
        self.steps.get(run).map(|step| format!("{step} | ")).unwrap_or_default()
    }

    /// Says how a step goes, once: both its own run and its pipeline tell of it.
    fn step_changed(&mut self, step: &StepSnapshot) {
        if self.states.get(&step.name).map_or("pending", String::as_str) == step.state {
            return;
        }
        self.states.insert(step.name.clone(), step.state.clone());
        let took = step.started_at.zip(step.ended_at).map(|(start, end)| duration(end.saturating_sub(start)));
        let state = state_title(&step.state);
        let text = match (step.reused, took) {
            (true, _) => {
                let run = step.run.as_deref().unwrap_or_default();
                message!("pipeline.step-reused", step = step.name, run = run)
            }
            (false, Some(took)) => {
                message!("pipeline.step-ended", step = step.name, state = state, time = took)
            }
            (false, None) => message!("pipeline.step-state", step = step.name, state = state),
        };
        self.faint(&self.words(&text));
    }

    fn run_changed(&mut self, run: &RunSnapshot) {
        if let (Some(step), Some(_)) = (&run.step, &run.parent) {
            self.steps.insert(run.run.clone(), step.clone());
            self.step_changed(&StepSnapshot {
                name: step.clone(),
                state: run.state.clone(),
                run: Some(run.run.clone()),
                reused: false,
                debug: run.debug,
                started_at: Some(run.started_at),
                ended_at: run.ended_at,
            });
            return;
        }
        run.graph.iter().flat_map(|graph| &graph.steps).for_each(|step| self.step_changed(step));
        if run.state == self.state {
            return;
        }
        if self.state.is_empty() {
            // In English for the same reader as the line that says that a debugger can attach.
            self.line(&message!("run.began", run = run.run).text());
        } else {
            self.faint(&self.words(&message!("run.state", state = state_title(&run.state))));
        }
        self.state.clone_from(&run.state);
    }

    fn progress(&mut self, progress: &Progress) {
        let bar = self.by_item.entry(progress.item.clone()).or_insert_with(|| {
            let style =
                ProgressStyle::with_template("  {prefix:14.dim} {bar:24} {bytes:>10}/{total_bytes:10} {msg}");
            let bar = self.bars.add(ProgressBar::new(progress.total));
            if let Ok(style) = style {
                bar.set_style(style);
            }
            bar.set_prefix(progress.item.clone());
            bar
        });
        bar.set_length(progress.total);
        bar.set_position(progress.done);
        bar.set_message(progress.status.clone());
        if progress.total > 0 && progress.done >= progress.total {
            bar.finish_and_clear();
            self.by_item.remove(&progress.item);
        }
    }

    fn countdown(&mut self, text: &str) {
        let bars = &self.bars;
        let bar = self.by_item.entry(COUNTDOWN.to_owned()).or_insert_with(|| {
            let bar = bars.add(ProgressBar::new_spinner());
            if let Ok(style) = ProgressStyle::with_template("  {spinner} {msg}") {
                bar.set_style(style);
            }
            bar
        });
        bar.set_message(text.to_owned());
        bar.tick();
    }

    fn end_countdown(&mut self) {
        if let Some(bar) = self.by_item.remove(COUNTDOWN) {
            bar.finish_and_clear();
        }
    }

    fn stop(&mut self, stop: &Stop, ms_from_start: u64) {
        let place = format!("{}:{}", stop.file, stop.line);
        let place = self.bold(&place);
        let title = match stop.process {
            None => message!("run.stopped-at", place = place, ms = ms_from_start),
            Some(pid) => message!("run.child-stopped-at", place = place, pid = pid, ms = ms_from_start),
        };
        self.line(&self.words(&title));
        if let Some(exception) = &stop.exception {
            self.line(&format!("    {}", self.coloured("31", exception)));
        }
        let width = stop.locals.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, value) in &stop.locals {
            self.line(&format!("    {name:width$} = {}", in_one_line(value)));
        }
    }

    /// The body alone on standard output, so that it can be piped on; what is no text goes there only as
    /// bytes for another program.
    fn response(&mut self, answer: &InvokeAnswer, saved: Option<&Path>) {
        self.faint(&timing(answer, self.language));
        if let Some(file) = saved {
            return self.line(&self.words(&message!(
                "deployments.saved",
                size = answer.size,
                file = file.display()
            )));
        }
        match (&answer.body, &answer.base64) {
            (Some(Value::String(text)), _) => out(text),
            (Some(json), _) => out(&json.to_string()),
            (None, Some(_)) if std::io::stdout().is_terminal() => {
                let kind = answer.headers.get("content-type").map_or("", String::as_str);
                self.line(&self.words(&message!("deployments.binary", size = answer.size, kind = kind)));
            }
            (None, Some(base64)) => {
                let mut stdout = std::io::stdout().lock();
                let _ = stdout.write_all(&files::from_base64(base64).unwrap_or_default());
            }
            (None, None) => {}
        }
    }

    fn deployment(&mut self, shown: &DeploymentAnswer) {
        let mut lines = vec![format!("{}  {}", self.bold(&shown.run.state), shown.run.run)];
        if let Some(service) = shown.run.service.as_ref().filter(|_| shown.run.ended_at.is_none()) {
            lines.push(service.scoring_uri.clone());
            lines.extend(service.refused.as_ref().map(|refused| refused.what.text.clone()));
        }
        lines.extend(shown.run.failure.iter().map(|it| self.words(&to_proto::message(&it.what))));
        lines.extend(
            shown.samples.iter().map(|file| self.words(&message!("deployments.sample-there", file = file))),
        );
        let now = clock::now_ms();
        lines.extend(shown.answers.iter().map(|answer| {
            let ago = duration(now.saturating_sub(answer.at));
            message!("deployments.answer", ago = ago, answer = timing(answer, self.language))
                .text_in(self.language)
        }));
        lines.iter().for_each(|line| out(line));
    }

    fn failure(&mut self, failure: &FailureText) {
        let what = self.coloured("31", &self.words(&to_proto::message(&failure.what)));
        self.line(&format!("aml-debug: {what}"));
        let said = failure.said.as_deref().unwrap_or_default();
        let said: Vec<String> = said.iter().map(|line| self.words(&to_proto::message(line))).collect();
        for line in said.iter().chain(failure.detail.iter().skip(said.len())) {
            self.line(&format!("    {line}"));
        }
        if let Some(fix) = &failure.fix {
            self.line(&format!("  {} {}", self.coloured("36", "→"), self.words(&to_proto::message(fix))));
        }
    }

    fn card(&mut self, run: &RunSnapshot) {
        let title = match (&run.service, run.ended_at) {
            (Some(service), None) => message!("deploy.stays", run = run.run, name = service.name),
            _ => message!(
                "run.ended",
                run = run.run,
                state = self.bold(&state_title(&run.state).text_in(self.language))
            ),
        };
        self.line(&self.words(&title));
        for phase in &run.phases {
            self.line(&self.card_line(phase));
        }
        if let Some(graph) = &run.graph {
            let name = graph.steps.iter().map(|step| step.name.chars().count()).max().unwrap_or_default();
            let times = Times::of(&graph.steps);
            for step in &graph.steps {
                let before: Vec<&str> = graph
                    .edges
                    .iter()
                    .filter(|edge| edge.to == step.name)
                    .map(|edge| edge.from.as_str())
                    .collect();
                self.line(&self.step_line(step, name.max(8), &times, before));
            }
        }
    }

    /// Name, time, state, when it ran within the whole, what it waited for, and its run.
    fn step_line(&self, step: &StepSnapshot, width: usize, times: &Times, mut before: Vec<&str>) -> String {
        let took = step.started_at.zip(step.ended_at).map(|(start, end)| duration(end.saturating_sub(start)));
        let time = if step.reused { String::new() } else { took.unwrap_or_default() };
        let state = format!("{:9}", if step.reused { "reused" } else { &step.state });
        let state = match step.state.as_str() {
            "completed" => self.coloured("32", &state),
            "failed" | "lost" => self.coloured("31", &state),
            _ => state,
        };
        before.dedup();
        let before = if before.is_empty() { String::new() } else { format!("  ← {}", before.join(", ")) };
        let run = step.run.as_deref().map(|run| self.coloured("2", &format!("  {run}"))).unwrap_or_default();
        let bar = times.bar(step);
        format!("    {:width$} {time:>9}  {state} {bar}{run}{before}", step.name).trim_end().to_owned()
    }

    fn card_line(&self, phase: &PhaseSnapshot) -> String {
        let time = phase.ms.map_or_else(|| "…".to_owned(), duration);
        let outcome = match phase.outcome.as_str() {
            "ok" => self.coloured("32", "ok       "),
            "failed" => self.coloured("31", "failed   "),
            other => format!("{other:9}"),
        };
        let word = phase.cause.as_ref().or(phase.note.as_ref()).map(to_proto::message);
        let word = word.map(|word| self.words(&word)).unwrap_or_default();
        let word = word.lines().next().unwrap_or_default();
        format!("    {:8} {time:>9}  {outcome} {word}", phase.name).trim_end().to_owned()
    }

    fn words(&self, message: &Message) -> String {
        message.text_in(self.language)
    }

    fn line(&self, text: &str) {
        self.bars.suspend(|| err(text));
    }

    fn faint(&self, text: &str) {
        self.line(&self.coloured("2", text));
    }

    fn bold(&self, text: &str) -> String {
        self.coloured("1", text)
    }

    fn coloured(&self, code: &str, text: &str) -> String {
        if self.paint { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// The language of the terminal, as POSIX has it: the first of these variables that says something.
fn language() -> Language {
    let named = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(|name| std::env::var(name).ok());
    named
        .into_iter()
        .find(|locale| !locale.is_empty())
        .map(|locale| Language::of(&locale))
        .unwrap_or_default()
}

/// From the first start of a step to the last end, milliseconds since the epoch.
struct Times {
    begin: u64,
    end: u64,
}

/// How wide all of that is on a terminal.
const TIMELINE: u64 = 20;

impl Times {
    fn of(steps: &[StepSnapshot]) -> Self {
        let ran = || steps.iter().filter(|step| !step.reused);
        let begin = ran().filter_map(|step| step.started_at).min().unwrap_or_default();
        let is_live = ran().any(|step| step.started_at.is_some() && step.ended_at.is_none());
        let end = ran().filter_map(|step| step.ended_at).max().unwrap_or(begin);
        Self { begin, end: if is_live { clock::now_ms() } else { end } }
    }

    /// When a step ran, drawn to scale; blank for one that did not.
    fn bar(&self, step: &StepSnapshot) -> String {
        let whole = self.end.saturating_sub(self.begin).max(1);
        let place = |at: u64| at.saturating_sub(self.begin).min(whole) * TIMELINE / whole;
        let bar = step.started_at.filter(|_| !step.reused).map(|start| {
            let from = place(start).min(TIMELINE - 1);
            // Even the shortest can be seen.
            let to = place(step.ended_at.unwrap_or(self.end)).max(from + 1);
            (from, to)
        });
        let drawn = |at: u64| if bar.is_some_and(|(from, to)| from <= at && at < to) { '━' } else { '·' };
        (0..TIMELINE).map(drawn).collect()
    }
}

/// `POST /score → 200 in 12.3 ms, 0.4 ms in run()`, and whether a debugger was there meanwhile.
fn timing(answer: &InvokeAnswer, language: Language) -> String {
    let run_ms = answer.run_ms.map(|ms| format!(", {ms} ms in run()")).unwrap_or_default();
    let debugged = if answer.debugged {
        format!(", {}", message!("deployments.debugged").text_in(language))
    } else {
        String::new()
    };
    format!("{} → {} in {} ms{run_ms}{debugged}", answer.request, answer.status, answer.ms)
}

/// The most of a value that a terminal shows; `--json` has all of it.
const WIDEST_VALUE: usize = 100;

/// A data frame prints as a table; its first line tells what it is.
fn in_one_line(value: &str) -> String {
    let first = value.lines().next().unwrap_or_default();
    let shown: String = first.chars().take(WIDEST_VALUE).collect();
    if shown.len() == value.len() { shown } else { format!("{shown} …") }
}

/// Milliseconds below a second, seconds above, as a person reads them.
pub(crate) fn duration(ms: u64) -> String {
    if ms < 1_000 { format!("{ms} ms") } else { format!("{}.{} s", ms / 1_000, ms % 1_000 / 100) }
}

fn object(value: &Value) {
    out(&value.to_string());
}

/// A closed pipe (`aml-debug … | head`) is not an error of ours.
fn out(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
}

fn err(text: &str) {
    eprintln!("{text}");
}
