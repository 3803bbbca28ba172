//! A new spec, on the wire.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What the wizard asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct DraftSpecParams {
    /// Absolute path of the file to write: a v2 job, or with the ending `.runconfig` one of SDK v1.
    pub file: String,
    /// Experiment to list its runs under.
    pub experiment: Option<String>,
    /// What `environment` names: `file`, `named`, `image`, `conda`, `dockerfile`.
    pub environment_kind: String,
    /// A path, a name or an image.
    pub environment: String,
    /// Path of the script.
    pub script: String,
    /// Path or reference of a data set.
    pub dataset: Option<String>,
    /// Put debugpy into a copy of the conda file. The debugger does without: it brings its own.
    pub debugpy: bool,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct DraftSpecAnswer {
    /// The spec.
    pub file: String,
    /// The copy of the conda file, if one was made.
    pub conda: Option<String>,
}
