//! `variant`: a pipeline that a person can read and submit, whose chosen steps await a debugger.
//!
//! The step of the variant is run as a node would run it: its command by a shell, with its variables.

use crate::instrument::{Python, Waiting, free_port};
use crate::support::{Debugger, until};
use serde_json::json;
use std::fs;
use std::path::Path;

const FILES: &str = "\
//- /pipelines/pipeline.yml
$schema: https://azuremlschemas.azureedge.net/latest/pipelineJob.schema.json
type: pipeline
# Two steps.
jobs:
  prep:
    command: echo prep
    environment: {image: base}
  train:
    code: ../src
    command: python3 train.py --epochs 1  # folded by nobody
    environment:
      image: base
      conda_file: conda.yml
//- /pipelines/conda.yml
name: env
dependencies:
  - python=3.11
  - pip:
      - numpy
//- /src/train.py
import sys

for epoch in range(int(sys.argv[2])):
    print('epoch', epoch, __name__, sys.argv)
";

#[test]
fn the_chosen_step_waits_the_rest_is_as_it_was_and_the_result_is_well() {
    let python = Python::prepare_with(FILES);
    let ground = &python.ground;
    let made = ground.call(["variant", "pipelines/pipeline.yml", "--step", "train"]).with_code(0);
    assert!(made.stdout.contains("+      - debugpy\n"), "{}", made.stdout);
    assert!(
        made.stdout.contains(
            "+    command: python3 -c \"$AML_DEBUG_START\" train.py --epochs 1  # folded by nobody\n"
        )
    );
    assert!(made.stderr.contains("submit pipelines/pipeline.debug.yml"), "{}", made.stderr);
    let checked = ground.call(["check", "pipelines/pipeline.debug.yml", "--json"]).with_code(0).objects();
    let findings = checked[0]["diagnostics"].as_array().expect("a list");
    assert!(findings.iter().all(|finding| finding["severity"] != "error"), "{findings:?}");

    let text = fs::read_to_string(ground.path("pipelines/pipeline.debug.yml")).expect("the variant");
    // What is put in can be taken out again line by line.
    let original = fs::read_to_string(ground.path("pipelines/pipeline.yml")).expect("ours");
    let kept = |line: &&str| {
        original.lines().any(|old| old == *line)
            || line.contains("conda_file")
            || line.contains("command: python3")
    };
    assert_eq!(text.lines().filter(kept).count(), original.lines().count());

    let (start, program) = program(&text);
    assert!(start.contains("force_rerun: true"), "{start}");
    let port = free_port();
    let step = |seconds: &str| {
        let mut shell = python.python(
            Path::new("-c"),
            &["import sys; import os; os.execvp('bash', ['bash', '-c', sys.argv[1]])"],
        );
        shell.arg("python3 -c \"$AML_DEBUG_START\" train.py --epochs 1").current_dir(ground.path("src"));
        shell.env("AML_DEBUG_START", &program).env("AML_REMOTE_DEBUG_PORT", port.to_string());
        shell.env("AML_REMOTE_DEBUG_CONNECTION_TIMEOUT", seconds);
        shell
    };
    let output = step("0.3").output().expect("the step");
    let said = String::from_utf8_lossy(&output.stdout);
    let (beacon, rest) =
        said.split_once("Debugger attached = False\n").unwrap_or_else(|| panic!("{output:?}"));
    assert!(beacon.starts_with("Timeout for debug connection: 0.3\nremote_debug_port: "), "{beacon}");
    assert_eq!(rest, "epoch 0 __main__ ['train.py', '--epochs', '1']\n");

    let mut waiting = Waiting::start(&mut step("60"));
    let (address, port) = waiting.beacon();
    let folder = ground.path("src").display().to_string();
    let configuration =
        json!({ "connect": { "host": address, "port": port }, "pathMappings": [{ "remoteRoot": folder }] });
    let mut debugger = Debugger::attach(&configuration, &folder, &[("train.py", 4)]);
    let (_, line, locals) = debugger.stopped();
    assert_eq!((line, locals.get("epoch").map(String::as_str)), (4, Some("0")), "{locals:?}");
    debugger.request("disconnect", json!({}));
    assert!(waiting.rest().contains("Debugger attached = True\nepoch 0"));
}

