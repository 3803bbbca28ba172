//! `cargo xtask torch`: the stories that need real PyTorch, which are too heavy for every run of the tests.
//!
//! Debian's package, and its Open MPI, are installed on the made base image: with what they pull in, 1.5 GB. On top
//! comes `accelerate`, the last release for Debian's PyTorch, from the package index that this machine's pip asks.

use std::fs;
use std::time::Instant;

use anyhow::Context as _;

use crate::checks;
use crate::command::Command;
use crate::repository::Repository;
use crate::setup::{self, For};

/// What the stories look for on the engine.
const IMAGE: &str = "aml-debug/torch:2";

/// What Debian does not have.
const WHEELS: [&str; 3] = ["accelerate==0.30.1", "huggingface_hub==0.25.2", "safetensors==0.4.5"];

/// What those import.
const IMPORTED: &str = "python3-filelock python3-fsspec python3-numpy python3-packaging python3-psutil \
                        python3-requests python3-tqdm python3-typing-extensions python3-yaml";

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
    let wheels = folder.join("wheels");
    fs::create_dir_all(&wheels).context("make a folder for the build")?;
    Command::new("python3")
        .args(["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"])
        .args(["--python-version", "3.11", "--dest"])
        .arg(&wheels)
        .args(WHEELS)
        .run()?;
    let install = |packages: &str| {
        let install = "apt-get install -y --no-install-recommends";
        format!("RUN apt-get update && {install} {packages} && rm -rf /var/lib/apt/lists\n")
    };
    let text = format!(
        "FROM {}\n{}{}COPY wheels /opt/wheels\n\
         RUN pip install --break-system-packages --no-index --no-deps /opt/wheels/*.whl\n",
        setup::MADE_BASE_IMAGE,
        install("openmpi-bin python3-torch"),
        install(IMPORTED)
    );
    fs::write(folder.join("Dockerfile"), text).context("write the recipe")?;
    Command::new("docker").args(["build", "--tag", IMAGE]).arg(&folder).run()?;
    println!("made in {} s", begin.elapsed().as_secs());
    Ok(())
}
