//! Python's bytecode: where an image has none it is compiled once, and never into the user's folder.

use crate::support::Ground;
use crate::support::engine::{self, docker, docker_says};

const SCRIPT: &str = "\n//- /src/x.py\nimport importlib.util, os, sys, unittest.mock, beside\ncached = importlib.util.find_spec('unittest.mock').cached\nprint(cached.startswith('/aml-debug-bytecode/'), os.path.exists(cached))\nprint(sorted(name for name in os.listdir('.') if name.startswith('__')))\n//- /src/beside.py\n";

/// The base image without bytecode, as Azure's own images are, and with the habit of writing none.
fn bare(ground: &Ground) -> String {
    let home = ground.home().display().to_string().to_lowercase();
    let letters = home.replace(|letter: char| !letter.is_ascii_alphanumeric(), "");
    let name = format!("aml-debug-story/bare:{letters}");
    let line = "find / -xdev -name __pycache__ -prune -exec rm -rf {} +";
    let container = docker(&["create", engine::base(), "sh", "-c", line]);
    docker(&["start", "--attach", &container]);
    docker(&["commit", "--change", "ENV PYTHONDONTWRITEBYTECODE=1", &container, &name]);
    docker(&["rm", &container]);
    name
}

#[test]
fn an_image_with_bytecode_is_left_alone_and_so_is_the_source_tree() {
    let ground = Ground::with_job("python x.py", SCRIPT);
    let before = ground.files();
    for flags in [&["--json"][..], &["--json", "--break", "src/x.py:3"]] {
        let lines = ground.call(["run", "job.yml"].iter().chain(flags)).with_code(0).log("driver");
        assert_eq!(lines, ["False True", "[]"]);
    }
    assert_eq!(ground.files(), before);
    assert!(!ground.volumes().iter().any(|volume| volume.contains("bytecode")));
}

#[test]
fn an_image_without_bytecode_gets_a_cache_that_the_next_run_finds_warm() {
    let mut ground = Ground::with_job("python x.py", SCRIPT);
    let image = bare(&ground);
    ground.set("AML_DEBUG_IMAGE_REWRITE", format!("{}={image}", engine::BASE.rsplit_once(':').unwrap().0));
    let before = ground.files();
    let lines = || ground.call(["run", "job.yml", "--json"]).with_code(0).log("driver");
    assert_eq!(lines(), ["True True", "[]"]);
    let cache = ground.volumes().into_iter().find(|volume| volume.contains("bytecode")).expect("a cache");
    let written = || {
        docker(&[
            "run",
            "--rm",
            "--volume",
            &format!("{cache}:/c"),
            engine::base(),
            "sh",
            "-c",
            "find /c -name mock.*.pyc -exec stat -c %Y:%i {} +",
        ])
    };
    let first = written();
    assert!(!first.is_empty());
    assert_eq!(lines(), ["True True", "[]"]);
    assert_eq!(written(), first, "compiled once");
    let debugged = ground.call(["run", "job.yml", "--break", "src/x.py:3", "--json"]).with_code(0);
    assert_eq!(debugged.log("driver"), ["True True", "[]"]);
    assert_eq!(ground.files(), before);

    // The cache is of no use without its image.
    let pruned = |words: &[&str]| {
        let ended = ground.call(["images", "prune", "--json"].iter().chain(words)).with_code(0);
        ended.objects().iter().any(|line| line["image"] == cache.as_str())
    };
    assert!(!pruned(&[]));
    docker_says(&["rmi", "--force", &image]);
    assert!(pruned(&["--dry-run"]) && ground.volumes().contains(&cache));
    assert!(pruned(&[]) && !ground.volumes().contains(&cache));
}
