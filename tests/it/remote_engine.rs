//! An engine on another machine: nothing of this one can be mounted there, so it is copied.

use crate::support::engine::docker;
use crate::support::program::text;
use crate::support::{Bridge, Debugger, Ground};
use serde_json::json;
use std::fs;

const SCRIPT: &str = "\n//- /src/x.py\nimport os, sys\nprint(sorted(os.listdir('.')), open(sys.argv[1]).read().strip())\nos.makedirs('outputs/deep', exist_ok=True)\nopen('outputs/deep/model.txt', 'w').write('weights')\nopen(os.path.join(sys.argv[2], 'named.txt'), 'w').write('named')\nopen('beside.txt', 'w').write('stays there')\n//- /src/big.bin\nxxxx\n//- /src/kept.txt\nkept\n//- /src/.amlignore\n*.bin\n//- /src/.gitignore\n*.txt\n//- /data/in.txt\nthe input\n";

#[test]
fn code_and_inputs_are_copied_in_and_outputs_come_back() {
    let job = "python x.py ${{inputs.data}} ${{outputs.model}}\ninputs:\n  data: {type: uri_file, path: data/in.txt}\noutputs:\n  model: {type: uri_folder}";
    let mut ground = Ground::with_job(job, SCRIPT);
    let bridge = Bridge::open_port();
    ground.set("DOCKER_HOST", bridge.address());
    let before = ground.files();
    let mut run = ground.start(["run", "job.yml", "--debug", "--json"]);
    run.wait_until_ready();
    let mounts =
        docker(&["inspect", "--format", "{{range .Mounts}}{{.Type}} {{end}}", &ground.containers()[0]]);
    assert!(!mounts.contains("bind"), "the far engine sees nothing of this machine: {mounts}");
    run.signal("INT");
    run.end().with_code(130);
    ground.leaves_nothing();

    let ended = ground.call(["run", "job.yml", "--break", "src/x.py:3", "--json"]).with_code(0);
    let said = ended.log("driver").join("\n");
    assert!(said.contains("'kept.txt'") && said.contains("the input"), "{said}");
    assert!(!said.contains("big.bin"), "what .amlignore names stays here: {said}");
    let result = ended.result();
    assert_eq!(result["stops"][0]["line"], 3, "{result}");
    let folder = ground.run_folder(&result["run"]);
    assert_eq!(fs::read_to_string(folder.join("outputs/deep/model.txt")).unwrap(), "weights");
    assert_eq!(fs::read_to_string(folder.join("named_outputs/model/named.txt")).unwrap(), "named");
    assert_eq!(ground.files(), before, "{}", text(&result["run"]));
    assert!(ended.log("control").iter().any(|line| line.contains("the engine is on another machine")));
    ground.leaves_nothing();
}

/// Each step reads what the one before has written, a file and a folder.
const PIPELINE: &str = r#"
//- /pipeline.yml
type: pipeline
inputs:
  numbers: {type: uri_file, path: data/numbers.txt}
outputs:
  sums: {type: uri_folder}
jobs:
  prep:
    command: python prep.py ${{inputs.numbers}} ${{outputs.clean}} ${{outputs.folder}}
    code: src
    environment: {image: "$BASE"}
    inputs: {numbers: "${{parent.inputs.numbers}}"}
    outputs:
      clean: {type: uri_file}
      folder: {type: uri_folder}
  add:
    command: python add.py ${{inputs.clean}} ${{inputs.folder}} ${{outputs.sums}}
    code: src
    environment: {image: "$BASE"}
    inputs:
      clean: ${{parent.jobs.prep.outputs.clean}}
      folder: ${{parent.jobs.prep.outputs.folder}}
    outputs: {sums: "${{parent.outputs.sums}}"}
//- /data/numbers.txt
 4
5
//- /src/prep.py
import sys
numbers = open(sys.argv[1]).read().split()
open(sys.argv[2], "w").write(" ".join(numbers))
open(sys.argv[3] + "/count.txt", "w").write(str(len(numbers)))
//- /src/add.py
import sys
numbers = [int(word) for word in open(sys.argv[1]).read().split()]
count = int(open(sys.argv[2] + "/count.txt").read())
open(sys.argv[3] + "/sum.txt", "w").write(str(sum(numbers)))
print("sum", sum(numbers), "of", count)
"#;

#[test]
fn what_a_step_of_a_pipeline_has_given_comes_back_and_goes_on_to_the_next() {
    let mut ground = Ground::with(PIPELINE);
    let bridge = Bridge::open_port();
    ground.set("DOCKER_HOST", bridge.address());
    let ended = ground.call(["run", "pipeline.yml", "--json"]).with_code(0);
    assert_eq!(ended.log("driver"), ["sum 9 of 2"]);
    let result = ended.result();
    let written = ground.run_folder(&result["run"]).join("named_outputs/sums/sum.txt");
    assert_eq!(fs::read_to_string(written).expect("the pipeline's output"), "9");
    // With its real inputs under a debugger, and what has not changed is not run again.
    let words = ["run", "pipeline.yml", "--break", "src/add.py:4", "--debug", "--step", "add", "--json"];
    let result = ground.call(words).with_code(0).result();
    assert_eq!(result["stops"][0]["locals"]["numbers"], "[4, 5]");
    assert_eq!(result["stops"][0]["locals"]["count"], "2");
    assert_eq!(result["steps"][0]["reused"], true, "{result}");
    let numbers = fs::read_to_string(ground.path("data/numbers.txt")).expect("ours");
    fs::write(ground.path("data/numbers.txt"), numbers.replace('5', "6")).expect("ours");
    let ended = ground.call(["run", "pipeline.yml", "--json"]).with_code(0);
    assert_eq!(ended.log("driver"), ["sum 10 of 2"]);
    let name = text(&ended.result()["run"]);
    let again = ground.call(["rerun", &name, "--step", "add", "--json"]).with_code(0);
    assert_eq!(again.log("driver"), ["sum 10 of 2"]);
    ground.leaves_nothing();
}

#[test]
fn a_restart_copies_the_code_as_it_is_by_then() {
    let files = "\n//- /src/x.py\nfrom words import word\nsaid = word\nprint(said, flush=True)\n//- /src/words.py\nword = 'before'\n";
    let mut ground = Ground::with_job("python x.py", files);
    let bridge = Bridge::open_port();
    ground.set("DOCKER_HOST", bridge.address());
    let code = ground.path("src").display().to_string();
    let mut run = ground.start(["run", "job.yml", "--debug", "--json"]);
    let ready = run.wait_until_ready();
    let mut debugger = Debugger::attach(&ready, &code, &[("x.py", 3)]);
    let (_, _, locals) = debugger.stopped();
    assert_eq!(locals["said"], "'before'");
    fs::write(ground.path("src/words.py"), "word = 'as edited'\n").unwrap();
    let restarted = debugger.request("restart", json!({}));
    assert_eq!(restarted["success"], true, "{restarted}");
    let (thread, line, locals) = debugger.stopped();
    assert_eq!((line, locals["said"].as_str()), (3, "'as edited'"));
    debugger.go_on(&thread);
    let ended = run.end().with_code(0);
    assert_eq!(ended.log("driver").last().map(String::as_str), Some("as edited"));
    ground.leaves_nothing();
}
