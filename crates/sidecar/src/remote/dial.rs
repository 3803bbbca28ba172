//! The connection to a node: made once and kept, or refused with a named cause.
//!
//! A debug server that sees somebody connect and leave again may serve nobody after that, so there is no
//! test beside the connection itself.

use crate::files;
use engine::reach::{Attempt, Cause, Route, cause, route_to};
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

/// A way through a cloud's networks takes a tenth of a second; what takes longer than this does not come.
const TIMEOUT: Duration = Duration::from_secs(4);

/// How long a process that has said where it will listen may take to do so.
const GRACE: Duration = Duration::from_secs(3);

/// Between two tries within that time.
const AGAIN: Duration = Duration::from_millis(100);

/// Connects. `not_listening` is called once where the node says no and may still come.
pub(super) async fn dial(
    address: &str,
    port: u16,
    patient: bool,
    mut not_listening: impl FnMut(),
) -> Result<TcpStream, Cause> {
    let began = Instant::now();
    let mut said = false;
    loop {
        let (attempt, at) = match connect(address, port).await {
            Ok(stream) => {
                // Frames are small and each one is waited for.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(failed) => failed,
        };
        let route = match at {
            Some(at) => files::routes().map_or(Route::Own, |table| route_to(&table, at)),
            None => Route::None,
        };
        let cause = cause(attempt, at, route, patient && began.elapsed() < GRACE);
        if cause != Cause::NotListening {
            return Err(cause);
        }
        if !std::mem::replace(&mut said, true) {
            not_listening();
        }
        tokio::time::sleep(AGAIN).await;
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
