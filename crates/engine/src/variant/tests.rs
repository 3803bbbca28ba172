//! Variants of pipelines as people write them: what is put in, and that nothing else changes.

use super::*;
use crate::diff::unified;
use crate::instrument::programs::start;
use expect_test::expect;
use std::collections::BTreeMap;

fn made(steps: &[&str], files: &[(&str, &str)]) -> Result<Variant, Failure> {
    let files: BTreeMap<PathBuf, String> =
        files.iter().map(|(path, text)| (Path::new("/p").join(path), (*text).to_owned())).collect();
    let steps: Vec<String> = steps.iter().map(|step| (*step).to_owned()).collect();
    let wish = Wish {
        pipeline: Path::new("/p/pipeline.yml"),
        steps: &steps,
        output: Path::new("/p/pipeline.debug.yml"),
        wait: 300,
        call: None,
        ranks: &[],
    };
    variant(&wish, |path| files.get(path).cloned())
}

/// The diffs of all files, without the text of the start program.
fn shown(steps: &[&str], files: &[(&str, &str)]) -> String {
    let variant = made(steps, files).unwrap_or_else(|failure| panic!("{failure}"));
    let start = start();
    let program: Vec<&str> = start.lines().collect();
    let diffs = variant.files.iter().map(|file| {
        let diff = unified(&file.to.display().to_string(), file.old.as_bytes(), file.new.as_bytes());
        let of_the_program = |line: &str| program.iter().any(|it| it.trim_start() == line.trim_start());
        let rest = diff.lines().filter(|line| !line.strip_prefix('+').is_some_and(of_the_program));
        rest.filter(|line| !line.starts_with("---") && !line.starts_with("@@"))
            .map(|line| format!("{line}\n"))
            .collect::<String>()
    });
    let remarks = variant.remarks.iter().map(|remark| format!("{remark}\n"));
    diffs.chain(remarks).collect()
}

const PIPELINE: &str = "\
$schema: https://azuremlschemas.azureedge.net/latest/pipelineJob.schema.json
type: pipeline  # a comment
settings:
  default_compute: azureml:cpu
jobs:
  prep:
    command: echo prep
    environment: azureml:env@latest

  # the step
  train:
    type: command
    code: src
    resources:
      instance_count: 2  # nodes
    environment_variables:
      A: b
    command: >-
      pip list &&
      python -u train.py
      --lr ${{inputs.lr}}
    environment:
      image: base
      conda_file: env/conda.yml
    inputs: {lr: 0.1}
  evaluate:
    component: ./parts/evaluate.yml
";

const CONDA: &str =
    "name: env\ndependencies:\n  - python=3.11\n  - pip\n  - pip:\n      # pinned\n      - numpy==2\n";

const COMPONENT: &str = "\
name: evaluate
type: command
code: ../src
command: \"python -m tools.evaluate --x 1\"
environment: azureml:env@latest
";

