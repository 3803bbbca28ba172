//! Where the repository and its target folder are.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::command::Command;

/// The folders that the tools work in.
#[derive(Debug, Clone)]
pub(crate) struct Repository {
    /// The folder of the workspace's `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// Cargo's target folder, wherever the user's configuration puts it.
    pub(crate) target: PathBuf,
}

impl Repository {
    /// Asks cargo; the working directory does not matter.
    pub(crate) fn find() -> anyhow::Result<Repository> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = manifest.ancestors().nth(2).context("find the repository's root")?.to_owned();
        let metadata = Command::new("cargo")
            .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
            .folder(&root)
            .read()?;
        let metadata: serde_json::Value = serde_json::from_str(&metadata).context("read cargo's metadata")?;
        let target = metadata["target_directory"].as_str().context("find the target folder")?;
        Ok(Repository { target: PathBuf::from(target), root })
    }

    /// The binary as `cargo build` leaves it.
    pub(crate) fn binary(&self, profile: &str) -> PathBuf {
        self.target.join(profile).join(format!("aml-debug{}", std::env::consts::EXE_SUFFIX))
    }

    /// The debugpy bundle that [`crate::bundle`] makes; the binary finds it beside itself.
    pub(crate) fn bundle(&self) -> PathBuf {
        self.target.join("bundle").join("debugpy.tar")
    }
}
