//! The JSON-RPC side. Each method wraps its parameters, sends one event and awaits its answer; nothing is
//! decided here, and no method waits for anything but the owner loop.

mod backlog;

use crate::guard::guarded;
use crate::handlers::images::GLANCE;
use crate::language::{self, Said};
use crate::main_loop::{Ask, Event, LogName, Reply};
use crate::outbox::{Notice, Stretch};
use crate::to_proto;
use backlog::Backlog;
use engine::failure::{Blame, Failure};
use engine::ids::RunId;
use engine::launch_json;
use engine::message;
use engine::message::Language;
use futures::FutureExt;
use futures::future::{Fuse, FusedFuture};
use protocol::debug::DebugReady;
use protocol::error::{ErrorData, FAILED};
use protocol::log::LogAppended;
use protocol::methods as rpc;
use protocol::methods::{Notification, Request};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::marker::PhantomData;
use std::pin::pin;
use tokio::sync::{mpsc, oneshot};
use tower_lsp::jsonrpc::{Error, ErrorCode, Result};
use tower_lsp::ls_types::{
    CodeActionParams, CodeActionResponse, CodeLens, CodeLensParams, CompletionParams, CompletionResponse,
    DidChangeTextDocumentParams, DidCloseTextDocumentParams, DidOpenTextDocumentParams,
    DidSaveTextDocumentParams, GotoDefinitionParams, GotoDefinitionResponse, Hover, HoverParams,
    InitializeParams, InitializeResult, InitializedParams, PositionEncodingKind, ServerCapabilities,
    ServerInfo,
};
use tower_lsp::{Client, ClientSocket, LanguageServer, LspService};

/// What the JSON-RPC server calls.
#[derive(Debug, Clone)]
pub(crate) struct Backend {
    events: mpsc::UnboundedSender<Event>,
    hear: mpsc::UnboundedSender<Heard>,
    language: mpsc::UnboundedSender<Said>,
}

/// What the editor says of itself and of its stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// The id of its process.
    Editor(u32),
    /// It listens to notifications from now on.
    Ready,
}

