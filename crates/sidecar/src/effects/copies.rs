//! What an engine on another machine cannot mount: copied into the container before the start, and what the run
//! has written fetched at its end.

use super::RunContext;
use crate::files;
use docker::Docker;
use engine::failure::Failure;
use engine::ids::ContainerId;
use engine::plan::container::{ContainerPlan, Mount};
use futures::StreamExt;
use tokio::sync::mpsc;

/// Pieces of an archive that wait to be sent.
const AHEAD: usize = 16;

/// One archive with everything, made while it is sent.
pub(super) async fn put_in(
    docker: &Docker,
    container: &ContainerId,
    plan: &ContainerPlan,
) -> Result<(), Failure> {
    let copies = copies(plan);
    if copies.is_empty() {
        return Ok(());
    }
    let owner = plan.user.as_deref().and_then(|user| user.split_once(':'));
    let owner = owner.and_then(|(uid, gid)| Some((uid.parse().ok()?, gid.parse().ok()?))).unwrap_or((0, 0));
    let (pieces, sent) = mpsc::channel(AHEAD);
    let made = tokio::task::spawn_blocking(move || files::archive(&copies, owner, pieces));
    let stream = futures::stream::unfold(sent, |mut sent| async { Some((sent.recv().await?, sent)) });
    let copied = docker.copy_in_stream(container, "/", stream.boxed()).await;
    // What could not be read here is the cause of what the engine then misses.
    made.await.unwrap_or(Ok(()))?;
    Ok(copied?)
}

/// The folders that the run has filled.
pub(super) async fn fetch(
    context: &RunContext,
    container: &ContainerId,
    plan: &ContainerPlan,
) -> Result<(), Failure> {
    for copy in copies(plan).into_iter().filter(|copy| copy.back) {
        let docker = context.engine().await?;
        let archive = context.folder.private().join("fetched.tar");
        files::write(&archive, b"")?;
        let mut pieces = docker.copy_out(container, &copy.target);
        while let Some(piece) = pieces.next().await {
            files::append(&archive, &piece?)?;
        }
        let work = tokio::task::spawn_blocking(move || files::unpack(&archive, &copy.host));
        work.await.unwrap_or(Ok(()))?;
    }
    Ok(())
}

fn copies(plan: &ContainerPlan) -> Vec<files::Copy> {
    let copy = |mount: &Mount| match mount {
        Mount::Copied { host, target, back } => Some(files::Copy {
            host: host.clone(),
            target: target.clone(),
            back: *back,
            // What the user's ignore files name is not part of the code.
            is_code: *target == plan.working_dir,
        }),
        _ => None,
    };
    plan.mounts.iter().filter_map(copy).collect::<Vec<_>>()
}
