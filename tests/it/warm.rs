//! A container that is kept for the next debug run, and everything that must not come of it.

use crate::support::program::text;
use crate::support::{Ground, until};
use serde_json::Value;
use std::fs;

const SCRIPT: &str = "\n//- /src/x.py\nimport os, sys\nos.makedirs('outputs', exist_ok=True)\nprint('before', sorted(os.listdir('outputs')), os.path.exists('/tmp/left'), os.environ.get('ONLY'))\nopen('outputs/of.txt', 'w').write(os.environ['AZUREML_RUN_ID'])\nopen('/tmp/left', 'w').write('x')\nif len(sys.argv) > 1 and sys.argv[1] == 'dirty':\n    open('/usr/lib/left', 'w').write('x')\nif os.fork() == 0:\n    import time\n    time.sleep(600)\nsys.stderr.write('no end')\nsys.exit(int(os.environ.get('CODE', '0')))\n";

const FIRST: &str = "before [] False None";

fn ground(command: &str) -> Ground {
    let mut ground = Ground::with_job(command, SCRIPT);
    ground.set("AML_DEBUG_KEEP_WARM", "120");
    ground
}

fn debug(ground: &Ground, more: &[&str], code: i32) -> Value {
    let words = ["run", "job.yml", "--break", "src/x.py:4", "--json"];
    let ended = ground.call(words.iter().chain(more)).with_code(code);
    let mut result = ended.result();
    result["lines"] = ended.log("driver").into();
    result
}

fn note(result: &Value) -> String {
    let phases = result["phases"].as_array().cloned().unwrap_or_default();
    let create = phases.into_iter().find(|phase| phase["name"] == "create").unwrap_or_default();
    text(&create["note"]["text"])
}

const WARM: &str = "a container that was kept warm";

#[test]
fn the_next_debug_run_finds_the_container_warm_and_nothing_of_the_one_before() {
    let ground = ground("python x.py ${{inputs.how}}\ninputs:\n  how: clean");
    let first = debug(&ground, &["--env", "ONLY=first"], 0);
    assert_eq!(first["lines"], serde_json::json!(["before [] False first", "no end"]));
    let containers = ground.containers();
    assert_eq!(containers.len(), 1, "it is kept");
    let warm = || ground.runs().iter().map(|run| run["warmUntil"].is_u64()).collect::<Vec<_>>();
    assert_eq!(warm(), [true]);
    assert!(ground.call(["runs", "list"]).with_code(0).stdout.ends_with("  warm"));
    // Another argument and another variable are no other container.
    let second = debug(&ground, &["--set", "inputs.how=again"], 0);
    assert_eq!(note(&second), WARM);
    assert_eq!(second["lines"], serde_json::json!([FIRST, "no end"]));
    assert_eq!(second["stops"][0]["line"], 4, "{second}");
    assert_eq!(ground.containers(), containers);
    assert_eq!(warm(), [true, false], "the newest run first");
    let again = ground.call(["rerun", second["run"].as_str().unwrap(), "--break", "src/x.py:4", "--json"]);
    assert_eq!(note(&again.with_code(0).result()), WARM);
    // An end that is none: its code, its last lines, and the container stays all the same.
    let failed = debug(&ground, &["--env", "CODE=7"], 1);
    assert_eq!((note(&failed), &failed["exitCode"]), (WARM.to_owned(), &7.into()));
    for run in [&first, &second, &failed] {
        let folder = ground.run_folder(&run["run"]);
        assert_eq!(fs::read_to_string(folder.join("outputs/of.txt")).unwrap(), text(&run["run"]));
        assert_eq!(fs::read_dir(folder.join("outputs")).unwrap().count(), 1);
        assert!(ground.log(&run["run"]).starts_with("before []"));
    }
    assert!(ground.runs().iter().all(|run| run["endedAt"].is_u64() && run["container"].is_null()));
    ground.call(["runs", "remove", failed["run"].as_str().unwrap()]).with_code(0);
    ground.leaves_nothing();
    assert_eq!(ground.files(), ["job.yml", "src", "src/x.py"]);
}

#[test]
fn a_run_that_leaves_traces_in_its_container_takes_it_along() {
    let ground = ground("python x.py ${{inputs.how}}\ninputs:\n  how: dirty");
    debug(&ground, &[], 0);
    ground.leaves_nothing();
    assert_eq!(ground.files(), ["job.yml", "src", "src/x.py"]);
}

#[test]
fn a_kept_container_goes_by_itself_and_the_next_command_takes_its_rest_away() {
    let mut ground = ground("python x.py");
    ground.set("AML_DEBUG_KEEP_WARM", "2");
    debug(&ground, &[], 0);
    let container = ground.containers().remove(0);
    let state =
        || crate::support::engine::docker_says(&["inspect", "--format", "{{.State.Running}}", &container]);
    until("its end", || (state()? == "false").then_some(()));
    until("its removal", || {
        ground.runs();
        ground.containers().is_empty().then_some(())
    });
    ground.leaves_nothing();
    assert_eq!(ground.files(), ["job.yml", "src", "src/x.py"]);
    let next = debug(&ground, &[], 0);
    assert_eq!(note(&next), "null");
}

#[test]
fn cancel_and_a_killed_owner_leave_no_container_warm() {
    let script = "\n//- /src/x.py\nimport time\nprint('here', flush=True)\ntime.sleep(1)\nprint('there')\n";
    let mut ground = Ground::with_job("python x.py", script);
    ground.set("AML_DEBUG_KEEP_WARM", "120");
    let debug = || {
        let mut run = ground.start(["run", "job.yml", "--debug", "--json"]);
        run.wait_until_ready();
        run
    };
    let run = debug();
    run.signal("INT");
    run.end().with_code(130);
    ground.leaves_nothing();

    let run = debug();
    run.kill();
    let name = ground.only_unfinished();
    ground.call(["runs", "cancel", name.as_str().unwrap()]).with_code(0);
    until("its end", || ground.runs().iter().all(|run| run["endedAt"].is_u64()).then_some(()));
    ground.leaves_nothing();
}

#[test]
fn a_run_with_a_secret_is_not_kept() {
    let mut ground = ground("python x.py");
    ground.set("TOKEN", "hidden");
    debug(&ground, &["--secret", "TOKEN"], 0);
    ground.leaves_nothing();
}
