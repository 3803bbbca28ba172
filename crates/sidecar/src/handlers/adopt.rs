//! Taking over runs whose owner is gone, and removing what no run owns any more.
//!
//! The engine is asked once for all containers of this store; that answer comes back as an event, and only
//! then is any run touched. A run that somebody owns in the meantime is left alone.

use super::requests;
use crate::clock;
use crate::main_loop::{Ask, Event, Reply, give};
use crate::state::{Kept, PIPELINE, State};
use crate::store::{Ownership, RunRecord};
use crate::warm;
use docker::{ContainerFacts, Docker, Labels};
use engine::failure::Failure;
use engine::ids::{ContainerId, RunId};
use engine::run::adopt::{Adopter, Found};
use engine::run::card::PhaseName;
use protocol::run::RunIdParams;
use std::time::Duration;
use tokio::sync::oneshot;

/// What the engine knows of this store's containers; `Err` where it cannot be asked.
pub(crate) type Containers = Result<Vec<ContainerFacts>, Failure>;

pub(crate) fn adopt_all(state: &mut State, adopter: Adopter, reply: Reply<()>) {
    super::retire::retire(state);
    let is_any_over = warm::is_any_over(&state.settings.home, clock::now_ms());
    match orphans(state) {
        Ok(orphans) if orphans.is_empty() && adopter == Adopter::Passing && !is_any_over => {
            give(reply, Ok(()));
        }
        Ok(orphans) => {
            let expected = orphans.iter().filter(|record| is_creating(record));
            let expected = expected.map(|record| record.id.0.clone()).collect();
            ask_engine(state, expected, move |containers| Event::Orphans(adopter, containers, reply));
        }
        Err(failure) => give(reply, Err(failure)),
    }
}

/// Runs that are not over and that nobody owns; a pipeline comes after its steps.
fn orphans(state: &State) -> Result<Vec<RunRecord>, Failure> {
    let mut orphans = state.store.unfinished()?;
    orphans.sort_by_key(|record| record.kind == PIPELINE);
    let mut owned = Ok(());
    orphans.retain(|record| match state.store.is_owned(&record.id) {
        Ok(is_owned) => !is_owned && state.live(&record.id).is_none(),
        Err(failure) => {
            owned = Err(failure);
            false
        }
    });
    owned.map(|()| orphans)
}

/// Whether the owner was killed while the engine was about to make something for the run. What is asked of
/// an engine it does, whether or not anybody still waits for the answer.
fn is_creating(record: &RunRecord) -> bool {
    let kept = record.plan.as_deref().and_then(|plan| serde_json::from_str::<Kept>(plan).ok());
    kept.is_some_and(|kept| kept.run.card.open() == Some(PhaseName::Create))
}

/// How long containers are looked for that the engine may be making just now.
const LATE: Duration = Duration::from_millis(1_500);
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// Asks for all containers of this store. The `expected` runs get a moment for a container to appear.
fn ask_engine(
    state: &State,
    expected: Vec<String>,
    event: impl FnOnce(Containers) -> Event + Send + 'static,
) {
    let (inbox, settings, store) = (state.effects.inbox(), state.settings.clone(), state.store.id().clone());
    tokio::spawn(async move {
        warm::sweep(&settings, |entry| entry.until <= clock::now_ms()).await;
        let containers = async {
            let docker = Docker::connect(&settings.engine).await?;
            let mut looks = LATE.as_millis() / BETWEEN_LOOKS.as_millis();
            loop {
                let found = docker.find_ours(&store).await?;
                let is_there = |run: &String| found.iter().any(|one| is_of(one, run));
                if looks == 0 || expected.iter().all(is_there) {
                    return Ok::<_, docker::Error>(found);
                }
                looks -= 1;
                tokio::time::sleep(BETWEEN_LOOKS).await;
            }
        };
        let containers = containers.await.map_err(Failure::from);
        let _ = inbox.send(event(containers));
    });
}

/// Whether the container is the run's own, and not one that only prepared something for it.
fn is_of(container: &ContainerFacts, run: &str) -> bool {
    container.labels.get(Labels::RUN).is_some_and(|of| of == run)
        && container.labels.get(Labels::KIND).is_none_or(|kind| kind != Labels::ERRAND)
}

/// The engine has answered: take over what can be taken over, remove what belongs to no run.
pub(crate) fn on_containers(state: &mut State, adopter: Adopter, containers: Containers, reply: Reply<()>) {
    let orphans = match orphans(state) {
        Ok(orphans) => orphans,
        Err(failure) => return give(reply, Err(failure)),
    };
    let (mut waited_for, mut out_of_reach) = (Vec::new(), false);
    for record in orphans {
        let found = match &containers {
            Ok(containers) => find(&record, containers),
            // Nothing of it can have reached the engine; everything later waits for the engine.
            Err(_) if record.container.is_none() && record.state == "preparing" => Found::Nothing,
            Err(_) => {
                out_of_reach = true;
                continue;
            }
        };
        if take_over(state, &record, found, adopter) {
            waited_for.push(record.id);
        }
    }
    if out_of_reach && adopter == Adopter::Staying {
        look_again(state);
    }
    let strays = containers.map(|containers| strays(state, &containers)).unwrap_or_default();
    if strays.is_empty() {
        return state.answer_when_settled(waited_for, reply);
    }
    // Whoever asked may end with the answer, so the answer waits for the removal.
    let (inbox, settings) = (state.effects.inbox(), state.settings.clone());
    tokio::spawn(async move {
        if let Ok(docker) = Docker::connect(&settings.engine).await {
            for stray in strays {
                if let Err(error) = docker.remove(&stray).await {
                    tracing::warn!(%error, "a container that belongs to no run stays");
                }
            }
        }
        let _ = inbox.send(Event::Swept(waited_for, reply));
    });
}

