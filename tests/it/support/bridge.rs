//! A second way to the engine, which a story can take away or open to somebody else.

use super::engine;
use std::fs;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};

/// A socket in front of the engine's. Each connection is two threads that copy.
pub(crate) struct Bridge {
    socket: PathBuf,
    opened: Receiver<[UnixStream; 2]>,
}

impl Bridge {
    /// A bridge that everybody on this machine may use.
    pub(crate) fn open(socket: PathBuf) -> Self {
        let listener = UnixListener::bind(&socket).expect("a socket");
        fs::set_permissions(&socket, fs::Permissions::from_mode(0o666)).expect("a socket for everybody");
        let (sender, opened) = channel();
        std::thread::spawn(move || accept(&listener, &sender));
        Self { socket, opened }
    }

    /// What `DOCKER_HOST` says to go this way.
    pub(crate) fn address(&self) -> String {
        format!("unix://{}", self.socket.display())
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

fn accept(listener: &UnixListener, opened: &Sender<[UnixStream; 2]>) {
    while let Ok((near, _)) = listener.accept() {
        let Ok(far) = UnixStream::connect(engine::socket()) else { continue };
        let copy = |stream: &UnixStream| stream.try_clone().expect("a second handle");
        let (to, from) = ((copy(&near), copy(&far)), (copy(&far), copy(&near)));
        if opened.send([near, far]).is_err() {
            return;
        }
        std::thread::spawn(move || shovel(to));
        std::thread::spawn(move || shovel(from));
    }
}

fn shovel((mut from, mut to): (UnixStream, UnixStream)) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    // A half that is closed stays a half: an upload's end is not its answer's.
    let _ = to.shutdown(Shutdown::Write);
}
