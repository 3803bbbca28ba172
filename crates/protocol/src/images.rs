//! The image ledger, on the wire.

use crate::text::Text;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Nothing to choose yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ListImagesParams {}

/// The images that were built here, last used first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ListImagesAnswer {
    /// The images.
    pub images: Vec<ImageSnapshot>,
}

/// One image that was built here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ImageSnapshot {
    /// Its name.
    pub image: String,
    /// What it was built on.
    pub base: String,
    /// Bytes on disk, layers that other images share included.
    #[ts(type = "number")]
    pub bytes: u64,
    /// When it was built, in milliseconds since 1970.
    #[ts(type = "number")]
    pub built_at: u64,
    /// When a run last used it, in milliseconds since 1970.
    #[ts(type = "number")]
    pub used_at: u64,
    /// How many runs of this workspace use it.
    pub runs: u32,
    /// The specs of those runs.
    pub specs: Vec<String>,
    /// Whether the engine does not have it any more, since somebody has removed it there; absent where the engine
    /// did not answer.
    pub missing: Option<bool>,
}

/// Which image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct WhyImageParams {
    /// Its name, or a unique beginning of its hash.
    pub image: String,
}

/// Why an image was built although others were there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct WhyImageAnswer {
    /// The image.
    pub image: ImageSnapshot,
    /// What its name follows from: part name and content.
    pub parts: Vec<(String, String)>,
    /// The earlier image that is most like it.
    pub compared_with: Option<String>,
    /// What differs from that one.
    pub changes: Vec<ImageChange>,
}

/// One part in which two images differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ImageChange {
    /// Name of the part.
    pub part: String,
    /// Lines that only this image has.
    pub added: Vec<String>,
    /// Lines that only the earlier one has.
    pub removed: Vec<String>,
}

/// Whether to remove or only to say what would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PruneImagesParams {
    /// Remove nothing.
    pub dry_run: bool,
}

/// What was, or would be, removed and what stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PruneImagesAnswer {
    /// An entry per image of the ledger, and of the volumes that hold an image's bytecode, one per volume whose
    /// image is gone.
    pub images: Vec<PrunedImage>,
}

/// What became of one image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PrunedImage {
    /// The image, or the name of the volume.
    pub image: String,
    /// Bytes on disk; of a volume 0, since the engine counts them only for all at once.
    #[ts(type = "number")]
    pub bytes: u64,
    /// Why it stays; absent if it is removed.
    pub kept: Option<Text>,
    /// The engine did not have it any more: the ledger forgets it, and there is nothing to remove.
    pub missing: bool,
}
