//! Finding the engine: which address is meant, and what happened at each one that was tried.
//!
//! The order is the Docker command line's: `DOCKER_HOST`, `DOCKER_CONTEXT`, the configured context, the
//! default socket. Where none of these is said and the default socket does not answer, the sockets of
//! rootless Docker, Docker Desktop, Colima and Podman are tried. What a user names is never replaced by
//! something else: an unknown context is an error.

use crate::Docker;
use crate::context::{self, Endpoint};
use crate::error::{Cause, Error, Verb};
use crate::tls;
use crate::transport::{self, Wire};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Longest wait for the head of an answer to a question that the engine answers from memory. Ten seconds
/// were seen on a machine under load.
const SHORT: u64 = 60;

/// What of the environment decides which engine is used. A plain value: nothing here reads the process's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineSettings {
    /// Variable → value, of the names in [`EngineSettings::VARIABLES`]. An empty value counts as unset.
    pub variables: BTreeMap<String, String>,
    /// Where the engine listens unless somebody says otherwise: `/var/run/docker.sock`.
    pub default_socket: PathBuf,
}

impl EngineSettings {
    /// The variables that are looked at.
    pub const VARIABLES: [&str; 8] = [
        "DOCKER_HOST",
        "DOCKER_CONTEXT",
        "DOCKER_CONFIG",
        "DOCKER_TLS_VERIFY",
        "DOCKER_CERT_PATH",
        "HOME",
        "USERPROFILE",
        "XDG_RUNTIME_DIR",
    ];

    /// Takes what matters out of an environment.
    pub fn new(environment: impl IntoIterator<Item = (String, String)>) -> Self {
        let variables = environment
            .into_iter()
            .filter(|(name, value)| Self::VARIABLES.contains(&name.as_str()) && !value.is_empty())
            .collect();
        Self { variables, default_socket: PathBuf::from("/var/run/docker.sock") }
    }

    fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn home(&self) -> Option<PathBuf> {
        self.variable("HOME").or_else(|| self.variable("USERPROFILE")).map(PathBuf::from)
    }

    fn config_folder(&self) -> Option<PathBuf> {
        self.variable("DOCKER_CONFIG").map(PathBuf::from).or_else(|| Some(self.home()?.join(".docker")))
    }
}

/// Who named an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// `DOCKER_HOST`.
    Host,
    /// The context named by `DOCKER_CONTEXT`.
    Context(String),
    /// The context of `config.json`.
    ConfiguredContext(String),
    /// Nobody: the socket that everybody uses.
    DefaultSocket,
    /// Nobody: rootless Docker's socket.
    Rootless,
    /// Nobody: Docker Desktop's socket.
    Desktop,
    /// Nobody: Colima's socket.
    Colima,
    /// Nobody: Podman's socket.
    Podman,
}

/// What happened at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It accepts connections.
    Connected,
    /// Taken without asking: the first call tells (`ssh`, a pipe of Windows).
    Taken,
    /// There is no such socket.
    Missing,
    /// The socket is there and this user may not use it; the group that may, where it has a name.
    NotPermitted {
        /// Group of the socket.
        group: Option<String>,
    },
    /// Nobody answers, or the address makes no sense: why.
    Failed(String),
}

/// One address that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Who named it.
    pub source: Source,
    /// `unix:///var/run/docker.sock`, `tcp://…`, `ssh://…`; empty if the context could not be read.
    pub address: String,
    /// What happened.
    pub outcome: Outcome,
}

impl Docker {
    /// Finds the engine and opens the door. No question is asked, so a Unix socket costs well under a
    /// millisecond.
    pub async fn connect(settings: &EngineSettings) -> Result<Self, Error> {
        let mut attempts = Vec::new();
        for (source, endpoint) in candidates(settings).await {
            let (outcome, client, wire) = attempt(&endpoint, settings).await;
            let address = endpoint.map(|endpoint| endpoint.host).unwrap_or_default();
            attempts.push(Attempt { source, address: address.clone(), outcome });
            if let Some(client) = client {
                let docker = Self::over(client, address, attempts, wire);
                return Ok(Self { config_folder: settings.config_folder(), ..docker });
            }
        }
        Err(Error::new(Verb::Connect { attempts }, Cause::Unreachable(String::new()), ""))
    }
}

