//! A run without a debugger, from the command to what is left afterwards.

use crate::support::{Bridge, Ground, engine, is_root};
use std::fs;
use std::os::unix::fs::MetadataExt;

const TRAIN: &str = r#"
//- /src/train.py
import os, sys
# In one piece each: an engine keeps the order of each stream, and lets the other in between two pieces.
sys.stdout.write(" ".join(["training with", *sys.argv[1:]]) + "\n")
sys.stderr.write("to the other stream\n")
os.makedirs("outputs", exist_ok=True)
with open("outputs/model.txt", "w") as file:
    file.write("weights")
metrics = os.environ["MLFLOW_TRACKING_URI"].removeprefix("file://") + "/0/abc/metrics"
os.makedirs(metrics)
with open(metrics + "/accuracy", "w") as file:
    file.write("1 0.5 0\n2 0.75 1\n")
sys.exit(int(os.environ.get("EXIT", "0")))
"#;

#[test]
fn a_run_leaves_logs_outputs_and_a_card_and_nothing_in_the_source_tree() {
    let ground = Ground::with_job("python train.py --rate 0.1", TRAIN);
    let before = ground.files();
    let ended = ground.call(["run", "job.yml", "--json"]).with_code(0);
    let result = ended.result();
    assert_eq!(result["outcome"], "completed");
    assert_eq!(result["exitCode"], 0);
    assert!(result.get("failure").is_none() && result.get("stops").is_none(), "{result}");
    let phases = result["phases"].as_array().unwrap();
    let names: Vec<_> = phases.iter().map(|phase| phase["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["resolve", "build", "create", "start", "run", "collect"]);
    assert!(phases.iter().all(|phase| phase["outcome"] == "ok" && phase["ms"].is_u64()), "{phases:?}");
    assert_eq!(ground.files(), before);
    ground.leaves_nothing();

    let mut lines = ended.log("driver");
    lines.sort();
    assert_eq!(lines, ["to the other stream", "training with --rate 0.1"]);
    let folder = ground.run_folder(&result["run"]);
    let v1 = fs::read_to_string(folder.join("azureml-logs/70_driver_log.txt")).unwrap();
    let v2 = fs::read_to_string(folder.join("user_logs/std_log.txt")).unwrap();
    assert_eq!(v1, v2);
    assert_eq!(v1.lines().count(), 2);
    assert_eq!(ground.log(&result["run"]), v1.trim_end());

    let run = ground.only_run();
    assert_eq!((&run["run"], &run["state"]), (&result["run"], &"completed".into()));
    assert_eq!(run["experiment"], "src", "Azure names it after the code folder");
    assert!(run["endedAt"].as_u64() >= run["startedAt"].as_u64());
    assert_eq!(ground.show(&run["run"]), run);

    let name = run["run"].as_str().unwrap();
    let outputs = ground.call(["runs", "outputs", name, "--json"]).with_code(0).objects().remove(0);
    assert_eq!(outputs["files"], serde_json::json!([{ "path": "outputs/model.txt", "bytes": 7 }]));
    assert_eq!(outputs["metrics"], serde_json::json!({ "accuracy": 0.75 }));
    let shown = ground.call(["runs", "outputs", name]).with_code(0).stdout;
    assert!(shown.contains("outputs/model.txt") && shown.contains("accuracy = 0.75"), "{shown}");

    let told = ground.call(["runs", "show", name]).with_code(0).stderr;
    assert!(told.contains("collect") && told.contains("accuracy = 0.75"), "{told}");

    let removed = ground.call(["runs", "remove", name]).with_code(0).stdout;
    assert_eq!(removed, format!("run {name} is removed: record, logs and outputs"));
    assert!(ground.runs().is_empty() && !folder.exists());
    let gone = ground.call(["runs", "show", name]).with_code(2);
    assert!(gone.stderr.contains(&format!("there is no run {name}")), "{}", gone.stderr);
}

#[test]
fn on_a_terminal_the_log_is_standard_output_and_our_words_are_not() {
    let ground = Ground::with_job("python train.py", TRAIN);
    let ended = ground.call(["run", "job.yml"]).with_code(0);
    let mut lines: Vec<_> = ended.stdout.lines().collect();
    lines.sort();
    assert_eq!(lines, ["to the other stream", "training with"]);
    for word in ["aml-debug: starting", "completed", "resolve", "collect"] {
        assert!(ended.stderr.contains(word), "{word}: {}", ended.stderr);
    }
}

#[test]
fn a_command_that_fails_says_so_with_its_last_lines() {
    let ground = Ground::with_job("python train.py", TRAIN);
    let ended = ground.call(["run", "job.yml", "--env", "EXIT=3", "--json"]).with_code(1);
    let result = ended.result();
    assert_eq!((&result["outcome"], &result["exitCode"]), (&"failed".into(), &3.into()));
    let failure = crate::support::program::told(&result["failure"]);
    assert!(failure.starts_with("the command ended with exit code 3: python train.py\n"), "{failure}");
    assert!(failure.contains("\n  to the other stream") && failure.contains("\n-> "), "{failure}");
    assert_eq!(ground.only_run()["state"], "failed");
    ground.leaves_nothing();
}

#[test]
fn what_a_run_writes_belongs_to_the_user_who_started_it() {
    if !is_root() {
        // Whoever is not root sees it in every other story: a file of root's could not be removed.
        return;
    }
    let mut ground = Ground::with_job("python train.py && touch beside.txt", TRAIN);
    let bridge = Bridge::open(ground.beside("engine.sock"));
    ground.set("DOCKER_HOST", bridge.address());
    ground.set("HOME", ground.beside("user").display().to_string());
    ground.become_nobody();
    let result = ground.call(["run", "job.yml", "--json"]).with_code(0).result();
    let folder = ground.run_folder(&result["run"]);
    for file in [
        folder.join("outputs/model.txt"),
        folder.join("azureml-logs/70_driver_log.txt"),
        ground.path("src/beside.txt"),
    ] {
        let facts = fs::metadata(&file).unwrap();
        assert_eq!((facts.uid(), facts.gid()), (65534, 65534), "{}", file.display());
    }
    assert_eq!(ground.files(), ["job.yml", "src", "src/beside.txt", "src/train.py"]);
}

#[test]
fn a_bare_script_runs_in_the_environment_that_is_named() {
    let ground = Ground::with(TRAIN);
    let ended = ground.call(["run", "src/train.py", "--environment", engine::BASE, "--json"]).with_code(0);
    assert!(ended.log("driver").contains(&"training with".to_owned()));
    let told = ground.call(["run", "src/train.py", "--json"]).with_code(2);
    let failure = crate::support::program::told(&told.result()["failure"]);
    assert!(failure.contains("--environment IMAGE|FILE"), "{failure}");
}
