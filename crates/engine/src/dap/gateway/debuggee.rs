//! The debuggee's side: what the debug server says, and how its connection comes and goes.

use super::session::LeftBehind;
use super::words::{claim_only_what_works, event, refusal, response, source_path};
use super::{Child, Connection, DebugFact, Gateway, GatewayOutput, Pause, Role, Waiting};
use crate::debuggee::{DebuggeeState, Report};
use crate::message;
use crate::message::{Language, Message};
use serde_json::{Value, json};

impl Gateway {
    pub(super) fn debuggee_connected(
        &mut self,
        paused: Option<i64>,
        waiting: bool,
        out: &mut Vec<GatewayOutput>,
    ) {
        if self.debuggee == Connection::Open && (self.restarts || self.outlasts) {
            self.debuggee_replaced(out);
        } else if self.debuggee == Connection::Open {
            self.debuggee_gone(out);
        }
        self.debuggee = Connection::Open;
        if std::mem::take(&mut self.restarts) || self.outlasts {
            self.tell_again(out);
        }
        // A child may have been released before it was connected.
        if std::mem::replace(&mut self.started, !waiting) && waiting && self.role == Role::Child {
            self.go_on(out);
        }
        if let Some(thread) = paused {
            self.stopped(Pause { reason: "pause".to_owned(), thread: Some(thread) }, out);
        }
        self.send_queue(out);
    }

    fn send_queue(&mut self, out: &mut Vec<GatewayOutput>) {
        let queue = self.session.as_mut().map(|session| std::mem::take(&mut session.queue));
        for message in queue.unwrap_or_default() {
            self.forward(message, out);
        }
    }

    /// The session stays and waits for the next debug server.
    pub(super) fn debuggee_replaced(&mut self, out: &mut Vec<GatewayOutput>) {
        self.debuggee = Connection::Absent;
        self.answer_what_waits(&message!("dap.restarting"), out);
        self.forget_debuggee();
        self.go_on_from_pause(out);
    }

    /// What was left in it is gone with it, and the next one has threads of its own by the same numbers.
    fn forget_debuggee(&mut self) {
        self.left_behind = LeftBehind::default();
        if let Some(session) = &mut self.session {
            session.threads.clear();
        }
    }

    /// Nobody stands any more; the client cannot hear it from a debug server that is gone.
    fn go_on_from_pause(&mut self, out: &mut Vec<GatewayOutput>) {
        if let Some(pause) = &self.paused {
            let body = json!({"threadId": pause.thread, "allThreadsContinued": true});
            self.tell_client(event("continued", body), out);
        }
        self.resumed(out);
    }

    /// The process has ended, or is another program by now; the command that started it goes on.
    fn debuggee_ended(&mut self, how: &Value, out: &mut Vec<GatewayOutput>) {
        self.debuggee = Connection::Absent;
        self.answer_what_waits(&message!("dap.gone"), out);
        self.forget_debuggee();
        self.go_on_from_pause(out);
        // Of a server that ends with its worker the run says why.
        if how["server"] == true {
            out.push(GatewayOutput::Fact(DebugFact::WorkerEnded));
        } else if let Some(pid) = how["worker"].as_u64() {
            let said = match how["outOfMemory"] == true {
                true => message!("deployment.worker-out-of-memory", pid = pid),
                false => message!("deployment.worker-ended", pid = pid),
            };
            self.say(&said, out);
            out.push(GatewayOutput::Fact(DebugFact::WorkerEnded));
        }
    }

    fn next_debuggee(&mut self, report: &Value, out: &mut Vec<GatewayOutput>) {
        let Ok(report) = serde_json::from_value::<Report>(report.clone()) else { return };
        self.started = report.state != DebuggeeState::Waiting;
        out.push(GatewayOutput::Fact(DebugFact::Next(Box::new(report))));
        self.debuggee = Connection::Open;
        self.tell_again(out);
        self.send_queue(out);
    }

    /// Brings a new debug server to where the session is.
    fn tell_again(&mut self, out: &mut Vec<GatewayOutput>) {
        let Some(session) = &self.session else { return };
        let (client, told, configured) = (session.client, session.told.clone(), session.configured);
        for mut message in told {
            if message["command"] == "configurationDone" {
                // What was asked for meanwhile holds from the first line on.
                self.send_queue(out);
            }
            self.sent += 1;
            self.left_behind.note(&message);
            let waiting = match source_path(&message).map(str::to_owned) {
                Some(source) => Waiting::Again { client, source },
                None => Waiting::Own,
            };
            self.waiting.insert(self.sent, waiting);
            message["seq"] = self.sent.into();
            out.push(GatewayOutput::ToDebuggee(message));
        }
        if configured {
            out.push(GatewayOutput::Fact(DebugFact::Configured));
        }
    }

