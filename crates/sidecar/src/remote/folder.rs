//! A folder in which the logs of steps appear and grow, in either layout: what a download of a run's logs, a
//! mounted store of them or another tool writes.

use super::tail::Tail;
use super::{Inbound, Log, Who, read_log};
use crate::files;
use engine::log::beacon::{rank_of_log, step_of_log};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Between two looks for new logs. A step takes seconds to come to its first line.
const LOOK: Duration = Duration::from_millis(200);

/// How deep logs are looked for: `RUN/STEP/artifacts/user_logs/std_log.txt` and some.
const DEPTH: usize = 8;

/// Whether a log that was named is a folder of logs.
pub(super) fn is_one(named: &str) -> bool {
    !super::tail::is_url(named) && Path::new(named).is_dir()
}

/// Follows every log that is there or comes. A step is named by the folder that its logs are in.
pub(super) async fn watch(log: Log, steps: Vec<String>, port: u16, inbound: mpsc::UnboundedSender<Inbound>) {
    let root = PathBuf::from(&log.at);
    let (mut known, mut readers) = (BTreeSet::new(), JoinSet::new());
    loop {
        for name in logs_in(&root) {
            if known.contains(&name) {
                continue;
            }
            let who = Who { step: log.step.clone().or_else(|| step_of_log(&name)), rank: rank_of_log(&name) };
            let is_wanted = steps.is_empty() || who.step.as_ref().is_none_or(|step| steps.contains(step));
            let path = root.join(&name).to_string_lossy().into_owned();
            if is_wanted && let Ok(tail) = Tail::open(&path) {
                readers.spawn(read_log(tail, who, port, inbound.clone()));
            }
            known.insert(name);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The logs below a folder, by their paths from there with `/`.
fn logs_in(root: &Path) -> Vec<String> {
    let (mut found, mut folders) = (Vec::new(), vec![(String::new(), 0)]);
    while let Some((folder, depth)) = folders.pop() {
        for (name, is_folder) in files::entries(&root.join(&folder)) {
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            match is_folder {
                true if depth < DEPTH => folders.push((path, depth + 1)),
                true => {}
                false if engine::log::beacon::is_command_log(&path) => found.push(path),
                false => {}
            }
        }
    }
    found
}
