//! The records of runs.

use super::{Ownership, RunFolder, Store};
use engine::failure::{Blame, Failure};
use engine::ids::{ContainerId, ImageRef, RunId};
use engine::message;
use rusqlite::{OptionalExtension, Row, ToSql, named_params};
use std::path::PathBuf;

/// States of a run that nobody needs to look after any more.
pub const FINAL_STATES: [&str; 4] = ["completed", "failed", "cancelled", "lost"];

/// What the store keeps of one run. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRecord {
    /// The run's name.
    pub id: RunId,
    /// Experiment under which it is listed.
    pub experiment: String,
    /// Name to show instead of the id.
    pub display_name: Option<String>,
    /// The spec's file. A path that is not Unicode is kept with replacement characters.
    pub spec: PathBuf,
    /// `run`, `pipeline`, `step` or `build`.
    pub kind: String,
    /// The pipeline run that a step belongs to.
    pub parent: Option<RunId>,
    /// Name of the step that it is or was in that pipeline.
    pub step: Option<String>,
    /// State in the words of the glossary.
    pub state: String,
    /// Whether a debugger was asked for.
    pub debug: bool,
    /// When it was asked for.
    pub created_ms: u64,
    /// When its container started.
    pub started_ms: Option<u64>,
    /// When it reached a final state.
    pub ended_ms: Option<u64>,
    /// Which container engine has it: the engine's own id, or its address.
    pub engine: Option<String>,
    /// Its container.
    pub container: Option<ContainerId>,
    /// The image it runs from.
    pub image: Option<ImageRef>,
    /// Exit code of the container.
    pub exit_code: Option<i64>,
    /// The failure, as JSON.
    pub failure: Option<String>,
    /// The run's snapshot with its phase card, as JSON.
    pub snapshot: Option<String>,
    /// The plan, as JSON.
    pub plan: Option<String>,
}

/// What the store knows of one experiment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Experiment {
    /// Its name.
    pub name: String,
    /// Runs that are listed under it.
    pub runs: u32,
    /// Those of them that are not over.
    pub live: u32,
    /// When the newest of them was asked for.
    pub newest_ms: u64,
}

impl RunRecord {
    /// A record of a run that was just asked for; everything that is not known yet is empty.
    pub fn new(id: RunId, experiment: &str, spec: PathBuf, created_ms: u64) -> Self {
        Self {
            id,
            experiment: experiment.to_owned(),
            display_name: None,
            spec,
            kind: "run".to_owned(),
            parent: None,
            step: None,
            state: "preparing".to_owned(),
            debug: false,
            created_ms,
            started_ms: None,
            ended_ms: None,
            engine: None,
            container: None,
            image: None,
            exit_code: None,
            failure: None,
            snapshot: None,
            plan: None,
        }
    }

    /// Whether the state is final.
    pub fn is_final(&self) -> bool {
        FINAL_STATES.contains(&self.state.as_str())
    }
}

const COLUMNS: &str = "id, experiment, display_name, spec, kind, parent, step, state, debug, created, started, ended, \
                       engine, container, image, exit_code, failure, snapshot, plan";

impl Store {
    /// A name for a new run: `<experiment>_<milliseconds>_<4 hex digits>`, fit for a folder and a container.
    pub fn new_run_id(&self, experiment: &str, now_ms: u64) -> Result<RunId, Failure> {
        let tail: String =
            self.read(|db| db.query_row("SELECT lower(hex(randomblob(2)))", [], |row| row.get(0)))?;
        Ok(RunId(format!("{}_{now_ms}_{tail}", slug(experiment))))
    }

    /// 16 hex digits that nobody guesses.
    pub fn new_token(&self) -> Result<String, Failure> {
        self.read(|db| db.query_row("SELECT lower(hex(randomblob(8)))", [], |row| row.get(0)))
    }

    /// Makes the run's folder, owns it, and only then inserts the record; so whoever sees the record
    /// also sees that it has an owner.
    pub fn begin(&mut self, record: &RunRecord) -> Result<Ownership, Failure> {
        let folder = self.folder(&record.id);
        folder.create()?;
        let Some(ownership) = Ownership::take(&record.id, &folder)? else {
            return Err(in_use(&record.id));
        };
        let sql = format!(
            "INSERT INTO run ({COLUMNS}) VALUES (:id, :experiment, :display_name, :spec, :kind, :parent, :step, :state, \
             :debug, :created, :started, :ended, :engine, :container, :image, :exit_code, :failure, :snapshot, :plan)"
        );
        self.write(|db| with_values(record, |values| db.prepare_cached(&sql)?.execute(values)))?;
        Ok(ownership)
    }

