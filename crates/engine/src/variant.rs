//! A pipeline → the same pipeline with debuggers awaited in some of its steps.
//!
//! A person reads the result and submits it with any tool. So it is the pipeline's own text with a few
//! entries more: comments, order and everything that is not about debugging stay. What a chosen step takes
//! from another file is copied beside that file, so that every relative path stays true.

mod edit;

use crate::command_line;
use crate::failure::{Blame, Failure};
use crate::instrument::{self, Convention};
use crate::message;
use crate::message::Message;
use crate::plan::Process;
use crate::plan::pipeline::find_step;
use crate::spec::Kind;
use crate::spec::files::resolve;
use crate::yaml::{self, Entry, Node, Span, Value};
use edit::{Edits, New, flow};
use std::path::{Path, PathBuf};

/// What the ranks of a step run before it: while one of them is paused, the others must not give it up.
const PATIENCE: &str = include_str!("../python/hook/aml_debug_patience.py");

/// The port on which a step awaits its debugger, as on the published page.
const PORT: &str = "5678";

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Wish<'a> {
    /// The pipeline file, absolute.
    pub pipeline: &'a Path,
    /// The chosen steps.
    pub steps: &'a [String],
    /// Where the variant goes: a file in the folder of the pipeline.
    pub output: &'a Path,
    /// Seconds that a step waits for its debugger.
    pub wait: u32,
    /// Where the steps call instead of being reached.
    pub call: Option<Call<'a>>,
    /// The ranks of a distributed step that await a debugger; all of them where none is named.
    pub ranks: &'a [u32],
}

/// Where steps call, for networks in which only that direction is open.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// `HOST:PORT` of whoever listens.
    pub address: &'a str,
    /// What a step has to show there.
    pub token: &'a str,
}

/// A file of the variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// What it was made from.
    pub from: PathBuf,
    /// Where it goes.
    pub to: PathBuf,
    /// The text of `from`.
    pub old: String,
    /// The text of `to`.
    pub new: String,
}

/// The files of a variant, the pipeline last, and what a person should know of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Variant {
    /// In the order in which they are to be written.
    pub files: Vec<Written>,
    /// Remarks.
    pub remarks: Vec<Message>,
    /// How many ranks each of the chosen steps has at least, where all of them have ranks.
    pub ranks: Option<i64>,
}

/// Makes a variant. `look` reads a text file, if it is there.
///
/// # Errors
/// The file is no pipeline, a step is not there, or it is one that cannot be changed from here.
pub fn variant(wish: &Wish<'_>, look: impl Fn(&Path) -> Option<String>) -> Result<Variant, Failure> {
    let text = look(wish.pipeline).unwrap_or_default();
    let parsed = yaml::parse(text.as_bytes());
    let root = parsed
        .root
        .as_ref()
        .filter(|root| !parsed.is_broken() && Kind::of_content(root) == Kind::PipelineJob);
    let refused = |what: Message, fix: Message| Failure::new(Blame::User, what).with_fix(fix);
    let Some(root) = root else {
        let what = message!("variant.no-pipeline", file = wish.pipeline.display());
        return Err(refused(what, message!("variant.no-pipeline.fix")));
    };
    if wish.output.parent() != wish.pipeline.parent() || wish.output == wish.pipeline {
        return Err(refused(message!("variant.elsewhere"), message!("variant.elsewhere.fix")));
    }
    let folder = wish.pipeline.parent().unwrap_or(Path::new(""));
    let mut maker = Maker {
        wish,
        look: &look,
        variant: Variant::default(),
        step: String::new(),
        reruns: false,
        ranks: None,
        all_ranks: Vec::new(),
    };
    let known = maker.names(root, folder, 0);
    let whole_name = |step: &String| match find_step(known.iter().map(String::as_str), step) {
        Ok(at) => Ok(known[at].as_str()),
        Err(_) => {
            let fix = message!("variant.no-step.fix", steps = known.join(", "));
            Err(refused(message!("variant.no-step", step = step), fix))
        }
    };
    let steps: Vec<&str> = wish.steps.iter().map(whole_name).collect::<Result<_, _>>()?;
    let mut edits = Edits::new(&text);
    maker.change_steps(&mut edits, root, &Scope { folder, before: "", steps: &steps })?;
    if maker.reruns {
        force_rerun(&mut edits, root);
    }
    let mut variant = maker.variant;
    variant.ranks = maker.all_ranks.into_iter().min().flatten();
    let written = Written {
        from: wish.pipeline.to_owned(),
        to: wish.output.to_owned(),
        new: edits.finish(),
        old: text.clone(),
    };
    variant.files.push(written);
    Ok(variant)
}

