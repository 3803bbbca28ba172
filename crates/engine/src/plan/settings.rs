//! What a plan needs to know besides the spec: the caller's choices, its machine, and the run's folders.

use super::deployment::HostPorts;
use super::rewrite::ImageRewrite;
use crate::ids::RunId;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Names and values, in order.
pub type Variables = Vec<(String, String)>;

/// Everything of a plan that does not stand in the spec.
#[derive(Debug, Clone, Default)]
pub struct PlanSettings {
    /// `--experiment`; else the spec's, else the name of the code folder.
    pub experiment: Option<String>,
    /// `--set inputs.NAME=VALUE`, as written.
    pub set: Vec<String>,
    /// `--env NAME=VALUE`; wins over the spec.
    pub environment: Variables,
    /// The proxies of this machine; the spec wins over them.
    pub proxies: Variables,
    /// Image rewriting, in the order of the settings.
    pub rewrites: Vec<ImageRewrite>,
    /// Loopback ports for a deployment.
    pub ports: HostPorts,
    /// The engine's machine.
    pub host: Host,
}

/// The machine the container runs on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Host {
    /// `uid:gid` for the container's process; `None` leaves the image's own user (rootless and desktop
    /// engines map it to the caller).
    pub user: Option<String>,
    /// Whether the engine is on another machine, so that nothing of this one can be mounted.
    pub is_remote: bool,
}

/// What belongs to one run alone.
#[derive(Debug, Clone, PartialEq)]
pub struct RunPlace {
    /// The run.
    pub run: RunId,
    /// Name of its container.
    pub container: String,
    /// Labels of its container.
    pub labels: BTreeMap<String, String>,
    /// Its folders on the engine's host.
    pub folders: RunFolders,
}

/// Host folders of one run. The caller makes those of [`super::Plan::folders`] before the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFolders {
    /// What the script writes to `./outputs`.
    pub outputs: PathBuf,
    /// What the script writes to `./logs`.
    pub logs: PathBuf,
    /// MLflow's file store.
    pub mlruns: PathBuf,
    /// One folder per named output.
    pub named: PathBuf,
}

impl RunFolders {
    /// The folders of a run as they stand below its own.
    pub fn below(root: &Path) -> Self {
        Self {
            outputs: root.join("outputs"),
            logs: root.join("logs"),
            mlruns: root.join("mlruns"),
            named: Self::named_below(root),
        }
    }

    /// The folder with a folder per named output.
    pub fn named_below(root: &Path) -> PathBuf {
        root.join("named_outputs")
    }
}
