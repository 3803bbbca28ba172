//! The debug gateway of one run: the debuggee's only client, and the editor's debug server on loopback.
//!
//! Sockets are here, sense is in [`engine::dap::gateway`]: bytes become frames, frames go to the engine's
//! [`Gateway`], and what it says goes out. One task owns all of it, until [`GatewayHandle::close`].

mod peer;

use crate::effects::{RunContext, debugger};
use docker::{ExecReader, ExecWriter};
use engine::dap::frames::{FrameReader, frame};
use engine::dap::gateway::{ClientId, DebugFact, Gateway, GatewayInput, GatewayOutput};
use engine::failure::{Blame, Failure};
use engine::message;
use engine::run::event::DebugEvent;
use futures::StreamExt;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// How long a broken relay is left alone before the run is told: a container that ends takes its relay
/// with it, and then its end is the news.
const RELAY_GRACE: Duration = Duration::from_millis(500);

/// How long clients may take to hear that the run is over.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A gateway that listens until it is closed.
#[derive(Debug)]
pub(crate) struct GatewayHandle {
    /// The loopback port it listens on.
    pub(crate) port: u16,
    inlet: Inlet,
}

/// Where a relay hands its connection over.
#[derive(Debug, Clone)]
pub(crate) struct Inlet(mpsc::UnboundedSender<Inbound>);

impl Inlet {
    /// Where the code folder stands here and in the container, for a client that maps no paths.
    pub(crate) fn code_folder(&self, local: String, remote: String) {
        let _ = self.0.send(Inbound::CodeFolder { local, remote });
    }

    /// The debuggee is about to end so that another can take its place; or it is not, after all.
    pub(crate) fn restarts(&self, restarts: bool) {
        let _ = self.0.send(Inbound::Restarts(restarts));
    }

    /// A debuggee that has reported. `early` is what arrived behind its report.
    pub(crate) fn debuggee(
        &self,
        paused: Option<i64>,
        early: Vec<u8>,
        reader: ExecReader,
        writer: ExecWriter,
    ) {
        let _ = self.0.send(Inbound::Relay { paused, early, reader: Box::new(reader), writer });
    }
}

impl GatewayHandle {
    /// Tells whoever is attached, or waits to be, that the run is over, and closes.
    pub(crate) fn close(self) {
        let _ = self.inlet.0.send(Inbound::RunOver);
    }

    pub(crate) fn inlet(&self) -> Inlet {
        self.inlet.clone()
    }
}

/// Listens on the port, or on a free one where it is taken.
pub(crate) fn open(port: u16, context: RunContext) -> Result<GatewayHandle, Failure> {
    let listener = listen(port).or_else(|_| listen(0)).and_then(TcpListener::from_std);
    let listener = listener.and_then(|listener| Ok((listener.local_addr()?.port(), listener)));
    let (port, listener) = listener.map_err(|error| {
        Failure::new(Blame::Environment, message!("gateway.cannot-listen"))
            .with_detail([error.to_string()])
            .with_fix(message!("gateway.cannot-listen.fix"))
    })?;
    let (sender, inbound) = mpsc::unbounded_channel();
    let hub = Hub {
        gateway: Gateway::new(Vec::new()),
        clients: BTreeMap::new(),
        debuggee: None,
        readers: JoinSet::new(),
        inbound: sender.clone(),
        context,
        next_client: 0,
    };
    tokio::spawn(hub.run(listener, inbound));
    Ok(GatewayHandle { port, inlet: Inlet(sender) })
}