/// Inline steps have no word of their own against reuse.
fn force_rerun(edits: &mut Edits<'_>, root: &Node) {
    let entry = ("force_rerun", New::Plain("true"));
    match root.get("settings") {
        Some(settings) if settings.get("force_rerun").is_some() => {
            if let Some(value) = settings.get("force_rerun") {
                edits.replace(value.span, "true");
            }
        }
        Some(settings) if !settings.entries().is_empty() => edits.add(settings, &[entry]),
        Some(settings) => edits.replace(settings.span, flow(&New::Map(vec![entry]))),
        None => edits.add(root, &[("settings", New::Map(vec![entry]))]),
    }
}

/// What is to be changed in one of the pipelines, the outer one or a nested one.
struct Scope<'s> {
    /// The folder of its file.
    folder: &'s Path,
    /// What its steps' whole names begin with.
    before: &'s str,
    /// The chosen steps in it, as seen from it.
    steps: &'s [&'s str],
}

struct Maker<'a, L> {
    wish: &'a Wish<'a>,
    look: &'a L,
    variant: Variant,
    /// The whole name of the step at hand: `outer.inner` of one in a nested pipeline.
    step: String,
    /// Whether the pipeline has to run its steps again for want of a narrower word.
    reruns: bool,
    /// How many ranks the step has on its one node.
    ranks: Option<i64>,
    /// The same of all steps so far.
    all_ranks: Vec<Option<i64>>,
}

