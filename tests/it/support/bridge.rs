//! A second way to the engine, which a story can take away or open to somebody else.

use super::engine;
use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};

/// A socket in front of the engine's. Each connection is two threads that copy.
pub(crate) struct Bridge {
    address: String,
    socket: PathBuf,
    opened: Receiver<[UnixStream; 2]>,
}

impl Bridge {
    /// A bridge that everybody on this machine may use.
    pub(crate) fn open(socket: PathBuf) -> Self {
        Self::with(socket, |_| true)
    }

    /// A bridge behind which there seems to be no BuildKit: what only BuildKit answers is refused.
    pub(crate) fn without_buildkit(socket: PathBuf) -> Self {
        Self::with(socket, |head| {
            let path = head.split(' ').nth(1).unwrap_or_default();
            let (path, query) = path.split_once('?').unwrap_or((path, ""));
            let is_build = path.ends_with("/build") && query.split('&').any(|word| word == "version=2");
            !(is_build || path.ends_with("/session") || path.ends_with("/grpc"))
        })
    }

    fn with(socket: PathBuf, passes: fn(&str) -> bool) -> Self {
        let listener = UnixListener::bind(&socket).expect("a socket");
        fs::set_permissions(&socket, fs::Permissions::from_mode(0o666)).expect("a socket for everybody");
        let (sender, opened) = channel();
        std::thread::spawn(move || accept(&listener, &sender, passes));
        let address = format!("unix://{}", socket.display());
        Self { address, socket, opened }
    }

    /// A bridge at a port, as the engine of another machine is reached.
    pub(crate) fn open_port() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let address = format!("tcp://{}", listener.local_addr().expect("bound"));
        let (_, opened) = channel();
        std::thread::spawn(move || {
            while let Ok((near, _)) = listener.accept() {
                let Ok(far) = UnixStream::connect(engine::socket()) else { continue };
                let (near_too, far_too) =
                    (near.try_clone().expect("a second"), far.try_clone().expect("a second"));
                std::thread::spawn(move || {
                    copy(&near, &far);
                    let _ = far.shutdown(Shutdown::Write);
                });
                std::thread::spawn(move || {
                    copy(&far_too, &near_too);
                    let _ = near_too.shutdown(Shutdown::Write);
                });
            }
        });
        Self { address, socket: PathBuf::new(), opened }
    }

    /// What `DOCKER_HOST` says to go this way.
    pub(crate) fn address(&self) -> String {
        self.address.clone()
    }

    /// How many connections have come since somebody asked last.
    pub(crate) fn connections(&self) -> usize {
        self.opened.try_iter().count()
    }

    /// Ends every connection and takes no new one.
    pub(crate) fn cut(&self) {
        // Whoever comes from now on finds no socket.
        fs::remove_file(&self.socket).expect("the socket");
        while let Ok(pair) = self.opened.try_recv() {
            for end in pair {
                let _ = end.shutdown(Shutdown::Both);
            }
        }
    }
}

fn accept(listener: &UnixListener, opened: &Sender<[UnixStream; 2]>, passes: fn(&str) -> bool) {
    while let Ok((near, _)) = listener.accept() {
        let Ok(far) = UnixStream::connect(engine::socket()) else { continue };
        let opened = opened.clone();
        // The head of a request may be long in coming; nobody else waits for it.
        std::thread::spawn(move || carry(near, far, &opened, passes));
    }
}

/// One connection: its first request is looked at, everything else is copied.
fn carry(
    mut near: UnixStream,
    mut far: UnixStream,
    opened: &Sender<[UnixStream; 2]>,
    passes: fn(&str) -> bool,
) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match near.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => break,
        }
    }
    if !passes(&String::from_utf8_lossy(&head)) {
        let refused = "HTTP/1.1 404 Not Found\r\nApi-Version: 1.41\r\nContent-Type: application/json\r\nContent-Length: 28\r\nConnection: close\r\n\r\n{\"message\":\"page not found\"}";
        let _ = near.write_all(refused.as_bytes());
        return;
    }
    if far.write_all(&head).is_ok() {
        let copy = |stream: &UnixStream| stream.try_clone().expect("a second handle");
        let (to, from) = ((copy(&near), copy(&far)), (copy(&far), copy(&near)));
        if opened.send([near, far]).is_err() {
            return;
        }
        std::thread::spawn(move || shovel(to));
        std::thread::spawn(move || shovel(from));
    }
}

fn shovel((from, to): (UnixStream, UnixStream)) {
    copy(&from, &to);
    // A half that is closed stays a half: an upload's end is not its answer's.
    let _ = to.shutdown(Shutdown::Write);
}

fn copy(mut from: impl Read, mut to: impl Write) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
}
