//! Which kind of spec a file is, told from its content alone.

use super::run_configuration;
use super::schema::tables::Shape;
use super::schema::{Checker, head, nearest};
use crate::message;
use crate::message::Message;
use crate::yaml::{Node, Value};
use std::path::Path;

/// The kind of a file. [`Kind::word`] is part of the command line's contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are those of Azure ML")]
pub enum Kind {
    CommandJob,
    PipelineJob,
    SweepJob,
    AutoMl,
    SparkJob,
    ParallelJob,
    CommandComponent,
    PipelineComponent,
    ParallelComponent,
    SparkComponent,
    ImportComponent,
    Environment,
    Conda,
    ManagedOnlineEndpoint,
    KubernetesOnlineEndpoint,
    BatchEndpoint,
    ManagedOnlineDeployment,
    KubernetesOnlineDeployment,
    BatchDeployment,
    Data,
    Model,
    Compute,
    Schedule,
    /// A run configuration of SDK v1.
    RunConfig,
    /// A bare Python script.
    Script,
    Notebook,
    /// No YAML.
    Unparsable,
    /// YAML that is none of these.
    Unknown,
}

impl Kind {
    /// The word for the kind in `check --json`.
    pub fn word(self) -> &'static str {
        match self {
            Kind::CommandJob => "commandjob",
            Kind::PipelineJob => "pipelinejob",
            Kind::SweepJob => "sweepjob",
            Kind::AutoMl => "automl",
            Kind::SparkJob => "sparkjob",
            Kind::ParallelJob => "paralleljob",
            Kind::CommandComponent => "commandcomponent",
            Kind::PipelineComponent => "pipelinecomponent",
            Kind::ParallelComponent => "parallelcomponent",
            Kind::SparkComponent => "sparkcomponent",
            Kind::ImportComponent => "importcomponent",
            Kind::Environment => "environment",
            Kind::Conda => "conda",
            Kind::ManagedOnlineEndpoint => "managedonlineendpoint",
            Kind::KubernetesOnlineEndpoint => "kubernetesonlineendpoint",
            Kind::BatchEndpoint => "batchendpoint",
            Kind::ManagedOnlineDeployment => "managedonlinedeployment",
            Kind::KubernetesOnlineDeployment => "kubernetesonlinedeployment",
            Kind::BatchDeployment => "batchdeployment",
            Kind::Data => "data",
            Kind::Model => "model",
            Kind::Compute => "compute",
            Kind::Schedule => "schedule",
            Kind::RunConfig => "runconfig",
            Kind::Script => "script",
            Kind::Notebook => "notebook",
            Kind::Unparsable => "unparsable",
            Kind::Unknown => "unknown",
        }
    }

    /// The kind in words, for a sentence like "this runs on Azure only: …".
    pub fn title(self) -> Message {
        match self {
            Kind::CommandJob => message!("spec.title.command-job"),
            Kind::PipelineJob => message!("spec.title.pipeline-job"),
            Kind::SweepJob => message!("spec.title.sweep-job"),
            Kind::AutoMl => message!("spec.title.automl-job"),
            Kind::SparkJob => message!("spec.title.spark-job"),
            Kind::ParallelJob => message!("spec.title.parallel-job"),
            Kind::CommandComponent
            | Kind::PipelineComponent
            | Kind::ParallelComponent
            | Kind::SparkComponent
            | Kind::ImportComponent => message!("spec.title.component"),
            Kind::Environment => message!("spec.title.environment"),
            Kind::Conda => message!("spec.title.conda"),
            Kind::ManagedOnlineEndpoint | Kind::KubernetesOnlineEndpoint | Kind::BatchEndpoint => {
                message!("spec.title.endpoint")
            }
            Kind::ManagedOnlineDeployment | Kind::KubernetesOnlineDeployment | Kind::BatchDeployment => {
                message!("spec.title.deployment")
            }
            Kind::Data => message!("spec.title.data"),
            Kind::Model => message!("spec.title.model"),
            Kind::Compute => message!("spec.title.compute"),
            Kind::Schedule => message!("spec.title.schedule"),
            Kind::RunConfig => message!("spec.title.runconfig"),
            Kind::Script => message!("spec.title.script"),
            Kind::Notebook => message!("spec.title.notebook"),
            Kind::Unparsable | Kind::Unknown => message!("spec.title.unknown"),
        }
    }

    /// Whether this kind can be run on this machine.
    pub fn runs_here(self) -> bool {
        matches!(self, Kind::CommandJob | Kind::PipelineJob | Kind::Script)
    }

    /// Whether `deploy` takes it.
    pub fn is_online_deployment(self) -> bool {
        matches!(self, Kind::ManagedOnlineDeployment | Kind::KubernetesOnlineDeployment)
    }

    /// Whether whoever runs it has to say in which environment.
    pub fn wants_environment(self) -> bool {
        self == Kind::Script
    }

    /// Whether nothing but Azure runs this kind, now and later.
    pub fn is_azure_only(self) -> bool {
        matches!(
            self,
            Kind::SweepJob
                | Kind::AutoMl
                | Kind::SparkJob
                | Kind::ParallelJob
                | Kind::ParallelComponent
                | Kind::SparkComponent
                | Kind::ImportComponent
                | Kind::BatchEndpoint
                | Kind::BatchDeployment
                | Kind::Compute
                | Kind::Schedule
        )
    }

    /// Kinds that are no YAML and are told from the name of the file.
    pub fn of_name(path: &Path) -> Option<Kind> {
        match path.extension()?.to_str()? {
            "py" => Some(Kind::Script),
            "ipynb" => Some(Kind::Notebook),
            _ => None,
        }
    }

    /// The kind of a document, with what the name of its file says.
    pub fn of_file(path: &Path, root: &Node) -> Kind {
        let is_run_configuration = path.extension().is_some_and(|extension| extension == "runconfig")
            && matches!(root.value, Value::Map(_))
            && root.get("$schema").is_none();
        if is_run_configuration { Kind::RunConfig } else { Kind::of_content(root) }
    }

    /// The kind of a document: what its `$schema` says, else what its keys say.
    pub fn of_content(root: &Node) -> Kind {
        if !matches!(root.value, Value::Map(_)) {
            return Kind::Unknown;
        }
        root.text("$schema").and_then(of_schema).or_else(|| of_keys(root)).unwrap_or(Kind::Unknown)
    }

    /// Checks a document of this kind.
    pub(super) fn check(self, checker: &mut Checker<'_>, root: &Node) {
        // azure-ai-ml goes by `type`, whatever `$schema` says, and takes a missing one for a command.
        if let Some(wanted) = self.type_word()
            && root.get("type").is_none()
        {
            checker.error(head(root), message!("spec.type-missing", wanted = wanted));
            return;
        }
        let kind = self.by_type(root);
        if let (true, Some(word)) = (self.is_job(), root.entry("type"))
            && !word.value.as_str().is_some_and(|word| JOB_TYPES.contains(&word))
        {
            let found = word.value.printed().unwrap_or_default();
            checker.not_one_of(word.value.span, &found, &JOB_TYPES);
            return;
        }
        let Some(shape) = kind.shape(root) else {
            return match kind {
                Kind::AutoMl => auto_ml(checker, root),
                Kind::Compute => compute(checker, root),
                Kind::Unknown => unknown(checker, root),
                // Recognised, and left to the tools that use them.
                _ => {}
            };
        };
        // A component may carry keys of its owner's.
        let open = kind.is_component();
        checker.shape(root, shape, open);
    }

    /// The keys of a document of this kind, where there is a table of them.
    pub(super) fn shape(self, root: &Node) -> Option<Shape> {
        Some(match self.by_type(root) {
            Kind::CommandJob => Shape::CommandJob,
            Kind::PipelineJob => Shape::PipelineJob,
            Kind::SweepJob => Shape::SweepJob,
            Kind::SparkJob => Shape::SparkJob,
            Kind::CommandComponent => Shape::CommandComponent,
            Kind::PipelineComponent => Shape::PipelineComponent,
            Kind::ParallelComponent => Shape::ParallelComponent,
            Kind::SparkComponent => Shape::SparkComponent,
            Kind::ImportComponent => Shape::ImportComponent,
            Kind::Environment => Shape::Environment,
            Kind::ManagedOnlineEndpoint => Shape::ManagedOnlineEndpoint,
            Kind::KubernetesOnlineEndpoint => Shape::KubernetesOnlineEndpoint,
            Kind::BatchEndpoint => Shape::BatchEndpoint,
            Kind::ManagedOnlineDeployment => Shape::ManagedOnlineDeployment,
            Kind::KubernetesOnlineDeployment => Shape::KubernetesOnlineDeployment,
            Kind::BatchDeployment => match root.text("type") {
                Some("model") => Shape::ModelBatchDeployment,
                Some("pipeline") => Shape::PipelineComponentBatchDeployment,
                _ => Shape::BatchDeployment,
            },
            Kind::Data => Shape::Data,
            Kind::Model => Shape::Model,
            Kind::Schedule => Shape::JobSchedule,
            Kind::AutoMl => {
                let task = root.text("task").unwrap_or_default().to_lowercase();
                AUTO_ML.iter().find(|(name, _)| *name == task)?.1
            }
            Kind::Compute => {
                let kind = root.text("type").unwrap_or_default().to_lowercase();
                COMPUTES.iter().find(|(name, _)| *name == kind)?.1
            }
            Kind::Unknown | Kind::Conda | Kind::RunConfig | Kind::ParallelJob => return None,
            Kind::Script | Kind::Notebook | Kind::Unparsable => return None,
        })
    }

    fn is_job(self) -> bool {
        matches!(self, Kind::CommandJob | Kind::PipelineJob | Kind::SweepJob | Kind::AutoMl | Kind::SparkJob)
    }

    fn is_component(self) -> bool {
        matches!(
            self,
            Kind::CommandComponent
                | Kind::PipelineComponent
                | Kind::ParallelComponent
                | Kind::SparkComponent
                | Kind::ImportComponent
        )
    }

    /// The word that has to stand in `type`, for kinds that `$schema` alone does not make.
    fn type_word(self) -> Option<&'static str> {
        match self {
            Kind::PipelineJob | Kind::PipelineComponent => Some("pipeline"),
            Kind::SweepJob => Some("sweep"),
            Kind::AutoMl => Some("automl"),
            Kind::SparkJob | Kind::SparkComponent => Some("spark"),
            Kind::ParallelJob | Kind::ParallelComponent => Some("parallel"),
            Kind::ImportComponent => Some("import"),
            Kind::KubernetesOnlineDeployment => Some("kubernetes"),
            _ => None,
        }
    }

    /// The kind that `type` makes of a job, a component or a deployment.
    fn by_type(self, root: &Node) -> Kind {
        let word = root.text("type");
        let lower = word.map(str::to_lowercase);
        match self {
            Kind::CommandJob | Kind::PipelineJob | Kind::SweepJob | Kind::AutoMl | Kind::SparkJob => {
                match word {
                    Some("command") => Kind::CommandJob,
                    Some("pipeline") => Kind::PipelineJob,
                    Some("sweep") => Kind::SweepJob,
                    Some("automl") => Kind::AutoMl,
                    Some("spark") => Kind::SparkJob,
                    _ => self,
                }
            }
            kind if kind.is_component() => match lower.as_deref() {
                Some("command") => Kind::CommandComponent,
                Some("pipeline") => Kind::PipelineComponent,
                Some("parallel") => Kind::ParallelComponent,
                Some("spark") => Kind::SparkComponent,
                Some("import") => Kind::ImportComponent,
                _ => self,
            },
            // The compute is what makes an endpoint one of Kubernetes, whatever `$schema` says.
            Kind::ManagedOnlineEndpoint | Kind::KubernetesOnlineEndpoint => {
                let has_compute = root.some("compute").is_some_and(|node| node.as_str() != Some(""));
                if has_compute { Kind::KubernetesOnlineEndpoint } else { Kind::ManagedOnlineEndpoint }
            }
            Kind::KubernetesOnlineDeployment if word.is_some_and(|word| word != "kubernetes") => {
                Kind::ManagedOnlineDeployment
            }
            _ => self,
        }
    }
}