type Candidate = (Source, Result<Endpoint, String>);

async fn candidates(settings: &EngineSettings) -> Vec<Candidate> {
    if let Some(host) = settings.variable("DOCKER_HOST") {
        let endpoint = Endpoint { host: host.to_owned(), tls: tls_of_variables(settings) };
        return vec![(Source::Host, Ok(endpoint))];
    }
    if let Some(name) = settings.variable("DOCKER_CONTEXT") {
        return match name {
            "default" => sockets(settings),
            _ => {
                vec![(Source::Context(name.to_owned()), context::read(settings.config_folder(), name).await)]
            }
        };
    }
    match context::current(settings.config_folder()).await {
        Some(name) if name != "default" => {
            let endpoint = context::read(settings.config_folder(), &name).await;
            vec![(Source::ConfiguredContext(name), endpoint)]
        }
        _ => sockets(settings),
    }
}

fn sockets(settings: &EngineSettings) -> Vec<Candidate> {
    if cfg!(windows) {
        let pipe = Endpoint { host: "npipe:////./pipe/docker_engine".to_owned(), tls: None };
        return vec![(Source::DefaultSocket, Ok(pipe))];
    }
    let runtime = settings.variable("XDG_RUNTIME_DIR").map(PathBuf::from);
    let home = settings.home();
    let in_runtime = |path: &str| runtime.as_ref().map(|folder| folder.join(path));
    let in_home = |path: &str| home.as_ref().map(|folder| folder.join(path));
    let all = [
        (Source::DefaultSocket, Some(settings.default_socket.clone())),
        (Source::Rootless, in_runtime("docker.sock")),
        (Source::Desktop, in_home(".docker/run/docker.sock")),
        (Source::Desktop, in_home(".docker/desktop/docker.sock")),
        (Source::Colima, in_home(".colima/default/docker.sock")),
        (Source::Podman, in_runtime("podman/podman.sock")),
        (Source::Podman, Some(PathBuf::from("/run/podman/podman.sock"))),
    ];
    let endpoint = |path: PathBuf| Endpoint { host: format!("unix://{}", path.display()), tls: None };
    all.into_iter().filter_map(|(source, path)| Some((source, Ok(endpoint(path?))))).collect()
}

/// `DOCKER_TLS_VERIFY` asks for TLS, as it does for the Docker command line; any value but an empty one counts.
fn tls_of_variables(settings: &EngineSettings) -> Option<PathBuf> {
    settings.variable("DOCKER_TLS_VERIFY")?;
    settings.variable("DOCKER_CERT_PATH").map(PathBuf::from).or_else(|| settings.config_folder())
}

async fn attempt(
    endpoint: &Result<Endpoint, String>,
    settings: &EngineSettings,
) -> (Outcome, Option<bollard::Docker>, Option<Wire>) {
    let endpoint = match endpoint {
        Ok(endpoint) => endpoint,
        Err(reason) => return (Outcome::Failed(reason.clone()), None, None),
    };
    let (opened, wire) = match way(endpoint, settings).await {
        Ok(Way::Ours(wire)) => {
            let outcome = match &wire {
                Wire::Program(_) => Outcome::Taken,
                wire => match transport::open(wire).await {
                    Ok(_) => Outcome::Connected,
                    Err(error) => return (not_opened(wire, &error).await, None, None),
                },
            };
            (transport::client(wire.clone(), SHORT).map(|client| (outcome, client)), Some(wire))
        }
        #[cfg(windows)]
        Ok(Way::Bollards(client)) => (client.map(|client| (Outcome::Taken, client)), None),
        Err(reason) => return (Outcome::Failed(reason), None, None),
    };
    match opened {
        Ok((outcome, client)) => (outcome, Some(client), wire),
        Err(error) => (Outcome::Failed(error.to_string()), None, None),
    }
}

enum Way {
    Ours(Wire),
    #[cfg(windows)]
    Bollards(Result<bollard::Docker, bollard::errors::Error>),
}

