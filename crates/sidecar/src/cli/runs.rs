//! `runs`, `doctor`: commands that answer and end.

use super::arguments::{RunName, Runs, RunsList, RunsVerb};
use super::printer::{Printer, duration};
use super::session::Session;
use crate::doctor;
use crate::main_loop::Ask;
use crate::settings::Settings;
use crate::to_proto;
use engine::failure::{Blame, Failure};
use engine::message;
use engine::run::snapshot::state_title;
use protocol::log::ReadLogParams;
use protocol::run::{CancelRunParams, ListRunsParams, RemoveRunParams, RunIdParams, RunSnapshot};
use protocol::text::Text;
use serde_json::json;
use std::time::Duration;

pub(crate) async fn runs(settings: Settings, runs: Runs, printer: &mut Printer) -> Result<u8, Failure> {
    let session = Session::open(settings).await?;
    match runs.verb.unwrap_or(RunsVerb::List(runs.list)) {
        RunsVerb::List(choice) => list(&session, choice, printer).await?,
        RunsVerb::Show(name) => show(&session, name, printer).await?,
        RunsVerb::Logs { run, follow, control } => logs(&session, run, follow, control, printer).await?,
        RunsVerb::Outputs(name) => outputs(&session, name, printer).await?,
        RunsVerb::Cancel(name) => return cancel(&session, name, printer).await,
        RunsVerb::Remove(name) => remove(&session, name, printer).await?,
    }
    Ok(0)
}

async fn list(session: &Session, choice: RunsList, printer: &mut Printer) -> Result<(), Failure> {
    let params = ListRunsParams { experiment: choice.experiment, limit: choice.limit, ..Default::default() };
    let answer = session.ask(|reply| Ask::ListRuns(params, reply)).await?;
    for run in &answer.runs {
        printer.answer(&line_of(run), &serde_json::to_value(run).unwrap_or_default());
        // A program tells steps by their parent; a person looks for runs.
        if run.kind != "pipeline" || !(choice.steps || choice.json) {
            continue;
        }
        let params = ListRunsParams { parent: Some(run.run.clone()), ..Default::default() };
        for step in session.ask(|reply| Ask::ListRuns(params, reply)).await?.runs {
            printer.answer(&line_of(&step), &serde_json::to_value(&step).unwrap_or_default());
        }
    }
    Ok(())
}

/// State, duration, name, and whether its container is kept; a step stands under its pipeline.
fn line_of(run: &RunSnapshot) -> String {
    let took = run.ended_at.map(|end| duration(end.saturating_sub(run.started_at))).unwrap_or_default();
    let step = run.step.as_deref().map(|step| format!("  {step}")).unwrap_or_default();
    let indent = if run.parent.is_some() { "  " } else { "" };
    let warm = if run.warm_until.is_some() { "  warm" } else { "" };
    format!("{:10} {took:>9}  {indent}{}{step}{warm}", run.state, run.run)
}

async fn show(session: &Session, name: RunName, printer: &mut Printer) -> Result<(), Failure> {
    let run = snapshot(session, name.run).await?;
    if name.json.json {
        printer.answer("", &serde_json::to_value(&run).unwrap_or_default());
        return Ok(());
    }
    printer.result(&run, None, run.failure.as_ref());
    let params = RunIdParams { run: run.run };
    let outputs = session.ask(|reply| Ask::ListOutputs(params, reply)).await?;
    outputs.metrics.iter().for_each(|(name, value)| printer.line(&format!("    {name} = {value}")));
    Ok(())
}

async fn snapshot(session: &Session, run: String) -> Result<RunSnapshot, Failure> {
    session.ask(|reply| Ask::ShowRun(RunIdParams { run }, reply)).await
}

/// How often a log that is followed is looked at.
const LOOK: Duration = Duration::from_millis(100);

