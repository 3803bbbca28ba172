//! `image-cold` and `image-one-more`: an environment of numpy, pandas and scikit-learn, until its image can run.
//!
//! The plain way is what a user's own Dockerfile does: `pip install` in the classic builder. Cold means that the
//! builder has none of the packages and not even the installer; the second case has built the first before, as
//! somebody has who adds a package to an environment.

use anyhow::Context as _;

use super::ground::{self, Ground, INSTALL};
use super::{Reach, Way};
use crate::command::Command;

const PACKAGES: [&str; 3] = ["numpy", "pandas", "scikit-learn"];
/// Another one each turn, for the builder has the one before in its cache.
const MORE: [&str; 12] = [
    "tqdm",
    "attrs",
    "cachetools",
    "click",
    "colorama",
    "sqlparse",
    "tabulate",
    "toolz",
    "wrapt",
    "zipp",
    "docopt",
    "pyyaml",
];
const IMAGE: &str = "aml-debug/bench:cold";

/// A cache of the measurement's own, which can be emptied without anybody else's loss.
pub(super) const CACHE: &str = "aml-debug-bench";

pub(super) fn cold(ground: &Ground) -> anyhow::Result<Vec<Way>> {
    let plain = plain(ground, "cold", &PACKAGES)?;
    let ours = ours(ground, "cold", &PACKAGES)?;
    let empty = empty_the_cache(ground)?;
    let turn = Box::new(move || {
        empty()?;
        ground::timed(ours())
    });
    Ok(vec![
        Way { name: "docker build (classic), pip install", reach: None, turn: plain, most: None },
        Way { name: "aml-debug build, cache empty", reach: Some(Reach::Ratio(0.25)), turn, most: None },
    ])
}

pub(super) fn one_more(ground: &Ground) -> anyhow::Result<Vec<Way>> {
    let plain = plain(ground, "more", &[&PACKAGES[..], &MORE[..1]].concat())?;
    let build = |spec: &str| ground.again(&["build", spec, "--json"]);
    build(&spec(ground, "cold", &PACKAGES)?)().env("AML_DEBUG_BUILD_CACHE", CACHE).read()?;
    let mut turns = Vec::new();
    for package in MORE {
        turns.push(build(&spec(ground, package, &[&PACKAGES[..], &[package]].concat())?));
    }
    let mut turns = turns.into_iter();
    let turn = Box::new(move || {
        let build = turns.next().context("no more turns than packages")?;
        ground::timed(build().env("AML_DEBUG_BUILD_CACHE", CACHE))
    });
    Ok(vec![
        Way { name: "docker build (classic), pip install", reach: None, turn: plain, most: None },
        Way { name: "aml-debug build", reach: Some(Reach::Ratio(0.15)), turn, most: None },
    ])
}

type Turn = Box<dyn FnMut() -> anyhow::Result<f64>>;

fn plain(ground: &Ground, name: &str, packages: &[&str]) -> anyhow::Result<Turn> {
    let folder = format!("image-{name}");
    std::fs::create_dir_all(ground.folder.join(&folder))?;
    let dockerfile = format!("FROM {}\n{INSTALL} {}\n", ground.base, packages.join(" "));
    ground.write(&format!("{folder}/Dockerfile"), &dockerfile)?;
    let mut ground = ground.clone();
    ground.buildkit = false;
    Ok(Box::new(move || ground::timed(ground.build(IMAGE, &folder).args(["--no-cache"]))))
}

/// `--rebuild`, since the image of the turn before is the same.
fn ours(ground: &Ground, name: &str, packages: &[&str]) -> anyhow::Result<impl Fn() -> Command + use<>> {
    let spec = spec(ground, name, packages)?;
    let again = ground.again(&["build", &spec, "--rebuild", "--json"]);
    Ok(move || again().env("AML_DEBUG_BUILD_CACHE", CACHE))
}

fn spec(ground: &Ground, name: &str, packages: &[&str]) -> anyhow::Result<String> {
    let lines: String = packages.iter().map(|package| format!("      - {package}\n")).collect();
    ground.write(
        &format!("{name}-conda.yml"),
        &format!("dependencies:\n  - python=3.11\n  - pip\n  - pip:\n{lines}"),
    )?;
    let spec = format!("{name}.yml");
    let job = format!(
        "type: command\ncode: .\ncommand: python train.py\nenvironment:\n  image: {}\n  conda_file: {name}-conda.yml\n",
        ground.base
    );
    ground.write(&spec, &job)?;
    Ok(spec)
}

/// By a build whose only step empties what it has mounted: nothing but a build can reach a builder's cache, and
/// only one that is not told to do without a cache. Another line each time makes it run.
pub(super) fn empty_the_cache(ground: &Ground) -> anyhow::Result<impl Fn() -> anyhow::Result<()> + use<>> {
    std::fs::create_dir_all(ground.folder.join("image-empty"))?;
    ground.write(
        "empty.yml",
        "type: command\ncode: .\ncommand: python train.py\nenvironment:\n  build: {path: image-empty}\n",
    )?;
    let again = ground.again(&["build", "empty.yml", "--json"]);
    let ground = ground.clone();
    Ok(move || {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_nanos();
        let dockerfile = format!(
            "FROM {}\nRUN --mount=type=cache,id={CACHE},target=/cache rm -rf /cache/* && echo {now}\n",
            ground.base
        );
        ground.write("image-empty/Dockerfile", &dockerfile)?;
        again().read().map(drop)
    })
}
