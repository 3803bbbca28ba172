//! Containers that are kept for the next run: taking one, starting a command in it, keeping it, letting it go.

use super::driver_log::{DriverLog, Reading};
use super::{RunContext, collect, container, copies};
use crate::clock;
use crate::warm::{self, Entry};
use docker::Docker;
use engine::failure::{Blame, Failure};
use engine::ids::ContainerId;
use engine::message;
use engine::plan::Plan;
use engine::plan::container::ContainerPlan;
use engine::run::event::RunEvent;
use engine::warm::{Door, EndMarks, Kept, NextCommand, is_clean};
use serde_json::{Value, json};
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

/// How long the first process of a container may take until it listens.
const UNTIL_OPEN: Duration = Duration::from_secs(10);

/// How long it may take to clean up.
const UNTIL_CLEAN: Duration = Duration::from_secs(10);

pub(super) async fn take(
    context: RunContext,
    plan: ContainerPlan,
    door: Door,
    folders: Vec<PathBuf>,
) -> Result<RunEvent, Failure> {
    while let Some(entry) = warm::take(&context.settings.home, &door.key, clock::now_ms(), &folders)? {
        // Its own clock may have been faster.
        if Line::open(&entry.kept.door).await.is_ok() {
            collect::inherit_points(&context, &entry.points)?;
            context.tell_cooled(entry.run);
            return Ok(RunEvent::ContainerTaken(Box::new(entry.kept)));
        }
        context.engine().await?.remove(&entry.kept.container).await?;
        warm::forget(&entry.kept.door);
    }
    warm::make_door(&door)?;
    container::create(context, plan).await
}

/// Keeps the container, or removes it.
pub(super) async fn keep(context: RunContext, kept: Kept, plan: Option<Plan>) -> Result<RunEvent, Failure> {
    let folders = plan.as_ref().map(|plan| plan.folders.clone()).unwrap_or_default();
    let docker = context.engine().await?;
    match try_to_keep(&context, &docker, &kept, plan.as_ref()).await {
        Ok(entry) => {
            let until = entry.until;
            warm::park(&context.settings.home, entry, &folders)?;
            let context = context.clone();
            // Longer than the run; where this process ends first, the next one looks.
            tokio::spawn(async move {
                let left = until.saturating_sub(clock::now_ms());
                tokio::time::sleep(Duration::from_millis(left)).await;
                let over = warm::sweep(&context.settings, |entry| entry.until <= clock::now_ms()).await;
                over.into_iter().for_each(|run| context.tell_cooled(run));
            });
            Ok(RunEvent::ContainerRemoved)
        }
        Err(why) => {
            tracing::info!(run = %context.id, why, "the container is not kept");
            docker.remove(&kept.container).await?;
            warm::forget(&kept.door);
            collect::remove_points(&context).await?;
            Ok(RunEvent::ContainerRemoved)
        }
    }
}

/// Has the container ready for the command that has just ended in it, with the run's folders as they are. Where
/// it has ended with its command, it is the container that starts again.
pub(super) async fn again(
    context: RunContext,
    container: ContainerId,
    door: Option<Door>,
    plan: Option<Plan>,
) -> Result<RunEvent, Failure> {
    if let Some(door) = door
        && let Ok(mut line) = Line::open(&door).await
        && line.say(&json!({ "keep": UNTIL_OPEN.as_secs() })).await.is_ok()
        && let Ok(Ok(answer)) = tokio::time::timeout(UNTIL_CLEAN, line.hear()).await
        && answer["kept"] == true
    {
        let mark = EndMarks::new(&door).length();
        let output_from = door.output_from.map(|from| from + mark);
        let door = Door { output_from, ..door };
        return Ok(RunEvent::ContainerTaken(Box::new(Kept { container, door })));
    }
    let docker = context.engine().await?;
    if let Some(plan) = plan {
        // Edits reach a mounted folder by themselves, and not one that was copied.
        copies::put_in(&docker, &container, &plan.container).await?;
    }
    Ok(RunEvent::ContainerEnded(container))
}

