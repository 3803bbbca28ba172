//! One process of the program: while it lives, and what it said when it has ended.

use super::LIMIT;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A process that runs.
pub(crate) struct Started {
    child: Child,
    shown: String,
    lines: Receiver<String>,
    seen: Vec<String>,
    stderr: Option<JoinHandle<String>>,
    began: Instant,
    limit: Duration,
}

/// A process that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Exit code; `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    shown: String,
}

impl Started {
    pub(crate) fn new(mut command: Command) -> Self {
        let shown = format!("{command:?}");
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{shown}: {error}"));
        let (sender, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        std::thread::spawn(move || {
            for line in stdout.split(b'\n').map_while(Result::ok) {
                if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    return;
                }
            }
        });
        let mut stderr = child.stderr.take().expect("a pipe");
        let stderr = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = stderr.read_to_end(&mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        });
        Self {
            child,
            shown,
            lines,
            seen: Vec::new(),
            stderr: Some(stderr),
            began: Instant::now(),
            limit: LIMIT,
        }
    }

    /// May take so long: what it starts is heavy.
    pub(crate) fn patient(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// The first event, from here on, that fits.
    pub(crate) fn wait_for(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        loop {
            match self.lines.recv_timeout(self.limit.saturating_sub(self.began.elapsed())) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if let Ok(event) = serde_json::from_str::<Value>(&line)
                        && fits(&event)
                    {
                        return event;
                    }
                }
                Err(error) => {
                    let _ = self.child.kill();
                    let said = self.stderr.take().and_then(|stderr| stderr.join().ok());
                    let why = match error {
                        RecvTimeoutError::Timeout => "not in time",
                        RecvTimeoutError::Disconnected => "the process ended before",
                    };
                    let said = said.unwrap_or_default();
                    panic!("never seen: {what} ({why})\n{}\n{}\n{said}", self.shown, self.seen.join("\n"));
                }
            }
        }
    }

    /// Waits until the run is in this state; its snapshot.
    pub(crate) fn wait_for_state(&mut self, state: &str) -> Value {
        let event = self.wait_for(&format!("state {state}"), |event| {
            event["event"] == "runChanged" && event["run"]["state"] == state
        });
        event["run"].clone()
    }

    /// Waits until this phase is under way; the run's snapshot.
    pub(crate) fn wait_for_phase(&mut self, name: &str) -> Value {
        let event = self.wait_for(&format!("phase {name}"), |event| {
            let phases = event["run"]["phases"].as_array().map(Vec::as_slice).unwrap_or_default();
            phases.iter().any(|phase| phase["name"] == name && phase["outcome"] == "running")
        });
        event["run"].clone()
    }

    /// Waits until the run's command has written a line with this text.
    pub(crate) fn wait_for_line(&mut self, text: &str) {
        self.wait_for(&format!("line {text}"), |event| {
            let lines = event["lines"].as_array().map(Vec::as_slice).unwrap_or_default();
            event["log"] == "driver"
                && lines.iter().any(|line| line.as_str().unwrap_or_default().contains(text))
        });
    }

    /// Waits for a line of standard output with this text, of a command that writes no events.
    pub(crate) fn wait_for_output(&mut self, text: &str) {
        while let Ok(line) = self.lines.recv_timeout(self.limit.saturating_sub(self.began.elapsed())) {
            let fits = line.contains(text);
            self.seen.push(line);
            if fits {
                return;
            }
        }
        panic!("never written: {text}\n{}\n{}", self.shown, self.seen.join("\n"));
    }

    /// Waits until a debugger can attach; the event's configuration.
    pub(crate) fn wait_until_ready(&mut self) -> Value {
        self.wait_for("debugReady", |event| event["event"] == "debugReady")["configuration"].clone()
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(sent.expect("kill").success(), "{name} could not be sent");
    }

    /// Ends it as the kernel would: nothing of it runs any more when this returns.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it still runs");
        self.child.wait().expect("it is ours");
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ended {
        let code = loop {
            if let Some(status) = self.child.try_wait().expect("it is ours") {
                break status.code();
            }
            if self.began.elapsed() > self.limit {
                let _ = self.child.kill();
                self.drain();
                panic!("did not end\n{}\n{}", self.shown, self.seen.join("\n"));
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        self.drain();
        let stderr = self.stderr.take().and_then(|stderr| stderr.join().ok()).unwrap_or_default();
        let stdout = std::mem::take(&mut self.seen).join("\n");
        Ended { code, stdout, stderr, shown: self.shown.clone() }
    }

    fn drain(&mut self) {
        while let Ok(line) = self.lines.recv_timeout(Duration::from_secs(5)) {
            self.seen.push(line);
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// The same, if it ended with this code.
    #[track_caller]
    pub(crate) fn with_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}\n{}", self.shown, self.stdout, self.stderr);
        self
    }

    /// Its standard output, an object a line.
    #[track_caller]
    pub(crate) fn objects(&self) -> Vec<Value> {
        let read = |line: &str| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("not JSON: {error}: {line}\n{self:?}"))
        };
        self.stdout.lines().map(read).collect()
    }

    /// The last object, of a command that stays until its run has ended.
    #[track_caller]
    pub(crate) fn result(&self) -> Value {
        let last = self.objects().pop().unwrap_or_default();
        assert_eq!(last["event"], "result", "{}\n{}\n{}", self.shown, self.stdout, self.stderr);
        last
    }

    /// All lines that the run's command wrote, as the events told them.
    #[track_caller]
    pub(crate) fn log(&self, log: &str) -> Vec<String> {
        let events =
            self.objects().into_iter().filter(|event| event["event"] == "log" && event["log"] == log);
        events
            .flat_map(|event| event["lines"].as_array().cloned().unwrap_or_default())
            .map(|line| text(&line))
            .collect()
    }
}

/// A JSON text as it is, anything else as JSON.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What a failure tells a person: what, the foreign lines, what to do.
pub(crate) fn told(failure: &Value) -> String {
    let detail = failure["detail"].as_array().cloned().unwrap_or_default();
    let lines = [text(&failure["what"]["text"])]
        .into_iter()
        .chain(detail.iter().map(|line| format!("  {}", text(line))));
    let fix = failure["fix"]["text"].as_str().map(|fix| format!("-> {fix}"));
    lines.chain(fix).collect::<Vec<_>>().join("\n")
}
