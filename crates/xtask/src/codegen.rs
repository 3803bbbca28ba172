//! `cargo xtask codegen`: the generated copies of what is said once in Rust.
//!
//! The protocol crate's own test writes them, so its types need no second door.

use crate::command::Command;
use crate::repository::Repository;

/// Writes the generated files, or only compares them.
pub(crate) fn codegen(repository: &Repository, write: bool) -> anyhow::Result<()> {
    let command = Command::new("cargo")
        .args(["test", "--quiet", "--package", "protocol", "--lib", "--", "export::"])
        .folder(&repository.root);
    let command = if write { command.env("AML_DEBUG_CODEGEN", "write") } else { command };
    command.run_quietly()?;
    println!("editors/vscode/src/protocol.ts says what crates/protocol says");
    Ok(())
}
