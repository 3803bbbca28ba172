//! A v1 run configuration (`.azureml/NAME.runconfig`), read as azureml-core 1.61 reads it and said in the
//! terms of a v2 command job, so that both kinds become the same plan.
//!
//! A key has many spellings and one meaning: [`camel`] is the SDK's own rule, and nothing here looks a key up
//! in any other way. Paths are seen from the project folder, not from the folder of the file.

mod data;
mod findings;
mod keys;

use super::environment::{Build, CondaFile, DEFAULT_IMAGE, Environment};
use super::files::{Found, resolve};
use super::job::{CommandJob, Distribution};
use super::schema::{Checker, head, kind_of};
use crate::command_line::quoted;
use crate::diagnostic::{Diagnostic, Severity};
use crate::message;
use crate::message::Message;
use crate::yaml::{self, Entry, Node, Span, Value};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// A v1 run configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct RunConfiguration {
    /// The project folder: all paths of the file are seen from it, and it is the code of the run.
    pub project: PathBuf,
    /// What the file says, as a v2 job says it. Its `code` is the project folder.
    pub job: CommandJob,
    /// The script as written; `None` where the file has a command or names neither.
    pub script: Option<String>,
    /// What stands at the script's path.
    pub script_found: Option<Found>,
    /// The words of the command; empty where the file has a command line of its own.
    pub words: Vec<String>,
    /// `Python`, `PySpark`, …
    pub framework: String,
    /// Workers and parameter servers of TensorFlow.
    pub tensorflow: Option<(i64, i64)>,
    /// Where outputs go on Azure: output name → address.
    pub output_paths: Vec<(String, String)>,
    /// The text of a Dockerfile, where the file holds it and not its path.
    pub dockerfile: Option<String>,
    /// What somebody has to look at in a converted job.
    pub attention: Vec<crate::message::Message>,
    /// What a v2 job has no place for.
    pub left_out: Vec<Diagnostic>,
}

/// Image of the SDK where the file names none.
const V1_IMAGE: &str = DEFAULT_IMAGE;

/// The project folder of a run configuration.
pub(super) fn project_of(path: &Path) -> &Path {
    let folder = path.parent().unwrap_or(Path::new(""));
    let is_config = folder.file_name().is_some_and(|name| name == ".azureml" || name == "aml_config");
    if is_config { folder.parent().unwrap_or(folder) } else { folder }
}

/// Checks and reads the file. `None` where it is not well.
pub(super) fn read(checker: &mut Checker<'_>, path: &Path, root: &Node) -> Option<RunConfiguration> {
    let mut left_out = Vec::new();
    let is_legacy = get(root, "environment").is_none() && entry(root, "argumentVector").is_some();
    if is_legacy {
        findings::legacy(checker, root, &mut left_out);
        checker.find(Severity::Warning, head(root), message!("spec.v1.legacy"), None);
    } else {
        findings::root(checker, root, &mut left_out);
        needs_environment(checker, root);
    }
    let mut reader =
        Reader { project: project_of(path), own: path.parent().unwrap_or(Path::new("")), left_out };
    let run_configuration = reader.read(checker, root, is_legacy);
    checker.is_well().then_some(run_configuration)
}

/// The SDK takes a file without `environment` for a legacy one and then looks for a `.compute` file.
fn needs_environment(checker: &mut Checker<'_>, root: &Node) {
    if get(root, "environment").is_some() {
        return;
    }
    let block = format!("environment:\n  docker:\n    baseImage: {V1_IMAGE}\n");
    let text = checker.source().text();
    let is_block = text.as_bytes().get(root.span.start) != Some(&b'{');
    let (at, new_text) = match entry(root, "environment") {
        // Key, colon, and whatever word for nothing.
        Some(entry) => {
            let start = entry.key_span.start;
            let end = text[start..].find(['\n', '#', ',', '}']).map_or(text.len(), |end| start + end);
            (Span { start, end }, block.trim_end().to_owned())
        }
        None => (head(root), block + checker.source().slice(head(root))),
    };
    let fix = is_block.then(|| (message!("spec.v1.no-environment.fix"), new_text));
    checker.find(Severity::Error, at, message!("spec.v1.no-environment"), fix);
}

