//! Specs as a language, on the wire of the Language Server Protocol: what is found in an open text, what may
//! stand at a place in it, what a word means and where it leads. What is said is the engine crate's.
//!
//! One task holds the open texts; it hears of changes and of questions in the order in which they were made,
//! so an answer is about the text that the question was about.

use crate::{files, spec_reader, to_proto};
use engine::diagnostic::{self, Severity};
use engine::diff;
use engine::instrument;
use engine::message;
use engine::message::{Arg, Language, Message};
use engine::spec::language::{self, FilesOf, Form, Offer, Target, Wanted};
use engine::spec::{self, Body, Kind, Reading};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use tokio::sync::{mpsc, oneshot};
use tower_lsp::Client;
use tower_lsp::ls_types::{
    AnnotatedTextEdit, ChangeAnnotation, CodeAction, CodeActionKind, CodeActionOrCommand,
    CodeActionProviderCapability, CodeLens, CodeLensOptions, Command, CompletionItem, CompletionItemKind,
    CompletionList, CompletionOptions, CompletionTextEdit, Diagnostic, DiagnosticSeverity, DocumentChanges,
    Documentation, Hover, HoverContents, HoverProviderCapability, Location, MarkupContent, MarkupKind,
    NumberOrString, OneOf, OptionalVersionedTextDocumentIdentifier, Position, Range, SaveOptions,
    ServerCapabilities, TextDocumentEdit, TextDocumentSyncCapability, TextDocumentSyncKind,
    TextDocumentSyncOptions, TextDocumentSyncSaveOptions, TextEdit, Uri, WorkspaceEdit,
};

/// What an editor says of a text, or asks about it.
#[derive(Debug)]
pub(crate) enum Said {
    /// Its words are in this language from now on.
    Speaks(Language),
    /// It is open, or stands differently now.
    Text(Uri, i32, String),
    /// It was written to its file; other texts may refer to it.
    Saved,
    /// It is no longer open.
    Closed(Uri),
    /// What may stand here?
    Complete(Uri, Position, oneshot::Sender<CompletionList>),
    /// What does this mean?
    Hover(Uri, Position, oneshot::Sender<Option<Hover>>),
    /// Where does this lead?
    Definition(Uri, Position, oneshot::Sender<Vec<Location>>),
    /// What mends this?
    Actions(Uri, Range, oneshot::Sender<Vec<CodeActionOrCommand>>),
    /// What may be done with the whole?
    Lenses(Uri, oneshot::Sender<Vec<CodeLens>>),
}

/// What this room offers, as `initialize` tells it.
pub(crate) fn capabilities() -> ServerCapabilities {
    let texts = |characters: &[&str]| Some(characters.iter().map(|text| (*text).to_owned()).collect());
    ServerCapabilities {
        text_document_sync: Some(TextDocumentSyncCapability::Options(TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(TextDocumentSyncKind::FULL),
            save: Some(TextDocumentSyncSaveOptions::SaveOptions(SaveOptions { include_text: Some(false) })),
            ..TextDocumentSyncOptions::default()
        })),
        completion_provider: Some(CompletionOptions {
            trigger_characters: texts(&[" ", "/", "{", "."]),
            ..CompletionOptions::default()
        }),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        definition_provider: Some(OneOf::Left(true)),
        code_action_provider: Some(CodeActionProviderCapability::Simple(true)),
        code_lens_provider: Some(CodeLensOptions { resolve_provider: Some(false) }),
        ..ServerCapabilities::default()
    }
}

/// An open text and what is known of it.
struct Open {
    path: PathBuf,
    version: i32,
    text: String,
    reading: Reading,
    /// Its kind when it last had one: a text that is broken for a moment is still a spec.
    kind: Kind,
}

