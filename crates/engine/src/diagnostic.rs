//! A problem in a file of the user's: where, what was expected, and an edit that mends it.

use crate::message::Message;
use serde::{Deserialize, Serialize};

/// A place in a text, zero-based, columns in UTF-16 code units as in the Language Server Protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// Line, from 0.
    pub line: u32,
    /// UTF-16 code units from the start of the line.
    pub character: u32,
}

/// A stretch of text, end exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Range {
    /// First position.
    pub start: Position,
    /// Position behind the last character.
    pub end: Position,
}

/// How bad it is. Only an error keeps a spec from running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The spec cannot run.
    Error,
    /// It runs, and probably not as meant.
    Warning,
    /// Worth knowing.
    Information,
}

/// One finding of `check`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// How bad.
    pub severity: Severity,
    /// What is wrong and what was expected. Its id is the diagnostic's stable code.
    pub message: Message,
    /// Where in the spec's text.
    pub range: Range,
    /// An edit that mends it, where one exists.
    pub fix: Option<Fix>,
}

/// An edit of the spec's text that mends a diagnostic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fix {
    /// What the edit does, as the title of a quick fix.
    pub title: Message,
    /// What is replaced.
    pub range: Range,
    /// By what.
    pub new_text: String,
}
