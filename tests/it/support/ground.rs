//! A folder with a workspace and a store of its own, and nothing left on the engine when it goes.

use super::engine;
use super::program::{Ended, Started};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Where one story happens.
pub(crate) struct Ground {
    folder: TempDir,
    variables: BTreeMap<String, String>,
    /// Whether commands run as somebody who is nobody.
    nobody: bool,
}

impl Ground {
    /// A workspace with the files of the text: `//- /path` begins each, `$BASE` is the base image.
    pub(crate) fn with(files: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("aml-debug-story-").tempdir().expect("a folder");
        // A story may send somebody else here.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("ours");
        let ground = Self { folder, variables: BTreeMap::new(), nobody: false };
        fs::create_dir(ground.path("")).expect("ours");
        ground.write_all(files);
        ground
    }

    /// The usual workspace: `job.yml` runs this command in the folder `src` of these files.
    pub(crate) fn with_job(command: &str, files: &str) -> Self {
        Self::with(&format!("{}\n{files}", job(command)))
    }

    fn write_all(&self, files: &str) {
        let mut file: Option<(PathBuf, String)> = None;
        for line in files.lines().chain(["//- /"]) {
            let Some(path) = line.strip_prefix("//- /") else {
                if let Some((_, text)) = &mut file {
                    text.push_str(&line.replace("$BASE", engine::BASE));
                    text.push('\n');
                }
                continue;
            };
            if let Some((path, text)) = file.replace((self.path(path), String::new())) {
                fs::create_dir_all(path.parent().expect("a folder")).expect("ours");
                fs::write(&path, text).expect("ours");
            }
        }
    }