    /// Replaces the whole record. Only the run's owner may; the guard is the proof.
    pub fn update(&mut self, owner: &Ownership, record: &RunRecord) -> Result<(), Failure> {
        self.update_with_steps(owner, Some(record), &[])
    }

    /// Replaces the record of a pipeline, if it has changed, and where these of its steps stand, by their places,
    /// both or neither.
    pub fn update_with_steps(
        &mut self,
        owner: &Ownership,
        record: Option<&RunRecord>,
        steps: &[(usize, String)],
    ) -> Result<(), Failure> {
        debug_assert!(record.is_none_or(|record| owner.run() == &record.id));
        let sql = "UPDATE run SET experiment = :experiment, display_name = :display_name, spec = :spec, \
                   kind = :kind, parent = :parent, step = :step, state = :state, debug = :debug, created = :created, \
                   started = :started, ended = :ended, engine = :engine, container = :container, image = :image, \
                   exit_code = :exit_code, failure = :failure, snapshot = :snapshot, plan = :plan WHERE id = :id";
        let of_steps = "INSERT INTO standing (pipeline, step, json) VALUES (?1, ?2, ?3) \
                        ON CONFLICT (pipeline, step) DO UPDATE SET json = excluded.json";
        let run = owner.run().as_str();
        let changed = self.write(|db| {
            let mut insert = db.prepare_cached(of_steps)?;
            for (step, json) in steps {
                insert.execute((run, *step as i64, json))?;
            }
            match record {
                Some(record) => with_values(record, |values| db.prepare_cached(sql)?.execute(values)),
                None => Ok(1),
            }
        })?;
        if changed == 1 { Ok(()) } else { Err(no_such_run(run)) }
    }

    /// Where the steps of a pipeline stand, in their order.
    pub fn standings(&self, pipeline: &RunId) -> Result<Vec<String>, Failure> {
        let sql = "SELECT json FROM standing WHERE pipeline = ?1 ORDER BY step";
        self.read(|db| db.prepare_cached(sql)?.query_map([pipeline.as_str()], |row| row.get(0))?.collect())
    }

    /// The record of exactly this run.
    pub fn get(&self, run: &RunId) -> Result<Option<RunRecord>, Failure> {
        let sql = format!("SELECT {COLUMNS} FROM run WHERE id = ?1");
        self.read(|db| db.prepare_cached(&sql)?.query_row([run.as_str()], record).optional())
    }

    /// The run that a person means: its id, or a beginning of it that fits one run alone.
    pub fn find(&self, name: &str) -> Result<RunRecord, Failure> {
        if let Some(found) = self.get(&RunId::from(name))? {
            return Ok(found);
        }
        let fitting = self.starting_with(name)?;
        match fitting.as_slice() {
            [] => Err(no_such_run(name)),
            [only] => self.get(only)?.ok_or_else(|| no_such_run(name)),
            [_, ..] => Err(ambiguous(name, &fitting)),
        }
    }

    fn starting_with(&self, name: &str) -> Result<Vec<RunId>, Failure> {
        if name.is_empty() {
            return Ok(Vec::new());
        }
        // The last code point sorts behind everything that continues the name.
        let end = format!("{name}{}", char::MAX);
        let sql = "SELECT id FROM run WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT 11";
        self.read(|db| {
            db.prepare_cached(sql)?.query_map([name, &end], |row| Ok(RunId(row.get(0)?)))?.collect()
        })
    }

    /// Runs that are no steps of others, newest first, of one experiment or of all.
    pub fn list(&self, limit: u32, offset: u32, experiment: Option<&str>) -> Result<Vec<RunRecord>, Failure> {
        let choice = if experiment.is_some() { "experiment = ?3" } else { "?3 IS NULL" };
        let sql = format!(
            "SELECT {COLUMNS} FROM run WHERE {choice} AND parent IS NULL \
             ORDER BY created DESC, id DESC LIMIT ?1 OFFSET ?2"
        );
        self.read(|db| db.prepare_cached(&sql)?.query_map((limit, offset, experiment), record)?.collect())
    }

