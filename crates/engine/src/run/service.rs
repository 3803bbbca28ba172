//! What is different about a run that is a deployment: it is well when it answers, it starts again in place
//! when its code changes, and an end that nobody asked for is a failure whatever its exit code.

use super::card::PhaseName;
use super::effect::Effect;
use super::event::Exit;
use super::{Debugger, Millis, Run, Stage};
use crate::deployment;
use crate::failure::Failure;
use crate::ids::ContainerId;
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
    /// Why the last edit was not taken. The server goes on with the code from before; where it could not be told
    /// before the old code was gone, it waits for the next edit.
    pub refused: Option<Failure>,
    /// How often an edit was not taken.
    pub refusals: u32,
    /// Whether it has ever answered: from then on, an edit is what keeps it from doing so again.
    has_answered: bool,
    /// The code as it stands keeps the server from answering.
    #[serde(skip)]
    fallen: bool,
    /// A restart is under way.
    #[serde(skip)]
    restarting: bool,
    /// The code has changed while the server was starting: it may have been read before or after.
    #[serde(skip)]
    changed: bool,
    /// Somebody has asked for another start while the server was starting.
    #[serde(skip)]
    asked: bool,
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
        // Before the code is read: whoever stands in the first init() may well correct it.
        let mut effects = self.watch_code();
        effects.push(Effect::AwaitHealth);
        if self.holds_the_next_worker() {
            self.serving.changed = false;
        }
        effects
    }

    /// Whether a worker that starts stands before a line of the user's until somebody attends it: it has the code as
    /// it is then. Of several workers only one may.
    fn holds_the_next_worker(&self) -> bool {
        self.wish.debug && !self.wish.children
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
        self.serving.has_answered = true;
        if std::mem::take(&mut self.serving.fallen) {
            self.serving.refused = None;
        }
        self.restart_if_changed(at)
    }

    /// Looks for changes of the code, once; those too that nobody saw while the run had no owner.
    pub(super) fn watch_code(&mut self) -> Vec<Effect> {
        if std::mem::replace(&mut self.serving.watched, true) {
            return vec![];
        }
        // What came before it answered is in it.
        vec![Effect::WatchCode { since: self.serving.healthy_at }]
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

    /// The user's code has changed.
    pub(super) fn code_changed(&mut self, at: Millis) -> Vec<Effect> {
        let (stands, starts) = match self.stage {
            Stage::Live(Debugger::Expected) => (self.holds_the_next_worker(), true),
            Stage::Live(_) => (false, self.serving.restarting || self.serving.fallen),
            Stage::Fallen => (false, false),
            _ => (false, true),
        };
        if starts {
            self.serving.changed = !stands;
            self.forget_the_fall();
            return vec![];
        }
        self.restart(at)
    }

    /// The next start is one of other code.
    fn forget_the_fall(&mut self) {
        if self.serving.fallen {
            self.serving.refused = None;
        }
    }

    /// The user's code has changed, or the user asks.
    pub(super) fn restart(&mut self, at: Millis) -> Vec<Effect> {
        if !self.service().is_some_and(|service| service.has_workers) {
            return vec![];
        }
        if let (Stage::Fallen, Some(container)) = (&self.stage, self.container.clone()) {
            return self.rise(at, container);
        }
        // Its container is about to end, or its supervisor starts it again and again, with code from before or after.
        if self.serving.fallen {
            self.forget_the_fall();
            self.serving.asked = true;
            return vec![];
        }
        let (Stage::Live(stand), Some(container), false) =
            (&self.stage, self.container.clone(), self.serving.restarting)
        else {
            self.serving.asked = true;
            return vec![];
        };
        // There is no worker yet that could be ended.
        if *stand == Debugger::Expected {
            self.serving.asked = true;
            return vec![];
        }
        let attended = matches!(stand, Debugger::Awaited | Debugger::Attached | Debugger::Paused);
        self.serving.restarting = true;
        vec![Effect::RestartServer { container, attended }]
    }

    fn restart_if_changed(&mut self, at: Millis) -> Vec<Effect> {
        if self.is_to_start_again() { self.restart(at) } else { vec![] }
    }

    /// Asked once: the next start answers it.
    fn is_to_start_again(&mut self) -> bool {
        let changed = std::mem::take(&mut self.serving.changed);
        std::mem::take(&mut self.serving.asked) || changed
    }

    /// The old workers are gone and a new one is starting.
    pub(super) fn restarted(&mut self, at: Millis, attended: bool) -> Vec<Effect> {
        if !std::mem::take(&mut self.serving.restarting) {
            // Its container has ended meanwhile.
            return vec![];
        }
        self.serving.refused = None;
        self.serving.restarts += 1;
        self.serving.healthy_at = None;
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
                if self.holds_the_next_worker() {
                    self.serving.changed = false;
                }
                self.card.end_ok(PhaseName::Start, at, Some(message!("deployment.started-again")));
                self.card.begin(PhaseName::Attach, at);
                self.stage = Stage::Live(Debugger::Expected);
            }
        }
        effects
    }

    /// The code as it stands cannot be loaded, so the server goes on with what it has.
    pub(super) fn restart_refused(&mut self, at: Millis, failure: Failure) -> Vec<Effect> {
        if !std::mem::take(&mut self.serving.restarting) {
            return vec![];
        }
        let mut told = failure.what.text();
        failure.detail.iter().for_each(|line| told.push_str(&format!("\n    {line}")));
        let note = Effect::Note(message!("deployment.kept", problem = told));
        self.serving.refused = Some(failure);
        self.serving.refusals += 1;
        let mut effects = vec![note];
        effects.extend(self.restart_if_changed(at));
        effects
    }

    /// What in the user's code has ended the server, if it is an edit: there is somebody who sees the next one, and
    /// with the code from before it has answered.
    pub(super) fn falls(&self, exit: &Exit) -> Option<Failure> {
        let service = self.service().filter(|service| service.has_workers)?;
        if !(self.serving.has_answered && self.serving.watched) || exit.error.is_some() || exit.oom_killed {
            return None;
        }
        deployment::explain_boot(service, &exit.last_lines)
    }

    /// The container stays, to be started again with the next edit.
    pub(super) fn fall(&mut self, at: Millis, failure: Failure) -> Vec<Effect> {
        if let Some(open) = self.card.open() {
            self.card.end_failed(open, at, &failure);
        }
        self.stage = Stage::Fallen;
        // It was saved again while the server was starting.
        match self.is_to_start_again() {
            true => self.restart(at),
            false => self.note_fall(failure),
        }
    }

    /// The log says that the server will not come up as it is.
    pub(super) fn cannot_serve(&mut self, at: Millis, failure: Failure) -> Vec<Effect> {
        if !matches!(self.stage, Stage::Starting | Stage::Live(_)) {
            return vec![];
        }
        if !self.serving.has_answered {
            return self.fail(at, failure);
        }
        let mut effects = self.note_fall(failure);
        effects.push(Effect::AwaitHealth);
        effects
    }

    /// A server below a supervisor says the same again and again.
    fn note_fall(&mut self, failure: Failure) -> Vec<Effect> {
        let name = self.service().map(Service::full_name).unwrap_or_default();
        let failure = failure.with_fix(message!("deployment.fallen.fix", name = name));
        self.serving.healthy_at = None;
        self.serving.restarting = false;
        self.serving.fallen = true;
        if self.serving.refused.as_ref().is_some_and(|known| known.what == failure.what) {
            return vec![];
        }
        let said = Effect::Say(message!("deployment.fallen", problem = failure.what));
        self.serving.refused = Some(failure);
        self.serving.refusals += 1;
        vec![said]
    }

    /// Starts the container that an edit has ended, under the session that is there.
    fn rise(&mut self, at: Millis, container: ContainerId) -> Vec<Effect> {
        self.serving = Serving {
            healthy_at: None,
            restarts: self.serving.restarts + 1,
            refused: None,
            fallen: false,
            restarting: false,
            ..self.serving.clone()
        };
        self.report = None;
        self.comes_back = self.attached;
        self.card.begin(PhaseName::Start, at);
        self.stage = Stage::Starting;
        vec![Effect::StartContainer(container, None)]
    }

    /// What an end that nobody asked for means for a server.
    pub(super) fn judge_service(&self, exit: &Exit) -> Option<Failure> {
        let service = self.service()?;
        if exit.error.is_some() || exit.oom_killed {
            return None;
        }
        let refused = self.serving.refused.as_ref().filter(|_| self.serving.healthy_at.is_none());
        Some(deployment::explain_end(service, self.image.as_ref(), refused, exit))
    }
}
