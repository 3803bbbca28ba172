//! The containers that are kept for the next run, noted in a folder each below the store's home.
//!
//! `kept.json` is there while a container waits. Whoever renames it has the container: there is no moment in
//! which two do, whichever process they are of. While it waits, the folders that were mounted for its last run
//! are parked beside it, and moving them to the next run takes that run's mounts along.

use crate::clock;
use crate::files;
use crate::mount_points;
use crate::settings::Settings;
use docker::Docker;
use engine::failure::{Blame, Failure};
use engine::ids::{ContainerId, RunId};
use engine::message;
use engine::warm::{Door, Kept};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A container that waits.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) kept: Kept,
    /// The last run in it.
    pub(crate) run: RunId,
    /// When it goes, in milliseconds since 1970.
    pub(crate) until: u64,
    /// Folders made in the source tree to mount over; they can go when the container has.
    pub(crate) points: Vec<PathBuf>,
    /// The process that keeps it.
    pub(crate) keeper: u32,
}

const WAITS: &str = "kept.json";
const TAKEN: &str = "taken.json";

fn pool(home: &Path) -> PathBuf {
    home.join("warm")
}

/// A new way into a container that is yet to be made.
pub(crate) fn new_door(home: &Path, seconds: u32, token: String) -> Door {
    Door { folder: pool(home).join(&token), token, seconds, ..Door::default() }
}

pub(crate) fn make_door(door: &Door) -> Result<(), Failure> {
    files::make_private_folder(&door.folder)
}

/// Notes the container and parks the folders of the run that has ended; what is in them stays with the run.
pub(crate) fn park(home: &Path, entry: Entry, folders: &[PathBuf]) -> Result<(), Failure> {
    let door = entry.kept.door.folder.clone();
    let parked = folders.iter().enumerate().try_for_each(|(number, folder)| {
        let parked = door.join(number.to_string());
        fs::rename(folder, &parked)?;
        fs::create_dir_all(folder)?;
        for entry in fs::read_dir(&parked)? {
            let entry = entry?;
            fs::rename(entry.path(), folder.join(entry.file_name()))?;
        }
        Ok(())
    });
    parked.map_err(|error| failed(&pool(home), &error))?;
    let text = serde_json::to_vec(&entry).unwrap_or_default();
    files::write(&door.join(WAITS), &text)
}

/// Takes a container that fits, with the parked folders in place of these empty ones.
pub(crate) fn take(home: &Path, key: &str, now: u64, folders: &[PathBuf]) -> Result<Option<Entry>, Failure> {
    let fitting = entries(home).into_iter().filter(|entry| entry.kept.door.key == key && entry.until > now);
    for entry in fitting {
        let door = &entry.kept.door.folder;
        if fs::rename(door.join(WAITS), door.join(TAKEN)).is_err() {
            continue;
        }
        let moved = folders.iter().enumerate().try_for_each(|(number, folder)| {
            fs::remove_dir(folder)?;
            fs::rename(door.join(number.to_string()), folder)
        });
        moved.map_err(|error| failed(door, &error))?;
        return Ok(Some(entry));
    }
    Ok(None)
}

/// Removes what was noted of a container that is gone.
pub(crate) fn forget(door: &Door) {
    let _ = fs::remove_dir_all(&door.folder);
}

/// Containers that wait, and are nobody's strays.
pub(crate) fn waiting(home: &Path) -> Vec<ContainerId> {
    entries(home).into_iter().map(|entry| entry.kept.container).collect()
}

/// Until when the container of this run waits, in milliseconds since 1970.
pub(crate) fn until(home: &Path, run: &str) -> Option<u64> {
    let entry = entries(home).into_iter().find(|entry| entry.run.0 == run)?;
    Some(entry.until)
}

/// Whether any is past its time.
pub(crate) fn is_any_over(home: &Path, now: u64) -> bool {
    entries(home).iter().any(|entry| entry.until <= now)
}

/// Lets go of those that the judge says, container and all; the runs that they were of.
pub(crate) async fn sweep(settings: &Settings, judge: impl Fn(&Entry) -> bool) -> Vec<RunId> {
    let over: Vec<Entry> = entries(&settings.home).into_iter().filter(judge).collect();
    let mut cooled = Vec::new();
    if over.is_empty() {
        return cooled;
    }
    let Ok(docker) = Docker::connect(&settings.engine).await else { return cooled };
    for entry in over {
        let door = &entry.kept.door.folder;
        if fs::rename(door.join(WAITS), door.join(TAKEN)).is_err() {
            continue;
        }
        if let Err(error) = docker.remove(&entry.kept.container).await {
            tracing::warn!(%error, "a container that was kept warm stays");
            let _ = fs::rename(door.join(TAKEN), door.join(WAITS));
            continue;
        }
        mount_points::remove(&docker, &settings.home, &entry.points).await;
        forget(&entry.kept.door);
        cooled.push(entry.run);
    }
    cooled
}

/// Ends what this process keeps: nobody would look after it.
pub(crate) async fn leave(settings: &Settings) {
    let own = std::process::id();
    sweep(settings, |entry| entry.keeper == own || entry.until <= clock::now_ms()).await;
}

fn entries(home: &Path) -> Vec<Entry> {
    let doors = fs::read_dir(pool(home)).into_iter().flatten().flatten();
    let read = |door: fs::DirEntry| {
        let text = fs::read(door.path().join(WAITS)).ok()?;
        serde_json::from_slice(&text).ok()
    };
    doors.filter_map(read).collect()
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::new(Blame::Environment, message!("files.write", path = path.display(), cause = error))
        .with_fix(message!("files.write.fix"))
}
