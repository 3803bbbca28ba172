//! Somebody else's DAP client, unmodified: the npm package `@vscode/debugadapter-testsupport`.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The client's package and our few lines of glue.
const OURS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/serve");

pub(crate) struct DapClient {
    process: Child,
    output: BufReader<std::process::ChildStdout>,
    answers: BTreeMap<u64, Value>,
    calls: u64,
}

/// A call that has not been answered yet.
#[must_use]
pub(crate) struct Call(u64);

impl DapClient {
    /// Connects and says nothing yet.
    pub(crate) fn connect(configuration: &Value) -> Self {
        let modules = installed();
        let mut process = Command::new("node")
            .arg(Path::new(OURS).join("dap.mjs"))
            .arg(modules.join("package.json"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node runs; `cargo xtask setup --for test` installs it");
        let output = BufReader::new(process.stdout.take().unwrap());
        let mut client = Self { process, output, answers: BTreeMap::new(), calls: 0 };
        let connect = &configuration["connect"];
        client.call("start", json!([connect["port"], connect["host"]]));
        client
    }

    /// Attaches as an editor does with an entry of launch.json: with the entry as arguments, its variables
    /// resolved. Breakpoints are set before the program goes on.
    pub(crate) fn go(&mut self, configuration: &Value, folder: &Path, breakpoints: &[(&str, &[u32])]) {
        self.call("initializeRequest", json!([]));
        let initialized = self.begin("waitForEvent", json!(["initialized"]));
        let attached = self.begin("attachRequest", json!([resolved(configuration, folder)]));
        self.end(initialized);
        for (file, lines) in breakpoints {
            let lines: Vec<Value> = lines.iter().map(|line| json!({"line": line})).collect();
            let wanted = json!([{"source": {"path": file}, "breakpoints": lines}]);
            let set = self.call("setBreakpointsRequest", wanted);
            for breakpoint in set["body"]["breakpoints"].as_array().unwrap() {
                assert_eq!(breakpoint["verified"], true, "{set}");
            }
        }
        self.call("configurationDoneRequest", json!([]));
        self.end(attached);
    }

    /// Begins a call of the client's method of this name.
    pub(crate) fn begin(&mut self, method: &str, values: Value) -> Call {
        self.calls += 1;
        let line = json!({"id": self.calls, "call": method, "with": values});
        writeln!(self.process.stdin.as_mut().unwrap(), "{line}").unwrap();
        Call(self.calls)
    }

    /// What came of it.
    pub(crate) fn end(&mut self, call: Call) -> Value {
        let answer = self.outcome(call);
        assert!(answer.get("error").is_none(), "the DAP client says: {}", answer["error"]);
        answer["result"].clone()
    }

    /// What the client says of a call that is refused.
    pub(crate) fn refused(&mut self, method: &str, values: Value) -> String {
        let call = self.begin(method, values);
        let answer = self.outcome(call);
        answer["error"].as_str().unwrap_or_else(|| panic!("{method} is not refused: {answer}")).to_owned()
    }

    fn outcome(&mut self, call: Call) -> Value {
        loop {
            if let Some(answer) = self.answers.remove(&call.0) {
                return answer;
            }
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "the DAP client has ended");
            let answer: Value = serde_json::from_str(&line).unwrap();
            self.answers.insert(answer["id"].as_u64().unwrap(), answer);
        }
    }

    pub(crate) fn call(&mut self, method: &str, values: Value) -> Value {
        let call = self.begin(method, values);
        self.end(call)
    }

    /// The names and values of the locals in the innermost frame of the thread.
    pub(crate) fn locals(&mut self, thread: &Value) -> BTreeMap<String, String> {
        let frame = self.frame(thread)["id"].clone();
        let scopes = self.call("scopesRequest", json!([{"frameId": frame}]));
        let reference = &scopes["body"]["scopes"][0]["variablesReference"];
        let variables = self.call("variablesRequest", json!([{"variablesReference": reference}]));
        let variables = variables["body"]["variables"].as_array().unwrap().clone();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        variables.iter().map(|variable| (text(&variable["name"]), text(&variable["value"]))).collect()
    }

    /// The innermost frame of the thread.
    pub(crate) fn frame(&mut self, thread: &Value) -> Value {
        let stack = self.call("stackTraceRequest", json!([{"threadId": thread}]));
        stack["body"]["stackFrames"][0].clone()
    }
}

impl Drop for DapClient {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// As an editor resolves it before it asks a debug adapter.
fn resolved(configuration: &Value, folder: &Path) -> Value {
    let text = configuration.to_string().replace("${workspaceFolder}", folder.to_str().unwrap());
    serde_json::from_str(&text).unwrap()
}

/// The folder with the package in `node_modules`, installed once into the target folder.
fn installed() -> PathBuf {
    let wanted = fs::read(Path::new(OURS).join("package.json")).unwrap();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    fs::create_dir_all(target).unwrap();
    let folder = target.join("dap-client");
    // Tests are processes of their own, and only one of them installs.
    let lock = fs::File::create(target.join("dap-client.lock")).unwrap();
    lock.lock().unwrap();
    if fs::read(folder.join("installed.json")).is_ok_and(|installed| installed == wanted) {
        return folder;
    }
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("package.json"), &wanted).unwrap();
    let npm = Command::new("npm")
        .args(["install", "--no-audit", "--no-fund", "--loglevel", "error"])
        .current_dir(&folder)
        .output()
        .expect("npm runs; `cargo xtask setup --for test` installs it");
    assert!(npm.status.success(), "npm could not install: {}", String::from_utf8_lossy(&npm.stderr));
    fs::write(folder.join("installed.json"), &wanted).unwrap();
    folder
}
