//! `cargo xtask test`: set-up, then every check there is, in one order for laptops and CI.
//!
//! A check that fails does not stop the next one. The last line is the sum, for people and for machines:
//! `N passed, N failed`, where a check that is no test runner counts as one test.

use std::io::{BufRead as _, BufReader, Read};
use std::process::Stdio;
use std::time::Instant;

use anyhow::Context as _;

use crate::command::Command;
use crate::repository::Repository;
use crate::setup::{self, For};
use crate::{codegen, editor, tidy};

/// What a check or all of them came to.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
struct Tally {
    passed: u64,
    failed: u64,
    ignored: u64,
    /// Of those that passed: after a failure.
    flaky: u64,
}

impl Tally {
    fn one(passed: bool) -> Tally {
        Tally { passed: passed.into(), failed: (!passed).into(), ..Tally::default() }
    }

    fn add(&mut self, other: Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
        self.flaky += other.flaky;
    }
}

/// Material beside the repository that some tests read, and what is left out without it.
const MATERIAL: [(&str, &str); 3] = [
    ("AML_DEBUG_CORPUS", "the verdicts of Microsoft's own tool on real files"),
    ("AML_DEBUG_RECORDINGS", "recorded answers of the service"),
    ("AML_DEBUG_CONTRACT", "the service's contract"),
];

/// The suite in the extension host and the stories that have shown that they do not fail without a reason.
const STEADY: &[&str] = &[
    "host",
    "first-run",
    "published-page",
    "wizard",
    "language",
    "housekeeping",
    "run-page",
    "walkthrough",
    "debugging",
    "children",
    "mapping",
    "multi-root",
    "untrusted",
    "interrupted",
    "deployments",
    "pipelines",
    "remote",
    "menus",
    "palette",
    "settings",
    "figures",
    "japanese",
];

/// Sets up and runs all checks, or with a filter only the tests whose name contains it.
pub(crate) fn test(repository: &Repository, filter: Option<&str>) -> anyhow::Result<bool> {
    setup::setup(repository, For::Test)?;
    let mut checks = Checks::default();
    let cargo = |arguments: &str| Command::new("cargo").args(arguments.split(' ')).folder(&repository.root);
    if let Some(filter) = filter {
        checks.not_run.push(format!("all but the tests that contain `{filter}`"));
    } else {
        checks.tool("Format", "fmt", cargo("fmt --all --check"));
        checks.tool("Lints", "clippy", cargo("clippy --workspace --all-targets --quiet -- -D warnings"));
        checks.one("Tidy", || tidy::tidy(repository));
        checks.one("Generated files", || codegen::codegen(repository, false));
    }
    checks.one("Build", || cargo("build --package sidecar --quiet").run());
    checks.tests(repository, filter);
    if filter.is_none() {
        checks.extension(repository);
        checks.stories(repository, &[&["--again"], STEADY].concat());
        let mut others = editor::names_of_stories(repository)?;
        others.retain(|name| !STEADY.contains(&name.as_str()));
        if !others.is_empty() {
            let others = others.join(", ");
            checks.not_run.push(format!("of the editor's stories {others} (`cargo xtask editor` tells all)"));
        }
        checks.not_run.push(format!(
            "a breakpoint in the Pythons of {} (`cargo xtask interpreters` stops in each)",
            crate::interpreters::SUITES.join(", ")
        ));
    }
    if filter.is_none() {
        checks
            .not_run
            .push("ranks and data loaders under real PyTorch (`cargo xtask torch` runs them)".to_owned());
    }
    for (variable, what) in MATERIAL {
        if std::env::var_os(variable).is_none() {
            checks.not_run.push(format!("{what} ({variable} is not set)"));
        }
    }
    Ok(checks.close())
}

/// Sets up and runs the checks of the editor only.
pub(crate) fn editor(repository: &Repository, stories: &[&str]) -> anyhow::Result<bool> {
    setup::setup(repository, For::Test)?;
    let mut checks = Checks { not_run: vec!["all but the editor".to_owned()], ..Checks::default() };
    let build = Command::new("cargo").args(["build", "--package", "sidecar", "--quiet"]);
    checks.one("Build", || build.folder(&repository.root).run());
    checks.extension(repository);
    checks.stories(repository, stories);
    Ok(checks.close())
}

#[derive(Default)]
struct Checks {
    tally: Tally,
    failed: Vec<String>,
    not_run: Vec<String>,
    notes: Vec<String>,
}

impl Checks {
    fn one(&mut self, name: &str, check: impl FnOnce() -> anyhow::Result<()>) {
        self.counted(name, || check().map(|()| Tally::one(true)));
    }

