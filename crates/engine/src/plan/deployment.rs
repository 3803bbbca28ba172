//! From an online deployment to a [`Plan`]: the layout and the variables of Azure's own containers.

use super::container::{ContainerPlan, Grants, Limits, Mount, Port, TextFile};
use super::environment::{image_plan, newest_of, stands_for};
use super::image::ImagePlan;
use super::settings::{PlanSettings, RunPlace};
use super::{Debuggee, Plan, Process};
use crate::diagnostic::Position;
use crate::failure::{Blame, Failure};
use crate::ids::ImageRef;
use crate::message;
use crate::message::Message;
use crate::spec::deployment::{MlflowModel, Model, OnlineDeployment, Probe, Route, Routes};
use crate::spec::environment::{DEFAULT_IMAGE, Environment};
use crate::spec::files::{Found, resolve};
use crate::spec::job::{is_local, local};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// What makes a run a deployment: a server that stays and answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Service {
    /// The endpoint it belongs to.
    pub endpoint: String,
    /// Its own name.
    pub name: String,
    /// Where it answers in the container.
    pub routes: Routes,
    /// Where it answers here.
    pub ports: HostPorts,
    /// When it is given up.
    pub liveness_probe: Probe,
    /// When it is well.
    pub readiness_probe: Probe,
    /// The entry script in the container, where we know it.
    pub entry: Option<String>,
    /// Whether the image decides who its programs run as: they were made for that user.
    pub keeps_user: bool,
    /// Whether the server has workers that can be ended one by one; else the whole container starts again.
    pub has_workers: bool,
}

impl Service {
    /// Where requests go.
    pub fn scoring_uri(&self) -> String {
        format!("http://127.0.0.1:{}{}", self.ports.scoring, self.routes.scoring.path)
    }

    /// What answers when the server is ready.
    pub fn health_uri(&self) -> String {
        format!("http://127.0.0.1:{}{}", self.ports.health, self.routes.health.path)
    }

    /// The name that tells it from every other: two endpoints may each have a `blue`.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.endpoint, self.name)
    }
}

/// Loopback ports of this machine; the same one twice where the server has one port for all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostPorts {
    /// Of the scoring route.
    pub scoring: u16,
    /// Of the readiness route, where that is another port in the container, or of the listener of a script
    /// that debugs itself.
    pub health: u16,
    /// Of the liveness route, where that is a third one.
    pub liveness: u16,
}

/// Root of everything in Azure's containers.
const APP: &str = "/var/azureml-app";
/// The inference server's own port.
const PORT: u16 = 5001;
/// The port that the published page lets `score.py` listen on.
const LISTENER: u16 = 5678;
/// The package of the inference server, and the modules that only a process imports which serves requests:
/// the package's, and that of older images.
const SERVER: &str = "azureml-inference-server-http";
const SERVING: &str = "azureml_inference_server_http.server.entry,create_app";
/// What a scoring script collects data with; Azure's image for MLflow models has it.
const MONITORING: &str = "azureml-ai-monitoring";
/// Where that reads what is to be collected.
const COLLECTIONS: &str = "/etc/mdc-config.json";
/// Where Azure's images have the scoring script of an MLflow model that has none of its own.
const MLFLOW: &str = "/var/mlflow_resources";
const MLFLOW_SCRIPT: &str = "mlflow_score_script.py";
/// The server's own hook: it dials this port within its container, where no editor is.
const DEBUG_PORT: &str = "AZUREML_DEBUG_PORT";
/// Home of a user that the image does not know.
const HOME: &str = "/mnt/azureml/home";

/// Starts the server that the image brings: Azure's own images have it below runit.
const BROUGHT: &str =
    "if [ -d /var/runit ] && command -v runsvdir >/dev/null; then exec runsvdir /var/runit; fi; ";
/// Starts the server's package.
const START: &str = "exec \"$(command -v python || command -v python3)\" -m azureml_inference_server_http.amlserver \
    --port 5001 --entry_script \"${AML_APP_ROOT:-/var/azureml-app}/${AZUREML_ENTRY_SCRIPT:-main.py}\"";

