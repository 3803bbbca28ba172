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
use crate::spec::Kind;
use crate::spec::files::resolve;
use crate::yaml::{self, Entry, Node, Span, Value};
use edit::{Edits, New, flow};
use std::path::{Path, PathBuf};

/// What a step runs whose script has no convention of its own; see there.
const START: &str = include_str!("../python/instrument/start.py");

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
    let jobs = root.get("jobs").map(Node::entries).unwrap_or_default();
    let mut maker = Maker { wish, look: &look, variant: Variant::default(), step: "", reruns: false };
    let mut edits = Edits::new(&text);
    for step in wish.steps {
        let Some(entry) = jobs.iter().find(|entry| entry.key == *step) else {
            let names: Vec<&str> = jobs.iter().map(|entry| entry.key.as_str()).collect();
            let fix = message!("variant.no-step.fix", steps = names.join(", "));
            return Err(refused(message!("variant.no-step", step = step), fix));
        };
        maker.step = step;
        maker.change_step(&mut edits, entry)?;
    }
    if maker.reruns {
        force_rerun(&mut edits, root);
    }
    let mut variant = maker.variant;
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

struct Maker<'a, L> {
    wish: &'a Wish<'a>,
    look: &'a L,
    variant: Variant,
    step: &'a str,
    /// Whether the pipeline has to run its steps again for want of a narrower word.
    reruns: bool,
}

impl<L: Fn(&Path) -> Option<String>> Maker<'_, L> {
    fn change_step(&mut self, edits: &mut Edits<'_>, entry: &Entry) -> Result<(), Failure> {
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
        let folder = self.wish.pipeline.parent().unwrap_or(Path::new("")).to_owned();
        let way = match step.get("component") {
            None => {
                self.reruns = true;
                self.change_code(edits, step, &folder)?
            }
            Some(Node { value: Value::Str(reference), span }) => {
                let (way, copy) = self.copy_component(&folder, reference)?;
                let raw = reference_like(edits.slice(*span), copy);
                edits.replace(*span, raw);
                way
            }
            Some(component) => {
                edits.add(component, &[("is_deterministic", New::Plain("false"))]);
                self.change_code(edits, component, &folder)?
            }
        };
        self.one_node(edits, step);
        self.set_variables(edits, step, way)
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
        let name = debug_name(&path, self.wish.output);
        let copy = format!("{}{name}", &reference[..reference.len() - file_name(written).len()]);
        let new = edits.finish();
        self.write(path.clone(), path.with_file_name(&name), text.clone(), new);
        Ok((way, copy))
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
            let name = debug_name(&path, self.wish.output);
            let reference = format!("{}{name}", &written[..written.len() - file_name(written).len()]);
            let raw = reference_like(edits.slice(conda.span), reference);
            edits.replace(conda.span, raw);
            self.write(path.clone(), path.with_file_name(name), text.clone(), new);
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
            wanted.push(("AML_REMOTE_DEBUG_STEP", New::Text(self.step.to_owned())));
        }
        match way {
            Way::Flags => return Ok(()),
            Way::Environment => {}
            Way::Start => wanted[0] = ("AML_DEBUG_START", New::Lines(START.to_owned())),
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

    /// A file that two steps share is written once.
    fn write(&mut self, from: PathBuf, to: PathBuf, old: String, new: String) {
        if self.variant.files.iter().all(|file| file.to != to) {
            self.variant.files.push(Written { from, to, old, new });
        }
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

/// `conda.yml` → `conda.debug.yml`, with the word that the variant's own name has.
fn debug_name(path: &Path, output: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path.extension().map(|it| format!(".{}", it.to_string_lossy())).unwrap_or_default();
    let word = output.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let word = word.and_then(|stem| stem.rsplit_once('.').map(|(_, word)| word.to_owned()));
    format!("{stem}.{}{extension}", word.unwrap_or_else(|| "debug".to_owned()))
}

#[cfg(test)]
mod tests;
