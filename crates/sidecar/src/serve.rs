//! `aml-debug serve`: the wire, the owner loop and the end of both.
//!
//! The wire is there first: `initialize` is answered while the store is still being opened, and what is
//! asked meanwhile waits in the loop's inbox.

use crate::backend::{self, Heard};
use crate::guard::{self, ExitWatch, Left, PipeWatch};
use crate::handlers;
use crate::main_loop::{self, Event};
use crate::outbox::Outbox;
use crate::settings::Settings;
use crate::state::State;
use crate::store::Store;
use crate::warm;
use engine::failure::{Blame, Failure};
use engine::message;
use engine::run::adopt::Adopter;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinError;
use tower_lsp::Server;

/// How long the container of a debugged run is kept for the next: a change of the code and another look.
const KEEP_WARM_S: u32 = 300;

/// Serves one editor until it leaves: `exit`, the end of a pipe, the end of the editor's process, or the system's
/// wish that it ends.
///
/// Answers with the exit code: 0, or 1 where `exit` came without `shutdown` or `input` was not the
/// protocol.
///
/// # Errors
/// The owner loop has ended by a defect, so that no request would ever be answered.
pub async fn serve(
    mut settings: Settings,
    input: impl AsyncRead + Unpin,
    output: impl AsyncWrite + Unpin,
) -> Result<u8, Failure> {
    let (outbox, notices) = Outbox::new();
    let (events, inbox) = mpsc::unbounded_channel();
    settings.keep_warm_s.get_or_insert(KEEP_WARM_S);
    let mut owner = tokio::spawn(own(settings.clone(), outbox, events.clone(), inbox));

    let (left, mut leaving) = mpsc::unbounded_channel();
    #[cfg(unix)]
    guard::watch_terminate(left.clone());
    let (hear, mut heard) = mpsc::unbounded_channel();
    let (begin, begun) = oneshot::channel();
    let (service, socket) = backend::service(events, hear, notices, begun);
    let (input, output) = (PipeWatch::new(input, left.clone()), PipeWatch::new(output, left.clone()));
    let server = Server::new(input, output, socket)
        .concurrency_level(guard::CONCURRENCY)
        .serve(ExitWatch::new(service, left.clone()));
    tokio::pin!(server);
    let mut begin = Some(begin);
    let left = loop {
        tokio::select! {
            Some(word) = heard.recv() => match word {
                Heard::Editor(process) => guard::watch_parent(process, left.clone()),
                Heard::Ready => drop(begin.take().map(|begin| begin.send(()))),
            },
            left = leaving.recv() => {
                let _ = tokio::time::timeout(guard::LAST_WORDS, &mut server).await;
                break left;
            }
            // By itself it ends only where it cannot tell where the next message begins.
            () = &mut server => break leaving.try_recv().ok(),
            end = &mut owner => return Err(without_owner(end.err().as_ref())),
        }
    };
    owner.abort();
    let _ = tokio::time::timeout(guard::LAST_WORDS, warm::leave(&settings)).await;
    Ok(match left {
        Some(Left::Gone | Left::Exit { after_shutdown: true }) => 0,
        Some(Left::Exit { after_shutdown: false }) | None => 1,
    })
}

fn without_owner(cause: Option<&JoinError>) -> Failure {
    Failure::new(Blame::Internal, message!("internal.task-ended")).with_detail(cause.map(ToString::to_string))
}

/// Opens the store, takes over the runs whose owner is gone, and runs the loop.
///
/// A store that cannot be opened is tried again with every request; until then each is answered with the
/// reason, but those that need no store.
async fn own(
    settings: Settings,
    outbox: Outbox,
    events: mpsc::UnboundedSender<Event>,
    mut inbox: mpsc::UnboundedReceiver<Event>,
) {
    let mut waiting = None;
    loop {
        let home = settings.home.clone();
        let opened = tokio::task::spawn_blocking(move || Store::open(&home)).await;
        let failure = match opened {
            Ok(Ok(store)) => {
                let mut state = State::new(settings, store, outbox, events.clone());
                // Nobody waits for that; what comes of it is told.
                let (adopted, _) = oneshot::channel();
                handlers::adopt::adopt_all(&mut state, Adopter::Staying, adopted);
                if let Some(event) = waiting {
                    let _ = events.send(event);
                }
                drop(events);
                return main_loop::run(state, inbox).await;
            }
            Ok(Err(failure)) => failure,
            Err(cause) => without_owner(Some(&cause)),
        };
        tracing::error!(%failure, "the store could not be opened");
        if let Some(event) = waiting {
            main_loop::answer_without_store(&settings, event, &failure);
        }
        waiting = inbox.recv().await;
        if waiting.is_none() {
            return;
        }
    }
}
