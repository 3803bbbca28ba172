//! A run's command from its start to its end: its output into the driver log, its end into the loop.
//!
//! The output is taken before the start and held to the end, so no line is lost and none is read twice.
//! When the connection breaks, the log's own place says where to go on. The end of the command is the end of
//! its container, or, in one that may be kept, what that container's first process says.

use super::driver_log::{DriverLog, Reading};
use super::warm::Line;
use super::{RunContext, secrets};
use docker::{Docker, LogStream, LogWindow, State};
use engine::failure::{Blame, Failure};
use engine::ids::ContainerId;
use engine::message;
use engine::run::event::{Exit, RunEvent};
use engine::warm::NextCommand;
use futures::{FutureExt, Stream, StreamExt};
use std::future::Future;
use std::time::Duration;

/// Lines that arrive within this time are shown together.
const BATCH: Duration = Duration::from_millis(50);

/// How long a broken engine is given to come back before the run is given up for lost.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the last of the output may be behind the word that its command has ended.
const LAST_OUTPUT: Duration = Duration::from_secs(2);

pub(super) async fn start(
    context: RunContext,
    container: ContainerId,
    reading: Reading,
) -> Result<RunEvent, Failure> {
    let docker = context.engine().await?;
    let output = docker.attach(&container).await?;
    if let Err(error) = docker.start(&container).await {
        if error.is_cut() {
            return Ok(RunEvent::EngineLost(error.into()));
        }
        // A first process that cannot be started is an end like any other, with the engine's own words.
        let failure = Failure::from(error);
        let exit = Exit { code: 127, error: Some(words_of(&failure)), ..Exit::default() };
        return Ok(RunEvent::ContainerExited(exit));
    }
    context.tell(RunEvent::ContainerStarted);
    let log = DriverLog::open(&context, &reading, secrets::masks(&context, &container).await);
    let ended = async {
        match &reading.door {
            Some(door) => Line::wait(door).await.ended().await,
            None => std::future::pending().await,
        }
    };
    to_the_end(&context, &docker, &container, &reading, log, output, ended).await
}

/// The next command in a container that was kept, whose way in is known.
pub(super) async fn start_command(
    context: RunContext,
    container: ContainerId,
    reading: Reading,
    next: NextCommand,
) -> Result<RunEvent, Failure> {
    let docker = context.engine().await?;
    let output = docker.attach(&container).await?;
    let line = match &reading.door {
        Some(door) => Line::open(door).await.ok(),
        None => None,
    };
    let Some(mut line) = line else {
        // It has just ended by itself; nothing of this run has begun.
        return Ok(RunEvent::ContainerGone);
    };
    line.run(&next).await?;
    context.tell(RunEvent::ContainerStarted);
    // One with secrets is not kept.
    let log = DriverLog::open(&context, &reading, Vec::new());
    to_the_end(&context, &docker, &container, &reading, log, output, line.ended()).await
}

pub(super) async fn follow(
    context: RunContext,
    container: ContainerId,
    reading: Reading,
) -> Result<RunEvent, Failure> {
    let docker = context.engine().await?;
    let log = DriverLog::open(&context, &reading, secrets::masks(&context, &container).await)?;
    let output = missing(&docker, &container, &reading, &log, true);
    to_the_end(&context, &docker, &container, &reading, Ok(log), output, std::future::pending()).await
}

/// Whoever is only passing by must not end a run because its log cannot be written.
pub(super) async fn catch_up(
    context: RunContext,
    container: ContainerId,
    reading: Reading,
) -> Result<RunEvent, Failure> {
    let caught_up = async {
        let docker = context.engine().await?;
        let masks = secrets::masks(&context, &container).await;
        let mut log = DriverLog::open(&context, &reading, masks)?;
        let output = missing(&docker, &container, &reading, &log, false);
        take(&context, &mut log, output, std::future::pending()).await
    };
    if let Err(failure) = caught_up.await {
        tracing::warn!(run = %context.id, %failure, "the run's log is not complete yet");
    }
    Ok(RunEvent::CaughtUp)
}

type Output = docker::OutputStream;