/// Decides everything about a deployment on this machine.
///
/// # Errors
/// A model that only a workspace has, code or a model that is not there, an environment that cannot be had.
pub fn plan_deployment(
    path: &Path,
    deployment: &OnlineDeployment,
    settings: &PlanSettings,
    place: &RunPlace,
) -> Result<Plan, Failure> {
    refuse_far_engine(settings)?;
    let model =
        deployment.model.as_ref().map(|model| PlacedModel::of(path, deployment, model)).transpose()?;
    let code = Code::of(path, deployment, model.as_ref())?;
    let environment = environment(deployment)?;
    let is_custom = deployment.routes.is_some();
    let image = image(&environment, is_custom, settings)?;
    let keeps_user = !matches!(image, ImagePlan::Environment { .. });
    let endpoint = if deployment.endpoint.is_empty() { "local" } else { &deployment.endpoint };
    let routes = deployment.routes.clone().unwrap_or_else(server_routes);
    let mut parts = Parts::new(settings, place, routes, keeps_user);
    parts.variables.extend(code.variables());
    parts.texts.extend(code.text());
    if let Some(model) = model {
        if code.is_mlflow() {
            parts.variables.push(("MLFLOW_MODEL_FOLDER".to_owned(), model.name));
        }
        parts.variables.push(("AZUREML_MODEL_DIR".to_owned(), model.folder));
        parts.mounts.push(model.mount);
    }
    if let Some(timeout) = deployment.request_timeout_ms {
        parts.variables.push(("SCORING_TIMEOUT_MS".to_owned(), timeout.to_string()));
    }
    parts.mounts.extend(code.mount());
    parts.collect(&deployment.collections);
    let service = Service {
        endpoint: endpoint.to_owned(),
        name: deployment.name.clone(),
        ports: settings.ports,
        liveness_probe: deployment.liveness_probe,
        readiness_probe: deployment.readiness_probe,
        entry: code.entry(),
        keeps_user,
        has_workers: !is_custom,
        routes: parts.routes.clone(),
    };
    let command = if is_custom { Vec::new() } else { started(keeps_user) };
    let process = (!is_custom).then(|| Process::Import(SERVING.to_owned()));
    let debuggee = Debuggee { remote_root: code.target.clone(), process, isolated_by: None, rank: None };
    parts.set(&deployment.environment_variables);
    let newest_of = newest_of(&environment, &image);
    let stands_for = stands_for(&environment, &image);
    let mut plan = parts.into_plan(path, code.host, image, command, service, debuggee);
    plan.newest_of = newest_of;
    plan.notes.extend(stands_for);
    Ok(plan)
}

/// Decides everything about a container of an image that has all in it: code, model, server. That is how SDK
/// v1 packages a model. `script`, where it is not empty, is mounted over the image's own; `spec` is the file
/// that the deployment is known by.
pub fn plan_packaged(
    image: &str,
    script: &str,
    spec: &Path,
    settings: &PlanSettings,
    place: &RunPlace,
) -> Result<Plan, Failure> {
    refuse_far_engine(settings)?;
    let name = image.rsplit('/').next().unwrap_or(image).to_owned();
    let reference = ImageRef(super::rewrite::rewrite(image, &settings.rewrites));
    let mut parts = Parts::new(settings, place, server_routes(), true);
    parts.published.push(Port { container: LISTENER, host: Some(settings.ports.health) });
    let file = Path::new(script).file_name().map(|name| name.to_string_lossy().into_owned());
    if let Some(file) = &file {
        let target = format!("{APP}/{file}");
        parts.mounts.push(Mount::Bind { host: PathBuf::from(script), target, read_only: false });
    }
    let service = Service {
        endpoint: "image".to_owned(),
        name,
        ports: settings.ports,
        liveness_probe: Probe::default(),
        readiness_probe: Probe::default(),
        entry: file.map(|file| format!("{APP}/{file}")),
        keeps_user: true,
        has_workers: true,
        routes: parts.routes.clone(),
    };
    let process = Some(Process::Import(SERVING.to_owned()));
    let debuggee = Debuggee { remote_root: APP.to_owned(), process, isolated_by: None, rank: None };
    let image = ImagePlan::Existing { reference };
    let code = spec.parent().unwrap_or(Path::new("/")).to_owned();
    Ok(parts.into_plan(spec, code, image, started(true), service, debuggee))
}

