//! Steps that run on a node, on the wire: the variant of a pipeline in which they await a debugger, and the way
//! from a step's log to that debugger.

use crate::debug::AttachAnswer;
use crate::text::{FailureText, Text};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Which steps of which pipeline are to await a debugger.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
pub struct VariantParams {
    /// Path of the pipeline.
    pub file: String,
    /// Names of the steps.
    pub steps: Vec<String>,
    /// Path of the variant, in the folder of the pipeline; `NAME.debug.yml` where none is named.
    pub output: Option<String>,
    /// Seconds that a step waits; as on the published page where nothing is said.
    pub wait: Option<u32>,
    /// Of distributed steps, the ranks that wait; all of them where none is named.
    pub ranks: Vec<u32>,
}

/// The files of a variant, which are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct VariantAnswer {
    /// Path of the variant.
    pub file: String,
    /// Every file of it, the pipeline last.
    pub files: Vec<VariantFile>,
    /// What a person should know of it, what comes next among it.
    pub remarks: Vec<Text>,
    /// How many ranks each of the steps has at least, where all of them are distributed.
    #[serde(default)]
    pub ranks: Option<u32>,
}

/// A file of a variant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct VariantFile {
    /// Path of the file that it was made from.
    pub from: String,
    /// Path of the file itself.
    pub to: String,
}

/// A step on a node whose log is to be followed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
pub struct AttachRemoteParams {
    /// Path or URL of its log. The URL is a secret: whoever has it may read.
    pub log: String,
    /// Name of the step, for an entry of its own in launch.json.
    pub step: Option<String>,
    /// The code folder on this machine.
    pub code: String,
    /// The same folder on the node; the step's working directory where nothing is said.
    pub remote_root: Option<String>,
    /// The port of a step whose log names none.
    pub port: Option<u16>,
    /// The rank that is wanted, where several write to one log.
    pub rank: Option<u32>,
}

/// A step that is followed from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct AttachRemoteAnswer {
    /// What it is called in what follows.
    pub id: String,
    /// Loopback port for a debugger, as soon as the step is reached.
    pub port: u16,
}

/// Which step is not to be followed any longer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct LeaveRemoteParams {
    /// The step, as it was answered.
    pub id: String,
}

/// A step that is followed no longer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct LeaveRemoteAnswer {}

/// How a step on a node stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RemoteSnapshot {
    /// The step, as it was answered.
    pub id: String,
    /// Its name.
    pub step: Option<String>,
    /// `following` its log, `awaited` (it awaits a debugger), `reached` (one can attach), `over`, `failed`.
    pub state: String,
    /// `ADDRESS:PORT` of the step, once its log has said it.
    pub address: Option<String>,
    /// When the step goes on without a debugger, in milliseconds since 1970, where its log says so.
    #[ts(type = "number | null")]
    pub wait_ends_at: Option<u64>,
    /// The node answers, and the step does not listen there yet.
    pub listens_not: bool,
    /// The launch.json entry, once a debugger can attach.
    pub entry: Option<AttachAnswer>,
    /// The word for why nobody can attach: `no-route`, `filtered`, `refused`, …
    pub cause: Option<String>,
    /// Why nobody can attach, or why it went on without a debugger.
    pub failure: Option<FailureText>,
}
