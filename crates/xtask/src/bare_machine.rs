//! `cargo xtask bare-machine`: the proof that the README's commands need nothing but what the README says.
//!
//! The bare machine is a fresh Debian root with a C compiler and this machine's Rust, in namespaces of its own:
//! mounts, processes, host name and network (behind an address translation). It shares the kernel, and nothing
//! of this machine's container engine: its own daemon keeps its data inside that root. Crates that this machine
//! has downloaded are copied there, to save time; what else is needed comes from the registries.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;

use crate::command::{self, Command, Missing};
use crate::repository::Repository;
use crate::setup::base_image;

/// What the README tells a newcomer to type.
const README_COMMANDS: [&str; 2] = ["cargo xtask demo", "cargo xtask test"];

/// What the README asks of the machine beforehand, besides Rust.
const PACKAGES: &str = "ca-certificates,gcc,libc6-dev";

/// Settings of this machine that a machine beside it would need too.
const SETTINGS: [&str; 7] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_DEFAULT_TIMEOUT",
    "CARGO_BUILD_JOBS",
];

/// What making the machine takes here.
const TOOLS: [&str; 6] = ["debootstrap", "git", "ip", "iptables", "nsenter", "unshare"];

/// The namespace's name, and its two ends of the wire, addresses for use between hosts of one lab (RFC 2544).
const NAME: &str = "aml-debug-bare";
const OUTSIDE: &str = "198.18.77.1";
const INSIDE: &str = "198.18.77.2";

/// Runs the README's commands, or those given, on a fresh machine; fails if one of them does.
pub(crate) fn bare_machine(repository: &Repository, commands: &[&str]) -> anyhow::Result<()> {
    let missing: Vec<&str> = TOOLS.into_iter().filter(|name| !command::on_path(name)).collect();
    if !command::is_root() || !missing.is_empty() {
        let text =
            format!("a bare machine is made by root, with {}; not found: {missing:?}", TOOLS.join(", "));
        return Err(Missing(text).into());
    }
    let commands = if commands.is_empty() { &README_COMMANDS[..] } else { commands };
    let folder = repository.target.join("bare-machine");
    println!("This makes a Debian root in {} and removes it at the end.", folder.display());
    println!("It runs there, on the last commit: {}", commands.join(", then "));
    remove(&folder)?;
    fs::create_dir_all(&folder)?;
    let begin = Instant::now();
    let outcome =
        make(repository, &folder, commands).and_then(|()| Wire::lay()).and_then(|_wire| enter(&folder));
    println!("\nbare machine: {} s", begin.elapsed().as_secs());
    remove(&folder)?;
    outcome
}

