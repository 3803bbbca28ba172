//! The command line's own client: sets the breakpoints of `--break`, tells each stop with its locals and
//! goes on, so that a terminal or a test can see a breakpoint hit without an editor. A child of the program
//! gets a client of its own.
//!
//! It asks for everything up to the start of the program in one go: the debug server answers in order, and
//! each round trip would stand in the time to the first stop.

use crate::message;
use crate::message::Message;
use serde_json::{Value, json};

/// A place to stop at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breakpoint {
    /// The file as the user named it, for what is shown.
    pub file: String,
    /// The file's absolute path in the container.
    pub remote: String,
    /// Line, from 1.
    pub line: u32,
    /// The line whose code the user means, as [`line_with_code`] finds it. A debugger that has no code on
    /// a line takes the next that has any; what lies behind this one is another place.
    pub code_line: u32,
}

/// Where the client stops.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StopWish {
    /// Places of the user's.
    pub breakpoints: Vec<Breakpoint>,
    /// Also where an exception is raised that nothing catches, before the program ends of it.
    pub exceptions: bool,
    /// The code folder here and in the container, to name a file that no breakpoint names.
    pub code_folder: (String, String),
}

/// The named line, or the next one below it that is neither blank nor a comment. A line behind the end of
/// the text is returned as it is.
pub fn line_with_code(text: &str, line: u32) -> u32 {
    let is_code = |text: &str| !text.trim().is_empty() && !text.trim_start().starts_with('#');
    let from = usize::try_from(line).unwrap_or(usize::MAX).saturating_sub(1);
    let found = text.lines().skip(from).position(is_code).and_then(|skipped| u32::try_from(skipped).ok());
    found.map_or(line, |skipped| line + skipped)
}

/// What the client wants.
#[derive(Debug, Clone, PartialEq)]
pub enum BreakOutput {
    /// Send this to the gateway.
    Send(Value),
    /// The program stands here; it goes on by itself.
    Stop(Stop),
    /// A child of the program waits for a session.
    Child {
        /// Process id in the container.
        pid: u32,
        /// Loopback port.
        port: u16,
    },
    /// The debug server refused the session, with its words.
    Refused(String),
    /// The program has ended or cannot be followed any more.
    Ended,
}

/// One stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// The user's name of the file where a breakpoint names it, else the path in the container.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Function, `<module>` at the top level.
    pub function: String,
    /// Name → value as debugpy prints it, in debugpy's order. Modules are left out.
    pub locals: Vec<(String, String)>,
    /// Thread, as the protocol counts them.
    pub thread: i64,
    /// The protocol's word: `breakpoint`, `exception`, …
    pub reason: String,
    /// The process, if it is a child of the debuggee.
    pub process: Option<u32>,
    /// The exception, type and text, if it is one that stopped the program.
    pub exception: Option<String>,
}

/// A breakpoint that stopped nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missed {
    /// Which.
    pub breakpoint: Breakpoint,
    /// The debugger's words where it did not accept it.
    pub cause: Option<String>,
    /// The line that the debugger took instead, because no code is on the one asked for.
    pub moved_to: Option<u32>,
}

impl Missed {
    /// What to tell the user.
    pub fn message(&self) -> Message {
        let Breakpoint { file, line, .. } = &self.breakpoint;
        match &self.cause {
            Some(cause) => message!("dap.break-unbound", file = file, line = line, cause = cause),
            None => match self.moved_to {
                Some(moved) => message!("dap.break-moved", file = file, line = line, moved = moved),
                None => message!("dap.break-never-hit", file = file, line = line),
            },
        }
    }
}

/// The client's state.
#[derive(Debug)]
pub struct BreakClient {
    /// The process, if it is a child of the debuggee.
    process: Option<u32>,
    exceptions: bool,
    code_folder: (String, String),
    places: Vec<Place>,
    sent: i64,
    asked: Vec<(i64, Asked)>,
    ended: bool,
}

#[derive(Debug)]
struct Place {
    breakpoint: Breakpoint,
    /// Where the debug server moved it to.
    line: i64,
    cause: Option<String>,
    hit: bool,
}

