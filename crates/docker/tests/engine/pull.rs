//! Images fetched from a real registry: Debian's own `docker-registry`, started here on loopback.

use crate::support::{engine, unique};
use docker::{Cause, Docker, PullProgress};
use engine::failure::Failure;
use engine::ids::ImageRef;
use futures::StreamExt;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

struct Registry {
    server: Child,
    host: String,
    _folder: tempfile::TempDir,
}

impl Registry {
    /// On a port that was free a moment ago.
    async fn start(extra: &str) -> Self {
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
        let host = format!("127.0.0.1:{port}");
        let folder = tempfile::tempdir().expect("a folder");
        let config = folder.path().join("config.yml");
        let root = folder.path().join("data");
        let text = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\n\
             http: {{addr: {host}}}\n{extra}",
            root.display()
        );
        std::fs::write(&config, text).expect("a file");
        let server = Command::new("docker-registry")
            .arg("serve")
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("these tests need Debian's package docker-registry");
        let began = Instant::now();
        while tokio::net::TcpStream::connect(&host).await.is_err() {
            assert!(began.elapsed() < Duration::from_secs(20), "the registry does not listen");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Self { server, host, _folder: folder }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

async fn pull(docker: &Docker, image: &ImageRef) -> Result<Vec<PullProgress>, docker::Error> {
    let mut steps = Vec::new();
    let mut progress = docker.pull(image, None);
    while let Some(step) = progress.next().await {
        steps.push(step?);
    }
    Ok(steps)
}

/// An image whose one layer no other image has, so that it has to be downloaded.
fn with_a_layer_of_its_own(registry: &Registry, name: &str, megabytes: usize) -> ImageRef {
    let folder = tempfile::tempdir().expect("a folder");
    let mut noise = vec![0; megabytes << 20];
    let mut random = std::fs::File::open("/dev/urandom").expect("random bytes");
    std::io::Read::read_exact(&mut random, &mut noise).expect("random bytes");
    std::fs::write(folder.path().join("noise"), noise).expect("a file");
    let archive = folder.path().join("layer.tar");
    let tar = Command::new("tar").arg("-C").arg(folder.path()).arg("-cf").arg(&archive).arg("noise").status();
    assert!(tar.expect("tar").success());
    let image = format!("{}/{name}:1", registry.host);
    let archive = archive.to_str().expect("text");
    for arguments in [["import", archive, &image].as_slice(), &["push", "--quiet", &image], &["rmi", &image]]
    {
        let output = Command::new("docker").args(arguments).output().expect("the Docker command line");
        assert!(output.status.success(), "docker {arguments:?}: {output:?}");
    }
    ImageRef(image)
}

#[tokio::test]
async fn a_pull_shows_how_far_each_layer_is() {
    let docker = engine().await;
    let registry = Registry::start("").await;
    let image = with_a_layer_of_its_own(&registry, &unique("layer"), 24);
    assert_eq!(docker.inspect_image(&image).await.expect("an answer"), None);
    let began = Instant::now();
    let steps = pull(&docker, &image).await.expect("pulled");
    println!("24 MB pulled in {:?}, {} steps", began.elapsed(), steps.len());
    // A registry on loopback may have sent it all before the engine tells of it a second time; unpacking takes longer.
    assert!(steps.iter().any(|step| step.status == "Downloading"), "{steps:?}");
    let counted: Vec<_> = steps.iter().filter(|step| step.total.is_some()).collect();
    assert!(counted.len() > 1, "{steps:?}");
    for step in &counted {
        let (current, total) = (step.current.expect("bytes done"), step.total.expect("bytes in all"));
        assert!(step.layer.is_some() && current <= total && total >= 24 << 20, "{step:?}");
    }
    assert!(steps.iter().any(|step| step.status == "Pull complete"), "{steps:?}");
    assert!(docker.inspect_image(&image).await.expect("an answer").is_some());
    docker.remove_image(&image).await.expect("removed");
}

#[tokio::test]
async fn a_pull_that_nobody_reads_any_more_ends() {
    let docker = engine().await;
    let registry = Registry::start("").await;
    let image = with_a_layer_of_its_own(&registry, &unique("dropped"), 64);
    let mut progress = docker.pull(&image, None);
    while let Some(step) = progress.next().await {
        if step.expect("not cut").status == "Downloading" {
            break;
        }
    }
    drop(progress);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(docker.inspect_image(&image).await.expect("an answer"), None);
}

#[tokio::test]
async fn what_the_registry_has_not_or_will_not_give_is_told_apart() {
    let docker = engine().await;
    let registry = Registry::start("").await;
    let image = ImageRef(format!("{}/no/such:1", registry.host));
    let error = pull(&docker, &image).await.expect_err("no such image");
    println!("{error}");
    assert!(matches!(error.cause, Cause::NotFound(_)), "{error:?}");
    let failure = Failure::from(error);
    assert_eq!((failure.what.id.as_str(), failure.blame.exit_code()), ("docker.image-not-found", 3));

    // htpasswd of user "me" with a password nobody gives.
    let secrets = tempfile::NamedTempFile::new().expect("a file");
    let line = "me:$2y$05$cgR0qjQ8bVZ1j3mVnF1qUuJ5bqKQ1f8rM8m8b8bqgk8zqf0m8m8m6\n";
    std::fs::write(secrets.path(), line).expect("a file");
    let closed = format!("auth: {{htpasswd: {{realm: r, path: {}}}}}\n", secrets.path().display());
    let registry = Registry::start(&closed).await;
    let image = ImageRef(format!("{}/closed:1", registry.host));
    let error = pull(&docker, &image).await.expect_err("no credentials");
    println!("{error}");
    assert!(matches!(error.cause, Cause::Denied(_)), "{error:?}");
    let fix = Failure::from(error).fix.expect("a fix").text();
    assert!(fix.contains(&format!("docker login {}", registry.host)), "{fix}");

    let host = registry.host.clone();
    drop(registry);
    let error = pull(&docker, &ImageRef(format!("{host}/x:1"))).await.expect_err("nobody listens");
    println!("{error}");
    let failure = Failure::from(error);
    assert_eq!(failure.what.id, "docker.pull");
    assert!(failure.detail.join("\n").contains("connection refused"), "{failure:?}");
}