/// The YAML reader of the SDK refuses a key that stands twice, where PyYAML takes the last.
pub(super) fn as_the_sdk_sees(finding: Diagnostic) -> Diagnostic {
    if finding.message.id != "spec.yaml-duplicate-key" {
        return finding;
    }
    let message = Message { id: "spec.v1.duplicate-key".to_owned(), args: finding.message.args };
    Diagnostic { severity: Severity::Error, message, ..finding }
}

struct Reader<'p> {
    project: &'p Path,
    /// The folder of the file.
    own: &'p Path,
    left_out: Vec<Diagnostic>,
}

/// The environment in v2 terms, and what of it belongs elsewhere in a v2 job.
struct Surroundings {
    environment: Environment,
    dockerfile: Option<String>,
    /// `interpreterPath` of an environment that the user manages.
    interpreter: Option<String>,
    variables: Vec<(String, String)>,
    uses_docker: bool,
    shm_size: Option<String>,
    docker_args: Vec<String>,
}

impl Reader<'_> {
    fn read(&mut self, checker: &mut Checker<'_>, root: &Node, is_legacy: bool) -> RunConfiguration {
        let framework = text(checker, root, "framework").unwrap_or_else(|| "Python".to_owned());
        let target = text(checker, root, "target").unwrap_or_else(|| "local".to_owned());
        let mut surroundings = match is_legacy {
            true => self.legacy_environment(checker, root, &target),
            false => self.environment(checker, root),
        };
        docker_configuration(checker, root, &mut surroundings);
        let interpreter = self.interpreter(checker, root, &target, &surroundings);
        let data = data::read(checker, self.project, root);
        let (script, arguments) = script_of(checker, root, is_legacy);
        let command = command_of(checker, root, script.is_some());
        let script = script.filter(|_| command.is_none());
        let words = match &script {
            Some(script) => {
                let words = [interpreter.as_str(), script].into_iter();
                words.map(quoted).chain(arguments.iter().map(|word| data.bound(word))).collect()
            }
            None => Vec::new(),
        };
        let script_found = script.as_deref().and_then(|script| self.script_found(checker, root, script));
        let command =
            command.map(|command| data.bound_in_command(&command)).unwrap_or_else(|| words.join(" "));
        let mut variables = surroundings.variables;
        override_with(&mut variables, variables_of(checker, get(root, "environmentVariables")));
        variables.extend(data.variables);
        let whole = |key: &str| get(root, key).and_then(findings::whole);
        let nodes = whole("nodeCount");
        RunConfiguration {
            project: self.project.to_owned(),
            job: CommandJob {
                name: None,
                experiment_name: None,
                display_name: None,
                command,
                code: Some(".".to_owned()),
                compute: Some(target),
                environment: surroundings.environment,
                inputs: data.inputs,
                outputs: data.outputs,
                environment_variables: variables,
                distribution: distribution(checker, root, &framework, nodes),
                shm_size: surroundings.shm_size,
                instance_count: nodes,
                docker_args: surroundings.docker_args,
                timeout_seconds: whole("maxRunDurationSeconds"),
            },
            script,
            script_found,
            words,
            tensorflow: tensorflow(root),
            framework,
            output_paths: data.output_paths,
            dockerfile: surroundings.dockerfile,
            attention: data.attention,
            left_out: std::mem::take(&mut self.left_out),
        }
    }

    fn environment(&mut self, checker: &mut Checker<'_>, root: &Node) -> Surroundings {
        let Some(node) = get(root, "environment") else { return Surroundings::default() };
        let Some(written) = node.as_str() else { return self.section(checker, node) };
        let path = match self.find(checker, written) {
            Place::Unknown => return Surroundings::default(),
            Place::Nowhere => {
                checker.error(node.span, message!("spec.file-missing", path = written));
                return Surroundings::default();
            }
            Place::At(path) => path,
        };
        let path = path.display().to_string();
        let read = checker.in_file(&path, |inner, root| {
            findings::environment(inner, root, &mut self.left_out);
            let surroundings = self.section(inner, root);
            (surroundings, inner.first_error())
        });
        match read {
            Some((surroundings, None)) => surroundings,
            Some((surroundings, Some((line, problem, count)))) => {
                let message = message!(
                    "spec.in-other-file",
                    path = written,
                    line = line,
                    problem = problem,
                    count = count
                );
                checker.error(node.span, message);
                surroundings
            }
            None => {
                if let Some(Some(bytes)) = checker.bytes(&path) {
                    broken_file(checker, node.span, written, &bytes);
                }
                Surroundings::default()
            }
        }
    }

    fn section(&mut self, checker: &mut Checker<'_>, node: &Node) -> Surroundings {
        // The SDK asks both for more than their keys say.
        if let Some(name) = get(node, "name")
            && !matches!(name.value, Value::Str(_))
        {
            let wanted = message!("spec.kind.text").text();
            let message = message!("spec.wrong-type", found = kind_of(name), expected = wanted);
            checker.error(name.span, message);
        }
        if let Some(python) = entry(node, "python")
            && python.value.value == Value::Null
        {
            let wanted = message!("spec.kind.map").text();
            let message = message!("spec.empty-value", key = python.key, expected = wanted);
            checker.error(python.key_span, message);
        }
        let python = get(node, "python");
        let docker = get(node, "docker");
        let variables = variables_of(checker, get(node, "environmentVariables"));
        let name = get(node, "name").and_then(|name| printed(checker, name));
        if let Some(name) = name.filter(|name| name.starts_with("AzureML-"))
            && python.is_none()
            && docker.is_none()
        {
            let version = get(node, "version").and_then(|version| printed(checker, version));
            let name = match version {
                Some(version) => format!("{name}:{version}"),
                None => format!("{name}@latest"),
            };
            return Surroundings {
                environment: Environment::Registered(name),
                variables,
                ..Surroundings::default()
            };
        }
        let is_managed_by_user = switch(checker, python, "userManagedDependencies");
        let conda = python.and_then(|python| self.conda(checker, python)).filter(|_| !is_managed_by_user);
        let uses_docker = switch(checker, docker, "enabled");
        let interpreter = python.and_then(|python| text(checker, python, "interpreterPath"));
        let (image, build, dockerfile) = self.image(checker, docker);
        Surroundings {
            environment: Environment::Inline { image, conda: conda.map(Box::new), build },
            dockerfile,
            // An environment of Azure's making has one Python, and it is on the path.
            interpreter: interpreter.filter(|_| is_managed_by_user),
            variables,
            uses_docker,
            shm_size: docker.and_then(|docker| text(checker, docker, "shmSize")),
            docker_args: docker.map(|docker| texts(checker, get(docker, "arguments"))).unwrap_or_default(),
        }
    }

    fn conda(&self, checker: &mut Checker<'_>, python: &Node) -> Option<CondaFile> {
        if let Some(written) = text(checker, python, "condaDependenciesFile") {
            let node = get(python, "condaDependenciesFile")?;
            return self.conda_file(checker, node.span, &written);
        }
        let node = get(python, "condaDependencies")?;
        if let Some(entry) = unknown_conda_key(node) {
            checker.error(entry.key_span, message!("spec.v1.conda-key", key = entry.key));
        }
        let conda = CondaFile::from_node(node, checker.path(), None);
        if !has_python(&conda) {
            checker.find(Severity::Warning, head(node), message!("spec.v1.conda-no-python"), None);
        }
        Some(conda)
    }

    fn conda_file(&self, checker: &mut Checker<'_>, span: Span, written: &str) -> Option<CondaFile> {
        let path = match self.find(checker, written) {
            Place::Unknown => return None,
            Place::Nowhere => {
                checker.error(span, message!("spec.conda-file-missing", path = written));
                return None;
            }
            Place::At(path) => path,
        };
        let bytes = checker.bytes(&path.display().to_string())??;
        let parsed = yaml::parse(&bytes);
        let Some(root) = &parsed.root else {
            broken_file(checker, span, written, &bytes);
            return None;
        };
        let unknown = unknown_conda_key(root).map(|entry| {
            (parsed.source.range(entry.key_span), message!("spec.v1.conda-key", key = entry.key))
        });
        let not_a_map = (!matches!(root.value, Value::Map(_)))
            .then(|| (parsed.source.range(root.span), message!("spec.v1.conda-not-a-mapping")));
        if let Some((range, problem)) = unknown.or(not_a_map) {
            let line = range.start.line + 1;
            let message =
                message!("spec.in-other-file", path = written, line = line, problem = problem, count = 1);
            checker.error(span, message);
            return None;
        }
        let shown = path.strip_prefix(self.project).unwrap_or(&path).display().to_string();
        let conda = CondaFile::from_node(root, &path, Some(shown));
        if !has_python(&conda) {
            checker.find(Severity::Warning, span, message!("spec.v1.conda-no-python"), None);
        }
        Some(conda)
    }

    /// The image, or what it is built from.
    fn image(
        &self,
        checker: &mut Checker<'_>,
        docker: Option<&Node>,
    ) -> (Option<String>, Option<Build>, Option<String>) {
        let default = || (Some(V1_IMAGE.to_owned()), None, None);
        let Some(docker) = docker else { return default() };
        let said: Vec<&str> = ["baseImage", "baseDockerfile", "buildContext"]
            .into_iter()
            .filter(|key| match get(docker, key).map(|node| &node.value) {
                Some(Value::Map(_)) => true,
                Some(_) => text(checker, docker, key).is_some(),
                None => false,
            })
            .collect();
        if let [first, .., last] = said.as_slice()
            && let Some(entry) = entry(docker, last)
        {
            let message = message!("spec.v1.two-bases", first = first, second = last);
            checker.error(entry.key_span, message);
        }
        if let Some(dockerfile) = text(checker, docker, "baseDockerfile") {
            let span = get(docker, "baseDockerfile").map_or(docker.span, |node| node.span);
            return self.dockerfile(checker, span, &dockerfile);
        }
        if let Some(context) = get(docker, "buildContext") {
            let path = text(checker, context, "location").unwrap_or_default();
            let dockerfile =
                text(checker, context, "dockerfilePath").unwrap_or_else(|| "Dockerfile".to_owned());
            let folder = resolve(self.project, &path);
            return (None, Some(Build { path, folder, dockerfile, text: None }), None);
        }
        match text(checker, docker, "baseImage") {
            Some(image) => (Some(self.in_registry(checker, docker, image)), None, None),
            None => default(),
        }
    }

    /// An image of a private registry is written without the registry's name.
    fn in_registry(&self, checker: &Checker<'_>, docker: &Node, image: String) -> String {
        let registry = get(docker, "baseImageRegistry");
        match registry.and_then(|registry| text(checker, registry, "address")) {
            Some(address) if !image.starts_with(&format!("{address}/")) => format!("{address}/{image}"),
            _ => image,
        }
    }

    /// `baseDockerfile` is the path of a Dockerfile, or its text.
    fn dockerfile(
        &self,
        checker: &mut Checker<'_>,
        span: Span,
        written: &str,
    ) -> (Option<String>, Option<Build>, Option<String>) {
        let is_path = !written.contains('\n') && !written.to_lowercase().starts_with("from ");
        if !is_path {
            let build = Build {
                path: ".".to_owned(),
                folder: self.project.to_owned(),
                dockerfile: "Dockerfile".to_owned(),
                text: Some(written.to_owned()),
            };
            return (None, Some(build), Some(written.to_owned()));
        }
        let found = match self.find(checker, written) {
            Place::At(path) => Some(path),
            Place::Unknown => None,
            Place::Nowhere => {
                checker.error(span, message!("spec.file-missing", path = written));
                None
            }
        };
        let path = Path::new(written);
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let folder =
            path.parent().map(|folder| folder.display().to_string()).filter(|folder| !folder.is_empty());
        let found = found.as_deref().and_then(Path::parent).map(Path::to_owned);
        let build = Build {
            folder: found.unwrap_or_else(|| self.project.to_owned()),
            path: folder.unwrap_or_else(|| ".".to_owned()),
            dockerfile: name.unwrap_or_else(|| written.to_owned()),
            text: None,
        };
        (None, Some(build), None)
    }

    /// The environment of a legacy file: a conda file by name, and the rest in `<target>.compute`.
    fn legacy_environment(&mut self, checker: &mut Checker<'_>, root: &Node, target: &str) -> Surroundings {
        let conda = text(checker, root, "condaDependenciesFile").and_then(|written| {
            let span = get(root, "condaDependenciesFile").map_or_else(|| head(root), |node| node.span);
            self.conda_file(checker, span, &written)
        });
        let mut surroundings = Surroundings::default();
        let mut image = V1_IMAGE.to_owned();
        let mut is_managed_by_user = false;
        match self.find(checker, &format!("{target}.compute")) {
            Place::Unknown => {}
            Place::Nowhere => {
                let at = get(root, "target").map_or_else(|| head(root), |node| node.span);
                let message = message!("spec.v1.no-compute-file", target = target);
                checker.find(Severity::Warning, at, message, None);
            }
            Place::At(path) => {
                checker.in_file(&path.display().to_string(), |inner, compute| {
                    findings::compute(inner, compute);
                    image = text(inner, compute, "baseDockerImage").unwrap_or_else(|| image.clone());
                    is_managed_by_user = switch(inner, Some(compute), "userManagedEnvironment");
                    surroundings.uses_docker =
                        text(inner, compute, "type").is_some_and(|kind| kind != "local");
                    let python = text(inner, compute, "pythonLocation");
                    surroundings.interpreter = python.filter(|_| is_managed_by_user);
                });
            }
        }
        let conda = conda.filter(|_| !is_managed_by_user).map(Box::new);
        surroundings.environment = Environment::Inline { image: Some(image), conda, build: None };
        surroundings
    }

    /// Where a path of the file leads: from the project folder, or, as the SDK does when it is given the file
    /// and not the project, from the file's own folder.
    fn find(&self, checker: &mut Checker<'_>, written: &str) -> Place {
        for folder in [self.project, self.own] {
            let path = resolve(folder, written);
            // The bytes are asked for, so that one round of looking is enough.
            match checker.bytes(&path.display().to_string()) {
                None => return Place::Unknown,
                Some(Some(_)) => return Place::At(path),
                Some(None) => {}
            }
        }
        Place::Nowhere
    }

    fn script_found(&self, checker: &mut Checker<'_>, root: &Node, script: &str) -> Option<Found> {
        let path = resolve(self.project, script);
        let found = checker.exists(&path.display().to_string())?;
        if !matches!(found, Found::File(_)) {
            let at = get(root, "script").or_else(|| get(root, "argumentVector")?.items().first());
            let message = message!("spec.v1.script-missing", path = script, resolved = path.display());
            checker.find(Severity::Warning, at.map_or_else(|| head(root), |node| node.span), message, None);
        }
        Some(found)
    }

    /// The Python of the run. Where it takes place in another place than the file says, that is said.
    fn interpreter(
        &self,
        checker: &mut Checker<'_>,
        root: &Node,
        target: &str,
        around: &Surroundings,
    ) -> String {
        let python = "python".to_owned();
        let own = around.interpreter.clone().unwrap_or_else(|| python.clone());
        let at = entry(root, "target").or_else(|| entry(root, "environment"));
        let at = at.map_or_else(|| head(root), |entry| entry.key_span);
        if target != "local" {
            let at = get(root, "target").map_or(at, |node| node.span);
            checker.find(Severity::Information, at, message!("spec.v1.target", target = target), None);
            return own;
        }
        let is_said = around.uses_docker || matches!(around.environment, Environment::Registered(_));
        if is_said || !checker.is_well() {
            return own;
        }
        if own.contains(['/', '\\']) {
            let message = message!("spec.v1.interpreter", interpreter = own);
            checker.find(Severity::Warning, at, message, None);
            return python;
        }
        checker.find(Severity::Information, at, message!("spec.v1.no-docker"), None);
        own
    }
}

