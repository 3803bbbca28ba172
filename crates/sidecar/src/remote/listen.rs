//! Steps that call here, for networks in which only that direction is open.
//!
//! Who calls is asked for the token before anything else is said. debugpy gives the one that it was started with;
//! behind ours it tells which step and which rank it is. A caller without it learns nothing and is sent away.

use super::{Inbound, Who};
use crate::gateway::{self, Relay};
use engine::dap::frames::{FrameReader, frame};
use engine::failure::{Blame, Failure};
use engine::message;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::io::ReaderStream;

/// How long a caller may take to show its token.
const PATIENCE: Duration = Duration::from_secs(10);

/// More than an honest caller says before it has shown it.
const MOST: usize = 64 * 1024;

/// So many callers may stand before the door at once.
const CALLERS: usize = 64;

/// Where steps call.
#[derive(Debug, Clone)]
pub(crate) struct Listen {
    address: SocketAddr,
    /// What a caller has to know.
    pub(super) token: String,
}

impl Listen {
    /// Reads `[ADDRESS:]PORT`; loopback where no address is given. `token` is what a caller has to know.
    ///
    /// # Errors
    /// No address of a machine, or no port.
    pub(crate) fn read(text: &str, token: String) -> Result<Self, Failure> {
        let port = text.parse().map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        let address = port.or_else(|_| text.parse::<SocketAddr>()).map_err(|_| {
            let form = "[ADDRESS:]PORT";
            Failure::new(Blame::User, message!("cli.bad-value", flag = "--listen", value = text, form = form))
        })?;
        Ok(Self { address, token })
    }

    /// Whether others than this machine can call.
    pub(crate) fn is_open(&self) -> bool {
        !self.address.ip().is_loopback()
    }

    /// Whether every address of this machine is meant.
    pub(crate) fn is_everywhere(&self) -> bool {
        matches!(self.address.ip(), IpAddr::V4(ip) if ip.is_unspecified())
            || matches!(self.address.ip(), IpAddr::V6(ip) if ip.is_unspecified())
    }

    pub(super) fn open(&self) -> Result<TcpListener, Failure> {
        let bound = std::net::TcpListener::bind(self.address).and_then(|listener| {
            listener.set_nonblocking(true)?;
            TcpListener::from_std(listener)
        });
        bound.map_err(|error| {
            Failure::new(Blame::Environment, message!("remote.cannot-listen", address = self.address))
                .with_detail([error.to_string()])
                .with_fix(message!("remote.cannot-listen.fix"))
        })
    }
}

/// Lets in whoever has the token, for ever.
pub(super) async fn serve(listener: TcpListener, token: String, inbound: mpsc::UnboundedSender<Inbound>) {
    let mut callers = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if callers.len() < CALLERS => {
                let Ok((stream, peer)) = accepted else {
                    // Out of file handles, say; it may get better.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                };
                let (token, inbound) = (token.clone(), inbound.clone());
                callers.spawn(async move {
                    let met = tokio::time::timeout(PATIENCE, meet(stream, &token)).await;
                    let _ = match met {
                        Ok(Met::Ours(who, relay)) => inbound.send(Inbound::Called(who, relay)),
                        // Whoever says nothing at all only looked whether somebody is here, as our own wait does.
                        Ok(Met::Silent) => return,
                        Ok(Met::Stranger) | Err(_) => inbound.send(Inbound::Refused(peer)),
                    };
                });
            }
            Some(_) = callers.join_next(), if !callers.is_empty() => {}
        }
    }
}

enum Met {
    Ours(Who, Box<Relay>),
    Stranger,
    Silent,
}

async fn meet(mut stream: TcpStream, token: &str) -> Met {
    let _ = stream.set_nodelay(true);
    let question = json!({ "seq": 1, "type": "request", "command": "pydevdAuthorize",
        "arguments": { "debugServerAccessToken": null } });
    if stream.write_all(&frame(&question)).await.is_err() {
        return Met::Silent;
    }
    let (mut frames, mut buffer, mut heard, mut early) = (FrameReader::new(), vec![0; 4096], 0, Vec::new());
    let answer = loop {
        match frames.next_message() {
            Ok(Some(message)) if message["command"] == "pydevdAuthorize" => break message,
            Ok(Some(message)) => early.extend(frame(&message)),
            Ok(None) => match stream.read(&mut buffer).await {
                Ok(length @ 1..) => {
                    heard += length;
                    frames.feed(&buffer[..length]);
                }
                _ if heard == 0 => return Met::Silent,
                _ => return Met::Stranger,
            },
            Err(_) => return Met::Stranger,
        }
        if heard > MOST {
            return Met::Stranger;
        }
    };
    let Some(who) = name(&answer, token) else { return Met::Stranger };
    early.extend(frames.into_rest());
    let (reader, writer) = stream.into_split();
    let reader = gateway::until_broken(ReaderStream::new(reader));
    let relay = Relay { lasting: true, ..Relay::to_node(early, reader, Box::new(writer)) };
    Met::Ours(who, Box::new(relay))
}

/// Who has shown the token: `TOKEN STEP RANK`, `-` for what it does not know.
fn name(answer: &Value, token: &str) -> Option<Who> {
    let mut words = answer["body"]["clientAccessToken"].as_str()?.split(' ');
    // Equal digests say nothing about how much of a wrong token was right.
    let is_ours = Sha256::digest(words.next()?) == Sha256::digest(token);
    let step = words.next().filter(|step| *step != "-" && is_name(step)).map(str::to_owned);
    let rank = words.next().and_then(|rank| rank.parse().ok());
    is_ours.then_some(Who { step, rank })
}

fn is_name(step: &str) -> bool {
    step.len() <= 200 && step.chars().all(|letter| letter.is_alphanumeric() || "._-".contains(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_lets_in_and_names_the_process() {
        let shown = |text: &str| name(&json!({"body": {"clientAccessToken": text}}), "s3cret");
        let who = |step: Option<&str>, rank| Some(Who { step: step.map(str::to_owned), rank });
        assert_eq!(shown("s3cret train 1"), who(Some("train"), Some(1)));
        assert_eq!(shown("s3cret - -"), who(None, None));
        assert_eq!(shown("s3cret"), who(None, None));
        assert_eq!(shown("s3cret ../../etc 1"), who(None, Some(1)));
        assert_eq!((shown("s3cre train 1"), shown(""), shown(" s3cret")), (None, None, None));
        assert_eq!(name(&json!({}), ""), None);
    }

    #[test]
    fn without_an_address_only_this_machine_can_call() {
        let read = |text: &str| Listen::read(text, String::new());
        assert_eq!(read("5678").unwrap().address.to_string(), "127.0.0.1:5678");
        assert!(!read("127.0.0.1:0").unwrap().is_open());
        assert!(read("10.0.0.4:5678").unwrap().is_open() && read("[::]:5678").unwrap().is_everywhere());
        for wrong in ["", "localhost:1", "10.0.0.4", "70000", "10.0.0.4:x"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
