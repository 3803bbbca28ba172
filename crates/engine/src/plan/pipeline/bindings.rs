//! Bindings, followed to the value or to the step that they lead to.
//!
//! First the steps of all nested pipelines get their places; an output can then be found without knowing any
//! value, and values go from the outside in. So nothing depends on the order of the steps in a file.

use super::order::refuse_cycle;
use super::{Graph, GraphStep, Source, output_path};
use crate::failure::{Blame, Failure};
use crate::message;
use crate::message::Message;
use crate::spec::component::Port;
use crate::spec::files::resolve;
use crate::spec::job::{CommandJob, Input, Literal, Output, is_local, local};
use crate::spec::pipeline::{Command, Destination, PipelineJob, Step, Work};
use std::collections::HashMap;
use std::path::Path;

/// Follows every binding of a pipeline. `inputs` are the pipeline's own, with what was asked for beside them.
///
/// # Errors
/// A binding that leads nowhere, an input without a value or that nobody declares, a cycle.
pub fn graph(spec: &Path, job: &PipelineJob, inputs: Vec<(String, Input)>) -> Result<Graph, Failure> {
    let mut tree = Tree::default();
    tree.add(&job.file, "", &job.steps, &job.outputs);
    let folder = spec.parent().unwrap_or(Path::new("/"));
    let inputs = inputs.into_iter().map(|(name, input)| (name, Bound::value(absolute(folder, input))));
    let mut steps = Vec::with_capacity(tree.leaves.len());
    tree.fill(0, &inputs.collect(), &mut steps)?;
    refuse_cycle(&steps)?;
    let outputs = job.outputs.iter();
    let outputs =
        outputs.filter_map(|(name, _)| Some((name.clone(), tree.output_of_scope(0, name)?))).collect();
    Ok(Graph { steps, outputs })
}

/// All pipelines, the outermost first, and the steps that run.
#[derive(Default)]
struct Tree<'s> {
    scopes: Vec<Scope<'s>>,
    leaves: Vec<Leaf>,
}

/// One pipeline with its steps.
struct Scope<'s> {
    file: &'s Path,
    prefix: String,
    steps: &'s [(String, Step)],
    children: HashMap<&'s str, Child>,
    /// Output of the pipeline → step and its output.
    outputs: HashMap<&'s str, (&'s str, &'s str)>,
    /// Output of the pipeline → what it is.
    declared: HashMap<&'s str, &'s Output>,
}

/// A step that runs.
struct Leaf {
    outputs: Vec<(String, Output)>,
    /// Whether these are all: of what only Azure runs nothing is known.
    is_closed: bool,
}

#[derive(Clone, Copy)]
enum Child {
    Leaf(usize),
    Scope(usize),
}

/// What an input turned out to be.
#[derive(Clone)]
struct Bound {
    /// Its value; `None` for an optional input that nobody gave.
    input: Option<Input>,
    /// The step that writes it.
    source: Option<Source>,
}

impl Bound {
    const ABSENT: Bound = Bound { input: None, source: None };

    fn value(input: Input) -> Self {
        Self { input: Some(input), source: None }
    }
}

type Inputs = HashMap<String, Bound>;

impl<'s> Tree<'s> {
    fn add(
        &mut self,
        file: &'s Path,
        prefix: &str,
        steps: &'s [(String, Step)],
        outputs: &'s [(String, Output)],
    ) -> usize {
        let scope = self.scopes.len();
        self.scopes.push(Scope {
            file,
            prefix: prefix.to_owned(),
            steps,
            children: HashMap::new(),
            outputs: HashMap::new(),
            declared: outputs.iter().map(|(name, output)| (name.as_str(), output)).collect(),
        });
        for (name, step) in steps {
            let child = match &step.work {
                Work::Pipeline(nested) => {
                    let inner = format!("{prefix}{name}.");
                    Child::Scope(self.add(&nested.file, &inner, &nested.steps, &nested.outputs))
                }
                Work::Command(command) => self.add_leaf(scope, step, Some(command)),
                Work::Elsewhere(_) => self.add_leaf(scope, step, None),
            };
            self.scopes[scope].children.insert(name, child);
            for (output, destination) in &step.outputs {
                if let Destination::Parent(of_parent) = destination {
                    self.scopes[scope].outputs.insert(of_parent, (name, output));
                }
            }
        }
        scope
    }

