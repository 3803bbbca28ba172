//! What azure-ai-ml demands beyond its key tables: the hooks of its schemas and the constructors behind them.

mod bindings;

use super::files::Found;
use super::job::{is_local, local};
use super::schema::tables::Shape;
use super::schema::{self, Checker, Field, Ty, head};
use crate::message;
use crate::yaml::{Node, Value};

/// Hooks that run before the keys are looked at.
pub(super) fn before(checker: &mut Checker<'_>, node: &Node, shape: Shape) -> bool {
    match shape {
        Shape::Environment | Shape::AnonymousEnvironment => {
            match ["channels", "dependencies"].iter().find_map(|key| node.entry(key)) {
                Some(entry) => checker.error(entry.key_span, message!("spec.environment-is-conda")),
                None => true,
            }
        }
        _ => true,
    }
}

/// Keys that a schema lets through although it does not know them.
pub(super) fn is_ignored(shape: Shape, key: &str) -> bool {
    match shape {
        // What is written into another spec has no name of its own; azure-ai-ml warns and drops it.
        Shape::AnonymousEnvironment
        | Shape::AnonymousCommandComponent
        | Shape::AnonymousParallelComponent
        | Shape::AnonymousSparkComponent
        | Shape::PipelineComponentFile => matches!(key, "name" | "version"),
        // What the class of a job takes besides.
        Shape::PipelineParallelJob => {
            matches!(
                key,
                "name"
                    | "id"
                    | "description"
                    | "tags"
                    | "creation_context"
                    | "services"
                    | "display_name"
                    | "status"
                    | "experiment_name"
                    | "log_files"
                    | "identity"
                    | "base_path"
                    | "print_as_yaml"
            )
        }
        Shape::PipelineJobSettings | Shape::ComponentResource | Shape::PrimitiveOutput => true,
        _ => false,
    }
}

/// Keys that are taken away before anything looks at their values.
pub(super) fn is_dropped(shape: Shape, key: &str) -> bool {
    shape == Shape::AnonymousEnvironment && matches!(key, "name" | "version")
}

/// `az ml online-deployment create --endpoint NAME` adds the name that the file leaves out.
pub(super) fn is_added_by_command_line(fields: &[Field], key: &str) -> bool {
    key == "endpoint_name" && fields.iter().any(|field| field.key == "code_configuration")
}

/// Hooks and constructors that run when every key is well.
pub(super) fn after(checker: &mut Checker<'_>, node: &Node, shape: Shape) -> bool {
    match shape {
        Shape::Environment => conda_file(checker, node) && name_of_version(checker, node),
        Shape::AnonymousEnvironment => conda_file(checker, node),
        Shape::SparkResourceConfiguration => runtime_version(checker, node, false),
        Shape::SparkResourceConfigurationForNode => runtime_version(checker, node, true),
        Shape::PipelineJob => jobs_or_component(checker, node) && bindings::of_written_steps(checker, node),
        Shape::PipelineComponent | Shape::PipelineComponentFile => bindings::of_written_steps(checker, node),
        Shape::Command | Shape::Sweep | Shape::Parallel | Shape::Pipeline => {
            step_name(checker, node) && bindings::of_data_ports(checker, node)
        }
        Shape::Import => step_name(checker, node),
        Shape::Parameter => parameter(checker, node),
        Shape::InputPort => match node.entry("default") {
            Some(entry) => checker.error(entry.key_span, message!("spec.data-default")),
            None => true,
        },
        Shape::Output => output_name(checker, node),
        Shape::SshJobService
        | Shape::TensorBoardJobService
        | Shape::VsCodeJobService
        | Shape::JupyterLabJobService
        | Shape::JobService => match node.get("nodes") {
            Some(nodes) if nodes.as_str() != Some("all") => {
                checker.not_one_of(nodes.span, &nodes.printed().unwrap_or_default(), &["all"])
            }
            _ => true,
        },
        _ if WITH_TRAINING_DATA.contains(&shape) => needs_key(checker, node, "training_data"),
        Shape::ImageSweepSettings | Shape::NlpSweepSettings => needs_key(checker, node, "sampling_algorithm"),
        Shape::AnonymousModel => anonymous_model(checker, node),
        Shape::ManagedOnlineEndpoint | Shape::KubernetesOnlineEndpoint => traffic(checker, node),
        Shape::KubernetesOnlineDeployment => no_registry(checker, node),
        Shape::Identity => needs_key(checker, node, "type"),
        Shape::PipelineParallelJob => match node.entry("environment") {
            Some(entry) => checker.error(entry.key_span, message!("spec.parallel-environment")),
            None => true,
        },
        Shape::DataCollector => sampling_rate(checker, node),
        Shape::TableFeaturizationSettings => transformers(checker, node),
        Shape::Spark => {
            step_name(checker, node) && bindings::of_data_ports(checker, node) && no_duplicates(checker, node)
        }
        Shape::SparkJob
        | Shape::SparkComponent
        | Shape::AnonymousSparkComponent
        | Shape::PipelineSparkJob => no_duplicates(checker, node),
        _ => true,
    }
}

