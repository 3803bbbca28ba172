//! `aml/startDeployment` and the other methods about deployments.
//!
//! A deployment is a run of kind `deployment`; of those with one name the newest counts. What has to end
//! before something else can begin is ended beside the loop, by the same questions that anybody may ask.

use crate::clock;
use crate::files;
use crate::http;
use crate::main_loop::{Ask, Event, Reply, give};
use crate::state::State;
use crate::store::{RunFolder, RunRecord};
use crate::{attach, spec_reader, to_proto};
use engine::failure::{Blame, Failure};
use engine::ids::RunId;
use engine::message;
use engine::plan::container::ContainerPlan;
use engine::plan::deployment::Service;
use engine::run::Run;
use engine::run::event::RunEvent;
use engine::run::snapshot::Snapshot;
use protocol::deployment::{
    DeploymentAnswer, DeploymentParams, DeploymentWish, InvokeAnswer, InvokeDeploymentParams,
    ListDeploymentsAnswer, StartDeploymentParams,
};
use protocol::run::{
    CancelRunParams, RemoveRunParams, RerunParams, RunAnswer, RunIdParams, RunSnapshot, StartRunParams,
};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// The kind of a deployment's record.
pub(crate) const KIND: &str = "deployment";

type Inbox = mpsc::UnboundedSender<Event>;

/// Starts it, in place of what is deployed of the same spec.
pub(crate) fn start(state: &mut State, params: StartDeploymentParams, reply: Reply<RunAnswer>) {
    let known = spec_of(&params).and_then(|spec| {
        let records = state.store.deployments()?;
        Ok(records.into_iter().find(|record| record.spec == spec && !record.is_final()))
    });
    match known {
        Ok(Some(earlier)) => {
            let inbox = state.effects.inbox();
            tokio::spawn(async move {
                let answer = match end(&inbox, &earlier.id).await {
                    Ok(()) => ask(&inbox, |reply| Ask::StartDeployment(params, reply)).await,
                    Err(failure) => Err(failure),
                };
                give(reply, answer);
            });
        }
        Ok(None) => give(reply, begin(state, params)),
        Err(failure) => give(reply, Err(failure)),
    }
}

fn begin(state: &mut State, params: StartDeploymentParams) -> Result<RunAnswer, Failure> {
    let now = clock::now_ms();
    let spec = spec_of(&params)?;
    let wish = choose_ports(state, &params, &spec)?;
    let parent = spec.parent().and_then(Path::file_name).unwrap_or_default();
    let experiment = parent.to_string_lossy().into_owned();
    let id = state.store.new_run_id(&experiment, now)?;
    let mut record = RunRecord::new(id.clone(), &experiment, spec.clone(), now);
    record.kind = KIND.to_owned();
    record.debug = params.debug;
    let ownership = state.store.begin(&record)?;
    let params = StartRunParams {
        spec: params.spec.map(|_| spec.to_string_lossy().into_owned()).unwrap_or_default(),
        debug: params.debug,
        env: params.env,
        secrets: params.secrets,
        rebuild: params.rebuild,
        pull: params.pull,
        deployment: Some(wish),
        ..StartRunParams::default()
    };
    let (run, effects) = Run::start(id.clone(), super::start_run::wish(state, &params), now);
    state.take_in(run, record, ownership, params, effects);
    Ok(RunAnswer { run: id.0 })
}

/// What the deployment is known by: its file; an image by itself stands for one in the working directory.
fn spec_of(params: &StartDeploymentParams) -> Result<PathBuf, Failure> {
    match (&params.spec, &params.image) {
        (Some(spec), _) => spec_reader::absolute(Path::new(spec)),
        (None, Some(image)) => {
            let name = image.rsplit('/').next().unwrap_or(image);
            spec_reader::absolute(Path::new(name))
        }
        (None, None) => Err(Failure::new(Blame::User, message!("deployment.nothing-named"))
            .with_fix(message!("deployment.nothing-named.fix"))),
    }
}

/// Ports of the published page, on which a packaged image and its listener are expected.
const PACKAGED: (u16, u16) = (5001, 5678);

