//! The one mouth of the owner loop. What it says goes to the editor or to the terminal, in order.

use crate::main_loop::LogName;
use engine::attach::AttachEntry;
use engine::dap::path_doctor::Proposal;
use engine::ids::RunId;
use protocol::remote::RemoteSnapshot;
use protocol::run::RunSnapshot;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

/// One thing to tell whoever drives this process.
#[derive(Debug, Clone)]
pub enum Notice {
    /// A run changed.
    RunChanged(Box<RunSnapshot>),
    /// A run wrote lines.
    Lines {
        /// Which run.
        run: RunId,
        /// Which of its logs.
        log: LogName,
        /// Whole lines.
        lines: Vec<String>,
        /// Where they stand.
        stretch: Stretch,
        /// Held for as long as the lines wait somewhere: whoever writes more than is read waits for it.
        room: Permit,
    },
    /// A pull or a build moved on.
    Progress(RunId, Progress),
    /// The debuggee waits: attach now.
    DebuggerReady(RunId, Box<AttachEntry>),
    /// A file with breakpoints was not found, and a mapping would reach it.
    MappingProposed(RunId, Box<Proposal>),
    /// A step on a node changed.
    RemoteChanged(Box<RemoteSnapshot>),
}

/// A share of the memory that lines may take up on their way.
pub type Permit = Option<Arc<OwnedSemaphorePermit>>;

/// A piece of a log file. What a log says is in its file before anybody is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// The file.
    pub path: PathBuf,
    /// First byte.
    pub offset: u64,
    /// First byte behind it.
    pub end: u64,
}

/// How far a pull or a build is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// What is being worked on: a layer, a build step.
    pub item: String,
    /// What is happening to it.
    pub status: String,
    /// Bytes or steps done.
    pub done: u64,
    /// Bytes or steps in all; 0 if nobody knows.
    pub total: u64,
}

/// The sending end.
#[derive(Debug, Clone)]
pub struct Outbox(mpsc::UnboundedSender<Notice>);

impl Outbox {
    /// An outbox and the end from which the editor's or the terminal's task takes.
    pub fn new() -> (Self, mpsc::UnboundedReceiver<Notice>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

    pub(crate) fn say(&self, notice: Notice) {
        // The other end closes only when the process is on its way out.
        let _ = self.0.send(notice);
    }
}
