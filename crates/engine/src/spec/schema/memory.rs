//! What was found out while one spec is read. Many steps of a pipeline name the same component, and what it says
//! does not depend on who asks; without this a large pipeline is read in minutes.

use super::tables::Shape;
use crate::diagnostic::Diagnostic;
use crate::spec::files::Need;
use crate::yaml::{self, Node, Parsed};
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Trees and verdicts by path, shared by the checkers of all files of one reading.
#[derive(Default)]
pub(super) struct Memory {
    parsed: RefCell<HashMap<PathBuf, Rc<Parsed>>>,
    verdicts: RefCell<HashMap<(PathBuf, Shape, bool), Rc<Verdict>>>,
    /// By the places of the mappings in memory: all trees stand until the spec is read.
    accepted: RefCell<HashMap<*const Node, Shape>>,
}

/// What the check of a file against a shape has found.
pub(super) struct Verdict {
    pub(super) findings: Vec<Diagnostic>,
    pub(super) needs: Vec<Need>,
}

impl Memory {
    /// Of several shapes this is the one that a mapping has.
    pub(super) fn accept(&self, node: &Node, shape: Shape) {
        self.accepted.borrow_mut().insert(std::ptr::from_ref(node), shape);
    }

    /// The shape that a mapping was found to have.
    pub(super) fn accepted(&self, node: &Node) -> Option<Shape> {
        self.accepted.borrow().get(&std::ptr::from_ref(node)).copied()
    }

    /// The tree of a file with these bytes.
    pub(super) fn parsed(&self, path: &Path, bytes: &[u8]) -> Rc<Parsed> {
        if let Some(known) = self.parsed.borrow().get(path) {
            return known.clone();
        }
        let parsed = Rc::new(yaml::parse(bytes));
        self.parsed.borrow_mut().insert(path.to_owned(), parsed.clone());
        parsed
    }

    /// The verdict on a file, worked out once. Nothing is borrowed meanwhile: a file may name further files.
    pub(super) fn verdict(
        &self,
        path: &Path,
        shape: Shape,
        open: bool,
        work: impl FnOnce() -> Verdict,
    ) -> Rc<Verdict> {
        let key = (path.to_owned(), shape, open);
        if let Some(known) = self.verdicts.borrow().get(&key) {
            return known.clone();
        }
        let verdict = Rc::new(work());
        self.verdicts.borrow_mut().insert(key, verdict.clone());
        verdict
    }
}
