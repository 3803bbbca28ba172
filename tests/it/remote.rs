//! `attach --log`: a step on a node, from the line in its growing log to a stopped line, with no hand in
//! between; and each reason why that cannot be, produced for real.
//!
//! A node is a network namespace with an address of its own, in which the real script runs under the real
//! debugpy.

use crate::instrument::{Python, free_port};
use crate::support::{Debugger, Started, is_root, not_told, until};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
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

/// A second step, with code of its own, and the pipeline of both.
const EVALUATE: &str = "\
//- /evaluation/evaluate.py
accuracy = 0.5
print('accuracy', accuracy)
//- /.vscode/settings.json
{}
//- /pipeline.yml
type: pipeline
jobs:
  train: {command: python train.py, code: src, environment: {image: base}}
  evaluate: {command: python evaluate.py, code: evaluation, environment: {image: base}}
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

/// A step that is still at it when the next editor comes, however long that takes.
fn endless() -> String {
    let slowly = "    __import__('time').sleep(0.001)\n    loss =";
    FILES.replace("range(2)", "range(1000000)").replace("    loss =", slowly)
}

/// An editor attaches, stops at the line and leaves, and so does the next one; then the program is ended.
fn come_and_leave_twice(configuration: &Value, code: &str, line: u32, mut step: Child) {
    for _ in 0..2 {
        let mut editor = Debugger::attach(configuration, code, &[("train.py", line)]);
        assert_eq!(editor.stopped().1, u64::from(line));
        let left = editor.request("disconnect", json!({ "terminateDebuggee": false }));
        assert_eq!(left["success"], true, "{left}");
        editor.wait_for_close();
    }
    step.kill().expect("it still runs");
    step.wait().expect("it is ours");
}

#[test]
fn an_editor_attaches_leaves_and_comes_back() {
    let Some(node) = Node::up() else { return };
    let python = Python::prepare_with(&endless());
    let script = python.path("src/train.py");
    python.instrument(&script, "--write");
    let line = line_of(&script, "print('epoch'") as u32;
    let log = python.path("std_log.txt");
    let step = node.start(&python, &script, &log, "60");
    let mut watching = watch(&python, &log.display().to_string(), &[]);
    let ready = watching.wait_for("the offer", |event| event["event"] == "debugReady");
    let code = python.path("src").display().to_string();
    come_and_leave_twice(&ready["configuration"], &code, line, step);
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
    assert!(failure["detail"][0].as_str().expect("why").contains("No module named 'debugpy'"));
    assert_eq!(failure["what"]["id"], "remote.no-debugger");
    // A wait that was too short is to be a longer one, of that step.
    fs::write(
        &log,
        "Timeout for debug connection: 300\nremote_debug_port: 1\nip_address: 127.0.0.1\nDebugger attached = False\n",
    )
    .expect("ours");
    let words = ["--step", "train", "--pipeline", "pipeline.yml"];
    fs::write(
        python.path("pipeline.yml"),
        "type: pipeline\njobs:\n  train:\n    command: python train.py\n    code: src\n    environment: {image: base}\n",
    )
    .expect("ours");
    let ended = watch(&python, &log.display().to_string(), &words).end().with_code(3);
    let failure = &ended.result()["failure"];
    assert_eq!(failure["what"]["id"], "remote.gave-up");
    let fix = failure["fix"]["text"].as_str().expect("a fix");
    assert!(fix.contains("aml-debug variant pipeline.yml --step train --wait 1200"), "{fix}");
}

