//! The JSON-RPC side. Each method wraps its parameters, sends one event and awaits its answer; nothing is
//! decided here, and no method waits for anything but the owner loop.

use crate::guard::guarded;
use crate::main_loop::{Ask, Event, Reply};
use crate::outbox::Notice;
use crate::to_proto;
use engine::failure::{Blame, Failure};
use engine::launch_json;
use engine::message;
use protocol::debug::DebugReady;
use protocol::error::{ErrorData, FAILED};
use protocol::log::LogAppended;
use protocol::methods as rpc;
use protocol::methods::{Notification, Request};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::marker::PhantomData;
use tokio::sync::{mpsc, oneshot};
use tower_lsp::jsonrpc::{Error, ErrorCode, Result};
use tower_lsp::ls_types::{InitializeParams, InitializeResult, ServerCapabilities, ServerInfo};
use tower_lsp::{Client, ClientSocket, LanguageServer, LspService};

/// What the JSON-RPC server calls.
#[derive(Debug, Clone)]
pub(crate) struct Backend {
    events: mpsc::UnboundedSender<Event>,
    parent: mpsc::UnboundedSender<u32>,
}

/// The service with every method of the wire, and the socket that carries it. `parent` receives the
/// editor's process id as soon as it is known.
pub(crate) fn service(
    events: mpsc::UnboundedSender<Event>,
    parent: mpsc::UnboundedSender<u32>,
    notices: mpsc::UnboundedReceiver<Notice>,
) -> (LspService<Backend>, ClientSocket) {
    LspService::build(|client| {
        tokio::spawn(tell(client, notices));
        Backend { events, parent }
    })
    .custom_method(rpc::StartRun::METHOD, Backend::start_run)
    .custom_method(rpc::Rerun::METHOD, Backend::rerun)
    .custom_method(rpc::CancelRun::METHOD, Backend::cancel_run)
    .custom_method(rpc::ShowRun::METHOD, Backend::show_run)
    .custom_method(rpc::ListExperiments::METHOD, Backend::list_experiments)
    .custom_method(rpc::ListRuns::METHOD, Backend::list_runs)
    .custom_method(rpc::RemoveRun::METHOD, Backend::remove_run)
    .custom_method(rpc::ListOutputs::METHOD, Backend::list_outputs)
    .custom_method(rpc::ReadLog::METHOD, Backend::read_log)
    .custom_method(rpc::Attach::METHOD, Backend::attach)
    .custom_method(rpc::Check::METHOD, Backend::check)
    .custom_method(rpc::Doctor::METHOD, Backend::doctor)
    .finish()
}

macro_rules! forward {
    ($($name:ident: $request:ident => $ask:expr;)*) => {
        $(async fn $name(
            &self,
            params: <rpc::$request as Request>::Params,
        ) -> Result<<rpc::$request as Request>::Answer> {
            self.forward($ask, params).await
        })*
    };
}

impl Backend {
    forward! {
        start_run: StartRun => Ask::StartRun;
        rerun: Rerun => Ask::Rerun;
        cancel_run: CancelRun => Ask::CancelRun;
        show_run: ShowRun => Ask::ShowRun;
        list_experiments: ListExperiments => |_, reply| Ask::ListExperiments(reply);
        list_runs: ListRuns => Ask::ListRuns;
        remove_run: RemoveRun => Ask::RemoveRun;
        list_outputs: ListOutputs => Ask::ListOutputs;
        read_log: ReadLog => Ask::ReadLog;
        attach: Attach => Ask::Attach;
        check: Check => Ask::Check;
        doctor: Doctor => |_, reply| Ask::Doctor(reply);
    }

    async fn forward<P, A>(&self, ask: impl FnOnce(P, Reply<A>) -> Ask, params: P) -> Result<A>
    where
        A: Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        // Sent before the first wait, so events reach the loop in the order in which requests arrived.
        let sent = self.events.send(Event::Asked(ask(params, reply)));
        guarded(async move {
            sent.map_err(|_| shutting_down())?;
            answer.await.map_err(|_| shutting_down())?.map_err(|failure| error(&failure))
        })
        .await
    }
}

impl LanguageServer for Backend {
    async fn initialize(&self, params: InitializeParams) -> Result<InitializeResult> {
        if let Some(parent) = params.process_id {
            let _ = self.parent.send(parent);
        }
        Ok(InitializeResult {
            capabilities: ServerCapabilities::default(),
            server_info: Some(ServerInfo {
                name: "aml-debug".to_owned(),
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            }),
            ..InitializeResult::default()
        })
    }

    async fn shutdown(&self) -> Result<()> {
        Ok(())
    }
}

/// Any notification of ours, as the framework wants to have it.
struct Told<N>(PhantomData<N>);

impl<N: Notification> tower_lsp::ls_types::notification::Notification for Told<N>
where
    N::Params: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    type Params = N::Params;
    const METHOD: &'static str = N::METHOD;
}

/// The one task that speaks to the editor, so notifications leave in the order in which things happened.
async fn tell(client: Client, mut notices: mpsc::UnboundedReceiver<Notice>) {
    while let Some(notice) = notices.recv().await {
        match notice {
            Notice::RunChanged(run) => client.send_notification::<Told<rpc::RunChanged>>(*run).await,
            Notice::Lines { run, log, lines } => {
                let grown = LogAppended { run: run.0, log: log.word().to_owned(), lines };
                client.send_notification::<Told<rpc::LogGrew>>(grown).await;
            }
            Notice::Progress(run, progress) => {
                let progress = to_proto::progress(&run, &progress);
                client.send_notification::<Told<rpc::Progressed>>(progress).await;
            }
            Notice::DebuggerReady(run, entry) => {
                let ready = DebugReady {
                    run: run.0,
                    name: entry.name.clone(),
                    port: entry.port,
                    configuration: launch_json::configuration(&entry),
                };
                client.send_notification::<Told<rpc::DebuggerReady>>(ready).await;
            }
        }
    }
}

fn error(failure: &Failure) -> Error {
    let data = ErrorData { failure: to_proto::failure(failure) };
    Error {
        code: ErrorCode::ServerError(FAILED.into()),
        message: failure.to_string().into(),
        data: serde_json::to_value(data).ok(),
    }
}

fn shutting_down() -> Error {
    error(&Failure::new(Blame::Internal, message!("serve.shutting-down")))
}
