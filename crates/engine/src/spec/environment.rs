//! What a user wrote as an environment: a registered name, an image, an image with a conda file, a build context.

use super::files::resolve;
use super::schema::Checker;
use crate::yaml::{Node, Value};
use serde_json::json;
use std::path::{Path, PathBuf};

/// The base image that azure-ai-ml documents for conda files.
pub const DEFAULT_IMAGE: &str = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04";

/// An environment as written.
#[derive(Debug, Clone, PartialEq)]
pub enum Environment {
    /// `azureml:name@label`, `azureml:name:version` or an address in a registry, without the `azureml:`.
    Registered(String),
    /// Written out.
    Inline {
        /// The image.
        image: Option<String>,
        /// What goes on top.
        conda: Option<Box<CondaFile>>,
        /// A folder with a Dockerfile.
        build: Option<Build>,
    },
}

/// A Docker build context.
#[derive(Debug, Clone, PartialEq)]
pub struct Build {
    /// The folder as written, or an address.
    pub path: String,
    /// The folder, absolute; means nothing where `path` is an address.
    pub folder: PathBuf,
    /// The Dockerfile in it.
    pub dockerfile: String,
    /// The Dockerfile's text, where the spec itself holds it; then no file of the folder is sent.
    pub text: Option<String>,
}

/// A conda file, read.
#[derive(Debug, Clone, PartialEq)]
pub struct CondaFile {
    /// Where it was read from, as written; `None` where it stands in the spec itself.
    pub path: Option<String>,
    /// The file that it stands in.
    pub file: PathBuf,
    /// The packages conda is asked for, in the order of the file.
    pub conda: Vec<String>,
    /// The lines below `pip:`.
    pub pip: Vec<String>,
    /// The channels.
    pub channels: Vec<String>,
    /// The whole file.
    pub content: serde_json::Value,
}

impl Environment {
    /// An image with nothing on top.
    pub fn of_image(image: &str) -> Environment {
        Environment::Inline { image: Some(image.to_owned()), conda: None, build: None }
    }

    /// Reads the value of an `environment` key that was checked before.
    pub(crate) fn read(checker: &mut Checker<'_>, node: &Node) -> Environment {
        if let Some(text) = node.as_str() {
            let file = text.strip_prefix("file:");
            if let Some(environment) = file.and_then(|file| checker.in_file(file, Environment::read)) {
                return environment;
            }
            let name =
                if text.starts_with("azureml://") { text } else { text.trim_start_matches("azureml:") };
            return Environment::Registered(name.to_owned());
        }
        let conda = node.some("conda_file").and_then(|conda| CondaFile::of(checker, conda)).map(Box::new);
        let build = node.some("build").map(|build| {
            let path = build.text("path").unwrap_or(".");
            Build {
                path: path.to_owned(),
                folder: resolve(checker.folder(), path.trim_start_matches("file:")),
                dockerfile: build.text("dockerfile_path").unwrap_or("Dockerfile").to_owned(),
                text: None,
            }
        });
        Environment::Inline { image: node.text("image").map(str::to_owned), conda, build }
    }

    /// The environment in a summary.
    pub fn summary(&self) -> serde_json::Value {
        match self {
            Environment::Registered(name) => json!(name),
            Environment::Inline { image, conda, build } => json!({
                "image": image,
                "conda": conda.as_ref().map(|conda| &conda.content),
                "build": build.is_some(),
            }),
        }
    }
}

impl CondaFile {
    fn of(checker: &mut Checker<'_>, node: &Node) -> Option<CondaFile> {
        match &node.value {
            Value::Map(_) => Some(CondaFile::from_node(node, checker.path(), None)),
            Value::Str(path) => {
                let parsed = checker.parsed(path)??;
                let file = resolve(checker.folder(), path);
                parsed.root.as_ref().map(|root| CondaFile::from_node(root, &file, Some(path.clone())))
            }
            _ => None,
        }
    }

    /// Reads a conda file's tree, which stands in `file`.
    pub fn from_node(root: &Node, file: &Path, path: Option<String>) -> CondaFile {
        let texts = |node: Option<&Node>| -> Vec<String> {
            node.map(Node::items).unwrap_or_default().iter().filter_map(Node::printed).collect()
        };
        let dependencies = root.get("dependencies").map(Node::items).unwrap_or_default();
        let conda = dependencies.iter().filter_map(Node::as_str).map(|text| text.trim().to_owned()).collect();
        let pip = dependencies.iter().flat_map(|item| texts(item.get("pip"))).collect();
        let (file, channels) = (file.to_owned(), texts(root.get("channels")));
        CondaFile { path, file, conda, pip, channels, content: to_json(root) }
    }
}

/// A tree as JSON.
pub(crate) fn to_json(node: &Node) -> serde_json::Value {
    match &node.value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(value) => json!(value),
        Value::Int(value) => json!(value),
        Value::Float(value) => json!(value),
        Value::Str(text) | Value::Date(text) => json!(text),
        Value::List(items) => items.iter().map(to_json).collect(),
        Value::Map(entries) => {
            let object: serde_json::Map<_, _> =
                entries.iter().map(|entry| (entry.key.clone(), to_json(&entry.value))).collect();
            object.into()
        }
    }
}
