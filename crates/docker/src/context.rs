//! Docker contexts as the Docker command line stores them: `contexts/meta/<sha256 of the name>/meta.json`.

use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Where an engine is, and with which certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// Address with its scheme.
    pub(crate) host: String,
    /// Folder with `ca.pem`, `cert.pem` and `key.pem`; `None` is no TLS.
    pub(crate) tls: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    current_context: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Meta {
    #[serde(default)]
    endpoints: BTreeMap<String, MetaEndpoint>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MetaEndpoint {
    #[serde(default)]
    host: String,
}

/// The context that `docker context use` has set.
pub(crate) async fn current(config_folder: Option<PathBuf>) -> Option<String> {
    let text = tokio::fs::read(config_folder?.join("config.json")).await.ok()?;
    serde_json::from_slice::<Config>(&text).ok()?.current_context.filter(|name| !name.is_empty())
}

/// The context of that name, or why there is none.
pub(crate) async fn read(config_folder: Option<PathBuf>, name: &str) -> Result<Endpoint, String> {
    let contexts = config_folder.ok_or("no home folder")?.join("contexts");
    let id = hex(&Sha256::digest(name.as_bytes()));
    let file = contexts.join("meta").join(&id).join("meta.json");
    let text = tokio::fs::read(&file).await.map_err(|error| format!("{}: {error}", file.display()))?;
    let meta: Meta = serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", file.display()))?;
    let host = meta.endpoints.get("docker").map(|endpoint| endpoint.host.clone()).unwrap_or_default();
    if host.is_empty() {
        return Err(format!("{}: Endpoints.docker.Host", file.display()));
    }
    let tls = contexts.join("tls").join(&id).join("docker");
    Ok(Endpoint { host, tls: exists(&tls).await.then_some(tls) })
}

async fn exists(path: &Path) -> bool {
    tokio::fs::try_exists(path).await.unwrap_or(false)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
