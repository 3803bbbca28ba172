//! What azure-ai-ml demands beyond its key tables: the hooks of its schemas and the constructors behind them.

use super::files::Found;
use super::job::{is_local, local};
use super::schema::tables::Shape;
use super::schema::{Checker, Field};
use crate::message;
use crate::yaml::{self, Node, Value};

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
        Shape::Environment | Shape::AnonymousEnvironment => conda_file(checker, node),
        Shape::AnonymousModel => anonymous_model(checker, node),
        Shape::ManagedOnlineEndpoint | Shape::KubernetesOnlineEndpoint => traffic(checker, node),
        Shape::DataCollector => sampling_rate(checker, node),
        Shape::SparkJob
        | Shape::Spark
        | Shape::SparkComponent
        | Shape::AnonymousSparkComponent
        | Shape::PipelineSparkJob => no_duplicates(checker, node),
        _ => true,
    }
}

fn conda_file(checker: &mut Checker<'_>, node: &Node) -> bool {
    let Some(conda) = node.some("conda_file") else { return true };
    let Value::Str(path) = &conda.value else { return true };
    match checker.bytes(path) {
        None => true,
        Some(None) => checker.error(conda.span, message!("spec.conda-file-missing", path = path)),
        Some(Some(bytes)) => {
            let parsed = yaml::parse(&bytes);
            match parsed.findings.first().filter(|_| parsed.is_broken()) {
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
            }
        }
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
