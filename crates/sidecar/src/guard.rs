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

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_handler_that_panics_is_an_error_reply() {
        let defect = || -> Result<u32> { panic!("a defect") };
        let error = guarded(async move { defect() }).await.expect_err("no answer can come of it");
        assert_eq!(error.code, ErrorCode::InternalError);
        assert!(error.message.contains("a defect"), "{error}");
        assert_eq!(guarded(async { Ok(7) }).await, Ok(7));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_handler_that_blocks_its_thread_delays_no_other() {
        let blocking = guarded(async {
            std::thread::sleep(Duration::from_millis(500));
            Ok(())
        });
        let quick = async {
            // The blocking one has a thread by now.
            tokio::time::sleep(Duration::from_millis(50)).await;
            let begin = Instant::now();
            guarded(async { Ok(()) }).await.map(|()| begin.elapsed())
        };
        let (blocked, quick) = tokio::join!(blocking, quick);
        assert_eq!(blocked, Ok(()));
        let quick = quick.expect("it answers");
        assert!(quick < Duration::from_millis(300), "it took {quick:?}");
    }

    #[tokio::test]
    async fn a_handler_that_nobody_waits_for_any_more_is_dropped() {
        let (alive, dropped) = tokio::sync::oneshot::channel::<()>();
        let handler = guarded(async move {
            std::future::pending::<()>().await;
            drop(alive);
            Ok(())
        });
        assert!(tokio::time::timeout(Duration::from_millis(20), handler).await.is_err());
        assert!(dropped.await.is_err(), "its end is seen by what it held");
    }
}
