//! `variant`: a pipeline that a person can read and submit, whose chosen steps await a debugger.
//!
//! The step of the variant is run as a node would run it: its command by a shell, with its variables.

use crate::instrument::{Python, Waiting, free_port};
use crate::support::Debugger;
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

    let (start, rest) = text.split_once("AML_DEBUG_START: |\n").expect("the program");
    assert!(start.contains("force_rerun: true"), "{start}");
    let program: String = rest
        .lines()
        .map_while(|line| line.strip_prefix("        "))
        .map(|line| format!("{line}\n"))
        .collect();
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
