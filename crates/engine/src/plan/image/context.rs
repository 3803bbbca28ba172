//! A Docker build context of the user's: what is in it, and the image that follows from it.

use super::{Recipe, dockerfile, hash};
use crate::ids::ImageRef;
use crate::plan::ImageFacts;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A folder with a Dockerfile, as the spec names them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BuildContext {
    /// The folder, absolute.
    pub folder: PathBuf,
    /// The Dockerfile, seen from the folder.
    pub dockerfile: String,
    /// The Dockerfile's text where the spec itself holds it; no file of the folder is sent then.
    pub text: Option<String>,
}

/// What was found in a build context.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContextFacts {
    /// The Dockerfile's text after image rewriting.
    pub dockerfile: String,
    /// The images of its `FROM` lines that were rewritten: from, to.
    pub rewritten: Vec<(String, String)>,
    /// Everything that is sent, sorted by path.
    pub files: Vec<ContextFile>,
}

/// One file or link of a build context.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContextFile {
    /// Path from the context's folder, with `/`.
    pub path: String,
    /// Hexadecimal hash of what determines it: content or target, and permissions.
    pub digest: String,
}

/// The name of the Dockerfile in the archive where it is no file of the context's folder.
pub const OWN_DOCKERFILE: &str = ".aml-debug.Dockerfile";

impl BuildContext {
    /// The Dockerfile's name in the archive.
    pub fn dockerfile_in_archive(&self) -> &str {
        let outside = self.dockerfile.starts_with("..") || self.dockerfile.starts_with('/');
        if self.text.is_some() || outside { OWN_DOCKERFILE } else { self.dockerfile.trim_start_matches("./") }
    }
}

/// The recipe of the context's image. `base` is there where the Dockerfile tells what it begins with.
pub(super) fn recipe(
    context: &BuildContext,
    facts: &ContextFacts,
    base: Option<&ImageFacts>,
    arguments: BTreeMap<String, String>,
    host_network: bool,
) -> Recipe {
    let parts = BTreeMap::from([
        ("base".to_owned(), base.map(|base| base.id.clone()).unwrap_or_default()),
        ("dockerfile".to_owned(), facts.dockerfile.clone()),
        ("context".to_owned(), listing(&facts.files)),
    ]);
    let short = |text: &str| hash(&BTreeMap::from([(String::new(), text.to_owned())]))[..16].to_owned();
    // The parts themselves would be too much for a label.
    let label = |(name, text): (&String, &String)| (format!("aml-debug.part.{name}"), short(text));
    let kind = ("aml-debug.kind".to_owned(), "environment".to_owned());
    Recipe {
        name: ImageRef(format!("aml-debug/env:{}", &hash(&parts)[..16])),
        base: base.map(|base| base.reference.clone()),
        dockerfile: facts.dockerfile.clone(),
        dockerfile_path: context.dockerfile_in_archive().to_owned(),
        context: BTreeMap::new(),
        secrets: BTreeMap::new(),
        agent: None,
        folder: Some((context.clone(), facts.clone())),
        arguments,
        cache: String::new(),
        labels: parts.iter().map(label).chain([kind]).collect(),
        host_network,
        afresh: false,
        parts,
    }
}

/// The images that have to be there first, as far as the Dockerfile tells.
pub(super) fn base(facts: &ContextFacts) -> Option<ImageRef> {
    dockerfile::base(&facts.dockerfile)
}

/// Most files that are listed one by one; a larger context is listed by what stands at its top.
const MOST_LINES: usize = 500;

fn listing(files: &[ContextFile]) -> String {
    if files.len() <= MOST_LINES {
        return files.iter().fold(String::new(), |text, file| {
            text + &file.path + " " + file.digest.get(..12).unwrap_or(&file.digest) + "\n"
        });
    }
    let mut tops: BTreeMap<&str, BTreeMap<String, String>> = BTreeMap::new();
    for file in files {
        let top = file.path.split('/').next().unwrap_or(&file.path);
        tops.entry(top).or_default().insert(file.path.clone(), file.digest.clone());
    }
    tops.iter().fold(String::new(), |text, (top, files)| text + top + " " + &hash(files)[..12] + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, digest: &str) -> ContextFile {
        ContextFile { path: path.to_owned(), digest: digest.repeat(32) }
    }

    #[test]
    fn an_image_is_named_by_its_files_its_dockerfile_and_its_base() {
        let context =
            BuildContext { folder: "/p/env".into(), dockerfile: "./Dockerfile".to_owned(), text: None };
        let facts = |dockerfile: &str, files: &[ContextFile]| ContextFacts {
            dockerfile: dockerfile.to_owned(),
            rewritten: Vec::new(),
            files: files.to_vec(),
        };
        let made = |facts: &ContextFacts| recipe(&context, facts, None, BTreeMap::new(), false);
        let one = made(&facts("FROM a", &[file("Dockerfile", "00"), file("x.txt", "11")]));
        assert_eq!(one.parts["context"], "Dockerfile 000000000000\nx.txt 111111111111\n");
        assert_eq!(one.dockerfile_path, "Dockerfile");
        assert_eq!(one.name, made(&facts("FROM a", &[file("Dockerfile", "00"), file("x.txt", "11")])).name);
        assert_ne!(one.name, made(&facts("FROM a", &[file("Dockerfile", "00"), file("x.txt", "12")])).name);
        assert_ne!(one.name, made(&facts("FROM b", &[file("Dockerfile", "00"), file("x.txt", "11")])).name);
    }

    #[test]
    fn a_large_context_is_listed_by_its_top() {
        let mut files: Vec<_> = (0..600).map(|n| file(&format!("data/{n:03}"), "22")).collect();
        files.push(file("Dockerfile", "33"));
        let before = listing(&files);
        assert_eq!(before.lines().count(), 2);
        files[7].digest = "44".repeat(32);
        let after = listing(&files);
        assert_eq!(before.lines().next(), after.lines().next());
        assert_ne!(before, after);
    }
}
