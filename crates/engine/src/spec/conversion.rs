//! From a v1 run configuration to a v2 command job, as a person would write it.
//!
//! The text is made from what the plan is made from, so a converted job becomes the plan that the run
//! configuration becomes. What has no place in v2 is listed, and stands as a comment where it matters.

use super::environment::Environment;
use super::job::{Input, Literal};
use super::run_configuration::RunConfiguration;
use super::writer::{Writer, text};
use super::{Body, Reading, Spec};
use crate::diagnostic::{Diagnostic, Severity};
use crate::failure::{Blame, Failure};
use crate::message;
use std::path::PathBuf;

/// A run configuration in the form of v2.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversion {
    /// The v2 command job.
    pub yaml: String,
    /// The folder in which its paths are right: that of the project.
    pub folder: PathBuf,
    /// What a v2 job has no place for, with its place in the run configuration.
    pub left_out: Vec<Diagnostic>,
}

/// Writes a v1 run configuration as a v2 command job.
///
/// # Errors
/// The file is of another kind, or it is not well.
pub fn convert(reading: &Reading) -> Result<Conversion, Failure> {
    if let Some(Spec { path, body: Body::RunConfiguration(v1) }) = &reading.spec {
        let file = path.strip_prefix(&v1.project).unwrap_or(path).display().to_string();
        let yaml = write(v1, &file);
        return Ok(Conversion { yaml, folder: v1.project.clone(), left_out: v1.left_out.clone() });
    }
    let error = reading.diagnostics.iter().find(|finding| finding.severity == Severity::Error);
    let what = match error {
        Some(error) => message!("plan.not-well", problem = error.message),
        None => message!("spec.convert.kind", kind = reading.kind.title()),
    };
    Err(Failure::new(Blame::User, what))
}

fn write(v1: &RunConfiguration, file: &str) -> String {
    let mut out = Writer::default();
    out.comment(&message!("spec.convert.from", file = file).text());
    let left_out = v1.left_out.iter().map(|finding| &finding.message);
    for message in v1.attention.iter().chain(left_out) {
        out.comment(&message.text());
    }
    out.line("$schema: https://azuremlschemas.azureedge.net/latest/commandJob.schema.json");
    out.line("type: command");
    out.gap();
    out.line("code: .");
    command(&mut out, v1);
    data(&mut out, v1);
    out.gap();
    environment(&mut out, v1);
    if !v1.job.environment_variables.is_empty() {
        out.open("environment_variables:");
        for (name, value) in &v1.job.environment_variables {
            out.line(&format!("{}: {}", text(name), text(value)));
        }
        out.close();
    }
    out.gap();
    let compute = v1.job.compute.as_deref().unwrap_or("local");
    let compute = if compute == "local" { "local".to_owned() } else { format!("azureml:{compute}") };
    out.line(&format!("compute: {}", text(&compute)));
    resources(&mut out, v1);
    out.finish()
}

fn command(out: &mut Writer, v1: &RunConfiguration) {
    if v1.job.command.is_empty() {
        out.comment(&message!("spec.convert.no-command").text());
    }
    out.command(&v1.words, &v1.job.command);
}

fn data(out: &mut Writer, v1: &RunConfiguration) {
    if !v1.job.inputs.is_empty() {
        out.gap();
        out.open("inputs:");
        for (name, input) in &v1.job.inputs {
            match input {
                Input::Literal(Literal { text: value, .. }) => {
                    out.line(&format!("{}: {}", text(name), text(value)))
                }
                Input::Data { kind, path, mode, .. } => {
                    out.open(&format!("{}:", text(name)));
                    out.line(&format!("type: {kind}"));
                    out.some("path", path.as_deref());
                    out.some("mode", mode.as_deref());
                    out.close();
                }
            }
        }
        out.close();
    }
    if !v1.job.outputs.is_empty() {
        out.gap();
        out.open("outputs:");
        for (name, output) in &v1.job.outputs {
            out.open(&format!("{}:", text(name)));
            out.line(&format!("type: {}", output.kind));
            let path = v1.output_paths.iter().find(|(known, _)| known == name);
            out.some("path", path.map(|(_, path)| path.as_str()));
            out.some("mode", output.mode.as_deref());
            out.close();
        }
        out.close();
    }
}

fn environment(out: &mut Writer, v1: &RunConfiguration) {
    let (image, conda, build) = match &v1.job.environment {
        Environment::Registered(name) => {
            return out.line(&format!("environment: {}", text(&format!("azureml:{name}"))));
        }
        Environment::Inline { image, conda, build } => (image, conda, build),
    };
    out.open("environment:");
    out.some("image", image.as_deref());
    if let Some(build) = build {
        if let Some(dockerfile) = &v1.dockerfile {
            out.comment(&message!("spec.convert.dockerfile", path = build.dockerfile).text());
            dockerfile.lines().for_each(|line| out.comment(&format!("  {line}")));
        }
        out.open("build:");
        out.line(&format!("path: {}", text(&build.path)));
        out.line(&format!("dockerfile_path: {}", text(&build.dockerfile)));
        out.close();
    }
    if let Some(conda) = conda {
        match (&conda.path, build) {
            (path, Some(_)) => {
                let path = path.as_deref().unwrap_or("condaDependencies");
                out.comment(&message!("spec.convert.dockerfile-conda", path = path).text());
            }
            (Some(path), None) => out.line(&format!("conda_file: {}", text(path))),
            (None, None) => {
                out.open("conda_file:");
                out.value(&conda.content);
                out.close();
            }
        }
    }
    out.close();
}

fn resources(out: &mut Writer, v1: &RunConfiguration) {
    let job = &v1.job;
    let nodes = job.instance_count.filter(|nodes| *nodes != 1);
    if nodes.is_some() || job.shm_size.is_some() || !job.docker_args.is_empty() {
        out.open("resources:");
        if let Some(nodes) = nodes {
            out.line(&format!("instance_count: {nodes}"));
        }
        out.some("shm_size", job.shm_size.as_deref());
        if !job.docker_args.is_empty() {
            out.open("docker_args:");
            job.docker_args.iter().for_each(|argument| out.line(&format!("- {}", text(argument))));
            out.close();
        }
        out.close();
    }
    if let Some(distribution) = &job.distribution {
        out.open("distribution:");
        out.line(&format!("type: {}", distribution.kind));
        if let Some(count) = distribution.processes_per_instance {
            out.line(&format!("process_count_per_instance: {count}"));
        }
        if let (Some((workers, servers)), "tensorflow") = (v1.tensorflow, distribution.kind.as_str()) {
            out.line(&format!("worker_count: {workers}"));
            out.line(&format!("parameter_server_count: {servers}"));
        }
        out.close();
    }
    if let Some(seconds) = job.timeout_seconds {
        out.open("limits:");
        out.line(&format!("timeout: {seconds}"));
        out.close();
    }
}

#[cfg(test)]
mod tests;