/// What stands before the program that a variant has put into a pipeline, and the program.
pub(crate) fn program(variant: &str) -> (&str, String) {
    let (before, rest) = variant.split_once("AML_DEBUG_START: |\n").expect("the program");
    let own = rest.lines().map_while(|line| line.strip_prefix("        "));
    (before, own.map(|line| format!("{line}\n")).collect())
}

/// Rank 0 says that it is there and waits for rank 1, as in a collective.
const RANKS: &str = "\
//- /pipeline.yml
type: pipeline
jobs:
  train:
    code: src
    command: python3 train.py
    environment: {image: base}
    distribution: {type: pytorch, process_count_per_instance: 2}
//- /src/train.py
import os, time
rank = os.environ['RANK']
open(rank, 'w').close()
print('rank', rank, 'is there', flush=True)
while not os.path.exists('1'):
    time.sleep(0.02)
print('rank', rank, 'goes on', flush=True)
";

#[test]
fn the_chosen_rank_waits_and_the_others_are_on_their_way() {
    let python = Python::prepare_with(RANKS);
    let ground = &python.ground;
    ground.call(["variant", "pipeline.yml", "--step", "train", "--rank", "1"]).with_code(0);
    let text = fs::read_to_string(ground.path("pipeline.debug.yml")).expect("the variant");
    assert!(text.contains("AML_REMOTE_DEBUG_RANK: \"1\"\n"), "{text}");
    let (_, program) = program(&text);
    let port = free_port();
    let rank = |rank: &str| {
        let mut process = python.python(Path::new("-c"), &[program.as_str(), "train.py"]);
        process.current_dir(ground.path("src")).env("AML_DEBUG_START", &program);
        process.env("RANK", rank).env("LOCAL_RANK", rank).env("AML_REMOTE_DEBUG_RANK", "1");
        process.env("AML_REMOTE_DEBUG_PORT", port.to_string());
        process.env("AML_REMOTE_DEBUG_CONNECTION_TIMEOUT", "60");
        process
    };
    let mut chosen = Waiting::start(&mut rank("1"));
    let (address, its_port) = chosen.beacon();
    assert_eq!(its_port, port + 1, "each rank of a node has a port of its own");
    let mut other = rank("0").spawn().expect("Python");
    until("the other rank", || ground.path("src/0").exists().then_some(()));
    assert!(!ground.path("src/1").exists(), "the chosen one stands before its first line");
    let folder = ground.path("src").display().to_string();
    let configuration = json!({ "connect": { "host": address, "port": its_port }, "pathMappings": [{ "remoteRoot": folder }] });
    let mut debugger = Debugger::attach(&configuration, &folder, &[("train.py", 3)]);
    let (_, line, locals) = debugger.stopped();
    assert_eq!((line, locals.get("rank").map(String::as_str)), (3, Some("'1'")), "{locals:?}");
    assert!(other.try_wait().expect("it is ours").is_none(), "it waits for the rank that is looked at");
    debugger.request("disconnect", json!({}));
    assert!(chosen.rest().contains("Debugger attached = True, rank 1\nrank 1 is there\nrank 1 goes on"));
    let said = other.wait_with_output().expect("its words");
    assert_eq!(String::from_utf8_lossy(&said.stdout), "rank 0 is there\nrank 0 goes on\n");

    let refused = ground.call(["variant", "pipeline.yml", "--step", "train", "--rank", "2"]).with_code(2);
    assert!(refused.stderr.contains("name a rank from 0 to 1"), "{}", refused.stderr);
}

#[test]
fn a_step_that_is_not_there_and_a_place_elsewhere_are_refused() {
    let python = Python::prepare_with(FILES);
    let no_step =
        python.ground.call(["variant", "pipelines/pipeline.yml", "--step", "evaluate"]).with_code(2);
    assert!(no_step.stderr.contains("there is no step evaluate") && no_step.stderr.contains("prep, train"));
    let elsewhere = python
        .ground
        .call(["variant", "pipelines/pipeline.yml", "--step", "train", "-o", "x.yml"])
        .with_code(2);
    assert!(elsewhere.stderr.contains("in the folder of the pipeline"), "{}", elsewhere.stderr);
    assert!(!python.ground.files().iter().any(|file| file.contains(".debug.")));
}
