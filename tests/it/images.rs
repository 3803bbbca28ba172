//! The image ledger: what was built, why, and what may go.

use crate::support::engine::{self, docker, docker_says};
use crate::support::{Bridge, Ground};
use serde_json::Value;
use std::fs;

const JOB: &str = "//- /job.yml\ntype: command\ncommand: ls\nenvironment:\n  build: {path: env}\n//- /env/Dockerfile\nFROM $BASE\nRUN date +%N > /stamp\nCOPY of.txt /\n";

/// A workspace whose image no other story has.
fn ground() -> Ground {
    let ground = Ground::with(JOB);
    fs::write(ground.path("env/of.txt"), ground.path("").display().to_string()).expect("ours");
    ground
}

fn build(ground: &Ground, words: &[&str]) -> String {
    let ended = ground.call(["build", "job.yml", "--json"].iter().chain(words)).with_code(0);
    ended.result()["image"].as_str().expect("an image").to_owned()
}

fn id(image: &str) -> Option<String> {
    docker_says(&["image", "inspect", "--format", "{{.Id}}", image])
}

fn prune(ground: &Ground, words: &[&str]) -> Vec<Value> {
    ground.call(["images", "prune", "--json"].iter().chain(words)).with_code(0).objects()
}

/// Connections to the engine that a list of the images makes.
fn asked_by_a_list(ground: &mut Ground) -> usize {
    let socket = ground.beside("counting.sock");
    let bridge = Bridge::open(socket.clone());
    ground.set("DOCKER_HOST", bridge.address());
    let list = ground.call(["images", "list", "--json"]).with_code(0).objects();
    assert!(list.iter().all(|image| image["missing"] == false), "{list:?}");
    ground.set("DOCKER_HOST", "");
    fs::remove_file(socket).expect("ours");
    bridge.connections()
}

fn of<'a>(answer: &'a [Value], image: &str) -> Option<&'a Value> {
    answer.iter().find(|line| line["image"] == image)
}

#[test]
fn an_image_that_is_built_anew_leaves_no_nameless_one() {
    let ground = ground();
    let image = build(&ground, &[]);
    let before = id(&image).expect("the image");
    assert_eq!(build(&ground, &["--rebuild"]), image);
    let after = id(&image).expect("the image");
    assert_ne!(after, before, "no step was taken from the cache");
    assert_eq!(id(&before), None, "the one before is gone");

    // One that is in use stays, and goes with the next pruning.
    let container = docker(&["create", &after, "sleep", "1"]);
    build(&ground, &["--rebuild"]);
    assert_eq!(id(&after).as_ref(), Some(&after));
    let kept = prune(&ground, &[]);
    assert!(of(&kept, &after).is_some_and(|line| line["kept"].to_string().contains("container")), "{kept:?}");
    docker(&["rm", &container]);
    assert!(of(&prune(&ground, &["--dry-run"]), &after).is_some_and(|line| line["kept"].is_null()));
    assert!(id(&after).is_some(), "nothing was removed yet");
    prune(&ground, &[]);
    assert_eq!(id(&after), None);
    docker_says(&["rmi", &image]);
}

#[test]
fn pruning_takes_what_nobody_needs_and_leaves_what_is_not_ours() {
    let mut ground = ground();
    let container = docker(&["create", engine::base(), "true"]);
    let foreign = docker(&["commit", "--change", "LABEL of=nobody", &container]);
    docker(&["rm", &container]);
    let first = build(&ground, &[]);
    let asked_for_one = asked_by_a_list(&mut ground);
    fs::write(ground.path("env/more.txt"), "more").unwrap();
    let dockerfile = ground.path("env/Dockerfile");
    fs::write(&dockerfile, fs::read_to_string(&dockerfile).unwrap() + "RUN true\n").unwrap();
    let second = build(&ground, &[]);
    assert_eq!(asked_by_a_list(&mut ground), asked_for_one, "the engine is asked once for all images");

    let list = ground.call(["images", "list", "--json"]).with_code(0).objects();
    assert!(of(&list, &first).is_some() && of(&list, &second).is_some(), "{list:?}");
    let why = ground.call(["images", "why", &second]).with_code(0).stdout;
    assert!(why.contains("+ RUN true") && why.contains("+ more.txt "), "{why}");

    let dry = prune(&ground, &["--dry-run"]);
    assert!(of(&dry, &first).is_some_and(|line| line["kept"].is_null()), "{dry:?}");
    assert!(of(&dry, &second).is_some_and(|line| line["kept"].to_string().contains("job.yml")), "{dry:?}");
    assert!(of(&dry, &foreign).is_none(), "{dry:?}");
    prune(&ground, &[]);
    assert!(id(&first).is_none() && id(&second).is_some() && id(&foreign).is_some());
    docker(&["rmi", &foreign, &second]);
}

