//! Processes that the debugged program starts, and which of several is debugged.

use crate::support::Ground;
use crate::support::debugger::Debugger;
use crate::support::program::{Ended, text, told};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const POOL: &str = r#"
//- /src/pool.py
import multiprocessing, sys

def work(n):
    square = n * n
    return square

if __name__ == "__main__":
    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
        print("squares", pool.map(work, range(4)))
"#;

const STARTS: &str = r#"
//- /src/starts.py
import os, subprocess, sys

if len(sys.argv) > 1:
    word = sys.argv[1]
    print("inner", word, flush=True)
else:
    subprocess.run([sys.executable, __file__, "started"], check=True)
    forked = os.fork()
    if not forked:
        print("fork", forked, flush=True)
        os._exit(0)
    os.waitpid(forked, 0)
    print("outer")
"#;

/// A launcher of the shape of `torchrun`: the same script several times, told apart by the environment. Each writes its
/// line at once, for they share an output.
const RANKS: &str = r#"
//- /src/bin/torchrun
#!/usr/bin/env python3
import os, subprocess, sys

def start(rank):
    here = dict(os.environ, RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE="3")
    return subprocess.Popen([sys.executable, "-u", *sys.argv[1:]], env=here)

processes = [start(rank) for rank in (2, 1, 0)]
sys.exit(max(process.wait() for process in processes))
//- /src/train.py
import os

rank = int(os.environ["RANK"])
os.write(1, f"rank {rank}\n".encode())
"#;

fn ranks() -> Ground {
    let ground = Ground::with_job("PATH=$PWD/bin:$PATH torchrun train.py", RANKS);
    let everybody = fs::Permissions::from_mode(0o755);
    fs::set_permissions(ground.path("src/bin/torchrun"), everybody).expect("it is ours");
    ground
}

/// What the control log says of processes that are not debugged.
fn said(ended: &Ended) -> Vec<String> {
    let lines = ended.log("control").into_iter();
    lines.filter(|line| line.contains("runs without the debugger")).collect()
}

/// The locals of each stop that was in another process than the debuggee, with the number of processes.
fn in_children(result: &Value, local: &str) -> (Vec<String>, usize) {
    let stops = result["stops"].as_array().expect("stops");
    let children: Vec<_> = stops.iter().filter(|stop| stop.get("process").is_some()).collect();
    let mut values: Vec<_> = children.iter().map(|stop| text(&stop["locals"][local])).collect();
    values.sort();
    let mut processes: Vec<_> = children.iter().map(|stop| stop["process"].as_u64()).collect();
    processes.sort();
    processes.dedup();
    (values, processes.len())
}

#[test]
fn a_pool_of_workers_finishes_under_the_debugger_and_is_told_of_once() {
    for method in ["fork", "spawn", "forkserver"] {
        let ground = Ground::with_job(&format!("python pool.py {method}"), POOL);
        let ended = ground.call(["run", "job.yml", "--break", "src/pool.py:9", "--json"]).with_code(0);
        assert_eq!(ended.log("driver"), ["squares [0, 1, 4, 9]"], "{method}");
        let said = said(&ended);
        assert_eq!(said.len(), 1, "{method}: {said:?}");
        assert!(said[0].contains("--children") && said[0].contains("\"subProcess\": true"), "{said:?}");
        ground.leaves_nothing();
    }
}

#[test]
fn workers_of_a_pool_stop_where_they_are_debugged() {
    for method in ["fork", "spawn", "forkserver"] {
        let ground = Ground::with_job(&format!("python pool.py {method}"), POOL);
        let places = ["--break", "src/pool.py:5", "--children"];
        let ended = ground.call(["run", "job.yml", "--json"].into_iter().chain(places)).with_code(0);
        let (squares, _) = in_children(&ended.result(), "square");
        assert_eq!(squares, ["0", "1", "4", "9"], "{method}");
        assert_eq!(ended.log("driver"), ["squares [0, 1, 4, 9]"], "{method}");
        assert_eq!(said(&ended), [""; 0], "{method}");
        ground.leaves_nothing();
    }
}

