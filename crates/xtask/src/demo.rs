//! `cargo xtask demo`: from a bare machine to a stop on a breakpoint inside the example's container.

use std::time::Instant;

use crate::command::Command;
use crate::repository::Repository;
use crate::setup::{self, For};

/// Where the example stops: a line of the example's `evaluate`, counted from one.
const STOP_LINE: u32 = 36;
const STOP_FILE: &str = "src/train.py";

/// Sets up, builds, and debugs `examples/iris`.
pub(crate) fn demo(repository: &Repository) -> anyhow::Result<()> {
    let begin = Instant::now();
    setup::setup(repository, For::Demo)?;

    println!("\n== Building aml-debug (release; two to four minutes the first time) ==");
    Command::new("cargo")
        .args(["build", "--quiet", "--release", "--package", "sidecar"])
        .folder(&repository.root)
        .run()?;

    println!("\n== Debugging the example in its container ==");
    println!(
        "examples/iris trains a small model. It knows nothing of a debugger, and neither does its environment."
    );
    println!("The first run builds the environment's image; later runs reuse it.\n");
    let run = Instant::now();
    let mut command = Command::new(repository.binary("release"))
        .args(["run", "job.yml", "--debug", "--break"])
        .arg(format!("{STOP_FILE}:{STOP_LINE}"))
        .folder(&repository.root.join("examples/iris"));
    for (name, value) in setup::variables(repository)? {
        command = command.env(name, value);
    }
    command.run()?;

    println!("\n== Done ==");
    println!("The breakpoint was hit, its locals are above, and the script then ran to its end.");
    println!("This run took {} s, the whole demo {} s.", run.elapsed().as_secs(), begin.elapsed().as_secs());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_stops_where_its_locals_are_worth_a_look() -> anyhow::Result<()> {
        let example = Repository::find()?.root.join("examples/iris");
        let script = std::fs::read_to_string(example.join(STOP_FILE))?;
        assert_eq!(script.lines().nth(STOP_LINE as usize - 1), Some("    accuracy = 1 - wrong / count"));
        let readme = std::fs::read_to_string(example.join("README.md"))?;
        assert!(readme.contains(&format!("--break {STOP_FILE}:{STOP_LINE}")));
        Ok(())
    }
}
