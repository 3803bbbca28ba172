//! Who we are to a registry: what `docker login` has left in `config.json`, or in a keychain behind a helper.
//!
//! The order is the Docker command line's: the registry's own helper, the helper for all, the file itself. A
//! helper that cannot be asked keeps nobody from pulling what is public; it is told when the registry refuses.

use base64::Engine as _;
use bollard::auth::DockerCredentials;
use engine::ids::ImageRef;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// A helper may ask its user for a password.
const HELPER: Duration = Duration::from_secs(60);

/// Docker Hub's name in `config.json`, and in an image's name.
const HUB_KEY: &str = "https://index.docker.io/v1/";
const HUB: &str = "docker.io";

/// What is known of the user at one registry.
#[derive(Debug, Clone, Default)]
pub(crate) struct Found {
    /// Name and password, or a token.
    pub(crate) credentials: Option<DockerCredentials>,
    /// Why a helper could not be asked.
    pub(crate) complaint: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Config {
    auths: BTreeMap<String, Auth>,
    cred_helpers: BTreeMap<String, String>,
    creds_store: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Auth {
    auth: String,
    identitytoken: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Kept {
    username: String,
    secret: String,
}

/// The registry an image comes from: the first part of its name if that looks like a host.
pub(crate) fn registry(image: &ImageRef) -> &str {
    match image.as_str().split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => host,
        _ => HUB,
    }
}

/// What the user's Docker configuration says of a registry.
pub(crate) async fn find(config_folder: Option<&PathBuf>, registry: &str) -> Found {
    let Some(folder) = config_folder else { return Found::default() };
    let file = folder.join("config.json");
    let config: Config = match tokio::fs::read(&file).await.map(|text| serde_json::from_slice(&text)) {
        Ok(Ok(config)) => config,
        Ok(Err(error)) => {
            return Found { credentials: None, complaint: Some(format!("{}: {error}", file.display())) };
        }
        // Nobody has ever signed in.
        Err(_) => return Found::default(),
    };
    let key = if registry == HUB { HUB_KEY } else { registry };
    let helper = config.cred_helpers.iter().find(|(host, _)| host_of(host) == host_of(key));
    let helper =
        helper.map(|(_, helper)| helper).or(Some(&config.creds_store)).filter(|name| !name.is_empty());
    if let Some(helper) = helper {
        match ask(helper, key).await {
            Ok(Some(kept)) => return Found { credentials: Some(of_kept(kept, key)), complaint: None },
            Ok(None) => {}
            Err(complaint) => {
                let credentials = of_file(&config, key);
                return Found { credentials, complaint: Some(complaint) };
            }
        }
    }
    Found { credentials: of_file(&config, key), complaint: None }
}

fn of_file(config: &Config, key: &str) -> Option<DockerCredentials> {
    let (_, auth) = config.auths.iter().find(|(host, _)| host_of(host) == host_of(key))?;
    if !auth.identitytoken.is_empty() {
        return Some(DockerCredentials {
            identitytoken: Some(auth.identitytoken.clone()),
            serveraddress: Some(key.to_owned()),
            ..DockerCredentials::default()
        });
    }
    let plain = base64::engine::general_purpose::STANDARD.decode(auth.auth.trim()).ok()?;
    let plain = String::from_utf8(plain).ok()?;
    let (username, password) = plain.split_once(':')?;
    Some(DockerCredentials {
        username: Some(username.to_owned()),
        password: Some(password.trim_end_matches('\0').to_owned()),
        serveraddress: Some(key.to_owned()),
        ..DockerCredentials::default()
    })
}

fn of_kept(kept: Kept, key: &str) -> DockerCredentials {
    let serveraddress = Some(key.to_owned());
    // The helpers' way to say that it is no password.
    if kept.username == "<token>" {
        let identitytoken = Some(kept.secret);
        return DockerCredentials { identitytoken, serveraddress, ..DockerCredentials::default() };
    }
    DockerCredentials {
        username: Some(kept.username),
        password: Some(kept.secret),
        serveraddress,
        ..DockerCredentials::default()
    }
}

/// `https://h/v1/`, `h/`, `h` are one host.
fn host_of(key: &str) -> &str {
    let bare = key.split_once("://").map_or(key, |(_, rest)| rest);
    bare.split('/').next().unwrap_or(bare)
}

/// Asks `docker-credential-NAME`; `None` if it knows nothing of the registry.
async fn ask(helper: &str, key: &str) -> Result<Option<Kept>, String> {
    let program = format!("docker-credential-{helper}");
    let failed = |cause: String| format!("{program}: {cause}");
    let mut child = Command::new(&program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    if let Some(mut input) = child.stdin.take() {
        // A helper that does not read its question has an answer of its own.
        let _ = input.write_all(key.as_bytes()).await;
    }
    let output = tokio::time::timeout(HELPER, child.wait_with_output()).await;
    let output =
        output.map_err(|_| failed(format!("> {HELPER:?}")))?.map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return serde_json::from_slice(&output.stdout).map(Some).map_err(|error| failed(error.to_string()));
    }
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if said.contains("credentials not found") { Ok(None) } else { Err(failed(said)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_file_is_read_in_all_its_spellings() {
        let folder = tempfile::tempdir().expect("a folder");
        let text = r#"{"auths": {"https://h.example/v2/": {"auth": "bWU6c2VzOmFtZQ=="},
            "https://index.docker.io/v1/": {"identitytoken": "t", "auth": ""}},
            "credHelpers": {"other.example": "no-such-helper-anywhere"}}"#;
        std::fs::write(folder.path().join("config.json"), text).expect("a file");
        let folder = folder.path().to_owned();
        let found = find(Some(&folder), "h.example").await.credentials.expect("credentials");
        assert_eq!((found.username.as_deref(), found.password.as_deref()), (Some("me"), Some("ses:ame")));
        let found =
            find(Some(&folder), registry(&"python:3.11".into())).await.credentials.expect("credentials");
        assert_eq!(found.identitytoken.as_deref(), Some("t"));
        assert!(find(Some(&folder), "nobody.example").await.credentials.is_none());
        let found = find(Some(&folder), "other.example").await;
        assert!(
            found.complaint.is_some_and(|why| why.starts_with("docker-credential-no-such-helper-anywhere: "))
        );
    }
}