/// A deployment answers on a port of the engine's machine, and its files are mounted there: both are this one.
fn refuse_far_engine(settings: &PlanSettings) -> Result<(), Failure> {
    if !settings.host.is_remote {
        return Ok(());
    }
    Err(Failure::new(Blame::User, message!("deployment.far-engine"))
        .with_fix(message!("deployment.far-engine.fix")))
}

/// What the debugger changes about the server, and nothing else: one worker, unless all are to be debugged, and
/// nobody ends it for being slow.
pub fn for_debugging(container: &mut ContainerPlan, children: bool) {
    // A day; a person at a breakpoint is slower than any limit of the spec's.
    let patient = [
        ("WORKER_COUNT", "1"),
        ("WORKER_TIMEOUT", "0"),
        ("WORKER_PRELOAD", "false"),
        ("SCORING_TIMEOUT_MS", "86400000"),
    ];
    for (name, value) in patient.into_iter().filter(|(name, _)| !children || *name != "WORKER_COUNT") {
        container.environment.retain(|(known, _)| known != name);
        container.environment.push((name.to_owned(), value.to_owned()));
    }
}

fn started(is_brought: bool) -> Vec<String> {
    let line = if is_brought { format!("{BROUGHT}{START}") } else { START.to_owned() };
    vec!["/bin/sh".to_owned(), "-c".to_owned(), line]
}

fn server_routes() -> Routes {
    let route = |path: &str| Route { port: PORT, path: path.to_owned() };
    Routes { liveness: route("/"), health: route("/"), scoring: route("/score") }
}

/// What the server's container is made of.
struct Parts<'s> {
    settings: &'s PlanSettings,
    place: &'s RunPlace,
    routes: Routes,
    keeps_user: bool,
    variables: Vec<(String, String)>,
    mounts: Vec<Mount>,
    texts: Vec<TextFile>,
    published: Vec<Port>,
}

impl<'s> Parts<'s> {
    fn new(settings: &'s PlanSettings, place: &'s RunPlace, routes: Routes, keeps_user: bool) -> Self {
        let ports = settings.ports;
        let mut published: Vec<Port> = Vec::new();
        for (route, host) in [
            (&routes.scoring, ports.scoring),
            (&routes.health, ports.health),
            (&routes.liveness, ports.liveness),
        ] {
            if published.iter().all(|known| known.container != route.port) {
                published.push(Port { container: route.port, host: Some(host) });
            }
        }
        let variables = vec![("PYTHONUNBUFFERED".to_owned(), "1".to_owned())];
        let (mounts, texts) = (Vec::new(), Vec::new());
        Self { settings, place, routes, keeps_user, variables, mounts, texts, published }
    }

    /// What is collected has no collector here that would take it, so it is written into the log.
    fn collect(&mut self, collections: &[(String, u64)]) {
        if collections.is_empty() {
            return;
        }
        let of = |percent: &u64| json!({"enabled": true, "sampleRatePercentage": percent});
        let each: Map<String, Value> =
            collections.iter().map(|(name, percent)| (name.clone(), of(percent))).collect();
        let contents = json!({"runMode": "local", "collections": each}).to_string();
        self.texts.push(TextFile { path: COLLECTIONS.to_owned(), contents });
        self.variables.push(("AZUREML_MDC_CONFIG_PATH".to_owned(), COLLECTIONS.to_owned()));
    }

    /// Variables of the spec win over ours.
    fn set(&mut self, variables: &[(String, String)]) {
        for (name, value) in variables {
            self.variables.retain(|(known, _)| known != name);
            self.variables.push((name.clone(), value.clone()));
        }
    }