/// Steps of one pipeline, two ranks of one of them, in a folder in which their logs appear one after the other.
#[test]
fn every_rank_of_every_step_of_a_folder_is_offered_with_its_own_code() {
    let Some(node) = Node::up() else { return };
    let python = Python::prepare_with(&format!("{FILES}{EVALUATE}"));
    let (train, evaluate) = (python.path("src/train.py"), python.path("evaluation/evaluate.py"));
    python.instrument(&train, "--write");
    python.instrument(&evaluate, "--write");
    let logs = python.path("logs");
    let log = |name: &str| {
        let log = logs.join(name);
        fs::create_dir_all(log.parent().expect("a folder")).expect("ours");
        log
    };
    log("run/train/artifacts/user_logs/std_log_process_0.txt");
    let places = [
        format!("train.py:{}", line_of(&train, "print('epoch'")),
        format!("evaluate.py:{}", line_of(&evaluate, "print('accuracy'")),
    ];
    let words = [
        "attach",
        "--log",
        "logs",
        "--pipeline",
        "pipeline.yml",
        "--step",
        "train",
        "--step",
        "evaluate",
        "--json",
        "--break",
        &places[0],
        "--break",
        &places[1],
    ];
    let watching = Started::new(python.ground.command(words));
    let mut steps = Vec::new();
    for rank in ["0", "1"] {
        let file = log(&format!("run/train/artifacts/user_logs/std_log_process_{rank}.txt"));
        let set = [("RANK", rank), ("LOCAL_RANK", rank)];
        steps.push(node.start_with(&python, &train, &file, "60", &set));
    }
    steps.push(node.start_with(
        &python,
        &evaluate,
        &log("run/evaluate/azureml-logs/70_driver_log.txt"),
        "60",
        &[("AML_REMOTE_DEBUG_PORT", "5700")],
    ));
    let ended = watching.end().with_code(0);
    let result = ended.result();
    let mut stops: Vec<String> = result["stops"].as_array().expect("stops").iter().map(of_stop).collect();
    stops.sort();
    assert_eq!(stops, ["evaluate null", "train 0", "train 0", "train 1", "train 1"], "{result}");
    let launch = fs::read_to_string(python.path(".vscode/launch.json")).expect("entries");
    for (name, root) in [
        ("remote debug (train, rank 0)", "${workspaceFolder}/src"),
        ("remote debug (train, rank 1)", "${workspaceFolder}/src"),
        ("remote debug (evaluate)", "${workspaceFolder}/evaluation"),
    ] {
        let (_, entry) = launch.split_once(name).unwrap_or_else(|| panic!("{name}: {launch}"));
        let root = format!("\"localRoot\": \"{root}\"");
        let own = entry.find("localRoot").map(|at| entry[at - 1..].starts_with(&root));
        assert_eq!(own, Some(true), "{name}: {launch}");
    }
    for mut step in steps {
        step.wait().expect("it is ours");
    }
}

fn of_stop(stop: &Value) -> String {
    format!("{} {}", stop["step"].as_str().unwrap_or_default(), stop["rank"])
}

#[test]
fn workers_of_a_step_stop_as_well_and_none_is_left_waiting() {
    let Some(node) = Node::up() else { return };
    let pool = "\
//- /src/pool.py
import multiprocessing
import sys

def work(n):
    square = n * n
    return square

if __name__ == '__main__':
    with multiprocessing.get_context('fork').Pool(2) as pool:
        print('squares', pool.map(work, range(4)))
";
    let python = Python::prepare_with(pool);
    let script = python.path("src/pool.py");
    python.instrument(&script, "--write");
    let line = line_of(&script, "return square");
    let log = python.path("std_log.txt");
    let watching = watch(&python, &log.display().to_string(), &["--break", &format!("pool.py:{line}")]);
    let mut step = node.start(&python, &script, &log, "60");
    let result = watching.end().with_code(0).result();
    step.wait().expect("it is ours");
    let stops = result["stops"].as_array().expect("stops");
    let mut squares: Vec<_> = stops.iter().map(|stop| stop["locals"]["square"].as_str()).collect();
    squares.sort();
    assert_eq!(squares, [Some("0"), Some("1"), Some("4"), Some("9")], "{result}");
    assert!(stops.iter().all(|stop| stop["process"].is_u64()), "{result}");
    let said = fs::read_to_string(&log).expect("a log");
    assert!(said.ends_with("squares [0, 1, 4, 9]\n"), "{said}");
}

