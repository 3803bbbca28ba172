//! Why a breakpoint's file was not found in the container, and which path mapping would reach it.
//!
//! A mapping replaces the beginning of a path and leaves the rest as it is, so a mapping can only help where
//! the rest is the same on both sides, letter by letter. Paths are the client's own text: a client may be on
//! Windows, or see a Linux folder through Windows, while this process is on neither.

use crate::message;
use crate::message::Message;

/// A folder as the client names it, and the same folder in the container.
pub type Pair = (String, String);

/// A file that the debug server did not find.
#[derive(Debug, Clone, Copy)]
pub struct Complaint<'a> {
    /// The file as the client names it.
    pub source: &'a str,
    /// The same with links followed, where this machine can tell.
    pub resolved: Option<&'a str>,
    /// The mappings in force, the first that fits first.
    pub mappings: &'a [Pair],
    /// The code folder here and in the container.
    pub code: Option<&'a Pair>,
}

/// What is wrong, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// What to tell the user.
    pub message: Message,
    /// The mapping that reaches the file.
    pub pair: Option<Pair>,
}

/// A mapping for the user to apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The file as the client names it.
    pub file: String,
    /// What is wrong.
    pub message: Message,
    /// What would be right.
    pub pair: Pair,
}

impl Complaint<'_> {
    /// The path in the container that the mappings lead to; `None` where none fits.
    pub fn tried(&self) -> Option<String> {
        let windows = self.mappings.iter().any(|(local, _)| is_windows(local));
        let source = parts(self.source);
        self.mappings.iter().find_map(|(local, remote)| {
            let rest = rest_below(&source, &parts(local), windows)?;
            Some(format!("{}/{}", remote.trim_end_matches(['/', '\\']), rest.join("/")))
        })
    }

    /// The name under which the container is searched.
    pub fn file_name(&self) -> &str {
        parts(self.source).last().copied().unwrap_or_default()
    }

    /// What is to be said before the container has been searched.
    pub fn first_word(&self) -> Message {
        match self.tried() {
            Some(tried) => message!("dap.path-missing", tried = tried),
            None => message!("dap.path-uncovered", source = self.source),
        }
    }

    /// Judges by the files of this name that are in the container, whatever the case of their letters.
    pub fn examine(&self, found: &[String]) -> Diagnosis {
        let source = parts(self.source);
        let code = self.code.map(|(_, remote)| parts(remote)).unwrap_or_default();
        let is_code = |path: &str| self.code.is_some() && rest_below(&parts(path), &code, false).is_some();
        let best = found.iter().max_by_key(|path| {
            (common_end(&source, &parts(path), true), is_code(path), std::cmp::Reverse(path.len()))
        });
        let Some(found) = best else {
            return Diagnosis { message: self.nowhere(), pair: None };
        };
        let there = parts(found);
        let mut same = common_end(&source, &there, false);
        if same == 0 {
            let message = message!("dap.path-case-of-file", source = self.source, found = found);
            return Diagnosis { message, pair: None };
        }
        if is_code(found) {
            // The code folder is what people map.
            same = same.min(there.len() - code.len());
        }
        let pair = (cut(self.source, same), cut(found, same));
        Diagnosis { message: self.explain(found, &pair), pair: Some(pair) }
    }

    fn nowhere(&self) -> Message {
        let name = self.file_name();
        match (self.code, self.tried()) {
            (Some((code, _)), Some(tried)) => {
                message!("dap.path-nowhere", name = name, tried = tried, code = code)
            }
            (Some((code, _)), None) => message!("dap.path-nowhere-uncovered", name = name, code = code),
            (None, _) => self.first_word(),
        }
    }

    fn explain(&self, found: &str, pair: &Pair) -> Message {
        let (local, remote) = pair;
        let source = parts(self.source);
        if let Some((mapped, _)) = self.mappings.iter().find(|(folder, _)| self.is_other_spelling(folder)) {
            return message!(
                "dap.path-spelled",
                source = self.source,
                mapped = mapped,
                local = local,
                remote = remote
            );
        }
        if let Some(resolved) = self.resolved.filter(|resolved| *resolved != self.source)
            && self
                .mappings
                .iter()
                .any(|(folder, _)| rest_below(&parts(resolved), &parts(folder), false).is_some())
        {
            return message!(
                "dap.path-link",
                source = self.source,
                resolved = resolved,
                local = local,
                remote = remote
            );
        }
        match self.tried() {
            None => message!(
                "dap.path-unmapped",
                source = self.source,
                found = found,
                local = local,
                remote = remote
            ),
            Some(tried)
                if common_end(&source, &parts(found), true) > common_end(&source, &parts(found), false) =>
            {
                message!("dap.path-case", tried = tried, found = found, local = local, remote = remote)
            }
            Some(tried) => {
                message!("dap.path-elsewhere", tried = tried, found = found, local = local, remote = remote)
            }
        }
    }

    /// Whether the folder holds the file, but not letter by letter: one is the other as another system sees it.
    fn is_other_spelling(&self, folder: &str) -> bool {
        let (source, windows) = (self.source, is_windows(folder) || is_windows(self.source));
        if rest_below(&parts(source), &parts(folder), is_windows(folder)).is_some() {
            return false;
        }
        let (source, folder) = (on_linux(source), on_linux(folder));
        rest_below(&parts(&source), &parts(&folder), windows).is_some()
    }
}

/// A drive or a share.
pub fn is_windows(path: &str) -> bool {
    path.starts_with(r"\\") || path.as_bytes().get(1) == Some(&b':')
}

/// A path as Linux under Windows sees it: its own files without the share, Windows' drives below `/mnt`.
fn on_linux(path: &str) -> String {
    let slashes = path.replace('\\', "/");
    for share in ["//wsl$/", "//wsl.localhost/"] {
        if slashes.get(..share.len()).is_some_and(|start| start.eq_ignore_ascii_case(share)) {
            let inside = slashes[share.len()..].split_once('/').map_or("", |(_, inside)| inside);
            return format!("/{inside}");
        }
    }
    match slashes.split_once(":/") {
        Some((drive, rest)) if drive.len() == 1 => format!("/mnt/{}/{rest}", drive.to_ascii_lowercase()),
        _ => slashes,
    }
}

fn parts(path: &str) -> Vec<&str> {
    let separators: &[char] = if is_windows(path) { &['\\', '/'] } else { &['/'] };
    path.split(separators).filter(|part| !part.is_empty()).collect()
}

/// What of the path lies below the folder.
fn rest_below<'a>(path: &[&'a str], folder: &[&str], any_case: bool) -> Option<Vec<&'a str>> {
    let begins = path.len() > folder.len() && path.iter().zip(folder).all(|(a, b)| same(a, b, any_case));
    begins.then(|| path[folder.len()..].to_vec())
}

/// How many parts at the end are the same.
fn common_end(a: &[&str], b: &[&str], any_case: bool) -> usize {
    a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| same(a, b, any_case)).count()
}

fn same(a: &str, b: &str, any_case: bool) -> bool {
    if any_case { a.to_lowercase() == b.to_lowercase() } else { a == b }
}

/// The path without its last parts, as it is written.
fn cut(path: &str, count: usize) -> String {
    let separators: &[char] = if is_windows(path) { &['\\', '/'] } else { &['/'] };
    let mut left = path;
    for _ in 0..count {
        left = left.rfind(separators).map_or("", |at| &left[..at]);
    }
    if left.is_empty() || left.ends_with(':') {
        format!("{left}{}", &path[left.len()..=left.len()])
    } else {
        left.to_owned()
    }
}

#[cfg(test)]
mod tests;
