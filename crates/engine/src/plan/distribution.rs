//! Several processes of one command on this machine, with the variables by which a node of Azure ML tells
//! them apart.
//!
//! The processes share the container: what they find under `MASTER_ADDR` is its own loopback.

use super::command::shell;
use crate::message;
use crate::message::Message;
use crate::spec::job::{CommandJob, Distribution};

const LAUNCHER: &str = include_str!("distribution/launcher.sh");

/// Program and arguments that run the command as often as the job asks for, and what differs from Azure.
pub(super) fn command(job: &CommandJob, command: &str) -> (Vec<String>, Vec<Message>) {
    let mut notes = Vec::new();
    if let Some(count) = job.instance_count.filter(|count| *count > 1) {
        notes.push(message!("plan.instance-count", count = count));
    }
    let Some(Distribution { kind, processes_per_instance }) = &job.distribution else {
        return (shell(command), notes);
    };
    if !matches!(kind.as_str(), "pytorch" | "mpi") {
        notes.push(message!("plan.distribution", kind = kind));
        return (shell(command), notes);
    }
    let count = processes_per_instance.unwrap_or(1).max(1).to_string();
    let words = ["/bin/sh", "-c", LAUNCHER, "aml-debug", kind, &count, command.trim_end()];
    (words.map(str::to_owned).to_vec(), notes)
}
