//! The base image of the example and the tests: the published one where it can be pulled, or one made from the
//! distribution's packages in a closed network.
//!
//! A made image stands in for the published one by image rewriting, so specs keep the published name.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use anyhow::Context as _;

use crate::command::Command;
use crate::repository::Repository;

/// The image that Azure ML's curated environments of the example's time start from.
const PUBLISHED: &str = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:20251130.v1";
const PUBLISHED_REPOSITORY: &str = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04";

/// The stand-in. Always the same release of Debian, whatever the machine: the example asks for its Python 3.11.
pub(super) const MADE: &str = "aml-debug/base:bookworm";
pub(crate) const SUITE: &str = "bookworm";

/// What making the stand-in needs; the keyring is what debootstrap checks the release's signature with.
pub(super) const PACKAGES: [&str; 2] = ["debootstrap", "debian-archive-keyring"];

/// How long the registry may take for its first word. Downloading may take as long as it needs.
const FIRST_WORD: Duration = Duration::from_secs(20);

/// What a reader is told before it is fetched or made.
pub(super) fn intent() -> String {
    format!(
        "pull the base image {PUBLISHED}, or make {MADE} from Debian's packages where it cannot be pulled"
    )
}

/// Whether one of the two is on the engine.
pub(super) fn is_there() -> bool {
    is_on_engine(PUBLISHED) || is_on_engine(MADE)
}

/// The one of the two that is on the engine.
pub(crate) fn on_this_engine() -> anyhow::Result<&'static str> {
    let there = [PUBLISHED, MADE].into_iter().find(|image| is_on_engine(image));
    there.context("there is no base image on the engine; run `cargo xtask setup`")
}

/// `registry/prefix=replacement` where the stand-in is used.
pub(super) fn rewrite() -> anyhow::Result<Option<String>> {
    let rewritten = on_this_engine()? == MADE;
    Ok(rewritten.then(|| format!("{PUBLISHED_REPOSITORY}={MADE}")))
}

/// Pulls the published image or makes the stand-in.
pub(super) fn get(repository: &Repository) -> anyhow::Result<()> {
    // The look before the first step could not ask an engine that did not run yet.
    if is_there() {
        println!("a base image is on the engine already");
        return Ok(());
    }
    match pull() {
        Ok(()) => Ok(()),
        Err(error) => {
            println!("the published image cannot be had here: {error:#}");
            make(repository)
        }
    }
}

fn is_on_engine(image: &str) -> bool {
    Command::new("docker").args(["image", "inspect", "--format", "{{.Id}}", image]).succeeds()
}

fn pull() -> anyhow::Result<()> {
    let command = Command::new("docker").args(["pull", PUBLISHED]);
    println!("$ {}", command.shown());
    let mut child = command
        .into_inner()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("start the docker client")?;
    let (said, heard) = mpsc::channel();
    let output = BufReader::new(child.stdout.take().context("read the docker client")?);
    let reader = std::thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            println!("{line}");
            let _ = said.send(());
        }
    });
    // The client speaks first when the registry has answered; a "no" ends it, and with it the channel.
    let timed_out = heard.recv_timeout(FIRST_WORD) == Err(mpsc::RecvTimeoutError::Timeout);
    if timed_out {
        child.kill()?;
    }
    let output = child.wait_with_output()?;
    let _ = reader.join();
    anyhow::ensure!(!timed_out, "the registry said nothing within {} s", FIRST_WORD.as_secs());
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}

fn make(repository: &Repository) -> anyhow::Result<()> {
    make_of(repository, SUITE, MADE, "ca-certificates,python3,python3-pip,python3-venv")
}

/// An image with the Python of another release, made where there is none yet.
pub(crate) fn of_suite(repository: &Repository, suite: &str) -> anyhow::Result<String> {
    let image = format!("aml-debug/base:{suite}");
    if !is_on_engine(&image) {
        make_of(repository, suite, &image, "ca-certificates,python3")?;
    }
    Ok(image)
}

fn make_of(repository: &Repository, suite: &str, image: &str, packages: &str) -> anyhow::Result<()> {
    let root = repository.target.join("base-image");
    // Left behind by a run that was stopped; debootstrap wants an empty folder.
    remove(&root)?;
    fs::create_dir_all(&repository.target)?;
    println!("making {image} (about a minute)");
    let made = debootstrap(&root, suite, packages)
        .and_then(|()| copy_certificates(&root))
        .and_then(|()| tidy_up(&root))
        .and_then(|()| import(&root, image));
    remove(&root)?;
    made
}

