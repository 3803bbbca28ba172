//! Pipelines on this machine: data from step to step, several at once, failures, reuse, a step again alone.

use crate::support::program::{text, told};
use crate::support::{Debugger, Ground, Started, engine, until};
use serde_json::{Value, json};
use std::fs;

/// prep → learn → try, the middle one inside a nested pipeline. Each step says what it reads and writes.
const PIPELINE: &str = r#"
//- /pipeline.yml
type: pipeline
experiment_name: numbers
inputs:
  numbers: {type: uri_file, path: data/numbers.txt}
  factor: 3
outputs:
  product: {type: uri_folder}
jobs:
  prep:
    component: parts/prep.yml
    inputs: {numbers: "${{parent.inputs.numbers}}"}
  learn:
    type: pipeline
    component: parts/learn.yml
    inputs:
      clean: ${{parent.jobs.prep.outputs.clean}}
      factor: ${{parent.inputs.factor}}
    outputs:
      product: ${{parent.outputs.product}}
  try:
    command: python try.py ${{inputs.product}}
    code: src
    environment: {image: "$BASE"}
    inputs:
      product: ${{parent.jobs.learn.outputs.product}}
//- /parts/prep.yml
type: command
command: python prep.py ${{inputs.numbers}} ${{outputs.clean}} $[[--only ${{inputs.only}}]]
code: ../src
environment: {image: "$BASE"}
inputs:
  numbers: {type: uri_file}
  only: {type: string, optional: true}
outputs:
  clean: {type: uri_file}
//- /parts/learn.yml
type: pipeline
inputs:
  clean: {type: uri_file}
  factor: {type: integer}
outputs:
  product: {type: uri_folder}
jobs:
  multiply:
    command: python multiply.py ${{inputs.clean}} ${{inputs.factor}} ${{outputs.result}}
    code: ../src
    environment: {image: "$BASE"}
    inputs:
      clean: ${{parent.inputs.clean}}
      factor: ${{parent.inputs.factor}}
    outputs:
      result: ${{parent.outputs.product}}
//- /data/numbers.txt
 4
5
//- /src/prep.py
import sys
numbers = [line.strip() for line in open(sys.argv[1])]
open(sys.argv[2], "w").write(" ".join(numbers))
print("prepared", len(numbers), sys.argv[3:])
//- /src/multiply.py
import sys
factor = int(sys.argv[2])
numbers = [int(word) * factor for word in open(sys.argv[1]).read().split()]
open(sys.argv[3] + "/numbers.txt", "w").write(" ".join(map(str, numbers)))
print("multiplied by", factor)
//- /src/try.py
import os, sys
numbers = open(sys.argv[1] + "/numbers.txt").read()
print("got", numbers)
try:
    open(sys.argv[1] + "/mine", "w")
except OSError as error:
    print("read-only:", error.strerror)
sys.exit(int(os.environ.get("EXIT", "0")))
"#;

fn steps(result: &Value) -> Vec<String> {
    let steps = result["steps"].as_array().expect("steps");
    let shown = |step: &Value| {
        let state = if step["reused"] == true { "reused".to_owned() } else { text(&step["state"]) };
        format!("{} {state}", text(&step["name"]))
    };
    steps.iter().map(shown).collect()
}

fn run_of<'r>(result: &'r Value, step: &str) -> &'r Value {
    let steps = result["steps"].as_array().expect("steps");
    let found = steps.iter().find(|known| known["name"] == step);
    &found.unwrap_or_else(|| panic!("no step {step}: {result}"))["run"]
}