/// The kinds of jobs, spelled as azure-ai-ml wants them: it looks a job up before any schema is asked.
const JOB_TYPES: [&str; 6] = ["automl", "command", "import", "pipeline", "spark", "sweep"];

/// The kind in the last part of a `$schema` address, `…/latest/commandJob.schema.json`.
fn of_schema(address: &str) -> Option<Kind> {
    let name = address.rsplit('/').next().unwrap_or(address).to_lowercase();
    let name = name.split('.').next().unwrap_or(&name);
    let table = [
        ("commandjob", Kind::CommandJob),
        ("pipelinejob", Kind::PipelineJob),
        ("sweepjob", Kind::SweepJob),
        ("automl", Kind::AutoMl),
        ("sparkjob", Kind::SparkJob),
        ("paralleljob", Kind::ParallelJob),
        ("commandcomponent", Kind::CommandComponent),
        ("pipelinecomponent", Kind::PipelineComponent),
        ("parallelcomponent", Kind::ParallelComponent),
        ("sparkcomponent", Kind::SparkComponent),
        ("importcomponent", Kind::ImportComponent),
        ("environment", Kind::Environment),
        ("managedonlineendpoint", Kind::ManagedOnlineEndpoint),
        ("kubernetesonlineendpoint", Kind::KubernetesOnlineEndpoint),
        ("batchendpoint", Kind::BatchEndpoint),
        ("managedonlinedeployment", Kind::ManagedOnlineDeployment),
        ("kubernetesonlinedeployment", Kind::KubernetesOnlineDeployment),
        ("batchdeployment", Kind::BatchDeployment),
        ("modelbatchdeployment", Kind::BatchDeployment),
        ("data", Kind::Data),
        ("model", Kind::Model),
        ("schedule", Kind::Schedule),
        ("amlcompute", Kind::Compute),
        ("computeinstance", Kind::Compute),
        ("kubernetescompute", Kind::Compute),
        ("vmcompute", Kind::Compute),
        ("synapsespark", Kind::Compute),
        ("compute", Kind::Compute),
    ];
    table.iter().find(|(word, _)| name.starts_with(word)).map(|(_, kind)| *kind)
}

