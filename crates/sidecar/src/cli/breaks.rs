//! `--break` and `--break-on-exception`: a debugger of our own, through the gateway like any other, that tells each stop and goes on.
//! Where children of the program are debugged it follows them.

use engine::dap::breaker::{BreakClient, BreakOutput, Missed, Stop, StopWish};
use engine::dap::frames::{FrameReader, frame};
use std::net::Ipv4Addr;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

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
    pub(crate) task: JoinHandle<Left>,
    /// Tells it to leave, and the program to go on without it.
    pub(crate) leave: watch::Sender<bool>,
}

/// Attaches to the gateway and sets breakpoints as wished. Stops are sent as they happen.
pub(crate) fn attach(
    port: u16,
    wish: StopWish,
    began: Instant,
    stops: mpsc::UnboundedSender<TimedStop>,
) -> Debugger {
    let (leave, leaves) = watch::channel(false);
    let task = tokio::spawn(async move {
        let (children, mut started) = mpsc::unbounded_channel();
        let mut sessions = JoinSet::new();
        let session = |process| Session {
            client: BreakClient::new(wish.clone(), process),
            began,
            stops: stops.clone(),
            children: children.clone(),
            leaves: leaves.clone(),
            refused: None,
        };
        let mut debuggee = BreakClient::new(wish.clone(), None);
        let mut refused = None;
        sessions.spawn(session(None).run(port));
        loop {
            tokio::select! {
                Some((pid, port)) = started.recv() => {
                    sessions.spawn(session(Some(pid)).run(port));
                }
                ended = sessions.join_next() => match ended {
                    Some(Ok(ended)) => {
                        debuggee.add(&ended.client);
                        // A worker may end at any moment; only the debuggee itself has to be there.
                        if !ended.client.is_of_child() {
                            refused = ended.refused;
                        }
                    }
                    Some(Err(error)) => tracing::warn!(%error, "a debugger session ended in a defect"),
                    None => return Left { missed: debuggee.missed(), refused },
                }
            }
        }
    });
    Debugger { task, leave }
}

/// One connection: to the debuggee, or to a child of it.
struct Session {
    client: BreakClient,
    began: Instant,
    stops: mpsc::UnboundedSender<TimedStop>,
    children: mpsc::UnboundedSender<(u32, u16)>,
    leaves: watch::Receiver<bool>,
    refused: Option<String>,
}

impl Session {
    async fn run(mut self, port: u16) -> Self {
        // A connection that broke is the run's end or its own failure; both are told elsewhere.
        if let Err(error) = self.talk(port).await {
            tracing::debug!(%error, "the connection to the gateway broke");
        }
        self
    }

    async fn talk(&mut self, port: u16) -> std::io::Result<()> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
        stream.set_nodelay(true)?;
        let mut start = Vec::new();
        for request in self.client.start() {
            start.extend_from_slice(&frame(&request));
        }
        stream.write_all(&start).await?;
        let mut frames = FrameReader::new();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let length = tokio::select! {
                length = stream.read(&mut buffer) => length?,
                Ok(()) = self.leaves.changed() => {
                    for request in self.client.leave() {
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
                for output in self.client.on(&message) {
                    match output {
                        BreakOutput::Send(request) => stream.write_all(&frame(&request)).await?,
                        BreakOutput::Stop(stop) => {
                            let ms = self.began.elapsed().as_millis() as u64;
                            let _ = self.stops.send((stop, ms));
                        }
                        BreakOutput::Child { pid, port } => drop(self.children.send((pid, port))),
                        BreakOutput::Refused(words) => self.refused = Some(words),
                        BreakOutput::Ended => return Ok(()),
                    }
                }
            }
        }
    }
}
