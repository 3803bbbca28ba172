//! `instrument`: scripts of every style await a debugger when they are asked to, give up in time, and are
//! what they were without the flags and after `--undo`.
//!
//! Real Python, real debugpy. The table is the folder `fixtures/instrument`; a script whose library is not
//! installed here is only edited, and the story says which.

use crate::support::{Debugger, Ground, not_told};
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Scripts that are asked by environment, and the library that reads their command line.
const BY_ENVIRONMENT: [(&str, &str); 5] = [
    ("click_command.py", "click"),
    ("typer_command.py", "typer"),
    ("fire_command.py", "fire"),
    ("absl_command.py", "absl"),
    ("hydra_command.py", "hydra"),
];

#[test]
fn scripts_of_every_style_wait_only_when_asked_and_no_longer_than_asked() {
    let ground = Python::prepare();
    let scripts = ground.scripts();
    assert!(scripts.len() >= 25, "only {}", scripts.len());
    let next = AtomicUsize::new(0);
    // Most of the time is a wait.
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(script) = scripts.get(next.fetch_add(1, Ordering::Relaxed)) {
                    ground.live(script);
                }
            });
        }
    });
}

#[test]
fn a_real_debugger_attaches_to_what_waits() {
    let ground = Python::prepare();
    for (script, line_with, local, value) in [
        ("argparse_plain.py", "print(\"epoch\"", "epoch", "0"),
        ("argparse_class.py", "print(\"steps\"", "self", "Trainer"),
        ("sys_argv.py", "sys.exit(", "words", "['a']"),
        ("async_main.py", "print(\"awaited\")", "", ""),
        ("published.py", "print(\"training\"", "args", "Namespace(remote_debug=False"),
    ] {
        let path = ground.path(script);
        ground.instrument(&path, "--write");
        let port = free_port();
        let given: &[&str] = if script == "sys_argv.py" { &["a"] } else { &[] };
        let mut waiting = Waiting::start(ground.python(&path, given).args(flags(port, "60")));
        assert_eq!(waiting.beacon(), ("127.0.0.1".to_owned(), port), "{script}");
        let text = fs::read_to_string(&path).expect("a script");
        let line = 1 + text.lines().position(|line| line.contains(line_with)).expect(line_with) as u32;
        let folder = path.parent().expect("a folder").display().to_string();
        let configuration = serde_json::json!({
            "connect": { "port": port }, "pathMappings": [{ "remoteRoot": folder }]
        });
        let mut debugger = Debugger::attach(&configuration, &folder, &[(script, line)]);
        let (thread, stopped, locals) = debugger.stopped();
        assert_eq!(stopped, u64::from(line), "{script}");
        let shown = locals.get(local).map(String::as_str).unwrap_or_default();
        assert!(shown.contains(value), "{script}: {local} = {shown}");
        debugger.request("disconnect", serde_json::json!({}));
        drop((debugger, thread));
        assert!(waiting.rest().contains("Debugger attached = True"), "{script}");
    }
}

#[test]
fn a_wait_of_no_time_ends_at_once() {
    let ground = Python::prepare();
    let path = ground.path("no_arguments.py");
    ground.instrument(&path, "--write");
    let said = text(&ground.output(&path, &flags(free_port(), "0"), &BTreeMap::new()).stdout);
    assert!(said.ends_with("Debugger attached = False\nhello\n"), "{said}");
}

#[test]
fn a_scoring_script_awaits_a_debugger_and_goes_on_by_itself() {
    let ground = Python::prepare();
    let path = ground.ground.path("score.py");
    let original = "import json\n\ndef init():\n    print('init')\n\ndef run(data):\n    return data\n";
    fs::write(&path, original).expect("ours");
    let said = ground.instrument(&path, "--write");
    assert!(said.contains("it awaits a debugger on port 5678 for 30 s"), "{said}");
    let port = free_port();
    let load = |seconds: &str| {
        let mut python = ground.python(Path::new("-c"), &["import score; score.init(); print(dir(score))"]);
        python.env("AML_REMOTE_DEBUG_PORT", port.to_string());
        python.env("AML_REMOTE_DEBUG_CONNECTION_TIMEOUT", seconds);
        python
    };
    let said = text(&load("0.3").output().expect("Python").stdout);
    assert!(said.contains("Debugger attached = False\ninit\n"), "{said}");
    assert!(!said.contains("_aml_debug"), "{said}");

    let mut waiting = Waiting::start(&mut load("60"));
    waiting.until("Waiting 60 s");
    let folder = path.parent().expect("a folder").display().to_string();
    let configuration =
        serde_json::json!({ "connect": { "port": port }, "pathMappings": [{ "remoteRoot": folder }] });
    let line = fs::read_to_string(&path).expect("ours").lines().count() as u32 - 3;
    let mut debugger = Debugger::attach(&configuration, &folder, &[("score.py", line)]);
    assert_eq!(debugger.stopped().1, u64::from(line));
    debugger.request("disconnect", serde_json::json!({}));
    assert!(waiting.rest().contains("Debugger attached = True"));

    ground.instrument(&path, "--undo");
    assert_eq!(fs::read_to_string(&path).expect("ours"), original);
}

