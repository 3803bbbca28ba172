//! What of a pipeline leads nowhere. azure-ai-ml lets it pass when it loads the file, and it fails when the
//! pipeline is submitted: so these are warnings, each at the place where it is written.

use super::{Destination, PipelineJob, Step, Work, read_outputs, read_steps};
use crate::diagnostic::Severity;
use crate::message;
use crate::plan::pipeline::heights;
use crate::spec::component::{self, Port};
use crate::spec::job::{Input, Output};
use crate::spec::schema::{Checker, nearest};
use crate::yaml::{Entry, Node, Span};
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// What the steps of one pipeline can be bound to.
struct Scope<'s> {
    /// Type of every input: `None` is data, `Some` the type of a value.
    inputs: HashMap<&'s str, Option<&'static str>>,
    outputs: HashSet<&'s str>,
    steps: HashMap<&'s str, (usize, &'s Step)>,
}

/// What a binding leads to.
enum End {
    /// An input of the pipeline.
    Input(Option<&'static str>),
    /// An output of the step at this place.
    Step(usize),
}

/// Warns of a pipeline job.
pub(in crate::spec) fn of_job(checker: &mut Checker<'_>, root: &Node, job: &PipelineJob) {
    let kind = |input: &Input| match input {
        Input::Literal(literal) => Some(literal.kind),
        Input::Data { .. } => None,
    };
    let inputs = job.inputs.iter().map(|(name, input)| (name.as_str(), kind(input))).collect();
    // The steps of a pipeline that is nothing but a component are in that component's file.
    if root.get("jobs").is_some() {
        Scope::new(inputs, &job.outputs, &job.steps).warn(checker, root);
    }
}

/// Warns of a pipeline component.
pub(in crate::spec) fn of_component(checker: &mut Checker<'_>, file: &Path, root: &Node) {
    let ports = component::read_ports(root);
    let outputs = read_outputs(root);
    let steps = read_steps(checker, file, root);
    let inputs = ports.iter().map(|(name, port)| (name.as_str(), port.literal())).collect();
    Scope::new(inputs, &outputs, &steps).warn(checker, root);
}

impl<'s> Scope<'s> {
    fn new(
        inputs: HashMap<&'s str, Option<&'static str>>,
        outputs: &'s [(String, Output)],
        steps: &'s [(String, Step)],
    ) -> Self {
        let steps = steps.iter().enumerate().map(|(at, (name, step))| (name.as_str(), (at, step)));
        Self {
            inputs,
            outputs: outputs.iter().map(|(name, _)| name.as_str()).collect(),
            steps: steps.collect(),
        }
    }

    fn warn(&self, checker: &mut Checker<'_>, root: &Node) {
        let entries = root.get("jobs").map(Node::entries).unwrap_or_default();
        let mut before = vec![Vec::new(); entries.len()];
        for entry in entries {
            let Some((at, step)) = self.steps.get(entry.key.as_str()) else { continue };
            before[*at] = self.inputs_of(checker, entry, step);
            self.outputs_of(checker, entry, step);
        }
        if let Err(cycle) = heights(&before) {
            let mut names: Vec<&str> =
                cycle.iter().filter_map(|at| Some(entries.get(*at)?.key.as_str())).collect();
            names.extend(names.first().copied());
            let place = cycle.first().and_then(|at| entries.get(*at));
            let span = place.map_or(root.span, |entry| entry.key_span);
            warn(checker, span, message!("pipeline.cycle", steps = names.join(" → ")));
        }
    }

    /// Looks at what a step is given; the places of the steps whose outputs are among it.
    fn inputs_of(&self, checker: &mut Checker<'_>, entry: &Entry, step: &Step) -> Vec<usize> {
        let given = entry.value.get("inputs").map(Node::entries).unwrap_or_default();
        let ports = ports(step);
        let mut before = Vec::new();
        for input in given {
            let port = ports.and_then(|ports| ports.iter().find(|(name, _)| *name == input.key));
            if let (Some(ports), None) = (ports, port) {
                let names: Vec<&str> = ports.iter().map(|(name, _)| name.as_str()).collect();
                let fix = nearest(&input.key, &names)
                    .map(|near| (message!("spec.rename.fix", from = input.key, to = near), near.to_owned()));
                let message = message!("pipeline.unknown-input", name = input.key);
                checker.find(Severity::Warning, input.key_span, message, fix);
            }
            let value = input.value.get("path").unwrap_or(&input.value);
            match value.as_str().and_then(|text| self.follow(checker, value.span, text)) {
                Some(End::Step(at)) => {
                    before.push(at);
                    fits(checker, value, port, None);
                }
                Some(End::Input(kind)) => fits(checker, value, port, kind),
                None => {}
            }
        }
        let names: HashSet<&str> = given.iter().map(|input| input.key.as_str()).collect();
        let missing: Vec<&str> = ports
            .unwrap_or_default()
            .iter()
            .filter(|(name, port)| {
                !port.is_optional && port.default.is_none() && !names.contains(name.as_str())
            })
            .map(|(name, _)| name.as_str())
            .collect();
        if !missing.is_empty() {
            let message = message!("pipeline.input-without-value", names = missing.join(", "));
            warn(checker, entry.key_span, message);
        }
        before
    }

