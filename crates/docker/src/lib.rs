//! The one door to the container engine: Docker, or Podman through the same interface.
//!
//! [`Docker`] is a cheap handle; clones share everything. Each method is one verb and ends in an
//! [`Error`] that knows the verb and the cause. Streams and futures that are dropped cancel what they
//! stand for on the engine where that makes sense (a pull, a build) and leave alone what must go on
//! without us (a container).

mod about;
mod archive;
mod build;
mod builder;
mod connect;
mod container;
mod context;
mod credentials;
mod error;
mod exec;
mod image;
mod labels;
mod output;
mod session;
mod tls;
mod transport;
mod volume;

pub use about::EngineFacts;
pub use build::{Archive, BuildLine, BuildStream};
pub use builder::Builder;
pub use connect::{Attempt, EngineSettings, Outcome, Source};
pub use container::{ContainerFacts, Exit, State};
pub use error::{Cause, Error, FailedStep, Verb};
pub use exec::{Exec, ExecEnd, ExecReader, ExecWriter};
pub use image::{ImageSummary, PullProgress, PullStream};
pub use labels::Labels;
pub use output::{LogChunk, LogStream, LogWindow, OutputStream};

use std::sync::Arc;
use std::time::Duration;

/// Longest wait for the head of an answer that comes only when the work is done: a build's first line, a
/// container that takes its time to stop. Longer than any of these; a broken connection ends them at once.
const LONG: Duration = Duration::from_secs(7 * 24 * 3600);

/// The door. Made by [`Docker::connect`].
#[derive(Debug, Clone)]
pub struct Docker {
    quick: bollard::Docker,
    patient: bollard::Docker,
    address: Arc<str>,
    attempts: Arc<[Attempt]>,
    /// The way to the engine, where it is one of ours.
    wire: Option<transport::Wire>,
    /// The folder with the user's `config.json`, for registries.
    config_folder: Option<std::path::PathBuf>,
}

impl Docker {
    fn over(
        client: bollard::Docker,
        address: String,
        attempts: Vec<Attempt>,
        wire: Option<transport::Wire>,
    ) -> Self {
        let patient = client.clone().with_timeout(LONG);
        Self {
            quick: client,
            patient,
            address: address.into(),
            attempts: attempts.into(),
            wire,
            config_folder: None,
        }
    }

    /// Address of the engine, with its scheme.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Every address that was tried on the way here; the last one answered.
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// Whether the engine runs on another machine, so that a folder of this one cannot be mounted.
    pub fn is_remote(&self) -> bool {
        let (scheme, rest) = self.address.split_once("://").unwrap_or(("tcp", &self.address));
        match scheme {
            "unix" | "npipe" => false,
            "ssh" => true,
            _ => !["localhost", "127.", "[::1]"].iter().any(|here| rest.starts_with(here)),
        }
    }

    /// Turns bollard's error of a verb into ours.
    fn failed(&self, verb: Verb, error: bollard::errors::Error) -> Error {
        Error::new(verb, error.into(), &self.address)
    }

    /// The answer stream ended before it had said what it had to say.
    fn ended_early(&self, verb: Verb) -> Error {
        Error::new(verb, Cause::Cut("the answer ended early".to_owned()), &self.address)
    }
}
