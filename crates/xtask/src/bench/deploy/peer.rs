//! azure-ai-ml as the other way to deploy on this machine: its environment, an image as Azure has them for
//! inference, and a registry on loopback, since it pulls the base image of every build.

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::super::ground::{self, Ground, INSTALL};
use crate::command::{self, Command, Missing};

/// With the inference server below a supervisor, as Azure's minimal inference images have it.
pub(super) const IMAGE: &str = "aml-debug/bench:inference";
/// The same with debugpy, as the published page tells a user to add it.
pub(super) const DEBUGPY_IMAGE: &str = "aml-debug/bench:inference-debugpy";
pub(super) const ENDPOINT: &str = "aml-debug-bench";

const REQUIREMENTS: [&str; 2] = ["azure-ai-ml==1.35.2", "docker==7.1.0"];
const SCRIPT: &str = include_str!("azure_ai_ml.py");
/// There is no conda in a closed network; what azure-ai-ml asks of it is done by pip.
const CONDA: &str = include_str!("conda.sh");
const RUN: &str = "#!/bin/sh\nexec python -m azureml_inference_server_http.amlserver --port 5001 \
                   --entry_script \"$AML_APP_ROOT/$AZUREML_ENTRY_SCRIPT\"\n";

/// A conda file of the packages that a scikit-learn model wants.
pub(super) fn conda_file(name: &str) -> String {
    let packages = ["numpy", "pandas", "scikit-learn", "azureml-inference-server-http"];
    let lines: String = packages.iter().map(|package| format!("      - {package}\n")).collect();
    format!("name: {name}\ndependencies:\n  - python=3.11\n  - pip\n  - pip:\n{lines}")
}

/// Builds both images; what is there already costs nothing.
pub(super) fn build(ground: &Ground) -> anyhow::Result<()> {
    let folder = ground.folder.join("inference");
    fs::create_dir_all(&folder)?;
    if !folder.join("runit/usr/bin/runsvdir").exists() {
        let fetch = "apt-get download -qq runit && dpkg -x runit_*.deb runit";
        Command::new("sh").args(["-c", fetch]).folder(&folder).read().context("fetch Debian's runit")?;
    }
    for (name, text) in [("conda", CONDA), ("run", RUN)] {
        fs::write(folder.join(name), text)?;
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o755))?;
    }
    let dockerfile = format!(
        "FROM {}\n{INSTALL} azureml-inference-server-http\nCOPY runit/usr/bin /usr/bin\n\
         COPY conda /usr/local/bin/conda\nCOPY run /var/runit/gunicorn/run\nEXPOSE 5001\n\
         CMD [\"runsvdir\", \"/var/runit\"]\n",
        ground.base
    );
    fs::write(folder.join("Dockerfile"), dockerfile)?;
    ground.build(IMAGE, "inference").read()?;
    fs::create_dir_all(ground.folder.join("inference-debugpy"))?;
    ground.write("inference-debugpy/Dockerfile", &format!("FROM {IMAGE}\n{INSTALL} debugpy==1.8.22\n"))?;
    ground.build(DEBUGPY_IMAGE, "inference-debugpy").read().map(drop)
}

/// It, ready to deploy.
pub(super) struct Peer {
    python: PathBuf,
    /// Where it keeps what it knows; the user's own stays as it is.
    home: PathBuf,
    registry: Registry,
}

impl Peer {
    pub(super) fn prepare(ground: &Ground) -> anyhow::Result<Peer> {
        build(ground)?;
        let registry = Registry::start(&ground.folder)?;
        registry.take(IMAGE)?;
        let home = ground.folder.join("home-of-azure-ai-ml");
        fs::create_dir_all(&home)?;
        let peer = Peer { python: installed(&ground.folder)?, home, registry };
        let endpoint = ground.folder.join("endpoint.yml");
        fs::write(&endpoint, format!("name: {ENDPOINT}\nauth_mode: key\n"))?;
        peer.command("endpoint", &endpoint.display().to_string()).read()?;
        Ok(peer)
    }

