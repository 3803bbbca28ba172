//! What is different about a run that is a deployment: it is well when it answers, it starts again in place
//! when its code changes, and an end that nobody asked for is a failure whatever its exit code.

use super::card::PhaseName;
use super::effect::Effect;
use super::event::Exit;
use super::{Debugger, Millis, Run, Stage};
use crate::deployment;
use crate::failure::Failure;
use crate::message;
use crate::plan::deployment::Service;
use serde::{Deserialize, Serialize};

/// How a deployment's server stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Serving {
    /// Since when it answers; absent while it starts.
    pub healthy_at: Option<Millis>,
    /// How often it has started again in place.
    pub restarts: u32,
    /// Why the last edit was not taken; the server goes on with the code from before.
    pub refused: Option<Failure>,
    /// How often an edit was not taken.
    pub refusals: u32,
    /// A restart is under way.
    #[serde(skip)]
    restarting: bool,
    /// The code has changed while the server was starting: it may have been read before or after.
    #[serde(skip)]
    changed: bool,
    /// Changes of the code are looked for.
    #[serde(skip)]
    watched: bool,
}

impl Run {
    /// What makes this run a deployment, once its spec is resolved.
    pub fn service(&self) -> Option<&Service> {
        self.plan.as_ref()?.service.as_ref()
    }

    /// Lets the deployment answer on another loopback port; its container is not made yet.
    pub fn answer_on(&mut self, port: u16) {
        if let Some(plan) = &mut self.plan {
            plan.answer_on(port);
        }
    }

    /// The server's container runs. Without a debugger the start lasts until it answers; with one a person
    /// stands in between, and how long that takes says nothing.
    pub(super) fn service_started(&mut self) -> Vec<Effect> {
        self.serving.healthy_at = None;
        vec![Effect::AwaitHealth]
    }

    pub(super) fn healthy(&mut self, at: Millis) -> Vec<Effect> {
        match self.stage {
            Stage::Starting => {
                let again = self.serving.restarts > 0;
                self.card.end_ok(PhaseName::Start, at, again.then(|| message!("deployment.started-again")));
                self.card.begin(PhaseName::Run, at);
                self.stage = Stage::Live(Debugger::Away);
            }
            // It answers, so it has imported the user's code, and nobody could have stopped in it.
            Stage::Live(Debugger::Expected) => {
                let plan = self.plan.as_ref();
                let failure = plan.map(|plan| deployment::explain_unseen(&plan.debuggee));
                return failure.map(|failure| self.fail(at, failure)).unwrap_or_default();
            }
            Stage::Live(_) => {}
            _ => return vec![],
        }
        self.serving.healthy_at = Some(at);
        let mut effects = self.watch_code();
        effects.extend(self.restart_if_changed());
        effects
    }

    /// Looks for changes of the code from here on, once.
    pub(super) fn watch_code(&mut self) -> Vec<Effect> {
        if std::mem::replace(&mut self.serving.watched, true) { vec![] } else { vec![Effect::WatchCode] }
    }

    /// A worker has died. The server starts another, which the start hook chooses as it chose this one, and the
    /// relay is there already: whoever is attached goes on in it.
    pub(super) fn worker_ended(&mut self) -> Vec<Effect> {
        let Stage::Live(stand) = self.stage else { return vec![] };
        self.stage = Stage::Live(match stand {
            Debugger::Away => Debugger::Away,
            _ if self.attached => Debugger::Attached,
            _ => Debugger::Expected,
        });
        // Whoever asks whether it answers asks until it does.
        let answered = self.serving.healthy_at.take().is_some();
        answered.then_some(Effect::AwaitHealth).into_iter().collect()
    }

    /// The user's code has changed, or the user asks.
    pub(super) fn restart(&mut self) -> Vec<Effect> {
        if !self.service().is_some_and(|service| service.has_workers) {
            return vec![];
        }
        let (Stage::Live(stand), Some(container), false) =
            (&self.stage, self.container.clone(), self.serving.restarting)
        else {
            self.serving.changed = true;
            return vec![];
        };
        let attended = matches!(stand, Debugger::Awaited | Debugger::Attached | Debugger::Paused);
        self.serving.restarting = true;
        vec![Effect::RestartServer { container, attended }]
    }

    fn restart_if_changed(&mut self) -> Vec<Effect> {
        if std::mem::take(&mut self.serving.changed) { self.restart() } else { vec![] }
    }

    /// The old workers are gone and a new one is starting.
    pub(super) fn restarted(&mut self, at: Millis, attended: bool) -> Vec<Effect> {
        self.serving.refused = None;
        self.serving.restarts += 1;
        self.serving.healthy_at = None;
        self.serving.restarting = false;
        let (Stage::Live(_), Some(container)) = (&self.stage, self.container.clone()) else { return vec![] };
        if let Some(open) = self.card.open() {
            self.card.end_ok(open, at, None);
        }
        self.card.begin(PhaseName::Start, at);
        self.stage = Stage::Starting;
        let mut effects = vec![Effect::AwaitHealth];
        if self.wish.debug {
            self.report = None;
            effects.push(Effect::OpenRelay(container));
            self.comes_back = attended;
            if attended {
                self.card.end_ok(PhaseName::Start, at, Some(message!("deployment.started-again")));
                self.card.begin(PhaseName::Attach, at);
                self.stage = Stage::Live(Debugger::Expected);
            }
        }
        effects
    }

    /// The code as it stands cannot be loaded, so the server goes on with what it has.
    pub(super) fn restart_refused(&mut self, failure: Failure) -> Vec<Effect> {
        self.serving.restarting = false;
        let mut told = failure.what.text();
        failure.detail.iter().for_each(|line| told.push_str(&format!("\n    {line}")));
        let note = Effect::Note(message!("deployment.kept", problem = told));
        self.serving.refused = Some(failure);
        self.serving.refusals += 1;
        let mut effects = vec![note];
        effects.extend(self.restart_if_changed());
        effects
    }

    /// What an end that nobody asked for means for a server.
    pub(super) fn judge_service(&self, exit: &Exit) -> Option<Failure> {
        let service = self.service()?;
        if exit.error.is_some() || exit.oom_killed {
            return None;
        }
        Some(deployment::explain_end(service, self.image.as_ref(), exit))
    }
}
