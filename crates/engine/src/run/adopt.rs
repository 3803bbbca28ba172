//! Taking over a run whose owner is gone. The stored run says what was meant, the engine says what is there.

use super::card::PhaseName;
use super::effect::Effect;
use super::{Debugger, End, Millis, Run, Stage};
use crate::failure::{Blame, Failure};
use crate::ids::ContainerId;
use crate::message;

/// What the engine knows of the run's container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// None of that run.
    Nothing,
    /// Created, never started.
    Created(ContainerId),
    /// Its first process runs.
    Running(ContainerId),
    /// It has ended.
    Exited(ContainerId),
}

/// For how long the process that takes over will be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adopter {
    /// It stays until the run ends: it follows the run and lets a debugger attach again.
    Staying,
    /// It is on its way to something else: it makes the record true and leaves the container alone.
    Passing,
}

impl Run {
    /// Takes the run over and says what has to happen for its record to become true.
    pub fn adopt(mut self, at: Millis, found: Found, adopter: Adopter) -> (Self, Vec<Effect>) {
        self.last_progress = at;
        self.gateway_port = None;
        let effects = match found {
            Found::Nothing => self.adopt_nothing(at),
            // What was to start again has been ended for it.
            Found::Exited(container) if matches!(self.stage, Stage::Restarting | Stage::Creating { .. }) => {
                let end = self.end_without_owner(at);
                self.remove(container, end)
            }
            // Its removal comes before the end, as it always does: a record with an end leaves nothing behind.
            Found::Created(container) => {
                let end = self.end_without_owner(at);
                self.remove(container, end)
            }
            Found::Running(container) => self.adopt_running(at, container, adopter),
            // Logs and outputs were in hand when its owner went; what is left is the removal.
            Found::Exited(container) if matches!(self.stage, Stage::Removing(_)) => {
                self.container = Some(container.clone());
                vec![Effect::RemoveContainer(container)]
            }
            // It waits for the next edit, and nobody has seen whether there was one.
            Found::Exited(container) if self.stage == Stage::Fallen && adopter == Adopter::Staying => {
                self.container = Some(container);
                let gateway = self.wish.debug.then_some(Effect::OpenGateway);
                gateway.into_iter().chain(self.watch_code()).chain(self.restart(at)).collect()
            }
            // Following it brings the rest of its log first, and then its end.
            Found::Exited(container) => {
                self.revive(at, container.clone());
                vec![Effect::Follow(container, self.door.clone())]
            }
        };
        (self, effects)
    }

    fn adopt_nothing(&mut self, at: Millis) -> Vec<Effect> {
        self.container = None;
        match self.stage {
            Stage::Finished(_) => vec![],
            Stage::Collecting(_) => vec![Effect::Collect],
            _ => {
                let end = self.end_without_owner(at);
                self.finish(end)
            }
        }
    }

    /// How a run ends whose command can have done nothing since its owner went.
    fn end_without_owner(&mut self, at: Millis) -> End {
        let end = match self.stage {
            Stage::Finished(end) | Stage::Removing(end) | Stage::Collecting(end) => return end,
            // The stop was asked for and it did stop: the record says what the user meant.
            Stage::Stopping(end) => end,
            Stage::Preparing { cancelled: true } | Stage::Creating { cancelled: true } => End::Cancelled,
            // Nobody has to look after a server that answers.
            Stage::Live(_) if self.serving.healthy_at.is_some() => {
                let fix = message!("adopt.owner-gone.fix", run = self.id);
                self.failure =
                    Some(Failure::new(Blame::Environment, message!("adopt.server-gone")).with_fix(fix));
                End::Lost
            }
            _ => {
                let phase = self.card.open().unwrap_or(PhaseName::Resolve);
                self.failure = Some(
                    Failure::new(Blame::Environment, message!("adopt.owner-gone", phase = phase.title()))
                        .with_fix(message!("adopt.owner-gone.fix", run = self.id)),
                );
                End::Lost
            }
        };
        self.end_open_phase(at, end);
        end
    }

    fn adopt_running(&mut self, at: Millis, container: ContainerId, adopter: Adopter) -> Vec<Effect> {
        self.revive(at, container.clone());
        if let Stage::Stopping(_) = self.stage {
            let follow = Effect::Follow(container.clone(), self.door.clone());
            return vec![follow, Effect::StopContainer { container, grace_ms: 0 }];
        }
        if adopter == Adopter::Passing {
            return vec![Effect::CatchUp(container, self.door.clone())];
        }
        let mut effects = vec![Effect::Follow(container.clone(), self.door.clone())];
        if self.service().is_some() {
            effects.extend(self.watch_code());
        }
        if self.service().is_some() && self.serving.healthy_at.is_none() {
            effects.push(Effect::AwaitHealth);
        }
        if self.wish.debug {
            effects.push(Effect::OpenGateway);
            effects.push(Effect::OpenRelay(container));
        }
        effects
    }

    /// Puts the stage where a run with a container that has been started must stand.
    fn revive(&mut self, at: Millis, container: ContainerId) {
        self.container = Some(container);
        self.stage = match self.stage {
            Stage::Stopping(end) => Stage::Stopping(end),
            // Whoever was attached is not any more, and a paused debuggee still stands where it stood.
            Stage::Live(Debugger::Attached) => Stage::Live(Debugger::Away),
            Stage::Live(stand) => Stage::Live(stand),
            _ if self.wish.debug && self.report.is_none() => Stage::Live(Debugger::Expected),
            _ => Stage::Live(Debugger::Away),
        };
        if self.card.open().is_none_or(|phase| phase < PhaseName::Attach) {
            self.end_open_phase(at, End::Completed);
            let phase = match self.stage {
                Stage::Live(Debugger::Expected | Debugger::Awaited) => PhaseName::Attach,
                _ => PhaseName::Run,
            };
            self.card.begin(phase, at);
        }
        if let Some(failure) = &self.failure
            && failure.blame == Blame::Environment
        {
            // The run was given up for lost and is found again.
            self.failure = None;
        }
    }
}