#[test]
fn a_listener_as_published_learns_to_end_its_wait() {
    let ground = Python::prepare();
    let path = ground.ground.path("listens.py");
    let port = free_port();
    let original = format!(
        "import debugpy\n\ndebugpy.listen(('127.0.0.1', {port}))\nif True:\n\tdebugpy.wait_for_client()\nprint('on')"
    );
    fs::write(&path, &original).expect("ours");
    let checked = ground.ground.call(["check", "listens.py", "--json"]).with_code(0).objects();
    assert_eq!(checked[0]["diagnostics"][0]["code"], "python.wait-never-ends", "{checked:?}");
    ground.instrument(&path, "--write");
    let text = fs::read_to_string(&path).expect("ours");
    // Nobody wants to wait five minutes for a test.
    fs::write(&path, text.replace("Timer(300,", "Timer(1,")).expect("ours");
    let output = ground.python(&path, &[]).output().expect("Python");
    assert_eq!(self::text(&output.stdout), "on\n", "{}", self::text(&output.stderr));
    fs::write(&path, &text).expect("ours");
    ground.instrument(&path, "--undo");
    assert_eq!(fs::read_to_string(&path).expect("ours"), original);
}

#[test]
fn without_a_word_it_only_shows_and_what_it_cannot_do_it_says() {
    let ground = Python::prepare();
    let path = ground.path("argparse_plain.py");
    let before = fs::read(&path).expect("a script");
    let shown = ground.ground.call(["instrument", "argparse_plain.py"]).with_code(0);
    assert_eq!(fs::read(&path).expect("a script"), before);
    assert!(
        shown.stdout.contains("\n-args = parser.parse_args()\n+args = _aml_debug(parser).parse_args()\n")
    );
    assert!(shown.stderr.contains("start it with --remote_debug"), "{}", shown.stderr);
    fs::write(&path, "print 'old'\n").expect("ours");
    let refused = ground.ground.call(["instrument", "argparse_plain.py", "--write"]).with_code(2);
    assert!(refused.stderr.contains("line 1 is not Python 3"), "{}", refused.stderr);
    let missing = ground.ground.call(["instrument", "nowhere.py"]).with_code(2);
    assert!(missing.stderr.contains("there is no file"), "{}", missing.stderr);
}

/// A ground with the scripts of the table and a Python that has debugpy.
pub(crate) struct Python {
    pub(crate) ground: Ground,
    debugpy: PathBuf,
}

impl Python {
    pub(crate) fn prepare() -> Self {
        let python = Self::prepare_with("");
        let ground = &python.ground;
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/instrument");
        for file in fs::read_dir(folder).expect("the scripts").map_while(Result::ok) {
            fs::copy(file.path(), ground.path("").join(file.file_name())).expect("ours");
        }
        python
    }

    /// With files of its own, as in [`Ground::with`], instead.
    pub(crate) fn prepare_with(files: &str) -> Self {
        let ground = Ground::with(files);
        let debugpy = ground.unpack_debugpy();
        Self { ground, debugpy }
    }

    /// The names of all scripts.
    fn scripts(&self) -> Vec<String> {
        self.ground.files().into_iter().filter(|name| name.ends_with(".py")).collect()
    }

    pub(crate) fn path(&self, script: &str) -> PathBuf {
        self.ground.path(script)
    }

    /// A script in Python with these arguments.
    pub(crate) fn python(&self, script: &Path, arguments: &[&str]) -> Command {
        let mut python = Command::new(python());
        python.arg(script).args(arguments).current_dir(self.ground.path(""));
        python
            .env("PYTHONPATH", &self.debugpy)
            .env("PYTHONIOENCODING", "utf-8")
            .env("PYTHONDONTWRITEBYTECODE", "1");
        python.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        python
    }

