//! Bindings that azure-ai-ml follows already when it loads a pipeline.
//!
//! To make a component of a step that is written out in the pipeline, it has to know of which type every
//! input is, so it looks at what the step is bound to and refuses what is not there. Steps that name a
//! component bring their types along: nobody looks at their bindings before the pipeline is submitted.

use super::super::schema::Checker;
use crate::message;
use crate::yaml::{Entry, Node, Parsed, Value};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// The steps of a pipeline in the order of the file, and the place of each by its name.
struct Steps<'s> {
    entries: &'s [Entry],
    places: HashMap<&'s str, usize>,
}

/// Looks at the bindings of the steps that are written out in a pipeline.
pub(super) fn of_written_steps(checker: &mut Checker<'_>, pipeline: &Node) -> bool {
    let entries = pipeline.get("jobs").map(Node::entries).unwrap_or_default();
    let places = entries.iter().enumerate().map(|(at, step)| (step.key.as_str(), at)).collect();
    let steps = Steps { entries, places };
    let (inputs, outputs) = (names(pipeline, "inputs"), names(pipeline, "outputs"));
    let mut well = true;
    for (at, step) in entries.iter().enumerate().filter(|(_, step)| is_written_out(&step.value)) {
        for input in step.value.get("inputs").map(Node::entries).unwrap_or_default() {
            let Some(text) = input.value.as_str() else { continue };
            if let Some(name) = within(text, "${{parent.inputs.")
                && !inputs.contains(name)
            {
                let message = message!("pipeline.no-such-input", binding = text, name = name);
                well = checker.error(input.value.span, message);
            }
            if text.starts_with(OF_A_STEP) {
                well &= leads_to_a_step(checker, &input.value, &steps, at);
            }
        }
        for output in step.value.get("outputs").map(Node::entries).unwrap_or_default() {
            let Some(text) = output.value.as_str() else { continue };
            let Some(name) = within(text, "${{parent.outputs.") else { continue };
            if !outputs.contains(name) {
                let message = message!("pipeline.no-such-output", binding = text, name = name);
                well = checker.error(output.value.span, message);
            }
        }
    }
    well
}

fn names<'n>(pipeline: &'n Node, key: &str) -> HashSet<&'n str> {
    let entries = pipeline.get(key).map(Node::entries).unwrap_or_default();
    entries.iter().map(|entry| entry.key.as_str()).collect()
}

const OF_A_STEP: &str = "${{parent.jobs.";

/// Whether a binding of the step at a place leads to what another step has.
fn leads_to_a_step(checker: &mut Checker<'_>, value: &Node, steps: &Steps<'_>, at: usize) -> bool {
    let text = value.as_str().unwrap_or_default();
    let Some(path) = within(text, OF_A_STEP) else { return true };
    let parts: Vec<&str> = path.split('.').collect();
    let [name, kind @ ("inputs" | "outputs"), port] = parts[..] else {
        return checker.error(value.span, message!("pipeline.no-binding", binding = text));
    };
    let Some(source) = steps.places.get(name).copied() else {
        let message = message!("pipeline.no-step-of-binding", binding = text, name = name);
        return checker.error(value.span, message);
    };
    let node = &steps.entries[source].value;
    let own = |node: &Node| node.get(kind).is_some_and(|ports| ports.get(port).is_some());
    let is_known = if is_written_out(node) {
        // It becomes a component when its turn comes; until then any name will do.
        source >= at || own(node)
    } else {
        match Component::of(checker, node) {
            Component::Registered => own(node),
            Component::Unknown => true,
            Component::Written(component) => own(component),
            Component::File(parsed) => parsed.root.as_ref().is_none_or(own),
        }
    };
    is_known || {
        let message = message!("pipeline.no-output", binding = text, step = name, name = port);
        checker.error(value.span, message)
    }
}

/// A number or a truth value cannot be data, and a step that names a component knows what is data.
pub(super) fn of_data_ports(checker: &mut Checker<'_>, step: &Node) -> bool {
    let is_value = |node: &Node| matches!(node.value, Value::Bool(_) | Value::Int(_) | Value::Float(_));
    let given = step.get("inputs").map(Node::entries).unwrap_or_default().iter();
    let values: Vec<(&str, &Node)> = given
        .map(|entry| (entry.key.as_str(), entry.value.get("value").unwrap_or(&entry.value)))
        .filter(|(_, value)| is_value(value))
        .collect();
    if values.is_empty() {
        return true;
    }
    let component = Component::of(checker, step);
    let ports = match &component {
        Component::Written(component) => component.get("inputs"),
        Component::File(parsed) => parsed.root.as_ref().and_then(|root| root.get("inputs")),
        Component::Registered | Component::Unknown => None,
    };
    let mut well = true;
    for (name, value) in values {
        let kind = ports.and_then(|ports| ports.get(name)).and_then(|port| port.text("type"));
        let kind = kind.unwrap_or("string").to_lowercase();
        if !matches!(kind.as_str(), "string" | "integer" | "number" | "boolean") {
            let found = value.printed().unwrap_or_default();
            let message = message!("spec.value-for-data", found = found, name = name, wanted = kind);
            well = checker.error(value.span, message);
        }
    }
    well
}

/// What a step runs, where it does not say it itself.
enum Component<'s> {
    Written(&'s Node),
    File(Rc<Parsed>),
    /// Only a workspace knows it.
    Registered,
    /// AutoML, or a file that is not read yet.
    Unknown,
}

impl<'s> Component<'s> {
    fn of(checker: &mut Checker<'_>, step: &'s Node) -> Self {
        let Some(component) = step.get("component").or(step.get("trial")) else { return Self::Unknown };
        match &component.value {
            Value::Map(_) => Self::Written(component),
            Value::Str(path) if path.starts_with("azureml:") => Self::Registered,
            Value::Str(path) => match checker.parsed(path.strip_prefix("file:").unwrap_or(path)) {
                Some(Some(parsed)) => Self::File(parsed),
                _ => Self::Unknown,
            },
            _ => Self::Unknown,
        }
    }
}

/// Whether a step says itself what it does.
fn is_written_out(step: &Node) -> bool {
    let is_kind = match step.text("type") {
        None => true,
        Some(kind) => matches!(kind.to_lowercase().as_str(), "command" | "spark" | "parallel"),
    };
    is_kind && step.get("component").is_none()
}

/// What stands between the beginning of a binding and its end, where the binding is all there is.
fn within<'t>(text: &'t str, beginning: &str) -> Option<&'t str> {
    text.strip_prefix(beginning)?.strip_suffix("}}")
}