#[test]
fn data_goes_from_step_to_step_and_every_step_is_a_run_of_its_own() {
    let ground = Ground::with(PIPELINE);
    let before = ground.files();
    let ended = ground.call(["run", "pipeline.yml", "--set", "inputs.factor=7", "--json"]).with_code(0);
    let result = ended.result();
    assert_eq!(result["outcome"], "completed");
    assert_eq!(steps(&result), ["prep completed", "learn.multiply completed", "try completed"]);
    assert_eq!(
        ended.log("driver"),
        ["prepared 2 []", "multiplied by 7", "got 28 35", "read-only: Read-only file system"]
    );
    assert_eq!(ground.files(), before);
    ground.leaves_nothing();

    let runs = ground.runs();
    let listed: Vec<_> = runs.iter().map(|run| (text(&run["kind"]), text(&run["step"]))).collect();
    let listed: Vec<_> = listed.iter().map(|(kind, step)| (kind.as_str(), step.as_str())).collect();
    assert_eq!(listed, [("pipeline", "null"), ("step", "prep"), ("step", "learn.multiply"), ("step", "try")]);
    let pipeline = &runs[0];
    assert!(runs[1..].iter().all(|step| step["parent"] == pipeline["run"] && step["state"] == "completed"));
    assert_eq!(pipeline["experiment"], "numbers");
    assert_eq!(
        pipeline["graph"]["edges"],
        json!([
            { "from": "prep", "output": "clean", "to": "learn.multiply", "input": "clean" },
            { "from": "learn.multiply", "output": "result", "to": "try", "input": "product" },
        ])
    );
    let name = pipeline["run"].as_str().unwrap();
    let outputs = ground.call(["runs", "outputs", name, "--json"]).with_code(0).objects().remove(0);
    assert_eq!(outputs["files"], json!([{ "path": "named_outputs/product/numbers.txt", "bytes": 5 }]));
    let written = ground.run_folder(&pipeline["run"]).join("named_outputs/product/numbers.txt");
    assert_eq!(fs::read_to_string(written).unwrap(), "28 35");
    let shown = ground.call(["runs", "show", name]).with_code(0).stderr;
    for word in ["prep", "learn.multiply", "try", "completed"] {
        assert!(shown.contains(word), "{word}: {shown}");
    }
    let listed = |words: &[&str]| {
        let said = ground.call([&["runs", "list"], words].concat()).with_code(0).stdout;
        said.lines().map(|line| line.split_whitespace().count()).collect::<Vec<_>>()
    };
    // State, time, name; of a step its own as well, and only where steps are asked for.
    assert_eq!((listed(&[]), listed(&["--steps"])), (vec![4], vec![4, 5, 5, 5]));
    ground.call(["runs", "remove", name]).with_code(0);
    assert!(ground.runs().is_empty());
    assert_eq!(fs::read_dir(ground.home().join("runs")).unwrap().count(), 0, "its steps go with it");
}

#[test]
fn the_next_step_reads_what_a_debugged_step_gave_whose_container_stays_warm() {
    // A kept container moves its outputs out of its way, and whoever is too early finds an empty folder.
    let mut ground = Ground::with(PIPELINE);
    ground.set("AML_DEBUG_KEEP_WARM", "120");
    let stops = ["--break", "src/prep.py:3", "--break", "src/multiply.py:4"];
    let ended = ground.call(["run", "pipeline.yml", "--json"].iter().chain(&stops)).with_code(0);
    assert_eq!(steps(&ended.result()), ["prep completed", "learn.multiply completed", "try completed"]);
    assert_eq!(
        ended.log("driver"),
        ["prepared 2 []", "multiplied by 3", "got 12 15", "read-only: Read-only file system"]
    );
    let warm: Vec<_> = ground.runs().iter().map(|run| run["warmUntil"].is_u64()).collect();
    assert_eq!(warm, [false, true, true, true], "the pipeline, then its steps: all have the code folder");
    ground.call(["runs", "remove", ground.runs()[0]["run"].as_str().unwrap()]).with_code(0);
    ground.leaves_nothing();
}

