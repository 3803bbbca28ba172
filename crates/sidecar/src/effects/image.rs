//! Images: look, pull, build. Every line of a build goes to `60_control_log.txt` and to whoever watches.

use super::{RunContext, context, secrets};
use crate::clock;
use crate::outbox::Progress;
use docker::{Builder, Docker, Labels};
use engine::failure::{Blame, Failure};
use engine::ids::ImageRef;
use engine::message;
use engine::message::Message;
use engine::plan::image::Recipe;
use engine::plan::image::grown::Grown;
use engine::run::event::RunEvent;
use futures::StreamExt;
use std::time::Duration;

pub(super) async fn inspect(context: RunContext, reference: ImageRef) -> Result<RunEvent, Failure> {
    let facts = context.engine().await?.inspect_image(&reference).await?;
    Ok(RunEvent::ImageInspected { reference, facts })
}

pub(super) async fn pull(context: RunContext, reference: ImageRef) -> Result<RunEvent, Failure> {
    let docker = context.engine().await?;
    let mut log = context.folder.open_control_log()?;
    context.control(&mut log, vec![message!("image.pulling", image = reference).text()])?;
    let foreign = foreign(&docker, &reference).await;
    if let Some((platforms, own)) = &foreign {
        let said =
            message!("image.other-processor", image = reference, platforms = platforms.join(", "), own = own);
        context.control(&mut log, vec![said.text()])?;
    }
    let platform = foreign.and_then(|(platforms, _)| Some(format!("linux/{}", platforms.first()?)));
    let mut stream = docker.pull(&reference, platform.as_deref());
    while let Some(step) = stream.next().await {
        let step = match step {
            Ok(step) => step,
            Err(error) => return Err(with_versions(&docker, &reference, error.into()).await),
        };
        match (step.layer, step.total) {
            (Some(layer), Some(total)) => context.progress(Progress {
                item: layer,
                status: step.status,
                done: step.current.unwrap_or(0),
                total,
            }),
            (Some(layer), None) if step.current.is_none() => {
                context.control(&mut log, vec![format!("{layer}: {}", step.status)])?;
            }
            (None, _) => context.control(&mut log, vec![step.status])?,
            _ => context.tell(RunEvent::Progress),
        }
    }
    Ok(RunEvent::ImagePulled(reference))
}

/// A version that cannot be had may be here under another name.
async fn with_versions(docker: &Docker, image: &ImageRef, failure: Failure) -> Failure {
    let Ok(here) = docker.other_versions(image).await else { return failure };
    if here.is_empty() {
        return failure;
    }
    let names: Vec<_> = here.iter().map(ImageRef::as_str).collect();
    let first = failure.fix.clone().map(|fix| fix.argument());
    let fix = message!("image.others-here.fix", names = names.join(", "), first = first.unwrap_or_default());
    failure.with_fix(fix)
}

/// The processors that an image is for and the engine's own, if that is none of them.
async fn foreign(docker: &Docker, image: &ImageRef) -> Option<(Vec<String>, String)> {
    let (platforms, facts) = tokio::join!(docker.platforms(image), docker.about());
    let own = facts.ok()?.architecture;
    platforms.filter(|platforms| !platforms.contains(&own)).map(|platforms| (platforms, own))
}

/// Build lines that arrive within this time are shown together.
const BATCH: Duration = Duration::from_millis(50);

