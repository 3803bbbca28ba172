//! Logs on the wire.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Lines that were added to a log. History is in the file; this is for whoever watches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct LogAppended {
    /// The run.
    pub run: String,
    /// `control` (60_control_log.txt) or `driver` (70_driver_log.txt, user_logs/std_log.txt).
    pub log: String,
    /// Whole lines, without their line ends.
    pub lines: Vec<String>,
    /// First byte of these lines in the log, as in [`ReadLogParams`].
    #[serde(default)]
    #[ts(type = "number")]
    pub offset: u64,
    /// First byte behind them: where the next lines of this log begin.
    #[serde(default)]
    #[ts(type = "number")]
    pub next_offset: u64,
}

/// How far a pull or a build is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// The run.
    pub run: String,
    /// What is being worked on: a layer, a build step.
    pub item: String,
    /// What is happening to it.
    pub status: String,
    /// Bytes or steps done.
    #[ts(type = "number")]
    pub done: u64,
    /// Bytes or steps in all; 0 if nobody knows.
    #[ts(type = "number")]
    pub total: u64,
}

/// Which stretch of which log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ReadLogParams {
    /// The run, or a unique beginning of its name.
    pub run: String,
    /// `control` or `driver`.
    pub log: String,
    /// First byte.
    #[serde(default)]
    #[ts(type = "number")]
    pub offset: u64,
}

/// A stretch of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ReadLogAnswer {
    /// Path of the log on this machine.
    pub path: String,
    /// At most 1 MiB of text.
    pub text: String,
    /// First byte behind it.
    #[ts(type = "number")]
    pub next_offset: u64,
}