fn remove(root: &Path) -> anyhow::Result<()> {
    Command::as_root("rm").args(["-rf", "--one-file-system"]).arg(root).read().map(drop)
}

/// Makes a root folder with the release's essential packages and those of the list, separated by commas.
pub(crate) fn debootstrap(root: &Path, suite: &str, packages: &str) -> anyhow::Result<()> {
    let command = Command::as_root("debootstrap")
        .arg("--variant=minbase")
        .arg(format!("--include={packages}"))
        .arg(suite)
        .arg(root)
        .args(mirror());
    println!("$ {}", command.shown());
    let log = root.join("debootstrap/debootstrap.log");
    command.read().map(drop).map_err(|error| {
        let log = fs::read_to_string(&log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        error.context(format!("debootstrap says:\n{}", lines[lines.len().saturating_sub(15)..].join("\n")))
    })
}

/// Lets the root folder trust the certificate authorities that this machine trusts.
pub(crate) fn copy_certificates(root: &Path) -> anyhow::Result<()> {
    let script = r#"
set -e
mkdir -p "$1/usr/local/share/ca-certificates"
for file in /usr/local/share/ca-certificates/*.crt; do
    if [ -f "$file" ]; then cp "$file" "$1/usr/local/share/ca-certificates/"; fi
done
chroot "$1" update-ca-certificates --fresh >/dev/null
# The user may have named another bundle; what it trusts beyond ours is added.
if [ -f "$2" ]; then cat "$2" >>"$1/etc/ssl/certs/ca-certificates.crt"; fi
"#;
    let bundle = std::env::var("SSL_CERT_FILE").unwrap_or_default();
    let bundle = if bundle == "/etc/ssl/certs/ca-certificates.crt" { String::new() } else { bundle };
    Command::as_root("sh").args(["-c", script, "sh"]).arg(root).arg(bundle).read().map(drop)
}

/// What a package list cannot say: the plain name `python`, and no leftovers.
fn tidy_up(root: &Path) -> anyhow::Result<()> {
    let script = r#"
ln -sf python3 "$1/usr/bin/python"
rm -rf "$1"/var/cache/apt/archives/*.deb "$1"/var/lib/apt/lists/* "$1"/var/log/* "$1/debootstrap"
"#;
    Command::as_root("sh").args(["-c", script, "sh"]).arg(root).read().map(drop)
}

fn import(root: &Path, image: &str) -> anyhow::Result<()> {
    let mut archive = Command::as_root("tar")
        .args(["--create", "--one-file-system", "--numeric-owner", "--directory"])
        .arg(root)
        .arg(".")
        .into_inner()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("start tar")?;
    let stream = archive.stdout.take().context("read from tar")?;
    let command = Command::new("docker").args(["import", "--change", "CMD [\"bash\"]", "-", image]);
    println!("$ tar --create ... | {}", command.shown());
    let output = command.into_inner().stdin(stream).output().context("start the docker client")?;
    let packed = archive.wait()?;
    anyhow::ensure!(
        output.status.success() && packed.success(),
        "failed to import the image: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}

/// A Debian machine's own mirror, which a closed network may need; elsewhere debootstrap knows a public one.
fn mirror() -> Option<String> {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    if !release.lines().any(|line| line == "ID=debian") {
        return None;
    }
    let format = "$(REPO_URI) $(COMPONENT) $(CODENAME)";
    let targets = Command::new("apt-get").args(["indextargets", "--format", format, "Identifier: Packages"]);
    mirror_among(&targets.read().unwrap_or_default())
}

/// The first source of a Debian release proper: not of its security or update lists, not of a third party.
fn mirror_among(targets: &str) -> Option<String> {
    targets.lines().find_map(|line| {
        let mut words = line.split(' ');
        let (address, component, release) = (words.next()?, words.next()?, words.next()?);
        let debian = address.trim_end_matches('/').ends_with("/debian") && component == "main";
        (debian && !release.contains('-')).then(|| address.trim_end_matches('/').to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_is_the_machines_own_and_never_a_third_partys() {
        let targets = "\
https://example.org/apt/ main cloud-sdk-bookworm
http://mirror.example/debian-security/ main bookworm-security
http://mirror.example/debian/ main bookworm-updates
http://mirror.example/debian/ main bookworm
";
        assert_eq!(mirror_among(targets).as_deref(), Some("http://mirror.example/debian"));
        assert_eq!(mirror_among("https://example.org/apt/ main stable\n"), None);
    }
}