    /// A path in the workspace.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join("work").join(path)
    }

    /// A path beside the workspace.
    pub(crate) fn beside(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Unpacks the bundled debugpy; the folder for `PYTHONPATH`.
    pub(crate) fn unpack_debugpy(&self) -> PathBuf {
        let folder = self.beside("debugpy");
        fs::create_dir(&folder).expect("ours");
        let unpacked = Command::new("tar").arg("-xf").arg(bundle()).arg("-C").arg(&folder).status();
        assert!(unpacked.expect("tar").success());
        folder.join("debugpy")
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// The folder of a run.
    pub(crate) fn run_folder(&self, run: &Value) -> PathBuf {
        self.home().join("runs").join(run.as_str().expect("a run's name"))
    }

    /// Sets a variable of every command from here on.
    pub(crate) fn set(&mut self, name: &str, value: impl AsRef<str>) {
        self.variables.insert(name.to_owned(), value.as_ref().to_owned());
    }

    /// Lets every command from here on run as the user `nobody`, to whom the ground belongs from now on.
    pub(crate) fn become_nobody(&mut self) {
        self.nobody = true;
        fs::create_dir_all(self.home()).expect("ours");
        let given = Command::new("chown").args(["-R", "65534:65534"]).arg(self.folder.path()).status();
        assert!(given.expect("chown").success());
    }

    /// The program with these arguments, in the workspace.
    pub(crate) fn command<I: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = I>) -> Command {
        let (mut command, bundle) = match self.nobody {
            false => (Command::new(program()), bundle()),
            true => {
                let program = self.reachable("aml-debug", program());
                (as_nobody(&program), self.reachable("debugpy.tar", bundle()))
            }
        };
        let foreign = std::env::vars().map(|(name, _)| name).filter(|name| name.starts_with("AML_DEBUG_"));
        foreign.for_each(|name| {
            command.env_remove(name);
        });
        command
            .args(arguments)
            .current_dir(self.path(""))
            .env("LC_ALL", "C.UTF-8")
            .env("AML_DEBUG_HOME", self.home())
            .env("AML_DEBUG_BUNDLE", bundle)
            .env("AML_DEBUG_IMAGE_REWRITE", engine::rewrite())
            .env("NO_COLOR", "1")
            .envs(&self.variables);
        command
    }

    /// A copy that everybody may read, wherever the file itself stands.
    fn reachable(&self, name: &str, file: PathBuf) -> PathBuf {
        let reachable = self.beside(name);
        if !reachable.exists() && fs::hard_link(&file, &reachable).is_err() {
            fs::copy(file, &reachable).expect("a copy");
        }
        reachable
    }

    /// Starts the program.
    pub(crate) fn start<I: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = I>) -> Started {
        Started::new(self.command(arguments))
    }

    /// Starts the program and waits for its end.
    pub(crate) fn call<I: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = I>) -> Ended {
        self.start(arguments).end()
    }

    /// `runs list --json`, newest first.
    #[track_caller]
    pub(crate) fn runs(&self) -> Vec<Value> {
        self.call(["runs", "list", "--json"]).with_code(0).objects()
    }

    /// Name of the one run that is not over.
    pub(crate) fn only_unfinished(&self) -> Value {
        let open = self.runs().into_iter().filter(|run| !run["endedAt"].is_u64());
        let mut names = open.map(|run| run["run"].clone());
        let name = names.next().expect("a run that is not over");
        assert!(names.next().is_none(), "more than one");
        name
    }

    /// The only run, as `runs list` has it.
    #[track_caller]
    pub(crate) fn only_run(&self) -> Value {
        let mut runs = self.runs();
        assert_eq!(runs.len(), 1, "{runs:?}");
        runs.remove(0)
    }

    /// `runs show --json`.
    #[track_caller]
    pub(crate) fn show(&self, run: &Value) -> Value {
        let run = run.as_str().expect("a run's name");
        self.call(["runs", "show", run, "--json"]).with_code(0).objects().remove(0)
    }

    /// Waits until somebody has asked the owner of a run for this and the owner has not taken it.
    pub(crate) fn wait_until_asked(&self, verb: &str) {
        let line =
            "import sqlite3, sys; print(*sqlite3.connect(sys.argv[1]).execute('select verb from request'))";
        let store = self.home().join("store.sqlite");
        super::until(&format!("that somebody has asked for {verb}"), || {
            let asked = Command::new("python3").args(["-c", line]).arg(&store).output().expect("Python");
            String::from_utf8_lossy(&asked.stdout).contains(verb).then_some(())
        });
    }

    /// The driver log, as the user asks for it.
    #[track_caller]
    pub(crate) fn log(&self, run: &Value) -> String {
        let run = run.as_str().expect("a run's name");
        self.call(["runs", "logs", run]).with_code(0).stdout
    }

    /// The label that everything of this store carries on the engine. Asked of a doctor who cannot reach
    /// the engine, so asking changes nothing there.
    pub(crate) fn label(&self) -> Option<String> {
        if !self.home().join("store.sqlite").exists() {
            return None;
        }
        let mut doctor = self.command(["doctor", "--json"]);
        doctor.env("DOCKER_HOST", "unix:///nowhere").env_remove("AML_DEBUG_DOCKER_HOST");
        let findings = Started::new(doctor).end().objects();
        let store = findings.iter().find(|finding| finding["subject"] == "store").expect("a store");
        let arguments = store["what"]["args"].as_array().expect("arguments");
        let id = arguments.iter().find(|pair| pair[0] == "id").and_then(|pair| pair[1].as_str());
        Some(format!("aml-debug.store={}", id.expect("the store's id")))
    }

    /// Containers of this store.
    pub(crate) fn containers(&self) -> Vec<String> {
        self.label().map(|label| engine::containers(&label)).unwrap_or_default()
    }

    /// Names of this store's volumes.
    pub(crate) fn volumes(&self) -> Vec<String> {
        self.label().map(|label| engine::volumes(&label)).unwrap_or_default()
    }

    /// Fails unless nothing of this store is on the engine but its volume.
    #[track_caller]
    pub(crate) fn leaves_nothing(&self) {
        let left = self.containers();
        let shown: Vec<_> = left
            .iter()
            .filter_map(|id| engine::docker_says(&["inspect", "--format", "{{.Name}} {{.State.Status}}", id]))
            .collect();
        assert!(shown.is_empty(), "left on the engine: {shown:?}");
        let names = engine::docker(&["ps", "--all", "--format", "{{.Mounts}} {{.Names}}", "--no-trunc"]);
        let own = self.folder.path().display().to_string();
        let stray: Vec<_> = names.lines().filter(|line| line.contains(&own)).collect();
        assert!(stray.is_empty(), "left on the engine: {stray:?}");
    }

    /// Every file below the workspace, sorted.
    pub(crate) fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        walk(&self.path(""), &self.path(""), &mut found);
        found.sort();
        found
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        // What a failed story leaves behind must not stay for the next.
        let Some(label) = self.label() else { return };
        for container in engine::containers(&label) {
            engine::docker_says(&["rm", "--force", "--volumes", &container]);
        }
        for volume in engine::volumes(&label) {
            engine::docker_says(&["volume", "rm", "--force", &volume]);
        }
    }
}

/// `job.yml` that runs the command in the folder `src`.
pub(crate) fn job(command: &str) -> String {
    format!("//- /job.yml\ntype: command\ncode: src\ncommand: >-\n  {command}\nenvironment:\n  image: $BASE")
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder").map_while(Result::ok) {
        let path = entry.path();
        found.push(path.strip_prefix(root).expect("below").display().to_string());
        if path.is_dir() {
            walk(root, &path, found);
        }
    }
}

/// The program under test: the one that is named, or the one that the workspace's build has made.
fn program() -> PathBuf {
    let named = std::env::var_os("AML_DEBUG_BIN").map(PathBuf::from);
    let program = named.unwrap_or_else(|| target().join("debug").join("aml-debug"));
    assert!(program.exists(), "{} is not there: cargo build -p sidecar", program.display());
    program
}

fn bundle() -> PathBuf {
    let named = std::env::var_os("AML_DEBUG_BUNDLE").map(PathBuf::from);
    let bundle = named.unwrap_or_else(|| target().join("bundle").join("debugpy.tar"));
    assert!(bundle.exists(), "{} is not there: cargo xtask setup", bundle.display());
    bundle
}

fn target() -> PathBuf {
    let test = std::env::current_exe().expect("this test");
    test.ancestors().nth(3).expect("target/debug/deps/it").to_owned()
}

/// A program as the user `nobody`, without any group.
fn as_nobody(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]).arg(program);
    command
}
