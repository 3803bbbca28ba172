//! The plan of a run: everything decided, nothing done.

pub mod command;
pub mod container;
pub mod deployment;
mod distribution;
pub mod environment;
pub mod image;
pub mod job;
pub mod pipeline;
mod resources;
pub mod rewrite;
pub mod settings;

use crate::ids::{ImageRef, RunId};
use crate::message::Message;
use crate::spec::job::Distribution;
use container::{ContainerPlan, Mount};
pub use job::{plan, plan_script, runnable};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Everything that is decided before the first call to the engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The spec's file.
    pub spec: PathBuf,
    /// Experiment under which the run is listed.
    pub experiment: String,
    /// Name to show, where the spec gives one.
    pub display_name: Option<String>,
    /// The user's command, every reference resolved, as a person would type it.
    pub command: String,
    /// What the container runs from.
    pub image: image::ImagePlan,
    /// The container, all but the image and what belongs to one run alone.
    pub container: ContainerPlan,
    /// The folder with the user's code on this machine; the spec's folder where the spec names none.
    pub code: PathBuf,
    /// What the debugger needs to know; present whether or not this run is debugged.
    pub debuggee: Debuggee,
    /// What makes the run a deployment.
    #[serde(default)]
    pub service: Option<deployment::Service>,
    /// Folders that are collected when the run ends: output name → path in the container.
    pub outputs: Vec<Output>,
    /// Folders of this machine that have to exist before the start, writable for the container's user.
    pub folders: Vec<PathBuf>,
    /// Folders in the source tree that the run's own folders are mounted over. One that did not exist is
    /// made before the start (as the user, not as root) and removed after the end if it is empty.
    pub mount_points: Vec<PathBuf>,
    /// `limits.timeout` of the spec.
    pub timeout_seconds: Option<u64>,
    /// Several processes, where the spec asks for them.
    pub distribution: Option<Distribution>,
    /// The environment of which the newest version is meant, where a tag of its image stands for that: what the engine
    /// has under it may be an older one.
    #[serde(default)]
    pub newest_of: Option<String>,
    /// What the user should know of how this differs from Azure.
    #[serde(default)]
    pub notes: Vec<Message>,
}

impl Plan {
    /// The same plan for another run: folders, labels and names of the one become those of the other.
    /// `from` and `to` are the runs' names and the roots of their folders on this machine.
    pub fn for_another_run(mut self: Box<Self>, from: (&RunId, &Path), to: (&RunId, &Path)) -> Box<Self> {
        let move_over = |path: &mut PathBuf| {
            if let Ok(rest) = path.strip_prefix(from.1) {
                *path = to.1.join(rest);
            }
        };
        self.container.mounts.iter_mut().filter_map(Mount::host_mut).for_each(move_over);
        self.folders.iter_mut().for_each(move_over);
        self.outputs.iter_mut().for_each(|output| move_over(&mut output.host));
        let rename = |text: &mut String| *text = text.replace(from.0.as_str(), to.0.as_str());
        rename(&mut self.container.name);
        self.container.labels.values_mut().for_each(rename);
        self.container.environment.iter_mut().for_each(|(_, value)| rename(value));
        self
    }

    /// Lets a deployment answer on another loopback port: whoever has its own may keep it.
    pub fn answer_on(&mut self, port: u16) {
        if let Some(service) = &self.service {
            self.move_port(service.ports.scoring, port);
        }
    }

    /// The loopback ports of a deployment that are not its scoring route's: of other routes, and of the listener
    /// of a script that debugs itself.
    pub fn other_ports(&self) -> Vec<u16> {
        let Some(service) = &self.service else { return Vec::new() };
        let published = self.container.grants.ports.iter().filter_map(|port| port.host);
        published.filter(|port| *port != service.ports.scoring).collect()
    }

    /// Puts what is on one loopback port on another one.
    pub fn move_port(&mut self, from: u16, to: u16) {
        let Some(service) = &mut self.service else { return };
        let ports = &mut service.ports;
        for port in [&mut ports.scoring, &mut ports.health, &mut ports.liveness] {
            if *port == from {
                *port = to;
            }
        }
        for published in self.container.grants.ports.iter_mut().filter(|one| one.host == Some(from)) {
            published.host = Some(to);
        }
    }
}

/// The Python process that a debugger is wanted in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Debuggee {
    /// Where the code folder stands in the container.
    pub remote_root: String,
    /// The process, as the user's command names it; `None` takes every Python process that runs a file of the
    /// code folder, one after the other.
    pub process: Option<Process>,
    /// A flag in the user's command that makes Python ignore the start hook (`-I`, `-S`, `-E`).
    pub isolated_by: Option<String>,
    /// Of several processes alike, the number of the one that is wanted; `None` takes the first.
    #[serde(default)]
    pub rank: Option<u32>,
}

impl Debuggee {
    /// Takes the user's word on which process is meant, where there is one.
    pub fn choose(&mut self, script: Option<&str>, rank: Option<u32>) {
        if let Some(script) = script {
            self.process = Some(Process::Script(script.to_owned()));
        }
        self.rank = rank.or(self.rank);
    }
}

/// How the user's command names a Python program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Process {
    /// `python train.py`: the path as written.
    Script(String),
    /// `python -m package.module`.
    Module(String),
    /// The process that imports one of these modules, separated by commas: a server's worker, which has no
    /// arguments of its own.
    Import(String),
}

/// A named output of the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// Name in the spec.
    pub name: String,
    /// Path in the container.
    pub path: String,
    /// The folder of this machine that is mounted for it.
    pub host: PathBuf,
}

/// What an inspected image tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageFacts {
    /// What was asked for.
    pub reference: ImageRef,
    /// The image's content id, `sha256:…`.
    pub id: String,
    /// `amd64`, `arm64`, …
    pub architecture: String,
    /// Environment of the image, `NAME=value`.
    pub environment: Vec<String>,
    /// User that the image's programs run as; empty for root.
    #[serde(default)]
    pub user: String,
    /// The day on which it was built, `2026-03-02`; empty where the engine does not say.
    #[serde(default)]
    pub built: String,
    /// Size on disk in bytes.
    pub size: u64,
}
