//! From environment to image: what the image is made of, and the name that follows from it.

use crate::ids::ImageRef;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where the image comes from, as far as the spec alone decides it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum ImagePlan {
    /// The user's image as it is.
    Existing {
        /// The image, after image rewriting.
        reference: ImageRef,
    },
    /// An image built on the user's base image.
    Environment {
        /// The base, after image rewriting.
        base: ImageRef,
        /// What goes on top.
        packages: Packages,
    },
}

impl ImagePlan {
    /// The image that has to be on the engine before anything else can be decided.
    pub fn base(&self) -> &ImageRef {
        match self {
            ImagePlan::Existing { reference } => reference,
            ImagePlan::Environment { base, .. } => base,
        }
    }
}

/// The content of a conda file that asks for Python and pip packages only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Packages {
    /// Version asked for in the conda file, `3.11`; `None` takes the base image's.
    pub python: Option<String>,
    /// Requirement lines, normalised and sorted; options such as `--extra-index-url …` first.
    pub pip: Vec<String>,
}

/// What of this machine's settings reaches a build and changes its result or its success.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BuildSettings {
    /// PEM bundle of the host, where it differs from the image's; empty if none is set.
    pub ca_bundle: Vec<u8>,
    /// `PIP_INDEX_URL`, `UV_INDEX_URL` and their extra forms, without credentials in the name of the image.
    pub index: BTreeMap<String, String>,
    /// `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`; they never enter the image or its name.
    pub proxy: BTreeMap<String, String>,
}

/// Everything a build needs, and the name of what it makes.
#[derive(Debug, Clone, PartialEq)]
pub struct Recipe {
    /// `aml-debug/env:<first 16 hex digits of the hash of the parts>`.
    pub name: ImageRef,
    /// What the name is the hash of: part name → normalised content.
    pub parts: BTreeMap<String, String>,
    /// The Dockerfile.
    pub dockerfile: String,
    /// Other files of the build context: path → bytes.
    pub context: BTreeMap<String, Vec<u8>>,
    /// Build arguments of BuildKit that stay out of the image's history (proxy settings).
    pub arguments: BTreeMap<String, String>,
    /// Labels of the image.
    pub labels: BTreeMap<String, String>,
}

/// stub
pub fn recipe(
    _plan: &ImagePlan,
    _base: &crate::plan::ImageFacts,
    _settings: &BuildSettings,
) -> Option<Recipe> {
    None
}
