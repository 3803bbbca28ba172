//! The process that owns a run is killed where it stands; the next command tells the truth and leaves
//! nothing behind.

use crate::support::program::text;
use crate::support::{Debugger, Ground, Started, engine, until};
use serde_json::Value;
use std::fs;

/// Says where it is, waits to be let go, says that it is through.
const WAITS: &str = r#"
//- /src/x.py
import os, time
print("here")
value = 7
while not os.path.exists("go"):
    time.sleep(0.02)
print("there")
"#;

/// The driver log with all its lines, once the run has ended by itself.
fn log_of_completed(ground: &Ground) -> String {
    let run = until("the end of the run", || Some(ground.only_run()).filter(|run| run["endedAt"].is_u64()));
    assert_eq!(run["state"], "completed", "{run}");
    ground.log(&run["run"])
}

fn let_go(ground: &Ground) {
    fs::write(ground.path("src/go"), "").expect("ours");
}

#[test]
fn killed_while_it_builds() {
    let ground = Ground::with(
        "//- /job.yml\ntype: command\ncommand: python x.py\ncode: src\nenvironment:\n  image: $BASE\n  conda_file: conda.yml\n//- /conda.yml\ndependencies:\n  - pip:\n      - tomli==2.0.1\n//- /src/x.py\n",
    );
    let mut run = ground.start(["run", "job.yml", "--rebuild", "--json"]);
    run.wait_for("a line of the build", |event| event["log"] == "control");
    run.kill();
    let run = ground.only_run();
    assert_eq!(run["state"], "lost");
    let failure = crate::support::program::told(&run["failure"]);
    assert!(failure.contains("the process that owned the run ended in phase build"), "{failure}");
    assert!(failure.contains(&format!("aml-debug rerun {}", text(&run["run"]))), "{failure}");
    ground.leaves_nothing();
    let outcome = ground.call(["rerun", run["run"].as_str().unwrap(), "--json"]).with_code(0).result();
    engine::docker_says(&["rmi", outcome["image"].as_str().unwrap()]);
}

#[test]
fn killed_while_the_container_is_made_and_started() {
    // Where exactly the kill falls differs from time to time; the truth afterwards does not.
    for phase in ["create", "start", "create", "start"] {
        let ground = Ground::with_job("python x.py", WAITS);
        let_go(&ground);
        let mut run = ground.start(["run", "job.yml", "--json"]);
        run.wait_for_phase(phase);
        run.kill();
        let run = until("a true record", || {
            let run = ground.only_run();
            run["endedAt"].is_u64().then_some(run)
        });
        match run["state"].as_str().unwrap() {
            "completed" => assert_eq!(ground.log(&run["run"]), "here\nthere"),
            "lost" => assert_eq!(ground.log(&run["run"]), ""),
            other => panic!("{other}: {run}"),
        }
        ground.leaves_nothing();
    }
}

#[test]
fn killed_while_the_debugger_is_put_into_its_volume() {
    // Its containers belong to no run, and the next run has to do the whole of it again.
    let ground = Ground::with_job("python x.py", WAITS);
    let mut run = ground.start(["run", "job.yml", "--debug", "--json"]);
    run.wait_for_phase("create");
    until("a container", || (!ground.containers().is_empty()).then_some(()));
    run.kill();
    assert_eq!(ground.only_run()["state"], "lost");
    until("nothing left", || {
        ground.runs();
        ground.containers().is_empty().then_some(())
    });
    let_go(&ground);
    let result = ground.call(["run", "job.yml", "--break", "src/x.py:4", "--json"]).with_code(0).result();
    assert_eq!(result["stops"][0]["line"], 4, "{result}");
    ground.leaves_nothing();
}

#[test]
fn killed_while_the_command_runs() {
    let ground = Ground::with_job("python x.py", WAITS);
    let mut run = ground.start(["run", "job.yml", "--json"]);
    run.wait_for_line("here");
    run.kill();
    let run = ground.only_run();
    assert_eq!(run["state"], "running");
    assert_eq!(ground.log(&run["run"]), "here");
    let_go(&ground);
    assert_eq!(log_of_completed(&ground), "here\nthere");
    let card = ground.only_run();
    let phases = card["phases"].as_array().unwrap();
    assert!(phases.iter().all(|phase| phase["outcome"] == "ok"), "{phases:?}");
    ground.leaves_nothing();
}

#[test]
fn killed_while_the_command_runs_in_an_image_that_was_built() {
    // A container has the labels of its image too, and is the run's own all the same.
    let ground = Ground::with(&format!(
        "//- /job.yml\ntype: command\ncommand: python x.py\ncode: src\nenvironment:\n  image: $BASE\n  conda_file: conda.yml\n//- /conda.yml\ndependencies:\n  - pip:\n      - tomli==2.2.1\n{WAITS}"
    ));
    let mut run = ground.start(["run", "job.yml", "--json"]);
    run.wait_for_line("here");
    run.kill();
    let record = ground.only_run();
    assert_eq!(record["state"], "running");
    let_go(&ground);
    assert_eq!(log_of_completed(&ground), "here\nthere");
    ground.leaves_nothing();
    engine::docker_says(&["rmi", record["image"].as_str().unwrap()]);
}