#[test]
fn on_a_terminal_each_line_says_whose_it_is_and_each_step_how_it_goes() {
    let ground = Ground::with(PIPELINE);
    let ended = ground.call(["run", "pipeline.yml"]).with_code(0);
    let lines: Vec<_> = ended.stdout.lines().collect();
    assert_eq!(lines[..2], ["prep | prepared 2 []", "learn.multiply | multiplied by 3"]);
    for words in ["step prep: running", "step try: completed after ", "learn.multiply "] {
        assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
    }
}

#[test]
fn what_has_not_changed_is_not_run_again() {
    let ground = Ground::with(PIPELINE);
    let run = |arguments: &[&str]| {
        let words = [&["run", "pipeline.yml", "--json"], arguments].concat();
        ground.call(words).with_code(0).result()
    };
    let first = run(&[]);
    let second = run(&[]);
    assert_eq!(steps(&second), ["prep reused", "learn.multiply reused", "try reused"]);
    assert_eq!(run_of(&second, "try"), run_of(&first, "try"));
    // Another value for the middle: what is before it stays, what is behind it follows.
    let third = run(&["--set", "inputs.factor=4"]);
    assert_eq!(steps(&third), ["prep reused", "learn.multiply completed", "try completed"]);
    // The same result by another way is the same content.
    let sorted = fs::read_to_string(ground.path("data/numbers.txt")).unwrap();
    fs::write(ground.path("data/numbers.txt"), sorted.replace(' ', "")).unwrap();
    assert_eq!(steps(&run(&[])), ["prep completed", "learn.multiply reused", "try reused"]);
    assert_eq!(steps(&run(&["--force"])), ["prep completed", "learn.multiply completed", "try completed"]);
    // An edit of the code that all of them see.
    fs::write(ground.path("src/more.py"), "").unwrap();
    assert_eq!(steps(&run(&[])), ["prep completed", "learn.multiply completed", "try completed"]);
    // What says of itself that it may come out different every time.
    let prep = fs::read_to_string(ground.path("parts/prep.yml")).unwrap();
    fs::write(ground.path("parts/prep.yml"), format!("{prep}is_deterministic: false\n")).unwrap();
    assert_eq!(steps(&run(&[])), ["prep completed", "learn.multiply reused", "try reused"]);
    let whole = fs::read_to_string(ground.path("pipeline.yml")).unwrap();
    let forced = whole.replace("jobs:", "settings: {force_rerun: true}\njobs:");
    fs::write(ground.path("pipeline.yml"), forced).unwrap();
    assert!(steps(&run(&[])).iter().all(|step| step.ends_with("completed")));
}

#[test]
fn a_breakpoint_stops_in_its_step_with_the_real_inputs_of_the_steps_before() {
    let ground = Ground::with(PIPELINE);
    ground.call(["run", "pipeline.yml", "--json"]).with_code(0);
    let ended = ground.call([
        "run",
        "pipeline.yml",
        "--debug",
        "--step",
        "multiply",
        "--break",
        "src/multiply.py:4",
        "--json",
    ]);
    let result = ended.with_code(0).result();
    assert_eq!(steps(&result), ["prep reused", "learn.multiply completed", "try reused"]);
    let stop = &result["stops"][0];
    assert_eq!((&stop["file"], &stop["line"]), (&"src/multiply.py".into(), &4.into()));
    assert_eq!((&stop["locals"]["numbers"], &stop["locals"]["factor"]), (&"[12, 15]".into(), &"3".into()));
    ground.leaves_nothing();
}