    fn add_leaf(&mut self, scope: usize, step: &'s Step, command: Option<&'s Command>) -> Child {
        let mut outputs = command.map(|command| command.component.job.outputs.clone()).unwrap_or_default();
        // A command in the step takes the kind of what it is bound to; a component knows its own.
        if command.is_some_and(|command| !command.has_ports) {
            for (name, destination) in &step.outputs {
                let Destination::Parent(of_parent) = destination else { continue };
                let declared = self.scopes[scope].declared.get(of_parent.as_str());
                let own = outputs.iter_mut().find(|(known, _)| known == name);
                if let (Some(declared), Some((_, own))) = (declared, own) {
                    own.clone_from(declared);
                }
            }
        }
        self.leaves.push(Leaf { outputs, is_closed: command.is_some() });
        Child::Leaf(self.leaves.len() - 1)
    }

    /// Gives every step of a pipeline its inputs, those of nested ones in their turn.
    fn fill(&self, scope: usize, inputs: &Inputs, into: &mut Vec<GraphStep>) -> Result<(), Failure> {
        let here = &self.scopes[scope];
        for (name, step) in here.steps {
            let name = format!("{}{name}", here.prefix);
            let within = |failure: Failure| super::of_step(&name, failure);
            let given = self.given(scope, step, inputs).map_err(within)?;
            match (&step.work, here.children.get(&name[here.prefix.len()..])) {
                (Work::Pipeline(nested), Some(Child::Scope(inner))) => {
                    let inputs = to_ports(&nested.inputs, given, nested.file.parent()).map_err(within)?;
                    self.fill(*inner, &inputs.into_iter().collect(), into)?;
                }
                (Work::Command(command), Some(Child::Leaf(leaf))) => {
                    let mut step = self.command(command, *leaf, step, given).map_err(within)?;
                    if let Ok(job) = &mut step.work {
                        self.variables(scope, inputs, job).map_err(within)?;
                    }
                    into.push(GraphStep { name, ..step });
                }
                (Work::Elsewhere(why), _) => into.push(GraphStep {
                    name,
                    display_name: step.display_name.clone(),
                    file: here.file.to_owned(),
                    work: Err(why.clone()),
                    sources: sources(&given),
                    is_deterministic: true,
                }),
                _ => {}
            }
        }
        Ok(())
    }

    fn command(
        &self,
        command: &Command,
        leaf: usize,
        step: &Step,
        given: Vec<(String, Bound)>,
    ) -> Result<GraphStep, Failure> {
        let component = &command.component;
        let inputs = match command.has_ports {
            true => to_ports(&component.inputs, given, command.file.parent())?,
            false => given,
        };
        let mut job = CommandJob { outputs: self.leaves[leaf].outputs.clone(), ..component.job.clone() };
        let sources = sources(&inputs);
        job.inputs = inputs.into_iter().filter_map(|(name, bound)| Some((name, bound.input?))).collect();
        Ok(GraphStep {
            name: String::new(),
            display_name: step.display_name.clone(),
            file: command.file.clone(),
            work: Ok(Box::new(job)),
            sources,
            is_deterministic: component.is_deterministic,
        })
    }

    /// A variable may be bound to an input of the pipeline; to one of the step it is bound when it runs.
    fn variables(&self, scope: usize, inputs: &Inputs, job: &mut CommandJob) -> Result<(), Failure> {
        for (_, value) in &mut job.environment_variables {
            if value.contains("${{parent.")
                && let Some(Input::Literal(literal)) = self.follow(scope, inputs, value)?.input
            {
                *value = literal.text;
            }
        }
        Ok(())
    }

    /// What a step is given, bindings followed.
    fn given(&self, scope: usize, step: &Step, inputs: &Inputs) -> Result<Vec<(String, Bound)>, Failure> {
        let folder = self.scopes[scope].file.parent().unwrap_or(Path::new("/"));
        let one = |(name, input): &(String, Input)| {
            let bound = match input {
                Input::Literal(literal) if literal.text.contains("${{") => {
                    self.follow(scope, inputs, &literal.text)?
                }
                Input::Data { path: Some(path), mode, .. } if path.contains("${{") => {
                    let bound = self.follow(scope, inputs, path)?;
                    Bound { input: bound.input.map(|input| in_mode(input, mode.as_deref())), ..bound }
                }
                _ => Bound::value(absolute(folder, input.clone())),
            };
            Ok((name.clone(), bound))
        };
        step.given.iter().map(one).collect()
    }

