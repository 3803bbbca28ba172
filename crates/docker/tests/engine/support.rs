//! What every test of the door needs: the engine, a container that is gone afterwards, plain output.

use docker::{Docker, EngineSettings, LogStream, OutputStream};
use engine::ids::{ContainerId, ImageRef};
use engine::plan::container::{ContainerPlan, Limits};
use futures::StreamExt;
use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

/// Debian 12 with Python 3.11, as `cargo xtask setup` makes it.
pub(crate) const BASE: &str = "aml-debug/base:bookworm";

pub(crate) async fn engine() -> Docker {
    let settings = EngineSettings::new(std::env::vars());
    let docker = match Docker::connect(&settings).await {
        Ok(docker) => docker,
        Err(error) => panic!("these tests need a container engine: {error}"),
    };
    match docker.inspect_image(&ImageRef::from(BASE)).await {
        Ok(Some(_)) => docker,
        other => panic!("these tests need the image {BASE} on the engine: {other:?}"),
    }
}

/// A name that no other test and no other process uses.
pub(crate) fn unique(what: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    format!("aml-debug-test-{what}-{}-{}", std::process::id(), now.as_nanos())
}

/// `sh -c line` in the base image.
pub(crate) fn shell(line: &str) -> ContainerPlan {
    ContainerPlan {
        name: unique("door"),
        image: ImageRef::from(BASE),
        command: ["sh", "-c", line].map(str::to_owned).to_vec(),
        working_dir: "/".to_owned(),
        environment: Vec::new(),
        mounts: Vec::new(),
        files: Vec::new(),
        texts: Vec::new(),
        user: None,
        labels: BTreeMap::from([("aml-debug.test".to_owned(), "docker".to_owned())]),
        limits: Limits::default(),
        grants: Default::default(),
        gpu: false,
    }
}

/// Both streams to their end, as text.
pub(crate) async fn read(mut output: OutputStream) -> (String, String) {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    while let Some(chunk) = output.next().await {
        let chunk = chunk.expect("the output is not cut");
        match chunk.stream {
            LogStream::Stdout => stdout.extend_from_slice(&chunk.bytes),
            LogStream::Stderr => stderr.extend_from_slice(&chunk.bytes),
        }
    }
    (String::from_utf8(stdout).expect("text"), String::from_utf8(stderr).expect("text"))
}

/// Creates, follows and starts; returns the output and the exit code, and removes the container.
pub(crate) async fn run(docker: &Docker, plan: &ContainerPlan) -> (String, String, i64) {
    let id = docker.create(plan).await.expect("create");
    let output = docker.attach(&id).await.expect("attach");
    docker.start(&id).await.expect("start");
    let (stdout, stderr) = read(output).await;
    let exit = docker.wait(&id).await.expect("wait");
    docker.remove(&id).await.expect("remove");
    (stdout, stderr, exit.code)
}

/// Creates and starts.
pub(crate) async fn start(docker: &Docker, plan: &ContainerPlan) -> ContainerId {
    let id = docker.create(plan).await.expect("create");
    docker.start(&id).await.expect("start");
    id
}