#[test]
fn a_worker_of_gunicorn_stops_with_no_script_named() {
    let files = r#"
//- /job.yml
type: command
code: src
command: gunicorn --bind 127.0.0.1:8000 app:app
environment:
  image: $BASE
  conda_file: conda.yml
//- /conda.yml
dependencies:
  - pip:
      - gunicorn
//- /src/app.py
import os, signal, threading, time, urllib.request

def ask():
    while True:
        try:
            urllib.request.urlopen("http://127.0.0.1:8000/").read()
        except OSError:
            time.sleep(0.1)

threading.Thread(target=ask, daemon=True).start()

def app(environ, start_response):
    asked = environ["REQUEST_METHOD"]
    os.kill(os.getppid(), signal.SIGTERM)
    start_response("200 OK", [("Content-Length", "0")])
    return []
"#;
    let ground = Ground::with(files);
    let words = ["run", "job.yml", "--break", "src/app.py:14", "--children", "--json"];
    let (asked, workers) = in_children(&ground.call(words).with_code(0).result(), "asked");
    assert_eq!((asked.first().map(String::as_str), workers), (Some("'GET'"), 1));
    ground.leaves_nothing();
}

#[test]
fn a_program_that_was_started_and_a_fork_stop_as_well() {
    let ground = Ground::with_job("python starts.py", STARTS);
    let places = ["--break", "src/starts.py:5", "--break", "src/starts.py:10", "--break", "src/starts.py:13"];
    let words = ["run", "job.yml", "--children", "--json"].into_iter().chain(places);
    let ended = ground.call(words).with_code(0);
    let result = ended.result();
    let stops: Vec<_> = result["stops"].as_array().unwrap().iter().map(|stop| stop["line"].clone()).collect();
    assert_eq!(stops, [5, 10, 13], "{result}");
    assert_eq!(in_children(&result, "word").1, 2, "each in a process of its own: {result}");
    assert_eq!(ended.log("driver"), ["inner started", "fork 0", "outer"]);
}

#[test]
fn the_first_rank_is_debugged_unless_another_is_named() {
    let ground = ranks();
    for (named, rank) in [(&[][..], "0"), (&["--rank", "2"], "2")] {
        let words = ["run", "job.yml", "--break", "src/train.py:4", "--json"];
        let ended = ground.call(words.iter().chain(named)).with_code(0);
        let result = ended.result();
        assert_eq!(result["stops"].as_array().unwrap().len(), 1, "{result}");
        assert_eq!(result["stops"][0]["locals"]["rank"], rank);
        let mut log = ended.log("driver");
        log.sort();
        assert_eq!(log, ["rank 0", "rank 1", "rank 2"]);
        assert_eq!(said(&ended).len(), 1, "the others are told of");
    }
}

#[test]
fn a_rank_that_never_was_is_said_so() {
    let ground = ranks();
    let words = ["run", "job.yml", "--rank", "7", "--break", "src/train.py:4", "--json"];
    let failure = told(&ground.call(words).with_code(2).result()["failure"]);
    assert!(failure.contains("no process of rank 7 was seen"), "{failure}");
    ground.leaves_nothing();
}

#[test]
fn every_rank_stops_where_all_are_debugged() {
    let ground = ranks();
    let words = ["run", "job.yml", "--children", "--break", "src/train.py:4", "--json"];
    let ended = ground.call(words).with_code(0);
    let result = ended.result();
    let stops = result["stops"].as_array().unwrap();
    let mut seen: Vec<_> = stops.iter().map(|stop| text(&stop["locals"]["rank"])).collect();
    seen.sort();
    assert_eq!(seen, ["0", "1", "2"], "{result}");
    assert_eq!(in_children(&result, "rank").1, 2, "the first is the debuggee: {result}");
    ground.leaves_nothing();
}

#[test]
fn a_rerun_may_debug_another_rank_and_the_children() {
    let ground = ranks();
    let first = ground.call(["run", "job.yml", "--json"]).with_code(0).result();
    let run = first["run"].as_str().unwrap();
    let words = ["rerun", run, "--rank", "1", "--break", "src/train.py:4", "--json"];
    let result = ground.call(words).with_code(0).result();
    assert_eq!(result["stops"][0]["locals"]["rank"], "1", "{result}");
}