/// A run that waits for a debugger.
fn waiting(ground: &Ground) -> (Started, Value) {
    let mut run = ground.start(["run", "job.yml", "--debug", "--json"]);
    let configuration = run.wait_until_ready();
    (run, configuration)
}

fn code(ground: &Ground) -> String {
    ground.path("src").display().to_string()
}

/// Somebody attaches, sees the program stand where `value` is known, and lets it go on to its end.
#[track_caller]
fn attached_to_the_end(ground: &Ground, run: &Value, breakpoints: &[(&str, u32)]) {
    let mut attach = ground.start(["attach", run.as_str().expect("a name"), "--json"]);
    let configuration = attach.wait_until_ready();
    let mut debugger = Debugger::attach(&configuration, &code(ground), breakpoints);
    let (thread, line, locals) = debugger.stopped();
    assert_eq!((line, locals["value"].as_str()), (5, "7"));
    let_go(ground);
    debugger.go_on(&thread);
    let ended = attach.end().with_code(0);
    assert_eq!(ended.result()["outcome"], "completed");
    assert_eq!(ground.log(run), "here\nthere");
    ground.leaves_nothing();
}

#[test]
fn killed_while_it_waits_for_a_debugger() {
    let ground = Ground::with_job("python x.py", WAITS);
    let (run, _) = waiting(&ground);
    run.kill();
    let record = ground.only_run();
    assert_eq!(record["state"], "waiting");

    // Somebody wants to debug it after all.
    attached_to_the_end(&ground, &record["run"], &[("x.py", 5)]);
}

#[test]
fn killed_while_it_waits_and_nobody_comes() {
    let mut ground = Ground::with_job("python x.py", WAITS);
    ground.set("AML_DEBUG_WAIT", "4");
    let (run, _) = waiting(&ground);
    run.kill();
    assert_eq!(ground.only_run()["state"], "waiting");
    until("that it has gone on by itself", || (ground.only_run()["state"] == "running").then_some(()));
    let_go(&ground);
    assert_eq!(log_of_completed(&ground), "here\nthere");
    ground.leaves_nothing();
}

#[test]
fn killed_while_it_stands_on_a_breakpoint() {
    let ground = Ground::with_job("python x.py", WAITS);
    let (mut run, configuration) = waiting(&ground);
    let mut debugger = Debugger::attach(&configuration, &code(&ground), &[("x.py", 5)]);
    let (_, line, _) = debugger.stopped();
    assert_eq!(line, 5);
    run.wait_for_state("paused");
    run.kill();
    debugger.wait_for_close();
    let record = ground.only_run();
    assert_eq!(record["state"], "paused");

    // It still stands there.
    attached_to_the_end(&ground, &record["run"], &[]);
}

#[test]
fn a_run_that_was_left_on_a_breakpoint_can_be_cancelled() {
    let ground = Ground::with_job("python x.py", WAITS);
    let (mut run, configuration) = waiting(&ground);
    let mut debugger = Debugger::attach(&configuration, &code(&ground), &[("x.py", 5)]);
    debugger.stopped();
    run.wait_for_state("paused");
    run.kill();
    let name = ground.only_run()["run"].clone();
    let cancelled = ground.call(["runs", "cancel", name.as_str().unwrap(), "--json"]).with_code(0);
    assert_eq!(cancelled.objects()[0]["state"], "cancelled");
    ground.leaves_nothing();
}

#[test]
fn a_run_that_ended_while_nobody_looked_has_its_exit_code_and_its_log() {
    let ground = Ground::with_job("python x.py && exit 9", WAITS);
    let mut run = ground.start(["run", "job.yml", "--json"]);
    run.wait_for_line("here");
    run.kill();
    let container = ground.containers().remove(0);
    let_go(&ground);
    assert_eq!(engine::docker(&["wait", &container]), "9");
    let run = ground.only_run();
    assert_eq!((&run["state"], &run["exitCode"]), (&"failed".into(), &9.into()));
    assert_eq!(ground.log(&run["run"]), "here\nthere");
    ground.leaves_nothing();
}

/// A run whose owner does not come to do what it is asked for, and the run's name.
fn deaf(ground: &Ground) -> (Started, String) {
    let mut run = ground.start(["run", "job.yml", "--json"]);
    run.wait_for_line("here");
    let name = text(&ground.only_run()["run"]);
    run.signal("STOP");
    (run, name)
}

#[test]
fn what_an_owner_was_asked_for_and_did_not_do_is_done_by_whoever_asked() {
    let ground = Ground::with_job("python x.py", WAITS);
    let (run, name) = deaf(&ground);
    let cancel = ground.start(["runs", "cancel", &name, "--json"]);
    ground.wait_until_asked("cancel");
    run.kill();
    assert_eq!(cancel.end().with_code(0).objects()[0]["state"], "cancelled");
    ground.leaves_nothing();
}

#[test]
fn what_was_asked_for_is_done_by_whoever_comes_by_if_both_are_gone() {
    let ground = Ground::with_job("python x.py", WAITS);
    let (run, name) = deaf(&ground);
    let cancel = ground.start(["runs", "cancel", &name]);
    ground.wait_until_asked("cancel");
    cancel.kill();
    run.kill();
    assert_eq!(ground.only_run()["state"], "cancelled");
    ground.leaves_nothing();
}
