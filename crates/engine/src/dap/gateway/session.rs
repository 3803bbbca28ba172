//! A client's session: what its debug server was told, so that the next one can be brought to the same place, and
//! what it leaves behind.

use super::ClientId;
use super::words::{language_of, source_path};
use crate::dap::path_doctor::{self, Pair};
use crate::message;
use crate::message::{Arg, Language};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug)]
pub(super) struct Session {
    pub(super) client: ClientId,
    pub(super) name: Arg,
    /// What its user reads.
    pub(super) language: Language,
    /// Sequence number of the last message to the client.
    pub(super) sent: i64,
    /// What came before the debug server was there.
    pub(super) queue: Vec<Value>,
    pub(super) attached: bool,
    pub(super) configured: bool,
    pub(super) terminated: bool,
    /// What a new debug server has to be told to be where the session is.
    pub(super) told: Vec<Value>,
    /// Threads of the debuggee that the client was told of.
    pub(super) threads: BTreeSet<i64>,
    /// Whether the client starts sessions when asked by the protocol's own request.
    pub(super) starts_sessions: bool,
    /// The arguments of its `attach`, as it sent them.
    pub(super) attach: Value,
    /// Children that it was asked to attach to, by the number of the request.
    pub(super) asked: BTreeMap<i64, u32>,
    /// By file: the arguments of its last `setBreakpoints` and what was answered.
    pub(super) breakpoints: BTreeMap<String, (Value, Vec<Value>)>,
}

impl Session {
    /// Keeps what makes up the session: the last of each kind, of breakpoints the last of each file.
    pub(super) fn remember(&mut self, message: &Value) {
        const KEPT: [&str; 7] = [
            "initialize",
            "attach",
            "launch",
            "setBreakpoints",
            "setFunctionBreakpoints",
            "setExceptionBreakpoints",
            "configurationDone",
        ];
        let command = message["command"].as_str().unwrap_or_default();
        if !KEPT.contains(&command) {
            return;
        }
        let mut message = message.clone();
        if command == "launch" {
            message["command"] = "attach".into();
            message["arguments"]["request"] = "attach".into();
        }
        let is_same = |kept: &Value| {
            kept["command"] == message["command"] && source_path(kept) == source_path(&message)
        };
        if let Some(at) = self.told.iter().position(is_same) {
            self.told[at] = message;
            return;
        }
        // The last word of a configuration stays the last.
        let ends = self.told.last().is_some_and(|last| last["command"] == "configurationDone");
        let at = self.told.len() - usize::from(ends);
        self.told.insert(at, message);
    }

    pub(super) fn new(client: ClientId, first: &Value) -> Self {
        let arguments = &first["arguments"];
        let name = arguments["clientName"].as_str().or(arguments["clientID"].as_str());
        Self {
            client,
            name: name.map_or_else(
                || message!("dap.unnamed-client").argument(),
                |name| Arg::Plain(name.to_owned()),
            ),
            language: language_of(first),
            sent: 0,
            queue: Vec::new(),
            attached: false,
            configured: false,
            terminated: false,
            told: Vec::new(),
            threads: BTreeSet::new(),
            starts_sessions: arguments["supportsStartDebuggingRequest"] == true,
            attach: Value::Null,
            asked: BTreeMap::new(),
            breakpoints: BTreeMap::new(),
        }
    }

    /// The mappings in force.
    pub(super) fn mappings(&self, of_the_run: &[Pair], corrections: &[Pair]) -> Vec<Pair> {
        let mut attach = json!({"arguments": self.attach});
        complete_attach(&mut attach, of_the_run, corrections);
        let text = |pair: &Value, key: &str| pair[key].as_str().map(str::to_owned);
        let pairs = attach["arguments"]["pathMappings"].as_array().map(Vec::as_slice).unwrap_or_default();
        pairs.iter().filter_map(|pair| Some((text(pair, "localRoot")?, text(pair, "remoteRoot")?))).collect()
    }
}

/// Breakpoints that the debug server has, whose client may be gone.
#[derive(Debug, Default)]
pub(super) struct LeftBehind {
    /// Files with breakpoints, as the client that set them names them.
    pub(super) files: BTreeSet<String>,
    /// Whether there are breakpoints on functions.
    pub(super) functions: bool,
}

impl LeftBehind {
    pub(super) fn note(&mut self, message: &Value) {
        match message["command"].as_str().unwrap_or_default() {
            "setBreakpoints" => self.files.extend(source_path(message).map(str::to_owned)),
            "setFunctionBreakpoints" => {
                let wanted = message["arguments"]["breakpoints"].as_array();
                self.functions = wanted.is_some_and(|wanted| !wanted.is_empty());
            }
            _ => {}
        }
    }
}

/// Adds what debugpy's separate adapter would add: one form of the path mapping, and whose paths they are.
/// Where the client maps no path, the run's own mapping is what it means. The first mapping that fits wins.
pub(super) fn complete_attach(message: &mut Value, mappings: &[Pair], corrections: &[Pair]) {
    if !message["arguments"].is_object() {
        message["arguments"] = json!({});
    }
    let Some(arguments) = message["arguments"].as_object_mut() else { return };
    let pairs = arguments.get("pathMappings").and_then(Value::as_array);
    if pairs.is_none_or(Vec::is_empty) {
        let old_form = (text(arguments, "localRoot"), text(arguments, "remoteRoot"));
        let pairs = match old_form {
            (Some(local), Some(remote)) => vec![(local, remote)],
            _ => mappings.to_vec(),
        };
        arguments.insert("pathMappings".to_owned(), pairs.iter().map(pair_of).collect());
    }
    if let Some(pairs) = arguments["pathMappings"].as_array_mut() {
        pairs.splice(0..0, corrections.iter().map(pair_of));
    }
    let of_windows = arguments["pathMappings"].as_array().is_some_and(|pairs| {
        pairs.iter().filter_map(|pair| pair["localRoot"].as_str()).any(path_doctor::is_windows)
    });
    if of_windows && !arguments.contains_key("clientOS") {
        arguments.insert("clientOS".to_owned(), "windows".into());
    }
}

fn pair_of((local, remote): &Pair) -> Value {
    json!({"localRoot": local, "remoteRoot": remote})
}

fn text(arguments: &Map<String, Value>, key: &str) -> Option<String> {
    arguments.get(key).and_then(Value::as_str).map(str::to_owned)
}
