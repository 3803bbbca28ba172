//! The connection to the engine goes away in the middle: every open call says so, and soon.

use crate::support::{engine, shell, start};
use docker::{Docker, EngineSettings, Exec};
use engine::failure::Failure;
use engine::ids::ImageRef;
use engine::plan::image::{BuildSettings, ImagePlan, Packages, recipe};
use futures::StreamExt;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, UnixStream};
use tokio::task::{JoinHandle, JoinSet};

/// A second way to the same engine, which can be taken away.
struct Bridge {
    address: String,
    relay: JoinHandle<()>,
}

impl Bridge {
    async fn to(engine: &Docker) -> Self {
        let socket = engine.address().strip_prefix("unix://").expect("an engine on a socket").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("tcp://{}", listener.local_addr().expect("an address"));
        let relay = tokio::spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                let mut far = UnixStream::connect(&socket).await.expect("the engine");
                open.spawn(async move { tokio::io::copy_bidirectional(&mut near, &mut far).await });
            }
        });
        Self { address, relay }
    }

    async fn docker(&self) -> Docker {
        let settings = EngineSettings::new([("DOCKER_HOST".to_owned(), self.address.clone())]);
        Docker::connect(&settings).await.expect("the bridge")
    }

    /// The relay's task owns every connection, so that all of them end here.
    async fn cut(self) {
        self.relay.abort();
        let _ = self.relay.await;
    }
}

#[tokio::test]
async fn attach_wait_exec_and_build_notice_within_a_second() {
    let engine = engine().await;
    let bridge = Bridge::to(&engine).await;
    let docker = bridge.docker().await;
    assert!(!docker.is_remote());

    let id = start(&docker, &shell("sleep 600")).await;
    let mut output = docker.attach(&id).await.expect("attach");
    let Exec { mut reader, writer: _writer } = docker.exec(&id, &["cat"]).await.expect("exec");
    let wait = tokio::spawn({
        let (docker, id) = (docker.clone(), id.clone());
        async move { docker.wait(&id).await }
    });
    let base = ImageRef::from(crate::support::BASE);
    let facts = docker.inspect_image(&base).await.expect("an answer").expect("the base image");
    let plan = ImagePlan::Environment { base, packages: Packages::default() };
    let mut recipe = recipe(&plan, &facts, &BuildSettings::default()).expect("a recipe");
    recipe.name = ImageRef::from("aml-debug-test-cut:1");
    let script = format!("echo begun {}; sleep 600", std::process::id());
    recipe.context.insert("environment.sh".to_owned(), script.into_bytes());
    let mut build = docker.build(&recipe, None);
    while !build.next().await.expect("a line").expect("not yet").text.contains(" begun ") {}

    let began = Instant::now();
    bridge.cut().await;
    let told = output.next().await.expect("a last word").expect_err("not the container's end");
    assert!(told.is_cut() && output.next().await.is_none(), "{told:?}");
    assert!(wait.await.expect("no panic").expect_err("not its end").is_cut());
    assert!(reader.next().await.is_none_or(|end| end.is_err()));
    assert!(reader.end().await.expect_err("no end is known").is_cut());
    let told = build.next().await.expect("a last word").expect_err("not built");
    assert!(told.is_cut(), "{told:?}");
    println!("noticed after {:?}: {told}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(1));
    let failure = Failure::from(told);
    assert_eq!((failure.what.id.as_str(), failure.blame.exit_code()), ("docker.cut", 3));

    // The container knows nothing of it.
    assert!(engine.inspect(&id).await.expect("an answer").is_some());
    engine.remove(&id).await.expect("removed");
}
