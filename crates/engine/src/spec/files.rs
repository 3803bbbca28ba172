//! What a spec refers to on disk, as values: the engine asks, the caller looks, the engine reads again.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Nothing, or nothing that may be looked at.
    Missing,
    /// A folder.
    Folder,
    /// A file. Its bytes are empty unless a [`Need`] asked for them.
    File(Arc<[u8]>),
}

/// Something that has to be looked up before a spec can be judged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Need {
    /// Absolute path, `.` and `..` resolved.
    pub path: PathBuf,
    /// Whether the bytes are wanted too, or only what stands there.
    pub bytes: bool,
}

/// Everything that was looked up so far.
///
/// The caller fills it with the answers to [`Need`]s and reads the spec again until nothing is needed any
/// more. One value may serve many specs of one folder; it is a cache, and the caller decides how long it is
/// true.
#[derive(Debug, Clone, Default)]
pub struct Files {
    known: BTreeMap<PathBuf, (Found, bool)>,
}

impl Files {
    /// Answers a need.
    pub fn insert(&mut self, need: Need, found: Found) {
        self.known.insert(need.path, (found, need.bytes));
    }

    /// What stands at a path, if it is known.
    pub fn get(&self, path: &Path) -> Option<&Found> {
        self.known.get(path).map(|(found, _)| found)
    }

    /// The bytes of a file: `None` where nobody looked yet, `Some(None)` where there is no such file.
    pub(crate) fn bytes(&self, path: &Path) -> Option<Option<Arc<[u8]>>> {
        match self.known.get(path)? {
            (Found::File(bytes), true) => Some(Some(bytes.clone())),
            (Found::File(_), false) => None,
            _ => Some(None),
        }
    }
}

/// A path as written, seen from a folder, with `.` and `..` resolved without asking the disk.
pub(crate) fn resolve(folder: &Path, written: &str) -> PathBuf {
    let mut path = PathBuf::new();
    for part in folder.join(written).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                if !path.pop() {
                    path.push(part);
                }
            }
            _ => path.push(part),
        }
    }
    path
}

#[cfg(test)]
pub(crate) mod disk;