/// Holds the open texts until the last editor is gone.
pub(crate) async fn attend(client: Client, mut inbox: mpsc::UnboundedReceiver<Said>) {
    let mut texts: HashMap<Uri, Open> = HashMap::new();
    let mut language = Language::default();
    while let Some(said) = inbox.recv().await {
        match said {
            Said::Speaks(spoken) => language = spoken,
            Said::Text(uri, version, text) => {
                let Some(path) = uri.to_file_path().map(|path| path.into_owned()) else { continue };
                let before = texts.remove(&uri).map(|open| open.kind);
                let Some(open) = read(path, version, text, before).await else { continue };
                tell(&client, &uri, &open, language).await;
                texts.insert(uri, open);
            }
            Said::Saved => {
                for (uri, open) in std::mem::take(&mut texts) {
                    let Some(open) = read(open.path, open.version, open.text, Some(open.kind)).await else {
                        continue;
                    };
                    tell(&client, &uri, &open, language).await;
                    texts.insert(uri, open);
                }
            }
            Said::Closed(uri) => {
                if texts.remove(&uri).is_some() {
                    client.publish_diagnostics(uri, Vec::new(), None).await;
                }
            }
            Said::Complete(uri, at, reply) => {
                let _ = reply.send(
                    texts
                        .get(&uri)
                        .filter(|open| is_yaml(open))
                        .map(|open| complete(open, at, language))
                        .unwrap_or_default(),
                );
            }
            Said::Hover(uri, at, reply) => {
                let open = texts.get(&uri).filter(|open| is_yaml(open));
                let _ = reply.send(open.and_then(|open| hover(open, at, language)));
            }
            Said::Definition(uri, at, reply) => {
                let open = texts.get(&uri).filter(|open| is_yaml(open));
                let _ = reply.send(open.map(|open| definition(&uri, open, at)).unwrap_or_default());
            }
            Said::Actions(uri, range, reply) => {
                let _ = reply.send(
                    texts.get(&uri).map(|open| actions(&uri, open, range, language)).unwrap_or_default(),
                );
            }
            Said::Lenses(uri, reply) => {
                let _ =
                    reply.send(texts.get(&uri).map(|open| lenses(&uri, open, language)).unwrap_or_default());
            }
        }
    }
}

/// Reads a text with the files that it refers to, beside the runtime: they are read from disk.
async fn read(path: PathBuf, version: i32, text: String, before: Option<Kind>) -> Option<Open> {
    let reading = tokio::task::spawn_blocking(move || {
        let reading = spec::read(&path, text.as_bytes(), &spec_reader::on_disk());
        (path, text, reading)
    });
    let (path, text, reading) = reading.await.ok()?;
    let kind = match (reading.kind, before) {
        (Kind::Unparsable, Some(before)) => before,
        (kind, _) => kind,
    };
    Some(Open { path, version, text, reading, kind })
}

/// What is offered for a spec has no place in a Python script.
fn is_yaml(open: &Open) -> bool {
    !matches!(open.kind, Kind::Script | Kind::Notebook)
}

/// YAML that is no spec is nobody's business.
fn is_spec(kind: Kind) -> bool {
    !matches!(kind, Kind::Unknown | Kind::Unparsable | Kind::Conda | Kind::Script | Kind::Notebook)
}

async fn tell(client: &Client, uri: &Uri, open: &Open, language: Language) {
    let found = if is_spec(open.kind) || open.kind == Kind::Script {
        open.reading.diagnostics.iter().map(|finding| diagnostic(finding, language)).collect()
    } else {
        Vec::new()
    };
    client.publish_diagnostics(uri.clone(), found, Some(open.version)).await;
}

fn complete(open: &Open, at: Position, language: Language) -> CompletionList {
    let Some(offers) = language::complete(&open.path, &open.text, engine_position(at)) else {
        return CompletionList::default();
    };
    let range = lsp_range(offers.range);
    let of_files = offers.files.iter().flat_map(|files| entries(files, &open.path));
    let items = offers.offers.into_iter().chain(of_files).map(|offer| item(offer, range, language)).collect();
    // Names of files depend on what is written of the path, so they are asked for again.
    CompletionList { is_incomplete: offers.files.is_some(), items }
}

/// The entries of a folder that may stand where a path is wanted.
fn entries(wanted: &FilesOf, own: &Path) -> Vec<Offer> {
    let is_fit = |name: &str, is_folder: bool| {
        let is_hidden = name.starts_with('.') || name == "__pycache__";
        !is_hidden && (is_folder || wanted.wanted != Wanted::Folder) && wanted.folder.join(name) != own
    };
    let named =
        files::entries(&wanted.folder).into_iter().filter(|(name, is_folder)| is_fit(name, *is_folder));
    named
        .map(|(name, is_folder)| {
            let label = if is_folder { format!("{name}/") } else { name };
            let text = format!("{}{label}", wanted.written);
            Offer { label, form: Form::File, detail: Arg::default(), meaning: None, text, required: false }
        })
        .collect()
}

