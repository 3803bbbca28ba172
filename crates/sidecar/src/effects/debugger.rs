//! The debugger's side of a run: the volume with debugpy and the start hook, the gateway, the relay.

use super::{RunContext, RunTasks};
use crate::files;
use crate::gateway::{self, Audience, GatewayHandle};
use docker::{Docker, Labels};
use engine::debuggee::{self, Answer, DebuggeeState};
use engine::failure::{Blame, Failure};
use engine::ids::ContainerId;
use engine::message;
use engine::plan::container::Mount;
use engine::plan::{ImageFacts, Plan};
use engine::run::event::DebugEvent;
use engine::run::event::RunEvent;
use futures::StreamExt;
use std::path::PathBuf;
use std::time::Duration;

/// Has debugpy and the start hook in this store's volume, with bytecode for the image's Python.
///
/// What was done once is remembered by an empty file under the store's home, so that the usual case costs
/// one question to the engine: whether the volume is there.
pub(super) async fn prepare(context: &RunContext, image: &ImageFacts) -> Result<String, Failure> {
    let docker = context.engine().await?;
    let volume = format!("aml-debug-{}-{}", debuggee::volume_digest(), context.store);
    let marks = Marks::new(context, docker.address(), &volume, image);
    if marks.image.exists() && docker.has_volume(&volume).await? {
        return Ok(volume);
    }
    // Two first runs at once must not fill the volume under each other's feet.
    let _one_at_a_time = files::lock(marks.lock.clone()).await?;
    if !docker.has_volume(&volume).await? {
        // What the marks say was of a volume that somebody has removed; nobody may believe it of the new one.
        marks.remove();
        docker.ensure_volume(&volume, &Labels::of_store(&context.store)).await?;
    }
    if !marks.volume.exists() {
        fill(context, &docker, &volume, image).await?;
        files::write(&marks.volume, b"")?;
    }
    if !marks.image.exists() {
        compile(context, &docker, &volume, image).await?;
        files::write(&marks.image, b"")?;
    }
    Ok(volume)
}

struct Marks {
    folder: PathBuf,
    lock: PathBuf,
    volume: PathBuf,
    image: PathBuf,
}

impl Marks {
    fn new(context: &RunContext, engine: &str, volume: &str, image: &ImageFacts) -> Self {
        let folder = context.settings.home.join("debuggers").join(super::folder_name(engine)).join(volume);
        let image = image.id.trim_start_matches("sha256:").to_owned();
        Self { lock: folder.join("lock"), volume: folder.join("filled"), image: folder.join(image), folder }
    }

    /// Removes them all, those of other images too.
    fn remove(&self) {
        for (name, _) in files::entries(&self.folder) {
            let mark = self.folder.join(name);
            if mark != self.lock {
                files::remove_file(&mark);
            }
        }
    }
}

async fn fill(
    context: &RunContext,
    docker: &Docker,
    volume: &str,
    image: &ImageFacts,
) -> Result<(), Failure> {
    let bundle = context.settings.bundle.clone();
    let Some(bundle) = bundle else {
        return Err(Failure::new(Blame::Environment, message!("debugger.no-bundle"))
            .with_fix(message!("debugger.no-bundle.fix")));
    };
    let archive = files::read_archive_with(&bundle, &debuggee::FILES.map(|file| (file.path, file.contents)))?;
    docker
        .fill_volume(volume, &image.reference, archive.into(), &super::container::errand_labels(context))
        .await?;
    Ok(())
}

/// Writes debugpy's bytecode for the image's Python. Not worth failing a run for: without it the debuggee
/// only starts slower.
async fn compile(
    context: &RunContext,
    docker: &Docker,
    volume: &str,
    image: &ImageFacts,
) -> Result<(), Failure> {
    let volume = Mount::Volume {
        name: volume.to_owned(),
        target: debuggee::VOLUME_TARGET.to_owned(),
        read_only: false,
    };
    let ended = super::container::errand(context, docker, image, volume, debuggee::compile_command()).await;
    if let Err(error) = ended {
        tracing::warn!(%error, "debugpy's bytecode could not be written");
    }
    Ok(())
}

/// Reads what the debuggee tells of itself, for whoever takes a run over in passing: it may have gone on, or
/// have stopped, while nobody was connected.
pub(super) async fn look(context: &RunContext, container: &ContainerId) {
    if !context.params.debug {
        return;
    }
    let command = debuggee::report_command();
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let said = match context.engine().await {
        Ok(docker) => docker.exec_to_end(container, &words).await,
        Err(_) => return,
    };
    // What cannot be asked stays as it was known.
    if let Ok((said, _)) = said
        && let Answer::Ready(report) = debuggee::read_answer(String::from_utf8_lossy(&said).trim_end())
    {
        context.tell(RunEvent::DebuggeeReported(report));
    }
}

/// Starts listening. `port` is the one that launch.json knows; where it is taken, another.
pub(super) fn open_gateway(tasks: &mut RunTasks, port: u16) {
    match gateway::open(port, Audience::Run(Box::new(tasks.context.clone()))) {
        Ok(handle) => {
            tasks.context.tell(RunEvent::GatewayOpen { port: handle.port });
            tasks.gateway = Some(handle);
        }
        Err(failure) => tasks.context.tell(RunEvent::Failed(failure)),
    }
}

