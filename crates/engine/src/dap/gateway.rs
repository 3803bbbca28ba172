//! The debuggee's only client and the editors' only server: frames from both sides in, frames and facts out.
//!
//! One gateway per debuggee: one for a run, and one for each child of its program that is debugged. It holds at most one session, keeps the run alive when a session ends, and owns
//! what ends a run. The debug server in the container is trusted to be debugpy's in-process one, which
//! starts a new session on the same connection with a new `initialize`, so a session is passed through
//! and not imitated; what it does not do is tell a new client that the program is already paused.
//!
//! True at any time: sequence numbers to each side are our own; a request is answered once; `paused` is
//! what the debuggee said last, whether or not anybody was attached.

mod children;
mod paths;
mod session;
mod words;

use crate::dap::path_doctor::{Pair, Proposal};
use crate::debuggee::{DebuggeeState, Report};
use crate::message;
use crate::message::{Language, Message};
pub use children::Child;
use children::Children;
use paths::Paths;
use serde_json::{Value, json};
use session::{LeftBehind, Session, complete_attach};
use std::collections::BTreeMap;
use words::{claim_only_what_works, event, language_of, refusal, response, source_path};

/// The debug type of the editor's own extension.
const OWN_TYPE: &str = "aml-debug";

/// A connection to the gateway's port, counted by whoever accepts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub u64);

/// What the gateway is told.
#[derive(Debug, Clone, PartialEq)]
pub enum GatewayInput {
    /// Somebody connected; a session begins with the first request, not here.
    ClientConnected(ClientId),
    /// A message of a client.
    FromClient(ClientId, Value),
    /// A client's connection ended, for whatever reason.
    ClientGone(ClientId),
    /// The relay has connected to a debug server, the first or, after adoption, another.
    DebuggeeConnected {
        /// The thread that was found paused.
        paused: Option<i64>,
        /// Whether it stands before its first line until somebody attends it.
        waiting: bool,
    },
    /// A message of the debug server.
    FromDebuggee(Value),
    /// The connection to the debug server ended, or the run did before there was one.
    DebuggeeGone,
    /// The debug server is about to end so that another can take its place, under the same session; or it is
    /// not, after all.
    DebuggeeRestarts(bool),
    /// There is nothing to connect to any more, nor will there be.
    Over,
    /// A sentence for whoever is attached, and for the run.
    Say(Message),
    /// A child's client wants the whole program to start again.
    RestartRequested,
    /// A client can reach a child at this port.
    ChildListens {
        /// The child.
        pid: u32,
        /// Port on loopback.
        port: u16,
    },
    /// A child has ended.
    ChildGone(u32),
    /// What a search for a file has found.
    FileFound {
        /// The file as the client names it.
        source: String,
        /// The same with links followed, where it is a file of this machine.
        resolved: Option<String>,
        /// Files of that name in the container.
        found: Vec<String>,
    },
    /// The user wants this mapping to hold from here on.
    Map(Pair),
    /// Nobody will attend this debuggee: it is to go on by itself, now or once it is connected.
    GoOn,
}

/// What the gateway wants done, in this order.
#[derive(Debug, Clone, PartialEq)]
pub enum GatewayOutput {
    /// Send a client a message.
    ToClient(ClientId, Value),
    /// Close a client's connection once everything is sent.
    CloseClient(ClientId),
    /// Send the debug server a message.
    ToDebuggee(Value),
    /// Look in the container for files of this name.
    FindFile {
        /// The file as the client names it.
        source: String,
        /// Its name alone.
        name: String,
    },
    /// Nobody will attend this child.
    ReleaseChild(u32),
    /// Something the run should know.
    Fact(DebugFact),
}

/// What happened to the debuggee, seen from the frames that pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DebugFact {
    /// A client's `attach` was accepted.
    Attached {
        /// The name that the client gave itself.
        client: String,
    },
    /// The client has set its breakpoints; a waiting program starts now.
    Configured,
    /// The program stopped.
    Paused {
        /// The protocol's word: `breakpoint`, `step`, `exception`, `pause`, …
        reason: String,
        /// The thread that caused it.
        thread: Option<i64>,
    },
    /// The program goes on.
    Resumed,
    /// The session ended; the run goes on.
    Detached,
    /// The client wants the run to end. The gateway leaves that to the run.
    TerminateRequested,
    /// The client wants the program to start again, under this session.
    RestartRequested,
    /// Another process has taken the place of the debuggee, under the same session, and stands before its first
    /// line.
    Next(Box<Report>),
    /// The debug server did not accept the client's `attach`.
    DebuggerRefused(String),
    /// Nobody attended the program in time, so it runs on.
    Unattended,
    /// The worker of a server has ended, and nobody has replaced it; the server starts another.
    WorkerEnded,
    /// A child of the program waits for a debugger.
    ChildWaits(Child),
    /// A sentence for the user.
    Said(Message),
    /// A file with breakpoints was not found, and a mapping would reach it.
    MappingProposed(Proposal),
}

