//! Ending a run: from its own terminal, from another process, in every state.

use crate::support::program::text;
use crate::support::{Debugger, Ground, Started, engine, until};
use serde_json::Value;
use std::time::{Duration, Instant};

const SLEEPS: &str = r#"
//- /src/x.py
import time
print("here", flush=True)
time.sleep(600)
"#;

/// Its children ignore every polite request. Each of them all leaves a file when it can be asked.
const STUBBORN: &str = r#"
//- /src/x.py
import os, signal, subprocess, sys, time
if len(sys.argv) < 2:
    for _ in range(3):
        subprocess.Popen([sys.executable, __file__, "child"], start_new_session=True)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGINT, signal.SIG_IGN)
open("stubborn-%d" % os.getpid(), "w")
time.sleep(600)
"#;

/// Saves what it has when it is asked to end, which takes longer than a shell takes to die.
const SAVES: &str = r#"
//- /src/x.py
import os, signal, sys, time
rank = os.environ.get("RANK", "0")
def save(*_):
    print("saving", rank, flush=True)
    time.sleep(1)
    open("outputs/checkpoint-" + rank, "w").write("epoch 1")
    print("saved", rank, flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, save)
print("here", rank, flush=True)
while True:
    time.sleep(600)
"#;

/// Waits until a stubborn program and its three children are there.
fn wait_for_all_four(ground: &Ground) {
    until("four stubborn processes", || {
        let there = ground.files().iter().filter(|file| file.contains("/stubborn-")).count();
        (there == 4).then_some(())
    });
}

/// The processes in the container, as this machine sees them.
fn processes(container: &str) -> Vec<String> {
    let top = engine::docker(&["top", container, "-eo", "pid"]);
    top.lines().skip(1).map(|pid| pid.trim().to_owned()).collect()
}

fn phases(result: &Value) -> Vec<(String, String)> {
    let phases = result["phases"].as_array().cloned().unwrap_or_default();
    let pair = |phase: &Value| (text(&phase["name"]), text(&phase["outcome"]));
    phases.iter().map(pair).collect()
}

fn running(ground: &Ground) -> Started {
    let mut run = ground.start(["run", "job.yml", "--json"]);
    run.wait_for_line("here");
    run
}

#[test]
fn control_c_stops_the_container_and_says_what_stays() {
    let ground = Ground::with_job("python x.py", SLEEPS);
    let run = running(&ground);
    run.signal("INT");
    let ended = run.end().with_code(130);
    let said =
        ended.objects().into_iter().find(|event| event["event"] == "message").expect("a word about it");
    let said = said["message"]["text"].as_str().unwrap().to_owned();
    assert!(said.contains("stopping run") && said.contains("logs, outputs and image stay"), "{said}");
    let result = ended.result();
    assert_eq!(result["outcome"], "cancelled");
    assert!(phases(&result).contains(&("run".to_owned(), "cancelled".to_owned())), "{result}");
    assert_eq!(ground.log(&result["run"]), "here");
    assert_eq!(ground.only_run()["state"], "cancelled");
    ground.leaves_nothing();
}

#[test]
fn a_terminal_shows_the_same_words() {
    let ground = Ground::with_job("python x.py", SLEEPS);
    let run = ground.start(["run", "job.yml"]);
    until("a container", || (!ground.containers().is_empty()).then_some(()));
    run.signal("INT");
    let ended = run.end().with_code(130);
    assert!(ended.stderr.contains("stopping run") && ended.stderr.contains("cancelled"), "{}", ended.stderr);
    ground.leaves_nothing();
}

#[test]
fn control_c_twice_ends_it_at_once() {
    let ground = Ground::with_job("python x.py", STUBBORN);
    let mut run = ground.start(["run", "job.yml", "--json"]);
    wait_for_all_four(&ground);
    let began = Instant::now();
    run.signal("INT");
    run.wait_for_state("stopping");
    run.signal("INT");
    let ended = run.end().with_code(130);
    assert!(began.elapsed() < Duration::from_secs(4), "the grace is five seconds: {:?}", began.elapsed());
    assert!(ended.stdout.contains("at once"), "{}", ended.stdout);
    ground.leaves_nothing();
}

#[test]
fn a_cancel_ends_the_whole_process_tree() {
    let ground = Ground::with_job("bash -c 'python x.py; true'", STUBBORN);
    let run = ground.start(["run", "job.yml", "--json"]);
    wait_for_all_four(&ground);
    let container = ground.containers().remove(0);
    let before = processes(&container);
    assert!(before.len() >= 5, "{before:?}");
    let name = ground.only_run()["run"].clone();
    let cancelled = ground.call(["runs", "cancel", name.as_str().unwrap()]).with_code(0);
    assert!(cancelled.stdout.contains("cancelled"), "{}", cancelled.stdout);
    run.end().with_code(130);
    // Numbers are given again; a process that is still there would be a Python.
    let alive = before.iter().filter(|pid| {
        std::fs::read(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|line| String::from_utf8_lossy(&line).contains("x.py"))
    });
    assert_eq!(alive.count(), 0);
    ground.leaves_nothing();
}

