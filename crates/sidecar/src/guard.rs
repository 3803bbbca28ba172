//! What the JSON-RPC framework leaves open, closed: measured in twelve rows of `docs/decisions/0002`.
//!
//! - A handler runs on its own task: a panic is an error reply, a cancelled request drops the work, and
//!   code that blocks stalls one worker only.
//! - No limit on concurrent handlers, so none that waits can keep `cancel` from being heard.
//! - `exit`, the end of either pipe and the end of the editor's process end this process within 100 ms,
//!   whatever is in flight and whether or not anybody reads what is still to be said.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tower_lsp::jsonrpc::{Error, ErrorCode, Request, Result};
use tower_service::Service;

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

/// Why the editor is not there any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// It said `exit`.
    Exit {
        /// And `shutdown` before.
        after_shutdown: bool,
    },
    /// Its process has ended, or its end of a pipe is closed.
    Gone,
}

/// The server's side of a pipe, that says when the editor's side is closed.
pub(crate) struct PipeWatch<P> {
    inner: P,
    left: mpsc::UnboundedSender<Left>,
}

impl<P> PipeWatch<P> {
    pub(crate) fn new(inner: P, left: mpsc::UnboundedSender<Left>) -> Self {
        Self { inner, left }
    }

    fn look<T>(&self, poll: Poll<std::io::Result<T>>, is_closed: bool) -> Poll<std::io::Result<T>> {
        if is_closed || matches!(poll, Poll::Ready(Err(_))) {
            let _ = self.left.send(Left::Gone);
        }
        poll
    }
}

impl<P: AsyncRead + Unpin> AsyncRead for PipeWatch<P> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let poll = Pin::new(&mut self.inner).poll_read(context, buffer);
        let is_closed = poll.is_ready() && buffer.filled().len() == before && buffer.remaining() > 0;
        self.look(poll, is_closed)
    }
}

impl<P: AsyncWrite + Unpin> AsyncWrite for PipeWatch<P> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let poll = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.look(poll, false)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        let poll = Pin::new(&mut self.inner).poll_flush(context);
        self.look(poll, false)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

/// The service, that says when it is told to `exit`: the framework would first write out everything, even
/// to an editor that does not read any more.
pub(crate) struct ExitWatch<S> {
    inner: S,
    after_shutdown: bool,
    left: mpsc::UnboundedSender<Left>,
}

impl<S> ExitWatch<S> {
    pub(crate) fn new(inner: S, left: mpsc::UnboundedSender<Left>) -> Self {
        Self { inner, after_shutdown: false, left }
    }
}

impl<S: Service<Request>> Service<Request> for ExitWatch<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<std::result::Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> S::Future {
        match request.method() {
            "shutdown" => self.after_shutdown = true,
            "exit" => drop(self.left.send(Left::Exit { after_shutdown: self.after_shutdown })),
            _ => {}
        }
        self.inner.call(request)
    }
}

/// Ends the server as if its editor had left when the system asks for its end: a logout, or a remote server of the
/// editor that is stopped and takes its processes along. Without this it would die where it stands, and leave the
/// containers that it keeps warm to their own clocks.
#[cfg(unix)]
pub(crate) fn watch_terminate(left: mpsc::UnboundedSender<Left>) {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut asked) => drop(tokio::spawn(async move {
            if asked.recv().await.is_some() {
                let _ = left.send(Left::Gone);
            }
        })),
        Err(error) => tracing::warn!(%error, "the signal to end cannot be heard"),
    }
}

/// Says when the process with this id has ended; a process that cannot be watched is never said to end.
pub(crate) fn watch_parent(id: u32, left: mpsc::UnboundedSender<Left>) {
    let watch = move || {
        let Ok(id) = i32::try_from(id) else { return };
        if let Ok(mut process) = waitpid_any::WaitHandle::open(id)
            && process.wait().is_ok()
        {
            let _ = left.send(Left::Gone);
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
