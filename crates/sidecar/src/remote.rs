//! Steps on nodes: from their growing logs, or from their own calls, to debuggers that can attach on loopback.
//!
//! A log is read until it says where a process awaits its debugger; the node is dialled, straight or through an
//! SSH host; the connection goes to a gateway, which offers it here as it offers a container's. Where only the
//! node may dial, it does, and the rest is the same. One task owns all of it and does it in this order, so nothing
//! is offered that cannot be reached. Every process of every step has a gateway of its own.

mod dial;
mod folder;
mod jump;
mod listen;
mod tail;
pub(crate) mod token;

use crate::attach;
use crate::gateway::{self, Audience, GatewayHandle, StepAudience};
use crate::store::Store;
pub(crate) use dial::{Unreached, Way};
use engine::attach::{AttachEntry, COMPUTE_NAME, PathMapping, local_root};
use engine::failure::{Blame, Failure};
use engine::log::beacon::{Beacon, BeaconReader, Sighting};
use engine::message;
use engine::message::Message;
use engine::run::event::DebugEvent;
pub(crate) use jump::Jump;
pub(crate) use listen::Listen;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use tail::{Piece, Tail};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};

/// Which steps are followed, and how their nodes are reached.
#[derive(Debug)]
pub(crate) struct Wish {
    /// Logs, and folders of logs.
    pub(crate) logs: Vec<Log>,
    /// Where steps call, if they do.
    pub(crate) listen: Option<Listen>,
    /// Only these steps of a folder, and of those that call; all of them where none is named.
    pub(crate) steps: Vec<String>,
    /// The port that a step awaits its debugger on, unless its log says otherwise.
    pub(crate) port: u16,
    /// The rank that is wanted, where there are several.
    pub(crate) rank: Option<u32>,
    /// The host through which nodes are reached.
    pub(crate) jump: Option<Jump>,
    /// Where code stands here and on the nodes.
    pub(crate) code: Code,
}

/// The log of a step, or a folder with the logs of several.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    /// The step's name, where it was given one.
    pub(crate) step: Option<String>,
    /// Path or URL. A URL is a secret: whoever has it may read.
    pub(crate) at: String,
}

/// Which folder here is which folder on a node: by step, and for all others.
#[derive(Debug, Clone)]
pub(crate) struct Code {
    /// By step.
    pub(crate) local: BTreeMap<String, PathBuf>,
    /// Of steps that are not named.
    pub(crate) other_local: PathBuf,
    /// By step.
    pub(crate) remote: BTreeMap<String, String>,
    /// Of steps that are not named.
    pub(crate) other_remote: String,
}

impl Code {
    pub(crate) fn of(&self, step: Option<&str>) -> (PathBuf, String) {
        let local = step.and_then(|step| self.local.get(step)).unwrap_or(&self.other_local);
        let remote = step.and_then(|step| self.remote.get(step)).unwrap_or(&self.other_remote);
        (local.clone(), remote.clone())
    }
}

/// One process that can be debugged.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Who {
    /// Its step, where that has a name.
    pub(crate) step: Option<String>,
    /// Its rank, where it has one.
    pub(crate) rank: Option<u32>,
}

impl Who {
    /// Its name beside others in a store: `compute`, `compute/train`, `compute/train/1`.
    pub(crate) fn target(&self) -> String {
        let step = self.step.as_ref().map(|step| format!("/{step}")).unwrap_or_default();
        let rank = self.rank.map(|rank| format!("/{rank}")).unwrap_or_default();
        format!("compute{step}{rank}")
    }

    /// What it is called, where there may be several.
    pub(crate) fn label(&self) -> Option<String> {
        match (&self.step, self.rank) {
            (None, None) => None,
            (Some(step), None) => Some(step.clone()),
            (None, Some(rank)) => Some(format!("rank {rank}")),
            (Some(step), Some(rank)) => Some(format!("{step}, rank {rank}")),
        }
    }