    /// The value of a text with bindings in it.
    fn follow(&self, scope: usize, inputs: &Inputs, text: &str) -> Result<Bound, Failure> {
        let pieces = pieces(text);
        if let [Piece::Binding(binding)] = pieces.as_slice() {
            return self.look_up(scope, inputs, binding, text);
        }
        let mut whole = String::new();
        let mut data: Option<Bound> = None;
        for piece in pieces {
            match piece {
                Piece::Text(text) => whole.push_str(text),
                Piece::Binding(binding) => {
                    let bound = self.look_up(scope, inputs, binding, text)?;
                    match &bound.input {
                        Some(Input::Literal(literal)) => whole.push_str(&literal.text),
                        Some(Input::Data { path, .. }) => {
                            whole.push_str(path.as_deref().unwrap_or_default());
                            data = Some(bound);
                        }
                        None => return Err(leads_nowhere(text, message!("pipeline.binding-unfilled"))),
                    }
                }
            }
        }
        Ok(match data {
            Some(Bound { input: Some(Input::Data { mode, .. }), source }) => {
                // Something in the data: a name with an ending is a file's.
                let last = whole.rsplit('/').next().unwrap_or_default();
                let kind = if last.contains('.') { "uri_file" } else { "uri_folder" }.to_owned();
                Bound { input: Some(Input::Data { kind, path: Some(whole), mode, found: None }), source }
            }
            _ => Bound::value(Input::Literal(Literal { kind: "string", text: whole })),
        })
    }

    fn look_up(&self, scope: usize, inputs: &Inputs, binding: &str, text: &str) -> Result<Bound, Failure> {
        let path = binding.strip_prefix("parent.").unwrap_or(binding);
        if let Some(name) = path.strip_prefix("inputs.") {
            let Some(bound) = inputs.get(name) else {
                let what = message!("pipeline.no-such-input", binding = text, name = name);
                let known = sorted(inputs.keys().map(String::as_str));
                let fix = message!("pipeline.no-such-input.fix", known = known);
                return Err(Failure::new(Blame::User, what).with_fix(fix));
            };
            return Ok(bound.clone());
        }
        if let Some((step, output)) = path.strip_prefix("jobs.").and_then(|path| path.split_once(".outputs."))
        {
            let source = self.output_of_step(scope, step, output, text)?;
            let output = self.leaves[source.step].outputs.iter().find(|(name, _)| *name == source.output);
            let kind = output.map_or("uri_folder", |(_, output)| &output.kind).to_owned();
            let path = Some(output_path(&source, &kind).to_string_lossy().into_owned());
            let input = Input::Data { kind, path, mode: None, found: None };
            return Ok(Bound { input: Some(input), source: Some(source) });
        }
        // What only the service knows (`${{name}}`, `${{default_datastore}}`) stays as it is written.
        let literal = Literal { kind: "string", text: format!("${{{{{binding}}}}}") };
        Ok(Bound::value(Input::Literal(literal)))
    }

    fn output_of_step(&self, scope: usize, step: &str, output: &str, text: &str) -> Result<Source, Failure> {
        let here = &self.scopes[scope];
        match here.children.get(step) {
            None => {
                let what = message!("pipeline.no-step-of-binding", binding = text, name = step);
                let known = sorted(here.children.keys().copied());
                let fix = message!("pipeline.no-step-of-binding.fix", known = known);
                Err(Failure::new(Blame::User, what).with_fix(fix))
            }
            Some(Child::Leaf(leaf)) => {
                let of_leaf = &self.leaves[*leaf];
                let is_declared = of_leaf.outputs.iter().any(|(name, _)| name == output);
                if is_declared || !of_leaf.is_closed {
                    return Ok(Source { step: *leaf, output: output.to_owned() });
                }
                let known = sorted(of_leaf.outputs.iter().map(|(name, _)| name.as_str()));
                Err(no_output(step, output, text, &known))
            }
            Some(Child::Scope(inner)) => self.output_of_scope(*inner, output).ok_or_else(|| {
                let known = sorted(self.scopes[*inner].outputs.keys().copied());
                no_output(step, output, text, &known)
            }),
        }
    }