#[test]
fn another_process_cancels_a_run_that_stands_on_a_breakpoint() {
    let ground = Ground::with_job("python x.py", SLEEPS);
    let mut run = ground.start(["run", "job.yml", "--debug", "--json"]);
    let configuration = run.wait_until_ready();
    let mut debugger =
        Debugger::attach(&configuration, &ground.path("src").display().to_string(), &[("x.py", 3)]);
    debugger.stopped();
    run.wait_for_state("paused");
    let name = ground.only_run()["run"].clone();
    let began = Instant::now();
    ground.call(["runs", "cancel", name.as_str().unwrap()]).with_code(0);
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    let ended = run.end().with_code(130);
    assert_eq!(ended.result()["outcome"], "cancelled");
    debugger.event("terminated");
    debugger.wait_for_close();
    ground.leaves_nothing();
}

#[test]
fn another_process_cancels_a_run_that_builds() {
    let ground = Ground::with(
        "//- /job.yml\ntype: command\ncommand: python x.py\ncode: src\nenvironment:\n  image: $BASE\n  conda_file: conda.yml\n//- /conda.yml\ndependencies:\n  - pip:\n      - tomli==2.0.0\n//- /src/x.py\n",
    );
    let mut run = ground.start(["run", "job.yml", "--rebuild", "--json"]);
    run.wait_for("a line of the build", |event| event["log"] == "control");
    let name = ground.only_run()["run"].clone();
    ground.call(["runs", "cancel", name.as_str().unwrap()]).with_code(0);
    let result = run.end().with_code(130).result();
    assert_eq!(
        phases(&result),
        [("resolve".to_owned(), "ok".to_owned()), ("build".to_owned(), "cancelled".to_owned())]
    );
    ground.leaves_nothing();
}

#[test]
fn a_program_saves_its_checkpoint_within_the_grace_whatever_stands_between() {
    for (command, more) in [
        ("cd . && python x.py; echo never", &[][..]),
        ("bash -c 'cd . && python x.py; echo never'; echo never", &[]),
        // By way of the first process of a container that could be kept.
        ("cd . && python x.py; echo never", &["--debug"]),
    ] {
        let mut ground = Ground::with_job(command, SAVES);
        ground.set("AML_DEBUG_WAIT", "1");
        let mut run = ground.start(["run", "job.yml", "--json"].iter().chain(more));
        run.wait_for_line("here 0");
        let began = Instant::now();
        let name = text(&ground.only_run()["run"]);
        ground.call(["runs", "cancel", &name]).with_code(0);
        let ended = run.end().with_code(130);
        assert!(began.elapsed() < Duration::from_secs(5), "{command}: {:?}", began.elapsed());
        assert_eq!(ended.log("driver"), ["here 0", "saving 0", "saved 0"], "{command} {more:?}");
        let saved = ground.run_folder(&ended.result()["run"]).join("outputs/checkpoint-0");
        assert_eq!(std::fs::read_to_string(saved).unwrap(), "epoch 1", "{command}");
        ground.leaves_nothing();
    }
}

#[test]
fn each_of_several_processes_saves_its_checkpoint() {
    let command =
        "cd . && python x.py; echo never\ndistribution: {type: pytorch, process_count_per_instance: 2}";
    let ground = Ground::with_job(command, SAVES);
    let run = ground.start(["run", "job.yml", "--json"]);
    let name = until("a run", || ground.runs().first().map(|run| run["run"].clone()));
    until("both processes", || (ground.log(&name).lines().count() == 2).then_some(()));
    run.signal("INT");
    let ended = run.end().with_code(130);
    let mut log = ended.log("driver");
    log.sort();
    assert_eq!(log, ["here 0", "here 1", "saved 0", "saved 1", "saving 0", "saving 1"]);
    for rank in [0, 1] {
        let saved = format!("outputs/checkpoint-{rank}");
        assert!(ground.run_folder(&ended.result()["run"]).join(saved).exists(), "rank {rank}");
    }
    ground.leaves_nothing();
}

#[test]
fn what_a_command_leaves_behind_is_not_waited_for_at_its_own_end() {
    let ground = Ground::with_job("sleep 600 & kill -SEGV $$", SLEEPS);
    let began = Instant::now();
    let ended = ground.call(["run", "job.yml", "--json"]).with_code(1);
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    assert_eq!(ended.result()["exitCode"], 139);
    assert_eq!(ended.log("driver"), [""; 0], "a word that is not the program's");
    ground.leaves_nothing();
}

#[test]
fn control_c_while_it_waits_for_a_debugger() {
    let ground = Ground::with_job("python x.py", SLEEPS);
    let mut run = ground.start(["run", "job.yml", "--debug", "--json"]);
    run.wait_for_state("waiting");
    run.signal("TERM");
    let result = run.end().with_code(130).result();
    assert!(phases(&result).contains(&("attach".to_owned(), "cancelled".to_owned())), "{result}");
    ground.leaves_nothing();
}

#[test]
fn what_has_ended_cannot_be_cancelled_and_what_lives_cannot_be_removed() {
    let ground = Ground::with_job("python x.py", SLEEPS);
    let run = running(&ground);
    let name = ground.only_run()["run"].as_str().unwrap().to_owned();
    let refused = ground.call(["runs", "remove", &name]);
    assert_ne!(refused.code, Some(0));
    assert!(refused.stderr.contains(&format!("aml-debug runs cancel {name}")), "{}", refused.stderr);
    ground.call(["runs", "cancel", &name]).with_code(0);
    run.end().with_code(130);
    let refused = ground.call(["runs", "cancel", &name]).with_code(2);
    assert!(
        refused.stderr.contains(&format!("run {name} has ended already: cancelled")),
        "{}",
        refused.stderr
    );
    ground.call(["runs", "remove", &name]).with_code(0);
}
