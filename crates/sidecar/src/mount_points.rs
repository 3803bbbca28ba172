//! The empty folders in a user's source tree that a run's own folders are mounted over: made before the start,
//! because the engine would make them as root, and taken away when no container needs them any more.
//!
//! A mark below the store's home says of each that it is ours. So the last of several runs of the same code takes
//! away what the first has made, and a folder of the user's stays.

use crate::files;
use docker::{Docker, Labels, State};
use engine::failure::Failure;
use std::path::{Path, PathBuf};

/// Makes those that are missing; all that are ours, whichever run has made them.
pub(crate) fn make(home: &Path, points: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut ours = Vec::new();
    for point in points {
        let mark = mark_of(home, point);
        if files::exists(point) && !files::exists(&mark) {
            continue;
        }
        files::write(&mark, b"")?;
        files::make_folder(point)?;
        ours.push(point.clone());
    }
    Ok(ours)
}

/// Takes them away, if no container has anything mounted over them.
pub(crate) async fn remove(docker: &Docker, home: &Path, points: &[PathBuf]) {
    let Some(code) = points.first().and_then(|point| point.parent()) else { return };
    if is_mounted(docker, code).await {
        return;
    }
    for point in points {
        files::remove_empty_folder(point);
        if !files::exists(point) {
            files::remove_file(&mark_of(home, point));
        }
    }
}

/// Whether any container has the code folder mounted, or is about to: removing a folder in it takes away, in
/// every container, what is mounted over it.
async fn is_mounted(docker: &Docker, code: &Path) -> bool {
    match docker.find_labelled(Labels::CODE, &code.to_string_lossy()).await {
        Ok(found) => found.iter().any(|found| !matches!(found.state, State::Exited | State::Dead)),
        // Who cannot be asked may well have it.
        Err(_) => true,
    }
}

fn mark_of(home: &Path, point: &Path) -> PathBuf {
    let name: Vec<char> =
        point.to_string_lossy().chars().map(|letter| if letter == '/' { '%' } else { letter }).collect();
    // The end tells them apart, and a name has no more room than this.
    home.join("mount_points").join(name[name.len().saturating_sub(60)..].iter().collect::<String>())
}
