//! What a build may ask for while it runs: secrets by name, the user's ssh agent, credentials of registries.
//!
//! BuildKit asks its client, over a connection that the client has opened, and what it is given is in no layer, no
//! history and no cache key. bollard's own session knows registries only; a build that needs more has this one,
//! which takes its place when bollard opens it.

use crate::transport::{self, Wire};
use bollard::auth::DockerCredentials;
use bollard::errors::Error as Theirs;
use bollard::grpc::build::{health, moby};
use bollard::{API_DEFAULT_VERSION, BollardRequest};
use futures::{Stream, StreamExt};
use health::health_check_response::ServingStatus;
use health::health_server::{Health, HealthServer};
use health::{HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse};
use hyper::StatusCode;
use hyper::header::{HOST, HeaderValue};
use hyper_util::rt::TokioIo;
use moby::buildkit::secrets::v1::secrets_server::{Secrets, SecretsServer};
use moby::buildkit::secrets::v1::{GetSecretRequest, GetSecretResponse};
use moby::filesync::v1::auth_server::{Auth, AuthServer};
use moby::filesync::v1::{
    CredentialsRequest, CredentialsResponse, FetchTokenRequest, FetchTokenResponse, GetTokenAuthorityRequest,
    GetTokenAuthorityResponse, VerifyTokenAuthorityRequest, VerifyTokenAuthorityResponse,
};
use moby::sshforward::v1::ssh_server::{Ssh, SshServer};
use moby::sshforward::v1::{BytesMessage, CheckAgentRequest, CheckAgentResponse};
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::sync::mpsc;
use tonic::transport::Server;
use tonic::transport::server::Connected;
use tonic::{Request, Response, Status, Streaming};

/// What one build may have.
#[derive(Default)]
pub(crate) struct Offer {
    /// Secret's id → its content.
    pub(crate) secrets: BTreeMap<String, Vec<u8>>,
    /// The socket of the user's ssh agent.
    pub(crate) agent: Option<PathBuf>,
    /// Registry → who we are there.
    pub(crate) credentials: HashMap<String, DockerCredentials>,
}

/// The services of the session, by the names that BuildKit knows them under.
const METHODS: [&str; 5] = [
    "/moby.filesync.v1.Auth/Credentials",
    "/moby.buildkit.secrets.v1.Secrets/GetSecret",
    "/moby.sshforward.v1.SSH/CheckAgent",
    "/moby.sshforward.v1.SSH/ForwardAgent",
    "/grpc.health.v1.Health/Check",
];

/// The header with the session's name, which the request of the build has, too.
const ID: &str = "X-Docker-Expose-Session-Uuid";

/// The client of one build, whose session is ours, and what keeps that session open: it ends when it is dropped.
pub(crate) fn client(
    wire: Wire,
    seconds: u64,
    offer: Offer,
) -> Result<(bollard::Docker, mpsc::Receiver<()>), Theirs> {
    let (wire, offer) = (Arc::new(wire), Arc::new(offer));
    let (open, held) = mpsc::channel(1);
    let client = bollard::Docker::connect_with_custom_transport(
        move |request: BollardRequest| {
            let (wire, offer, open) = (Arc::clone(&wire), Arc::clone(&offer), open.clone());
            async move {
                if !request.uri().path().ends_with("/session") {
                    return transport::send(&wire, request).await;
                }
                let id = request.headers().get(ID).cloned();
                drop(request);
                serve(&wire, id, offer, open).await?;
                // bollard would serve its own services now, and nobody is left to ask for them.
                Err(io::Error::from(io::ErrorKind::ConnectionAborted).into())
            }
        },
        Some("http://engine"),
        seconds,
        API_DEFAULT_VERSION,
    )?;
    Ok((client, held))
}

/// Opens the session that bollard's request asks for, and serves it beside.
async fn serve(
    wire: &Wire,
    id: Option<HeaderValue>,
    offer: Arc<Offer>,
    open: mpsc::Sender<()>,
) -> io::Result<()> {
    let connection = transport::open(wire).await?;
    let (mut sender, driver) =
        hyper::client::conn::http1::handshake(TokioIo::new(connection)).await.map_err(io::Error::other)?;
    tokio::spawn(driver.with_upgrades());
    let mut asked = hyper::Request::post("/session")
        .header(HOST, "docker")
        .header("Connection", "Upgrade")
        .header("Upgrade", "h2c")
        .header(ID, id.ok_or(io::ErrorKind::InvalidInput)?);
    for method in METHODS {
        asked = asked.header("X-Docker-Expose-Session-Grpc-Method", method);
    }
    let asked = asked.body(http_body_util::Empty::<bytes::Bytes>::new()).map_err(io::Error::other)?;
    let answer = sender.send_request(asked).await.map_err(io::Error::other)?;
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(io::Error::other(answer.status().to_string()));
    }
    let upgraded = hyper::upgrade::on(answer).await.map_err(io::Error::other)?;
    let wire = futures::stream::once(async move { Ok::<_, io::Error>(Upgraded(TokioIo::new(upgraded))) });
    let services = Server::builder()
        .add_service(HealthServer::new(Well))
        .add_service(AuthServer::from_arc(Arc::clone(&offer)))
        .add_service(SecretsServer::from_arc(Arc::clone(&offer)))
        .add_service(SshServer::from_arc(offer))
        // The one connection is all there is: without the second half the server would end at once.
        .serve_with_incoming(wire.chain(futures::stream::pending()));
    tokio::spawn(async move {
        tokio::select! {
            ended = services => drop(ended),
            () = open.closed() => {}
        }
    });
    Ok(())
}

