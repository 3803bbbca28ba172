//! `image-cold` and `image-one-more`: an environment of numpy, pandas and scikit-learn, until its image can run.
//!
//! The plain way is what a user's own Dockerfile does: `pip install` in the classic builder. Cold means that the
//! builder has none of the packages and not even the installer; the second case has built the first before, as
//! somebody has who adds a package to an environment.

use anyhow::Context as _;

use super::ground::{self, Ground, INSTALL};
use super::{Reach, Way};

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
const CACHE: &str = "aml-debug-bench";

pub(super) fn cold(ground: &Ground) -> anyhow::Result<Vec<Way>> {
    let plain = plain(ground, "cold", &PACKAGES)?;
    let mut caches = FreshCaches::new(ground);
    let ground = ground.clone();
    let turn = Box::new(move || {
        let (turn, cache) = caches.next();
        // The same packages in another environment, so that no earlier one is in the way or has to go.
        let lowest = format!("{}>=0.{}.{turn}", PACKAGES[0], std::process::id());
        let spec = spec(&ground, "cold", &[&[lowest.as_str()], &PACKAGES[1..]].concat())?;
        let build = ground.again(&["build", &spec, "--json"]);
        ground::timed(build().env("AML_DEBUG_BUILD_CACHE", cache))
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

/// Its containers are kept until all is measured: what [`FreshCaches`] says of deleted files is true of theirs.
fn plain(ground: &Ground, name: &str, packages: &[&str]) -> anyhow::Result<Turn> {
    let folder = format!("image-{name}");
    std::fs::create_dir_all(ground.folder.join(&folder))?;
    let dockerfile = format!("FROM {}\nLABEL {KEPT}\n{INSTALL} {}\n", ground.base, packages.join(" "));
    ground.write(&format!("{folder}/Dockerfile"), &dockerfile)?;
    let mut ground = ground.clone();
    ground.buildkit = false;
    let kept = KeptContainers;
    Ok(Box::new(move || {
        let _ = &kept;
        ground::timed(ground.build(IMAGE, &folder).args(["--no-cache", "--rm=false"]))
    }))
}

/// The label of the plain way's containers.
const KEPT: &str = "aml-debug.bench=image";

struct KeptContainers;

impl Drop for KeptContainers {
    fn drop(&mut self) {
        let label = format!("label={KEPT}");
        let removed = ground::remove(&["ps", "--all", "--quiet", "--filter", &label], &["rm", "--force"]);
        if let Err(error) = removed {
            println!("the containers of the plain way could not be removed: {error:#}");
        }
    }
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

/// Caches of the builder that have never held anything, one a turn.
///
/// They are emptied when all is measured, and not between the turns: ext4 leaves the inode of a deleted file alone for
/// minutes, and each new file has to find one behind all of those. That would be measured, and no user has it.
pub(super) struct FreshCaches {
    ground: Ground,
    used: Vec<String>,
}

impl FreshCaches {
    pub(super) fn new(ground: &Ground) -> Self {
        Self { ground: ground.clone(), used: Vec::new() }
    }

    /// How many there were before, and the name of the next.
    pub(super) fn next(&mut self) -> (usize, String) {
        let turn = self.used.len();
        self.used.push(format!("{CACHE}-{}-{turn}", std::process::id()));
        (turn, self.used[turn].clone())
    }

    /// By a build whose only step empties what it has mounted: nothing but a build can reach a builder's cache, and
    /// only one that is not told to do without a cache.
    fn empty(&self) -> anyhow::Result<()> {
        let folder = "image-empty";
        std::fs::create_dir_all(self.ground.folder.join(folder))?;
        let job = format!("type: command\ncode: .\ncommand: ls\nenvironment:\n  build: {{path: {folder}}}\n");
        self.ground.write("empty.yml", &job)?;
        let mounts = self.used.iter().enumerate();
        let mounts: String =
            mounts.map(|(at, id)| format!("--mount=type=cache,id={id},target=/caches/{at} ")).collect();
        let dockerfile = format!("FROM {}\nRUN {mounts}rm -rf /caches/*/*\n", self.ground.base);
        self.ground.write(&format!("{folder}/Dockerfile"), &dockerfile)?;
        self.ground.again(&["build", "empty.yml", "--json"])().read().map(drop)
    }
}

impl Drop for FreshCaches {
    fn drop(&mut self) {
        if let Err(error) = self.empty() {
            println!("the builder's caches {CACHE}-{}-* could not be emptied: {error:#}", std::process::id());
        }
    }
}