impl<L: Fn(&Path) -> Option<String>> Maker<'_, L> {
    /// The whole names of all steps of a pipeline that may be chosen, those of its nested pipelines among them.
    fn names(&self, root: &Node, folder: &Path, depth: usize) -> Vec<String> {
        let nested = |step: &Node| {
            let path = resolve(folder, pipeline_file(step).filter(|_| depth < MAX_DEPTH)?);
            let root = yaml::parse((self.look)(&path)?.as_bytes()).root?;
            Some(self.names(&root, path.parent()?, depth + 1))
        };
        let steps = steps_of(root);
        if steps.is_empty() {
            // A pipeline may be nothing but a name for the component that has its steps.
            return nested(root).unwrap_or_default();
        }
        let names = |step: &Entry| match nested(&step.value) {
            Some(inner) => inner.into_iter().map(|inner| format!("{}.{inner}", step.key)).collect(),
            None => vec![step.key.clone()],
        };
        steps.iter().flat_map(names).collect()
    }

    fn change_steps(&mut self, edits: &mut Edits<'_>, root: &Node, scope: &Scope<'_>) -> Result<(), Failure> {
        let all = steps_of(root);
        if all.is_empty() {
            return self.copy_pipeline(edits, root, scope);
        }
        for entry in all {
            let inner = scope
                .steps
                .iter()
                .filter_map(|step| step.strip_prefix(entry.key.as_str())?.strip_prefix('.'));
            let inner: Vec<&str> = inner.collect();
            self.step = format!("{}{}", scope.before, entry.key);
            if !inner.is_empty() {
                let before = format!("{}.", self.step);
                let inner = Scope { folder: scope.folder, before: &before, steps: &inner };
                self.copy_pipeline(edits, &entry.value, &inner)?;
            } else if scope.steps.contains(&entry.key.as_str()) {
                self.change_step(edits, entry, scope.folder)?;
            }
        }
        Ok(())
    }

    /// Changes steps of the pipeline whose component `holder` names, in a copy of that file. The folder of the scope
    /// is the holder's.
    fn copy_pipeline(
        &mut self,
        edits: &mut Edits<'_>,
        holder: &Node,
        scope: &Scope<'_>,
    ) -> Result<(), Failure> {
        let written = pipeline_file(holder).unwrap_or_default();
        let path = resolve(scope.folder, written);
        let text = (self.look)(&path).unwrap_or_default();
        let parsed = yaml::parse(text.as_bytes());
        let (Some(reference), Some(root)) = (holder.get("component"), &parsed.root) else {
            return Err(self.refuse(message!("variant.not-a-command", step = self.step)));
        };
        let mut inner = Edits::new(&text);
        let folder = path.parent().unwrap_or(Path::new(""));
        self.change_steps(&mut inner, root, &Scope { folder, ..*scope })?;
        let new = inner.finish();
        let copy = self.write(&path, reference.as_str().unwrap_or_default(), &text, new);
        edits.replace(reference.span, reference_like(edits.slice(reference.span), copy));
        Ok(())
    }

    fn change_step(&mut self, edits: &mut Edits<'_>, entry: &Entry, folder: &Path) -> Result<(), Failure> {
        let step = &entry.value;
        let is_command = step.text("type").is_none_or(|word| word == "command");
        if !is_command || step.entries().is_empty() {
            return Err(self.refuse(message!("variant.not-a-command", step = self.step)));
        }
        if edits
            .text
            .get(entry.key_span.end..step.span.start)
            .is_none_or(|between| between.contains(['*', '&']))
        {
            return Err(self.refuse(message!("variant.anchor", step = self.step)));
        }
        self.ranks = ranks(step);
        let way = match step.get("component") {
            None => {
                self.reruns = true;
                self.change_code(edits, step, folder)?
            }
            Some(Node { value: Value::Str(reference), span }) => {
                let (way, copy) = self.copy_component(folder, reference)?;
                let raw = reference_like(edits.slice(*span), copy);
                edits.replace(*span, raw);
                way
            }
            Some(component) => {
                edits.add(component, &[("is_deterministic", New::Plain("false"))]);
                self.change_code(edits, component, folder)?
            }
        };
        self.check_ranks()?;
        self.all_ranks.push(self.ranks);
        self.one_node(edits, step);
        self.set_variables(edits, step, way)
    }

    /// A rank that never is would be waited for by nobody.
    fn check_ranks(&self) -> Result<(), Failure> {
        let Some(highest) = self.wish.ranks.iter().max() else { return Ok(()) };
        let failure = match self.ranks {
            None => Failure::new(Blame::User, message!("variant.no-ranks", step = self.step))
                .with_fix(message!("variant.no-ranks.fix")),
            Some(count) if i64::from(*highest) >= count => {
                let what = message!("variant.no-rank", step = self.step, rank = highest);
                Failure::new(Blame::User, what).with_fix(message!("variant.no-rank.fix", last = count - 1))
            }
            Some(_) => return Ok(()),
        };
        Err(failure)
    }

    /// The copy of a component file with a debugger in it; the reference to it.
    fn copy_component(&mut self, folder: &Path, reference: &str) -> Result<(Way, String), Failure> {
        let written = reference.strip_prefix("file:").unwrap_or(reference);
        let path = resolve(folder, written);
        let text = (self.look)(&path).filter(|_| !reference.starts_with("azureml:"));
        let parsed = text.as_ref().map(|text| yaml::parse(text.as_bytes()));
        let root = parsed.as_ref().and_then(|parsed| parsed.root.as_ref());
        let (Some(text), Some(root)) = (&text, root.filter(|root| !root.entries().is_empty())) else {
            return Err(self.refuse(message!("variant.registered", step = self.step, component = reference)));
        };
        let mut edits = Edits::new(text);
        match root.get("is_deterministic") {
            Some(value) => edits.replace(value.span, "false"),
            None => edits.add(root, &[("is_deterministic", New::Plain("false"))]),
        }
        let way = self.change_code(&mut edits, root, path.parent().unwrap_or(Path::new("")))?;
        self.one_node(&mut edits, root);
        let new = edits.finish();
        Ok((way, self.write(&path, reference, text, new)))
    }

    /// debugpy into the environment, and the script to wait.
    fn change_code(&mut self, edits: &mut Edits<'_>, holder: &Node, folder: &Path) -> Result<Way, Failure> {
        let Some((command, span)) = holder.get("command").and_then(|node| Some((node.as_str()?, node.span)))
        else {
            return Err(self.refuse(message!("variant.not-a-command", step = self.step)));
        };
        if !(holder.span.start <= span.start && span.end <= holder.span.end) {
            return Err(self.refuse(message!("variant.anchor", step = self.step)));
        }
        self.ranks = self.ranks.or(ranks(holder));
        if !self.put_debugpy_in(edits, holder, folder)? {
            let library = message!("variant.installs", step = self.step);
            self.variant.remarks.push(library);
            edits.insert(content_start(edits.slice(span), span), "python -m pip install --quiet debugpy && ");
        }
        let invocation = command_line::read(command);
        let code = holder.text("code").map(|code| resolve(folder, code));
        let script = match (&invocation.process, code) {
            (Some(Process::Script(script)), Some(code)) => (self.look)(&resolve(&code, script)),
            (Some(Process::Module(module)), Some(code)) => {
                (self.look)(&resolve(&code, &format!("{}.py", module.replace('.', "/"))))
            }
            _ => None,
        };
        let convention = script.map_or(Convention::None, |script| instrument::convention(script.as_bytes()));
        // No script knows the word of one rank.
        let convention = if self.wish.ranks.is_empty() { convention } else { Convention::None };
        if convention == Convention::Environment {
            return Ok(Way::Environment);
        }
        let raw = edits.slice(span);
        let place = invocation.process.as_ref().zip(invocation.interpreter.as_deref());
        let Some(word) = place.and_then(|(process, interpreter)| program_word(raw, interpreter, process))
        else {
            let what = message!("variant.no-python", step = self.step);
            return Err(Failure::new(Blame::User, what).with_fix(message!("variant.no-python.fix")));
        };
        let quote = if raw.starts_with('"') { "\\\"" } else { "\"" };
        match convention {
            Convention::Flags if self.wish.call.is_none() => {
                let wait = self.wish.wait;
                let flags = format!(
                    " --remote_debug --remote_debug_connection_timeout {wait} --remote_debug_port {PORT}"
                );
                edits.insert(span.start + word.end, flags);
                Ok(Way::Flags)
            }
            _ => {
                edits.insert(span.start + word.start, format!("-c {quote}$AML_DEBUG_START{quote} "));
                Ok(Way::Start)
            }
        }
    }

    /// Whether the environment has debugpy in the variant; a registered one cannot be changed from here.
    fn put_debugpy_in(
        &mut self,
        edits: &mut Edits<'_>,
        holder: &Node,
        folder: &Path,
    ) -> Result<bool, Failure> {
        let Some(conda) = holder.get("environment").and_then(|node| node.get("conda_file")) else {
            return Ok(false);
        };
        let Some(written) = conda.as_str() else { return Ok(add_debugpy(edits, conda)) };
        let path = resolve(folder, written.strip_prefix("file:").unwrap_or(written));
        let Some(text) = (self.look)(&path) else { return Ok(false) };
        let parsed = yaml::parse(text.as_bytes());
        let Some(root) = &parsed.root else { return Ok(false) };
        let mut copy = Edits::new(&text);
        if !add_debugpy(&mut copy, root) {
            return Ok(false);
        }
        let new = copy.finish();
        if new != text {
            let reference = self.write(&path, written, &text, new);
            edits.replace(conda.span, reference_like(edits.slice(conda.span), reference));
        }
        Ok(true)
    }

    /// The nodes of a step share nothing but the debugger's one port to ask for.
    fn one_node(&self, edits: &mut Edits<'_>, holder: &Node) {
        let count = holder.get("resources").and_then(|resources| resources.get("instance_count"));
        if let Some(Node { value: Value::Int(2..), span }) = count {
            edits.replace(*span, "1");
        }
    }

    fn set_variables(&self, edits: &mut Edits<'_>, step: &Node, way: Way) -> Result<(), Failure> {
        let mut wanted = vec![
            ("AML_REMOTE_DEBUG", New::Text("1".to_owned())),
            ("AML_REMOTE_DEBUG_CONNECTION_TIMEOUT", New::Text(self.wish.wait.to_string())),
            ("AML_REMOTE_DEBUG_PORT", New::Text(PORT.to_owned())),
        ];
        if let Some(call) = self.wish.call {
            wanted.push(("AML_REMOTE_DEBUG_CALL", New::Text(call.address.to_owned())));
            wanted.push(("AML_REMOTE_DEBUG_TOKEN", New::Text(call.token.to_owned())));
            wanted.push(("AML_REMOTE_DEBUG_STEP", New::Text(self.step.clone())));
        }
        match way {
            Way::Flags => return Ok(()),
            Way::Environment => {}
            Way::Start => {
                let patience = self.ranks.map(|_| format!("{PATIENCE}await_torch()\n"));
                let program = patience.unwrap_or_default() + &instrument::programs::start();
                wanted[0] = ("AML_DEBUG_START", New::Lines(program));
            }
        }
        if !self.wish.ranks.is_empty() {
            let ranks: Vec<String> = self.wish.ranks.iter().map(u32::to_string).collect();
            wanted.push(("AML_REMOTE_DEBUG_RANK", New::Text(ranks.join(","))));
        }
        match step.get("environment_variables") {
            None => edits.add(step, &[("environment_variables", New::Map(wanted))]),
            Some(there) if there.entries().is_empty() => edits.replace(there.span, flow(&New::Map(wanted))),
            Some(there) => {
                let known = wanted.iter().any(|(name, _)| there.get(name).is_some());
                if known || !(step.span.start <= there.span.start && there.span.end <= step.span.end) {
                    return Err(self.refuse(message!("variant.anchor", step = self.step)));
                }
                edits.add(there, &wanted);
            }
        }
        Ok(())
    }

    /// Has the changed copy of a file beside it, and answers the reference to it, like the one to the file. What
    /// two steps share is written once; what they want different of one file is two files.
    fn write(&mut self, from: &Path, reference: &str, old: &str, new: String) -> String {
        let names = (1..).map(|number| debug_name(from, self.wish.output, number));
        let is_free = |name: &String| {
            let to = from.with_file_name(name);
            self.variant.files.iter().all(|file| file.to != to || file.new == new)
        };
        let name = names.into_iter().find(is_free).unwrap_or_default();
        let to = from.with_file_name(&name);
        if self.variant.files.iter().all(|file| file.to != to) {
            self.variant.files.push(Written { from: from.to_owned(), to, old: old.to_owned(), new });
        }
        format!("{}{name}", &reference[..reference.len() - file_name(reference).len()])
    }

    fn refuse(&self, what: Message) -> Failure {
        Failure::new(Blame::User, what).with_fix(message!("variant.refused.fix"))
    }
}

