//! A file system of a few texts, for tests: path → text; a path that ends with `/` is a folder.

use super::{Files, Found};
use crate::spec::{self, Reading};
use std::collections::HashMap;

/// Reads a spec with all that it refers to.
pub(crate) fn read(path: &str, disk: &[(&str, &str)]) -> Reading {
    let disk: HashMap<&str, &str> = disk.iter().copied().collect();
    let mut files = Files::default();
    for _ in 0..20 {
        let reading = spec::read(path.as_ref(), disk[path].as_bytes(), &files);
        if reading.needs.is_empty() {
            return reading;
        }
        for need in reading.needs {
            let at = need.path.display().to_string();
            let found = match disk.get(at.as_str()) {
                Some(text) => Found::File(text.as_bytes().into()),
                None if disk.contains_key(format!("{at}/").as_str()) => Found::Folder,
                None => Found::Missing,
            };
            files.insert(need, found);
        }
    }
    panic!("{path}: what was looked up is asked for again and again");
}
