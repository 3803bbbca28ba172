//! A step on a node: from its growing log to a debugger that can attach to it on loopback.
//!
//! The log is read until it says where the step awaits its debugger; the node is dialled; the connection
//! goes to a gateway, which offers it here as it offers a container's. One task does that in this order, so
//! nothing is offered that cannot be reached.

mod dial;
mod tail;

use crate::attach;
use crate::gateway::{self, Audience, GatewayHandle, Inlet, Relay};
use crate::store::Store;
use engine::attach::{AttachEntry, COMPUTE_NAME, PathMapping, local_root};
use engine::failure::Failure;
use engine::log::beacon::{Beacon, BeaconReader, Sighting};
use engine::reach::Cause;
use engine::run::event::DebugEvent;
use std::path::{Path, PathBuf};
use tail::{Piece, Tail};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::io::ReaderStream;

/// Which step, and where its code is.
#[derive(Debug)]
pub(crate) struct Step {
    /// Path or URL of its log.
    pub(crate) log: String,
    /// The port that it awaits its debugger on, unless its log says otherwise.
    pub(crate) port: u16,
    /// The rank that is wanted, where several write to one log.
    pub(crate) rank: Option<u32>,
}

/// What happens to a step.
#[derive(Debug)]
pub(crate) enum News {
    /// It awaits a debugger.
    Waits(Beacon),
    /// Its node answers, and it does not listen yet.
    NotListening,
    /// A debugger can attach at the gateway.
    Reached,
    /// Nobody can attach.
    OutOfReach(Beacon, Cause),
    /// It went on without a debugger.
    GaveUp {
        /// Why, where it knows.
        why: Option<String>,
    },
    /// Its process has ended, or cannot be reached any more.
    Over,
    /// Its log cannot be read.
    Failed(Failure),
}

/// A step that is followed; dropping it ends that.
#[derive(Debug)]
pub(crate) struct Following {
    gateway: Option<GatewayHandle>,
    task: JoinHandle<()>,
    /// What happens to the step.
    pub(crate) news: mpsc::UnboundedReceiver<News>,
}

impl Following {
    /// The port of the gateway on loopback.
    pub(crate) fn port(&self) -> u16 {
        self.gateway.as_ref().map_or(0, |gateway| gateway.port)
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.task.abort();
        if let Some(gateway) = self.gateway.take() {
            gateway.close();
        }
    }
}

/// Where the code of a step is.
#[derive(Debug)]
pub(crate) struct Place {
    /// Name of the step, where it is to have an entry of its own.
    pub(crate) step: Option<String>,
    /// The code folder on this machine, absolute.
    pub(crate) code: PathBuf,
    /// The same folder on the node.
    pub(crate) remote_root: String,
}

/// Follows a step, and says what launch.json is to have of it, and in which folder that stands.
pub(crate) fn follow_from(
    store: &mut Store,
    step: Step,
    place: Place,
) -> Result<(Following, PathBuf, AttachEntry), Failure> {
    let Place { step: name, code, remote_root } = place;
    let (folder, _) = attach::place(&code.join("step"), None);
    let target = name.as_ref().map_or("compute".to_owned(), |step| format!("compute/{step}"));
    let port = store.port_for(&folder, &target)?;
    let following = follow(step, port, &code, &remote_root)?;
    let entry = AttachEntry {
        name: match name {
            Some(step) => format!("{COMPUTE_NAME} ({step})"),
            None => COMPUTE_NAME.to_owned(),
        },
        host: "127.0.0.1".to_owned(),
        port: following.port(),
        path_mappings: vec![PathMapping { local_root: local_root(&folder, &code), remote_root }],
        just_my_code: true,
        start: None,
    };
    Ok((following, folder, entry))
}

/// Opens a gateway on `port`, or another where it is taken, and follows the step's log. `local` is the code
/// folder, `remote` the same on the node.
fn follow(step: Step, port: u16, local: &Path, remote: &str) -> Result<Following, Failure> {
    let tail = Tail::open(&step.log)?;
    let (events, debug) = mpsc::unbounded_channel();
    let gateway = gateway::open(port, Audience::Step(events))?;
    let inlet = gateway.inlet();
    inlet.code_folder(local.to_string_lossy().into_owned(), remote.to_owned());
    let (sender, news) = mpsc::unbounded_channel();
    let follower = Follower { step, inlet, news: sender, reached: None };
    let task = tokio::spawn(follower.run(tail, debug));
    Ok(Following { gateway: Some(gateway), task, news })
}

struct Follower {
    step: Step,
    inlet: Inlet,
    news: mpsc::UnboundedSender<News>,
    /// The beacon of the process that the gateway is connected to.
    reached: Option<Beacon>,
}

impl Follower {
    async fn run(mut self, mut tail: Tail, mut debug: mpsc::UnboundedReceiver<DebugEvent>) {
        let mut beacons = BeaconReader::new(self.step.port);
        loop {
            tokio::select! {
                Some(event) = debug.recv() => {
                    if matches!(event, DebugEvent::DebuggeeGone) && !self.again().await {
                        return self.tell(News::Over);
                    }
                }
                piece = tail.next() => match piece {
                    Ok(Piece::Bytes(bytes)) => {
                        for sighting in beacons.feed(&bytes) {
                            self.saw(sighting).await;
                        }
                    }
                    Ok(Piece::Begun) => beacons = BeaconReader::new(self.step.port),
                    Err(failure) => return self.tell(News::Failed(failure)),
                },
            }
        }
    }

    async fn saw(&mut self, sighting: Sighting) {
        match sighting {
            Sighting::Waiting(beacon) => {
                let is_wanted =
                    beacon.rank.is_none() || self.step.rank.is_none_or(|rank| beacon.rank == Some(rank));
                if is_wanted && self.reached.is_none() {
                    self.tell(News::Waits(beacon.clone()));
                    self.reach(beacon).await;
                }
            }
            Sighting::GaveUp { why } => self.tell(News::GaveUp { why }),
            Sighting::Attached => {}
        }
    }

    async fn reach(&mut self, beacon: Beacon) {
        let news = self.news.clone();
        let not_listening = || drop(news.send(News::NotListening));
        match dial::dial(&beacon.address, beacon.port, true, not_listening).await {
            Ok(stream) => {
                self.connect(stream);
                self.reached = Some(beacon);
                self.tell(News::Reached);
            }
            Err(cause) => self.tell(News::OutOfReach(beacon, cause)),
        }
    }

    /// A debug server closes its connection at the end of each session; the process may still be there.
    async fn again(&mut self) -> bool {
        let Some(beacon) = &self.reached else { return false };
        match dial::dial(&beacon.address, beacon.port, false, || {}).await {
            Ok(stream) => {
                self.connect(stream);
                true
            }
            Err(_) => false,
        }
    }

    fn connect(&self, stream: TcpStream) {
        let (reader, writer) = stream.into_split();
        self.inlet.debuggee(Box::new(Relay {
            container: None,
            paused: None,
            waiting: true,
            early: Vec::new(),
            reader: gateway::until_broken(ReaderStream::new(reader)),
            writer: Box::new(writer),
        }));
    }

    fn tell(&self, news: News) {
        let _ = self.news.send(news);
    }
}
