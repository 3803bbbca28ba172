//! `aml/listImages`, `aml/whyImage`, `aml/pruneImages`.

use crate::files;
use crate::main_loop::{Event, Reply, give};
use crate::settings::Settings;
use crate::state::State;
use crate::to_proto;
use docker::{Docker, ImageSummary, Labels};
use engine::failure::{Blame, Failure};
use engine::ids::ImageRef;
use engine::ledger::{self, ImageRecord, ImageUse, PartChange};
use engine::message;
use engine::message::Message;
use protocol::images::{
    ImageChange, ImageSnapshot, ListImagesAnswer, PruneImagesAnswer, PruneImagesParams, PrunedImage,
    WhyImageAnswer, WhyImageParams,
};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot, watch};

/// How long the engine may take to say which images it has.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// How long of that an editor waits: its tree is drawn at every step of a run. Ten times what an engine takes that is
/// on this machine and well.
pub(crate) const GLANCE: Duration = Duration::from_millis(500);

/// What the engine has of the images of ours: one question for all of them, under way or answered.
#[derive(Debug, Clone)]
pub(crate) struct OnEngine {
    asked: Instant,
    /// The answer, once it is there; `None` in it where the engine did not give one.
    answer: watch::Receiver<Option<Option<BTreeSet<ImageRef>>>>,
    /// What the engine said the time before.
    before: Option<BTreeSet<ImageRef>>,
}

impl OnEngine {
    /// Takes part in a question that is under way, or asks.
    fn ask(state: &mut State) -> Self {
        let last = state.on_engine.take();
        let question = match last {
            Some(open) if open.answer.borrow().is_none() && open.asked.elapsed() < PATIENCE => open,
            last => {
                let before = last.and_then(|last| last.answer.borrow().clone().flatten());
                let (say, answer) = watch::channel(None);
                let settings = state.settings.clone();
                tokio::spawn(async move {
                    let names = tokio::time::timeout(PATIENCE, names_on_engine(&settings)).await;
                    drop(say.send(Some(names.ok().flatten())));
                });
                Self { asked: Instant::now(), answer, before }
            }
        };
        state.on_engine = Some(question.clone());
        question
    }

    /// Their names. An engine that has not answered so long after it was asked is taken at its last word.
    async fn names(mut self, patience: Duration) -> Option<BTreeSet<ImageRef>> {
        let left = patience.saturating_sub(self.asked.elapsed());
        match tokio::time::timeout(left, self.answer.wait_for(Option::is_some)).await {
            Ok(answered) => answered.ok()?.clone().flatten(),
            Err(_) => self.before,
        }
    }
}

async fn names_on_engine(settings: &Settings) -> Option<BTreeSet<ImageRef>> {
    let docker = Docker::connect(&settings.engine).await.ok()?;
    let images = docker.images_with(&format!("{}=environment", Labels::KIND)).await.ok()?;
    Some(images.into_iter().flat_map(|image| image.names).collect())
}

/// `patience` is how long the caller waits for the engine; the ledger alone is there at once.
pub(crate) fn list_images(state: &mut State, patience: Duration, reply: Reply<ListImagesAnswer>) {
    let listed = (state.store.list_images(), state.store.image_uses());
    let is_empty = listed.0.as_ref().is_ok_and(Vec::is_empty);
    let on_engine = (!is_empty).then(|| OnEngine::ask(state));
    tokio::spawn(async move {
        let answer = async {
            let (images, uses) = (listed.0?, listed.1?);
            let there = match on_engine {
                Some(question) => question.names(patience).await,
                None => None,
            };
            let images = images.iter().map(|image| snapshot(image, &uses, there.as_ref())).collect();
            Ok(ListImagesAnswer { images })
        };
        give(reply, answer.await);
    });
}

