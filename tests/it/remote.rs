//! `attach --log`: a step on a node, from the line in its growing log to a stopped line, with no hand in
//! between; and each reason why that cannot be, produced for real.
//!
//! A node is a network namespace with an address of its own, in which the real script runs under the real
//! debugpy.

use crate::instrument::Python;
use crate::support::{Debugger, Started, is_root, not_told};
use serde_json::json;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

const FILES: &str = "\
//- /src/train.py
import argparse

parser = argparse.ArgumentParser()
parser.add_argument('--lr', type=float, default=0.1)
args = parser.parse_args()
for epoch in range(2):
    loss = args.lr * epoch
    print('epoch', epoch)
";

#[test]
fn from_the_log_line_to_the_stopped_line_with_no_hand_in_between() {
    let Some(node) = Node::up() else { return };
    let python = Python::prepare_with(FILES);
    let script = python.path("src/train.py");
    python.instrument(&script, "--write");
    let line = line_of(&script, "print('epoch'");
    let log = python.path("70_driver_log.txt");
    // Somebody watches before the step has begun.
    let mut watching = watch(
        &python,
        &log.display().to_string(),
        &["--break", &format!("train.py:{line}"), "--step", "train"],
    );
    let mut step = node.start(&python, &script, &log, "60");
    let beacon = watching.wait_for("the beacon", |event| event["event"] == "beacon");
    assert_eq!((&beacon["address"], &beacon["seconds"]), (&node.address.as_str().into(), &60.0.into()));
    let ready = watching.wait_for("the offer", |event| event["event"] == "debugReady");
    assert_eq!(ready["configuration"]["name"], "Azure Machine Learning Compute: remote debug (train)");
    for epoch in ["0", "1"] {
        let stopped = watching.wait_for("the stop", |event| event["event"] == "stopped");
        assert_eq!(
            (&stopped["line"], &stopped["locals"]["epoch"]),
            (&line.into(), &epoch.into()),
            "{stopped}"
        );
    }
    let ended = watching.end().with_code(0);
    assert_eq!(ended.result()["stops"].as_array().map(Vec::len), Some(2));
    step.wait().expect("it is ours");
    let said = fs::read_to_string(&log).expect("a log");
    assert!(said.contains("Debugger attached = True\nepoch 0\nepoch 1\n"), "{said}");
    let launch = fs::read_to_string(python.path("src/.vscode/launch.json")).expect("an entry");
    assert!(
        launch.contains("\"remoteRoot\": \".\"") && launch.contains("\"localRoot\": \"${workspaceFolder}\""),
        "{launch}"
    );
}

#[test]
fn an_editor_attaches_leaves_and_comes_back() {
    let Some(node) = Node::up() else { return };
    let python = Python::prepare_with(&FILES.replace("range(2)", "range(1000000)"));
    let script = python.path("src/train.py");
    python.instrument(&script, "--write");
    let line = line_of(&script, "print('epoch'") as u32;
    let log = python.path("std_log.txt");
    let mut step = node.start(&python, &script, &log, "60");
    let mut watching = watch(&python, &log.display().to_string(), &[]);
    let ready = watching.wait_for("the offer", |event| event["event"] == "debugReady");
    let code = python.path("src").display().to_string();
    for _ in 0..2 {
        let mut editor = Debugger::attach(&ready["configuration"], &code, &[("train.py", line)]);
        assert_eq!(editor.stopped().1, u64::from(line));
        let left = editor.request("disconnect", json!({ "terminateDebuggee": false }));
        assert_eq!(left["success"], true, "{left}");
        editor.wait_for_close();
    }
    step.kill().expect("it still runs");
    step.wait().expect("it is ours");
    watching.end().with_code(0);
}