    /// The step inside that writes an output of a pipeline.
    fn output_of_scope(&self, scope: usize, output: &str) -> Option<Source> {
        let here = &self.scopes[scope];
        let (step, output) = here.outputs.get(output)?;
        match here.children.get(step)? {
            Child::Leaf(leaf) => Some(Source { step: *leaf, output: (*output).to_owned() }),
            Child::Scope(inner) => self.output_of_scope(*inner, output),
        }
    }
}

/// What is given, as the ports of a component take it; defaults for what is not.
fn to_ports(
    ports: &[(String, Port)],
    given: Vec<(String, Bound)>,
    folder: Option<&Path>,
) -> Result<Vec<(String, Bound)>, Failure> {
    let mut given: HashMap<String, Bound> = given.into_iter().collect();
    let mut filled = Vec::with_capacity(ports.len());
    let mut missing = Vec::new();
    for (name, port) in ports {
        let bound = match given.remove(name) {
            Some(bound) if bound.input.is_some() => to_port(port, bound),
            _ => match port.default_input() {
                Some(input) => Bound::value(absolute(folder.unwrap_or(Path::new("/")), input)),
                None if port.is_optional => Bound::ABSENT,
                None => {
                    missing.push(name.as_str());
                    continue;
                }
            },
        };
        filled.push((name.clone(), bound));
    }
    if !missing.is_empty() {
        let what = message!("pipeline.input-without-value", names = missing.join(", "));
        // azure-ai-ml drops what a component does not know; where something is missing, that is why.
        let unknown = given.keys().min().map(|name| message!("pipeline.unknown-input", name = name));
        return Err(Failure::new(Blame::User, what)
            .with_said(unknown)
            .with_fix(message!("pipeline.input-without-value.fix")));
    }
    Ok(filled)
}

/// A value as a port takes it: the port knows best what it is.
fn to_port(port: &Port, bound: Bound) -> Bound {
    let input = bound.input.map(|input| match (input, port.literal()) {
        (Input::Literal(literal), Some(kind)) => Input::Literal(Literal { kind, text: literal.text }),
        // A path without its mapping around it.
        (Input::Literal(literal), None) => Input::Data {
            kind: port.kind.clone(),
            path: Some(literal.text),
            mode: port.mode.clone(),
            found: None,
        },
        (input @ Input::Data { .. }, _) => input,
    });
    Bound { input, ..bound }
}

/// The same data in another mode. Its kind is that of what it is bound to, whatever stands beside the binding.
fn in_mode(input: Input, mode: Option<&str>) -> Input {
    match input {
        Input::Data { kind, path, mode: own, found } => {
            Input::Data { kind, path, mode: mode.map(str::to_owned).or(own), found }
        }
        literal => literal,
    }
}

/// A local path seen from the folder of the file that has it.
fn absolute(folder: &Path, input: Input) -> Input {
    match input {
        Input::Data { kind, path: Some(path), mode, found } if is_local(&path) => {
            let path = resolve(folder, local(&path)).to_string_lossy().into_owned();
            Input::Data { kind, path: Some(path), mode, found }
        }
        other => other,
    }
}

fn sources(inputs: &[(String, Bound)]) -> Vec<(String, Source)> {
    inputs.iter().filter_map(|(name, bound)| Some((name.clone(), bound.source.clone()?))).collect()
}

/// A text taken apart.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'t> {
    Text(&'t str),
    /// What stands between the braces, without the space around it.
    Binding(&'t str),
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${{") {
        let Some((binding, behind)) = after.split_once("}}") else { break };
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        pieces.push(Piece::Binding(binding.trim()));
        rest = behind;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    pieces
}

fn leads_nowhere(binding: &str, why: Message) -> Failure {
    let what = message!("pipeline.binding-without-value", binding = binding, why = why);
    Failure::new(Blame::User, what)
}

fn no_output(step: &str, output: &str, binding: &str, known: &str) -> Failure {
    let what = message!("pipeline.no-output", binding = binding, step = step, name = output);
    Failure::new(Blame::User, what).with_fix(message!("pipeline.no-output.fix", known = known))
}

fn sorted<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names.join(", ")
}