    /// What launch.json is to have of it, and the folder in which that stands.
    pub(crate) fn entry(&self, code: &Code, port: u16) -> (PathBuf, AttachEntry) {
        let (local, remote_root) = code.of(self.step.as_deref());
        let (folder, _) = attach::place(&local.join("step"), None);
        let entry = AttachEntry {
            name: match self.label() {
                Some(label) => format!("{COMPUTE_NAME} ({label})"),
                None => COMPUTE_NAME.to_owned(),
            },
            host: "127.0.0.1".to_owned(),
            port,
            path_mappings: vec![PathMapping { local_root: local_root(&folder, &local), remote_root }],
            just_my_code: true,
            start: None,
        };
        (folder, entry)
    }
}

/// Seconds of a wait where nobody said how long it is, and the least that is worth to be tried again.
const WAIT: f64 = 300.0;

/// A process has gone on without a debugger: why, and how to have it wait longer.
pub(crate) fn gave_up(
    who: &Who,
    pipeline: Option<&str>,
    why: Option<String>,
    waited: Option<f64>,
) -> Failure {
    let pipeline = pipeline.unwrap_or("PIPELINE");
    let step = who.step.as_deref().unwrap_or("NAME");
    let failure = |what: Message, fix: Message| Failure::new(Blame::Environment, what).with_fix(fix);
    match why {
        Some(why) => failure(
            message!("remote.no-debugger"),
            message!("remote.no-debugger.fix", pipeline = pipeline, step = step),
        )
        .with_detail([why]),
        None => {
            let longer = (waited.unwrap_or(WAIT) * 4.0).max(WAIT * 2.0).ceil();
            failure(
                message!("remote.gave-up"),
                message!("remote.gave-up.fix", pipeline = pipeline, step = step, seconds = longer),
            )
        }
    }
}

/// What happens to a process.
#[derive(Debug)]
pub(crate) enum News {
    /// It awaits a debugger.
    Waits(Beacon),
    /// Its node answers, and it does not listen yet.
    NotListening,
    /// A debugger can attach at the gateway, on this port of loopback.
    Reached(u16),
    /// A debugger has attached.
    Attended,
    /// Nobody can attach.
    OutOfReach(Beacon, Unreached),
    /// It went on without a debugger.
    GaveUp {
        /// Why, where it knows.
        why: Option<String>,
        /// Seconds that it has waited, where it said so.
        waited: Option<f64>,
    },
    /// It has ended, or cannot be reached any more.
    Over,
    /// Its log cannot be read, or its gateway cannot be opened.
    Failed(Failure),
    /// Somebody called who has not our token.
    Refused(SocketAddr),
}

/// Steps that are followed; dropping it ends that.
#[derive(Debug)]
pub(crate) struct Following {
    task: JoinHandle<()>,
    /// What happens.
    pub(crate) news: mpsc::UnboundedReceiver<(Who, News)>,
    /// Where steps call.
    pub(crate) listens: Option<SocketAddr>,
}

