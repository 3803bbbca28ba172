//! The repository's own tools, called as `cargo xtask COMMAND`.
//!
//! What keeps this room small: a command is one file, programs of the machine are started through
//! [`command`] only, and nothing here is part of the product: no other crate may depend on this one.

#![expect(clippy::print_stdout, reason = "these tools talk to the terminal; nothing here speaks a protocol")]

mod bare_machine;
mod bench;
mod bundle;
mod checks;
mod codegen;
mod command;
mod demo;
mod dist;
mod editor;
mod interpreters;
mod notices;
mod repository;
mod setup;
mod tidy;
mod torch;

use std::process::ExitCode;

use crate::command::Missing;
use crate::repository::Repository;

const USAGE: &str = "\
Usage: cargo xtask COMMAND

  demo                      set up, build, and stop on a breakpoint in examples/iris
  test [FILTER]             set up, then all checks and tests, or only the tests whose name contains FILTER
  setup [--for demo|test]   get what this machine lacks: container engine, base image, debugpy bundle
  tidy                      the house rules that a compiler does not check
  codegen [--check]         write the generated files, or only compare them
  bench [CASE]...           the figures, as ratios against the plain way; --help for more
  editor [STORY]...         of the tests, only those of the editor: set up, build, drive a real VS Code
  interpreters [SUITE]...   stop on a breakpoint in the Python of every Debian release, or of those named
  torch                     the stories that need real PyTorch: make an image of 1.5 GB with it, and run them
  dist [--prove] [PLATFORM] the editor's extension as a package, with the program in it: for this machine's
                            platform, or for linux-x64 or linux-arm64; to prove it, the program runs in the
                            oldest Debian there is, and a VS Code debugs with it and nothing else
  bare-machine [COMMAND]... run the README's commands, or others, in a fresh Debian root of its own

Exit codes: 0 success, 1 something failed, 2 usage, 3 this machine lacks something that cannot be installed.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match perform(&arguments) {
        Ok(code) => code,
        Err(error) => {
            println!("\nerror: {error:#}");
            ExitCode::from(if error.is::<Missing>() { 3 } else { 1 })
        }
    }
}

fn perform(arguments: &[&str]) -> anyhow::Result<ExitCode> {
    let repository = Repository::find()?;
    match arguments {
        ["demo"] => demo::demo(&repository)?,
        ["setup"] | ["setup", "--for", "demo"] => setup::setup(&repository, setup::For::Demo)?,
        ["setup", "--for", "test"] => setup::setup(&repository, setup::For::Test)?,
        ["test"] => return Ok(passed(checks::test(&repository, None)?)),
        ["test", filter] if !filter.starts_with('-') => {
            return Ok(passed(checks::test(&repository, Some(filter))?));
        }
        ["tidy"] => tidy::tidy(&repository)?,
        ["codegen"] => codegen::codegen(&repository, true)?,
        ["codegen", "--check"] => codegen::codegen(&repository, false)?,
        ["editor", stories @ ..] => return Ok(passed(checks::editor(&repository, stories)?)),
        ["interpreters", suites @ ..] => interpreters::interpreters(&repository, suites)?,
        ["torch"] => return Ok(passed(torch::torch(&repository)?)),
        ["dist", words @ ..] => dist::dist(&repository, words)?,
        ["bench", rest @ ..] => bench::bench(&repository, rest)?,
        ["bare-machine", commands @ ..] => bare_machine::bare_machine(&repository, commands)?,
        ["help" | "--help" | "-h"] => print!("{USAGE}"),
        _ => {
            print!("{USAGE}");
            return Ok(ExitCode::from(2));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn passed(all: bool) -> ExitCode {
    if all { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
