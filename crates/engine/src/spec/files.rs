//! What a spec refers to on disk, as values: the engine asks, the caller looks.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
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

/// Everything that was looked up so far, and the caller's way of looking up the rest.
///
/// One value may serve many specs of one folder; it is a cache, and the caller decides how long it is true.
#[derive(Clone, Default)]
pub struct Files {
    known: RefCell<BTreeMap<PathBuf, (Found, bool)>>,
    look: Option<fn(&Need) -> Found>,
}

impl Files {
    /// Files that the caller looks up the moment they are asked for, so that a spec is read once. Without this,
    /// what is not known counts as there, and the reading names it among its needs.
    pub fn looking(look: fn(&Need) -> Found) -> Self {
        Self { known: RefCell::default(), look: Some(look) }
    }

    /// Answers a need.
    pub fn insert(&mut self, need: Need, found: Found) {
        self.known.get_mut().insert(need.path, (found, need.bytes));
    }

    /// What stands at a path; `None` where nobody looked.
    pub fn get(&self, path: &Path) -> Option<Found> {
        let known = self.known.borrow().get(path).map(|(found, _)| found.clone());
        known.or_else(|| self.look_up(path, false))
    }

    /// The bytes of a file: `None` where nobody looked, `Some(None)` where there is no such file.
    pub(crate) fn bytes(&self, path: &Path) -> Option<Option<Arc<[u8]>>> {
        let found = match self.known.borrow().get(path) {
            Some((Found::File(_), false)) | None => None,
            Some((found, _)) => Some(found.clone()),
        };
        match found.or_else(|| self.look_up(path, true))? {
            Found::File(bytes) => Some(Some(bytes)),
            Found::Missing | Found::Folder => Some(None),
        }
    }

    fn look_up(&self, path: &Path, bytes: bool) -> Option<Found> {
        let found = self.look?(&Need { path: path.to_owned(), bytes });
        self.known.borrow_mut().insert(path.to_owned(), (found.clone(), bytes));
        Some(found)
    }
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files").field("known", &self.known.borrow().keys()).finish_non_exhaustive()
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
