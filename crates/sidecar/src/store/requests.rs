//! Asking a run's owner for something: a row that the owner takes.
//!
//! Who wants something of a run first tries to own it. If somebody else does, the request goes here and
//! the owner finds it at its next look; if that owner goes first, the one who adopts the run finds it, and
//! whoever waits for it does (`handlers/requests.rs`).

use super::Store;
use super::runs::no_such_run;
use engine::failure::Failure;
use engine::ids::RunId;

/// Something that the owner of a run is asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `cancel`, for one.
    pub verb: String,
    /// When it was asked, in milliseconds since 1970.
    pub at_ms: u64,
}

impl Store {
    /// Asks the owner of a run for something.
    pub fn ask(&mut self, run: &RunId, verb: &str, now_ms: u64) -> Result<(), Failure> {
        let sql = "INSERT INTO request (run, verb, at) SELECT id, ?2, ?3 FROM run WHERE id = ?1";
        let asked =
            self.write(|db| db.prepare_cached(sql)?.execute((run.as_str(), verb, now_ms.cast_signed())))?;
        if asked == 1 { Ok(()) } else { Err(no_such_run(run.as_str())) }
    }

    /// Whether something was asked of a run that nobody has taken yet.
    pub fn is_asked(&self, run: &RunId, verb: &str) -> Result<bool, Failure> {
        let waiting = "SELECT EXISTS (SELECT 1 FROM request WHERE run = ?1 AND verb = ?2)";
        self.read(|db| db.prepare_cached(waiting)?.query_row((run.as_str(), verb), |row| row.get(0)))
    }

    /// What was asked of a run since the last time, oldest first; each request is given out once. With
    /// nothing asked it only reads, so an owner may call it many times a second.
    pub fn take_requests(&mut self, run: &RunId) -> Result<Vec<Request>, Failure> {
        let waiting = "SELECT EXISTS (SELECT 1 FROM request WHERE run = ?1)";
        let any: bool =
            self.read(|db| db.prepare_cached(waiting)?.query_row([run.as_str()], |row| row.get(0)))?;
        if !any {
            return Ok(Vec::new());
        }
        let take = "DELETE FROM request WHERE run = ?1 RETURNING number, verb, at";
        let mut taken: Vec<(i64, Request)> = self.write(|db| {
            db.prepare_cached(take)?
                .query_map([run.as_str()], |row| {
                    let at_ms = row.get::<_, i64>(2)?.cast_unsigned();
                    Ok((row.get(0)?, Request { verb: row.get(1)?, at_ms }))
                })?
                .collect()
        })?;
        // SQLite does not promise the order of RETURNING.
        taken.sort_by_key(|(number, _)| *number);
        Ok(taken.into_iter().map(|(_, request)| request).collect())
    }
}
