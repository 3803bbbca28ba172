//! A bare DAP client: attach, one breakpoint, wait for `stopped`, go on. Its frames serve JSON-RPC as well.

use std::io::{BufRead, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::{Value, json};

/// Nothing that this client waits for takes longer on a machine that works.
const LIMIT: Duration = Duration::from_secs(60);

/// A debuggee that stands on the breakpoint.
pub(super) struct Session {
    connection: Connection,
    thread: Value,
}

impl Session {
    /// Takes the script's breakpoints away.
    pub(super) fn clear(&mut self, script: &str) -> anyhow::Result<()> {
        let none = json!({ "source": { "path": script }, "breakpoints": [] });
        self.connection.send("setBreakpoints", &none)?;
        self.connection.wait_for(|message| message["command"] == "setBreakpoints").map(drop)
    }

    /// One step over a line, in milliseconds.
    pub(super) fn step(&mut self) -> anyhow::Result<f64> {
        let begin = Instant::now();
        self.connection.send("next", &json!({ "threadId": self.thread }))?;
        self.connection.wait_for(|message| message["event"] == "stopped")?;
        Ok(begin.elapsed().as_secs_f64() * 1000.0)
    }

    /// Lets the script run to its end.
    pub(super) fn finish(mut self) -> anyhow::Result<()> {
        self.connection.send("continue", &json!({ "threadId": self.thread }))?;
        // The script ends and with it the connection, in whatever order.
        while let Ok(message) = self.connection.receive() {
            if message["event"] == "terminated" {
                let _ = self.connection.send("disconnect", &json!({ "terminateDebuggee": false }));
            }
        }
        Ok(())
    }
}

/// Attaches as soon as somebody answers and returns when the line is reached.
pub(super) fn run_to_breakpoint(
    port: u16,
    script: &str,
    line: u32,
    alive: impl FnMut() -> bool,
) -> anyhow::Result<Session> {
    let mut connection = connected(port, alive)?;
    connection.send("attach", &json!({ "justMyCode": true }))?;
    connection.wait_for(|message| message["event"] == "initialized")?;
    let breakpoint = json!({ "source": { "path": script }, "breakpoints": [{ "line": line }] });
    connection.send("setBreakpoints", &breakpoint)?;
    connection.send("configurationDone", &json!({}))?;
    let stopped = connection.wait_for(|message| message["event"] == "stopped")?;
    anyhow::ensure!(stopped["body"]["reason"] == "breakpoint", "stopped for another reason: {stopped}");
    Ok(Session { connection, thread: stopped["body"]["threadId"].clone() })
}

/// Attaches to a gateway without a breakpoint; the debugger stays for as long as the value.
pub(super) fn attach(port: u16) -> anyhow::Result<Attached> {
    // It listens before its port is told, and it closes when its run is over.
    let mut connection = Connection::open(port).with_context(|| {
        format!("no debugger can attach: the gateway on port {port} does not answer, so its run is over")
    })?;
    connection.send("attach", &json!({ "justMyCode": true }))?;
    connection.wait_for(|message| message["event"] == "initialized")?;
    connection.send("configurationDone", &json!({}))?;
    connection.wait_for(|message| message["command"] == "configurationDone")?;
    Ok(Attached { _connection: connection })
}

/// A debugger that only listens.
pub(super) struct Attached {
    _connection: Connection,
}

/// Attaches to a program that forks, then to its child as debugpy asks for it, and returns when the line is
/// reached there. `ready` is called when the child may run.
pub(super) fn run_to_breakpoint_in_child(
    port: u16,
    script: &str,
    line: u32,
    ready: impl FnOnce(),
    alive: impl FnMut() -> bool,
) -> anyhow::Result<[Session; 2]> {
    let mut parent = connected(port, alive)?;
    parent.send("attach", &json!({ "justMyCode": true }))?;
    parent.wait_for(|message| message["event"] == "initialized")?;
    parent.send("configurationDone", &json!({}))?;
    let child = parent.wait_for(|message| message["event"] == "debugpyAttach")?;
    // Its sessions share the one port that is published.
    let mut connection = connected(port, || true)?;
    connection.send("attach", &child["body"])?;
    connection.wait_for(|message| message["event"] == "initialized")?;
    let breakpoint = json!({ "source": { "path": script }, "breakpoints": [{ "line": line }] });
    connection.send("setBreakpoints", &breakpoint)?;
    connection.send("configurationDone", &json!({}))?;
    ready();
    let stopped = connection.wait_for(|message| message["event"] == "stopped")?;
    anyhow::ensure!(stopped["body"]["reason"] == "breakpoint", "stopped for another reason: {stopped}");
    let session = |connection, thread| Session { connection, thread };
    Ok([session(parent, Value::Null), session(connection, stopped["body"]["threadId"].clone())])
}

/// A connection to whoever answers, as soon as somebody does.
fn connected(port: u16, alive: impl FnMut() -> bool) -> anyhow::Result<Connection> {
    connected_within(LIMIT, port, alive)
}

fn connected_within(
    limit: Duration,
    port: u16,
    mut alive: impl FnMut() -> bool,
) -> anyhow::Result<Connection> {
    let begin = Instant::now();
    loop {
        // A port proxy accepts before anybody listens behind it, so only a reply counts.
        match Connection::open(port) {
            Ok(connection) => return Ok(connection),
            Err(error) if !alive() => {
                return Err(error.context("the container ended before a debugger could attach"));
            }
            Err(error) if begin.elapsed() > limit => {
                let seconds = limit.as_secs_f64();
                return Err(
                    error.context(format!("nobody answered a debugger on port {port} for {seconds} s"))
                );
            }
            Err(_) => std::thread::sleep(Duration::from_millis(3)),
        }
    }
}

struct Connection {
    input: TcpStream,
    output: BufReader<TcpStream>,
    sequence: u32,
}

impl Connection {
    fn open(port: u16) -> anyhow::Result<Connection> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let input = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        input.set_nodelay(true)?;
        input.set_read_timeout(Some(LIMIT))?;
        let output = BufReader::new(input.try_clone()?);
        let mut connection = Connection { input, output, sequence: 0 };
        let asked = json!({ "clientID": "aml-debug-bench", "adapterID": "debugpy", "pathFormat": "path",
            "linesStartAt1": true, "columnsStartAt1": true });
        connection.send("initialize", &asked)?;
        connection.wait_for(|message| message["command"] == "initialize")?;
        Ok(connection)
    }

    fn send(&mut self, command: &str, arguments: &Value) -> anyhow::Result<()> {
        self.sequence += 1;
        let request =
            json!({ "seq": self.sequence, "type": "request", "command": command, "arguments": arguments });
        self.input.write_all(&frame(&request)).with_context(|| format!("send {command}"))
    }

    fn receive(&mut self) -> anyhow::Result<Value> {
        read_frame(&mut self.output)
    }

    fn wait_for(&mut self, wanted: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        let end = Instant::now() + LIMIT;
        loop {
            let message = self.receive()?;
            if wanted(&message) {
                return Ok(message);
            }
            anyhow::ensure!(message["success"] != false, "the debugger refused: {message}");
            anyhow::ensure!(Instant::now() < end, "the debugger did not answer within {} s", LIMIT.as_secs());
        }
    }
}

