//! `pipeline-plan`: reading and planning a pipeline of 2,000 steps. `pipeline-makespan`: the end of a graph of
//! forty steps of a fixed length, two at a time, against the steps alone.

use std::fmt::Write as _;
use std::fs;

use super::ground::{self, Ground};
use super::{Reach, Way};

/// A command that does all of the planning and ends with it: the step that it names is not there.
pub(super) fn plan(ground: &Ground) -> anyhow::Result<Vec<Way>> {
    fs::create_dir_all(ground.folder.join("pipeline"))?;
    ground.write(
        "pipeline/component.yml",
        &format!("type: command\n{STEP}inputs:\n  a: {{type: uri_folder, optional: true}}\n  n: {{type: integer}}\noutputs:\n  out: {{type: uri_folder}}\n"),
    )?;
    let way = |name, count: usize, reach| -> anyhow::Result<Way> {
        let file = format!("pipeline/{count}.yml");
        ground.write(&file, &large(count))?;
        let command = ground.again(&["run", &file, "--debug", "--step", "none", "--json"]);
        let turn = move || {
            let begin = std::time::Instant::now();
            anyhow::ensure!(command().read().is_err(), "the step that is not there was found");
            Ok(ground::milliseconds(begin))
        };
        Ok(Way { name, reach, turn: Box::new(turn), most: None })
    };
    Ok(vec![
        way("1,000 steps, the whole command", 1_000, None)?,
        way("2,000 steps, the whole command", 2_000, Some(Reach::Absolute(100.0)))?,
        way("2,000 steps, against 1,000", 2_000, Some(Reach::Ratio(2.2)))?,
    ])
}

const STEP: &str =
    "command: echo $[[${{inputs.a}}]] ${{inputs.n}} > ${{outputs.out}}/n\nenvironment: {image: base}\n";

/// Every second step is written in place, the others are one component; each takes what an earlier one gives.
fn large(count: usize) -> String {
    let mut text = "type: pipeline\njobs:\n".to_owned();
    for step in 0..count {
        let _ = writeln!(text, "  step_{step}:");
        match step % 2 {
            0 => text.push_str("    component: component.yml\n"),
            _ => {
                STEP.lines().for_each(|line| {
                    let _ = writeln!(text, "    {line}");
                });
                text.push_str("    outputs: {out: }\n");
            }
        }
        let _ = writeln!(text, "    inputs:\n      n: {step}");
        if step > 0 {
            let _ = writeln!(text, "      a: ${{{{parent.jobs.step_{}.outputs.out}}}}", step / 3);
        }
    }
    text
}

/// Seconds that each step sleeps: long enough that the engine, which takes its part of a second to start a
/// container for anybody, does not decide the figure.
const LENGTH: usize = 10;
/// Steps of each of the two chains.
const CHAIN: usize = 20;

pub(super) fn makespan(ground: &Ground) -> anyhow::Result<Vec<Way>> {
    fs::create_dir_all(ground.folder.join("pipeline"))?;
    ground.write("pipeline/forty.yml", &two_chains(&ground.base))?;
    let ours = ground.again(&["run", "pipeline/forty.yml", "--force", "--json"]);
    Ok(vec![
        Way {
            name: "the steps of the longest chain alone",
            reach: None,
            turn: Box::new(|| Ok((CHAIN * LENGTH * 1000) as f64)),
            most: None,
        },
        Way {
            name: "aml-debug run --force",
            reach: Some(Reach::Ratio(1.10)),
            turn: Box::new(move || ground::timed(ours())),
            // Each is the sum of forty steps, and takes minutes.
            most: Some(2),
        },
    ])
}

/// Two chains side by side; every fifth step also waits for one of the other chain.
fn two_chains(image: &str) -> String {
    let mut text = "type: pipeline\njobs:\n".to_owned();
    for (chain, other) in [("a", "b"), ("b", "a")] {
        for step in 0..CHAIN {
            let _ = writeln!(
                text,
                "  {chain}{step}:\n    command: sleep {LENGTH}\n    environment: {{image: {image}}}\n    outputs: {{out: }}\n    inputs:\n      n: {step}"
            );
            if step > 0 {
                let _ = writeln!(text, "      own: ${{{{parent.jobs.{chain}{}.outputs.out}}}}", step - 1);
            }
            if step > 0 && step % 5 == 0 {
                let _ = writeln!(text, "      other: ${{{{parent.jobs.{other}{}.outputs.out}}}}", step - 1);
            }
        }
    }
    text
}
