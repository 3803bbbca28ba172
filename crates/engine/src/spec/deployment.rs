//! A v2 online deployment, read from a tree that was checked before.

use super::environment::{CondaFile, Environment};
use super::files::{Found, resolve};
use super::job::is_local;
use super::schema::Checker;
use crate::diagnostic::{Position, Severity};
use crate::message;
use crate::yaml::{self, Node, Value};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A managed or Kubernetes online deployment.
#[derive(Debug, Clone, PartialEq)]
pub struct OnlineDeployment {
    /// Its name.
    pub name: String,
    /// The endpoint it belongs to; empty where the file leaves that to the Azure command line.
    pub endpoint: String,
    /// The model, where there is one.
    pub model: Option<Model>,
    /// The code folder as written.
    pub code: Option<String>,
    /// What stands there.
    pub code_found: Option<Found>,
    /// The entry script, from the code folder.
    pub scoring_script: Option<String>,
    /// What stands there.
    pub script_found: Option<Found>,
    /// The environment; `None` leaves it to the model.
    pub environment: Option<Environment>,
    /// Where the server of a custom container answers.
    pub routes: Option<Routes>,
    /// Environment variables, values as Azure prints them.
    pub environment_variables: Vec<(String, String)>,
    /// `request_settings.request_timeout_ms`.
    pub request_timeout_ms: Option<i64>,
    /// When the service ends a server that does not answer, to start another.
    pub liveness_probe: Probe,
    /// When it takes a server to be ready for requests.
    pub readiness_probe: Probe,
    /// What the script collects of requests and answers, where it does: name of each collection and per cent of it.
    pub collections: Vec<(String, u64)>,
    /// Where the model is mounted instead of `/var/azureml-app`.
    pub model_mount_path: Option<String>,
    /// Where the file names what may not be there.
    pub places: Places,
}

/// Places in the file, for whoever cannot go on with what is written there.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Places {
    /// Of the model, or of its path.
    pub model: Option<Position>,
    /// Of the code folder.
    pub code: Option<Position>,
    /// Of the entry script.
    pub script: Option<Position>,
}

/// A model as written.
#[derive(Debug, Clone, PartialEq)]
pub enum Model {
    /// Registered in a workspace or a registry; only Azure knows what it is.
    Registered(String),
    /// A file or a folder of this machine.
    Local {
        /// Its path as written.
        path: String,
        /// What stands there.
        found: Option<Found>,
        /// Its name, where it has one.
        name: Option<String>,
        /// Its version, `1` unless it has one.
        version: String,
        /// What an MLflow model brings; it needs no code of the user's.
        mlflow: Option<Box<MlflowModel>>,
    },
}

/// What stands in the folder of an MLflow model.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MlflowModel {
    /// Whether it has the file `MLmodel` that makes it one.
    pub is_one: bool,
    /// Whether Python can ask it, whatever made it.
    pub has_python_function: bool,
    /// Its environment, `conda.yaml`.
    pub conda: Option<CondaFile>,
}

/// The routes of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Routes {
    /// Answers as long as the server is worth keeping.
    pub liveness: Route,
    /// Answers as soon as the server is ready.
    pub health: Route,
    /// Takes the requests.
    pub scoring: Route,
}

/// A port and a path on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// In the container.
    pub port: u16,
    /// Begins with `/`.
    pub path: String,
}

/// How often a server is asked, and when it is given up; Azure's own numbers where the file has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// Seconds before the first question.
    pub initial_delay: u64,
    /// Seconds between two.
    pub period: u64,
    /// Seconds that an answer may take.
    pub timeout: u64,
    /// How many good answers in a row make it well.
    pub success_threshold: u64,
    /// How many failures in a row make it fail.
    pub failure_threshold: u64,
}

impl Default for Probe {
    fn default() -> Self {
        Self { initial_delay: 10, period: 10, timeout: 2, success_threshold: 1, failure_threshold: 30 }
    }
}

impl OnlineDeployment {
    /// Where the entry script stands, if it stands on this machine. `folder` is that of the spec.
    pub fn script_from(&self, folder: &Path) -> Option<PathBuf> {
        let (code, script) = (self.code.as_deref()?, self.scoring_script.as_deref()?);
        is_local(code).then(|| resolve(&resolve(folder, code), script))
    }
}