#[test]
fn a_step_calls_where_only_that_direction_is_open_and_nobody_without_the_token_is_let_in() {
    let Some(node) = Node::up() else { return };
    let python = Python::prepare_with(FILES);
    let script = python.path("src/train.py");
    python.instrument(&script, "--write");
    let line = line_of(&script, "print('epoch'");
    // Nothing that is begun from outside comes in.
    node.run(&["iptables", "-A", "INPUT", "-p", "tcp", "--syn", "!", "-i", "lo", "-j", "DROP"]);
    let port = free_port();
    let address = format!("{}:{port}", node.near(1));
    let code = python.path("src").display().to_string();
    let place = format!("train.py:{line}");
    let words =
        ["attach", "--listen", &address, "--step", "train", "--code", &code, "--break", &place, "--json"];
    let mut watching = Started::new(python.ground.command(words));
    let listening = watching.wait_for("the listener", |event| event["event"] == "listening");
    assert_eq!(listening["address"], address.as_str());
    let file = listening["tokenFile"].as_str().expect("a file");
    let token = fs::read_to_string(file).expect("a token").trim().to_owned();
    assert_eq!(token.len(), 64);
    // Somebody who knows the way and not the token.
    let guess = [("AML_REMOTE_DEBUG_CALL", address.as_str()), ("AML_REMOTE_DEBUG_TOKEN", "guess")];
    let mut stranger = node.start_with(&python, &script, &python.path("stranger.txt"), "60", &guess);
    watching.wait_for("the refusal", |event| event["event"] == "refusedCaller");
    stranger.kill().expect("it waits");
    stranger.wait().expect("it is ours");
    let knows = [
        ("AML_REMOTE_DEBUG_CALL", address.as_str()),
        ("AML_REMOTE_DEBUG_TOKEN", &token),
        ("AML_REMOTE_DEBUG_STEP", "train"),
    ];
    let log = python.path("std_log.txt");
    let mut step = node.start_with(&python, &script, &log, "60", &knows);
    let ended = watching.end().with_code(0);
    step.wait().expect("it is ours");
    let result = ended.result();
    let stops = result["stops"].as_array().expect("stops");
    assert_eq!(
        (stops.len(), &stops[1]["locals"]["epoch"], &stops[0]["step"]),
        (2, &"1".into(), &"train".into())
    );
    assert!(!format!("{ended:?}").contains(&token), "{ended:?}");
    let said = fs::read_to_string(&log).expect("a log");
    assert_eq!(said, "Timeout for debug connection: 60\nDebugger attached = True\nepoch 0\nepoch 1\n");

    // Nobody is there to be called: the wait ends by itself.
    let mut alone = node.start_with(&python, &script, &log, "0.5", &knows);
    alone.wait().expect("it is ours");
    let said = fs::read_to_string(&log).expect("a log");
    assert!(said.contains("Debugger attached = False (") && said.ends_with("epoch 0\nepoch 1\n"), "{said}");
}

#[test]
fn a_caller_that_nobody_attends_goes_on_and_an_editor_comes_and_goes() {
    let python = Python::prepare_with(&endless());
    let script = python.path("src/train.py");
    python.instrument(&script, "--write");
    let line = line_of(&script, "print('epoch'") as u32;
    let code = python.path("src").display().to_string();
    let port = free_port().to_string();
    let mut watching =
        Started::new(python.ground.command(["attach", "--listen", &port, "--code", &code, "--json"]));
    let listening = watching.wait_for("the listener", |event| event["event"] == "listening");
    assert_eq!(listening["address"], format!("127.0.0.1:{port}"), "loopback where no address is given");
    let file = listening["tokenFile"].as_str().expect("a file");
    let token = fs::read_to_string(file).expect("a token").trim().to_owned();
    let log = python.path("std_log.txt");
    let mut command = python.python(&script, &["--remote_debug", "--remote_debug_connection_timeout", "1"]);
    command.env("AML_REMOTE_DEBUG_CALL", format!("127.0.0.1:{port}")).env("AML_REMOTE_DEBUG_TOKEN", &token);
    command
        .current_dir(python.path("src"))
        .stdout(File::create(&log).expect("ours"))
        .stderr(Stdio::inherit());
    let step = command.spawn().expect("Python");
    let ready = watching.wait_for("the offer", |event| event["event"] == "debugReady");
    until("the program goes on", || {
        let said = fs::read_to_string(&log).expect("a log");
        said.contains("Debugger attached = False\nepoch 0\n").then_some(())
    });
    come_and_leave_twice(&ready["configuration"], &code, line, step);
    watching.signal("INT");
    watching.end().with_code(130);
}