impl Default for Surroundings {
    fn default() -> Self {
        Surroundings {
            environment: Environment::of_image(V1_IMAGE),
            dockerfile: None,
            interpreter: None,
            variables: Vec::new(),
            uses_docker: false,
            shm_size: None,
            docker_args: Vec::new(),
        }
    }
}

enum Place {
    /// Asked for.
    Unknown,
    Nowhere,
    At(PathBuf),
}

/// The section `docker` of the file, which came after the one in the environment. The SDK writes both, and
/// what was not said stands there with its default value; so a value that was said wins over a default.
fn docker_configuration(checker: &mut Checker<'_>, root: &Node, around: &mut Surroundings) {
    let Some(docker) = get(root, "docker") else { return };
    let older = get(root, "environment").and_then(|environment| get(environment, "docker"));
    if entry(docker, "useDocker").is_some() {
        let uses = switch(checker, Some(docker), "useDocker");
        let said = older.is_some_and(|older| get(older, "enabled").is_some());
        differ(
            checker,
            docker,
            "useDocker",
            "enabled",
            said && uses != around.uses_docker,
            uses,
            around.uses_docker,
        );
        around.uses_docker |= uses;
    }
    if let Some(size) = text(checker, docker, "shmSize") {
        let before = around.shm_size.take();
        if let Some(before) = before.as_deref() {
            differ(checker, docker, "shmSize", "shmSize", before != size, &size, before);
        }
        around.shm_size = before.filter(|_| size == DEFAULT_SHM).or(Some(size));
    }
    let arguments = texts(checker, get(docker, "arguments"));
    if !arguments.is_empty() {
        let before = &around.docker_args;
        let (new, old) = (arguments.join(" "), before.join(" "));
        differ(checker, docker, "arguments", "arguments", !before.is_empty() && new != old, new, old);
        around.docker_args = arguments;
    }
}

