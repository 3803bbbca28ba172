//! A user's pipeline file in, the graph and the plans out.

use super::*;
use crate::plan::container::Mount;
use crate::spec::Body;
use crate::spec::files::disk::read;
use expect_test::{Expect, expect};
use std::fmt::Write;

fn job(disk: &[(&str, &str)]) -> PipelineJob {
    let reading = read("/p/pipeline.yml", disk);
    match reading.spec.unwrap_or_else(|| panic!("{:#?}", reading.diagnostics)).body {
        Body::Pipeline(job) => *job,
        other => panic!("{other:?}"),
    }
}

fn planned(disk: &[(&str, &str)], set: &[&str]) -> Result<PipelinePlan, Failure> {
    let settings =
        PlanSettings { set: set.iter().map(|text| (*text).to_owned()).collect(), ..PlanSettings::default() };
    plan_pipeline(Path::new("/p/pipeline.yml"), &job(disk), &settings)
}

/// Each step with its command, and each edge.
fn shown(plan: &PipelinePlan) -> String {
    let mut shown = String::new();
    for step in &plan.steps {
        let _ = writeln!(shown, "{}: {}", step.name, step.plan.command);
        for (input, source) in &step.sources {
            let _ = writeln!(shown, "  {input} <- {}.{}", plan.steps[source.step].name, source.output);
        }
    }
    for (name, source) in &plan.outputs {
        let _ = writeln!(shown, "{name} <- {}.{}", plan.steps[source.step].name, source.output);
    }
    shown
}

#[track_caller]
fn check(disk: &[(&str, &str)], set: &[&str], expected: Expect) {
    let text = match planned(disk, set) {
        Ok(plan) => shown(&plan),
        Err(failure) => {
            let mut text = format!("{}\n", failure.what);
            failure.detail.iter().for_each(|line| text.push_str(&format!("  {line}\n")));
            if let Some(fix) = failure.fix {
                text.push_str(&format!("-> {fix}\n"));
            }
            text
        }
    };
    expected.assert_eq(&text);
}

const PIPELINE: &str = "\
type: pipeline
experiment_name: flowers
inputs:
  raw: {type: uri_file, path: data/iris.csv}
  rate: 0.10
outputs:
  best: {type: uri_folder}
