//! The owner loop behind one command, and how the command asks it.

use crate::main_loop::{self, Ask, Event, Reply};
use crate::outbox::{Notice, Outbox};
use crate::settings::Settings;
use crate::state::State;
use crate::store::Store;
use engine::failure::{Blame, Failure};
use engine::message;
use engine::run::adopt::Adopter;
use tokio::sync::{mpsc, oneshot};

/// A loop of this command's own.
pub(crate) struct Session {
    events: mpsc::UnboundedSender<Event>,
    /// What happens to runs.
    pub(crate) notices: mpsc::UnboundedReceiver<Notice>,
}

impl Session {
    /// Opens the store, starts the loop and makes the records of runs true whose owner is gone.
    pub(crate) async fn open(settings: Settings) -> Result<Self, Failure> {
        let mut session = Self::beside(settings)?;
        session.ask(|reply| Ask::Adopt(Adopter::Passing, reply)).await?;
        // What was said of them was said to nobody in particular.
        while session.notices.try_recv().is_ok() {}
        Ok(session)
    }

    /// The same without a look at anybody's runs, for what needs no true record.
    pub(crate) fn beside(settings: Settings) -> Result<Self, Failure> {
        let store = Store::open(&settings.home)?;
        let (outbox, notices) = Outbox::new();
        let (events, inbox) = mpsc::unbounded_channel();
        let state = State::new(settings, store, outbox, events.clone());
        tokio::spawn(main_loop::run(state, inbox));
        Ok(Self { events, notices })
    }

    /// The next thing that happens to a run.
    pub(crate) async fn next(&mut self) -> Result<Notice, Failure> {
        let ended = || Failure::new(Blame::Internal, message!("serve.shutting-down"));
        self.notices.recv().await.ok_or_else(ended)
    }

    /// Asks; whoever waits for the answer is in the question.
    pub(crate) fn send(&self, ask: Ask) {
        let _ = self.events.send(Event::Asked(ask));
    }

    /// Asks the loop and waits for its answer.
    pub(crate) async fn ask<T>(&self, ask: impl FnOnce(Reply<T>) -> Ask) -> Result<T, Failure> {
        let (reply, answer) = oneshot::channel();
        let ended = || Failure::new(Blame::Internal, message!("serve.shutting-down"));
        self.events.send(Event::Asked(ask(reply))).map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?
    }

    /// Asks without waiting.
    pub(crate) fn tell<T>(&self, ask: impl FnOnce(Reply<T>) -> Ask) {
        let (reply, _) = oneshot::channel();
        self.send(ask(reply));
    }
}
