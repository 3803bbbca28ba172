//! An editor's side of `serve`, as far as the figures need it: start a run with a debugger, hear of its end.

use std::collections::VecDeque;
use std::io::{BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use anyhow::Context as _;
use serde_json::{Value, json};

use super::dap_client;
use super::ground::Ground;

/// A server that lives as long as this value.
pub(super) struct Editor {
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    held: VecDeque<Value>,
    requests: u32,
}

/// A deployment on its way.
pub(super) struct Deployed {
    pub(super) run: String,
    pub(super) gateway: Option<u16>,
}

impl Editor {
    pub(super) fn start(ground: &Ground) -> anyhow::Result<Editor> {
        let command = ground.again(&["serve"])().into_inner();
        Editor::start_command(command)
    }

    fn start_command(mut command: std::process::Command) -> anyhow::Result<Editor> {
        let mut process =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let input = process.stdin.take();
        let output = BufReader::new(process.stdout.take().context("read from the server")?);
        let mut editor = Editor { process, input, output, held: VecDeque::new(), requests: 0 };
        editor.ask("initialize", &json!({ "processId": null, "rootUri": null, "capabilities": {} }))?;
        editor.send(&json!({ "jsonrpc": "2.0", "method": "initialized", "params": {} }))?;
        Ok(editor)
    }

    /// Starts a debugged run; its name and the port that a debugger may attach to at once.
    pub(super) fn debug(&mut self, spec: &str) -> anyhow::Result<(String, u16)> {
        let params = json!({ "spec": spec, "debug": true, "inputs": {}, "env": {}, "secrets": [],
            "rebuild": false, "pull": false, "imageOnly": false });
        let answer = self.ask("aml/startRun", &params)?;
        let run = answer["run"].as_str().context("the run has a name")?.to_owned();
        let changed = self.until(&run, |run| run["gatewayPort"].is_u64() || run["endedAt"].is_u64())?;
        let port = changed["gatewayPort"].as_u64().with_context(|| format!("no gateway: {changed}"))?;
        Ok((run, u16::try_from(port)?))
    }

    /// Deploys; its run, and the port that a debugger may attach to at once.
    pub(super) fn deploy(&mut self, spec: &str, debug: bool) -> anyhow::Result<Deployed> {
        let answer = self.ask("aml/startDeployment", &json!({ "spec": spec, "debug": debug }))?;
        let run = answer["run"].as_str().context("the run has a name")?.to_owned();
        let changed = self.until(&run, |run| {
            !debug && run["service"].is_object() || run["gatewayPort"].is_u64() || run["endedAt"].is_u64()
        })?;
        anyhow::ensure!(changed["endedAt"].is_null(), "the deployment has ended: {changed}");
        let gateway = changed["gatewayPort"].as_u64().map(u16::try_from).transpose()?;
        Ok(Deployed { run, gateway })
    }

    /// Waits until a deployment answers; where that is.
    pub(super) fn healthy(&mut self, run: &str) -> anyhow::Result<u16> {
        let fits = |run: &Value| run["service"]["healthyAt"].is_u64() || run["endedAt"].is_u64();
        let changed = self.until(run, fits)?;
        anyhow::ensure!(changed["endedAt"].is_null(), "the deployment has ended: {changed}");
        let uri = changed["service"]["scoringUri"].as_str().context("it answers somewhere")?;
        let port = uri.trim_end_matches("/score").rsplit(':').next().context("on a port")?;
        Ok(port.parse()?)
    }

    /// Waits for the run's end.
    pub(super) fn ended(&mut self, run: &str) -> anyhow::Result<()> {
        let last = self.until(run, |run| run["endedAt"].is_u64())?;
        anyhow::ensure!(last["state"] == "completed", "the run did not end well: {last}");
        Ok(())
    }

    fn until(&mut self, run: &str, fits: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        loop {
            let message = match self.held.pop_front() {
                Some(message) => message,
                None => dap_client::read_frame(&mut self.output)?,
            };
            let params = &message["params"];
            if message["method"] == "aml/runChanged" && params["run"] == run && fits(params) {
                return Ok(params.clone());
            }
        }
    }

    fn ask(&mut self, method: &str, params: &Value) -> anyhow::Result<Value> {
        self.requests += 1;
        let id = self.requests;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))?;
        loop {
            let message = dap_client::read_frame(&mut self.output)?;
            if message["id"] == id {
                anyhow::ensure!(message["error"].is_null(), "{method} was refused: {message}");
                return Ok(message["result"].clone());
            }
            self.held.push_back(message);
        }
    }

    fn send(&mut self, message: &Value) -> anyhow::Result<()> {
        let input = self.input.as_mut().context("the server's input is open")?;
        input.write_all(&dap_client::frame(message))?;
        Ok(input.flush()?)
    }
}

impl Drop for Editor {
    /// A closed input ends it, and it takes the containers that it keeps along.
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.process.wait();
    }
}
