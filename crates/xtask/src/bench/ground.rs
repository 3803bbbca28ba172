//! What all cases stand on: a folder with a small job, an image with debugpy installed, a store of its own.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
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
    binary: PathBuf,
    variables: Vec<(&'static str, String)>,
}

impl Ground {
    pub(super) fn prepare(repository: &Repository) -> anyhow::Result<Ground> {
        let folder = repository.target.join("bench");
        fs::create_dir_all(folder.join("build"))?;
        let mut variables = setup::variables(repository)?;
        variables.push(("AML_DEBUG_HOME", folder.join("home").display().to_string()));
        let base = setup::base_image::on_this_engine()?.to_owned();
        let mut ground =
            Ground { buildkit: true, base, binary: repository.binary("release"), variables, folder };
        ground.write(SCRIPT_NAME, SCRIPT)?;
        ground.write("job.yml", &job(IMAGE))?;
        ground.write("base.yml", &job(&ground.base))?;
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

/// Debian marks its Python as its own; in a throw-away image that is no reason to stop.
pub(super) const INSTALL: &str = "RUN PIP_BREAK_SYSTEM_PACKAGES=1 python -m pip install --no-cache-dir";

fn job(image: &str) -> String {
    format!("type: command\ncode: .\ncommand: python {SCRIPT_NAME}\nenvironment:\n  image: {image}\n")
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

/// A port that was free a moment ago.
pub(super) fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
