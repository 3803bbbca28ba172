//! The debugger's side inside the container: which files the engine volume holds, what the container is
//! told, how the relay is started and what it answers.
//!
//! The volume is mounted read-only at [`VOLUME_TARGET`], a memory file system at [`MAILBOX`] is where the
//! start hook leaves its report. Nothing is published and nothing of the image is changed.

use crate::failure::{Blame, Failure};
use crate::message;
use crate::plan::container::{ContainerPlan, Mount};
use crate::plan::{Debuggee, ImageFacts, Process};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// Where the engine volume is mounted, read-only.
pub const VOLUME_TARGET: &str = "/aml-debug";
/// Where a memory file system stands that everybody in the container may write (mode 1777).
pub const MAILBOX: &str = "/run/aml-debug";
/// Folder of the start hook; first on `PYTHONPATH`.
pub const HOOK_FOLDER: &str = "/aml-debug/hook";

/// A file of ours on the engine volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VolumeFile {
    /// Path below the volume's root.
    pub path: &'static str,
    /// Its text.
    pub contents: &'static str,
}

/// Files of ours on the engine volume, beside the unpacked wheels of [`DEBUGPY`].
pub const FILES: [VolumeFile; 9] = [
    VolumeFile { path: "hook/sitecustomize.py", contents: include_str!("../python/hook/sitecustomize.py") },
    VolumeFile {
        path: "hook/aml_debug_process.py",
        contents: include_str!("../python/hook/aml_debug_process.py"),
    },
    VolumeFile {
        path: "hook/aml_debug_attend.py",
        contents: include_str!("../python/hook/aml_debug_attend.py"),
    },
    VolumeFile {
        path: "hook/aml_debug_import.py",
        contents: include_str!("../python/hook/aml_debug_import.py"),
    },
    VolumeFile {
        path: "hook/aml_debug_children.py",
        contents: include_str!("../python/hook/aml_debug_children.py"),
    },
    VolumeFile {
        path: "hook/aml_debug_patience.py",
        contents: include_str!("../python/hook/aml_debug_patience.py"),
    },
    VolumeFile { path: "relay.py", contents: include_str!("../python/relay.py") },
    VolumeFile { path: "compile.py", contents: include_str!("../python/compile.py") },
    VolumeFile { path: "warm.py", contents: include_str!("../python/warm.py") },
];

/// A debugpy wheel on the engine volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wheel {
    /// Version of debugpy; the wheel is the pure one, `debugpy-<version>-py2.py3-none-any.whl`.
    pub version: &'static str,
    /// Folder below the volume's root that the wheel is unpacked into; the package is a folder below it.
    pub folder: &'static str,
}

/// The wheels: the current one, and the last that Python 3.8 and 3.9 can run.
pub const DEBUGPY: [Wheel; 2] =
    [Wheel { version: "1.8.22", folder: "debugpy" }, Wheel { version: "1.8.21", folder: "debugpy-py38" }];

/// Whether a file of a debugpy wheel belongs on the volume. What attaches to foreign processes is two
/// thirds of the wheel and is never used here; sources of compiled parts are most of the rest.
pub fn keeps(path_in_wheel: &str) -> bool {
    path_in_wheel.starts_with("debugpy/")
        && !path_in_wheel.contains("/pydevd_attach_to_process/")
        && !path_in_wheel.contains("/tests/")
        && [".c", ".cpp", ".h", ".pyx", ".pxd", ".pyc", ".pyd", ".so", ".dll", ".dylib"]
            .iter()
            .all(|ending| !path_in_wheel.ends_with(ending))
}

/// What determines the volume's contents, 12 hex digits: a new hook or debugpy gets a new volume.
pub fn volume_digest() -> String {
    let mut digest = Sha256::new();
    for file in FILES {
        digest.update(file.path);
        digest.update([0]);
        digest.update(file.contents);
        digest.update([0]);
    }
    for wheel in DEBUGPY {
        digest.update(wheel.version);
        digest.update([0]);
    }
    digest.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// Who is attended in the container, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attendance {
    /// How long the debuggee waits for somebody; then it runs on.
    pub wait: Duration,
    /// Whether the Python processes that it starts are debugged as well.
    pub children: bool,
}

