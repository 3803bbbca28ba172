//! What a container writes, as bytes. A chunk is a frame of the engine's and not a line, and a character
//! may straddle two; making lines is the `engine` crate's business.

use crate::{Docker, Error, State, Verb};
use bollard::container::LogOutput;
use bollard::query_parameters::{AttachContainerOptionsBuilder, LogsOptionsBuilder};
use bytes::Bytes;
use engine::ids::ContainerId;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use std::time::Duration;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LogStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Some bytes of a container's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogChunk {
    /// Where they were written.
    pub stream: LogStream,
    /// The bytes.
    pub bytes: Bytes,
}

/// A container's output, to its end. An item that is an error is the last one.
pub type OutputStream = BoxStream<'static, Result<LogChunk, Error>>;

/// Which part of the output is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogWindow {
    /// Seconds since 1970; `None` is everything.
    pub since: Option<i32>,
    /// Whether to go on until the container ends.
    pub follow: bool,
}

impl Docker {
    /// The output from now on. Taken before the start it misses nothing, and it is several times faster
    /// than [`Docker::logs`].
    ///
    /// The stream's end means that the container's output has ended. If the connection was cut instead,
    /// the last item is an error that says so.
    pub async fn attach(&self, id: &ContainerId) -> Result<OutputStream, Error> {
        let options = AttachContainerOptionsBuilder::default().stream(true).stdout(true).stderr(true).build();
        let attached = self
            .quick
            .attach_container(id.as_str(), Some(options))
            .await
            .map_err(|error| self.failed(Verb::Follow(id.clone()), error))?;
        let (this, id) = (self.clone(), id.clone());
        let (on_error, name) = (self.clone(), id.clone());
        let chunks = attached
            .output
            .map_err(move |error| on_error.failed(Verb::Follow(name.clone()), error))
            .map_ok(chunk);
        // An upgraded connection ends without a word, whether the container has ended or the engine has.
        let end = futures::stream::once(async move { this.output_ended(&id).await })
            .filter_map(|end| async move { end.err().map(Err) });
        Ok(chunks.chain(end).boxed())
    }

    async fn output_ended(&self, id: &ContainerId) -> Result<(), Error> {
        // The output ends a moment before the engine notes the exit.
        for patience in [0, 20, 100, 400, 1000, 2000] {
            tokio::time::sleep(Duration::from_millis(patience)).await;
            match self.inspect(id).await {
                Ok(Some(facts)) if matches!(facts.state, State::Running | State::Paused) => {}
                Ok(_) => return Ok(()),
                Err(error) => return Err(Error { verb: Verb::Follow(id.clone()), ..error }),
            }
        }
        Err(self.ended_early(Verb::Follow(id.clone())))
    }

    /// What the engine has kept of the output.
    pub fn logs(&self, id: &ContainerId, window: LogWindow) -> OutputStream {
        let mut options = LogsOptionsBuilder::default().stdout(true).stderr(true).follow(window.follow);
        if let Some(since) = window.since {
            options = options.since(since);
        }
        let (this, id) = (self.clone(), id.clone());
        self.quick
            .logs(id.as_str(), Some(options.build()))
            .map_err(move |error| this.failed(Verb::Follow(id.clone()), error))
            .map_ok(chunk)
            .boxed()
    }
}

fn chunk(output: LogOutput) -> LogChunk {
    let stream = match output {
        LogOutput::StdErr { .. } => LogStream::Stderr,
        _ => LogStream::Stdout,
    };
    LogChunk { stream, bytes: output.into_bytes() }
}
