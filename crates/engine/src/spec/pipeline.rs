//! A v2 pipeline job: its steps, what each of them is, and what each is given.
//!
//! Bindings stay text here, as they are written; the plan says what they lead to. Everything is read from
//! trees that were checked before, so what is missing in them is what azure-ai-ml lets be missing.

pub(super) mod findings;

use super::component::{self, CommandComponent, Port};
use super::job::{self, CommandJob, Input, Output};
use super::schema::tables::Shape;
use super::schema::{Checker, Ty};
use crate::yaml::{Entry, Node, Value};
use serde_json::json;
use std::path::{Path, PathBuf};

/// A v2 pipeline job.
#[derive(Debug, Clone, PartialEq)]
pub struct PipelineJob {
    /// Experiment it belongs to.
    pub experiment_name: Option<String>,
    /// Name to show.
    pub display_name: Option<String>,
    /// Inputs by name, in the order of the file.
    pub inputs: Vec<(String, Input)>,
    /// Outputs by name, in the order of the file.
    pub outputs: Vec<(String, Output)>,
    /// Its settings.
    pub settings: Settings,
    /// Steps by name, in the order of the file.
    pub steps: Vec<(String, Step)>,
    /// The file in which the steps are written; their paths are seen from there.
    pub file: PathBuf,
}

/// The settings of a pipeline job that change what happens on this machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Whether steps that do not depend on a failed one still run.
    pub continue_on_step_failure: bool,
    /// Whether every step runs although an earlier result would do.
    pub force_rerun: bool,
    /// `settings.default_compute`, without `azureml:`.
    pub default_compute: Option<String>,
}

/// A step of a pipeline.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The class that azure-ai-ml makes of it.
    pub class: &'static str,
    /// Name to show.
    pub display_name: Option<String>,
    /// What it is given, by name; a binding is a literal with its text, or the path of data.
    pub given: Vec<(String, Input)>,
    /// Where its outputs go, as far as the step says it.
    pub outputs: Vec<(String, Destination)>,
    /// What it does.
    pub work: Work,
}

/// Where an output of a step goes.
#[derive(Debug, Clone, PartialEq)]
pub enum Destination {
    /// To a folder of the step's own.
    Own(Output),
    /// To this output of the pipeline around it.
    Parent(String),
}

/// What a step does.
#[derive(Debug, Clone, PartialEq)]
pub enum Work {
    /// A command, written in the step or in a component.
    Command(Box<Command>),
    /// The steps of a pipeline component.
    Pipeline(Box<Nested>),
    /// Something that only Azure can run, or that only a workspace knows.
    Elsewhere(Elsewhere),
}

/// A command of a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// The file in which it is written; its paths are seen from there.
    pub file: PathBuf,
    /// Its ports, and the job without inputs.
    pub component: CommandComponent,
    /// Whether the ports are those of a component; a command in the step takes what it is given.
    pub has_ports: bool,
}

/// A pipeline component as a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Nested {
    /// The file in which it is written; its paths are seen from there.
    pub file: PathBuf,
    /// What it takes.
    pub inputs: Vec<(String, Port)>,
    /// What it gives, and of which kind.
    pub outputs: Vec<(String, Output)>,
    /// Its steps by name.
    pub steps: Vec<(String, Step)>,
}

/// Why a step does not run on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Elsewhere {
    /// A kind of step that is Azure's own: `sweep`, `parallel`, `automl`, `spark`, …
    Kind(&'static str),
    /// A component that is registered in a workspace or a registry, by its address.
    Registered(String),
}

/// Reads a pipeline that was checked before, its components with it.
pub(super) fn read(checker: &mut Checker<'_>, file: &Path, root: &Node) -> PipelineJob {
    let settings = root.get("settings");
    let is_set = |key: &str| settings.and_then(|node| node.get(key)).is_some_and(is_true);
    let text = |key: &str| root.text(key).map(str::to_owned);
    let mut job = PipelineJob {
        experiment_name: text("experiment_name"),
        display_name: text("display_name"),
        inputs: job::read_inputs(checker, root),
        outputs: read_outputs(root),
        settings: Settings {
            continue_on_step_failure: is_set("continue_on_step_failure"),
            force_rerun: is_set("force_rerun"),
            default_compute: settings.and_then(|node| node.text("default_compute")).map(without_scheme),
        },
        steps: read_steps(checker, file, root),
        file: file.to_owned(),
    };
    let steps_are_elsewhere = root.get("jobs").is_none_or(|jobs| jobs.entries().is_empty());
    if let (Some(component), true) = (root.text("component"), steps_are_elsewhere) {
        job.is_nothing_but(checker, component);
    }
    job
}