#[test]
fn several_steps_are_debugged_one_after_the_other() {
    let ground = Ground::with(PIPELINE);
    let mut run =
        ground.start(["run", "pipeline.yml", "--debug", "--step", "prep", "--step", "try", "--json"]);
    let code = ground.path("src").display().to_string();
    let mut names = Vec::new();
    for (file, line, local, value) in
        [("prep.py", 3, "numbers", "['4', '5']"), ("try.py", 3, "numbers", "'12 15'")]
    {
        let configuration = run.wait_until_ready();
        names.push(text(&configuration["name"]));
        let mut debugger = Debugger::attach(&configuration, &code, &[(file, line)]);
        let (thread, stopped, locals) = debugger.stopped();
        assert_eq!((stopped, locals[local].as_str()), (u64::from(line), value));
        debugger.go_on(&thread);
        debugger.wait_for_close();
    }
    assert_eq!(names, ["Azure ML: debug pipeline.yml (prep)", "Azure ML: debug pipeline.yml (try)"]);
    let result = run.end().with_code(0).result();
    let debugged: Vec<_> = result["steps"].as_array().unwrap().iter().map(|step| &step["debug"]).collect();
    assert_eq!(debugged, [true, false, true]);
    ground.leaves_nothing();
}

#[test]
fn a_failed_step_is_debugged_again_alone() {
    let mut ground = Ground::with(PIPELINE);
    let exit = "import os, sys\nif not os.path.exists('../wd/well'):\n    sys.exit(4)\n";
    let script = fs::read_to_string(ground.path("src/try.py")).unwrap();
    fs::write(ground.path("src/try.py"), format!("{exit}{script}")).unwrap();
    let failed = ground.call(["run", "pipeline.yml", "--json"]).with_code(1).result();
    assert_eq!(steps(&failed), ["prep completed", "learn.multiply completed", "try failed"]);
    let name = failed["run"].as_str().unwrap();
    let failure = told(&failed["failure"]);
    assert!(failure.starts_with("step try: the command ended with exit code 4: python try.py"), "{failure}");
    assert!(failure.contains(&format!("aml-debug rerun {name} --step try --debug")), "{failure}");

    // Mended, and stopped at a line with what the steps before have given.
    fs::write(ground.path("src/well"), "").unwrap();
    ground.set("NO_COLOR", "1");
    let again = ground
        .call(["rerun", name, "--step", "try", "--break", "src/try.py:6", "--json"])
        .with_code(0)
        .result();
    assert_eq!(again["stops"][0]["locals"]["numbers"], "'12 15'");
    let runs = ground.runs();
    assert_eq!(
        (&runs[0]["run"], &runs[0]["step"], &runs[0]["parent"]),
        (&again["run"], &"try".into(), &Value::Null)
    );
    assert_eq!(runs.len(), 5, "nothing before it was run again");
    let never = ground.call(["rerun", name, "--step", "tri"]).with_code(2).stderr;
    assert!(never.contains("name one of: prep, learn.multiply, try"), "{never}");
    ground.leaves_nothing();
}

/// Two steps that only end when both are there, one that fails, and what waits for them.
const BESIDE: &str = r#"
//- /pipeline.yml
type: pipeline
settings: {continue_on_step_failure: $CONTINUE}
jobs:
  left: {command: python meet.py left right, code: src, environment: {image: "$BASE"}, outputs: {out: }}
  right: {command: python meet.py right left, code: src, environment: {image: "$BASE"}, outputs: {out: }}
  fails:
    command: touch failing && cat ${{inputs.a}}/missing
    code: src
    environment: {image: "$BASE"}
    inputs: {a: "${{parent.jobs.left.outputs.out}}"}
    outputs: {out: }
  after:
    command: echo never
    environment: {image: "$BASE"}
    inputs: {a: "${{parent.jobs.fails.outputs.out}}"}
  other:
    command: while [ ! -e failing ]; do sleep 0.1; done; sleep 3
    code: src
    environment: {image: "$BASE"}
    inputs: {a: "${{parent.jobs.right.outputs.out}}"}
    outputs: {out: }
  last:
    command: echo last
    environment: {image: "$BASE"}
    inputs: {a: "${{parent.jobs.other.outputs.out}}"}
//- /src/meet.py
import os, sys, time
open(sys.argv[1], "w").close()
print("here")
while not os.path.exists(sys.argv[2]):
    time.sleep(0.02)
