//! The life of a container, from plan to removal.

use crate::support::{engine, read, run, shell, start, unique};
use docker::{Docker, Exec, ExecEnd, Labels, LogStream, LogWindow, State};
use engine::failure::Failure;
use engine::ids::{RunId, StoreId};
use engine::plan::container::{Limits, Mount, SecretFile};
use futures::StreamExt;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;

#[tokio::test]
async fn output_taken_before_the_start_misses_nothing_and_an_exit_code_is_no_error() {
    let docker = engine().await;
    let (stdout, stderr, code) =
        run(&docker, &shell("echo out; printf no-newline; echo err >&2; exit 7")).await;
    assert_eq!((stdout.as_str(), stderr.as_str(), code), ("out\nno-newline", "err\n", 7));
}

#[tokio::test]
async fn the_plan_arrives_in_the_container() {
    let docker = engine().await;
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("train.py"), "print(1)").expect("a file");
    let mut plan = shell(
        "pwd; id -u; echo $GREETING; ls /code; touch /code/x 2>&1 | grep -o Read-only; \
         touch /scratch/x && echo scratch; df -k /dev/shm | awk 'NR==2{print $2}'; \
         cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null; \
         cat /run/secrets/token; stat -c '%a %u' /run/secrets/token",
    );
    plan.working_dir = "/tmp".to_owned();
    plan.user = Some("1234:1234".to_owned());
    plan.environment = vec![("GREETING".to_owned(), "a = b".to_owned())];
    plan.mounts = vec![
        Mount::Bind { host: folder.path().to_path_buf(), target: "/code".to_owned(), read_only: true },
        Mount::Tmpfs { target: "/scratch".to_owned(), mode: 0o1777 },
    ];
    plan.files =
        vec![SecretFile { path: "/run/secrets/token".to_owned(), contents: b"hidden\n".to_vec(), uid: 1234 }];
    plan.limits =
        Limits { shm_bytes: Some(8 << 20), memory_bytes: Some(256 << 20), nano_cpus: Some(500_000_000) };
    let (stdout, stderr, code) = run(&docker, &plan).await;
    assert_eq!(
        (stdout.as_str(), stderr.as_str(), code),
        ("/tmp\n1234\na = b\ntrain.py\nRead-only\nscratch\n8192\n268435456\nhidden\n400 1234\n", "", 0)
    );
}

#[tokio::test]
async fn sixteen_megabytes_come_through_attach_whole() {
    let docker = engine().await;
    let line = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde";
    let began = Instant::now();
    let (stdout, _, code) = run(&docker, &shell(&format!("yes {line} | head -n 200000"))).await;
    println!("16 MB through attach, container included: {:?}", began.elapsed());
    assert_eq!((stdout.len(), code), (200_000 * 80, 0));
    assert!(stdout.lines().all(|each| each == line));
}

#[tokio::test]
async fn a_stopped_container_takes_its_whole_tree_along_and_every_process_hears_of_it() {
    let docker = engine().await;
    let python = "import signal,sys,time\n\
                  signal.signal(signal.SIGTERM, lambda *_: (print('heard', flush=True), sys.exit(0)))\n\
                  print('up', flush=True)\ntime.sleep(60)";
    // A shell between the init and Python, and a process that turns a deaf ear. A shell that ends at once of the
    // signal takes the container with it before Python has said a word, so this one waits for its program.
    let plan = shell(&format!(
        "trap 'exit 143' TERM; (trap '' TERM; sleep 600) & python3 -c \"{python}\"; echo after"
    ));
    let id = docker.create(&plan).await.expect("create");
    let mut output = docker.attach(&id).await.expect("attach");
    docker.start(&id).await.expect("start");
    let first = output.next().await.expect("output").expect("not cut");
    assert_eq!(&first.bytes[..], b"up\n");
    let began = Instant::now();
    docker.stop(&id, Duration::from_secs(5)).await.expect("stop");
    println!("stop: {:?}", began.elapsed());
    assert_eq!(read(output).await.0, "heard\n");
    let facts = docker.inspect(&id).await.expect("inspect").expect("it is there");
    assert_eq!(facts.state, State::Exited);
    docker.remove(&id).await.expect("remove");
    docker.remove(&id).await.expect("gone is removed already");
    assert_eq!(docker.inspect(&id).await.expect("inspect"), None);
}