/// What the container's first process gets so that the start hook finds its process.
///
/// `python_path` is the `PYTHONPATH` that the container would have without us.
pub fn environment(
    debuggee: &Debuggee,
    attendance: Attendance,
    python_path: Option<&str>,
) -> Vec<(String, String)> {
    let path = match python_path.filter(|theirs| !theirs.is_empty()) {
        Some(theirs) => format!("{HOOK_FOLDER}:{theirs}"),
        None => HOOK_FOLDER.to_owned(),
    };
    // Lines and not JSON: reading JSON would cost every Python of the container five milliseconds.
    let mut wish = format!("root={}\nwait={}", debuggee.remote_root, attendance.wait.as_secs());
    match &debuggee.process {
        Some(Process::Script(script)) => wish.push_str(&format!("\nscript={script}")),
        Some(Process::Module(module)) => wish.push_str(&format!("\nmodule={module}")),
        Some(Process::Import(modules)) => wish.push_str(&format!("\nimports={modules}")),
        None => {}
    }
    if let Some(rank) = debuggee.rank {
        wish.push_str(&format!("\nrank={rank}"));
    }
    if attendance.children {
        wish.push_str("\nchildren=yes");
    }
    vec![("PYTHONPATH".to_owned(), path), ("AML_DEBUG_HOOK".to_owned(), wish)]
}

/// Puts the debugger into a container's plan: the volume, the mail box, the environment.
pub fn put_into(
    container: &mut ContainerPlan,
    image: &ImageFacts,
    volume: &str,
    debuggee: &Debuggee,
    attendance: Attendance,
) {
    container.mounts.push(Mount::Volume {
        name: volume.to_owned(),
        target: VOLUME_TARGET.to_owned(),
        read_only: true,
    });
    container.mounts.push(Mount::Tmpfs { target: MAILBOX.to_owned(), mode: 0o1777 });
    let of_spec =
        container.environment.iter().find(|(name, _)| name == "PYTHONPATH").map(|(_, path)| path.as_str());
    let of_image = || image.environment.iter().find_map(|variable| variable.strip_prefix("PYTHONPATH="));
    let path = of_spec.or_else(of_image).map(str::to_owned);
    container.environment.retain(|(name, _)| name != "PYTHONPATH");
    container.environment.extend(environment(debuggee, attendance, path.as_deref()));
}

/// Prints what the start hook has reported so far, in the words of [`read_answer`], or nothing.
pub fn report_command() -> Vec<String> {
    vec!["cat".to_owned(), format!("{MAILBOX}/report.json")]
}

/// Exit code of the relay's command where the container has no Python.
pub const NO_PYTHON: i64 = 127;

/// The relay, to be executed in the container with standard input and output attached, as the container's
/// own user, as soon as the container is started. Its environment is the container's.
pub fn relay_command() -> Vec<String> {
    in_any_python("relay.py")
}

/// The relay to a child of the debuggee, once the debuggee's own relay has told of it.
pub fn child_relay_command(pid: u32) -> Vec<String> {
    in_any_python(&format!("relay.py {pid}"))
}

/// Lists files of this name, whatever the case of its letters, below a folder and in the image itself.
pub fn find_command(folder: &str, name: &str) -> Vec<String> {
    let literal: String = name
        .chars()
        .flat_map(|letter| ['\\'].into_iter().filter(move |_| "*?[]\\".contains(letter)).chain([letter]))
        .collect();
    let words = ["find", folder, "/", "-xdev", "-type", "f", "-iname", &literal];
    words.map(str::to_owned).to_vec()
}

/// Writes the bytecode of the volume for the image's Python, to be run as root with the volume writable.
/// Worth a third of a second for every run, so do it when [`Report::bytecode`] is false.
pub fn compile_command() -> Vec<String> {
    in_any_python("compile.py")
}

fn in_any_python(file: &str) -> Vec<String> {
    let line = format!(
        "python=$(command -v python3 || command -v python) || exit {NO_PYTHON}; \
         exec \"$python\" -I -S {VOLUME_TARGET}/{file}"
    );
    vec!["sh".to_owned(), "-c".to_owned(), line]
}

/// The first line that the relay prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The debug server is up; every byte behind the line is the debug adapter protocol.
    Ready(Report),
    /// The chosen process is there and cannot be debugged. The run must end, not go on undebugged.
    Failed(Failure),
    /// The chosen process has reported before and cannot be reached any more: it has ended, or has made
    /// itself another program.
    Over {
        /// Whether its process lives on as another program.
        replaced: bool,
    },
}