/// The state of one run's debugging.
#[derive(Debug)]
pub struct Gateway {
    /// Used where a client's `attach` maps no path: local folder, folder in the container.
    mappings: Vec<Pair>,
    role: Role,
    children: Children,
    paths: Paths,
    debuggee: Connection,
    /// Whether the program is past its first line, or nobody will come before it.
    started: bool,
    session: Option<Session>,
    /// Sequence number of the last message to the debug server.
    sent: i64,
    waiting: BTreeMap<i64, Waiting>,
    paused: Option<Pause>,
    left_behind: LeftBehind,
    /// The next end of the connection is not the end of the session.
    restarts: bool,
    /// The process that is asked for behind a debug server that serves several.
    process: Option<u32>,
    /// Whether a client may ask for that.
    offers_restart: bool,
    /// Whether another process may take the place of a debuggee that ends.
    goes_on: bool,
    /// Whether another connection may take the place of one that ends.
    outlasts: bool,
}

/// Whose debuggee it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The run's own: its session may end the run.
    Run,
    /// A child's: its session may end the child.
    Child,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Connection {
    Absent,
    Open,
}

#[derive(Debug, Clone)]
struct Pause {
    reason: String,
    thread: Option<i64>,
}

/// A request that the debug server has not answered yet.
#[derive(Debug)]
enum Waiting {
    /// A client's.
    Client { client: ClientId, seq: i64, request: Value },
    /// One of ours that sets a client's breakpoints in a file again.
    Again { client: ClientId, source: String },
    /// One of ours, whose answer nobody needs.
    Own,
}

impl Gateway {
    /// A gateway for a run whose code folder stands elsewhere in the container: pairs of a local folder
    /// and the folder in the container.
    pub fn new(role: Role, mappings: Vec<Pair>) -> Self {
        Self {
            mappings,
            role,
            children: Children::default(),
            paths: Paths::default(),
            debuggee: Connection::Absent,
            started: false,
            session: None,
            sent: 0,
            waiting: BTreeMap::new(),
            paused: None,
            left_behind: LeftBehind::default(),
            restarts: false,
            process: None,
            offers_restart: false,
            goes_on: false,
            outlasts: false,
        }
    }

    /// The debug server may serve several processes, and this one is meant.
    pub fn serves_process(&mut self, pid: u32) {
        self.process = Some(pid);
    }

    /// Sets the folder here and in the container that a client's `attach` maps where it maps none: they are
    /// known only when the spec has been read, and the gateway listens before that.
    pub fn map(&mut self, local: String, remote: String) {
        self.mappings = vec![(local, remote)];
    }

    /// Lets clients have the program start again. Whether it can is known only when the spec has been read.
    pub fn offer_restart(&mut self) {
        self.offers_restart = true;
    }

    /// A session lasts as long as the connection, whatever processes come and go behind it.
    pub fn go_on_with_the_next(&mut self) {
        self.goes_on = true;
    }

    /// A session lasts as long as the run, whatever connections come and go behind it.
    pub fn outlast_the_connection(&mut self) {
        self.outlasts = true;
    }

    /// Who holds the session, if anybody.
    pub fn attached(&self) -> Option<ClientId> {
        self.session.as_ref().map(|session| session.client)
    }

    /// Takes one input and says what follows from it.
    pub fn on(&mut self, input: GatewayInput) -> Vec<GatewayOutput> {
        let mut out = Vec::new();
        match input {
            GatewayInput::ClientConnected(_) => {}
            GatewayInput::FromClient(client, message) => self.client_says(client, message, &mut out),
            GatewayInput::ClientGone(client) => self.client_gone(client, &mut out),
            GatewayInput::DebuggeeConnected { paused, waiting } => {
                self.debuggee_connected(paused, waiting, &mut out);
            }
            GatewayInput::FromDebuggee(message) => self.debuggee_says(message, &mut out),
            GatewayInput::DebuggeeGone if self.restarts || self.outlasts => self.debuggee_replaced(&mut out),
            GatewayInput::DebuggeeGone => self.debuggee_gone(&mut out),
            GatewayInput::DebuggeeRestarts(restarts) => self.restarts = restarts,
            GatewayInput::Over => self.debuggee_gone(&mut out),
            GatewayInput::Say(message) => self.say(&message, &mut out),
            GatewayInput::RestartRequested => self.start_again(&mut out),
            GatewayInput::ChildListens { pid, port } => {
                self.children.listens(pid, port);
                self.tell_children(&mut out);
            }
            GatewayInput::ChildGone(pid) => self.children.ended(pid),
            GatewayInput::FileFound { source, resolved, found } => {
                self.file_found(&source, resolved.as_deref(), &found, &mut out);
            }
            GatewayInput::Map(pair) => self.map_also(pair, &mut out),
            GatewayInput::GoOn => self.go_on(&mut out),
        }
        out
    }

