//! User-visible text on the wire: the id and its arguments for an editor that has its own words, and the
//! English text for one that has not.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// One user-visible sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Text {
    /// Key of the message catalogue.
    pub id: String,
    /// Name and value of each variable part, in English.
    pub args: Vec<(String, String)>,
    /// Of the variable parts, those that are sentences of the catalogue themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub parts: Option<Vec<(String, Text)>>,
    /// The English text, ready to show.
    pub text: String,
}

/// What failed and why, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FailureText {
    /// Who can mend it: `user`, `code`, `environment`, `breakpoint`, `cancelled`, `internal`.
    pub blame: String,
    /// What failed and why.
    pub what: Text,
    /// The engine's words, the last lines of a log, in English where they are sentences of the catalogue.
    pub detail: Vec<String>,
    /// Of these lines the first, where they are such sentences.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub said: Option<Vec<Text>>,
    /// What to do.
    pub fix: Option<Text>,
}
