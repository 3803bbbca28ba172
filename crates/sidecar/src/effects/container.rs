//! Containers: create, stop, remove.

use super::{RunContext, copies};
use crate::warm;
use docker::{Docker, Labels};
use engine::failure::Failure;
use engine::ids::ContainerId;
use engine::message;
use engine::plan::ImageFacts;
use engine::plan::container::{ContainerPlan, Grants, Limits, Mount};
use engine::run::event::RunEvent;
use engine::warm::Door;
use std::collections::BTreeMap;
use std::time::Duration;

pub(super) async fn create(context: RunContext, mut plan: ContainerPlan) -> Result<RunEvent, Failure> {
    plan.labels.extend(Labels::of_run(&context.store, &context.id));
    plan.files.extend(super::secrets::files(&context)?);
    let docker = context.engine().await?;
    // Asked only of runs that want one: the answer takes longer than making the container.
    if plan.gpu && docker.about().await?.gpu_runtimes.is_empty() {
        plan.gpu = false;
        super::note(&context, &message!("run.no-gpu"));
    }
    let container = docker.create(&plan).await?;
    if let Err(failure) = copies::put_in(&docker, &container, &plan).await {
        // One without the code is of no use.
        docker.remove(&container).await?;
        return Err(failure);
    }
    Ok(RunEvent::ContainerCreated(container))
}

/// A container of the image that does one thing as root with one volume, to its end; its exit code.
pub(super) async fn errand(
    context: &RunContext,
    docker: &Docker,
    image: &ImageFacts,
    volume: Mount,
    command: Vec<String>,
) -> Result<i64, docker::Error> {
    let plan = ContainerPlan {
        // The engine finds a name of its own: a run may have several errands at once.
        name: String::new(),
        image: image.reference.clone(),
        command,
        working_dir: "/".to_owned(),
        environment: Vec::new(),
        mounts: vec![volume],
        files: Vec::new(),
        texts: Vec::new(),
        user: Some("0:0".to_owned()),
        labels: errand_labels(context),
        limits: Limits::default(),
        grants: Grants::default(),
        gpu: false,
    };
    let container = docker.create(&plan).await?;
    let ended = async {
        docker.start(&container).await?;
        docker.wait(&container).await
    };
    let ended = ended.await;
    docker.remove(&container).await?;
    Ok(ended?.code)
}

/// Of a container that serves a run and is not the run's own: it goes when that run is over or has no owner.
pub(super) fn errand_labels(context: &RunContext) -> BTreeMap<String, String> {
    let mut labels = Labels::of_run(&context.store, &context.id);
    labels.insert(Labels::KIND.to_owned(), Labels::ERRAND.to_owned());
    labels
}

/// The container's end is seen by whoever follows it; this only sees that it will come.
pub(super) async fn stop(
    context: RunContext,
    container: ContainerId,
    grace_ms: u32,
) -> Result<RunEvent, Failure> {
    let docker = context.engine().await?;
    match docker.stop(&container, Duration::from_millis(u64::from(grace_ms))).await {
        Ok(()) => Ok(RunEvent::Progress),
        // Already gone is what was asked for.
        Err(error) if error.is_not_found() => Ok(RunEvent::Progress),
        Err(error) if error.is_cut() => Ok(RunEvent::EngineLost(error.into())),
        Err(error) => Err(error.into()),
    }
}

/// Ends the command without any grace: whoever starts a program again has no use for what it was about to do.
pub(super) async fn end_command(
    context: RunContext,
    container: ContainerId,
    door: Option<Door>,
) -> Result<RunEvent, Failure> {
    if door.is_none() {
        return stop(context, container, 0).await;
    }
    match context.engine().await?.signal(&container, engine::warm::END_COMMAND).await {
        Ok(()) => Ok(RunEvent::Progress),
        Err(error) if error.is_not_found() => Ok(RunEvent::Progress),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn remove(
    context: RunContext,
    container: ContainerId,
    door: Option<Door>,
) -> Result<RunEvent, Failure> {
    if let Some(door) = door {
        warm::forget(&door);
    }
    match context.engine().await?.remove(&container).await {
        Ok(()) => Ok(RunEvent::ContainerRemoved),
        Err(error) if error.is_not_found() => Ok(RunEvent::ContainerRemoved),
        Err(error) => Err(error.into()),
    }
}
