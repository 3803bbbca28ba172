//! What the machine offers for a run, and what is in the way: looked at in the order in which a run needs it.

use crate::files;
use crate::settings::Settings;
use crate::to_proto;
use docker::{Attempt, Docker, EngineFacts, Outcome};
use engine::failure::Failure;
use engine::message;
use engine::message::Message;
use protocol::doctor::Finding;

/// Looks at everything that a local run needs. Never fails: what is wrong is a finding.
pub(crate) async fn examine(settings: &Settings) -> Vec<Finding> {
    let mut findings = vec![store(settings), bundle(settings)];
    findings.extend(authorities(settings));
    findings.extend(index(settings));
    match Docker::connect(&settings.engine).await {
        Ok(docker) => {
            findings.extend(docker.attempts().iter().map(attempt));
            match docker.about().await {
                Ok(facts) => findings.extend(engine(&facts)),
                Err(error) => findings.push(ill("engine", &error.into())),
            }
            findings.extend(base_images(settings, &docker).await);
        }
        Err(error) => findings.push(ill("engine", &error.into())),
    }
    findings
}

fn store(settings: &Settings) -> Finding {
    match crate::store::Store::open(&settings.home) {
        Ok(store) => well("store", &message!("doctor.store", folder = settings.home.display(), id = store.id())),
        Err(failure) => ill("store", &failure),
    }
}

fn bundle(settings: &Settings) -> Finding {
    match &settings.bundle {
        Some(path) if files::exists(path) => well("debugpy", &message!("doctor.bundle", path = path.display())),
        _ => finding("debugpy", "error", &message!("debugger.no-bundle"), Some(&message!("debugger.no-bundle.fix"))),
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

fn attempt(attempt: &Attempt) -> Finding {
    let address = &attempt.address;
    let (outcome, what) = match &attempt.outcome {
        Outcome::Connected => ("ok", message!("doctor.socket-connected", address = address)),
        Outcome::Taken => ("information", message!("doctor.socket-taken", address = address)),
        Outcome::Missing => ("information", message!("doctor.socket-missing", address = address)),
        Outcome::NotPermitted { .. } => ("warning", message!("doctor.socket-not-permitted", address = address)),
        Outcome::Failed(cause) => ("warning", message!("doctor.socket-failed", address = address, cause = cause)),
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
        false => finding("buildkit", "warning", &message!("doctor.no-buildkit"), Some(&message!("doctor.no-buildkit.fix"))),
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
