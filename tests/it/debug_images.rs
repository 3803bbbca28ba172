//! Debug images: debugpy as one more dependency of the environment.

use crate::support::Ground;
use crate::support::engine::docker_says;
use serde_json::Value;

const WORLD: &str = "//- /job.yml\ntype: command\ncommand: python x.py\ncode: src\nenvironment:\n  image: $BASE\n//- /packages.yml\ntype: command\ncommand: python x.py\ncode: src\nenvironment:\n  image: $BASE\n  conda_file:\n    dependencies:\n      - python=3.11\n      - pip:\n          - six\n//- /src/x.py\nimport sys\nfrom_ = getattr(sys.modules.get('debugpy'), '__file__', 'nowhere')\nprint(from_)\n";

/// An image of ours that goes with the story.
struct Image(String);

impl Image {
    fn of(result: &Value) -> Self {
        Self(result["image"].as_str().expect("an image").to_owned())
    }

    fn says(&self, script: &str) -> String {
        docker_says(&["run", "--rm", &self.0, "python", "-c", script]).expect("the image runs")
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        docker_says(&["rmi", &self.0]);
    }
}

#[test]
fn an_image_with_debugpy_is_built_on_request() {
    let ground = Ground::with(WORLD);
    let plain = ground.call(["build", "packages.yml", "--json"]).with_code(0).result();
    for spec in ["job.yml", "packages.yml"] {
        let result = ground.call(["build", spec, "--with-debugpy", "--json"]).with_code(0).result();
        let image = Image::of(&result);
        assert_ne!(result["image"], plain["image"]);
        assert_eq!(image.says("import debugpy; print(debugpy.__version__)"), "1.8.22", "{spec}");
        if spec == "packages.yml" {
            assert_eq!(image.says("import six; print(six.__name__)"), "six");
        }
        let again = ground.call(["build", spec, "--with-debugpy", "--json"]).with_code(0).result();
        assert_eq!(again["image"], result["image"]);
    }
    drop(Image::of(&plain));
}

#[test]
fn a_run_may_take_its_debugger_from_the_image_and_by_default_does_not() {
    let mut ground = Ground::with(WORLD);
    let place = ["--break", "src/x.py:3", "--json"];
    let from = |ground: &Ground, words: &[&str]| {
        let ended = ground.call(["run", "job.yml"].iter().chain(words).chain(&place)).with_code(0);
        let result = ended.result();
        (result["stops"][0]["locals"]["from_"].as_str().unwrap_or_default().to_owned(), result)
    };
    let (usual, result) = from(&ground, &[]);
    assert!(usual.starts_with("'/aml-debug/debugpy/"), "{result}");
    ground.set("AML_DEBUG_DEBUGGER", "image");
    let (own, result) = from(&ground, &[]);
    let image = Image::of(&result);
    assert!(own.contains("-packages/debugpy/"), "{own}");
    let (flag, _) = from(&ground, &["--debugger", "volume"]);
    assert_eq!(flag, usual, "a flag wins");
    // Without a debugger nothing is added.
    let plain = ground.call(["run", "job.yml", "--json"]).with_code(0).result();
    assert_ne!(plain["image"].as_str(), Some(image.0.as_str()));
    ground.set("AML_DEBUG_DEBUGGER", "kernel");
    let refused = ground.call(["run", "job.yml", "--debug"]).with_code(2);
    assert!(
        refused.stderr.contains("AML_DEBUG_DEBUGGER is \"kernel\"; expected: volume or image"),
        "{}",
        refused.stderr
    );
    ground.set("AML_DEBUG_DEBUGGER", "volume");
    ground.leaves_nothing();
}
