//! What can happen to a run.

use crate::dap::path_doctor::{Pair, Proposal};
use crate::debuggee::Report;
use crate::failure::Failure;
use crate::ids::{ContainerId, ImageRef};
use crate::message::Message;
use crate::plan::image::BuildSettings;
use crate::plan::{ImageFacts, Plan};
use crate::warm::Kept;
use serde::{Deserialize, Serialize};

/// Everything that can happen to a run; each answers one effect or comes from outside.
#[derive(Debug, Clone, PartialEq)]
pub enum RunEvent {
    /// Time passed.
    Tick,
    /// Work in flight showed a sign of life; the watchdog starts again.
    Progress,
    /// The user asks for the end.
    CancelRequested {
        /// Without any grace.
        at_once: bool,
    },
    /// The work in flight failed.
    Failed(Failure),
    /// The gateway listens on this loopback port.
    GatewayOpen {
        /// Port on 127.0.0.1.
        port: u16,
    },
    /// The spec is read and everything is decided.
    Resolved(Box<Plan>, BuildSettings),
    /// What of this machine reaches a build, for a plan that was made earlier.
    BuildSettingsRead(BuildSettings),
    /// The engine's answer about an image.
    ImageInspected {
        /// What was asked.
        reference: ImageRef,
        /// What is there.
        facts: Option<ImageFacts>,
    },
    /// A pull ended well.
    ImagePulled(ImageRef),
    /// A build ended well.
    ImageBuilt(ImageFacts),
    /// What a container of this image needs beside the image is there.
    Prepared {
        /// The engine's volume with debugpy and the start hook, if they are wanted.
        debugger: Option<String>,
        /// The engine's volume for bytecode, if the image has none.
        bytecode: Option<String>,
    },
    /// The container exists.
    ContainerCreated(ContainerId),
    /// A container that was kept for runs like this one has this run's folders now.
    ContainerTaken(Box<Kept>),
    /// The container of a run that starts again has ended with its command, and can be started once more.
    ContainerEnded(ContainerId),
    /// The container runs and its output is followed.
    ContainerStarted,
    /// The start hook has reported, through the relay; the gateway is connected to the debuggee.
    DebuggeeReported(Report),
    /// Word from the gateway.
    Debug(DebugEvent),
    /// The user applies a path mapping.
    MappingChosen(Pair),
    /// The run's command has ended, and with it the container unless that may be kept.
    ContainerExited(Exit),
    /// The engine does not know the container any more.
    ContainerGone,
    /// The engine does not answer any more.
    EngineLost(Failure),
    /// Logs are complete, outputs and metrics are listed.
    Collected,
    /// Nothing is left of the container.
    ContainerRemoved,
    /// The deployment answers.
    Healthy,
    /// The deployment's code has changed.
    CodeChanged,
    /// The user wants the deployment to start again.
    RestartRequested,
    /// The server's old workers are gone.
    ServerRestarted {
        /// Whether a debugger waits for the new one.
        attended: bool,
    },
    /// The deployment's code cannot be loaded; its server was left alone.
    RestartRefused(Failure),
    /// The server's log says that it will never come up with the user's code as it stands.
    CannotServe(Failure),
    /// The log files hold all that the container has written so far.
    CaughtUp,
}

/// What the gateway reads from the frames that pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DebugEvent {
    /// A debugger has attached and set its breakpoints; the debuggee goes on.
    Configured,
    /// The debuggee stands still.
    Paused,
    /// The debuggee goes on.
    Resumed,
    /// The debugger left. The debuggee stays as it is; in good order, it was told to go on before.
    Detached,
    /// The debugger asks for the end of the run.
    TerminateRequested,
    /// The debugger wants the program to start again, under the same session.
    RestartRequested,
    /// Nobody attached in time; the debuggee has gone on.
    Unattended,
    /// The worker of a server has ended by itself, or was killed; the server starts another.
    WorkerEnded,
    /// The connection to the debuggee broke; nothing is said of the container.
    DebuggeeGone,
    /// A sentence for the user.
    Said(Message),
    /// A file with breakpoints was not found, and a mapping would reach it.
    MappingProposed(Proposal),
}

/// How a container ended.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Exit {
    /// Exit code of the first process, 128 + signal for a signal.
    pub code: i64,
    /// The kernel killed it for memory.
    pub oom_killed: bool,
    /// The engine's own word on a start that failed.
    pub error: Option<String>,
    /// The end of its output.
    pub last_lines: Vec<String>,
}
