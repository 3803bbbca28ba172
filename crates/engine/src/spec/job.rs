//! A v2 command job, read from a tree that was checked before.

use super::environment::{Environment, to_json};
use super::files::{Found, resolve};
use super::schema::{Checker, nearest};
use crate::command_line::first_script;
use crate::diagnostic::Severity;
use crate::message;
use crate::yaml::{Node, Span, Value};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::Path;

/// A v2 command job.
#[derive(Debug, Clone, PartialEq)]
pub struct CommandJob {
    /// The job's own name, where the file gives one.
    pub name: Option<String>,
    /// Experiment it belongs to.
    pub experiment_name: Option<String>,
    /// Name to show.
    pub display_name: Option<String>,
    /// The shell command with its bindings.
    pub command: String,
    /// The code folder or file, or an address, as written.
    pub code: Option<String>,
    /// Where it would run on Azure, without `azureml:`.
    pub compute: Option<String>,
    /// The environment.
    pub environment: Environment,
    /// Inputs by name, in the order of the file.
    pub inputs: Vec<(String, Input)>,
    /// Outputs by name, in the order of the file.
    pub outputs: Vec<(String, Output)>,
    /// Environment variables, values as Azure prints them.
    pub environment_variables: Vec<(String, String)>,
    /// Several processes or nodes.
    pub distribution: Option<Distribution>,
    /// `resources.shm_size` as written.
    pub shm_size: Option<String>,
    /// `resources.instance_count`.
    pub instance_count: Option<i64>,
    /// `resources.docker_args`, split where the file has a list.
    pub docker_args: Vec<String>,
    /// `limits.timeout` in seconds.
    pub timeout_seconds: Option<i64>,
}

/// An input of a job.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// A value that is put into the command.
    Literal(Literal),
    /// A file or a folder.
    Data {
        /// `uri_file`, `uri_folder`, `mltable`, `custom_model`, …
        kind: String,
        /// Path, address or `azureml:` reference as written.
        path: Option<String>,
        /// `ro_mount`, `download`, `direct`, …
        mode: Option<String>,
        /// What stands at a local path.
        found: Option<Found>,
    },
}

/// A value with its type.
#[derive(Debug, Clone, PartialEq)]
pub struct Literal {
    /// `string`, `integer`, `number` or `boolean`.
    pub kind: &'static str,
    /// The value as Azure prints it into a command.
    pub text: String,
}

/// An output of a job.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// `uri_folder` unless the file says otherwise.
    pub kind: String,
    /// `rw_mount`, `upload`, …
    pub mode: Option<String>,
}

/// How many processes, and how they find each other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// `pytorch`, `mpi`, `tensorflow` or `ray`.
    pub kind: String,
    /// Processes on each node, for PyTorch and MPI.
    pub processes_per_instance: Option<i64>,
    /// Workers and parameter servers of all nodes, for TensorFlow.
    pub roles: Option<(Option<i64>, i64)>,
}

/// Reads the job.
pub(super) fn read(checker: &mut Checker<'_>, root: &Node) -> CommandJob {
    let text = |key: &str| root.get(key).and_then(Node::as_str).map(str::to_owned);
    let environment = match root.some("environment") {
        Some(node) => Environment::read(checker, node),
        None => Environment::Registered(String::new()),
    };
    let inputs = read_inputs(checker, root);
    let outputs = root.get("outputs").map(Node::entries).unwrap_or_default();
    let outputs = outputs.iter().map(|entry| (entry.key.clone(), read_output(&entry.value))).collect();
    let resources = root.get("resources");
    let of_resources = |key: &str| resources.and_then(|node| node.some(key));
    CommandJob {
        name: text("name"),
        experiment_name: text("experiment_name"),
        display_name: text("display_name"),
        command: text("command").unwrap_or_default(),
        code: text("code"),
        compute: text("compute").map(|name| match name.trim_start_matches("azureml:") {
            local if local.eq_ignore_ascii_case("local") => "local".to_owned(),
            name => name.to_owned(),
        }),
        environment,
        inputs,
        outputs,
        environment_variables: read_variables(root.get("environment_variables")),
        distribution: root.some("distribution").map(read_distribution),
        shm_size: of_resources("shm_size").and_then(Node::printed),
        instance_count: of_resources("instance_count").and_then(whole),
        docker_args: of_resources("docker_args").map(read_arguments).unwrap_or_default(),
        timeout_seconds: root.get("limits").and_then(|limits| limits.get("timeout")).and_then(whole),
    }
}

/// The inputs of a job or of a step.
pub(super) fn read_inputs(checker: &mut Checker<'_>, root: &Node) -> Vec<(String, Input)> {
    let inputs = root.get("inputs").map(Node::entries).unwrap_or_default();
    inputs.iter().map(|entry| (entry.key.clone(), read_input(checker, &entry.value))).collect()
}

