//! `deployments`: what is deployed on this machine, its logs and answers, and its end.

use super::arguments::{Deployments, DeploymentsVerb, Invoke};
use super::deploy::existing_request;
use super::printer::Printer;
use super::runs;
use super::session::Session;
use crate::files;
use crate::main_loop::Ask;
use crate::settings::Settings;
use engine::failure::{Blame, Failure};
use engine::message;
use engine::run::adopt::Adopter;
use protocol::deployment::{DeploymentParams, InvokeDeploymentParams, RestartDeploymentParams};
use protocol::run::{RunAnswer, RunIdParams, RunSnapshot};
use serde_json::json;
use std::io::Read;
use std::path::Path;
use std::pin::pin;
use std::time::Duration;

pub(crate) async fn deployments(
    settings: Settings,
    deployments: Deployments,
    printer: &mut Printer,
) -> Result<u8, Failure> {
    let verb = deployments.verb.unwrap_or(DeploymentsVerb::List { json: deployments.json });
    // Asking a server needs nothing but its port: the records may be as they are.
    if let DeploymentsVerb::Invoke(invoke) = verb {
        return self::invoke(&Session::beside(settings)?, invoke, printer).await;
    }
    let session = Session::open(settings).await?;
    match verb {
        DeploymentsVerb::List { .. } => list(&session, printer).await?,
        DeploymentsVerb::Logs { name, follow, control } => {
            logs(&session, name, follow, control, printer).await?;
        }
        DeploymentsVerb::Invoke(_) => {}
        DeploymentsVerb::Show(name) => show(&session, name.name, printer).await?,
        DeploymentsVerb::Restart(name) => return restart(&session, name.name, printer).await,
        DeploymentsVerb::Stop(name) => {
            let params = DeploymentParams { deployment: name.name.clone() };
            let run = session.ask(|reply| Ask::StopDeployment(params, reply)).await?.run;
            let text = printer.words(&message!("deployments.stopped", name = name.name));
            printer.answer(&text, &json!({ "event": "stopped", "deployment": name.name, "run": run }));
        }
        DeploymentsVerb::Remove(name) => {
            let params = DeploymentParams { deployment: name.name.clone() };
            let run = session.ask(|reply| Ask::RemoveDeployment(params, reply)).await?.run;
            let text = printer.words(&message!("deployments.removed", name = name.name));
            printer.answer(&text, &json!({ "event": "removed", "deployment": name.name, "run": run }));
        }
    }
    Ok(0)
}

async fn list(session: &Session, printer: &mut Printer) -> Result<(), Failure> {
    for run in session.ask(Ask::ListDeployments).await?.deployments {
        let service = run.service.as_ref();
        let name =
            service.map_or(run.run.clone(), |service| format!("{}/{}", service.endpoint, service.name));
        let uri =
            service.filter(|_| run.ended_at.is_none()).map_or("", |service| service.scoring_uri.as_str());
        let text = format!("{:10} {name:30} {uri}", run.state);
        printer.answer(text.trim_end(), &serde_json::to_value(&run).unwrap_or_default());
    }
    Ok(())
}

async fn show(session: &Session, name: String, printer: &mut Printer) -> Result<(), Failure> {
    let params = DeploymentParams { deployment: name };
    let answer = session.ask(|reply| Ask::ShowDeployment(params, reply)).await?;
    printer.deployment(&answer);
    Ok(())
}

/// How often what is waited for is looked at.
const LOOK: Duration = Duration::from_millis(50);

async fn logs(
    session: &Session,
    name: String,
    follow: bool,
    control: bool,
    printer: &mut Printer,
) -> Result<(), Failure> {
    let run =
        session.ask(|reply| Ask::ShowDeployment(DeploymentParams { deployment: name }, reply)).await?.run;
    if follow {
        // A deployment that nobody looks after has nobody who writes its log.
        let id = RunIdParams { run: run.run.clone() };
        session.ask(|reply| Ask::AdoptRun(id, reply)).await?;
    }
    runs::logs(session, run.run, follow, control, printer).await
}

