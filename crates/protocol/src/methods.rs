//! Every method of the wire; the only place where a method's name is written.

use crate::check::{CheckAnswer, CheckParams};
use crate::debug::{ApplyMappingParams, AttachAnswer, AttachParams, DebugReady, MappingProposal};
use crate::deployment::{
    DeploymentAnswer, DeploymentParams, InvokeAnswer, InvokeDeploymentParams, ListDeploymentsAnswer,
    ListDeploymentsParams, RestartDeploymentParams, StartDeploymentParams,
};
use crate::doctor::{DoctorAnswer, DoctorParams};
use crate::draft::{DraftSpecAnswer, DraftSpecParams};
use crate::images::{
    ListImagesAnswer, ListImagesParams, PruneImagesAnswer, PruneImagesParams, WhyImageAnswer, WhyImageParams,
};
use crate::log::{LogAppended, Progress, ReadLogAnswer, ReadLogParams};
use crate::remote::{
    AttachRemoteAnswer, AttachRemoteParams, LeaveRemoteAnswer, LeaveRemoteParams, RemoteSnapshot,
    VariantAnswer, VariantParams,
};
use crate::run::{
    CancelRunParams, ListExperimentsAnswer, ListExperimentsParams, ListRunsAnswer, ListRunsParams,
    OutputsAnswer, RemoveRunParams, RerunParams, RunAnswer, RunIdParams, RunSnapshot, StartRunParams,
};
use serde::{Serialize, de::DeserializeOwned};

/// A request: the editor asks, the sidecar answers at once; what takes time arrives as notifications.
pub trait Request {
    /// Name on the wire.
    const METHOD: &'static str;
    /// What is asked.
    type Params: Serialize + DeserializeOwned;
    /// What is answered.
    type Answer: Serialize + DeserializeOwned;
}

/// A notification from the sidecar.
pub trait Notification {
    /// Name on the wire.
    const METHOD: &'static str;
    /// What it says.
    type Params: Serialize + DeserializeOwned;
}

macro_rules! requests {
    ($($(#[$doc:meta])* $name:ident = $method:literal: $params:ty => $answer:ty;)*) => {
        $($(#[$doc])* #[derive(Debug)] pub enum $name {}
        impl Request for $name {
            const METHOD: &'static str = $method;
            type Params = $params;
            type Answer = $answer;
        })*
        /// Names of all requests, for the generated TypeScript.
        pub const REQUESTS: &[(&str, &str, &str, &str)] =
            &[$((stringify!($name), $method, stringify!($params), stringify!($answer))),*];
    };
}

macro_rules! notifications {
    ($($(#[$doc:meta])* $name:ident = $method:literal: $params:ty;)*) => {
        $($(#[$doc])* #[derive(Debug)] pub enum $name {}
        impl Notification for $name {
            const METHOD: &'static str = $method;
            type Params = $params;
        })*
        /// Names of all notifications, for the generated TypeScript.
        pub const NOTIFICATIONS: &[(&str, &str, &str)] =
            &[$((stringify!($name), $method, stringify!($params))),*];
    };
}

requests! {
    /// Starts a run of a spec and answers with its name.
    StartRun = "aml/startRun": StartRunParams => RunAnswer;
    /// Starts the plan of an earlier run again.
    Rerun = "aml/rerun": RerunParams => RunAnswer;
    /// Asks for the end of a run, whichever process owns it.
    CancelRun = "aml/cancelRun": CancelRunParams => RunAnswer;
    /// One run as it stands.
    ShowRun = "aml/showRun": RunIdParams => RunSnapshot;
    /// All experiments.
    ListExperiments = "aml/listExperiments": ListExperimentsParams => ListExperimentsAnswer;
    /// A page of runs, newest first.
    ListRuns = "aml/listRuns": ListRunsParams => ListRunsAnswer;
    /// Forgets an ended run: record, logs and outputs.
    RemoveRun = "aml/removeRun": RemoveRunParams => RunAnswer;
    /// The files that a run wrote.
    ListOutputs = "aml/listOutputs": RunIdParams => OutputsAnswer;
    /// A stretch of one of a run's logs.
    ReadLog = "aml/readLog": ReadLogParams => ReadLogAnswer;
    /// Makes or refreshes the launch.json entry of a run.
    Attach = "aml/attach": AttachParams => AttachAnswer;
    /// Sends away whoever is attached to a run, so that another may attach. The run goes on.
    ReleaseDebugger = "aml/releaseDebugger": RunIdParams => RunAnswer;
    /// Has another path mapping hold for whoever debugs a run: sets their breakpoints again.
    ApplyMapping = "aml/applyMapping": ApplyMappingParams => RunAnswer;
    /// Deploys a spec or an image on this machine, in place of what is deployed of it.
    StartDeployment = "aml/startDeployment": StartDeploymentParams => RunAnswer;
    /// All deployments, live and ended.
    ListDeployments = "aml/listDeployments": ListDeploymentsParams => ListDeploymentsAnswer;
    /// One deployment with its sample requests and last answers.
    ShowDeployment = "aml/showDeployment": DeploymentParams => DeploymentAnswer;
    /// Sends a request to a deployment's server.
    InvokeDeployment = "aml/invokeDeployment": InvokeDeploymentParams => InvokeAnswer;
    /// Lets the server load the code again, in place; one that has ended starts again from its plan.
    RestartDeployment = "aml/restartDeployment": RestartDeploymentParams => RunAnswer;
    /// Ends a deployment; answers when its container is gone.
    StopDeployment = "aml/stopDeployment": DeploymentParams => RunAnswer;
    /// Ends a deployment if it is live, and forgets it.
    RemoveDeployment = "aml/removeDeployment": DeploymentParams => RunAnswer;
    /// The images that were built here.
    ListImages = "aml/listImages": ListImagesParams => ListImagesAnswer;
    /// Why an image was built although others were there.
    WhyImage = "aml/whyImage": WhyImageParams => WhyImageAnswer;
    /// Removes the images that nobody needs any more.
    PruneImages = "aml/pruneImages": PruneImagesParams => PruneImagesAnswer;
    /// The diagnostics of spec files.
    Check = "aml/check": CheckParams => CheckAnswer;
    /// Writes a new spec.
    DraftSpec = "aml/draftSpec": DraftSpecParams => DraftSpecAnswer;
    /// Writes a pipeline whose chosen steps await a debugger on their nodes.
    Variant = "aml/variant": VariantParams => VariantAnswer;
    /// Follows the log of a step on a node until a debugger can attach to it.
    AttachRemote = "aml/attachRemote": AttachRemoteParams => AttachRemoteAnswer;
    /// Leaves it alone again.
    LeaveRemote = "aml/leaveRemote": LeaveRemoteParams => LeaveRemoteAnswer;
    /// What the machine offers and what is in the way.
    Doctor = "aml/doctor": DoctorParams => DoctorAnswer;
}

notifications! {
    /// A run changed; carries the whole of it.
    RunChanged = "aml/runChanged": RunSnapshot;
    /// A log grew.
    LogGrew = "aml/logAppended": LogAppended;
    /// A pull or a build moved on.
    Progressed = "aml/progress": Progress;
    /// The debuggee stands before its first line: attach now.
    DebuggerReady = "aml/debugReady": DebugReady;
    /// A file with breakpoints is not where the path mapping leads: offer the one that reaches it.
    MappingProposed = "aml/mappingProposed": MappingProposal;
    /// A step on a node changed; carries the whole of it.
    RemoteChanged = "aml/remoteChanged": RemoteSnapshot;
}
