//! Checks a tree against the tables of [`tables`], with the judgement of marshmallow and a clearer word.
//!
//! What is accepted and what is refused is azure-ai-ml's; only the text of a finding is ours. An alternative
//! is tried in silence first, so that one typo makes one finding and not one per alternative.

mod memory;
pub mod tables;

use super::environment::DEFAULT_IMAGE;
use super::files::{Files, Found, Need, resolve};
use super::rules;
use crate::diagnostic::{Diagnostic, Fix, Severity};
use crate::message;
use crate::message::{Arg, Message};
use crate::yaml::{Entry, MAX_FINDINGS, Node, Parsed, Source, Span, Value};
use memory::{Memory, Verdict};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use tables::Shape;

/// One key of a [`Shape`].
#[derive(Debug)]
pub struct Field {
    /// The key.
    pub key: &'static str,
    /// What it may hold.
    pub ty: Ty,
    /// Whether it has to be there.
    pub required: bool,
    /// Whether only the service sets it: a value in a file is ignored.
    pub read_only: bool,
}

impl Shape {
    /// A step of AutoML: its schema lets unknown keys through, and the object behind it refuses them.
    fn is_auto_ml(self) -> bool {
        use Shape::*;
        matches!(self, AutoMlClassificationNode | AutoMlRegressionNode | AutoMlForecastingNode)
            || matches!(self, ImageClassificationMulticlassNode | ImageClassificationMultilabelNode)
            || matches!(self, ImageObjectDetectionNode | ImageInstanceSegmentationNode)
            || matches!(self, AutoMlTextClassificationNode | AutoMlTextClassificationMultilabelNode)
            || self == AutoMlTextNerNode
    }

    /// A step that names a component: azure-ai-ml lets most of its values be bindings.
    fn is_step_of_component(self) -> bool {
        use Shape::*;
        matches!(self, Command | Sweep | Parallel | PipelineParallelJob | Pipeline | Spark | Import)
            || matches!(self, DataTransferCopy | DataTransferImport | DataTransferExport)
    }
}

