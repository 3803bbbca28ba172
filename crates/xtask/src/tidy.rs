//! `cargo xtask tidy`: the house rules that a compiler does not check.
//!
//! A rule is a function from what the repository contains to [`Finding`]s; it reads nothing itself, so each has
//! a test that shows it fail. Lengths and counts are never a rule.

mod documents;
mod edges;
mod lexer;
mod messages;
mod names;
mod words;

use std::fs;
use std::path::Path;

use anyhow::Context as _;

use crate::command::Command;
use crate::repository::Repository;

/// A text file of the repository.
#[derive(Debug)]
pub(crate) struct Source {
    /// From the root, with slashes.
    pub(crate) path: String,
    /// Its content.
    pub(crate) text: String,
}

impl Source {
    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// The crate's folder name, or `tests` for the package of that name.
    fn room(&self) -> &str {
        self.path.strip_prefix("crates/").unwrap_or(&self.path).split('/').next().unwrap_or_default()
    }

    /// Whether all of the file is compiled for tests only.
    fn is_test(&self) -> bool {
        self.path.split('/').any(|part| part == "tests" || part == "tests.rs" || part == "benches")
    }
}

/// One place where a rule does not hold.
#[derive(Debug, PartialEq)]
pub(crate) struct Finding {
    place: String,
    what: String,
}

impl Finding {
    fn new(place: &str, what: impl Into<String>) -> Finding {
        Finding { place: place.to_owned(), what: what.into() }
    }

    fn on_line(path: &str, line: usize, what: impl Into<String>) -> Finding {
        Finding { place: format!("{path}:{line}"), what: what.into() }
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// Prints every finding; an error if there is one.
pub(crate) fn tidy(repository: &Repository) -> anyhow::Result<()> {
    let findings = findings(repository)?;
    for finding in &findings {
        println!("{finding}");
    }
    anyhow::ensure!(findings.is_empty(), "{} places are untidy", findings.len());
    println!("tidy");
    Ok(())
}

fn findings(repository: &Repository) -> anyhow::Result<Vec<Finding>> {
    let mut sources = Vec::new();
    read_folder(&repository.root, "", &mut sources)?;
    let metadata = Command::new("cargo")
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .folder(&repository.root)
        .read()?;
    let metadata = serde_json::from_str(&metadata).context("read cargo's metadata")?;
    let mut findings = edges::findings(&metadata);
    findings.extend(words::findings(&sources));
    findings.extend(names::findings(&sources));
    findings.extend(messages::findings(&sources));
    findings.extend(documents::findings(&sources));
    Ok(findings)
}

/// Everything but what tools make and what git keeps. Asking git would be simpler, but a machine without git
/// must be able to run the checks.
fn read_folder(root: &Path, folder: &str, sources: &mut Vec<Source>) -> anyhow::Result<()> {
    let mut entries = fs::read_dir(root.join(folder))?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        let kind = entry.file_type()?;
        let made = ["target", "node_modules", "out", "dist", ".git", "__pycache__"].contains(&name.as_str());
        if kind.is_dir() && !made {
            read_folder(root, &path, sources)?;
        } else if kind.is_file() {
            // A file that is not text has no words to check.
            if let Ok(text) = fs::read_to_string(entry.path()) {
                sources.push(Source { path, text });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sources of a made-up repository and what a rule says of them.
    pub(super) fn said(rule: fn(&[Source]) -> Vec<Finding>, files: &[(&str, &str)]) -> Vec<String> {
        let source =
            |(path, text): &(&str, &str)| Source { path: (*path).to_owned(), text: (*text).to_owned() };
        let sources: Vec<Source> = files.iter().map(source).collect();
        rule(&sources).iter().map(Finding::to_string).collect()
    }
}
