//! A place for one story: a store and a project of its own, and an engine that is clean afterwards.

use crate::editor::Editor;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Debian 12 with Python 3.11, as `cargo xtask setup` makes it.
pub(crate) const BASE: &str = "aml-debug/base:bookworm";

pub(crate) struct Ground {
    folder: tempfile::TempDir,
    /// Another engine than the machine's own.
    engine: Option<String>,
}

impl Ground {
    /// With the machine's engine.
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), engine: None }
    }

    /// With an engine that nobody listens for.
    pub(crate) fn without_engine() -> Self {
        let nobody = tempfile::tempdir().unwrap().path().join("nobody.sock");
        Self::with_engine(&nobody)
    }

    pub(crate) fn with_engine(socket: &Path) -> Self {
        let mut ground = Self::new();
        ground.engine = Some(format!("unix://{}", socket.display()));
        ground
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    pub(crate) fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    /// A file of the project, written; its path.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.project().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// A job in the base image whose code is one script; the paths of spec and script.
    pub(crate) fn job(&self, name: &str, script: &str) -> (String, String) {
        let script = self.write(&format!("{name}/src/main.py"), script);
        let spec = format!(
            "type: command\nexperiment_name: {name}\ncode: src\ncommand: python main.py\n\
             environment:\n  image: {BASE}\n"
        );
        (self.write(&format!("{name}/job.yml"), &spec), script)
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aml-debug"));
        command.env("AML_DEBUG_HOME", self.home()).current_dir(self.folder.path());
        if std::env::var_os("AML_DEBUG_BUNDLE").is_none() {
            let bundle = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/bundle/debugpy.tar");
            command.env("AML_DEBUG_BUNDLE", bundle);
        }
        if let Some(engine) = &self.engine {
            command.env("DOCKER_HOST", engine);
        }
        command
    }

    pub(crate) fn editor(&self) -> Editor {
        Editor::start(&mut self.command())
    }

    /// Ids of this store's containers on the engine, running or not.
    pub(crate) fn containers(&self) -> Vec<String> {
        self.ours(&["ps", "--all", "--quiet", "--no-trunc"])
    }

    /// What of this store the engine's own client lists.
    fn ours(&self, list: &[&str]) -> Vec<String> {
        let Some(store) = self.store() else { return Vec::new() };
        let filter = format!("label=aml-debug.store={store}");
        let output = Command::new("docker").args(list).args(["--filter", &filter]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
    }

    fn store(&self) -> Option<String> {
        let folder = self.home();
        if !folder.join("store.sqlite").exists() {
            return None;
        }
        sidecar::store::Store::open(&folder).ok().map(|store| store.id().to_string())
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        if self.engine.is_some() {
            return;
        }
        for (list, remove) in [
            (["ps", "--all", "--quiet", "--no-trunc"].as_slice(), ["rm", "--force", "--volumes"].as_slice()),
            (["volume", "ls", "--quiet"].as_slice(), ["volume", "rm", "--force"].as_slice()),
        ] {
            let names = self.ours(list);
            if !names.is_empty() {
                let _ = Command::new("docker").args(remove).args(names).output();
            }
        }
    }
}