/// What a value may be; the names on the right are those of the marshmallow fields.
#[derive(Debug, Clone, Copy)]
pub enum Ty {
    /// Anything but null.
    Any,
    /// `String`.
    Str,
    /// `Integer`: whole numbers, and what Python's `int()` makes one of.
    Int,
    /// `Integer(strict=True)`.
    WholeOnly,
    /// `Float`: numbers and text of a number.
    Number,
    /// A number that need not be finite: what a component says of its parameters.
    AnyNumber,
    /// `Float(strict=True)`.
    FloatOnly,
    /// `Boolean`, which also takes `1` and the text `"yes"`.
    Bool,
    /// `DateTime`.
    Time,
    /// `VersionField`.
    Version,
    /// `DataBindingStr`: text with `${{…}}` in it.
    Binding,
    /// `OutputBindingStr`.
    OutputBinding,
    /// `ArmStr`: `azureml:…` of a resource of that name.
    Arm(&'static str),
    /// `ArmVersionedStr`: `azureml:name:version` or `azureml:name@label`.
    ArmVersioned(&'static str),
    /// `ArmVersionedStr(allow_default_version=True)`.
    ArmAnyVersion(&'static str),
    /// `RegistryStr`: `azureml://registries/…`.
    Registry,
    /// `InternalRegistryStr`.
    Feed,
    /// `Url`.
    Url,
    /// `GitStr`: `git+…`.
    Git,
    /// `LocalPathField`: a file or a folder that is there.
    LocalPath,
    /// `LocalPathField(allow_dir=False)`.
    LocalFile,
    /// `LocalPathField(allow_file=False)`.
    LocalFolder,
    /// `StringTransformedEnum`: any case of these.
    OneOf(&'static [&'static str]),
    /// `StringTransformedEnum(casing_transform=camel_to_snake)`: these, or the same in camel case.
    SnakeOneOf(&'static [&'static str]),
    /// `DumpableEnumField`: exactly these.
    ExactlyOneOf(&'static [&'static str]),
    /// `Dict`.
    Map,
    /// `Dict` with values of a type.
    MapOf(&'static Ty),
    /// The steps of a pipeline by name.
    Steps(&'static Ty),
    /// `List`.
    ListOf(&'static Ty),
    /// `Nested`: a mapping with known keys.
    Nested(Shape),
    /// `Nested(unknown=INCLUDE)`: unknown keys are let through.
    Open(Shape),
    /// A file, named without `file:`, that holds a component.
    ComponentFile(Shape),
    /// A file that holds a job.
    JobFile,
    /// `allow_none=True`.
    OrNull(&'static Ty),
    /// `UnionField`.
    Union(&'static [Ty]),
    /// Name of a component.
    ComponentName,
    /// Name of an endpoint.
    EndpointName,
}

/// One file being checked.
pub(crate) struct Checker<'a> {
    files: &'a Files,
    memory: Rc<Memory>,
    source: &'a Source,
    file: PathBuf,
    /// The folder that relative paths are seen from.
    folder: PathBuf,
    /// How many files lie between this one and the one that was asked about.
    depth: usize,
    quiet: usize,
    /// Which values may be bindings.
    binds: Binds,
    needs: Vec<Need>,
    findings: Vec<Diagnostic>,
}

/// Which values of a mapping may be bindings instead of what their type says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Binds {
    Nothing,
    /// Inside a step that runs a component: all but what says which step it is.
    Values,
    /// Inside the inputs of such a step, and of a pipeline: all.
    All,
}

/// How many files may refer to one another in a row.
const MAX_FILES_DEEP: usize = 16;

impl<'a> Checker<'a> {
    pub(crate) fn new(files: &'a Files, source: &'a Source, file: &Path, folder: &Path) -> Self {
        Self {
            files,
            memory: Rc::default(),
            source,
            file: file.to_owned(),
            folder: folder.to_owned(),
            depth: 0,
            quiet: 0,
            binds: Binds::Nothing,
            needs: Vec::new(),
            findings: Vec::new(),
        }
    }

    /// Whether nothing was found that keeps the spec from running.
    pub(crate) fn is_well(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity != Severity::Error)
    }

    /// Line and text of the first error, lines from 1, and how many there are.
    pub(crate) fn first_error(&self) -> Option<(u32, Message, usize)> {
        let errors = self.findings.iter().filter(|finding| finding.severity == Severity::Error);
        let first = errors.clone().next()?;
        Some((first.range.start.line + 1, first.message.clone(), errors.count()))
    }

    /// The file that is checked.
    pub(crate) fn path(&self) -> &Path {
        &self.file
    }

    /// The folder that relative paths are seen from.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn finish(self) -> (Vec<Diagnostic>, Vec<Need>) {
        (self.findings, self.needs)
    }

    /// Checks a mapping with known keys; `open` lets unknown keys through.
    pub(crate) fn shape(&mut self, node: &Node, shape: Shape, open: bool) -> bool {
        let Value::Map(entries) = &node.value else {
            return self.error(node.span, message!("spec.not-a-mapping", found = kind_of(node)));
        };
        let around = self.binds;
        self.binds = match shape {
            _ if shape.is_step_of_component() || shape.is_auto_ml() => Binds::Values,
            Shape::PipelineCommandJob | Shape::PipelineSparkJob => Binds::Nothing,
            _ => around,
        };
        let well = self.keys(node, entries, shape, open);
        self.binds = around;
        well && rules::after(self, node, shape)
    }

    fn keys(&mut self, node: &Node, entries: &[Entry], shape: Shape, open: bool) -> bool {
        if !rules::before(self, node, shape) {
            return false;
        }
        let mut well = true;
        let fields = shape.fields();
        for entry in entries {
            well &= match fields.iter().find(|field| field.key == entry.key) {
                Some(_) if rules::is_dropped(shape, &entry.key) => true,
                Some(field) if field.read_only => {
                    entry.value.value != Value::Null || self.unknown_key(entry, fields, node)
                }
                Some(field) if shape == Shape::PipelineJob && field.key == "inputs" => {
                    let around = std::mem::replace(&mut self.binds, Binds::All);
                    let well = self.entry(entry, &field.ty);
                    self.binds = around;
                    well
                }
                Some(field) => self.entry(entry, &field.ty),
                None if rules::is_ignored(shape, &entry.key) => true,
                None if open => self.unknown_but_allowed(entry, fields, node),
                None => self.unknown_key(entry, fields, node),
            };
            if self.quiet > 0 && !well {
                return false;
            }
        }
        for field in fields.iter().filter(|field| field.required) {
            if node.get(field.key).is_none() {
                well &= self.missing_key(node, field, shape);
            }
        }
        well
    }

    fn entry(&mut self, entry: &Entry, ty: &Ty) -> bool {
        if entry.value.value == Value::Null && !matches!(ty, Ty::OrNull(_)) {
            let message = message!("spec.empty-value", key = entry.key, expected = expected(ty));
            return self.error(entry.key_span, message);
        }
        let binds = match (self.binds, entry.key.as_str()) {
            (Binds::Values, "type" | "component" | "trial") => Binds::Nothing,
            (Binds::Values, "inputs") => Binds::All,
            (binds, _) => binds,
        };
        let around = std::mem::replace(&mut self.binds, binds);
        let well = self.check(&entry.value, ty);
        self.binds = around;
        well
    }

    /// Checks a value. Every refusal makes at least one finding unless an alternative is being tried.
    pub(crate) fn check(&mut self, node: &Node, ty: &Ty) -> bool {
        if node.value == Value::Null {
            return matches!(ty, Ty::OrNull(_)) || self.wrong_type(node, ty);
        }
        if self.binds != Binds::Nothing
            && !matches!(
                ty,
                Ty::Nested(_) | Ty::Open(_) | Ty::Map | Ty::MapOf(_) | Ty::ListOf(_) | Ty::Steps(_)
            )
            && node.as_str().is_some_and(has_binding)
        {
            return true;
        }
        match ty {
            Ty::OrNull(inner) => self.check(node, inner),
            Ty::Nested(shape) | Ty::Open(shape) => {
                self.nested(node, *shape, matches!(ty, Ty::Open(_)) && !shape.is_auto_ml())
            }
            Ty::Union(alternatives) => self.union(node, ty, alternatives),
            Ty::ListOf(inner) => match &node.value {
                Value::List(items) => every(items, |item| self.check(item, inner)),
                _ => self.wrong_type(node, ty),
            },
            Ty::MapOf(inner) => match &node.value {
                Value::Map(entries) => every(entries, |entry| self.entry(entry, inner)),
                _ => self.wrong_type(node, ty),
            },
            Ty::Steps(inner) => match &node.value {
                Value::Map(entries) => every(entries, |entry| self.step(entry, inner)),
                _ => self.wrong_type(node, ty),
            },
            Ty::ComponentFile(shape) => self.component_file(node, *shape),
            Ty::LocalPath | Ty::LocalFile | Ty::LocalFolder => self.local_path(node, ty),
            Ty::OneOf(_) | Ty::SnakeOneOf(_) | Ty::ExactlyOneOf(_) => {
                is_scalar_of(&node.value, ty) || self.bad_enum(node, ty)
            }
            Ty::ComponentName => match node.as_str() {
                Some(name) if is_component_name(name) => true,
                Some(name) => self.error(node.span, message!("spec.component-name", name = name)),
                None => self.wrong_type(node, ty),
            },
            Ty::EndpointName => match node.as_str() {
                Some(name) if is_endpoint_name(name) => true,
                Some(name) => self.error(node.span, message!("spec.endpoint-name", name = name)),
                None => self.wrong_type(node, ty),
            },
            _ => is_scalar_of(&node.value, ty) || self.wrong_type(node, ty),
        }
    }

    fn step(&mut self, entry: &Entry, ty: &Ty) -> bool {
        let mut well = true;
        if !is_step_name(&entry.key) {
            well = self.error(entry.key_span, message!("spec.step-name", name = entry.key));
        }
        self.entry(entry, ty) && well
    }

    fn nested(&mut self, node: &Node, shape: Shape, open: bool) -> bool {
        match node.as_str() {
            Some(text) if shape.may_be_file() && text.starts_with(FILE_PREFIX) => {
                self.file(node, &text[FILE_PREFIX.len()..], shape, open)
            }
            _ => self.shape(node, shape, open),
        }
    }

    fn component_file(&mut self, node: &Node, shape: Shape) -> bool {
        match node.as_str() {
            Some(text) if !text.starts_with(FILE_PREFIX) => self.file(node, text, shape, true),
            _ => self.wrong_type(node, &Ty::ComponentFile(shape)),
        }
    }

    /// Checks the file that stands for a value. Its findings are told where it is named.
    fn file(&mut self, node: &Node, written: &str, shape: Shape, open: bool) -> bool {
        let path = resolve(&self.folder, written);
        let Some(found) = self.files.bytes(&path) else {
            self.need(path, true);
            return true;
        };
        let Some(bytes) = found else {
            return self.error(node.span, message!("spec.file-missing", path = written));
        };
        if self.depth >= MAX_FILES_DEEP {
            return self.error(node.span, message!("spec.files-in-a-circle", path = written));
        }
        let memory = self.memory.clone();
        let verdict = memory.verdict(&path, shape, open, || self.judge_file(&path, &bytes, shape, open));
        self.needs.extend(verdict.needs.iter().cloned());
        let findings = verdict.findings.iter();
        let errors: Vec<_> = findings.filter(|finding| finding.severity == Severity::Error).collect();
        let Some(first) = errors.first() else { return true };
        let line = first.range.start.line + 1;
        let message = message!(
            "spec.in-other-file",
            path = written,
            line = line,
            problem = first.message,
            count = errors.len()
        );
        self.error(node.span, message)
    }

    fn judge_file(&self, path: &Path, bytes: &[u8], shape: Shape, open: bool) -> Verdict {
        let parsed = self.memory.parsed(path, bytes);
        let mut inner = Checker {
            files: self.files,
            memory: self.memory.clone(),
            source: &parsed.source,
            file: path.to_owned(),
            folder: path.parent().unwrap_or(Path::new("")).to_owned(),
            depth: self.depth + 1,
            quiet: 0,
            binds: Binds::Nothing,
            needs: Vec::new(),
            findings: parsed.findings.clone(),
        };
        match &parsed.root {
            Some(root) => {
                inner.shape(root, shape, open);
            }
            None if parsed.findings.is_empty() => {
                inner.error(Span::default(), message!("spec.empty-file"));
            }
            None => {}
        }
        let (findings, needs) = inner.finish();
        Verdict { findings, needs }
    }

    /// Reads another file and looks at it with its own places and folder; `None` if it cannot be read.
    pub(crate) fn in_file<T>(
        &mut self,
        written: &str,
        look: impl FnOnce(&mut Checker<'_>, &Node) -> T,
    ) -> Option<T> {
        let path = resolve(&self.folder, written);
        let parsed = self.parsed_at(&path)??;
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut inner = Checker::new(self.files, &parsed.source, &path, folder);
        inner.memory = self.memory.clone();
        let seen = look(&mut inner, parsed.root.as_ref()?);
        self.needs.extend(inner.needs);
        Some(seen)
    }

    /// Whether something stands at a path. What is not known yet counts as there, and is asked for.
    pub(crate) fn exists(&mut self, written: &str) -> Option<Found> {
        let path = resolve(&self.folder, written);
        let found = self.files.get(&path);
        if found.is_none() {
            self.need(path, false);
        }
        found
    }

    /// The tree of another file, `None` where its bytes are asked for now, `Some(None)` where there is no such
    /// file.
    pub(crate) fn parsed(&mut self, written: &str) -> Option<Option<Rc<Parsed>>> {
        self.parsed_at(&resolve(&self.folder, written))
    }

    fn parsed_at(&mut self, path: &Path) -> Option<Option<Rc<Parsed>>> {
        let bytes = self.bytes_at(path)?;
        Some(bytes.map(|bytes| self.memory.parsed(path, &bytes)))
    }

    /// The bytes of a file, `None` where they are asked for now, `Some(None)` where there is no such file.
    pub(crate) fn bytes(&mut self, written: &str) -> Option<Option<std::sync::Arc<[u8]>>> {
        self.bytes_at(&resolve(&self.folder, written))
    }

    fn bytes_at(&mut self, path: &Path) -> Option<Option<std::sync::Arc<[u8]>>> {
        let found = self.files.bytes(path);
        if found.is_none() {
            self.need(path.to_owned(), true);
        }
        found
    }

    fn need(&mut self, path: PathBuf, bytes: bool) {
        self.needs.push(Need { path, bytes });
    }

    fn local_path(&mut self, node: &Node, ty: &Ty) -> bool {
        let Some(written) = node.as_str() else { return self.wrong_type(node, ty) };
        let fits = match self.exists(written) {
            None => true,
            Some(Found::Missing) => false,
            Some(Found::Folder) => !matches!(ty, Ty::LocalFile),
            Some(Found::File(_)) => !matches!(ty, Ty::LocalFolder),
        };
        if fits {
            return true;
        }
        let path = resolve(&self.folder, written);
        self.error(node.span, message!("spec.path-missing", path = written, resolved = path.display()))
    }

    fn union(&mut self, node: &Node, ty: &Ty, alternatives: &[Ty]) -> bool {
        let mut flat = Vec::with_capacity(alternatives.len());
        flatten(alternatives, &mut flat);
        self.quiet += 1;
        let accepted = flat.iter().find(|ty| may_be(node, ty) && self.check(node, ty));
        self.quiet -= 1;
        if let Some(accepted) = accepted {
            if let (0, Value::Map(_), Ty::Nested(shape) | Ty::Open(shape)) =
                (self.quiet, &node.value, accepted)
            {
                self.memory.accept(node, *shape);
            }
            return true;
        }
        if self.quiet > 0 {
            return false;
        }
        let possible: Vec<Ty> = flat.iter().copied().filter(|ty| may_be(node, ty)).collect();
        self.explain(node, ty, &flat, &possible)
    }

    /// The first alternative with known keys that takes a value; as a rule the check has found it.
    pub(crate) fn accepted_shape(&mut self, node: &Node, alternatives: &Ty) -> Option<Shape> {
        if let Some(shape) = self.memory.accepted(node) {
            return Some(shape);
        }
        let mut flat = Vec::new();
        flatten(std::slice::from_ref(alternatives), &mut flat);
        self.quiet += 1;
        let shape = flat.iter().filter(|ty| may_be(node, ty)).find_map(|ty| match ty {
            Ty::Nested(shape) | Ty::Open(shape) if self.check(node, ty) => Some(*shape),
            _ => None,
        });
        self.quiet -= 1;
        shape
    }

    /// Says what is wrong with a value that no alternative takes, in the words of the alternative that was
    /// most likely meant.
    fn explain(&mut self, node: &Node, ty: &Ty, flat: &[Ty], possible: &[Ty]) -> bool {
        if let Value::Map(_) = node.value {
            let knows_type = |ty: &Ty| matches!(ty, Ty::Nested(shape) | Ty::Open(shape) if shape.fields().iter().any(|field| field.key == "type"));
            if let Some(kind) = node.get("type")
                && !possible.iter().any(knows_type)
            {
                let mut known: Vec<&str> = flat.iter().flat_map(type_values).collect();
                known.sort_unstable();
                known.dedup();
                if !known.is_empty() {
                    let found = kind.printed().unwrap_or_default();
                    return self.not_one_of(kind.span, &found, &known);
                }
            }
            let best = possible
                .iter()
                .filter(|ty| matches!(ty, Ty::Nested(_) | Ty::Open(_)))
                .map(|ty| {
                    let start = self.findings.len();
                    self.check(node, ty);
                    let findings = self.findings.split_off(start.min(self.findings.len()));
                    (self.weight(&findings), findings)
                })
                .min_by_key(|(weight, _)| *weight);
            if let Some((_, findings)) = best {
                self.findings.extend(findings);
                return false;
            }
        }
        let Some(text) = node.as_str() else { return self.wrong_type(node, ty) };
        if let Some(file) = possible.iter().find(|ty| matches!(ty, Ty::ComponentFile(_))) {
            return self.check(node, file);
        }
        if text.starts_with(FILE_PREFIX) {
            let nested = possible
                .iter()
                .find(|ty| matches!(ty, Ty::Nested(shape) | Ty::Open(shape) if shape.may_be_file()));
            if let Some(nested) = nested {
                return self.check(node, nested);
            }
        }
        let resource = flat.iter().find_map(|ty| match ty {
            Ty::Arm(name) | Ty::ArmVersioned(name) | Ty::ArmAnyVersion(name) => Some(*name),
            _ => None,
        });
        if let Some(name) = resource {
            if text.starts_with("azureml:") {
                return self.error(node.span, message!("spec.reference", found = text, resource = name));
            }
            if let Some(path) =
                flat.iter().find(|ty| matches!(ty, Ty::LocalPath | Ty::LocalFile | Ty::LocalFolder))
            {
                return self.local_path(node, path);
            }
            return self.not_a_reference(node, text, name);
        }
        self.wrong_type(node, ty)
    }

    /// A path where a registered asset or an inline mapping is wanted is the usual mistake.
    fn not_a_reference(&mut self, node: &Node, text: &str, resource: &str) -> bool {
        let is_yaml = text.ends_with(".yml") || text.ends_with(".yaml");
        let quoted = format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        if resource == "environments" && is_yaml {
            let parsed = self.parsed(text).flatten();
            let root = parsed.as_ref().and_then(|parsed| parsed.root.as_ref());
            if root.is_some_and(|root| root.get("dependencies").is_some()) {
                let message = message!("spec.environment-is-a-conda-file", path = text);
                let new_text = format!("{{image: \"{DEFAULT_IMAGE}\", conda_file: {quoted}}}");
                let fix = (message!("spec.environment-is-a-conda-file.fix"), new_text);
                return self.error_with(node.span, message, Some(fix));
            }
            let message = message!("spec.environment-is-a-file", path = text);
            let fix = root.map(|_| {
                let new_text = format!("file:{text}");
                (message!("spec.rename.fix", from = text, to = new_text), new_text)
            });
            return self.error_with(node.span, message, fix);
        }
        if resource == "environments" && text.contains(['/', ':']) && !text.starts_with(['.', '/']) {
            let message = message!("spec.environment-is-an-image", image = text);
            let fix = (message!("spec.mapping.fix"), format!("{{image: {quoted}}}"));
            return self.error_with(node.span, message, Some(fix));
        }
        if resource == "models" && text.contains(['/', '.', '\\']) {
            let message = message!("spec.model-is-a-path", path = text);
            let fix = (message!("spec.mapping.fix"), format!("{{path: {quoted}}}"));
            return self.error_with(node.span, message, Some(fix));
        }
        self.error(node.span, message!("spec.reference", found = text, resource = resource))
    }

    /// How far a set of findings is from "nearly right": a wrong key weighs more than a wrong value.
    fn weight(&self, findings: &[Diagnostic]) -> usize {
        findings
            .iter()
            .map(|finding| match finding.message.id.as_str() {
                "spec.unknown-key" | "spec.missing-key" => 3,
                "spec.not-one-of" => 4,
                _ => 2,
            })
            .sum()
    }

    fn unknown_key(&mut self, entry: &Entry, fields: &[Field], node: &Node) -> bool {
        if self.quiet > 0 || self.is_full() {
            return false;
        }
        let free = fields.iter().filter(|field| !field.read_only && node.get(field.key).is_none());
        let names: Vec<&str> = free.map(|field| field.key).collect();
        match nearest(&entry.key, &names) {
            Some(near) => {
                let message = message!("spec.unknown-key.near", key = entry.key, near = near);
                let title = message!("spec.rename.fix", from = entry.key, to = near);
                self.error_with(entry.key_span, message, Some((title, near.to_owned())))
            }
            None => {
                let message = message!("spec.unknown-key", key = entry.key, expected = names.join(", "));
                self.error(entry.key_span, message)
            }
        }
    }

    /// azure-ai-ml lets the key through; one that is nearly a known key is a misspelling all the same, and
    /// the reason why a key is missing that has to be there.
    fn unknown_but_allowed(&mut self, entry: &Entry, fields: &[Field], node: &Node) -> bool {
        if self.quiet > 0 || self.is_full() {
            return true;
        }
        let Some(near) = meant_by(entry, fields, node) else { return true };
        let severity = if near.required { Severity::Error } else { Severity::Warning };
        let message = message!("spec.unknown-key.near", key = entry.key, near = near.key);
        let title = message!("spec.rename.fix", from = entry.key, to = near.key);
        self.find(severity, entry.key_span, message, Some((title, near.key.to_owned())));
        !near.required
    }

    fn missing_key(&mut self, node: &Node, field: &Field, shape: Shape) -> bool {
        let fields = shape.fields();
        if self.quiet > 0 {
            return false;
        }
        if rules::is_added_by_command_line(fields, field.key) {
            let message = message!("spec.endpoint-name-missing");
            self.find(Severity::Warning, head(node), message, None);
            return true;
        }
        // A misspelt key is reported once, as the misspelling.
        let is_meant = |entry: &Entry| {
            let is_unknown =
                fields.iter().all(|known| known.key != entry.key) && !rules::is_ignored(shape, &entry.key);
            is_unknown && meant_by(entry, fields, node).is_some_and(|meant| meant.key == field.key)
        };
        if node.entries().iter().any(is_meant) {
            return false;
        }
        self.error(head(node), message!("spec.missing-key", key = field.key, expected = expected(&field.ty)))
    }

    fn bad_enum(&mut self, node: &Node, ty: &Ty) -> bool {
        let (Ty::OneOf(values) | Ty::SnakeOneOf(values) | Ty::ExactlyOneOf(values)) = ty else {
            return false;
        };
        let found = node.printed().unwrap_or_else(|| kind_of(node).to_string());
        self.not_one_of(node.span, &found, values)
    }

    pub(crate) fn not_one_of(&mut self, span: Span, found: &str, values: &[&str]) -> bool {
        if self.quiet > 0 {
            return false;
        }
        let message = message!("spec.not-one-of", found = found, expected = values.join(", "));
        let lower = found.to_lowercase();
        let mut longer = values.iter().filter(|value| lower.len() > 2 && value.contains(&lower)).copied();
        let only = longer.next().filter(|_| longer.next().is_none());
        let fix = nearest(&lower, values)
            .or(only)
            .map(|near| (message!("spec.rename.fix", from = found, to = near), near.to_owned()));
        self.error_with(span, message, fix)
    }

    fn wrong_type(&mut self, node: &Node, ty: &Ty) -> bool {
        if self.quiet > 0 {
            return false;
        }
        let span = match node.value {
            Value::Map(_) | Value::List(_) => head(node),
            _ => node.span,
        };
        self.error(span, message!("spec.wrong-type", found = kind_of(node), expected = expected(ty)))
    }

    /// A finding that keeps the spec from running; always `false`, so that a check can end with it.
    pub(crate) fn error(&mut self, span: Span, message: Message) -> bool {
        self.error_with(span, message, None)
    }

    pub(crate) fn error_with(
        &mut self,
        span: Span,
        message: Message,
        fix: Option<(Message, String)>,
    ) -> bool {
        self.find(Severity::Error, span, message, fix);
        false
    }

    pub(crate) fn find(
        &mut self,
        severity: Severity,
        span: Span,
        message: Message,
        fix: Option<(Message, String)>,
    ) {
        if self.quiet > 0 || self.is_full() {
            return;
        }
        let range = self.source.range(span);
        let fix = fix.map(|(title, new_text)| Fix { title, range, new_text });
        self.findings.push(Diagnostic { severity, message, range, fix });
    }

    /// Whether there are so many findings that another one helps nobody. What makes the words of a finding
    /// may look through a whole mapping, so with this the time stays in proportion to the file.
    pub(crate) fn is_full(&self) -> bool {
        self.findings.len() >= MAX_FINDINGS
    }

    pub(crate) fn source(&self) -> &Source {
        self.source
    }
}

/// Whether all items are well; unlike `all` it looks at every one, for every one may have a finding.
fn every<T>(items: &[T], mut is_well: impl FnMut(&T) -> bool) -> bool {
    let mut well = true;
    for item in items {
        well &= is_well(item);
    }
    well
}

/// The key that an unknown one was meant to be, among those that are not there yet.
fn meant_by<'f>(entry: &Entry, fields: &'f [Field], node: &Node) -> Option<&'f Field> {
    let free = fields.iter().filter(|field| !field.read_only && node.get(field.key).is_none());
    let names: Vec<&str> = free.map(|field| field.key).collect();
    let near = nearest(&entry.key, &names)?;
    fields.iter().find(|field| field.key == near)
}

