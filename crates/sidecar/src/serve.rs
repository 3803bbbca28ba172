//! `aml-debug serve`: the wire, the owner loop and the end of both.

use crate::backend;
use crate::guard::{self, EofWatch};
use crate::main_loop::{self, Ask, Event};
use crate::outbox::Outbox;
use crate::settings::Settings;
use crate::state::State;
use crate::store::Store;
use engine::failure::Failure;
use engine::run::adopt::Adopter;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot};
use tower_lsp::Server;

/// Serves one editor until it leaves: `exit`, the end of `input`, or the end of the editor's process.
pub async fn serve(
    settings: Settings,
    input: impl AsyncRead + Unpin,
    output: impl AsyncWrite,
) -> Result<(), Failure> {
    let store = Store::open(&settings.home)?;
    let (outbox, notices) = Outbox::new();
    let (events, inbox) = mpsc::unbounded_channel();
    let state = State::new(settings, store, outbox, events.clone());
    let owner = tokio::spawn(main_loop::run(state, inbox));

    // Runs whose owner is gone are ours now; nobody waits for that.
    let (adopted, _) = oneshot::channel();
    let _ = events.send(Event::Asked(Ask::Adopt(Adopter::Staying, adopted)));

    let (ended, mut end) = mpsc::unbounded_channel();
    let (parent, mut parents) = mpsc::unbounded_channel();
    let (service, socket) = backend::service(events, parent, notices);
    let server = Server::new(EofWatch::new(input, ended.clone()), output, socket)
        .concurrency_level(guard::CONCURRENCY)
        .serve(service);
    tokio::pin!(server);
    loop {
        tokio::select! {
            () = &mut server => break,
            Some(id) = parents.recv() => guard::watch_parent(id, ended.clone()),
            _ = end.recv() => {
                let _ = tokio::time::timeout(guard::LAST_WORDS, &mut server).await;
                break;
            }
        }
    }
    owner.abort();
    Ok(())
}
