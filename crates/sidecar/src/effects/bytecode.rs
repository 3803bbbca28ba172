//! The cache of an image that comes without bytecode.
//!
//! What an image turned out to be is remembered by a file under the store's home, so that the usual case
//! costs nothing, or one question to the engine: whether the volume is there.

use super::{RunContext, container};
use crate::files;
use docker::Labels;
use engine::bytecode;
use engine::failure::Failure;
use engine::plan::ImageFacts;
use engine::plan::container::Mount;
use std::path::PathBuf;

/// The volume for the image's bytecode; `None` if the image has its own.
pub(super) async fn prepare(
    context: &RunContext,
    image: &ImageFacts,
    user: Option<String>,
) -> Result<Option<String>, Failure> {
    let docker = context.engine().await?;
    let mark = mark(context, docker.address(), image);
    let known = files::read_text_if_there(&mark)?;
    if known.as_deref() == Some(THERE) {
        return Ok(None);
    }
    let mut labels = Labels::of_store(&context.store);
    labels.insert(Labels::IMAGE.to_owned(), image.id.clone());
    let volume = name(context, image, user.as_deref());
    // Two first runs at once must not make the volume under each other's feet.
    let _one_at_a_time = files::lock(mark.with_extension("lock")).await?;
    let created = docker.ensure_volume(&volume, &labels).await?;
    // The images that have grown out of one another share their folder of packages, and so they share the cache.
    let is_known = known.as_deref() == Some(NONE) || bytecode::family(image).is_some();
    if !created && is_known {
        return Ok(Some(volume));
    }
    let mount = Mount::Volume { name: volume.clone(), target: bytecode::TARGET.to_owned(), read_only: false };
    let command = bytecode::look_command(user.as_deref());
    let found = match container::errand(context, &docker, image, mount, command).await {
        Ok(bytecode::NONE) => NONE,
        Ok(0) => THERE,
        // Without it a run only starts slower; whatever is in the way, the next one looks again.
        odd => {
            tracing::warn!(image = %image.reference, ?odd, "whether the image has bytecode is not known");
            return Ok(None);
        }
    };
    files::write(&mark, found.as_bytes())?;
    if found == NONE {
        return Ok(Some(volume));
    }
    docker.remove_volume(&volume).await?;
    Ok(None)
}

const THERE: &str = "there";
const NONE: &str = "none";

fn mark(context: &RunContext, engine: &str, image: &ImageFacts) -> PathBuf {
    let folder = context.settings.home.join("bytecode").join(super::folder_name(engine));
    folder.join(image.id.trim_start_matches("sha256:"))
}

fn name(context: &RunContext, image: &ImageFacts, user: Option<&str>) -> String {
    let image = bytecode::family(image).unwrap_or(image.id.trim_start_matches("sha256:"));
    let uid = user.and_then(|user| user.split(':').next()).unwrap_or("0");
    format!("aml-debug-bytecode-{}-{uid}-{}", &image[..image.len().min(12)], context.store)
}
