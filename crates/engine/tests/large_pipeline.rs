//! A pipeline of thousands of steps is planned in a time that grows with the steps and not faster.
#![expect(clippy::print_stderr, reason = "the times are worth seeing")]

use engine::plan::pipeline::plan_pipeline;
use engine::plan::settings::PlanSettings;
use engine::spec::files::{Files, Found, Need};
use engine::spec::{self, Body};
use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant};

const COMPONENT: &str = "\
type: command
command: python step.py $[[${{inputs.a}}]] ${{inputs.n}} ${{outputs.out}}
environment: {image: base, conda_file: conda.yml}
inputs:
  a: {type: uri_folder, optional: true}
  n: {type: integer, default: 1}
outputs:
  out: {type: uri_folder}
";
const CONDA: &str = "dependencies: [python=3.11, pip, {pip: [pandas==2.0.0]}]";

/// Every second step is written in place, the others are one component; each takes what an earlier one gives.
fn pipeline(count: usize) -> String {
    let mut text = "type: pipeline\njobs:\n".to_owned();
    for step in 0..count {
        let _ = writeln!(text, "  step_{step}:");
        text.push_str(match step % 2 {
            0 => "    component: component.yml\n",
            _ => {
                "    command: python step.py ${{inputs.a}} ${{inputs.n}} ${{outputs.out}}\n    environment: {image: base}\n    outputs: {out: }\n"
            }
        });
        let _ = writeln!(text, "    inputs:\n      n: {step}");
        if step > 0 {
            let _ = writeln!(text, "      a: ${{{{parent.jobs.step_{}.outputs.out}}}}", step / 3);
        }
    }
    text
}

fn time_of(count: usize) -> Duration {
    let text = pipeline(count);
    let path = Path::new("/p/pipeline.yml");
    let begin = Instant::now();
    let reading = spec::read(path, text.as_bytes(), &Files::looking(look));
    assert!(reading.needs.is_empty(), "it is read once: {:?}", reading.needs);
    let read = begin.elapsed();
    let Some(Body::Pipeline(job)) = reading.spec.map(|spec| spec.body) else {
        panic!("{:?}", reading.diagnostics.first())
    };
    let plan = plan_pipeline(path, &job, &PlanSettings::default()).expect("a plan");
    assert_eq!(plan.steps.len(), count);
    let whole = begin.elapsed();
    eprintln!("{count} steps: read in {read:?}, planned in {:?}", whole - read);
    whole
}

fn look(need: &Need) -> Found {
    match need.path.to_str() {
        Some("/p/component.yml") => Found::File(COMPONENT.as_bytes().into()),
        Some("/p/conda.yml") => Found::File(CONDA.as_bytes().into()),
        _ => Found::Missing,
    }
}

#[test]
fn twice_as_many_steps_take_twice_as_long() {
    time_of(100);
    // The fastest of three: other work on the machine only ever makes it slower.
    let fastest = |count| (0..3).map(|_| time_of(count)).min().expect("three");
    let (one, two) = (fastest(1_000), fastest(2_000));
    assert!(two < one * 3, "{two:?} against {one:?}");
}