print("both")
"#;

#[test]
fn steps_that_need_nothing_of_each_other_run_side_by_side_and_a_failure_ends_what_waits_for_it() {
    for (goes_on, expected) in [("true", "last completed"), ("false", "last skipped")] {
        let ground = Ground::with(&BESIDE.replace("$CONTINUE", goes_on));
        let ended = ground.call(["run", "pipeline.yml", "--json"]).with_code(1);
        let result = ended.result();
        assert_eq!(
            steps(&result),
            [
                "left completed",
                "right completed",
                "fails failed",
                "after skipped",
                "other completed",
                expected
            ]
        );
        assert!(told(&result["failure"]).contains("No such file"), "{}", told(&result["failure"]));
        let never = ground.call(["rerun", result["run"].as_str().unwrap(), "--step", "after"]).with_code(2);
        assert!(never.stderr.contains("the step after never ran"), "{}", never.stderr);
        ground.leaves_nothing();
    }
}

/// A step that waits to be let go, and one behind it.
const WAITS: &str = r#"
//- /pipeline.yml
type: pipeline
jobs:
  first: {command: python wait.py, code: src, environment: {image: "$BASE"}, outputs: {out: }}
  beside: {command: python wait.py, code: src, environment: {image: "$BASE"}}
  second:
    command: echo through
    environment: {image: "$BASE"}
    inputs: {a: "${{parent.jobs.first.outputs.out}}"}
//- /src/wait.py
import os, time
print("here")
while not os.path.exists("go"):
    time.sleep(0.02)
"#;

/// By another process, or by Ctrl+C where it runs.
fn cancel(ground: &Ground, run: &Started, from_elsewhere: bool) {
    if from_elsewhere {
        let name = text(&ground.runs()[0]["run"]);
        let cancelled = ground.call(["runs", "cancel", &name, "--json"]).with_code(0).objects().remove(0);
        assert_eq!(cancelled["state"], "cancelled");
    } else {
        run.signal("INT");
    }
}

#[test]
fn a_cancel_ends_every_step() {
    for from_elsewhere in [false, true] {
        let ground = Ground::with(WAITS);
        let mut run = ground.start(["run", "pipeline.yml", "--json"]);
        run.wait_for_line("here");
        run.wait_for_line("here");
        assert_eq!(ground.containers().len(), 2);
        cancel(&ground, &run, from_elsewhere);
        let result = run.end().with_code(130).result();
        assert_eq!(steps(&result), ["first cancelled", "beside cancelled", "second skipped"]);
        ground.leaves_nothing();
    }
}

#[test]
fn a_cancel_ends_steps_that_are_being_debugged_the_paused_one_and_the_one_that_waits() {
    for from_elsewhere in [false, true] {
        let ground = Ground::with(WAITS);
        let words = ["run", "pipeline.yml", "--debug", "--step", "first", "--step", "beside", "--json"];
        let mut run = ground.start(words);
        // Whichever comes first is attached to and paused; the other one goes on waiting for somebody.
        let ready = [run.wait_until_ready(), run.wait_until_ready()];
        let code = ground.path("src").display().to_string();
        let mut debugger = Debugger::attach(&ready[0], &code, &[("wait.py", 2)]);
        assert_eq!(debugger.stopped().1, 2);
        cancel(&ground, &run, from_elsewhere);
        debugger.wait_for_close();
        let result = run.end().with_code(130).result();
        assert_eq!(steps(&result), ["first cancelled", "beside cancelled", "second skipped"]);
        ground.leaves_nothing();
    }
}

