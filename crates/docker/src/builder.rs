//! How images are made on an engine: by BuildKit, by Podman's builder, or, where there is neither, by the
//! classic builder and in a container.
//!
//! An engine is asked for what it can do, by opening a session as a BuildKit build does. Its version says
//! little: a proxy or an administrator may have taken BuildKit away.

use crate::build::{BuildLine, Step};
use crate::{Cause, Docker, Error, FailedStep, OutputStream, Verb, transport};
use bollard::models::ContainerConfig;
use bollard::query_parameters::CommitContainerOptionsBuilder;
use engine::ids::{ContainerId, ImageRef};
use engine::plan::container::{ContainerPlan, Grants, Limits, Mount, SecretFile};
use engine::plan::image::Recipe;
use futures::StreamExt;
use std::collections::BTreeMap;
use tokio::sync::mpsc;

/// Who makes the images of an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Builder {
    /// BuildKit: steps side by side, cache mounts.
    BuildKit,
    /// Podman's: cache mounts as well, another protocol.
    Podman,
    /// Neither. Docker's classic builder makes images of the user's Dockerfiles; environments are made in a
    /// container, since that builder has no cache mounts.
    Classic,
}

/// Where the recipe expects its files and the cache.
const FILES: &str = "/run/aml-debug/build";
const CACHE_TARGET: &str = "/run/aml-debug/cache";

/// What programs are looked for in where an image says nothing.
const USUAL_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

impl Docker {
    /// Finds out who makes the images here: one question, answered from memory.
    pub async fn builder(&self) -> Builder {
        // Of a connection that is bollard's own nothing can be asked; those are engines of Docker's making.
        let Some(wire) = &self.wire else { return Builder::BuildKit };
        if transport::offers_sessions(wire).await {
            return Builder::BuildKit;
        }
        match self.about().await {
            Ok(facts) if facts.podman => Builder::Podman,
            _ => Builder::Classic,
        }
    }

    /// Makes an image by running the recipe's script in a container and keeping what it leaves.
    ///
    /// The script's files are removed before, so that no credential of an index is part of the image, and so
    /// are the labels of the run: a container that somebody else starts from the image is not ours.
    pub(crate) async fn make_in_container(
        &self,
        recipe: &Recipe,
        name: &str,
        labels: &BTreeMap<String, String>,
        lines: &mpsc::Sender<Result<BuildLine, Error>>,
    ) -> Result<(), Error> {
        let verb = || Verb::Build(recipe.name.clone());
        let Some(base) = &recipe.base else {
            return Err(Error::new(verb(), Cause::Refused("FROM".to_owned()), self.address()));
        };
        let kind = BTreeMap::from([(crate::Labels::KIND.to_owned(), "build-cache".to_owned())]);
        self.ensure_volume(&cache(recipe), &kind).await?;
        let plan = container(recipe, base, name, labels);
        let id = self.create(&plan).await.map_err(|error| Error { verb: verb(), ..error })?;
        let output = self.attach(&id).await?;
        self.start(&id).await?;
        let mut step = Step::default();
        copy_lines(output, &mut step, lines).await?;
        let exit = self.wait(&id).await?;
        if exit.code != 0 {
            let failed = FailedStep {
                command: step.command.unwrap_or_default(),
                exit_code: Some(exit.code),
                lines: step.last.into_iter().collect(),
                text: exit.error.unwrap_or_default(),
            };
            return Err(Error::new(verb(), Cause::Step(failed), self.address()));
        }
        self.keep(&id, recipe, base, labels).await
    }