/// The tables and images of AutoML; its texts do without.
const WITH_TRAINING_DATA: [Shape; 14] = [
    Shape::AutoMlClassification,
    Shape::AutoMlClassificationNode,
    Shape::AutoMlForecasting,
    Shape::AutoMlForecastingNode,
    Shape::AutoMlRegression,
    Shape::AutoMlRegressionNode,
    Shape::ImageClassification,
    Shape::ImageClassificationMulticlassNode,
    Shape::ImageClassificationMultilabel,
    Shape::ImageClassificationMultilabelNode,
    Shape::ImageInstanceSegmentation,
    Shape::ImageInstanceSegmentationNode,
    Shape::ImageObjectDetection,
    Shape::ImageObjectDetectionNode,
];

/// The name of a step of a component is made lower case, unless Python takes it for nothing.
fn step_name(checker: &mut Checker<'_>, node: &Node) -> bool {
    let Some(name) = node.get("name") else { return true };
    let is_well = match &name.value {
        Value::Null | Value::Str(_) | Value::Bool(false) | Value::Int(0) => true,
        Value::Float(number) => *number == 0.0,
        Value::List(items) => items.is_empty(),
        Value::Map(entries) => entries.is_empty(),
        _ => false,
    };
    is_well || checker.check(name, &Ty::Str)
}

/// A key that the table lets be absent and the constructor does not.
fn needs_key(checker: &mut Checker<'_>, node: &Node, key: &str) -> bool {
    node.get(key).is_some() || checker.error(head(node), message!("spec.key-needed", key = key))
}

fn name_of_version(checker: &mut Checker<'_>, node: &Node) -> bool {
    let is_empty = node.text("name").is_some_and(str::is_empty);
    match node.entry("name").filter(|_| is_empty && node.get("version").is_some()) {
        Some(name) => checker.error(name.key_span, message!("spec.key-needed", key = "name")),
        None => true,
    }
}

fn jobs_or_component(checker: &mut Checker<'_>, node: &Node) -> bool {
    let has_steps = node.get("jobs").is_some_and(|jobs| !jobs.entries().is_empty());
    match node.entry("component").filter(|_| has_steps) {
        Some(entry) => checker.error(entry.key_span, message!("spec.jobs-and-component")),
        None => true,
    }
}

/// A default has to be a value of its parameter's type, and only numbers have bounds.
fn parameter(checker: &mut Checker<'_>, node: &Node) -> bool {
    let kind = node.text("type").unwrap_or_default().to_lowercase();
    let mut well = true;
    if let Some(default) = node.some("default")
        && !is_value_of(default, &kind)
    {
        let found = default.printed().unwrap_or_default();
        well = checker.error(default.span, message!("spec.wrong-default", found = found, kind = kind));
    }
    for bound in ["min", "max"].into_iter().filter_map(|key| node.entry(key)) {
        let is_number = match kind.as_str() {
            "integer" => number(&bound.value).is_some_and(f64::is_finite),
            "number" => number(&bound.value).is_some(),
            _ => {
                let message = message!("spec.bound-of-no-number", key = bound.key, kind = kind);
                well = checker.error(bound.key_span, message);
                continue;
            }
        };
        if !is_number {
            let found = bound.value.printed().unwrap_or_default();
            let message = message!("spec.wrong-default", found = found, kind = kind);
            well = checker.error(bound.value.span, message);
        }
    }
    well
}

fn is_value_of(default: &Node, kind: &str) -> bool {
    // What is not finite cannot be kept by the service, and is left out in silence.
    if matches!(default.value, Value::Float(number) if !number.is_finite()) {
        return true;
    }
    match kind {
        "integer" => number(default).is_some_and(f64::is_finite),
        "number" => number(default).is_some(),
        "boolean" => match &default.value {
            Value::Bool(_) => true,
            Value::Str(text) => matches!(text.to_lowercase().as_str(), "true" | "false"),
            _ => false,
        },
        _ => true,
    }
}

/// What Python's `float()` makes of a value.
fn number(node: &Node) -> Option<f64> {
    match &node.value {
        Value::Bool(value) => Some(f64::from(u8::from(*value))),
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        Value::Str(text) => text.trim().replace('_', "").parse().ok(),
        _ => None,
    }
}

/// An output that is registered has a name that the service takes; a version alone is nobody's.
fn output_name(checker: &mut Checker<'_>, node: &Node) -> bool {
    let name = node.text("name").unwrap_or_default();
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if let Some(entry) = node.entry("name")
        && !(name.len() <= 255 && name.bytes().all(is_name))
    {
        return checker.error(entry.value.span, message!("spec.output-name", name = name));
    }
    let version = node.entry("version").filter(|entry| entry.value.as_str() != Some(""));
    match version.filter(|_| name.is_empty()) {
        Some(entry) => checker.error(entry.key_span, message!("spec.version-without-name")),
        None => true,
    }
}

