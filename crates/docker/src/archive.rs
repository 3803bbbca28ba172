//! Files into and out of a container, as the tar archives that the engine wants.

use crate::{Docker, Error, Verb};
use bollard::query_parameters::{DownloadFromContainerOptionsBuilder, UploadToContainerOptionsBuilder};
use bytes::Bytes;
use engine::ids::ContainerId;
use engine::plan::container::{SecretFile, TextFile};
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

/// The files of a plan: secret ones readable by their owner alone, the others by everybody. Folders that are
/// missing are made by the engine.
pub(crate) fn of_files(files: &[SecretFile], texts: &[TextFile]) -> io::Result<Bytes> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut append = |path: &str, contents: &[u8], mode, uid| {
        let mut header = tar::Header::new_gnu();
        header.set_size(contents.len() as u64);
        header.set_mode(mode);
        header.set_uid(uid);
        header.set_gid(0);
        archive.append_data(&mut header, path.trim_start_matches('/'), contents)
    };
    files.iter().try_for_each(|file| append(&file.path, &file.contents, 0o400, file.uid))?;
    texts.iter().try_for_each(|file| append(&file.path, file.contents.as_bytes(), 0o444, 0))?;
    Ok(archive.into_inner()?.into())
}