/// What the SDK writes where nobody said a size.
const DEFAULT_SHM: &str = "2g";

fn differ(
    checker: &mut Checker<'_>,
    docker: &Node,
    key: &str,
    older: &str,
    differs: bool,
    here: impl std::fmt::Display,
    there: impl std::fmt::Display,
) {
    let Some(entry) = entry(docker, key).filter(|_| differs) else { return };
    let message =
        message!("spec.v1.two-docker-sections", key = key, here = here, older = older, there = there);
    checker.find(Severity::Warning, entry.key_span, message, None);
}

/// The script and its arguments.
fn script_of(checker: &mut Checker<'_>, root: &Node, is_legacy: bool) -> (Option<String>, Vec<String>) {
    if is_legacy {
        let vector = entry(root, "argumentVector");
        let mut words = texts(checker, vector.map(|entry| &entry.value));
        if words.is_empty() {
            if let Some(entry) = vector {
                checker.error(entry.key_span, message!("spec.v1.argument-vector"));
            }
            return (None, Vec::new());
        }
        let script = words.remove(0);
        return (Some(script), words);
    }
    (text(checker, root, "script"), texts(checker, get(root, "arguments")))
}

/// The command line of the file's own; a list is joined with blanks, as the SDK does.
fn command_of(checker: &mut Checker<'_>, root: &Node, has_script: bool) -> Option<String> {
    let command = match get(root, "command") {
        Some(node) if matches!(node.value, Value::List(_)) => texts(checker, Some(node)).join(" "),
        _ => text(checker, root, "command").unwrap_or_default(),
    };
    let command = Some(command).filter(|command| !command.trim().is_empty());
    match (&command, has_script) {
        (Some(_), true) => {
            let at = entry(root, "command").map_or_else(|| head(root), |entry| entry.key_span);
            checker.find(Severity::Warning, at, message!("spec.v1.script-and-command"), None);
        }
        (None, false) => {
            let at = entry(root, "script").map_or_else(|| head(root), |entry| entry.key_span);
            checker.find(Severity::Warning, at, message!("spec.v1.no-script"), None);
        }
        _ => {}
    }
    command
}

