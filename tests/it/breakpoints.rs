//! `--break`: stops on the user's lines, in the user's commands as they are written.

use crate::support::Ground;
use crate::support::program::{text, told};
use serde_json::{Value, json};
use std::fs;
use std::process::Command;

const X: &str = r#"
//- /src/x.py
import sys
from pkg.part import scale

def learn(rate, words):
    weights = [rate * n for n in range(3)]
    total = scale(sum(weights))
    return total

if __name__ == "__main__":
    print("result", learn(0.5, sys.argv[1:]))
    if "never" in sys.argv:
        print("not today")
//- /src/pkg/__init__.py
//- /src/pkg/part.py
def scale(value):
    factor = 10
    return value * factor
//- /src/pkg/mod.py
import sys

words = sys.argv[1:]
print("module", words)
"#;

/// The stops of the result: file, line, and one local.
fn stops(result: &Value, local: &str) -> Vec<(String, u64, String)> {
    let stops = result["stops"].as_array().cloned().unwrap_or_default();
    let stop = |stop: &Value| {
        (text(&stop["file"]), stop["line"].as_u64().expect("a line"), text(&stop["locals"][local]))
    };
    stops.iter().map(stop).collect()
}

fn stop(file: &str, line: u64, local: &str) -> (String, u64, String) {
    (file.to_owned(), line, local.to_owned())
}

#[test]
fn a_script_stops_on_the_line_and_shows_its_locals() {
    let ground = Ground::with_job("python x.py --words ${{inputs.words}}\ninputs:\n  words: a b", X);
    let before = ground.files();
    let ended = ground.call(["run", "job.yml", "--break", "src/x.py:6", "--json"]).with_code(0);
    let result = ended.result();
    assert_eq!(result["stops"].as_array().unwrap().len(), 1, "{result}");
    let stop = &result["stops"][0];
    assert_eq!((&stop["file"], &stop["line"]), (&json!("src/x.py"), &json!(6)));
    assert_eq!(
        stop["locals"],
        json!({ "rate": "0.5", "words": "['--words', 'a', 'b']", "weights": "[0.0, 0.5, 1.0]" })
    );
    assert!(stop["msFromStart"].as_u64().unwrap() > 0);
    let told = ended.objects().into_iter().find(|event| event["event"] == "stopped").unwrap();
    assert_eq!(told["locals"], stop["locals"]);
    let attach = result["phases"].as_array().unwrap().iter().find(|phase| phase["name"] == "attach").unwrap();
    assert_eq!(attach["outcome"], "ok");
    assert_eq!(ended.log("driver"), ["result 15.0"]);
    assert_eq!(ground.files(), before, "no bytecode, no outputs, no launch.json");
    ground.leaves_nothing();
}

#[test]
fn a_person_reads_the_stop_and_its_locals() {
    let ground = Ground::with_job("python x.py", X);
    let ended = ground.call(["run", "job.yml", "--break", "src/x.py:7"]).with_code(0);
    let lines: Vec<_> = ended.stderr.lines().collect();
    let at = lines.iter().position(|line| line.starts_with("stopped at src/x.py:7, ")).expect("a stop");
    assert_eq!(
        lines[at + 1..at + 5],
        ["    rate    = 0.5", "    total   = 15.0", "    weights = [0.0, 0.5, 1.0]", "    words   = []"]
    );
    assert_eq!(ended.stdout, "result 15.0");
}

#[test]
fn a_module_is_debugged_as_a_script_is() {
    let ground = Ground::with_job("python -m pkg.mod one", X);
    let result =
        ground.call(["run", "job.yml", "--break", "src/pkg/mod.py:4", "--json"]).with_code(0).result();
    assert_eq!(stops(&result, "words"), [stop("src/pkg/mod.py", 4, "['one']")]);
}

