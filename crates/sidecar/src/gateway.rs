//! The debug gateway of one run: the debuggee's only client, and the editor's debug server on loopback.
//!
//! Sockets are here, sense is in [`engine::dap::gateway`]: bytes become frames, frames go to the engine's
//! [`Gateway`], and what it says goes out. One task owns all of it, until [`GatewayHandle::close`]; a child
//! of the program that is debugged has a port, a relay and a task of its own, which its parent's task knows.

mod peer;

use crate::effects::{RunContext, debugger};
use crate::files;
use crate::remote::Way;
use engine::dap::frames::{FrameReader, frame};
use engine::dap::gateway::{Child, ClientId, DebugFact, Gateway, GatewayInput, GatewayOutput, Role};
use engine::dap::path_doctor::Pair;
use engine::debuggee::Report;
use engine::failure::{Blame, Failure};
use engine::ids::ContainerId;
use engine::message;
use engine::message::Message;
use engine::run::event::{DebugEvent, RunEvent};
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// How long a broken relay is left alone before the run is told: a container that ends takes its relay
/// with it, and then its end is the news.
const RELAY_GRACE: Duration = Duration::from_millis(500);

/// How long a debugger may take to come to a child that it was told of. Editors come within a tenth of that.
const TAKE_UP: Duration = Duration::from_secs(10);

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

    /// A session lasts as long as the container, whatever processes come and go in it.
    pub(crate) fn go_on_with_the_next(&self) {
        let _ = self.0.send(Inbound::GoOnWithTheNext);
    }

    /// A session lasts as long as the run, whose container may end and start again.
    pub(crate) fn outlast_the_container(&self) {
        let _ = self.0.send(Inbound::OutlastTheContainer);
    }

    /// A sentence for whoever is attached and for the run.
    pub(crate) fn say(&self, message: Message) {
        let _ = self.0.send(Inbound::Say(message));
    }

    /// Whoever is attached may have the program start again.
    pub(crate) fn offer_restart(&self) {
        let _ = self.0.send(Inbound::OfferRestart);
    }

    /// A path mapping of the user's, for whoever is attached or will be.
    pub(crate) fn map(&self, pair: Pair) {
        let _ = self.0.send(Inbound::Map(pair));
    }

    /// The debuggee is about to end so that another can take its place; or it is not, after all.
    pub(crate) fn restarts(&self, restarts: bool) {
        let _ = self.0.send(Inbound::Restarts(restarts));
    }

    /// A debuggee that has reported.
    pub(crate) fn debuggee(&self, relay: Box<Relay>) {
        let _ = self.0.send(Inbound::Relay(relay));
    }

    /// There is nothing to connect to, nor will there be.
    pub(crate) fn close(&self) {
        let _ = self.0.send(Inbound::Over);
    }
}

/// Who hears what happens at a gateway.
#[derive(Debug, Clone)]
pub(crate) enum Audience {
    /// The run of a container.
    Run(Box<RunContext>),
    /// Whoever watches a step on a node.
    Step(Box<StepAudience>),
}

/// Who hears of a step on a node, and how the node is reached.
#[derive(Debug, Clone)]
pub(crate) struct StepAudience {
    pub(crate) news: mpsc::UnboundedSender<DebugEvent>,
    /// The way to its debug server, by which its children are reached, too; `None` of one that has called here.
    pub(crate) way: Option<Way>,
}

impl Audience {
    fn tell(&self, event: DebugEvent) {
        match self {
            Audience::Run(context) => debugger::tell(context, event),
            Audience::Step(step) => drop(step.news.send(event)),
        }
    }

    fn tell_of_next(&self, report: Report) {
        if let Audience::Run(context) = self {
            context.tell(RunEvent::DebuggeeReported(report));
        }
    }
}

/// A connection to a debuggee.
pub(crate) struct Relay {
    /// Where its children are reached, too; `None` on a node.
    pub(crate) container: Option<ContainerId>,
    /// Whether the debug server keeps its connection from one session to the next.
    pub(crate) lasting: bool,
    /// The thread that was found paused.
    pub(crate) paused: Option<i64>,
    /// Whether it stands before its first line.
    pub(crate) waiting: bool,
    /// What arrived behind its report.
    pub(crate) early: Vec<u8>,
    pub(crate) reader: BoxStream<'static, Vec<u8>>,
    pub(crate) writer: Box<dyn AsyncWrite + Unpin + Send>,
}