fn choose_ports(
    state: &mut State,
    params: &StartDeploymentParams,
    spec: &Path,
) -> Result<DeploymentWish, Failure> {
    let (folder, target) = attach::place(spec, None);
    let (usual, second) = match &params.image {
        Some(_) => PACKAGED,
        None => {
            // Nobody shares this port as people share launch.json, so stores and folders need not agree on it.
            let own = PathBuf::from(format!("{}#{}", folder.display(), state.store.id()));
            (state.store.port_for(&own, &target)?, 0)
        }
    };
    let port = match params.port {
        Some(port) if !is_free(port) => return Err(port_taken(port)),
        Some(port) => port,
        None => free_port(usual)?,
    };
    let (image, second_port) = (params.image.clone(), free_port(second)?);
    Ok(DeploymentWish { image, port, port_is_fixed: params.port.is_some(), second_port })
}

fn port_taken(port: u16) -> Failure {
    Failure::new(Blame::Environment, message!("deployment.port-taken", port = port))
        .with_fix(message!("deployment.port-taken.fix"))
}

/// The last look before the container is made: an image may have been built since the port was chosen.
pub(crate) fn last_look(
    run: &mut Run,
    container: &mut ContainerPlan,
    wish: Option<&DeploymentWish>,
) -> Result<(), Failure> {
    let Some(port) = run.service().map(|service| service.ports.scoring).filter(|port| !is_free(*port)) else {
        return Ok(());
    };
    if wish.is_some_and(|wish| wish.port_is_fixed) {
        return Err(port_taken(port));
    }
    run.answer_on(free_port(0)?);
    if let Some(plan) = &run.plan {
        container.grants.ports.clone_from(&plan.container.grants.ports);
    }
    Ok(())
}

/// This port if nobody has it, else any that is free.
pub(super) fn free_port(usual: u16) -> Result<u16, Failure> {
    if usual != 0 && is_free(usual) {
        return Ok(usual);
    }
    let any = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    any.map(|address| address.port()).map_err(|error| {
        Failure::new(Blame::Environment, message!("deployment.no-port")).with_detail([error.to_string()])
    })
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// A second deployment of a name that is taken by another file is refused: `stop NAME` would mean both.
pub(crate) fn refuse_second(state: &State, id: &RunId, event: RunEvent) -> RunEvent {
    let RunEvent::Resolved(plan, _) = &event else { return event };
    let Some(service) = &plan.service else { return event };
    let records = state.store.deployments().unwrap_or_default();
    let other = records
        .iter()
        .find(|record| record.id != *id && !record.is_final() && full_name(record) == service.full_name());
    match other {
        Some(other) => {
            let what =
                message!("deployment.name-taken", name = service.full_name(), spec = other.spec.display());
            let fix = message!("deployment.name-taken.fix", name = service.full_name());
            RunEvent::Failed(Failure::new(Blame::User, what).with_fix(fix))
        }
        None => event,
    }
}

pub(crate) fn list(state: &State) -> Result<ListDeploymentsAnswer, Failure> {
    let deployments = newest(state.store.deployments()?);
    Ok(ListDeploymentsAnswer {
        deployments: deployments.iter().map(|record| state.snapshot_of(record)).collect(),
    })
}

/// Of each name the newest. One that ended before its spec was read has no name, and nobody asks for it.
fn newest(records: Vec<RunRecord>) -> Vec<RunRecord> {
    let mut seen: Vec<String> = Vec::new();
    let mut kept = Vec::new();
    for record in records.into_iter().filter(|record| record.display_name.is_some() || !record.is_final()) {
        let name = full_name(&record);
        if !seen.contains(&name) {
            seen.push(name);
            kept.push(record);
        }
    }
    kept
}

fn full_name(record: &RunRecord) -> String {
    match &record.display_name {
        Some(name) => format!("{}/{name}", record.experiment),
        None => record.id.0.clone(),
    }
}

/// The deployment that a person means.
fn find(state: &State, name: &str) -> Result<RunRecord, Failure> {
    let records = newest(state.store.deployments()?);
    let fits = |record: &&RunRecord| {
        full_name(record) == name || record.display_name.as_deref() == Some(name) || record.id.0 == name
    };
    let fitting: Vec<&RunRecord> = records.iter().filter(fits).collect();
    match fitting.as_slice() {
        [only] => Ok((*only).clone()),
        [] => {
            let known: Vec<String> = records.iter().map(full_name).collect();
            Err(Failure::new(Blame::User, message!("deployment.unknown", name = name))
                .with_detail(known)
                .with_fix(message!("deployment.unknown.fix")))
        }
        several => Err(Failure::new(Blame::User, message!("deployment.ambiguous", name = name))
            .with_detail(several.iter().map(|record| full_name(record)))
            .with_fix(message!("deployment.ambiguous.fix"))),
    }
}

pub(crate) fn show(state: &State, params: &DeploymentParams, reply: Reply<DeploymentAnswer>) {
    let record = match find(state, &params.deployment) {
        Ok(record) => record,
        Err(failure) => return give(reply, Err(failure)),
    };
    let (run, folder) = (state.snapshot_of(&record), state.store.folder(&record.id));
    tokio::task::spawn_blocking(move || {
        let samples = samples(record.spec.parent().unwrap_or(Path::new("/")));
        give(reply, Ok(DeploymentAnswer { run, samples, answers: answers(&folder) }));
    });
}

/// JSON files beside the spec whose name says that they are requests.
fn samples(folder: &Path) -> Vec<String> {
    let is_sample = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or(path).to_lowercase();
        path.matches('/').count() <= 1
            && name.ends_with(".json")
            && (name.contains("request") || name.contains("sample"))
    };
    let files = files::list(folder).into_iter().map(|(path, _)| path).filter(|path| is_sample(path));
    files.map(|path| folder.join(path).to_string_lossy().into_owned()).collect()
}

