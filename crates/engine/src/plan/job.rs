//! From a spec to a [`Plan`].

use super::command::fill;
use super::container::{ContainerPlan, Mount};
use super::deployment::plan_deployment;
use super::distribution;
use super::environment::{image_plan, newest_of, stands_for};
use super::resources::{Resources, resources};
use super::settings::{PlanSettings, RunPlace};
use super::{Debuggee, Output, Plan};
use crate::command_line::{self, quoted};
use crate::diagnostic::Severity;
use crate::failure::{Blame, Failure};
use crate::message;
use crate::spec::component::CommandComponent;
use crate::spec::environment::Environment;
use crate::spec::files::{Found, resolve};
use crate::spec::job::{CommandJob, Input, is_local, local};
use crate::spec::run_configuration::RunConfiguration;
use crate::spec::{Body, Kind, Reading, Spec};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Linux takes no longer argument, and the command is one of its shell's.
const LONGEST_COMMAND: usize = 128 * 1024 - 1;

/// What the bindings of a command stand for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Values {
    /// Input name → text.
    pub inputs: Vec<(String, String)>,
    /// Output name → path in the container.
    pub outputs: Vec<(String, String)>,
}

impl Values {
    /// What `${{group.name}}` stands for.
    pub fn get(&self, group: &str, name: &str) -> Option<&str> {
        let list = match group {
            "inputs" => &self.inputs,
            "outputs" => &self.outputs,
            _ => return None,
        };
        list.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Decides everything about a run of a spec.
///
/// # Errors
/// What the spec asks for and this machine cannot give: cloud data, an environment that only a workspace
/// knows, a conda solve, an undeclared binding.
pub fn plan(spec: &Spec, settings: &PlanSettings, place: &RunPlace) -> Result<Plan, Failure> {
    match &spec.body {
        Body::Command(job) => plan_command(Origin::of(&spec.path), job, settings, place),
        Body::Component(component) => plan_component(&spec.path, component, settings, place),
        Body::RunConfiguration(v1) => plan_run_configuration(&spec.path, v1, settings, place),
        Body::Deployment(deployment) => plan_deployment(&spec.path, deployment, settings, place),
        Body::Environment(_) => Err(not_yet(Kind::Environment)),
        // A pipeline is planned step by step, by `plan::pipeline`.
        Body::Pipeline(_) => Err(not_yet(Kind::PipelineJob)),
    }
}

/// Decides everything about a run of a bare script: `python SCRIPT ARGUMENT…` in the script's own folder.
///
/// # Errors
/// As [`plan`].
pub fn plan_script(
    script: &Path,
    arguments: &[String],
    environment: &Environment,
    settings: &PlanSettings,
    place: &RunPlace,
) -> Result<Plan, Failure> {
    let name = script.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let words =
        ["python".to_owned(), quoted(&name)].into_iter().chain(arguments.iter().map(|word| quoted(word)));
    let job = CommandJob {
        name: None,
        experiment_name: None,
        display_name: None,
        command: words.collect::<Vec<_>>().join(" "),
        code: Some(".".to_owned()),
        compute: None,
        environment: environment.clone(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        environment_variables: Vec::new(),
        distribution: None,
        shm_size: None,
        instance_count: None,
        docker_args: Vec::new(),
        timeout_seconds: None,
    };
    plan_command(Origin::of(script), &job, settings, place)
}

/// The spec of a reading, if it can run on this machine.
///
/// # Errors
/// The first error of the spec, or that its kind does not run here.
pub fn runnable(path: &Path, reading: Reading) -> Result<Spec, Failure> {
    let errors: Vec<_> =
        reading.diagnostics.iter().filter(|finding| finding.severity == Severity::Error).collect();
    if let Some(first) = errors.first() {
        let all = errors.iter().map(|finding| {
            let (line, column) = (finding.range.start.line + 1, finding.range.start.character + 1);
            message!(
                "plan.mistake",
                path = path.display(),
                line = line,
                column = column,
                text = finding.message
            )
        });
        let what = message!("plan.not-well", problem = first.message);
        let fix = message!("plan.not-well.fix", path = path.display());
        return Err(Failure::new(Blame::User, what).with_said(all).with_fix(fix));
    }
    match (reading.kind, reading.spec) {
        (Kind::CommandJob | Kind::CommandComponent | Kind::RunConfig | Kind::PipelineJob, Some(spec)) => {
            Ok(spec)
        }
        (kind, Some(spec)) if kind.is_online_deployment() => Ok(spec),
        (Kind::Script, _) => Err(Failure::new(Blame::User, message!("plan.no-environment"))
            .with_fix(message!("plan.no-environment.fix"))),
        (kind, _) if kind.is_azure_only() => {
            Err(Failure::new(Blame::User, message!("plan.not-here", kind = kind.title())))
        }
        (kind, _) => Err(not_yet(kind)),
    }
}

fn not_yet(kind: Kind) -> Failure {
    Failure::new(Blame::User, message!("plan.not-yet", kind = kind.title()))
}

/// A component runs as the job with its defaults and with the values of `--set`.
fn plan_component(
    path: &Path,
    component: &CommandComponent,
    settings: &PlanSettings,
    place: &RunPlace,
) -> Result<Plan, Failure> {
    let assignments = settings.set.iter().filter_map(|assignment| set_name(assignment));
    let given: Vec<&str> = assignments.map(|(name, _)| name).collect();
    let job = component.as_job(&given).map_err(|missing| {
        let set: Vec<String> = missing.iter().map(|name| format!("--set inputs.{name}=…")).collect();
        Failure::new(Blame::User, message!("plan.component-inputs", names = missing.join(", ")))
            .with_fix(message!("plan.component-inputs.fix", set = set.join(" ")))
    })?;
    plan_command(Origin::of(path), &job, settings, place)
}

/// Name and value of `inputs.NAME=VALUE` or `inputs.NAME.path=VALUE`.
fn set_name(assignment: &str) -> Option<(&str, &str)> {
    let (key, value) = assignment.split_once('=')?;
    let name = key.strip_prefix("inputs.")?;
    Some((name.strip_suffix(".path").unwrap_or(name), value))
}

/// A v1 run configuration runs as the v2 job of the same meaning, in the folder that SDK v1 uses.
fn plan_run_configuration(
    path: &Path,
    v1: &RunConfiguration,
    settings: &PlanSettings,
    place: &RunPlace,
) -> Result<Plan, Failure> {
    if v1.framework.eq_ignore_ascii_case("PySpark") {
        return Err(
            Failure::new(Blame::User, message!("plan.v1-spark")).with_fix(message!("plan.v1-spark.fix"))
        );
    }
    match (&v1.script, &v1.script_found) {
        (Some(script), Some(Found::Missing | Found::Folder)) => {
            let at = resolve(&v1.project, script);
            let what = message!("plan.v1-script-missing", script = script, path = at.display());
            return Err(Failure::new(Blame::User, what).with_fix(message!("plan.v1-script-missing.fix")));
        }
        (None, _) if v1.job.command.is_empty() => {
            return Err(Failure::new(Blame::User, message!("plan.v1-no-script"))
                .with_fix(message!("plan.v1-no-script.fix")));
        }
        _ => {}
    }
    let origin = Origin { path, folder: &v1.project, work: Some(V1_WORK) };
    plan_command(origin, &v1.job, settings, place)
}

/// Where SDK v1 mounts the project in a container on this machine.
const V1_WORK: &str = "/azureml-run";

/// Where a job comes from.
#[derive(Clone, Copy)]
struct Origin<'p> {
    /// The spec.
    path: &'p Path,
    /// The folder that relative paths are seen from.
    folder: &'p Path,
    /// The working directory in the container, where it is not the common runtime's.
    work: Option<&'p str>,
}

impl<'p> Origin<'p> {
    fn of(path: &'p Path) -> Self {
        Self { path, folder: path.parent().unwrap_or(Path::new("/")), work: None }
    }
}

/// Decides everything about a step of a pipeline. `file` is where its command is written; its inputs have
/// their values.
pub(super) fn plan_step(
    file: &Path,
    job: &CommandJob,
    settings: &PlanSettings,
    place: &RunPlace,
) -> Result<Plan, Failure> {
    plan_command(Origin::of(file), job, settings, place)
}

fn plan_command(
    origin: Origin<'_>,
    job: &CommandJob,
    settings: &PlanSettings,
    place: &RunPlace,
) -> Result<Plan, Failure> {
    let Origin { path, folder, .. } = origin;
    let code = code_of(folder, job)?;
    let experiment = experiment_name(folder, job.experiment_name.as_deref(), code.as_deref(), settings);
    let stage = Stage::new(origin, &experiment);
    let inputs = match settings.set.is_empty() {
        true => Cow::Borrowed(&job.inputs),
        false => Cow::Owned(override_inputs(&job.inputs, settings)?),
    };
    let mut mounts = code_mounts(&stage, code.as_deref(), place);
    let mut values = Values::default();
    let mut variables = Vec::new();
    for (name, input) in inputs.iter() {
        let value = match input {
            Input::Literal(literal) => {
                variables.push((format!("AZUREML_PARAMETER_{name}"), literal.text.clone()));
                literal.text.clone()
            }
            Input::Data { kind, path, found, .. } => {
                let is_file =
                    matches!(found, Some(Found::File(_))) || (found.is_none() && kind == "uri_file");
                if found == &Some(Found::Missing) {
                    return Err(input_missing(folder, name, path.as_deref()));
                }
                let (mount, target) = mount_input(&stage, folder, name, path.as_deref(), is_file)?;
                mounts.push(mount);
                variables.push((format!("AZURE_ML_INPUT_{name}"), target.clone()));
                variables.push((format!("AZUREML_DATAREFERENCE_{name}"), target.clone()));
                target
            }
        };
        values.inputs.push((name.clone(), value));
    }
    let mut outputs = Vec::new();
    let mut folders =
        vec![place.folders.outputs.clone(), place.folders.logs.clone(), place.folders.mlruns.clone()];
    for (name, output) in &job.outputs {
        let host = place.folders.named.join(name);
        let target = format!("{}/{name}", stage.data);
        mounts.push(Mount::Bind { host: host.clone(), target: target.clone(), read_only: false });
        folders.push(host.clone());
        // A file has its folder made for it; its name is the output's.
        let path = if output.kind == "uri_file" { format!("{target}/{name}") } else { target };
        variables.push((format!("AZURE_ML_OUTPUT_{name}"), path.clone()));
        values.outputs.push((name.clone(), path.clone()));
        outputs.push(Output { name: name.clone(), path, host });
    }
    let command = fill(&job.command, &values)?;
    if command.len() > LONGEST_COMMAND {
        let what = message!("plan.command-too-long", bytes = command.len(), longest = LONGEST_COMMAND);
        return Err(Failure::new(Blame::User, what).with_fix(message!("plan.command-too-long.fix")));
    }
    let image = image_plan(&job.environment, &settings.rewrites)?;
    let mut environment = run_variables(&stage, &experiment, settings, place);
    // Thousands of steps have one each: it grows once.
    environment.reserve(variables.len() + settings.proxies.len() + job.environment_variables.len());
    environment.extend(variables);
    let Resources { limits, grants, gpu, variables } = resources(job)?;
    environment.extend(settings.proxies.iter().cloned());
    for (name, value) in variables {
        set(&mut environment, &name, value);
    }
    for (name, value) in job.environment_variables.iter().chain(&settings.environment) {
        let value = fill(value, &values)?;
        set(&mut environment, name, value);
    }
    if settings.host.user.is_some() {
        mounts.push(Mount::Tmpfs { target: HOME.to_owned(), mode: 0o1777 });
    }
    let invocation = command_line::read(&command);
    let (words, mut notes) = distribution::command(job, &command);
    notes.extend(stands_for(&job.environment, &image));
    let mut points = mount_points(code.as_deref());
    if settings.host.is_remote {
        mounts = mounts.into_iter().map(|mount| mount.copied(&folders)).collect();
        points.clear();
        notes.push(message!("plan.copied"));
    }
    let container = ContainerPlan {
        name: place.container.clone(),
        // Of what is yet to be built nobody knows the name.
        image: image.named().cloned().unwrap_or_else(|| crate::ids::ImageRef::from("")),
        command: words,
        working_dir: stage.work.clone(),
        environment,
        mounts,
        files: Vec::new(),
        texts: Vec::new(),
        user: settings.host.user.clone(),
        labels: place.labels.clone(),
        limits,
        grants,
        gpu,
    };
    Ok(Plan {
        spec: path.to_owned(),
        experiment,
        display_name: job.display_name.clone(),
        command,
        newest_of: newest_of(&job.environment, &image),
        image,
        container,
        mount_points: points,
        code: code.unwrap_or_else(|| folder.to_owned()),
        debuggee: Debuggee {
            remote_root: stage.work,
            // Of several each has its turn.
            process: invocation.process.filter(|_| !invocation.several),
            isolated_by: invocation.isolated_by,
            rank: None,
        },
        service: None,
        outputs,
        folders,
        timeout_seconds: job.timeout_seconds.and_then(|seconds| u64::try_from(seconds).ok()),
        distribution: job.distribution.clone(),
        notes,
    })
}

/// Home of a user that the image does not know.
const HOME: &str = "/mnt/azureml/home";
const USER: &str = "azureml";

/// Where things stand in the container, as the common runtime of Azure ML has them.
struct Stage {
    root: String,
    work: String,
    data: String,
}

impl Stage {
    /// The 32 digits are those of the spec and its experiment, not of the run: a path mapping, and with it
    /// launch.json, stays the same from run to run.
    fn new(origin: Origin<'_>, experiment: &str) -> Stage {
        let mut hash = Sha256::new();
        hash.update(origin.path.as_os_str().as_encoded_bytes());
        hash.update([0]);
        hash.update(experiment.as_bytes());
        let mut root = "/mnt/azureml/cr/j/".to_owned();
        for byte in hash.finalize().iter().take(16) {
            let _ = write!(root, "{byte:02x}");
        }
        let work = origin.work.map_or_else(|| format!("{root}/exe/wd"), str::to_owned);
        Stage { work, data: format!("{root}/cap/data-capability/wd"), root }
    }
}

/// The folder or file of the code on this machine; `None` where the job has none.
fn code_of(folder: &Path, job: &CommandJob) -> Result<Option<PathBuf>, Failure> {
    let Some(code) = &job.code else { return Ok(None) };
    if !is_local(code) {
        let what = message!("plan.cloud-code", code = code);
        return Err(Failure::new(Blame::User, what).with_fix(message!("plan.cloud-code.fix")));
    }
    Ok(Some(resolve(folder, local(code))))
}

/// Azure takes the folder's name where the spec names no experiment.
pub(super) fn experiment_name(
    folder: &Path,
    own: Option<&str>,
    code: Option<&Path>,
    settings: &PlanSettings,
) -> String {
    let folder = code.filter(|code| code.extension().is_none()).unwrap_or(folder);
    let of_folder = folder.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = settings.experiment.clone().or_else(|| own.map(str::to_owned)).or(of_folder);
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| "Default".to_owned())
}

/// The job's inputs after `--set inputs.NAME=VALUE`: a literal stays a literal, data gets another path.
pub(super) fn override_inputs(
    declared: &[(String, Input)],
    settings: &PlanSettings,
) -> Result<Vec<(String, Input)>, Failure> {
    let mut inputs = declared.to_vec();
    for assignment in &settings.set {
        let Some((name, value)) = set_name(assignment) else {
            return Err(Failure::new(Blame::User, message!("plan.set-form", assignment = assignment)));
        };
        let Some((_, input)) = inputs.iter_mut().find(|(known, _)| known == name) else {
            let known = declared.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
            return Err(Failure::new(Blame::User, message!("plan.set-unknown", name = name, known = known)));
        };
        match input {
            Input::Literal(literal) => literal.text = value.to_owned(),
            Input::Data { path, found, .. } => {
                *path = Some(value.to_owned());
                *found = None;
            }
        }
    }
    Ok(inputs)
}

/// The code, writable, and over it the run's own folders, so that what a script writes to `./outputs` is the
/// run's and not the source tree's.
fn code_mounts(stage: &Stage, code: Option<&Path>, place: &RunPlace) -> Vec<Mount> {
    let bind = |host: &Path, target: String| Mount::Bind { host: host.to_owned(), target, read_only: false };
    let mut mounts = vec![match code {
        Some(code) => bind(code, stage.work.clone()),
        None => Mount::Tmpfs { target: stage.work.clone(), mode: 0o1777 },
    }];
    mounts.push(bind(&place.folders.outputs, format!("{}/outputs", stage.work)));
    mounts.push(bind(&place.folders.logs, format!("{}/logs", stage.work)));
    mounts.push(bind(&place.folders.mlruns, format!("{}/mlruns", stage.root)));
    mounts
}

/// Folders that the engine makes in the source tree to mount over.
fn mount_points(code: Option<&Path>) -> Vec<PathBuf> {
    code.map(|code| vec![code.join("outputs"), code.join("logs")]).unwrap_or_default()
}

fn input_missing(folder: &Path, name: &str, path: Option<&str>) -> Failure {
    let host = resolve(folder, local(path.unwrap_or_default()));
    let what = message!("plan.input-missing", name = name, path = host.display());
    Failure::new(Blame::User, what).with_fix(message!("plan.input-missing.fix", name = name))
}

fn mount_input(
    stage: &Stage,
    folder: &Path,
    name: &str,
    path: Option<&str>,
    is_file: bool,
) -> Result<(Mount, String), Failure> {
    let Some(path) = path else {
        return Err(Failure::new(Blame::User, message!("plan.input-without-path", name = name)));
    };
    if !is_local(path) {
        let fix = message!("plan.cloud-input.fix", name = name);
        let what = message!("plan.cloud-input", name = name, path = path);
        return Err(Failure::new(Blame::User, what).with_fix(fix));
    }
    let host = resolve(folder, local(path));
    let mut target = format!("{}/INPUT_{name}", stage.data);
    // A file keeps its name: scripts look at endings.
    if is_file && let Some(file) = host.file_name() {
        target = format!("{target}/{}", file.to_string_lossy());
    }
    Ok((Mount::Bind { host, target: target.clone(), read_only: true }, target))
}

/// What the common runtime sets, without the run token and the service endpoint: `Run.get_context()` has to
/// stay offline.
fn run_variables(
    stage: &Stage,
    experiment: &str,
    settings: &PlanSettings,
    place: &RunPlace,
) -> Vec<(String, String)> {
    let mut variables = vec![
        ("PYTHONUNBUFFERED".to_owned(), "1".to_owned()),
        ("AZUREML_RUN_ID".to_owned(), place.run.to_string()),
        ("AZUREML_ROOT_RUN_ID".to_owned(), place.run.to_string()),
        ("AZUREML_EXPERIMENT_NAME".to_owned(), experiment.to_owned()),
        ("AZUREML_CR_EXECUTION_WORKING_DIR_PATH".to_owned(), stage.work.clone()),
        ("MLFLOW_TRACKING_URI".to_owned(), format!("file://{}/mlruns", stage.root)),
        ("MLFLOW_ALLOW_FILE_STORE".to_owned(), "true".to_owned()),
        ("MLFLOW_EXPERIMENT_NAME".to_owned(), experiment.to_owned()),
    ];
    if settings.host.user.is_some() {
        variables.push(("HOME".to_owned(), HOME.to_owned()));
        // The image knows no name for the user; `getpass.getuser()`, which PyTorch asks, reads these first.
        variables.extend(["LOGNAME", "USER"].map(|name| (name.to_owned(), USER.to_owned())));
    }
    variables
}

fn set(environment: &mut Vec<(String, String)>, name: &str, value: String) {
    match environment.iter_mut().find(|(known, _)| known == name) {
        Some((_, old)) => *old = value,
        None => environment.push((name.to_owned(), value)),
    }
}

#[cfg(test)]
pub(crate) mod tests;
