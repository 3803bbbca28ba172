//! `cargo xtask torch`: the stories that need real PyTorch, which are too heavy for every run of the tests.
//!
//! Debian's package, and its Open MPI, are installed on the made base image: with what they pull in, 1.5 GB.

use std::fs;
use std::time::Instant;

use anyhow::Context as _;

use crate::checks;
use crate::command::Command;
use crate::repository::Repository;
use crate::setup::{self, For};

/// What the stories look for on the engine.
const IMAGE: &str = "aml-debug/torch:bookworm";

/// Makes the image where it is not there, and runs the stories; whether they passed.
pub(crate) fn torch(repository: &Repository) -> anyhow::Result<bool> {
    setup::setup(repository, For::Test)?;
    if !Command::new("docker").args(["image", "inspect", "--format", "{{.Id}}", IMAGE]).succeeds() {
        make(repository)?;
    }
    checks::test(repository, Some("torch::"))
}

fn make(repository: &Repository) -> anyhow::Result<()> {
    let begin = Instant::now();
    println!("making {IMAGE} with Debian's PyTorch, which takes some minutes");
    let folder = repository.root.join("target/torch");
    fs::create_dir_all(&folder).context("make a folder for the build")?;
    let text = format!(
        "FROM {}\nRUN apt-get update && apt-get install -y --no-install-recommends openmpi-bin python3-torch && rm -rf /var/lib/apt/lists\n",
        setup::MADE_BASE_IMAGE
    );
    fs::write(folder.join("Dockerfile"), text).context("write the recipe")?;
    Command::new("docker").args(["build", "--tag", IMAGE]).arg(&folder).run()?;
    println!("made in {} s", begin.elapsed().as_secs());
    Ok(())
}