    /// Whether the next end of the debuggee's connection is expected.
    pub fn restarts(&self) -> bool {
        self.restarts
    }

    // The client's side.

    fn client_says(&mut self, client: ClientId, message: Value, out: &mut Vec<GatewayOutput>) {
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

    fn forward(&mut self, mut message: Value, out: &mut Vec<GatewayOutput>) {
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

    /// A child ends with the program, and its session with it; the program's own session stays.
    fn start_again(&mut self, out: &mut Vec<GatewayOutput>) {
        if self.role == Role::Run && std::mem::replace(&mut self.restarts, true) {
            return;
        }
        out.push(GatewayOutput::Fact(DebugFact::RestartRequested));
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
    fn client_gone(&mut self, client: ClientId, out: &mut Vec<GatewayOutput>) {
        if self.attached() == Some(client) {
            self.end_session(out);
        }
    }

    fn end_session(&mut self, out: &mut Vec<GatewayOutput>) -> Option<Session> {
        let session = self.session.take()?;
        if session.attached {
            out.push(GatewayOutput::Fact(DebugFact::Detached));
        }
        Some(session)
    }

    fn reply(&mut self, request: &Value, out: &mut Vec<GatewayOutput>) {
        self.tell_client(response(request), out);
    }

    fn refuse(&mut self, request: &Value, said: &Message, out: &mut Vec<GatewayOutput>) {
        self.tell_client(refusal(0, request, said, self.language()), out);
    }

    /// What the user of the attached client reads.
    fn language(&self) -> Language {
        self.session.as_ref().map(|session| session.language).unwrap_or_default()
    }

    fn tell_client(&mut self, mut message: Value, out: &mut Vec<GatewayOutput>) {
        let Some(session) = &mut self.session else { return };
        session.sent += 1;
        message["seq"] = session.sent.into();
        out.push(GatewayOutput::ToClient(session.client, message));
    }

    // The debuggee's side.

    fn debuggee_connected(&mut self, paused: Option<i64>, waiting: bool, out: &mut Vec<GatewayOutput>) {
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
    fn debuggee_replaced(&mut self, out: &mut Vec<GatewayOutput>) {
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

    fn debuggee_gone(&mut self, out: &mut Vec<GatewayOutput>) {
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

    fn debuggee_says(&mut self, message: Value, out: &mut Vec<GatewayOutput>) {
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
    fn go_on(&mut self, out: &mut Vec<GatewayOutput>) {
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

    /// Says something in the run's control log and, where a debugger is attached, where nobody misses it.
    fn say(&mut self, message: &Message, out: &mut Vec<GatewayOutput>) {
        self.say_as("important", message, out);
    }

    fn say_as(&mut self, category: &str, message: &Message, out: &mut Vec<GatewayOutput>) {
        let body = json!({"category": category, "output": message.text_in(self.language()) + "\n"});
        self.tell_client(event("output", body), out);
        out.push(GatewayOutput::Fact(DebugFact::Said(message.clone())));
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

    fn stopped(&mut self, pause: Pause, out: &mut Vec<GatewayOutput>) {
        out.push(GatewayOutput::Fact(DebugFact::Paused {
            reason: pause.reason.clone(),
            thread: pause.thread,
        }));
        self.paused = Some(pause);
    }

    fn resumed(&mut self, out: &mut Vec<GatewayOutput>) {
        if self.paused.take().is_some() {
            out.push(GatewayOutput::Fact(DebugFact::Resumed));
        }
    }

    fn ask(&mut self, command: &str, arguments: Value, out: &mut Vec<GatewayOutput>) {
        self.sent += 1;
        self.waiting.insert(self.sent, Waiting::Own);
        out.push(GatewayOutput::ToDebuggee(
            json!({"seq": self.sent, "type": "request", "command": command, "arguments": arguments}),
        ));
    }
}

#[cfg(test)]
mod tests;
