//! Deployments on the wire. A deployment is a run whose `service` says where it answers; it is named by its
//! own name, by `endpoint/name` where two endpoints have one of that name, or by its run.

use crate::run::RunSnapshot;
use crate::text::FailureText;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ts_rs::TS;

/// What to deploy on this machine.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
pub struct StartDeploymentParams {
    /// Path of the deployment's spec; with `image`, of the entry script that is mounted over the image's own.
    pub spec: Option<String>,
    /// An image that has all in it, as `Model.package()` makes it.
    pub image: Option<String>,
    /// Loopback port to answer on; the same from time to time where none is asked for.
    pub port: Option<u16>,
    /// Let a debugger stop in `init()` and `run()`.
    pub debug: bool,
    /// Keep all the workers that the spec asks for, each with a debugger; else there is one while debugging.
    pub children: bool,
    /// Environment variables, over the spec's own.
    pub env: BTreeMap<String, String>,
    /// Names of environment variables whose values are secret; they go in by file.
    pub secrets: Vec<String>,
    /// Build the image even if one of the same content is there.
    pub rebuild: bool,
    /// Ask the registry for the base image even if one is there.
    pub pull: bool,
}

/// The part of a run's wish that only a deployment has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
pub struct DeploymentWish {
    /// An image that has all in it.
    pub image: Option<String>,
    /// Loopback port of the scoring route.
    pub port: u16,
    /// Whether it has to be that port.
    pub port_is_fixed: bool,
    /// Loopback port of a second route, or of a script that debugs itself.
    pub second_port: u16,
    /// Loopback port of a third route.
    pub third_port: u16,
}

/// Where a deployment answers, and since when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ServiceSnapshot {
    /// The endpoint it belongs to.
    pub endpoint: String,
    /// Its own name.
    pub name: String,
    /// Where requests go, on loopback.
    pub scoring_uri: String,
    /// What answers when the server is ready.
    pub health_uri: String,
    /// Since when it answers, in milliseconds since 1970; absent while it starts.
    #[ts(type = "number | null")]
    pub healthy_at: Option<u64>,
    /// How often it has started again in place.
    pub restarts: u32,
    /// Why the last edit was not taken. The server goes on with the code from before, or, where `init()` failed over
    /// the edit (`healthy_at` is absent), does not answer until the next one.
    pub refused: Option<FailureText>,
    /// How often an edit was not taken.
    pub refusals: u32,
    /// The line over which the last edit was not taken, where there is one.
    pub refused_at: Option<CodePlace>,
}

/// A line of a file of the user's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct CodePlace {
    /// Path on this machine.
    pub file: String,
    /// Line from 1.
    pub line: u32,
}

/// A request about one deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentParams {
    /// Its name, `endpoint/name`, or its run.
    pub deployment: String,
}

/// Which deployment starts again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
pub struct RestartDeploymentParams {
    /// Its name, `endpoint/name`, or its run.
    pub deployment: String,
    /// Whether one that cannot start again in place waits for a debugger; as before where nothing is said.
    pub debug: Option<bool>,
}

/// Which deployments: all there are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ListDeploymentsParams {}

/// The deployments, newest first; of those with one name, the newest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ListDeploymentsAnswer {
    /// The deployments.
    pub deployments: Vec<RunSnapshot>,
}

/// One deployment with what an editor shows beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentAnswer {
    /// As it stands.
    pub run: RunSnapshot,
    /// Files beside the spec that look like requests.
    pub samples: Vec<String>,
    /// The last answers, newest first; a long body is left out of its answer.
    pub answers: Vec<InvokeAnswer>,
}

/// A request to a deployment's server. Exactly one of `file`, `body`, `base64` for a request with a body.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
pub struct InvokeDeploymentParams {
    /// Its name, `endpoint/name`, or its run.
    pub deployment: String,
    /// File with the body, sent as it is.
    pub file: Option<String>,
    /// The body.
    pub body: Option<String>,
    /// The body, where it is not text.
    pub base64: Option<String>,
    /// File that the body of the answer is written to, as it came.
    pub save: Option<String>,
    /// `POST` unless there is no body.
    pub method: Option<String>,
    /// Path instead of the scoring route: `/`, `/swagger.json`.
    pub path: Option<String>,
    /// Headers, over ours.
    pub headers: BTreeMap<String, String>,
}

/// What a deployment's server answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct InvokeAnswer {
    /// When it was asked, in milliseconds since 1970.
    #[ts(type = "number")]
    pub at: u64,
    /// The file that was sent, if it was one.
    pub file: Option<String>,
    /// `POST /score`.
    pub request: String,
    /// HTTP status.
    pub status: u16,
    /// Milliseconds until the whole answer was here.
    pub ms: f64,
    /// Milliseconds in `run()`, as the server counts them.
    pub run_ms: Option<f64>,
    /// Whether a debugger was attached meanwhile.
    pub debugged: bool,
    /// Headers of the answer, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// How many bytes its body has.
    #[ts(type = "number")]
    #[serde(default)]
    pub size: u64,
    /// The body: a value where it is JSON, a string where it is other text.
    #[ts(type = "unknown")]
    pub body: Option<serde_json::Value>,
    /// The body in base64, where it is neither.
    pub base64: Option<String>,
    /// What is wrong with it: the server's own word, or that it is not what it says it is.
    pub failure: Option<FailureText>,
}
