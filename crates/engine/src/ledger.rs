//! The image ledger's judgement: why an image was built although others were there, and which images
//! nobody needs any more.

use crate::ids::ImageRef;
use crate::message;
use crate::message::Message;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// An image that was built here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageRecord {
    /// The image's name, which follows from its parts.
    pub name: ImageRef,
    /// What it was built on.
    pub base: ImageRef,
    /// What the name is the hash of: part name → normalised content.
    pub parts: BTreeMap<String, String>,
    /// When it was built, in milliseconds since 1970.
    pub built_ms: u64,
    /// When a run last used it, in milliseconds since 1970.
    pub used_ms: u64,
    /// Bytes on disk.
    pub size: u64,
}

/// Runs of one spec that used one image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageUse {
    /// The image.
    pub image: ImageRef,
    /// The spec.
    pub spec: PathBuf,
    /// How many runs.
    pub runs: u32,
    /// When the last of them was started, in milliseconds since 1970; 0 where the image is only being made for one.
    pub last_ms: u64,
    /// Whether one of them has not ended.
    pub live: bool,
}

/// One part in which two images differ, line by line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartChange {
    /// Name of the part: `base`, `pip`, …
    pub part: String,
    /// Lines that only the newer one has.
    pub added: Vec<String>,
    /// Lines that only the older one has.
    pub removed: Vec<String>,
}

/// Why an image must stay; `None` if nobody needs it. `exists` tells which specs are still there.
pub fn reason_to_keep(
    image: &ImageRef,
    uses: &[ImageUse],
    exists: impl Fn(&PathBuf) -> bool,
) -> Option<Message> {
    let own = || uses.iter().filter(|one| &one.image == image);
    if own().any(|one| one.live) {
        return Some(message!("images.keep-live"));
    }
    let newest = |one: &&ImageUse| {
        let others = uses.iter().filter(|other| other.spec == one.spec);
        others.map(|other| other.last_ms).max() == Some(one.last_ms)
    };
    let needed_by = own().filter(newest).find(|one| exists(&one.spec))?;
    Some(message!("images.keep-newest", spec = needed_by.spec.display()))
}

/// The image built before this one that is most like it, and what differs. `None` for the first of its kind.
pub fn why_built<'a>(
    image: &ImageRecord,
    ledger: &'a [ImageRecord],
) -> Option<(&'a ImageRecord, Vec<PartChange>)> {
    let earlier = ledger.iter().filter(|other| other.built_ms < image.built_ms);
    let compared = earlier.map(|other| (other, changes(other, image)));
    compared.min_by_key(|(other, changes)| {
        let lines: usize = changes.iter().map(|change| change.added.len() + change.removed.len()).sum();
        // Of equals, the latest.
        (lines, std::cmp::Reverse(other.built_ms))
    })
}

fn changes(older: &ImageRecord, newer: &ImageRecord) -> Vec<PartChange> {
    let parts: BTreeSet<&String> = older.parts.keys().chain(newer.parts.keys()).collect();
    let lines = |image: &'_ ImageRecord, part: &String| -> BTreeSet<String> {
        image.parts.get(part).map(|text| text.lines().map(str::to_owned).collect()).unwrap_or_default()
    };
    let change = |part: &String| {
        let (old, new) = (lines(older, part), lines(newer, part));
        PartChange {
            part: part.clone(),
            added: new.difference(&old).cloned().collect(),
            removed: old.difference(&new).cloned().collect(),
        }
    };
    parts
        .into_iter()
        .map(change)
        .filter(|change| !change.added.is_empty() || !change.removed.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(name: &str, built_ms: u64, pip: &str) -> ImageRecord {
        ImageRecord {
            name: name.into(),
            base: "base:1".into(),
            parts: [("base".to_owned(), "sha256:1".to_owned()), ("pip".to_owned(), pip.to_owned())].into(),
            built_ms,
            used_ms: built_ms,
            size: 1,
        }
    }

    fn used(image: &str, spec: &str, last_ms: u64, live: bool) -> ImageUse {
        ImageUse { image: image.into(), spec: spec.into(), runs: 1, last_ms, live }
    }

    #[test]
    fn the_change_is_told_against_the_earlier_image_that_is_most_alike() {
        let ledger = [image("a", 1, "numpy"), image("b", 2, "numpy\npandas"), image("c", 3, "torch")];
        let newest = image("d", 4, "numpy\npandas\nscipy");
        let (older, changes) = why_built(&newest, &ledger).unwrap();
        assert_eq!(older.name.as_str(), "b");
        let expected = PartChange { part: "pip".into(), added: vec!["scipy".into()], removed: vec![] };
        assert_eq!(changes, [expected]);
        assert_eq!(why_built(&ledger[0], &ledger), None);
    }

    #[test]
    fn the_newest_image_of_a_spec_that_is_there_stays_and_so_does_one_in_use() {
        let uses = [
            used("old", "/p/job.yml", 1, false),
            used("new", "/p/job.yml", 2, false),
            used("gone", "/p/removed.yml", 3, false),
            used("busy", "/p/removed.yml", 1, true),
        ];
        let kept = |image: &str| {
            let there = |spec: &PathBuf| spec.ends_with("job.yml");
            reason_to_keep(&image.into(), &uses, there).map(|reason| reason.id)
        };
        assert_eq!(kept("old"), None);
        assert_eq!(kept("new").as_deref(), Some("images.keep-newest"));
        assert_eq!(kept("gone"), None);
        assert_eq!(kept("busy").as_deref(), Some("images.keep-live"));
        assert_eq!(kept("never-run"), None);
    }
}
