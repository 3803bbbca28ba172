//! `--break`: a debugger of our own, through the gateway like any other, that tells each stop and goes on.

use engine::dap::breaker::{BreakClient, BreakOutput, Breakpoint, Missed, Stop};
use engine::dap::frames::{FrameReader, frame};
use std::net::Ipv4Addr;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// A stop, and milliseconds from the start of the process to it.
pub(crate) type TimedStop = (Stop, u64);

/// What is left when the debugger has gone: the breakpoints that stopped nothing.
#[derive(Debug, Default)]
pub(crate) struct Left {
    pub(crate) missed: Vec<Missed>,
    /// The debug server's words where it refused us.
    pub(crate) refused: Option<String>,
}

/// A debugger at work.
#[derive(Debug)]
pub(crate) struct Debugger {
    pub(crate) task: JoinHandle<std::io::Result<Left>>,
    /// Tells it to leave, and the program to go on without it.
    pub(crate) leave: mpsc::UnboundedSender<()>,
}

/// Attaches to the gateway and sets the breakpoints. Stops are sent as they happen.
pub(crate) fn attach(
    port: u16,
    breakpoints: Vec<Breakpoint>,
    began: Instant,
    stops: mpsc::UnboundedSender<TimedStop>,
) -> Debugger {
    let (leave, leaves) = mpsc::unbounded_channel();
    let task = tokio::spawn(async move {
        let mut client = BreakClient::new(breakpoints);
        let mut refused = None;
        let talked = talk(&mut client, port, began, &stops, &mut refused, leaves).await;
        let missed = client.missed();
        // A connection that broke is the run's end or its own failure; both are told elsewhere.
        if let Err(error) = talked {
            tracing::debug!(%error, "the connection to the gateway broke");
        }
        Ok(Left { missed, refused })
    });
    Debugger { task, leave }
}

async fn talk(
    client: &mut BreakClient,
    port: u16,
    began: Instant,
    stops: &mpsc::UnboundedSender<TimedStop>,
    refused: &mut Option<String>,
    mut leaves: mpsc::UnboundedReceiver<()>,
) -> std::io::Result<()> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    stream.set_nodelay(true)?;
    let mut start = Vec::new();
    for request in client.start() {
        start.extend_from_slice(&frame(&request));
    }
    stream.write_all(&start).await?;
    let mut frames = FrameReader::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = tokio::select! {
            length = stream.read(&mut buffer) => length?,
            Some(()) = leaves.recv() => {
                for request in client.leave() {
                    stream.write_all(&frame(&request)).await?;
                }
                continue;
            }
        };
        if length == 0 {
            return Ok(());
        }
        frames.feed(&buffer[..length]);
        while let Some(message) =
            frames.next_message().map_err(|error| std::io::Error::other(error.message().text()))?
        {
            for output in client.on(&message) {
                match output {
                    BreakOutput::Send(request) => stream.write_all(&frame(&request)).await?,
                    BreakOutput::Stop(stop) => {
                        let ms = began.elapsed().as_millis() as u64;
                        let _ = stops.send((stop, ms));
                    }
                    BreakOutput::Refused(words) => *refused = Some(words),
                    BreakOutput::Ended => return Ok(()),
                }
            }
        }
    }
}