pub(super) async fn logs(
    session: &Session,
    run: String,
    follow: bool,
    control: bool,
    printer: &mut Printer,
) -> Result<(), Failure> {
    let log = if control { "control" } else { "driver" };
    let mut parts: Vec<Part> = Vec::new();
    loop {
        // Asked first: what is written before the end is read after it.
        let now = snapshot(session, run.clone()).await?;
        note_parts(&now, &mut parts, printer);
        let over = !follow || now.ended_at.is_some();
        for part in &mut parts {
            part.print_news(session, log, printer).await?;
        }
        if over {
            parts.iter_mut().for_each(|part| part.print_rest(printer));
            return Ok(());
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Of a pipeline, the steps that have come; of any other run, itself.
fn note_parts(run: &RunSnapshot, parts: &mut Vec<Part>, printer: &mut Printer) {
    let Some(graph) = &run.graph else {
        if parts.is_empty() {
            parts.push(Part::new(run.run.clone(), None));
        }
        return;
    };
    for step in &graph.steps {
        let Some(of_step) = step.run.as_ref().filter(|run| parts.iter().all(|part| part.run != **run)) else {
            continue;
        };
        if step.reused {
            printer.remark(&message!("pipeline.step-reused", step = step.name, run = of_step));
        }
        parts.push(Part::new(of_step.clone(), Some(step.name.clone())));
    }
}

/// One of the logs that make up what a person reads of a run.
struct Part {
    run: String,
    /// Stands before each line.
    step: Option<String>,
    offset: u64,
    /// The beginning of a line whose end has not come.
    rest: String,
}

impl Part {
    fn new(run: String, step: Option<String>) -> Self {
        Self { run, step, offset: 0, rest: String::new() }
    }

    async fn print_news(
        &mut self,
        session: &Session,
        log: &str,
        printer: &mut Printer,
    ) -> Result<(), Failure> {
        loop {
            let params = ReadLogParams { run: self.run.clone(), log: log.to_owned(), offset: self.offset };
            let answer = session.ask(|reply| Ask::ReadLog(params, reply)).await?;
            if answer.text.is_empty() {
                return Ok(());
            }
            self.offset = answer.next_offset;
            let Some(step) = &self.step else {
                printer.raw(&answer.text);
                continue;
            };
            self.rest.push_str(&answer.text);
            let whole = self.rest.rfind('\n').map_or(0, |end| end + 1);
            let lines: String = self.rest.drain(..whole).collect();
            let lines: String = lines.lines().map(|line| format!("{step} | {line}\n")).collect();
            printer.raw(&lines);
        }
    }

    fn print_rest(&mut self, printer: &mut Printer) {
        if let (Some(step), false) = (&self.step, self.rest.is_empty()) {
            printer.raw(&format!("{step} | {}\n", self.rest));
        }
    }
}

async fn outputs(session: &Session, name: RunName, printer: &mut Printer) -> Result<(), Failure> {
    let answer = session.ask(|reply| Ask::ListOutputs(RunIdParams { run: name.run }, reply)).await?;
    let mut lines = vec![answer.folder.clone()];
    lines.extend(answer.files.iter().map(|file| format!("{:>12}  {}", file.bytes, file.path)));
    lines.extend(answer.metrics.iter().map(|(name, value)| format!("{name} = {value}")));
    printer.answer(&lines.join("\n"), &serde_json::to_value(&answer).unwrap_or_default());
    Ok(())
}

/// How long the owner of a run may take to end it.
const PATIENCE: Duration = Duration::from_secs(20);

async fn cancel(session: &Session, name: RunName, printer: &mut Printer) -> Result<u8, Failure> {
    // A run that nobody owns has nobody to ask; then it is ours.
    let params = RunIdParams { run: name.run.clone() };
    session.ask(|reply| Ask::AdoptRun(params, reply)).await?;
    let params = CancelRunParams { run: name.run, at_once: false };
    let run = session.ask(|reply| Ask::CancelRun(params, reply)).await?.run;
    let over = async {
        loop {
            let run = snapshot(session, run.clone()).await?;
            if run.ended_at.is_some() {
                return Ok::<_, Failure>(run);
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    match tokio::time::timeout(PATIENCE, over).await {
        Ok(run) => {
            let run = run?;
            let text = printer.words(&message!("run.ended", run = run.run, state = state_title(&run.state)));
            printer.answer(&text, &serde_json::to_value(&run).unwrap_or_default());
            Ok(0)
        }
        Err(_) => Err(Failure::new(
            Blame::Environment,
            message!("cancel.no-answer", run = run, seconds = PATIENCE.as_secs()),
        )),
    }
}

async fn remove(session: &Session, name: RunName, printer: &mut Printer) -> Result<(), Failure> {
    let run = session.ask(|reply| Ask::RemoveRun(RemoveRunParams { run: name.run }, reply)).await?.run;
    let text = printer.words(&message!("runs.removed", run = run));
    printer.answer(&text, &json!({ "event": "removed", "run": run }));
    Ok(())
}

/// What the machine offers; 3 if a run cannot succeed on it.
pub(crate) async fn doctor(settings: &Settings, printer: &mut Printer) -> Result<u8, Failure> {
    let findings = doctor::examine(settings).await;
    for finding in &findings {
        let words = |text: &Text| printer.words(&to_proto::message(text));
        let mut text = format!("{:8} {:12} {}", finding.outcome, finding.subject, words(&finding.what));
        if let Some(fix) = &finding.fix {
            text.push_str(&format!("\n{:22}→ {}", "", words(fix)));
        }
        printer.answer(&text, &serde_json::to_value(finding).unwrap_or_default());
    }
    let ill = findings.iter().any(|finding| finding.outcome == "error");
    Ok(if ill { Blame::Environment.exit_code() } else { 0 })
}
