//! Containers: create, stop, remove.

use super::RunContext;
use docker::Labels;
use engine::failure::Failure;
use engine::ids::ContainerId;
use engine::message;
use engine::plan::container::ContainerPlan;
use engine::run::event::RunEvent;
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
    Ok(RunEvent::ContainerCreated(docker.create(&plan).await?))
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

pub(super) async fn remove(context: RunContext, container: ContainerId) -> Result<RunEvent, Failure> {
    match context.engine().await?.remove(&container).await {
        Ok(()) => Ok(RunEvent::ContainerRemoved),
        Err(error) if error.is_not_found() => Ok(RunEvent::ContainerRemoved),
        Err(error) => Err(error.into()),
    }
}