    /// The server would dial a port on which nobody can listen, and end of it.
    fn take_debug_port(&mut self) -> Vec<Message> {
        let before = self.variables.len();
        self.variables.retain(|(name, _)| name != DEBUG_PORT);
        let taken = self.variables.len() < before;
        taken.then(|| message!("deployment.debug-port", name = DEBUG_PORT)).into_iter().collect()
    }

    fn into_plan(
        mut self,
        spec: &Path,
        code: PathBuf,
        image: ImagePlan,
        command: Vec<String>,
        mut service: Service,
        debuggee: Debuggee,
    ) -> Plan {
        let user = self.settings.host.user.clone().filter(|_| !self.keeps_user);
        if user.is_some() {
            self.variables.push(("HOME".to_owned(), HOME.to_owned()));
            self.mounts.push(Mount::Tmpfs { target: HOME.to_owned(), mode: 0o1777 });
        }
        self.set(&self.settings.environment);
        let notes = self.take_debug_port();
        let proxies = self.settings.proxies.iter();
        let missing = proxies.filter(|(name, _)| self.variables.iter().all(|(known, _)| known != name));
        let missing: Vec<_> = missing.cloned().collect();
        self.variables.extend(missing);
        let published = |port: u16| self.published.iter().find(|one| one.container == port)?.host;
        service.ports.health = published(self.routes.health.port).unwrap_or_default();
        service.ports.liveness = published(self.routes.liveness.port).unwrap_or_default();
        let container = ContainerPlan {
            name: self.place.container.clone(),
            image: image.named().cloned().unwrap_or_else(|| ImageRef(String::new())),
            command,
            working_dir: if service.has_workers { APP.to_owned() } else { String::new() },
            environment: self.variables,
            mounts: self.mounts,
            files: Vec::new(),
            texts: self.texts,
            user,
            labels: self.place.labels.clone(),
            limits: Limits::default(),
            grants: Grants { ports: self.published, ..Grants::default() },
            gpu: false,
        };
        Plan {
            spec: spec.to_owned(),
            experiment: service.endpoint.clone(),
            display_name: Some(service.name.clone()),
            command: format!("score at {}", service.scoring_uri()),
            image,
            container,
            code,
            debuggee,
            service: Some(service),
            newest_of: None,
            notes,
            outputs: Vec::new(),
            folders: Vec::new(),
            mount_points: Vec::new(),
            timeout_seconds: None,
            distribution: None,
        }
    }
}

impl Plan {
    /// Where a script that debugs itself listens on this machine; only a packaged image publishes that.
    pub fn listener(&self) -> Option<u16> {
        let ports = self.service.as_ref().map(|_| &self.container.grants.ports)?;
        ports.iter().find(|port| port.container == LISTENER)?.host
    }
}

/// Where the code stands here and in the container.
struct Code {
    host: PathBuf,
    /// The folder in the container.
    target: String,
    /// Folder and file of the entry script, below the folder.
    script: Option<(String, String)>,
    way: Way,
}

/// How the code comes into the container.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Its folder is mounted.
    Mounted,
    /// The image has it.
    InImage,
    /// It is the model's own, and the script is ours.
    Mlflow,
}