impl Relay {
    /// A connection to the debug server of a step, which serves one session.
    pub(crate) fn to_node(
        early: Vec<u8>,
        reader: BoxStream<'static, Vec<u8>>,
        writer: Box<dyn AsyncWrite + Unpin + Send>,
    ) -> Self {
        Self { container: None, lasting: false, paused: None, waiting: true, early, reader, writer }
    }
}

/// What arrives on a stream until it ends or breaks.
pub(crate) fn until_broken<B: AsRef<[u8]>, E>(
    stream: impl Stream<Item = Result<B, E>> + Send + 'static,
) -> BoxStream<'static, Vec<u8>> {
    let bytes = |piece: Result<B, E>| piece.ok().map(|bytes| bytes.as_ref().to_vec());
    stream
        .map(bytes)
        .take_while(|piece| std::future::ready(piece.is_some()))
        .filter_map(std::future::ready)
        .boxed()
}

impl GatewayHandle {
    /// Tells whoever is attached, or waits to be, that the run is over, and closes.
    pub(crate) fn close(self) {
        self.inlet.close();
    }

    /// Sends away whoever is attached; the run goes on.
    pub(crate) fn release(&self) {
        let _ = self.inlet.0.send(Inbound::Release);
    }

    pub(crate) fn inlet(&self) -> Inlet {
        self.inlet.clone()
    }
}

/// Listens on the port, or on a free one where it is taken.
pub(crate) fn open(port: u16, audience: Audience) -> Result<GatewayHandle, Failure> {
    let listener = listen(port).or_else(|_| listen(0)).and_then(TcpListener::from_std);
    let listener = listener.and_then(|listener| Ok((listener.local_addr()?.port(), listener)));
    let (port, listener) = listener.map_err(|error| {
        Failure::new(Blame::Environment, message!("gateway.cannot-listen"))
            .with_detail([error.to_string()])
            .with_fix(message!("gateway.cannot-listen.fix"))
    })?;
    let (hub, inbound) = Hub::new(audience, Place::Run { family: Family::default() });
    let inlet = hub.inbound.clone();
    tokio::spawn(hub.run(listener, inbound));
    Ok(GatewayHandle { port, inlet })
}