fn of_keys(root: &Node) -> Option<Kind> {
    let has = |key: &str| root.get(key).is_some();
    let kind = root.text("type").map(str::to_lowercase);
    if is_run_configuration(root) {
        return Some(Kind::RunConfig);
    }
    if has("dependencies") && !has("image") && !has("command") {
        return Some(Kind::Conda);
    }
    if has("trigger") && (has("create_job") || has("create_monitor") || has("import_data")) {
        return Some(Kind::Schedule);
    }
    let is_component = is_component(root);
    match kind.as_deref() {
        Some("command") => return Some(if is_component { Kind::CommandComponent } else { Kind::CommandJob }),
        Some("pipeline") => {
            return Some(if is_component { Kind::PipelineComponent } else { Kind::PipelineJob });
        }
        Some("parallel") => {
            return Some(if has("name") { Kind::ParallelComponent } else { Kind::ParallelJob });
        }
        Some("spark") => return Some(if is_component { Kind::SparkComponent } else { Kind::SparkJob }),
        Some("sweep") => return Some(Kind::SweepJob),
        Some("automl") => return Some(Kind::AutoMl),
        Some("managed") => return Some(Kind::ManagedOnlineDeployment),
        Some("kubernetes") if has("endpoint_name") => return Some(Kind::KubernetesOnlineDeployment),
        Some("uri_file" | "uri_folder" | "mltable") => return Some(Kind::Data),
        Some("custom_model" | "mlflow_model" | "triton_model") => return Some(Kind::Model),
        Some("amlcompute" | "computeinstance" | "kubernetes" | "virtualmachine") => {
            return Some(Kind::Compute);
        }
        _ => {}
    }
    if has("command") {
        return Some(if is_component { Kind::CommandComponent } else { Kind::CommandJob });
    }
    if has("jobs") {
        return Some(Kind::PipelineJob);
    }
    if has("trial") {
        return Some(Kind::SweepJob);
    }
    if has("endpoint_name") {
        let is_batch = has("compute") || has("mini_batch_size") || has("settings");
        return Some(if is_batch { Kind::BatchDeployment } else { Kind::ManagedOnlineDeployment });
    }
    if has("instance_type") && (has("code_configuration") || has("model")) {
        return Some(Kind::ManagedOnlineDeployment);
    }
    if has("auth_mode") || has("traffic") {
        return Some(Kind::ManagedOnlineEndpoint);
    }
    if has("image") || has("build") || has("conda_file") {
        return Some(Kind::Environment);
    }
    None
}