/// How long an engine that cannot be asked is left alone: an editor is often started before it.
const BETWEEN_TRIES: Duration = Duration::from_secs(5);

fn look_again(state: &State) {
    let inbox = state.effects.inbox();
    tokio::spawn(async move {
        tokio::time::sleep(BETWEEN_TRIES).await;
        let (adopted, _) = oneshot::channel();
        let _ = inbox.send(Event::Asked(Ask::Adopt(Adopter::Staying, adopted)));
    });
}

/// Owns the run and gives it what was found; whether this process has it now.
fn take_over(state: &mut State, record: &RunRecord, found: Found, adopter: Adopter) -> bool {
    let Ok(Some(ownership)) = state.store.try_own(&record.id) else { return false };
    let adopter = requests::stay(state, record, adopter);
    if record.kind == PIPELINE {
        state.adopt_pipeline(record, ownership, adopter);
    } else {
        take_over_run(state, record, ownership, found, adopter);
    }
    // Whoever is only passing by is gone before more than an end could come of it.
    if adopter == Adopter::Staying {
        requests::heed(state, &record.id);
    }
    true
}

fn take_over_run(
    state: &mut State,
    record: &RunRecord,
    ownership: Ownership,
    found: Found,
    adopter: Adopter,
) {
    let kept = record.plan.as_deref().and_then(|plan| serde_json::from_str::<Kept>(plan).ok());
    let now = clock::now_ms();
    let (run, effects, params) = match kept {
        Some(Kept { params, run }) => {
            let (run, effects) = run.adopt(now, found, adopter);
            (run, effects, params)
        }
        // Killed before anything was decided, or written by another version.
        None => {
            let params = protocol::run::StartRunParams {
                spec: record.spec.to_string_lossy().into_owned(),
                ..Default::default()
            };
            let (run, _) = engine::run::Run::start(record.id.clone(), Default::default(), now);
            let (run, effects) = run.adopt(now, found, adopter);
            (run, effects, params)
        }
    };
    state.adopt(run, record.clone(), ownership, params, effects, adopter);
}

fn find(record: &RunRecord, containers: &[ContainerFacts]) -> Found {
    // One that was kept has the label of the first run in it.
    let is_its = |container: &&ContainerFacts| {
        record.container.as_ref() == Some(&container.id) || is_of(container, record.id.as_str())
    };
    let own = containers.iter().find(is_its);
    let Some(container) = own else { return Found::Nothing };
    let id = container.id.clone();
    match container.state {
        docker::State::Created => Found::Created(id),
        docker::State::Exited | docker::State::Dead => Found::Exited(id),
        docker::State::Running | docker::State::Paused | docker::State::Restarting => Found::Running(id),
    }
}

/// Containers of a run that is over, or of none: their owner was killed between making and recording them.
fn strays(state: &State, containers: &[ContainerFacts]) -> Vec<ContainerId> {
    let waiting = warm::waiting(&state.settings.home);
    let taken = state.store.unfinished().unwrap_or_default();
    let is_stray = |container: &&ContainerFacts| {
        let is_taken = taken.iter().any(|record| record.container.as_ref() == Some(&container.id));
        if is_taken || waiting.contains(&container.id) {
            return false;
        }
        let run = container.labels.get(Labels::RUN).map(|run| RunId(run.clone()));
        match run.map(|run| state.store.get(&run)) {
            Some(Ok(Some(record))) => {
                record.is_final()
                    && record.container.as_ref() != Some(&container.id)
                    && state.live(&record.id).is_none()
            }
            Some(Ok(None)) => true,
            Some(Err(_)) | None => false,
        }
    };
    containers.iter().filter(is_stray).map(|container| container.id.clone()).collect()
}

pub(crate) fn adopt_run(state: &mut State, params: &RunIdParams, reply: Reply<bool>) {
    let wanted = state.store.find(&params.run).and_then(|record| {
        let is_free = !state.store.is_owned(&record.id)? && !record.is_final();
        Ok((is_free, record))
    });
    match wanted {
        Ok((true, record)) => {
            ask_engine(state, Vec::new(), move |containers| {
                Event::Wanted(Box::new(record), containers, reply)
            });
        }
        Ok((false, _)) => give(reply, Ok(false)),
        Err(failure) => give(reply, Err(failure)),
    }
}

fn unfinished_steps(state: &State, record: &RunRecord) -> Vec<RunRecord> {
    let mut steps = state.store.steps(&record.id).unwrap_or_default();
    steps.retain(|step| !step.is_final() && state.live(&step.id).is_none());
    steps
}

/// The engine has answered about the containers; one of them belongs to a run that is wanted.
pub(crate) fn on_wanted(state: &mut State, record: &RunRecord, containers: Containers, reply: Reply<bool>) {
    let answer = containers.map(|containers| {
        for step in unfinished_steps(state, record) {
            let found = find(&step, &containers);
            take_over(state, &step, found, Adopter::Staying);
        }
        let found = find(record, &containers);
        take_over(state, record, found, Adopter::Staying)
    });
    give(reply, answer);
}