/// What the start hook tells of the chosen process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Process id in the container.
    pub pid: u32,
    /// Port on the container's loopback.
    pub port: u16,
    /// Version of the interpreter.
    pub python: String,
    /// The interpreter and its arguments.
    pub argv: Vec<String>,
    /// Working directory at the start.
    pub cwd: String,
    /// Version of debugpy.
    pub debugpy: String,
    /// Folder that debugpy was found in: the engine volume's or the environment's own.
    #[serde(rename = "debugpyFrom")]
    pub debugpy_from: String,
    /// Whether debugpy's bytecode was at hand.
    pub bytecode: bool,
    /// How far the process is.
    pub state: DebuggeeState,
    /// The thread that is paused, as the debug adapter protocol counts threads. Found set by whoever
    /// adopts a run that stands on a breakpoint.
    pub paused: Option<i64>,
}

/// How far the chosen process is when its report is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DebuggeeState {
    /// Before its first line, until somebody has attended it.
    Waiting,
    /// Somebody has attended it; the user's program runs or is paused.
    Attended,
    /// Nobody came in time; the user's program runs.
    Unattended,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Unreported { unreported: Unreported },
    Over { over: bool },
    Failed(Refusal),
    Ready(Report),
}

#[derive(Deserialize)]
struct Unreported {
    argv: Vec<String>,
    because: String,
}

#[derive(Deserialize)]
struct Refusal {
    failed: String,
    detail: String,
    python: String,
    argv: Vec<String>,
}

/// Reads the relay's first line.
pub fn read_answer(line: &str) -> Answer {
    match serde_json::from_str(line) {
        Ok(Line::Ready(report)) => Answer::Ready(report),
        Ok(Line::Unreported { unreported }) => Answer::Failed(unreported.explain()),
        Ok(Line::Failed(refusal)) => Answer::Failed(refusal.explain()),
        Ok(Line::Over { over }) => Answer::Over { replaced: over },
        Err(cause) => Answer::Failed(
            Failure::new(Blame::Internal, message!("debuggee.report-unreadable", cause = cause))
                .with_detail([line]),
        ),
    }
}

/// Why the relay ended without an answer. `said` is what it wrote on standard error.
pub fn explain_silence(exit_code: Option<i64>, said: &str) -> Failure {
    let detail = said.lines().filter(|line| !line.trim().is_empty());
    match exit_code {
        Some(NO_PYTHON) => Failure::new(Blame::User, message!("debuggee.no-python"))
            .with_detail(detail)
            .with_fix(message!("debuggee.no-python.fix")),
        code => {
            let code = code.map_or_else(|| "?".to_owned(), |code| code.to_string());
            Failure::new(Blame::Environment, message!("debuggee.relay-ended", code = code))
                .with_detail(detail)
        }
    }
}

/// What it means that the run has ended and the start hook never reported: nobody could have stopped in
/// it. `exit_code` is the container's.
pub fn explain_end(debuggee: &Debuggee, exit_code: i64) -> Failure {
    let program = match &debuggee.process {
        Some(Process::Script(name) | Process::Module(name)) => name.clone(),
        Some(Process::Import(_)) | None => debuggee.remote_root.clone(),
    };
    if exit_code != 0 {
        return Failure::new(
            Blame::Code,
            message!("debuggee.ended-early", program = program, code = exit_code),
        )
        .with_fix(message!("debuggee.ended-early.fix"));
    }
    let failure = Failure::new(Blame::User, message!("debuggee.ended-unseen", program = program));
    failure.with_fix(match (&debuggee.isolated_by, debuggee.rank) {
        (Some(option), _) => message!("debuggee.isolated.fix", option = option),
        (None, Some(rank)) => message!("debuggee.no-rank.fix", rank = rank),
        (None, None) => message!("debuggee.ended-unseen.fix"),
    })
}

impl Unreported {
    fn explain(self) -> Failure {
        let command = self.argv.join(" ");
        if self.because == "died" {
            Failure::new(Blame::Environment, message!("debuggee.died"))
                .with_fix(message!("debuggee.ended-early.fix"))
        } else if self.because.starts_with('-') {
            Failure::new(Blame::User, message!("debuggee.isolated", command = command, option = self.because))
                .with_fix(message!("debuggee.isolated.fix", option = self.because))
        } else {
            Failure::new(Blame::User, message!("debuggee.silent", command = command))
                .with_fix(message!("debuggee.silent.fix"))
        }
    }
}

