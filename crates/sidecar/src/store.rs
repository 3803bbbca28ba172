//! The workspace store: what every process of one user knows about runs, ports and images.
//!
//! One SQLite file and a folder per run under one home folder. Any number of processes use it at once:
//! - every write is one `BEGIN IMMEDIATE` transaction (a deferred one that reads first fails with "locked"
//!   under load, whatever the timeout), and no write waits for anything but another write;
//! - a run's record is written by the run's owner alone, and the owner is whoever holds the lock on the
//!   run's `owner.lock` (see [`Ownership`]); others put requests beside it;
//! - a file that this program does not understand, because it is damaged or newer, is never written.
//!
//! The store keeps words and JSON; what a plan or a snapshot means is the engine crate's business. Only
//! which states are final is known here, because adoption has to find the others.

mod folder;
mod images;
mod ownership;
mod ports;
mod requests;
mod results;
mod runs;
mod schema;

pub use folder::{LogFile, RunFolder};
pub use ownership::Ownership;
pub use requests::Request;
pub use runs::{Experiment, FINAL_STATES, RunRecord};

use engine::failure::{Blame, Failure};
use engine::ids::StoreId;
use engine::message;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The file's name in the home folder.
const FILE: &str = "store.sqlite";

/// How long a write waits for other processes' writes. A write takes well under a millisecond, so only a
/// stopped process or a dying disk can hold it that long.
const PATIENCE: Duration = Duration::from_secs(10);

/// Bytes of log that are left for the next process: reading them back takes it about a millisecond.
const LOG_LIMIT: u64 = 1 << 20;

/// An open workspace store. Not shared between threads: one task owns it.
#[derive(Debug)]
pub struct Store {
    db: Connection,
    home: PathBuf,
    id: StoreId,
    /// SQLite's counter of other processes' writes, as last seen by [`Store::changed_by_others`].
    seen: i64,
}

impl Store {
    /// Opens the store in `home`, making both if they are not there.
    ///
    /// Fails if the folder cannot be written, or the file is damaged, or a newer version wrote it; then
    /// the file is as it was.
    pub fn open(home: &Path) -> Result<Self, Failure> {
        make_private_folder(home)?;
        let file = home.join(FILE);
        schema::refuse_emptied_with_log(&file)?;
        let mut db = connect(&file).map_err(|error| failure(&file, &error))?;
        schema::migrate(&mut db, &file)?;
        let id = db
            .query_row("SELECT value FROM store WHERE key = 'id'", [], |row| row.get(0))
            .map_err(|error| failure(&file, &error))?;
        Ok(Self { db, home: home.to_owned(), id: StoreId(id), seen: 0 })
    }

    /// The folder that holds everything.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The store's own name, made once; containers carry it as a label.
    pub fn id(&self) -> &StoreId {
        &self.id
    }

    /// Whether another process has written anything since this was last asked; the first answer is `true`.
    /// Cheap enough to be asked many times a second.
    pub fn changed_by_others(&mut self) -> Result<bool, Failure> {
        let now = self
            .db
            .prepare_cached("PRAGMA data_version")
            .and_then(|mut ask| ask.query_row([], |row| row.get(0)))
            .map_err(|error| self.failure(&error))?;
        let changed = now != self.seen;
        self.seen = now;
        Ok(changed)
    }

    /// Reads with one statement or several; nothing else may be written in between only if it is one.
    fn read<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Failure> {
        query(&self.db).map_err(|error| self.failure(&error))
    }

    /// The only way to write.
    fn write<T>(
        &mut self,
        change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, Failure> {
        immediately(&mut self.db, change).map_err(|error| failure(&self.home.join(FILE), &error))
    }

    fn failure(&self, error: &rusqlite::Error) -> Failure {
        failure(&self.home.join(FILE), error)
    }
}

impl Drop for Store {
    /// Empties a grown log, so that the next process has little to read back. At the end, where nobody
    /// waits for it; if another process uses the store just now, that one will.
    fn drop(&mut self) {
        if schema::log_length(&self.home.join(FILE)) < LOG_LIMIT {
            return;
        }
        let empty = |db: &Connection| {
            db.busy_timeout(Duration::ZERO)?;
            db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        };
        // Nothing is lost if it fails: the log is as good a place as the file.
        let _ = empty(&self.db);
    }
}

fn connect(file: &Path) -> rusqlite::Result<Connection> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(file, flags)?;
    db.busy_timeout(PATIENCE)?;
    // Moving the log into the file on every close costs each command two flushes of the disk; it is done
    // when the log has grown (see `Drop`).
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    db.pragma_update(None, "synchronous", "NORMAL")?;
    Ok(db)
}

fn immediately<T>(
    db: &mut Connection,
    change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let value = change(&transaction)?;
    transaction.commit()?;
    Ok(value)
}

/// Makes a folder that only this user may enter: logs and plans tell what somebody works on.
fn make_private_folder(folder: &Path) -> Result<(), Failure> {
    if folder.is_dir() {
        return Ok(());
    }
    private_builder().recursive(true).create(folder).map_err(|error| folder_failure(folder, &error))
}

#[cfg(unix)]
fn private_builder() -> fs::DirBuilder {
    use std::os::unix::fs::DirBuilderExt;
    let mut builder = fs::DirBuilder::new();
    builder.mode(0o700);
    builder
}

// On Windows a folder under the user's profile is the user's alone by inheritance.
#[cfg(not(unix))]
fn private_builder() -> fs::DirBuilder {
    fs::DirBuilder::new()
}

fn folder_failure(path: &Path, error: &io::Error) -> Failure {
    Failure::new(Blame::Environment, message!("store.folder", path = path.display(), cause = error))
        .with_fix(message!("store.folder.fix"))
}

/// An error of SQLite's as something a person can act on.
fn failure(file: &Path, error: &rusqlite::Error) -> Failure {
    let path = file.display();
    let environment = |what| Failure::new(Blame::Environment, what).with_detail([error.to_string()]);
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => damaged(file, &error.to_string()),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            environment(message!("store.busy", path = path, seconds = PATIENCE.as_secs()))
                .with_fix(message!("store.busy.fix"))
        }
        Some(ErrorCode::DiskFull) => {
            environment(message!("store.full", path = path)).with_fix(message!("store.full.fix"))
        }
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            environment(message!("store.no-access", path = path)).with_fix(message!("store.folder.fix"))
        }
        _ => environment(message!("store.failed", path = path)),
    }
}

fn damaged(file: &Path, cause: &str) -> Failure {
    Failure::new(Blame::Environment, message!("store.damaged", path = file.display()))
        .with_detail([cause])
        .with_fix(message!("store.damaged.fix", path = file.display()))
}
