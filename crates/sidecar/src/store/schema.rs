//! The tables, and how an older file becomes a current one.
//!
//! A version is a step of [`STEPS`]; steps are only ever added. A file made by a later step than this
//! program knows is refused, since writing it could destroy what the newer program keeps there.

use super::{damaged, failure, immediately};
use engine::failure::{Blame, Failure};
use engine::message;
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

const STEPS: [&str; 3] = [
    r"
    CREATE TABLE store (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    INSERT INTO store VALUES ('id', lower(hex(randomblob(8))));

    CREATE TABLE run (
        id TEXT PRIMARY KEY,
        experiment TEXT NOT NULL,
        display_name TEXT,
        spec TEXT NOT NULL,
        kind TEXT NOT NULL,
        parent TEXT,
        state TEXT NOT NULL,
        debug INTEGER NOT NULL,
        created INTEGER NOT NULL,
        started INTEGER,
        ended INTEGER,
        engine TEXT,
        container TEXT,
        image TEXT,
        exit_code INTEGER,
        failure TEXT,
        snapshot TEXT,
        plan TEXT
    );
    CREATE INDEX run_by_time ON run (created DESC, id DESC);
    CREATE INDEX run_by_experiment ON run (experiment, created DESC, id DESC);
    CREATE INDEX run_by_parent ON run (parent) WHERE parent IS NOT NULL;
    CREATE INDEX run_unfinished ON run (created)
        WHERE state NOT IN ('completed', 'failed', 'cancelled', 'lost')
        OR (state = 'lost' AND container IS NOT NULL);

    CREATE TABLE request (
        number INTEGER PRIMARY KEY,
        run TEXT NOT NULL,
        verb TEXT NOT NULL,
        at INTEGER NOT NULL
    );
    CREATE INDEX request_by_run ON request (run, number);

    CREATE TABLE port (
        folder TEXT NOT NULL,
        target TEXT NOT NULL,
        port INTEGER NOT NULL,
        PRIMARY KEY (folder, target)
    ) WITHOUT ROWID;
    CREATE INDEX port_by_number ON port (port);

    CREATE TABLE image (
        name TEXT PRIMARY KEY,
        base TEXT NOT NULL,
        parts TEXT NOT NULL,
        built INTEGER NOT NULL,
        used INTEGER NOT NULL,
        size INTEGER NOT NULL
    );
",
    // Steps of pipelines, and what a step of some content has given.
    r"
    ALTER TABLE run ADD COLUMN step TEXT;
    CREATE TABLE result (
        content TEXT PRIMARY KEY,
        run TEXT NOT NULL
    ) WITHOUT ROWID;
",
    // Where each step of a pipeline stands, apart from the pipeline: of thousands one changes at a time.
    r"
    CREATE TABLE standing (
        pipeline TEXT NOT NULL,
        step INTEGER NOT NULL,
        json TEXT NOT NULL,
        PRIMARY KEY (pipeline, step)
    ) WITHOUT ROWID;
",
];

const KNOWN: i64 = STEPS.len() as i64;

/// Brings the file to the current version, or leaves it alone and says why.
pub(super) fn migrate(db: &mut Connection, file: &Path) -> Result<(), Failure> {
    let sql = |error: rusqlite::Error| failure(file, &error);
    let found = version(db).map_err(sql)?;
    refuse_newer(found, file)?;
    if found == KNOWN {
        return refuse_cut(file);
    }
    if found == 0 {
        refuse_emptied(db, file)?;
        write_ahead(db).map_err(sql)?;
    }
    // Another process may have done it meanwhile, so the version is read again under the lock.
    let reached = immediately(db, |transaction| {
        let found = version(transaction)?;
        run_steps(transaction, found)?;
        Ok(found)
    })
    .map_err(sql)?;
    refuse_newer(reached, file)?;
    // Made after the tables are there for everybody: a file without tables beside it has lost them.
    super::make_private_folder(&super::folder::all_runs(file))
}

fn run_steps(transaction: &Transaction<'_>, found: i64) -> rusqlite::Result<()> {
    for (step, number) in STEPS.iter().zip(1..).filter(|(_, number)| *number > found) {
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", number)?;
    }
    Ok(())
}

fn version(db: &Connection) -> rusqlite::Result<i64> {
    db.query_row("PRAGMA user_version", [], |row| row.get(0))
}

fn refuse_newer(found: i64, file: &Path) -> Result<(), Failure> {
    if (0..=KNOWN).contains(&found) {
        return Ok(());
    }
    let what = message!("store.newer", path = file.display(), found = found, known = KNOWN);
    Err(Failure::new(Blame::User, what).with_fix(message!("store.newer.fix")))
}

/// A file without tables is a new one, unless there are run folders: then it was cut to nothing.
fn refuse_emptied(db: &mut Connection, file: &Path) -> Result<(), Failure> {
    // Under the lock no other process stands between making the tables and making the folder. Dropped, not
    // committed: a commit would give the file a first page.
    let still_empty = db
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .and_then(|transaction| version(&transaction))
        .map_err(|error| failure(file, &error))?
        == 0;
    if still_empty && super::folder::all_runs(file).is_dir() {
        return Err(damaged(file, "the file has no tables, and there are run folders beside it"));
    }
    Ok(())
}

/// SQLite notices that pages are missing, but not a last page cut in the middle: it reads zeros there.
fn refuse_cut(file: &Path) -> Result<(), Failure> {
    let whole = length(file).is_multiple_of(4096);
    // With a log the page may still be in there, or another process is writing it just now.
    if whole || log_length(file) > 0 {
        return Ok(());
    }
    Err(damaged(file, "the last page is cut off"))
}

/// SQLite takes an empty file for a new one and throws away the log beside it, which has all there is.
pub(super) fn refuse_emptied_with_log(file: &Path) -> Result<(), Failure> {
    if fs::metadata(file).is_ok_and(|facts| facts.len() == 0) && log_length(file) > 0 {
        return Err(damaged(file, "the file is empty, and there is a log beside it"));
    }
    Ok(())
}

/// Bytes in SQLite's log beside the file.
pub(super) fn log_length(file: &Path) -> u64 {
    length(&file.with_extension("sqlite-wal"))
}

fn length(file: &Path) -> u64 {
    fs::metadata(file).map_or(0, |facts| facts.len())
}

/// Turns on the write-ahead log, which the file remembers.
///
/// SQLite does not wait for other processes here, to avoid a deadlock it cannot see; so we do.
fn write_ahead(db: &Connection) -> rusqlite::Result<()> {
    let start = Instant::now();
    loop {
        let answer = db.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0));
        let busy = |error: &rusqlite::Error| {
            matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
        };
        match answer {
            Err(error) if busy(&error) && start.elapsed() < super::PATIENCE => {
                std::thread::sleep(Duration::from_millis(2));
            }
            // A file system without shared memory answers with the old journal: slower, and as safe.
            Ok(_) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}
