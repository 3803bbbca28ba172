//! Breakpoints in files that the debug server did not find: what is looked for, what is said, what is applied.

use super::session::complete_attach;
use super::words::source_path;
use super::{ClientId, DebugFact, Gateway, GatewayOutput, OWN_TYPE, Role, Waiting};
use crate::dap::path_doctor::{self, Complaint, Pair, Proposal};
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

impl Gateway {
    /// Remembers what a client's breakpoints came to, and has files looked for that are not there.
    pub(super) fn breakpoints_answered(
        &mut self,
        request: &Value,
        response: &mut Value,
        out: &mut Vec<GatewayOutput>,
    ) {
        let Some(source) = source_path(request).map(str::to_owned) else { return };
        let Some(session) = &mut self.session else { return };
        let mappings = session.mappings(&self.mappings, &self.paths.corrections);
        let complaint =
            Complaint { source: &source, resolved: None, mappings: &mappings, code: self.mappings.first() };
        let missing = take_missing(response, || complaint.first_word().text_in(session.language));
        let name = complaint.file_name().to_owned();
        let answered = response["body"]["breakpoints"].as_array().cloned().unwrap_or_default();
        session.breakpoints.insert(source.clone(), (request["arguments"].clone(), answered));
        // A child has the files of its parent, whose gateway has looked for them.
        if !missing.is_empty() && self.role == Role::Run {
            self.paths.missing.insert(source.clone(), missing);
            out.push(GatewayOutput::FindFile { source, name });
        }
    }

    pub(super) fn file_found(
        &mut self,
        source: &str,
        resolved: Option<&str>,
        found: &[String],
        out: &mut Vec<GatewayOutput>,
    ) {
        let Some(missing) = self.paths.missing.remove(source) else { return };
        let Some(session) = &self.session else { return };
        let mappings = session.mappings(&self.mappings, &self.paths.corrections);
        let complaint = Complaint { source, resolved, mappings: &mappings, code: self.mappings.first() };
        let path_doctor::Diagnosis { message, pair } = complaint.examine(found);
        let text = message.text_in(session.language);
        for mut breakpoint in missing {
            breakpoint["message"] = text.as_str().into();
            self.tell_client(changed(&breakpoint), out);
        }
        if !self.paths.told.insert(source.to_owned()) {
            return;
        }
        // Our own editor asks about the mapping by itself; the same words twice are one notification too many.
        let asks =
            pair.is_some() && self.session.as_ref().is_some_and(|session| session.attach["type"] == OWN_TYPE);
        self.say_as(if asks { "console" } else { "important" }, &message, out);
        if let Some(pair) = pair {
            let proposal = Proposal { file: source.to_owned(), message, pair };
            out.push(GatewayOutput::Fact(DebugFact::MappingProposed(proposal)));
        }
    }

    /// Has another mapping hold. debugpy takes mappings with an `attach`, and each breakpoint keeps the file
    /// that it was set for, so the breakpoints are taken away before and set again behind it.
    pub(super) fn map_also(&mut self, pair: Pair, out: &mut Vec<GatewayOutput>) {
        self.paths.correct(pair);
        let Some(session) = self.session.as_ref().filter(|session| session.attached) else { return };
        let client = session.client;
        let mut attach = json!({"arguments": session.attach});
        complete_attach(&mut attach, &self.mappings, &self.paths.corrections);
        let breakpoints: Vec<(String, Value)> = session
            .breakpoints
            .iter()
            .map(|(source, (arguments, _))| (source.clone(), arguments.clone()))
            .collect();
        for (_, arguments) in &breakpoints {
            self.ask("setBreakpoints", json!({"source": arguments["source"], "breakpoints": []}), out);
        }
        self.paths.own_attaches += 1;
        self.ask("attach", attach["arguments"].take(), out);
        for (source, arguments) in breakpoints {
            self.ask("setBreakpoints", arguments, out);
            self.waiting.insert(self.sent, Waiting::Again { client, source });
        }
    }

    /// The client knows its breakpoints by the numbers that were answered first.
    pub(super) fn set_again(
        &mut self,
        client: ClientId,
        source: &str,
        response: &Value,
        out: &mut Vec<GatewayOutput>,
    ) {
        let Some(session) = self.session.as_mut().filter(|session| session.client == client) else { return };
        let Some((_, known)) = session.breakpoints.get_mut(source) else { return };
        let answered = response["body"]["breakpoints"].as_array().cloned().unwrap_or_default();
        let mut events = Vec::new();
        for (known, mut now) in known.iter_mut().zip(answered) {
            now["id"] = known["id"].clone();
            if now["verified"] != known["verified"] {
                events.push(changed(&now));
            }
            *known = now;
        }
        events.into_iter().for_each(|event| self.tell_client(event, out));
    }
}