impl Drop for Following {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Follows what is wished for. Gateways take the ports that the store keeps for their processes.
pub(crate) fn follow(wish: Wish, store: Store) -> Result<Following, Failure> {
    let (inbound, events) = mpsc::unbounded_channel();
    let (news, told) = mpsc::unbounded_channel();
    let mut tasks = JoinSet::new();
    for log in &wish.logs {
        if folder::is_one(&log.at) {
            tasks.spawn(folder::watch(log.clone(), wish.steps.clone(), wish.port, inbound.clone()));
        } else {
            let tail = Tail::open(&log.at)?;
            tasks.spawn(read_log(
                tail,
                Who { step: log.step.clone(), rank: None },
                wish.port,
                inbound.clone(),
            ));
        }
    }
    let mut listens = None;
    if let Some(listen) = &wish.listen {
        let listener = listen.open()?;
        listens = listener.local_addr().ok();
        tasks.spawn(listen::serve(listener, listen.token.clone(), inbound.clone()));
    }
    let follower = Follower { wish, store, inbound, news, processes: BTreeMap::new(), tasks };
    let task = tokio::spawn(follower.run(events));
    Ok(Following { task, news: told, listens })
}

/// What the tasks of a follower bring in.
enum Inbound {
    Sighted(Who, Sighting),
    Failed(Who, Failure),
    NotListening(Who),
    Dialled(Who, Result<gateway::Relay, Unreached>),
    /// The process has called by itself.
    Called(Who, Box<gateway::Relay>),
    Refused(SocketAddr),
    Debug(Who, DebugEvent),
}

/// Reads one log from its beginning on, for ever.
async fn read_log(mut tail: Tail, who: Who, port: u16, inbound: mpsc::UnboundedSender<Inbound>) {
    let mut beacons = BeaconReader::new(port);
    loop {
        match tail.next().await {
            Ok(Piece::Bytes(bytes)) => {
                for sighting in beacons.feed(&bytes) {
                    let rank = sighting.rank().or(who.rank);
                    let who = Who { step: who.step.clone(), rank };
                    let _ = inbound.send(Inbound::Sighted(who, sighting));
                }
            }
            Ok(Piece::Begun) => beacons = BeaconReader::new(port),
            Err(failure) => {
                let _ = inbound.send(Inbound::Failed(who, failure));
                return;
            }
        }
    }
}

/// A process that said that it waits, or that has called.
struct Process {
    /// Where it waits; `None` of one that has called.
    beacon: Option<Beacon>,
    gateway: Option<GatewayHandle>,
    /// Whether somebody could attach at some time.
    was_reached: bool,
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(gateway) = self.gateway.take() {
            gateway.close();
        }
    }
}

struct Follower {
    wish: Wish,
    store: Store,
    inbound: mpsc::UnboundedSender<Inbound>,
    news: mpsc::UnboundedSender<(Who, News)>,
    processes: BTreeMap<Who, Process>,
    tasks: JoinSet<()>,
}

impl Follower {
    async fn run(mut self, mut events: mpsc::UnboundedReceiver<Inbound>) {
        // It holds a sender of its own, so this ends with the task alone.
        while let Some(event) = events.recv().await {
            while self.tasks.try_join_next().is_some() {}
            self.on(event);
        }
    }

    fn on(&mut self, event: Inbound) {
        match event {
            Inbound::Sighted(who, sighting) if self.is_wanted(&who) => self.saw(who, sighting),
            Inbound::Called(who, relay) if self.is_wanted(&who) => self.called(who, relay),
            Inbound::Sighted(..) | Inbound::Called(..) => {}
            Inbound::Failed(who, failure) => self.tell(who, News::Failed(failure)),
            Inbound::NotListening(who) => self.tell(who, News::NotListening),
            Inbound::Refused(peer) => self.tell(Who::default(), News::Refused(peer)),
            Inbound::Dialled(who, outcome) => self.dialled(who, outcome),
            Inbound::Debug(who, DebugEvent::DebuggeeGone) => self.gone(who),
            Inbound::Debug(who, DebugEvent::Configured) => self.tell(who, News::Attended),
            Inbound::Debug(..) => {}
        }
    }

    /// A process that names no rank may be the one that is wanted.
    fn is_wanted(&self, who: &Who) -> bool {
        let is_named = |step: &String| self.wish.steps.contains(step);
        self.wish.rank.is_none_or(|wanted| who.rank.is_none_or(|rank| rank == wanted))
            && (self.wish.steps.is_empty() || who.step.as_ref().is_none_or(is_named))
    }

