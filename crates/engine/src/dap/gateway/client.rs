//! The client's side: what an editor asks, and how it comes and goes.

use super::session::{LeftBehind, Session, complete_attach};
use super::words::{language_of, refusal};
use super::{ClientId, Connection, DebugFact, Gateway, GatewayOutput, OWN_TYPE, Role, Waiting};
use crate::message;
use serde_json::{Value, json};

impl Gateway {
    pub(super) fn client_says(&mut self, client: ClientId, message: Value, out: &mut Vec<GatewayOutput>) {
        // The debug server is never asked anything on a client's behalf that it could answer with a request,
        // so a client answers our own.
        if message["type"] != "request" {
            self.client_answers(client, &message, out);
            return;
        }
        match &self.session {
            Some(session) if session.client != client => {
                let said = message!("dap.taken", client = session.name);
                out.push(GatewayOutput::ToClient(client, refusal(1, &message, &said, language_of(&message))));
                out.push(GatewayOutput::CloseClient(client));
                return;
            }
            Some(_) => {}
            None => {
                self.session = Some(Session::new(client, &message));
                self.children.forget_announcements();
                self.paths.told.clear();
            }
        }
        match message["command"].as_str().unwrap_or_default() {
            "disconnect" => self.disconnect(&message, out),
            "terminate" if self.role == Role::Run => {
                self.reply(&message, out);
                out.push(GatewayOutput::Fact(DebugFact::TerminateRequested));
            }
            // The editor's own debug type starts the run before its session; `launch` makes its Stop button
            // end the run where that of `attach` leaves it.
            "launch" if message["arguments"]["type"] != OWN_TYPE => {
                self.refuse(&message, &message!("dap.launch"), out)
            }
            "restart" if self.offers_restart => self.restart(&message, out),
            "restart" => self.refuse(&message, &message!("dap.no-restart"), out),
            _ if self.debuggee == Connection::Open => self.forward(message, out),
            _ => {
                if let Some(session) = &mut self.session {
                    session.queue.push(message);
                }
            }
        }
    }

    pub(super) fn forward(&mut self, mut message: Value, out: &mut Vec<GatewayOutput>) {
        match message["command"].as_str().unwrap_or_default() {
            // Before the paths of the new client's mapping hold.
            "attach" | "launch" => {
                self.clear_left_behind(out);
                if let Some(session) = &mut self.session {
                    session.attach = message["arguments"].clone();
                }
                complete_attach(&mut message, &self.mappings, &self.paths.corrections);
            }
            _ => self.left_behind.note(&message),
        }
        let Some(session) = &mut self.session else { return };
        session.remember(&message);
        self.sent += 1;
        let seq = message["seq"].as_i64().unwrap_or_default();
        let waiting = Waiting::Client { client: session.client, seq, request: message.clone() };
        if message["command"] == "launch" {
            message["command"] = "attach".into();
            message["arguments"]["request"] = "attach".into();
        }
        self.waiting.insert(self.sent, waiting);
        message["seq"] = self.sent.into();
        out.push(GatewayOutput::ToDebuggee(message));
    }

    /// Answered at once: what follows is the session of another debuggee, told what this one had been told.
    fn restart(&mut self, request: &Value, out: &mut Vec<GatewayOutput>) {
        self.reply(request, out);
        let newest = &request["arguments"]["arguments"];
        if let Some(session) = &mut self.session
            && newest.is_object()
        {
            session.attach = newest.clone();
            let mut attach = json!({"seq": 0, "type": "request", "command": "attach", "arguments": newest});
            attach["arguments"]["request"] = "attach".into();
            complete_attach(&mut attach, &self.mappings, &self.paths.corrections);
            session.remember(&attach);
        }
        self.start_again(out);
    }

    fn clear_left_behind(&mut self, out: &mut Vec<GatewayOutput>) {
        for source in std::mem::take(&mut self.left_behind.files) {
            self.ask("setBreakpoints", json!({"source": {"path": source}, "breakpoints": []}), out);
        }
        self.clear_functions(out);
    }

    fn clear_functions(&mut self, out: &mut Vec<GatewayOutput>) {
        if std::mem::take(&mut self.left_behind.functions) {
            self.ask("setFunctionBreakpoints", json!({"breakpoints": []}), out);
        }
    }

    /// The run goes on without the client, unless the client wants it ended.
    fn disconnect(&mut self, message: &Value, out: &mut Vec<GatewayOutput>) {
        if message["arguments"]["terminateDebuggee"] == true && self.role == Role::Run {
            out.push(GatewayOutput::Fact(DebugFact::TerminateRequested));
        } else if message["arguments"]["terminateDebuggee"] == true {
            self.ask("terminate", json!({}), out);
        } else if self.debuggee == Connection::Open {
            // debugpy clears the breakpoints, resumes every thread and keeps the connection. Those on functions it
            // keeps, and the program would stand at the next one with nobody to let it go on.
            self.clear_functions(out);
            self.ask("disconnect", json!({"restart": false, "terminateDebuggee": false}), out);
            self.left_behind = LeftBehind::default();
            self.resumed(out);
        }
        self.reply(message, out);
        if let Some(session) = self.end_session(out) {
            out.push(GatewayOutput::CloseClient(session.client));
        }
    }

    /// Whoever vanishes leaves everything as it is, so that another can go on there.
    pub(super) fn client_gone(&mut self, client: ClientId, out: &mut Vec<GatewayOutput>) {
        if self.attached() == Some(client) {
            self.end_session(out);
        }
    }
}
