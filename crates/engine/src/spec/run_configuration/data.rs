//! `dataReferences`, `data` and `outputData` as the inputs and outputs of a v2 job, and the references to
//! them in arguments, which the service fills in before the script starts.

use super::{camel, get, printed, switch, text};
use crate::command_line::{is_plain, quoted};
use crate::diagnostic::Severity;
use crate::message;
use crate::message::Message;
use crate::spec::files::{Found, resolve};
use crate::spec::job::{Input, Output, is_local, local};
use crate::spec::schema::Checker;
use crate::yaml::{Entry, Node};
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// What of the data stands where in a v2 job.
#[derive(Default)]
pub(super) struct Data {
    pub(super) inputs: Vec<(String, Input)>,
    pub(super) outputs: Vec<(String, Output)>,
    pub(super) output_paths: Vec<(String, String)>,
    /// Variables whose names a v2 job does not set by itself.
    pub(super) variables: Vec<(String, String)>,
    pub(super) attention: Vec<Message>,
    /// Names by which arguments may refer to data, and what they stand for.
    references: HashMap<String, String>,
    names: HashSet<String>,
}

/// Reads the three sections. Paths on this machine are seen from the project folder.
pub(super) fn read(checker: &mut Checker<'_>, project: &Path, root: &Node) -> Data {
    let mut data = Data::default();
    let entries = |key: &str| get(root, key).map(Node::entries).unwrap_or_default();
    for entry in entries("dataReferences") {
        data.reference(checker, entry);
    }
    for entry in entries("data") {
        data.input(checker, project, entry);
    }
    for entry in entries("outputData") {
        data.output(checker, entry);
    }
    data
}

impl Data {
    fn reference(&mut self, checker: &mut Checker<'_>, entry: &Entry) {
        let node = &entry.value;
        let Some(store) = text(checker, node, "dataStoreName") else {
            checker.error(entry.key_span, message!("spec.v1.no-datastore", name = entry.key));
            return;
        };
        let path = text(checker, node, "pathOnDataStore").unwrap_or_default();
        let address = on_datastore(&store, &path);
        let mode = text(checker, node, "mode").unwrap_or_default().to_lowercase();
        let name = self.named(entry, if mode == "upload" { "outputs" } else { "inputs" });
        if mode == "upload" {
            let variable = format!("AZUREML_DATAREFERENCE_{}", camel(&entry.key));
            self.variables.push((variable, format!("${{{{outputs.{name}}}}}")));
            self.output_paths.push((name.clone(), address));
            self.outputs.push((name, folder_output("upload")));
            return;
        }
        let mode = if mode == "download" { "download" } else { "ro_mount" };
        self.add_input(name, "uri_folder", Some(address), mode, None);
    }

    fn input(&mut self, checker: &mut Checker<'_>, project: &Path, entry: &Entry) {
        let node = &entry.value;
        let name = self.named(entry, "inputs");
        let location = self.location(checker, entry, get(node, "dataLocation"));
        let mut found = None;
        let mut kind = "uri_folder";
        if let Some(uri) = get(node, "dataLocation").and_then(|location| get(location, "uri")) {
            let path = location.as_deref().unwrap_or_default();
            if is_local(path) {
                let resolved = resolve(project, local(path));
                found = checker.exists(&resolved.display().to_string());
                if found == Some(Found::Missing) {
                    let at = get(uri, "path").map_or(entry.key_span, |node| node.span);
                    let message = message!(
                        "spec.input-missing",
                        name = name,
                        path = path,
                        resolved = resolved.display()
                    );
                    checker.find(Severity::Warning, at, message, None);
                }
            }
            if switch(checker, Some(uri), "isFile") || matches!(found, Some(Found::File(_))) {
                kind = "uri_file";
            }
        }
        if location.is_none() {
            checker.find(
                Severity::Warning,
                entry.key_span,
                message!("spec.v1.no-location", name = entry.key),
                None,
            );
        }
        let mechanism = text(checker, node, "mechanism").unwrap_or_default().to_lowercase();
        let mode = match mechanism.as_str() {
            "mount" => "ro_mount",
            "download" => "download",
            _ => "direct",
        };
        if let Some(variable) = text(checker, node, "environmentVariableName") {
            let binding = format!("${{{{inputs.{name}}}}}");
            if variable != name {
                self.references.insert(variable.clone(), binding.clone());
                self.variables.push((format!("AZUREML_DATAREFERENCE_{variable}"), binding.clone()));
            }
            self.variables.push((variable, binding));
        }
        self.add_input(name, kind, location, mode, found);
    }

    fn output(&mut self, checker: &mut Checker<'_>, entry: &Entry) {
        let node = &entry.value;
        let name = self.named(entry, "outputs");
        if let Some(path) = self.location(checker, entry, get(node, "outputLocation")) {
            self.output_paths.push((name.clone(), path));
        }
        let mechanism = text(checker, node, "mechanism").unwrap_or_default().to_lowercase();
        let binding = format!("${{{{outputs.{name}}}}}");
        let written = camel(&entry.key);
        self.variables.push((format!("AZUREML_DATAREFERENCE_{written}"), binding.clone()));
        self.variables.push((written, binding));
        self.outputs.push((name, folder_output(if mechanism == "upload" { "upload" } else { "rw_mount" })));
    }

