//! Work for a pipeline run: what decides a step's result, and the outputs of the whole.

use super::RunContext;
use crate::files;
use crate::main_loop::Happened;
use engine::failure::Failure;
use engine::plan::pipeline::Content;
use sha2::{Digest, Sha256};
use std::path::PathBuf;

/// Digests everything that decides a step's result. What cannot be read decides nothing: then the step runs.
pub(super) async fn weigh(context: &RunContext, step: usize, content: Content) {
    let work = tokio::task::spawn_blocking(move || digest(&content));
    let digest = match work.await {
        Ok(Ok(digest)) => Some(digest),
        Ok(Err(failure)) => {
            tracing::warn!(run = %context.id, %failure, "a step runs, since its content could not be read");
            None
        }
        Err(_) => None,
    };
    context.tell_of_pipeline(Happened::Weighed(step, digest));
}

fn digest(content: &Content) -> Result<String, Failure> {
    let mut hash = Sha256::new();
    hash.update(content.text.as_bytes());
    for (target, host) in &content.places {
        hash.update([0]);
        hash.update(target.as_bytes());
        files::digest(host, &mut hash)?;
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Whoever looks into the folder of a pipeline finds its outputs there, without a second copy of them.
pub(super) async fn link_outputs(context: &RunContext, outputs: Vec<(String, PathBuf)>) {
    let folder = context.folder.named_outputs();
    let linked = tokio::task::spawn_blocking(move || {
        outputs.iter().try_for_each(|(name, target)| files::link(&folder.join(name), target))
    });
    if let Ok(Err(failure)) = linked.await {
        tracing::warn!(run = %context.id, %failure, "an output of the pipeline is only in its step's folder");
    }
    context.tell_of_pipeline(Happened::Collected);
}
