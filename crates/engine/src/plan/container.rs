//! The container of a run, in the engine's own words; the `docker` crate turns it into a request.

use crate::ids::ImageRef;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A container, ready to be asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContainerPlan {
    /// Name shown by the engine's own tools; empty takes one of the engine's.
    pub name: String,
    /// What it runs from; set when the image is ready.
    pub image: ImageRef,
    /// Program and arguments, not a shell line. Empty is the image's own.
    pub command: Vec<String>,
    /// Working directory in the container. Empty is the image's own.
    pub working_dir: String,
    /// Environment of the first process. Anybody who may ask the engine can read it, so no secret is here.
    pub environment: Vec<(String, String)>,
    /// What of this machine or of the engine is visible inside.
    pub mounts: Vec<Mount>,
    /// Files put in before the start, readable by the container's user only: secrets and the like.
    #[serde(skip)]
    pub files: Vec<SecretFile>,
    /// Files of ours put in before the start, readable by everybody.
    #[serde(default)]
    pub texts: Vec<TextFile>,
    /// `uid:gid`, or the image's own user.
    pub user: Option<String>,
    /// `aml-debug.*` labels; the memory that survives any kill.
    pub labels: BTreeMap<String, String>,
    /// Limits of the spec.
    pub limits: Limits,
    /// What the spec asks for beside limits.
    #[serde(default)]
    pub grants: Grants,
    /// All GPUs of the engine.
    pub gpu: bool,
}

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Mount {
    /// A folder or file of this machine.
    Bind {
        /// Absolute path on the engine's host.
        host: PathBuf,
        /// Absolute path in the container.
        target: String,
        /// Whether the container may not write it.
        read_only: bool,
    },
    /// A volume of the engine.
    Volume {
        /// The volume's name.
        name: String,
        /// Absolute path in the container.
        target: String,
        /// Whether the container may not write it.
        read_only: bool,
    },
    /// A folder or file of this machine, for an engine that does not see this machine's disk.
    Copied {
        /// Absolute path on this machine.
        host: PathBuf,
        /// Absolute path in the container.
        target: String,
        /// Fetched when the run has ended; otherwise put in before it starts.
        back: bool,
    },
    /// Memory that ends with the container.
    Tmpfs {
        /// Absolute path in the container.
        target: String,
        /// Permission bits, `0o1777` for everybody.
        mode: u32,
    },
}

impl Mount {
    /// The same for an engine on another machine. `back` are folders that the run fills.
    pub fn copied(self, back: &[PathBuf]) -> Self {
        match self {
            Mount::Bind { host, target, .. } => {
                let back = back.contains(&host);
                Mount::Copied { host, target, back }
            }
            other => other,
        }
    }

    /// What of this machine is seen through it.
    pub fn host(&self) -> Option<&Path> {
        match self {
            Mount::Bind { host, .. } | Mount::Copied { host, .. } => Some(host),
            Mount::Volume { .. } | Mount::Tmpfs { .. } => None,
        }
    }

    /// The same, to be put elsewhere.
    pub fn host_mut(&mut self) -> Option<&mut PathBuf> {
        match self {
            Mount::Bind { host, .. } | Mount::Copied { host, .. } => Some(host),
            Mount::Volume { .. } | Mount::Tmpfs { .. } => None,
        }
    }

    /// Its place in the container.
    pub fn target(&self) -> &str {
        match self {
            Mount::Bind { target, .. }
            | Mount::Volume { target, .. }
            | Mount::Copied { target, .. }
            | Mount::Tmpfs { target, .. } => target,
        }
    }
}

/// A file that is put into the container before it starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextFile {
    /// Absolute path in the container.
    pub path: String,
    /// Its text.
    pub contents: String,
}

/// A file that is put into the container before it starts. Never stored, never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretFile {
    /// Absolute path in the container.
    pub path: String,
    /// Its bytes.
    pub contents: Vec<u8>,
    /// Owner, or root.
    pub uid: u64,
}

impl std::fmt::Debug for SecretFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecretFile").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Where the value of a secret variable stands in the container.
pub fn secret_path(name: &str) -> String {
    format!("{SECRETS}/{name}")
}

const SECRETS: &str = "/aml-debug-secrets";

/// The command with the secret variables in its environment, read from their files: so their values stand
/// in no argument and in nothing that the engine shows.
pub fn with_secrets(command: Vec<String>, names: &[String]) -> Vec<String> {
    if names.is_empty() {
        return command;
    }
    let exports: Vec<String> =
        names.iter().map(|name| format!("export {name}=\"$(cat {})\"", secret_path(name))).collect();
    let script = format!("{}; exec \"$@\"", exports.join("; "));
    ["/bin/sh", "-c", &script, "aml-debug"].map(str::to_owned).into_iter().chain(command).collect()
}

/// Limits on the container; `None` is the engine's default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// `/dev/shm` in bytes.
    pub shm_bytes: Option<u64>,
    /// Memory in bytes.
    pub memory_bytes: Option<u64>,
    /// CPUs, in billionths.
    pub nano_cpus: Option<u64>,
}

/// What a container may have beyond what every container has.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Grants {
    /// Ports of the container that are reachable from this machine's loopback, and from nowhere else.
    pub ports: Vec<Port>,
    /// Further lines of its hosts file, `NAME:ADDRESS`.
    pub hosts: Vec<String>,
    /// The name it has for itself.
    pub hostname: Option<String>,
    /// Limits of the kernel's.
    pub ulimits: Vec<Ulimit>,
    /// Whose shared memory it sees, in the engine's words.
    pub ipc: Option<String>,
    /// Whether its programs may trace each other.
    pub tracing: bool,
}

/// A port that the spec publishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Port {
    /// On this machine's loopback; `None` takes a free one.
    pub host: Option<u16>,
    /// In the container.
    pub container: u16,
}

/// A limit of the kernel's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ulimit {
    /// `nofile`, `memlock`, `stack`, …
    pub name: String,
    /// What applies.
    pub soft: i64,
    /// How far a program may raise it.
    pub hard: i64,
}