pub(super) async fn build(run: RunContext, recipe: Recipe) -> Result<RunEvent, Failure> {
    let docker = run.engine().await?;
    let mut log = run.folder.open_control_log()?;
    run.control(&mut log, vec![message!("image.building", image = recipe.name).text()])?;
    if let Some((folder, facts)) = &recipe.folder {
        let rewritten = facts.rewritten.iter().map(|(from, to)| message!("image.from", from = from, to = to));
        let sent = message!("image.context", folder = folder.folder.display(), files = facts.files.len());
        run.control(&mut log, rewritten.chain([sent]).map(|said| said.text()).collect())?;
    }
    let builder = docker.builder().await;
    run.control(&mut log, vec![way(builder, &recipe).text()])?;
    if builder != Builder::BuildKit && !recipe.passwords().is_empty() {
        run.control(&mut log, vec![message!("image.passwords-sent").text()])?;
    }
    if recipe.agent.is_some() && builder != Builder::BuildKit {
        return Err(Failure::new(Blame::Environment, message!("image.no-agent"))
            .with_fix(message!("image.no-agent.fix")));
    }
    let mut recipe = recipe;
    recipe.labels.insert(Labels::BUILT_BY.to_owned(), run.store.to_string());
    let began = clock::now_ms();
    let grown = grown(&run, &docker, &mut log, &recipe).await?;
    let ended = match &grown {
        None => carry_out(&run, &docker, &mut log, &recipe, builder).await,
        Some(grown) => match carry_out(&run, &docker, &mut log, &grown.recipe, builder).await {
            Err(error) if docker.inspect_image(&grown.on).await.is_ok_and(|facts| facts.is_none()) => {
                let said = message!("image.grown-gone", image = grown.on);
                run.control(&mut log, vec![error.to_string(), said.text()])?;
                carry_out(&run, &docker, &mut log, &recipe, builder).await
            }
            ended => ended,
        },
    };
    ended?;
    let took = clock::now_ms().saturating_sub(began);
    let said = message!(
        "image.built",
        image = recipe.name,
        seconds = format!("{}.{}", took / 1000, took % 1000 / 100)
    );
    run.control(&mut log, vec![said.text()])?;
    let facts = docker.inspect_image(&recipe.name).await?;
    facts
        .map(RunEvent::ImageBuilt)
        .ok_or_else(|| Failure::new(Blame::Environment, message!("image.vanished", image = recipe.name)))
}

/// One build, its lines told and kept.
async fn carry_out(
    run: &RunContext,
    docker: &Docker,
    log: &mut crate::store::LogFile,
    recipe: &Recipe,
    builder: Builder,
) -> Result<(), Failure> {
    let passwords = recipe.passwords();
    let labels = Labels::of_run(&run.store, &run.id);
    let lines = docker.build(recipe, context::archive(recipe), builder, labels).ready_chunks(256);
    let mut lines = std::pin::pin!(lines.peekable());
    while let Some(batch) = lines.next().await {
        let mut texts = Vec::with_capacity(batch.len());
        for line in batch {
            match line {
                Ok(line) => texts.push(covered(&line.text, &passwords)),
                Err(error) => {
                    write(run, log, texts)?;
                    return Err(Failure::from(error).covered(|text| covered(text, &passwords)));
                }
            }
        }
        write(run, log, texts)?;
        tokio::select! {
            () = tokio::time::sleep(BATCH) => {}
            // Nothing more will come that could be waited for.
            None = lines.as_mut().peek() => {}
        }
    }
    Ok(())
}

/// By way of an image that is there and lacks only a package or two.
async fn grown(
    run: &RunContext,
    docker: &Docker,
    log: &mut crate::store::LogFile,
    recipe: &Recipe,
) -> Result<Option<Grown>, Failure> {
    let ours = docker.images_with(&format!("{}=environment", Labels::KIND)).await?;
    let named = ours.iter().filter_map(|image| {
        let name = image.names.iter().find(|name| name.as_str().starts_with("aml-debug/env:"))?;
        Some((name, &image.labels))
    });
    let Some(grown) = recipe.on_top_of(named) else { return Ok(None) };
    let said = message!("image.grown", image = grown.on, packages = grown.added.join(", "));
    run.control(log, vec![said.text()])?;
    Ok(Some(grown))
}

/// Programs hide passwords in what they print, but not all of them do, and not everywhere.
fn covered(text: &str, passwords: &[Vec<u8>]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    secrets::cover(passwords, &mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Which way is taken, for whoever wonders why a build is slow.
fn way(builder: Builder, recipe: &Recipe) -> Message {
    match builder {
        Builder::BuildKit => message!("image.by-buildkit"),
        Builder::Podman => message!("image.by-podman"),
        Builder::Classic if recipe.folder.is_some() => message!("image.by-classic"),
        Builder::Classic => message!("image.by-container"),
    }
}

fn write(context: &RunContext, log: &mut crate::store::LogFile, lines: Vec<String>) -> Result<(), Failure> {
    if lines.is_empty() {
        return Ok(());
    }
    context.tell(RunEvent::Progress);
    context.control(log, lines)
}
