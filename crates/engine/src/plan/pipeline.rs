//! From a pipeline to its graph, and from the graph to a plan for every step.
//!
//! Nested pipelines are taken apart: what is left are steps that run, named `outer.inner`, and edges along
//! which data goes. Where a step will run is not known yet, so its plan is made for a stand-in run and moved
//! over to the real one when its turn comes; thus everything that can be wrong is found before anything
//! starts.

mod bindings;
mod order;

use super::Plan;
use super::job::{experiment_name, override_inputs, plan_step};
use super::settings::{PlanSettings, RunFolders, RunPlace};
use crate::failure::{Blame, Failure};
use crate::ids::RunId;
use crate::message;
use crate::plan::image::ImagePlan;
use crate::spec::files::resolve;
use crate::spec::job::CommandJob;
use crate::spec::pipeline::{Elsewhere, PipelineJob};
pub use bindings::graph;
pub use order::{heights, needs};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

impl Graph {
    /// The code folder of each step that has one of files, by its name.
    pub fn code_folders(&self) -> BTreeMap<String, PathBuf> {
        let folder = |step: &GraphStep| {
            let code = step.work.as_ref().ok()?.code.as_deref()?;
            Some((step.name.clone(), resolve(step.file.parent()?, code)))
        };
        self.steps.iter().filter_map(folder).collect()
    }
}

/// A pipeline with every binding followed to its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    /// The steps that run, in the order of the files.
    pub steps: Vec<GraphStep>,
    /// Outputs of the pipeline, where a step writes them.
    pub outputs: Vec<(String, Source)>,
}

/// One step that runs.
#[derive(Debug, Clone, PartialEq)]
pub struct GraphStep {
    /// `outer.inner` for a step of a nested pipeline.
    pub name: String,
    /// Name to show.
    pub display_name: Option<String>,
    /// The file in which its command is written.
    pub file: PathBuf,
    /// Its command with its inputs, or why it does not run here.
    pub work: Result<Box<CommandJob>, Elsewhere>,
    /// Inputs that are outputs of other steps.
    pub sources: Vec<(String, Source)>,
    /// Whether the same inputs give the same outputs.
    pub is_deterministic: bool,
}

/// An output of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Place of the step in its list.
    pub step: usize,
    /// The output's name.
    pub output: String,
}

/// Everything that is decided about a pipeline before anything starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PipelinePlan {
    /// The spec's file.
    pub spec: PathBuf,
    /// Experiment under which it is listed.
    pub experiment: String,
    /// Name to show, where the spec gives one.
    pub display_name: Option<String>,
    /// Whether steps that do not depend on a failed one still run.
    pub continue_on_step_failure: bool,
    /// Whether every step runs although an earlier result would do.
    pub force_rerun: bool,
    /// The steps.
    pub steps: Vec<StepPlan>,
    /// Outputs of the pipeline and where they come from.
    pub outputs: Vec<(String, Source)>,
}

/// One step, planned for a stand-in run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepPlan {
    /// `outer.inner` for a step of a nested pipeline.
    pub name: String,
    /// The plan; see [`StepPlan::for_run`].
    pub plan: Box<Plan>,
    /// Inputs that are outputs of other steps.
    pub sources: Vec<(String, Source)>,
    /// Whether the same inputs give the same outputs.
    pub is_deterministic: bool,
    /// Whether a debugger is wanted in it.
    pub debug: bool,
}

/// What decides the result of a step: the same content gives the same result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// What is decided without looking at any file.
    pub text: String,
    /// Files and folders that it sees: where it sees them, and where they are on this machine.
    pub places: Vec<(String, PathBuf)>,
}