impl Refusal {
    fn explain(self) -> Failure {
        let command = self.argv.join(" ");
        match self.failed.as_str() {
            "python" => Failure::new(
                Blame::User,
                message!("debuggee.old-python", command = command, version = self.python),
            )
            .with_fix(message!("debuggee.old-python.fix")),
            "import" => Failure::new(Blame::Environment, message!("debuggee.no-debugpy", command = command))
                .with_detail([self.detail])
                .with_fix(message!("debuggee.no-debugpy.fix")),
            _ => Failure::new(Blame::Environment, message!("debuggee.no-server", command = command))
                .with_detail([self.detail]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn the_hook_is_told_in_lines_and_the_users_own_path_stays_behind_ours() {
        let debuggee = Debuggee {
            remote_root: "/mnt/code dir".to_owned(),
            process: Some(Process::Script("src/train.py".to_owned())),
            isolated_by: None,
            rank: Some(2),
        };
        let attendance = Attendance { wait: Duration::from_secs(600), children: true };
        let told = environment(&debuggee, attendance, Some("/lib/a:/lib/b"));
        expect![[r#"
            [
                (
                    "PYTHONPATH",
                    "/aml-debug/hook:/lib/a:/lib/b",
                ),
                (
                    "AML_DEBUG_HOOK",
                    "root=/mnt/code dir\nwait=600\nscript=src/train.py\nrank=2\nchildren=yes",
                ),
            ]
        "#]]
        .assert_debug_eq(&told);
    }

    #[test]
    fn every_answer_of_the_relay_is_a_report_or_a_failure_that_says_what_to_do() {
        let lines = [
            r#"{"pid": 7, "python": "3.11.2", "argv": ["python", "train.py"], "cwd": "/code", "port": 39615, "debugpy": "1.8.22", "debugpyFrom": "/aml-debug/debugpy", "bytecode": true, "state": "waiting", "paused": null}"#,
            r#"{"unreported": {"pid": 7, "argv": ["python", "-I", "train.py"], "because": "-I"}}"#,
            r#"{"unreported": {"pid": 7, "argv": ["python", "train.py"], "because": "silent"}}"#,
            r#"{"unreported": {"pid": 7, "argv": [], "because": "died"}}"#,
            r#"{"over": true}"#,
            r#"{"pid": 7, "python": "3.7.3", "argv": ["python", "train.py"], "cwd": "/code", "failed": "python", "detail": "3.7.3"}"#,
            r#"{"pid": 7, "python": "3.11.2", "argv": ["python", "train.py"], "cwd": "/code", "failed": "import", "detail": "ImportError: no"}"#,
            "Traceback",
        ];
        let mut seen = String::new();
        for line in lines {
            match read_answer(line) {
                Answer::Ready(report) => seen.push_str(&format!("ready on {}\n", report.port)),
                Answer::Failed(failure) => seen.push_str(&format!("{}\n", told(&failure))),
                Answer::Over { replaced } => seen.push_str(&format!("over, replaced: {replaced}\n")),
            }
        }
        seen.push_str(&told(&explain_silence(Some(127), "")));
        seen.push('\n');
        seen.push_str(&told(&explain_silence(Some(1), "OSError: [Errno 28]\n")));
        expect![[r#"
            ready on 39615
            User: python -I train.py was started with -I, which makes Python ignore the debugger's start hook [] -> take -I out of the command while debugging, or run it without --debug
            User: python train.py runs, and the debugger's start hook did not report from it [] -> see whether something on the way removes PYTHONPATH or starts Python in an environment of its own
            Environment: the program ended while the debugger was being loaded into it [] -> the last lines of its log say why
            over, replaced: true
            User: python train.py runs in Python 3.7.3; the debugger needs 3.8 or newer [] -> choose an environment with a newer Python, or run it without --debug
            Environment: the debugger could not be loaded into python train.py ["ImportError: no"] -> if the environment brings a debugpy of its own, use a current one or leave it out
            Internal: the program in the container reported something unreadable: expected value at line 1 column 1 ["Traceback"]
            User: the container has no Python on its PATH, so there is nothing to debug in it [] -> choose an environment with Python, or run it without --debug
            Environment: the connection into the container ended before the program reported (exit code 1) ["OSError: [Errno 28]"]"#]].assert_eq(&seen);
    }

    fn told(failure: &Failure) -> String {
        let fix = failure.fix.as_ref().map(|fix| format!(" -> {fix}")).unwrap_or_default();
        format!("{:?}: {failure} {:?}{fix}", failure.blame, failure.detail)
    }

    #[test]
    fn a_wheel_is_stripped_of_what_attaches_to_foreign_processes() {
        assert!(keeps("debugpy/_vendored/pydevd/pydevd.py"));
        assert!(keeps("debugpy/ThirdPartyNotices.txt"));
        assert!(!keeps("debugpy/_vendored/pydevd/pydevd_attach_to_process/attach_linux_amd64.so"));
        assert!(!keeps("debugpy/_vendored/pydevd/_pydevd_bundle/pydevd_cython.c"));
        assert!(!keeps("debugpy-1.8.22.dist-info/RECORD"));
    }
}