async fn try_to_keep(
    context: &RunContext,
    docker: &Docker,
    kept: &Kept,
    plan: Option<&Plan>,
) -> Result<Entry, &'static str> {
    let Some(plan) = plan else { return Err("its plan is not known") };
    let Ok(mut line) = Line::open(&kept.door).await else { return Err("its first process has ended") };
    let said = line.say(&json!({ "keep": kept.door.seconds })).await;
    let cleaned = tokio::time::timeout(UNTIL_CLEAN, line.hear()).await;
    if said.is_err() || !matches!(cleaned, Ok(Ok(answer)) if answer["kept"] == true) {
        return Err("it did not clean up");
    }
    match docker.changes(&kept.container).await {
        Ok(changes) if is_clean(&changes, &plan.container) => {}
        Ok(changes) => {
            tracing::info!(run = %context.id, ?changes, "the run has left traces in its container");
            return Err("the run has left traces in it");
        }
        Err(_) => return Err("the engine could not say what the run has left in it"),
    }
    let Ok(log) = DriverLog::open(context, &Reading::default(), Vec::new()) else {
        return Err("its log is gone");
    };
    let mark = EndMarks::new(&kept.door).length();
    let mut kept = kept.clone();
    kept.door.output_from.iter_mut().zip(log.taken()).for_each(|(from, taken)| *from += taken + mark);
    Ok(Entry {
        until: clock::now_ms() + u64::from(kept.door.seconds) * 1_000,
        kept,
        run: context.id.clone(),
        points: collect::points(context).map_err(|_| "its notes cannot be read")?,
        keeper: std::process::id(),
    })
}

/// A conversation with the first process of a container, a line of JSON each way.
pub(super) struct Line(BufReader<Stream>);

#[cfg(unix)]
type Stream = tokio::net::UnixStream;

/// Elsewhere containers live in a machine of their own, and no socket leads there.
#[cfg(not(unix))]
type Stream = tokio::io::DuplexStream;

impl Line {
    pub(super) async fn open(door: &Door) -> io::Result<Self> {
        #[cfg(unix)]
        return Ok(Self(BufReader::new(Stream::connect(door.folder.join("s")).await?)));
        #[cfg(not(unix))]
        Err(io::Error::new(io::ErrorKind::Unsupported, door.folder.display().to_string()))
    }

    /// As soon as it listens. Where that never happens, the container is one that ends with its command.
    pub(super) async fn wait(door: &Door) -> Self {
        let mut left = UNTIL_OPEN.as_millis() / 20;
        loop {
            match Self::open(door).await {
                Ok(line) => return line,
                Err(_) if left > 0 => tokio::time::sleep(Duration::from_millis(20)).await,
                Err(_) => std::future::pending().await,
            }
            left -= 1;
        }
    }

    pub(super) async fn run(&mut self, next: &NextCommand) -> Result<(), Failure> {
        self.say(&json!({ "run": next })).await.map_err(|error| {
            Failure::new(Blame::Environment, message!("run.container-removed"))
                .with_detail([error.to_string()])
                .with_fix(message!("run.container-removed.fix"))
        })
    }

    /// The exit code, when the command has ended; never, if the container does before.
    pub(super) async fn ended(mut self) -> i64 {
        while let Ok(heard) = self.hear().await {
            if let Some(code) = heard["ended"].as_i64() {
                return code;
            }
        }
        std::future::pending().await
    }

    async fn say(&mut self, what: &Value) -> io::Result<()> {
        self.0.get_mut().write_all(format!("{what}\n").as_bytes()).await
    }

    async fn hear(&mut self) -> io::Result<Value> {
        let mut line = String::new();
        if self.0.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(serde_json::from_str(&line)?)
    }
}
