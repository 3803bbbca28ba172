//! What the JSON-RPC framework leaves open, closed: measured in twelve rows of `docs/decisions/0002`.
//!
//! - A handler runs on its own task: a panic is an error reply, a cancelled request drops the work, and
//!   code that blocks stalls one worker only.
//! - No limit on concurrent handlers, so none that waits can keep `cancel` from being heard.
//! - The end of standard input, or of the editor's process, ends this process within 100 ms, whatever is
//!   in flight.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tower_lsp::jsonrpc::{Error, ErrorCode, Result};

/// More than any editor has in flight; the framework's own limit of four makes Stop wait for four builds.
pub(crate) const CONCURRENCY: usize = 10_000;

/// Time for answers in flight to leave after the editor has gone.
pub(crate) const LAST_WORDS: Duration = Duration::from_millis(100);

/// Runs a handler on a task of its own.
pub(crate) async fn guarded<T: Send + 'static>(
    handler: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    let mut task = AbortOnDrop(tokio::spawn(handler));
    match (&mut task.0).await {
        Ok(answer) => answer,
        Err(cause) => Err(Error {
            code: ErrorCode::InternalError,
            message: format!("the handler failed: {cause}").into(),
            data: None,
        }),
    }
}

struct AbortOnDrop<T>(JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Standard input that says when it has ended.
pub(crate) struct EofWatch<R> {
    inner: R,
    ended: mpsc::UnboundedSender<()>,
}

impl<R> EofWatch<R> {
    pub(crate) fn new(inner: R, ended: mpsc::UnboundedSender<()>) -> Self {
        Self { inner, ended }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for EofWatch<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let poll = Pin::new(&mut self.inner).poll_read(context, buffer);
        let ended = match &poll {
            Poll::Ready(Ok(())) => buffer.filled().len() == before && buffer.remaining() > 0,
            Poll::Ready(Err(_)) => true,
            Poll::Pending => false,
        };
        if ended {
            let _ = self.ended.send(());
        }
        poll
    }
}

/// Says when the process with this id has ended; a process that cannot be watched is never said to end.
pub(crate) fn watch_parent(id: u32, ended: mpsc::UnboundedSender<()>) {
    let watch = move || {
        let Ok(id) = i32::try_from(id) else { return };
        if let Ok(mut process) = waitpid_any::WaitHandle::open(id)
            && process.wait().is_ok()
        {
            let _ = ended.send(());
        }
    };
    // A blocking wait for the life of the process: a thread of its own, which ends with ours.
    if let Err(error) = std::thread::Builder::new().name("parent-watch".to_owned()).spawn(watch) {
        tracing::warn!(%error, "the editor's process cannot be watched");
    }
}
