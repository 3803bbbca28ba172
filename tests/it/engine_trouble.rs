//! What a user reads when the engine's disk is full, and when the engine goes away in the middle: against an engine
//! of the story's own, on a small disk.

use crate::support::program::{Ended, told};
use crate::support::{Ground, OwnEngine, engine, is_root, not_told, until};
use serde_json::Value;
use std::fs;

const FILL: &str = "//- /job.yml\ntype: command\ncommand: cat /big\nenvironment:\n  build: {path: env}\n//- /env/Dockerfile\nFROM $BASE\nRUN head -c 900M /dev/zero > /big\n";

#[track_caller]
fn failure(ended: &Ended) -> String {
    told(&ended.result()["failure"])
}

#[track_caller]
fn has(text: &str, words: &str) {
    assert!(text.contains(words), "no “{words}” in:\n{text}");
}

fn states(ground: &Ground) -> Vec<Value> {
    ground.runs().into_iter().map(|run| run["state"].clone()).collect()
}

#[test]
fn a_full_disk_of_the_engine_is_named_in_build_and_run_and_the_next_one_goes_well() {
    if !is_root() {
        not_told("a full disk, a stopped engine: only root can start an engine of the story's own");
        return;
    }
    let mut ground = Ground::with(FILL);
    let own = OwnEngine::start(&mut ground, 900);
    let script = "import os\nwith open('/tmp/big', 'wb') as file:\n    for piece in range(900):\n        file.write(bytes(1 << 20))\n";
    fs::create_dir(ground.path("src")).unwrap();
    fs::write(ground.path("src/fill.py"), script).unwrap();
    let job = "type: command\ncode: src\ncommand: python fill.py\nenvironment:\n  image: $BASE\n";
    fs::write(ground.path("fill.yml"), job.replace("$BASE", engine::BASE)).unwrap();
    let ended = ground.call(["run", "fill.yml", "--json"]).with_code(1);
    let told = failure(&ended);
    has(&told, "OSError: [Errno 28] No space left on device");
    has(&told, "\n-> a disk is full: that of the container engine");
    ground.leaves_nothing();

    // What was written is gone with its container.
    fs::write(ground.path("src/fill.py"), "print('well')\n").unwrap();
    assert_eq!(ground.call(["run", "fill.yml", "--json"]).with_code(0).log("driver"), ["well"]);

    let ended = ground.call(["build", "job.yml", "--json"]).with_code(3);
    let told = failure(&ended);
    has(&told, "could not be built");
    has(&told, "o space left on device");
    has(&told, "\n-> the disk of the container engine is full");
    assert_eq!(ground.show(&ended.result()["run"])["state"], "failed");
    // The builder keeps what it has; the message says how it is made to let go.
    own.docker(&["builder", "prune", "--force"]);
    assert_eq!(ground.call(["run", "fill.yml", "--json"]).with_code(0).log("driver"), ["well"]);
    assert_eq!(states(&ground), ["completed", "completed", "failed"]);
}

#[test]
fn an_engine_that_goes_away_in_mid_build_and_mid_run_leaves_true_records_and_can_come_again() {
    if !is_root() {
        not_told("a full disk, a stopped engine: only root can start an engine of the story's own");
        return;
    }
    let slow = FILL.replace("head -c 900M /dev/zero > /big", "echo begun && sleep 600");
    let mut ground = Ground::with(&slow);
    let mut own = OwnEngine::start(&mut ground, 900);
    let mut build = ground.start(["build", "job.yml", "--json"]);
    build.wait_for("the step has begun", |event| {
        let lines = event["lines"].as_array().map(Vec::as_slice).unwrap_or_default();
        lines.iter().any(|line| line.as_str().is_some_and(|line| line.ends_with(" begun")))
    });
    own.stop();
    let ended = build.end().with_code(3);
    let told = failure(&ended);
    has(&told, "the connection to the container engine at unix://");
    has(&told, "was cut");
    has(&told, "\n-> ");
    assert_eq!(ground.show(&ended.result()["run"])["state"], "failed");

    own.go_on();
    let dockerfile = ground.path("env/Dockerfile");
    let text = fs::read_to_string(&dockerfile).unwrap().replace("sleep 600", "echo x > /big");
    fs::write(&dockerfile, text).unwrap();
    assert_eq!(ground.call(["run", "job.yml", "--json"]).with_code(0).log("driver"), ["x"]);

    // Stopped with everything on it: the run is over, and the record says so at the next look.
    fs::create_dir(ground.path("src")).unwrap();
    fs::write(ground.path("src/wait.py"), "import time\nprint('here', flush=True)\ntime.sleep(600)\n")
        .unwrap();
    let job = "type: command\ncode: src\ncommand: python wait.py\nenvironment:\n  image: $BASE\n";
    fs::write(ground.path("wait.yml"), job.replace("$BASE", engine::BASE)).unwrap();
    for crash in [false, true] {
        let mut run = ground.start(["run", "wait.yml", "--json"]);
        run.wait_for_line("here");
        if crash {
            own.kill()
        } else {
            own.stop()
        }
        let ended = run.end().with_code(3);
        has(&failure(&ended), "\n-> ");
        own.go_on();
        let name = ended.result()["run"].clone();
        let record = until("the record is true", || {
            let record = ground.runs().into_iter().find(|run| run["run"] == name)?;
            record["endedAt"].is_u64().then_some(record)
        });
        assert!(["failed", "lost"].contains(&record["state"].as_str().unwrap()), "{record}");
        assert_eq!(ground.log(&name), "here");
        assert_eq!(own.docker(&["ps", "--all", "--quiet"]), "", "nothing of it is left");
    }
    fs::write(ground.path("src/wait.py"), "print('well')\n").unwrap();
    assert_eq!(ground.call(["run", "wait.yml", "--json"]).with_code(0).log("driver"), ["well"]);
}