#[tokio::test]
async fn what_an_adopter_needs_is_found_by_the_stores_label_alone() {
    let docker = engine().await;
    let (mine, theirs) = (StoreId(unique("store")), StoreId(unique("store")));
    let mut plan = shell("echo kept; sleep 600");
    plan.labels = Labels::of_run(&mine, &RunId::from("iris_1_0001"));
    let id = start(&docker, &plan).await;
    assert_eq!(docker.find_ours(&theirs).await.expect("list"), vec![]);
    let found = docker.find_ours(&mine).await.expect("list");
    assert_eq!(found.len(), 1);
    assert_eq!((&found[0].id, found[0].state), (&id, State::Running));
    assert_eq!(found[0].labels[Labels::RUN], "iris_1_0001");
    assert!(found[0].started_at.is_some() && found[0].finished_at.is_none() && found[0].ip.is_some());

    // It has written before it is killed, or there would be nothing to keep.
    let mut following = docker.logs(&id, LogWindow { since: None, follow: true });
    assert_eq!(&following.next().await.expect("output").expect("not cut").bytes[..], b"kept\n");
    docker.signal(&id, "SIGKILL").await.expect("kill");
    assert_eq!(docker.wait(&id).await.expect("wait").code, 137);
    let window = LogWindow { since: None, follow: false };
    assert_eq!(read(docker.logs(&id, window)).await.0, "kept\n");
    docker.remove(&id).await.expect("remove");
}

