//! `cargo xtask setup`: everything that the demo and the tests need and a bare Debian or Ubuntu machine lacks.
//!
//! First look, then say, then do: [`Need`] is what the look found, in the order in which it is met. Nothing is
//! done that was not said. What is there is left alone, so a second call does nothing; an engine that answers is
//! used as it is.

pub(crate) mod base_image;
mod engine;
mod packages;

use std::time::Instant;

use crate::command::{self, Command, Missing};
use crate::repository::Repository;
use crate::{bundle, editor, setup::engine::Answer};

/// What the machine is made ready for; the tests need more than the demo.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum For {
    /// Running and debugging.
    Demo,
    /// All of it, and what the tests use as third parties.
    Test,
}

/// One thing that is not there yet.
#[derive(Debug, PartialEq)]
enum Need {
    /// Packages of the distribution.
    Packages(Vec<String>),
    /// The engine's daemon does not run.
    Engine,
    /// It runs, but this user may not talk to it.
    Access,
    /// No base image on the engine.
    BaseImage,
    /// No debugpy bundle in the target folder.
    Bundle,
    /// A VS Code to drive and the extension's tools.
    Editor,
}

impl Need {
    fn intent(&self) -> String {
        match self {
            Need::Packages(names) => format!("install from the distribution: {}", names.join(" ")),
            Need::Engine => engine::intent(),
            Need::Access => "let this user use the container engine, by the group `docker`".into(),
            Need::BaseImage => base_image::intent(),
            Need::Bundle => bundle::intent(),
            Need::Editor => editor::intent(),
        }
    }
}

/// The base image that is made from Debian's packages.
pub(crate) const MADE_BASE_IMAGE: &str = base_image::MADE;

/// Programs that tests start, and their packages: scripts to instrument, a registry to pull from, certificates to
/// distrust, a client to compare answers with, a debugger that is not ours, another editor, nodes of a network, a host
/// before them, repositories behind ssh, and a second engine.
const TEST_PROGRAMS: [(&str, &str); 12] = [
    ("python3", "python3"),
    ("docker-registry", "docker-registry"),
    ("openssl", "openssl"),
    ("curl", "curl"),
    ("node", "nodejs"),
    ("npm", "npm"),
    ("nvim", "neovim"),
    ("ip", "iproute2"),
    ("git", "git"),
    ("ssh-agent", "openssh-client"),
    ("/usr/sbin/sshd", "openssh-server"),
    ("dockerd", "docker.io"),
];

/// Makes the machine ready, or says what is missing and how to get it ([`Missing`]).
pub(crate) fn setup(repository: &Repository, purpose: For) -> anyhow::Result<()> {
    let begin = Instant::now();
    let needs = look(repository, purpose);
    if needs.is_empty() {
        println!("setup: nothing to do");
        return Ok(());
    }
    println!("setup: this machine lacks something; this will");
    for (index, need) in needs.iter().enumerate() {
        println!("  {}. {}", index + 1, need.intent());
    }
    refuse_what_cannot_be_done(&needs)?;
    for (index, need) in needs.iter().enumerate() {
        println!("\nsetup {}/{}: {}", index + 1, needs.len(), need.intent());
        match need {
            Need::Packages(names) => packages::install(names)?,
            Need::Engine => engine::start(repository)?,
            Need::Access => engine::grant_access()?,
            Need::BaseImage => base_image::get(repository)?,
            Need::Bundle => bundle::make(repository)?,
            Need::Editor => editor::get(repository)?,
        }
    }
    println!("\nsetup: done in {} s", begin.elapsed().as_secs());
    Ok(())
}

/// Variables under which `aml-debug` finds what the set-up made.
pub(crate) fn variables(repository: &Repository) -> anyhow::Result<Vec<(&'static str, String)>> {
    let mut variables = vec![("AML_DEBUG_BUNDLE", repository.bundle().display().to_string())];
    if let Some(rewrite) = base_image::rewrite()? {
        variables.push(("AML_DEBUG_IMAGE_REWRITE", rewrite));
    }
    Ok(variables)
}

fn look(repository: &Repository, purpose: For) -> Vec<Need> {
    let mut needs = Vec::new();
    let mut packages: Vec<&str> = Vec::new();
    let client = command::on_path("docker");
    let answer = if client { engine::ask() } else { Answer::None(String::new()) };
    if !client || (answer.is_none() && !command::on_path("dockerd") && !engine::is_elsewhere()) {
        packages.extend(engine::PACKAGES);
    }
    match answer {
        Answer::Version(_) => {}
        Answer::Forbidden => needs.push(Need::Access),
        Answer::None(_) => {
            needs.push(Need::Engine);
            if !engine::is_open_to_us() {
                needs.push(Need::Access);
            }
        }
    }
    if !base_image::is_there() {
        packages.extend(base_image::PACKAGES);
        needs.push(Need::BaseImage);
    }
    if !bundle::is_there(repository) {
        if !Command::new("python3").args(["-m", "pip", "--version"]).succeeds() {
            packages.extend(["python3", "python3-pip"]);
        }
        needs.push(Need::Bundle);
    }
    if purpose == For::Test {
        let missing = TEST_PROGRAMS.into_iter().filter(|(program, _)| !command::on_path(program));
        packages.extend(missing.map(|(_, package)| package));
        packages.extend(editor::packages());
        if !editor::is_there(repository) {
            needs.push(Need::Editor);
        }
    }
    let packages = packages::not_installed(&packages);
    if !packages.is_empty() {
        needs.insert(0, Need::Packages(packages));
    }
    needs
}

/// Says everything that is missing at once, before the first step is taken.
fn refuse_what_cannot_be_done(needs: &[Need]) -> anyhow::Result<()> {
    let mut missing = Vec::new();
    for need in needs {
        match need {
            Need::Packages(names) => missing.extend(packages::obstacle(names)),
            Need::Engine => missing.extend(engine::obstacle()),
            Need::Access | Need::BaseImage if !may_be_root() => {
                missing.push(format!("root or sudo, to {}", need.intent()));
            }
            _ => {}
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let list: String = missing.iter().map(|line| format!("\n  - {line}")).collect();
    Err(Missing(format!("this machine lacks, and this user may not install:{list}")).into())
}

/// Whether root's work can be done: by root, or by a user whom `sudo` lets.
fn may_be_root() -> bool {
    command::is_root() || (command::on_path("sudo") && sudo_lets_us())
}

fn sudo_lets_us() -> bool {
    use std::io::IsTerminal as _;
    // On a terminal sudo may ask for the password when the first step needs it.
    std::io::stdin().is_terminal() || Command::new("sudo").args(["-n", "true"]).succeeds()
}
