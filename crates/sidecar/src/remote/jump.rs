//! A host between this machine and the nodes: the system's own `ssh` carries the bytes over its standard streams
//! (`ssh -W`), so the user's keys, agent, `~/.ssh/config` and known hosts hold, and no secret passes by here.

use super::Unreached;
use super::dial::TIMEOUT;
use crate::gateway::{self, Relay};
use engine::failure::{Blame, Failure};
use engine::message;
use engine::reach::{Cause, cause_of_ssh, words_of_ssh};
use futures::StreamExt;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStderr, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::io::ReaderStream;

/// How long the way to the host and its greeting may take, seconds. Signing in needs a second or two.
const CONNECT: u32 = 10;

/// The same with the exchange of keys behind it.
const SIGN_IN: Duration = Duration::from_secs(25);

/// A host that leads to the nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Jump {
    /// `HOST` or `USER@HOST`, an alias of `~/.ssh/config` too.
    destination: String,
    port: Option<u16>,
}

/// How far `ssh` has come, by its own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    Begun,
    SignedIn,
    /// The host has connected to the node.
    Open,
}

impl Jump {
    /// Reads `[USER@]HOST[:PORT]`.
    ///
    /// # Errors
    /// Nothing that `ssh` would take for a host.
    pub(crate) fn read(text: &str) -> Result<Self, Failure> {
        let bad = || {
            let form = "[USER@]HOST[:PORT]";
            Failure::new(Blame::User, message!("cli.bad-value", flag = "--jump", value = text, form = form))
        };
        let (destination, port) = match text.rsplit_once(':') {
            Some((destination, port)) => (destination, Some(port.parse().map_err(|_| bad())?)),
            None => (text, None),
        };
        // `ssh` reads what begins with a dash as an option, and a program may hide in one.
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_@".contains(&byte);
        let host = destination.rsplit('@').next().unwrap_or_default();
        let is_well = destination.bytes().all(is_plain)
            && !destination.starts_with('-')
            && !host.is_empty()
            && !host.starts_with('-');
        is_well.then(|| Self { destination: destination.to_owned(), port }).ok_or_else(bad)
    }

    /// As a person calls it.
    pub(crate) fn shown(&self) -> &str {
        &self.destination
    }

    fn command(&self, address: &str, port: u16) -> Command {
        let there =
            if address.contains(':') { format!("[{address}]:{port}") } else { format!("{address}:{port}") };
        let mut command = Command::new("ssh");
        // Nobody is there to be asked. The second -v has it say when the way is open.
        command.args(["-v", "-v", "-o", "BatchMode=yes", "-o", &format!("ConnectTimeout={CONNECT}")]);
        // A connection that has died is noticed within a minute.
        command.args(["-o", "ServerAliveInterval=20", "-W", &there]);
        if let Some(port) = self.port {
            command.args(["-p", &port.to_string()]);
        }
        command.args(["--", &self.destination]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    /// Connects to a node through the host. `early` says that the process may not listen yet.
    pub(super) async fn connect(&self, address: &str, port: u16, early: bool) -> Result<Relay, Unreached> {
        let nothing = |cause, words| Unreached { cause, words };
        let spawned = self.command(address, port).spawn();
        let mut ssh = spawned.map_err(|error| nothing(Cause::NoSsh, Some(error.to_string())))?;
        let (Some(input), Some(mut output), Some(errors)) =
            (ssh.stdin.take(), ssh.stdout.take(), ssh.stderr.take())
        else {
            return Err(nothing(Cause::NoSsh, None));
        };
        let (progress, mut seen) = watch::channel(Progress::Begun);
        let words = tokio::spawn(listen(errors, progress));
        let mut first = vec![0; 64 * 1024];
        let mut deadline = std::pin::pin!(tokio::time::sleep(SIGN_IN));
        let mut signed_in = false;
        let early_bytes = loop {
            tokio::select! {
                read = output.read(&mut first) => match read {
                    Ok(length @ 1..) => break first[..length].to_vec(),
                    _ => return Err(ended(ssh, words, early).await),
                },
                // Its words may end before its streams do.
                Ok(()) = seen.changed() => match *seen.borrow_and_update() {
                    Progress::Open => break Vec::new(),
                    Progress::SignedIn if !std::mem::replace(&mut signed_in, true) => {
                        deadline.as_mut().reset(tokio::time::Instant::now() + TIMEOUT);
                    }
                    _ => {}
                },
                () = &mut deadline => {
                    let cause = if signed_in { Cause::Filtered } else { Cause::JumpUnreachable };
                    return Err(nothing(cause, None));
                }
            }
        };
        // The process lives as long as its output is read, and is ended with it.
        let reader = futures::stream::unfold(
            (ReaderStream::new(output), ssh, words),
            |(mut output, ssh, words)| async {
                let piece = output.next().await?;
                Some((piece, (output, ssh, words)))
            },
        );
        Ok(Relay::to_node(early_bytes, gateway::until_broken(reader), Box::new(input)))
    }
}

/// Why `ssh` has ended.
async fn ended(mut ssh: Child, words: JoinHandle<String>, early: bool) -> Unreached {
    let said = words.await.unwrap_or_default();
    let _ = ssh.wait().await;
    Unreached { cause: cause_of_ssh(&said, early), words: words_of_ssh(&said) }
}

/// Reads what `ssh` says to its end, and tells how far it has come.
async fn listen(errors: ChildStderr, progress: watch::Sender<Progress>) -> String {
    let (mut lines, mut said) = (BufReader::new(errors).lines(), String::new());
    while let Ok(Some(line)) = lines.next_line().await {
        match line.starts_with("debug") {
            // Host names in it come from the command line and cannot pretend.
            true if line.contains("open confirm") => drop(progress.send(Progress::Open)),
            true => {}
            false if line.starts_with("Authenticated to ") => drop(progress.send(Progress::SignedIn)),
            // Nobody reads more than this, and a connection may stay for days.
            false if said.len() < 64 * 1024 => {
                said.push_str(&line);
                said.push('\n');
            }
            false => {}
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_read_as_ssh_writes_it_and_an_option_is_none() {
        let read = |text: &str| Jump::read(text).map(|jump| (jump.destination, jump.port)).ok();
        assert_eq!(read("ada@jump.example.com"), Some(("ada@jump.example.com".to_owned(), None)));
        assert_eq!(read("jump:2222"), Some(("jump".to_owned(), Some(2222))));
        for wrong in ["", "-oProxyCommand=x", "ada@-oProxyCommand=x", "a b", "jump:ssh", "ada@", "$(x)"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn nothing_of_a_secret_is_in_its_arguments() {
        let command = Jump::read("ada@jump:2222").unwrap().command("fe80::1", 5678);
        let words: Vec<_> =
            command.as_std().get_args().map(|word| word.to_string_lossy().into_owned()).collect();
        assert_eq!(
            words.join(" "),
            "-v -v -o BatchMode=yes -o ConnectTimeout=10 -o ServerAliveInterval=20 -W [fe80::1]:5678 -p 2222 -- ada@jump"
        );
    }
}
