//! Finding the engine, and what is said when there is none.

use docker::{Docker, EngineSettings, Source};
use engine::failure::Failure;
use expect_test::expect;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn settings(pairs: &[(&str, &str)]) -> EngineSettings {
    let mut settings =
        EngineSettings::new(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    settings.default_socket = "/nonexistent/docker.sock".into();
    settings
}

fn told(failure: &Failure) -> String {
    let fix = failure.fix.as_ref().map(ToString::to_string).unwrap_or_default();
    format!("{}\n{}\n{fix}\n", failure.what, failure.detail.join("\n"))
}

#[tokio::test]
async fn the_first_answer_comes_at_once() {
    let warm = crate::support::engine().await;
    let settings = EngineSettings::new(std::env::vars());
    let mut times = Vec::new();
    for _ in 0..21 {
        let began = Instant::now();
        let docker = Docker::connect(&settings).await.expect("an engine");
        docker.inspect_image(&crate::support::BASE.into()).await.expect("an answer");
        times.push(began.elapsed());
    }
    times.sort();
    println!("connect and inspect_image: median {:?}, worst {:?}", times[10], times[20]);
    assert!(times[10] < Duration::from_millis(20), "{times:?}");
    let facts = warm.about().await.expect("facts");
    println!("{facts:#?}");
    assert!(facts.cache_mounts && !facts.version.is_empty() && facts.os == "linux");
}

#[tokio::test]
async fn with_no_engine_every_place_that_was_tried_is_listed() {
    let settings = settings(&[("HOME", "/nonexistent/home"), ("XDG_RUNTIME_DIR", "/nonexistent/run")]);
    let failure = Failure::from(Docker::connect(&settings).await.expect_err("no engine"));
    expect![[r#"
        no container engine was found
        unix:///nonexistent/docker.sock: no such socket
        unix:///nonexistent/run/docker.sock: no such socket
        unix:///nonexistent/home/.docker/run/docker.sock: no such socket
        unix:///nonexistent/home/.docker/desktop/docker.sock: no such socket
        unix:///nonexistent/home/.colima/default/docker.sock: no such socket
        unix:///nonexistent/run/podman/podman.sock: no such socket
        unix:///run/podman/podman.sock: no such socket
        install and start Docker or Podman, or set DOCKER_HOST to an engine's address
    "#]]
    .assert_eq(&told(&failure));
    assert_eq!(failure.blame.exit_code(), 3);
}

#[tokio::test]
async fn what_the_user_names_is_never_replaced_by_something_else() {
    let named = settings(&[("DOCKER_HOST", "unix:///nonexistent/named.sock"), ("DOCKER_CONTEXT", "other")]);
    let failure = Failure::from(Docker::connect(&named).await.expect_err("no engine"));
    expect![[r#"
        nobody answers at the container engine's address unix:///nonexistent/named.sock
        unix:///nonexistent/named.sock: no such socket
        start that engine, or correct DOCKER_HOST, which names it
    "#]]
    .assert_eq(&told(&failure));

    let unknown = settings(&[("DOCKER_CONTEXT", "nosuch"), ("HOME", "/nonexistent/home")]);
    let failure = Failure::from(Docker::connect(&unknown).await.expect_err("no context"));
    assert_eq!(failure.what.text(), "the Docker context nosuch cannot be used");
}

#[tokio::test]
async fn the_configured_context_is_used_and_so_is_the_one_of_the_environment() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join(".docker");
    context(&folder, "real", "unix:///var/run/docker.sock");
    context(&folder, "far", "tcp://127.0.0.1:1");
    std::fs::write(folder.join("config.json"), r#"{"currentContext": "real"}"#).expect("a file");
    let home = home.path().to_str().expect("text");

    let docker = Docker::connect(&settings(&[("HOME", home)])).await.expect("the configured context");
    assert_eq!(docker.attempts()[0].source, Source::ConfiguredContext("real".to_owned()));
    assert!(docker.about().await.is_ok());

    let far = settings(&[("HOME", home), ("DOCKER_CONTEXT", "far")]);
    let failure = Failure::from(Docker::connect(&far).await.expect_err("nobody listens"));
    assert_eq!(failure.what.id, "docker.unreachable");
}

/// Writes a context as `docker context create` does, with the tool itself left out of the test.
fn context(folder: &Path, name: &str, host: &str) {
    use sha2::{Digest, Sha256};
    let id: String = Sha256::digest(name.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    let meta = folder.join("contexts/meta").join(id);
    std::fs::create_dir_all(&meta).expect("a folder");
    let text = format!(r#"{{"Name":"{name}","Metadata":{{}},"Endpoints":{{"docker":{{"Host":"{host}"}}}}}}"#);
    std::fs::write(meta.join("meta.json"), text).expect("a file");
}

#[tokio::test]
async fn a_web_server_is_not_taken_for_an_engine() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("tcp://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let answer = "HTTP/1.1 404 Not Found\r\nServer: nginx\r\nContent-Length: 9\r\n\r\nnot found";
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    let docker = Docker::connect(&settings(&[("DOCKER_HOST", &address)])).await.expect("it accepts");
    let failure = Failure::from(docker.inspect_image(&"x".into()).await.expect_err("no engine"));
    assert_eq!(
        failure.what.text(),
        format!("what answers at {address} is not a container engine: HTTP 404 Not Found (nginx)")
    );
}

#[tokio::test]
async fn an_engine_that_goes_away_in_the_middle_is_noticed_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("tcp://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let head = "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nTransfer-Encoding: chunked\r\n\r\n";
                let _ = stream.write_all(head.as_bytes()).await;
                tokio::time::sleep(Duration::from_millis(100)).await;
            });
        }
    });
    let docker = Docker::connect(&settings(&[("DOCKER_HOST", &address)])).await.expect("it accepts");
    let began = Instant::now();
    let error = docker.wait(&"c1".into()).await.expect_err("no end of the container is known");
    assert!(error.is_cut() && began.elapsed() < Duration::from_secs(2), "{error:?}");
    assert_eq!(Failure::from(error).what.id, "docker.cut");
}

/// The same question, asked by somebody who is nobody: the test calls itself again under another user.
#[test]
fn a_socket_without_permission_names_the_group_to_join() {
    const ASKED: &str = "AML_DEBUG_TEST_NOBODY";
    if std::env::var_os(ASKED).is_some() {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let mut settings = settings(&[("HOME", "/nonexistent/home")]);
        settings.default_socket = "/var/run/docker.sock".into();
        let error = runtime.block_on(Docker::connect(&settings)).expect_err("nobody may not");
        print!("<<{}>>", told(&Failure::from(error)));
        return;
    }
    // The build folder may be closed to others; a copy in a public place is not.
    let folder = tempfile::tempdir().expect("a folder");
    std::process::Command::new("chmod").arg("755").arg(folder.path()).status().expect("chmod");
    let copy = folder.path().join("engine-tests");
    std::fs::copy(std::env::current_exe().expect("this test"), &copy).expect("a copy");
    // Only root may become nobody.
    let root = std::fs::metadata("/proc/self").expect("this process").uid() == 0;
    let (program, before): (&str, &[&str]) =
        if root { ("setpriv", &[]) } else { ("sudo", &["-n", "setpriv"]) };
    let output = std::process::Command::new(program)
        .args(before)
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "env", &format!("{ASKED}=1")])
        .arg(&copy)
        .args(["--exact", "connect::a_socket_without_permission_names_the_group_to_join", "--nocapture"])
        .output()
        .expect("setpriv, or sudo to use it");
    let output =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let told = output.split("<<").nth(1).and_then(|rest| rest.split(">>").next());
    expect![[r#"
        you may not use the container engine at unix:///var/run/docker.sock
        unix:///var/run/docker.sock: permission denied
        unix:///nonexistent/home/.docker/run/docker.sock: no such socket
        unix:///nonexistent/home/.docker/desktop/docker.sock: no such socket
        unix:///nonexistent/home/.colima/default/docker.sock: no such socket
        unix:///run/podman/podman.sock: no such socket
        join the group that may (`sudo usermod -aG docker "$USER"`) and sign in again, or use a rootless engine
    "#]]
    .assert_eq(told.unwrap_or(&output));
}