pub(crate) fn why_image(state: &mut State, params: WhyImageParams, reply: Reply<WhyImageAnswer>) {
    let listed = (state.store.list_images(), state.store.image_uses());
    let on_engine = OnEngine::ask(state);
    tokio::spawn(async move {
        let answer = async {
            let (ledger, uses) = (listed.0?, listed.1?);
            let image = find(&ledger, &params.image)?;
            let there = on_engine.names(PATIENCE).await;
            let (compared_with, changes) = match ledger::why_built(image, &ledger) {
                Some((older, changes)) => (Some(older.name.0.clone()), changes),
                None => (None, Vec::new()),
            };
            Ok(WhyImageAnswer {
                image: snapshot(image, &uses, there.as_ref()),
                parts: image.parts.clone().into_iter().collect(),
                compared_with,
                changes: changes.into_iter().map(change).collect(),
            })
        };
        give(reply, answer.await);
    });
}

/// Decides in the loop what goes, removes it beside the loop; what is gone comes back to be taken off the ledger.
pub(crate) fn prune_images(state: &State, params: &PruneImagesParams, reply: Reply<PruneImagesAnswer>) {
    let judged = judge(state);
    let (settings, inbox, dry_run) = (state.settings.clone(), state.effects.inbox(), params.dry_run);
    let store = state.store.id().to_string();
    let ours = Labels::of_store(state.store.id());
    tokio::spawn(async move {
        let pruned = async {
            let docker = Docker::connect(&settings.engine).await?;
            let mut images = Vec::new();
            let mut gone = Vec::new();
            let built = docker.images_with(&format!("{}=environment", Labels::KIND)).await?;
            let foreign = |image: &&ImageSummary| {
                image.labels.get(Labels::BUILT_BY).is_some_and(|built_by| *built_by != store)
            };
            let foreign: Vec<_> = built.iter().filter(foreign).collect();
            let Judged { images: judged, building } = judged?;
            for (image, kept) in judged {
                if docker.inspect_image(&image.name).await?.is_none() {
                    if !dry_run {
                        gone.push(image.name.clone());
                    }
                    images.push(PrunedImage { image: image.name.0, bytes: 0, kept: None, missing: true });
                    continue;
                }
                let is_foreign = foreign.iter().any(|other| other.names.contains(&image.name));
                let kept = kept.or_else(|| is_foreign.then(|| message!("images.keep-foreign")));
                let kept = match kept {
                    None if !dry_run => {
                        // Those before it took their time, and a run may have come to need it meanwhile.
                        let kept = match look_again(&inbox, &image.name).await {
                            None => remove(&docker, &image.name).await,
                            needed => needed,
                        };
                        if kept.is_none() {
                            gone.push(image.name.clone());
                        }
                        kept
                    }
                    kept => kept,
                };
                let kept = kept.as_ref().map(to_proto::text);
                images.push(PrunedImage { image: image.name.0, bytes: image.size, kept, missing: false });
            }
            // Images of ours that have lost their name to a newer build. The ledger knows none of them.
            let foreign = foreign.into_iter().map(|image| image.id.clone()).collect::<Vec<_>>();
            for image in
                built.into_iter().filter(|image| image.names.is_empty() && !foreign.contains(&image.id))
            {
                let id = ImageRef(image.id);
                let kept = match (building, dry_run) {
                    // It may be what that build has come to.
                    (true, _) => Some(message!("images.keep-live")),
                    (false, true) => None,
                    (false, false) => remove(&docker, &id).await,
                };
                let kept = kept.as_ref().map(to_proto::text);
                images.push(PrunedImage { image: id.0, bytes: image.size, kept, missing: false });
            }
            images.extend(prune_caches(&docker, &ours, dry_run).await?);
            Ok((gone, PruneImagesAnswer { images }))
        };
        match pruned.await {
            // Whoever asked may end with the answer, so the ledger comes first.
            Ok((gone, answer)) => drop(inbox.send(Event::Pruned(gone, answer, reply))),
            Err(failure) => give(reply, Err(failure)),
        }
    });
}

/// The ledger's images, with the reason why one stays; and whether an image is being made at this moment.
struct Judged {
    images: Vec<(ImageRecord, Option<Message>)>,
    building: bool,
}

