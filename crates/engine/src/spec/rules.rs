//! What azure-ai-ml demands beyond its key tables: the hooks of its schemas and the constructors behind them.

use super::schema::tables::Shape;
use super::schema::{Checker, Field};
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
        // An environment written into a job has no name of its own; azure-ai-ml warns and drops it.
        Shape::AnonymousEnvironment => matches!(key, "name" | "version"),
        Shape::PipelineJobSettings | Shape::ComponentResource | Shape::PrimitiveOutput => true,
        _ => false,
    }
}

/// `az ml online-deployment create --endpoint NAME` adds the name that the file leaves out.
pub(super) fn is_added_by_command_line(fields: &[Field], key: &str) -> bool {
    key == "endpoint_name"
        && fields.iter().any(|field| field.key == "code_configuration" || field.key == "model")
}

/// Hooks and constructors that run when every key is well.
pub(super) fn after(checker: &mut Checker<'_>, node: &Node, shape: Shape) -> bool {
    match shape {
        Shape::Environment | Shape::AnonymousEnvironment => environment(checker, node),
        _ => true,
    }
}

fn environment(checker: &mut Checker<'_>, node: &Node) -> bool {
    let mut well = true;
    if let Some(conda) = node.some("conda_file")
        && let Value::Str(path) = &conda.value
        && let Some(None) = checker.bytes(path)
    {
        well = checker.error(conda.span, message!("spec.conda-file-missing", path = path));
    }
    well
}
