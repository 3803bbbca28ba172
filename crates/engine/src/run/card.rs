//! The phase card: each phase with its duration, outcome, cause and fix. The same in the tree, in the log
//! and in `--json`.

use super::Millis;
use crate::failure::Failure;
use crate::message;
use crate::message::Message;
use serde::{Deserialize, Serialize};

/// The phases of a run, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PhaseName {
    /// Spec → plan.
    Resolve,
    /// Environment → image.
    Build,
    /// Image → container.
    Create,
    /// Until the container's first process runs.
    Start,
    /// Until a debugger has attached and the debuggee goes on.
    Attach,
    /// The user's code.
    Run,
    /// Logs, outputs, metrics.
    Collect,
}

impl PhaseName {
    /// The name in words.
    pub fn title(self) -> Message {
        match self {
            PhaseName::Resolve => message!("phase.title.resolve"),
            PhaseName::Build => message!("phase.title.build"),
            PhaseName::Create => message!("phase.title.create"),
            PhaseName::Start => message!("phase.title.start"),
            PhaseName::Attach => message!("phase.title.attach"),
            PhaseName::Run => message!("phase.title.run"),
            PhaseName::Collect => message!("phase.title.collect"),
        }
    }
}

impl std::fmt::Display for PhaseName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            PhaseName::Resolve => "resolve",
            PhaseName::Build => "build",
            PhaseName::Create => "create",
            PhaseName::Start => "start",
            PhaseName::Attach => "attach",
            PhaseName::Run => "run",
            PhaseName::Collect => "collect",
        })
    }
}

/// How a phase ended, or that it has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PhaseOutcome {
    /// Under way.
    Running,
    /// Well.
    Ok,
    /// Not well; the cause says why.
    Failed,
    /// Ended by the user.
    Cancelled,
}

/// One phase of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// Which.
    pub name: PhaseName,
    /// When it began.
    pub began: Millis,
    /// When it ended.
    pub ended: Option<Millis>,
    /// How.
    pub outcome: PhaseOutcome,
    /// Worth knowing of a phase that went well: that the image was reused, say.
    pub note: Option<Message>,
    /// Why it failed.
    pub cause: Option<Message>,
    /// What to do about it.
    pub fix: Option<Message>,
}

/// All phases that a run has entered, in order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PhaseCard(pub Vec<Phase>);

impl PhaseCard {
    pub(crate) fn begin(&mut self, name: PhaseName, at: Millis) {
        self.0.push(Phase {
            name,
            began: at,
            ended: None,
            outcome: PhaseOutcome::Running,
            note: None,
            cause: None,
            fix: None,
        });
    }

    pub(crate) fn end_ok(&mut self, name: PhaseName, at: Millis, note: Option<Message>) {
        self.end(name, at, PhaseOutcome::Ok, |phase| phase.note = note);
    }

    pub(crate) fn end_cancelled(&mut self, name: PhaseName, at: Millis) {
        self.end(name, at, PhaseOutcome::Cancelled, |_| {});
    }

    pub(crate) fn end_failed(&mut self, name: PhaseName, at: Millis, failure: &Failure) {
        self.end(name, at, PhaseOutcome::Failed, |phase| {
            phase.cause = Some(failure.what.clone());
            phase.fix = failure.fix.clone();
        });
    }

    fn end(&mut self, name: PhaseName, at: Millis, outcome: PhaseOutcome, fill: impl FnOnce(&mut Phase)) {
        if let Some(phase) = self.0.iter_mut().rev().find(|phase| phase.name == name && phase.ended.is_none())
        {
            phase.ended = Some(at);
            phase.outcome = outcome;
            fill(phase);
        }
    }

    /// The phase under way.
    pub fn open(&self) -> Option<PhaseName> {
        self.0.iter().rev().find(|phase| phase.ended.is_none()).map(|phase| phase.name)
    }

    /// When a phase began.
    pub fn began(&self, name: PhaseName) -> Option<Millis> {
        self.0.iter().find(|phase| phase.name == name).map(|phase| phase.began)
    }
}