/// Several processes: the communicator says how, the framework's own section how many.
fn distribution(
    checker: &Checker<'_>,
    root: &Node,
    framework: &str,
    nodes: Option<i64>,
) -> Option<Distribution> {
    let communicator = text(checker, root, "communicator").unwrap_or_default().to_lowercase();
    let of = |section: &str, key: &str| {
        get(root, section).and_then(|node| get(node, key)).and_then(findings::whole)
    };
    let (kind, processes) = match communicator.as_str() {
        "openmpi" | "intelmpi" => ("mpi", Some(of("mpi", "processCountPerNode").unwrap_or(1))),
        "nccl" | "gloo" => {
            let nodes = nodes.or(of("pytorch", "nodeCount")).unwrap_or(1).max(1);
            // The SDK counts the processes of all nodes.
            ("pytorch", Some(of("pytorch", "processCount").map_or(1, |all| (all / nodes).max(1))))
        }
        "parameterserver" => ("tensorflow", None),
        _ if framework.eq_ignore_ascii_case("PyTorch") => {
            let all = of("pytorch", "processCount")?;
            let nodes = nodes.unwrap_or(1).max(1);
            ("pytorch", Some((all / nodes).max(1)))
        }
        _ => return None,
    };
    let roles = tensorflow(root).map(|(workers, servers)| (Some(workers), servers));
    let roles = roles.filter(|_| kind == "tensorflow");
    Some(Distribution { kind: kind.to_owned(), processes_per_instance: processes, roles })
}