/// Reads the deployment.
pub(super) fn read(checker: &mut Checker<'_>, root: &Node) -> OnlineDeployment {
    let text = |key: &str| root.some(key).and_then(Node::printed);
    let code = root.some("code_configuration");
    let of_code = |key: &str| code.and_then(|node| node.some(key)).and_then(Node::printed);
    let folder = of_code("code");
    let script = of_code("scoring_script");
    let code_found = folder.as_deref().filter(|folder| is_local(folder)).and_then(|it| checker.exists(it));
    let script_found = match (&folder, &script) {
        (Some(folder), Some(script)) if is_local(folder) => checker.exists(&format!("{folder}/{script}")),
        _ => None,
    };
    let place = |node: Option<&Node>| node.map(|node| checker.source().position(node.span.start));
    let model = root.some("model");
    let places = Places {
        model: place(model.and_then(|model| model.some("path")).or(model)),
        code: place(code.and_then(|node| node.some("code"))),
        script: place(code.and_then(|node| node.some("scoring_script"))),
    };
    let environment = root.some("environment");
    let variables = root.get("environment_variables").map(Node::entries).unwrap_or_default();
    OnlineDeployment {
        name: text("name").unwrap_or_default(),
        endpoint: text("endpoint_name").unwrap_or_default(),
        model: model.map(|node| read_model(checker, node)),
        code: folder,
        code_found,
        scoring_script: script,
        script_found,
        environment: environment.map(|node| Environment::read(checker, node)),
        routes: environment.and_then(|node| node.some("inference_config")).and_then(read_routes),
        environment_variables: variables
            .iter()
            .filter_map(|entry| Some((entry.key.clone(), entry.value.printed()?)))
            .collect(),
        request_timeout_ms: root.get("request_settings").and_then(|node| whole(node, "request_timeout_ms")),
        // One good answer is enough for it on Azure, whatever the file says.
        liveness_probe: Probe { success_threshold: 1, ..read_probe(root.get("liveness_probe")) },
        readiness_probe: read_probe(root.get("readiness_probe")),
        collections: root.some("data_collector").map(read_collections).unwrap_or_default(),
        model_mount_path: text("model_mount_path"),
        places,
    }
}

/// The collections that are switched on. Whole requests and answers are collected in front of the server.
fn read_collections(node: &Node) -> Vec<(String, u64)> {
    let rate = match node.get("sampling_rate").map(|node| &node.value) {
        Some(Value::Float(rate)) => *rate,
        Some(Value::Int(rate)) => *rate as f64,
        _ => 1.0,
    };
    let percent = (rate.clamp(0.0, 1.0) * 100.0).round() as u64;
    let is_on = |node: &Node| {
        node.get("enabled").and_then(Node::printed).is_some_and(|it| it.eq_ignore_ascii_case("true"))
    };
    let all = node.get("collections").map(Node::entries).unwrap_or_default();
    all.iter()
        .filter(|entry| is_on(&entry.value) && !matches!(entry.key.as_str(), "request" | "response"))
        .map(|entry| (entry.key.to_lowercase(), percent))
        .collect()
}

/// What azure-ai-ml sees only when the deployment is created, if at all.
pub(super) fn warn(checker: &mut Checker<'_>, root: &Node, deployment: &OnlineDeployment) {
    let code = root.get("code_configuration");
    let model = root.get("model");
    let model_found = match &deployment.model {
        Some(Model::Local { found, .. }) => found.as_ref(),
        _ => None,
    };
    let places = [
        (code.and_then(|node| node.get("code")), deployment.code_found.as_ref()),
        (code.and_then(|node| node.get("scoring_script")), deployment.script_found.as_ref()),
        (model.and_then(|node| node.get("path")), model_found),
    ];
    for (node, found) in places {
        if let (Some(node), Some(Found::Missing)) = (node, found) {
            let path = node.printed().unwrap_or_default();
            checker.find(
                Severity::Warning,
                node.span,
                message!("spec.deployment-missing", path = path),
                None,
            );
        }
    }
}

fn read_model(checker: &mut Checker<'_>, node: &Node) -> Model {
    if let Some(text) = node.as_str() {
        return Model::Registered(text.to_owned());
    }
    let path = node.some("path").and_then(Node::printed).unwrap_or_default();
    if !is_local(&path) {
        return Model::Registered(path);
    }
    let found = checker.exists(&path);
    let is_mlflow = node.text("type").is_some_and(|kind| kind.eq_ignore_ascii_case("mlflow_model"));
    let mlflow = is_mlflow.then(|| Box::new(read_mlflow(checker, &path)));
    Model::Local {
        found,
        name: node.some("name").and_then(Node::printed),
        version: node.some("version").and_then(Node::printed).unwrap_or_else(|| "1".to_owned()),
        mlflow,
        path,
    }
}

fn read_mlflow(checker: &mut Checker<'_>, model: &str) -> MlflowModel {
    let mut tree = |name: &str| {
        let path = format!("{model}/{name}");
        let bytes = checker.bytes(&path)??;
        yaml::parse(&bytes).root.map(|root| (path, root))
    };
    // Both are asked for at once.
    let (description, conda) = (tree("MLmodel"), tree("conda.yaml"));
    let flavors = description.as_ref().and_then(|(_, root)| root.get("flavors"));
    MlflowModel {
        is_one: flavors.is_some(),
        has_python_function: flavors.is_some_and(|flavors| flavors.get("python_function").is_some()),
        conda: conda.map(|(path, root)| {
            let file = resolve(checker.folder(), &path);
            CondaFile::from_node(&root, &file, Some(path))
        }),
    }
}