    /// Lines below `environment`.
    pub(super) fn image_only(&self) -> String {
        format!("  image: {}\n", self.registry.name())
    }

    /// Lines below `environment`, with what has to be installed.
    pub(super) fn with_conda(&self) -> String {
        format!("{}  conda_file: conda.yml\n", self.image_only())
    }

    pub(super) fn deploy(&self, spec: &str) -> Command {
        self.command("deploy", spec)
    }

    /// The port that its container answers on.
    pub(super) fn port(&self) -> anyhow::Result<u16> {
        let said = Command::new("docker").args(["port", &container(), "5001"]).read()?;
        let port =
            said.lines().next().and_then(|line| line.rsplit(':').next()).context("it publishes a port")?;
        Ok(port.parse()?)
    }

    pub(super) fn remove(&self) -> anyhow::Result<()> {
        Command::new("docker").args(["rm", "--force", &container()]).read().map(drop)
    }

    fn command(&self, verb: &str, file: &str) -> Command {
        Command::new(&self.python).args(["-c", SCRIPT, verb, file]).env("HOME", &self.home)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.remove();
        // What its builder leaves behind, a container for each step.
        let of_image = format!("ancestor={}", self.registry.name());
        let list = ["ps", "--all", "--quiet", "--filter", "status=created", "--filter", "status=exited"];
        let steps = Command::new("docker").args(list).args(["--filter", &of_image]).read();
        for step in steps.unwrap_or_default().lines() {
            let _ = Command::new("docker").args(["rm", step]).read();
        }
        let _ = Command::new("docker").args(["rmi", "--force", &format!("{ENDPOINT}:blue")]).read();
    }
}

fn container() -> String {
    format!("{ENDPOINT}.blue")
}

/// Its Python, made once for each folder of the build.
fn installed(bench: &Path) -> anyhow::Result<PathBuf> {
    let folder = bench.with_file_name("azure-ai-ml");
    let mark = folder.join("requirements");
    if fs::read_to_string(&mark).ok().as_deref() != Some(&REQUIREMENTS.join(" ")) {
        Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder).run_quietly()?;
        let pip = Command::new(folder.join("bin/python")).args(["-m", "pip", "install", "--quiet"]);
        pip.args(REQUIREMENTS).run_quietly()?;
        fs::write(&mark, REQUIREMENTS.join(" "))?;
    }
    Ok(folder.join("bin/python"))
}

/// Debian's registry, with one image.
struct Registry {
    server: Child,
    host: String,
}

/// How long it may take to listen.
const LIMIT: Duration = Duration::from_secs(10);

impl Registry {
    fn start(folder: &Path) -> anyhow::Result<Registry> {
        if !command::on_path("docker-registry") {
            return Err(Missing("the package docker-registry is needed for this case".into()).into());
        }
        let host = format!("127.0.0.1:{}", ground::free_port()?);
        let config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: {host}}}\n",
            folder.join("registry").display()
        );
        fs::write(folder.join("registry.yml"), config)?;
        let server = Command::new("docker-registry").arg("serve").arg(folder.join("registry.yml"));
        let server = server.into_inner().stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let registry = Registry { server, host };
        let begin = Instant::now();
        while TcpStream::connect(&registry.host).is_err() {
            anyhow::ensure!(begin.elapsed() < LIMIT, "the registry does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(registry)
    }

    fn name(&self) -> String {
        format!("{}/inference:1", self.host)
    }

    /// It is there and here.
    fn take(&self, image: &str) -> anyhow::Result<()> {
        Command::new("docker").args(["tag", image, &self.name()]).read()?;
        Command::new("docker").args(["push", "--quiet", &self.name()]).read().map(drop)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = Command::new("docker").args(["rmi", &self.name()]).read();
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