/// A step that fails while another one is looked at, and one behind each.
const FAILS: &str = r#"
//- /pipeline.yml
type: pipeline
settings: {continue_on_step_failure: $CONTINUE}
jobs:
  looked_at:
    command: python look.py ${{outputs.out}}
    code: src
    environment: {image: "$BASE"}
    outputs: {out: }
  fails: {command: python fail.py, code: src, environment: {image: "$BASE"}, outputs: {out: }}
  behind_look:
    command: cat ${{inputs.a}}/seen
    environment: {image: "$BASE"}
    inputs: {a: "${{parent.jobs.looked_at.outputs.out}}"}
  behind_failure:
    command: echo never
    environment: {image: "$BASE"}
    inputs: {a: "${{parent.jobs.fails.outputs.out}}"}
//- /src/look.py
import sys
seen = "seen in time"
open(sys.argv[1] + "/seen", "w").write(seen + "\n")
//- /src/fail.py
import os, time
while not os.path.exists("fail"):
    time.sleep(0.02)
count = 3
raise ValueError("count is %d" % count)
"#;

#[test]
fn a_failure_leaves_a_step_alone_that_somebody_looks_at_and_is_looked_at_afterwards_itself() {
    for (goes_on, expected) in [("false", "behind_look skipped"), ("true", "behind_look completed")] {
        let ground = Ground::with(&FAILS.replace("$CONTINUE", goes_on));
        let code = ground.path("src").display().to_string();
        let mut run = ground.start(["run", "pipeline.yml", "--debug", "--step", "looked_at", "--json"]);
        let configuration = run.wait_until_ready();
        let mut debugger = Debugger::attach(&configuration, &code, &[("look.py", 3)]);
        let (thread, ..) = debugger.stopped();
        fs::write(ground.path("src/fail"), "").unwrap();
        run.wait_for("the failure", |event| {
            event["run"]["step"] == "fails" && event["run"]["state"] == "failed"
        });
        // Two ticks of the owner later it still stands where it stood.
        std::thread::sleep(std::time::Duration::from_millis(500));
        let paused = ground.runs().into_iter().find(|run| run["step"] == "looked_at").expect("its run");
        assert_eq!(paused["state"], "paused", "{paused}");
        debugger.go_on(&thread);
        debugger.wait_for_close();
        let result = run.end().with_code(1).result();
        assert_eq!(
            steps(&result),
            ["looked_at completed", "fails failed", expected, "behind_failure skipped"]
        );
        // Alone, under a debugger, where it goes wrong: nothing else is run for it.
        let name = result["run"].as_str().unwrap();
        let before = ground.runs().len();
        let again = ground
            .call(["rerun", name, "--step", "fails", "--debug", "--break-on-exception", "--json"])
            .with_code(1)
            .result();
        let stop = &again["stops"][0];
        assert_eq!((&stop["line"], &stop["locals"]["count"]), (&5.into(), &"3".into()), "{again}");
        assert!(stop["exception"].as_str().unwrap().contains("count is 3"), "{stop}");
        assert_eq!(ground.runs().len(), before + 1);
        ground.leaves_nothing();
    }
}

#[test]
fn killed_while_its_steps_run_it_is_true_afterwards_and_goes_on_where_it_was() {
    let ground = Ground::with(WAITS);
    let mut run = ground.start(["run", "pipeline.yml", "--json"]);
    run.wait_for_line("here");
    run.wait_for_line("here");
    run.kill();
    let runs = ground.runs();
    let states: Vec<_> = runs.iter().map(|run| text(&run["state"])).collect();
    assert_eq!(states, ["running", "running", "running"], "its steps go on");
    fs::write(ground.path("src/go"), "").unwrap();
    let pipeline = until("the end", || {
        let run = ground.runs().remove(0);
        run["endedAt"].is_u64().then_some(run)
    });
    assert_eq!(pipeline["state"], "lost", "nobody was there to start the second step");
    let name = pipeline["run"].as_str().unwrap();
    let failure = told(&pipeline["failure"]);
    assert!(failure.contains(&format!("aml-debug rerun {name}")), "{failure}");
    let shown: Vec<_> =
        pipeline["graph"]["steps"].as_array().unwrap().iter().map(|step| &step["state"]).collect();
    assert_eq!(shown, ["completed", "completed", "skipped"]);
    ground.leaves_nothing();
    let again = ground.call(["rerun", name, "--json"]).with_code(0).result();
    assert_eq!(again["outcome"], "completed");
    assert_eq!(steps(&again).last().unwrap(), "second completed");
    ground.leaves_nothing();
}

