//! What the machine offers for a run, and what is in the way: looked at in the order in which a run needs it.

use crate::files;
use crate::settings::Settings;
use crate::to_proto;
use docker::{Attempt, Docker, EngineFacts, Outcome};
use engine::failure::Failure;
use engine::message;
use engine::message::Message;
use protocol::doctor::Finding;
use std::time::Duration;
use tokio::net::TcpStream;

/// Whoever asks the doctor waits for the answer; an engine that is well gives it in milliseconds.
const ENGINE_PATIENCE: Duration = Duration::from_secs(5);

/// Looks at everything that a local run needs. Never fails: what is wrong is a finding.
pub(crate) async fn examine(settings: &Settings) -> Vec<Finding> {
    let mut findings = vec![store(settings), bundle(settings)];
    findings.extend(authorities(settings));
    findings.extend(index(settings));
    findings.extend(index_reached(settings).await);
    match Docker::connect(&settings.engine).await {
        Ok(docker) => {
            findings.extend(docker.attempts().iter().map(attempt));
            match tokio::time::timeout(ENGINE_PATIENCE, docker.about()).await {
                Ok(Ok(facts)) => {
                    findings.extend(engine(&facts));
                    findings.extend(base_images(settings, &docker).await);
                }
                Ok(Err(error)) => findings.push(ill("engine", &error.into())),
                Err(_) => findings.push(finding(
                    "engine",
                    "error",
                    &message!("docker.silent", address = docker.address()),
                    Some(&message!("docker.silent.fix")),
                )),
            }
        }
        Err(error) => findings.push(ill("engine", &error.into())),
    }
    findings
}

fn store(settings: &Settings) -> Finding {
    match crate::store::Store::open(&settings.home) {
        Ok(store) => {
            well("store", &message!("doctor.store", folder = settings.home.display(), id = store.id()))
        }
        Err(failure) => ill("store", &failure),
    }
}

fn bundle(settings: &Settings) -> Finding {
    match &settings.bundle {
        Some(path) if files::exists(path) => {
            well("debugpy", &message!("doctor.bundle", path = path.display()))
        }
        _ => finding(
            "debugpy",
            "error",
            &message!("debugger.no-bundle"),
            Some(&message!("debugger.no-bundle.fix")),
        ),
    }
}

fn authorities(settings: &Settings) -> Option<Finding> {
    match settings.build() {
        Ok(build) if build.ca_bundle.is_empty() => None,
        Ok(build) => Some(well("ca", &message!("doctor.ca", kib = build.ca_bundle.len() / 1024))),
        Err(failure) => Some(ill("ca", &failure)),
    }
}

/// Addresses may hold credentials, so only the names of the variables are shown.
fn index(settings: &Settings) -> Option<Finding> {
    let build = settings.build().ok()?;
    let names: Vec<_> = build.index.keys().chain(build.proxy.keys()).map(String::as_str).collect();
    (!names.is_empty()).then(|| well("index", &message!("doctor.index", names = names.join(", "))))
}

/// How long an index may take to accept a connection.
const INDEX_PATIENCE: Duration = Duration::from_secs(2);

/// Whether this machine reaches the package index that is set. Behind a proxy only the proxy could tell.
async fn index_reached(settings: &Settings) -> Option<Finding> {
    let build = settings.build().ok()?;
    if !build.proxy.is_empty() {
        return None;
    }
    let names = ["UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"];
    let (host, port) = host_and_port(names.iter().find_map(|name| build.index.get(*name))?)?;
    let connected = tokio::time::timeout(INDEX_PATIENCE, TcpStream::connect((host.as_str(), port))).await;
    Some(match connected {
        Ok(Ok(_)) => well("index", &message!("doctor.index-answers", host = host)),
        Ok(Err(_)) | Err(_) => finding(
            "index",
            "warning",
            &message!("doctor.index-silent", host = host),
            Some(&message!("doctor.index-silent.fix")),
        ),
    })
}