/// The connection, turned round: the engine is the client now.
struct Upgraded(TokioIo<hyper::upgrade::Upgraded>);

impl Connected for Upgraded {
    type ConnectInfo = ();

    fn connect_info(&self) -> Self::ConnectInfo {}
}

impl AsyncRead for Upgraded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Upgraded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// The engine looks from time to time whether its client is still there.
struct Well;

#[tonic::async_trait]
impl Health for Well {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    async fn check(&self, _: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        Ok(Response::new(HealthCheckResponse { status: ServingStatus::Serving.into() }))
    }

    async fn list(&self, _: Request<HealthListRequest>) -> Result<Response<HealthListResponse>, Status> {
        Err(Status::unimplemented("list"))
    }

    async fn watch(&self, _: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        Err(Status::unimplemented("watch"))
    }
}

#[tonic::async_trait]
impl Secrets for Offer {
    async fn get_secret(
        &self,
        request: Request<GetSecretRequest>,
    ) -> Result<Response<GetSecretResponse>, Status> {
        let id = &request.get_ref().id;
        // A secret that is not there is what the step has to do without; the mount says so itself.
        let data = self.secrets.get(id).cloned().ok_or_else(|| Status::not_found(id.clone()))?;
        Ok(Response::new(GetSecretResponse { data }))
    }
}

#[tonic::async_trait]
impl Auth for Offer {
    async fn credentials(
        &self,
        request: Request<CredentialsRequest>,
    ) -> Result<Response<CredentialsResponse>, Status> {
        let known = self.credentials.get(&request.get_ref().host).cloned().unwrap_or_default();
        let answer = match known.identitytoken {
            Some(secret) => CredentialsResponse { username: String::new(), secret },
            None => CredentialsResponse {
                username: known.username.unwrap_or_default(),
                secret: known.password.unwrap_or_default(),
            },
        };
        Ok(Response::new(answer))
    }

    // Without an authority of the client's the engine fetches its tokens itself, with the credentials from above.
    async fn fetch_token(
        &self,
        _: Request<FetchTokenRequest>,
    ) -> Result<Response<FetchTokenResponse>, Status> {
        Err(Status::unavailable("fetch_token"))
    }

    async fn get_token_authority(
        &self,
        _: Request<GetTokenAuthorityRequest>,
    ) -> Result<Response<GetTokenAuthorityResponse>, Status> {
        Err(Status::unavailable("get_token_authority"))
    }

    async fn verify_token_authority(
        &self,
        _: Request<VerifyTokenAuthorityRequest>,
    ) -> Result<Response<VerifyTokenAuthorityResponse>, Status> {
        Err(Status::unavailable("verify_token_authority"))
    }
}

#[cfg(unix)]
async fn open_agent(socket: &Path) -> io::Result<tokio::net::UnixStream> {
    tokio::net::UnixStream::connect(socket).await
}

#[cfg(windows)]
async fn open_agent(pipe: &Path) -> io::Result<tokio::net::windows::named_pipe::NamedPipeClient> {
    tokio::net::windows::named_pipe::ClientOptions::new().open(pipe)
}

/// An agent's answers are short.
const PIECE: usize = 16 << 10;

#[tonic::async_trait]
impl Ssh for Offer {
    type ForwardAgentStream = Pin<Box<dyn Stream<Item = Result<BytesMessage, Status>> + Send>>;

    async fn check_agent(
        &self,
        _: Request<CheckAgentRequest>,
    ) -> Result<Response<CheckAgentResponse>, Status> {
        match self.agent {
            Some(_) => Ok(Response::new(CheckAgentResponse {})),
            None => Err(Status::not_found("SSH_AUTH_SOCK")),
        }
    }

    async fn forward_agent(
        &self,
        request: Request<Streaming<BytesMessage>>,
    ) -> Result<Response<Self::ForwardAgentStream>, Status> {
        let agent = self.agent.clone().ok_or_else(|| Status::not_found("SSH_AUTH_SOCK"))?;
        let (answers, mut questions) = tokio::io::split(open_agent(&agent).await?);
        let mut asked = request.into_inner();
        tokio::spawn(async move {
            while let Some(Ok(message)) = asked.next().await {
                if questions.write_all(&message.data).await.is_err() {
                    break;
                }
            }
            // The agent ends the conversation when it has heard the end of it.
            let _ = questions.shutdown().await;
        });
        let answered = futures::stream::try_unfold(answers, |mut answers| async move {
            let mut data = vec![0; PIECE];
            let read = answers.read(&mut data).await?;
            data.truncate(read);
            Ok::<_, Status>((read > 0).then_some((BytesMessage { data }, answers)))
        });
        Ok(Response::new(Box::pin(answered)))
    }
}
