//! What azure-ai-ml demands beyond its key tables: the hooks of its schemas and the constructors behind them.

use super::files::Found;
use super::job::{is_local, local};
use super::schema::tables::Shape;
use super::schema::{self, Checker, Field, head};
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
        Shape::PipelineJobSettings | Shape::ComponentResource | Shape::PrimitiveOutput => true,
        _ => false,
    }
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
        Shape::SparkResourceConfiguration | Shape::SparkResourceConfigurationForNode => {
            runtime_version(checker, node)
        }
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
        Shape::SparkJob
        | Shape::Spark
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

/// Numbers joined by points.
fn runtime_version(checker: &mut Checker<'_>, node: &Node) -> bool {
    let Some(version) = node.some("runtime_version") else { return true };
    let text = version.printed().unwrap_or_default();
    if schema::has_binding(&text) || text.split('.').all(|part| part.trim().parse::<u32>().is_ok()) {
        return true;
    }
    checker.error(version.span, message!("spec.number-version", found = text))
}

fn conda_file(checker: &mut Checker<'_>, node: &Node) -> bool {
    let Some(conda) = node.some("conda_file") else { return true };
    let path = match &conda.value {
        Value::Str(path) => path,
        Value::Map(_) => return true,
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

/// A model without a name is identified by its content, so the content has to be there.
fn anonymous_model(checker: &mut Checker<'_>, node: &Node) -> bool {
    let Some(path) = node.some("path") else { return true };
    let Some(written) = path.as_str() else { return true };
    if node.some("name").is_some() || !is_local(written) {
        return true;
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