const FILE_PREFIX: &str = "file:";

/// Where a finding about a whole mapping is shown: its first key.
pub(crate) fn head(node: &Node) -> Span {
    match node.entries().first() {
        Some(entry) if entry.key_span.start >= node.span.start => entry.key_span,
        _ => Span { start: node.span.start, end: node.span.end.min(node.span.start + 1) },
    }
}

pub(super) fn flatten(alternatives: &[Ty], into: &mut Vec<Ty>) {
    for ty in alternatives {
        match ty {
            Ty::Union(inner) => flatten(inner, into),
            Ty::OrNull(inner) => flatten(std::slice::from_ref(*inner), into),
            _ => into.push(*ty),
        }
    }
}

/// Whether an alternative is worth trying: the kind of value fits, and a mapping's `type` and `task` are
/// among those of the alternative.
pub(super) fn may_be(node: &Node, ty: &Ty) -> bool {
    match (&node.value, ty) {
        (Value::Map(_), Ty::Nested(shape) | Ty::Open(shape)) => ["type", "task"].iter().all(|key| {
            let Some(value) = node.get(key) else { return true };
            let field = shape.fields().iter().find(|field| field.key == *key && !field.read_only);
            let Some(field) = field else { return true };
            let mut flat = Vec::new();
            flatten(std::slice::from_ref(&field.ty), &mut flat);
            let scalar =
                |ty: &Ty| matches!(ty, Ty::Nested(_) | Ty::Open(_)) || is_scalar_of(&value.value, ty);
            value.as_str().is_some_and(has_binding) || flat.iter().any(scalar)
        }),
        (Value::Map(_), Ty::Map | Ty::MapOf(_) | Ty::Steps(_) | Ty::Any) => true,
        (Value::Map(_), _) => false,
        (Value::Str(text), Ty::Nested(shape) | Ty::Open(shape)) => {
            shape.may_be_file() && text.starts_with(FILE_PREFIX)
        }
        (_, Ty::Nested(_) | Ty::Open(_) | Ty::Map | Ty::MapOf(_) | Ty::Steps(_)) => false,
        (Value::List(_), Ty::ListOf(_) | Ty::Any) => true,
        (Value::List(_), _) | (_, Ty::ListOf(_)) => false,
        _ => true,
    }
}

