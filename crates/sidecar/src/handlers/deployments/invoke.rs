//! `aml/invokeDeployment`: one request to a deployment's server, and what it answers.

use super::{find, full_name, history, service_of};
use crate::clock;
use crate::files;
use crate::http;
use crate::main_loop::{Reply, give};
use crate::state::State;
use crate::store::{RunFolder, RunRecord};
use crate::to_proto;
use docker::{Docker, EngineSettings, LogChunk, LogWindow};
use engine::deployment;
use engine::failure::{Blame, Failure};
use engine::ids::ContainerId;
use engine::message;
use engine::message::Message;
use engine::plan::deployment::Service;
use engine::run::snapshot::{Snapshot, state_title};
use futures::StreamExt;
use protocol::deployment::{InvokeAnswer, InvokeDeploymentParams};
use std::path::Path;
use std::time::{Duration, Instant};

pub(crate) fn invoke(state: &State, params: InvokeDeploymentParams, reply: Reply<InvokeAnswer>) {
    let known = find(state, &params.deployment).and_then(|record| {
        let not_there = |state: &str| {
            let (name, state) = (full_name(&record), state_title(state));
            let what = match cause(&record) {
                Some(cause) => {
                    message!("deployment.not-live-because", name = name, state = state, cause = cause)
                }
                None => message!("deployment.not-live", name = name, state = state),
            };
            Failure::new(Blame::User, what)
                .with_fix(message!("deployment.not-live.fix", name = full_name(&record)))
        };
        if record.is_final() {
            return Err(not_there(&record.state));
        }
        let (snapshot, service) = service_of(state, &record).ok_or_else(|| not_there(&record.state))?;
        let server = Server {
            folder: state.store.folder(&record.id),
            name: full_name(&record),
            service,
            container: record.container,
            engine: state.settings.engine.clone(),
            debugged: match state.live(&record.id) {
                Some(run) => run.is_attended(),
                // Of somebody else's run no more is known; one that nobody looks after has no way in.
                None => snapshot.gateway_port.is_some() && state.store.is_owned(&record.id).unwrap_or(false),
            },
            fallen: snapshot
                .service
                .and_then(|(_, serving)| serving.refused.filter(|_| serving.healthy_at.is_none())),
        };
        Ok(server)
    });
    match known {
        Ok(server) => {
            tokio::spawn(async move { give(reply, invoked(server, params).await) });
        }
        Err(failure) => give(reply, Err(failure)),
    }
}

/// Why a deployment that has ended did.
fn cause(record: &RunRecord) -> Option<Message> {
    let snapshot: Snapshot = serde_json::from_str(record.snapshot.as_deref()?).ok()?;
    snapshot.failure.filter(|failure| failure.blame != Blame::Cancelled).map(|failure| failure.what)
}

/// Whoever is asked.
struct Server {
    folder: RunFolder,
    name: String,
    service: Service,
    container: Option<ContainerId>,
    engine: EngineSettings,
    debugged: bool,
    /// The edit that keeps it from answering.
    fallen: Option<Failure>,
}

async fn invoked(server: Server, params: InvokeDeploymentParams) -> Result<InvokeAnswer, Failure> {
    let Server { folder, name, service, debugged, .. } = &server;
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
    let answer = http::send(request).await.map_err(|error| server.without_answer(&error))?;
    let ms = began.elapsed().as_secs_f64() * 1_000.0;
    let cause = if answer.status >= 500 { why(&server, at, &answer.body).await } else { None };
    let (folder, name, save, debugged) = (folder.clone(), name.clone(), params.save, *debugged);
    // An answer may be long: reading it is no work for whoever carries the others.
    let work = tokio::task::spawn_blocking(move || {
        if let Some(file) = &save {
            files::write(Path::new(file), &answer.body)?;
        }
        let answer = InvokeAnswer {
            at,
            file: params.file,
            request: shown,
            ms: (ms * 10.0).round() / 10.0,
            run_ms: answer.headers.get("x-ms-run-fn-exec-ms").and_then(|text| text.parse().ok()),
            debugged,
            ..read_answer(answer, &name, cause)
        };
        // History is a convenience: an answer is an answer without it.
        let _ = history::keep(&folder, &answer);
        Ok(answer)
    });
    work.await.unwrap_or_else(|cause| {
        Err(Failure::new(Blame::Internal, message!("internal.task-ended")).with_detail([cause.to_string()]))
    })
}

