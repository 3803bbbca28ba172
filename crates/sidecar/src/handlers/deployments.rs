//! `aml/startDeployment` and the other methods about deployments.
//!
//! A deployment is a run of kind `deployment`; of those with one name the newest counts. What has to end
//! before something else can begin is ended beside the loop, by the same questions that anybody may ask.

mod history;
mod invoke;
mod ports;

pub(crate) use invoke::invoke;
pub(super) use ports::free_port;
pub(crate) use ports::last_look;

use super::requests::{self, RESTART};
use crate::clock;
use crate::main_loop::{Ask, Event, Reply, give};
use crate::spec_reader;
use crate::state::State;
use crate::store::RunRecord;
use engine::failure::{Blame, Failure};
use engine::ids::RunId;
use engine::message;
use engine::plan::deployment::Service;
use engine::run::Run;
use engine::run::event::RunEvent;
use engine::run::snapshot::{Snapshot, state_title};
use protocol::deployment::{
    DeploymentAnswer, DeploymentParams, ListDeploymentsAnswer, RestartDeploymentParams, StartDeploymentParams,
};
use protocol::run::{
    CancelRunParams, RemoveRunParams, RerunParams, RunAnswer, RunIdParams, RunSnapshot, StartRunParams,
};
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
    let wish = ports::choose(state, &params, &spec)?;
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
        children: params.children,
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
        (None, Some(image)) => spec_reader::of_image(image),
        (None, None) => Err(Failure::new(Blame::User, message!("deployment.nothing-named"))
            .with_fix(message!("deployment.nothing-named.fix"))),
    }
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
        let samples = history::samples(record.spec.parent().unwrap_or(Path::new("/")));
        give(reply, Ok(DeploymentAnswer { run, samples, answers: history::answers(&folder) }));
    });
}

/// The snapshot of a live run, or what the store has.
fn service_of(state: &State, record: &RunRecord) -> Option<(Snapshot, Service)> {
    let stored = || serde_json::from_str::<Snapshot>(record.snapshot.as_deref()?).ok();
    let snapshot = state.live(&record.id).map(Run::snapshot).or_else(stored)?;
    let (service, _) = snapshot.service.clone()?;
    Some((snapshot, service))
}

pub(crate) fn restart(state: &mut State, params: &RestartDeploymentParams, reply: Reply<RunAnswer>) {
    let record = match find(state, &params.deployment) {
        Ok(record) => record,
        Err(failure) => return give(reply, Err(failure)),
    };
    let answer = RunAnswer { run: record.id.0.clone() };
    let in_place = service_of(state, &record).is_some_and(|(_, service)| service.has_workers);
    if record.is_final() {
        return give(reply, super::rerun::rerun(state, &again(record.id.0, params.debug)));
    }
    let inbox = state.effects.inbox();
    if in_place && state.live(&record.id).is_some() {
        state.on_run(&record.id, RunEvent::RestartRequested);
        return give(reply, Ok(answer));
    }
    match state.store.is_owned(&record.id) {
        Ok(true) if in_place => {
            let asked = requests::ask(state, &record.id, RESTART);
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
            let debug = params.debug;
            tokio::spawn(async move {
                let answer = match end(&inbox, &record.id).await {
                    Ok(()) => {
                        let params = again(record.id.0, debug);
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

fn again(run: String, debug: Option<bool>) -> RerunParams {
    RerunParams { run, debug, process: None, rank: None, children: None, step: None }
}

pub(crate) fn stop(state: &State, params: &DeploymentParams, reply: Reply<RunAnswer>) {
    match find(state, &params.deployment) {
        Ok(record) if record.is_final() => {
            let what = message!(
                "deployment.ended-already",
                name = full_name(&record),
                state = state_title(&record.state)
            );
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
