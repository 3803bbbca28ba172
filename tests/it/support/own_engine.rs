//! A container engine of a story's own, on a small disk: it may be stopped and filled up, which nobody else notices.

use super::engine;
use super::{Ground, until};
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

pub(crate) struct OwnEngine {
    folder: PathBuf,
    daemon: Option<Child>,
    arguments: Vec<String>,
}

/// A network of its own, for a daemon puts the machine's to rights as it sees fit: it takes other daemons' bridges
/// away. And where the root folder is no mount, as in a chroot, a mount of it: runc pivots from there.
const APART: &str = r#"
exec unshare --net --mount --propagation unchanged sh -c '
    ip link set lo up
    if grep -q "^[^ ]* [^ ]* [^ ]* [^ ]* / " /proc/self/mountinfo; then exec "$@"; fi
    mkdir -p /run/aml-debug-root && mount --rbind / /run/aml-debug-root && mount --make-rslave /run/aml-debug-root &&
    exec chroot /run/aml-debug-root "$@"' sh "$@"
"#;

impl OwnEngine {
    /// Starts it with the base image on it. Only root can.
    pub(crate) fn start(ground: &mut Ground, megabytes: u32) -> Self {
        let folder = ground.beside("engine");
        fs::create_dir(&folder).expect("ours");
        let size = format!("size={megabytes}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&folder).status();
        assert!(mounted.expect("mount").success(), "a small disk");
        let below = |name: &str| folder.join(name).display().to_string();
        let named = format!("aml-debug-story-{}", std::process::id());
        let arguments = [
            ("--host", format!("unix://{}", below("engine.sock"))),
            ("--data-root", below("data")),
            ("--exec-root", below("exec")),
            ("--pidfile", below("pid")),
            ("--config-file", below("none.json")),
            ("--storage-driver", engine::docker(&["info", "--format", "{{.Driver}}"])),
            // Its network has nothing but loopback; a containerd that runs already knows us apart.
            ("--bridge", "none".to_owned()),
            ("--iptables", "false".to_owned()),
            ("--ip6tables", "false".to_owned()),
            ("--ip-forward", "false".to_owned()),
            ("--containerd-namespace", named.clone()),
            ("--containerd-plugins-namespace", format!("{named}-plugins")),
        ];
        let arguments = arguments.map(|(name, value)| format!("{name}={value}")).to_vec();
        fs::write(folder.join("none.json"), "{}").expect("ours");
        let mut engine = Self { folder, daemon: None, arguments };
        engine.go_on();
        let images = format!("docker save {} | docker --host {} load", engine::base(), engine.address());
        let loaded = Command::new("sh").args(["-c", &images]).stdout(Stdio::null()).status();
        assert!(loaded.expect("a shell").success(), "{}", engine.log());
        ground.set("DOCKER_HOST", engine.address());
        // A proxy on loopback makes builds use the machine's own network, and this engine has no other.
        ground.set("HTTPS_PROXY", "http://127.0.0.1:9");
        engine
    }

    /// What `DOCKER_HOST` says.
    pub(crate) fn address(&self) -> String {
        format!("unix://{}", self.folder.join("engine.sock").display())
    }

    /// Output of the engine's client.
    pub(crate) fn docker(&self, words: &[&str]) -> String {
        engine::docker(&[&["--host", &self.address()], words].concat())
    }

    /// Starts the daemon, again if it has been stopped.
    pub(crate) fn go_on(&mut self) {
        let log = File::options().create(true).append(true).open(self.folder.join("log")).expect("ours");
        let daemon = Command::new("sh")
            .args(["-c", APART, "sh", "dockerd"])
            .args(&self.arguments)
            .env_remove("DOCKER_HOST")
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("ours"))
            .stderr(log)
            .process_group(0)
            .spawn()
            .expect("dockerd");
        self.daemon = Some(daemon);
        let address = self.address();
        until("the second engine answers", || {
            let daemon = self.daemon.as_mut().expect("started");
            assert!(matches!(daemon.try_wait(), Ok(None)), "{}", self.log());
            engine::docker_says(&["--host", &address, "version", "--format", "{{.Server.Version}}"])
        });
    }

    /// Stops the daemon as a system does: with its containers.
    pub(crate) fn stop(&mut self) {
        self.end("-TERM");
    }

    /// Kills the daemon, as a crash does: its containers know nothing of it.
    pub(crate) fn kill(&mut self) {
        self.end("-KILL");
    }

    fn end(&mut self, signal: &str) {
        let Some(mut daemon) = self.daemon.take() else { return };
        let _ = Command::new("kill").args([signal, &daemon.id().to_string()]).status();
        let _ = daemon.wait();
    }

    fn log(&self) -> String {
        let text = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for OwnEngine {
    fn drop(&mut self) {
        // After a crash only a daemon can end what the last one has left.
        if self.daemon.is_none() {
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.go_on()));
        }
        let all = engine::docker_says(&["--host", &self.address(), "ps", "--all", "--quiet"]);
        for container in all.unwrap_or_default().lines() {
            engine::docker_says(&["--host", &self.address(), "rm", "--force", container]);
        }
        self.stop();
        let _ = Command::new("umount").args(["--recursive", "--lazy"]).arg(&self.folder).status();
    }
}