/// The words that `type` may hold in an alternative.
fn type_values(ty: &Ty) -> Vec<&'static str> {
    let (Ty::Nested(shape) | Ty::Open(shape)) = ty else { return Vec::new() };
    let field = shape.fields().iter().find(|field| field.key == "type");
    match field.map(|field| field.ty) {
        Some(Ty::OneOf(values) | Ty::SnakeOneOf(values) | Ty::ExactlyOneOf(values)) => values.to_vec(),
        _ => Vec::new(),
    }
}

fn is_scalar_of(value: &Value, ty: &Ty) -> bool {
    match ty {
        Ty::Any => *value != Value::Null,
        Ty::Map => matches!(value, Value::Map(_)),
        Ty::Bool => match value {
            Value::Bool(_) | Value::Int(0 | 1) => true,
            Value::Float(number) => *number == 0.0 || *number == 1.0,
            Value::Str(text) => is_bool_text(text),
            _ => false,
        },
        Ty::WholeOnly => matches!(value, Value::Int(_)),
        Ty::FloatOnly => matches!(value, Value::Float(number) if number.is_finite()),
        Ty::Int => match value {
            Value::Int(_) => true,
            Value::Float(number) => number.is_finite(),
            Value::Str(text) => text.trim().replace('_', "").parse::<i64>().is_ok(),
            _ => false,
        },
        Ty::Number => match value {
            Value::Int(_) => true,
            Value::Float(number) => number.is_finite(),
            Value::Str(text) => text.trim().parse::<f64>().is_ok_and(f64::is_finite),
            _ => false,
        },
        Ty::AnyNumber => matches!(value, Value::Float(_)) || is_scalar_of(value, &Ty::Number),
        Ty::Version => matches!(value, Value::Str(_) | Value::Int(_) | Value::Float(_) | Value::Bool(_)),
        Ty::OneOf(values) => match value {
            Value::Str(text) => values.iter().any(|value| value.eq_ignore_ascii_case(text)),
            _ => false,
        },
        Ty::SnakeOneOf(values) => {
            matches!(value, Value::Str(text) if values.contains(&camel_to_snake(text.trim_end()).as_str()))
        }
        Ty::ExactlyOneOf(values) => matches!(value, Value::Str(text) if values.contains(&text.as_str())),
        _ => match value {
            Value::Str(text) => is_text_of(text, ty),
            _ => false,
        },
    }
}

