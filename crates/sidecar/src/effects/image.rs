//! Images: look, pull, build. Every line of a build goes to `60_control_log.txt` and to whoever watches.

use super::{RunContext, context};
use crate::clock;
use crate::outbox::Progress;
use engine::failure::Failure;
use engine::ids::ImageRef;
use engine::message;
use engine::plan::image::Recipe;
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
    let mut stream = docker.pull(&reference);
    while let Some(step) = stream.next().await {
        let step = step?;
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
    let began = clock::now_ms();
    let mut lines = docker.build(&recipe, context::archive(&recipe)).ready_chunks(256);
    while let Some(batch) = lines.next().await {
        let mut texts = Vec::with_capacity(batch.len());
        for line in batch {
            match line {
                Ok(line) => texts.push(line.text),
                Err(error) => {
                    write(&run, &mut log, texts)?;
                    return Err(error.into());
                }
            }
        }
        write(&run, &mut log, texts)?;
        tokio::time::sleep(BATCH).await;
    }
    let took = clock::now_ms().saturating_sub(began);
    let said = message!(
        "image.built",
        image = recipe.name,
        seconds = format!("{}.{}", took / 1000, took % 1000 / 100)
    );
    run.control(&mut log, vec![said.text()])?;
    let facts = docker.inspect_image(&recipe.name).await?;
    facts.map(RunEvent::ImageBuilt).ok_or_else(|| {
        Failure::new(engine::failure::Blame::Environment, message!("image.vanished", image = recipe.name))
    })
}

fn write(context: &RunContext, log: &mut crate::store::LogFile, lines: Vec<String>) -> Result<(), Failure> {
    if lines.is_empty() {
        return Ok(());
    }
    context.tell(RunEvent::Progress);
    context.control(log, lines)
}