impl Place {
    fn moved_to(&self) -> Option<u32> {
        u32::try_from(self.line).ok().filter(|line| *line != self.breakpoint.code_line)
    }
}

/// A request on its way, with what is needed to understand the answer.
#[derive(Debug)]
enum Asked {
    Session,
    Breakpoints {
        places: Vec<usize>,
    },
    Stack(Pause),
    Scopes(Stop),
    Variables(Stop),
    /// The last question before the end of the session.
    Leaving,
    Left,
    /// Something whose answer changes nothing.
    Anything,
}

/// A stop before its place is known.
#[derive(Debug)]
struct Pause {
    thread: i64,
    reason: String,
    /// Whether one of our breakpoints did it, and not the program's own `breakpoint()`.
    ours: bool,
    exception: Option<String>,
}

impl BreakClient {
    /// A client that stops as wished in the debuggee or in a child of it.
    pub fn new(wish: StopWish, process: Option<u32>) -> Self {
        let place = |breakpoint: Breakpoint| {
            let line = breakpoint.code_line.into();
            Place { breakpoint, line, cause: None, hit: false }
        };
        Self {
            process,
            exceptions: wish.exceptions,
            code_folder: wish.code_folder,
            places: wish.breakpoints.into_iter().map(place).collect(),
            sent: 0,
            asked: Vec::new(),
            ended: false,
        }
    }

    /// The requests that begin the session; the program starts when the last is answered.
    pub fn start(&mut self) -> Vec<Value> {
        let mut attach = json!({
            "justMyCode": true,
            "redirectOutput": false,
            // Paths in the container are what we name, so nothing is to be translated.
            "pathMappings": [{"localRoot": "/", "remoteRoot": "/"}],
            "variablePresentation": {
                "special": "hide", "function": "hide", "class": "hide", "protected": "inline",
            },
        });
        if let Some(process) = self.process {
            // A debug server on a node serves the children of its process, too.
            attach["subProcessId"] = process.into();
        }
        let mut requests = vec![
            self.request(
                "initialize",
                json!({
                    "clientID": "aml-debug",
                    "clientName": "aml-debug run --break",
                    "adapterID": "debugpy",
                    "pathFormat": "path",
                    "linesStartAt1": true,
                    "columnsStartAt1": true,
                }),
                Asked::Session,
            ),
            self.request("attach", attach, Asked::Session),
        ];
        for remote in self.files() {
            let in_file = |(_, place): &(usize, &Place)| place.breakpoint.remote == remote;
            let places: Vec<usize> =
                self.places.iter().enumerate().filter(in_file).map(|(at, _)| at).collect();
            let lines: Vec<Value> =
                places.iter().map(|&at| json!({"line": self.places[at].breakpoint.code_line})).collect();
            requests.push(self.request(
                "setBreakpoints",
                json!({"source": {"path": remote}, "breakpoints": lines}),
                Asked::Breakpoints { places },
            ));
        }
        let filters = if self.exceptions { vec!["uncaught"] } else { Vec::new() };
        requests.push(self.request("setExceptionBreakpoints", json!({"filters": filters}), Asked::Anything));
        requests.push(self.request("configurationDone", json!({}), Asked::Session));
        requests
    }

    /// The requests that take back the breakpoints and end the session; the program goes on without it.
    pub fn leave(&mut self) -> Vec<Value> {
        let none = |path: &String| json!({"source": {"path": path}, "breakpoints": []});
        let mut requests: Vec<Value> = Vec::new();
        for remote in self.files() {
            requests.push(self.request("setBreakpoints", none(&remote), Asked::Anything));
        }
        // Asked of the debug server, so that its answer tells that it has come so far.
        requests.push(self.request("threads", json!({}), Asked::Leaving));
        requests
    }

    /// Takes one message of the gateway and says what follows.
    pub fn on(&mut self, message: &Value) -> Vec<BreakOutput> {
        match message["type"].as_str() {
            Some("event") => self.event(message),
            Some("response") => self.response(message),
            _ => Vec::new(),
        }
    }

