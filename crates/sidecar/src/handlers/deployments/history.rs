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

fn history(folder: &RunFolder) -> PathBuf {
    folder.root().join("answers.jsonl")
}

pub(super) fn keep(folder: &RunFolder, answer: &InvokeAnswer) -> Result<(), Failure> {
    let path = history(folder);
    let known = files::read_text_if_there(&path)?.unwrap_or_default();
    let lines: Vec<&str> = known.lines().collect();
    let mut text = lines[lines.len().saturating_sub(HISTORY - 1)..].join("\n");
    if !text.is_empty() {
        text.push('\n');
    }
    let mut kept = answer.clone();
    if kept.size > LONGEST {
        (kept.body, kept.base64) = (None, None);
    }
    text.push_str(&serde_json::to_string(&kept).unwrap_or_default());
    text.push('\n');
    files::write(&path, text.as_bytes())
}

pub(super) fn answers(folder: &RunFolder) -> Vec<InvokeAnswer> {
    let text = files::read_text_if_there(&history(folder)).ok().flatten().unwrap_or_default();
    text.lines().rev().filter_map(|line| serde_json::from_str(line).ok()).collect()
}