fn is_text_of(text: &str, ty: &Ty) -> bool {
    match ty {
        Ty::Str | Ty::Time => true,
        Ty::Binding | Ty::OutputBinding => has_binding(text),
        Ty::Arm(_) => text.starts_with("azureml:"),
        Ty::ArmVersioned(_) => text.strip_prefix("azureml:").is_some_and(|name| is_versioned(name, false)),
        Ty::ArmAnyVersion(_) => text.strip_prefix("azureml:").is_some_and(|name| is_versioned(name, true)),
        Ty::Registry => text.starts_with("azureml://registries/"),
        Ty::Feed => text.starts_with("azureml://feeds/") || text.starts_with("azureml://registries/"),
        Ty::Url => is_url(text),
        Ty::Git => text.starts_with("git+"),
        _ => false,
    }
}

/// azure-ai-ml's own: `TCNForecaster` is `tcn_forecaster`.
fn camel_to_snake(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len() + 4);
    for (at, character) in characters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| characters.get(at));
        let next = characters.get(at + 1);
        let begins = character.is_ascii_uppercase()
            && before.is_some_and(|before| {
                before.is_ascii_lowercase()
                    || before.is_ascii_digit()
                    || next.is_some_and(char::is_ascii_lowercase)
            });
        if begins {
            out.push('_');
        }
        out.push(character.to_ascii_lowercase());
    }
    out
}

