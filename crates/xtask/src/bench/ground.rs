//! What all cases stand on: a folder with a small job, an image with debugpy installed, a store of its own.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Instant;

use anyhow::Context as _;

use crate::command::Command;
use crate::repository::Repository;
use crate::setup;

/// Short on purpose: a long script would hide what the tool adds.
const SCRIPT: &str = "\
total = 0
for number in range(1000):
    total += number * number
print(total)
";
pub(super) const SCRIPT_NAME: &str = "train.py";
pub(super) const BREAK_LINE: u32 = 4;

/// The base image with debugpy installed by pip, as the published page tells a user to do.
pub(super) const IMAGE: &str = "aml-debug/bench:debugpy";

#[derive(Clone)]
pub(super) struct Ground {
    /// Holds `train.py`, `job.yml`, `base.yml` (the same on the bare base image) and `build/`.
    pub(super) folder: PathBuf,
    /// The base image that is on this engine.
    pub(super) base: String,
    /// Whether the docker client can use BuildKit; newer ones need a component for it.
    pub(super) buildkit: bool,
    pub(super) repository: Repository,
    pub(super) binary: PathBuf,
    pub(super) variables: Vec<(&'static str, String)>,
}

impl Ground {
    pub(super) fn prepare(repository: &Repository, binary: PathBuf) -> anyhow::Result<Ground> {
        let folder = repository.target.join("bench");
        fs::create_dir_all(folder.join("build"))?;
        let mut variables = setup::variables(repository)?;
        variables.push(("AML_DEBUG_HOME", folder.join("home").display().to_string()));
        let base = setup::base_image::on_this_engine()?.to_owned();
        let repository = repository.clone();
        let mut ground = Ground { buildkit: true, base, repository, binary, variables, folder };
        ground.write(SCRIPT_NAME, SCRIPT)?;
        ground.write("job.yml", &job(IMAGE, SCRIPT_NAME))?;
        ground.write("base.yml", &job(&ground.base, SCRIPT_NAME))?;
        ground.write("build/Dockerfile", &format!("FROM {}\n{INSTALL} debugpy==1.8.22\n", ground.base))?;
        if ground.build(IMAGE, "build").read().is_err() {
            ground.buildkit = false;
            ground.build(IMAGE, "build").read()?;
        }
        Ok(ground)
    }

    pub(super) fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        fs::write(self.folder.join(name), text).with_context(|| format!("write {name}"))
    }

    /// `docker build` as a user would type it.
    pub(super) fn build(&self, image: &str, folder: &str) -> Command {
        let command = Command::new("docker").env("DOCKER_BUILDKIT", if self.buildkit { "1" } else { "0" });
        let command = command.args(["build", "--quiet", "--tag", image]).folder(&self.folder);
        let settings = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"];
        let set = settings.into_iter().filter(|name| std::env::var_os(name).is_some());
        set.fold(command, |command, name| command.args(["--build-arg", name])).arg(folder)
    }

    /// Our command line in the job's folder, to be run once a turn.
    pub(super) fn again(&self, arguments: &[&str]) -> impl Fn() -> Command + use<> {
        let (binary, folder, variables) = (self.binary.clone(), self.folder.clone(), self.variables.clone());
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        move || {
            let command = Command::new(&binary).args(&arguments).folder(&folder);
            variables.iter().fold(command, |command, (name, value)| command.env(name, value))
        }
    }

    /// The archive with debugpy.
    pub(super) fn bundle(&self) -> anyhow::Result<&str> {
        let bundle = self.variables.iter().find(|(name, _)| *name == "AML_DEBUG_BUNDLE");
        bundle.map(|(_, path)| path.as_str()).context("find the bundle with debugpy")
    }

    /// Takes away what the figures have made: images, volumes, containers, the folder. The build cache and the
    /// base image stay, for they are not the figures' alone.
    pub(super) fn clean(&self) -> anyhow::Result<()> {
        for home in ["home", "home-of-editor"] {
            let home = self.folder.join(home);
            if home.is_dir() {
                self.with("AML_DEBUG_HOME", &home.display().to_string()).clean_engine()?;
            }
        }
        remove(&["images", "--quiet", "--filter", "reference=aml-debug/bench"], &["rmi", "--force"])?;
        fs::remove_dir_all(&self.folder).context("remove the folder of the figures")
    }

    fn clean_engine(&self) -> anyhow::Result<()> {
        // Environments of a single turn; the last of each stays for the next time.
        self.again(&["images", "prune", "--json"])().read()?;
        let asked = self.again(&["doctor", "--json"])().read().unwrap_or_default();
        let findings = asked.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let store = findings.filter(|finding| finding["subject"] == "store").find_map(|finding| {
            let arguments = finding["what"]["args"].as_array()?.clone();
            arguments.iter().find(|pair| pair[0] == "id")?[1].as_str().map(str::to_owned)
        });
        let label = format!("label=aml-debug.store={}", store.context("the store has a name")?);
        remove(&["ps", "--all", "--quiet", "--filter", &label], &["rm", "--force", "--volumes"])?;
        remove(&["volume", "ls", "--quiet", "--filter", &label], &["volume", "rm"])
    }

    /// The same with another value of a variable.
    pub(super) fn with(&self, name: &'static str, value: &str) -> Ground {
        let mut other = self.clone();
        other.variables.retain(|(known, _)| *known != name);
        other.variables.push((name, value.to_owned()));
        other
    }

    /// Machine and engine, for the head of the table.
    pub(super) fn machine(&self) -> String {
        let processors = std::thread::available_parallelism().map_or(0, usize::from);
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load = load.split(' ').next().unwrap_or("?").to_owned();
        let engine = Command::new("docker").args(["version", "--format", "{{.Server.Version}}"]).read();
        let engine = engine.unwrap_or_default();
        format!("{processors} processors, load {load}, engine {}, base image {}", engine.trim(), self.base)
    }
}

/// Hands each line of what the first command of the engine's client lists to the second.
pub(super) fn remove(list: &[&str], with: &[&str]) -> anyhow::Result<()> {
    let mut listed: Vec<String> =
        Command::new("docker").args(list).read()?.lines().map(str::to_owned).collect();
    listed.sort();
    listed.dedup();
    if listed.is_empty() {
        return Ok(());
    }
    Command::new("docker").args(with).args(listed).read().map(drop)
}

/// Debian marks its Python as its own; in a throw-away image that is no reason to stop.
pub(super) const INSTALL: &str = "RUN PIP_BREAK_SYSTEM_PACKAGES=1 python -m pip install --no-cache-dir";

/// A job that runs the script in the image.
pub(super) fn job(image: &str, script: &str) -> String {
    format!("type: command\ncode: .\ncommand: python {script}\nenvironment:\n  image: {image}\n")
}

/// How long a command takes, in milliseconds, from before its start to after its end.
pub(super) fn timed(command: Command) -> anyhow::Result<f64> {
    let begin = Instant::now();
    command.read()?;
    Ok(milliseconds(begin))
}

pub(super) fn milliseconds(begin: Instant) -> f64 {
    begin.elapsed().as_secs_f64() * 1000.0
}

/// Starts the docker client with nobody to read what it says.
pub(super) fn start_quietly(command: Command) -> anyhow::Result<Child> {
    let mut command = command.into_inner();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().context("start the docker client")
}

/// A port that was free a moment ago.
pub(super) fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