fn item(offer: Offer, range: Range, language: Language) -> CompletionItem {
    let kind = match offer.form {
        Form::Key => CompletionItemKind::PROPERTY,
        Form::Word => CompletionItemKind::ENUM_MEMBER,
        Form::Reference => CompletionItemKind::VARIABLE,
        Form::File if offer.label.ends_with('/') => CompletionItemKind::FOLDER,
        Form::File => CompletionItemKind::FILE,
    };
    let rank = if offer.required { '0' } else { '1' };
    let detail = offer.detail.text_in(language).into_owned();
    CompletionItem {
        kind: Some(kind),
        detail: (!detail.is_empty()).then_some(detail),
        documentation: offer
            .meaning
            .map(|meaning| Documentation::MarkupContent(markdown(sentence(&meaning, language)))),
        sort_text: Some(format!("{rank}{}", offer.label)),
        filter_text: Some(offer.text.clone()),
        text_edit: Some(CompletionTextEdit::Edit(TextEdit { range, new_text: offer.text })),
        label: offer.label,
        ..CompletionItem::default()
    }
}

fn hover(open: &Open, at: Position, language: Language) -> Option<Hover> {
    let found = language::hover(&open.path, &open.text, engine_position(at))?;
    let required = || format!(" ({})", message!("language.required").text_in(language));
    let required = if found.required { required() } else { String::new() };
    let meaning =
        found.meaning.map(|meaning| format!("\n\n{}", sentence(&meaning, language))).unwrap_or_default();
    let text = format!("**{}**{required}: {}{meaning}", found.key, found.expected.text_in(language));
    Some(Hover { contents: HoverContents::Markup(markdown(text)), range: Some(lsp_range(found.range)) })
}

fn definition(uri: &Uri, open: &Open, at: Position) -> Vec<Location> {
    let places = language::definition(&open.path, &open.text, engine_position(at)).into_iter();
    let places = places.filter_map(|target| match target {
        Target::Here(range) => Some(Location { uri: uri.clone(), range: lsp_range(range) }),
        Target::File(path) if files::is_file(&path) => {
            Some(Location { uri: Uri::from_file_path(&path)?, range: Range::default() })
        }
        Target::File(_) => None,
    });
    places.take(1).collect()
}

fn actions(uri: &Uri, open: &Open, range: Range, language: Language) -> Vec<CodeActionOrCommand> {
    let is_here = |finding: &&diagnostic::Diagnostic| {
        let found = lsp_range(finding.range);
        found.start <= range.end && range.start <= found.end
    };
    let found = open.reading.diagnostics.iter().filter(is_here);
    let mut actions: Vec<CodeActionOrCommand> = found
        .filter_map(|finding| {
            let fix = finding.fix.as_ref()?;
            let edit = TextEdit { range: lsp_range(fix.range), new_text: fix.new_text.clone() };
            Some(CodeActionOrCommand::CodeAction(CodeAction {
                title: fix.title.text_in(language),
                kind: Some(CodeActionKind::QUICKFIX),
                diagnostics: Some(vec![diagnostic(finding, language)]),
                edit: Some(WorkspaceEdit {
                    changes: Some(HashMap::from([(uri.clone(), vec![edit])])),
                    ..WorkspaceEdit::default()
                }),
                data: serde_json::to_value(to_proto::text(&fix.title)).ok(),
                ..CodeAction::default()
            }))
        })
        .collect();
    if open.kind == Kind::Script {
        actions.extend(debugging(uri, open, language));
    }
    actions
}

/// The remote-debug convention, put into a script or taken out of it again. An editor that can shows the edit
/// before it makes it.
fn debugging(uri: &Uri, open: &Open, language: Language) -> Option<CodeActionOrCommand> {
    let old = open.text.as_bytes();
    let before = instrument::undo(old).ok()?;
    let (title, new) = match before == old {
        true => (message!("language.instrument"), instrument::instrument(old).ok()?.bytes),
        false => (message!("language.instrument-undo"), before),
    };
    let edits = diff::edits(&open.text, &String::from_utf8(new).ok()?);
    if edits.is_empty() {
        return None;
    }
    let id = "aml-debug".to_owned();
    let edits = edits.into_iter().map(|(range, new_text)| {
        let text_edit = TextEdit { range: lsp_range(range), new_text };
        OneOf::Right(AnnotatedTextEdit { text_edit, annotation_id: id.clone() })
    });
    let document = OptionalVersionedTextDocumentIdentifier { uri: uri.clone(), version: Some(open.version) };
    let change = TextDocumentEdit { text_document: document, edits: edits.collect() };
    let annotation = ChangeAnnotation {
        label: title.text_in(language),
        needs_confirmation: Some(true),
        description: None,
    };
    Some(CodeActionOrCommand::CodeAction(CodeAction {
        title: title.text_in(language),
        kind: Some(CodeActionKind::new(REMOTE_DEBUGGING)),
        edit: Some(WorkspaceEdit {
            document_changes: Some(DocumentChanges::Edits(vec![change])),
            change_annotations: Some(HashMap::from([(id, annotation)])),
            ..WorkspaceEdit::default()
        }),
        data: serde_json::to_value(to_proto::text(&title)).ok(),
        ..CodeAction::default()
    }))
}