fn read_input(checker: &mut Checker<'_>, node: &Node) -> Input {
    if !matches!(node.value, Value::Map(_)) {
        return Input::Literal(read_literal(node));
    }
    if let Some(value) = node.get("value")
        && node.entries().len() == 1
    {
        return Input::Literal(read_literal(value));
    }
    let path = node.text("path").map(str::to_owned);
    let found = match &path {
        Some(path) if is_local(path) => checker.exists(local(path)),
        _ => None,
    };
    let lower = |key: &str| node.text(key).map(str::to_lowercase);
    let kind = lower("type").unwrap_or_else(|| "uri_folder".to_owned());
    Input::Data { kind, path, mode: lower("mode"), found }
}

fn read_literal(node: &Node) -> Literal {
    let kind = match node.value {
        Value::Bool(_) => "boolean",
        Value::Int(_) => "integer",
        Value::Float(_) => "number",
        _ => "string",
    };
    Literal { kind, text: node.printed().unwrap_or_default() }
}

pub(super) fn read_output(node: &Node) -> Output {
    let lower = |key: &str| node.text(key).map(str::to_lowercase);
    Output { kind: lower("type").unwrap_or_else(|| "uri_folder".to_owned()), mode: lower("mode") }
}

fn read_variables(node: Option<&Node>) -> Vec<(String, String)> {
    let entries = node.map(Node::entries).unwrap_or_default();
    entries.iter().filter_map(|entry| Some((entry.key.clone(), entry.value.printed()?))).collect()
}

fn read_distribution(node: &Node) -> Distribution {
    let kind = node.text("type").unwrap_or_default().to_lowercase();
    let whole_of = |key: &str| node.get(key).and_then(whole);
    let roles = (whole_of("worker_count"), whole_of("parameter_server_count").unwrap_or(0));
    Distribution {
        roles: (kind == "tensorflow").then_some(roles),
        processes_per_instance: whole_of("process_count_per_instance"),
        kind,
    }
}

fn read_arguments(node: &Node) -> Vec<String> {
    match node.as_str() {
        Some(text) => text.split_whitespace().map(str::to_owned).collect(),
        None => node.items().iter().filter_map(Node::printed).collect(),
    }
}

