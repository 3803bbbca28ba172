//! One connection per request, over whatever reaches the engine.
//!
//! bollard would open these connections itself; ours say why one could not be opened, send small frames
//! at once (`TCP_NODELAY`: the debug relay is nothing but small frames), notice a server that is not a
//! container engine, and reach engines behind `ssh` through `docker system dial-stdio`.

use bollard::{API_DEFAULT_VERSION, BollardRequest};
use hyper::header::{HOST, HeaderValue};
use hyper::{Response, StatusCode, Uri, body::Incoming};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::oneshot;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A far engine behind a firewall swallows the first packet; nobody wants to wait the kernel's two minutes.
const DIAL: Duration = Duration::from_secs(10);

/// The way to an engine.
#[derive(Debug, Clone)]
pub(crate) enum Wire {
    /// A socket file.
    #[cfg(unix)]
    Unix(PathBuf),
    /// A plain TCP port.
    Tcp { host: String, port: u16 },
    /// A TCP port behind TLS.
    Tls { host: String, port: u16, config: Arc<ClientConfig> },
    /// A program whose standard input and output are the connection.
    Program(Vec<String>),
}

/// The connection could not be opened at all.
#[derive(Debug)]
pub(crate) struct DialError(pub(crate) io::Error);

impl std::fmt::Display for DialError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for DialError {}

/// Something answered HTTP, but not as a container engine does.
#[derive(Debug)]
pub(crate) struct NotAnEngine {
    pub(crate) answer: String,
}

impl std::fmt::Display for NotAnEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.answer)
    }
}

impl std::error::Error for NotAnEngine {}

/// A bollard client over the wire. `seconds` is the longest wait for the head of an answer.
pub(crate) fn client(wire: Wire, seconds: u64) -> Result<bollard::Docker, bollard::errors::Error> {
    let wire = Arc::new(wire);
    bollard::Docker::connect_with_custom_transport(
        move |request: BollardRequest| {
            let wire = Arc::clone(&wire);
            async move { send(&wire, request).await }
        },
        // Never dialled: the path alone is taken from the address that bollard makes of it.
        Some("http://engine"),
        seconds,
        API_DEFAULT_VERSION,
    )
}

pub(crate) async fn send(
    wire: &Wire,
    request: BollardRequest,
) -> Result<Response<Incoming>, bollard::errors::Error> {
    let mut connection = open(wire).await.map_err(dial_error)?;
    let complaint = connection.complaint();
    let (mut sender, driver) = hyper::client::conn::http1::handshake(TokioIo::new(connection)).await?;
    // Ends by itself when the answer's body is read or dropped, or when an upgraded stream is dropped.
    tokio::spawn(driver.with_upgrades());
    let (mut head, body) = request.into_parts();
    head.headers.insert(HOST, HeaderValue::from_static("docker"));
    if let Some(path) = head.uri.path_and_query() {
        head.uri = Uri::from(path.clone());
    }
    let response = match (sender.send_request(hyper::Request::from_parts(head, body)).await, complaint) {
        (Ok(response), _) => response,
        (Err(error), None) => return Err(error.into()),
        (Err(error), Some(complaint)) => {
            // `ssh` says on its standard error why it gives up, and then ends without an answer.
            let said = tokio::time::timeout(Duration::from_secs(1), complaint).await;
            let said = said.ok().and_then(Result::ok).unwrap_or_default();
            let why = if said.is_empty() { error.to_string() } else { said };
            return Err(dial_error(io::Error::new(io::ErrorKind::ConnectionRefused, why)).into());
        }
    };
    recognise(&response)?;
    Ok(response)
}

fn dial_error(error: io::Error) -> io::Error {
    io::Error::new(error.kind(), DialError(error))
}

/// Whether the engine takes a BuildKit session. The one that is opened here is given up at once.
pub(crate) async fn offers_sessions(wire: &Wire) -> bool {
    let ask = async {
        let connection = open(wire).await.ok()?;
        let (mut sender, driver) =
            hyper::client::conn::http1::handshake(TokioIo::new(connection)).await.ok()?;
        tokio::spawn(driver.with_upgrades());
        let request = hyper::Request::post("/session")
            .header(HOST, "docker")
            .header("Connection", "Upgrade")
            .header("Upgrade", "h2c")
            .header("X-Docker-Expose-Session-Uuid", format!("probe-{:x}", std::process::id()))
            .body(http_body_util::Empty::<bytes::Bytes>::new())
            .ok()?;
        Some(sender.send_request(request).await.ok()?.status() == StatusCode::SWITCHING_PROTOCOLS)
    };
    // As long as any question that is answered from memory.
    tokio::time::timeout(DIAL, ask).await.ok().flatten().unwrap_or_default()
}

/// Docker and Podman put their API version on every answer; a web server that happens to listen does not.
/// A proxy that filters calls may answer for the engine, so its refusals are let through.
fn recognise(response: &Response<Incoming>) -> io::Result<()> {
    let status = response.status();
    let from_engine = response.headers().contains_key("api-version")
        || response.headers().contains_key("libpod-api-version")
        || response
            .headers()
            .get("content-type")
            .is_some_and(|kind| kind.to_str().is_ok_and(|kind| kind.starts_with("application/vnd.docker.")));
    let from_proxy = matches!(
        status,
        StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    );
    if status == StatusCode::SWITCHING_PROTOCOLS || from_engine || from_proxy {
        return Ok(());
    }
    let server =
        response.headers().get("server").and_then(|name| name.to_str().ok()).unwrap_or("no server name");
    Err(io::Error::other(NotAnEngine { answer: format!("HTTP {status} ({server})") }))
}