/// How a step is told to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Its script reads `AML_REMOTE_DEBUG`.
    Environment,
    /// Its script has the published flags.
    Flags,
    /// Its script knows of nothing, and is started by one that does.
    Start,
}

/// How many processes a command is on one node, each of which finds its rank in its environment.
fn ranks(holder: &Node) -> Option<i64> {
    let distribution = holder.some("distribution")?;
    let kind = distribution.text("type").unwrap_or_default();
    let count = match distribution.get("process_count_per_instance").map(|node| &node.value) {
        Some(Value::Int(count)) => *count,
        _ => 1,
    };
    ["pytorch", "mpi"].iter().any(|known| kind.eq_ignore_ascii_case(known)).then_some(count)
}

/// Adds debugpy to a conda environment; whether it is in it now.
fn add_debugpy(edits: &mut Edits<'_>, conda: &Node) -> bool {
    let Some(list) = conda.get("dependencies") else { return false };
    let names = |list: &Node, name: &str| {
        list.items()
            .iter()
            .filter_map(Node::as_str)
            .any(|it| it.split(['=', '<', '>', '!', '~', ' ', '[', ':']).next() == Some(name))
    };
    let pip = list.items().iter().find_map(|item| item.get("pip"));
    if names(list, "debugpy") || pip.is_some_and(|pip| names(pip, "debugpy")) {
        return true;
    }
    match pip {
        Some(pip) if !pip.items().is_empty() => edits.add_item(pip, "- debugpy"),
        _ if list.items().is_empty() || edits.slice(list.span).starts_with('[') => return false,
        _ if names(list, "pip") => edits.add_item(list, "- pip:\n  - debugpy"),
        _ => edits.add_item(list, "- pip\n- pip:\n  - debugpy"),
    }
    true
}