#[test]
fn a_step_gets_debugpy_a_start_that_waits_and_no_reuse() {
    let files = [("pipeline.yml", PIPELINE), ("env/conda.yml", CONDA), ("src/train.py", "print(1)\n")];
    expect![[r#"
        +++ b//p/env/conda.debug.yml
           - pip
           - pip:
               # pinned
        +      - debugpy
               - numpy==2
        +++ b//p/pipeline.debug.yml
         $schema: https://azuremlschemas.azureedge.net/latest/pipelineJob.schema.json
         type: pipeline  # a comment
         settings:
        +  force_rerun: true
           default_compute: azureml:cpu
         jobs:
           prep:
             type: command
             code: src
             resources:
        -      instance_count: 2  # nodes
        +      instance_count: 1  # nodes
             environment_variables:
        +      AML_DEBUG_START: |
        +      AML_REMOTE_DEBUG_CONNECTION_TIMEOUT: "300"
        +      AML_REMOTE_DEBUG_PORT: "5678"
               A: b
             command: >-
               pip list &&
        -      python -u train.py
        +      python -u -c "$AML_DEBUG_START" train.py
               --lr ${{inputs.lr}}
             environment:
               image: base
        -      conda_file: env/conda.yml
        +      conda_file: env/conda.debug.yml
             inputs: {lr: 0.1}
           evaluate:
             component: ./parts/evaluate.yml
    "#]]
    .assert_eq(&shown(&["train"], &files));
}

#[test]
fn a_component_file_is_copied_beside_itself() {
    let files =
        [("pipeline.yml", PIPELINE), ("parts/evaluate.yml", COMPONENT), ("src/tools/evaluate.py", "")];
    expect![[r#"
        +++ b//p/parts/evaluate.debug.yml
        +is_deterministic: false
         name: evaluate
         type: command
         code: ../src
        -command: "python -m tools.evaluate --x 1"
        +command: "python -m pip install --quiet debugpy && python -c \"$AML_DEBUG_START\" -m tools.evaluate --x 1"
         environment: azureml:env@latest
        +++ b//p/pipeline.debug.yml
               conda_file: env/conda.yml
             inputs: {lr: 0.1}
           evaluate:
        -    component: ./parts/evaluate.yml
        +    environment_variables:
        +      AML_DEBUG_START: |
        +      AML_REMOTE_DEBUG_CONNECTION_TIMEOUT: "300"
        +      AML_REMOTE_DEBUG_PORT: "5678"
        +    component: ./parts/evaluate.debug.yml
        step evaluate: debugpy is installed when the step starts, since its environment is not written in these files
    "#]].assert_eq(&shown(&["evaluate"], &files));
}

#[test]
fn a_script_that_knows_the_convention_is_only_told() {
    let instrumented = instrument::instrument(b"print(1)\n").expect("a script").bytes;
    let instrumented = String::from_utf8(instrumented).expect("text");
    let published = "parser.add_argument('--remote_debug')\nparser.parse_args()\n";
    let files =
        [("pipeline.yml", PIPELINE), ("env/conda.yml", CONDA), ("src/train.py", instrumented.as_str())];
    let by_environment = shown(&["train"], &files);
    assert!(by_environment.contains("+      AML_REMOTE_DEBUG: \"1\"\n"), "{by_environment}");
    assert!(!by_environment.contains("train.py"), "{by_environment}");
    let files = [("pipeline.yml", PIPELINE), ("env/conda.yml", CONDA), ("src/train.py", published)];
    let by_flags = shown(&["train"], &files);
    assert!(by_flags.contains("+      python -u train.py --remote_debug --remote_debug_connection_timeout 300 --remote_debug_port 5678\n"), "{by_flags}");
}

#[test]
fn json_and_other_line_ends_stay_what_they_are() {
    let json = r#"{"type": "pipeline", "jobs": {"train": {"command": "python \"train.py\" -x", "code": "src", "environment": {"image": "b", "conda_file": {"dependencies": ["pip", {"pip": ["numpy"]}]}}}}}"#;
    let made_of =
        |text: &str| made(&["train"], &[("pipeline.yml", text), ("src/train.py", "")]).expect("a variant");
    let variant = made_of(json);
    let new = &variant.files[0].new;
    let read: serde_json::Value = serde_json::from_str(new).unwrap_or_else(|error| panic!("{error}: {new}"));
    let step = &read["jobs"]["train"];
    assert_eq!(step["command"], "python -c \"$AML_DEBUG_START\" \"train.py\" -x");
    assert_eq!(step["environment"]["conda_file"]["dependencies"][1]["pip"][0], "debugpy");
    assert_eq!(step["environment_variables"]["AML_DEBUG_START"], start());
    assert_eq!(read["settings"]["force_rerun"], true);
    let windows = PIPELINE.replace('\n', "\r\n");
    let variant = made_of(&windows);
    let new = &variant.files.last().expect("the pipeline").new;
    assert!(!new.replace("\r\n", "").contains('\n'));
}

#[test]
fn what_cannot_be_changed_from_here_is_refused_with_a_reason() {
    let of = |step: &str, text: &str| {
        let failure = made(&[step], &[("pipeline.yml", text), ("src/train.py", "")]).expect_err("refused");
        format!("{}\n-> {}\n", failure.what, failure.fix.expect("a fix"))
    };
    let head = "type: pipeline\njobs:\n";
    let said = [
        of("nowhere", PIPELINE),
        of("x", "type: command\ncommand: ls\n"),
        of("s", &format!("{head}  s:\n    type: sweep\n")),
        of("s", &format!("{head}  s:\n    component: azureml:train:1\n")),
        of("s", &format!("{head}  s:\n    code: src\n    command: torchrun train.py\n")),
        of("b", &format!("{head}  a: &a\n    command: python train.py\n  b: *a\n")),
    ];
    expect![[r#"
        there is no step nowhere in the pipeline
        -> its steps are: prep, train, evaluate
        /p/pipeline.yml is no v2 pipeline job
        -> name a pipeline job; aml-debug check says what a file is
        step s is not a command step
        -> write the step out in the pipeline, or in a component file of its own
        step s uses the component azureml:train:1, whose command and environment are in the workspace and not here
        -> write the step out in the pipeline, or in a component file of its own
        step s: no script is started in its command in a way that a debugger can be put before
        -> put the convention into the script: aml-debug instrument SCRIPT --write
        step b is written with an anchor, an alias or a variable of aml-debug, and changing it would change more than that step
        -> write the step out in the pipeline, or in a component file of its own
    "#]].assert_eq(&said.concat());
}

#[test]
fn a_step_that_calls_is_told_where_and_what_it_has_to_show() {
    let text = "type: pipeline\njobs:\n  train:\n    command: python train.py\n    code: src\n    environment: {image: base}\n";
    let wish = Wish {
        pipeline: Path::new("/p/pipeline.yml"),
        steps: &["train".to_owned()],
        output: Path::new("/p/pipeline.debug.yml"),
        wait: 300,
        call: Some(Call { address: "10.0.0.4:5678", token: "s3cret" }),
        ranks: &[],
    };
    let made = variant(&wish, |path| (path == wish.pipeline).then(|| text.to_owned())).expect("a variant");
    let new = &made.files.last().expect("a file").new;
    for line in [
        "AML_REMOTE_DEBUG_CALL: \"10.0.0.4:5678\"\n",
        "AML_REMOTE_DEBUG_TOKEN: \"s3cret\"\n",
        "AML_REMOTE_DEBUG_STEP: \"train\"\n",
        "python -c \"$AML_DEBUG_START\" train.py\n",
    ] {
        assert!(new.contains(line), "{line}: {new}");
    }
}

#[test]
fn the_ranks_of_a_distributed_step_are_patient_and_only_the_chosen_ones_wait() {
    let text = "type: pipeline\njobs:\n  train:\n    command: python train.py\n    code: src\n    \
                environment: {image: base}\n    distribution: {type: pytorch, process_count_per_instance: 4}\n    \
                resources: {instance_count: 2}\n  prep:\n    command: python prep.py\n    environment: {image: base}\n";
    let made = |step: &str, ranks: &[u32]| {
        let wish = Wish {
            pipeline: Path::new("/p/pipeline.yml"),
            steps: &[step.to_owned()],
            output: Path::new("/p/pipeline.debug.yml"),
            wait: 300,
            call: None,
            ranks,
        };
        let flags = "parser.add_argument('--remote_debug')\nparser.parse_args()\n";
        let made = variant(&wish, |path| match path.to_str() {
            Some("/p/pipeline.yml") => Some(text.to_owned()),
            Some("/p/src/train.py") => Some(flags.to_owned()),
            _ => None,
        })?;
        let new = &made.files.last().expect("a file").new;
        let root = yaml::parse(new.as_bytes()).root.expect("YAML");
        let step = root.get("jobs").and_then(|jobs| jobs.get(step)).cloned().expect("the step");
        let variable = |name: &str| step.get("environment_variables")?.text(name).map(str::to_owned);
        Ok::<_, Failure>((variable("AML_REMOTE_DEBUG_RANK"), variable("AML_DEBUG_START")))
    };
    // A script that is told by its own flags cannot be told of one rank.
    assert_eq!(made("train", &[]), Ok((None, None)));
    let (rank, program) = made("train", &[1]).expect("a variant");
    assert_eq!(rank.as_deref(), Some("1"));
    assert_eq!(program, Some(format!("{PATIENCE}await_torch()\n{}", start())));
    assert_eq!(made("train", &[0, 3]).expect("a variant").0.as_deref(), Some("0,3"));
    let (_, alone) = made("prep", &[]).expect("a variant");
    assert_eq!(alone, Some(start()));
    let said = [made("train", &[4]), made("prep", &[0])].map(|made| {
        let failure = made.expect_err("refused");
        format!("{}\n-> {}\n", failure.what, failure.fix.expect("a fix"))
    });
    expect![[r#"
        step train has no rank 4 on one node, and the variant has one node
        -> name a rank from 0 to 3
        step prep has no ranks: its distribution is neither PyTorch's nor MPI's
        -> leave --rank away; the whole step waits for a debugger
    "#]]
    .assert_eq(&said.concat());
}

#[test]
fn steps_of_nested_pipelines_are_changed_in_copies_of_their_files() {
    let files = [
        ("pipeline.yml", "type: pipeline\ncomponent: parts/all.yml\n"),
        (
            "parts/all.yml",
            "type: pipeline\njobs:\n  one: {type: pipeline, component: learn.yml}\n  two:\n    type: pipeline\n    component: ./learn.yml\n",
        ),
        (
            "parts/learn.yml",
            "type: pipeline\njobs:\n  fit:\n    command: python fit.py\n    environment: {image: base}\n  \
             judge:\n    command: python judge.py\n    environment: {image: base}\n",
        ),
    ];
    let shown = shown(&["one.fit", "two.judge"], &files);
    let changed: Vec<&str> = shown.lines().filter(|line| line.starts_with(['+', '-'])).collect();
    expect![[r#"
        +++ b//p/parts/learn.debug.yml
        -    command: python fit.py
        +    environment_variables:
        +      AML_DEBUG_START: |
        +      AML_REMOTE_DEBUG_CONNECTION_TIMEOUT: "300"
        +      AML_REMOTE_DEBUG_PORT: "5678"
        +    command: python -m pip install --quiet debugpy && python -c "$AML_DEBUG_START" fit.py
        +++ b//p/parts/learn.debug-2.yml
        -    command: python judge.py
        +    environment_variables:
        +      AML_DEBUG_START: |
        +      AML_REMOTE_DEBUG_CONNECTION_TIMEOUT: "300"
        +      AML_REMOTE_DEBUG_PORT: "5678"
        +    command: python -m pip install --quiet debugpy && python -c "$AML_DEBUG_START" judge.py
        +++ b//p/parts/all.debug.yml
        -  one: {type: pipeline, component: learn.yml}
        +  one: {type: pipeline, component: learn.debug.yml}
        -    component: ./learn.yml
        +    component: ./learn.debug-2.yml
        +++ b//p/pipeline.debug.yml
        +settings:
        +  force_rerun: true
        -component: parts/all.yml
        +component: parts/all.debug.yml"#]]
    .assert_eq(&changed.join("\n"));
    let failure = made(&["fit"], &files).expect_err("two steps have this name");
    let fix = failure.fix.expect("a fix").text();
    assert_eq!(fix, "its steps are: one.fit, one.judge, two.fit, two.judge");
}