fn tensorflow(root: &Node) -> Option<(i64, i64)> {
    let section = get(root, "tensorflow")?;
    let count = |key: &str| get(section, key).and_then(findings::whole);
    Some((count("workerCount").unwrap_or(1), count("parameterServerCount").unwrap_or(1)))
}

fn variables_of(checker: &Checker<'_>, node: Option<&Node>) -> Vec<(String, String)> {
    let entries = node.map(Node::entries).unwrap_or_default();
    entries.iter().filter_map(|entry| Some((entry.key.clone(), printed(checker, &entry.value)?))).collect()
}

/// The newer place of variables wins over the older; the order stays.
fn override_with(variables: &mut Vec<(String, String)>, newer: Vec<(String, String)>) {
    let places: HashMap<String, usize> =
        variables.iter().enumerate().map(|(at, (name, _))| (name.clone(), at)).collect();
    for (name, value) in newer {
        match places.get(&name).and_then(|at| variables.get_mut(*at)) {
            Some((_, old)) => *old = value,
            None => variables.push((name, value)),
        }
    }
}

fn unknown_conda_key(root: &Node) -> Option<&Entry> {
    const KNOWN: [&str; 5] = ["name", "channels", "dependencies", "prefix", "variables"];
    root.entries().iter().find(|entry| !KNOWN.contains(&entry.key.as_str()))
}