async fn way(endpoint: &Endpoint, settings: &EngineSettings) -> Result<Way, String> {
    let (scheme, rest) = endpoint.host.split_once("://").unwrap_or(("tcp", &endpoint.host));
    match scheme {
        #[cfg(unix)]
        "unix" => Ok(Way::Ours(Wire::Unix(PathBuf::from(rest)))),
        #[cfg(windows)]
        "npipe" => Ok(Way::Bollards(bollard::Docker::connect_with_named_pipe(
            &endpoint.host,
            SHORT,
            bollard::API_DEFAULT_VERSION,
        ))),
        "https" => behind_tls(endpoint, rest, settings).await,
        "tcp" | "http" if endpoint.tls.is_some() => behind_tls(endpoint, rest, settings).await,
        "tcp" | "http" => {
            let (host, port) = host_and_port(rest, 2375)?;
            Ok(Way::Ours(Wire::Tcp { host, port }))
        }
        "ssh" => Ok(Way::Ours(Wire::Program(dial_stdio(rest)))),
        other => Err(format!("{other}://")),
    }
}

async fn behind_tls(endpoint: &Endpoint, rest: &str, settings: &EngineSettings) -> Result<Way, String> {
    let folder = endpoint.tls.clone().or_else(|| settings.config_folder()).unwrap_or_default();
    let (host, port) = host_and_port(rest, 2376)?;
    Ok(Way::Ours(Wire::Tls { host, port, config: tls::config(&folder).await? }))
}

fn host_and_port(text: &str, default: u16) -> Result<(String, u16), String> {
    let authority = text.trim_end_matches('/');
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port.parse().map_err(|_| authority.to_owned())?),
        _ => (authority, default),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let host = if host.is_empty() { "localhost" } else { host };
    Ok((host.to_owned(), port))
}

/// The engine's own way through `ssh`: its command line copies one connection to standard input and output.
fn dial_stdio(rest: &str) -> Vec<String> {
    let authority = rest.split('/').next().unwrap_or(rest);
    let (user, place) = match authority.rsplit_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, authority),
    };
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() => (host, Some(port)),
        _ => (place, None),
    };
    let mut argv = vec!["ssh".to_owned(), "-o".to_owned(), "ConnectTimeout=30".to_owned()];
    // Nobody sits before the pipes to type a password.
    argv.extend(["-o".to_owned(), "BatchMode=yes".to_owned(), "-T".to_owned()]);
    if let Some(user) = user {
        argv.extend(["-l".to_owned(), user.to_owned()]);
    }
    if let Some(port) = port {
        argv.extend(["-p".to_owned(), port.to_owned()]);
    }
    argv.extend(["--", host, "docker", "system", "dial-stdio"].map(str::to_owned));
    argv
}

async fn not_opened(wire: &Wire, error: &std::io::Error) -> Outcome {
    match (wire, error.kind()) {
        (_, std::io::ErrorKind::NotFound) => Outcome::Missing,
        #[cfg(unix)]
        (Wire::Unix(path), std::io::ErrorKind::PermissionDenied) => {
            Outcome::NotPermitted { group: group_of(path).await }
        }
        _ => Outcome::Failed(error.to_string()),
    }
}

/// The name of the group that owns the socket, from the system's own list of groups.
#[cfg(unix)]
async fn group_of(path: &std::path::Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let gid = tokio::fs::metadata(path).await.ok()?.gid();
    let groups = tokio::fs::read_to_string("/etc/group").await.ok()?;
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(gid)).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_behind_ssh_is_reached_through_its_own_command_line() {
        let argv = |host: &str| dial_stdio(host).join(" ");
        assert_eq!(
            argv("me@builder:2222"),
            "ssh -o ConnectTimeout=30 -o BatchMode=yes -T -l me -p 2222 -- builder docker system dial-stdio"
        );
        assert_eq!(
            argv("builder/"),
            "ssh -o ConnectTimeout=30 -o BatchMode=yes -T -- builder docker system dial-stdio"
        );
    }

    #[test]
    fn addresses_may_leave_out_the_port_or_be_ipv6() {
        assert_eq!(host_and_port("build.example/", 2375), Ok(("build.example".to_owned(), 2375)));
        assert_eq!(host_and_port("[::1]:99", 2375), Ok(("::1".to_owned(), 99)));
        assert_eq!(host_and_port("[::1]", 2376), Ok(("::1".to_owned(), 2376)));
        assert_eq!(host_and_port("host:port", 1), Err("host:port".to_owned()));
    }
}
