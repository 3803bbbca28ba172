//! The end: what ends a run, in which state it ends, and what is cleared away on the way.

use super::card::PhaseName;
use super::effect::Effect;
use super::event::Exit;
use super::{Debugger, End, KILLED, Millis, Run, STOP_GRACE_MS, Stage};
use crate::debuggee;
use crate::failure::{Blame, Failure};
use crate::ids::ContainerId;
use crate::message;
use crate::warm::Kept;

impl Run {
    pub(super) fn exited(&mut self, at: Millis, exit: Exit) -> Vec<Effect> {
        let end = match self.stage {
            Stage::Restarting => return self.ended_to_start_again(),
            Stage::Stopping(end) => end,
            Stage::Starting | Stage::Live(_) => match self.falls(&exit) {
                Some(failure) => return self.fall(at, failure),
                None => self.judge(&exit),
            },
            _ => return vec![],
        };
        self.exit = Some(exit);
        self.end_open_phase(at, end);
        self.card.begin(PhaseName::Collect, at);
        self.stage = Stage::Collecting(end);
        vec![Effect::Collect]
    }

    /// What an exit that nobody asked for means.
    pub(super) fn judge(&mut self, exit: &Exit) -> End {
        let command = self.plan.as_ref().map(|plan| plan.command.clone()).unwrap_or_default();
        let unattended = matches!(self.stage, Stage::Live(Debugger::Expected));
        let failure = if let Some(error) = &exit.error {
            Some(
                Failure::new(Blame::Environment, message!("start.failed"))
                    .with_detail([error.clone()])
                    .with_fix(message!("start.failed.fix")),
            )
        } else if let Some(failure) = self.judge_service(exit) {
            self.failure = Some(failure);
            return End::Failed;
        } else if exit.oom_killed || exit.code == KILLED {
            Some(
                Failure::new(Blame::Code, message!("run.out-of-memory"))
                    .with_fix(message!("run.out-of-memory.fix")),
            )
        } else if exit.code == 127 {
            Some(
                Failure::new(Blame::User, message!("run.command-not-found", command = command))
                    .with_fix(message!("run.command-not-found.fix")),
            )
        } else if let (true, Some(plan)) = (unattended, &self.plan) {
            Some(debuggee::explain_end(&plan.debuggee, exit.code))
        } else if exit.code != 0 {
            let disk_full = exit.last_lines.iter().any(|line| line.contains("No space left on device"));
            let fix = if disk_full { message!("run.disk-full.fix") } else { message!("run.exit-code.fix") };
            Some(
                Failure::new(Blame::Code, message!("run.exit-code", command = command, code = exit.code))
                    .with_fix(fix),
            )
        } else {
            None
        };
        match failure {
            Some(failure) => {
                let detail = failure.detail.iter().chain(&exit.last_lines).cloned().collect::<Vec<_>>();
                self.failure = Some(failure.with_detail(detail));
                End::Failed
            }
            None => End::Completed,
        }
    }

    /// The container is not there any more and did not say how it ended.
    pub(super) fn gone(&mut self, at: Millis) -> Vec<Effect> {
        let end = match self.stage {
            Stage::Stopping(end) => end,
            Stage::Starting | Stage::Live(_) | Stage::Restarting => {
                self.failure = Some(
                    Failure::new(Blame::Environment, message!("run.container-removed"))
                        .with_fix(message!("run.container-removed.fix")),
                );
                End::Failed
            }
            _ => return vec![],
        };
        self.container = None;
        self.end_open_phase(at, end);
        self.card.begin(PhaseName::Collect, at);
        self.stage = Stage::Collecting(end);
        vec![Effect::Collect]
    }

    /// The engine stopped answering. The container may well go on, so the record keeps its id: the next
    /// `aml-debug` that reaches the engine takes the run up again.
    pub(super) fn engine_lost(&mut self, at: Millis, failure: Failure) -> Vec<Effect> {
        if self.is_finished() {
            return vec![];
        }
        self.failure = Some(failure);
        self.end_open_phase(at, End::Lost);
        let mut effects = vec![Effect::Abandon];
        effects.extend(self.finish(End::Lost));
        effects
    }

