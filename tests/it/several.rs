//! More than one of everything: processes, stores, debuggers, users.

use crate::support::engine::{self, docker};
use crate::support::program::text;
use crate::support::{Debugger, Ground, Started, is_root};
use serde_json::{Value, json};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

const WAITS: &str = r#"
//- /src/x.py
import os, sys, time
name = sys.argv[1:]
print("here", *name, flush=True)
count = 0
while not os.path.exists("go"):
    count += 1
    time.sleep(0.02)
print("there", *name)
"#;

fn code(ground: &Ground) -> String {
    ground.path("src").display().to_string()
}

fn let_go(ground: &Ground) {
    fs::write(ground.path("src/go"), "").expect("ours");
}

fn waiting(ground: &Ground) -> (Started, Value) {
    let mut run = ground.start(["run", "job.yml", "--debug", "--json"]);
    let configuration = run.wait_until_ready();
    (run, configuration)
}

#[test]
fn two_processes_run_one_workspace_at_once() {
    let ground = Ground::with_job("python x.py ${{inputs.who}}\ninputs:\n  who: nobody", WAITS);
    let start = |who: &str| {
        ground.start(["run", "job.yml", "--debug", "--set", &format!("inputs.who={who}"), "--json"])
    };
    let (mut one, mut two) = (start("one"), start("two"));
    let (first, second) = (one.wait_until_ready(), two.wait_until_ready());
    assert_ne!(first["connect"]["port"], second["connect"]["port"]);
    assert_eq!(ground.runs().len(), 2);
    assert!(ground.runs().iter().all(|run| run["state"] == "waiting"));
    let mut debuggers: Vec<_> =
        [&first, &second].map(|ready| Debugger::attach(ready, &code(&ground), &[("x.py", 4)])).into();
    let names: Vec<_> = debuggers
        .iter_mut()
        .map(|debugger| {
            let (thread, _, locals) = debugger.stopped();
            debugger.go_on(&thread);
            locals["name"].clone()
        })
        .collect();
    assert_eq!(names, ["['one']", "['two']"]);
    let_go(&ground);
    for (run, who) in [(one, "one"), (two, "two")] {
        let ended = run.end().with_code(0);
        assert_eq!(ended.log("driver"), [format!("here {who}"), format!("there {who}")]);
    }
    ground.leaves_nothing();
    assert_eq!(ground.files(), ["job.yml", "src", "src/go", "src/x.py"]);
}

#[test]
fn two_stores_on_one_engine_leave_each_other_alone() {
    let (mine, theirs) = (Ground::with_job("python x.py", WAITS), Ground::with_job("python x.py", WAITS));
    let start = |ground: &Ground| {
        let mut run = ground.start(["run", "job.yml", "--json"]);
        run.wait_for_line("here");
        run
    };
    let (run, other) = (start(&mine), start(&theirs));
    // Mine is killed and adopted; a sweep over what nobody owns must not see theirs.
    run.kill();
    assert_eq!(mine.only_run()["state"], "running");
    let name = mine.only_run()["run"].clone();
    mine.call(["runs", "cancel", name.as_str().unwrap()]).with_code(0);
    mine.leaves_nothing();
    assert_eq!(theirs.only_run()["state"], "running");
    assert_eq!(theirs.containers().len(), 1);
    let_go(&theirs);
    other.end().with_code(0);
}

#[test]
fn a_second_debugger_is_refused_by_name_and_the_first_stays() {
    let ground = Ground::with_job("python x.py", WAITS);
    let (run, ready) = waiting(&ground);
    let mut first = Debugger::attach(&ready, &code(&ground), &[("x.py", 4)]);
    let (thread, _, _) = first.stopped();
    let mut second = Debugger::connect(ready["connect"]["port"].as_u64().unwrap());
    let refused = second.request("initialize", json!({ "clientName": "another", "adapterID": "debugpy" }));
    assert_eq!(refused["success"], false);
    let said = text(&refused["message"]);
    assert!(
        said.contains("a test is attached to this run already") && said.contains("Disconnect it there"),
        "{said}"
    );
    second.wait_for_close();
    let_go(&ground);
    first.go_on(&thread);
    run.end().with_code(0);
}

#[test]
fn a_debugger_disconnects_the_run_goes_on_and_another_attaches() {
    let ground = Ground::with_job("python x.py", WAITS);
    let (mut run, ready) = waiting(&ground);
    let mut first = Debugger::attach(&ready, &code(&ground), &[("x.py", 6)]);
    first.stopped();
    run.wait_for_state("paused");
    assert_eq!(first.request("disconnect", json!({}))["success"], true);
    run.wait_for_state("running");
    let mut second = Debugger::attach(&ready, &code(&ground), &[("x.py", 7)]);
    let (thread, line, locals) = second.stopped();
    assert_eq!(line, 7);
    assert!(locals["count"].parse::<u32>().unwrap() >= 1);
    // This one vanishes without a word; the program stays where it stands.
    drop(second);
    let mut third = Debugger::attach(&ready, &code(&ground), &[]);
    let (again, line, _) = third.stopped();
    assert_eq!((again.clone(), line), (thread, 7));
    let_go(&ground);
    third.go_on(&again);
    third.event("terminated");
    let ended = run.end().with_code(0);
    assert_eq!(ended.log("driver"), ["here", "there"]);
    ground.leaves_nothing();
}

