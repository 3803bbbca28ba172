//! Environments that are built from a folder of the user's with a Dockerfile.

use crate::support::engine::docker_says;
use crate::support::program::told;
use crate::support::{Bridge, Ground};
use serde_json::Value;
use std::fs;

const JOB: &str = "//- /job.yml
type: command
command: python x.py
code: src
environment:
  build:
    path: env
    dockerfile_path: docker/train.Dockerfile
//- /src/x.py
import os
print(open('/opt/said').read().strip(), os.environ['COLOUR'], os.path.exists('/opt/env/data'))
//- /env/docker/train.Dockerfile
FROM $BASE AS first
RUN echo building with care && cp /etc/debian_version /opt/version
FROM first
ENV COLOUR=green
COPY . /opt/env
COPY said.txt /opt/said
//- /env/said.txt
hello
//- /env/data/large.csv
1,2,3
//- /env/.dockerignore
# not for the image
data
**/*.log
";

/// The images of a story's runs, which no other story has: its folder's name is in one of its files.
struct Images(Vec<String>);

impl Drop for Images {
    fn drop(&mut self) {
        for image in &self.0 {
            docker_says(&["rmi", image]);
        }
    }
}

fn control_log(ground: &Ground, result: &Value) -> String {
    let path = ground.run_folder(&result["run"]).join("azureml-logs/60_control_log.txt");
    fs::read_to_string(path).expect("a control log")
}

fn note(result: &Value) -> String {
    let phases = result["phases"].as_array().cloned().unwrap_or_default();
    let build = phases.iter().find(|phase| phase["name"] == "build").cloned().unwrap_or_default();
    build["note"]["text"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_dockerfile_of_the_users_is_built_once_for_the_same_files() {
    let ground = Ground::with(JOB);
    let own = ground.path("").display().to_string();
    fs::write(ground.path("env/of.txt"), &own).unwrap();
    let mut images = Images(Vec::new());
    let mut run = || {
        let ended = ground.call(["run", "job.yml", "--json"]).with_code(0);
        let image = ended.result()["image"].as_str().unwrap_or_default().to_owned();
        images.0.push(image.clone());
        (image, ended)
    };
    let (first, ended) = run();
    assert_eq!(ended.log("driver"), ["hello green False"]);
    let result = ended.result();
    assert_eq!(note(&result), "built");
    let log = control_log(&ground, &result);
    for words in [
        "sending 4 file(s) of",
        "instead of mcr.microsoft.com/azureml",
        "building with care",
        "] COPY said.txt",
    ] {
        assert!(log.contains(words), "no “{words}” in:\n{log}");
    }
    assert!(ended.stdout.contains("building with care"), "whoever watches sees it, too");

    // What is not sent changes nothing; what is sent does.
    fs::write(ground.path("env/data/large.csv"), "4,5,6").unwrap();
    fs::write(ground.path("env/build.log"), "noise").unwrap();
    let (second, ended) = run();
    assert_eq!(
        (&second, note(&ended.result()).as_str()),
        (&first, "reused: an image of the same content is there")
    );
    fs::write(ground.path("env/said.txt"), "good bye").unwrap();
    let (third, ended) = run();
    assert_eq!(ended.log("driver"), ["good bye green False"]);
    assert_ne!(third, first);
    let why = ground.call(["images", "why", &third]).with_code(0).stdout;
    assert!(why.contains("    - said.txt ") && why.contains("    + said.txt "), "{why}");
    assert!(!why.contains("Dockerfile"), "{why}");
    ground.leaves_nothing();
}

#[test]
fn a_step_of_the_users_dockerfile_that_fails_is_named() {
    let ground = Ground::with(JOB);
    let dockerfile = ground.path("env/docker/train.Dockerfile");
    let text = fs::read_to_string(&dockerfile)
        .unwrap()
        .replace("COPY said.txt", "RUN echo no luck; exit 3\nCOPY said.txt");
    fs::write(&dockerfile, text).unwrap();
    let ended = ground.call(["run", "job.yml", "--json"]).with_code(3);
    let said = told(&ended.result()["failure"]);
    assert!(said.contains("could not be built: `echo no luck; exit 3` ended with exit code 3"), "{said}");
    assert!(said.contains("\n  no luck\n") && said.contains("\n-> "), "{said}");

    fs::remove_file(&dockerfile).unwrap();
    let ended = ground.call(["run", "job.yml", "--json"]).with_code(2);
    let said = told(&ended.result()["failure"]);
    assert!(said.contains("there is no Dockerfile at ") && said.contains("train.Dockerfile"), "{said}");
    assert!(said.contains("-> correct \"dockerfile_path\""), "{said}");
    ground.leaves_nothing();
}

#[test]
fn an_engine_without_buildkit_builds_the_classic_way_and_says_so() {
    let mut ground = Ground::with(&format!(
        "{JOB}//- /packages.yml\ntype: command\ncommand: python -c 'import six; print(six.__name__)'\nenvironment:\n  image: $BASE\n  conda_file:\n    dependencies:\n      - pip:\n          - six\n          - no-such-thing; python_version < '3'\n"
    ));
    let bridge = Bridge::without_buildkit(ground.beside("engine.sock"));
    ground.set("DOCKER_HOST", bridge.address());
    ground.set("HTTPS_PROXY", "");
    fs::write(ground.path("env/of.txt"), ground.path("").display().to_string()).unwrap();

    let ended = ground.call(["run", "job.yml", "--json"]).with_code(0);
    let _image = Images(vec![ended.result()["image"].as_str().unwrap_or_default().to_owned()]);
    assert_eq!(ended.log("driver"), ["hello green False"]);
    let log = control_log(&ground, &ended.result());
    assert!(log.contains("by the classic builder: this engine has no BuildKit"), "{log}");
    assert!(
        log.contains("Step 6/11 : COPY said.txt /opt/said") && log.contains("building with care"),
        "{log}"
    );

    let ended = ground.call(["run", "packages.yml", "--rebuild", "--json"]).with_code(0);
    let image = ended.result()["image"].as_str().unwrap_or_default().to_owned();
    let _image = Images(vec![image.clone()]);
    assert_eq!(ended.log("driver"), ["six"]);
    let log = control_log(&ground, &ended.result());
    assert!(log.contains("in a container that is kept as the image"), "{log}");
    let facts = docker_says(&["inspect", "--format", "{{json .Config}}", &image]).expect("the image");
    assert!(facts.contains("AZUREML_ENVIRONMENT_IMAGE=True") && !facts.contains("environment.sh"), "{facts}");
    assert!(
        !facts.contains(ended.result()["run"].as_str().unwrap()),
        "the run's labels stay out of it: {facts}"
    );
    let left = docker_says(&["run", "--rm", &image, "ls", "-A", "/run/aml-debug"]).expect("a container");
    assert_eq!(left, "cache", "an empty folder, where the cache stood");

    let broken = fs::read_to_string(ground.path("packages.yml"))
        .unwrap()
        .replace("- six", "- aml-debug-no-such-package");
    fs::write(ground.path("packages.yml"), broken).unwrap();
    let said = told(&ground.call(["run", "packages.yml", "--json"]).with_code(3).result()["failure"]);
    assert!(said.contains("`uv pip install") && said.contains("aml-debug-no-such-package"), "{said}");
    let dockerfile = ground.path("env/docker/train.Dockerfile");
    let text = fs::read_to_string(&dockerfile)
        .unwrap()
        .replace("COPY said.txt", "RUN echo no luck; exit 3\nCOPY said.txt");
    fs::write(&dockerfile, text).unwrap();
    let said = told(&ground.call(["run", "job.yml", "--json"]).with_code(3).result()["failure"]);
    assert!(
        said.contains("`echo no luck; exit 3` ended with exit code 3") && said.contains("no luck"),
        "{said}"
    );
    ground.leaves_nothing();
}

#[test]
fn a_context_elsewhere_and_an_odd_ignore_file_are_refused_with_a_fix() {
    let ground = Ground::with(JOB);
    fs::write(ground.path("env/.dockerignore"), "ok\n[a\n").unwrap();
    let said = told(&ground.call(["run", "job.yml", "--json"]).with_code(2).result()["failure"]);
    assert!(said.contains("line 2 of the .dockerignore is no pattern: [a"), "{said}");
    let job = fs::read_to_string(ground.path("job.yml")).unwrap();
    fs::write(ground.path("job.yml"), job.replace("path: env\n", "path: https://example.org/x.git\n"))
        .unwrap();
    let said = told(&ground.call(["run", "job.yml", "--json"]).with_code(2).result()["failure"]);
    assert!(said.contains("built from https://example.org/x.git, which is not a folder"), "{said}");
    assert!(said.contains("\n-> clone or download it"), "{said}");
}
