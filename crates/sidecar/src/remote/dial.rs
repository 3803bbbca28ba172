//! The connection to a node: made once and kept, or refused with a named cause.
//!
//! A debug server that sees somebody connect and leave again may serve nobody after that, so there is no
//! test beside the connection itself.

use super::jump::Jump;
use crate::files;
use crate::gateway::{self, Relay};
use engine::failure::Failure;
use engine::reach::{Attempt, Cause, Route, cause, route_to};
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio_util::io::ReaderStream;

/// A way through a cloud's networks takes a tenth of a second; what takes longer than this does not come.
pub(super) const TIMEOUT: Duration = Duration::from_secs(4);

/// How long a process that has said where it will listen may take to do so.
const GRACE: Duration = Duration::from_secs(3);

/// Between two tries within that time.
const AGAIN: Duration = Duration::from_millis(100);

/// How a process on a node is reached.
#[derive(Debug, Clone)]
pub(crate) struct Way {
    /// The node: an address or a name.
    pub(crate) address: String,
    /// The port that the process listens on.
    pub(crate) port: u16,
    /// The host that leads there.
    pub(crate) jump: Option<Jump>,
}

/// Why a process was not reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unreached {
    /// The named cause.
    pub(crate) cause: Cause,
    /// The words of the program that found out.
    pub(crate) words: Option<String>,
}

impl Unreached {
    /// What a person reads of a process at this address, `jump` the host that was to lead there.
    pub(crate) fn failure(self, address: &str, port: u16, jump: Option<&Jump>) -> Failure {
        self.cause.failure(address, port, jump.map(Jump::shown)).with_detail(self.words)
    }
}

impl Way {
    /// Connects. `not_listening` is called once where the node says no and may still come; `patient` says that
    /// it may.
    pub(crate) async fn dial(&self, patient: bool, not_listening: impl Fn()) -> Result<Relay, Unreached> {
        let began = Instant::now();
        let mut said = false;
        loop {
            let early = patient && began.elapsed() < GRACE;
            let outcome = match &self.jump {
                Some(jump) => jump.connect(&self.address, self.port, early).await,
                None => self.connect(early).await.map_err(|cause| Unreached { cause, words: None }),
            };
            match outcome {
                Err(unreached) if unreached.cause == Cause::NotListening => {
                    if !std::mem::replace(&mut said, true) {
                        not_listening();
                    }
                    tokio::time::sleep(AGAIN).await;
                }
                outcome => return outcome,
            }
        }
    }

    async fn connect(&self, early: bool) -> Result<Relay, Cause> {
        let (attempt, at) = match connect(&self.address, self.port).await {
            Ok(stream) => {
                // Frames are small and each one is waited for.
                let _ = stream.set_nodelay(true);
                let (reader, writer) = stream.into_split();
                let reader = gateway::until_broken(ReaderStream::new(reader));
                return Ok(Relay::to_node(Vec::new(), reader, Box::new(writer)));
            }
            Err(failed) => failed,
        };
        let route = match at {
            Some(at) => files::routes().map_or(Route::Own, |table| route_to(&table, at)),
            None => Route::None,
        };
        Err(cause(attempt, at, route, early))
    }
}

async fn connect(address: &str, port: u16) -> Result<TcpStream, (Attempt, Option<IpAddr>)> {
    let found = tokio::time::timeout(TIMEOUT, tokio::net::lookup_host((address, port))).await;
    let found: Vec<SocketAddr> = found.ok().and_then(Result::ok).into_iter().flatten().collect();
    let Some(first) = found.first() else { return Err((Attempt::NotResolved, None)) };
    let tried = tokio::time::timeout(TIMEOUT, TcpStream::connect(first)).await;
    let attempt = match tried {
        Ok(Ok(stream)) => return Ok(stream),
        Err(_) => Attempt::TimedOut,
        Ok(Err(error)) => match error.kind() {
            ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset => Attempt::Refused,
            ErrorKind::TimedOut => Attempt::TimedOut,
            ErrorKind::PermissionDenied => Attempt::Forbidden,
            _ => Attempt::Unreachable,
        },
    };
    Err((attempt, Some(first.ip())))
}
