//! What steps have given: content of a step → the run that ended well with it.

use super::Store;
use engine::failure::Failure;
use engine::ids::RunId;
use rusqlite::OptionalExtension;

impl Store {
    /// Notes that this run ended well, for whoever wants the result of the same content.
    pub fn note_result(&mut self, content: &str, run: &RunId) -> Result<(), Failure> {
        let sql = "INSERT INTO result (content, run) VALUES (?1, ?2) \
                   ON CONFLICT (content) DO UPDATE SET run = excluded.run";
        self.write(|db| db.prepare_cached(sql)?.execute((content, run.as_str())))?;
        Ok(())
    }

    /// The run of this content, if it is still there and ended well.
    pub fn find_result(&self, content: &str) -> Result<Option<RunId>, Failure> {
        let sql = "SELECT run.id FROM result JOIN run ON run.id = result.run \
                   WHERE result.content = ?1 AND run.state = 'completed'";
        self.read(|db| db.prepare_cached(sql)?.query_row([content], |row| Ok(RunId(row.get(0)?))).optional())
    }
}
