//! What a Python script does that matters to remote debugging, with places in bytes.

use crate::failure::{Blame, Failure};
use crate::message;
use crate::yaml::{Source, Span};
use ruff_python_ast::visitor::{Visitor, walk_body, walk_expr, walk_stmt};
use ruff_python_ast::{Expr, ExprCall, ModModule, PySourceType, Stmt, StmtImport, StmtImportFrom};
use ruff_python_parser::{Parsed, parse_unchecked_source};
use ruff_text_size::Ranged;
use std::collections::BTreeSet;

/// Libraries that read the command line by themselves and leave no parser to add flags to.
const FRAMEWORKS: [&str; 6] = ["typer", "click", "fire", "absl", "hydra", "tyro"];

/// Methods that read the command line.
const PARSE: [&str; 5] = [
    "parse_args",
    "parse_known_args",
    "parse_intermixed_args",
    "parse_known_intermixed_args",
    "parse_args_into_dataclasses",
];

/// Functions that show the names of a module; where they are called, no name may be left there.
const LOOKS_AT_NAMES: [&str; 4] = ["globals", "locals", "dir", "vars"];

/// What was found in a script.
#[derive(Debug, Default)]
pub(super) struct Script {
    /// Where our block goes: before the first statement that anything can stand before.
    pub(super) first: Option<usize>,
    /// The parsers whose command line is read: `parser` of `parser.parse_args()`.
    pub(super) parsers: Vec<Span>,
    /// Whether `argparse` is imported in some form.
    pub(super) has_argparse: bool,
    /// The library that reads the command line, where it is none of Python's own.
    pub(super) framework: Option<&'static str>,
    /// The flag of the published page, where the script has it already.
    pub(super) flag: Option<Span>,
    /// Calls of `debugpy.listen` and `debugpy.connect`.
    pub(super) listens: Vec<Span>,
    /// Those that listen on the address of the debugger's own machine.
    pub(super) listens_elsewhere: Vec<Span>,
    /// Calls of `debugpy.wait_for_client`: the line to stand before, and the function as it is named.
    pub(super) waits: Vec<Wait>,
    /// Whether something ends the wait.
    pub(super) cancels: bool,
    /// Whether it is a scoring script: `init()` and `run(data)`, loaded by a server.
    pub(super) is_score: bool,
    /// Whether the module's own names are looked at.
    pub(super) looks_at_names: bool,
}

/// One `debugpy.wait_for_client()`.
#[derive(Debug)]
pub(super) struct Wait {
    pub(super) call: Span,
    pub(super) function: Span,
    /// Start of the line of the statement around it.
    pub(super) line: usize,
}

/// The tree and the tokens of a text, as far as it is Python.
pub(super) fn parse(text: &str) -> Parsed<ModModule> {
    parse_unchecked_source(text, PySourceType::Python)
}

/// Reads a script.
///
/// # Errors
/// The text is not Python.
pub(super) fn read(text: &str) -> Result<Script, Failure> {
    let parsed = parse(text);
    if let Some(error) = parsed.errors().first() {
        return Err(not_python(text, &error.error.to_string(), error.location.start().to_usize()));
    }
    let body = &parsed.syntax().body;
    let mut reader = Reader {
        text,
        script: Script { first: first_place(text, body), is_score: is_score(body), ..Script::default() },
        debugpy: BTreeSet::new(),
        functions: BTreeSet::new(),
        of_the_client: BTreeSet::new(),
        statement: 0,
        waits: Vec::new(),
    };
    reader.visit_body(body);
    let Reader { mut script, waits, .. } = reader;
    script.waits = waits;
    // A server reads no command line.
    script.is_score &= script.framework.is_none();
    Ok(script)
}

fn not_python(text: &str, why: &str, at: usize) -> Failure {
    let line = Source::new(text.to_owned()).position(at).line + 1;
    Failure::new(Blame::User, message!("instrument.not-python", line = line))
        .with_detail([why])
        .with_fix(message!("instrument.not-python.fix"))
}

