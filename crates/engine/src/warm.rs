//! A container that is kept for the next run: what that run must have in common with it, what its first process
//! is started with, and how the end of a command shows in its output.
//!
//! Nothing of a run is in the next: its process, its environment and its folders are the next one's own, what
//! it has written elsewhere is removed, and a container in which that cannot be done is not kept.

use crate::ids::ContainerId;
use crate::plan::container::{ContainerPlan, Mount};
use crate::{bytecode, debuggee};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Where the folder of [`Door`] is mounted.
const TARGET: &str = "/aml-debug-door";

/// The signal at which a container's first process, if it is ours, ends its command and stays.
pub const END_COMMAND: &str = "SIGUSR1";

/// The way to the first process of a container that may be kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Door {
    /// Folder of this machine, for this container alone.
    pub folder: PathBuf,
    /// Stands in the container's output where a command has ended.
    pub token: String,
    /// Seconds that the container is kept.
    pub seconds: u32,
    /// What a run has in common with the next one in its container.
    pub key: String,
    /// Names of the variables that the container was created with.
    pub names: Vec<String>,
    /// Bytes of the container's output and error output that are earlier runs'.
    pub output_from: [u64; 2],
}

/// A container that was kept for runs like this one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// The container.
    pub container: ContainerId,
    /// The way to its first process.
    pub door: Door,
}

/// What the next command of a kept container is started with.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NextCommand {
    /// Program and arguments.
    pub command: Vec<String>,
    /// Its environment, over what every process of the container has.
    pub environment: serde_json::Map<String, serde_json::Value>,
    /// Names that are the container's first run's and not this one's.
    pub forget: Vec<String>,
    /// Its working directory.
    pub cwd: String,
}

impl NextCommand {
    /// What the plan's container would be started with. `of_image` is the image's own environment.
    pub fn new(plan: &ContainerPlan, of_image: &[String], door: &Door) -> Self {
        let of_image = of_image.iter().filter_map(|variable| variable.split_once('='));
        let own = plan.environment.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        Self {
            command: plan.command.clone(),
            environment: of_image.chain(own).map(|(name, value)| (name.to_owned(), value.into())).collect(),
            forget: door.names.clone(),
            cwd: plan.working_dir.clone(),
        }
    }
}

/// Lets the container's first process be ours, which starts the plan's command.
pub fn put_into(container: &mut ContainerPlan, door: &Door) {
    let line = format!(
        "python=$(command -v python3 || command -v python) || exec \"$@\"; \
         exec \"$python\" -I -S {}/warm.py {TARGET} {} \"$@\"",
        debuggee::VOLUME_TARGET,
        door.token
    );
    let ours = ["/bin/sh", "-c", line.as_str(), "aml-debug"].map(str::to_owned);
    container.command = ours.into_iter().chain(std::mem::take(&mut container.command)).collect();
    container.mounts.push(Mount::Bind {
        host: door.folder.clone(),
        target: TARGET.to_owned(),
        read_only: false,
    });
}

/// The hash of all that cannot be changed in a container. A command and its environment can, but for what the
/// relay reads there; `run` is the run's own folder, whose folders the container's mounts are taken along to.
pub fn key(container: &ContainerPlan, run: &Path) -> String {
    let mut common = container.clone();
    common.name.clear();
    common.command.clear();
    common.environment.retain(|(name, _)| name == "AML_DEBUG_HOOK");
    for mount in &mut common.mounts {
        if let Mount::Bind { host, .. } = mount
            && let Ok(inside) = host.strip_prefix(run)
        {
            *host = Path::new("run").join(inside);
        }
    }
    // Secret files are not in it, and a run that has some is not kept.
    let text = serde_json::to_string(&common).unwrap_or_default();
    Sha256::digest(text).iter().take(8).map(|byte| format!("{byte:02x}")).collect::<String>()
}

/// Whether what a run has changed in its container is gone: nothing is left but what every start of a container
/// leaves. `changes` are the paths that the engine says were made, changed or deleted.
pub fn is_clean(changes: &[String], container: &ContainerPlan) -> bool {
    let targets = container.mounts.iter().map(Mount::target);
    // The engine's own, and folders that were emptied again.
    let expected =
        ["/tmp", "/var/tmp", "/dev", "/run", "/etc", "/sbin/docker-init", "/usr/sbin/docker-init", TARGET];
    let ours = [debuggee::VOLUME_TARGET, debuggee::MAILBOX, bytecode::TARGET];
    let known: Vec<&str> = targets.chain(expected).chain(ours).collect();
    let is_known = |path: &String| {
        known.iter().any(|known| {
            *known == path || known.strip_prefix(path.as_str()).is_some_and(|rest| rest.starts_with('/'))
        })
    };
    changes.iter().all(is_known)
}

