//! Files into and out of a container, as the tar archives that the engine wants.

use crate::{Docker, Error, Verb};
use bollard::query_parameters::{DownloadFromContainerOptionsBuilder, UploadToContainerOptionsBuilder};
use bytes::Bytes;
use engine::ids::ContainerId;
use engine::plan::container::SecretFile;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use std::io;

impl Docker {
    /// Unpacks a tar archive at a folder of the container, which need not run.
    pub async fn copy_in(&self, id: &ContainerId, folder: &str, archive: Bytes) -> Result<(), Error> {
        let options = UploadToContainerOptionsBuilder::default().path(folder).build();
        self.patient
            .upload_to_container(id.as_str(), Some(options), bollard::body_full(archive))
            .await
            .map_err(|error| self.failed(Verb::Copy(id.clone()), error))
    }

    /// Unpacks a tar archive that is still being made; memory stays bounded by the stream's own items.
    pub async fn copy_in_stream(
        &self,
        id: &ContainerId,
        folder: &str,
        archive: BoxStream<'static, io::Result<Bytes>>,
    ) -> Result<(), Error> {
        let options = UploadToContainerOptionsBuilder::default().path(folder).build();
        self.patient
            .upload_to_container(id.as_str(), Some(options), bollard::body_try_stream(archive))
            .await
            .map_err(|error| self.failed(Verb::Copy(id.clone()), error))
    }

    /// A file or folder of the container as a tar archive, running or not.
    pub fn copy_out(&self, id: &ContainerId, path: &str) -> BoxStream<'static, Result<Bytes, Error>> {
        let options = DownloadFromContainerOptionsBuilder::default().path(path).build();
        let (this, id) = (self.clone(), id.clone());
        self.patient
            .download_from_container(id.as_str(), Some(options))
            .map_err(move |error| this.failed(Verb::Copy(id.clone()), error))
            .boxed()
    }
}

/// The secret files of a plan, readable by their owner alone. Folders that are missing are made by the engine.
pub(crate) fn of_files(files: &[SecretFile]) -> io::Result<Bytes> {
    let mut archive = tar::Builder::new(Vec::new());
    for file in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(file.contents.len() as u64);
        header.set_mode(0o400);
        header.set_uid(file.uid);
        header.set_gid(0);
        archive.append_data(&mut header, file.path.trim_start_matches('/'), file.contents.as_slice())?;
    }
    Ok(archive.into_inner()?.into())
}