/// Where the first statement begins that may stand behind our block: behind the docstring and the imports of
/// `__future__`. It is the start of its line, or, where it shares the line with one of those, its own.
fn first_place(text: &str, body: &[Stmt]) -> Option<usize> {
    let is_future = |statement: &Stmt| matches!(statement, Stmt::ImportFrom(import) if import.module.as_deref() == Some("__future__"));
    let is_docstring =
        |statement: &Stmt| matches!(statement, Stmt::Expr(it) if it.value.is_string_literal_expr());
    let stay = body.iter().enumerate().take_while(|(at, it)| is_future(it) || (*at == 0 && is_docstring(it)));
    let stay = stay.count();
    let end = stay.checked_sub(1).map_or(0, |last| body[last].end().to_usize());
    for statement in &body[stay..] {
        let start = statement.start().to_usize();
        let line = line_of(text, start).filter(|line| *line >= end);
        // An import that shares their line may as well come before the block, which then has a line of its own.
        if line.is_some() || !matches!(statement, Stmt::Import(_) | Stmt::ImportFrom(_)) {
            // Behind a backslash nothing could be taken out again to the byte.
            let before = text[..start].rsplit(['\n', '\r']).next().unwrap_or_default();
            return line.or_else(|| (!before.trim().is_empty()).then_some(start));
        }
    }
    None
}

/// Start of the line on which a statement begins; `None` where something else stands before it.
pub(super) fn line_of(text: &str, at: usize) -> Option<usize> {
    let before = text.get(..at)?;
    let mut start = before.rfind(['\n', '\r']).map_or(0, |end| end + 1);
    if !before.get(start..)?.trim_matches([' ', '\t', '\x0c']).is_empty() {
        return None;
    }
    // A line that goes on from the one above has no room between the two.
    loop {
        let above = text[..start].trim_end_matches('\n').trim_end_matches('\r');
        let ended = start > above.len();
        if !(ended && above.ends_with('\\')) {
            return Some(start);
        }
        start = above.rfind(['\n', '\r']).map_or(0, |end| end + 1);
    }
}

fn is_score(body: &[Stmt]) -> bool {
    let wants = |name: &str, data: bool| {
        body.iter().any(|statement| {
            matches!(statement, Stmt::FunctionDef(function) if function.name.as_str() == name
                && (function.parameters.iter().next().is_some() == data))
        })
    };
    wants("init", false) && wants("run", true) && !calls_itself(body)
}

/// Whether a module calls its own `init` or `run` while it is loaded, which a server does for a scoring script.
fn calls_itself(body: &[Stmt]) -> bool {
    struct Calls(bool);
    impl<'a> Visitor<'a> for Calls {
        fn visit_stmt(&mut self, statement: &'a Stmt) {
            if !matches!(statement, Stmt::FunctionDef(_) | Stmt::ClassDef(_)) {
                walk_stmt(self, statement);
            }
        }

        fn visit_expr(&mut self, expr: &'a Expr) {
            let function = expr.as_call_expr().and_then(|call| call.func.as_name_expr());
            self.0 |= function.is_some_and(|name| matches!(name.id.as_str(), "init" | "run"));
            walk_expr(self, expr);
        }
    }
    let mut calls = Calls(false);
    calls.visit_body(body);
    calls.0
}

struct Reader<'a> {
    text: &'a str,
    script: Script,
    /// Names under which debugpy goes here.
    debugpy: BTreeSet<String>,
    /// Functions of debugpy that go by a name of their own: the name, the function.
    functions: BTreeSet<(String, String)>,
    /// Names that hold the address of the debugger's machine.
    of_the_client: BTreeSet<String>,
    /// Start of the line of the innermost statement that begins one.
    statement: usize,
    waits: Vec<Wait>,
}

impl<'a> Visitor<'a> for Reader<'a> {
    fn visit_body(&mut self, body: &'a [Stmt]) {
        let around = self.statement;
        walk_body(self, body);
        self.statement = around;
    }

    // A statement behind a semicolon stays with the one that begins the line.
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        if let Some(line) = line_of(self.text, statement.start().to_usize()) {
            self.statement = line;
        }
        match statement {
            Stmt::Import(import) => self.import(import),
            Stmt::ImportFrom(import) => self.import_from(import),
            Stmt::Assign(assign) if mentions_client(&assign.value) => {
                let names = assign.targets.iter().filter_map(Expr::as_name_expr);
                self.of_the_client.extend(names.map(|name| name.id.to_string()));
            }
            // A guard against being imported is what a scoring script does not have.
            Stmt::If(guard) if self.slice(guard.test.as_ref()).contains("__name__") => {
                self.script.is_score = false;
            }
            _ => {}
        }
        walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Call(call) => self.call(call),
            // The way to any module by its name, this one among them.
            Expr::Attribute(it) if it.attr.as_str() == "modules" => {
                self.script.looks_at_names |= self.slice(it.value.as_ref()) == "sys";
            }
            Expr::Attribute(it) if it.attr.as_str() == "cancel" => {
                self.script.cancels |= self.slice(it.value.as_ref()).ends_with("wait_for_client");
            }
            _ => {}
        }
        walk_expr(self, expr);
    }
}

