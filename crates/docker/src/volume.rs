//! Volumes of the engine: where files stand that every run of an engine shares.

use crate::{Docker, Error, Verb};
use bollard::errors::Error as Theirs;
use bollard::models::{ContainerCreateBody, HostConfig, Mount, MountType, VolumeCreateRequest};
use bollard::query_parameters::{ListVolumesOptionsBuilder, RemoveVolumeOptionsBuilder};
use bytes::Bytes;
use engine::ids::{ContainerId, ImageRef};
use std::collections::BTreeMap;

/// Where a volume stands in the container that only fills it.
const INSIDE: &str = "/volume";

impl Docker {
    /// Whether there is a volume of this name.
    pub async fn has_volume(&self, name: &str) -> Result<bool, Error> {
        match self.quick.inspect_volume(name).await {
            Ok(_) => Ok(true),
            Err(Theirs::DockerResponseServerError { status_code: 404, .. }) => Ok(false),
            Err(error) => Err(self.failed(Verb::Volume(name.to_owned()), error)),
        }
    }

    /// Makes the volume unless it is there; whether it was made now. Two that ask at once both get it, and
    /// each may be told that it was made.
    pub async fn ensure_volume(&self, name: &str, labels: &BTreeMap<String, String>) -> Result<bool, Error> {
        if self.has_volume(name).await? {
            return Ok(false);
        }
        let request = VolumeCreateRequest {
            name: Some(name.to_owned()),
            labels: Some(labels.clone().into_iter().collect()),
            ..VolumeCreateRequest::default()
        };
        let failed = |error| self.failed(Verb::Volume(name.to_owned()), error);
        self.quick.create_volume(request).await.map_err(failed)?;
        Ok(true)
    }

    /// Unpacks a tar archive into the volume, through a container of the image that never starts. The
    /// image is not changed; any one that is on the engine will do. By its labels the container is found again
    /// if nobody is left to remove it.
    pub async fn fill_volume(
        &self,
        name: &str,
        image: &ImageRef,
        archive: Bytes,
        labels: &BTreeMap<String, String>,
    ) -> Result<(), Error> {
        let verb = || Verb::Volume(name.to_owned());
        let mount = Mount {
            typ: Some(MountType::VOLUME),
            source: Some(name.to_owned()),
            target: Some(INSIDE.to_owned()),
            ..Mount::default()
        };
        let body = ContainerCreateBody {
            image: Some(image.to_string()),
            // Never run, but an image without a command of its own could not be created otherwise.
            cmd: Some(vec!["true".to_owned()]),
            labels: Some(labels.clone().into_iter().collect()),
            host_config: Some(HostConfig { mounts: Some(vec![mount]), ..HostConfig::default() }),
            ..ContainerCreateBody::default()
        };
        let created = self.quick.create_container(None, body).await;
        let id = ContainerId(created.map_err(|error| self.failed(verb(), error))?.id);
        let filled = self.copy_in(&id, INSIDE, archive).await;
        let removed = self.remove(&id).await;
        filled.and(removed).map_err(|error| Error { verb: verb(), ..error })
    }

    /// Names of the volumes with all of these labels, each with the value that it has under `of`.
    pub async fn volumes_with(
        &self,
        labels: &BTreeMap<String, String>,
        of: &str,
    ) -> Result<Vec<(String, String)>, Error> {
        let wanted = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let filters = std::collections::HashMap::from([("label".to_owned(), wanted)]);
        let options = ListVolumesOptionsBuilder::default().filters(&filters).build();
        let listed = self.quick.list_volumes(Some(options)).await;
        let listed = listed.map_err(|error| self.failed(Verb::About, error))?;
        let of_one = |volume: bollard::models::Volume| Some((volume.name, volume.labels.get(of)?.clone()));
        Ok(listed.volumes.unwrap_or_default().into_iter().filter_map(of_one).collect())
    }

    /// Removes the volume; one that is gone is removed already. One in use is an error.
    pub async fn remove_volume(&self, name: &str) -> Result<(), Error> {
        let options = RemoveVolumeOptionsBuilder::default().build();
        match self.quick.remove_volume(name, Some(options)).await {
            Err(Theirs::DockerResponseServerError { status_code: 404, .. }) => Ok(()),
            other => other.map_err(|error| self.failed(Verb::Volume(name.to_owned()), error)),
        }
    }
}