fn make(repository: &Repository, folder: &Path, commands: &[&str]) -> anyhow::Result<()> {
    let root = folder.join("root");
    base_image::debootstrap(&root, base_image::SUITE, PACKAGES)?;
    base_image::copy_certificates(&root)?;
    // Debootstrap leaves no release of security updates; the machine's user would have what the mirror has.
    fs::write(root.join("etc/hosts"), format!("127.0.0.1 localhost {NAME}\n"))?;
    fs::copy("/etc/resolv.conf", root.join("etc/resolv.conf"))?;
    fs::write(root.join("etc/hostname"), format!("{NAME}\n"))?;
    Command::new("git")
        .args(["clone", "--quiet"])
        .arg(&repository.root)
        .arg(root.join("root/aml-debug"))
        .run()?;
    copy_crates(&root)?;
    let script = folder.join("root/inside");
    fs::write(&script, inside(commands))?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

/// Downloaded crates, never built ones.
fn copy_crates(root: &Path) -> anyhow::Result<()> {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let cargo = std::env::var_os("CARGO_HOME").map(PathBuf::from).unwrap_or_else(|| home.join(".cargo"));
    let copy = root.join("root/.cargo");
    fs::create_dir_all(copy.join("registry"))?;
    for part in ["config.toml", "registry/index", "registry/cache"] {
        if cargo.join(part).exists() {
            Command::new("cp").arg("-a").arg(cargo.join(part)).arg(copy.join(part)).read()?;
        }
    }
    Ok(())
}

/// What the machine's first process runs: each command with a time and an exit code, all of them, then the sum.
fn inside(commands: &[&str]) -> String {
    let settings = SETTINGS.iter().filter_map(|name| {
        let value = std::env::var_os(name)?;
        Some(format!("export {name}={}\n", command::quoted(&value)))
    });
    let steps = commands.iter().map(|command| format!("step {}\n", command::quoted(command.as_ref())));
    format!("{INSIDE_BEGIN}{}{}{INSIDE_END}", settings.collect::<String>(), steps.collect::<String>())
}

const INSIDE_BEGIN: &str = r#"#!/bin/sh
export HOME=/root PATH=/opt/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
cd /root/aml-debug
failed=0
report=
step() {
    echo
    echo "== $1 =="
    begin=$(date +%s)
    sh -c "$1" </dev/null
    code=$?
    report="$report
$1: exit code $code after $(($(date +%s) - begin)) s"
    [ $code = 0 ] || failed=1
}
"#;

const INSIDE_END: &str = r#"
echo
echo "On the bare machine:$report"
exit $failed
"#;

/// Becomes the machine: mounts first, then a root of its own (a mere `chroot` would keep containers from starting).
const ENTER: &str = r#"
set -e
root=$1
rust=$2
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount --rbind /sys/fs/cgroup "$root/sys/fs/cgroup"
mount -t tmpfs tmpfs "$root/dev"
for device in null zero full random urandom tty; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
ln -s /proc/self/fd "$root/dev/fd"
ln -s /proc/self/fd/1 "$root/dev/stdout"
ln -s /proc/self/fd/2 "$root/dev/stderr"
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t tmpfs tmpfs "$root/dev/shm"
mount -t tmpfs tmpfs "$root/run"
mkdir -p "$root/opt/rust" "$root/before"
mount --bind -o ro "$rust" "$root/opt/rust"
cd "$root"
pivot_root . before
umount -l /before
hostname aml-debug-bare
exec /inside
"#;

fn enter(folder: &Path) -> anyhow::Result<()> {
    let rust = Command::new("rustc").args(["--print", "sysroot"]).read()?;
    // Not `ip netns exec`: it hides the control groups under a /sys of its own.
    let status = Command::new("nsenter")
        .arg(format!("--net=/run/netns/{NAME}"))
        .args(["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"])
        .args(["unshare", "--mount", "--pid", "--fork", "--kill-child", "--uts", "--ipc"])
        .args(["sh", "-c", ENTER, "sh"])
        .arg(folder.join("root"))
        .arg(rust.trim())
        .into_inner()
        .status()
        .context("enter the bare machine")?;
    anyhow::ensure!(status.success(), "not everything passed on the bare machine");
    Ok(())
}

/// A wire to the outside, with address translation; taken up again when dropped.
struct Wire {
    outgoing: Vec<Vec<String>>,
}

impl Wire {
    fn lay() -> anyhow::Result<Wire> {
        // What a run that was stopped has left behind goes first.
        drop(Wire { outgoing: rules() });
        let wire = Wire { outgoing: rules() };
        let (outer, inner) = ("amldbg-out", "amldbg-in");
        let steps = [
            format!("netns add {NAME}"),
            format!(
                "link add {outer} mtu {mtu} type veth peer name {inner} mtu {mtu} netns {NAME}",
                mtu = mtu()
            ),
            format!("address add {OUTSIDE}/30 dev {outer}"),
            format!("link set {outer} up"),
            format!("-n {NAME} link set lo up"),
            format!("-n {NAME} address add {INSIDE}/30 dev {inner}"),
            format!("-n {NAME} link set {inner} up"),
            format!("-n {NAME} route add default via {OUTSIDE}"),
        ];
        for step in steps {
            Command::new("ip").args(step.split(' ')).read()?;
        }
        fs::write("/proc/sys/net/ipv4/ip_forward", "1").context("let packets pass")?;
        for rule in &wire.outgoing {
            Command::new("iptables").args(["--wait", "-t", &rule[0], "-I"]).args(&rule[1..]).read()?;
        }
        Ok(wire)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        for rule in &self.outgoing {
            let _ = Command::new("iptables").args(["--wait", "-t", &rule[0], "-D"]).args(&rule[1..]).read();
        }
        // The other end of the wire goes with the namespace.
        let _ = Command::new("ip").args(["netns", "delete", NAME]).read();
    }
}

/// Table, chain and match of each rule.
fn rules() -> Vec<Vec<String>> {
    let words = |text: String| text.split(' ').map(str::to_owned).collect();
    vec![
        words(format!("nat POSTROUTING -s {INSIDE} -j MASQUERADE")),
        words(format!("filter FORWARD -s {INSIDE} -j ACCEPT")),
        words(format!("filter FORWARD -d {INSIDE} -j ACCEPT")),
    ]
}

/// The way out may carry smaller packets than a wire does by default.
fn mtu() -> u32 {
    let route = Command::new("ip").args(["-o", "route", "get", "198.51.100.1"]).read().unwrap_or_default();
    let device = route.split(' ').skip_while(|word| *word != "dev").nth(1).unwrap_or_default();
    let mtu = fs::read_to_string(format!("/sys/class/net/{device}/mtu")).unwrap_or_default();
    mtu.trim().parse().unwrap_or(1500)
}

fn remove(folder: &Path) -> anyhow::Result<()> {
    Command::new("rm").args(["-rf", "--one-file-system"]).arg(folder).read().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bare_machine_runs_what_the_readme_says() -> anyhow::Result<()> {
        let readme = fs::read_to_string(Repository::find()?.root.join("README.md"))?;
        for command in README_COMMANDS {
            assert!(readme.lines().any(|line| line.trim() == command), "the README does not say {command}");
        }
        Ok(())
    }

    #[test]
    fn a_command_that_fails_is_reported_and_the_next_one_still_runs() {
        let script = inside(&["false", "echo 'still here'"]).replace("cd /root/aml-debug", "");
        let output = std::process::Command::new("sh").args(["-c", &script]).output().expect("sh");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains("false: exit code 1 after") && text.contains("\nstill here\n"), "{text}");
        assert_eq!(output.status.code(), Some(1));
    }
}
