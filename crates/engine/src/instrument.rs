//! The published remote-debug convention, put into a Python script and taken out of it again.
//!
//! What always holds: every edit is an insertion that is marked or can be told from the user's code, so that
//! [`undo`] gives the original bytes back even where the user went on editing in between; the result is
//! Python again; nothing changes for a script that is started without the flags. Text is edited, never
//! generated from a tree, so formatting stays.

pub(crate) mod programs;
mod script;
mod source;

use crate::diagnostic::{Diagnostic, Fix, Severity};
use crate::failure::{Blame, Failure};
use crate::message;
use crate::message::Message;
use crate::yaml::{Source, Span};
use ruff_python_ast::token::TokenKind;
use ruff_python_ast::visitor::{Visitor, walk_expr};
use ruff_python_ast::{Expr, ModModule};
use ruff_python_parser::Parsed;
use ruff_text_size::Ranged;
use script::Script;

const WAIT: &str = include_str!("../python/instrument/wait.py");

/// How every block of ours begins and ends.
const BEGIN: &str = "# >>> aml-debug";
const END: &str = "# <<< aml-debug";

/// What the first line of every block of ours says besides, and hardly a comment of the user's.
const HOW_TO_UNDO: &str = "\"aml-debug instrument --undo\" takes it out again";

/// The name that our block defines.
const NAME: &str = "_aml_debug";

/// The last line of [`programs::script`] that forgets [`NAME`], where nothing else needs it.
const FORGET: &str = "del _aml_debug\n";

/// Seconds that the published page gives a debugger: in a scoring script, elsewhere.
const SCORE_SECONDS: u32 = 30;
const SECONDS: u32 = 300;

/// A script with the convention in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instrumented {
    /// The whole file.
    pub bytes: Vec<u8>,
    /// How the debugger is asked for from now on.
    pub style: Style,
}

/// How a script is told to wait for a debugger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// By the four flags, which the script's own parser shows in its help.
    Argparse,
    /// By the four flags.
    Flags,
    /// By environment variables, since the named library reads the command line.
    Environment(&'static str),
    /// Always, as a scoring script of the published page does.
    Score,
    /// As it does already; only its wait ends now.
    OwnListener,
    /// As it does already, and nothing had to change.
    AsItIs,
}

impl Style {
    /// What to do to be waited for.
    pub fn how(self) -> Message {
        match self {
            Style::Argparse | Style::Flags => message!("instrument.how.flags"),
            Style::Environment(library) => message!("instrument.how.environment", library = library),
            Style::Score => message!("instrument.how.score", seconds = SCORE_SECONDS),
            Style::OwnListener => message!("instrument.how.own-listener"),
            Style::AsItIs => message!("instrument.how.as-it-is"),
        }
    }
}

/// Puts the convention into a script, or brings what an earlier version put there up to date.
///
/// # Errors
/// The file is not Python, or has no place where a line can be put in.
pub fn instrument(bytes: &[u8]) -> Result<Instrumented, Failure> {
    let original = undo(bytes)?;
    let (text, before) = source::text_of(&original)?;
    let script = script::read(&text)?;
    let (insertions, style) = insertions(&text, &script)?;
    let bytes = insert(&original, before, insertions);
    // Both are promises to the user; a text that we could not foresee is left alone.
    let (result, _) = source::text_of(&bytes)?;
    if script::read(&result).is_err() || undo(&bytes)? != original {
        return Err(Failure::new(Blame::Internal, message!("instrument.not-edited")));
    }
    Ok(Instrumented { bytes, style })
}

