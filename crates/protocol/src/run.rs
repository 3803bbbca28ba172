//! Runs on the wire.

use crate::deployment::{DeploymentWish, ServiceSnapshot};
use crate::text::{FailureText, Text};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ts_rs::TS;

/// What to run and how.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
pub struct StartRunParams {
    /// Path of the spec or script, absolute or against the sidecar's working directory.
    pub spec: String,
    /// Environment of a bare script: an image, a conda file or an environment spec.
    pub environment: Option<String>,
    /// Wait in the debuggee for a debugger.
    pub debug: bool,
    /// Script whose process is debugged, where the command starts several.
    pub process: Option<String>,
    /// Rank whose process is debugged, where a launcher starts several alike; absent takes the first.
    pub rank: Option<u32>,
    /// Debug the Python processes that the debuggee starts as well, each in a session of its own.
    pub children: bool,
    /// Experiment to list the run under, instead of the spec's own.
    pub experiment: Option<String>,
    /// Values for inputs: name → value.
    pub inputs: BTreeMap<String, String>,
    /// Environment variables of the run, over the spec's own.
    pub env: BTreeMap<String, String>,
    /// Names of environment variables whose values are secret; they go in by file. Values come from `env`
    /// or from the sidecar's own environment.
    pub secrets: Vec<String>,
    /// Build the image even if one of the same content is there.
    pub rebuild: bool,
    /// Ask the registry for the base image even if one is there.
    pub pull: bool,
    /// End when the image is ready.
    pub image_only: bool,
    /// Of a pipeline: the steps that wait for a debugger, by name. With `debug` and none named, those whose
    /// code has a file of `breaks`, and without those every step.
    pub steps: Vec<String>,
    /// Of a pipeline: files that have a breakpoint, absolute or as seen from a step's code folder.
    pub breaks: Vec<String>,
    /// Of a pipeline: run every step although an earlier result of the same content is there.
    pub force: bool,
    /// Have debugpy in the image, as one more dependency of its environment.
    pub with_debugpy: bool,
    /// What only a deployment has; the sidecar fills it in for `aml/startDeployment`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub deployment: Option<DeploymentWish>,
}

/// The name of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RunAnswer {
    /// The run.
    pub run: String,
}

/// A request about one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RunIdParams {
    /// The run, or a unique beginning of its name.
    pub run: String,
}

/// Which plan to start again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RerunParams {
    /// The earlier run, or a unique beginning of its name.
    pub run: String,
    /// Under a debugger or not; absent means as before.
    #[serde(default)]
    pub debug: Option<bool>,
    /// Script whose process is debugged; absent means as before.
    #[serde(default)]
    pub process: Option<String>,
    /// Rank whose process is debugged; absent means as before.
    #[serde(default)]
    pub rank: Option<u32>,
    /// Debug the processes that the debuggee starts as well; absent means as before.
    #[serde(default)]
    pub children: Option<bool>,
    /// Of a pipeline run: only this step, with the inputs that it had.
    #[serde(default)]
    pub step: Option<String>,
}

/// Which run to end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct CancelRunParams {
    /// The run, or a unique beginning of its name.
    pub run: String,
    /// Without any grace for its processes.
    #[serde(default)]
    pub at_once: bool,
}

/// Which run to forget.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RemoveRunParams {
    /// The run, or a unique beginning of its name.
    pub run: String,
}

/// Which page of runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
pub struct ListRunsParams {
    /// Runs of this experiment only.
    pub experiment: Option<String>,
    /// At most so many; 0 is 100.
    pub limit: u32,
    /// After so many.
    pub offset: u32,
    /// Instead of all these: the steps of this pipeline run, oldest first.
    pub parent: Option<String>,
}

/// A page of runs, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ListRunsAnswer {
    /// The runs.
    pub runs: Vec<RunSnapshot>,
}