/// `name:version`, `name@label`, or a full ARM id with a version.
fn is_versioned(name: &str, allow_default: bool) -> bool {
    let path = name.trim_start_matches('/');
    if path.starts_with("subscriptions/") {
        return path.split_once("/versions/").is_some_and(|(_, version)| !version.is_empty());
    }
    if name.starts_with("//registries/") {
        return name.contains("/versions/") || name.contains("/labels/");
    }
    if name.is_empty() {
        return true;
    }
    if name.contains('/') && !name.starts_with('/') {
        return false;
    }
    let label = name.rsplit_once('@').is_some_and(|(_, label)| !label.is_empty());
    let version = name.split_once(':').is_some_and(|(_, version)| !version.is_empty());
    label || version || allow_default
}

/// Whether a text has a binding `${{…}}` in it.
pub(crate) fn has_binding(text: &str) -> bool {
    text.match_indices("${{").any(|(at, _)| {
        let inner = text[at + 3..].trim_start();
        inner.find("}}").is_some_and(|end| !inner[..end].trim_end().contains(char::is_whitespace))
    })
}

/// marshmallow's own idea of an address: a scheme of its list, a host with a point in it (or `localhost`, or
/// numbers), then nothing, or a path or a query without white space.
fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let knows_scheme =
        ["http", "https", "ftp", "ftps"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let is_user = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:%".contains(c);
    let (host, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => {
            let is_address =
                address.contains(':') && address.chars().all(|c| c.is_ascii_hexdigit() || c == ':');
            (if is_address { "localhost" } else { "" }, port.strip_prefix(':').unwrap_or(port))
        }
        None => host.split_once(':').unwrap_or((host, "0")),
    };
    knows_scheme
        && user.chars().all(is_user)
        && is_host(host)
        && port.bytes().all(|byte| byte.is_ascii_digit())
        && !path.contains(char::is_whitespace)
}

