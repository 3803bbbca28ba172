//! Who looks after a run: whoever holds the operating system's lock on its `owner.lock`.
//!
//! The lock ends with the process, however the process ends; so "locked" means alive and "free" means
//! that the run may be adopted, with no heartbeat and no time to wait.

use super::{RunFolder, Store, folder_failure};
use engine::failure::Failure;
use engine::ids::RunId;
use std::fs::{File, OpenOptions, TryLockError};
use std::time::Duration;

/// How often a held lock is looked at again, since [`Store::is_owned`] of another process holds it too,
/// for microseconds.
const LOOKS: u32 = 4;

/// Proof that this process owns a run. Dropping it sets the run free.
#[derive(Debug)]
pub struct Ownership {
    run: RunId,
    /// Closing the file frees the lock. Opened close-on-exec, so no child process keeps it.
    _lock: File,
}

impl Ownership {
    /// The run that is owned.
    pub fn run(&self) -> &RunId {
        &self.run
    }

    pub(super) fn take(run: &RunId, folder: &RunFolder) -> Result<Option<Self>, Failure> {
        let lock = open(folder)?;
        for look in 1..=LOOKS {
            match lock.try_lock() {
                Ok(()) => return Ok(Some(Self { run: run.clone(), _lock: lock })),
                Err(TryLockError::Error(error)) => return Err(folder_failure(&folder.owner_lock(), &error)),
                Err(TryLockError::WouldBlock) if look < LOOKS => {
                    std::thread::sleep(Duration::from_micros(200));
                }
                Err(TryLockError::WouldBlock) => {}
            }
        }
        Ok(None)
    }
}

impl Store {
    /// Owns the run if nobody does. `None` if a living process owns it, or there is no such run.
    pub fn try_own(&self, run: &RunId) -> Result<Option<Ownership>, Failure> {
        if self.get(run)?.is_none() {
            return Ok(None);
        }
        let folder = self.folder(run);
        folder.create()?;
        let Some(ownership) = Ownership::take(run, &folder)? else { return Ok(None) };
        // Removing ends with the lock held and the record gone; what was locked just now may be a rest.
        if self.get(run)?.is_none() {
            drop(ownership);
            folder.remove()?;
            return Ok(None);
        }
        Ok(Some(ownership))
    }

    /// Whether a living process, this one included, owns the run.
    pub fn is_owned(&self, run: &RunId) -> Result<bool, Failure> {
        let folder = self.folder(run);
        if !folder.owner_lock().exists() {
            return Ok(false);
        }
        let lock = open(&folder)?;
        match lock.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(folder_failure(&folder.owner_lock(), &error)),
        }
    }
}

fn open(folder: &RunFolder) -> Result<File, Failure> {
    let path = folder.owner_lock();
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
    file.map_err(|error| folder_failure(&path, &error))
}
