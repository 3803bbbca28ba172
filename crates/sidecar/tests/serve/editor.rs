//! An editor without a window: it writes frames, and what it reads waits until a test asks for it.

use serde_json::{Value, json};
use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Longer than anything takes on a busy machine; a story that waits so long has failed.
pub(crate) const LONG: Duration = Duration::from_secs(90);

/// Messages that are read ahead. An editor that takes no message blocks the pipe, as a real one does.
const AHEAD: usize = 16;

pub(crate) struct Editor {
    process: Child,
    input: Option<ChildStdin>,
    messages: Receiver<Value>,
    held: VecDeque<Value>,
    stderr: Option<JoinHandle<String>>,
    requests: i64,
}

impl Editor {
    pub(crate) fn start(command: &mut std::process::Command) -> Self {
        let mut process = command
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let (sender, messages) = sync_channel(AHEAD);
        std::thread::spawn(move || {
            while let Some(message) = read_frame(&mut output) {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let mut stderr = process.stderr.take().unwrap();
        let stderr = std::thread::spawn(move || {
            let mut text = String::new();
            let _ = stderr.read_to_string(&mut text);
            text
        });
        let input = process.stdin.take();
        Self { process, input, messages, held: VecDeque::new(), stderr: Some(stderr), requests: 0 }
    }

    /// Shakes hands and answers what the server said of itself.
    pub(crate) fn initialize(&mut self) -> Value {
        let answer = self.ask("initialize", json!({"processId": std::process::id(), "capabilities": {}}));
        self.notify("initialized", json!({}));
        answer
    }

    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().unwrap();
        input.write_all(bytes).unwrap();
        input.flush().unwrap();
    }

    fn send(&mut self, message: &Value) {
        let body = message.to_string();
        self.send_bytes(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
    }

    pub(crate) fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    /// Sends a request and does not wait for its answer.
    pub(crate) fn request(&mut self, method: &str, params: Value) -> i64 {
        self.requests += 1;
        let id = self.requests;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        id
    }

    /// The answer to an earlier request, result or error, within the time.
    pub(crate) fn answer(&mut self, id: i64, within: Duration) -> Option<Value> {
        self.take(within, |message| message["id"] == id && message.get("method").is_none())
    }

    pub(crate) fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.request(method, params);
        let answer = self.answer(id, LONG).unwrap_or_else(|| panic!("{method} was not answered"));
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// The error that the request is answered with.
    pub(crate) fn refused(&mut self, method: &str, params: Value) -> Value {
        let id = self.request(method, params);
        let answer = self.answer(id, LONG).unwrap_or_else(|| panic!("{method} was not answered"));
        assert!(answer.get("error").is_some(), "{method}: {answer}");
        answer["error"].clone()
    }

    /// The params of the next notification of this method that fits; others stay where they are.
    pub(crate) fn hear(&mut self, method: &str, fits: impl Fn(&Value) -> bool) -> Value {
        match self.take(LONG, |message| message["method"] == method && fits(&message["params"])) {
            Some(message) => message["params"].clone(),
            None => {
                let held: Vec<String> = self.held.iter().map(Value::to_string).collect();
                panic!("no such {method} came; what came instead:\n{}", held.join("\n"))
            }
        }
    }

    /// The snapshot of the run that first shows this state.
    pub(crate) fn hear_state(&mut self, run: &Value, state: &str) -> Value {
        self.hear("aml/runChanged", |changed| changed["run"] == *run && changed["state"] == state)
    }

    /// How many notifications of this method have come that nobody asked for.
    pub(crate) fn held(&self, method: &str) -> usize {
        self.held.iter().filter(|message| message["method"] == method).count()
    }

    /// The next message, held or new.
    pub(crate) fn next(&mut self, within: Duration) -> Option<Value> {
        self.take(within, |_| true)
    }

    /// The next notification about the run, whatever it says.
    pub(crate) fn next_of(&mut self, run: &Value, within: Duration) -> Option<Value> {
        self.take(within, |message| message["params"]["run"] == *run)
    }

    fn take(&mut self, within: Duration, fits: impl Fn(&Value) -> bool) -> Option<Value> {
        if let Some(at) = self.held.iter().position(&fits) {
            return self.held.remove(at);
        }
        let until = Instant::now() + within;
        loop {
            match self.messages.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(message) if fits(&message) => return Some(message),
                Ok(message) => self.held.push_back(message),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    pub(crate) fn close_input(&mut self) {
        drop(self.input.take());
    }

    /// The reading thread takes one more message, finds nobody for it, and closes the pipe.
    pub(crate) fn close_output(&mut self) {
        self.messages = sync_channel(0).1;
    }

    /// How the process ended, and how long that took from now.
    pub(crate) fn wait(&mut self, within: Duration) -> Option<(ExitStatus, Duration)> {
        let begin = Instant::now();
        while begin.elapsed() < within {
            if let Some(status) = self.process.try_wait().unwrap() {
                return Some((status, begin.elapsed()));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        None
    }

    /// SIGTERM: what a logout sends.
    pub(crate) fn terminate(&self) {
        let id = self.process.id().to_string();
        assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }

    /// SIGKILL: no word to anybody.
    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Everything on standard error; the process has to be over.
    pub(crate) fn stderr(&mut self) -> String {
        self.stderr.take().unwrap().join().unwrap()
    }

    /// The most memory that the process has held, in MiB.
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking()
            && let Some(stderr) = self.stderr.take()
        {
            eprintln!("standard error of serve:\n{}", stderr.join().unwrap_or_default());
        }
    }
}

fn read_frame(input: &mut impl BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if input.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some(number) = line.strip_prefix("Content-Length: ") {
            length = number.parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    input.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}