    pub(super) fn debuggee_gone(&mut self, out: &mut Vec<GatewayOutput>) {
        self.debuggee = Connection::Absent;
        self.answer_what_waits(&message!("dap.gone"), out);
        self.left_behind = LeftBehind::default();
        self.paused = None;
        let Some(session) = &mut self.session else { return };
        let client = session.client;
        let was_told = std::mem::replace(&mut session.terminated, true);
        let queue = std::mem::take(&mut session.queue);
        let over = if session.configured { message!("dap.gone") } else { message!("dap.ended") };
        for request in &queue {
            self.refuse(request, &over, out);
        }
        if !was_told {
            self.tell_client(event("terminated", json!({})), out);
        }
        out.push(GatewayOutput::CloseClient(client));
        self.end_session(out);
    }

    /// A program may end before its debug server has answered, and whoever asked must not wait for ever. Whoever let
    /// it go on has what was asked for: it did.
    fn answer_what_waits(&mut self, over: &Message, out: &mut Vec<GatewayOutput>) {
        for waiting in std::mem::take(&mut self.waiting).into_values() {
            let Waiting::Client { client, seq, mut request } = waiting else { continue };
            if self.attached() != Some(client) {
                continue;
            }
            request["seq"] = seq.into();
            match request["command"].as_str() {
                Some("continue" | "next" | "stepIn" | "stepOut") => self.reply(&request, out),
                _ => self.refuse(&request, over, out),
            }
        }
    }

    pub(super) fn debuggee_says(&mut self, message: Value, out: &mut Vec<GatewayOutput>) {
        match message["type"].as_str() {
            Some("response") => self.response(message, out),
            Some("event") => self.event(message, out),
            Some("request") => self.reverse_request(&message, out),
            _ => {}
        }
    }

    fn response(&mut self, mut message: Value, out: &mut Vec<GatewayOutput>) {
        let answered = message["request_seq"].as_i64().and_then(|seq| self.waiting.remove(&seq));
        let (client, seq, request) = match answered {
            Some(Waiting::Client { client, seq, request }) => (client, seq, request),
            Some(Waiting::Again { client, source }) => return self.set_again(client, &source, &message, out),
            Some(Waiting::Own) | None => return,
        };
        let success = message["success"] == true;
        let command = request["command"].as_str().unwrap_or_default();
        // Whoever asked may have gone meanwhile, and another come.
        if self.attached() != Some(client) {
            return;
        }
        if success && command == "initialize" {
            claim_only_what_works(&mut message, self.offers_restart);
        }
        if success && command == "setBreakpoints" {
            self.breakpoints_answered(&request, &mut message, out);
        }
        let said = message["message"].as_str().unwrap_or_default().to_owned();
        message["request_seq"] = seq.into();
        message["command"] = command.into();
        self.tell_client(message, out);
        match command {
            "attach" | "launch" if success => self.attach_accepted(out),
            "attach" | "launch" => out.push(GatewayOutput::Fact(DebugFact::DebuggerRefused(said))),
            "configurationDone" if success => self.configured(out),
            _ => {}
        }
    }

    /// debugpy tells of a thread when it next looks for threads, which may be after its stop; and VS Code forgets a stop
    /// that it has not shown yet when it hears of its thread. So the thread comes first.
    fn tell_thread(&mut self, thread: Option<i64>, out: &mut Vec<GatewayOutput>) {
        let (Some(thread), Some(session)) = (thread, &mut self.session) else { return };
        if session.threads.insert(thread) {
            self.tell_client(event("thread", json!({"reason": "started", "threadId": thread})), out);
        }
    }

    /// Whether the client knows this of a thread; from now on it does.
    fn is_told_already(&mut self, body: &Value) -> bool {
        let (Some(thread), Some(session)) = (body["threadId"].as_i64(), &mut self.session) else {
            return false;
        };
        match body["reason"].as_str() {
            Some("started") => !session.threads.insert(thread),
            _ => {
                session.threads.remove(&thread);
                false
            }
        }
    }

    fn attach_accepted(&mut self, out: &mut Vec<GatewayOutput>) {
        let Some(session) = &mut self.session else { return };
        session.attached = true;
        out.push(GatewayOutput::Fact(DebugFact::Attached { client: session.name.to_string() }));
    }

