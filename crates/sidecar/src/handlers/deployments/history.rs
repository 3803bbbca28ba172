//! What an editor shows beside a deployment: requests that lie beside its spec, and what the last ones brought.

use crate::files;
use crate::store::RunFolder;
use engine::failure::Failure;
use protocol::deployment::InvokeAnswer;
use std::path::{Path, PathBuf};

/// JSON files beside the spec whose name says that they are requests.
pub(super) fn samples(folder: &Path) -> Vec<String> {
    let is_sample = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or(path).to_lowercase();
        path.matches('/').count() <= 1
            && name.ends_with(".json")
            && (name.contains("request") || name.contains("sample"))
    };
    let files = files::list(folder).into_iter().map(|(path, _)| path).filter(|path| is_sample(path));
    files.map(|path| folder.join(path).to_string_lossy().into_owned()).collect()
}

/// How many answers an editor shows.
const HISTORY: usize = 20;

/// A longer body is not kept: its answer is, with how long it was.
const LONGEST: u64 = 64 * 1024;

/// Of a file that is longer only what is shown stays. More than twice as much as that can be.
const LONGEST_HISTORY: u64 = 4 << 20;

fn history(folder: &RunFolder) -> PathBuf {
    folder.root().join("answers.jsonl")
}

/// Only a line is added: writing the file anew waits for the disk, which takes longer than most answers.
pub(super) fn keep(folder: &RunFolder, answer: &InvokeAnswer) -> Result<(), Failure> {
    let path = history(folder);
    let mut kept = answer.clone();
    if kept.size > LONGEST {
        (kept.body, kept.base64) = (None, None);
    }
    let line = serde_json::to_string(&kept).unwrap_or_default() + "\n";
    let length = files::append_or_make(&path, line.as_bytes())?;
    if length > LONGEST_HISTORY {
        let text = files::read_text(&path)?;
        let lines: Vec<&str> = text.lines().collect();
        let newest = lines[lines.len().saturating_sub(HISTORY)..].join("\n") + "\n";
        files::write(&path, newest.as_bytes())?;
    }
    Ok(())
}

pub(super) fn answers(folder: &RunFolder) -> Vec<InvokeAnswer> {
    let text = files::read_text_if_there(&history(folder)).ok().flatten().unwrap_or_default();
    text.lines().rev().filter_map(|line| serde_json::from_str(line).ok()).take(HISTORY).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;
    use engine::ids::RunId;

    fn answer(at: u64) -> InvokeAnswer {
        InvokeAnswer {
            at,
            file: None,
            request: "POST /score".to_owned(),
            status: 200,
            ms: 1.0,
            run_ms: None,
            debugged: false,
            headers: Default::default(),
            size: 60_000,
            body: Some("x".repeat(60_000).into()),
            base64: None,
            failure: None,
        }
    }

    #[test]
    fn the_last_answers_are_there_newest_first_and_the_file_does_not_grow_for_ever() {
        let home = tempfile::tempdir().expect("a folder");
        let folder = Store::open(home.path()).expect("a store").folder(&RunId::from("blue_1_0001"));
        std::fs::create_dir_all(folder.root()).expect("ours");
        for at in 0..200 {
            keep(&folder, &answer(at)).expect("kept");
        }
        let times: Vec<u64> = answers(&folder).iter().map(|answer| answer.at).collect();
        assert_eq!(times, (180..200).rev().collect::<Vec<_>>());
        let length = std::fs::metadata(history(&folder)).expect("a file").len();
        assert!(length <= LONGEST_HISTORY, "{length}");
    }
}