#[test]
fn a_child_whose_debugger_does_not_come_goes_on_by_itself() {
    let mut ground = Ground::with_job("python starts.py", STARTS);
    ground.set("AML_DEBUG_WAIT", "2");
    let mut run = ground.start(["run", "job.yml", "--debug", "--children", "--json"]);
    let ready = run.wait_until_ready();
    let local = ground.path("src").display().to_string();
    let mut debugger = Debugger::attach(&ready, &local, &[]);
    let child = debugger.event("debugpyAttach");
    assert_eq!(child["pathMappings"][0]["localRoot"], local);
    assert_eq!(child["connect"]["host"], "127.0.0.1");
    assert_ne!(child["connect"]["port"], ready["connect"]["port"]);
    // Nobody connects there.
    let ended = run.end().with_code(0);
    assert_eq!(ended.log("driver"), ["inner started", "fork 0", "outer"]);
}

#[test]
fn a_client_chooses_children_in_its_own_configuration() {
    let ground = Ground::with_job("python starts.py", STARTS);
    let mut run = ground.start(["run", "job.yml", "--debug", "--json"]);
    let mut ready = run.wait_until_ready();
    ready["subProcess"] = json!(true);
    let local = ground.path("src").display().to_string();
    let mut debugger = Debugger::attach(&ready, &local, &[]);
    let child = debugger.event("debugpyAttach");
    let mut inner = Debugger::attach(&child, &local, &[("starts.py", 5)]);
    let (thread, line, locals) = inner.stopped();
    assert_eq!((line, locals["word"].as_str()), (5, "'started'"));
    inner.go_on(&thread);
    inner.wait_for_close();
    let child = debugger.event("debugpyAttach");
    assert_eq!(child["subProcess"], true);
    let mut forked = Debugger::attach(&child, &local, &[("starts.py", 10)]);
    assert_eq!(forked.stopped().1, 10);
    forked.request("disconnect", json!({}));
    let ended = run.end().with_code(0);
    assert_eq!(ended.log("driver"), ["inner started", "fork 0", "outer"]);
    ground.leaves_nothing();
}

/// Lines and a local of the stops, in order.
fn stops(result: &Value, local: &str) -> Vec<(u64, String)> {
    let stops = result["stops"].as_array().expect("stops").iter();
    stops.map(|stop| (stop["line"].as_u64().unwrap_or_default(), text(&stop["locals"][local]))).collect()
}

#[test]
fn a_program_that_makes_itself_another_one_stays_under_the_debugger() {
    let files = "\n//- /src/x.py\nimport os, sys\nname = sys.argv[1]\nif name == 'first':\n    os.execv(sys.executable, [sys.executable, __file__, 'second'])\nprint(name)\n";
    let ground = Ground::with_job("python x.py first", files);
    let ended = ground.call(["run", "job.yml", "--break", "src/x.py:3", "--json"]).with_code(0);
    let expected = [(3, "'first'".to_owned()), (3, "'second'".to_owned())];
    assert_eq!(stops(&ended.result(), "name"), expected);
    assert_eq!(ended.log("driver"), ["second"]);
    assert_eq!(said(&ended), [""; 0]);
    ground.leaves_nothing();
}

#[test]
fn what_a_program_was_saying_when_it_became_another_one_is_dropped() {
    let files = r#"
//- /src/x.py
import os, socket, sys
name = sys.argv[1]
if name == 'first':
    for handle in map(int, os.listdir('/proc/self/fd')):
        try:
            connection = socket.socket(fileno=os.dup(handle))
            connection.getpeername()
            connection.sendall(b'Content-Length: 99\r\n\r\n{"seq": ')
        except OSError:
            pass
    os.execv(sys.executable, [sys.executable, __file__, 'second'])
print(name)
"#;
    let ground = Ground::with_job("python x.py first", files);
    let ended = ground.call(["run", "job.yml", "--break", "src/x.py:3", "--json"]).with_code(0);
    let expected = [(3, "'first'".to_owned()), (3, "'second'".to_owned())];
    assert_eq!(stops(&ended.result(), "name"), expected);
    assert_eq!(ended.log("driver"), ["second"]);
}