async fn invoke(session: &Session, invoke: Invoke, printer: &mut Printer) -> Result<u8, Failure> {
    let is_stdin = invoke.request.as_ref().is_some_and(|file| file.as_os_str() == "-");
    let mut params = InvokeDeploymentParams {
        deployment: invoke.name.clone(),
        path: invoke.path,
        file: invoke.request.as_deref().filter(|_| !is_stdin).map(existing_request).transpose()?,
        save: invoke.output.as_deref().map(absolute),
        ..InvokeDeploymentParams::default()
    };
    if is_stdin {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).map_err(|error| {
            Failure::new(Blame::User, message!("deployments.stdin")).with_detail([error.to_string()])
        })?;
        match String::from_utf8(bytes) {
            Ok(text) => params.body = Some(text),
            Err(error) => params.base64 = Some(files::base64(error.as_bytes())),
        }
    } else if params.file.is_none() && params.path.is_none() {
        let sample = only_sample(session, &invoke.name).await?;
        printer.say(&message!("deployments.sample", file = sample));
        params.file = Some(sample);
    }
    let again = params.clone();
    let mut answer = pin!(session.ask(|reply| Ask::InvokeDeployment(params, reply)));
    let answer = tokio::select! {
        answer = &mut answer => answer,
        () = tokio::time::sleep(TOLD_AFTER) => {
            tell_why_it_waits(session, &invoke.name, printer).await;
            answer.await
        }
    };
    let answer = match answer {
        // The record says that it lives; whoever asks the engine knows what became of it.
        Err(failure) if failure.what.id.starts_with("deployment.refused") => {
            session.ask(|reply| Ask::Adopt(Adopter::Passing, reply)).await?;
            session.ask(|reply| Ask::InvokeDeployment(again, reply)).await?
        }
        answer => answer?,
    };
    printer.response(&answer, invoke.output.as_deref());
    Ok(u8::from(answer.failure.is_some()))
}

/// The request that a person means who names none.
async fn only_sample(session: &Session, name: &str) -> Result<String, Failure> {
    let params = DeploymentParams { deployment: name.to_owned() };
    let mut samples = session.ask(|reply| Ask::ShowDeployment(params, reply)).await?.samples;
    match (samples.pop(), samples.is_empty()) {
        (Some(only), true) => Ok(only),
        (last, _) => {
            samples.extend(last);
            Err(Failure::new(Blame::User, message!("deployments.no-request"))
                .with_detail(samples)
                .with_fix(message!("deployments.no-request.fix", name = name)))
        }
    }
}

/// An answer that takes longer has a person wonder.
const TOLD_AFTER: Duration = Duration::from_secs(2);

/// A deployment that stands at a breakpoint answers when the debugger lets it.
async fn tell_why_it_waits(session: &Session, name: &str, printer: &mut Printer) {
    let params = DeploymentParams { deployment: name.to_owned() };
    let shown = session.ask(|reply| Ask::ShowDeployment(params, reply)).await;
    if shown.is_ok_and(|shown| matches!(shown.run.state.as_str(), "paused" | "waiting")) {
        printer.say(&message!("deployments.stands", name = name));
    }
}

fn absolute(file: &Path) -> String {
    std::path::absolute(file).unwrap_or_else(|_| file.to_owned()).to_string_lossy().into_owned()
}

/// Restarts, and waits until the new code answers or is refused.
async fn restart(session: &Session, name: String, printer: &mut Printer) -> Result<u8, Failure> {
    let params = DeploymentParams { deployment: name.clone() };
    let before = session.ask(|reply| Ask::ShowDeployment(params, reply)).await?.run;
    // This command goes when the server answers, and with it the way in for a debugger.
    let params = RestartDeploymentParams { deployment: name.clone(), debug: Some(false) };
    let RunAnswer { run } = session.ask(|reply| Ask::RestartDeployment(params, reply)).await?;
    loop {
        let now = session.ask(|reply| Ask::ShowRun(RunIdParams { run: run.clone() }, reply)).await?;
        if let Some(code) = restarted(&before, &now, &name, printer) {
            return Ok(code);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The exit code, once it is clear what came of a restart.
fn restarted(before: &RunSnapshot, now: &RunSnapshot, name: &str, printer: &mut Printer) -> Option<u8> {
    if now.ended_at.is_some() {
        printer.result(now, None, now.failure.as_ref());
        return Some(1);
    }
    let service = now.service.as_ref()?;
    // One that had ended is another run now, whose counts begin anew.
    let counts = before.service.as_ref().filter(|_| before.run == now.run);
    let counts = counts.map_or((None, 0), |service| (Some(service.restarts), service.refusals));
    if counts.0.is_none_or(|restarts| service.restarts > restarts) && service.healthy_at.is_some() {
        let text = printer.words(&message!("deployments.restarted", name = name, uri = service.scoring_uri));
        printer.answer(&text, &json!({ "event": "restarted", "deployment": name, "run": now }));
        return Some(0);
    }
    let refused = service.refused.as_ref().filter(|_| service.refusals > counts.1)?;
    printer.refused(refused);
    Some(1)
}
