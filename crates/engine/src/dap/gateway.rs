//! The debuggee's only client and the editors' only server: frames from both sides in, frames and facts out.
//!
//! One gateway per debuggee: one for a run, and one for each child of its program that is debugged. It holds at
//! most one session, keeps the run alive when a session ends, and owns what ends a run. The debug server in the
//! container is trusted to be debugpy's in-process one, which starts a new session on the same connection with a
//! new `initialize`, so a session is passed through and not imitated; what it does not do is tell a new client that
//! the program is already paused.
//!
//! True at any time: sequence numbers to each side are our own; a request is answered once; `paused` is
//! what the debuggee said last, whether or not anybody was attached.

mod children;
mod client;
mod debuggee;
mod paths;
mod session;
mod words;

use crate::dap::path_doctor::{Pair, Proposal};
use crate::debuggee::Report;
use crate::message::{Language, Message};
pub use children::Child;
use children::Children;
use paths::Paths;
use serde_json::{Value, json};
use session::{LeftBehind, Session};
use std::collections::BTreeMap;
use words::{event, refusal, response};

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

    // What both sides do.

    /// A child ends with the program, and its session with it; the program's own session stays.
    fn start_again(&mut self, out: &mut Vec<GatewayOutput>) {
        if self.role == Role::Run && std::mem::replace(&mut self.restarts, true) {
            return;
        }
        out.push(GatewayOutput::Fact(DebugFact::RestartRequested));
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

    /// Says something in the run's control log and, where a debugger is attached, where nobody misses it.
    fn say(&mut self, message: &Message, out: &mut Vec<GatewayOutput>) {
        self.say_as("important", message, out);
    }

    fn say_as(&mut self, category: &str, message: &Message, out: &mut Vec<GatewayOutput>) {
        let body = json!({"category": category, "output": message.text_in(self.language()) + "\n"});
        self.tell_client(event("output", body), out);
        out.push(GatewayOutput::Fact(DebugFact::Said(message.clone())));
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