#[test]
fn a_shell_line_is_left_as_it_is_and_its_python_is_debugged() {
    let ground = Ground::with_job(r#"bash -c "echo first && python x.py two""#, X);
    let ended = ground.call(["run", "job.yml", "--break", "src/x.py:6", "--json"]).with_code(0);
    assert_eq!(stops(&ended.result(), "words"), [stop("src/x.py", 6, "['two']")]);
    assert_eq!(ended.log("driver"), ["first", "result 15.0"]);
}

#[test]
fn two_breakpoints_and_one_of_them_in_an_imported_module() {
    let ground = Ground::with_job("python x.py", X);
    let places = ["--break", "src/pkg/part.py:3", "--break", "src/x.py:6"];
    let result = ground.call(["run", "job.yml", "--json"].into_iter().chain(places)).with_code(0).result();
    let seen: Vec<_> = stops(&result, "factor").into_iter().map(|(file, line, _)| (file, line)).collect();
    assert_eq!(seen, [("src/x.py".to_owned(), 6), ("src/pkg/part.py".to_owned(), 3)]);
    assert_eq!(result["stops"][1]["locals"], json!({ "value": "1.5", "factor": "10" }));
}

#[test]
fn a_place_may_be_named_from_the_code_folder_too() {
    let ground = Ground::with_job("python x.py", X);
    let result = ground.call(["run", "job.yml", "--break", "x.py:6", "--json"]).with_code(0).result();
    assert_eq!(stops(&result, "rate"), [stop("x.py", 6, "0.5")]);
}

#[test]
fn a_breakpoint_on_a_line_that_never_runs_is_exit_code_4() {
    let ground = Ground::with_job("python x.py", X);
    let places = ["--break", "src/x.py:12", "--break", "src/x.py:6"];
    let ended = ground.call(["run", "job.yml", "--json"].into_iter().chain(places)).with_code(4);
    let result = ended.result();
    assert_eq!(result["outcome"], "completed", "the run itself did well");
    assert_eq!(stops(&result, "rate"), [stop("src/x.py", 6, "0.5")]);
    let failure = told(&result["failure"]);
    assert!(failure.contains("not every breakpoint was hit"), "{failure}");
    assert!(failure.contains("src/x.py:12 was never reached"), "{failure}");
    assert!(!failure.contains("src/x.py:6"), "{failure}");
    ground.leaves_nothing();
}

#[test]
fn a_breakpoint_in_a_file_that_is_not_in_the_code_folder_is_refused() {
    let ground = Ground::with_job("python x.py", X);
    let ended = ground.call(["run", "job.yml", "--break", "src/y.py:6", "--json"]).with_code(2);
    let failure = told(&ended.result()["failure"]);
    assert!(
        failure.contains("there is no src/y.py in the working directory or in the code folder"),
        "{failure}"
    );
    ground.leaves_nothing();
    let ended = ground.call(["run", "job.yml", "--break", "src/x.py", "--json"]).with_code(2);
    assert!(ended.stdout.contains("--break does not take `src/x.py`; it takes FILE:LINE"), "{ended:?}");
    assert_eq!(ground.runs().len(), 1, "a flag that cannot be read starts no run");
}

#[test]
fn of_several_scripts_the_one_that_is_named_is_debugged() {
    let files = "\n//- /src/first.py\nname = 'first'\nprint(name)\n//- /src/second.py\nname = 'second'\nprint(name)\n";
    let ground = Ground::with_job("python first.py && python second.py", files);
    let named = ["run", "job.yml", "--process", "second.py", "--break", "src/second.py:2", "--json"];
    let ended = ground.call(named).with_code(0);
    assert_eq!(stops(&ended.result(), "name"), [stop("src/second.py", 2, "'second'")]);
    assert_eq!(ended.log("driver"), ["first", "second"]);
}

#[test]
fn inputs_and_variables_reach_the_script_from_the_command_line() {
    let files = r#"
//- /src/x.py
import os, sys
rate, plain, filed = sys.argv[1], os.environ["PLAIN"], os.environ["FILED"]
print(rate)
//- /my.env
FILED=from a file
PLAIN=overridden
"#;
    let ground = Ground::with_job("python x.py ${{inputs.rate}}\ninputs:\n  rate: 0.1", files);
    let flags = ["--set", "inputs.rate=0.7", "--env-file", "my.env", "--env", "PLAIN=from a flag"];
    let command = ["run", "job.yml", "--break", "src/x.py:3", "--json"];
    let result = ground.call(command.into_iter().chain(flags)).with_code(0).result();
    let locals = &result["stops"][0]["locals"];
    assert_eq!(
        (&locals["rate"], &locals["plain"], &locals["filed"]),
        (&json!("'0.7'"), &json!("'from a flag'"), &json!("'from a file'"))
    );
    let unknown = ground.call(["run", "job.yml", "--set", "inputs.speed=1", "--json"]).with_code(2).result();
    let failure = told(&unknown["failure"]);
    assert!(failure.contains("the job has no input \"speed\"; it has: rate"), "{failure}");
}

#[test]
fn a_secret_reaches_the_script_and_nothing_else() {
    let secret = "s3cr3t-of-this-story";
    let files = r#"
//- /src/x.py
import hashlib, os, time
value = os.environ["TOKEN"]
digest = hashlib.sha256(value.encode()).hexdigest()
del value
print("seen", digest)
while not os.path.exists("go"):
    time.sleep(0.02)
//- /my.env
TOKEN=s3cr3t-of-this-story
"#;
    let ground = Ground::with_job("python x.py", files);
    fs::write(ground.path("my.env"), format!("TOKEN={secret}\n")).unwrap();
    let mut run = ground.start(["run", "job.yml", "--env-file", "my.env", "--secret", "TOKEN", "--json"]);
    run.wait_for_line("seen ");
    let containers = ground.containers();
    assert_eq!(containers.len(), 1);
    let inspected = crate::support::engine::docker(&["inspect", &containers[0]]);
    let processes = crate::support::engine::docker(&["top", &containers[0], "-eo", "pid,args"]);
    let name = ground.only_run()["run"].clone();
    fs::write(ground.path("src/go"), "").unwrap();
    let ended = run.end().with_code(0);
    for (place, text) in [
        ("inspect", &inspected),
        ("processes", &processes),
        ("stdout", &ended.stdout),
        ("stderr", &ended.stderr),
    ] {
        assert!(!text.contains(secret), "{place}: {text}");
    }
    let found =
        std::process::Command::new("grep").args(["-rlaF", secret]).arg(ground.home()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&found.stdout), "");
    // What was a secret is one the next time as well, and its value has to be given again.
    let again = ground.call(["rerun", name.as_str().unwrap(), "--json"]).with_code(2).result();
    let failure = told(&again["failure"]);
    assert!(failure.contains("--secret TOKEN has no value"), "{failure}");
    ground.leaves_nothing();
}