#[test]
fn a_log_behind_a_url_is_read_as_it_grows() {
    let Some(node) = Node::up() else { return };
    let python = Python::prepare_with(FILES);
    let script = python.path("src/train.py");
    python.instrument(&script, "--write");
    let line = line_of(&script, "print('epoch'");
    let log = python.path("std_log.txt");
    let url = serve(log.clone());
    let secret = format!("{url}?sig=secret");
    let watching = watch(&python, &secret, &["--break", &format!("train.py:{line}")]);
    let mut step = node.start(&python, &script, &log, "60");
    let ended = watching.end().with_code(0);
    assert_eq!(ended.result()["stops"].as_array().map(Vec::len), Some(2));
    assert!(!format!("{ended:?}").replace(&secret, "").contains("secret"), "{ended:?}");
    step.wait().expect("it is ours");
    let refused = watch(&python, &format!("{url}/forbidden"), &[]).end().with_code(2);
    assert_eq!(refused.result()["failure"]["what"]["id"], "remote.log-forbidden");
}

#[test]
fn a_step_that_nobody_reached_in_time_says_so() {
    let python = Python::prepare_with(FILES);
    let log = python.path("std_log.txt");
    fs::write(&log, "Debugger attached = False (ModuleNotFoundError: No module named 'debugpy')\n")
        .expect("ours");
    let ended = watch(&python, &log.display().to_string(), &[]).end().with_code(3);
    let failure = &ended.result()["failure"];
    assert_eq!(failure["what"]["id"], "remote.gave-up");
    assert!(failure["detail"][0].as_str().expect("why").contains("No module named 'debugpy'"));
    assert!(failure["fix"]["text"].as_str().expect("a fix").contains("--wait SECONDS"));
}

#[test]
fn each_reason_why_a_node_is_out_of_reach_is_named() {
    let Some(node) = Node::up() else { return };
    let python = Python::prepare_with(FILES);
    let cause = |place: Option<&Node>, address: &str, port: u16| {
        let log = python.path(&format!("{address}.txt"));
        fs::write(&log, format!("remote_debug_port: {port}\nip_address: {address}\n")).expect("ours");
        let arguments = arguments(&python, &log.display().to_string(), &[]);
        let command = python.ground.command(arguments);
        let command = match place {
            Some(place) => place.inside(&command),
            None => command,
        };
        let ended = Started::new(command).end().with_code(3);
        let found = ended.objects().into_iter().find(|event| event["event"] == "outOfReach");
        let not_listening = ended.stdout.contains("remote.not-listening");
        (found.expect("a cause")["cause"].as_str().unwrap_or_default().to_owned(), not_listening)
    };
    let address = node.address.as_str();
    assert_eq!(cause(None, address, 5990), ("refused".to_owned(), true));
    node.run(&["iptables", "-A", "INPUT", "-p", "tcp", "--dport", "5991", "-j", "DROP"]);
    assert_eq!(cause(None, address, 5991), ("filtered".to_owned(), false));
    assert_eq!(cause(None, &node.near(77), 5678).0, "noRoute");
    assert_eq!(cause(None, "no-such-node.invalid", 5678).0, "notResolved");
    // From inside: first no way anywhere, then one that leads to nobody who passes anything on.
    assert_eq!(cause(Some(&node), "10.3.0.5", 5678).0, "noRoute");
    node.run(&["ip", "link", "add", "hole", "type", "bridge"]);
    node.run(&["ip", "link", "set", "hole", "up", "arp", "off"]);
    node.run(&["ip", "route", "add", "default", "dev", "hole"]);
    assert_eq!(cause(Some(&node), "10.3.0.5", 5678).0, "outsideNetwork");
    assert_eq!(cause(Some(&node), "203.0.113.5", 5678).0, "filtered");
}

fn watch(python: &Python, log: &str, more: &[&str]) -> Started {
    Started::new(python.ground.command(arguments(python, log, more)))
}

fn arguments(python: &Python, log: &str, more: &[&str]) -> Vec<String> {
    let code = python.path("src").display().to_string();
    let words = ["attach", "--log", log, "--code", &code, "--json"];
    words.iter().chain(more).map(|word| (*word).to_owned()).collect()
}

fn line_of(script: &Path, text: &str) -> u64 {
    let script = fs::read_to_string(script).expect("a script");
    1 + script.lines().position(|line| line.contains(text)).expect("the line") as u64
}

/// A network namespace with an address that this machine has a way to.
struct Node {
    name: String,
    address: String,
}

static COUNT: AtomicU16 = AtomicU16::new(0);

