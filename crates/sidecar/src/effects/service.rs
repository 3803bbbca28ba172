//! The server of a deployment: asking it until it answers, and letting it load the user's code again.

use super::{RunContext, RunTasks};
use crate::files;
use crate::http;
use engine::deployment::{self, BOOT_FAILED, LAST_LINES, Restart};
use engine::failure::Failure;
use engine::ids::ContainerId;
use engine::plan::Plan;
use engine::plan::deployment::Service;
use engine::run::event::RunEvent;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Between two questions. The first answer is what the user waits for, so it is asked often; a server that
/// takes long to load is asked less.
const SOON: Duration = Duration::from_millis(10);
const LATER: Duration = Duration::from_millis(200);
const SOON_FOR: u32 = 500;

/// How long an answer is waited for before the question is put again: a connection that was made while the
/// container's network was not yet whole may never be answered.
const ANSWER: Duration = Duration::from_secs(5);

/// Of these questions one also looks into the log, for a server that is started again and again.
const LOOK_EVERY: u32 = 20;

pub(super) async fn await_health(context: RunContext, service: Service) -> Result<RunEvent, Failure> {
    let request = http::Request {
        port: service.ports.health,
        method: "GET".to_owned(),
        path: service.routes.health.path.clone(),
        ..http::Request::default()
    };
    for asked in 0_u32.. {
        let answer = tokio::time::timeout(ANSWER, http::send(request.clone())).await;
        if answer.is_ok_and(|answer| answer.is_ok_and(|answer| (200..300).contains(&answer.status))) {
            break;
        }
        if asked % LOOK_EVERY == LOOK_EVERY - 1
            && let Some(failure) = boot_failure(&context, &service).await
        {
            return Err(failure);
        }
        tokio::time::sleep(if asked < SOON_FOR { SOON } else { LATER }).await;
    }
    Ok(RunEvent::Healthy)
}

/// What the log says of a server below a supervisor that will never come up.
async fn boot_failure(context: &RunContext, service: &Service) -> Option<Failure> {
    let path = context.folder.driver_log();
    let text = tokio::task::spawn_blocking(move || files::read_end(&path, 256 * 1024)).await.ok()?;
    if !text.contains(BOOT_FAILED) {
        return None;
    }
    let lines: Vec<&str> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
    deployment::explain(service, None, last)
}

/// Between two looks at the user's files. Half of it is waited for on the average, and the server's own start
/// takes ten times that; a look at a folder of a few files takes less than a thousandth of a second.
const BETWEEN_LOOKS: Duration = Duration::from_millis(40);

/// A look is rested from for so many times as long as it took, however many files there are.
const RESTS: u32 = 10;

/// Between two looks at a change: a file is emptied before it is written, and only when two looks agree is it whole.
const BETWEEN_GLANCES: Duration = Duration::from_millis(20);

/// Tells of every change of the user's Python files, until the run is over.
pub(super) fn watch_code(tasks: &mut RunTasks, code: PathBuf) {
    let context = tasks.context.clone();
    tasks.work.spawn(async move {
        let look = || {
            let code = code.clone();
            tokio::task::spawn_blocking(move || files::python_files(&code))
        };
        let Ok(mut known) = look().await else { return };
        let mut took = Duration::ZERO;
        loop {
            tokio::time::sleep(BETWEEN_LOOKS.max(took * RESTS)).await;
            let began = Instant::now();
            let Ok(mut now) = look().await else { return };
            took = began.elapsed();
            let mut is_settled = now == known;
            while !is_settled {
                tokio::time::sleep(BETWEEN_GLANCES).await;
                let Ok(again) = look().await else { return };
                is_settled = again == now;
                now = again;
            }
            // An editor that replaces a file has it away for a moment.
            if now != known && !now.is_empty() {
                known = now;
                context.tell(RunEvent::RestartRequested);
            }
        }
    });
}

/// Ends the server's workers. The gateway is told first: the debuggee that goes is not the end of anything.
pub(super) fn restart(tasks: &mut RunTasks, plan: &Plan, container: ContainerId, attended: bool) {
    let Some(service) = &plan.service else { return };
    let gateway = tasks.gateway.as_ref().map(|gateway| gateway.inlet());
    let command = deployment::restart_command(service, &plan.debuggee.remote_root, attended);
    let context = tasks.context.clone();
    tasks.work.spawn(async move {
        if let Some(gateway) = &gateway {
            gateway.restarts(true);
        }
        let event = match told(&context, &container, &command).await {
            Ok(Restart::Done) => RunEvent::ServerRestarted { attended },
            Ok(Restart::Refused(failure)) | Err(failure) => {
                if let Some(gateway) = &gateway {
                    gateway.restarts(false);
                }
                RunEvent::RestartRefused(failure)
            }
        };
        context.tell(event);
    });
}

async fn told(context: &RunContext, container: &ContainerId, command: &[String]) -> Result<Restart, Failure> {
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let (said, end) = context.engine().await?.exec_to_end(container, &words).await?;
    deployment::read_restart(&String::from_utf8_lossy(&said), &end.stderr)
}