/// Decides everything about a run of a pipeline.
///
/// # Errors
/// What [`graph`] and the plans of the steps find; steps that do not run on this machine.
pub fn plan_pipeline(
    spec: &Path,
    job: &PipelineJob,
    settings: &PlanSettings,
) -> Result<PipelinePlan, Failure> {
    let inputs = override_inputs(&job.inputs, settings)?;
    let graph = graph(spec, job, inputs)?;
    refuse_elsewhere(&graph)?;
    let folder = spec.parent().unwrap_or(Path::new("/"));
    let experiment = experiment_name(folder, job.experiment_name.as_deref(), None, settings);
    let of_steps = PlanSettings { experiment: Some(experiment.clone()), set: Vec::new(), ..settings.clone() };
    let steps = graph.steps.iter().enumerate().map(|(at, step)| plan_of(spec, at, step, &of_steps));
    Ok(PipelinePlan {
        spec: spec.to_owned(),
        experiment,
        display_name: job.display_name.clone(),
        continue_on_step_failure: job.settings.continue_on_step_failure,
        force_rerun: job.settings.force_rerun,
        steps: steps.collect::<Result<_, _>>()?,
        outputs: graph.outputs,
    })
}

fn plan_of(spec: &Path, at: usize, step: &GraphStep, settings: &PlanSettings) -> Result<StepPlan, Failure> {
    let stand_in = StandIn::of(at);
    let place = RunPlace {
        run: stand_in.run.clone(),
        container: container_name(&stand_in.run),
        labels: BTreeMap::new(),
        folders: RunFolders::below(&stand_in.root),
    };
    let Ok(job) = &step.work else { return Err(elsewhere(std::slice::from_ref(step))) };
    let mut plan =
        plan_step(&step.file, job, settings, &place).map_err(|failure| of_step(&step.name, failure))?;
    plan.spec = spec.to_owned();
    plan.display_name = step.display_name.clone();
    Ok(StepPlan {
        name: step.name.clone(),
        plan: Box::new(plan),
        sources: step.sources.clone(),
        is_deterministic: step.is_deterministic,
        debug: false,
    })
}

/// Name of a run's container, as the engine's own tools show it.
pub fn container_name(run: &RunId) -> String {
    format!("aml-debug-{run}")
}

/// The run that a step is planned for until it has one.
struct StandIn {
    run: RunId,
    root: PathBuf,
}

impl StandIn {
    fn of(step: usize) -> Self {
        // The last letter keeps the name of step 1 from being the beginning of that of step 10.
        let name = format!("aml-debug-step-{step}-");
        Self { root: Path::new("/").join(&name), run: RunId(name) }
    }
}

/// Where the output of a step that has not run yet will stand, for a stand-in run.
fn output_path(source: &Source, kind: &str) -> PathBuf {
    let folder = RunFolders::named_below(&StandIn::of(source.step).root).join(&source.output);
    if kind == "uri_file" { folder.join(&source.output) } else { folder }
}

impl PipelinePlan {
    /// The plan of a step for its run: `root` is that run's folder, `pipeline` the run of the whole, and
    /// `folder_of` knows the folders of the steps before.
    pub fn for_run(
        &self,
        step: usize,
        run: &RunId,
        root: &Path,
        pipeline: &RunId,
        folder_of: impl Fn(usize) -> Option<PathBuf>,
    ) -> Box<Plan> {
        let of_step = &self.steps[step];
        let stand_in = StandIn::of(step);
        let mut plan = of_step.plan.clone().for_another_run((&stand_in.run, &stand_in.root), (run, root));
        let before: BTreeSet<usize> = of_step.sources.iter().map(|(_, source)| source.step).collect();
        let moves: Vec<(PathBuf, PathBuf)> =
            before.into_iter().filter_map(|step| Some((StandIn::of(step).root, folder_of(step)?))).collect();
        for mount in &mut plan.container.mounts {
            let Some(host) = mount.host_mut() else { continue };
            for (from, to) in &moves {
                if let Ok(rest) = host.strip_prefix(from) {
                    *host = to.join(rest);
                    break;
                }
            }
        }
        for (name, value) in &mut plan.container.environment {
            if name == "AZUREML_ROOT_RUN_ID" {
                pipeline.as_str().clone_into(value);
            }
        }
        plan
    }

