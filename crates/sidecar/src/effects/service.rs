//! The server of a deployment: asking it until it answers, and letting it load the user's code again.

use super::{RunContext, RunTasks};
use crate::files;
use crate::http;
use engine::deployment::health::{self, Answer, Asking, Next};
use engine::deployment::{self, BOOT_FAILED, LAST_LINES, Restart};
use engine::failure::Failure;
use engine::ids::ContainerId;
use engine::plan::Plan;
use engine::plan::deployment::Service;
use engine::run::Millis;
use engine::run::event::RunEvent;
use std::path::PathBuf;
use std::pin::pin;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Between two looks into the log, for a server that is started again and again.
const BETWEEN_READINGS: Duration = Duration::from_millis(250);

/// How much of its end is read.
const LONGEST_READING: u64 = 256 * 1024;

/// Asks until every probe is well. `is_judged`: nobody stands in the server's code, so one that fails as the spec
/// has it ends the deployment.
pub(super) async fn await_health(
    context: RunContext,
    service: Service,
    is_judged: bool,
) -> Result<RunEvent, Failure> {
    let probes = health::probes(&service, is_judged).into_iter().map(|probe| succeed(&context, probe));
    tokio::select! {
        answered = futures::future::try_join_all(probes) => answered.map(|_| RunEvent::Healthy),
        failure = never_boots(&context, &service, is_judged) => Ok(RunEvent::CannotServe(failure)),
    }
}

/// Puts one probe's question until it is well.
async fn succeed(context: &RunContext, mut probe: Asking) -> Result<(), Failure> {
    let began = Instant::now();
    let now = || u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let request = http::Request {
        port: probe.port,
        method: "GET".to_owned(),
        path: probe.path.clone(),
        ..http::Request::default()
    };
    loop {
        let at = now();
        let mut sent = pin!(http::send(request.clone()));
        let answer = match tokio::time::timeout(Duration::from_millis(probe.timeout), &mut sent).await {
            Ok(Ok(answer)) => Answer::Status(answer.status),
            Ok(Err(_)) => Answer::Nobody,
            Err(_) => Answer::Silence,
        };
        let is_open = answer == Answer::Silence;
        let (next, said) = probe.answered(at, now(), answer);
        if let Some(said) = said {
            super::note(context, &said);
        }
        let pause = match next {
            Next::Well => return Ok(()),
            Next::GivenUp(failure) => return Err(failure),
            Next::Ask(pause) => Duration::from_millis(pause),
        };
        // Whoever answers late is asked again at once.
        match is_open {
            true => drop(tokio::time::timeout(pause, sent).await),
            false => tokio::time::sleep(pause).await,
        }
    }
}

/// Ends when the log says that the server will never come up.
async fn never_boots(context: &RunContext, service: &Service, is_judged: bool) -> Failure {
    let path = context.folder.driver_log();
    let before = files::length(&path).unwrap_or_default();
    loop {
        tokio::time::sleep(BETWEEN_READINGS).await;
        let longest = files::length(&path).unwrap_or_default().saturating_sub(before).min(LONGEST_READING);
        let path = path.clone();
        let read = tokio::task::spawn_blocking(move || files::read_end(&path, longest)).await;
        let failure = read.ok().and_then(|text| boot_failure(&text, service, is_judged));
        if let Some(failure) = failure {
            return failure;
        }
    }
}

/// What the log says of a server below a supervisor that will never come up, or of one whose workers never do.
/// Those that a debugger stands in are killed for that.
fn boot_failure(text: &str, service: &Service, is_judged: bool) -> Option<Failure> {
    let lines: Vec<&str> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
    let boots = text.contains(BOOT_FAILED).then(|| deployment::explain(service, None, last)).flatten();
    boots.or_else(|| is_judged.then(|| deployment::explain_deaths(last)).flatten())
}

/// Between two looks at the user's files. Half of it is waited for on the average, and the server's own start
/// takes ten times that; a look at a folder of a few files takes less than a thousandth of a second.
const BETWEEN_LOOKS: Duration = Duration::from_millis(40);

/// A look is rested from for so many times as long as it took, however many files there are.
const RESTS: u32 = 10;

/// Between two looks at a change: a file is emptied before it is written, and only when two looks agree is it whole.
const BETWEEN_GLANCES: Duration = Duration::from_millis(20);

/// How far the time of a file may be behind the clock: it is the kernel's, which goes by ticks.
const TICK: Duration = Duration::from_millis(20);

/// Tells of every change of the user's Python files, until the run is over: from here on, or from a time before.
pub(super) fn watch_code(tasks: &mut RunTasks, code: PathBuf, since: Option<Millis>) {
    let context = tasks.context.clone();
    let since = since.map_or_else(SystemTime::now, |since| UNIX_EPOCH + Duration::from_millis(since)) - TICK;
    tasks.work.spawn(async move {
        let look = || {
            let code = code.clone();
            tokio::task::spawn_blocking(move || files::python_files(&code))
        };
        let Ok(mut known) = look().await else { return };
        // The first look may come late; and a clock that is wrong may have written anything.
        let by_now = since..SystemTime::now();
        if known.iter().any(|(_, changed, _)| by_now.contains(changed)) {
            context.tell(RunEvent::CodeChanged);
        }
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
                context.tell(RunEvent::CodeChanged);
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
