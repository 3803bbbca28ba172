//! What a call to the engine can end in: which verb, and why.
//!
//! bollard's errors name its own machinery; these name what was asked for and what a person can do. A
//! non-zero exit of a container is no error here, and neither is an image or container that is not there
//! where the question was whether it is.

use crate::connect::{Attempt, Outcome};
use crate::credentials::registry;
use crate::transport::{DialError, NotAnEngine};
use engine::failure::{Blame, Failure};
use engine::ids::{ContainerId, ImageRef};
use engine::message;
use engine::message::Message;
use std::io;

/// A call to the engine that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What was asked for.
    pub verb: Verb,
    /// Why it was not done.
    pub cause: Cause,
    /// The engine's address.
    pub address: String,
}

/// What was asked of the engine, with the name of what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verb {
    /// Find an engine; every address that was tried.
    Connect {
        /// In the order of trying.
        attempts: Vec<Attempt>,
    },
    /// Tell about itself.
    About,
    /// Look at an image.
    InspectImage(ImageRef),
    /// Fetch an image from its registry.
    Pull(ImageRef),
    /// Make an image.
    Build(ImageRef),
    /// Remove an image.
    RemoveImage(ImageRef),
    /// Make, fill or remove a volume.
    Volume(String),
    /// Make a container of that name.
    Create(String),
    /// Put files into a container or take files out.
    Copy(ContainerId),
    /// Read what a container writes.
    Follow(ContainerId),
    /// Start a container.
    Start(ContainerId),
    /// Wait for a container's end.
    Wait(ContainerId),
    /// Run a further program in a container.
    Exec(ContainerId),
    /// Signal or stop a container.
    Stop(ContainerId),
    /// Remove a container.
    Remove(ContainerId),
    /// Look at containers.
    Inspect,
}

/// Why a call did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// Nobody answers at the address.
    Unreachable(String),
    /// The socket is there, and this user may not use it.
    NotPermitted(String),
    /// What answers is not a container engine.
    NotAnEngine(String),
    /// The connection ended in the middle.
    Cut(String),
    /// No answer within the time allowed.
    Silent,
    /// What was asked for does not exist: the engine's words.
    NotFound(String),
    /// The registry or the engine wants other credentials: the engine's words.
    Denied(String),
    /// It does not fit what is there, a name that is taken for instance: the engine's words.
    Conflict(String),
    /// The engine tried and could not: its words.
    Refused(String),
    /// A step of a build failed.
    Step(FailedStep),
}

/// The step of a build that failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FailedStep {
    /// The command, as a person would type it.
    pub command: String,
    /// Its exit code, where the engine tells.
    pub exit_code: Option<i64>,
    /// Its last lines of output.
    pub lines: Vec<String>,
    /// The engine's own sentence.
    pub text: String,
}

impl Error {
    pub(crate) fn new(verb: Verb, cause: Cause, address: &str) -> Self {
        Self { verb, cause, address: address.to_owned() }
    }

    /// Whether the connection to the engine is gone, so that nothing is known of the container or build.
    pub fn is_cut(&self) -> bool {
        matches!(self.cause, Cause::Cut(_) | Cause::Unreachable(_) | Cause::Silent)
    }

