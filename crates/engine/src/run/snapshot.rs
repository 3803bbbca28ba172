//! What the outside sees of a run: one whole value, never a difference.

use super::card::PhaseCard;
use super::service::Serving;
use super::{Debugger, End, Millis, Run, Stage};
use crate::failure::Failure;
use crate::ids::{ContainerId, ImageRef, RunId};
use crate::message;
use crate::message::Arg;
use crate::plan::deployment::Service;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The state words of the product (design section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// Everything before the container runs.
    Preparing,
    /// The debuggee waits for a debugger.
    Waiting,
    /// The user's code runs.
    Running,
    /// It stands at a breakpoint.
    Paused,
    /// It is being ended.
    Stopping,
    /// It ended well.
    Completed,
    /// It did not.
    Failed,
    /// The user ended it.
    Cancelled,
    /// Nobody knows how it ended.
    Lost,
}

/// The words for a state as the wire has it: those of a run, and `pending` and `skipped` of a step. Another stays as it is.
pub fn state_title(word: &str) -> Arg {
    match word {
        "preparing" => message!("state.preparing"),
        "waiting" => message!("state.waiting"),
        "running" => message!("state.running"),
        "paused" => message!("state.paused"),
        "stopping" => message!("state.stopping"),
        "completed" => message!("state.completed"),
        "failed" => message!("state.failed"),
        "cancelled" => message!("state.cancelled"),
        "lost" => message!("state.lost"),
        "pending" => message!("state.pending"),
        "skipped" => message!("state.skipped"),
        _ => return Arg::Plain(word.to_owned()),
    }
    .argument()
}

impl State {
    /// Whether nothing more will happen to the run.
    pub fn is_final(self) -> bool {
        matches!(self, State::Completed | State::Failed | State::Cancelled | State::Lost)
    }

    /// The word itself.
    pub fn word(self) -> &'static str {
        match self {
            State::Preparing => "preparing",
            State::Waiting => "waiting",
            State::Running => "running",
            State::Paused => "paused",
            State::Stopping => "stopping",
            State::Completed => "completed",
            State::Failed => "failed",
            State::Cancelled => "cancelled",
            State::Lost => "lost",
        }
    }
}

/// A run as the outside sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Name of the run.
    pub id: RunId,
    /// Its state.
    pub state: State,
    /// Its phases.
    pub card: PhaseCard,
    /// The image, once known.
    pub image: Option<ImageRef>,
    /// Images of ours that it looks for, builds or builds on, until it has the one it runs from.
    #[serde(default)]
    pub making: Vec<ImageRef>,
    /// The container, while there is one.
    pub container: Option<ContainerId>,
    /// The gateway's port, while it listens.
    pub gateway_port: Option<u16>,
    /// The code folder here and in the container, once the spec is resolved.
    pub mapping: Option<(PathBuf, String)>,
    /// Whether a debugger holds the session.
    #[serde(default)]
    pub attached: bool,
    /// Exit code, once the container has ended.
    pub exit_code: Option<i64>,
    /// What makes it a deployment, once the spec is resolved, and how that stands.
    #[serde(default)]
    pub service: Option<(Service, Serving)>,
    /// Why it did not succeed.
    pub failure: Option<Failure>,
    /// When the run began.
    pub began: Option<Millis>,
}

impl Snapshot {
    /// What may be asked of the run as it stands, in the words of the wire.
    pub fn actions(&self) -> Vec<&'static str> {
        match self.state {
            State::Completed | State::Failed | State::Cancelled | State::Lost => vec!["rerun", "remove"],
            State::Waiting | State::Running | State::Paused if self.gateway_port.is_some() => {
                vec![if self.attached { "takeOver" } else { "attach" }, "cancel"]
            }
            State::Preparing | State::Waiting | State::Running | State::Paused => vec!["cancel"],
            State::Stopping => Vec::new(),
        }
    }
}

impl Run {
    /// The run as the outside sees it.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            id: self.id.clone(),
            state: self.state(),
            card: self.card.clone(),
            image: self.image.as_ref().map(|image| image.reference.clone()),
            making: self.making.clone(),
            container: self.container.clone(),
            gateway_port: self.gateway_port,
            mapping: self.plan.as_ref().map(|plan| (plan.code.clone(), plan.debuggee.remote_root.clone())),
            attached: self.attached,
            exit_code: self.exit.as_ref().map(|exit| exit.code),
            service: self.service().map(|service| (service.clone(), self.serving.clone())),
            failure: self.failure.clone(),
            began: self.card.0.first().map(|phase| phase.began),
        }
    }

    /// The state word.
    pub fn state(&self) -> State {
        match &self.stage {
            Stage::Resolving | Stage::Imaging { .. } | Stage::Starting | Stage::Restarting => {
                State::Preparing
            }
            Stage::Fallen => State::Preparing,
            Stage::Preparing { cancelled: false } => State::Preparing,
            Stage::Preparing { cancelled: true } => State::Stopping,
            Stage::Creating { cancelled: false } => State::Preparing,
            Stage::Creating { cancelled: true } => State::Stopping,
            Stage::Live(Debugger::Expected) => State::Preparing,
            Stage::Live(Debugger::Awaited) => State::Waiting,
            Stage::Live(Debugger::Away | Debugger::Attached) => State::Running,
            Stage::Live(Debugger::Paused) => State::Paused,
            Stage::Stopping(_) => State::Stopping,
            Stage::Collecting(_) | Stage::Removing(_) => State::Stopping,
            Stage::Finished(end) => end.state(),
        }
    }
}

impl End {
    /// The state of what has ended so.
    pub fn state(self) -> State {
        match self {
            End::Completed => State::Completed,
            End::Failed => State::Failed,
            End::Cancelled => State::Cancelled,
            End::Lost => State::Lost,
        }
    }
}