fn has_python(conda: &CondaFile) -> bool {
    conda.conda.iter().any(|dependency| {
        let name = dependency.rsplit("::").next().unwrap_or(dependency);
        let rest = name.strip_prefix("python");
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['=', '<', '>', '!', ' ', '~']))
    })
}

fn broken_file(checker: &mut Checker<'_>, span: Span, written: &str, bytes: &[u8]) {
    let parsed = yaml::parse(bytes);
    let (line, problem) = match parsed.findings.first() {
        Some(first) => (first.range.start.line + 1, first.message.clone()),
        None => (1, message!("spec.empty-file")),
    };
    let count = parsed.findings.len().max(1);
    let message =
        message!("spec.in-other-file", path = written, line = line, problem = problem, count = count);
    checker.error(span, message);
}

/// The SDK's spelling of a key: `node_count` and `NodeCount` are `nodeCount`.
pub(super) fn camel(key: &str) -> String {
    camel_letters(key).collect()
}

fn camel_letters(key: &str) -> impl Iterator<Item = char> {
    let mut at_start = true;
    let mut in_later_part = false;
    let mut begins_part = false;
    key.chars().filter_map(move |letter| {
        if letter == '_' {
            (in_later_part, begins_part) = (true, true);
            return None;
        }
        let spelled = match (std::mem::take(&mut at_start), std::mem::take(&mut begins_part)) {
            (true, _) => letter.to_ascii_lowercase(),
            (_, true) => letter.to_ascii_uppercase(),
            _ if in_later_part => letter.to_ascii_lowercase(),
            _ => letter,
        };
        Some(spelled)
    })
}