impl Reader<'_> {
    fn import(&mut self, import: &StmtImport) {
        for alias in &import.names {
            let name = alias.name.as_str();
            let goes_by = alias.asname.as_ref().map_or(name, |it| it.as_str());
            self.imported(name);
            if name == "debugpy" {
                self.debugpy.insert(goes_by.to_owned());
            }
        }
    }

    fn import_from(&mut self, import: &StmtImportFrom) {
        let Some(module) = import.module.as_deref().filter(|_| import.level == 0) else { return };
        self.imported(module);
        for alias in import.names.iter().filter(|_| module == "debugpy") {
            let goes_by = alias.asname.as_ref().unwrap_or(&alias.name);
            self.functions.insert((goes_by.to_string(), alias.name.to_string()));
        }
    }

    fn imported(&mut self, module: &str) {
        let package = module.split('.').next().unwrap_or_default();
        self.script.looks_at_names |= package == "__main__";
        self.script.has_argparse |= package == "argparse" || package == "configargparse";
        if let Some(name) = FRAMEWORKS.iter().find(|it| **it == package) {
            // `absl` is also a logger.
            if package != "absl" || !module.contains("logging") {
                self.script.framework = Some(name);
            }
        }
    }

    fn call(&mut self, call: &ExprCall) {
        match call.func.as_ref() {
            Expr::Attribute(it) => {
                let name = it.attr.as_str();
                if PARSE.contains(&name) && !self.is_super(&it.value) && !it.value.is_yield_expr() {
                    self.script.parsers.push(span(it.value.as_ref()));
                }
                if matches!(it.value.as_ref(), Expr::Name(of) if self.debugpy.contains(of.id.as_str())) {
                    self.debugger(name, call);
                }
            }
            Expr::Name(it) => {
                let name = it.id.as_str();
                self.script.looks_at_names |= LOOKS_AT_NAMES.contains(&name) && call.arguments.is_empty();
                let function = self.functions.iter().find(|(own, _)| own == name);
                if let Some(function) = function.map(|(_, function)| function.clone()) {
                    self.debugger(&function, call);
                }
            }
            _ => {}
        }
        let has_flag =
            |it: &&Expr| matches!(it, Expr::StringLiteral(text) if text.value.to_str() == "--remote_debug");
        if let Some(flag) = call.arguments.args.iter().find(has_flag) {
            self.script.flag = Some(span(flag));
        }
    }

    fn debugger(&mut self, function: &str, call: &ExprCall) {
        match function {
            "listen" | "connect" => {
                self.script.listens.push(span(call));
                let given =
                    call.arguments.args.iter().chain(call.arguments.keywords.iter().map(|it| &it.value));
                let host = given.into_iter().next().and_then(|address| match address {
                    Expr::Tuple(pair) => pair.elts.first(),
                    _ => None,
                });
                let is_the_clients = host.is_some_and(|host| {
                    mentions_client(host)
                        || matches!(host, Expr::Name(name) if self.of_the_client.contains(name.id.as_str()))
                });
                if function == "listen" && is_the_clients {
                    self.script.listens_elsewhere.push(span(call));
                }
            }
            "wait_for_client" => self.waits.push(Wait {
                call: span(call),
                function: span(call.func.as_ref()),
                line: self.statement,
            }),
            _ => {}
        }
    }

    fn is_super(&self, receiver: &Expr) -> bool {
        matches!(receiver, Expr::Call(_)) && self.slice(receiver).starts_with("super(")
    }

    fn slice(&self, of: impl Ranged) -> &str {
        &self.text[of.range()]
    }
}

fn mentions_client(expr: &Expr) -> bool {
    matches!(expr, Expr::Attribute(it) if it.attr.as_str() == "remote_debug_client_ip")
}

fn span(of: &impl Ranged) -> Span {
    Span { start: of.start().to_usize(), end: of.end().to_usize() }
}