#[test]
fn a_program_that_becomes_one_without_python_is_told_of_and_the_run_goes_on() {
    let files = "\n//- /src/x.py\nimport os\nos.execv('/bin/sh', ['sh', '-c', 'sleep 5; echo second'])\n";
    let ground = Ground::with_job("python x.py", files);
    let ended = ground.call(["run", "job.yml", "--break", "src/x.py:2", "--json"]).with_code(0);
    assert_eq!(ended.log("driver"), ["second"]);
    assert_eq!(said(&ended).len(), 1, "{ended:?}");
}

const ONE_AFTER_THE_OTHER: &str = r#"
//- /src/prep.py
table = "prepared"
print(table)
//- /src/train.py
model = "trained"
print(model)
"#;

#[test]
fn programs_that_follow_each_other_have_the_debugger_in_their_turn() {
    let ground = Ground::with_job("python prep.py && python train.py", ONE_AFTER_THE_OTHER);
    let places = ["--break", "src/prep.py:2", "--break", "src/train.py:2"];
    let ended = ground.call(["run", "job.yml", "--json"].into_iter().chain(places)).with_code(0);
    let result = ended.result();
    assert_eq!(stops(&result, "table")[0], (2, "'prepared'".to_owned()));
    assert_eq!(stops(&result, "model")[1], (2, "'trained'".to_owned()));
    assert_eq!(ended.log("driver"), ["prepared", "trained"]);
    let told: Vec<_> = ended.log("control");
    let told = |script: &str| told.iter().filter(|line| line.contains(script)).count();
    assert_eq!((told("python prep.py"), told("python train.py")), (1, 1), "which one it is, is said");

    // One that is named is the only one.
    let named = ["--process", "train.py"].into_iter().chain(places);
    let ended = ground.call(["run", "job.yml", "--json"].into_iter().chain(named)).with_code(4);
    assert_eq!(stops(&ended.result(), "model"), [(2, "'trained'".to_owned())]);
    ground.leaves_nothing();
}

#[test]
fn nobody_waits_for_a_debugger_that_has_left() {
    let ground = Ground::with_job("python prep.py && python train.py", ONE_AFTER_THE_OTHER);
    let mut run = ground.start(["run", "job.yml", "--debug", "--json"]);
    let ready = run.wait_until_ready();
    let local = ground.path("src").display().to_string();
    let mut debugger = Debugger::attach(&ready, &local, &[("prep.py", 2)]);
    debugger.stopped();
    debugger.request("disconnect", json!({}));
    let ended = run.end().with_code(0);
    assert_eq!(ended.log("driver"), ["prepared", "trained"]);
    let called = ended.objects().iter().filter(|event| event["event"] == "debugReady").count();
    assert_eq!(called, 1, "nor is it called back");
    ground.leaves_nothing();
}

#[test]
fn what_the_command_does_after_the_debuggee_is_left_in_peace() {
    let files = "\n//- /src/x.py\nword = 'done'\nprint(word)\n";
    let ground = Ground::with_job("bash -c 'python x.py; sleep 2; echo after'", files);
    let ended = ground.call(["run", "job.yml", "--break", "src/x.py:2", "--json"]).with_code(0);
    assert_eq!(ended.log("driver"), ["done", "after"]);
}

#[test]
fn the_example_stops_inside_a_worker() {
    let ground = Ground::with("//- /unused\n");
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/dataloader/job.yml");
    let example = example.canonicalize().unwrap().display().to_string();
    let words = ["run", &example, "--set", "inputs.epochs=1", "--children", "--json"];
    let places = ["--break", "loader.py:25"];
    let ended = ground.call(words.into_iter().chain(places)).with_code(0);
    let result = ended.result();
    let stops = result["stops"].as_array().unwrap();
    assert_eq!(stops.len(), 32, "a stop for each batch");
    assert!(stops.iter().all(|stop| stop["process"].is_u64()), "in workers only: {}", stops[0]);
    assert!(text(&stops[0]["locals"]["batch"]).starts_with("([0."), "{}", stops[0]);
    assert!(ended.log("driver")[0].starts_with("epoch 0: y = "), "{ended:?}");
    ground.leaves_nothing();
}
