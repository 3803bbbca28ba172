//! The attach configuration in the user's `.vscode/launch.json`, and the task that it starts first in
//! `.vscode/tasks.json`.
//!
//! Text in, text out. We own the entry with our name and in it the keys set here; see `jsonc` for what
//! that guards.

use crate::attach::{AttachEntry, PathMapping, READY, StartTask};
use crate::failure::Failure;
use crate::jsonc::{self, Entry, Place};
use serde_json::{Map, Value, json};
use std::path::Path;

pub use crate::jsonc::Edited;

/// Makes or updates a configuration in launch.json. `file` is for messages; a file that is not there has
/// the empty text.
///
/// Fails, with line and column, if the text is not what VS Code reads as a list of configurations.
pub fn upsert(file: &Path, text: &str, entry: &AttachEntry) -> Result<Edited, Failure> {
    let first = object(json!({ "justMyCode": entry.just_my_code }));
    let entry = Entry {
        name: &entry.name,
        ours: keys(entry),
        lists: &[("pathMappings", "remoteRoot")],
        first,
        // debugpy refuses a configuration that says twice where to go.
        without: &["host", "port", "listen", "processId"],
    };
    jsonc::upsert(text, &launch(file), &entry)
}

/// A configuration as launch.json has it, to be shown or handed to an editor.
pub fn configuration(entry: &AttachEntry) -> Value {
    let mut whole = object(json!({ "name": entry.name }));
    whole.extend(keys(entry));
    whole.insert("justMyCode".to_owned(), entry.just_my_code.into());
    Value::Object(whole)
}

/// The keys that are ours in a configuration, whoever made it.
fn keys(entry: &AttachEntry) -> Map<String, Value> {
    let mut ours = object(json!({
        "type": "debugpy",
        "request": "attach",
        "connect": { "host": entry.host, "port": entry.port },
    }));
    if !entry.path_mappings.is_empty() {
        ours.insert("pathMappings".to_owned(), entry.path_mappings.iter().map(mapping).collect());
    }
    if let Some(start) = &entry.start {
        ours.insert("preLaunchTask".to_owned(), start.label.as_str().into());
    }
    ours
}

/// The port that an entry of this name names, so that a shared file can decide it.
pub fn port(file: &Path, text: &str, name: &str) -> Option<u16> {
    let entry = jsonc::find(text, &launch(file), name)?;
    entry.pointer("/connect/port")?.as_u64()?.try_into().ok()
}

/// Makes or updates the start task in tasks.json, under the same rules.
pub fn upsert_task(file: &Path, text: &str, task: &StartTask) -> Result<Edited, Failure> {
    let ours = object(json!({
        "type": "process",
        "command": task.command,
        "args": task.args,
        "isBackground": true,
        "problemMatcher": {
            "owner": "aml-debug",
            "fileLocation": ["autoDetect", "${workspaceFolder}"],
            "pattern": {
                "regexp": "^aml-debug: (.+):(\\d+):(\\d+): (error|warning|information): (.+)$",
                "file": 1,
                "line": 2,
                "column": 3,
                "severity": 4,
                "message": 5,
            },
            "background": {
                "activeOnStart": true,
                "beginsPattern": "^aml-debug: starting ",
                "endsPattern": format!("^{READY}"),
            },
        },
    }));
    let first = object(json!({ "presentation": { "reveal": "always", "panel": "dedicated" } }));
    let entry = Entry { name: &task.label, ours, lists: &[], first, without: &[] };
    let place = Place { file, list: "tasks", known_by: "label", version: "2.0.0" };
    jsonc::upsert(text, &place, &entry)
}

fn launch(file: &Path) -> Place<'_> {
    Place { file, list: "configurations", known_by: "name", version: "0.2.0" }
}

fn object(value: Value) -> Map<String, Value> {
    if let Value::Object(map) = value { map } else { Map::new() }
}

fn mapping(mapping: &PathMapping) -> Value {
    json!({ "localRoot": mapping.local_root, "remoteRoot": mapping.remote_root })
}

#[cfg(test)]
mod tests;