    /// A check by a part of the Rust distribution that a minimal installation lacks.
    fn tool(&mut self, name: &str, part: &str, command: Command) {
        if Command::new("cargo").args([part, "--version"]).succeeds() {
            self.one(name, || command.run());
        } else {
            self.not_run
                .push(format!("{name} (`cargo {part}` is not installed: rustup component add {part})"));
        }
    }

    fn counted(&mut self, name: &str, check: impl FnOnce() -> anyhow::Result<Tally>) {
        println!("\n== {name} ==");
        let begin = Instant::now();
        let tally = check().unwrap_or_else(|error| {
            println!("{error:#}");
            Tally::one(false)
        });
        let outcome = if tally.failed == 0 { "ok" } else { "FAILED" };
        println!("{name}: {outcome} ({} s)", begin.elapsed().as_secs());
        if tally.failed > 0 {
            self.failed.push(name.to_owned());
        }
        self.tally.add(tally);
    }

    fn tests(&mut self, repository: &Repository, filter: Option<&str>) {
        let nextest = Command::new("cargo").args(["nextest", "--version"]).succeeds();
        // The stories drive a real engine on a machine that may be busy: one that fails is tried once more, and is
        // named at the end either way.
        if nextest {
            self.counted("Tests", || {
                let command = Command::new("cargo")
                    .args(["nextest", "run", "--workspace", "--no-fail-fast", "--color", "never"])
                    .args(["--retries", "1", "--no-tests", "pass"])
                    .args(["--status-level", "retry", "--final-status-level", "flaky"]);
                count(with_variables(command, repository)?.args(filter), nextest_line)
            });
        } else {
            self.counted("Tests", || {
                let command = || {
                    let words = ["test", "--workspace", "--no-fail-fast", "--quiet", "--all-targets"];
                    let command = with_variables(Command::new("cargo").args(words), repository)?;
                    anyhow::Ok(command.env("CARGO_TERM_COLOR", "never"))
                };
                twice(command()?.args(filter), command()?.args(["--", "--exact"]))
            });
        }
        self.counted("Examples in the documentation", || {
            let command =
                Command::new("cargo").args(["test", "--workspace", "--no-fail-fast", "--quiet", "--doc"]);
            count(with_variables(command, repository)?.args(filter), cargo_line)
        });
        if self.tally.ignored > 0 {
            self.not_run.push(format!("{} tests that are marked `#[ignore]`", self.tally.ignored));
        }
    }

    fn extension(&mut self, repository: &Repository) {
        self.one("The editor's extension", || editor::build(repository));
        self.counted("The extension's tests", || count(editor::tests(repository)?, editor_line));
    }

    /// The suite in the extension host and the stories in a real VS Code.
    fn stories(&mut self, repository: &Repository, words: &[&str]) {
        self.counted("The editor's stories", || {
            count(editor::stories(repository)?.args(words.iter().copied()), editor_line)
        });
    }

    fn close(&mut self) -> bool {
        if self.tally.flaky > 0 {
            self.notes.push(format!(
                "{} tests passed at the second try only (FLAKY or TOLD AGAIN above)",
                self.tally.flaky
            ));
        }
        println!("\n== Sum ==");
        for line in &self.not_run {
            println!("not run: {line}");
        }
        for line in &self.notes {
            println!("note: {line}");
        }
        for name in &self.failed {
            println!("failed: {name}");
        }
        println!("{} passed, {} failed", self.tally.passed, self.tally.failed);
        self.tally.failed == 0
    }
}

fn with_variables(command: Command, repository: &Repository) -> anyhow::Result<Command> {
    let binary = repository.binary("debug").display().to_string();
    let variables = setup::variables(repository)?;
    let variables = variables.into_iter().chain([("AML_DEBUG_BIN", binary)]);
    let command = command.folder(&repository.root);
    Ok(variables.fold(command, |command, (name, value)| command.env(name, value)))
}

/// Runs Cargo's own test runner, and what has failed once more by name.
fn twice(all: Command, named: Command) -> anyhow::Result<Tally> {
    let (first, failed) = run(all, cargo_line)?;
    // What did not compile has no name.
    if failed.is_empty() || u64::try_from(failed.len()) != Ok(first.failed) {
        return Ok(first);
    }
    println!("TOLD AGAIN: {}", failed.join(", "));
    let (second, _) = run(named.args(failed), cargo_line)?;
    let mended = second.passed.min(first.failed);
    let failed = first.failed - mended;
    Ok(Tally { passed: first.passed + mended, failed, flaky: mended, ..first })
}

/// Runs a test runner with its output on the screen and adds up what its lines say.
fn count(command: Command, read: fn(&str) -> Option<Tally>) -> anyhow::Result<Tally> {
    run(command, read).map(|(tally, _)| tally)
}

