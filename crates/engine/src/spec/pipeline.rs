//! A v2 pipeline job, as far as it is shown: its steps and what each of them is.

use super::schema::tables::Shape;
use super::schema::{Checker, Ty};
use crate::yaml::{Entry, Node};
use serde_json::json;

/// The gist of a pipeline that was checked before.
pub(super) fn summary(checker: &mut Checker<'_>, root: &Node) -> serde_json::Value {
    let steps = match root.text("component") {
        Some(file) if root.get("jobs").is_none() => steps_of_file(checker, file),
        _ => steps(checker, root),
    };
    json!({
        "experiment_name": root.text("experiment_name"),
        "display_name": root.text("display_name"),
        "steps": steps,
    })
}

fn steps(checker: &mut Checker<'_>, root: &Node) -> serde_json::Map<String, serde_json::Value> {
    let steps = root.get("jobs").map(Node::entries).unwrap_or_default();
    steps.iter().map(|entry| (entry.key.clone(), json!(class_of(checker, entry)))).collect()
}

/// A pipeline may be nothing but a name for a pipeline component in another file.
fn steps_of_file(checker: &mut Checker<'_>, file: &str) -> serde_json::Map<String, serde_json::Value> {
    checker.in_file(file, steps).unwrap_or_default()
}

/// The class that azure-ai-ml makes of a step.
fn class_of(checker: &mut Checker<'_>, entry: &Entry) -> &'static str {
    let jobs = Shape::PipelineJob.fields().iter().find(|field| field.key == "jobs");
    let Some(Ty::Steps(alternatives)) = jobs.map(|field| field.ty) else { return "Command" };
    match checker.accepted_shape(&entry.value, alternatives) {
        Some(Shape::Sweep) => "Sweep",
        Some(Shape::Parallel | Shape::PipelineParallelJob) => "Parallel",
        Some(Shape::Pipeline) => "Pipeline",
        Some(Shape::Spark | Shape::PipelineSparkJob) => "Spark",
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
