//! Which files are meant by what a person names: a file, a folder with specs in it, or a pattern that no shell
//! has expanded.
//!
//! A file that is named is taken whatever it is. In a folder, specs are told from other YAML by their content.

use crate::files;
use crate::spec_reader::{self, absolute};
use engine::check;
use engine::failure::{Blame, Failure};
use engine::message;
use engine::spec::files::Files;
use engine::spec::{self, Reading};
use globset::{GlobBuilder, GlobMatcher};
use ignore::{DirEntry, WalkBuilder};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Folders in which nobody keeps specs of their own.
const FOREIGN: [&str; 8] =
    [".git", "node_modules", ".venv", "venv", "site-packages", "__pycache__", ".tox", "target"];

/// What a spec's file is called. A bare script is a spec only where it is named.
const ENDINGS: [&str; 4] = ["yml", "yaml", "runconfig", "json"];

/// A spec that was found, with what it says.
pub(crate) struct FoundSpec {
    /// Its path, as the person would write it.
    pub(crate) shown: String,
    /// What it says.
    pub(crate) reading: Reading,
}

/// Everything that the names mean, in their order, each file once; a folder without any spec gives nothing.
///
/// # Errors
/// A file that is not there or cannot be read, or a pattern that fits nothing.
pub(crate) fn find(names: &[PathBuf]) -> Result<Vec<FoundSpec>, Failure> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    // Specs of one folder refer to the same files.
    let known = spec_reader::on_disk();
    for name in names {
        for (path, is_named) in paths(name)? {
            let file = absolute(&path)?;
            if !seen.insert(file.clone()) {
                continue;
            }
            if is_named {
                let reading = spec_reader::read_with(&file, &known)?;
                found.push(FoundSpec { shown: shown(&path), reading });
            } else if let Some(reading) = spec_among_others(&file, &known) {
                found.push(FoundSpec { shown: shown(&path), reading });
            }
        }
    }
    Ok(found)
}

/// Each path with whether the person named it.
fn paths(name: &Path) -> Result<Vec<(PathBuf, bool)>, Failure> {
    if name.is_dir() {
        return Ok(walk(name).filter(|path| has_ending(path)).map(|path| (path, false)).collect());
    }
    let text = name.to_string_lossy();
    if files::exists(name) || !text.contains(['*', '?', '[']) {
        return Ok(vec![(name.to_owned(), true)]);
    }
    let (folder, glob) = pattern(&text)?;
    let fits = |path: &PathBuf| glob.is_match(path.strip_prefix(&folder).unwrap_or(path));
    let found: Vec<_> = walk(&folder).filter(fits).map(|path| (path, true)).collect();
    if found.is_empty() {
        return Err(Failure::new(Blame::User, message!("check.no-match", pattern = text))
            .with_fix(message!("check.no-match.fix")));
    }
    Ok(found)
}

/// The folder that a pattern begins with, and what has to fit below it.
fn pattern(text: &str) -> Result<(PathBuf, GlobMatcher), Failure> {
    let plain = text.find(['*', '?', '[']).unwrap_or(text.len());
    let (folder, rest) = match text[..plain].rfind(['/', std::path::MAIN_SEPARATOR]) {
        Some(at) => text.split_at(at + 1),
        None => ("", text),
    };
    let glob = GlobBuilder::new(rest).literal_separator(true).build().map_err(|error| {
        Failure::new(Blame::User, message!("check.bad-pattern", pattern = text))
            .with_detail([error.kind().to_string()])
    })?;
    let folder = if folder.is_empty() { "." } else { folder };
    Ok((PathBuf::from(folder), glob.compile_matcher()))
}

/// The files below a folder, sorted, without those that version control ignores. Hidden folders are looked
/// into: SDK v1 keeps its run configurations in `.azureml`.
fn walk(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let is_own = |entry: &DirEntry| {
        let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
        !is_folder || entry.depth() == 0 || !FOREIGN.iter().any(|foreign| entry.file_name() == *foreign)
    };
    let walk = WalkBuilder::new(folder)
        .hidden(false)
        .require_git(false)
        .sort_by_file_name(Ord::cmp)
        .filter_entry(is_own)
        .build();
    // What cannot be looked into holds no spec of this person's.
    walk.flatten()
        .filter(|entry| entry.file_type().is_some_and(|kind| !kind.is_dir()))
        .map(DirEntry::into_path)
}

fn has_ending(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    ENDINGS.contains(&ending)
}

fn spec_among_others(file: &Path, known: &Files) -> Option<Reading> {
    let bytes = files::read(file, files::TEXT_LIMIT).ok()?;
    let reading = spec::read(file, &bytes, known);
    check::is_meant_as_spec(file, &bytes, &reading).then_some(reading)
}

fn shown(path: &Path) -> String {
    path.strip_prefix(".").unwrap_or(path).to_string_lossy().into_owned()
}
