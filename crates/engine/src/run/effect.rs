//! What a run asks the sidecar to do. Deciding happens in the engine, doing in the sidecar.

use super::Millis;
use crate::dap::path_doctor::{Pair, Proposal};
use crate::ids::{ContainerId, ImageRef};
use crate::message::Message;
use crate::plan::ImageFacts;
use crate::plan::container::ContainerPlan;
use crate::plan::image::Recipe;
use crate::warm::{Door, Kept, NextCommand};
use std::collections::BTreeMap;

/// One thing to do; the comment names the event that answers it.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Read the spec and what it refers to → `Resolved`.
    Resolve,
    /// Read what of this machine reaches a build → `BuildSettingsRead`.
    ReadBuildSettings,
    /// Listen for debuggers on loopback → `GatewayOpen`.
    OpenGateway,
    /// → `ImageInspected`.
    InspectImage(ImageRef),
    /// → `Progress`…, `ImagePulled`.
    PullImage(ImageRef),
    /// → `Progress`…, `ImageBuilt`.
    BuildImage(Box<Recipe>),
    /// Keep in the ledger that this run uses an image of ours. Nothing answers.
    NoteImage {
        /// The image.
        name: ImageRef,
        /// What it was built on, where that is known.
        base: Option<ImageRef>,
        /// What its name is the hash of.
        parts: BTreeMap<String, String>,
        /// Bytes on disk.
        size: u64,
        /// Whether it was built for this run.
        built: bool,
    },
    /// Have what a container of this image needs beside the image, a volume for bytecode where the image has none
    /// included → `Prepared`.
    Prepare {
        /// The image that the container runs from.
        image: ImageFacts,
        /// `uid:gid` of the container's process; `None` is root.
        user: Option<String>,
        /// debugpy and the start hook in a volume, with bytecode for this image.
        debugger: bool,
    },
    /// → `ContainerCreated`.
    CreateContainer(Box<ContainerPlan>),
    /// Take a container that was kept for runs like this one → `ContainerTaken`, or make this one →
    /// `ContainerCreated`.
    TakeContainer {
        /// What is made if none was kept.
        plan: Box<ContainerPlan>,
        /// The way to its first process.
        door: Door,
    },
    /// Follow the output of a kept container, then start the command in it → `ContainerStarted`, later
    /// `ContainerExited` or `ContainerGone`.
    StartCommand(Box<Kept>, Box<NextCommand>),
    /// End the command at once, and its container only where nothing else can; its end comes from following it.
    EndCommand(ContainerId, Option<Door>),
    /// Have the container of a command that has ended ready for the same command → `ContainerTaken`, or
    /// `ContainerEnded` where it has ended as well.
    KeepForAgain(ContainerId, Option<Door>),
    /// Keep the container for runs like this one, or remove it where that cannot be → `ContainerRemoved`.
    KeepContainer(Box<Kept>),
    /// Follow the output, then start → `ContainerStarted`, later `ContainerExited` or `ContainerGone`.
    StartContainer(ContainerId, Option<Door>),
    /// Follow a container that was started by an owner who is gone, its log from where that owner left it
    /// → later `ContainerExited` or `ContainerGone`.
    Follow(ContainerId, Option<Door>),
    /// Bring the log files and what is known of the debuggee up to date → maybe `DebuggeeReported`, `CaughtUp`.
    CatchUp(ContainerId, Option<Door>),
    /// Reach into the container for the debuggee → `DebuggeeReported`, then `Debug`….
    OpenRelay(ContainerId),
    /// Ask the deployment until it answers → `Healthy`, or `CannotServe` where its log says that it never will; neither
    /// if its container starts again or it is asked anew before that.
    AwaitHealth,
    /// Tell when the user's code changes → `CodeChanged`, again and again.
    WatchCode {
        /// From then on; absent: from here on.
        since: Option<Millis>,
    },
    /// Let the deployment's server load the user's code again, in place → `ServerRestarted` or
    /// `RestartRefused`.
    RestartServer {
        /// Where it runs.
        container: ContainerId,
        /// Whether a debugger is there, so that the new worker waits for it.
        attended: bool,
    },
    /// Tell the user that a debugger can attach. Nothing answers.
    OfferDebugger,
    /// Offer the user a path mapping. Nothing answers.
    OfferMapping(Proposal),
    /// Have this path mapping hold for whoever is attached or will be. Nothing answers.
    ApplyMapping(Pair),
    /// Stop the whole process tree; the container's exit comes from following it.
    StopContainer {
        /// Which.
        container: ContainerId,
        /// Milliseconds between the first signal and the last.
        grace_ms: u32,
    },
    /// Remove what is left of the container → `ContainerRemoved`.
    RemoveContainer(ContainerId),
    /// Complete the logs, list outputs and metrics → `Collected`.
    Collect,
    /// Drop all work in flight of this run. Nothing answers.
    Abandon,
    /// Close the gateway. Nothing answers.
    CloseGateway,
    /// A line for the user in the run's control log. Nothing answers.
    Note(Message),
    /// The same, shown to whoever is attached, too. Nothing answers.
    Say(Message),
}
