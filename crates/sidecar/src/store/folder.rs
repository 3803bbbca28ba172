//! The folder of a run: which file lies where, and the logs under both of their names.
//!
//! SDK v1 calls a job's log `azureml-logs/70_driver_log.txt`, v2 `user_logs/std_log.txt`; both are here, and
//! they are one file under two names (a hard link). Where the file system knows no hard links, every
//! write goes to both, so that the reader never sees a difference.

use super::{folder_failure, make_private_folder};
use engine::failure::Failure;
use engine::ids::RunId;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The folder of all runs that belongs to a store's file.
pub(super) fn all_runs(store_file: &Path) -> PathBuf {
    store_file.with_file_name("runs")
}

/// The paths of one run. Naming them makes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFolder {
    root: PathBuf,
}

impl RunFolder {
    pub(super) fn new(home: &Path, run: &RunId) -> Self {
        Self { root: home.join("runs").join(run.as_str()) }
    }

    /// The run's folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Pull and build output.
    pub fn control_log(&self) -> PathBuf {
        self.root.join("azureml-logs").join("60_control_log.txt")
    }

    /// What the user's code printed, under its v1 name.
    pub fn driver_log(&self) -> PathBuf {
        self.root.join("azureml-logs").join("70_driver_log.txt")
    }

    /// What the user's code printed, under its v2 name.
    pub fn std_log(&self) -> PathBuf {
        self.root.join("user_logs").join("std_log.txt")
    }

    /// What one of several processes printed, under the name that Azure has for it.
    pub fn process_log(&self, rank: u32) -> PathBuf {
        self.root.join("user_logs").join(format!("std_log_process_{rank}.txt"))
    }

    /// `./outputs` of the code.
    pub fn outputs(&self) -> PathBuf {
        self.root.join("outputs")
    }

    /// `./logs` of the code.
    pub fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// MLflow's files.
    pub fn mlruns(&self) -> PathBuf {
        self.root.join("mlruns")
    }

    /// A folder per named output.
    pub fn named_outputs(&self) -> PathBuf {
        self.root.join("named_outputs")
    }

    /// Files for this run's container alone: secrets, sockets, what a mount needs. Nobody else's business.
    pub fn private(&self) -> PathBuf {
        self.root.join("private")
    }

    /// Locked by the owner for as long as it lives.
    pub(super) fn owner_lock(&self) -> PathBuf {
        self.root.join("owner.lock")
    }

    /// Makes the folder with all that stands in it from the start; what is there already stays.
    pub fn create(&self) -> Result<(), Failure> {
        make_private_folder(&self.root)?;
        let folders = ["azureml-logs", "user_logs", "outputs", "logs", "mlruns", "private"];
        for folder in folders.map(|name| self.root.join(name)) {
            make_private_folder(&folder)?;
        }
        self.name_driver_log_twice().map_err(|error| folder_failure(&self.driver_log(), &error))
    }

    fn name_driver_log_twice(&self) -> io::Result<()> {
        let exists = |result: io::Result<()>| match result {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other,
        };
        exists(File::create_new(self.driver_log()).map(drop))?;
        match exists(fs::hard_link(self.driver_log(), self.std_log())) {
            Ok(()) => Ok(()),
            Err(_) => exists(File::create_new(self.two_logs()).map(drop)),
        }
    }

    /// There if the two names of the driver log are two files, since no link could be made.
    fn two_logs(&self) -> PathBuf {
        self.private().join("two-logs")
    }

    /// Opens the control log for appending.
    pub fn open_control_log(&self) -> Result<LogFile, Failure> {
        LogFile::open(vec![self.control_log()])
    }

    /// Opens the log of one of several processes for appending.
    pub fn open_process_log(&self, rank: u32) -> Result<LogFile, Failure> {
        LogFile::open(vec![self.process_log(rank)])
    }

    /// Opens the driver log for appending, under both names.
    pub fn open_driver_log(&self) -> Result<LogFile, Failure> {
        let mut paths = vec![self.driver_log()];
        if self.two_logs().exists() {
            paths.push(self.std_log());
        }
        LogFile::open(paths)
    }

    /// Removes everything but the lock.
    pub(super) fn remove_contents(&self) -> Result<(), Failure> {
        let lock = self.owner_lock();
        let entries = match fs::read_dir(&self.root) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other.map_err(|error| folder_failure(&self.root, &error))?,
        };
        for entry in entries {
            let entry = entry.map_err(|error| folder_failure(&self.root, &error))?;
            if entry.path() == lock {
                continue;
            }
            remove_any(&entry).map_err(|error| folder_failure(&entry.path(), &error))?;
        }
        Ok(())
    }

    pub(super) fn remove(&self) -> Result<(), Failure> {
        match fs::remove_dir_all(&self.root) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(folder_failure(&self.root, &error)),
            _ => Ok(()),
        }
    }
}

fn remove_any(entry: &fs::DirEntry) -> io::Result<()> {
    // A link to a folder is removed as a link: what it points at is not ours.
    if entry.file_type()?.is_dir() { fs::remove_dir_all(entry.path()) } else { fs::remove_file(entry.path()) }
}

/// A log of a run, open for appending.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    files: Vec<File>,
}

impl LogFile {
    fn open(paths: Vec<PathBuf>) -> Result<Self, Failure> {
        let open = |path: &PathBuf| {
            OpenOptions::new()
                .create(true)
                .append(true)
                .open(path)
                .map_err(|error| folder_failure(path, &error))
        };
        let files = paths.iter().map(open).collect::<Result<_, _>>()?;
        Ok(Self { path: paths.into_iter().next().unwrap_or_default(), files })
    }

    /// Bytes that the log holds.
    pub fn length(&self) -> Result<u64, Failure> {
        fs::metadata(&self.path).map(|facts| facts.len()).map_err(|error| folder_failure(&self.path, &error))
    }

    /// Takes what is behind this many bytes away again.
    pub fn cut(&mut self, length: u64) -> Result<(), Failure> {
        self.files
            .iter()
            .try_for_each(|file| file.set_len(length))
            .map_err(|error| folder_failure(&self.path, &error))
    }

    /// Appends; the bytes are in the file when this returns, for every reader.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        for file in &mut self.files {
            file.write_all(bytes).map_err(|error| folder_failure(&self.path, &error))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(folder: &RunFolder, bytes: &[u8]) {
        folder.open_driver_log().unwrap().append(bytes).unwrap();
    }

    #[test]
    fn the_driver_log_reads_the_same_under_both_names_with_links_and_without() {
        let home = tempfile::tempdir().unwrap();
        for links in [true, false] {
            let folder = RunFolder::new(home.path(), &RunId(format!("iris_1_{links}")));
            if !links {
                // What creating leaves on a file system that refuses the link.
                fs::create_dir_all(folder.private()).unwrap();
                fs::create_dir_all(folder.root().join("user_logs")).unwrap();
                File::create_new(folder.two_logs()).unwrap();
                File::create_new(folder.std_log()).unwrap();
            }
            folder.create().unwrap();
            log(&folder, b"epoch 1\r\n");
            // The adopting process opens it again.
            folder.create().unwrap();
            log(&folder, b"epoch 2");
            assert_eq!(fs::read(folder.driver_log()).unwrap(), b"epoch 1\r\nepoch 2");
            assert_eq!(fs::read(folder.std_log()).unwrap(), b"epoch 1\r\nepoch 2");
            assert_eq!(folder.two_logs().exists(), !links);
        }
    }
}