fn judge(state: &State) -> Result<Judged, Failure> {
    let uses = state.store.image_uses()?;
    let judged = |image: ImageRecord| {
        let kept = reason(&image.name, &uses);
        (image, kept)
    };
    let images = state.store.list_images()?.into_iter().map(judged).collect();
    Ok(Judged { images, building: uses.iter().any(|one| one.live && one.runs == 0) })
}

fn reason(image: &ImageRef, uses: &[ImageUse]) -> Option<Message> {
    ledger::reason_to_keep(image, uses, |spec| files::exists(spec))
}

/// Why an image must stay as things stand now.
pub(crate) fn needed(state: &State, image: &ImageRef) -> Option<Message> {
    match state.store.image_uses() {
        Ok(uses) => reason(image, &uses),
        Err(failure) => Some(message!("images.keep-engine", words = failure)),
    }
}

async fn look_again(inbox: &mpsc::UnboundedSender<Event>, image: &ImageRef) -> Option<Message> {
    let (reply, answer) = oneshot::channel();
    // The loop is gone only when the process ends, and this work with it.
    inbox.send(Event::IsNeeded(image.clone(), reply)).ok()?;
    answer.await.ok().flatten()
}

/// Bytecode caches of images that the engine does not have any more: nothing could find them again.
async fn prune_caches(
    docker: &Docker,
    ours: &BTreeMap<String, String>,
    dry_run: bool,
) -> Result<Vec<PrunedImage>, Failure> {
    let mut pruned = Vec::new();
    for (volume, image) in docker.volumes_with(ours, Labels::IMAGE).await? {
        if docker.inspect_image(&ImageRef(image)).await?.is_some() {
            continue;
        }
        let kept = match dry_run {
            true => None,
            // A container that was made from the image outlives it.
            false => docker.remove_volume(&volume).await.err().map(why_it_stays),
        };
        let kept = kept.as_ref().map(to_proto::text);
        pruned.push(PrunedImage { image: volume, bytes: 0, kept, missing: false });
    }
    Ok(pruned)
}

/// Why it stays after all: the engine removes nothing that a container uses.
async fn remove(docker: &Docker, image: &ImageRef) -> Option<Message> {
    docker.remove_image(image).await.err().map(why_it_stays)
}

fn why_it_stays(error: docker::Error) -> Message {
    let failure = Failure::from(error);
    let words = failure.detail.first().cloned().unwrap_or_else(|| failure.to_string());
    message!("images.keep-engine", words = words)
}

fn find<'a>(ledger: &'a [ImageRecord], name: &str) -> Result<&'a ImageRecord, Failure> {
    let fits = |image: &&ImageRecord| {
        let ImageRef(full) = &image.name;
        full == name
            || full.split(':').next_back().is_some_and(|hash| !name.is_empty() && hash.starts_with(name))
    };
    let mut fitting = ledger.iter().filter(fits);
    match (fitting.next(), fitting.next()) {
        (Some(image), None) => Ok(image),
        _ => Err(Failure::new(Blame::User, message!("images.not-known", name = name))
            .with_fix(message!("images.not-known.fix"))),
    }
}

/// `there` are the names of ours that the engine has; `None` where it does not say.
fn snapshot(image: &ImageRecord, uses: &[ImageUse], there: Option<&BTreeSet<ImageRef>>) -> ImageSnapshot {
    let own: Vec<&ImageUse> = uses.iter().filter(|one| one.image == image.name && one.runs > 0).collect();
    ImageSnapshot {
        image: image.name.0.clone(),
        base: image.base.0.clone(),
        bytes: image.size,
        built_at: image.built_ms,
        used_at: image.used_ms,
        runs: own.iter().map(|one| one.runs).sum(),
        specs: own.iter().map(|one| one.spec.to_string_lossy().into_owned()).collect(),
        missing: there.map(|there| !there.contains(&image.name)),
    }
}

fn change(change: PartChange) -> ImageChange {
    ImageChange { part: change.part, added: change.added, removed: change.removed }
}
