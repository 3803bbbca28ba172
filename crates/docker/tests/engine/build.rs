//! Images built from real recipes, with packages of the real index.

use crate::support::{BASE, engine, run, shell, unique};
use docker::{Builder, Docker, Error};
use engine::failure::Failure;
use engine::ids::ImageRef;
use engine::plan::image::{BuildSettings, ImagePlan, Packages, Recipe, recipe};
use futures::StreamExt;
use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

async fn made(docker: &Docker, python: Option<&str>, pip: &[&str], settings: &BuildSettings) -> Recipe {
    let base = ImageRef::from(BASE);
    let facts = docker.inspect_image(&base).await.expect("an answer").expect("the base image");
    let pip = pip.iter().map(|&line| line.to_owned()).collect();
    let packages = Packages { python: python.map(str::to_owned), pip, ..Packages::default() };
    recipe(&ImagePlan::Environment { base, packages }, &facts, settings).expect("a recipe")
}

/// The log and the end of a build.
async fn build(docker: &Docker, recipe: &Recipe) -> (String, Result<(), Error>) {
    let mut log = String::new();
    let mut lines = docker.build(recipe, None, Builder::BuildKit, BTreeMap::new());
    while let Some(line) = lines.next().await {
        match line {
            Ok(line) => log = log + &line.text + "\n",
            Err(error) => return (log, Err(error)),
        }
    }
    (log, Ok(()))
}

fn told(failure: &Failure) -> String {
    let fix = failure.fix.as_ref().map(ToString::to_string).unwrap_or_default();
    format!("{}\n{}\n{fix}", failure.what, failure.detail.join("\n"))
}

#[tokio::test]
async fn an_environment_becomes_an_image_and_one_more_package_is_quick() {
    let docker = engine().await;
    let settings = BuildSettings::default();
    let usual = ["numpy", "pandas", "scikit-learn", "mlflow-skinny"];
    let first = under_a_name_of_its_own(made(&docker, Some("3.11"), &usual, &settings).await);
    let prefix = prefix_of(&first);

    let began = Instant::now();
    let (log, end) = build(&docker, &first).await;
    println!("{log}built in {:?}", began.elapsed());
    end.expect("it can be built");

    let began = Instant::now();
    build(&docker, &first).await.1.expect("nothing to do");
    println!("built again, nothing to do: {:?}", began.elapsed());
    let began = Instant::now();
    docker.inspect_image(&first.name).await.expect("an answer").expect("it is there");
    println!("asked by name: {:?}", began.elapsed());

    let more = made(&docker, Some("3.11"), &[&usual[..], &["tqdm"]].concat(), &settings).await;
    assert_ne!(prefix_of(&more), prefix);
    let grown = more.on_top_of([(&first.name, &first.labels)]).expect("the first lacks one package");
    assert_eq!(grown.added, ["tqdm"]);
    // What is asserted of the log is said by a build that happens: the builder may remember one of an earlier run.
    let more = Recipe { afresh: true, ..under_a_name_of_its_own(grown.recipe) };
    let began = Instant::now();
    let (log, end) = build(&docker, &more).await;
    println!("{log}one more package: {:?}", began.elapsed());
    end.expect("it can be built");
    assert!(log.contains("+ tqdm==") && !log.contains("+ pandas=="), "{log}");
    let mut plan = shell("python -c 'import tqdm, sklearn, sys; print(sys.prefix)'");
    plan.image = more.name.clone();
    let (stdout, stderr, _) = run(&docker, &plan).await;
    assert_eq!(stdout, format!("{prefix}\n"), "{stderr}");

    let mut plan = shell(
        "python -c 'import sys, pandas, sklearn; print(sys.prefix, *sys.version_info[:2], pandas.__cached__)'; \
         echo $AZUREML_ENVIRONMENT_IMAGE; ls /run/aml-debug/build /run/aml-debug/cache;",
    );
    plan.image = first.name.clone();
    let (stdout, stderr, _) = run(&docker, &plan).await;
    assert!(stdout.starts_with(&format!("{prefix} 3 11 {prefix}/lib")), "{stdout}{stderr}");
    assert!(stdout.contains("\nTrue\n") && !stdout.contains("requirements.txt"), "{stdout}{stderr}");
    for image in [&first.name, &more.name] {
        docker.remove_image(image).await.expect("removed");
    }
}

/// Somebody may be using an image of the same content.
fn under_a_name_of_its_own(mut recipe: Recipe) -> Recipe {
    recipe.name = ImageRef(format!("{}:1", unique("environment")));
    recipe
}

