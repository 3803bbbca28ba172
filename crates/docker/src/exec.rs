//! A further program in a running container, with pipes: the debug relay goes through here, so nothing
//! waits to be filled and every write goes out as it is.

use crate::{Docker, Error, Verb};
use bollard::container::LogOutput;
use bollard::exec::StartExecResults;
use bollard::models::ExecConfig;
use bytes::Bytes;
use engine::ids::ContainerId;
use futures::{Stream, StreamExt};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncWrite, AsyncWriteExt};

/// Enough of standard error to say why a relay failed, and a bound for one that floods it.
const COMPLAINT: usize = 16 * 1024;

/// A program that runs in a container besides its own.
pub struct Exec {
    /// Its standard output.
    pub reader: ExecReader,
    /// Its standard input.
    pub writer: ExecWriter,
}

/// Standard output of an [`Exec`], chunk by chunk as it was written; for `AsyncRead`, wrap it in
/// `tokio_util::io::StreamReader`. What arrives on standard error meanwhile is kept aside.
pub struct ExecReader {
    docker: Docker,
    container: ContainerId,
    exec: String,
    output: Pin<Box<dyn Stream<Item = Result<LogOutput, bollard::errors::Error>> + Send>>,
    complaint: Vec<u8>,
}

/// Standard input of an [`Exec`]. Shutting it down is the program's end of file.
pub struct ExecWriter(Pin<Box<dyn AsyncWrite + Send>>);

/// How an [`Exec`] ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecEnd {
    /// Its exit code; `None` if it still runs or the container is gone.
    pub code: Option<i64>,
    /// The first 16 KiB of its standard error.
    pub stderr: String,
}

impl Docker {
    /// Runs a program in the container, as the container's own user.
    pub async fn exec(&self, id: &ContainerId, argv: &[&str]) -> Result<Exec, Error> {
        let failed = |error| self.failed(Verb::Exec(id.clone()), error);
        let config = ExecConfig {
            attach_stdin: Some(true),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            tty: Some(false),
            cmd: Some(argv.iter().map(|&word| word.to_owned()).collect()),
            ..ExecConfig::default()
        };
        let exec = self.quick.create_exec(id.as_str(), config).await.map_err(failed)?.id;
        match self.quick.start_exec(&exec, None).await.map_err(failed)? {
            StartExecResults::Attached { output, input } => Ok(Exec {
                reader: ExecReader {
                    docker: self.clone(),
                    container: id.clone(),
                    exec,
                    output,
                    complaint: Vec::new(),
                },
                writer: ExecWriter(input),
            }),
            StartExecResults::Detached => Err(self.ended_early(Verb::Exec(id.clone()))),
        }
    }

    /// Runs a program to its end with nothing on its standard input.
    pub async fn exec_to_end(&self, id: &ContainerId, argv: &[&str]) -> Result<(Bytes, ExecEnd), Error> {
        let Exec { mut reader, mut writer } = self.exec(id, argv).await?;
        // A program that is gone already has closed its input, and that is no failure.
        let _ = writer.shutdown().await;
        let mut output = Vec::new();
        while let Some(chunk) = reader.next().await {
            output.extend_from_slice(&chunk?);
        }
        Ok((output.into(), reader.end().await?))
    }
}

impl ExecReader {
    /// What the program has written on standard error so far, its first 16 KiB.
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.complaint).into_owned()
    }

    /// How it ended; to be asked when the stream has ended.
    pub async fn end(self) -> Result<ExecEnd, Error> {
        let stderr = self.stderr();
        let facts = self
            .docker
            .quick
            .inspect_exec(&self.exec)
            .await
            .map_err(|error| self.docker.failed(Verb::Exec(self.container.clone()), error))?;
        let code = facts.exit_code.filter(|_| facts.running != Some(true));
        Ok(ExecEnd { code, stderr })
    }
}

impl Stream for ExecReader {
    type Item = Result<Bytes, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            match this.output.as_mut().poll_next(cx) {
                Poll::Ready(Some(Ok(LogOutput::StdErr { message }))) => {
                    let room = COMPLAINT.saturating_sub(this.complaint.len()).min(message.len());
                    this.complaint.extend_from_slice(&message[..room]);
                }
                Poll::Ready(Some(Ok(output))) => return Poll::Ready(Some(Ok(output.into_bytes()))),
                Poll::Ready(Some(Err(error))) => {
                    let verb = Verb::Exec(this.container.clone());
                    return Poll::Ready(Some(Err(this.docker.failed(verb, error))));
                }
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl AsyncWrite for ExecWriter {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.as_mut().poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.as_mut().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.as_mut().poll_shutdown(cx)
    }
}