impl Code {
    fn of(path: &Path, deployment: &OnlineDeployment, model: Option<&PlacedModel>) -> Result<Code, Failure> {
        let (folder, places) = (folder_of(path), deployment.places);
        let Some(written) = &deployment.code else {
            return match (&deployment.routes, &deployment.model, model) {
                (Some(_), ..) => Ok(Code {
                    host: folder.to_owned(),
                    target: "/".to_owned(),
                    script: None,
                    way: Way::InImage,
                }),
                (None, Some(Model::Local { mlflow: Some(mlflow), .. }), Some(placed)) => {
                    Code::of_mlflow(mlflow, placed)
                }
                _ => Err(Failure::new(Blame::User, message!("deployment.no-code"))
                    .with_fix(message!("deployment.no-code.fix"))),
            };
        };
        if !is_local(written) {
            return Err(Failure::new(Blame::User, message!("plan.cloud-code", code = written))
                .with_said(written_at(path, places.code, written))
                .with_fix(message!("plan.cloud-code.fix")));
        }
        let host = resolve(folder, local(written));
        if deployment.code_found == Some(Found::Missing) {
            let at = written_at(path, places.code, written);
            return Err(missing("code_configuration.code", &host).with_said(at));
        }
        let script = deployment.scoring_script.clone().unwrap_or_else(|| "score.py".to_owned());
        if matches!(deployment.script_found, Some(Found::Missing | Found::Folder)) {
            let what = "code_configuration.scoring_script";
            let fix = message!("deployment.missing-script.fix", what = what, folder = host.display());
            let at = written_at(path, places.script, &script);
            return Err(missing(what, &host.join(&script)).with_said(at).with_fix(fix));
        }
        let name =
            host.file_name().map_or_else(|| "code".to_owned(), |name| name.to_string_lossy().into_owned());
        let script = script.trim_start_matches("./");
        let (below, file) = script.rsplit_once('/').unwrap_or(("", script));
        Ok(Code {
            target: format!("{APP}/{name}"),
            script: Some((below.to_owned(), file.to_owned())),
            way: Way::Mounted,
            host,
        })
    }

    /// What a person wants to stop in is the code that the model brings along.
    fn of_mlflow(mlflow: &MlflowModel, model: &PlacedModel) -> Result<Code, Failure> {
        let path = model.host.display();
        if !mlflow.is_one {
            return Err(Failure::new(Blame::User, message!("deployment.not-mlflow", path = path))
                .with_fix(message!("deployment.not-mlflow.fix")));
        }
        if !mlflow.has_python_function {
            return Err(Failure::new(Blame::User, message!("deployment.mlflow-flavor", path = path))
                .with_fix(message!("deployment.mlflow-flavor.fix")));
        }
        Ok(Code {
            host: model.host.clone(),
            target: format!("{}/{}", model.folder, model.name),
            script: Some((String::new(), MLFLOW_SCRIPT.to_owned())),
            way: Way::Mlflow,
        })
    }

    fn is_mlflow(&self) -> bool {
        self.way == Way::Mlflow
    }

    /// The folder that the entry script is named from.
    fn root(&self) -> &str {
        if self.is_mlflow() { MLFLOW } else { &self.target }
    }

    fn text(&self) -> Option<TextFile> {
        self.is_mlflow().then(|| TextFile {
            path: format!("{MLFLOW}/{MLFLOW_SCRIPT}"),
            contents: include_str!("../../python/mlflow_score_script.py").to_owned(),
        })
    }

    fn variables(&self) -> Vec<(String, String)> {
        let Some((below, file)) = &self.script else { return Vec::new() };
        let root = if below.is_empty() { self.root().to_owned() } else { format!("{}/{below}", self.root()) };
        vec![("AML_APP_ROOT".to_owned(), root), ("AZUREML_ENTRY_SCRIPT".to_owned(), file.clone())]
    }

    fn entry(&self) -> Option<String> {
        let (below, file) = self.script.as_ref()?;
        Some(if below.is_empty() {
            format!("{}/{file}", self.root())
        } else {
            format!("{}/{below}/{file}", self.root())
        })
    }

    fn mount(&self) -> Option<Mount> {
        (self.way == Way::Mounted).then(|| Mount::Bind {
            host: self.host.clone(),
            target: self.target.clone(),
            read_only: false,
        })
    }
}

/// A model where the container sees it.
struct PlacedModel {
    /// On this machine.
    host: PathBuf,
    /// `AZUREML_MODEL_DIR`.
    folder: String,
    /// The model's file or folder in it.
    name: String,
    mount: Mount,
}

