//! Checks a tree against the tables of [`tables`], with the judgement of marshmallow and a clearer word.
//!
//! What is accepted and what is refused is azure-ai-ml's; only the text of a finding is ours. An alternative
//! is tried in silence first, so that one typo makes one finding and not one per alternative.

mod memory;
mod scalars;
pub mod tables;
mod words;

use super::files::{Files, Found, Need, resolve};
use super::rules;
use crate::diagnostic::{Diagnostic, Fix, Severity};
use crate::message;
use crate::message::Message;
use crate::yaml::{Entry, MAX_FINDINGS, Node, Parsed, Source, Span, Value};
use memory::{Memory, Verdict};
pub(super) use scalars::camel_to_snake;
pub(crate) use scalars::has_binding;
use scalars::{is_component_name, is_endpoint_name, is_scalar_of, is_step_name};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use tables::Shape;
pub(super) use words::expected;
pub(crate) use words::{kind_of, nearest};

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
    /// `VersionField` of a component, whose schema makes a text of whatever Python does not take for nothing.
    ComponentVersion,
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