/// A command with typed ports is a component; one with values is a job.
fn is_component(root: &Node) -> bool {
    let is_port = |node: &Node| {
        let parameter = matches!(node.text("type"), Some("string" | "integer" | "number" | "boolean"));
        parameter
            || node.get("optional").is_some()
            || (node.get("type").is_some() && node.get("path").is_none())
    };
    let has = |key: &str| root.get(key).is_some();
    let inputs = root.get("inputs").map(Node::entries).unwrap_or_default();
    let is_job = has("compute") || has("experiment_name") || has("settings") || has("limits");
    if has("is_deterministic") {
        return true;
    }
    !is_job && has("name") && (has("version") || inputs.iter().any(|entry| is_port(&entry.value)))
}

/// Keys that only SDK v1 knows, in any of its spellings.
fn is_run_configuration(root: &Node) -> bool {
    let has = |name: &str| run_configuration::entry(root, name).is_some();
    let section = |name: &str| {
        let environment = run_configuration::entry(root, "environment");
        environment.is_some_and(|entry| run_configuration::entry(&entry.value, name).is_some())
    };
    if root.get("type").is_some() {
        return false;
    }
    let runs = has("script") || has("argumentVector") || has("command");
    let is_of_v1 =
        ["framework", "nodeCount", "communicator", "dataReferences", "history"].into_iter().any(has);
    runs && (is_of_v1
        || has("argumentVector")
        || (has("script") && (has("target") || has("arguments")))
        || section("python")
        || section("docker"))
}