    fn configured(&mut self, out: &mut Vec<GatewayOutput>) {
        if let Some(session) = &mut self.session {
            session.configured = true;
        }
        self.started = true;
        out.push(GatewayOutput::Fact(DebugFact::Configured));
        if let Some(pause) = self.paused.clone() {
            // Configured means going on, to whoever keeps the run's state; this one stands where it stood.
            out.push(GatewayOutput::Fact(DebugFact::Paused {
                reason: pause.reason.clone(),
                thread: pause.thread,
            }));
            let body = json!({
                "reason": pause.reason,
                "threadId": pause.thread,
                "preserveFocusHint": false,
                "allThreadsStopped": true,
            });
            self.tell_thread(pause.thread, out);
            self.tell_client(event("stopped", body), out);
        }
        self.tell_children(out);
    }

    fn event(&mut self, message: Value, out: &mut Vec<GatewayOutput>) {
        let configured = self.session.as_ref().is_some_and(|session| session.configured);
        match message["event"].as_str().unwrap_or_default() {
            "amlDebugUnattended" => {
                self.started = true;
                out.push(GatewayOutput::Fact(DebugFact::Unattended));
                self.tell_children(out);
                return;
            }
            "amlDebugChild" => {
                if let Some(child) = Child::read(&message["body"]) {
                    self.child_started(child, out);
                }
                return;
            }
            // A debug server on a node tells of its children in the client's own words, with its own address.
            "debugpyAttach" => {
                if let Some(child) = Child::of_configuration(&message["body"]) {
                    self.child_started(child, out);
                }
                return;
            }
            // It may have stopped while nobody was connected, or just when somebody was about to be.
            "amlDebugStands" => {
                if self.paused.is_none() {
                    let thread = message["body"]["threadId"].as_i64();
                    self.stopped(Pause { reason: "pause".to_owned(), thread }, out);
                }
                return;
            }
            "amlDebugEnded" => return self.debuggee_ended(&message["body"], out),
            "amlDebugNext" => return self.next_debuggee(&message["body"], out),
            "amlDebugReplaced" => return self.say(&message!("debuggee.replaced"), out),
            // A client that has not finished its configuration learns of a pause when it has.
            "stopped" => {
                let body = &message["body"];
                let reason = body["reason"].as_str().unwrap_or("pause").to_owned();
                let thread = body["threadId"].as_i64();
                self.stopped(Pause { reason, thread }, out);
                if !configured {
                    return;
                }
                self.tell_thread(thread, out);
            }
            "thread" if self.is_told_already(&message["body"]) => return,
            // Sent by the thread that goes on, so before its next stop; the response to `continue` may come
            // behind that.
            "continued" => {
                self.resumed(out);
                if !configured {
                    return;
                }
            }
            // It has been configured before the client could hear of it.
            "initialized" if configured => return,
            "terminated" if self.restarts || self.goes_on => return,
            "terminated" => {
                if let Some(session) = &mut self.session {
                    session.terminated = true;
                }
            }
            own if self.paths.swallows(own) => return,
            _ => {}
        }
        self.tell_client(message, out);
    }

    /// The session that a debuggee without anybody needs in order to go on.
    pub(super) fn go_on(&mut self, out: &mut Vec<GatewayOutput>) {
        if self.session.is_some() || (self.started && self.debuggee == Connection::Open) {
            return;
        }
        self.started = true;
        if self.debuggee == Connection::Open {
            self.ask("initialize", json!({"adapterID": "aml-debug"}), out);
            self.paths.own_attaches += 1;
            let process = self.process.map(|pid| json!({"subProcessId": pid}));
            self.ask("attach", process.unwrap_or_else(|| json!({})), out);
            self.ask("configurationDone", json!({}), out);
        }
    }

    /// The container has no terminal of the editor's.
    fn reverse_request(&mut self, message: &Value, out: &mut Vec<GatewayOutput>) {
        self.sent += 1;
        if message["command"] == "startDebugging"
            && let Some(child) = Child::of_configuration(&message["arguments"]["configuration"])
        {
            let mut answer = response(message);
            answer["seq"] = self.sent.into();
            out.push(GatewayOutput::ToDebuggee(answer));
            return self.child_started(child, out);
        }
        let mut answer = refusal(self.sent, message, &message!("dap.no-reverse-request"), Language::English);
        answer["message"] = "notSupported".into();
        out.push(GatewayOutput::ToDebuggee(answer));
    }
}