    async fn keep(
        &self,
        id: &ContainerId,
        recipe: &Recipe,
        base: &ImageRef,
        labels: &BTreeMap<String, String>,
    ) -> Result<(), Error> {
        let failed = |error| self.failed(Verb::Build(recipe.name.clone()), error);
        let before =
            self.quick.inspect_image(base.as_str()).await.map_err(failed)?.config.unwrap_or_default();
        let (repository, tag) =
            recipe.name.as_str().rsplit_once(':').unwrap_or((recipe.name.as_str(), "latest"));
        let mut changes: Vec<String> =
            recipe.dockerfile.lines().filter(|line| line.starts_with("ENV ")).map(str::to_owned).collect();
        changes.extend(labels.keys().map(|name| format!("LABEL {name}=\"\"")));
        let options = CommitContainerOptionsBuilder::default()
            .container(id.as_str())
            .repo(repository)
            .tag(tag)
            .changes(&changes.join("\n"))
            .build();
        // What `$PATH` in a change means, as it does in a Dockerfile.
        let mut env = before.env.unwrap_or_default();
        if !env.iter().any(|variable| variable.starts_with("PATH=")) {
            env.push(format!("PATH={USUAL_PATH}"));
        }
        let config = ContainerConfig {
            env: Some(env),
            // An empty one would be the container's own, which is our script.
            cmd: before.cmd.filter(|cmd| !cmd.is_empty()).or_else(|| Some(vec!["/bin/sh".to_owned()])),
            entrypoint: before.entrypoint.or_else(|| Some(Vec::new())),
            user: Some("root".to_owned()),
            working_dir: before.working_dir,
            labels: Some(recipe.labels.clone().into_iter().collect()),
            ..ContainerConfig::default()
        };
        self.patient.commit_container(options, config).await.map(drop).map_err(failed)
    }
}

/// The volume that stands for BuildKit's cache mount.
fn cache(recipe: &Recipe) -> String {
    format!("{}-build-cache", recipe.cache)
}

fn container(
    recipe: &Recipe,
    base: &ImageRef,
    name: &str,
    labels: &BTreeMap<String, String>,
) -> ContainerPlan {
    let file = |(path, contents): (&String, &Vec<u8>)| SecretFile {
        path: format!("{FILES}/{path}"),
        contents: contents.clone(),
        uid: 0,
    };
    let proxies = recipe.arguments.iter().map(|(name, value)| {
        // In single quotes nothing means anything but the quote itself.
        format!("export {name}='{}'\n", value.replace('\'', "'\\''"))
    });
    let proxies = ("proxies.sh".to_owned(), proxies.collect::<String>().into_bytes());
    let script =
        format!(". {FILES}/proxies.sh && sh {FILES}/environment.sh; code=$?; rm -rf {FILES}; exit $code");
    ContainerPlan {
        name: name.to_owned(),
        image: base.clone(),
        command: ["/bin/sh", "-c", &script].map(str::to_owned).to_vec(),
        working_dir: "/".to_owned(),
        environment: Vec::new(),
        mounts: vec![Mount::Volume {
            name: cache(recipe),
            target: CACHE_TARGET.to_owned(),
            read_only: false,
        }],
        files: recipe
            .context
            .iter()
            .chain(&recipe.secret_files())
            .map(file)
            .chain([file((&proxies.0, &proxies.1))])
            .collect(),
        texts: Vec::new(),
        user: Some("0:0".to_owned()),
        labels: labels.clone(),
        limits: Limits::default(),
        grants: Grants::default(),
        gpu: false,
    }
}

/// Both streams of the container as lines of one step.
async fn copy_lines(
    mut output: OutputStream,
    step: &mut Step,
    lines: &mpsc::Sender<Result<BuildLine, Error>>,
) -> Result<(), Error> {
    let mut open = Vec::new();
    while let Some(chunk) = output.next().await {
        open.extend_from_slice(&chunk?.bytes);
        while let Some(end) = open.iter().position(|&byte| byte == b'\n') {
            let rest = open.split_off(end + 1);
            let text = step.remember(&std::mem::replace(&mut open, rest));
            // Who reads no more drops this whole build.
            let _ = lines.send(Ok(BuildLine::outside(text))).await;
        }
    }
    if !open.is_empty() {
        let _ = lines.send(Ok(BuildLine::outside(step.remember(&open)))).await;
    }
    Ok(())
}