    /// What decides the result of a step, once the steps before it have ended: `folder_of` knows their folders.
    pub fn content(&self, step: usize, folder_of: impl Fn(usize) -> Option<PathBuf>) -> Content {
        let stand_in = StandIn::of(step);
        let plan = self.for_run(step, &stand_in.run, &stand_in.root, &stand_in.run, folder_of);
        let container = &plan.container;
        let mounted = container.mounts.iter().filter_map(|mount| {
            let host = mount.host().filter(|host| !host.starts_with(&stand_in.root))?;
            Some((mount.target().to_owned(), host.to_owned()))
        });
        let built_from = match &plan.image {
            ImagePlan::Context { context, .. } => Some(("build".to_owned(), context.folder.clone())),
            ImagePlan::Existing { .. } | ImagePlan::Environment { .. } | ImagePlan::Server { .. } => None,
        };
        let own = |name: &str| matches!(name, "AZUREML_RUN_ID" | "AZUREML_ROOT_RUN_ID");
        let variables: BTreeMap<&str, &str> = container
            .environment
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(|(name, _)| !own(name))
            .collect();
        let outputs: Vec<(&str, &str)> =
            plan.outputs.iter().map(|output| (output.name.as_str(), output.path.as_str())).collect();
        let text = serde_json::json!({
            "version": 1,
            "command": container.command,
            "image": plan.image,
            "variables": variables,
            "outputs": outputs,
            "limits": container.limits,
            "grants": container.grants,
            "gpu": container.gpu,
            "distribution": plan.distribution,
        });
        Content { text: text.to_string(), places: mounted.chain(built_from).collect() }
    }

    /// Wants a debugger in these steps: by their whole name, or by its last part where that is one step's.
    ///
    /// # Errors
    /// A name that is no step's, or that of several.
    pub fn debug_steps(&mut self, names: &[String]) -> Result<(), Failure> {
        for name in names {
            let step = self.find_step(name)?;
            self.steps[step].debug = true;
        }
        Ok(())
    }

    /// The step of this name.
    ///
    /// # Errors
    /// A name that is no step's, or that of several.
    pub fn find_step(&self, name: &str) -> Result<usize, Failure> {
        find_step(self.steps.iter().map(|step| step.name.as_str()), name)
    }
}

/// The place of the step that a person means among the names of all: by its whole name, or by its last part
/// where that is one step's.
///
/// # Errors
/// A name that is no step's, or that of several.
pub fn find_step<'n>(names: impl Iterator<Item = &'n str> + Clone, name: &str) -> Result<usize, Failure> {
    if let Some(at) = names.clone().position(|known| known == name) {
        return Ok(at);
    }
    let fits = |known: &str| known.rsplit_once('.').is_some_and(|(_, last)| last == name);
    let mut fitting = names.clone().enumerate().filter(|(_, known)| fits(known));
    match (fitting.next(), fitting.next()) {
        (Some((at, _)), None) => Ok(at),
        (first, _) => {
            let known: Vec<&str> = match first {
                Some(_) => names.filter(|known| fits(known)).collect(),
                None => names.collect(),
            };
            let what = message!("pipeline.no-such-step", name = name);
            let fix = message!("pipeline.no-such-step.fix", known = known.join(", "));
            Err(Failure::new(Blame::User, what).with_fix(fix))
        }
    }
}

fn refuse_elsewhere(graph: &Graph) -> Result<(), Failure> {
    match graph.steps.iter().any(|step| step.work.is_err()) {
        true => Err(elsewhere(&graph.steps)),
        false => Ok(()),
    }
}

/// The first step that does not run here as the failure, the others as its detail.
fn elsewhere(steps: &[GraphStep]) -> Failure {
    let mut reasons = steps.iter().filter_map(|step| match step.work.as_ref().err()? {
        Elsewhere::Kind(kind) => Some((
            message!("pipeline.step-elsewhere", step = step.name, kind = kind),
            message!("pipeline.step-elsewhere.fix"),
        )),
        Elsewhere::Registered(address) => Some((
            message!("pipeline.step-registered", step = step.name, component = address),
            message!("pipeline.step-registered.fix"),
        )),
    });
    let (what, fix) =
        reasons.next().unwrap_or_else(|| (message!("pipeline.no-steps"), message!("pipeline.no-steps.fix")));
    Failure::new(Blame::User, what).with_said(reasons.map(|(what, _)| what)).with_fix(fix)
}

/// A failure of one step's plan, with the step's name.
fn of_step(step: &str, failure: Failure) -> Failure {
    Failure { what: message!("pipeline.in-step", step = step, problem = failure.what), ..failure }
}

#[cfg(test)]
mod tests;
