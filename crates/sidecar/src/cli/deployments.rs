//! `deployments`: what is deployed on this machine, its logs and answers, and its end.

use super::arguments::{Deployments, DeploymentsVerb, Invoke};
use super::deploy::existing;
use super::printer::Printer;
use super::runs;
use super::session::Session;
use crate::main_loop::Ask;
use crate::settings::Settings;
use engine::failure::{Blame, Failure};
use engine::message;
use protocol::deployment::{DeploymentParams, InvokeDeploymentParams};
use protocol::run::{RunAnswer, RunIdParams, RunSnapshot};
use serde_json::json;
use std::io::Read;
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
    let mut body = None;
    if is_stdin {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(|error| {
            Failure::new(Blame::User, message!("deployments.stdin")).with_detail([error.to_string()])
        })?;
        body = Some(text);
    }
    let file = invoke.request.as_deref().filter(|_| !is_stdin).map(existing).transpose()?;
    if file.is_none() && body.is_none() && invoke.path.is_none() {
        return Err(Failure::new(Blame::User, message!("deployments.no-request"))
            .with_fix(message!("deployments.no-request.fix", name = invoke.name)));
    }
    let params = InvokeDeploymentParams {
        deployment: invoke.name,
        file,
        body,
        path: invoke.path,
        ..InvokeDeploymentParams::default()
    };
    let answer = session.ask(|reply| Ask::InvokeDeployment(params, reply)).await?;
    printer.response(&answer);
    Ok(u8::from(answer.failure.is_some()))
}

/// Restarts, and waits until the new code answers or is refused.
async fn restart(session: &Session, name: String, printer: &mut Printer) -> Result<u8, Failure> {
    let params = DeploymentParams { deployment: name.clone() };
    let before = session.ask(|reply| Ask::ShowDeployment(params.clone(), reply)).await?.run;
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