#[tokio::test]
async fn a_container_that_somebody_else_removes_ends_the_wait() {
    let docker = engine().await;
    let id = start(&docker, &shell("sleep 600")).await;
    let wait = tokio::spawn({
        let (docker, id) = (docker.clone(), id.clone());
        async move { docker.wait(&id).await }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    docker.remove(&id).await.expect("remove");
    let exit = wait.await.expect("no panic").expect("an end");
    assert_eq!((exit.code, exit.removed), (137, true));
}

#[tokio::test]
async fn out_of_memory_is_told_wherever_the_engine_notices_it() {
    let docker = engine().await;
    let mut plan = shell("exec python3 -c 'x = bytearray(300_000_000)'");
    plan.limits.memory_bytes = Some(64 << 20);
    let id = start(&docker, &plan).await;
    let exit = docker.wait(&id).await.expect("an end");
    // Engines on version 1 control groups miss it now and then; then nobody can know.
    let noticed = std::process::Command::new("docker")
        .args(["inspect", "--format", "{{.State.OOMKilled}}", id.as_str()])
        .output()
        .expect("the Docker command line");
    docker.remove(&id).await.expect("remove");
    assert_eq!((exit.code, exit.oom_killed), (137, noticed.stdout.starts_with(b"true")));
}

const ECHO: &str = "import os\nwhile (b := os.read(0, 65536)): os.write(1, b)\nos.write(2, b'done'); exit(3)";

#[tokio::test]
async fn a_relay_through_exec_echoes_every_frame_and_tells_its_end() {
    let docker = engine().await;
    let id = start(&docker, &shell("sleep 600")).await;
    let began = Instant::now();
    let Exec { mut reader, mut writer } = docker.exec(&id, &["python3", "-c", ECHO]).await.expect("exec");
    writer.write_all(b"ready?").await.expect("written");
    reader.next().await.expect("an echo").expect("not cut");
    let ready = began.elapsed();

    let mut trips = Vec::new();
    for _ in 0..200 {
        let sent = Instant::now();
        writer.write_all(b"Content-Length: 2\r\n\r\n{}").await.expect("written");
        writer.flush().await.expect("flushed");
        let back = reader.next().await.expect("an echo").expect("not cut");
        assert_eq!(&back[..], b"Content-Length: 2\r\n\r\n{}");
        trips.push(sent.elapsed());
    }
    trips.sort();
    println!(
        "exec until its first echo {ready:?}; round trip median {:?}, worst {:?}",
        trips[100], trips[199]
    );
    assert!(
        trips[100] < Duration::from_millis(20),
        "a relay this slow is felt at every step: {:?}",
        trips[100]
    );

    writer.shutdown().await.expect("end of file");
    assert!(reader.next().await.is_none());
    assert_eq!(reader.end().await.expect("an end"), ExecEnd { code: Some(3), stderr: "done".to_owned() });
    docker.remove(&id).await.expect("remove");
}

#[tokio::test]
async fn a_program_that_is_not_in_the_image_ends_with_127_and_a_sentence() {
    let docker = engine().await;
    let mut plan = shell("");
    plan.command = vec!["no-such-program".to_owned()];
    let (_, stderr, code) = run(&docker, &plan).await;
    assert_eq!(code, 127);
    assert!(stderr.contains("exec no-such-program failed: No such file or directory"), "{stderr}");
}

#[tokio::test]
async fn a_folder_that_does_not_exist_is_named() {
    let docker = engine().await;
    let mut plan = shell("true");
    plan.mounts =
        vec![Mount::Bind { host: "/no/such/folder".into(), target: "/code".to_owned(), read_only: true }];
    let failure = Failure::from(docker.create(&plan).await.expect_err("nothing to mount"));
    assert_eq!(failure.what.id, "docker.create");
    assert!(failure.detail.join("\n").contains("/no/such/folder"), "{failure:?}");
    assert_eq!(failure.fix.expect("a fix").id, "docker.create-bind.fix");
}

#[tokio::test]
async fn a_volume_is_filled_without_a_container_ever_running() {
    let docker = engine().await;
    let volume = unique("volume");
    let labels = BTreeMap::from([(Labels::KIND.to_owned(), "test".to_owned())]);
    assert!(!docker.has_volume(&volume).await.expect("not there"));
    assert!(docker.ensure_volume(&volume, &labels).await.expect("made"));
    assert!(docker.has_volume(&volume).await.expect("there"));
    assert!(!docker.ensure_volume(&volume, &labels).await.expect("there"));

    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(5);
    header.set_mode(0o644);
    archive.append_data(&mut header, "hook/sitecustomize.py", &b"pass\n"[..]).expect("an archive");
    let archive = archive.into_inner().expect("an archive");
    let base = engine::ids::ImageRef::from(crate::support::BASE);
    docker.fill_volume(&volume, &base, archive.into(), &labels).await.expect("filled");

    let mut plan = shell("cat /hook/hook/sitecustomize.py; touch /hook/x 2>&1 | grep -o Read-only");
    plan.mounts = vec![Mount::Volume { name: volume.clone(), target: "/hook".to_owned(), read_only: true }];
    assert_eq!(run(&docker, &plan).await.0, "pass\nRead-only\n");
    docker.remove_volume(&volume).await.expect("removed");
    docker.remove_volume(&volume).await.expect("gone is removed already");
}

#[tokio::test]
async fn what_a_run_has_written_inside_can_be_taken_out() {
    let docker = engine().await;
    let id = start(&docker, &shell("mkdir /outputs; echo 0.97 > /outputs/accuracy")).await;
    docker.wait(&id).await.expect("an end");
    let archive = bytes_of(&docker, &id, "/outputs").await;
    docker.remove(&id).await.expect("remove");
    let mut archive = tar::Archive::new(archive.as_slice());
    let names: Vec<String> = archive
        .entries()
        .expect("an archive")
        .map(|entry| entry.expect("an entry").path().expect("a path").display().to_string())
        .collect();
    assert_eq!(names, ["outputs/", "outputs/accuracy"]);
}

async fn bytes_of(docker: &Docker, id: &engine::ids::ContainerId, path: &str) -> Vec<u8> {
    let mut archive = Vec::new();
    let mut chunks = docker.copy_out(id, path);
    while let Some(chunk) = chunks.next().await {
        archive.extend_from_slice(&chunk.expect("not cut"));
    }
    archive
}

#[tokio::test]
async fn the_two_streams_are_told_apart_in_the_engines_own_log_too() {
    let docker = engine().await;
    let id = start(&docker, &shell("echo a; echo b >&2")).await;
    docker.wait(&id).await.expect("an end");
    let chunks: Vec<_> = docker.logs(&id, LogWindow { since: None, follow: true }).collect().await;
    docker.remove(&id).await.expect("remove");
    let streams: Vec<LogStream> = chunks.into_iter().map(|chunk| chunk.expect("not cut").stream).collect();
    assert_eq!(streams.len(), 2);
    assert!(streams.contains(&LogStream::Stderr) && streams.contains(&LogStream::Stdout));
}