/// The snapshot of a live run, or what the store has.
fn service_of(state: &State, record: &RunRecord) -> Option<(Snapshot, Service)> {
    let stored = || serde_json::from_str::<Snapshot>(record.snapshot.as_deref()?).ok();
    let snapshot = state.live(&record.id).map(Run::snapshot).or_else(stored)?;
    let (service, _) = snapshot.service.clone()?;
    Some((snapshot, service))
}

pub(crate) fn restart(state: &mut State, params: &DeploymentParams, reply: Reply<RunAnswer>) {
    let record = match find(state, &params.deployment) {
        Ok(record) => record,
        Err(failure) => return give(reply, Err(failure)),
    };
    let answer = RunAnswer { run: record.id.0.clone() };
    let in_place = service_of(state, &record).is_some_and(|(_, service)| service.has_workers);
    if record.is_final() {
        return give(reply, super::rerun::rerun(state, &again(record.id.0)));
    }
    let inbox = state.effects.inbox();
    if in_place && state.live(&record.id).is_some() {
        state.on_run(&record.id, RunEvent::RestartRequested);
        return give(reply, Ok(answer));
    }
    match state.store.is_owned(&record.id) {
        Ok(true) if in_place => {
            let asked = state.store.ask(&record.id, RESTART, clock::now_ms());
            give(reply, asked.map(|()| answer));
        }
        // Nobody looks after it: this process does from now on.
        Ok(false) if in_place => {
            let params = params.clone();
            tokio::spawn(async move {
                let adopted = ask(&inbox, |reply| Ask::AdoptRun(run_id(&record.id), reply)).await;
                let answer = match adopted {
                    Ok(_) => ask(&inbox, |reply| Ask::RestartDeployment(params, reply)).await,
                    Err(failure) => Err(failure),
                };
                give(reply, answer);
            });
        }
        // A server of the user's own has no part that could start again by itself.
        Ok(_) => {
            tokio::spawn(async move {
                let answer = match end(&inbox, &record.id).await {
                    Ok(()) => {
                        let params = again(record.id.0);
                        ask(&inbox, |reply| Ask::Rerun(params, reply)).await
                    }
                    Err(failure) => Err(failure),
                };
                give(reply, answer);
            });
        }
        Err(failure) => give(reply, Err(failure)),
    }
}

fn again(run: String) -> RerunParams {
    RerunParams { run, debug: None, process: None, rank: None, children: None, step: None }
}

/// What a process writes into the store for another process's deployment.
pub(crate) const RESTART: &str = "restart";

pub(crate) fn stop(state: &State, params: &DeploymentParams, reply: Reply<RunAnswer>) {
    match find(state, &params.deployment) {
        Ok(record) if record.is_final() => {
            let what = message!("deployment.ended-already", name = full_name(&record), state = record.state);
            give(reply, Err(Failure::new(Blame::User, what)));
        }
        Ok(record) => {
            let inbox = state.effects.inbox();
            tokio::spawn(async move {
                let ended = end(&inbox, &record.id).await;
                give(reply, ended.map(|()| RunAnswer { run: record.id.0 }));
            });
        }
        Err(failure) => give(reply, Err(failure)),
    }
}

