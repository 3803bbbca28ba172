//! The container engine: whether one answers, and how to start one where none does.
//!
//! A machine with systemd starts it as a service. Containers and sandboxes have none; there the distribution's
//! start script is tried and then the daemon itself, in the background, with its log and process id in the
//! target folder. Its data stays where the distribution puts it, so the next start finds the images.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::command::{self, Command, Missing};
use crate::repository::Repository;

/// What a machine without an engine installs. `iptables` is only recommended by the engine's package, which
/// cannot give a container a network without it.
pub(super) const PACKAGES: [&str; 3] = ["docker.io", "iptables", "ca-certificates"];

/// How long a daemon may take to answer. Slow disks and a first start with an empty data folder took 6 s.
const START_LIMIT: Duration = Duration::from_secs(45);

/// What the engine said when asked for its version.
#[derive(Debug, PartialEq)]
pub(super) enum Answer {
    /// It runs.
    Version(String),
    /// It runs, and does not let this user in.
    Forbidden,
    /// Nobody answers; with the client's words.
    None(String),
}

impl Answer {
    pub(super) fn is_none(&self) -> bool {
        matches!(self, Answer::None(_))
    }
}

/// Asks the engine that the client's settings name (`DOCKER_HOST`, context, default socket).
pub(super) fn ask() -> Answer {
    let version = Command::new("docker").args(["version", "--format", "{{.Server.Version}}"]);
    match version.read_within(Duration::from_secs(20)) {
        Ok(version) => Answer::Version(version.trim().to_owned()),
        Err(error) if format!("{error:#}").contains("permission denied") => Answer::Forbidden,
        Err(error) => Answer::None(format!("{error:#}")),
    }
}

/// Whether the user's settings name an engine that is not this machine's own.
pub(super) fn is_elsewhere() -> bool {
    let host = std::env::var("DOCKER_HOST").unwrap_or_default();
    !host.is_empty() || std::env::var_os("DOCKER_CONTEXT").is_some()
}

/// What a reader is told before it is started.
pub(super) fn intent() -> String {
    let way = match (has_systemd(), start_script().is_some()) {
        (true, _) => "by systemd",
        (false, true) => "by its start script, or else in the background",
        (false, false) => "in the background",
    };
    format!("start the container engine {way}")
}

/// Why it cannot be started here, if so.
pub(super) fn obstacle() -> Option<String> {
    if is_elsewhere() {
        return Some(
            "an answer from the engine that DOCKER_HOST or DOCKER_CONTEXT names: start it, or unset the \
             variable to use an engine on this machine"
                .to_owned(),
        );
    }
    (!super::may_be_root()).then(|| {
        "a running container engine: start one, or set DOCKER_HOST to one that you may use".to_owned()
    })
}

/// Starts it and waits until it answers.
pub(super) fn start(repository: &Repository) -> anyhow::Result<()> {
    // Installing the package may have started it.
    if wait(Duration::from_secs(2), || true).is_ok() {
        return Ok(());
    }
    if has_systemd() {
        Command::as_root("systemctl").args(["start", "docker"]).run()?;
        return wait(START_LIMIT, || true).map_err(|answer| {
            let log =
                Command::as_root("journalctl").args(["--unit", "docker", "--lines", "20", "--no-pager"]);
            silent(&answer, &log.read().unwrap_or_default())
        });
    }
    mount_control_groups()?;
    if start_script().is_some() {
        let started = Command::as_root("service").args(["docker", "start"]).run();
        match started.map_err(|error| error.to_string()).and_then(|()| wait(START_LIMIT, || true)) {
            Ok(()) => return Ok(()),
            Err(reason) => {
                println!("the start script did not help: {}", reason.trim());
                println!("{}", tail(Path::new("/var/log/docker.log")));
                let _ = Command::as_root("service").args(["docker", "stop"]).read();
            }
        }
    }
    start_in_background(repository)
}

/// Mounts the kernel's control groups where nobody has: a daemon does not start without them, and a root folder
/// entered by hand has none.
fn mount_control_groups() -> anyhow::Result<()> {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    if mounts.lines().any(|line| line.split(' ').nth(2).is_some_and(|kind| kind.starts_with("cgroup"))) {
        return Ok(());
    }
    // A controller that another hierarchy holds cannot be had in the unified one.
    let script = r#"
set -e
old=$(awk '!/^#/ && $2 != 0 && $4 == 1 { print $1 }' /proc/cgroups)
if [ -z "$old" ]; then
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
else
    mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup
    for name in $old; do
        mkdir "/sys/fs/cgroup/$name"
        mount -t cgroup -o "$name" cgroup "/sys/fs/cgroup/$name"
    done
fi
"#;
    println!("mounting the control groups on /sys/fs/cgroup");
    Command::as_root("sh").args(["-c", script]).read().map(drop)
}

/// Whether the root folder is a mount of its own. In a mere `chroot` it is not, and then neither the daemon nor a
/// container can exchange its root for another.
fn root_is_a_mount() -> bool {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    mounts.lines().any(|line| line.split(' ').nth(4) == Some("/"))
}

/// Makes the same root a mount, for the daemon and its containers only.
const OWN_ROOT: &str = r#"
mkdir -p /run/aml-debug-root && mount --rbind / /run/aml-debug-root && mount --make-rslave /run/aml-debug-root &&
    exec chroot /run/aml-debug-root "$@"
"#;

/// Says that the group was given and taken up: a second try would not help.
const HAS_GROUP: &str = "AML_DEBUG_XTASK_HAS_GROUP";

/// Whether a daemon of this machine will let this user in.
pub(super) fn is_open_to_us() -> bool {
    command::is_root() || groups(&[]).contains(&"docker".to_owned())
}

