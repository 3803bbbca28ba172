//! `cargo xtask interpreters`: a breakpoint in every Python that a Debian release brings, with the bundled debugpy.
//!
//! An interpreter differs from another in what the start hook and debugpy stand on: tracing or monitoring, frames,
//! import machinery. The stories run on one of them; this makes an image of each release and stops in all of them.
//! It takes a minute or two for each release that has no image yet, so it stands apart from the tests.

use std::fs;

use anyhow::Context as _;

use crate::command::Command;
use crate::repository::Repository;
use crate::setup::{self, For, base_image};

/// Oldest first; what they bring is asked of them.
pub(crate) const SUITES: [&str; 4] = ["bullseye", "bookworm", "trixie", "sid"];

/// Branches, a call and a comprehension between the stops, since these are what newer interpreters do otherwise.
const SCRIPT: &str = "\
import sys

def squares(count):
    found = [number * number for number in range(count)]
    return found

total = sum(squares(10))
print('%d.%d.%d' % sys.version_info[:3], total)
";
const STOPS: [u32; 2] = [5, 8];

/// How people start a program: plain, and with flags that bear on what a debugger does to the interpreter.
const COMMANDS: [&str; 3] =
    ["python train.py", "python3 -X frozen_modules=off train.py", "python -u -W ignore train.py"];

/// Stops in each of the suites, or in all; an error if one did not stop as it should.
pub(crate) fn interpreters(repository: &Repository, suites: &[&str]) -> anyhow::Result<()> {
    let suites = if suites.is_empty() { &SUITES[..] } else { suites };
    setup::setup(repository, For::Demo)?;
    Command::new("cargo")
        .args(["build", "--quiet", "--package", "sidecar"])
        .folder(&repository.root)
        .run()?;
    let mut table = String::new();
    let mut failed = 0;
    for suite in suites {
        let told = base_image::of_suite(repository, suite).and_then(|image| stop(repository, suite, &image));
        match told {
            Ok(version) => table += &format!("{suite:<10} Python {version:<8} stopped and ran to its end\n"),
            Err(error) => {
                table += &format!("{suite:<10} {error:#}\n");
                failed += 1;
            }
        }
    }
    println!("\n{table}");
    anyhow::ensure!(failed == 0, "{failed} of {} did not stop as they should", suites.len());
    Ok(())
}

/// Debugs the script in the image, however it is started; the version that the interpreter says it is.
fn stop(repository: &Repository, suite: &str, image: &str) -> anyhow::Result<String> {
    let stopped = |command: &&str| {
        stop_in(repository, suite, image, command).with_context(|| format!("with `{command}`"))
    };
    let versions: anyhow::Result<Vec<String>> = COMMANDS.iter().map(stopped).collect();
    versions?.pop().context("nothing was started")
}

fn stop_in(repository: &Repository, suite: &str, image: &str, started: &str) -> anyhow::Result<String> {
    let folder = repository.target.join("interpreters").join(suite);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("train.py"), SCRIPT)?;
    let job = format!("type: command\ncode: .\ncommand: {started}\nenvironment:\n  image: {image}\n");
    fs::write(folder.join("job.yml"), job)?;
    let mut command = Command::new(repository.binary("debug"))
        .args(["run", "job.yml", "--json"])
        .args(STOPS.iter().flat_map(|line| ["--break".to_owned(), format!("train.py:{line}")]))
        .env("AML_DEBUG_HOME", repository.target.join("interpreters/home").as_os_str())
        .folder(&folder);
    for (name, value) in setup::variables(repository)? {
        command = command.env(name, value);
    }
    let said = command.read()?;
    let events: Vec<serde_json::Value> =
        said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let result = events.last().context("the run said nothing")?;
    let stops = result["stops"].as_array().cloned().unwrap_or_default();
    let lines: Vec<_> = stops.iter().filter_map(|stop| stop["line"].as_u64()).collect();
    anyhow::ensure!(lines == STOPS.map(u64::from), "stopped on {lines:?}: {result}");
    anyhow::ensure!(stops[0]["locals"]["count"] == "10", "{}", stops[0]);
    let printed = events.iter().filter(|event| event["log"] == "driver");
    let printed = printed.flat_map(|event| event["lines"].as_array().cloned().unwrap_or_default());
    let line = printed.filter_map(|line| line.as_str().map(str::to_owned)).next_back();
    let line = line.context("the script printed nothing")?;
    let (version, total) = line.split_once(' ').with_context(|| format!("the script printed {line}"))?;
    anyhow::ensure!(total == "285", "the script printed {line}");
    Ok(version.to_owned())
}