impl PipelineJob {
    /// A pipeline may be nothing but a name for a pipeline component in another file: one step of that name.
    fn is_nothing_but(&mut self, checker: &mut Checker<'_>, component: &str) {
        let Some(nested) = read_nested(checker, component) else { return };
        for (name, port) in &nested.inputs {
            if let (Some(input), false) =
                (port.default_input(), self.inputs.iter().any(|(known, _)| known == name))
            {
                self.inputs.push((name.clone(), input));
            }
        }
        for (name, output) in &nested.outputs {
            if !self.outputs.iter().any(|(known, _)| known == name) {
                self.outputs.push((name.clone(), output.clone()));
            }
        }
        self.steps = nested.steps;
        self.file = nested.file;
    }

    /// The steps that run a command, nested ones by their whole names: those that a debugger can be wanted in.
    pub fn commands(&self) -> Vec<String> {
        commands("", &self.steps)
    }

    /// The gist of the pipeline, in the form of azure-ai-ml's own objects.
    pub fn summary(&self) -> serde_json::Value {
        let steps: serde_json::Map<_, _> =
            self.steps.iter().map(|(name, step)| (name.clone(), json!(step.class))).collect();
        json!({
            "experiment_name": self.experiment_name,
            "display_name": self.display_name,
            "steps": steps,
        })
    }
}

fn commands(before: &str, steps: &[(String, Step)]) -> Vec<String> {
    let names = |(name, step): &(String, Step)| match &step.work {
        Work::Command(_) => vec![format!("{before}{name}")],
        Work::Pipeline(nested) => commands(&format!("{before}{name}."), &nested.steps),
        Work::Elsewhere(_) => Vec::new(),
    };
    steps.iter().flat_map(names).collect()
}

fn read_steps(checker: &mut Checker<'_>, file: &Path, root: &Node) -> Vec<(String, Step)> {
    let steps = root.get("jobs").map(Node::entries).unwrap_or_default();
    steps.iter().map(|entry| (entry.key.clone(), read_step(checker, file, entry))).collect()
}

fn read_step(checker: &mut Checker<'_>, file: &Path, entry: &Entry) -> Step {
    let node = &entry.value;
    let class = class_of(checker, node);
    let work = match class {
        "Command" => read_command(checker, file, node),
        "Pipeline" => match node.text("component") {
            Some(path) if is_file(path) => match read_nested(checker, path) {
                Some(nested) => Work::Pipeline(Box::new(nested)),
                None => Work::Elsewhere(Elsewhere::Registered(path.to_owned())),
            },
            other => Work::Elsewhere(Elsewhere::Registered(other.unwrap_or_default().to_owned())),
        },
        "Sweep" => Work::Elsewhere(Elsewhere::Kind("sweep")),
        "Parallel" => Work::Elsewhere(Elsewhere::Kind("parallel")),
        "Spark" => Work::Elsewhere(Elsewhere::Kind("spark")),
        "Import" => Work::Elsewhere(Elsewhere::Kind("import")),
        "DataTransferCopy" | "DataTransferImport" | "DataTransferExport" => {
            Work::Elsewhere(Elsewhere::Kind("data_transfer"))
        }
        _ => Work::Elsewhere(Elsewhere::Kind("automl")),
    };
    Step {
        class,
        display_name: node.text("display_name").map(str::to_owned),
        given: job::read_inputs(checker, node),
        outputs: read_destinations(node),
        work,
    }
}

fn read_command(checker: &mut Checker<'_>, file: &Path, node: &Node) -> Work {
    let Some(component) = node.get("component") else {
        return Work::Command(Box::new(inline(checker, file, node)));
    };
    let mut command = match (&component.value, component.as_str()) {
        (Value::Map(_), _) => {
            Command { file: file.to_owned(), component: component::read(checker, component), has_ports: true }
        }
        (_, Some(path)) if is_file(path) => {
            let path = without_file(path);
            let Some(read) = checker.in_file(path, component::read) else {
                return Work::Elsewhere(Elsewhere::Registered(path.to_owned()));
            };
            let file = super::files::resolve(checker.folder(), path);
            Command { file, component: read, has_ports: true }
        }
        (_, address) => {
            let address = address.unwrap_or_default().to_owned();
            return Work::Elsewhere(Elsewhere::Registered(address));
        }
    };
    override_with(checker, &mut command.component.job, node);
    Work::Command(Box::new(command))
}

/// A command that is written in the step itself.
fn inline(checker: &mut Checker<'_>, file: &Path, node: &Node) -> Command {
    let mut job = job::read(checker, node);
    job.inputs.clear();
    let component = CommandComponent {
        name: String::new(),
        version: None,
        is_deterministic: true,
        inputs: Vec::new(),
        job,
    };
    Command { file: file.to_owned(), component, has_ports: false }
}