#[test]
fn a_debuggee_that_nobody_attends_goes_on_by_itself() {
    let mut ground = Ground::with_job("python x.py", X);
    ground.set("AML_DEBUG_WAIT", "1");
    let mut run = ground.start(["run", "job.yml", "--debug", "--json"]);
    run.wait_for_state("waiting");
    run.wait_for_state("running");
    let ended = run.end().with_code(0);
    assert_eq!(ended.log("driver"), ["result 15.0"]);
    assert!(ended.log("control").iter().any(|line| line.contains("nobody attached in time")), "{ended:?}");
}

const OWN: &str = r#"
//- /src/own.py
import debugpy

debugpy.listen(("0.0.0.0", 5678))
debugpy.wait_for_client()
rate = 0.5
debugpy.breakpoint()
total = rate * 3
breakpoint()
print("total", total, debugpy.is_client_connected())
raise ValueError("no such rate: %s" % rate)
"#;

#[test]
fn what_a_script_does_for_a_debugger_itself_is_used() {
    let ground = Ground::with_job("python own.py", OWN);
    let ended = ground.call(["run", "job.yml", "--break", "src/own.py:5", "--json"]).with_code(1);
    let stops = ended.result()["stops"].clone();
    let lines: Vec<_> = stops.as_array().unwrap().iter().map(|stop| stop["line"].clone()).collect();
    assert_eq!(lines, [5, 7, 9], "{stops}");
    assert!(ended.log("driver").contains(&"total 1.5 True".to_owned()), "{ended:?}");
}

