//! The end of a run: everything that it wrote is on this machine before the container goes.

use super::RunContext;
use crate::files;
use crate::store::RunFolder;
use docker::{ContainerFacts, Labels, State};
use engine::failure::Failure;
use engine::run::event::RunEvent;
use std::path::{Path, PathBuf};

/// With an engine on this machine the outputs are already in the run's folder, through its mounts. What is
/// left is to take away the empty folders that stood in the source tree for them.
pub(super) async fn collect(context: RunContext) -> Result<RunEvent, Failure> {
    let noted = files::read_text_if_there(&made_points(&context.folder))?.unwrap_or_default();
    if !noted.is_empty() && is_alone(&context).await {
        noted.lines().for_each(|point| files::remove_empty_folder(Path::new(point)));
    }
    Ok(RunEvent::Collected)
}

/// Whether no other run has the same code folder mounted: removing a folder takes away, in every
/// container, what is mounted over it.
async fn is_alone(context: &RunContext) -> bool {
    let Ok(docker) = context.engine().await else { return false };
    let Ok(containers) = docker.find_ours(&context.store).await else { return false };
    let own = containers.iter().find(|found| found.labels.get(Labels::RUN) == Some(&context.id.0));
    let Some(code) = own.and_then(|own| own.labels.get(Labels::CODE)) else { return false };
    let has_it = |found: &ContainerFacts| {
        found.state == State::Running && found.labels.get(Labels::CODE) == Some(code)
    };
    !containers.iter().any(has_it)
}

/// Where a run notes the folders that it made in the user's source tree.
pub(super) fn made_points(folder: &RunFolder) -> PathBuf {
    folder.private().join("made_mount_points")
}
