//! The same once more: `rerun` of a plan, `build` of an image that may be there.

use crate::support::program::{Ended, text, told};
use crate::support::{Ground, engine};
use serde_json::{Value, json};
use std::fs;
use std::process::Command;

/// How the image phase went, in the card's words.
fn image_note(result: &Value) -> String {
    let phases = result["phases"].as_array().cloned().unwrap_or_default();
    phases
        .iter()
        .find(|phase| phase["name"] == "build")
        .map(|phase| text(&phase["note"]["text"]))
        .unwrap_or_default()
}

#[test]
fn a_rerun_keeps_the_plan_and_takes_a_folder_of_its_own() {
    let files = "\n//- /src/x.py\nimport os, sys\nprint(sys.argv[1], os.environ['MODE'], os.environ['AZUREML_RUN_ID'])\nos.makedirs('outputs', exist_ok=True)\nopen('outputs/it.txt', 'w').write(sys.argv[1])\n";
    let ground = Ground::with_job("python x.py ${{inputs.rate}}\ninputs:\n  rate: 1", files);
    let first =
        ground.call(["run", "job.yml", "--set", "inputs.rate=2", "--env", "MODE=m", "--json"]).with_code(0);
    let first = first.result()["run"].clone();
    // The spec may say something else by now; a rerun is of the plan.
    fs::write(ground.path("job.yml"), "type: command\ncommand: 'false'\n").unwrap();
    let again = ground.call(["rerun", first.as_str().unwrap(), "--json"]).with_code(0);
    let second = again.result()["run"].clone();
    assert_ne!(first, second);
    assert_eq!(again.log("driver"), [format!("2 m {}", text(&second))]);
    for run in [&first, &second] {
        assert_eq!(fs::read_to_string(ground.run_folder(run).join("outputs/it.txt")).unwrap(), "2");
    }
    assert_eq!(ground.runs().len(), 2);

    let debugged = ground
        .call(["rerun", first.as_str().unwrap(), "--break", "src/x.py:3", "--json"])
        .with_code(0)
        .result();
    assert_eq!(debugged["stops"][0]["line"], 3, "{debugged}");
    ground.leaves_nothing();
}

#[test]
fn a_rerun_of_nothing_is_refused() {
    let ground = Ground::with("");
    let refused = ground.call(["rerun", "nothing"]).with_code(2);
    assert!(refused.stderr.contains("there is no run nothing"), "{}", refused.stderr);
}

#[test]
fn a_second_build_does_nothing_unless_it_is_asked_to() {
    let ground = Ground::with(
        "//- /job.yml\ntype: command\ncommand: python x.py\ncode: src\nenvironment:\n  image: $BASE\n  conda_file: conda.yml\n//- /conda.yml\nname: first\ndependencies:\n  - python=3.11\n  - pip\n  - pip:\n      - tomli==2.0.2\n//- /src/x.py\nimport tomli\nprint(tomli.loads('a = 1'))\n",
    );
    let build = |flags: &[&str]| -> Ended {
        ground.call(["build", "job.yml", "--json"].iter().chain(flags)).with_code(0)
    };
    let first = build(&["--rebuild"]);
    assert_eq!(image_note(&first.result()), "built");
    // What a build prints depends on what the engine still knows of an earlier one.
    let lines = first.log("control");
    assert!(lines.iter().any(|line| line.starts_with("building aml-debug/")), "{lines:?}");
    assert!(lines.last().is_some_and(|line| line.starts_with("built aml-debug/")), "{lines:?}");
    let image = first.result()["image"].clone();
    let id =
        |image: &Value| engine::docker(&["image", "inspect", "--format", "{{.Id}}", image.as_str().unwrap()]);
    let built = id(&image);

    let second = build(&[]).result();
    assert_eq!(
        (&second["image"], image_note(&second)),
        (&image, "reused: an image of the same content is there".to_owned())
    );
    // Names, comments and order are not what an image consists of.
    fs::write(
        ground.path("conda.yml"),
        "# the same\nname: second\ndependencies:\n  - pip:\n    - tomli==2.0.2\n  - pip\n  - python=3.11\n",
    )
    .unwrap();
    assert_eq!(build(&[]).result()["image"], image);
    assert_eq!(id(&image), built);

    let third = build(&["--rebuild"]).result();
    assert_eq!((&third["image"], image_note(&third)), (&image, "built".to_owned()));

    let run = ground.call(["run", "job.yml", "--json"]).with_code(0);
    assert_eq!(
        (run.result()["image"].clone(), run.log("driver")),
        (image.clone(), vec!["{'a': 1}".to_owned()])
    );
    assert_eq!(ground.runs().len(), 1, "a build is no run");
    ground.leaves_nothing();
    engine::docker_says(&["rmi", image.as_str().unwrap()]);
}

#[test]
fn a_build_of_a_spec_that_is_not_well_names_the_place() {
    let ground =
        Ground::with("//- /job.yml\ntype: command\ncomand: python x.py\nenvironment:\n  image: $BASE\n");
    let refused = ground.call(["build", "job.yml", "--json"]).with_code(2).result();
    let failure = told(&refused["failure"]);
    assert!(failure.contains("job.yml:"), "{failure}");
    assert!(failure.contains("aml-debug check "), "{failure}");
    let kinds = json!(["resolve"]);
    let phases: Vec<_> =
        refused["phases"].as_array().unwrap().iter().map(|phase| phase["name"].clone()).collect();
    assert_eq!(json!(phases), kinds);
}

#[test]
fn a_run_goes_when_its_time_is_over_if_there_is_one() {
    let mut ground = Ground::with_job("python x.py", "\n//- /src/x.py\nprint('hello')\n");
    let run = || ground.call(["run", "job.yml", "--json"]).with_code(0).result()["run"].clone();
    let (old, young) = (run(), run());
    // Its end was two days ago.
    let line = "import sqlite3, sys; store = sqlite3.connect(sys.argv[1]); store.execute('update run set ended = ended - 172800000 where id = ?', sys.argv[2:]); store.commit()";
    let store = ground.home().join("store.sqlite");
    let aged = Command::new("python3").args(["-c", line]).arg(store).arg(text(&old)).status();
    assert!(aged.expect("Python").success());

    let listed = |ground: &Ground| ground.runs().iter().map(|run| run["run"].clone()).collect::<Vec<_>>();
    assert_eq!(listed(&ground), [young.clone(), old.clone()], "nothing goes unless it is asked for");
    ground.set("AML_DEBUG_KEEP_RUNS_DAYS", "3");
    assert_eq!(listed(&ground).len(), 2);
    ground.set("AML_DEBUG_KEEP_RUNS_DAYS", "1");
    assert_eq!(listed(&ground), std::slice::from_ref(&young));
    assert!(!ground.run_folder(&old).exists() && ground.run_folder(&young).exists());
}