    /// The connection ended.
    pub fn closed(&mut self) -> Vec<BreakOutput> {
        if std::mem::replace(&mut self.ended, true) { Vec::new() } else { vec![BreakOutput::Ended] }
    }

    /// Whether it debugs a child of the debuggee.
    pub fn is_of_child(&self) -> bool {
        self.process.is_some()
    }

    /// Adds what another client of the same breakpoints has seen: what stopped one process stopped the program.
    pub fn add(&mut self, other: &BreakClient) {
        for (place, seen) in self.places.iter_mut().zip(&other.places) {
            place.hit |= seen.hit;
            if other.process.is_none() {
                place.line = seen.line;
                place.cause.clone_from(&seen.cause);
            }
        }
    }

    /// The breakpoints that stopped nothing so far; at the end of the run, those never hit.
    pub fn missed(&self) -> Vec<Missed> {
        let missed = |place: &Place| Missed {
            breakpoint: place.breakpoint.clone(),
            cause: place.cause.clone(),
            moved_to: place.moved_to(),
        };
        self.places.iter().filter(|place| !place.hit).map(missed).collect()
    }

    fn event(&mut self, message: &Value) -> Vec<BreakOutput> {
        let body = &message["body"];
        match message["event"].as_str() {
            Some("stopped") => {
                let pause = Pause::read(body);
                let arguments = json!({"threadId": pause.thread, "startFrame": 0, "levels": 1});
                self.send("stackTrace", arguments, Asked::Stack(pause))
            }
            Some("debugpyAttach") => child(body).into_iter().collect(),
            Some("terminated") => self.closed(),
            _ => Vec::new(),
        }
    }

    fn response(&mut self, message: &Value) -> Vec<BreakOutput> {
        let of = message["request_seq"].as_i64();
        let Some(at) = self.asked.iter().position(|(seq, _)| Some(*seq) == of) else { return Vec::new() };
        let (_, asked) = self.asked.swap_remove(at);
        let body = &message["body"];
        let success = message["success"] == true;
        match asked {
            Asked::Session if success => Vec::new(),
            Asked::Session => {
                // What was asked along with it is refused as well, and one reason is enough.
                self.asked.clear();
                vec![BreakOutput::Refused(said(message))]
            }
            Asked::Breakpoints { places } => {
                self.judged(&places, message);
                Vec::new()
            }
            Asked::Stack(pause) => match body["stackFrames"].get(0) {
                Some(frame) => self.stopped(pause, frame),
                None => self.go_on(pause.thread),
            },
            Asked::Scopes(stop) => match locals_of(body) {
                Some(reference) => {
                    self.send("variables", json!({"variablesReference": reference}), Asked::Variables(stop))
                }
                None => self.tell(stop),
            },
            Asked::Variables(mut stop) => {
                stop.locals = locals(body);
                self.tell(stop)
            }
            Asked::Leaving => self.send("disconnect", json!({"terminateDebuggee": false}), Asked::Left),
            Asked::Left => self.closed(),
            Asked::Anything => Vec::new(),
        }
    }

    fn judged(&mut self, places: &[usize], message: &Value) {
        for (nth, &at) in places.iter().enumerate() {
            let answer = &message["body"]["breakpoints"][nth];
            let place = &mut self.places[at];
            if answer["verified"] == true {
                place.line = answer["line"].as_i64().unwrap_or(place.line);
            } else {
                let said = answer["message"].as_str().map(str::to_owned);
                place.cause = Some(said.unwrap_or_else(|| self::said(message)));
            }
        }
    }

    fn stopped(&mut self, pause: Pause, frame: &Value) -> Vec<BreakOutput> {
        let path = frame["source"]["path"].as_str().unwrap_or_default();
        let line = frame["line"].as_i64().unwrap_or_default();
        let mut file = self.here(path);
        let mut meant = !pause.ours;
        for place in self.places.iter_mut().filter(|place| place.breakpoint.remote == path) {
            file.clone_from(&place.breakpoint.file);
            if line == i64::from(place.breakpoint.code_line) {
                place.hit = true;
                meant = true;
            }
        }
        // The debugger took another line for one that has no code: nobody asked to stop there.
        if !meant {
            return self.go_on(pause.thread);
        }
        let stop = Stop {
            file,
            line: u32::try_from(line).unwrap_or_default(),
            function: frame["name"].as_str().unwrap_or_default().to_owned(),
            locals: Vec::new(),
            thread: pause.thread,
            reason: pause.reason,
            process: self.process,
            exception: pause.exception,
        };
        self.send("scopes", json!({"frameId": frame["id"]}), Asked::Scopes(stop))
    }