#[test]
fn one_store_takes_no_image_of_anothers_away_and_a_lost_one_is_taken_off_the_list() {
    let (one, mut other) = (ground(), Ground::with(JOB));
    let image = build(&one, &[]);
    fs::copy(one.path("env/of.txt"), other.path("env/of.txt")).unwrap();
    assert_eq!(build(&other, &[]), image, "the same content is the same image");
    // Nobody in the other store needs it any more, and it is not its own.
    fs::remove_file(other.path("job.yml")).unwrap();
    let kept = prune(&other, &[]);
    assert!(of(&kept, &image).is_some_and(|line| line["kept"].to_string().contains("another")), "{kept:?}");
    assert!(id(&image).is_some());

    // Removed by somebody else: a build makes it again, and pruning knows that it is gone.
    docker(&["rmi", &image]);
    assert_eq!(build(&one, &[]), image);
    docker(&["rmi", &image]);
    fs::remove_file(one.path("job.yml")).unwrap();
    prune(&one, &[]);
    assert!(of(&one.call(["images", "list", "--json"]).with_code(0).objects(), &image).is_none());
    other.set("DOCKER_HOST", "unix:///nowhere");
    let said = other.call(["images", "prune"]).with_code(3).stderr;
    assert!(said.contains("/nowhere"), "{said}");
}

#[test]
fn an_image_that_was_removed_with_other_tools_is_said_so_and_forgotten() {
    let mut ground = ground();
    let image = build(&ground, &[]);
    let listed = |ground: &Ground| {
        let list = ground.call(["images", "list", "--json"]).with_code(0).objects();
        of(&list, &image).map(|line| line["missing"].clone())
    };
    assert_eq!(listed(&ground), Some(Value::Bool(false)));
    docker(&["rmi", &image]);
    assert_eq!(listed(&ground), Some(Value::Bool(true)));
    for words in [&["images", "list"][..], &["images", "why", &image]] {
        let said = ground.call(words).with_code(0).stdout;
        assert!(said.contains("removed from the engine"), "{said}");
    }
    // An engine that cannot be asked is no reason to say that something is gone.
    ground.set("DOCKER_HOST", "unix:///nowhere");
    assert_eq!(listed(&ground), Some(Value::Null));
    let said = ground.call(["images", "list"]).with_code(0).stderr;
    assert!(said.contains("did not say"), "{said}");
    ground.set("DOCKER_HOST", "");

    // Although it is the newest image of a spec that is there.
    let dry = ground.call(["images", "prune", "--dry-run"]).with_code(0).stdout;
    assert!(dry.contains(&format!("would forget {image}")), "{dry}");
    assert!(listed(&ground).is_some());
    let line = prune(&ground, &[]);
    let line = of(&line, &image).expect("a word on it");
    assert_eq!((&line["missing"], &line["kept"], &line["bytes"]), (&true.into(), &Value::Null, &0.into()));
    assert_eq!(listed(&ground), None);
}

#[test]
fn pruning_leaves_what_a_build_in_progress_makes_and_builds_on() {
    let ground = ground();
    let dockerfile = ground.path("env/Dockerfile");
    fs::write(&dockerfile, fs::read_to_string(&dockerfile).unwrap() + "RUN sleep 4\n").unwrap();
    let first = ground.call(["build", "job.yml", "--json"]).with_code(0).result();
    let image = first["image"].as_str().expect("an image");
    // Nobody needs it any more.
    ground.call(["runs", "remove", first["run"].as_str().unwrap()]).with_code(0);
    assert!(of(&prune(&ground, &["--dry-run"]), image).is_some_and(|line| line["kept"].is_null()));

    let mut run = ground.start(["build", "job.yml", "--rebuild", "--json"]);
    run.wait_for("a line of the build", |event| event["log"] == "control");
    let kept = prune(&ground, &[]);
    assert!(
        of(&kept, image).is_some_and(|line| line["kept"].to_string().contains("in progress")),
        "{kept:?}"
    );
    assert_eq!(run.end().with_code(0).result()["image"], image);

    // Here packages go on top of the context's image, which no run will name.
    let mut run = ground.start(["build", "job.yml", "--with-debugpy", "--rebuild", "--json"]);
    run.wait_for("the first of two images", |event| {
        event["log"] == "control" && event["lines"].to_string().contains(&format!("built {image}"))
    });
    let kept = prune(&ground, &[]);
    assert!(
        of(&kept, image).is_some_and(|line| line["kept"].to_string().contains("in progress")),
        "{kept:?}"
    );
    let second = run.end().with_code(0).result();
    assert_ne!(second["image"], image);
    docker(&["rmi", second["image"].as_str().unwrap(), image]);
}