/// Host and port of an address; its credentials are left out.
fn host_and_port(address: &str) -> Option<(String, u16)> {
    let (scheme, rest) = address.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let place = authority.rsplit('@').next()?;
    let default = if scheme == "http" { 80 } else { 443 };
    match place.rsplit_once(':') {
        Some((host, port)) if !place.ends_with(']') => Some((host.to_owned(), port.parse().ok()?)),
        _ => Some((place.to_owned(), default)),
    }
}

fn attempt(attempt: &Attempt) -> Finding {
    let address = &attempt.address;
    let (outcome, what) = match &attempt.outcome {
        Outcome::Connected => ("ok", message!("doctor.socket-connected", address = address)),
        Outcome::Taken => ("information", message!("doctor.socket-taken", address = address)),
        Outcome::Missing => ("information", message!("doctor.socket-missing", address = address)),
        Outcome::NotPermitted { .. } => {
            ("warning", message!("doctor.socket-not-permitted", address = address))
        }
        Outcome::Failed(cause) => {
            ("warning", message!("doctor.socket-failed", address = address, cause = cause))
        }
    };
    finding("socket", outcome, &what, None)
}

/// BuildKit keeps half of a gigabyte of packages in its cache; below this a build is likely to fail.
const LITTLE_DISK: u64 = 2 << 30;

fn engine(facts: &EngineFacts) -> Vec<Finding> {
    let mut findings = vec![well(
        "engine",
        &message!(
            "doctor.engine",
            version = facts.version,
            api = facts.api_version,
            os = facts.operating_system,
            arch = facts.architecture
        ),
    )];
    findings.push(match facts.cache_mounts {
        true => well("buildkit", &message!("doctor.buildkit")),
        false => finding(
            "buildkit",
            "warning",
            &message!("doctor.no-buildkit"),
            Some(&message!("doctor.no-buildkit.fix")),
        ),
    });
    if let Some(root) = &facts.storage_root
        && let Some(free) = files::free_space(std::path::Path::new(root))
    {
        let what = message!("doctor.disk", gib = free >> 30, folder = root);
        findings.push(match free < LITTLE_DISK {
            true => finding("disk", "warning", &what, Some(&message!("doctor.disk.fix"))),
            false => well("disk", &what),
        });
    }
    findings.extend(facts.warnings.iter().map(|warning| {
        finding("engine", "information", &message!("doctor.engine-says", words = warning), None)
    }));
    findings
}

/// Images that rewriting names must be there or reachable; here is only said whether they are there.
async fn base_images(settings: &Settings, docker: &Docker) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in &settings.rewrites {
        let image = engine::ids::ImageRef(rule.replacement.clone());
        let there = matches!(docker.inspect_image(&image).await, Ok(Some(_)));
        let what = match there {
            true => message!("doctor.rewrite", prefix = rule.prefix, image = rule.replacement),
            false => message!("doctor.rewrite-not-there", prefix = rule.prefix, image = rule.replacement),
        };
        findings.push(finding("base image", if there { "ok" } else { "information" }, &what, None));
    }
    findings
}

fn well(subject: &str, what: &Message) -> Finding {
    finding(subject, "ok", what, None)
}

fn ill(subject: &str, failure: &Failure) -> Finding {
    let mut finding = finding(subject, "error", &failure.what, failure.fix.as_ref());
    for line in &failure.detail {
        finding.what.text.push_str("; ");
        finding.what.text.push_str(line);
    }
    finding
}

fn finding(subject: &str, outcome: &str, what: &Message, fix: Option<&Message>) -> Finding {
    Finding {
        subject: subject.to_owned(),
        outcome: outcome.to_owned(),
        what: to_proto::text(what),
        fix: fix.map(to_proto::text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gives_host_and_port_and_never_its_password() {
        let found = |address| host_and_port(address).unwrap();
        assert_eq!(found("https://me:secret@index.example/simple"), ("index.example".to_owned(), 443));
        assert_eq!(found("http://localhost:3141/root"), ("localhost".to_owned(), 3141));
        assert_eq!(host_and_port("index.example"), None);
    }
}
