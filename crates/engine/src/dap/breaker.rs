//! The command line's own client: sets the breakpoints of `--break`, tells each stop with its locals and
//! goes on, so that a terminal or a test can see a breakpoint hit without an editor.
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
        let Breakpoint { file, remote, line, .. } = &self.breakpoint;
        match &self.cause {
            Some(cause) if cause.contains("does not exist") => {
                message!("dap.break-in-file-missing", file = file, line = line, remote = remote)
            }
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
    Stack {
        thread: i64,
        reason: String,
    },
    Scopes(Stop),
    Variables(Stop),
    /// The last question before the end of the session.
    Leaving,
    Left,
    /// Something whose answer changes nothing.
    Anything,
}

impl BreakClient {
    /// A client for these breakpoints.
    pub fn new(breakpoints: Vec<Breakpoint>) -> Self {
        let place = |breakpoint: Breakpoint| {
            let line = breakpoint.code_line.into();
            Place { breakpoint, line, cause: None, hit: false }
        };
        Self {
            places: breakpoints.into_iter().map(place).collect(),
            sent: 0,
            asked: Vec::new(),
            ended: false,
        }
    }

    /// The requests that begin the session; the program starts when the last is answered.
    pub fn start(&mut self) -> Vec<Value> {
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
            self.request(
                "attach",
                json!({
                    "justMyCode": true,
                    "redirectOutput": false,
                    // Paths in the container are what we name, so nothing is to be translated.
                    "pathMappings": [{"localRoot": "/", "remoteRoot": "/"}],
                    "variablePresentation": {
                        "special": "hide", "function": "hide", "class": "hide", "protected": "inline",
                    },
                }),
                Asked::Session,
            ),
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
        requests.push(self.request("setExceptionBreakpoints", json!({"filters": []}), Asked::Anything));
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
                let thread = body["threadId"].as_i64().unwrap_or(1);
                let reason = body["reason"].as_str().unwrap_or_default().to_owned();
                self.send(
                    "stackTrace",
                    json!({"threadId": thread, "startFrame": 0, "levels": 1}),
                    Asked::Stack { thread, reason },
                )
            }
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
            Asked::Stack { thread, reason } => match body["stackFrames"].get(0) {
                Some(frame) => self.stopped(thread, reason, frame),
                None => self.go_on(thread),
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

    fn stopped(&mut self, thread: i64, reason: String, frame: &Value) -> Vec<BreakOutput> {
        let path = frame["source"]["path"].as_str().unwrap_or_default();
        let line = frame["line"].as_i64().unwrap_or_default();
        let mut file = path.to_owned();
        let mut meant = reason != "breakpoint";
        for place in self.places.iter_mut().filter(|place| place.breakpoint.remote == path) {
            file.clone_from(&place.breakpoint.file);
            if line == i64::from(place.breakpoint.code_line) {
                place.hit = true;
                meant = true;
            }
        }
        // The debugger took another line for one that has no code: nobody asked to stop there.
        if !meant {
            return self.go_on(thread);
        }
        let stop = Stop {
            file,
            line: u32::try_from(line).unwrap_or_default(),
            function: frame["name"].as_str().unwrap_or_default().to_owned(),
            locals: Vec::new(),
            thread,
            reason,
        };
        self.send("scopes", json!({"frameId": frame["id"]}), Asked::Scopes(stop))
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
