//! Breakpoints in files that the debug server did not find: what is looked for, what is said, what is applied.

use crate::dap::path_doctor::Pair;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// debugpy's words for a file that is not there, wherever its mappings led.
const NOT_THERE: &str = "does not exist";

/// What the gateway remembers of paths.
#[derive(Debug, Default)]
pub(super) struct Paths {
    /// Mappings that the user applied, the last first: they win over the client's own.
    pub(super) corrections: Vec<Pair>,
    /// Breakpoints, by file, whose file is being looked for.
    pub(super) missing: BTreeMap<String, Vec<Value>>,
    /// Files of which the user has been told.
    pub(super) told: BTreeSet<String>,
    /// `attach` requests of ours whose events are nobody's.
    pub(super) own_attaches: u32,
}

impl Paths {
    pub(super) fn correct(&mut self, pair: Pair) {
        self.corrections.retain(|(local, _)| *local != pair.0);
        self.corrections.insert(0, pair);
        self.told.clear();
    }

    /// Whether an event follows from an `attach` of ours. The last that does is `initialized`.
    pub(super) fn swallows(&mut self, event: &str) -> bool {
        let swallowed = self.own_attaches > 0 && matches!(event, "process" | "initialized");
        if swallowed && event == "initialized" {
            self.own_attaches -= 1;
        }
        swallowed
    }
}

/// Takes out the breakpoints of an answer whose file was not there, and has them say `instead`.
pub(super) fn take_missing(response: &mut Value, instead: impl Fn() -> String) -> Vec<Value> {
    let Some(answered) = response["body"]["breakpoints"].as_array_mut() else { return Vec::new() };
    let is_missing = |breakpoint: &&mut Value| {
        breakpoint["verified"] != true
            && breakpoint["message"].as_str().is_some_and(|said| said.contains(NOT_THERE))
    };
    let missing = answered.iter_mut().filter(is_missing);
    missing
        .map(|breakpoint| {
            breakpoint["message"] = instead().into();
            breakpoint.clone()
        })
        .collect()
}

/// What tells a client that it knows more of a breakpoint.
pub(super) fn changed(breakpoint: &Value) -> Value {
    super::event("breakpoint", json!({"reason": "changed", "breakpoint": breakpoint}))
}
