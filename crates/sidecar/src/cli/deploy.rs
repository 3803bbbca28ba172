//! `deploy`: stays until the deployment answers, and with `--request` until it has answered that; then the
//! deployment goes on by itself. With `--debug` alone it stays for as long as somebody may attach through it.

use super::arguments::Deploy;
use super::foreground::{Happened, Signals, Stops, Watch};
use super::printer::Printer;
use super::session::Session;
use super::values::environment;
use crate::main_loop::Ask;
use crate::outbox::Notice;
use crate::settings::Settings;
use crate::to_proto;
use engine::failure::{Blame, Failure};
use engine::message;
use engine::message::Message;
use protocol::deployment::{InvokeAnswer, InvokeDeploymentParams, StartDeploymentParams};
use protocol::run::{RunAnswer, RunSnapshot};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Instant;
use tokio::sync::oneshot;

pub(crate) async fn deploy(
    settings: Settings,
    deploy: Deploy,
    printer: &mut Printer,
    began: Instant,
) -> Result<u8, Failure> {
    let stops = Stops::at(&deploy.debug.breaks, deploy.debug.break_on_exception)?;
    let debug = deploy.debug.debug || stops.is_some();
    let params = params(&settings, &deploy, debug, printer)?;
    let request = deploy.request.as_deref().map(existing_request).transpose()?;
    let session = Session::open(settings).await?;
    let RunAnswer { run } = session.ask(|reply| Ask::StartDeployment(params, reply)).await?;
    let stays = debug && stops.is_none() && request.is_none();
    let watch = Watch::new(session, run, stops, began);
    Deploying { watch, request, stays, asked: false, last: None }.until_serving(printer).await
}

fn params(
    settings: &Settings,
    deploy: &Deploy,
    debug: bool,
    printer: &mut Printer,
) -> Result<StartDeploymentParams, Failure> {
    let beside = PathBuf::from("score.py");
    let file = match (&deploy.file, &deploy.image) {
        (None, Some(_)) if beside.is_file() => {
            printer.say(&message!("deploy.score-mounted"));
            Some(beside)
        }
        (file, _) => file.clone(),
    };
    Ok(StartDeploymentParams {
        spec: file.as_deref().map(|file| existing(file, message!("deploy.no-such-file.fix"))).transpose()?,
        image: deploy.image.clone(),
        port: deploy.port,
        debug,
        children: deploy.debug.children,
        env: environment(settings, &deploy.values.env, &deploy.values.env_file)?,
        secrets: deploy.values.secret.clone(),
        rebuild: deploy.rebuild,
        pull: deploy.pull,
    })
}

/// The absolute path of a request's file that is there.
pub(super) fn existing_request(file: &Path) -> Result<String, Failure> {
    existing(file, message!("deployments.no-such-request.fix"))
}

/// The absolute path of a file that is there.
fn existing(file: &Path, fix: Message) -> Result<String, Failure> {
    if !file.exists() {
        let what = message!("cli.no-such-file", file = file.display());
        return Err(Failure::new(Blame::User, what).with_fix(fix));
    }
    Ok(std::path::absolute(file).unwrap_or_else(|_| file.to_owned()).to_string_lossy().into_owned())
}

/// A deployment on its way.
struct Deploying {
    watch: Watch,
    request: Option<String>,
    /// Whether the command is the debugger's only way in.
    stays: bool,
    asked: bool,
    last: Option<RunSnapshot>,
}

impl Deploying {
    async fn until_serving(mut self, printer: &mut Printer) -> Result<u8, Failure> {
        let mut signals = Signals::new()?;
        let (answered, answer) = oneshot::channel();
        let (mut answered, mut answer) = (Some(answered), pin!(answer));
        let mut response = None;
        let last = loop {
            tokio::select! {
                biased;
                happened = self.watch.next() => match happened? {
                    Happened::Stop(stop) => self.watch.on_stop(stop, printer),
                    Happened::Notice(notice) => {
                        if let Some(last) = self.watch.on_notice(&notice, printer) {
                            break Some(last);
                        }
                        if self.watch.has_failed() || !self.became_healthy(&notice, printer) {
                            continue;
                        }
                        if !self.ask(&mut answered) && !self.stays {
                            break self.last.clone();
                        }
                    }
                },
                said = &mut answer, if self.asked && response.is_none() => {
                    let ended = || Failure::new(Blame::Internal, message!("serve.shutting-down"));
                    response = Some(said.unwrap_or_else(|_| Err(ended())));
                    if !self.stays {
                        break self.last.clone();
                    }
                }
                () = signals.next() => {
                    if self.is_healthy() {
                        printer.say(&message!("deploy.left", run = self.watch.run()));
                        break self.last.clone();
                    }
                    self.watch.interrupted(printer);
                }
            }
        };
        let left = self.watch.debuggers_left(true).await;
        self.watch.take_late_stops(printer);
        let Some(last) = last else {
            return Err(Failure::new(Blame::Internal, message!("serve.shutting-down")));
        };
        let is_over = last.ended_at.is_some();
        let (code, failure) = match &response {
            Some(Err(failure)) if !is_over => (failure.blame.exit_code(), Some(to_proto::failure(failure))),
            Some(Ok(InvokeAnswer { failure: Some(failure), .. })) if !is_over => (1, Some(failure.clone())),
            _ => self.watch.verdict(&last, left, is_over, printer),
        };
        let response = response.and_then(Result::ok);
        printer.deployed(&last, self.watch.stops_seen(), response.as_ref(), failure.as_ref());
        Ok(code)
    }

    fn is_healthy(&self) -> bool {
        let service = self.last.as_ref().and_then(|last| last.service.as_ref());
        service.is_some_and(|service| service.healthy_at.is_some())
    }

    /// Whether this notice says for the first time that the deployment answers.
    fn became_healthy(&mut self, notice: &Notice, printer: &mut Printer) -> bool {
        let Notice::RunChanged(run) = notice else { return false };
        if run.run != self.watch.run() {
            return false;
        }
        let was = self.is_healthy();
        self.last = Some(run.as_ref().clone());
        let is = self.is_healthy();
        if is
            && !was
            && let Some(service) = &run.service
        {
            printer.healthy(service);
        }
        is && !was
    }

    /// Sends the request, once; whether there is one.
    fn ask(&mut self, answered: &mut Option<oneshot::Sender<Result<InvokeAnswer, Failure>>>) -> bool {
        let (Some(file), false) = (&self.request, self.asked) else { return self.asked };
        let params = InvokeDeploymentParams {
            deployment: self.watch.run().to_owned(),
            file: Some(file.clone()),
            ..InvokeDeploymentParams::default()
        };
        if let Some(reply) = answered.take() {
            self.watch.tell(Ask::InvokeDeployment(params, reply));
        }
        self.asked = true;
        true
    }
}
