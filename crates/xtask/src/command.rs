//! Starting programs of the machine: the one place where this crate says how.
//!
//! A program whose output matters to the reader is shown before it runs, as it could be typed.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;

/// Something this machine lacks and that may not be installed here: exit code 3.
#[derive(Debug)]
pub(crate) struct Missing(pub(crate) String);

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Missing {}

/// A program about to be started.
pub(crate) struct Command {
    inner: std::process::Command,
    shown: String,
}

impl Command {
    /// The program by name, found on the search path.
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Command {
        let inner = std::process::Command::new(program.as_ref());
        Command { inner, shown: quoted(program.as_ref()) }
    }

    /// The program run as root: as it is for root, through `sudo` for others.
    pub(crate) fn as_root(program: &str) -> Command {
        match is_root() {
            true => Command::new(program),
            false => Command::new("sudo").arg(program),
        }
    }

    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Command {
        let _ = write!(self.shown, " {}", quoted(argument.as_ref()));
        self.inner.arg(argument);
        self
    }

    pub(crate) fn args<A: AsRef<OsStr>>(self, arguments: impl IntoIterator<Item = A>) -> Command {
        arguments.into_iter().fold(self, Command::arg)
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Command {
        self.shown = format!("{name}={} {}", quoted(value.as_ref()), self.shown);
        self.inner.env(name, value);
        self
    }

    pub(crate) fn folder(mut self, folder: &Path) -> Command {
        self.inner.current_dir(folder);
        self
    }

    /// Shows the command, runs it with its output on the screen, and expects it to succeed.
    pub(crate) fn run(mut self) -> anyhow::Result<()> {
        println!("$ {}", self.shown);
        std::io::stdout().flush()?;
        let status = self.inner.stdin(Stdio::null()).status().with_context(|| self.failed())?;
        anyhow::ensure!(status.success(), "{}: {status}", self.failed());
        Ok(())
    }

    /// Shows the command, but its output only if it fails: for programs that say much to nobody.
    pub(crate) fn run_quietly(self) -> anyhow::Result<()> {
        println!("$ {}", self.shown);
        std::io::stdout().flush()?;
        self.read().map(drop)
    }

    /// Runs it silently and returns its standard output; what it said on standard error is the error's text.
    pub(crate) fn read(mut self) -> anyhow::Result<String> {
        let output = self.inner.stdin(Stdio::null()).output().with_context(|| self.failed())?;
        anyhow::ensure!(output.status.success(), "{}: {}", self.failed(), reason(&output));
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Whether it succeeds; nothing is shown.
    pub(crate) fn succeeds(self) -> bool {
        self.read().is_ok()
    }

    /// As [`Command::read`], but gives up after `limit`: a program that hangs must not hang the tools.
    pub(crate) fn read_within(mut self, limit: Duration) -> anyhow::Result<String> {
        self.inner.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.inner.spawn().with_context(|| self.failed())?;
        let end = Instant::now() + limit;
        while child.try_wait()?.is_none() {
            if Instant::now() > end {
                child.kill()?;
                child.wait()?;
                anyhow::bail!("{}: no answer within {} s", self.failed(), limit.as_secs());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let output = child.wait_with_output()?;
        anyhow::ensure!(output.status.success(), "{}: {}", self.failed(), reason(&output));
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The command as the standard library starts it, for the few places that need more than this type gives.
    pub(crate) fn into_inner(self) -> std::process::Command {
        self.inner
    }

    /// The command as it could be typed.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    fn failed(&self) -> String {
        format!("failed to run `{}`", self.shown)
    }
}

/// The search path with the folders of the system's tools, which Debian leaves out for ordinary users.
pub(crate) fn search_path() -> String {
    format!("{}:/usr/local/sbin:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default())
}

/// Whether a program of this name is there, for us or for root.
pub(crate) fn on_path(program: &str) -> bool {
    std::env::split_paths(&search_path()).any(|folder| folder.join(program).is_file())
}

/// Whether we are root.
pub(crate) fn is_root() -> bool {
    Command::new("id").arg("-u").read().is_ok_and(|id| id.trim() == "0")
}

fn reason(output: &Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    let said = String::from_utf8_lossy(&output.stdout);
    match (error.trim(), said.trim()) {
        ("", "") => output.status.to_string(),
        ("", text) | (text, _) => text.to_owned(),
    }
}

/// A word of a command line, quoted where a shell would split it.
pub(crate) fn quoted(text: &OsStr) -> String {
    let text = OsString::from(text).to_string_lossy().into_owned();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_it_could_be_typed() {
        let command = Command::new("sh").args(["-c", "echo it's"]).env("A", "b c");
        assert_eq!(command.shown(), r"A='b c' sh -c 'echo it'\''s'");
    }

    #[test]
    fn a_program_that_hangs_is_given_up_and_one_that_fails_says_why() {
        let hung = Command::new("sleep").arg("30").read_within(Duration::from_millis(100));
        assert!(hung.unwrap_err().to_string().contains("no answer within"));
        let failed = Command::new("sh").args(["-c", "echo no such thing >&2; exit 4"]).read();
        assert!(failed.unwrap_err().to_string().contains("no such thing"));
    }
}
