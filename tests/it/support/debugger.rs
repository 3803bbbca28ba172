//! A bare client of the debug adapter protocol, as an editor would be one.

use super::LIMIT;
use super::program::text;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

/// A client that is connected to a gateway.
pub(crate) struct Debugger {
    stream: TcpStream,
    reader: BufReader<TcpStream>,
    sent: i64,
    /// Messages that nobody has asked for yet.
    events: VecDeque<Value>,
    /// The sessions of children, where they are attended.
    children: Option<Vec<Debugger>>,
    /// The last request, for whoever reads why nothing comes.
    asked: String,
}

impl Debugger {
    pub(crate) fn connect(port: u64) -> Self {
        Self::connect_to("127.0.0.1", port)
    }

    fn connect_to(host: &str, port: u64) -> Self {
        let port = u16::try_from(port).expect("a port");
        let stream = TcpStream::connect((host, port)).expect("somebody listens");
        stream.set_read_timeout(Some(LIMIT)).expect("a limit");
        let reader = BufReader::new(stream.try_clone().expect("a second handle"));
        let (events, asked) = (VecDeque::new(), String::new());
        Self { stream, reader, sent: 0, events, children: None, asked }
    }

    /// Attaches to what a `debugReady` event or `aml-debug attach` names, with breakpoints in files of the
    /// code folder `local`; the program runs when this returns.
    pub(crate) fn attach(configuration: &Value, local: &str, breakpoints: &[(&str, u32)]) -> Self {
        let host = configuration["connect"]["host"].as_str().unwrap_or("127.0.0.1");
        let mut debugger = Self::connect_to(host, configuration["connect"]["port"].as_u64().expect("a port"));
        let begun = debugger.request("initialize", json!({ "clientName": "a test", "adapterID": "debugpy" }));
        assert_eq!(begun["success"], true, "{begun}");
        let remote = &configuration["pathMappings"][0]["remoteRoot"];
        let mappings = json!([{ "localRoot": local, "remoteRoot": remote }]);
        // The answer comes when the configuration is done.
        let mut wish = json!({ "justMyCode": true, "pathMappings": mappings });
        if let Some(children) = configuration.get("subProcess") {
            wish["subProcess"] = children.clone();
        }
        let attached = debugger.send("attach", wish);
        debugger.event("initialized");
        let mut lines = BTreeMap::<&str, Vec<Value>>::new();
        for (file, line) in breakpoints {
            lines.entry(file).or_default().push(json!({ "line": line }));
        }
        for (file, lines) in lines {
            let source = json!({ "path": format!("{local}/{file}") });
            let set = debugger.request("setBreakpoints", json!({ "source": source, "breakpoints": lines }));
            assert_eq!(set["success"], true, "{set}");
        }
        debugger.request("configurationDone", json!({}));
        let attached = debugger.answer(attached);
        assert_eq!(attached["success"], true, "{attached}");
        debugger
    }

    /// The next word that an editor shows where nobody misses it.
    pub(crate) fn important(&mut self) -> String {
        loop {
            let output = self.event("output");
            if output["category"] == "important" {
                return text(&output["output"]);
            }
        }
    }

    pub(crate) fn request(&mut self, command: &str, arguments: Value) -> Value {
        let seq = self.send(command, arguments);
        self.answer(seq)
    }

    pub(crate) fn send(&mut self, command: &str, arguments: Value) -> i64 {
        self.sent += 1;
        let body = json!({ "seq": self.sent, "type": "request", "command": command, "arguments": arguments })
            .to_string();
        self.asked = format!("{command} (request {})", self.sent);
        write!(self.stream, "Content-Length: {}\r\n\r\n{body}", body.len()).expect("the gateway takes it");
        self.sent
    }

    /// The answer to a request; what else comes before it is kept.
    pub(crate) fn answer(&mut self, seq: i64) -> Value {
        let fits = |message: &Value| message["type"] == "response" && message["request_seq"] == seq;
        if let Some(at) = self.events.iter().position(fits) {
            return self.events.remove(at).expect("it was there");
        }
        loop {
            let message = self.read().unwrap_or_else(|| panic!("the gateway left before it answered {seq}"));
            if fits(&message) {
                return message;
            }
            self.events.push_back(message);
        }
    }

    /// The next event of this name; others before it are dropped.
    pub(crate) fn event(&mut self, name: &str) -> Value {
        loop {
            let message = match self.events.pop_front() {
                Some(message) => message,
                None => self.read().unwrap_or_else(|| panic!("the gateway left before {name}")),
            };
            if message["event"] == name {
                return message["body"].clone();
            }
        }
    }

    /// Waits for a stop: its thread, the line, and the locals.
    pub(crate) fn stopped(&mut self) -> (Value, u64, BTreeMap<String, String>) {
        let thread = self.event("stopped")["threadId"].clone();
        let stack = self.request("stackTrace", json!({ "threadId": thread, "levels": 1 }));
        let frame = stack["body"]["stackFrames"][0].clone();
        let scopes = self.request("scopes", json!({ "frameId": frame["id"] }));
        let scope = &scopes["body"]["scopes"][0]["variablesReference"];
        let variables = self.request("variables", json!({ "variablesReference": scope }));
        let variables = variables["body"]["variables"].as_array().cloned().unwrap_or_default();
        let pairs = variables.iter().map(|variable| (text(&variable["name"]), text(&variable["value"])));
        (thread, frame["line"].as_u64().expect("a line"), pairs.collect())
    }

    pub(crate) fn go_on(&mut self, thread: &Value) {
        let answer = self.request("continue", json!({ "threadId": thread }));
        assert_eq!(answer["success"], true, "{answer}");
    }

    /// Waits until the other side closes the connection, whatever it still says before.
    pub(crate) fn wait_for_close(&mut self) {
        while self.read().is_some() {}
    }

    /// Attends every child from here on, without a breakpoint: debugpy's own server lets none go before.
    pub(crate) fn lets_children_go(&mut self) {
        self.children = Some(Vec::new());
    }

    /// What the server says of the place to connect to is not what a node is reached by; it is the same server.
    fn attend(&self, child: &Value) -> Self {
        let server = self.stream.peer_addr().expect("connected");
        let mut session = Self::connect_to(&server.ip().to_string(), server.port().into());
        session.request("initialize", json!({ "clientName": "a test", "adapterID": "debugpy" }));
        let attached = session.send("attach", json!({ "subProcessId": child["subProcessId"] }));
        session.event("initialized");
        session.request("configurationDone", json!({}));
        session.answer(attached);
        session
    }

    /// The next message; `None` once the other side has closed the connection.
    fn read(&mut self) -> Option<Value> {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if self.read_line(&mut line) == 0 {
                return None;
            }
            match line.trim_end().split_once(": ") {
                Some((name, value)) if name.eq_ignore_ascii_case("Content-Length") => {
                    length = value.parse().ok()?
                }
                _ if line.trim_end().is_empty() => break,
                _ => {}
            }
        }
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body).ok()?;
        let message: Value = serde_json::from_slice(&body).ok()?;
        if message["event"] == "debugpyAttach" && self.children.is_some() {
            let child = self.attend(&message["body"]);
            self.children.get_or_insert_default().push(child);
        }
        Some(message)
    }

    /// A connection that breaks is closed; one on which nothing comes is not.
    fn read_line(&mut self, line: &mut String) -> usize {
        match self.reader.read_line(line) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                panic!("the gateway says nothing after {}; unread: {:?}", self.asked, self.events)
            }
            read => read.unwrap_or(0),
        }
    }
}
