//! Diagnostics of specs, on the wire.

use crate::text::Text;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Which specs to check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct CheckParams {
    /// Paths of spec files, of folders to look for specs in, or patterns such as `jobs/*.yml`.
    pub files: Vec<String>,
}

/// A report per spec, in the order asked; each file once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct CheckAnswer {
    /// The reports.
    pub files: Vec<FileReport>,
}

/// What `check` says of one file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FileReport {
    /// Path as asked for.
    pub file: String,
    /// What the file is, by its content.
    pub kind: String,
    /// The spec in short.
    #[ts(type = "unknown")]
    pub summary: serde_json::Value,
    /// The findings.
    pub diagnostics: Vec<DiagnosticText>,
    /// Whether `aml/startRun` takes a file of this kind.
    pub runnable: bool,
    /// Whether it then has to be told an environment, because the file names none.
    pub wants_environment: bool,
    /// Whether `aml/startDeployment` takes a file of this kind.
    pub deployable: bool,
    /// Of a pipeline: the names of the steps that a debugger can be wanted in.
    pub steps: Vec<String>,
    /// Of a deployment: path of its entry script.
    pub entry_script: Option<String>,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct DiagnosticText {
    /// `error`, `warning`, `information`.
    pub severity: String,
    /// Stable code.
    pub code: String,
    /// What is wrong and what was expected.
    pub message: Text,
    /// Where, as in the Language Server Protocol.
    pub range: RangeText,
    /// An edit that mends it.
    pub fix: Option<FixText>,
}

/// A stretch of text, end exclusive; lines and UTF-16 columns from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RangeText {
    /// First position.
    pub start: PositionText,
    /// Position behind the last.
    pub end: PositionText,
}

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PositionText {
    /// Line from 0.
    pub line: u32,
    /// UTF-16 column from 0.
    pub character: u32,
}

/// An edit that mends a finding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FixText {
    /// What the edit does.
    pub title: Text,
    /// What is replaced.
    pub range: RangeText,
    /// By what.
    pub new_text: String,
}