/// What a step says beside its component wins over the component.
fn override_with(checker: &mut Checker<'_>, job: &mut CommandJob, node: &Node) {
    let own = job::read(checker, node);
    if node.some("environment").is_some() {
        job.environment = own.environment;
    }
    for (name, value) in own.environment_variables {
        match job.environment_variables.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => job.environment_variables.push((name, value)),
        }
    }
    job.display_name = own.display_name;
    job.compute = own.compute.or(job.compute.take());
    job.distribution = own.distribution.or(job.distribution.take());
    job.shm_size = own.shm_size.or(job.shm_size.take());
    job.instance_count = own.instance_count.or(job.instance_count);
    job.timeout_seconds = own.timeout_seconds.or(job.timeout_seconds);
    if !own.docker_args.is_empty() {
        job.docker_args = own.docker_args;
    }
}

fn read_nested(checker: &mut Checker<'_>, path: &str) -> Option<Nested> {
    let path = without_file(path);
    let file = super::files::resolve(checker.folder(), path);
    checker.in_file(path, |checker, root| Nested {
        file: file.clone(),
        inputs: component::read_ports(root),
        outputs: read_outputs(root),
        steps: read_steps(checker, &file, root),
    })
}

fn read_outputs(root: &Node) -> Vec<(String, Output)> {
    let outputs = root.get("outputs").map(Node::entries).unwrap_or_default();
    outputs.iter().map(|entry| (entry.key.clone(), job::read_output(&entry.value))).collect()
}

fn read_destinations(node: &Node) -> Vec<(String, Destination)> {
    let outputs = node.get("outputs").map(Node::entries).unwrap_or_default();
    let destination = |node: &Node| {
        let bound = node.as_str().or(node.text("path")).and_then(parent_output);
        bound.map_or_else(|| Destination::Own(job::read_output(node)), Destination::Parent)
    };
    outputs.iter().map(|entry| (entry.key.clone(), destination(&entry.value))).collect()
}

/// The name in `${{parent.outputs.NAME}}`, also in its old form without `parent.`.
fn parent_output(text: &str) -> Option<String> {
    let inner = text.trim().strip_prefix("${{")?.strip_suffix("}}")?.trim();
    let inner = inner.strip_prefix("parent.").unwrap_or(inner);
    inner.strip_prefix("outputs.").map(str::to_owned)
}

/// The class that azure-ai-ml makes of a step.
fn class_of(checker: &mut Checker<'_>, node: &Node) -> &'static str {
    let jobs = Shape::PipelineJob.fields().iter().find(|field| field.key == "jobs");
    let Some(Ty::Steps(alternatives)) = jobs.map(|field| field.ty) else { return "Command" };
    match checker.accepted_shape(node, alternatives) {
        Some(Shape::Sweep) => "Sweep",
        Some(Shape::Parallel | Shape::PipelineParallelJob) => "Parallel",
        Some(Shape::Pipeline) => "Pipeline",
        Some(Shape::Spark | Shape::PipelineSparkJob) => "Spark",
        Some(Shape::Import | Shape::PipelineImportJob) => "Import",
        Some(Shape::DataTransferCopy | Shape::PipelineDataTransferCopyJob) => "DataTransferCopy",
        Some(Shape::DataTransferImport | Shape::PipelineDataTransferImportJob) => "DataTransferImport",
        Some(Shape::DataTransferExport | Shape::PipelineDataTransferExportJob) => "DataTransferExport",
        Some(Shape::AutoMlClassificationNode) => "ClassificationJob",
        Some(Shape::AutoMlRegressionNode) => "RegressionJob",
        Some(Shape::AutoMlForecastingNode) => "ForecastingJob",
        Some(Shape::ImageClassificationMulticlassNode) => "ImageClassificationJob",
        Some(Shape::ImageClassificationMultilabelNode) => "ImageClassificationMultilabelJob",
        Some(Shape::ImageObjectDetectionNode) => "ImageObjectDetectionJob",
        Some(Shape::ImageInstanceSegmentationNode) => "ImageInstanceSegmentationJob",
        Some(Shape::AutoMlTextClassificationNode) => "TextClassificationJob",
        Some(Shape::AutoMlTextClassificationMultilabelNode) => "TextClassificationMultilabelJob",
        Some(Shape::AutoMlTextNerNode) => "TextNerJob",
        _ => "Command",
    }
}

/// Whether a component is named by a file and not by an address in a workspace.
fn is_file(component: &str) -> bool {
    !component.starts_with("azureml:")
}

fn without_file(path: &str) -> &str {
    path.strip_prefix("file:").unwrap_or(path)
}

fn without_scheme(compute: &str) -> String {
    compute.trim_start_matches("azureml:").to_owned()
}

/// As azure-ai-ml's `Boolean` reads it.
fn is_true(node: &Node) -> bool {
    match &node.value {
        Value::Bool(value) => *value,
        Value::Int(number) => *number == 1,
        Value::Str(text) => {
            matches!(text.to_lowercase().as_str(), "true" | "t" | "yes" | "y" | "on" | "1")
        }
        _ => false,
    }
}