/// Takes out whatever [`instrument`] put in. A script that has nothing of it stays as it is.
///
/// # Errors
/// A block of ours has lost its end.
pub fn undo(bytes: &[u8]) -> Result<Vec<u8>, Failure> {
    let (text, before) = source::text_of(bytes)?;
    if !text.contains(BEGIN) {
        return Ok(bytes.to_vec());
    }
    let parsed = script::parse(&text);
    let blocks = blocks(&text, &parsed)?;
    let mut cuts = blocks.clone();
    if blocks.iter().any(|block| text[block.start..block.end].contains("def _aml_debug(")) {
        let mut wrapped = Wrapped { blocks: &blocks, cuts: Vec::new() };
        wrapped.visit_body(&parsed.syntax().body);
        cuts.extend(wrapped.cuts);
    }
    cuts.sort_by_key(|cut| cut.start);
    let mut rest = bytes[..before].to_vec();
    let mut at = 0;
    for cut in cuts {
        rest.extend_from_slice(&bytes[before + at..before + cut.start]);
        at = cut.end;
    }
    rest.extend_from_slice(&bytes[before + at..]);
    Ok(rest)
}

/// What a script understands already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Convention {
    /// Nothing.
    None,
    /// The four flags, rightly.
    Flags,
    /// The environment variables of what [`instrument`] puts in.
    Environment,
}

/// What a script understands. Published code that cannot work counts as nothing.
pub fn convention(bytes: &[u8]) -> Convention {
    let Ok((text, _)) = source::text_of(bytes) else { return Convention::None };
    if text.contains(BEGIN) && text.contains("AML_REMOTE_DEBUG") {
        return Convention::Environment;
    }
    match script::read(&text) {
        Ok(script) if script.flag.is_some() && findings(bytes).is_empty() => Convention::Flags,
        _ => Convention::None,
    }
}

/// What is wrong with a script that follows the published page, and the edit that mends it.
pub fn findings(bytes: &[u8]) -> Vec<Diagnostic> {
    let Ok((text, _)) = source::text_of(bytes) else { return Vec::new() };
    let Ok(script) = script::read(&text) else { return Vec::new() };
    let source = Source::new(text);
    let text = source.text();
    if text.contains(BEGIN) {
        return Vec::new();
    }
    let edit = insertions(text, &script).ok().and_then(|(mut edits, _)| {
        let (at, new_text) = (edits.len() == 1).then(|| edits.remove(0))?;
        let range = source.range(Span { start: at, end: at });
        Some(Fix { title: message!("python.instrument.fix"), range, new_text })
    });
    let finding = |span: Span, message: Message| Diagnostic {
        severity: Severity::Warning,
        message,
        range: source.range(span),
        fix: edit.clone(),
    };
    let waits = script.waits.iter().filter(|_| !script.cancels);
    let waits = waits.map(|wait| finding(wait.call, message!("python.wait-never-ends")));
    let elsewhere = script.listens_elsewhere.iter();
    let elsewhere = elsewhere.map(|call| finding(*call, message!("python.listens-on-the-client")));
    let mut findings: Vec<Diagnostic> = elsewhere.chain(waits).collect();
    findings.sort_by_key(|finding| finding.range.start);
    findings
}

fn insertions(text: &str, script: &Script) -> Result<(Vec<(usize, String)>, Style), Failure> {
    let never_ends = !script.waits.is_empty() && !script.cancels;
    let listens_here = script.listens_elsewhere.is_empty();
    let starts_debugger = !script.listens.is_empty() || !script.waits.is_empty();
    if starts_debugger && !never_ends && listens_here {
        return Ok((Vec::new(), Style::AsItIs));
    }
    if starts_debugger && script.flag.is_none() {
        let seconds = if script.is_score { SCORE_SECONDS } else { SECONDS };
        let waits = script.waits.iter().map(|wait| {
            let function = &text[wait.function.start..wait.function.end];
            let code = WAIT.replace("SECONDS", &seconds.to_string()).replace("WAIT", function);
            (wait.line, block(text, wait.line, &code))
        });
        return Ok((waits.collect(), Style::OwnListener));
    }
    let Some(first) = script.first else {
        return Err(Failure::new(Blame::User, message!("instrument.no-place"))
            .with_fix(message!("instrument.no-place.fix")));
    };
    if script.is_score && !script.has_argparse {
        return Ok((vec![(first, block(text, first, &programs::score()))], Style::Score));
    }
    // A script that has the flags keeps its parser: its own flags are taken before it sees them.
    let shows_help = script.has_argparse && script.flag.is_none() && !script.looks_at_names;
    let parsers = script.parsers.iter().filter(|_| shows_help);
    let mut insertions: Vec<(usize, String)> = parsers
        .flat_map(|parser| [(parser.start, format!("{NAME}(")), (parser.end, ")".to_owned())])
        .collect();
    let code = match insertions.is_empty() {
        true => programs::script(),
        false => programs::script().replace(FORGET, ""),
    };
    insertions.insert(0, (first, block(text, first, &code)));
    insertions.sort_by_key(|(at, _)| *at);
    let style = match script.framework {
        Some(library) if !script.has_argparse => Style::Environment(library),
        _ if script.has_argparse => Style::Argparse,
        _ => Style::Flags,
    };
    Ok((insertions, style))
}