/// Takes the marks that stand at a command's end out of the two streams of its output.
#[derive(Debug)]
pub struct EndMarks {
    mark: Vec<u8>,
    held: [Vec<u8>; 2],
    seen: [bool; 2],
}

impl EndMarks {
    /// For the output behind this door.
    pub fn new(door: &Door) -> Self {
        let mark = format!("\u{1e}aml-debug-end {}\u{1e}", door.token).into_bytes();
        Self { mark, held: Default::default(), seen: [false; 2] }
    }

    /// Bytes of the mark in each stream.
    pub fn length(&self) -> u64 {
        self.mark.len() as u64
    }

    /// The bytes without the mark; what may be the beginning of one is held back. `stream` is 0 or 1.
    pub fn pass(&mut self, stream: usize, bytes: &[u8]) -> Vec<u8> {
        let held = &mut self.held[stream];
        held.extend_from_slice(bytes);
        if let Some(at) = held.windows(self.mark.len()).position(|window| window == self.mark) {
            held.drain(at..at + self.mark.len());
            self.seen[stream] = true;
            return std::mem::take(held);
        }
        let longest = held.len().min(self.mark.len() - 1);
        let tail = (1..=longest).rev().find(|length| self.mark.starts_with(&held[held.len() - length..]));
        let rest = held.split_off(held.len() - tail.unwrap_or(0));
        std::mem::replace(held, rest)
    }

    /// Whether both streams have ended.
    pub fn seen(&self) -> bool {
        self.seen == [true; 2]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door() -> Door {
        Door { folder: "/w".into(), token: "t0".into(), ..Door::default() }
    }

    #[test]
    fn the_end_is_found_however_the_bytes_are_cut_and_nothing_of_the_output_is_lost() {
        let mark = "\u{1e}aml-debug-end t0\u{1e}";
        let written = format!("a\u{1e}b\u{1e}aml-debug-no\n{mark}");
        for cut in 1..written.len() {
            let mut marks = EndMarks::new(&door());
            let mut out = Vec::new();
            for piece in written.as_bytes().chunks(cut) {
                out.extend(marks.pass(0, piece));
            }
            assert_eq!(String::from_utf8_lossy(&out), "a\u{1e}b\u{1e}aml-debug-no\n", "cut {cut}");
            assert!(!marks.seen());
            assert_eq!(marks.pass(1, mark.as_bytes()), b"");
            assert!(marks.seen());
        }
    }

    #[test]
    fn a_file_left_anywhere_in_the_container_is_seen() {
        let plan =
            ContainerPlan { mounts: vec![Mount::Tmpfs { target: "/mnt/a/b".into(), mode: 0o700 }], ..plan() };
        let clean = |changes: &[&str]| {
            is_clean(&changes.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>(), &plan)
        };
        assert!(clean(&["/mnt", "/mnt/a", "/mnt/a/b", "/tmp"]));
        assert!(!clean(&["/mnt/a/c"]));
        assert!(!clean(&["/usr", "/usr/lib/python3/dist-packages/new.py"]));
        assert!(!clean(&["/etc", "/etc/hosts.new"]));
    }

    #[test]
    fn a_run_with_other_arguments_fits_and_one_with_another_folder_does_not() {
        let of = |run: &str, code: &str, argument: &str| {
            let bind =
                |host: PathBuf, target: &str| Mount::Bind { host, target: target.into(), read_only: false };
            let run = Path::new(run);
            let plan = ContainerPlan {
                name: run.display().to_string(),
                command: vec!["sh".into(), argument.into()],
                environment: vec![("AZUREML_RUN_ID".into(), run.display().to_string())],
                mounts: vec![bind(code.into(), "/wd"), bind(run.join("outputs"), "/wd/outputs")],
                ..plan()
            };
            key(&plan, run)
        };
        assert_eq!(of("/runs/1", "/code", "a"), of("/runs/2", "/code", "b"));
        assert_ne!(of("/runs/1", "/code", "a"), of("/runs/1", "/other", "a"));
    }

    fn plan() -> ContainerPlan {
        ContainerPlan {
            name: String::new(),
            image: "base:1".into(),
            command: vec![],
            working_dir: "/wd".into(),
            environment: vec![],
            mounts: vec![],
            files: vec![],
            texts: vec![],
            user: None,
            labels: Default::default(),
            limits: Default::default(),
            grants: Default::default(),
            gpu: false,
        }
    }
}