fn read_routes(node: &Node) -> Option<Routes> {
    let route = |key: &str| {
        let node = node.get(key)?;
        let path = node.text("path").unwrap_or("/");
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Some(Route { port: u16::try_from(whole(node, "port")?).ok()?, path })
    };
    // Ready is what whoever waits wants to know; alive it may be long before.
    let (liveness, readiness) = (route("liveness_route"), route("readiness_route"));
    Some(Routes {
        liveness: liveness.clone().or_else(|| readiness.clone())?,
        health: readiness.or(liveness)?,
        scoring: route("scoring_route")?,
    })
}

fn read_probe(node: Option<&Node>) -> Probe {
    let number = |key: &str, default: u64| {
        node.and_then(|node| whole(node, key))
            .and_then(|number| u64::try_from(number).ok())
            .unwrap_or(default)
    };
    let usual = Probe::default();
    Probe {
        initial_delay: number("initial_delay", usual.initial_delay),
        period: number("period", usual.period),
        timeout: number("timeout", usual.timeout),
        success_threshold: number("success_threshold", usual.success_threshold),
        failure_threshold: number("failure_threshold", usual.failure_threshold),
    }
}

fn whole(node: &Node, key: &str) -> Option<i64> {
    match &node.get(key)?.value {
        Value::Int(number) => Some(*number),
        Value::Float(number) => Some(*number as i64),
        Value::Str(text) => text.trim().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::files::Files;
    use crate::spec::{Body, read as read_file};
    use std::path::Path;

    fn deployment(text: &str) -> OnlineDeployment {
        let reading = read_file(Path::new("/p/deployment.yml"), text.as_bytes(), &Files::default());
        match reading.spec.map(|spec| spec.body) {
            Some(Body::Deployment(deployment)) => *deployment,
            other => panic!("{other:?} {:?}", reading.diagnostics),
        }
    }

    #[test]
    fn a_managed_deployment_says_where_everything_is() {
        let read = deployment(
            "$schema: https://x/managedOnlineDeployment.schema.json\nname: blue\nendpoint_name: iris\n\
             instance_type: Standard_DS3_v2\nmodel: {path: ./model}\ncode_configuration: {code: src, scoring_script: score.py}\n\
             environment: {image: base}\nenvironment_variables: {A: 1}\nrequest_settings: {request_timeout_ms: 3000}\n",
        );
        assert_eq!((read.endpoint.as_str(), read.name.as_str()), ("iris", "blue"));
        assert_eq!(read.code.as_deref(), Some("src"));
        assert_eq!(read.environment_variables, [("A".to_owned(), "1".to_owned())]);
        assert_eq!((read.liveness_probe, read.readiness_probe), (Probe::default(), Probe::default()));
        assert!(matches!(read.model, Some(Model::Local { ref path, mlflow: None, .. }) if path == "./model"));
    }

    #[test]
    fn collections_that_are_on_are_known_with_their_share() {
        let read = deployment(
            "name: b\nendpoint_name: e\ninstance_type: x\nmodel: {path: m}\nenvironment: {image: i}\ndata_collector:\n\
             \x20 sampling_rate: 0.25\n  collections:\n    Model_Inputs: {enabled: 'True'}\n    model_outputs: {enabled: 'False'}\n\
             \x20   request: {enabled: 'True'}\n",
        );
        assert_eq!(read.collections, [("model_inputs".to_owned(), 25)]);
    }

    #[test]
    fn probes_have_the_numbers_of_the_file_and_azures_where_it_has_none() {
        let read = deployment(
            "name: b\nendpoint_name: e\ninstance_type: x\nmodel: {path: m}\nenvironment: {image: i}\n\
             liveness_probe: {initial_delay: 5, success_threshold: 4}\n\
             readiness_probe: {period: 3, timeout: 7, success_threshold: 2, failure_threshold: 6}\n",
        );
        let usual = Probe::default();
        assert_eq!(read.liveness_probe, Probe { initial_delay: 5, ..usual });
        let ready = Probe { period: 3, timeout: 7, success_threshold: 2, failure_threshold: 6, ..usual };
        assert_eq!(read.readiness_probe, ready);
    }

    #[test]
    fn a_kubernetes_deployment_and_a_custom_container_are_read_as_well() {
        let read = deployment(
            "$schema: https://x/kubernetesOnlineDeployment.schema.json\ntype: kubernetes\nname: k\nendpoint_name: e\n\
             model: azureml:iris:3\nenvironment:\n  image: own\n  inference_config:\n\
             \x20   liveness_route: {port: 8080, path: /live}\n    readiness_route: {port: 8080, path: ready}\n\
             \x20   scoring_route: {port: 8081, path: /predict}\n",
        );
        assert_eq!(read.model, Some(Model::Registered("azureml:iris:3".to_owned())));
        let routes = read.routes.expect("routes");
        assert_eq!(routes.liveness, Route { port: 8080, path: "/live".to_owned() });
        assert_eq!(routes.health, Route { port: 8080, path: "/ready".to_owned() });
        assert_eq!(routes.scoring, Route { port: 8081, path: "/predict".to_owned() });
    }
}
