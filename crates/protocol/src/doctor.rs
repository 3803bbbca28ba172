//! The doctor, on the wire.

use crate::text::Text;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Nothing to choose yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct DoctorParams {}

/// What the doctor found, in the order a run needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct DoctorAnswer {
    /// The findings.
    pub findings: Vec<Finding>,
}

/// One thing looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What was looked at: `engine`, `buildkit`, `disk`, …
    pub subject: String,
    /// `ok`, `warning`, `error`.
    pub outcome: String,
    /// What was found.
    pub what: Text,
    /// What to do.
    pub fix: Option<Text>,
}
