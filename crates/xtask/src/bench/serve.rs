//! `serve-start` and `serve-memory`: process start to the reply to `initialize`, and what it holds when idle.
//!
//! Nothing plain exists to compare with, so these are absolutes of the machine that the table names.

use std::fs;
use std::io::{BufReader, Write as _};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::json;

use super::ground::{self, Ground};
use super::{Reach, Way, dap_client};
use crate::command::Command;

pub(super) fn start(ground: &Ground) -> anyhow::Result<Vec<Way>> {
    let serve = ground.again(&["serve"]);
    let turn = Box::new(move || {
        let (time, child) = initialize(serve())?;
        end(child)?;
        Ok(time)
    });
    Ok(vec![Way {
        name: "start to the reply to initialize",
        reach: Some(Reach::Absolute(12.0)),
        turn,
        most: None,
    }])
}

pub(super) fn memory(ground: &Ground) -> anyhow::Result<Vec<Way>> {
    let serve = ground.again(&["serve"]);
    let turn = Box::new(move || {
        let (_, child) = initialize(serve())?;
        // What a start leaves to do is done by then.
        std::thread::sleep(Duration::from_secs(1));
        let status = fs::read_to_string(format!("/proc/{}/status", child.id()))?;
        end(child)?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("find VmRSS")?;
        let kibibytes: f64 = resident.trim().trim_end_matches(" kB").parse()?;
        Ok(kibibytes / 1024.0)
    });
    Ok(vec![Way {
        name: "resident after one idle second",
        reach: Some(Reach::Absolute(15.0)),
        turn,
        most: None,
    }])
}

fn initialize(command: Command) -> anyhow::Result<(f64, Child)> {
    let begin = Instant::now();
    let mut command = command.into_inner();
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": { "processId": null, "rootUri": null, "capabilities": {} } });
    let input = child.stdin.as_mut().context("write to the server")?;
    input.write_all(&dap_client::frame(&request))?;
    input.flush()?;
    let mut output = BufReader::new(child.stdout.as_mut().context("read from the server")?);
    let reply = dap_client::read_frame(&mut output)?;
    let time = ground::milliseconds(begin);
    anyhow::ensure!(reply["id"] == 1 && reply["result"].is_object(), "an odd reply: {reply}");
    Ok((time, child))
}

/// A closed input ends a server that has no runs.
fn end(mut child: Child) -> anyhow::Result<()> {
    drop(child.stdin.take());
    let limit = Instant::now() + Duration::from_secs(5);
    while child.try_wait()?.is_none() {
        if Instant::now() > limit {
            child.kill()?;
            child.wait()?;
            anyhow::bail!("the server did not end when its input was closed");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}
