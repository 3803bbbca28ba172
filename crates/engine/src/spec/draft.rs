//! A new spec, as the wizard asks for it: a v2 command job, or a run configuration of SDK v1.
//!
//! What is written reads back without a finding, apart from what is not there yet.

use super::writer::{Writer, text};
use crate::message;
use crate::yaml;

/// What a person answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Experiment to list its runs under.
    pub experiment: Option<String>,
    /// Where the code runs.
    pub environment: DraftEnvironment,
    /// The script, relative to the folder of the spec, with `/`.
    pub script: String,
    /// Path or reference of a data set, and whether it is one file.
    pub dataset: Option<(String, bool)>,
}

/// An environment that is there already, in one of its forms. Paths are relative to the folder of the spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DraftEnvironment {
    /// A v2 environment file.
    File(String),
    /// The name of a curated or registered environment, with or without `azureml:`.
    Named(String),
    /// A container image.
    Image(String),
    /// A conda file, on the usual base image.
    Conda(String),
    /// A Dockerfile, whose folder is its build context.
    Dockerfile(String),
}

/// Name of the input that the data set becomes.
const DATASET: &str = "data";

/// The image that conda files are put on.
const BASE_IMAGE: &str = super::environment::DEFAULT_IMAGE;

/// A v2 command job.
pub fn command_job(draft: &Draft) -> String {
    let mut out = Writer::default();
    out.line("$schema: https://azuremlschemas.azureedge.net/latest/commandJob.schema.json");
    out.line("type: command");
    out.some("experiment_name", draft.experiment.as_deref());
    out.gap();
    out.line("code: .");
    let mut words = vec!["python".to_owned(), draft.script.clone()];
    if draft.dataset.is_some() {
        words.extend(["--data".to_owned(), format!("${{{{inputs.{DATASET}}}}}")]);
    }
    out.command(&words, &words.join(" "));
    if let Some((path, is_file)) = &draft.dataset {
        out.gap();
        out.open("inputs:");
        out.open(&format!("{DATASET}:"));
        out.line(if *is_file { "type: uri_file" } else { "type: uri_folder" });
        out.some("path", Some(path));
        out.close();
        out.close();
    }
    out.gap();
    environment(&mut out, &draft.environment);
    out.gap();
    out.line("compute: local");
    out.finish()
}

fn environment(out: &mut Writer, environment: &DraftEnvironment) {
    match environment {
        DraftEnvironment::File(path) => {
            out.line(&format!("environment: {}", text(&format!("file:{path}"))));
        }
        DraftEnvironment::Named(name) => {
            let name = name.strip_prefix("azureml:").unwrap_or(name);
            let is_complete = name.starts_with("//") || name.contains([':', '@']);
            let version = if is_complete { "" } else { "@latest" };
            out.line(&format!("environment: {}", text(&format!("azureml:{name}{version}"))));
        }
        DraftEnvironment::Image(image) => {
            out.open("environment:");
            out.some("image", Some(image));
            out.close();
        }
        DraftEnvironment::Conda(path) => {
            out.open("environment:");
            out.some("image", Some(BASE_IMAGE));
            out.some("conda_file", Some(path));
            out.close();
        }
        DraftEnvironment::Dockerfile(path) => {
            let (folder, file) = path.rsplit_once('/').unwrap_or((".", path));
            out.open("environment:");
            out.open("build:");
            out.some("path", Some(folder));
            out.some("dockerfile_path", Some(file));
            out.close();
            out.close();
        }
    }
}

/// A run configuration of SDK v1, without what its defaults say.
pub fn run_configuration(draft: &Draft) -> String {
    let mut out = Writer::default();
    out.some("script", Some(&draft.script));
    match &draft.dataset {
        Some((path, _)) => {
            out.open("arguments:");
            out.line("- --data");
            out.line(&format!("- {}", text(path)));
            out.close();
        }
        None => out.line("arguments: []"),
    }
    out.line("target: local");
    out.line("framework: Python");
    out.open("environment:");
    let (image, conda, named) = match &draft.environment {
        DraftEnvironment::File(name) | DraftEnvironment::Named(name) => (None, None, Some(name)),
        DraftEnvironment::Image(image) => (Some(image.as_str()), None, None),
        DraftEnvironment::Conda(path) => (Some(BASE_IMAGE), Some(path), None),
        DraftEnvironment::Dockerfile(_) => (None, None, None),
    };
    out.some("name", named.map(|name| name.strip_prefix("azureml:").unwrap_or(name)));
    out.open("python:");
    out.line(&format!("userManagedDependencies: {}", conda.is_none()));
    out.some("condaDependenciesFile", conda.map(String::as_str));
    out.close();
    out.open("docker:");
    out.line("enabled: true");
    out.some("baseImage", image);
    if let DraftEnvironment::Dockerfile(path) = &draft.environment {
        out.some("baseDockerfile", Some(path));
    }
    out.close();
    out.close();
    out.finish()
}