    fn saw(&mut self, who: Who, sighting: Sighting) {
        match sighting {
            Sighting::Waiting(beacon) => {
                // A log that is read again, or a process beside it that cannot be told from it.
                if self.processes.contains_key(&who) {
                    return;
                }
                self.tell(who.clone(), News::Waits(beacon.clone()));
                if self.open(&who, Some(beacon)) {
                    self.dial(who, true);
                }
            }
            Sighting::GaveUp { why, .. } => {
                let waited = self.processes.get(&who).and_then(|process| process.beacon.as_ref()?.seconds);
                self.tell(who, News::GaveUp { why, waited });
            }
            Sighting::Attached { .. } => {}
        }
    }

    /// Opens the gateway of a process; whether there is one.
    fn open(&mut self, who: &Who, beacon: Option<Beacon>) -> bool {
        let (local, remote) = self.wish.code.of(who.step.as_deref());
        let (folder, _) = attach::place(&local.join("step"), None);
        let (debug, mut events) = mpsc::unbounded_channel();
        let way = beacon.as_ref().map(|beacon| self.way(beacon));
        let audience = Audience::Step(Box::new(StepAudience { news: debug, way }));
        let opened =
            self.store.port_for(&folder, &who.target()).and_then(|port| gateway::open(port, audience));
        let gateway = match opened {
            Ok(gateway) => gateway,
            Err(failure) => {
                self.tell(who.clone(), News::Failed(failure));
                return false;
            }
        };
        gateway.inlet().code_folder(local.to_string_lossy().into_owned(), remote);
        let (inbound, of) = (self.inbound.clone(), who.clone());
        self.tasks.spawn(async move {
            while let Some(event) = events.recv().await {
                let _ = inbound.send(Inbound::Debug(of.clone(), event));
            }
        });
        let process = Process { beacon, gateway: Some(gateway), was_reached: false };
        self.processes.insert(who.clone(), process);
        true
    }

    fn way(&self, beacon: &Beacon) -> Way {
        Way { address: beacon.address.clone(), port: beacon.port, jump: self.wish.jump.clone() }
    }

    /// Dials a process; `patient` where it may not listen yet.
    fn dial(&mut self, who: Who, patient: bool) {
        let Some(beacon) = self.processes.get(&who).and_then(|process| process.beacon.as_ref()) else {
            return;
        };
        let (way, inbound) = (self.way(beacon), self.inbound.clone());
        self.tasks.spawn(async move {
            let not_listening = || drop(inbound.send(Inbound::NotListening(who.clone())));
            let outcome = way.dial(patient, not_listening).await;
            let _ = inbound.send(Inbound::Dialled(who.clone(), outcome));
        });
    }

    fn dialled(&mut self, who: Who, outcome: Result<gateway::Relay, Unreached>) {
        let Some(process) = self.processes.get(&who) else { return };
        match outcome {
            Ok(relay) => self.connect(who, Box::new(relay)),
            Err(_) if process.was_reached => self.tell(who, News::Over),
            Err(unreached) => {
                if let Some(beacon) = process.beacon.clone() {
                    self.tell(who, News::OutOfReach(beacon, unreached));
                }
            }
        }
    }

    /// Whoever calls again is another process of the same name: the one before has ended.
    fn called(&mut self, who: Who, relay: Box<gateway::Relay>) {
        if self.processes.contains_key(&who) || self.open(&who, None) {
            self.connect(who, relay);
        }
    }

    fn connect(&mut self, who: Who, relay: Box<gateway::Relay>) {
        let Some(process) = self.processes.get_mut(&who) else { return };
        let Some(gateway) = &process.gateway else { return };
        gateway.inlet().debuggee(relay);
        let port = gateway.port;
        if !std::mem::replace(&mut process.was_reached, true) || process.beacon.is_none() {
            self.tell(who, News::Reached(port));
        }
    }

    /// A debug server closes its connection at the end of each session; the process may still be there.
    fn gone(&mut self, who: Who) {
        match self.processes.get(&who) {
            Some(process) if process.beacon.is_some() => self.dial(who, false),
            _ => self.tell(who, News::Over),
        }
    }

    fn tell(&self, who: Who, news: News) {
        let _ = self.news.send((who, news));
    }
}