#[test]
fn a_debugger_that_says_stop_ends_the_run() {
    let ground = Ground::with_job("python x.py", WAITS);
    let (run, ready) = waiting(&ground);
    let mut debugger = Debugger::attach(&ready, &code(&ground), &[("x.py", 4)]);
    debugger.stopped();
    debugger.request("terminate", json!({}));
    run.end().with_code(130);
    ground.leaves_nothing();
}

#[test]
fn whoever_speaks_http_to_the_gateway_gets_a_sentence_and_no_session() {
    let ground = Ground::with_job("python x.py", WAITS);
    let (run, ready) = waiting(&ground);
    let port = ready["connect"]["port"].as_u64().unwrap();
    let body = "Content-Length: 99\r\n\r\n{\"seq\":1,\"type\":\"request\",\"command\":\"initialize\"}";
    for request in [
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".to_owned(),
        format!("POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\n{body}"),
    ] {
        let mut stream = TcpStream::connect(("127.0.0.1", u16::try_from(port).unwrap())).unwrap();
        stream.set_read_timeout(Some(crate::support::LIMIT)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut said = Vec::new();
        let _ = stream.read_to_end(&mut said);
        let said = String::from_utf8_lossy(&said);
        assert!(said.contains("an HTTP request was refused"), "{said}");
    }
    // The port is still the debugger's.
    let_go(&ground);
    Debugger::attach(&ready, &code(&ground), &[]);
    run.end().with_code(0);
}

#[test]
fn another_user_of_the_machine_cannot_attach() {
    if !is_root() {
        // Only root can be somebody else.
        return;
    }
    let mut ground = Ground::with_job("python x.py", WAITS);
    // The run is one user's, and it is another who comes. Root may always.
    let bridge = crate::support::Bridge::open(ground.beside("engine.sock"));
    ground.set("DOCKER_HOST", bridge.address());
    ground.set("HOME", ground.beside("user").display().to_string());
    ground.become_nobody();
    let (run, ready) = waiting(&ground);
    let port = ready["connect"]["port"].as_u64().unwrap();
    let ask = format!(
        "exec 3<>/dev/tcp/127.0.0.1/{port}; printf 'Content-Length: 50\\r\\n\\r\\n{{\"seq\":1,\"type\":\"request\",\"command\":\"initialize\"}} ' >&3; head -c 15 <&3"
    );
    let answer = |uid: &str| {
        let mut command = std::process::Command::new("setpriv");
        command.args([
            &format!("--reuid={uid}"),
            "--regid=65533",
            "--clear-groups",
            "--",
            "bash",
            "-c",
            &ask,
        ]);
        String::from_utf8_lossy(&command.output().unwrap().stdout).into_owned()
    };
    assert_eq!(answer("65533"), "", "a stranger gets nothing");
    assert_eq!(answer("65534"), "Content-Length:", "the user gets an answer");
    let_go(&ground);
    Debugger::attach(&ready, &code(&ground), &[]);
    run.end().with_code(0);
}

#[test]
fn eight_command_lines_at_once_on_one_workspace_all_have_their_run() {
    let ground =
        Ground::with_job("python x.py", "\n//- /src/x.py\nimport os\nprint(os.environ['AZUREML_RUN_ID'])\n");
    let runs: Vec<_> = (0..8).map(|_| ground.start(["run", "job.yml", "--json"])).collect();
    for run in runs {
        let ended = run.end().with_code(0);
        assert_eq!(ended.log("driver"), [text(&ended.result()["run"])]);
    }
    assert_eq!(ground.runs().iter().filter(|run| run["state"] == "completed").count(), 8);
    assert_eq!(ground.files(), ["job.yml", "src", "src/x.py"]);
    ground.leaves_nothing();
}

#[test]
fn a_container_beside_it_cannot_reach_the_debuggee() {
    let ground = Ground::with_job("python x.py", WAITS);
    let (run, ready) = waiting(&ground);
    let container = ground.containers().remove(0);
    // Its port stands on its own loopback alone.
    let report = docker(&["exec", &container, "cat", "/run/aml-debug/report.json"]);
    let report: Value = serde_json::from_str(&report).expect("a report");
    let port = report["port"].as_u64().expect("a port");
    let address = docker(&[
        "inspect",
        "--format",
        "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}",
        &container,
    ]);
    assert!(address.contains('.'), "{address}");
    let knock = format!(
        "import socket; knock = socket.socket(); knock.settimeout(5); print(knock.connect_ex(('{address}', {port})))"
    );
    let beside = |words: &[&str]| {
        docker(&[&["run", "--rm"], words, &[engine::base(), "python3", "-c", knock.as_str()]].concat())
    };
    assert_eq!(beside(&[]), "111", "the connection is refused");
    // And nothing of it is published.
    assert_eq!(docker(&["port", &container]), "");
    let_go(&ground);
    Debugger::attach(&ready, &code(&ground), &[]);
    run.end().with_code(0);
}