/// The kind of [`debugging`]'s actions, by which an editor may ask for them alone.
const REMOTE_DEBUGGING: &str = "refactor.rewrite.amlDebug";

fn lenses(uri: &Uri, open: &Open, language: Language) -> Vec<CodeLens> {
    if !is_spec(open.kind) {
        return Vec::new();
    }
    let lens = |title: Message, command: &str| CodeLens {
        range: Range::default(),
        command: Some(Command {
            title: title.text_in(language),
            command: command.to_owned(),
            arguments: Some(vec![uri.as_str().into()]),
        }),
        data: None,
    };
    let check = lens(message!("language.check"), "amlDebug.check");
    if open.kind.is_online_deployment() {
        let deploy = lens(message!("language.deploy"), "amlDebug.deploy");
        let debug = lens(message!("language.debug"), "amlDebug.debugDeployment");
        return vec![deploy, debug, check];
    }
    if !open.kind.runs_here() {
        return vec![check];
    }
    let run = lens(message!("language.run"), "amlDebug.run");
    let debug = lens(message!("language.debug"), "amlDebug.debug");
    let submit = lens(message!("language.submit"), "amlDebug.submitExperiment");
    let steps = match open.reading.spec.as_ref().map(|spec| &spec.body) {
        Some(Body::Pipeline(pipeline)) => step_lenses(uri, &open.text, &pipeline.commands(), language),
        _ => Vec::new(),
    };
    [run, debug, check, submit].into_iter().chain(steps).collect()
}

/// A line above each step that a debugger can be wanted in.
fn step_lenses(uri: &Uri, text: &str, debuggable: &[String], language: Language) -> Vec<CodeLens> {
    let steps = language::steps(text).into_iter().filter(|(name, _)| debuggable.contains(name));
    steps
        .map(|(name, range)| CodeLens {
            range: lsp_range(range),
            command: Some(Command {
                title: message!("language.debug-step").text_in(language),
                command: "amlDebug.debugStep".to_owned(),
                arguments: Some(vec![uri.as_str().into(), name.into()]),
            }),
            data: None,
        })
        .collect()
}

fn diagnostic(finding: &diagnostic::Diagnostic, language: Language) -> Diagnostic {
    let severity = match finding.severity {
        Severity::Error => DiagnosticSeverity::ERROR,
        Severity::Warning => DiagnosticSeverity::WARNING,
        Severity::Information => DiagnosticSeverity::INFORMATION,
    };
    Diagnostic {
        range: lsp_range(finding.range),
        severity: Some(severity),
        code: Some(NumberOrString::String(finding.message.id.clone())),
        source: Some("Azure ML".to_owned()),
        message: finding.message.text_in(language),
        // For an editor with words of its own.
        data: serde_json::to_value(to_proto::text(&finding.message)).ok(),
        ..Diagnostic::default()
    }
}

/// A fragment of the catalogue as a sentence.
fn sentence(message: &Message, language: Language) -> String {
    let text = message.text_in(language);
    let stop = match language {
        Language::English => ".",
        Language::Japanese => "。",
    };
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect::<String>() + stop)
        .unwrap_or_default()
}

fn markdown(value: String) -> MarkupContent {
    MarkupContent { kind: MarkupKind::Markdown, value }
}

fn engine_position(at: Position) -> diagnostic::Position {
    diagnostic::Position { line: at.line, character: at.character }
}

fn lsp_range(range: diagnostic::Range) -> Range {
    let position = |at: diagnostic::Position| Position { line: at.line, character: at.character };
    Range { start: position(range.start), end: position(range.end) }
}