/// Where the text of a scalar begins, behind its quote or its `>-`.
fn content_start(raw: &str, span: Span) -> usize {
    let inside = match raw.chars().next() {
        Some('"' | '\'') => 1,
        Some('>' | '|') => {
            let line = raw.find('\n').map_or(raw.len(), |end| end + 1);
            line + raw[line..].len() - raw[line..].trim_start().len()
        }
        _ => 0,
    };
    span.start + inside
}

/// The word of the program in the raw text of a command: the script, or `-m` with its module.
fn program_word(raw: &str, interpreter: &str, process: &Process) -> Option<Span> {
    let words: Vec<Span> = words(raw).collect();
    let text = |word: &Span| raw[word.start..word.end].trim_matches(['"', '\'', '\\']);
    let mut found = None;
    for (at, _) in words.iter().enumerate().filter(|(_, word)| text(word) == interpreter) {
        for (next, word) in words.iter().enumerate().skip(at + 1) {
            let said = text(word);
            if ["&&", "||", "|", ";"].contains(&said) {
                break;
            }
            match process {
                Process::Script(script) if said == script => found = Some(*word),
                Process::Module(module) if said == "-m" && words.get(next + 1).map(text) == Some(module) => {
                    found = Some(Span { start: word.start, end: words[next + 1].end });
                }
                _ => continue,
            }
            break;
        }
    }
    found
}