    /// Everything that is promised of one script.
    fn live(&self, script: &str) {
        let path = self.path(script);
        let original = fs::read(&path).expect("a script");
        let library = BY_ENVIRONMENT.iter().find(|(name, _)| *name == script).map(|(_, library)| library);
        let runs = library.is_none_or(|library| self.imports(library));
        let before = runs.then(|| self.output(&path, &[] as &[&str], &BTreeMap::new()));
        let said = self.instrument(&path, "--write");
        if let Some(before) = before {
            let after = self.output(&path, &[] as &[&str], &BTreeMap::new());
            assert_eq!(shown(&after), shown(&before), "{script} without the flags");
            let port = free_port();
            let waited = match library {
                None => self.output(&path, &flags(port, "0.3"), &BTreeMap::new()),
                Some(_) => self.output(&path, &[] as &[&str], &variables(port, "0.3")),
            };
            let (code, text) = shown(&waited);
            let beacon = format!(
                "Timeout for debug connection: 0.3\nremote_debug_port: {port}\nip_address: 127.0.0.1\nDebugger attached = False\n"
            );
            let rest = text.strip_prefix(&beacon).unwrap_or_else(|| panic!("{script}: {waited:?}"));
            assert_eq!((code, rest.to_owned()), shown(&before), "{script} went on differently");
        } else {
            not_told(&format!("what {script} does, since Python has no {}", library.expect("one")));
        }
        let by_environment = said.contains("AML_REMOTE_DEBUG=1");
        assert_eq!(by_environment, library.is_some(), "{script}: {said}");
        self.instrument(&path, "--undo");
        assert!(fs::read(&path).expect("a script") == original, "{script}: not the same bytes");
    }

    /// Calls the program; what it said to a person.
    pub(crate) fn instrument(&self, script: &Path, how: &str) -> String {
        let arguments = ["instrument".as_ref(), script.as_os_str(), how.as_ref()];
        self.ground.call(arguments).with_code(0).stderr
    }

    fn imports(&self, library: &str) -> bool {
        let tried = self.python(Path::new("-c"), &[&format!("import {library}")]).output();
        tried.expect("Python").status.success()
    }

    fn output(
        &self,
        script: &Path,
        arguments: &[impl AsRef<str>],
        variables: &BTreeMap<String, String>,
    ) -> Output {
        let arguments: Vec<&str> = arguments.iter().map(AsRef::as_ref).collect();
        self.python(script, &arguments).envs(variables).output().expect("Python")
    }
}

/// A script that waits for a debugger.
pub(crate) struct Waiting {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Waiting {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::inherit()).spawn().expect("Python");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        Self { child, lines }
    }

    fn until(&mut self, beginning: &str) -> String {
        let mut lines = self.lines.by_ref().map_while(Result::ok);
        let line = lines.find(|line| line.starts_with(beginning));
        line.unwrap_or_else(|| panic!("it never said {beginning}"))
    }

    pub(crate) fn beacon(&mut self) -> (String, u16) {
        let value = |line: String| line.rsplit(' ').next().unwrap_or_default().to_owned();
        let port = value(self.until("remote_debug_port: "));
        let address = value(self.until("ip_address: "));
        (address, port.parse().expect("a port"))
    }

    pub(crate) fn rest(&mut self) -> String {
        let rest: Vec<String> = self.lines.by_ref().map_while(Result::ok).collect();
        self.child.wait().expect("it is ours");
        rest.join("\n")
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn flags(port: u16, seconds: &str) -> [String; 6] {
    let port = port.to_string();
    [
        "--remote_debug",
        "--remote_debug_connection_timeout",
        seconds,
        "--remote_debug_client_ip=127.0.0.1",
        "--remote_debug_port",
        &port,
    ]
    .map(str::to_owned)
}

fn variables(port: u16, seconds: &str) -> BTreeMap<String, String> {
    let port = port.to_string();
    let pairs = [("", "1"), ("_CONNECTION_TIMEOUT", seconds), ("_CLIENT_IP", "127.0.0.1"), ("_PORT", &port)];
    pairs.map(|(name, value)| (format!("AML_REMOTE_DEBUG{name}"), value.to_owned())).into()
}

fn shown(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), text(&output.stdout))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn python() -> String {
    std::env::var("AML_DEBUG_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}
