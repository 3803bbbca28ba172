//! A container from its start to its end: its output into the driver log, its end into the loop.
//!
//! The output is taken before the start and held to the end, so no line is lost and none is read twice.
//! When the connection breaks, the log's own length says where to go on.

use super::RunContext;
use crate::main_loop::LogName;
use crate::store::LogFile;
use docker::{Docker, LogWindow, State};
use engine::failure::{Blame, Failure};
use engine::ids::ContainerId;
use engine::log::lines::LineAssembler;
use engine::message;
use engine::run::event::{Exit, RunEvent};
use futures::{Stream, StreamExt};
use std::collections::VecDeque;
use std::time::Duration;

/// How many of the last lines a failure shows, and of a deployment's, how many are looked at for the cause.
const LAST_LINES: usize = 20;
const LAST_LINES_OF_SERVER: usize = engine::deployment::LAST_LINES;

/// Lines that arrive within this time are shown together.
const BATCH: Duration = Duration::from_millis(50);

/// Bytes that are shown at once, however little time they took: an editor takes a message as a whole.
const LARGE_BATCH: u64 = 256 * 1024;

/// How long a broken engine is given to come back before the run is given up for lost.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) async fn start(context: RunContext, container: ContainerId) -> Result<RunEvent, Failure> {
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
    let mut log = DriverLog::open(&context)?;
    log.take(&context, output).await?;
    to_the_end(&context, &docker, &container, log).await
}

pub(super) async fn follow(context: RunContext, container: ContainerId) -> Result<RunEvent, Failure> {
    let docker = context.engine().await?;
    let mut log = DriverLog::open(&context)?;
    log.take_missing(&context, &docker, &container, true).await?;
    to_the_end(&context, &docker, &container, log).await
}

/// Whoever is only passing by must not end a run because its log cannot be written.
pub(super) async fn catch_up(context: RunContext, container: ContainerId) -> Result<RunEvent, Failure> {
    let caught_up = async {
        let docker = context.engine().await?;
        let mut log = DriverLog::open(&context)?;
        log.take_missing(&context, &docker, &container, false).await
    };
    if let Err(failure) = caught_up.await {
        tracing::warn!(run = %context.id, %failure, "the run's log is not complete yet");
    }
    Ok(RunEvent::CaughtUp)
}

/// The output has ended; either the container has, or the connection.
async fn to_the_end(
    context: &RunContext,
    docker: &Docker,
    container: &ContainerId,
    mut log: DriverLog,
) -> Result<RunEvent, Failure> {
    let mut waited = Duration::ZERO;
    loop {
        match docker.wait(container).await {
            Ok(exit) if exit.removed => return Ok(RunEvent::ContainerGone),
            Ok(exit) => {
                log.finish(context)?;
                return Ok(RunEvent::ContainerExited(Exit {
                    code: exit.code,
                    oom_killed: exit.oom_killed,
                    error: exit.error,
                    last_lines: log.last.into(),
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
                    log.take_missing(context, docker, container, true).await?;
                    waited = Duration::ZERO;
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

/// The driver log while it grows.
struct DriverLog {
    file: LogFile,
    /// Bytes that the file holds; the engine's own log has the same bytes in the same order.
    length: u64,
    lines: LineAssembler,
    batch: Vec<String>,
    /// First byte of the batch in the file.
    shown: u64,
    last: VecDeque<String>,
    /// How many of them are kept.
    keeps: usize,
}

impl DriverLog {
    fn open(context: &RunContext) -> Result<Self, Failure> {
        let file = context.folder.open_driver_log()?;
        let length = file.length()?;
        Ok(Self {
            file,
            length,
            lines: LineAssembler::default(),
            batch: Vec::new(),
            shown: length,
            last: VecDeque::new(),
            keeps: if context.params.deployment.is_some() { LAST_LINES_OF_SERVER } else { LAST_LINES },
        })
    }

    /// Takes the output until it ends; shows it in batches.
    async fn take(
        &mut self,
        context: &RunContext,
        mut output: impl Stream<Item = Result<docker::LogChunk, docker::Error>> + Unpin,
    ) -> Result<(), Failure> {
        let mut due = tokio::time::interval(BATCH);
        due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                chunk = output.next() => match chunk {
                    Some(Ok(chunk)) => {
                        self.add(&chunk.bytes)?;
                        if self.length - self.shown >= LARGE_BATCH {
                            self.show(context);
                        }
                    }
                    // A broken connection is not the end of the container; the caller finds out.
                    Some(Err(_)) | None => break,
                },
                _ = due.tick(), if !self.batch.is_empty() => self.show(context),
            }
        }
        self.show(context);
        Ok(())
    }

    /// Takes what the engine's log has beyond the file.
    async fn take_missing(
        &mut self,
        context: &RunContext,
        docker: &Docker,
        container: &ContainerId,
        follow: bool,
    ) -> Result<(), Failure> {
        let mut skip = self.length;
        let output = docker.logs(container, LogWindow { since: None, follow }).map(move |chunk| {
            chunk.map(|mut chunk| {
                let known = usize::try_from(skip).unwrap_or(usize::MAX).min(chunk.bytes.len());
                skip -= known as u64;
                chunk.bytes = chunk.bytes.slice(known..);
                chunk
            })
        });
        self.take(context, Box::pin(output)).await
    }

    fn add(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.file.append(bytes)?;
        self.length += bytes.len() as u64;
        for line in self.lines.feed(bytes) {
            self.push(line);
        }
        Ok(())
    }

    fn finish(&mut self, context: &RunContext) -> Result<(), Failure> {
        if let Some(line) = self.lines.finish() {
            self.push(line);
        }
        self.show(context);
        Ok(())
    }

    fn push(&mut self, line: String) {
        if self.last.len() == self.keeps {
            self.last.pop_front();
        }
        self.last.push_back(line.clone());
        self.batch.push(line);
    }

    fn show(&mut self, context: &RunContext) {
        let end = self.length - self.lines.pending() as u64;
        let offset = std::mem::replace(&mut self.shown, end);
        context.lines(LogName::Driver, std::mem::take(&mut self.batch), offset, end);
    }
}