/// Where the environment stands in the image: the hash of its parts is in this name, too.
fn prefix_of(recipe: &Recipe) -> String {
    let settings = String::from_utf8_lossy(&recipe.context["settings.sh"]).into_owned();
    settings.split('\'').nth(1).expect("a quoted prefix").to_owned()
}

#[tokio::test]
async fn a_package_that_does_not_exist_is_named_with_the_command_and_its_last_lines() {
    let docker = engine().await;
    let no = made(&docker, None, &["no-such-package-of-this-name"], &BuildSettings::default()).await;
    let (log, end) = build(&docker, &no).await;
    let failure = Failure::from(end.expect_err("no such package"));
    println!("{log}---\n{}", told(&failure));
    assert_eq!(failure.what.id, "docker.build-step");
    let what = failure.what.text();
    assert!(what.contains("`uv pip install --python "), "{what}");
    assert!(what.ends_with("requirements.txt` ended with exit code 1"), "{what}");
    assert!(failure.detail.join("\n").contains("no-such-package-of-this-name was not found"), "{failure:?}");
    assert_eq!(failure.fix.expect("a fix").id, "docker.build-solution.fix");
    assert!(log.contains("] RUN sh /run/aml-debug/environment.sh "), "{log}");
}

#[tokio::test]
async fn a_python_that_the_base_image_lacks_is_an_error_that_lists_what_it_has() {
    let docker = engine().await;
    let no = made(&docker, Some("3.99"), &["numpy"], &BuildSettings::default()).await;
    let failure = Failure::from(build(&docker, &no).await.1.expect_err("no such Python"));
    println!("{}", told(&failure));
    assert!(failure.what.text().contains("`rattler --channel conda-forge python=3.99`"), "{failure:?}");
    assert_eq!(failure.fix.as_ref().map(|fix| fix.id.as_str()), Some("docker.build-python.fix"));
    assert!(failure.detail.join("\n").contains("the base image has: 3.11.2 (/usr/bin/python"), "{failure:?}");
}

#[tokio::test]
async fn an_index_that_cannot_be_reached_is_said_to_be_that() {
    let docker = engine().await;
    let mut settings = BuildSettings::default();
    settings.index.insert("PIP_INDEX_URL".to_owned(), "http://me:qv7hushed@127.0.0.1:9/simple".to_owned());
    let recipe = made(&docker, None, &["numpy"], &settings).await;
    assert!(recipe.host_network);
    let (log, end) = build(&docker, &recipe).await;
    let failure = Failure::from(end.expect_err("nobody listens"));
    assert!(!log.contains("qv7hushed") && !format!("{failure:?}").contains("qv7hushed"), "{log}{failure:?}");
    println!("{}", told(&failure));
    assert!(failure.detail.join("\n").contains("127.0.0.1:9"), "{failure:?}");
    assert_eq!(failure.fix.expect("a fix").id, "docker.build-network.fix");
}

/// A certificate that signs nobody's.
const STRANGER: &[u8] = b"-----BEGIN CERTIFICATE-----\n\
MIIBfTCCASOgAwIBAgIUD/BXiNuYRA67TLMmCxqRlUq0AVYwCgYIKoZIzj0EAwIw\n\
EzERMA8GA1UEAwwIc3RyYW5nZXIwIBcNMjYxMTIyMTIzOTU1WhgPMjEyNjEwMjkx\n\
MjM5NTVaMBMxETAPBgNVBAMMCHN0cmFuZ2VyMFkwEwYHKoZIzj0CAQYIKoZIzj0D\n\
AQcDQgAEM19lWRNpa1EjlAOGGZcI4xku4FzKeFaIikCXCTfu0VVaSKuOo1Fpm80o\n\
k1gJm9pLNL51fu+3lTq/DmxLZnGdaqNTMFEwHQYDVR0OBBYEFEFUmavpsm99xA9m\n\
LR0FdzIAAS3xMB8GA1UdIwQYMBaAFEFUmavpsm99xA9mLR0FdzIAAS3xMA8GA1Ud\n\
EwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIhAOIYlr2vfLuDvGGUwG79jUF2\n\
7TtqUvu4vdInqqJ8EWmKAiA3nF4WQi/QiEQ99B2SNsTYJ5zgobyZbcaeCC7TDO1T\n\
kA==\n\
-----END CERTIFICATE-----\n\
";

#[tokio::test]
async fn certificates_that_do_not_fit_are_said_to_be_that() {
    let docker = engine().await;
    let settings = BuildSettings { ca_bundle: STRANGER.to_vec(), ..BuildSettings::default() };
    let recipe = made(&docker, None, &["iniconfig"], &settings).await;
    let failure = Failure::from(build(&docker, &recipe).await.1.expect_err("nobody to trust"));
    println!("{}", told(&failure));
    assert_eq!(failure.fix.expect("a fix").id, "docker.build-certificate.fix");
}

