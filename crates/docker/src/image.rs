//! Images: looking at one, fetching one with progress, removing one.

use crate::{Cause, Docker, Error, Verb, credentials};
use bollard::errors::Error as Theirs;
use bollard::models::CreateImageInfo;
use bollard::query_parameters::{
    CreateImageOptionsBuilder, ListImagesOptionsBuilder, RemoveImageOptionsBuilder,
};
use engine::ids::ImageRef;
use engine::plan::ImageFacts;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use std::collections::{BTreeMap, HashMap};

/// One step forward of a pull.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullProgress {
    /// The layer, or `None` for a sentence about the whole image.
    pub layer: Option<String>,
    /// `Downloading`, `Extracting`, `Pull complete`, …: the engine's word.
    pub status: String,
    /// Bytes done of this layer in this status.
    pub current: Option<u64>,
    /// Bytes of this layer.
    pub total: Option<u64>,
}

/// A pull under way. It is done when the stream has ended; an item that is an error is the last one.
/// Dropping the stream ends the pull.
pub type PullStream = BoxStream<'static, Result<PullProgress, Error>>;

/// The pull itself says what is wrong with a registry that does not answer.
const REGISTRY: std::time::Duration = std::time::Duration::from_secs(10);

/// An image of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageSummary {
    /// Content id.
    pub id: String,
    /// Its names.
    pub names: Vec<ImageRef>,
    /// Size on disk in bytes, layers that other images share included.
    pub size: u64,
    /// Seconds since 1970.
    pub created: i64,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

impl Docker {
    /// Looks at an image on the engine; `None` if it is not there.
    pub async fn inspect_image(&self, image: &ImageRef) -> Result<Option<ImageFacts>, Error> {
        let facts = match self.quick.inspect_image(image.as_str()).await {
            Ok(facts) => facts,
            Err(Theirs::DockerResponseServerError { status_code: 404, .. }) => return Ok(None),
            Err(error) => return Err(self.failed(Verb::InspectImage(image.clone()), error)),
        };
        let config = facts.config.unwrap_or_default();
        Ok(Some(ImageFacts {
            reference: image.clone(),
            id: facts.id.unwrap_or_default(),
            architecture: facts.architecture.unwrap_or_default(),
            environment: config.env.unwrap_or_default(),
            user: config.user.unwrap_or_default(),
            built: facts.created.map(|at| at.date_naive().to_string()).unwrap_or_default(),
            size: facts.size.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default(),
        }))
    }

    /// Fetches an image from its registry, as whom the user's Docker configuration says. `platform` is
    /// `linux/amd64` or the like; `None` is the engine's own.
    pub fn pull(&self, image: &ImageRef, platform: Option<&str>) -> PullStream {
        let (name, tag) = name_and_tag(image.as_str());
        let mut options = CreateImageOptionsBuilder::default().from_image(name).tag(tag);
        if let Some(platform) = platform {
            options = options.platform(platform);
        }
        let (options, this, image) = (options.build(), self.clone(), image.clone());
        let found = async move {
            let found = credentials::find(this.config_folder.as_ref(), credentials::registry(&image)).await;
            let steps = this
                .patient
                .create_image(Some(options), None, found.credentials)
                .and_then(|info| async move {
                    match info.error_detail.as_ref().and_then(|detail| detail.message.clone()) {
                        Some(error) => Err(Theirs::DockerStreamError { error }),
                        None => Ok(info),
                    }
                })
                .map_ok(progress)
                .boxed();
            steps.map_err(move |error| {
                let error = this.failed(Verb::Pull(image.clone()), error);
                match (error.cause, &found.complaint) {
                    (Cause::Denied(text), Some(why)) => {
                        Error { cause: Cause::Denied(format!("{text}\n{why}")), ..error }
                    }
                    (cause, _) => Error { cause, ..error },
                }
            })
        };
        futures::stream::once(found).flatten().boxed()
    }

    /// The processors that a registry has an image for, `amd64` and the like; `None` where it does not tell.
    pub async fn platforms(&self, image: &ImageRef) -> Option<Vec<String>> {
        let found = credentials::find(self.config_folder.as_ref(), credentials::registry(image)).await;
        let asked = self.quick.inspect_registry_image(image.as_str(), found.credentials);
        let told = tokio::time::timeout(REGISTRY, asked).await.ok()?.ok()?;
        let mut names: Vec<_> =
            told.platforms.into_iter().filter_map(|platform| platform.architecture).collect();
        names.retain(|name| name != "unknown");
        names.sort();
        names.dedup();
        (!names.is_empty()).then_some(names)
    }