/// The service with every method of the wire, and the socket that carries it. No notice leaves before
/// `begun`.
pub(crate) fn service(
    events: mpsc::UnboundedSender<Event>,
    hear: mpsc::UnboundedSender<Heard>,
    notices: mpsc::UnboundedReceiver<Notice>,
    begun: oneshot::Receiver<()>,
) -> (LspService<Backend>, ClientSocket) {
    LspService::build(|client| {
        let (language, said) = mpsc::unbounded_channel();
        tokio::spawn(language::attend(client.clone(), said));
        tokio::spawn(tell(client, notices, begun));
        Backend { events, hear, language }
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
    .custom_method(rpc::ReleaseDebugger::METHOD, Backend::release_debugger)
    .custom_method(rpc::ApplyMapping::METHOD, Backend::apply_mapping)
    .custom_method(rpc::StartDeployment::METHOD, Backend::start_deployment)
    .custom_method(rpc::ListDeployments::METHOD, Backend::list_deployments)
    .custom_method(rpc::ShowDeployment::METHOD, Backend::show_deployment)
    .custom_method(rpc::InvokeDeployment::METHOD, Backend::invoke_deployment)
    .custom_method(rpc::RestartDeployment::METHOD, Backend::restart_deployment)
    .custom_method(rpc::StopDeployment::METHOD, Backend::stop_deployment)
    .custom_method(rpc::RemoveDeployment::METHOD, Backend::remove_deployment)
    .custom_method(rpc::ListImages::METHOD, Backend::list_images)
    .custom_method(rpc::WhyImage::METHOD, Backend::why_image)
    .custom_method(rpc::PruneImages::METHOD, Backend::prune_images)
    .custom_method(rpc::Check::METHOD, Backend::check)
    .custom_method(rpc::DraftSpec::METHOD, Backend::draft_spec)
    .custom_method(rpc::Variant::METHOD, Backend::variant)
    .custom_method(rpc::AttachRemote::METHOD, Backend::attach_remote)
    .custom_method(rpc::LeaveRemote::METHOD, Backend::leave_remote)
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
        release_debugger: ReleaseDebugger => Ask::ReleaseDebugger;
        apply_mapping: ApplyMapping => Ask::ApplyMapping;
        start_deployment: StartDeployment => Ask::StartDeployment;
        list_deployments: ListDeployments => |_, reply| Ask::ListDeployments(reply);
        show_deployment: ShowDeployment => Ask::ShowDeployment;
        invoke_deployment: InvokeDeployment => Ask::InvokeDeployment;
        restart_deployment: RestartDeployment => Ask::RestartDeployment;
        stop_deployment: StopDeployment => Ask::StopDeployment;
        remove_deployment: RemoveDeployment => Ask::RemoveDeployment;
        list_images: ListImages => |_, reply| Ask::ListImages(GLANCE, reply);
        why_image: WhyImage => Ask::WhyImage;
        prune_images: PruneImages => Ask::PruneImages;
        check: Check => Ask::Check;
        draft_spec: DraftSpec => Ask::DraftSpec;
        variant: Variant => Ask::Variant;
        attach_remote: AttachRemote => Ask::AttachRemote;
        leave_remote: LeaveRemote => Ask::LeaveRemote;
        doctor: Doctor => |_, reply| Ask::Doctor(reply);
    }

    /// Asks about an open text.
    async fn consult<A>(&self, ask: impl FnOnce(oneshot::Sender<A>) -> Said) -> Result<A>
    where
        A: Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let sent = self.language.send(ask(reply));
        guarded(async move {
            sent.map_err(|_| shutting_down())?;
            answer.await.map_err(|_| shutting_down())
        })
        .await
    }

    async fn forward<P, A>(&self, ask: impl FnOnce(P, Reply<A>) -> Ask, params: P) -> Result<A>
    where
        A: Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        // Whoever asks has read the answer to `initialize`, even if it never says `initialized`.
        let _ = self.hear.send(Heard::Ready);
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
            let _ = self.hear.send(Heard::Editor(parent));
        }
        if let Some(locale) = &params.locale {
            let _ = self.language.send(Said::Speaks(Language::of(locale)));
        }
        Ok(InitializeResult {
            capabilities: ServerCapabilities {
                // Ranges of diagnostics are in the columns of the Language Server Protocol's default.
                position_encoding: Some(PositionEncodingKind::UTF16),
                ..language::capabilities()
            },
            server_info: Some(ServerInfo {
                name: "aml-debug".to_owned(),
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            }),
            ..InitializeResult::default()
        })
    }

    async fn initialized(&self, _: InitializedParams) {
        let _ = self.hear.send(Heard::Ready);
    }

    async fn shutdown(&self) -> Result<()> {
        Ok(())
    }

    async fn did_open(&self, params: DidOpenTextDocumentParams) {
        let document = params.text_document;
        let _ = self.language.send(Said::Text(document.uri, document.version, document.text));
    }

    async fn did_change(&self, params: DidChangeTextDocumentParams) {
        let document = params.text_document;
        // Whole texts are what was asked for, so the last one is the text.
        if let Some(change) = params.content_changes.into_iter().next_back() {
            let _ = self.language.send(Said::Text(document.uri, document.version, change.text));
        }
    }

    async fn did_save(&self, _: DidSaveTextDocumentParams) {
        let _ = self.language.send(Said::Saved);
    }

    async fn did_close(&self, params: DidCloseTextDocumentParams) {
        let _ = self.language.send(Said::Closed(params.text_document.uri));
    }

    async fn completion(&self, params: CompletionParams) -> Result<Option<CompletionResponse>> {
        let place = params.text_document_position;
        let list =
            self.consult(|reply| Said::Complete(place.text_document.uri, place.position, reply)).await?;
        Ok(Some(CompletionResponse::List(list)))
    }

    async fn hover(&self, params: HoverParams) -> Result<Option<Hover>> {
        let place = params.text_document_position_params;
        self.consult(|reply| Said::Hover(place.text_document.uri, place.position, reply)).await
    }

    async fn goto_definition(&self, params: GotoDefinitionParams) -> Result<Option<GotoDefinitionResponse>> {
        let place = params.text_document_position_params;
        let ask = |reply| Said::Definition(place.text_document.uri, place.position, reply);
        Ok(Some(GotoDefinitionResponse::Array(self.consult(ask).await?)))
    }

    async fn code_action(&self, params: CodeActionParams) -> Result<Option<CodeActionResponse>> {
        let ask = |reply| Said::Actions(params.text_document.uri, params.range, reply);
        Ok(Some(self.consult(ask).await?))
    }

    async fn code_lens(&self, params: CodeLensParams) -> Result<Option<Vec<CodeLens>>> {
        Ok(Some(self.consult(|reply| Said::Lenses(params.text_document.uri, reply)).await?))
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
/// Before `begun` the editor does not listen, and the framework would drop what is said.
async fn tell(
    client: Client,
    mut notices: mpsc::UnboundedReceiver<Notice>,
    mut begun: oneshot::Receiver<()>,
) {
    let mut backlog = Backlog::default();
    let mut may_speak = false;
    let mut saying = pin!(Fuse::terminated());
    loop {
        if may_speak
            && saying.is_terminated()
            && let Some(notice) = backlog.next()
        {
            saying.set(say(client.clone(), notice).fuse());
        }
        tokio::select! {
            // First of all what happens is taken in, so that the backlog sees how far the editor is behind.
            biased;
            notice = notices.recv() => match notice {
                Some(notice) => backlog.add(notice),
                None => return,
            },
            beginning = &mut begun, if !may_speak => match beginning {
                Ok(()) => may_speak = true,
                Err(_) => return,
            },
            () = &mut saying, if !saying.is_terminated() => {}
        }
    }
}

async fn say(client: Client, notice: Notice) {
    match notice {
        Notice::RunChanged(run) => client.send_notification::<Told<rpc::RunChanged>>(*run).await,
        Notice::Lines { run, log, lines, stretch, .. } if lines.is_empty() => {
            say_from_file(&client, &run, log, stretch).await;
        }
        Notice::Lines { run, log, lines, stretch, .. } => {
            say_lines(&client, &run, log, lines, &stretch).await;
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
        Notice::MappingProposed(run, proposal) => {
            let proposal = to_proto::mapping_proposal(&run, &proposal);
            client.send_notification::<Told<rpc::MappingProposed>>(proposal).await;
        }
        Notice::RemoteChanged(step) => client.send_notification::<Told<rpc::RemoteChanged>>(*step).await,
    }
}

async fn say_lines(client: &Client, run: &RunId, log: LogName, lines: Vec<String>, stretch: &Stretch) {
    let grown = LogAppended {
        run: run.0.clone(),
        log: log.word().to_owned(),
        lines,
        offset: stretch.offset,
        next_offset: stretch.end,
    };
    client.send_notification::<Told<rpc::LogGrew>>(grown).await;
}

/// Lines that had to wait in their file, in pieces. A file that is gone is not missed: its run was removed.
async fn say_from_file(client: &Client, run: &RunId, log: LogName, mut stretch: Stretch) {
    while stretch.offset < stretch.end {
        let wanted = stretch.clone();
        let piece = tokio::task::spawn_blocking(move || backlog::read_piece(&wanted)).await;
        let Ok(Some((lines, end))) = piece else { return };
        let piece = Stretch { end, ..stretch.clone() };
        say_lines(client, run, log, lines, &piece).await;
        stretch.offset = end;
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
