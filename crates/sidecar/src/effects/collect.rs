//! The end of a run: everything that it wrote is on this machine before the container goes.

use super::{RunContext, copies};
use crate::files;
use crate::mount_points;
use crate::store::RunFolder;
use engine::failure::Failure;
use engine::ids::ContainerId;
use engine::plan::Plan;
use engine::run::event::RunEvent;
use std::path::PathBuf;

/// With an engine on this machine the outputs are already in the run's folder, through its mounts; from another
/// they are fetched. What is left is to take away the empty folders that stood in the source tree for them.
pub(super) async fn collect(
    context: RunContext,
    filled: Option<(ContainerId, Plan)>,
) -> Result<RunEvent, Failure> {
    if let Some((container, plan)) = filled {
        copies::fetch(&context, &container, &plan.container).await?;
    }
    remove_points(&context).await?;
    Ok(RunEvent::Collected)
}

/// Takes away what the run made in the source tree, if no container has anything mounted over it.
pub(super) async fn remove_points(context: &RunContext) -> Result<(), Failure> {
    let points = points(context)?;
    if let (false, Ok(docker)) = (points.is_empty(), context.engine().await) {
        mount_points::remove(&docker, &context.settings.home, &points).await;
    }
    Ok(())
}

/// The folders that the run made in the user's source tree.
pub(super) fn points(context: &RunContext) -> Result<Vec<PathBuf>, Failure> {
    let noted = files::read_text_if_there(&made_points(&context.folder))?.unwrap_or_default();
    Ok(noted.lines().map(PathBuf::from).collect())
}

/// Notes folders that an earlier run made, whose container this run has now.
pub(super) fn inherit_points(context: &RunContext, earlier: &[PathBuf]) -> Result<(), Failure> {
    let mut all = points(context)?;
    all.extend(earlier.iter().filter(|point| !all.contains(point)).cloned().collect::<Vec<_>>());
    let noted: Vec<_> = all.iter().map(|point| point.to_string_lossy()).collect();
    files::write(&made_points(&context.folder), noted.join("\n").as_bytes())
}

/// Where a run notes the folders that it made in the user's source tree.
pub(super) fn made_points(folder: &RunFolder) -> PathBuf {
    folder.private().join("made_mount_points")
}