/// The same with the names of the tests that failed. A runner that fails without having counted a failure, for
/// instance because a test does not compile, counts as one.
fn run(command: Command, read: fn(&str) -> Option<Tally>) -> anyhow::Result<(Tally, Vec<String>)> {
    println!("$ {}", command.shown());
    let mut command = command.into_inner();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("start the test runner")?;
    let error = child.stderr.take().context("read the test runner")?;
    let error = std::thread::spawn(move || echo(error, read));
    let (mut tally, mut failed) = echo(child.stdout.take().context("read the test runner")?, read);
    if let Ok((more, names)) = error.join() {
        tally.add(more);
        failed.extend(names);
    }
    let status = child.wait()?;
    if !status.success() && tally.failed == 0 {
        println!("the test runner ended with {status}");
        tally.failed = 1;
    }
    Ok((tally, failed))
}

fn echo(output: impl Read, read: fn(&str) -> Option<Tally>) -> (Tally, Vec<String>) {
    let mut tally = Tally::default();
    let mut failed = Vec::new();
    for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        tally.add(read(&line).unwrap_or_default());
        failed.extend(line.strip_suffix(" --- FAILED").map(str::to_owned));
    }
    (tally, failed)
}

/// `     Summary [   3.211s] 120 tests run: 118 passed (2 slow), 2 failed, 3 skipped`
fn nextest_line(line: &str) -> Option<Tally> {
    let counts = line.trim_start().strip_prefix("Summary [")?.split_once("run: ")?.1;
    Some(Tally {
        passed: number_before(counts, " passed"),
        failed: number_before(counts, " failed")
            + number_before(counts, " timed out")
            + number_before(counts, " exec failed"),
        ignored: number_before(counts, " skipped"),
        flaky: number_before(counts, " flaky"),
    })
}

/// `test result: FAILED. 3 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.10s`
fn cargo_line(line: &str) -> Option<Tally> {
    let counts = line.strip_prefix("test result: ")?;
    Some(Tally {
        passed: number_before(counts, " passed"),
        failed: number_before(counts, " failed"),
        ignored: number_before(counts, " ignored"),
        flaky: 0,
    })
}

fn editor_line(line: &str) -> Option<Tally> {
    let flaky = number_before(line, " flaky");
    editor::line(line).map(|(passed, failed)| Tally { passed, failed, flaky, ..Tally::default() })
}

fn number_before(text: &str, word: &str) -> u64 {
    let Some(end) = text.find(word) else { return 0 };
    let digits = text[..end].rsplit(|c: char| !c.is_ascii_digit()).next();
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_runners_lines_are_read() {
        let nextest = "     Summary [   3.211s] 121/130 tests run: 118 passed (2 slow, 1 flaky), 2 failed, 1 timed out, 4 skipped";
        assert_eq!(nextest_line(nextest), Some(Tally { passed: 118, failed: 3, ignored: 4, flaky: 1 }));
        let cargo = "test result: FAILED. 3 passed; 1 failed; 2 ignored; 0 measured; 9 filtered out; finished in 0.1s";
        assert_eq!(cargo_line(cargo), Some(Tally { passed: 3, failed: 1, ignored: 2, flaky: 0 }));
        assert_eq!(cargo_line("running 4 tests"), None);
        assert_eq!(nextest_line("        PASS [   0.004s] engine run: 1 passed"), None);
    }

    #[test]
    fn what_fails_is_tried_once_more_by_name() -> anyhow::Result<()> {
        let sh = |text: &str| Command::new("sh").args(["-c", text, "sh"]);
        let all = "printf '..\nremote::a --- FAILED\nb --- FAILED\n'; \
            echo 'test result: FAILED. 7 passed; 2 failed; 1 ignored'; exit 101";
        let named = "test \"$*\" = 'remote::a b' && echo 'test result: FAILED. 1 passed; 1 failed; 0 ignored'; exit 101";
        let sum = Tally { passed: 8, failed: 1, ignored: 1, flaky: 1 };
        assert_eq!(twice(sh(all), sh(named))?, sum);
        let silent = "echo 'error: could not compile'; exit 101";
        assert_eq!(twice(sh(all), sh(silent))?, Tally { passed: 7, failed: 2, ignored: 1, flaky: 0 });
        assert_eq!(twice(sh(silent), sh(named))?, Tally { failed: 1, ..Tally::default() });
        Ok(())
    }

    #[test]
    fn a_runner_that_fails_without_a_count_is_a_failure() -> anyhow::Result<()> {
        let broken = Command::new("sh").args(["-c", "echo 'error: could not compile'; exit 101"]);
        assert_eq!(count(broken, cargo_line)?, Tally { failed: 1, ..Tally::default() });
        let fine =
            Command::new("sh").args(["-c", "echo 'test result: ok. 2 passed; 0 failed; 0 ignored' >&2"]);
        assert_eq!(count(fine, cargo_line)?, Tally { passed: 2, ..Tally::default() });
        Ok(())
    }
}