    /// Whether what was asked for does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self.cause, Cause::NotFound(_))
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let failure = Failure::from(self.clone());
        write!(f, "{failure}")?;
        if let Some(first) = failure.detail.first() {
            write!(f, ": {first}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = if error.is_cut() { io::ErrorKind::ConnectionReset } else { io::ErrorKind::Other };
        io::Error::new(kind, error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let Error { verb, cause, address } = error;
        if let Verb::Connect { attempts } = &verb {
            return not_connected(attempts);
        }
        match cause {
            Cause::Unreachable(why) => environment(message!("docker.unreachable", address = address))
                .with_detail(lines(&why))
                .with_fix(message!("docker.unreachable.fix")),
            Cause::NotPermitted(why) => environment(message!("docker.not-permitted", address = address))
                .with_detail(lines(&why))
                .with_fix(message!("docker.not-permitted.fix", group = "docker")),
            Cause::NotAnEngine(answer) => {
                environment(message!("docker.not-an-engine", address = address, answer = answer))
                    .with_fix(message!("docker.not-an-engine.fix"))
            }
            Cause::Cut(why) => environment(message!("docker.cut", address = address))
                .with_detail(lines(&why))
                .with_fix(message!("docker.cut.fix")),
            Cause::Silent => environment(message!("docker.silent", address = address))
                .with_fix(message!("docker.silent.fix")),
            Cause::Step(step) => failed_step(&verb, step),
            Cause::NotFound(why) => of_verb(verb, &why, Refusal::NotFound),
            Cause::Denied(why) => of_verb(verb, &why, Refusal::Denied),
            Cause::Conflict(why) | Cause::Refused(why) => of_verb(verb, &why, Refusal::Other),
        }
    }
}

enum Refusal {
    NotFound,
    Denied,
    Other,
}

fn of_verb(verb: Verb, why: &str, refusal: Refusal) -> Failure {
    let failure = match verb {
        Verb::Connect { attempts } => not_connected(&attempts),
        Verb::About => environment(message!("docker.about")),
        Verb::InspectImage(image) => environment(message!("docker.inspect-image", image = image)),
        Verb::Pull(image) => match refusal {
            Refusal::NotFound => environment(message!("docker.image-not-found", image = image))
                .with_fix(message!("docker.image-not-found.fix")),
            Refusal::Denied => environment(message!("docker.pull-denied", image = image))
                .with_fix(message!("docker.pull-denied.fix", registry = registry(&image))),
            Refusal::Other => environment(message!("docker.pull", image = image))
                .with_fix(message!("docker.pull.fix", registry = registry(&image))),
        },
        Verb::Build(image) => {
            environment(message!("docker.build", image = image)).with_fix(message!("docker.build.fix"))
        }
        Verb::RemoveImage(image) => environment(message!("docker.remove-image", image = image)),
        Verb::Volume(name) => environment(message!("docker.volume", volume = name)),
        Verb::Create(name) => not_created(&name, why),
        Verb::Copy(id) => environment(message!("docker.copy", container = short(&id))),
        Verb::Follow(id) => environment(message!("docker.follow", container = short(&id))),
        Verb::Start(id) => not_started(&id, why),
        Verb::Wait(id) => environment(message!("docker.wait", container = short(&id))),
        Verb::Exec(id) => environment(message!("docker.exec", container = short(&id))),
        Verb::Stop(id) => environment(message!("docker.stop", container = short(&id))),
        Verb::Remove(id) => environment(message!("docker.remove", container = short(&id))),
        Verb::Inspect => environment(message!("docker.inspect")),
    };
    let failure =
        if is_disk_full(why) { failure.with_fix(message!("docker.disk-full.fix")) } else { failure };
    failure.with_detail(lines(why))
}

/// The engine's words for it, and those of programs.
fn is_disk_full(text: &str) -> bool {
    text.to_lowercase().contains("no space left on device")
}

fn not_created(name: &str, why: &str) -> Failure {
    let failure = environment(message!("docker.create", container = name));
    if why.contains("bind source path does not exist") {
        return failure.with_fix(message!("docker.create-bind.fix"));
    }
    if why.contains("is already in use by container") {
        return failure.with_fix(message!("docker.create-name.fix"));
    }
    failure
}

/// The engine finds out only at the start that it has no GPU. A program that is not in the image is no
/// failed start: the engine's init runs, says so on standard error and ends with 127.
fn not_started(id: &ContainerId, why: &str) -> Failure {
    if why.contains("could not select device driver") {
        return environment(message!("docker.start-gpu", container = short(id)))
            .with_fix(message!("docker.start-gpu.fix"));
    }
    if why.contains("port is already allocated") || why.contains("address already in use") {
        return environment(message!("docker.start-port", container = short(id)))
            .with_fix(message!("docker.start-port.fix"));
    }
    environment(message!("docker.start", container = short(id)))
}

fn failed_step(verb: &Verb, step: FailedStep) -> Failure {
    let image = match verb {
        Verb::Build(image) => image.to_string(),
        _ => String::new(),
    };
    let what = match step.exit_code {
        Some(code) => message!("docker.build-step", image = image, command = step.command, code = code),
        None => message!("docker.build-step-ended", image = image, command = step.command),
    };
    let detail = if step.lines.is_empty() { vec![step.text] } else { step.lines };
    // What a build asks for stands in the user's own files far more often than the machine is in the way.
    let fix = advice(&detail);
    Failure::new(Blame::Environment, what).with_detail(detail).with_fix(fix)
}

/// What to do about a failed installation, judged by what the tools print.
fn advice(lines: &[String]) -> engine::message::Message {
    let says = |word: &str| lines.iter().any(|line| line.contains(word));
    if lines.iter().any(|line| is_disk_full(line)) {
        message!("docker.disk-full.fix")
    } else if says("has no conda to make one") {
        message!("docker.build-python.fix")
    } else if says("Host key verification failed") {
        message!("docker.build-host-key.fix")
    } else if says("Permission denied (publickey") {
        message!("docker.build-key.fix")
    } else if ["401 Unauthorized", "403 Forbidden", "could not read Username", "Authentication failed for"]
        .iter()
        .any(|word| says(word))
    {
        message!("docker.build-login.fix")
    } else if says("certificate") || says("CERTIFICATE") || says("UnknownIssuer") {
        message!("docker.build-certificate.fix")
    } else if says("since the conda file asks for them") {
        message!("docker.build-conda-pip.fix")
    } else if ["SolverError", "UnsatisfiableError", "PackagesNotFoundError", "nothing provides"]
        .iter()
        .any(|word| says(word))
    {
        message!("docker.build-conda-solution.fix")
    } else if says("GatewayError") || says("CondaHTTPError") || says("UnavailableInvalidChannel") {
        message!("docker.build-channel.fix")
    } else if says("error sending request")
        || says("Failed to fetch")
        || says("cannot be reached: ")
        || says("Connection refused")
        || says("dns error")
        || says("Temporary failure in name resolution")
    {
        message!("docker.build-network.fix")
    } else if says("No solution found") || says("not found in the package registry") {
        message!("docker.build-solution.fix")
    } else {
        message!("docker.build-step.fix")
    }
}

fn not_connected(attempts: &[Attempt]) -> Failure {
    let tried = attempts.iter().map(told);
    let denied = attempts.iter().find_map(|attempt| match &attempt.outcome {
        Outcome::NotPermitted { group } => Some((&attempt.address, group)),
        _ => None,
    });
    match (denied, attempts) {
        (Some((address, Some(group))), _) if group != "root" => {
            environment(message!("docker.not-permitted", address = address))
                .with_said(tried)
                .with_fix(message!("docker.not-permitted.fix", group = group))
        }
        (Some((address, _)), _) => environment(message!("docker.not-permitted", address = address))
            .with_said(tried)
            .with_fix(message!("docker.not-permitted-root.fix")),
        (None, [only]) if only.address.is_empty() => {
            environment(message!("docker.context", context = named(only)))
                .with_said(tried)
                .with_fix(message!("docker.context.fix"))
        }
        (None, [only]) => environment(message!("docker.unreachable", address = only.address))
            .with_said(tried)
            .with_fix(message!("docker.unreachable-named.fix", source = named(only))),
        (None, _) => environment(message!("docker.no-engine"))
            .with_said(tried)
            .with_fix(message!("docker.no-engine.fix")),
    }
}

fn named(attempt: &Attempt) -> String {
    use crate::connect::Source;
    match &attempt.source {
        Source::Host => "DOCKER_HOST".to_owned(),
        Source::Context(name) | Source::ConfiguredContext(name) => name.clone(),
        _ => attempt.address.clone(),
    }
}

/// One line for one address that was tried.
fn told(attempt: &Attempt) -> Message {
    let address = &attempt.address;
    match &attempt.outcome {
        Outcome::Connected | Outcome::Taken => message!("docker.attempt-connected", address = address),
        Outcome::Missing => message!("docker.attempt-missing", address = address),
        Outcome::NotPermitted { .. } => message!("docker.attempt-not-permitted", address = address),
        Outcome::Failed(why) => message!("docker.attempt-failed", address = address, why = why),
    }
}

fn environment(what: Message) -> Failure {
    Failure::new(Blame::Environment, what)
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

/// As the engine's own tools show it.
fn short(id: &ContainerId) -> &str {
    id.as_str().get(..12).unwrap_or(id.as_str())
}

impl From<bollard::errors::Error> for Cause {
    fn from(error: bollard::errors::Error) -> Self {
        use bollard::errors::Error as Theirs;
        match error {
            Theirs::DockerResponseServerError { status_code, message } => of_status(status_code, message),
            Theirs::DockerStreamError { error } => of_stream(error),
            Theirs::RequestTimeoutError => Cause::Silent,
            Theirs::IOError { err } => of_io(&err),
            Theirs::HyperResponseError { err } => of_hyper(&err),
            Theirs::HyperLegacyError { err } => legacy(&err),
            Theirs::SocketNotFoundError(path) => Cause::Unreachable(path),
            Theirs::JsonDataError { message, .. } => Cause::NotAnEngine(message),
            Theirs::JsonSerdeError { err } => Cause::NotAnEngine(err.to_string()),
            other => Cause::Refused(chain(&other)),
        }
    }
}

fn of_status(status: u16, text: String) -> Cause {
    match status {
        404 => Cause::NotFound(text),
        401 | 403 => Cause::Denied(text),
        409 => Cause::Conflict(text),
        // Docker answers a pull that the registry refuses with 500 and its words; the words tell.
        _ => of_stream(text),
    }
}

/// The engine's words, where it gives no number.
fn of_stream(text: String) -> Cause {
    let says = |word: &str| text.contains(word);
    if says("pull access denied")
        || says("unauthorized")
        || says("no basic auth credentials")
        || says("denied:")
    {
        // Docker Hub answers "denied" for names that do not exist, too, and says so in the same sentence.
        Cause::Denied(text)
    } else if says("manifest unknown") || says("not found") || says("name unknown") {
        Cause::NotFound(text)
    } else {
        Cause::Refused(text)
    }
}

fn of_io(error: &io::Error) -> Cause {
    let inner = error.get_ref();
    if let Some(not) = inner.and_then(|inner| inner.downcast_ref::<NotAnEngine>()) {
        return Cause::NotAnEngine(not.answer.clone());
    }
    if inner.is_some_and(|inner| inner.is::<DialError>()) {
        return match error.kind() {
            io::ErrorKind::PermissionDenied => Cause::NotPermitted(error.to_string()),
            _ => Cause::Unreachable(error.to_string()),
        };
    }
    Cause::Cut(error.to_string())
}

fn of_hyper(error: &hyper::Error) -> Cause {
    if error.is_parse() { Cause::NotAnEngine(chain(error)) } else { Cause::Cut(chain(error)) }
}

/// Errors of the transport that is bollard's own: Windows' named pipe.
fn legacy(error: &(dyn std::error::Error + 'static)) -> Cause {
    let text = chain(error);
    let mut source = Some(error);
    while let Some(current) = source {
        if let Some(io) = current.downcast_ref::<io::Error>() {
            return match io.kind() {
                io::ErrorKind::PermissionDenied => Cause::NotPermitted(text),
                _ => Cause::Unreachable(text),
            };
        }
        source = current.source();
    }
    Cause::Cut(text)
}

/// An error with everything beneath it; hyper's outermost sentence alone says nothing.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(current) = source {
        let next = current.to_string();
        if !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        source = current.source();
    }
    text
}
