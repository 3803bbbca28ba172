//! Packages of the distribution: Debian's and Ubuntu's, through `apt-get`.

use crate::command::{self, Command};

/// Those of `names` that dpkg does not have, each once.
pub(super) fn not_installed(names: &[&str]) -> Vec<String> {
    let mut missing: Vec<String> = Vec::new();
    for name in names {
        if !missing.iter().any(|known| known == name) && !is_installed(name) {
            missing.push((*name).to_owned());
        }
    }
    missing
}

/// Why packages cannot be installed here, if so, with what to do by hand.
pub(super) fn obstacle(names: &[String]) -> Option<String> {
    let names = names.join(" ");
    if !command::on_path("apt-get") {
        return Some(format!(
            "what Debian calls {names}: this is neither Debian nor Ubuntu; install their like with this \
             system's package manager, or set DOCKER_HOST to an engine that runs elsewhere"
        ));
    }
    (!super::may_be_root())
        .then(|| format!("the packages {names}: ask an administrator for `apt-get install {names}`"))
}

/// Installs them without what they merely recommend.
pub(super) fn install(names: &[String]) -> anyhow::Result<()> {
    apt().args(["update", "--quiet"]).run_quietly()?;
    let mut names = names.to_vec();
    if names.iter().any(|name| name == "docker.io") {
        // Newer distributions keep the client and its BuildKit part in packages of their own.
        names.extend(
            ["docker-cli", "docker-buildx"].map(str::to_owned).into_iter().filter(|name| exists(name)),
        );
    }
    apt().args(["install", "--yes", "--quiet", "--no-install-recommends"]).args(names).run_quietly()
}

fn apt() -> Command {
    Command::as_root("env").args(["DEBIAN_FRONTEND=noninteractive", "apt-get"])
}

fn is_installed(name: &str) -> bool {
    Command::new("dpkg-query")
        .args(["--show", "--showformat", "${db:Status-Status}", name])
        .read()
        .is_ok_and(|status| status == "installed")
}

fn exists(name: &str) -> bool {
    Command::new("apt-cache")
        .args(["show", "--no-all-versions", name])
        .read()
        .is_ok_and(|text| !text.is_empty())
}