/// A message with its length before it, as DAP and the language server protocol write it.
pub(super) fn frame(message: &Value) -> Vec<u8> {
    let body = message.to_string();
    format!("Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// The next message; an error at the end of the stream.
pub(super) fn read_frame(output: &mut impl BufRead) -> anyhow::Result<Value> {
    let mut length = None;
    loop {
        let mut line = String::new();
        anyhow::ensure!(output.read_line(&mut line)? > 0, "the other side closed the connection");
        if let Some(value) = line.strip_prefix("Content-Length:") {
            length = Some(value.trim().parse()?);
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length.context("a message without a length")?];
    output.read_exact(&mut body)?;
    Ok(serde_json::from_slice(&body)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_debugger_whom_nobody_answers_gives_up_and_says_where() {
        let said = |tried: anyhow::Result<()>| {
            tried.err().map_or_else(|| "it was answered".to_owned(), |error| format!("{error:#}"))
        };
        let closed = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.local_addr())
            .expect("a port that nobody listens on any more")
            .port();
        let gateway = said(attach(closed).map(drop));
        assert!(gateway.contains(&format!("gateway on port {closed} does not answer")), "{gateway}");
        assert!(gateway.contains("refused"), "{gateway}");
        // A port proxy accepts, and there is nobody behind it.
        let proxy = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = proxy.local_addr().expect("its address").port();
        std::thread::spawn(move || proxy.incoming().for_each(drop));
        let nobody = said(connected_within(Duration::from_millis(50), port, || true).map(drop));
        assert!(
            nobody.starts_with(&format!("nobody answered a debugger on port {port} for 0.05 s")),
            "{nobody}"
        );
    }

    #[test]
    fn a_frame_is_read_as_it_was_written_and_the_end_is_an_error() -> anyhow::Result<()> {
        let message = json!({ "event": "stopped", "body": { "text": "ä" } });
        let mut stream = std::io::Cursor::new(frame(&message));
        assert_eq!(read_frame(&mut stream)?, message);
        assert!(read_frame(&mut stream).is_err());
        Ok(())
    }
}