/// A conda file with debugpy among its pip packages; `None` where it is there already, or where the text is no
/// conda file.
pub fn with_debugpy(conda: &str) -> Option<String> {
    let parsed = yaml::parse(conda.as_bytes());
    let dependencies = parsed.root.as_ref()?.get("dependencies")?;
    let pip = dependencies.items().iter().find_map(|item| item.get("pip"));
    let named = |item: &yaml::Node| item.as_str().is_some_and(|name| name.starts_with("debugpy"));
    if dependencies.items().iter().chain(pip.into_iter().flat_map(yaml::Node::items)).any(named) {
        return None;
    }
    // Before the first item of the innermost list, in its column: what stands there stays as it is.
    let list = pip.filter(|pip| !pip.items().is_empty()).unwrap_or(dependencies);
    let first = list.items().first()?;
    let line = parsed.source.position(first.span.start).line as usize;
    let start = parsed.source.line(line).start;
    let before = conda.get(start..first.span.start)?;
    // Only block style has its items on lines of their own.
    before.trim_start().strip_prefix('-').filter(|rest| rest.trim().is_empty())?;
    Some(format!("{}{before}debugpy\n{}", conda.get(..start)?, conda.get(start..)?))
}

/// What the head of a copied conda file says.
pub fn copied_from(path: &str) -> String {
    format!("# {}\n", message!("draft.copied-from", path = path).text())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::files::{Files, Found};
    use crate::spec::{self, Kind};
    use std::path::Path;

    fn draft(environment: DraftEnvironment) -> Draft {
        Draft {
            experiment: Some("ferns".to_owned()),
            environment,
            script: "src/train.py".to_owned(),
            dataset: Some(("data/leaves.csv".to_owned(), true)),
        }
    }

    #[test]
    fn a_job_of_every_environment_reads_back_without_a_finding() {
        for environment in [
            DraftEnvironment::File("environment.yml".to_owned()),
            DraftEnvironment::Named("sklearn-1.5".to_owned()),
            DraftEnvironment::Named("azureml://registries/azureml/environments/a/versions/1".to_owned()),
            DraftEnvironment::Image("python:3.11".to_owned()),
            DraftEnvironment::Conda("conda.yml".to_owned()),
            DraftEnvironment::Dockerfile("docker/Dockerfile".to_owned()),
        ] {
            let yaml = command_job(&draft(environment.clone()));
            let files = Files::looking(|need| match need.path.to_str() {
                Some("/p/environment.yml") => Found::File(b"image: a".as_slice().into()),
                Some("/p/conda.yml") => Found::File(b"dependencies: []".as_slice().into()),
                Some("/p/data/leaves.csv") => Found::File([].as_slice().into()),
                _ => Found::Folder,
            });
            let reading = spec::read(Path::new("/p/job.yml"), yaml.as_bytes(), &files);
            assert_eq!(reading.kind, Kind::CommandJob);
            assert_eq!(reading.diagnostics, [], "{environment:?}\n{yaml}");
        }
    }

    #[test]
    fn a_v1_run_configuration_is_one() {
        let text = run_configuration(&draft(DraftEnvironment::Conda("conda.yml".to_owned())));
        let reading =
            spec::read(Path::new("/p/.azureml/train.runconfig"), text.as_bytes(), &Files::default());
        assert_eq!(reading.kind, Kind::RunConfig);
        assert!(reading.is_well(), "{:?}\n{text}", reading.diagnostics);
    }

    #[test]
    fn debugpy_is_added_once_and_nothing_else_is_touched() {
        let conda = "dependencies:\n  - python=3.11 # ours\n  - pip:\n      - numpy\n";
        let added = "dependencies:\n  - python=3.11 # ours\n  - pip:\n      - debugpy\n      - numpy\n";
        assert_eq!(with_debugpy(conda).as_deref(), Some(added));
        assert_eq!(with_debugpy(added), None);
        let only_conda = "dependencies:\n- python=3.11\n";
        assert_eq!(with_debugpy(only_conda).as_deref(), Some("dependencies:\n- debugpy\n- python=3.11\n"));
        assert_eq!(with_debugpy("dependencies: [python]"), None);
    }
}