fn listen(port: u16) -> std::io::Result<StdListener> {
    let listener = StdListener::bind((Ipv4Addr::LOCALHOST, port))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// What the hub's readers and the relay bring in.
enum Inbound {
    CodeFolder {
        local: String,
        remote: String,
    },
    OfferRestart,
    GoOnWithTheNext,
    OutlastTheContainer,
    Say(Message),
    Relay(Box<Relay>),
    FromClient(ClientId, Value),
    ClientGone(ClientId),
    Release,
    /// With the number of its connection: one that is over must not speak for the next.
    FromDebuggee(u64, Value),
    DebuggeeGone(u64),
    /// The same a while ago.
    StillGone(u64),
    FileFound {
        source: String,
        resolved: Option<String>,
        found: Vec<String>,
    },
    Map(Pair),
    Restarts(bool),
    /// A step's session is over, and its connection with it.
    Parted,
    /// Nobody comes to this child.
    GoOn,
    OfChild(u32, DebugFact),
    ChildGone(u32),
    Over,
}

/// Whose debuggee is at the other end.
enum Place {
    /// The run's own, with the children of its program.
    Run { family: Family },
    /// A child of the run's.
    Child { pid: u32, parent: Inlet },
}

impl Place {
    fn role(&self) -> Role {
        match self {
            Place::Run { .. } => Role::Run,
            Place::Child { .. } => Role::Child,
        }
    }
}

/// The children that are debugged, and who of them all stands still.
#[derive(Default)]
struct Family {
    container: Option<ContainerId>,
    code_folder: Option<(String, String)>,
    offers_restart: bool,
    children: BTreeMap<u32, Inlet>,
    mappings: Vec<Pair>,
    /// By process; the run's own debuggee is `None`.
    paused: BTreeSet<Option<u32>>,
}

impl Family {
    /// What the run hears when one of them stops or goes on: it stands as long as one stands.
    fn note(&mut self, who: Option<u32>, stands: bool) -> Option<DebugEvent> {
        let stood = !self.paused.is_empty();
        match stands {
            true => self.paused.insert(who),
            false => self.paused.remove(&who),
        };
        match (stood, !self.paused.is_empty()) {
            (false, true) => Some(DebugEvent::Paused),
            (true, false) => Some(DebugEvent::Resumed),
            _ => None,
        }
    }
}

/// The task that owns every connection of one run.
struct Hub {
    gateway: Gateway,
    clients: BTreeMap<ClientId, mpsc::UnboundedSender<Vec<u8>>>,
    debuggee: Option<mpsc::UnboundedSender<Vec<u8>>>,
    readers: JoinSet<()>,
    inbound: Inlet,
    audience: Audience,
    next_client: u64,
    /// Number of the connection to the debuggee.
    relay: u64,
    place: Place,
    /// Whether the debug server keeps its connection from one session to the next.
    lasting: bool,
    /// Whether the connection to a step was given up with its session, and has not closed yet.
    parting: bool,
    /// Whether the debug server was told that the session is over.
    disconnected: bool,
}

impl Hub {
    fn new(audience: Audience, place: Place) -> (Self, mpsc::UnboundedReceiver<Inbound>) {
        let (sender, inbound) = mpsc::unbounded_channel();
        let hub = Self {
            gateway: Gateway::new(place.role(), Vec::new()),
            clients: BTreeMap::new(),
            debuggee: None,
            readers: JoinSet::new(),
            inbound: Inlet(sender),
            audience,
            next_client: 0,
            relay: 0,
            place,
            lasting: true,
            parting: false,
            disconnected: false,
        };
        (hub, inbound)
    }

    async fn run(mut self, listener: TcpListener, mut inbound: mpsc::UnboundedReceiver<Inbound>) {
        let nobody_comes = tokio::time::sleep(TAKE_UP);
        tokio::pin!(nobody_comes);
        loop {
            let is_expected = self.place.role() == Role::Child && self.next_client == 0;
            tokio::select! {
                accepted = listener.accept() => {
                    if let Ok((stream, address)) = accepted {
                        self.accept(stream, address);
                    }
                }
                () = &mut nobody_comes, if is_expected && !nobody_comes.is_elapsed() => {
                    self.feed(GatewayInput::GoOn);
                }
                Some(news) = inbound.recv() => match news {
                    Inbound::Over => break,
                    Inbound::DebuggeeGone(_) if self.place.role() == Role::Child => break,
                    news => self.on(news),
                },
                Some(_) = self.readers.join_next(), if !self.readers.is_empty() => {}
            }
        }
        // Nobody new comes in; whoever is here hears the end.
        drop(listener);
        self.feed(GatewayInput::Over);
        self.debuggee = None;
        self.clients.clear();
        match &self.place {
            Place::Run { family } => family.children.values().for_each(Inlet::close),
            Place::Child { pid, parent } => drop(parent.0.send(Inbound::ChildGone(*pid))),
        }
        let last_words = async { while self.readers.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(LAST_WORDS, last_words).await;
    }

    fn accept(&mut self, stream: TcpStream, address: SocketAddr) {
        let port = stream.local_addr().map_or(0, |local| local.port());
        if !peer::is_the_user(address, port) {
            tracing::warn!("another user of this machine was refused by the gateway");
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
            self.inbound.0.clone(),
            self.clients[&client].downgrade(),
        ));
        self.feed(GatewayInput::ClientConnected(client));
    }

    fn on(&mut self, news: Inbound) {
        match news {
            Inbound::CodeFolder { local, remote } => {
                if let Place::Run { family } = &mut self.place {
                    family.code_folder = Some((local.clone(), remote.clone()));
                }
                self.gateway.map(local, remote);
            }
            Inbound::GoOnWithTheNext => self.gateway.go_on_with_the_next(),
            Inbound::OutlastTheContainer => self.gateway.outlast_the_connection(),
            Inbound::Say(message) => self.feed(GatewayInput::Say(message)),
            Inbound::OfferRestart => {
                if let Place::Run { family } = &mut self.place {
                    family.offers_restart = true;
                }
                self.gateway.offer_restart();
            }
            Inbound::Relay(relay) => {
                self.disconnected = false;
                self.relay += 1;
                let Relay { container, lasting, paused, waiting, early, reader, writer: write } = *relay;
                self.lasting = lasting;
                if let Place::Run { family } = &mut self.place {
                    family.container = container;
                }
                self.debuggee = Some(writer(&mut self.readers, write));
                let read = read_debuggee(self.relay, early, reader, self.inbound.0.clone());
                self.readers.spawn(read);
                self.feed(GatewayInput::DebuggeeConnected { paused, waiting });
            }
            Inbound::FromClient(client, message) => self.feed(GatewayInput::FromClient(client, message)),
            Inbound::ClientGone(client) => {
                self.clients.remove(&client);
                self.feed(GatewayInput::ClientGone(client));
            }
            Inbound::Release => {
                if let Some(client) = self.gateway.attached() {
                    self.clients.remove(&client);
                    self.feed(GatewayInput::ClientGone(client));
                }
            }
            Inbound::FromDebuggee(relay, message) if relay == self.relay => {
                self.feed(GatewayInput::FromDebuggee(message));
            }
            Inbound::FileFound { source, resolved, found } => {
                self.feed(GatewayInput::FileFound { source, resolved, found });
            }
            Inbound::Map(pair) => {
                if let Place::Run { family } = &mut self.place {
                    family.children.values().for_each(|child| child.map(pair.clone()));
                    family.mappings.push(pair.clone());
                }
                self.feed(GatewayInput::Map(pair));
            }
            Inbound::Restarts(restarts) => self.feed(GatewayInput::DebuggeeRestarts(restarts)),
            Inbound::GoOn => self.feed(GatewayInput::GoOn),
            Inbound::OfChild(pid, fact) => self.of_child(pid, fact),
            Inbound::ChildGone(pid) => {
                if let Place::Run { family } = &mut self.place {
                    family.children.remove(&pid);
                }
                self.note_stand(Some(pid), false);
                self.feed(GatewayInput::ChildGone(pid));
            }
            Inbound::Parted => self.feed(GatewayInput::DebuggeeGone),
            Inbound::Over | Inbound::FromDebuggee(..) => {}
            Inbound::DebuggeeGone(relay) | Inbound::StillGone(relay) if relay != self.relay => {}
            Inbound::StillGone(_) => self.audience.tell(DebugEvent::DebuggeeGone),
            Inbound::DebuggeeGone(relay) => {
                self.debuggee = None;
                let expected = self.gateway.restarts();
                if !std::mem::take(&mut self.parting) {
                    self.feed(GatewayInput::DebuggeeGone);
                }
                if expected {
                    return;
                }
                // Whoever is connected by then is another one, and nothing is wrong with that.
                let inbound = self.inbound.clone();
                self.readers.spawn(async move {
                    tokio::time::sleep(RELAY_GRACE).await;
                    let _ = inbound.0.send(Inbound::StillGone(relay));
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
                    self.disconnected |= message["command"] == "disconnect";
                    if let Some(debuggee) = &self.debuggee {
                        let _ = debuggee.send(frame(&message));
                    }
                }
                GatewayOutput::FindFile { source, name } => self.find_file(source, name),
                GatewayOutput::ReleaseChild(pid) => self.release(pid),
                GatewayOutput::Fact(fact) => self.tell(fact),
            }
        }
    }

    fn tell(&mut self, fact: DebugFact) {
        if let Place::Child { pid, parent } = &self.place {
            let _ = parent.0.send(Inbound::OfChild(*pid, fact));
            return;
        }
        let event = match fact {
            DebugFact::Next(report) => return self.audience.tell_of_next(*report),
            DebugFact::Configured => {
                self.audience.tell(DebugEvent::Configured);
                return self.tell_who_stands();
            }
            DebugFact::Paused { .. } => return self.note_stand(None, true),
            DebugFact::Resumed => return self.note_stand(None, false),
            DebugFact::ChildWaits(child) => return self.open_child(&child),
            DebugFact::Said(message) => DebugEvent::Said(message),
            DebugFact::MappingProposed(proposal) => DebugEvent::MappingProposed(proposal),
            DebugFact::Detached => {
                self.part();
                DebugEvent::Detached
            }
            DebugFact::TerminateRequested => DebugEvent::TerminateRequested,
            DebugFact::RestartRequested => DebugEvent::RestartRequested,
            DebugFact::Unattended => DebugEvent::Unattended,
            DebugFact::WorkerEnded => DebugEvent::WorkerEnded,
            DebugFact::Attached { .. } | DebugFact::DebuggerRefused(_) => return,
        };
        self.audience.tell(event);
    }

    /// The debug server of a step serves one session a connection and closes it by itself: whoever comes next
    /// waits for another one. It ends for good where we close first.
    fn part(&mut self) {
        let (false, Some(debuggee)) = (self.lasting, &self.debuggee) else { return };
        // A client that vanished has not taken its leave.
        if !std::mem::take(&mut self.disconnected) {
            let leave = json!({ "seq": i32::MAX, "type": "request", "command": "disconnect",
                "arguments": { "terminateDebuggee": false } });
            let _ = debuggee.send(frame(&leave));
        }
        self.parting = true;
        let _ = self.inbound.0.send(Inbound::Parted);
    }

    /// What a child's session means to the run: its own attaching, leaving and ending are the child's alone.
    fn of_child(&mut self, pid: u32, fact: DebugFact) {
        match fact {
            DebugFact::Paused { .. } => self.note_stand(Some(pid), true),
            DebugFact::Resumed => self.note_stand(Some(pid), false),
            DebugFact::Said(_) => self.tell(fact),
            DebugFact::RestartRequested => self.feed(GatewayInput::RestartRequested),
            _ => {}
        }
    }

    fn note_stand(&mut self, who: Option<u32>, stands: bool) {
        let Place::Run { family } = &mut self.place else { return };
        if let Some(event) = family.note(who, stands) {
            self.audience.tell(event);
        }
    }

    /// Configured means going on, and one that stood before its debugger came still stands.
    fn tell_who_stands(&self) {
        if let Place::Run { family } = &self.place
            && !family.paused.is_empty()
        {
            self.audience.tell(DebugEvent::Paused);
        }
    }

    fn find_file(&mut self, source: String, name: String) {
        let (Place::Run { family }, Audience::Run(context)) = (&self.place, &self.audience) else { return };
        let Some(container) = family.container.clone() else { return };
        let folder = family.code_folder.as_ref().map_or("/", |(_, remote)| remote).to_owned();
        let (context, inbound) = (context.clone(), self.inbound.clone());
        self.readers.spawn(async move {
            let found = debugger::find_file(&context, &container, &folder, &name).await;
            let resolved = files::resolved(Path::new(&source));
            let _ = inbound.0.send(Inbound::FileFound { source, resolved, found });
        });
    }

    fn release(&self, pid: u32) {
        if let Place::Run { family } = &self.place
            && let Some(child) = family.children.get(&pid)
        {
            let _ = child.0.send(Inbound::GoOn);
        }
    }

    /// Gives a child a port, a relay and a task of its own.
    fn open_child(&mut self, child: &Child) {
        let Place::Run { family } = &mut self.place else { return };
        let container = family.container.clone();
        let listener = listen(0).and_then(TcpListener::from_std);
        let Ok((port, listener)) = listener.and_then(|it| Ok((it.local_addr()?.port(), it))) else {
            tracing::warn!("no port for a child; it goes on by itself when its wait is over");
            return;
        };
        let place = Place::Child { pid: child.pid, parent: self.inbound.clone() };
        let (mut hub, inbound) = Hub::new(self.audience.clone(), place);
        hub.gateway.serves_process(child.pid);
        let inlet = hub.inbound.clone();
        if let Some((local, remote)) = family.code_folder.clone() {
            inlet.code_folder(local, remote);
        }
        family.mappings.iter().for_each(|pair| inlet.map(pair.clone()));
        if family.offers_restart {
            inlet.offer_restart();
        }
        family.children.insert(child.pid, inlet.clone());
        tokio::spawn(hub.run(listener, inbound));
        match (&self.audience, container) {
            (Audience::Run(context), Some(container)) => {
                let context = context.as_ref().clone();
                self.readers.spawn(debugger::relay_child(context, container, child.pid, inlet));
            }
            (Audience::Step(step), _) => {
                let way = step.way.clone();
                self.readers.spawn(async move {
                    match way {
                        Some(way) => match way.dial(false, || {}).await {
                            Ok(relay) => inlet.debuggee(Box::new(relay)),
                            Err(_) => inlet.close(),
                        },
                        None => inlet.close(),
                    }
                });
            }
            (Audience::Run(_), None) => inlet.close(),
        }
        self.feed(GatewayInput::ChildListens { pid: child.pid, port });
    }
}

/// A task that writes frames in order; it ends, and closes the connection, when its sender is dropped.
fn writer(
    tasks: &mut JoinSet<()>,
    mut write: impl AsyncWrite + Unpin + Send + 'static,
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

async fn read_debuggee(
    relay: u64,
    early: Vec<u8>,
    mut reader: BoxStream<'static, Vec<u8>>,
    inbound: mpsc::UnboundedSender<Inbound>,
) {
    let mut frames = FrameReader::new();
    frames.feed(&early);
    loop {
        while let Ok(Some(message)) = frames.next_message() {
            let _ = inbound.send(Inbound::FromDebuggee(relay, message));
        }
        match reader.next().await {
            Some(bytes) => frames.feed(&bytes),
            None => break,
        }
    }
    let _ = inbound.send(Inbound::DebuggeeGone(relay));
}