fn words(raw: &str) -> impl Iterator<Item = Span> {
    raw.split_whitespace().map(|word| {
        let start = word.as_ptr().addr() - raw.as_ptr().addr();
        Span { start, end: start + word.len() }
    })
}

/// A path, quoted where the one before it was.
fn reference_like(raw: &str, path: String) -> String {
    if command_line::is_plain(raw) && command_line::is_plain(&path) { path } else { flow(&New::Text(path)) }
}

fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// How deep pipelines may be nested in one another.
const MAX_DEPTH: usize = 16;

fn steps_of(pipeline: &Node) -> &[Entry] {
    pipeline.get("jobs").map(Node::entries).unwrap_or_default()
}

/// The file of the pipeline component that a step, or a whole pipeline, names.
fn pipeline_file(step: &Node) -> Option<&str> {
    let written = step.text("component").filter(|_| step.text("type") == Some("pipeline"))?;
    (!written.starts_with("azureml:")).then(|| written.strip_prefix("file:").unwrap_or(written))
}

/// `conda.yml` → `conda.debug.yml`, with the word that the variant's own name has; `conda.debug-2.yml` for a
/// second one.
fn debug_name(path: &Path, output: &Path, number: usize) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path.extension().map(|it| format!(".{}", it.to_string_lossy())).unwrap_or_default();
    let word = output.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let word = word.and_then(|stem| stem.rsplit_once('.').map(|(_, word)| word.to_owned()));
    let word = word.unwrap_or_else(|| "debug".to_owned());
    match number {
        1 => format!("{stem}.{word}{extension}"),
        _ => format!("{stem}.{word}-{number}{extension}"),
    }
}

#[cfg(test)]
mod tests;