    fn outputs_of(&self, checker: &mut Checker<'_>, entry: &Entry, step: &Step) {
        for (name, destination) in &step.outputs {
            let Some(place) = entry.value.get("outputs").and_then(|outputs| outputs.entry(name)) else {
                continue;
            };
            if !has_output(step, name) {
                let message = message!("pipeline.unknown-output", name = name);
                warn(checker, place.key_span, message);
            }
            if let Destination::Parent(of_parent) = destination
                && !self.outputs.contains(of_parent.as_str())
            {
                let value = place.value.get("path").unwrap_or(&place.value);
                let text = value.as_str().unwrap_or_default();
                let message = message!("pipeline.no-such-output", binding = text, name = of_parent);
                warn(checker, value.span, message);
            }
        }
    }

    /// Where a text leads that is one binding; says it where that is nowhere.
    fn follow(&self, checker: &mut Checker<'_>, span: Span, text: &str) -> Option<End> {
        let inner = text.trim().strip_prefix("${{")?.strip_suffix("}}")?.trim();
        let path = inner.strip_prefix("parent.").unwrap_or(inner);
        if let Some(name) = path.strip_prefix("inputs.") {
            let kind = self.inputs.get(name);
            if kind.is_none() {
                warn(checker, span, message!("pipeline.no-such-input", binding = text, name = name));
            }
            return kind.copied().map(End::Input);
        }
        let Some((name, output)) = path.strip_prefix("jobs.").and_then(|path| path.split_once(".outputs."))
        else {
            if path != inner {
                warn(checker, span, message!("pipeline.no-binding", binding = text));
            }
            return None;
        };
        let Some((at, step)) = self.steps.get(name) else {
            warn(checker, span, message!("pipeline.no-step-of-binding", binding = text, name = name));
            return None;
        };
        if !has_output(step, output) {
            let message = message!("pipeline.no-output", binding = text, step = name, name = output);
            warn(checker, span, message);
        }
        Some(End::Step(*at))
    }
}

/// Says where data is bound to what takes a value, or a number to what takes data.
fn fits(
    checker: &mut Checker<'_>,
    value: &Node,
    port: Option<&(String, Port)>,
    source: Option<&'static str>,
) {
    let Some((name, port)) = port else { return };
    let binding = value.as_str().unwrap_or_default();
    match (port.literal(), source) {
        (Some(kind), None) => {
            warn(
                checker,
                value.span,
                message!("pipeline.data-for-value", binding = binding, name = name, kind = kind),
            );
        }
        // A text may be a path.
        (None, Some(kind)) if kind != "string" => {
            let wanted = &port.kind;
            warn(
                checker,
                value.span,
                message!(
                    "pipeline.value-for-data",
                    binding = binding,
                    kind = kind,
                    name = name,
                    wanted = wanted
                ),
            );
        }
        _ => {}
    }
}

/// What a step takes, where that is known.
fn ports(step: &Step) -> Option<&[(String, Port)]> {
    match &step.work {
        Work::Command(command) if command.has_ports => Some(&command.component.inputs),
        Work::Pipeline(nested) => Some(&nested.inputs),
        _ => None,
    }
}

fn has_output(step: &Step, output: &str) -> bool {
    match &step.work {
        Work::Command(command) => command.component.job.outputs.iter().any(|(known, _)| known == output),
        Work::Pipeline(nested) => nested.outputs.iter().any(|(known, _)| known == output),
        Work::Elsewhere(_) => true,
    }
}

fn warn(checker: &mut Checker<'_>, span: Span, message: crate::message::Message) {
    checker.find(Severity::Warning, span, message, None);
}