#[test]
fn a_node_behind_an_ssh_host_is_reached_through_it_and_what_is_wrong_there_is_named() {
    let Some(jump) = Node::up() else { return };
    let Some(host) = SshHost::up(&jump) else { return };
    let node = Node::behind(&jump);
    let mut python = Python::prepare_with(FILES);
    let script = python.path("src/train.py");
    python.instrument(&script, "--write");
    let line = line_of(&script, "print('epoch'");
    let log = python.path("std_log.txt");
    host.configure(&mut python, true, true);
    let through = host.shown(22);
    let place = format!("train.py:{line}");
    let watching = watch(&python, &log.display().to_string(), &["--jump", &through, "--break", &place]);
    let mut step = node.start(&python, &script, &log, "60");
    let ended = watching.end().with_code(0);
    assert_eq!(ended.result()["stops"].as_array().map(Vec::len), Some(2), "{ended:?}");
    step.wait().expect("it is ours");

    let cause = |python: &Python, through: &str, port: u16| {
        let log = python.path("cause.txt");
        fs::write(&log, format!("remote_debug_port: {port}\nip_address: {}\n", node.address)).expect("ours");
        let log = log.display().to_string();
        let ended = watch(python, &log, &["--jump", through]).end().with_code(3);
        let found = ended.objects().into_iter().find(|event| event["event"] == "outOfReach");
        let failure = ended.result()["failure"].clone();
        assert!(failure["fix"]["text"].is_string(), "{failure}");
        found.expect("a cause")["cause"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(cause(&python, &through, 5990), "refused", "the node's word, told by the host");
    node.run(&["iptables", "-A", "INPUT", "-p", "tcp", "--dport", "5991", "-j", "DROP"]);
    assert_eq!(cause(&python, &through, 5991), "filtered");
    assert_eq!(cause(&python, &host.shown(23), 5678), "jumpForbids");
    assert_eq!(cause(&python, &host.shown(24), 5678), "jumpRefused");
    assert_eq!(cause(&python, &format!("root@{}", jump.near(77)), 5678), "jumpUnreachable");
    assert_eq!(cause(&python, "root@no-such-host.invalid", 5678), "jumpNotResolved");
    host.configure(&mut python, false, true);
    assert_eq!(cause(&python, &through, 5678), "jumpDenied");
    host.configure(&mut python, true, false);
    assert_eq!(cause(&python, &through, 5678), "jumpHostKey");
    let refused = watch(&python, "x", &["--jump", "-oProxyCommand=true"]).end();
    assert_eq!(refused.code, Some(2), "{refused:?}");
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

    /// A node that only another one has a way to.
    fn behind(other: &Self) -> Self {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let (name, net) = (format!("{}b{number}", other.name), format!("10.{}.77", 196 + number % 32));
        let node = Self { address: format!("{net}.2"), name };
        let (inside, outside) = (format!("bi{}", &node.name[8..]), format!("bo{}", &node.name[8..]));
        ip(&["netns", "add", &node.name]);
        other.run(&[
            "ip", "link", "add", &outside, "type", "veth", "peer", "name", &inside, "netns", &node.name,
        ]);
        other.run(&["ip", "addr", "add", &format!("{net}.1/24"), "dev", &outside]);
        other.run(&["ip", "link", "set", &outside, "up"]);
        node.run(&["ip", "addr", "add", &format!("{net}.2/24"), "dev", &inside]);
        node.run(&["ip", "link", "set", &inside, "up"]);
        node.run(&["ip", "link", "set", "lo", "up"]);
        node
    }

    /// Starts an instrumented script on the node; what it says goes to a file.
    fn start(&self, python: &Python, script: &Path, log: &Path, seconds: &str) -> Child {
        self.start_with(python, script, log, seconds, &[])
    }

    /// The same with variables of its own.
    fn start_with(
        &self,
        python: &Python,
        script: &Path,
        log: &Path,
        seconds: &str,
        variables: &[(&str, &str)],
    ) -> Child {
        let client = self.near(1);
        let flags = [
            "--remote_debug",
            "--remote_debug_connection_timeout",
            seconds,
            "--remote_debug_client_ip",
            &client,
        ];
        let mut command = python.python(script, &flags);
        command.envs(variables.iter().copied());
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

/// A real SSH server on a node, with a key of its own and one that it knows.
struct SshHost {
    folder: tempfile::TempDir,
    address: String,
    servers: Vec<Child>,
}

impl SshHost {
    /// One that leads through on port 22, one that forbids it on port 23. `None`, and said, without a server.
    fn up(node: &Node) -> Option<Self> {
        if !Path::new("/usr/sbin/sshd").exists() {
            not_told("a node behind an SSH host, since there is no SSH server on this machine");
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name).display().to_string();
        for key in ["host", "own"] {
            let made =
                Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f", &path(key)]).status();
            assert!(made.expect("ssh-keygen").success());
        }
        fs::copy(path("own.pub"), path("authorized")).expect("ours");
        fs::create_dir_all("/run/sshd").expect("the server's empty folder");
        let mut host = Self { address: node.address.clone(), servers: Vec::new(), folder };
        for (port, leads) in [(22, "yes"), (23, "no")] {
            let path = |name: &str| host.folder.path().join(name).display().to_string();
            let text = format!(
                "ListenAddress {}:{port}\nHostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\n\
                 PermitRootLogin yes\nPasswordAuthentication no\nAllowTcpForwarding {leads}\nPidFile none\n",
                node.address,
                path("host"),
                path("authorized"),
            );
            let config = path(&format!("sshd{port}"));
            fs::write(&config, text).expect("ours");
            let mut server = Command::new("/usr/sbin/sshd");
            server.args(["-D", "-e", "-f", &config]);
            let server = node.inside(&server).stderr(Stdio::null()).spawn().expect("a server");
            host.servers.push(server);
            let address = (node.address.clone(), port);
            until("the SSH server", || TcpStream::connect((address.0.as_str(), address.1)).ok());
        }
        Some(host)
    }

    /// What stands in a person's `~/.ssh/config`: a key that the host knows, the key that the host has.
    fn configure(&self, python: &mut Python, key: bool, host_key: bool) {
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        let public = fs::read_to_string(path("host.pub")).expect("a key");
        let known = match host_key {
            true => format!("{0} {public}[{0}]:23 {public}", self.address),
            false => String::new(),
        };
        fs::write(path("known_hosts"), known).expect("ours");
        let identity =
            if key { format!("IdentityFile {}\n", path("own")) } else { "IdentityFile none\n".to_owned() };
        let text = format!(
            "UserKnownHostsFile {}\nGlobalKnownHostsFile /dev/null\nIdentitiesOnly yes\nIdentityAgent none\n{identity}",
            path("known_hosts"),
        );
        fs::write(path("config"), text).expect("ours");
        // The program finds its configuration by the user's own home, wherever `HOME` points.
        let bin = self.folder.path().join("bin");
        fs::create_dir_all(&bin).expect("ours");
        let wrapper = format!("#!/bin/sh\nexec /usr/bin/ssh -F {} \"$@\"\n", path("config"));
        fs::write(bin.join("ssh"), wrapper).expect("ours");
        fs::set_permissions(bin.join("ssh"), fs::Permissions::from_mode(0o755)).expect("ours");
        let others = std::env::var("PATH").expect("a path");
        python.ground.set("PATH", format!("{}:{others}", bin.display()));
    }

    fn shown(&self, port: u16) -> String {
        format!("root@{}:{port}", self.address)
    }
}

impl Drop for SshHost {
    fn drop(&mut self) {
        for server in &mut self.servers {
            let _ = server.kill();
            let _ = server.wait();
        }
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