    /// The names that the engine has for other versions of an image.
    pub async fn other_versions(&self, image: &ImageRef) -> Result<Vec<ImageRef>, Error> {
        let (name, _) = name_and_tag(image.as_str());
        let name = name.split('@').next().unwrap_or(name);
        let filters = HashMap::from([("reference".to_owned(), vec![name.to_owned()])]);
        let options = ListImagesOptionsBuilder::default().filters(&filters).build();
        let found = self.quick.list_images(Some(options)).await;
        let found = found.map_err(|error| self.failed(Verb::InspectImage(image.clone()), error))?;
        let names = found.into_iter().flat_map(|found| found.repo_tags);
        let mut names: Vec<_> = names.filter(|found| name_and_tag(found).0 == name).collect();
        names.sort();
        Ok(names.into_iter().map(ImageRef).filter(|found| found != image).collect())
    }

    /// Removes an image by name; layers that other images use stay. One that is gone is removed already.
    pub async fn remove_image(&self, image: &ImageRef) -> Result<(), Error> {
        let options = RemoveImageOptionsBuilder::default().build();
        match self.patient.remove_image(image.as_str(), Some(options), None).await {
            Ok(_) | Err(Theirs::DockerResponseServerError { status_code: 404, .. }) => Ok(()),
            Err(error) => Err(self.failed(Verb::RemoveImage(image.clone()), error)),
        }
    }

    /// Removes what a build has left without a name, so that no rebuild leaves a nameless image behind. One that a
    /// container still runs from stays; it goes when the nameless ones are pruned.
    pub(crate) async fn remove_replaced(&self, before: Option<ImageFacts>) {
        let Some(before) = before else { return };
        let names = match self.quick.inspect_image(&before.id).await {
            Ok(facts) => facts.repo_tags.unwrap_or_default(),
            Err(_) => return,
        };
        if names.is_empty() {
            let _ = self.remove_image(&ImageRef(before.id)).await;
        }
    }

    /// The images that carry this label.
    pub async fn images_with(&self, label: &str) -> Result<Vec<ImageSummary>, Error> {
        let filters = HashMap::from([("label".to_owned(), vec![label.to_owned()])]);
        let options = ListImagesOptionsBuilder::default().filters(&filters).build();
        let found = self
            .quick
            .list_images(Some(options))
            .await
            .map_err(|error| self.failed(Verb::InspectImage(ImageRef::from(label)), error))?;
        let summary = found.into_iter().map(|image| ImageSummary {
            id: image.id,
            names: image.repo_tags.iter().filter_map(|name| own_name(name)).collect(),
            size: u64::try_from(image.size).unwrap_or_default(),
            created: image.created,
            labels: image.labels.into_iter().collect(),
        });
        Ok(summary.collect())
    }
}

fn progress(info: CreateImageInfo) -> PullProgress {
    let detail = info.progress_detail.unwrap_or_default();
    let bytes = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok());
    let status = info.status.unwrap_or_default();
    // "latest: Pulling from library/x" carries the tag where a layer's name stands otherwise.
    let layer = info.id.filter(|_| !status.starts_with("Pulling from"));
    PullProgress { layer, status, current: bytes(detail.current), total: bytes(detail.total) }
}

/// A name as whoever has built the image gave it: Podman puts a registry before one that has none. What has no name is
/// called `<none>:<none>`.
fn own_name(listed: &str) -> Option<ImageRef> {
    let name = listed.strip_prefix("localhost/").unwrap_or(listed);
    (name != "<none>:<none>").then(|| ImageRef::from(name))
}

/// Without a tag the engine would fetch every tag there is.
fn name_and_tag(image: &str) -> (&str, &str) {
    if image.contains('@') {
        return (image, "");
    }
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (image, "latest"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_known_by_the_name_that_it_was_built_under() {
        for listed in ["aml-debug/env:1", "localhost/aml-debug/env:1"] {
            assert_eq!(own_name(listed), Some(ImageRef::from("aml-debug/env:1")));
        }
        assert_eq!(own_name("localhost:5000/x:1"), Some(ImageRef::from("localhost:5000/x:1")));
        assert_eq!(own_name("<none>:<none>"), None);
    }

    #[test]
    fn a_pull_names_one_image_and_never_all_tags() {
        assert_eq!(name_and_tag("python"), ("python", "latest"));
        assert_eq!(name_and_tag("localhost:5000/base"), ("localhost:5000/base", "latest"));
        assert_eq!(name_and_tag("localhost:5000/base:1"), ("localhost:5000/base", "1"));
        assert_eq!(name_and_tag("base@sha256:00"), ("base@sha256:00", ""));
    }
}