/// A run as it stands; always the whole of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RunSnapshot {
    /// Name of the run.
    pub run: String,
    /// Experiment it is listed under.
    pub experiment: String,
    /// Name the spec gives it.
    pub display_name: Option<String>,
    /// `run`, `pipeline`, or `step` of one.
    pub kind: String,
    /// The pipeline run that a step belongs to.
    pub parent: Option<String>,
    /// Name of the step in its pipeline, also of a run that repeats it alone.
    pub step: Option<String>,
    /// Of a pipeline run: its steps and how the data goes.
    pub graph: Option<Graph>,
    /// Path of the spec.
    pub spec: String,
    /// `preparing`, `waiting`, `running`, `paused`, `stopping`, `completed`, `failed`, `cancelled`, `lost`.
    pub state: String,
    /// Whether it was started for a debugger.
    pub debug: bool,
    /// The phase card.
    pub phases: Vec<PhaseSnapshot>,
    /// Image that the container runs from.
    pub image: Option<String>,
    /// The container, while there is one.
    pub container: Option<String>,
    /// Of a run that has ended: until when its container is warm, in milliseconds since 1970. The next debug run of the
    /// same plan takes it before that.
    #[serde(default)]
    #[ts(type = "number | null")]
    pub warm_until: Option<u64>,
    /// Loopback port for a debugger, while the gateway listens.
    pub gateway_port: Option<u16>,
    /// Where the code folder stands here and in the container, once the spec is resolved.
    pub mapping: Option<PathMapping>,
    /// Where it answers, if it is a deployment.
    #[serde(default)]
    pub service: Option<ServiceSnapshot>,
    /// Exit code of the user's command.
    pub exit_code: Option<i32>,
    /// Why it did not succeed.
    pub failure: Option<FailureText>,
    /// Start, in milliseconds since 1970.
    #[ts(type = "number")]
    pub started_at: u64,
    /// End, in milliseconds since 1970.
    #[ts(type = "number | null")]
    pub ended_at: Option<u64>,
    /// What may be asked of it as it stands: `attach`, `takeOver` (somebody is attached),
    /// `cancel`, `rerun`, `remove`.
    pub actions: Vec<String>,
}

/// The steps of a pipeline run, and what flows between them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Graph {
    /// The steps, in the order of the spec; `outer.inner` for one of a nested pipeline.
    pub steps: Vec<StepSnapshot>,
    /// Outputs that are inputs of other steps.
    pub edges: Vec<Edge>,
    /// Outputs of the pipeline itself.
    pub outputs: Vec<PipelineOutput>,
}

/// One step of a pipeline run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct StepSnapshot {
    /// Its name.
    pub name: String,
    /// The state of its run; before that `pending`, and `skipped` where it never runs.
    pub state: String,
    /// Its run; the earlier one where that run's result is reused.
    pub run: Option<String>,
    /// Whether the result of an earlier run took its place.
    pub reused: bool,
    /// Whether a debugger is wanted in it.
    pub debug: bool,
    /// When its turn came, in milliseconds since 1970.
    #[ts(type = "number | null")]
    pub started_at: Option<u64>,
    /// When it ended, in milliseconds since 1970.
    #[ts(type = "number | null")]
    pub ended_at: Option<u64>,
}

/// An output of one step that is an input of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Edge {
    /// Name of the step that writes it.
    pub from: String,
    /// The output there.
    pub output: String,
    /// Name of the step that reads it.
    pub to: String,
    /// The input there.
    pub input: String,
}

/// An output of a pipeline, and the step that writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PipelineOutput {
    /// Its name.
    pub name: String,
    /// Name of the step.
    pub from: String,
    /// The output there.
    pub output: String,
}

/// Which experiments: all there are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ListExperimentsParams {}

/// The experiments, the one with the newest run first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ListExperimentsAnswer {
    /// The experiments.
    pub experiments: Vec<ExperimentSummary>,
    /// Runs of all experiments that are under way.
    pub live: u32,
}

/// One experiment in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ExperimentSummary {
    /// Its name.
    pub name: String,
    /// How many runs are listed under it.
    pub runs: u32,
    /// How many of them are under way.
    pub live: u32,
    /// Start of the newest one, in milliseconds since 1970.
    #[ts(type = "number")]
    pub newest_at: u64,
}

/// A folder on this machine and the same folder where the code runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PathMapping {
    /// Absolute path on this machine.
    pub local_root: String,
    /// Absolute path in the container.
    pub remote_root: String,
}

/// One phase of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PhaseSnapshot {
    /// `resolve`, `build`, `create`, `start`, `attach`, `run`, `collect`.
    pub name: String,
    /// Duration in milliseconds; absent while the phase is under way.
    #[ts(type = "number | null")]
    pub ms: Option<u64>,
    /// `running`, `ok`, `failed`, `cancelled`.
    pub outcome: String,
    /// Worth knowing of a phase that went well.
    pub note: Option<Text>,
    /// Why it failed.
    pub cause: Option<Text>,
    /// What to do about it.
    pub fix: Option<Text>,
}

/// What a run left behind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct OutputsAnswer {
    /// Folder on this machine that holds the files.
    pub folder: String,
    /// Files, relative to the folder, with their size in bytes.
    pub files: Vec<OutputFile>,
    /// Metrics by name, their last value.
    pub metrics: BTreeMap<String, f64>,
    /// The same, every value in the order in which they were logged: step and value.
    #[serde(default)]
    pub metric_history: BTreeMap<String, Vec<(f64, f64)>>,
}

/// One file of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct OutputFile {
    /// Relative path with `/`.
    pub path: String,
    /// Size in bytes.
    #[ts(type = "number")]
    pub bytes: u64,
}
