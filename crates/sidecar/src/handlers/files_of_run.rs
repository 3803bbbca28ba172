//! `aml/listOutputs` and `aml/readLog`: what a run left on disk. Files are read beside the loop.

use crate::files;
use crate::main_loop::{Reply, give};
use crate::state::State;
use engine::failure::{Blame, Failure};
use engine::message;
use protocol::log::{ReadLogAnswer, ReadLogParams};
use protocol::run::{OutputFile, OutputsAnswer, RunIdParams};
use std::collections::BTreeMap;
use std::path::Path;

/// At most so much of a log in one answer.
const STRETCH: u64 = 1 << 20;

/// Where the processes of a run have their logs.
const USER_LOGS: &str = "user_logs";

pub(crate) fn list_outputs(state: &mut State, params: &RunIdParams, reply: Reply<OutputsAnswer>) {
    let folder = match state.store.find(&params.run) {
        Ok(record) => state.store.folder(&record.id),
        Err(failure) => return give(reply, Err(failure)),
    };
    tokio::task::spawn_blocking(move || {
        let root = folder.root();
        let mut outputs = Vec::new();
        let parts = ["outputs", "named_outputs", "logs"].map(str::to_owned);
        let linked =
            files::links(&folder.named_outputs()).into_iter().map(|name| format!("named_outputs/{name}"));
        for part in parts.into_iter().chain(linked) {
            for (path, bytes) in files::list(&root.join(&part)) {
                outputs.push(OutputFile { path: format!("{part}/{path}"), bytes });
            }
        }
        for (path, bytes) in files::list(&root.join(USER_LOGS)) {
            // The log of all of them has a name of its own.
            if path.starts_with("std_log_process_") {
                outputs.push(OutputFile { path: format!("{USER_LOGS}/{path}"), bytes });
            }
        }
        let metric_history = metrics(&folder.mlruns());
        let last = |(name, values): (&String, &Vec<(f64, f64)>)| Some((name.clone(), values.last()?.1));
        let metrics = metric_history.iter().filter_map(last).collect();
        let folder = root.to_string_lossy().into_owned();
        give(reply, Ok(OutputsAnswer { folder, files: outputs, metrics, metric_history }));
    });
}

/// Step and value of every metric in MLflow's file store: `<experiment>/<run>/metrics/<name>`, a line per
/// value: time, value, step.
fn metrics(mlruns: &Path) -> BTreeMap<String, Vec<(f64, f64)>> {
    let mut metrics = BTreeMap::new();
    for (path, _) in files::list(mlruns) {
        let Some((_, name)) = path.split_once("/metrics/") else { continue };
        let text = files::read_text(&mlruns.join(&path)).unwrap_or_default();
        let values: Vec<(f64, f64)> = text.lines().filter_map(logged).collect();
        if !values.is_empty() {
            metrics.insert(name.to_owned(), values);
        }
    }
    metrics
}

/// JSON has no infinity: a value that is no number is left out.
fn logged(line: &str) -> Option<(f64, f64)> {
    let mut words = line.split_whitespace().skip(1).map(str::parse::<f64>);
    let value = words.next()?.ok().filter(|value| value.is_finite())?;
    let step = words.next().and_then(Result::ok).unwrap_or(0.0);
    Some((step, value))
}

pub(crate) fn read_log(state: &mut State, params: ReadLogParams, reply: Reply<ReadLogAnswer>) {
    let folder = match state.store.find(&params.run) {
        Ok(record) => state.store.folder(&record.id),
        Err(failure) => return give(reply, Err(failure)),
    };
    let path = match params.log.as_str() {
        "control" => folder.control_log(),
        "driver" => folder.driver_log(),
        other => {
            let unknown = Failure::new(Blame::User, message!("log.unknown", name = other));
            return give(reply, Err(unknown));
        }
    };
    tokio::task::spawn_blocking(move || {
        let read = files::read_from(&path, params.offset, STRETCH).map(|mut bytes| {
            bytes.truncate(whole_characters(&bytes));
            let next_offset = params.offset + bytes.len() as u64;
            let text = String::from_utf8_lossy(&bytes).into_owned();
            ReadLogAnswer { path: path.to_string_lossy().into_owned(), text, next_offset }
        });
        give(reply, read);
    });
}

/// Length without a last character of which only the beginning is there: it is whole in the next stretch.
fn whole_characters(bytes: &[u8]) -> usize {
    for (back, byte) in (1..=3).zip(bytes.iter().rev()) {
        let length = match byte.leading_ones() {
            // The middle or the end of one.
            1 => continue,
            2 => 2,
            3 => 3,
            4 => 4,
            _ => 1,
        };
        return if length > back { bytes.len() - back } else { bytes.len() };
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_is_not_cut_by_the_end_of_a_stretch() {
        for (bytes, length) in [
            ("ab".as_bytes(), 2),
            ("aé".as_bytes(), 3),
            (&"aé".as_bytes()[..2], 1),
            (&"a€".as_bytes()[..3], 1),
            (&"a😀".as_bytes()[..4], 1),
            ("a😀".as_bytes(), 5),
            (b"a\xff", 2),
        ] {
            assert_eq!(whole_characters(bytes), length, "{bytes:?}");
        }
    }
}