    /// A file of the container by its name on this machine, where it has one.
    fn here(&self, path: &str) -> String {
        let (here, there) = &self.code_folder;
        match path.strip_prefix(there.as_str()).filter(|rest| !there.is_empty() && rest.starts_with('/')) {
            Some(rest) => format!("{here}{rest}"),
            None => path.to_owned(),
        }
    }

    fn tell(&mut self, stop: Stop) -> Vec<BreakOutput> {
        let thread = stop.thread;
        let mut out = vec![BreakOutput::Stop(stop)];
        out.extend(self.go_on(thread));
        out
    }

    fn go_on(&mut self, thread: i64) -> Vec<BreakOutput> {
        self.send("continue", json!({"threadId": thread}), Asked::Anything)
    }

    fn send(&mut self, command: &str, arguments: Value, asked: Asked) -> Vec<BreakOutput> {
        vec![BreakOutput::Send(self.request(command, arguments, asked))]
    }

    fn request(&mut self, command: &str, arguments: Value, asked: Asked) -> Value {
        self.sent += 1;
        self.asked.push((self.sent, asked));
        json!({"seq": self.sent, "type": "request", "command": command, "arguments": arguments})
    }

    /// Each file once, in the order named.
    fn files(&self) -> Vec<String> {
        let mut files: Vec<String> = Vec::new();
        for place in &self.places {
            if !files.contains(&place.breakpoint.remote) {
                files.push(place.breakpoint.remote.clone());
            }
        }
        files
    }
}

impl Pause {
    fn read(body: &Value) -> Self {
        let reason = body["reason"].as_str().unwrap_or_default().to_owned();
        let text = |key: &str| body[key].as_str().unwrap_or_default();
        // debugpy puts a remark behind the type.
        let kind = text("text").split("  ").next().unwrap_or_default();
        let is_exception = reason == "exception";
        Self {
            thread: body["threadId"].as_i64().unwrap_or(1),
            ours: reason == "breakpoint" && body["hitBreakpointIds"].is_array(),
            exception: is_exception.then(|| format!("{kind}: {}", text("description"))),
            reason,
        }
    }
}

fn child(body: &Value) -> Option<BreakOutput> {
    let pid = u32::try_from(body["subProcessId"].as_u64()?).ok()?;
    let port = u16::try_from(body["connect"]["port"].as_u64()?).ok()?;
    Some(BreakOutput::Child { pid, port })
}

fn said(message: &Value) -> String {
    message["message"].as_str().unwrap_or("no reason given").to_owned()
}

fn locals_of(body: &Value) -> Option<i64> {
    let scopes = body["scopes"].as_array()?;
    let is_locals = |scope: &&Value| scope["presentationHint"] == "locals" || scope["name"] == "Locals";
    scopes.iter().find(is_locals)?["variablesReference"].as_i64()
}

fn locals(body: &Value) -> Vec<(String, String)> {
    let text = |variable: &Value, key: &str| variable[key].as_str().unwrap_or_default().to_owned();
    let variables = body["variables"].as_array().map(Vec::as_slice).unwrap_or_default();
    variables
        .iter()
        .filter(|variable| variable["type"] != "module" && !is_group(variable))
        .map(|variable| (text(variable, "name"), text(variable, "value")))
        .collect()
}

/// debugpy's folders such as "special variables", should a version not know how to hide them.
fn is_group(variable: &Value) -> bool {
    let name = variable["name"].as_str().unwrap_or_default();
    ["special", "function", "class", "protected"]
        .iter()
        .any(|kind| name.strip_prefix(kind) == Some(" variables"))
}

#[cfg(test)]
mod tests;