/// Lets this user talk to the daemon, now and after the next login.
pub(super) fn grant_access() -> anyhow::Result<()> {
    if !matches!(ask(), Answer::Forbidden) {
        return Ok(());
    }
    if std::env::var_os(HAS_GROUP).is_some() {
        return Err(Missing(
            "the container engine lets nobody in but root: see the owner of its socket".into(),
        )
        .into());
    }
    let user = Command::new("id").arg("-un").read()?;
    if !groups(&[user.trim()]).contains(&"docker".to_owned()) {
        Command::as_root("usermod").args(["-aG", "docker", user.trim()]).run()?;
    }
    let arguments = std::env::args_os().skip(1).map(|argument| format!(" {}", command::quoted(&argument)));
    let again = format!("cargo xtask{}", arguments.collect::<String>());
    // A process keeps the groups that it was started with; `sg` starts one with the new group.
    println!("this login does not have the group yet; going on in a shell that has it");
    let command = Command::new("sg").args(["docker", "-c", &again]).env(HAS_GROUP, "1");
    println!("$ {}", command.shown());
    Err(command.into_inner().exec()).context("start a shell with the group `docker`")
}

/// The groups of a user by the system's files, or without one those of this process.
fn groups(user: &[&str]) -> Vec<String> {
    let names = Command::new("id").arg("-nG").args(user).read().unwrap_or_default();
    names.split_whitespace().map(str::to_owned).collect()
}

/// A way to start the daemon when the one before did not work.
struct Attempt {
    because: &'static str,
    arguments: &'static [&'static str],
    legacy_iptables: bool,
}

const ATTEMPTS: [Attempt; 3] = [
    Attempt { because: "", arguments: &[], legacy_iptables: false },
    Attempt { because: "with the older packet filter", arguments: &[], legacy_iptables: true },
    Attempt {
        because: "without overlay file systems",
        arguments: &["--storage-driver", "vfs"],
        legacy_iptables: true,
    },
];

fn start_in_background(repository: &Repository) -> anyhow::Result<()> {
    let folder = repository.target.join("engine");
    fs::create_dir_all(&folder)?;
    // The daemon starts in the background, where sudo could not ask for a password.
    Command::as_root("true").read()?;
    let (log, pid) = (folder.join("dockerd.log"), folder.join("dockerd.pid"));
    let mut last = String::new();
    for attempt in &ATTEMPTS {
        if !attempt.because.is_empty() {
            println!("it ended again: {last}\nonce more, {}", attempt.because);
        }
        let mut child = spawn(attempt, &folder, &log)?;
        fs::write(&pid, format!("{}\n", child.id()))?;
        match wait(START_LIMIT, || matches!(child.try_wait(), Ok(None))) {
            Ok(()) => {
                let stop = Command::as_root("kill");
                println!(
                    "its log is {}; to stop it: {} $(cat {})",
                    log.display(),
                    stop.shown(),
                    pid.display()
                );
                return Ok(());
            }
            Err(answer) => last = answer,
        }
        let _ = Command::as_root("kill").arg(child.id().to_string()).read();
        let _ = child.wait();
    }
    Err(silent(&last, &tail(&log)))
}

fn spawn(attempt: &Attempt, folder: &Path, log: &Path) -> anyhow::Result<std::process::Child> {
    let file = File::create(log).with_context(|| format!("create the log {}", log.display()))?;
    let mut search_path = command::search_path();
    if attempt.legacy_iptables {
        search_path = format!("{}:{search_path}", legacy_iptables(folder)?.display());
    }
    // Through `env`, because sudo resets the environment on purpose.
    let mut command = Command::as_root("env").arg(format!("PATH={search_path}"));
    if !root_is_a_mount() {
        command =
            command.args(["unshare", "--mount", "--propagation", "unchanged", "sh", "-c", OWN_ROOT, "sh"]);
    }
    let command = command.arg("dockerd").args(attempt.arguments);
    println!("$ {} > {} 2>&1 &", command.shown(), log.display());
    command
        .into_inner()
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        // Its own group: Ctrl+C at our terminal is not meant for it, and it outlives us.
        .process_group(0)
        .spawn()
        .context("start dockerd")
}

/// A folder in which `iptables` means the older back end, for kernels without the newer one.
fn legacy_iptables(folder: &Path) -> anyhow::Result<PathBuf> {
    let links = folder.join("bin");
    fs::create_dir_all(&links)?;
    for name in ["iptables", "ip6tables"] {
        let link = links.join(name);
        if !link.exists() {
            std::os::unix::fs::symlink(format!("/usr/sbin/{name}-legacy"), &link)?;
        }
    }
    Ok(links)
}

/// Waits for an answer; ends early when `alive` says that nobody is left to give one.
fn wait(limit: Duration, mut alive: impl FnMut() -> bool) -> Result<(), String> {
    let end = Instant::now() + limit;
    loop {
        let answer = match ask() {
            Answer::Version(version) => {
                println!("the container engine answers: version {version}");
                return Ok(());
            }
            // Access is a step of its own.
            Answer::Forbidden => return Ok(()),
            Answer::None(answer) => answer,
        };
        if !alive() || Instant::now() > end {
            return Err(answer);
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn silent(answer: &str, log: &str) -> anyhow::Error {
    anyhow::anyhow!("the container engine does not answer: {answer}\nits last lines:\n{log}")
}

fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

fn has_systemd() -> bool {
    Path::new("/run/systemd/system").is_dir()
}

fn start_script() -> Option<PathBuf> {
    let script = PathBuf::from("/etc/init.d/docker");
    (script.is_file() && command::on_path("service")).then_some(script)
}
