//! `attach`: our entry in the user's launch.json, and nothing else of theirs.

use crate::support::program::text;
use crate::support::{Ground, is_root};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;

const THEIRS: &str = r#"{
    // Ours to keep.
    "version": "0.2.0",
    "configurations": [
        { "name": "Mine", "type": "debugpy", "request": "launch", }, // with a comma
    ],
    "compounds": [],
}
"#;

/// A workspace with one run, and that run's name.
fn with_a_run() -> (Ground, String) {
    let ground =
        Ground::with_job("python x.py", "\n//- /src/x.py\nprint()\n//- /.vscode/settings.json\n{}\n");
    let result = ground.call(["run", "job.yml", "--json"]).with_code(0).result();
    let run = text(&result["run"]);
    (ground, run)
}

#[test]
fn attach_adds_an_entry_keeps_the_rest_and_does_nothing_the_second_time() {
    let (ground, run) = with_a_run();
    let launch = ground.path(".vscode/launch.json");
    fs::write(&launch, THEIRS).unwrap();
    // The last line is the answer; what stands before it are words.
    let answer = ground.call(["attach", &run, "--json"]).with_code(0).objects().pop().unwrap();
    assert_eq!((&answer["event"], &answer["changed"]), (&"attach".into(), &true.into()), "{answer}");
    let written = fs::read_to_string(&launch).unwrap();
    for kept in [
        "// Ours to keep.",
        r#"{ "name": "Mine", "type": "debugpy", "request": "launch", }"#,
        "// with a comma",
        "\"compounds\": []",
    ] {
        assert!(written.contains(kept), "{kept}:\n{written}");
    }
    let entry = &answer["configuration"];
    assert!(written.contains(&format!("\"name\": \"{}\"", text(&entry["name"]))), "{written}");
    assert_eq!((&entry["type"], &entry["request"]), (&"debugpy".into(), &"attach".into()));
    let (tasks, facts) =
        (fs::read_to_string(ground.path(".vscode/tasks.json")).unwrap(), fs::metadata(&launch).unwrap());
    assert!(tasks.contains(&text(&entry["preLaunchTask"])), "{tasks}");

    let again = ground.call(["attach", &run]).with_code(0);
    let printed: Value = serde_json::from_str(&again.stdout).expect("the entry, and only the entry");
    assert_eq!(&printed, entry);
    assert!(again.stderr.contains("stands in"), "{}", again.stderr);
    assert_eq!(fs::read_to_string(&launch).unwrap(), written);
    assert_eq!(fs::metadata(&launch).unwrap().modified().unwrap(), facts.modified().unwrap());

    // Another run of the same spec has the same entry: nothing changes in git from run to run.
    let result = ground.call(["run", "job.yml", "--json"]).with_code(0).result();
    let other =
        ground.call(["attach", &text(&result["run"]), "--json"]).with_code(0).objects().pop().unwrap();
    assert_eq!(other["changed"], false, "{other}");
}

#[test]
fn a_launch_json_that_is_empty_or_missing_becomes_one() {
    let (ground, run) = with_a_run();
    let launch = ground.path(".vscode/launch.json");
    fs::write(&launch, "").unwrap();
    ground.call(["attach", &run]).with_code(0);
    let from_empty = fs::read_to_string(&launch).unwrap();
    fs::remove_file(&launch).unwrap();
    ground.call(["attach", &run]).with_code(0);
    assert_eq!(fs::read_to_string(&launch).unwrap(), from_empty);
    let parsed: Value = serde_json::from_str(&from_empty).expect("plain JSON");
    assert_eq!(parsed["configurations"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_launch_json_that_cannot_be_understood_is_left_alone() {
    let (ground, run) = with_a_run();
    let launch = ground.path(".vscode/launch.json");
    for (text, place) in [
        ("{ \"configurations\": [ }", "line 1"),
        ("[]", "an object"),
        ("{ \"configurations\": 7 }", "should be a list"),
    ] {
        fs::write(&launch, text).unwrap();
        let refused = ground.call(["attach", &run]);
        assert!(matches!(refused.code, Some(2 | 3)), "{refused:?}");
        assert!(
            refused.stderr.contains("launch.json") && refused.stderr.contains(place),
            "{}",
            refused.stderr
        );
        assert_eq!(fs::read_to_string(&launch).unwrap(), text);
        assert!(!ground.path(".vscode/tasks.json").exists());
    }
}

#[test]
fn a_read_only_launch_json_is_named_and_stays() {
    let (mut ground, run) = with_a_run();
    let (folder, launch) = (ground.path(".vscode"), ground.path(".vscode/launch.json"));
    fs::write(&launch, THEIRS).unwrap();
    if is_root() {
        // Nothing is read-only to root.
        ground.become_nobody();
    }
    fs::set_permissions(&launch, fs::Permissions::from_mode(0o444)).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).unwrap();
    let refused = ground.call(["attach", &run]);
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    let refused = refused.with_code(3);
    assert!(
        refused.stderr.contains("cannot write") && refused.stderr.contains("launch.json"),
        "{}",
        refused.stderr
    );
    assert!(refused.stderr.contains("make the file and its folder writable"), "{}", refused.stderr);
    assert_eq!(fs::read_to_string(&launch).unwrap(), THEIRS);
}

#[test]
fn a_run_that_never_was_planned_has_no_entry() {
    let ground = Ground::with("//- /job.yml\ntype: command\ncomand: x\n");
    ground.call(["run", "job.yml"]).with_code(2);
    let run = text(&ground.only_run()["run"]);
    let refused = ground.call(["attach", &run]).with_code(2);
    assert!(refused.stderr.contains("never got as far as a plan"), "{}", refused.stderr);
    let unknown = ground.call(["attach", "nobody"]).with_code(2);
    assert!(unknown.stderr.contains("there is no run nobody"), "{}", unknown.stderr);
}