    /// The deployments, newest first.
    pub fn deployments(&self) -> Result<Vec<RunRecord>, Failure> {
        let sql =
            format!("SELECT {COLUMNS} FROM run WHERE kind = 'deployment' ORDER BY created DESC, id DESC");
        self.read(|db| db.prepare_cached(&sql)?.query_map([], record)?.collect())
    }

    /// The experiments and how many runs each has, the one with the newest run first. Images that were only
    /// built are no runs, steps belong to theirs, and deployments have a list of their own.
    pub fn experiments(&self) -> Result<Vec<Experiment>, Failure> {
        let sql = "SELECT experiment, count(*), \
             count(*) FILTER (WHERE state NOT IN ('completed', 'failed', 'cancelled', 'lost')), max(created) AS newest \
             FROM run WHERE kind NOT IN ('build', 'deployment') AND parent IS NULL
             GROUP BY experiment ORDER BY newest DESC, experiment";
        self.read(|db| {
            let experiment = |row: &Row<'_>| {
                Ok(Experiment {
                    name: row.get(0)?,
                    runs: row.get(1)?,
                    live: row.get(2)?,
                    newest_ms: row.get::<_, i64>(3)?.unsigned_abs(),
                })
            };
            db.prepare_cached(sql)?.query_map([], experiment)?.collect()
        })
    }

    /// The steps of a pipeline run, oldest first.
    pub fn steps(&self, parent: &RunId) -> Result<Vec<RunRecord>, Failure> {
        let sql = format!("SELECT {COLUMNS} FROM run WHERE parent = ?1 ORDER BY created, id");
        self.read(|db| db.prepare_cached(&sql)?.query_map([parent.as_str()], record)?.collect())
    }

    /// Runs that are not over, oldest first: somebody owns them, or they wait for adoption. One that was lost
    /// together with its engine is among them for as long as its container may be found again.
    pub fn unfinished(&self) -> Result<Vec<RunRecord>, Failure> {
        // The condition repeats the one of the partial index word for word; otherwise SQLite reads all runs.
        let sql = format!(
            "SELECT {COLUMNS} FROM run WHERE state NOT IN ('completed', 'failed', 'cancelled', 'lost') \
             OR (state = 'lost' AND container IS NOT NULL) \
             ORDER BY created"
        );
        self.read(|db| db.prepare_cached(&sql)?.query_map([], record)?.collect())
    }

    /// Runs that had ended by this time, in milliseconds since 1970, oldest first.
    pub fn ended_before(&self, before_ms: u64, limit: u32) -> Result<Vec<RunId>, Failure> {
        let sql = "SELECT id FROM run WHERE ended < ?1 AND state IN ('completed', 'failed', 'cancelled', 'lost') \
                   AND container IS NULL ORDER BY ended LIMIT ?2";
        self.read(|db| {
            let mut ask = db.prepare_cached(sql)?;
            let ids = ask.query_map((before_ms.cast_signed(), limit), |row| Ok(RunId(row.get(0)?)))?;
            ids.collect()
        })
    }

    /// Removes record and folder. Refused while another process owns the run.
    pub fn remove(&mut self, run: &RunId) -> Result<(), Failure> {
        if self.get(run)?.is_none() {
            return Err(no_such_run(run.as_str()));
        }
        let Some(ownership) = self.try_own(run)? else { return Err(in_use(run)) };
        self.remove_owned(ownership)
    }

    /// The same by the run's owner.
    pub fn remove_owned(&mut self, ownership: Ownership) -> Result<(), Failure> {
        let run = ownership.run().clone();
        let folder = self.folder(&run);
        // The record goes last but for the lock: cut off in the middle, it can be removed again.
        folder.remove_contents()?;
        self.write(|db| {
            db.execute("DELETE FROM request WHERE run = ?1", [run.as_str()])?;
            db.execute("DELETE FROM result WHERE run = ?1", [run.as_str()])?;
            db.execute("DELETE FROM standing WHERE pipeline = ?1", [run.as_str()])?;
            db.execute("DELETE FROM run WHERE id = ?1", [run.as_str()])
        })?;
        drop(ownership);
        folder.remove()
    }

    /// The paths of a run.
    pub fn folder(&self, run: &RunId) -> RunFolder {
        RunFolder::new(&self.home, run)
    }
}

