//! What an editor needs to attach to a run: address, which file is which, and how to start the run.
//!
//! Nothing in it may differ from run to run or from machine to machine as long as that can be helped,
//! since it ends in a launch.json that people share.

use crate::message;
use crate::message::Message;
use std::path::{Component, Path, PathBuf};

/// An attach configuration in the form that every debugger of Python understands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachEntry {
    /// Name in the list of configurations; it is what makes an entry ours.
    pub name: String,
    /// Where the debugger connects to.
    pub host: String,
    /// Its port: the gateway's, which stays the same for a workspace folder and target.
    pub port: u16,
    /// Which folder here is which folder there. Empty leaves the user's alone.
    pub path_mappings: Vec<PathMapping>,
    /// Whether stepping skips library code. The user's own choice once the entry is there.
    pub just_my_code: bool,
    /// What is started first, so that the entry works with nothing running.
    pub start: Option<StartTask>,
}

/// A folder on this machine and the same folder where the code runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathMapping {
    /// Here; may begin with `${workspaceFolder}`.
    pub local_root: String,
    /// There.
    pub remote_root: String,
}

/// A task that starts the run in the background and ends its start with the line of [`ready_line`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartTask {
    /// Label in the list of tasks.
    pub label: String,
    /// The program, found by the shell's path.
    pub command: String,
    /// Its arguments, each by itself.
    pub args: Vec<String>,
}

impl StartTask {
    /// The task that runs a spec under the debugger. `spec` as in [`shown_path`].
    pub fn run(spec: &str) -> Self {
        Self {
            label: format!("aml-debug: {spec}"),
            command: "aml-debug".to_owned(),
            args: ["run", spec, "--debug"].map(str::to_owned).to_vec(),
        }
    }

    /// The task that runs a pipeline with one of its steps under the debugger.
    pub fn run_step(spec: &str, step: &str) -> Self {
        Self {
            label: format!("aml-debug: {}", target_of_step(spec, step)),
            command: "aml-debug".to_owned(),
            args: ["run", spec, "--debug", "--step", step].map(str::to_owned).to_vec(),
        }
    }

    /// The task that deploys a spec under the debugger.
    pub fn deploy(spec: &str) -> Self {
        Self { args: ["deploy", spec, "--debug"].map(str::to_owned).to_vec(), ..Self::run(spec) }
    }
}

/// How a step of a pipeline is named as a target beside other specs.
pub fn target_of_step(spec: &str, step: &str) -> String {
    format!("{spec} ({step})")
}

/// The configuration's name for a spec of a local run; `spec` as in [`shown_path`], so it is unique.
pub fn run_name(spec: &str) -> String {
    format!("Azure ML: debug {spec}")
}

/// The configuration's name for a step on a compute, as on the published page.
pub const COMPUTE_NAME: &str = "Azure Machine Learning Compute: remote debug";

/// The configuration's name for a deployment, as on the published page.
pub const DEPLOYMENT_NAME: &str = "Azure Machine Learning Deployment: Docker Debug";

/// The line that a run prints when the gateway accepts a debugger. Background tasks wait for it, so it is
/// the same in every language and begins with [`READY`].
pub fn ready_line(host: &str, port: u16) -> Message {
    message!("launch-json.ready", host = host, port = port)
}

/// How every [`ready_line`] begins.
pub const READY: &str = "aml-debug: debugger can attach at ";

/// A path as people see it: from the folder, with `/`; outside the folder, in full.
pub fn shown_path(folder: &Path, path: &Path) -> String {
    inside(folder, path).unwrap_or_else(|| path.display().to_string())
}

/// A path for `localRoot`: from `${workspaceFolder}` where it can be, so that the file can be shared.
pub fn local_root(folder: &Path, path: &Path) -> String {
    match inside(folder, path) {
        Some(rest) if rest.is_empty() => "${workspaceFolder}".to_owned(),
        Some(rest) => format!("${{workspaceFolder}}/{rest}"),
        None => path.display().to_string(),
    }
}

fn inside(folder: &Path, path: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> = path
        .strip_prefix(folder)
        .ok()?
        .components()
        .map(|part| match part {
            Component::Normal(name) => name.to_str(),
            _ => None,
        })
        .collect();
    Some(parts?.join("/"))
}

/// The folder whose `.vscode` holds the configuration of a spec: the nearest one above it with a `.vscode`
/// or `.git`, else the spec's own folder. `spec` is absolute.
pub fn folder_for(spec: &Path, exists: impl Fn(&Path) -> bool) -> PathBuf {
    let own = spec.parent().unwrap_or(Path::new(""));
    // `~/.vscode` is where VS Code keeps its extensions; the home folder is not a project for that.
    let marked = |folder: &&Path| {
        let settings = folder.join(".vscode");
        exists(&folder.join(".git")) || (exists(&settings) && !exists(&settings.join("extensions")))
    };
    own.ancestors().find(marked).unwrap_or(own).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_the_nearest_project_and_never_the_home_of_the_editors_extensions() {
        let found = |there: &[&str]| {
            let exists = |path: &Path| there.iter().any(|it| Path::new(it) == path);
            folder_for(Path::new("/home/me/project/jobs/job.yml"), exists).display().to_string()
        };
        assert_eq!(found(&[]), "/home/me/project/jobs");
        assert_eq!(found(&["/home/me/project/.git"]), "/home/me/project");
        assert_eq!(
            found(&["/home/me/project/.git", "/home/me/project/jobs/.vscode"]),
            "/home/me/project/jobs"
        );
        assert_eq!(found(&["/home/me/.vscode", "/home/me/.vscode/extensions"]), "/home/me/project/jobs");
        assert_eq!(found(&["/home/me/.vscode"]), "/home/me");
    }

    #[test]
    fn paths_in_the_folder_are_written_so_that_others_can_use_them() {
        let folder = Path::new("/home/me/project");
        assert_eq!(local_root(folder, Path::new("/home/me/project")), "${workspaceFolder}");
        assert_eq!(local_root(folder, Path::new("/home/me/project/a/src")), "${workspaceFolder}/a/src");
        assert_eq!(local_root(folder, Path::new("/home/me/project2/src")), "/home/me/project2/src");
        assert_eq!(shown_path(folder, Path::new("/home/me/project/a/job.yml")), "a/job.yml");
        assert_eq!(shown_path(folder, Path::new("/srv/job.yml")), "/srv/job.yml");
    }

    #[test]
    fn the_line_that_tasks_wait_for_begins_as_they_expect() {
        assert_eq!(ready_line("127.0.0.1", 20123).text(), format!("{READY}127.0.0.1:20123"));
    }
}