#[test]
fn killed_anywhere_it_leaves_nothing_behind() {
    for moment in ["preparing", "running", "stopping"] {
        let ground = Ground::with(PIPELINE);
        let mut run = ground.start(["run", "pipeline.yml", "--json"]);
        run.wait_for(moment, |event| {
            event["event"] == "runChanged"
                && event["run"]["step"] == "prep"
                && event["run"]["state"] == moment
        });
        run.kill();
        let pipeline = until("a true record", || {
            let run = ground.runs().remove(0);
            run["endedAt"].is_u64().then_some(run)
        });
        assert_eq!(pipeline["state"], "lost", "{pipeline}");
        ground.leaves_nothing();
    }
}

#[test]
fn what_is_wrong_is_said_before_anything_starts() {
    let ground = Ground::with(PIPELINE);
    let whole = fs::read_to_string(ground.path("pipeline.yml")).unwrap();
    let said = |from: &str, to: &str, arguments: &[&str]| {
        let changed = whole.replace(from, to);
        assert!(from.is_empty() || changed != whole, "{from}");
        fs::write(ground.path("pipeline.yml"), changed).unwrap();
        let words = [&["run", "pipeline.yml", "--json"], arguments].concat();
        let ended = ground.call(words).with_code(2);
        let last = ended.objects().pop().unwrap();
        told(&last["failure"])
    };
    let cases = [
        (
            said("jobs.learn.outputs.product", "jobs.learn.outputs.produce", &[]),
            "the spec has errors: \"${{parent.jobs.learn.outputs.produce}}\": the step learn has no output \"produce\"\n",
        ),
        (
            said(
                "numbers: \"${{parent.inputs.numbers}}\"",
                "numbers: \"${{parent.jobs.learn.outputs.product}}\"",
                &[],
            ),
            "steps wait for one another: prep → learn.multiply → prep\n-> give one of them another input, so that the data flows in one direction",
        ),
        (
            said("parts/prep.yml", "azureml:prep@latest", &[]),
            "step prep names the component \"azureml:prep@latest\", which only a workspace knows\n-> name the component's file instead: \"component: ./FILE.yml\"",
        ),
        (
            said("", "", &["--debug", "--step", "tri"]),
            "the pipeline has no step \"tri\", or more than one\n-> name one of: prep, learn.multiply, try",
        ),
        (
            said("", "", &["--set", "inputs.x=1"]),
            "\"--set inputs.x=…\": the job has no input \"x\"; it has: numbers, factor",
        ),
        (
            said("", "", &["--step", "try"]),
            "--step says which step is debugged, and no debugger is asked for\n-> add --debug or --break FILE:LINE; to run one step again, aml-debug rerun RUN --step NAME",
        ),
    ];
    for (found, expected) in cases {
        assert!(found.starts_with(expected), "{found}\n{expected}");
    }
    let missing = said("parts/prep.yml", "parts/preparation.yml", &[]);
    assert!(missing.contains("parts/preparation.yml"), "{missing}");
    let nowhere = said("", "", &["--break", "nowhere.py:3"]);
    assert!(nowhere.starts_with("no step has a file nowhere.py in its code folder\n  prep: "), "{nowhere}");
    let data = said("data/numbers.txt", "data/letters.txt", &[]);
    assert!(data.starts_with("step prep: the input \"numbers\" has the path"), "{data}");
    assert!(ground.runs().iter().all(|run| run["kind"] == "run" && run["state"] == "failed"));
    ground.leaves_nothing();
    assert!(engine::docker_says(&["version"]).is_some());
}