/// The entry of a key in any spelling; the last one wins.
pub(super) fn entry<'n>(node: &'n Node, name: &str) -> Option<&'n Entry> {
    node.entries().iter().rev().find(|entry| entry.key == name || camel_letters(&entry.key).eq(name.chars()))
}

/// The value of a key in any spelling, if it is there and not null.
fn get<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    entry(node, name).map(|entry| &entry.value).filter(|value| value.value != Value::Null)
}

/// The text of a key; the text `None` is a slip for nothing.
fn text(checker: &Checker<'_>, node: &Node, name: &str) -> Option<String> {
    let text = printed(checker, get(node, name)?)?;
    (text != "None" && !text.is_empty()).then_some(text)
}

fn texts(checker: &Checker<'_>, node: Option<&Node>) -> Vec<String> {
    node.map(Node::items).unwrap_or_default().iter().filter_map(|item| printed(checker, item)).collect()
}

/// What Python's `bool()` makes of a value.
fn switch(checker: &Checker<'_>, node: Option<&Node>, name: &str) -> bool {
    let Some(value) = node.and_then(|node| get(node, name)) else { return false };
    match &value.value {
        Value::Null => false,
        // To YAML 1.2 `no` and `off` are texts, and a text is true.
        Value::Bool(value_of_1_1) => {
            let raw = checker.source().slice(value.span).to_lowercase();
            if raw == "true" || raw == "false" { raw == "true" } else { *value_of_1_1 || !raw.is_empty() }
        }
        Value::Int(number) => *number != 0,
        Value::Float(number) => *number != 0.0,
        Value::Str(text) | Value::Date(text) => !text.is_empty(),
        Value::List(items) => !items.is_empty(),
        Value::Map(entries) => !entries.is_empty(),
    }
}

/// A scalar as the SDK reads and prints it. It reads YAML 1.2: `yes`, `1:30` are texts, and `010` is ten.
fn printed(checker: &Checker<'_>, node: &Node) -> Option<String> {
    let raw = checker.source().slice(node.span);
    match &node.value {
        Value::Bool(_) if !matches!(raw.to_lowercase().as_str(), "true" | "false" | "") => {
            Some(raw.to_owned())
        }
        Value::Int(_) if raw.contains(':') => Some(raw.to_owned()),
        Value::Int(_) if raw.len() > 1 && raw.starts_with('0') && raw.bytes().all(|b| b.is_ascii_digit()) => {
            let digits = raw.trim_start_matches('0');
            Some(if digits.is_empty() { "0".to_owned() } else { digits.to_owned() })
        }
        _ => node.printed(),
    }
}

#[cfg(test)]
mod tests;