const RAISES: &str = r#"
//- /src/raises.py
def learn(rate):
    try:
        int("not a number")
    except ValueError:
        print("caught")
    if rate > 0:
        raise RuntimeError("too fast: %s" % rate)

learn(0.5)
"#;

#[test]
fn an_exception_that_nothing_catches_is_shown_before_the_program_ends_of_it() {
    let ground = Ground::with_job("python raises.py", RAISES);
    let ended = ground.call(["run", "job.yml", "--break-on-exception", "--json"]).with_code(1);
    let stops = ended.result()["stops"].clone();
    assert_eq!(stops.as_array().unwrap().len(), 1, "what is caught does not stop: {stops}");
    assert_eq!(stops[0]["exception"], "RuntimeError: too fast: 0.5");
    assert_eq!(stops[0]["file"], ground.path("src/raises.py").display().to_string());
    assert_eq!((&stops[0]["line"], &stops[0]["locals"]["rate"]), (&json!(7), &json!("0.5")));
    let ended = ground.call(["run", "job.yml", "--break-on-exception"]).with_code(1);
    assert!(ended.stderr.contains("    RuntimeError: too fast: 0.5\n"), "{}", ended.stderr);
    let twice = Ground::with_job("python own.py", OWN);
    let ended = twice.call(["run", "job.yml", "--break-on-exception", "--json"]).with_code(1);
    let stops = ended.result()["stops"].clone();
    let lines: Vec<_> = stops.as_array().unwrap().iter().map(|stop| stop["line"].clone()).collect();
    assert_eq!(lines, [7, 9, 10], "each once: {stops}");
}

#[test]
fn flags_of_the_interpreter_are_its_own_and_it_stops_all_the_same() {
    let script = "\n//- /src/x.py\nimport sys\nignored = len(sys.warnoptions)\nprint('here', ignored)\n";
    for (command, ignored) in [
        ("python3 -X frozen_modules=off x.py", 0),
        ("python -u -W ignore x.py", 1),
        ("python -B -Xutf8 x.py", 0),
    ] {
        let ground = Ground::with_job(command, script);
        let ended = ground.call(["run", "job.yml", "--break", "src/x.py:3", "--json"]).with_code(0);
        let result = ended.result();
        assert_eq!(result["stops"][0]["locals"]["ignored"], ignored.to_string(), "{command}: {result}");
        assert_eq!(ended.log("driver"), [format!("here {ignored}")], "{command}");
        ground.leaves_nothing();
    }
}

#[test]
fn the_example_as_sdk_v1_writes_it_down_stops_as_the_job_does_and_so_does_what_it_converts_to() {
    let ground = Ground::with("");
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/iris/.");
    let copied = Command::new("cp").args(["-r", example]).arg(ground.path("")).status();
    assert!(copied.expect("cp").success());
    let script = fs::read_to_string(ground.path("src/train.py")).unwrap();
    let line = 1 + script.lines().position(|line| line.contains("accuracy = 1 - wrong / count")).unwrap();
    let converted = ground.call(["check", "--convert", ".azureml/train.runconfig"]).with_code(0).stdout;
    fs::write(ground.path("converted.yml"), converted).unwrap();
    let stopped = |spec: &str| {
        let ended =
            ground.call(["run", spec, "--break", &format!("src/train.py:{line}"), "--json"]).with_code(0);
        let result = ended.result();
        let stop = &result["stops"][0];
        let said = ended.log("driver").into_iter().find(|line| line.contains("flowers recognised"));
        (
            result["image"].clone(),
            stop["line"].clone(),
            stop["locals"]["count"].clone(),
            said.expect("its words"),
        )
    };
    let job = stopped("job.yml");
    assert_eq!((&job.1, &job.2), (&line.into(), &"30".into()), "{job:?}");
    assert_eq!(stopped(".azureml/train.runconfig"), job);
    assert_eq!(stopped("converted.yml"), job);
    ground.leaves_nothing();
}