fn whole(node: &Node) -> Option<i64> {
    match &node.value {
        Value::Int(number) => Some(*number),
        Value::Float(number) => Some(*number as i64),
        Value::Str(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// Whether a data path is on this machine; anything with a scheme or `azureml:` is not.
pub fn is_local(path: &str) -> bool {
    if path.starts_with("file:") {
        return true;
    }
    let scheme = path.split_once(':').map(|(scheme, _)| scheme);
    // One letter is a drive of Windows.
    !path.contains("${{")
        && scheme.is_none_or(|scheme| scheme.len() == 1 || scheme.contains(['/', '\\', '.']))
}

/// A local path without `file:`.
pub fn local(path: &str) -> &str {
    path.strip_prefix("file://").or_else(|| path.strip_prefix("file:")).unwrap_or(path)
}

impl CommandJob {
    /// The gist of a job that was read from this tree: its variables are of the types of the file.
    pub(super) fn summary_of(&self, root: &Node) -> serde_json::Value {
        let mut summary = self.summary();
        if let Some(variables) = root.some("environment_variables") {
            summary["env_vars"] = to_json(variables);
        }
        summary
    }

    /// The gist of the job, in the form of azure-ai-ml's own objects.
    pub fn summary(&self) -> serde_json::Value {
        let inputs: serde_json::Map<_, _> = self
            .inputs
            .iter()
            .map(|(name, input)| {
                let kind = match input {
                    Input::Literal(literal) => literal.kind,
                    Input::Data { kind, .. } => kind,
                };
                (name.clone(), json!(kind))
            })
            .collect();
        let variables: serde_json::Map<_, _> =
            self.environment_variables.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        let distribution = self.distribution.as_ref().map(|distribution| match distribution.kind.as_str() {
            "pytorch" => "PyTorchDistribution",
            "tensorflow" => "TensorFlowDistribution",
            "mpi" => "MpiDistribution",
            _ => "RayDistribution",
        });
        json!({
            "command": self.command,
            "experiment_name": self.experiment_name,
            "display_name": self.display_name,
            "compute": self.compute,
            "env": self.environment.summary(),
            "inputs": inputs,
            "outputs": self.outputs.iter().map(|(name, _)| name).collect::<Vec<_>>(),
            "env_vars": variables,
            "distribution": distribution,
        })
    }
}

/// What azure-ai-ml does not see, or sees only when the job is submitted.
pub(super) fn warn(checker: &mut Checker<'_>, root: &Node, job: &CommandJob) {
    for (name, input) in &job.inputs {
        let Input::Data { path: Some(path), found: Some(Found::Missing), .. } = input else { continue };
        let node = root.get("inputs").and_then(|inputs| inputs.get(name)).and_then(|input| input.get("path"));
        let Some(node) = node else { continue };
        let resolved = resolve(checker.folder(), local(path));
        let message = message!("spec.input-missing", name = name, path = path, resolved = resolved.display());
        checker.find(Severity::Warning, node.span, message, None);
    }
    for group in ["inputs", "outputs"] {
        for entry in root.get(group).map(Node::entries).unwrap_or_default() {
            if !is_key_name(&entry.key) {
                let message = message!("spec.port-name", name = entry.key);
                checker.find(Severity::Warning, entry.key_span, message, None);
            }
        }
    }
    let Some(command) = root.get("command") else { return };
    script_missing(checker, command, job);
    let raw = checker.source().slice(command.span).to_owned();
    for binding in bindings(&raw) {
        let known: Vec<&str> = match binding.group {
            "inputs" => job.inputs.iter().map(|(name, _)| name.as_str()).collect(),
            "outputs" => job.outputs.iter().map(|(name, _)| name.as_str()).collect(),
            _ => continue,
        };
        let first = binding.name.split('.').next().unwrap_or_default();
        let span = Span { start: command.span.start + binding.start, end: command.span.start + binding.end };
        if !binding.doubled {
            if known.contains(&first) {
                let whole = format!("{}.{}", binding.group, binding.name);
                let message = message!("spec.single-brace", binding = format!("{{{whole}}}"));
                let fix = (message!("spec.single-brace.fix"), format!("${{{{{whole}}}}}"));
                checker.find(Severity::Warning, span, message, Some(fix));
            }
        } else if !known.contains(&first) {
            let message = message!("spec.undeclared", name = first, group = binding.group);
            let fix = nearest(first, &known).map(|near| {
                let title = message!("spec.rename.fix", from = first, to = near);
                (title, format!("${{{{{}.{near}}}}}", binding.group))
            });
            checker.find(Severity::Warning, span, message, fix);
        }
    }
}

/// The script that the command begins with has to be in the code folder, where that is on this machine.
fn script_missing(checker: &mut Checker<'_>, command: &Node, job: &CommandJob) {
    let Some(code) = job.code.as_deref().filter(|code| is_local(code)) else { return };
    let Some(script) = first_script(&job.command).filter(|script| Path::new(script).is_relative()) else {
        return;
    };
    if checker.exists(local(code)) != Some(Found::Folder) {
        return;
    }
    let path = resolve(Path::new(local(code)), &script);
    let Some(Found::Missing) = checker.exists(&path.to_string_lossy()) else { return };
    let resolved = resolve(checker.folder(), &path.to_string_lossy());
    // The word where it stands as it is; the whole command where quotes or a fold of YAML changed it.
    let raw = checker.source().slice(command.span);
    let span = raw.find(&script).map_or(command.span, |at| Span {
        start: command.span.start + at,
        end: command.span.start + at + script.len(),
    });
    let message =
        message!("spec.script-missing", script = script, code = code, resolved = resolved.display());
    checker.find(Severity::Warning, span, message, None);
}

/// A binding in a command, `${{inputs.x}}` or the old `{inputs.x}`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Binding<'a> {
    /// `inputs`, `outputs`, `search_space`, …
    pub(crate) group: &'a str,
    /// What stands behind the first point.
    pub(crate) name: &'a str,
    /// First byte.
    pub(crate) start: usize,
    /// Byte behind the last.
    pub(crate) end: usize,
    /// `${{…}}`.
    pub(crate) doubled: bool,
}

/// The bindings of a command, in its order.
pub(crate) fn bindings(text: &str) -> Vec<Binding<'_>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(open) = text[at..].find('{').map(|open| open + at) {
        let doubled = open > 0 && text[..open].ends_with('$') && text[open..].starts_with("{{");
        let (inner, close) = if doubled { (open + 2, "}}") } else { (open + 1, "}") };
        at = inner;
        let Some(end) = text[inner..].find(close).map(|end| end + inner) else { continue };
        let content = text[inner..end].trim();
        let Some((group, name)) = content.split_once('.') else { continue };
        let is_word = |text: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-'))
        };
        if !is_word(group) || !is_word(name) || (!doubled && !matches!(group, "inputs" | "outputs")) {
            continue;
        }
        let start = if doubled { open - 1 } else { open };
        found.push(Binding { group, name, start, end: end + close.len(), doubled });
        at = end + close.len();
    }
    found
}

fn is_key_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