impl PlacedModel {
    /// As in the cloud: the model's file or folder stands in `AZUREML_MODEL_DIR` under its own name.
    fn of(spec: &Path, deployment: &OnlineDeployment, model: &Model) -> Result<PlacedModel, Failure> {
        let place = deployment.places.model;
        let (path, found, name, version) = match model {
            Model::Local { path, found, name, version, .. } => (path, found, name, version),
            Model::Registered(name) => {
                return Err(Failure::new(Blame::User, message!("deployment.registered-model", name = name))
                    .with_said(written_at(spec, place, name))
                    .with_fix(message!("deployment.registered-model.fix")));
            }
        };
        let host = resolve(folder_of(spec), local(path));
        if found == &Some(Found::Missing) {
            return Err(missing("model.path", &host).with_said(written_at(spec, place, path)));
        }
        let root = deployment.model_mount_path.as_deref().unwrap_or(APP).trim_end_matches('/');
        let name = name.clone().unwrap_or_else(|| digits_of(&host));
        let target = format!("{root}/azureml-models/{name}/{version}");
        let file = host.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let mount = Mount::Bind { target: format!("{target}/{file}"), host: host.clone(), read_only: true };
        Ok(PlacedModel { host, folder: target, name: file, mount })
    }
}

fn folder_of(spec: &Path) -> &Path {
    spec.parent().unwrap_or(Path::new("/"))
}

fn missing(what: &str, path: &Path) -> Failure {
    Failure::new(Blame::User, message!("deployment.missing", what = what, path = path.display()))
        .with_fix(message!("deployment.missing.fix", what = what))
}

/// Where in the spec this is written.
fn written_at(spec: &Path, place: Option<Position>, written: &str) -> Option<Message> {
    let Position { line, character } = place?;
    let (line, column) = (line + 1, character + 1);
    Some(message!("plan.mistake", path = spec.display(), line = line, column = column, text = written))
}

/// Azure names a model without a name after its content; after its place is as good here, and free.
fn digits_of(path: &Path) -> String {
    let hash = Sha256::digest(path.as_os_str().as_encoded_bytes());
    hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// The environment with the server in it, where it is built here.
fn environment(deployment: &OnlineDeployment) -> Result<Environment, Failure> {
    let Some(mut environment) = deployment.environment.clone().or_else(|| environment_of_model(deployment))
    else {
        return Err(Failure::new(Blame::User, message!("deployment.no-environment"))
            .with_fix(message!("deployment.no-environment.fix")));
    };
    if let Environment::Inline { conda: Some(conda), .. } = &mut environment
        && deployment.routes.is_none()
    {
        let name = |line: &str| {
            let end = line.find(|c: char| !(c.is_alphanumeric() || "-_.".contains(c))).unwrap_or(line.len());
            line[..end].to_lowercase().replace(['_', '.'], "-")
        };
        let of_mlflow = deployment.code.is_none().then_some(MONITORING);
        for package in [SERVER].into_iter().chain(of_mlflow) {
            if !conda.pip.iter().any(|line| name(line.trim()) == package) {
                conda.pip.push(package.to_owned());
            }
        }
    }
    Ok(environment)
}

/// An MLflow model says itself what it needs.
fn environment_of_model(deployment: &OnlineDeployment) -> Option<Environment> {
    let Some(Model::Local { mlflow: Some(mlflow), .. }) = &deployment.model else { return None };
    let conda = mlflow.conda.clone().map(Box::new)?;
    Some(Environment::Inline { image: Some(DEFAULT_IMAGE.to_owned()), conda: Some(conda), build: None })
}

/// An image that somebody else made gets the server only where it has none.
fn image(environment: &Environment, is_custom: bool, settings: &PlanSettings) -> Result<ImagePlan, Failure> {
    Ok(match image_plan(environment, &settings.rewrites)? {
        ImagePlan::Existing { reference } if !is_custom => ImagePlan::Server { base: reference },
        ImagePlan::Context { context, packages: None, .. } if !is_custom => {
            ImagePlan::Context { context, packages: None, server: true }
        }
        plan => plan,
    })
}

#[cfg(test)]
mod tests;