/// Takes the output to its end. Then either the command has ended, or the connection.
async fn to_the_end(
    context: &RunContext,
    docker: &Docker,
    container: &ContainerId,
    reading: &Reading,
    log: Result<DriverLog, Failure>,
    output: Output,
    ended: impl Future<Output = i64>,
) -> Result<RunEvent, Failure> {
    let taken = async {
        let mut log = log?;
        let code = take(context, &mut log, output, ended).await?;
        Ok((log, code))
    };
    let mut log = match taken.await {
        Ok((mut log, Some(code))) => {
            log.finish(context).await?;
            let last_lines = log.last_lines();
            return Ok(RunEvent::ContainerExited(Exit { code, last_lines, ..Exit::default() }));
        }
        Ok((log, None)) => Some(log),
        // A run whose log cannot be written is ended, and somebody has to see its end.
        Err(failure) => {
            context.tell(RunEvent::Failed(failure));
            None
        }
    };
    let mut waited = Duration::ZERO;
    loop {
        match docker.wait(container).await {
            Ok(exit) if exit.removed => return Ok(RunEvent::ContainerGone),
            Ok(exit) => {
                if let Some(log) = &mut log {
                    log.finish(context).await?;
                }
                return Ok(RunEvent::ContainerExited(Exit {
                    code: exit.code,
                    oom_killed: exit.oom_killed,
                    error: exit.error,
                    last_lines: log.map(DriverLog::last_lines).unwrap_or_default(),
                }));
            }
            Err(error) if error.is_not_found() => return Ok(RunEvent::ContainerGone),
            Err(error) if waited >= PATIENCE => {
                return Ok(RunEvent::EngineLost(
                    Failure::new(Blame::Environment, message!("run.engine-lost"))
                        .with_detail([words_of(&error.into())])
                        .with_fix(message!("run.engine-lost.fix")),
                ));
            }
            Err(_) => {
                tokio::time::sleep(Duration::from_millis(500)).await;
                waited += Duration::from_millis(500);
                if matches!(docker.inspect(container).await, Ok(Some(facts)) if facts.state == State::Running)
                {
                    waited = Duration::ZERO;
                    if log.is_none() {
                        continue;
                    }
                    // Of lines that had not ended the file has nothing, so they come again.
                    let masks = secrets::masks(context, container).await;
                    let mut again = DriverLog::open(context, reading, masks)?;
                    let output = missing(docker, container, reading, &again, true);
                    take(context, &mut again, output, std::future::pending()).await?;
                    log = Some(again);
                }
            }
        }
    }
}

fn words_of(failure: &Failure) -> String {
    match failure.detail.first() {
        Some(detail) => format!("{failure}: {detail}"),
        None => failure.to_string(),
    }
}

/// Takes the output until it ends, or until `ended` says with which code the command has; shows it in batches.
async fn take(
    context: &RunContext,
    log: &mut DriverLog,
    mut output: impl Stream<Item = Result<docker::LogChunk, docker::Error>> + Unpin,
    ended: impl Future<Output = i64>,
) -> Result<Option<i64>, Failure> {
    let mut due = tokio::time::interval(BATCH);
    due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let ended = ended.fuse();
    tokio::pin!(ended);
    let mut code = None;
    let give_up = tokio::time::sleep(Duration::MAX);
    tokio::pin!(give_up);
    while code.is_none() || !log.has_ended() {
        tokio::select! {
            chunk = output.next() => match chunk {
                Some(Ok(chunk)) => {
                    log.add(&chunk)?;
                    if log.is_large() {
                        log.show(context).await;
                    }
                }
                // A broken connection is not the end of the container; the caller finds out.
                Some(Err(_)) | None => break,
            },
            _ = due.tick(), if !log.is_shown() => log.show(context).await,
            ended = &mut ended, if code.is_none() => {
                code = Some(ended);
                give_up.as_mut().reset(tokio::time::Instant::now() + LAST_OUTPUT);
            }
            () = &mut give_up => break,
        }
    }
    log.show(context).await;
    Ok(code)
}

/// What the engine's log has beyond the file.
fn missing(
    docker: &Docker,
    container: &ContainerId,
    reading: &Reading,
    log: &DriverLog,
    follow: bool,
) -> Output {
    let mut skip = log.taken();
    if let Some(door) = &reading.door {
        skip.iter_mut().zip(door.output_from).for_each(|(skip, before)| *skip += before);
    }
    let output = docker.logs(container, LogWindow { since: None, follow }).map(move |chunk| {
        chunk.map(|mut chunk| {
            let skip = &mut skip[usize::from(chunk.stream == LogStream::Stderr)];
            let known = usize::try_from(*skip).unwrap_or(usize::MAX).min(chunk.bytes.len());
            *skip -= known as u64;
            chunk.bytes = chunk.bytes.slice(known..);
            chunk
        })
    });
    output.boxed()
}