/// Reaches into the container for the debuggee and hands the connection to the gateway.
pub(super) fn open_relay(tasks: &mut RunTasks, plan: Option<&Plan>, container: ContainerId) {
    let Some(gateway) = tasks.gateway.as_ref().map(GatewayHandle::inlet) else { return };
    if let Some(plan) = plan {
        gateway.code_folder(plan.code.to_string_lossy().into_owned(), plan.debuggee.remote_root.clone());
        if plan.service.as_ref().is_none_or(|service| service.has_workers) {
            gateway.offer_restart();
        }
        if plan.service.as_ref().is_some_and(|service| service.has_workers) {
            gateway.outlast_the_container();
        }
        gateway.go_on_with_the_next();
    }
    let context = tasks.context.clone();
    tasks.work.spawn(async move {
        if let Err(failure) = relay(&context, &container, gateway).await {
            context.tell(RunEvent::Failed(failure));
        }
    });
}

/// Reaches into the container for a child of the debuggee. A child that cannot be reached has ended, or goes
/// on by itself when its wait is over.
pub(crate) async fn relay_child(
    context: RunContext,
    container: ContainerId,
    pid: u32,
    child: gateway::Inlet,
) {
    let reached = reach(&context, &container, &debuggee::child_relay_command(pid)).await;
    match reached {
        Ok(Reached::Debuggee(_, relay)) => child.debuggee(relay),
        Ok(Reached::Nobody { .. }) => child.close(),
        Err(failure) => {
            tracing::debug!(%failure, pid, "a child of the debuggee was not reached");
            child.close();
        }
    }
}

async fn relay(
    context: &RunContext,
    container: &ContainerId,
    gateway: gateway::Inlet,
) -> Result<(), Failure> {
    match reach(context, container, &debuggee::relay_command()).await? {
        Reached::Debuggee(report, relay) => {
            // The run hears of its debuggee first: a debugger that waits at the gateway may pause it
            // at once, and the report of before would then be taken for news.
            context.tell(RunEvent::DebuggeeReported(*report));
            gateway.debuggee(relay);
        }
        Reached::Nobody { replaced: true } => {
            context.tell(RunEvent::Debug(DebugEvent::Said(message!("debuggee.replaced"))));
        }
        Reached::Nobody { replaced: false } => {}
    }
    Ok(())
}

/// What was found at the other end.
enum Reached {
    Debuggee(Box<debuggee::Report>, Box<gateway::Relay>),
    /// The debuggee is not there any more, nor perhaps its container.
    Nobody {
        /// Whether its process has become another program.
        replaced: bool,
    },
}

async fn reach(
    context: &RunContext,
    container: &ContainerId,
    command: &[String],
) -> Result<Reached, Failure> {
    const NOBODY: Reached = Reached::Nobody { replaced: false };
    let docker = context.engine().await?;
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let mut exec = match docker.exec(container, &words).await {
        Ok(exec) => exec,
        // A container that has ended needs no relay; whoever follows it says how it ended.
        Err(_) if ends_soon(&docker, container).await => return Ok(NOBODY),
        Err(error) => return Err(error.into()),
    };
    let mut line = Vec::new();
    while let Some(chunk) = exec.reader.next().await {
        line.extend_from_slice(&chunk?);
        if let Some(end) = line.iter().position(|byte| *byte == b'\n') {
            let rest = line.split_off(end + 1);
            match debuggee::read_answer(String::from_utf8_lossy(&line).trim_end()) {
                Answer::Ready(report) => {
                    let relay = gateway::Relay {
                        container: Some(container.clone()),
                        lasting: true,
                        paused: report.paused,
                        waiting: report.state == DebuggeeState::Waiting,
                        early: rest,
                        reader: gateway::until_broken(exec.reader),
                        writer: Box::new(exec.writer),
                    };
                    return Ok(Reached::Debuggee(Box::new(report), Box::new(relay)));
                }
                Answer::Over { replaced } => return Ok(Reached::Nobody { replaced }),
                // The engine itself says on this stream that a container ended before the relay was in it.
                Answer::Failed(_) if !line.starts_with(b"{") && ends_soon(&docker, container).await => {
                    return Ok(NOBODY);
                }
                Answer::Failed(failure) => return Err(failure),
            }
        }
    }
    let end = exec.reader.end().await;
    let code = end.as_ref().ok().and_then(|end| end.code);
    if code != Some(debuggee::NO_PYTHON) && ends_soon(&docker, container).await {
        return Ok(NOBODY);
    }
    let said = end.map(|end| end.stderr).unwrap_or_default();
    Err(debuggee::explain_silence(code, &said))
}

/// How long a search for a file may take; a large image on a slow disk is walked through in it.
const SEARCH_LIMIT: Duration = Duration::from_secs(10);

/// Files of this name in the container. None where it cannot be asked or has no `find`.
pub(crate) async fn find_file(
    context: &RunContext,
    container: &ContainerId,
    folder: &str,
    name: &str,
) -> Vec<String> {
    let search = async {
        let docker = context.engine().await.ok()?;
        let command = debuggee::find_command(folder, name);
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let (found, _) = docker.exec_to_end(container, &words).await.ok()?;
        Some(String::from_utf8_lossy(&found).lines().map(str::to_owned).collect())
    };
    tokio::time::timeout(SEARCH_LIMIT, search).await.ok().flatten().unwrap_or_default()
}

/// Whether the container has ended or is just about to: its relay may notice first.
async fn ends_soon(docker: &Docker, container: &ContainerId) -> bool {
    for _ in 0..LOOKS {
        match docker.inspect(container).await {
            Ok(Some(facts)) if facts.state == docker::State::Running => {}
            // Who cannot be asked is not said to have ended.
            Err(_) => return false,
            Ok(_) => return true,
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    false
}

/// One second in all: far more than an engine takes to note the end of a process.
const LOOKS: u32 = 20;
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// What the gateway reads from the frames, in the run's words.
pub(crate) fn tell(context: &RunContext, event: DebugEvent) {
    context.tell(RunEvent::Debug(event));
}