const AUTO_ML: [(&str, Shape); 10] = [
    ("classification", Shape::AutoMlClassification),
    ("regression", Shape::AutoMlRegression),
    ("forecasting", Shape::AutoMlForecasting),
    ("image_classification", Shape::ImageClassification),
    ("image_classification_multilabel", Shape::ImageClassificationMultilabel),
    ("image_object_detection", Shape::ImageObjectDetection),
    ("image_instance_segmentation", Shape::ImageInstanceSegmentation),
    ("text_classification", Shape::TextClassification),
    ("text_classification_multilabel", Shape::TextClassificationMultilabel),
    ("text_ner", Shape::TextNer),
];

const COMPUTES: [(&str, Shape); 4] = [
    ("amlcompute", Shape::AmlCompute),
    ("computeinstance", Shape::ComputeInstance),
    ("kubernetes", Shape::KubernetesCompute),
    ("virtualmachine", Shape::VirtualMachineCompute),
];

/// Nothing tells what the file is; a key that is nearly one that would have told is a misspelling.
fn unknown(checker: &mut Checker<'_>, root: &Node) {
    let near = root.entries().iter().find_map(|entry| {
        let near = nearest(&entry.key, &["command", "jobs", "image", "trial", "build", "endpoint_name"])?;
        Some((entry, near))
    });
    match near {
        Some((entry, near)) => {
            let message = message!("spec.unknown-key.near", key = entry.key, near = near);
            let title = message!("spec.rename.fix", from = entry.key, to = near);
            checker.error_with(entry.key_span, message, Some((title, near.to_owned())));
        }
        None => {
            checker.error(head(root), message!("spec.unknown-kind"));
        }
    }
}

/// A compute without a type of its tables.
fn compute(checker: &mut Checker<'_>, root: &Node) {
    let Some(word) = root.some("type") else {
        checker.error(head(root), message!("spec.type-missing", wanted = "amlcompute"));
        return;
    };
    let found = word.printed().unwrap_or_default();
    // Recognised, and left to the tools that use it.
    if !found.eq_ignore_ascii_case("synapsespark") {
        let names = COMPUTES.map(|(name, _)| name);
        checker.not_one_of(word.span, &found, &names);
    }
}

/// AutoML without a task of its tables.
fn auto_ml(checker: &mut Checker<'_>, root: &Node) {
    match root.get("task") {
        None => checker.error(head(root), message!("spec.automl-task")),
        Some(task) => {
            let names: Vec<&str> = AUTO_ML.iter().map(|(name, _)| *name).collect();
            checker.not_one_of(task.span, task.as_str().unwrap_or_default(), &names)
        }
    };
}
