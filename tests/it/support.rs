//! What every story needs: a ground of its own, the program, the engine's own client, a debugger.
//!
//! A story is told to the real program against the real engine. Nothing waits for a time to pass: a story
//! waits for what should happen, with a limit that only a broken machine reaches.

pub(crate) mod bridge;
pub(crate) mod debugger;
pub(crate) mod engine;
pub(crate) mod ground;
pub(crate) mod own_engine;
pub(crate) mod program;

pub(crate) use bridge::Bridge;
pub(crate) use debugger::Debugger;
pub(crate) use ground::Ground;
pub(crate) use own_engine::OwnEngine;
pub(crate) use program::Started;

use std::time::{Duration, Instant};

/// The longest that anything in a story may take.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// What a server of the user's own stands on, beside the `/app/server.py` of its story.
pub(crate) const OWN_SERVER: &str = r#"
//- /Dockerfile
FROM $BASE
COPY app /app
CMD ["python3", "/app/server.py"]
//- /app/answering.py
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Answering(BaseHTTPRequestHandler):
    kind = "application/octet-stream"

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", self.kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

def serve(port, handler):
    ThreadingHTTPServer(("0.0.0.0", port), handler).serve_forever()
"#;

/// Looks again and again until there is an answer; `what` is told where there never is one.
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < LIMIT, "never seen: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Says what of a story was not told, and why.
#[expect(clippy::print_stdout, reason = "a skip that nobody sees is a defect")]
pub(crate) fn not_told(what: &str) {
    println!("not told: {what}");
}

/// Whether the tests may act as somebody else.
pub(crate) fn is_root() -> bool {
    let id = std::process::Command::new("id").arg("-u").output().expect("id");
    id.stdout == b"0\n"
}
