//! What has to come before what: cycles are refused, and steps that much waits for go first.

use super::{GraphStep, Source};
use crate::failure::{Blame, Failure};
use crate::message;

/// The longest chain of steps that wait for each step, itself included: by that steps are chosen when there
/// is room for some of them only. `before` are the steps that each of them needs.
///
/// # Errors
/// The steps of a cycle, in their order.
pub fn heights(before: &[Vec<usize>]) -> Result<Vec<u32>, Vec<usize>> {
    let mut waiting = vec![0_u32; before.len()];
    for step in before.iter().flatten() {
        waiting[*step] += 1;
    }
    let mut heights = vec![1_u32; before.len()];
    // From the last steps backwards: whatever nobody waits for any more is settled.
    let mut settled: Vec<usize> = (0..before.len()).filter(|step| waiting[*step] == 0).collect();
    let mut at = 0;
    while let Some(&step) = settled.get(at) {
        at += 1;
        for &earlier in &before[step] {
            heights[earlier] = heights[earlier].max(heights[step] + 1);
            waiting[earlier] -= 1;
            if waiting[earlier] == 0 {
                settled.push(earlier);
            }
        }
    }
    if settled.len() == before.len() { Ok(heights) } else { Err(cycle(before, &waiting)) }
}

/// Whoever is not settled has somebody behind it who is not settled either; following them ends in a circle.
fn cycle(before: &[Vec<usize>], waiting: &[u32]) -> Vec<usize> {
    let mut path: Vec<usize> = Vec::new();
    let mut next = waiting.iter().position(|count| *count > 0);
    while let Some(step) = next {
        if let Some(start) = path.iter().position(|seen| *seen == step) {
            return path.split_off(start);
        }
        path.push(step);
        next = (0..before.len()).find(|after| waiting[*after] > 0 && before[*after].contains(&step));
    }
    path
}

/// Refuses a graph in which steps wait for one another.
pub(super) fn refuse_cycle(steps: &[GraphStep]) -> Result<(), Failure> {
    let before: Vec<Vec<usize>> = steps.iter().map(|step| needs(&step.sources)).collect();
    let Err(cycle) = heights(&before) else { return Ok(()) };
    let mut names: Vec<&str> = cycle.iter().map(|step| steps[*step].name.as_str()).collect();
    names.extend(names.first().copied());
    let what = message!("pipeline.cycle", steps = names.join(" → "));
    Err(Failure::new(Blame::User, what).with_fix(message!("pipeline.cycle.fix")))
}

/// The steps that these sources are of, each once.
pub fn needs(sources: &[(String, Source)]) -> Vec<usize> {
    let mut steps: Vec<usize> = sources.iter().map(|(_, source)| source.step).collect();
    steps.sort_unstable();
    steps.dedup();
    steps
}