    pub(super) fn collected(&mut self, at: Millis) -> Vec<Effect> {
        let Stage::Collecting(end) = self.stage else { return vec![] };
        self.card.end_ok(PhaseName::Collect, at, None);
        match (self.container.clone(), self.door.clone()) {
            // Who wanted the end wants no rest of it.
            (Some(container), Some(door)) if matches!(end, End::Completed | End::Failed) => {
                self.stage = Stage::Removing(end);
                vec![Effect::KeepContainer(Box::new(Kept { container, door }))]
            }
            (Some(container), _) => self.remove(container, end),
            (None, _) => self.finish(end),
        }
    }

    /// The last thing before the end, so that a record with an end means that nothing is left behind.
    pub(super) fn remove(&mut self, container: ContainerId, end: End) -> Vec<Effect> {
        self.container = Some(container.clone());
        self.stage = Stage::Removing(end);
        vec![Effect::RemoveContainer(container)]
    }

    pub(super) fn removed(&mut self) -> Vec<Effect> {
        let Stage::Removing(end) = self.stage else { return vec![] };
        self.container = None;
        self.finish(end)
    }

    pub(super) fn cancel(&mut self, at: Millis, at_once: bool) -> Vec<Effect> {
        let failure = Failure::new(Blame::Cancelled, message!("run.cancelled"));
        self.end_with(at, End::Cancelled, failure, if at_once { 0 } else { STOP_GRACE_MS })
    }

    pub(super) fn fail(&mut self, at: Millis, failure: Failure) -> Vec<Effect> {
        self.end_with(at, End::Failed, failure, 0)
    }

    /// Ends the run from wherever it stands.
    pub(super) fn end_with(&mut self, at: Millis, end: End, failure: Failure, grace_ms: u32) -> Vec<Effect> {
        match (&self.stage, self.container.clone()) {
            (Stage::Finished(_), _) => vec![],
            // The first cause stands; a second request only shortens the grace.
            (Stage::Stopping(_), Some(container)) => vec![Effect::StopContainer { container, grace_ms: 0 }],
            (Stage::Collecting(earlier), container) => {
                // Collecting failed: the run's own end stands, and the container goes all the same.
                let earlier = *earlier;
                self.card.end_failed(PhaseName::Collect, at, &failure);
                match container {
                    Some(container) => self.remove(container, earlier),
                    None => self.finish(earlier),
                }
            }
            // What was still asked of the server has no answer any more.
            (Stage::Fallen, _) if end == End::Failed => vec![],
            (Stage::Fallen, Some(_)) => {
                self.failure = Some(failure);
                self.card.begin(PhaseName::Collect, at);
                self.stage = Stage::Collecting(end);
                vec![Effect::Collect]
            }
            // The engine would not remove it: the next sweep over our containers will.
            (Stage::Removing(earlier), _) => {
                let earlier = *earlier;
                self.finish(earlier)
            }
            (Stage::Preparing { cancelled: false }, None) if end == End::Cancelled => {
                self.failure = Some(failure);
                self.end_open_phase(at, end);
                self.stage = Stage::Preparing { cancelled: true };
                vec![]
            }
            (Stage::Preparing { cancelled: true }, None) if end != End::Cancelled => {
                self.finish(End::Cancelled)
            }
            (Stage::Creating { .. }, None) if end == End::Cancelled => {
                self.failure = Some(failure);
                self.end_open_phase(at, end);
                self.stage = Stage::Creating { cancelled: true };
                vec![]
            }
            (_, None) => {
                self.failure = Some(failure);
                self.end_open_phase(at, end);
                let mut effects = vec![Effect::Abandon];
                effects.extend(self.finish(end));
                effects
            }
            (_, Some(container)) => {
                self.failure = Some(failure);
                self.end_open_phase(at, end);
                self.stage = Stage::Stopping(end);
                vec![Effect::StopContainer { container, grace_ms }]
            }
        }
    }

    pub(super) fn end_open_phase(&mut self, at: Millis, end: End) {
        let Some(open) = self.card.open() else { return };
        match (end, &self.failure) {
            (End::Failed | End::Lost, Some(failure)) => self.card.end_failed(open, at, &failure.clone()),
            (End::Cancelled, _) => self.card.end_cancelled(open, at),
            _ => self.card.end_ok(open, at, None),
        }
    }

    pub(super) fn finish(&mut self, end: End) -> Vec<Effect> {
        self.stage = Stage::Finished(end);
        self.gateway_port = None;
        vec![Effect::CloseGateway]
    }
}
