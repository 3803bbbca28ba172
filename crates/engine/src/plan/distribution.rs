//! Several processes of one command on this machine, with the variables by which a node of Azure ML tells
//! them apart.
//!
//! The processes share the container: what they find under `MASTER_ADDR`, or in `TF_CONFIG`, is its own loopback.

use super::command::shell;
use crate::message;
use crate::message::Message;
use crate::spec::job::{CommandJob, Distribution};

const LAUNCHER: &str = include_str!("distribution/launcher.sh");

/// Program and arguments that run the command as often as the job asks for, and what differs from Azure.
pub(super) fn command(job: &CommandJob, command: &str) -> (Vec<String>, Vec<Message>) {
    let mut notes = Vec::new();
    let Some(Distribution { kind, processes_per_instance, roles }) = &job.distribution else {
        notes.extend(instances(job));
        return (shell(command), notes);
    };
    // TensorFlow counts the processes of all nodes, and all of them are on this one.
    let (count, servers) = match (kind.as_str(), roles) {
        ("pytorch" | "mpi", _) => {
            notes.extend(instances(job));
            (processes_per_instance.unwrap_or(1), 0)
        }
        ("tensorflow", Some((workers, servers))) => (workers.or(job.instance_count).unwrap_or(1), *servers),
        ("tensorflow", None) => (job.instance_count.unwrap_or(1), 0),
        _ => {
            notes.extend(instances(job));
            notes.push(message!("plan.distribution", kind = kind));
            return (shell(command), notes);
        }
    };
    let (count, servers) = (count.max(1).to_string(), servers.max(0).to_string());
    let words = ["/bin/sh", "-c", LAUNCHER, "aml-debug", kind, &count, command.trim_end(), &servers];
    (words.map(str::to_owned).to_vec(), notes)
}

/// What is said of other machines that the job would have.
fn instances(job: &CommandJob) -> Option<Message> {
    let count = job.instance_count.filter(|count| *count > 1)?;
    Some(message!("plan.instance-count", count = count))
}