fn listen(port: u16) -> std::io::Result<StdListener> {
    let listener = StdListener::bind((Ipv4Addr::LOCALHOST, port))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// What the hub's readers and the relay bring in.
enum Inbound {
    CodeFolder { local: String, remote: String },
    Relay { paused: Option<i64>, early: Vec<u8>, reader: Box<ExecReader>, writer: ExecWriter },
    FromClient(ClientId, Value),
    ClientGone(ClientId),
    FromDebuggee(Value),
    DebuggeeGone,
    Restarts(bool),
    RunOver,
}

/// The task that owns every connection of one run.
struct Hub {
    gateway: Gateway,
    clients: BTreeMap<ClientId, mpsc::UnboundedSender<Vec<u8>>>,
    debuggee: Option<mpsc::UnboundedSender<Vec<u8>>>,
    readers: JoinSet<()>,
    inbound: mpsc::UnboundedSender<Inbound>,
    context: RunContext,
    next_client: u64,
}

impl Hub {
    async fn run(mut self, listener: TcpListener, mut inbound: mpsc::UnboundedReceiver<Inbound>) {
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    if let Ok((stream, address)) = accepted {
                        self.accept(stream, address);
                    }
                }
                Some(news) = inbound.recv() => match news {
                    Inbound::RunOver => break,
                    news => self.on(news),
                },
                Some(_) = self.readers.join_next(), if !self.readers.is_empty() => {}
            }
        }
        // Nobody new comes in; whoever is here hears the end.
        drop(listener);
        self.feed(GatewayInput::DebuggeeGone);
        self.debuggee = None;
        self.clients.clear();
        let last_words = async { while self.readers.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(LAST_WORDS, last_words).await;
    }

    fn accept(&mut self, stream: TcpStream, address: SocketAddr) {
        let port = stream.local_addr().map_or(0, |local| local.port());
        if !peer::is_the_user(address, port) {
            tracing::warn!(run = %self.context.id, "another user of this machine was refused by the gateway");
            return;
        }
        // Frames are small and each one is waited for.
        let _ = stream.set_nodelay(true);
        let client = ClientId(self.next_client);
        self.next_client += 1;
        let (read, write) = stream.into_split();
        self.clients.insert(client, writer(&mut self.readers, write));
        self.readers.spawn(read_client(
            client,
            read,
            self.inbound.clone(),
            self.clients[&client].downgrade(),
        ));
        self.feed(GatewayInput::ClientConnected(client));
    }

    fn on(&mut self, news: Inbound) {
        match news {
            Inbound::CodeFolder { local, remote } => self.gateway.map(local, remote),
            Inbound::Relay { paused, early, reader, writer: write } => {
                self.debuggee = Some(writer(&mut self.readers, write));
                self.readers.spawn(read_debuggee(early, reader, self.inbound.clone()));
                self.feed(GatewayInput::DebuggeeConnected { paused });
            }
            Inbound::FromClient(client, message) => self.feed(GatewayInput::FromClient(client, message)),
            Inbound::ClientGone(client) => {
                self.clients.remove(&client);
                self.feed(GatewayInput::ClientGone(client));
            }
            Inbound::FromDebuggee(message) => self.feed(GatewayInput::FromDebuggee(message)),
            Inbound::RunOver => {}
            Inbound::Restarts(restarts) => self.feed(GatewayInput::DebuggeeRestarts(restarts)),
            Inbound::DebuggeeGone => {
                self.debuggee = None;
                let expected = self.gateway.restarts();
                self.feed(GatewayInput::DebuggeeGone);
                if expected {
                    return;
                }
                let context = self.context.clone();
                self.readers.spawn(async move {
                    tokio::time::sleep(RELAY_GRACE).await;
                    debugger::tell(&context, DebugEvent::DebuggeeGone);
                });
            }
        }
    }

    fn feed(&mut self, input: GatewayInput) {
        for output in self.gateway.on(input) {
            match output {
                GatewayOutput::ToClient(client, message) => {
                    if let Some(client) = self.clients.get(&client) {
                        let _ = client.send(frame(&message));
                    }
                }
                // Its writer sends what is queued, then closes.
                GatewayOutput::CloseClient(client) => drop(self.clients.remove(&client)),
                GatewayOutput::ToDebuggee(message) => {
                    if let Some(debuggee) = &self.debuggee {
                        let _ = debuggee.send(frame(&message));
                    }
                }
                GatewayOutput::Fact(fact) => self.tell(&fact),
            }
        }
    }

    fn tell(&self, fact: &DebugFact) {
        let event = match fact {
            DebugFact::Configured => DebugEvent::Configured,
            DebugFact::Paused { .. } => DebugEvent::Paused,
            DebugFact::Resumed => DebugEvent::Resumed,
            DebugFact::Detached => DebugEvent::Detached,
            DebugFact::TerminateRequested => DebugEvent::TerminateRequested,
            DebugFact::Unattended => DebugEvent::Unattended,
            DebugFact::Attached { .. }
            | DebugFact::BreakpointsAnswered { .. }
            | DebugFact::DebuggerRefused(_) => return,
        };
        debugger::tell(&self.context, event);
    }
}

/// A task that writes frames in order; it ends, and closes the connection, when its sender is dropped.
fn writer(
    tasks: &mut JoinSet<()>,
    mut write: impl tokio::io::AsyncWrite + Unpin + Send + 'static,
) -> mpsc::UnboundedSender<Vec<u8>> {
    let (sender, mut frames) = mpsc::unbounded_channel::<Vec<u8>>();
    tasks.spawn(async move {
        while let Some(bytes) = frames.recv().await {
            if write.write_all(&bytes).await.is_err() || write.flush().await.is_err() {
                return;
            }
        }
        let _ = write.shutdown().await;
    });
    sender
}

/// Reads one client until it leaves or says something that is not the debug adapter protocol. A reader does
/// not keep its client: one that is sent away is closed although it still listens.
async fn read_client(
    client: ClientId,
    mut read: tokio::net::tcp::OwnedReadHalf,
    inbound: mpsc::UnboundedSender<Inbound>,
    answer: mpsc::WeakUnboundedSender<Vec<u8>>,
) {
    let mut frames = FrameReader::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match read.read(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(length) => frames.feed(&buffer[..length]),
        }
        loop {
            match frames.next_message() {
                Ok(Some(message)) => {
                    let _ = inbound.send(Inbound::FromClient(client, message));
                }
                Ok(None) => break,
                Err(error) => {
                    // Whoever speaks something else gets a sentence and no session.
                    if let Some(answer) = answer.upgrade() {
                        let _ = answer.send(format!("{}\r\n", error.message()).into_bytes());
                    }
                    let _ = inbound.send(Inbound::ClientGone(client));
                    return;
                }
            }
        }
    }
    let _ = inbound.send(Inbound::ClientGone(client));
}

async fn read_debuggee(early: Vec<u8>, mut reader: Box<ExecReader>, inbound: mpsc::UnboundedSender<Inbound>) {
    let mut frames = FrameReader::new();
    frames.feed(&early);
    loop {
        while let Ok(Some(message)) = frames.next_message() {
            let _ = inbound.send(Inbound::FromDebuggee(message));
        }
        match reader.next().await {
            Some(Ok(bytes)) => frames.feed(&bytes),
            Some(Err(_)) | None => break,
        }
    }
    let _ = inbound.send(Inbound::DebuggeeGone);
}