/// Forgets it and every earlier one of its name.
pub(crate) fn remove(state: &State, params: &DeploymentParams, reply: Reply<RunAnswer>) {
    let known = find(state, &params.deployment).and_then(|record| {
        let name = full_name(&record);
        let all = state.store.deployments()?;
        Ok((record, all.into_iter().filter(move |one| full_name(one) == name).collect::<Vec<_>>()))
    });
    let (record, all) = match known {
        Ok(known) => known,
        Err(failure) => return give(reply, Err(failure)),
    };
    let inbox = state.effects.inbox();
    tokio::spawn(async move {
        let removed = async {
            for one in all {
                if !one.is_final() {
                    end(&inbox, &one.id).await?;
                }
                let params = RemoveRunParams { run: one.id.0 };
                ask(&inbox, |reply| Ask::RemoveRun(params, reply)).await?;
            }
            Ok(RunAnswer { run: record.id.0 })
        };
        give(reply, removed.await);
    });
}

/// Longer than the grace of a container and an engine under load.
const PATIENCE: Duration = Duration::from_secs(30);
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// Ends a run, whoever owns it, and waits until nothing of it is left.
async fn end(inbox: &Inbox, run: &RunId) -> Result<(), Failure> {
    ask(inbox, |reply| Ask::AdoptRun(run_id(run), reply)).await?;
    // One that stands still would use up the whole grace.
    let at_once = matches!(look(inbox, run).await?.state.as_str(), "waiting" | "paused");
    let params = CancelRunParams { run: run.0.clone(), at_once };
    let cancelled = ask(inbox, |reply| Ask::CancelRun(params, reply)).await;
    let began = Instant::now();
    while look(inbox, run).await?.ended_at.is_none() {
        // It may have ended by itself in between; otherwise the refusal is the answer.
        cancelled.clone()?;
        if began.elapsed() > PATIENCE {
            let what = message!("cancel.no-answer", run = run, seconds = PATIENCE.as_secs());
            return Err(Failure::new(Blame::Environment, what));
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    Ok(())
}

async fn look(inbox: &Inbox, run: &RunId) -> Result<RunSnapshot, Failure> {
    ask(inbox, |reply| Ask::ShowRun(run_id(run), reply)).await
}

fn run_id(run: &RunId) -> RunIdParams {
    RunIdParams { run: run.0.clone() }
}

async fn ask<T>(inbox: &Inbox, question: impl FnOnce(Reply<T>) -> Ask) -> Result<T, Failure> {
    let ended = || Failure::new(Blame::Internal, message!("serve.shutting-down"));
    let (reply, answer) = oneshot::channel();
    inbox.send(Event::Asked(question(reply))).map_err(|_| ended())?;
    answer.await.map_err(|_| ended())?
}

pub(crate) fn invoke(state: &State, params: InvokeDeploymentParams, reply: Reply<InvokeAnswer>) {
    let known = find(state, &params.deployment).and_then(|record| {
        let not_there = |state: &str| {
            let what = message!("deployment.not-live", name = full_name(&record), state = state);
            Failure::new(Blame::User, what)
                .with_fix(message!("deployment.not-live.fix", name = full_name(&record)))
        };
        if record.is_final() {
            return Err(not_there(&record.state));
        }
        let (snapshot, service) = service_of(state, &record).ok_or_else(|| not_there(&record.state))?;
        Ok((state.store.folder(&record.id), full_name(&record), service, snapshot.gateway_port.is_some()))
    });
    match known {
        Ok((folder, name, service, debugged)) => {
            tokio::spawn(
                async move { give(reply, invoked(&folder, &name, &service, params, debugged).await) },
            );
        }
        Err(failure) => give(reply, Err(failure)),
    }
}

async fn invoked(
    folder: &RunFolder,
    name: &str,
    service: &Service,
    params: InvokeDeploymentParams,
    debugged: bool,
) -> Result<InvokeAnswer, Failure> {
    let body = body_of(&params)?;
    let mut headers = params.headers.clone();
    if let Some((_, kind)) = &body {
        headers.entry("content-type".to_owned()).or_insert_with(|| (*kind).to_owned());
    }
    let own_method = if body.is_some() { "POST" } else { "GET" };
    let request = http::Request {
        port: service.ports.scoring,
        method: params.method.clone().unwrap_or_else(|| own_method.to_owned()),
        path: params.path.clone().unwrap_or_else(|| service.routes.scoring.path.clone()),
        headers,
        body: body.map(|(bytes, _)| bytes.into()).unwrap_or_default(),
    };
    let (at, began) = (clock::now_ms(), Instant::now());
    let shown = format!("{} {}", request.method, request.path);
    let answer = http::send(request).await.map_err(|error| {
        let what = match error.kind() {
            std::io::ErrorKind::ConnectionRefused => message!("deployment.refused", name = name),
            _ => message!("deployment.cut", name = name),
        };
        Failure::new(Blame::Environment, what)
            .with_detail([error.to_string()])
            .with_fix(message!("deployment.cut.fix", name = name))
    })?;
    let ms = began.elapsed().as_secs_f64() * 1_000.0;
    let answer = InvokeAnswer {
        at,
        file: params.file,
        request: shown,
        ms: (ms * 10.0).round() / 10.0,
        run_ms: answer.headers.get("x-ms-run-fn-exec-ms").and_then(|text| text.parse().ok()),
        debugged,
        ..read_answer(answer, name)
    };
    let (folder, kept) = (folder.clone(), answer.clone());
    // History is a convenience: an answer is an answer without it.
    let _ = tokio::task::spawn_blocking(move || keep(&folder, &kept)).await;
    Ok(answer)
}

/// The bytes and what they are. What calls itself JSON has to be JSON: the server's own word for it, from
/// deep within the user's code, tells nobody where the mistake is.
fn body_of(params: &InvokeDeploymentParams) -> Result<Option<(Vec<u8>, &'static str)>, Failure> {
    const JSON: &str = "application/json";
    let (bytes, name) = match (&params.file, &params.body) {
        (Some(file), _) => (files::read(Path::new(file), files::TEXT_LIMIT)?, file.as_str()),
        (None, Some(body)) => (body.clone().into_bytes(), ""),
        (None, None) => return Ok(None),
    };
    match serde_json::from_slice::<serde::de::IgnoredAny>(&bytes) {
        Ok(_) => Ok(Some((bytes, JSON))),
        Err(error) if name.to_lowercase().ends_with(".json") => {
            let what = message!("deployment.request-not-json", file = name, cause = error);
            Err(Failure::new(Blame::User, what).with_fix(message!("deployment.request-not-json.fix")))
        }
        Err(_) if std::str::from_utf8(&bytes).is_ok() => Ok(Some((bytes, "text/plain; charset=utf-8"))),
        Err(_) => Ok(Some((bytes, "application/octet-stream"))),
    }
}

fn read_answer(answer: http::Answer, name: &str) -> InvokeAnswer {
    let kind = answer.headers.get("content-type").map(String::as_str).unwrap_or_default();
    let json = serde_json::from_slice(&answer.body);
    let mut failure = None;
    if answer.status >= 400 {
        let what = message!("deployment.status", status = answer.status);
        failure =
            Some(Failure::new(Blame::Code, what).with_fix(message!("deployment.status.fix", name = name)));
    } else if let (true, Err(error)) = (kind.contains("json") && !answer.body.is_empty(), &json) {
        let what = message!("deployment.answer-not-json", cause = error);
        failure = Some(Failure::new(Blame::Code, what).with_fix(message!("deployment.answer-not-json.fix")));
    }
    let (body, base64) = match (json, String::from_utf8(answer.body.to_vec())) {
        (Ok(json), _) => (Some(json), None),
        (Err(_), Ok(text)) => (Some(text.into()), None),
        (Err(_), Err(bytes)) => (None, Some(files::base64(bytes.as_bytes()))),
    };
    InvokeAnswer {
        at: 0,
        file: None,
        request: String::new(),
        status: answer.status,
        ms: 0.0,
        run_ms: None,
        debugged: false,
        headers: answer.headers,
        body,
        base64,
        failure: failure.as_ref().map(to_proto::failure),
    }
}

/// How many answers an editor shows.
const HISTORY: usize = 20;

fn history(folder: &RunFolder) -> PathBuf {
    folder.root().join("answers.jsonl")
}

fn keep(folder: &RunFolder, answer: &InvokeAnswer) -> Result<(), Failure> {
    let path = history(folder);
    let known = files::read_text_if_there(&path)?.unwrap_or_default();
    let lines: Vec<&str> = known.lines().collect();
    let mut text = lines[lines.len().saturating_sub(HISTORY - 1)..].join("\n");
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(&serde_json::to_string(answer).unwrap_or_default());
    text.push('\n');
    files::write(&path, text.as_bytes())
}

fn answers(folder: &RunFolder) -> Vec<InvokeAnswer> {
    let text = files::read_text_if_there(&history(folder)).ok().flatten().unwrap_or_default();
    text.lines().rev().filter_map(|line| serde_json::from_str(line).ok()).collect()
}