/// Code in the indentation and with the line ends of the text around it.
fn block(text: &str, at: usize, code: &str) -> String {
    let indentation: String =
        text[at..].chars().take_while(|letter| [' ', '\t', '\x0c'].contains(letter)).collect();
    let line_end = match text.find(['\r', '\n']) {
        Some(at) if text[at..].starts_with("\r\n") => "\r\n",
        Some(at) if text[at..].starts_with('\r') => "\r",
        _ => "\n",
    };
    let line = |line: &str| match line.is_empty() {
        true => line_end.to_owned(),
        false => format!("{indentation}{line}{line_end}"),
    };
    code.lines().map(line).collect()
}

fn insert(original: &[u8], before: usize, insertions: Vec<(usize, String)>) -> Vec<u8> {
    let mut bytes = original[..before].to_vec();
    let mut at = 0;
    for (place, inserted) in insertions {
        bytes.extend_from_slice(&original[before + at..before + place]);
        bytes.extend_from_slice(inserted.as_bytes());
        at = place;
    }
    bytes.extend_from_slice(&original[before + at..]);
    bytes
}

/// The lines of our blocks. A marker is a comment; the same words in a string are the user's, and so is a comment with
/// other words behind them.
fn blocks(text: &str, parsed: &Parsed<ModModule>) -> Result<Vec<Span>, Failure> {
    let mut blocks = Vec::new();
    let mut begun = None;
    for token in parsed.tokens().iter().filter(|token| token.kind() == TokenKind::Comment) {
        let (start, end) = (token.start().to_usize(), token.end().to_usize());
        let comment = &text[start..end];
        if comment.starts_with(BEGIN) && comment.contains(HOW_TO_UNDO) && begun.is_none() {
            let line = text[..start].rfind(['\n', '\r']).map_or(0, |at| at + 1);
            // Behind the docstring on its line it stands where that line went on.
            begun = Some(if text[line..start].trim().is_empty() { line } else { start });
        }
        if comment.starts_with(END)
            && let Some(start) = begun.take()
        {
            let rest = &text[end..];
            let line_end = if rest.starts_with("\r\n") { 2 } else { usize::from(!rest.is_empty()) };
            blocks.push(Span { start, end: end + line_end });
        }
    }
    match begun {
        None => Ok(blocks),
        Some(at) => {
            let line = Source::new(text.to_owned()).position(at).line + 1;
            Err(Failure::new(Blame::User, message!("instrument.block-without-end", line = line))
                .with_fix(message!("instrument.block-without-end.fix", end = END)))
        }
    }
}

/// Finds `_aml_debug(parser)` outside our blocks.
struct Wrapped<'a> {
    blocks: &'a [Span],
    cuts: Vec<Span>,
}

impl<'a> Visitor<'a> for Wrapped<'_> {
    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Call(call) = expr
            && matches!(call.func.as_ref(), Expr::Name(name) if name.id.as_str() == NAME)
            && let [argument] = call.arguments.args.as_ref()
            && !self
                .blocks
                .iter()
                .any(|it| it.start <= call.start().to_usize() && call.start().to_usize() < it.end)
        {
            let (start, end) = (call.start().to_usize(), call.end().to_usize());
            self.cuts.push(Span { start, end: argument.start().to_usize() });
            self.cuts.push(Span { start: argument.end().to_usize(), end });
        }
        walk_expr(self, expr);
    }
}

#[cfg(test)]
mod tests;