/// Opens one connection.
pub(crate) async fn open(wire: &Wire) -> io::Result<Connection> {
    match wire {
        #[cfg(unix)]
        Wire::Unix(path) => Ok(Connection::Unix(UnixStream::connect(path).await?)),
        Wire::Tcp { host, port } => Ok(Connection::Tcp(dial(host, *port).await?)),
        Wire::Tls { host, port, config } => {
            let name = ServerName::try_from(host.clone()).map_err(io::Error::other)?;
            let connector = TlsConnector::from(Arc::clone(config));
            let greeted = connector.connect(name, dial(host, *port).await?);
            let stream = tokio::time::timeout(DIAL, greeted).await;
            Ok(Connection::Tls(Box::new(stream.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??)))
        }
        Wire::Program(argv) => Ok(Connection::Program(Box::new(Program::start(argv)?))),
    }
}

async fn dial(host: &str, port: u16) -> io::Result<TcpStream> {
    let stream = tokio::time::timeout(DIAL, TcpStream::connect((host, port)))
        .await
        .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// An open connection to the engine.
pub(crate) enum Connection {
    #[cfg(unix)]
    Unix(UnixStream),
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Program(Box<Program>),
}

/// A child whose pipes carry the connection. It lives as long as the connection does: an upgraded stream
/// loses its pipe if the child is dropped earlier.
pub(crate) struct Program {
    _child: Child,
    stdin: ChildStdin,
    stdout: ChildStdout,
    complaint: Option<oneshot::Receiver<String>>,
}

impl Program {
    fn start(argv: &[String]) -> io::Result<Self> {
        let Some((program, arguments)) = argv.split_first() else {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        };
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(io::Error::from(io::ErrorKind::BrokenPipe));
        };
        let (sender, complaint) = oneshot::channel();
        tokio::spawn(async move {
            let mut said = Vec::new();
            // More than this is no complaint; the rest is read so that the child never blocks on it.
            let mut head = stderr.take(4096);
            let read = head.read_to_end(&mut said).await;
            if read.is_ok() && said.len() == 4096 {
                let _ = tokio::io::copy(&mut head.into_inner(), &mut tokio::io::sink()).await;
            }
            let _ = sender.send(String::from_utf8_lossy(&said).trim().to_owned());
        });
        Ok(Self { _child: child, stdin, stdout, complaint: Some(complaint) })
    }
}

impl Connection {
    fn complaint(&mut self) -> Option<oneshot::Receiver<String>> {
        match self {
            Connection::Program(program) => program.complaint.take(),
            _ => None,
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            #[cfg(unix)]
            Connection::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
            Connection::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Connection::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
            Connection::Program(program) => Pin::new(&mut program.stdout).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            #[cfg(unix)]
            Connection::Unix(stream) => Pin::new(stream).poll_write(cx, buf),
            Connection::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
            Connection::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
            Connection::Program(program) => Pin::new(&mut program.stdin).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            #[cfg(unix)]
            Connection::Unix(stream) => Pin::new(stream).poll_flush(cx),
            Connection::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Connection::Tls(stream) => Pin::new(stream).poll_flush(cx),
            Connection::Program(program) => Pin::new(&mut program.stdin).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            #[cfg(unix)]
            Connection::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
            Connection::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Connection::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
            Connection::Program(program) => Pin::new(&mut program.stdin).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Docker, Verb};
    use futures::StreamExt;

    fn through(argv: &[&str]) -> Docker {
        let wire = Wire::Program(argv.iter().map(|&word| word.to_owned()).collect());
        Docker::over(client(wire, 60).expect("a client"), "ssh://test".to_owned(), Vec::new(), None)
    }

    /// What `ssh host docker system dial-stdio` does on the far side, done on this one.
    #[tokio::test]
    async fn a_program_carries_the_connection_upgraded_streams_included() {
        let docker = through(&["docker", "system", "dial-stdio"]);
        assert_eq!(docker.about().await.expect("these tests need a container engine").os, "linux");
        let plan = engine::plan::container::ContainerPlan {
            name: format!("aml-debug-test-dial-{}", std::process::id()),
            image: "aml-debug/base:bookworm".into(),
            command: vec!["echo".to_owned(), "through".to_owned()],
            working_dir: "/".to_owned(),
            environment: Vec::new(),
            mounts: Vec::new(),
            files: Vec::new(),
            texts: Vec::new(),
            user: None,
            labels: Default::default(),
            limits: Default::default(),
            grants: Default::default(),
            gpu: false,
        };
        let id = docker.create(&plan).await.expect("create");
        let output = docker.attach(&id).await.expect("attach");
        docker.start(&id).await.expect("start");
        let said: Vec<_> = output.map(|chunk| chunk.expect("not cut").bytes).collect().await;
        assert_eq!(docker.wait(&id).await.expect("wait").code, 0);
        docker.remove(&id).await.expect("remove");
        assert_eq!(said.concat(), b"through\n");
    }

    #[tokio::test]
    async fn why_ssh_gave_up_is_in_the_error() {
        let docker =
            through(&["sh", "-c", "echo 'ssh: connect to host far port 22: No route to host' >&2; exit 255"]);
        let error = docker.about().await.expect_err("no way there");
        assert_eq!(error.verb, Verb::About);
        assert!(error.is_cut() && format!("{error}").contains("No route to host"), "{error:?}");
    }
}