/// Binds a record's values by name, so that the two statements that write one cannot disagree on order.
fn with_values<T>(
    record: &RunRecord,
    run: impl FnOnce(&[(&str, &dyn ToSql)]) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    run(named_params! {
        ":id": record.id.as_str(),
        ":experiment": record.experiment,
        ":display_name": record.display_name,
        ":spec": record.spec.to_string_lossy(),
        ":kind": record.kind,
        ":parent": record.parent.as_ref().map(RunId::as_str),
        ":step": record.step,
        ":state": record.state,
        ":debug": record.debug,
        ":created": record.created_ms.cast_signed(),
        ":started": record.started_ms.map(u64::cast_signed),
        ":ended": record.ended_ms.map(u64::cast_signed),
        ":engine": record.engine,
        ":container": record.container.as_ref().map(ContainerId::as_str),
        ":image": record.image.as_ref().map(ImageRef::as_str),
        ":exit_code": record.exit_code,
        ":failure": record.failure,
        ":snapshot": record.snapshot,
        ":plan": record.plan,
    })
}

fn record(row: &Row<'_>) -> rusqlite::Result<RunRecord> {
    Ok(RunRecord {
        id: RunId(row.get("id")?),
        experiment: row.get("experiment")?,
        display_name: row.get("display_name")?,
        spec: PathBuf::from(row.get::<_, String>("spec")?),
        kind: row.get("kind")?,
        parent: row.get::<_, Option<String>>("parent")?.map(RunId),
        step: row.get("step")?,
        state: row.get("state")?,
        debug: row.get("debug")?,
        created_ms: row.get::<_, i64>("created")?.cast_unsigned(),
        started_ms: row.get::<_, Option<i64>>("started")?.map(i64::cast_unsigned),
        ended_ms: row.get::<_, Option<i64>>("ended")?.map(i64::cast_unsigned),
        engine: row.get("engine")?,
        container: row.get::<_, Option<String>>("container")?.map(ContainerId),
        image: row.get::<_, Option<String>>("image")?.map(ImageRef),
        exit_code: row.get("exit_code")?,
        failure: row.get("failure")?,
        snapshot: row.get("snapshot")?,
        plan: row.get("plan")?,
    })
}

/// The experiment's name as far as folders and containers allow: ASCII letters, digits, `-` and `_`.
fn slug(experiment: &str) -> String {
    let mut slug = String::new();
    for letter in experiment.chars() {
        if letter.is_ascii_alphanumeric() || letter == '_' {
            slug.push(letter);
        } else if !slug.ends_with('-') {
            slug.push('-');
        }
    }
    // 40 keeps the whole name within the 63 letters of a host name.
    slug.truncate(40);
    let trimmed = slug.trim_matches(['-', '_']);
    if trimmed.is_empty() { "run".to_owned() } else { trimmed.to_owned() }
}

pub(super) fn no_such_run(name: &str) -> Failure {
    Failure::new(Blame::User, message!("store.no-such-run", name = name))
        .with_fix(message!("store.no-such-run.fix"))
}

fn ambiguous(name: &str, fitting: &[RunId]) -> Failure {
    let mut names: Vec<String> = fitting.iter().take(10).map(ToString::to_string).collect();
    if fitting.len() > 10 {
        names.push("…".to_owned());
    }
    Failure::new(Blame::User, message!("store.ambiguous-run", name = name))
        .with_detail(names)
        .with_fix(message!("store.ambiguous-run.fix"))
}

fn in_use(run: &RunId) -> Failure {
    Failure::new(Blame::User, message!("store.run-in-use", run = run))
        .with_fix(message!("store.run-in-use.fix", run = run))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_named_after_its_experiment_as_far_as_folders_allow() {
        for (experiment, expected) in [
            ("iris", "iris"),
            ("My first / experiment (2)", "My-first-experiment-2"),
            ("../../etc", "etc"),
            ("実験", "run"),
            ("", "run"),
            ("a_b", "a_b"),
        ] {
            assert_eq!(slug(experiment), expected);
        }
        assert_eq!(slug(&"x".repeat(500)).len(), 40);
    }
}