/// Numbers joined by points.
fn runtime_version(checker: &mut Checker<'_>, node: &Node, may_bind: bool) -> bool {
    let Some(version) = node.some("runtime_version") else { return true };
    let text = version.printed().unwrap_or_default();
    if (may_bind && schema::has_binding(&text))
        || text.split('.').all(|part| part.trim().replace('_', "").parse::<i64>().is_ok())
    {
        return true;
    }
    checker.error(version.span, message!("spec.number-version", found = text))
}

fn conda_file(checker: &mut Checker<'_>, node: &Node) -> bool {
    let Some(conda) = node.some("conda_file") else { return true };
    let path = match &conda.value {
        Value::Str(path) if path.is_empty() => return true,
        Value::Str(path) => path,
        Value::Map(_) => return true,
        // What Python takes for nothing counts as not given.
        Value::Bool(false) | Value::Int(0) => return true,
        Value::Float(number) if *number == 0.0 => return true,
        Value::List(items) if items.is_empty() => return true,
        _ => return checker.error(conda.span, message!("spec.conda-file-type")),
    };
    match checker.parsed(path) {
        None => true,
        Some(None) => checker.error(conda.span, message!("spec.conda-file-missing", path = path)),
        Some(Some(parsed)) => match parsed.findings.first().filter(|_| parsed.is_broken()) {
            None => true,
            Some(first) => {
                let line = first.range.start.line + 1;
                let message = message!(
                    "spec.in-other-file",
                    path = path,
                    line = line,
                    problem = first.message,
                    count = parsed.findings.len(),
                );
                checker.error(conda.span, message)
            }
        },
    }
}

/// A model without a name is identified by its content, so the content has to be on this machine.
fn anonymous_model(checker: &mut Checker<'_>, node: &Node) -> bool {
    let is_named = node.text("name").is_some_and(|name| !name.is_empty());
    if let Some(version) = node.entry("version").filter(|_| !is_named) {
        return checker.error(version.key_span, message!("spec.version-without-name"));
    }
    let Some(path) = node.some("path").filter(|_| !is_named) else { return true };
    let Some(written) = path.as_str().filter(|written| !written.is_empty()) else { return true };
    if !is_local(written) {
        return checker.error(path.span, message!("spec.model-needs-name", path = written));
    }
    match checker.exists(local(written)) {
        Some(Found::Missing) => {
            let resolved = super::files::resolve(checker.folder(), local(written));
            checker.error(
                path.span,
                message!("spec.path-missing", path = written, resolved = resolved.display()),
            )
        }
        _ => true,
    }
}

/// Kubernetes deployments take nothing from a registry.
fn no_registry(checker: &mut Checker<'_>, node: &Node) -> bool {
    let code = node.get("code_configuration").and_then(|code| code.get("code"));
    let mut well = true;
    for value in [node.get("model"), node.get("environment"), code].into_iter().flatten() {
        if value.as_str().is_some_and(|text| text.starts_with("azureml://registries/")) {
            well = checker.error(value.span, message!("spec.no-registry"));
        }
    }
    well
}

fn traffic(checker: &mut Checker<'_>, node: &Node) -> bool {
    let Some(traffic) = node.entry("traffic") else { return true };
    let percents = traffic.value.entries().iter().filter_map(|entry| match entry.value.value {
        Value::Int(percent) => Some(percent),
        _ => None,
    });
    let sum: i64 = percents.sum();
    if sum <= 100 {
        return true;
    }
    checker.error(traffic.key_span, message!("spec.traffic", sum = sum))
}

fn sampling_rate(checker: &mut Checker<'_>, node: &Node) -> bool {
    let Some(rate) = node.some("sampling_rate") else { return true };
    let number = rate.printed().and_then(|text| text.parse::<f64>().ok());
    match number {
        Some(number) if !(0.0..=1.0).contains(&number) => {
            checker.error(rate.span, message!("spec.sampling-rate", found = number))
        }
        _ => true,
    }
}

fn transformers(checker: &mut Checker<'_>, node: &Node) -> bool {
    const KNOWN: [&str; 3] = ["hash_one_hot_encoder", "imputer", "tf_idf"];
    let mut well = true;
    for entry in node.get("transformer_params").map(Node::entries).unwrap_or_default() {
        if !KNOWN.contains(&schema::camel_to_snake(&entry.key).as_str()) {
            well = checker.not_one_of(entry.key_span, &entry.key, &KNOWN);
        }
    }
    well
}

fn no_duplicates(checker: &mut Checker<'_>, node: &Node) -> bool {
    let mut well = true;
    for key in ["py_files", "jars", "files", "archives"] {
        let items = node.get(key).map(Node::items).unwrap_or_default();
        for (at, item) in items.iter().enumerate() {
            if items[..at].iter().any(|earlier| earlier.value == item.value) {
                let text = item.printed().unwrap_or_default();
                well = checker.error(item.span, message!("spec.twice", key = key, item = text));
            }
        }
    }
    well
}
