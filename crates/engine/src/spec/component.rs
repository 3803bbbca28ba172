//! A v2 command component: a command job with ports instead of values.

use super::job::{self, CommandJob, Input, Literal};
use super::schema::Checker;
use crate::yaml::{Node, Value, print_float};

/// A v2 command component.
#[derive(Debug, Clone, PartialEq)]
pub struct CommandComponent {
    /// Its name.
    pub name: String,
    /// Its version as Azure prints it.
    pub version: Option<String>,
    /// Whether the same inputs give the same outputs; true unless the file says otherwise.
    pub is_deterministic: bool,
    /// What it takes, in the order of the file.
    pub inputs: Vec<(String, Port)>,
    /// All the rest, as a job says it. Its inputs are empty.
    pub job: CommandJob,
}

/// An input of a component.
#[derive(Debug, Clone, PartialEq)]
pub struct Port {
    /// `string`, `integer`, `number`, `boolean`, or what kind of data.
    pub kind: String,
    /// Whether the component does without it.
    pub is_optional: bool,
    /// What stands for it where nothing is given, as Azure prints it.
    pub default: Option<String>,
    /// How data is brought: `ro_mount`, `download`, …
    pub mode: Option<String>,
    /// The values that are allowed, where the file lists them.
    pub allowed: Vec<String>,
}

/// Reads a component that was checked before, and warns of what azure-ai-ml does not see.
pub(super) fn read(checker: &mut Checker<'_>, root: &Node) -> CommandComponent {
    let mut job = job::read(checker, root);
    job::warn(checker, root, &job);
    job.inputs.clear();
    job.name = None;
    let printed = |key: &str| root.some(key).and_then(Node::printed);
    CommandComponent {
        name: printed("name").unwrap_or_default(),
        version: printed("version"),
        is_deterministic: root.get("is_deterministic").is_none_or(|node| node.value != Value::Bool(false)),
        inputs: read_ports(root),
        job,
    }
}

/// The inputs of a component, in the order of the file.
pub(super) fn read_ports(root: &Node) -> Vec<(String, Port)> {
    let inputs = root.get("inputs").map(Node::entries).unwrap_or_default();
    inputs.iter().map(|entry| (entry.key.clone(), Port::read(&entry.value))).collect()
}

impl Port {
    fn read(node: &Node) -> Port {
        Port {
            kind: node.text("type").unwrap_or("uri_folder").to_lowercase(),
            is_optional: node.get("optional").is_some_and(|node| node.value == Value::Bool(true)),
            default: node.some("default").and_then(|default| default_of(default, node.text("type")?)),
            mode: node.text("mode").map(str::to_lowercase),
            allowed: node
                .get("enum")
                .map(Node::items)
                .unwrap_or_default()
                .iter()
                .filter_map(Node::printed)
                .collect(),
        }
    }

    /// The kind, where it is that of a value and not of data.
    pub fn literal(&self) -> Option<&'static str> {
        ["string", "integer", "number", "boolean"].into_iter().find(|kind| *kind == self.kind)
    }

    /// The port's default as an input; `None` where it has none.
    pub fn default_input(&self) -> Option<Input> {
        self.default.is_some().then(|| self.input())
    }

    /// An input of a job with the port's default, or with nothing yet.
    fn input(&self) -> Input {
        match self.literal() {
            Some(kind) => Input::Literal(Literal { kind, text: self.default.clone().unwrap_or_default() }),
            None => Input::Data {
                kind: self.kind.clone(),
                path: self.default.clone(),
                mode: self.mode.clone(),
                found: None,
            },
        }
    }
}

/// A default as azure-ai-ml keeps it: every number is a float to it at first, and becomes what its parameter
/// is. What is not finite is left out.
fn default_of(default: &Node, kind: &str) -> Option<String> {
    let number = match &default.value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        Value::Bool(value) if kind.eq_ignore_ascii_case("number") => Some(f64::from(u8::from(*value))),
        Value::Str(text) if kind != "string" => text.trim().replace('_', "").parse().ok(),
        _ => None,
    };
    if matches!(default.value, Value::Float(number) if !number.is_finite()) {
        return None;
    }
    match (kind.to_lowercase().as_str(), number) {
        ("integer", Some(number)) => Some(print_float(number.trunc()).trim_end_matches(".0").to_owned()),
        ("number" | "string", Some(number)) => Some(print_float(number)),
        ("boolean", _) => Some(if is_true(default) { "True" } else { "False" }.to_owned()),
        _ => default.printed(),
    }
}

fn is_true(node: &Node) -> bool {
    match &node.value {
        Value::Bool(value) => *value,
        Value::Str(text) => text.eq_ignore_ascii_case("true"),
        _ => false,
    }
}

impl CommandComponent {
    /// The component as a job whose inputs have the defaults. `given` are the names that get a value
    /// otherwise: they are inputs of the job too, and optional ones without a value are not.
    ///
    /// # Errors
    /// The names of the required inputs that have no value.
    pub fn as_job(&self, given: &[&str]) -> Result<CommandJob, Vec<&str>> {
        let is_given = |name: &str| given.contains(&name);
        let has_value = |name: &str, port: &Port| port.default.is_some() || is_given(name);
        let missing: Vec<&str> = self
            .inputs
            .iter()
            .filter(|(name, port)| !port.is_optional && !has_value(name, port))
            .map(|(name, _)| name.as_str())
            .collect();
        if !missing.is_empty() {
            return Err(missing);
        }
        let inputs = self.inputs.iter().filter(|(name, port)| has_value(name, port));
        let inputs = inputs.map(|(name, port)| (name.clone(), port.input())).collect();
        Ok(CommandJob { inputs, ..self.job.clone() })
    }
}