#[tokio::test]
async fn credentials_and_proxies_reach_the_build_and_stay_in_no_image() {
    let docker = engine().await;
    let mut settings = BuildSettings { ca_bundle: host_bundle(), ..BuildSettings::default() };
    let index = own_index().replace("https://", "https://user:qv7hushed-index@");
    settings.index.insert("PIP_EXTRA_INDEX_URL".to_owned(), index);
    settings.proxy.insert("NO_PROXY".to_owned(), "qv7hushed-proxy.example,*".to_owned());
    let mut recipe = made(&docker, None, &["six"], &settings).await;
    // Proof that both are there while it builds, and a name of its own so that it is built each time.
    let script = recipe.context.get_mut("environment.sh").expect("a script");
    script.extend_from_slice(format!("\n# {}", unique("uncached")).as_bytes());
    script.extend_from_slice(
        b"\necho \"saw $NO_PROXY\"; grep -c qv7hushed-index /run/aml-debug/secret/settings.sh; ls ca.pem\n",
    );
    recipe.name = ImageRef(format!("{}:1", unique("secrets")));
    let (log, end) = build(&docker, &recipe).await;
    end.expect("it can be built");
    assert!(log.contains("saw qv7hushed-proxy") && log.contains(" ca.pem\n"), "{log}");

    let cli = |arguments: &[&str]| {
        let output = Command::new("docker").args(arguments).output().expect("the Docker command line");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let history = cli(&["history", "--no-trunc", recipe.name.as_str()]);
    let inspected = cli(&["inspect", recipe.name.as_str()]);
    assert!(history.contains("environment.sh"), "{history}");
    for text in [&history, &inspected] {
        assert!(!text.contains("qv7hushed") && !text.contains("BEGIN CERTIFICATE"), "{text}");
    }
    // The whole file system, not only what the engine tells of it.
    let mut plan =
        shell("grep -rl qv7hushed / --exclude-dir=proc --exclude-dir=sys --exclude-dir=dev; echo looked");
    plan.command[2] = plan.command[2].replace("qv7hushed", "'qv7hushe[d]'");
    plan.image = recipe.name.clone();
    assert_eq!(run(&docker, &plan).await.0, "looked\n");
    docker.remove_image(&recipe.name).await.expect("removed");
}

/// The package index that this machine's pip asks.
fn own_index() -> String {
    let ask = "from pip._internal.cli.cmdoptions import index_url; print(index_url().default)";
    let output = Command::new("python3").args(["-c", ask]).output().expect("Python with pip");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// The bundle of this machine: the one that makes its index trusted, where there is a special one.
fn host_bundle() -> Vec<u8> {
    let path = std::env::var("SSL_CERT_FILE").unwrap_or("/etc/ssl/certs/ca-certificates.crt".to_owned());
    std::fs::read(path).expect("certificates")
}

#[tokio::test]
async fn a_build_that_nobody_reads_any_more_ends_on_the_engine() {
    let docker = engine().await;
    let mark = format!("31{}", std::process::id());
    let mut recipe = made(&docker, None, &[], &BuildSettings::default()).await;
    recipe.name = ImageRef(format!("{}:1", unique("cancel")));
    let script = format!("echo begun {}; sleep {mark}", recipe.name);
    recipe.context.insert("environment.sh".to_owned(), script.into_bytes());
    let mut lines = docker.build(&recipe, None, Builder::BuildKit, BTreeMap::new());
    while let Some(line) = lines.next().await {
        if line.expect("not cut").text.contains("begun") {
            break;
        }
    }
    // The shell has said so and starts the next command now.
    let began = Instant::now();
    while sleepers(&mark) == 0 {
        assert!(began.elapsed() < Duration::from_secs(10), "the engine of this test runs on this machine");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let began = Instant::now();
    drop(lines);
    while sleepers(&mark) > 0 {
        assert!(began.elapsed() < Duration::from_secs(5), "the build goes on");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    println!("cancelled after {:?}", began.elapsed());
    assert_eq!(docker.inspect_image(&recipe.name).await.expect("an answer"), None);
}

fn sleepers(mark: &str) -> usize {
    let wanted = format!("sleep\0{mark}\0");
    let processes = std::fs::read_dir("/proc").expect("processes").flatten();
    processes
        .filter(|process| {
            std::fs::read(process.path().join("cmdline")).is_ok_and(|line| line == wanted.as_bytes())
        })
        .count()
}
