//! Attaching, on the wire.

use crate::text::Text;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The debuggee stands before its first line; any debugger of the editor may attach now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct DebugReady {
    /// The run.
    pub run: String,
    /// Name of the entry.
    pub name: String,
    /// Loopback port of the gateway.
    pub port: u16,
    /// The whole entry as launch.json has it.
    #[ts(type = "unknown")]
    pub configuration: serde_json::Value,
}

/// Breakpoints in a file of the editor's were not found in the container, and a mapping would reach it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct MappingProposal {
    /// The run.
    pub run: String,
    /// The file as the debugger names it.
    pub file: String,
    /// What is wrong.
    pub message: Text,
    /// Folder as the debugger names it.
    pub local_root: String,
    /// The same folder in the container.
    pub remote_root: String,
}

/// Which path mapping is to hold for a run from here on, before the debugger's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ApplyMappingParams {
    /// The run, or a unique beginning of its name.
    pub run: String,
    /// Folder as the debugger names it.
    pub local_root: String,
    /// The same folder in the container.
    pub remote_root: String,
}

/// For which run to make or refresh the launch.json entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct AttachParams {
    /// The run, or a unique beginning of its name.
    pub run: String,
}

/// The launch.json entry of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct AttachAnswer {
    /// The run.
    pub run: String,
    /// Path of the launch.json.
    pub launch_json: String,
    /// Name of the entry.
    pub name: String,
    /// Whether the file had to change.
    pub changed: bool,
    /// The whole entry as launch.json has it.
    #[ts(type = "unknown")]
    pub configuration: serde_json::Value,
}