fn is_host(host: &str) -> bool {
    let labels: Vec<&str> = host.strip_suffix('.').unwrap_or(host).split('.').collect();
    let Some((last, before)) = labels.split_last() else { return false };
    let is_word = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_label = |label: &&str| is_word(label) && !label.starts_with('-') && !label.ends_with('-');
    let is_top = (last.len() > 1 && is_word(last)) || labels.len() == 4 && last.parse::<u8>().is_ok();
    host.eq_ignore_ascii_case("localhost") || (!before.is_empty() && before.iter().all(is_label) && is_top)
}

fn is_bool_text(text: &str) -> bool {
    matches!(
        text.to_lowercase().as_str(),
        "t" | "true" | "y" | "yes" | "on" | "1" | "f" | "false" | "n" | "no" | "off" | "0"
    )
}

fn is_component_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_lowercase())
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

fn is_endpoint_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_alphabetic)
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
}

fn is_step_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_lowercase() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// The candidate that a misspelt word was meant to be: at most a third of it may differ.
pub(crate) fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).clamp(1, 3);
    candidates
        .iter()
        .map(|candidate| (distance(word, candidate), *candidate))
        .filter(|(distance, candidate)| *distance <= limit && *distance < candidate.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many letters must be changed, added, dropped or swapped with a neighbour.
fn distance(a: &str, b: &str) -> usize {
    let normal = |text: &str| -> Vec<char> {
        text.chars().take(64).map(|c| if c == '-' { '_' } else { c.to_ascii_lowercase() }).collect()
    };
    let (a, b) = (normal(a), normal(b));
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut next = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            next[j] = (row[j] + 1).min(next[j - 1] + 1).min(row[j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                next[j] = next[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or(0)
}

/// What a value is, in words.
pub(crate) fn kind_of(node: &Node) -> Arg {
    match &node.value {
        Value::Null => message!("spec.kind.null"),
        Value::Bool(_) => message!("spec.kind.bool"),
        Value::Int(_) | Value::Float(_) => message!("spec.kind.number"),
        Value::Str(text) if text.len() <= 60 => return Arg::Plain(format!("\"{text}\"")),
        Value::Str(_) => message!("spec.kind.text"),
        Value::Date(_) => message!("spec.kind.date"),
        Value::List(_) => message!("spec.kind.list"),
        Value::Map(_) => message!("spec.kind.map"),
    }
    .argument()
}

/// What is wanted, in words.
pub(super) fn expected(ty: &Ty) -> Arg {
    let mut flat = Vec::new();
    flatten(std::slice::from_ref(ty), &mut flat);
    let mut words: Vec<Arg> = Vec::new();
    for ty in flat {
        let word = match ty {
            Ty::Any => message!("spec.kind.any"),
            Ty::Str | Ty::ComponentName | Ty::EndpointName => message!("spec.kind.text"),
            Ty::Int | Ty::WholeOnly => message!("spec.kind.whole-number"),
            Ty::Number | Ty::AnyNumber | Ty::FloatOnly => message!("spec.kind.number"),
            Ty::Bool => message!("spec.kind.bool"),
            Ty::Time => message!("spec.kind.date"),
            Ty::Version => message!("spec.kind.version"),
            Ty::Binding | Ty::OutputBinding => message!("spec.kind.binding"),
            Ty::Arm(name) => message!("spec.kind.reference", resource = name),
            Ty::ArmVersioned(name) | Ty::ArmAnyVersion(name) => {
                message!("spec.kind.versioned-reference", resource = name)
            }
            Ty::Registry => message!("spec.kind.registry"),
            Ty::Feed => continue,
            Ty::Url => message!("spec.kind.url"),
            Ty::Git => message!("spec.kind.git"),
            Ty::LocalPath => message!("spec.kind.path"),
            Ty::LocalFile | Ty::ComponentFile(_) | Ty::JobFile => message!("spec.kind.file"),
            Ty::LocalFolder => message!("spec.kind.folder"),
            Ty::OneOf(values) | Ty::SnakeOneOf(values) | Ty::ExactlyOneOf(values) => {
                let values = Arg::Plain(values.join(" | "));
                if !words.contains(&values) {
                    words.push(values);
                }
                continue;
            }
            Ty::Map | Ty::MapOf(_) | Ty::Steps(_) | Ty::Nested(_) | Ty::Open(_) => {
                message!("spec.kind.map")
            }
            Ty::ListOf(_) => message!("spec.kind.list"),
            Ty::OrNull(_) | Ty::Union(_) => continue,
        };
        let word = word.argument();
        if !words.contains(&word) {
            words.push(word);
        }
    }
    message::list(words)
}
