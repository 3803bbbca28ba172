//! The engine as its own client shows it: what is left there is not asked of the program under test.

use std::process::Command;

/// The published image that the stories name; rewriting maps it to what `cargo xtask setup` has made where
/// it cannot be pulled.
pub(crate) const BASE: &str = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:20251130.v1";

const MADE: &str = "aml-debug/base:bookworm";

/// The image that stands for [`BASE`] on this engine.
pub(crate) fn base() -> &'static str {
    if docker_says(&["image", "inspect", MADE]).is_some() { MADE } else { BASE }
}

/// The rewriting under which specs that name [`BASE`] run here.
pub(crate) fn rewrite() -> String {
    let set = std::env::var("AML_DEBUG_IMAGE_REWRITE").ok();
    set.unwrap_or_else(|| match base() {
        MADE => format!("{}={MADE}", BASE.rsplit_once(':').map_or(BASE, |(name, _)| name)),
        _ => String::new(),
    })
}

/// Output of the engine's client, which must succeed.
pub(crate) fn docker(arguments: &[&str]) -> String {
    docker_says(arguments).unwrap_or_else(|| panic!("docker {arguments:?} failed"))
}

/// Output of the engine's client; `None` where it fails.
pub(crate) fn docker_says(arguments: &[&str]) -> Option<String> {
    let output = Command::new("docker").args(arguments).output().expect("the docker client");
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Ids of all containers with this label, running or not.
pub(crate) fn containers(label: &str) -> Vec<String> {
    lines(&docker(&["ps", "--all", "--quiet", "--no-trunc", "--filter", &format!("label={label}")]))
}

/// Names of all volumes with this label.
pub(crate) fn volumes(label: &str) -> Vec<String> {
    lines(&docker(&["volume", "ls", "--quiet", "--filter", &format!("label={label}")]))
}

fn lines(text: &str) -> Vec<String> {
    text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// The engine's socket on this machine.
pub(crate) fn socket() -> String {
    let host = std::env::var("DOCKER_HOST").unwrap_or_default();
    host.strip_prefix("unix://").unwrap_or("/var/run/docker.sock").to_owned()
}
