//! Errors on the wire: the `data` of a JSON-RPC error.

use crate::text::FailureText;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The code of every error that carries [`ErrorData`].
pub const FAILED: i32 = -32_000;

/// What an editor needs to show an error with its buttons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ErrorData {
    /// What failed, why, what to do.
    pub failure: FailureText,
}