    fn add_input(
        &mut self,
        name: String,
        kind: &str,
        path: Option<String>,
        mode: &str,
        found: Option<Found>,
    ) {
        let input = Input::Data { kind: kind.to_owned(), path, mode: Some(mode.to_owned()), found };
        self.inputs.push((name, input));
    }

    /// The place of data in the words of v2.
    fn location(&mut self, checker: &Checker<'_>, entry: &Entry, node: Option<&Node>) -> Option<String> {
        let node = node?;
        if let Some(dataset) = get(node, "dataset") {
            let name = text(checker, dataset, "name");
            let Some(name) = name else {
                let id = text(checker, dataset, "id")?;
                self.attention.push(message!("spec.v1.dataset-id", name = entry.key, id = id));
                return Some(format!("azureml:{}@latest", name_of(&entry.key)));
            };
            self.attention.push(message!("spec.v1.dataset", name = entry.key, dataset = name));
            return Some(match text(checker, dataset, "version").filter(|version| version != "latest") {
                Some(version) => format!("azureml:{name}:{version}"),
                None => format!("azureml:{name}@latest"),
            });
        }
        if let Some(place) = get(node, "dataPath") {
            let store = text(checker, place, "datastoreName")?;
            return Some(on_datastore(&store, &text(checker, place, "relativePath").unwrap_or_default()));
        }
        let path = get(node, "uri").and_then(|uri| get(uri, "path"))?;
        printed(checker, path)
    }

    /// A name that v2 allows, and that no other input or output has.
    fn named(&mut self, entry: &Entry, group: &str) -> String {
        let own = name_of(&camel(&entry.key));
        let mut name = own.clone();
        let mut number = 1;
        while !self.names.insert(name.clone()) {
            number += 1;
            name = format!("{own}_{number}");
        }
        let binding = format!("${{{{{group}.{name}}}}}");
        for written in [camel(&entry.key), entry.key.clone()] {
            self.references.entry(written).or_insert_with(|| binding.clone());
        }
        name
    }

    /// An argument as a word of a shell line, with its references to data as bindings.
    pub(super) fn bound(&self, argument: &str) -> String {
        let pieces = self.pieces(argument, true);
        if pieces.iter().all(|piece| matches!(piece, Piece::Text(_))) {
            return quoted(argument);
        }
        let plain = pieces.iter().all(|piece| {
            matches!(piece, Piece::Text(text) if is_plain(text)) || matches!(piece, Piece::Binding(_))
        });
        let mut word = String::new();
        for piece in pieces {
            match piece {
                Piece::Binding(binding) => word.push_str(binding),
                Piece::Text(text) if plain => word.push_str(text),
                Piece::Text(text) => {
                    for c in text.chars() {
                        if matches!(c, '"' | '\\' | '$' | '`') {
                            word.push('\\');
                        }
                        word.push(c);
                    }
                }
            }
        }
        if plain { word } else { format!("\"{word}\"") }
    }

    /// A command line with the references that no shell understands as bindings.
    pub(super) fn bound_in_command(&self, command: &str) -> String {
        let pieces = self.pieces(command, false);
        pieces
            .into_iter()
            .map(|piece| match piece {
                Piece::Text(text) | Piece::Binding(text) => text,
            })
            .collect()
    }

    fn pieces<'t>(&'t self, text: &'t str, variables: bool) -> Vec<Piece<'t>> {
        const MARKS: [&str; 4] = [
            "DatasetConsumptionConfig:",
            "DatasetOutputConfig:",
            "$AZUREML_DATAREFERENCE_",
            "${AZUREML_DATAREFERENCE_",
        ];
        let marks = if variables { &MARKS[..] } else { &MARKS[..2] };
        let mut pieces = Vec::new();
        let mut done = 0;
        let mut at = 0;
        while let Some(next) = text[at..].find(['$', 'D']).map(|next| next + at) {
            at = next + 1;
            let Some(mark) = marks.iter().find(|mark| text[next..].starts_with(**mark)) else { continue };
            let start = next + mark.len();
            let length = text[start..]
                .find(|c: char| !(c.is_alphanumeric() || c == '_'))
                .unwrap_or(text.len() - start);
            let mut end = start + length;
            let name = &text[start..end];
            if mark.starts_with("${") {
                if !text[end..].starts_with('}') {
                    continue;
                }
                end += 1;
            }
            let Some(binding) = self.references.get(name) else { continue };
            if done < next {
                pieces.push(Piece::Text(&text[done..next]));
            }
            pieces.push(Piece::Binding(binding));
            done = end;
            at = end;
        }
        if done < text.len() {
            pieces.push(Piece::Text(&text[done..]));
        }
        pieces
    }
}

enum Piece<'t> {
    Text(&'t str),
    Binding(&'t str),
}

fn folder_output(mode: &str) -> Output {
    Output { kind: "uri_folder".to_owned(), mode: Some(mode.to_owned()) }
}

fn on_datastore(store: &str, path: &str) -> String {
    format!("azureml://datastores/{store}/paths/{}", path.trim_start_matches('/'))
}

fn name_of(key: &str) -> String {
    let clean: String =
        key.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect();
    if clean.starts_with(|c: char| c.is_ascii_digit()) || clean.is_empty() {
        format!("_{clean}")
    } else {
        clean
    }
}