settings: {continue_on_step_failure: true}
jobs:
  evaluate:
    command: python evaluate.py ${{inputs.model}} ${{inputs.where}} > ${{outputs.report}}
    environment: {image: base}
    inputs:
      model: ${{parent.jobs.learn.outputs.model}}
      where: at ${{parent.inputs.rate}}
    outputs:
      report: {type: uri_file}
  prepare:
    type: command
    component: parts/prepare.yml
    inputs: {raw: \"${{parent.inputs.raw}}\"}
  learn:
    type: pipeline
    component: parts/learn.yml
    inputs:
      clean: ${{parent.jobs.prepare.outputs.clean}}
      rate: ${{parent.inputs.rate}}
    outputs:
      model: ${{parent.outputs.best}}
";
const PREPARE: &str = "\
type: command
name: prepare
is_deterministic: false
command: python prepare.py ${{inputs.raw}} ${{outputs.clean}} $[[--only ${{inputs.only}}]] --seed ${{inputs.seed}}
code: ../src
environment: {image: base}
inputs:
  raw: {type: uri_file}
  only: {type: string, optional: true}
  seed: {type: integer, default: 3}
outputs:
  clean: {type: uri_folder}
";
const LEARN: &str = "\
type: pipeline
inputs:
  clean: {type: uri_folder}
  rate: {type: number}
  rounds: {type: integer, default: 5}
outputs:
  model: {type: uri_folder}
jobs:
  fit:
    command: python fit.py ${{inputs.clean}}/part.csv ${{inputs.rate}} ${{inputs.rounds}} ${{outputs.fitted}}
    environment: {image: base}
    inputs:
      clean: ${{parent.inputs.clean}}
      rate: ${{parent.inputs.rate}}
      rounds: ${{parent.inputs.rounds}}
    outputs:
      fitted: ${{parent.outputs.model}}
";

const DISK: [(&str, &str); 5] = [
    ("/p/pipeline.yml", PIPELINE),
    ("/p/parts/prepare.yml", PREPARE),
    ("/p/parts/learn.yml", LEARN),
    ("/p/data/iris.csv", ""),
    ("/p/src/", ""),
];

#[test]
fn bindings_lead_through_components_and_nested_pipelines_whatever_the_order_in_the_file() {
    check(
        &DISK,
        &["inputs.rate=0.5"],
        expect![[r#"
        evaluate: python evaluate.py /mnt/azureml/cr/j/71bd059325ba5e93267cd6b0de54e3aa/cap/data-capability/wd/INPUT_model at 0.5 > /mnt/azureml/cr/j/71bd059325ba5e93267cd6b0de54e3aa/cap/data-capability/wd/report/report
          model <- learn.fit.fitted
        prepare: python prepare.py /mnt/azureml/cr/j/6f2f248daacbf2ca9b4421708c77afda/cap/data-capability/wd/INPUT_raw/iris.csv /mnt/azureml/cr/j/6f2f248daacbf2ca9b4421708c77afda/cap/data-capability/wd/clean  --seed 3
        learn.fit: python fit.py /mnt/azureml/cr/j/14c48b66e5178b3338bcc4e7492e6949/cap/data-capability/wd/INPUT_clean/part.csv 0.5 5 /mnt/azureml/cr/j/14c48b66e5178b3338bcc4e7492e6949/cap/data-capability/wd/fitted
          clean <- prepare.clean
        best <- learn.fit.fitted
    "#]],
    );
}

#[test]
fn a_step_finds_the_folders_of_the_steps_before_and_is_part_of_its_pipeline() {
    let plan = planned(&DISK, &[]).expect("a plan");
    assert!(plan.continue_on_step_failure && !plan.force_rerun && !plan.steps[1].is_deterministic);
    let fit = plan.find_step("fit").expect("one step ends so");
    assert_eq!(plan.steps[fit].name, "learn.fit");
    let roots = |step| Some(PathBuf::from(format!("/runs/of-{step}")));
    let moved = plan.for_run(fit, &RunId::from("f_1"), Path::new("/runs/f_1"), &RunId::from("p_1"), roots);
    let hosts: Vec<_> = moved
        .container
        .mounts
        .iter()
        .filter_map(|mount| match mount {
            Mount::Bind { host, read_only, .. } => Some(format!("{} {read_only}", host.display())),
            _ => None,
        })
        .collect();
    expect![[r#"
        /runs/f_1/outputs false
        /runs/f_1/logs false
        /runs/f_1/mlruns false
        /runs/of-1/named_outputs/clean true
        /runs/f_1/named_outputs/fitted false"#]]
    .assert_eq(&hosts.join("\n"));
    let variable = |name: &str| {
        moved.container.environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    };
    assert_eq!(variable("AZUREML_RUN_ID"), Some("f_1"));
    assert_eq!(variable("AZUREML_ROOT_RUN_ID"), Some("p_1"));
    assert_eq!(moved.container.name, "aml-debug-f_1");
}

#[test]
fn an_engine_on_another_machine_is_given_what_the_steps_before_have_brought_back() {
    let mut settings = PlanSettings::default();
    settings.host.is_remote = true;
    let plan = plan_pipeline(Path::new("/p/pipeline.yml"), &job(&DISK), &settings).expect("a plan");
    let fit = plan.find_step("fit").expect("one step ends so");
    let roots = |step| Some(PathBuf::from(format!("/runs/of-{step}")));
    let moved = plan.for_run(fit, &RunId::from("f_1"), Path::new("/runs/f_1"), &RunId::from("p_1"), roots);
    let hosts: Vec<_> = moved
        .container
        .mounts
        .iter()
        .filter_map(|mount| match mount {
            Mount::Copied { host, back, .. } => Some(format!("{} {back}", host.display())),
            _ => None,
        })
        .collect();
    expect![[r#"
        /runs/f_1/outputs true
        /runs/f_1/logs true
        /runs/f_1/mlruns true
        /runs/of-1/named_outputs/clean false
        /runs/f_1/named_outputs/fitted true"#]]
    .assert_eq(&hosts.join("\n"));
    let places = plan.content(fit, roots).places;
    let hosts: Vec<_> = places.iter().map(|(_, host)| host.display().to_string()).collect();
    assert_eq!(hosts, ["/runs/of-1/named_outputs/clean"], "what a step reads decides its result");
}

fn with(from: &str, to: &str) -> Vec<(&'static str, String)> {
    DISK.iter().map(|(path, text)| (*path, text.replace(from, to))).collect()
}

#[track_caller]
fn check_changed(from: &str, to: &str, expected: Expect) {
    let disk = with(from, to);
    assert!(disk.iter().zip(&DISK).any(|((_, new), (_, old))| new != old), "nothing changed");
    let disk: Vec<(&str, &str)> = disk.iter().map(|(path, text)| (*path, text.as_str())).collect();
    check(&disk, &[], expected);
}

#[test]
fn what_leads_nowhere_is_named_with_what_there_is() {
    check_changed(
        "jobs.prepare.outputs.clean",
        "jobs.prepar.outputs.clean",
        expect![[r#"
        step learn: "${{parent.jobs.prepar.outputs.clean}}": there is no step "prepar" beside it
        -> there are: evaluate, learn, prepare
    "#]],
    );
    check_changed(
        "jobs.prepare.outputs.clean",
        "jobs.prepare.outputs.cleaned",
        expect![[r#"
        step learn: "${{parent.jobs.prepare.outputs.cleaned}}": the step prepare has no output "cleaned"
        -> it has: clean
    "#]],
    );
    check_changed(
        "raw: \"${{parent.inputs.raw}}\"",
        "raw: \"${{parent.jobs.learn.outputs.modell}}\"",
        expect![[r#"
        step prepare: "${{parent.jobs.learn.outputs.modell}}": the step learn has no output "modell"
        -> it has: model
    "#]],
    );
    check_changed(
        "rate: ${{parent.inputs.rate}}\n    outputs:",
        "rate: ${{parent.inputs.rat}}\n    outputs:",
        expect![[r#"
        step learn: "${{parent.inputs.rat}}": the pipeline has no input "rat"
        -> it has: rate, raw
    "#]],
    );
    check_changed(
        "inputs: {raw: ",
        "inputs: {row: ",
        expect![[r#"
        step prepare: these inputs have no value: raw
          "row" is given, and the component has no such input
        -> give them below "inputs" of the step, or give them a "default" in the component
    "#]],
    );
    check_changed(
        "      clean: ${{parent.jobs.prepare.outputs.clean}}\n",
        "",
        expect![[r#"
        step learn: these inputs have no value: clean
        -> give them below "inputs" of the step, or give them a "default" in the component
    "#]],
    );
    check_changed(
        "path: data/iris.csv",
        "path: data/rose.csv",
        expect![[r#"
        step prepare: the input "raw" has the path "/p/data/rose.csv", and nothing is there
        -> correct the path in the spec, or give another: --set inputs.raw=PATH
    "#]],
    );
}

/// What a check says of a pipeline in which texts are replaced.
fn told(changes: &[(&str, &str)]) -> String {
    let mut text = PIPELINE.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    let mut disk = DISK.to_vec();
    disk[0].1 = &text;
    let lines = read("/p/pipeline.yml", &disk).diagnostics.into_iter().map(|finding| {
        format!("{} {:?}: {}", finding.range.start.line + 1, finding.severity, finding.message)
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_check_warns_of_what_nobody_looks_at_before_the_pipeline_is_submitted() {
    expect![[r#"
        21 Warning: "seeed" is given, and the component has no such input
        26 Warning: "${{parent.jobs.prepare.outputs.cleaned}}": the step prepare has no output "cleaned"
        27 Warning: "${{parent.inputs.rat}}": the pipeline has no input "rat"
        29 Warning: "${{parent.outputs.bst}}": the pipeline has no output "bst""#]]
    .assert_eq(&told(&[
        ("rate: ${{parent.inputs.rate}}", "rate: ${{parent.inputs.rat}}"),
        ("jobs.prepare.outputs.clean", "jobs.prepare.outputs.cleaned"),
        ("inputs: {raw: ", "inputs: {seeed: 1, raw: "),
        ("parent.outputs.best", "parent.outputs.bst"),
    ]));
    expect![[r#"
        18 Warning: these inputs have no value: raw
        26 Warning: "${{parent.inputs.rate}}" is a value of the type number, and the input "clean" takes data of the type uri_folder
        27 Warning: "${{parent.jobs.prepare.outputs.clean}}" is data, and the input "rate" takes a value of the type number"#]]
    .assert_eq(&told(&[
        ("    inputs: {raw: \"${{parent.inputs.raw}}\"}\n", "    inputs: {}\n"),
        (
            "clean: ${{parent.jobs.prepare.outputs.clean}}\n      rate: ${{parent.inputs.rate}}",
            "clean: ${{parent.inputs.rate}}\n      rate: ${{parent.jobs.prepare.outputs.clean}}",
        ),
    ]));
    expect![[r#"
        10 Warning: steps wait for one another: evaluate → prepare → learn → evaluate"#]]
    .assert_eq(&told(&[("${{parent.inputs.raw}}", "${{parent.jobs.evaluate.outputs.report}}")]));
}

#[test]
fn what_azure_ai_ml_follows_when_it_loads_the_file_is_refused() {
    expect![[r#"
        14 Error: "${{parent.jobs.lern.outputs.model}}": there is no step "lern" beside it"#]]
    .assert_eq(&told(&[("jobs.learn.outputs.model", "jobs.lern.outputs.model")]));
    expect![[r#"
        14 Error: "${{parent.jobs.learn.outputs.modell}}": the step learn has no output "modell"
        17 Error: "${{parent.outputs.beast}}": the pipeline has no output "beast""#]]
    .assert_eq(&told(&[
        ("jobs.learn.outputs.model", "jobs.learn.outputs.modell"),
        ("report: {type: uri_file}", "report: \"${{parent.outputs.beast}}\""),
    ]));
    expect![[r#"
        14 Error: "${{parent.inputs.rat}}": the pipeline has no input "rat""#]]
    .assert_eq(&told(&[("${{parent.jobs.learn.outputs.model}}", "${{parent.inputs.rat}}")]));
    expect![[r#"
        21 Error: "raw" takes data of the type uri_file; 3 is no path."#]]
    .assert_eq(&told(&[("raw: \"${{parent.inputs.raw}}\"", "raw: 3")]));
}

#[test]
fn steps_that_wait_for_one_another_are_named() {
    let raw = "inputs: {raw: \"${{parent.inputs.raw}}\"}";
    check_changed(
        raw,
        "inputs: {raw: \"${{parent.jobs.evaluate.outputs.report}}\"}",
        expect![[r#"
        steps wait for one another: evaluate → prepare → learn.fit → evaluate
        -> give one of them another input, so that the data flows in one direction
    "#]],
    );
}

#[test]
fn what_only_azure_runs_is_refused_with_the_reason() {
    check_changed(
        "component: parts/learn.yml",
        "component: azureml:learn@latest",
        expect![[r#"
        step learn names the component "azureml:learn@latest", which only a workspace knows
        -> name the component's file instead: "component: ./FILE.yml"
    "#]],
    );
    check_changed(
        "jobs:\n  evaluate:",
        "jobs:\n  search:\n    type: sweep\n    trial: parts/prepare.yml\n    objective: {goal: maximize, primary_metric: x}\n    limits: {max_total_trials: 2}\n    sampling_algorithm: random\n    search_space: {seed: {type: choice, values: [1, 2]}}\n  evaluate:",
        expect![[r#"
            step search runs on Azure only: sweep
            -> submit the pipeline to a workspace; to run the rest here, take the step out of a copy of the file
        "#]],
    );
}