impl Server {
    fn without_answer(&self, error: &std::io::Error) -> Failure {
        let name = &self.name;
        if let Some(fallen) = &self.fallen {
            let what = message!("deployment.refused-because", name = name, cause = fallen.what);
            return Failure { what, ..fallen.clone() };
        }
        let (what, fix) = match error.kind() {
            std::io::ErrorKind::ConnectionRefused => {
                (message!("deployment.refused", name = name), message!("deployment.refused.fix", name = name))
            }
            _ => (message!("deployment.cut", name = name), message!("deployment.cut.fix", name = name)),
        };
        Failure::new(Blame::Environment, what).with_detail([error.to_string()]).with_fix(fix)
    }
}

/// How often and how long the container engine's log is looked at for what the server wrote before it answered.
const READINGS: u32 = 4;
const BETWEEN_READINGS: Duration = Duration::from_millis(50);

/// Why it failed, where the answer or the server's log says so. Not from the run's log: a deployment that nobody
/// looks after has nobody who writes that.
async fn why(server: &Server, at: u64, answer: &[u8]) -> Option<Failure> {
    if let Some(failure) = deployment::explain_slow(&String::from_utf8_lossy(answer)) {
        return Some(failure);
    }
    let (docker, container) = (Docker::connect(&server.engine).await.ok()?, server.container.as_ref()?);
    let since = i32::try_from(at / 1_000).ok();
    for _ in 0..READINGS {
        let chunks = docker.logs(container, LogWindow { since, follow: false });
        let chunks: Vec<LogChunk> = chunks.filter_map(|chunk| std::future::ready(chunk.ok())).collect().await;
        let bytes: Vec<u8> = chunks.into_iter().flat_map(|chunk| chunk.bytes).collect();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().collect();
        if let Some(failure) = deployment::explain_answer(&server.service, &lines) {
            return Some(failure);
        }
        tokio::time::sleep(BETWEEN_READINGS).await;
    }
    None
}

/// More than any service takes; a file that has no end must not fill the memory.
const LONGEST: u64 = 1 << 30;

/// The bytes and what they are. What calls itself JSON has to be JSON: the server's own word for it, from
/// deep within the user's code, tells nobody where the mistake is.
fn body_of(params: &InvokeDeploymentParams) -> Result<Option<(Vec<u8>, &'static str)>, Failure> {
    const JSON: &str = "application/json";
    let (bytes, name) = match (&params.file, &params.body, &params.base64) {
        (Some(file), ..) => (files::read(Path::new(file), LONGEST)?, file.as_str()),
        (None, Some(body), _) => (body.clone().into_bytes(), ""),
        (None, None, Some(base64)) => (files::from_base64(base64)?, ""),
        (None, None, None) => return Ok(None),
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

fn read_answer(answer: http::Answer, name: &str, cause: Option<Failure>) -> InvokeAnswer {
    let kind = answer.headers.get("content-type").map(String::as_str).unwrap_or_default();
    let json = serde_json::from_slice(&answer.body);
    let mut failure = None;
    if answer.status >= 400 {
        let what = message!("deployment.status", status = answer.status);
        let status = Failure::new(Blame::Code, what).with_fix(message!("deployment.status.fix", name = name));
        failure = Some(cause.unwrap_or(status));
    } else if let (true, Err(error)) = (kind.contains("json") && !answer.body.is_empty(), &json) {
        let what = message!("deployment.answer-not-json", cause = error);
        failure = Some(Failure::new(Blame::Code, what).with_fix(message!("deployment.answer-not-json.fix")));
    }
    let size = answer.body.len() as u64;
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
        size,
        body,
        base64,
        failure: failure.as_ref().map(to_proto::failure),
    }
}
