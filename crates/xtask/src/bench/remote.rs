//! `log-to-offer` and `remote-step`: a step that awaits its debugger, followed by its log.
//!
//! The node is this machine's loopback: without a network between them, what the gateway costs shows most.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};
use std::time::Instant;

use anyhow::Context as _;
use serde_json::Value;

use super::ground::{self, Ground};
use super::{Reach, Way, dap_client};
use crate::command::Command;

const STEPS: usize = 200;

const SCRIPT: &str = "\
import time
total = 0
for number in range(1000000):
    total += number
    total %= 7
";

/// The line of the loop on which each turn begins to step.
const LINE_TEXT: &str = "total %= 7";

/// From the beacon's last byte to the offer. Our look at the file every 20 ms is in it.
pub(super) fn offer(ground: &Ground) -> anyhow::Result<Vec<Way>> {
    let log = ground.folder.join("offer.log");
    keep_entries_here(&ground.folder)?;
    let follow = ground.again(&["attach", "--log", "offer.log", "--json"]);
    let turn = Box::new(move || {
        // Whoever only connects is enough of a node: nothing is said before the offer.
        let node = TcpListener::bind(("127.0.0.1", 0))?;
        let port = node.local_addr()?.port();
        fs::write(&log, format!("remote_debug_port: {port}\nip_address: 127.0.0."))?;
        let (mut child, mut events) = start(follow())?;
        // It reads the file before the byte that is measured.
        std::thread::sleep(std::time::Duration::from_millis(300));
        let mut file = OpenOptions::new().append(true).open(&log)?;
        let begin = Instant::now();
        file.write_all(b"1\n")?;
        wait_for(&mut events, "debugReady")?;
        let time = ground::milliseconds(begin);
        child.kill()?;
        child.wait()?;
        Ok(time)
    });
    Ok(vec![Way {
        name: "the beacon's last byte to the offer",
        reach: Some(Reach::Absolute(50.0)),
        turn,
        most: None,
    }])
}

/// A step in the debugger: straight to the node, and through the gateway.
pub(super) fn step(ground: &Ground) -> anyhow::Result<Vec<Way>> {
    let place = ground.folder.join("remote");
    fs::create_dir_all(&place)?;
    keep_entries_here(&place)?;
    Command::new("tar").arg("-xf").arg(ground.bundle()?).arg("-C").arg(&place).run_quietly()?;
    let script = place.join("step.py");
    fs::write(&script, SCRIPT)?;
    let shown = script.display().to_string();
    let instrument = ground.again(&["instrument", &shown, "--write"]);
    instrument().run_quietly()?;
    let text = fs::read_to_string(&script)?;
    let line = text.lines().position(|line| line.contains(LINE_TEXT)).context("find the line")? + 1;
    let log = place.join("step.log");
    let code = place.display().to_string();
    let follow = ground.again(&["attach", "--log", &log.display().to_string(), "--code", &code, "--json"]);
    let turn = std::rc::Rc::new(move |direct: bool| {
        let port = ground::free_port()?;
        let output = File::create(&log)?;
        let flags = ["--remote_debug", "--remote_debug_client_ip", "127.0.0.1", "--remote_debug_port"];
        let node = Command::new("python3").arg(&script).args(flags).arg(port.to_string());
        let mut node = node.env("PYTHONPATH", place.join("debugpy")).folder(&place).into_inner();
        let mut node = node.stdin(Stdio::null()).stdout(output).stderr(Stdio::null()).spawn()?;
        let mut following = None;
        let reached = match direct {
            true => {
                until_said(&log, "ip_address")?;
                port
            }
            false => {
                let (child, mut events) = start(follow())?;
                following = Some(child);
                let ready = wait_for(&mut events, "debugReady")?;
                let port = &ready["configuration"]["connect"]["port"];
                port.as_u64().and_then(|port| port.try_into().ok()).context("find the port")?
            }
        };
        let line = u32::try_from(line)?;
        let mut session =
            dap_client::run_to_breakpoint(reached, &script.display().to_string(), line, || {
                matches!(node.try_wait(), Ok(None))
            })?;
        let mut times = Vec::new();
        for _ in 0..STEPS {
            times.push(session.step()?);
        }
        drop(session);
        for child in following.iter_mut().chain([&mut node]) {
            child.kill()?;
            child.wait()?;
        }
        times.sort_by(f64::total_cmp);
        anyhow::Ok(times[STEPS / 2])
    });
    let through = turn.clone();
    Ok(vec![
        Way {
            name: "a step, straight to the node",
            reach: None,
            turn: Box::new(move || turn(true)),
            most: None,
        },
        Way {
            name: "a step, through the gateway",
            reach: Some(Reach::Ratio(1.15)),
            turn: Box::new(move || through(false)),
            most: None,
        },
    ])
}

/// A launch.json entry goes to the nearest folder with this in it, which would be the repository.
fn keep_entries_here(folder: &Path) -> anyhow::Result<()> {
    Ok(fs::create_dir_all(folder.join(".vscode"))?)
}

fn start(command: Command) -> anyhow::Result<(Child, BufReader<ChildStdout>)> {
    let mut command = command.into_inner();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let output = child.stdout.take().context("the command's output is a pipe")?;
    Ok((child, BufReader::new(output)))
}

fn wait_for(events: &mut BufReader<ChildStdout>, name: &str) -> anyhow::Result<Value> {
    for line in events.lines() {
        let event: Value = serde_json::from_str(&line?)?;
        if event["event"] == name {
            return Ok(event);
        }
    }
    anyhow::bail!("the command never said {name}")
}

fn until_said(log: &Path, text: &str) -> anyhow::Result<()> {
    let begin = Instant::now();
    while !fs::read_to_string(log)?.contains(text) {
        anyhow::ensure!(begin.elapsed().as_secs() < 60, "the script never said {text}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    Ok(())
}