impl Node {
    /// `None`, and said, where the tests may not make networks.
    fn up() -> Option<Self> {
        if !is_root() {
            not_told("a node, since only root may make network namespaces");
            return None;
        }
        let number =
            (std::process::id() as u16).wrapping_mul(8).wrapping_add(COUNT.fetch_add(1, Ordering::Relaxed));
        let (name, net) =
            (format!("amldebug{number}"), format!("10.{}.{}", 180 + number % 16, number / 16 % 256));
        let node = Self { address: format!("{net}.2"), name };
        let (inside, outside) = (format!("in{number}"), format!("out{number}"));
        ip(&["netns", "add", &node.name]);
        ip(&["link", "add", &outside, "type", "veth", "peer", "name", &inside, "netns", &node.name]);
        ip(&["addr", "add", &format!("{net}.1/24"), "dev", &outside]);
        ip(&["link", "set", &outside, "up"]);
        node.run(&["ip", "addr", "add", &format!("{net}.2/24"), "dev", &inside]);
        node.run(&["ip", "link", "set", &inside, "up"]);
        node.run(&["ip", "link", "set", "lo", "up"]);
        Some(node)
    }

    /// Another address of its network.
    fn near(&self, host: u8) -> String {
        let (net, _) = self.address.rsplit_once('.').expect("four numbers");
        format!("{net}.{host}")
    }

    /// Runs a command on the node.
    fn run(&self, words: &[&str]) {
        ip(&[&["netns", "exec", &self.name], words].concat());
    }

    /// The same command on the node.
    fn inside(&self, command: &Command) -> Command {
        let mut inside = Command::new("ip");
        inside.args(["netns", "exec", &self.name]).arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => inside.env(name, value),
                None => inside.env_remove(name),
            };
        }
        command.get_current_dir().map(|folder| inside.current_dir(folder));
        inside
    }

    /// Starts an instrumented script on the node; what it says goes to a file.
    fn start(&self, python: &Python, script: &Path, log: &Path, seconds: &str) -> Child {
        let client = self.near(1);
        let flags = [
            "--remote_debug",
            "--remote_debug_connection_timeout",
            seconds,
            "--remote_debug_client_ip",
            &client,
        ];
        let mut command = python.python(script, &flags);
        command.current_dir(script.parent().expect("a folder"));
        let log = File::create(log).expect("ours");
        self.inside(&command)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(Stdio::inherit())
            .spawn()
            .expect("Python")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // The links go with it.
        let _ = Command::new("ip").args(["netns", "delete", &self.name]).status();
    }
}

fn ip(words: &[&str]) {
    let output = Command::new("ip").args(words).output().expect("ip");
    assert!(output.status.success(), "ip {words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Serves a file that grows by ranges of bytes, as blob storage does; its URL.
fn serve(file: PathBuf) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let file = file.clone();
            std::thread::spawn(move || answer(stream, &file));
        }
    });
    format!("http://{address}/log")
}

fn answer(mut stream: TcpStream, file: &Path) {
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    loop {
        let (mut first, mut from) = (String::new(), 0);
        if !matches!(reader.read_line(&mut first), Ok(1..)) {
            return;
        }
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).expect("a header");
            if let Some(range) = line.to_ascii_lowercase().strip_prefix("range: bytes=") {
                from = range.split('-').next().and_then(|from| from.parse().ok()).expect("a range");
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut bytes = Vec::new();
        let there = File::open(file).and_then(|mut file| file.read_to_end(&mut bytes));
        let (status, body) = match there {
            _ if first.contains("forbidden") => ("403 Forbidden", &b"expired"[..]),
            Err(_) => ("404 Not Found", &b""[..]),
            Ok(length) if from >= length => ("416 Range Not Satisfiable", &b""[..]),
            // Piece by piece, so that a line arrives in several.
            Ok(length) => ("206 Partial Content", &bytes[from..length.min(from + 7 + from % 40)]),
        };
        let total = bytes.len();
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\nContent-Range: bytes */{total}\r\n\r\n",
            body.len()
        );
        if stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).is_err() {
            return;
        }
    }
}
