//! What a deployment's server writes, read for why it does not serve; and the programs that end its workers.
//!
//! The inference server prints a traceback and then, once more, all of its settings: the cause is far from
//! the end of the log. Everything here goes by the lines as they are printed, so the texts are the server's.

pub mod health;

use crate::failure::{Blame, Failure};
use crate::message;
use crate::plan::deployment::Service;
use crate::plan::{Debuggee, ImageFacts};
use crate::run::event::Exit;
use serde::Deserialize;

/// How many of the last lines of a server's log are looked at for the cause of its end.
pub const LAST_LINES: usize = 300;

/// A server below a supervisor is started again for ever; this line says that it will never come up.
pub const BOOT_FAILED: &str = "Worker failed to boot";

/// Why the server ended.
///
/// `refused` is what kept it from answering before, where somebody has read that already.
pub fn explain_end(
    service: &Service,
    image: Option<&ImageFacts>,
    refused: Option<&Failure>,
    exit: &Exit,
) -> Failure {
    let lines: Vec<&str> = exit.last_lines.iter().map(String::as_str).collect();
    explain(service, image, &lines).or_else(|| refused.cloned()).unwrap_or_else(|| {
        let last = lines[lines.len().saturating_sub(SHOWN_LINES)..].iter().map(|line| (*line).to_owned());
        Failure::new(Blame::Code, message!("deployment.ended", code = exit.code))
            .with_detail(last)
            .with_fix(message!("deployment.ended.fix", name = service.full_name()))
    })
}

/// What in the user's code keeps the server from coming up, where its last words say so.
pub fn explain_boot(service: &Service, lines: &[String]) -> Option<Failure> {
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let is_end = |line: &&str| line.contains(BOOT_FAILED);
    let end = lines.iter().rposition(is_end)?;
    // What an earlier edit did stands before the end of its own server.
    let begin = lines[..end].iter().rposition(is_end).map_or(0, |earlier| earlier + 1);
    explain(service, None, &lines[begin..end]).filter(|failure| failure.blame == Blame::Code)
}

/// How many of the last lines are shown where the cause is not among those that we know.
const SHOWN_LINES: usize = 10;

/// How often a worker may be killed over its start before the server is given up: gunicorn never does.
const DEATHS: usize = 3;

/// What the lines of a server that is still not ready say of its workers, if they are killed again and again.
pub fn explain_deaths(lines: &[&str]) -> Option<Failure> {
    let signals: Vec<&str> = lines.iter().filter_map(|line| signal(line)).collect();
    let last = signals.last().filter(|_| signals.len() >= DEATHS)?;
    Some(match *last {
        "SIGKILL" => {
            Failure::new(Blame::Code, message!("deployment.killed-over-start", count = signals.len()))
                .with_fix(message!("deployment.killed-over-start.fix"))
        }
        signal => Failure::new(
            Blame::Code,
            message!("deployment.dies-over-start", count = signals.len(), signal = signal),
        )
        .with_fix(message!("deployment.dies-over-start.fix")),
    })
}

/// `SIGKILL` of `Worker (pid:9) was sent SIGKILL! Perhaps out of memory?`
fn signal(line: &str) -> Option<&str> {
    line.split_once("Worker (pid:")?.1.split_once(") was sent ")?.1.split_once('!').map(|(signal, _)| signal)
}

/// What an answer says of a script that took too long.
pub fn explain_slow(answer: &str) -> Option<Failure> {
    let at = answer.find("Scoring timeout after ")?;
    let said = answer[at..].trim_end_matches(['}', '"', '\n']);
    Some(
        Failure::new(Blame::Code, message!("deployment.run-slow", answer = said))
            .with_fix(message!("deployment.run-slow.fix")),
    )
}

/// Why a request was answered with a failure, by the last one that the server's log tells of.
pub fn explain_answer(service: &Service, lines: &[&str]) -> Option<Failure> {
    let last = lines.iter().rposition(|line| line.contains("Encountered Exception"))?;
    let lines = &lines[last..];
    if let Some(raised) = service.entry.as_deref().and_then(|entry| raised(lines, entry)) {
        let place = format!("{}:{}", short(&raised.file), raised.line);
        let what = message!("deployment.run-raised", place = place, error = raised.error);
        return Some(
            Failure::new(Blame::Code, what)
                .with_detail(raised.lines)
                .with_fix(message!("deployment.run-raised.fix", place = place)),
        );
    }
    let unwritable = lines.iter().find(|line| line.contains("is not JSON serializable"))?;
    let cause = unwritable.trim().trim_start_matches("TypeError: ");
    Some(
        Failure::new(Blame::Code, message!("deployment.answer-unwritable", cause = cause))
            .with_fix(message!("deployment.answer-not-json.fix")),
    )
}

/// What the lines of a server that does not come up say.
pub fn explain(service: &Service, image: Option<&ImageFacts>, lines: &[&str]) -> Option<Failure> {
    let said = |text: &str| lines.iter().any(|line| line.contains(text));
    // The kernel's words, with the capital letter of the engine's init or without.
    if said("xec format error") {
        let architecture = image.map_or("another architecture", |image| image.architecture.as_str());
        return Some(
            Failure::new(Blame::User, message!("deployment.architecture", architecture = architecture))
                .with_fix(message!("deployment.architecture.fix")),
        );
    }
    // With quotes where it is the package of a module that was asked for.
    let missing = ["azureml_inference_server_http", "'azureml_inference_server_http'"];
    if missing.iter().any(|name| said(&format!("No module named {name}"))) {
        return Some(
            Failure::new(Blame::User, message!("deployment.no-server"))
                .with_fix(message!("deployment.no-server.fix")),
        );
    }
    for function in ["init", "run"] {
        if said(&format!("does not have a {function}() function defined")) {
            let script = service.entry.as_deref().map_or("the entry script", short);
            let what = message!("deployment.no-function", script = script, function = function);
            return Some(
                Failure::new(Blame::Code, what)
                    .with_fix(message!("deployment.no-function.fix", function = function)),
            );
        }
    }
    let raised = service.entry.as_deref().and_then(|entry| raised(lines, entry))?;
    let place = format!("{}:{}", short(&raised.file), raised.line);
    let what = match raised.function.as_deref() {
        Some("init") => message!("deployment.init-raised", place = place, error = raised.error),
        _ => message!("deployment.script-raised", place = place, error = raised.error),
    };
    Some(
        Failure::new(Blame::Code, what).with_detail(raised.lines).with_fix(message!("deployment.raised.fix")),
    )
}

/// What it means that a server answers and the start hook never reported from it.
pub fn explain_unseen(debuggee: &Debuggee) -> Failure {
    Failure::new(Blame::Environment, message!("deployment.unseen", root = debuggee.remote_root))
        .with_fix(message!("deployment.unseen.fix"))
}

/// Where the user's code stands in the container.
const ROOT: &str = "/var/azureml-app/";

/// The sentences on code that cannot be loaded, each with its place.
const PLACED: [&str; 3] = ["deployment.unreadable", "deployment.init-raised", "deployment.script-raised"];

/// A path in the container as the user knows it.
fn short(path: &str) -> &str {
    path.strip_prefix(ROOT).unwrap_or(path)
}

/// An exception that the user's code let through.
struct Raised {
    file: String,
    line: String,
    /// Absent where Python could not even read the file.
    function: Option<String>,
    error: String,
    /// The traceback from the user's code on.
    lines: Vec<String>,
}

/// The exception of the last traceback that goes through the user's code. Python names the causes first, so
/// the first frame of the user's in the first traceback of a boot is where it began.
fn raised(lines: &[&str], entry: &str) -> Option<Raised> {
    let is_entry = |line: &&str| frame(line).is_some_and(|(file, _, _)| file == entry);
    let last = lines.iter().rposition(is_entry)?;
    // Several frames of the same traceback may be the user's; the one before its own call is the outermost.
    let start = lines[..last].iter().rposition(|line| line.contains("Traceback (most recent call last)"));
    let first = start.unwrap_or(0) + lines[start.unwrap_or(0)..=last].iter().position(is_entry)?;
    let is_end = |line: &&str| !line.is_empty() && !line.starts_with(' ');
    let end = first + lines[first..].iter().position(is_end)?;
    let (file, line, function) = frame(lines[first])?;
    Some(Raised {
        file: file.to_owned(),
        line: line.to_owned(),
        function: function.map(str::to_owned),
        error: lines[end].to_owned(),
        lines: lines[first..=end].iter().map(|line| (*line).to_owned()).collect(),
    })
}

/// File, line and function of `  File "/a.py", line 5, in init`.
fn frame(line: &str) -> Option<(&str, &str, Option<&str>)> {
    let (file, rest) = line.trim_start().strip_prefix("File \"")?.split_once("\", line ")?;
    match rest.split_once(", in ") {
        Some((number, function)) => Some((file, number, Some(function))),
        None => Some((file, rest.trim(), None)),
    }
}

/// Reads the user's code as Python would, and if it can be read, ends the server's workers: the server starts
/// new ones, which load it. Prints what came of it in the words of [`read_restart`].
///
/// `attended`: a debugger waits for the new worker, so the new worker waits for it.
pub fn restart_command(service: &Service, code: &str, attended: bool) -> Vec<String> {
    let line =
        "python=$(command -v python || command -v python3) || exit 127; exec \"$python\" -I -S -c \"$@\"";
    let entry = service.entry.clone().unwrap_or_default();
    let mail = crate::debuggee::MAILBOX;
    let attended = if attended { "1" } else { "" };
    ["sh", "-c", line, "aml-debug", RESTART, &entry, code, mail, attended].map(str::to_owned).to_vec()
}

const RESTART: &str = include_str!("../python/restart.py");

/// What came of a restart.
#[derive(Debug, Clone, PartialEq)]
pub enum Restart {
    /// The old workers are gone.
    Done,
    /// The code cannot be loaded; nothing was touched.
    Refused(Failure),
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Said {
    Ended(#[expect(dead_code, reason = "only for whoever reads the stream")] Vec<u32>),
    Unreadable {
        file: String,
        line: u32,
        error: String,
        text: String,
    },
    /// The entry script is not there any more.
    Gone(String),
}

/// Reads what [`restart_command`] prints.
///
/// # Errors
/// It printed something else: the container has no Python, or no server.
pub fn read_restart(said: &str, complaint: &str) -> Result<Restart, Failure> {
    match serde_json::from_str(said.trim()) {
        Ok(Said::Ended(_)) => Ok(Restart::Done),
        Ok(Said::Unreadable { file, line, error, text }) => {
            let place = format!("{}:{line}", short(&file));
            let what = message!("deployment.unreadable", place = place, error = error);
            let line = (!text.trim().is_empty()).then(|| text.trim_end().to_owned());
            let fix = message!("deployment.unreadable.fix");
            Ok(Restart::Refused(Failure::new(Blame::Code, what).with_detail(line).with_fix(fix)))
        }
        Ok(Said::Gone(file)) => {
            let what = message!("deployment.code-gone", file = short(&file));
            let fix = message!("deployment.code-gone.fix");
            Ok(Restart::Refused(Failure::new(Blame::User, what).with_fix(fix)))
        }
        Err(_) => Err(Failure::new(Blame::Environment, message!("deployment.no-restart"))
            .with_detail(complaint.lines().map(str::to_owned))
            .with_fix(message!("deployment.no-restart.fix"))),
    }
}

/// File in the container and line from 1 of the code that cannot be loaded, if that is what a failure is about.
pub fn refused_line(failure: &Failure) -> Option<(String, u32)> {
    let what = &failure.what;
    let is_place = |name: &str| name == "place" && PLACED.contains(&what.id.as_str());
    let place = what.args.iter().find(|(name, _)| is_place(name))?.1.to_string();
    let (file, line) = place.rsplit_once(':')?;
    let file = if file.starts_with('/') { file.to_owned() } else { format!("{ROOT}{file}") };
    Some((file, line.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::deployment::HostPorts;
    use crate::spec::deployment::{Probe, Route, Routes};
    use expect_test::expect;

    fn service() -> Service {
        let route = || Route { port: 5001, path: "/".to_owned() };
        Service {
            endpoint: "iris".to_owned(),
            name: "blue".to_owned(),
            routes: Routes { liveness: route(), health: route(), scoring: route() },
            ports: HostPorts { scoring: 20001, health: 20001, liveness: 20001 },
            liveness_probe: Probe::default(),
            readiness_probe: Probe::default(),
            entry: Some("/var/azureml-app/src/score.py".to_owned()),
            keeps_user: false,
            has_workers: true,
        }
    }

    fn told(log: &str) -> String {
        let lines: Vec<&str> = log.lines().collect();
        let Some(failure) = explain(&service(), None, &lines) else { return "nothing".to_owned() };
        let detail: Vec<String> = failure.detail.iter().map(|line| format!("\n{line}")).collect();
        format!("{failure}{}", detail.concat())
    }

    #[test]
    fn the_cause_is_found_far_from_the_end_of_the_log() {
        let log = r#"2026-11-22 E [8] azmlinfsrv - Encountered Exception Traceback (most recent call last):
  File "/env/azureml_inference_server_http/server/user_script.py", line 119, in invoke_init
    self._user_init()
  File "/var/azureml-app/src/score.py", line 5, in init
    load()
    ^^^^^^
  File "/env/joblib.py", line 9, in load
    raise ValueError(path)
ValueError: no model here

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/env/azureml_inference_server_http/server/aml_blueprint.py", line 109, in setup
    self.user_script.invoke_init()
azureml_inference_server_http.server.user_script.UserScriptException: Caught an unhandled exception

Azure ML Inferencing HTTP server v1.5.1
Worker Count: 1"#;
        expect![[r#"
            init() failed at src/score.py:5: ValueError: no model here
              File "/var/azureml-app/src/score.py", line 5, in init
                load()
                ^^^^^^
              File "/env/joblib.py", line 9, in load
                raise ValueError(path)
            ValueError: no model here"#]]
        .assert_eq(&told(log));
    }

    #[test]
    fn of_several_edits_that_end_the_server_the_last_is_told() {
        let raised = "  File \"/var/azureml-app/src/score.py\", line 5, in init\nValueError: no model\n";
        let end = "[2026-11-22 10:00:00 +0000] [7] [ERROR] Reason: Worker failed to boot.\n";
        let absent = "User script at /x does not have a run() function defined.\n";
        let told = |log: String| {
            let lines: Vec<String> = log.lines().map(str::to_owned).collect();
            explain_boot(&service(), &lines).map(|failure| failure.to_string())
        };
        assert_eq!(
            told(format!("{absent}{end}{raised}{end}")).as_deref(),
            Some("init() failed at src/score.py:5: ValueError: no model")
        );
        assert_eq!(
            told(format!("{raised}{end}{absent}{end}")).as_deref(),
            Some("src/score.py has no function run()")
        );
        assert_eq!(told(raised.to_owned()), None, "the server has ended of something else");
    }

    #[test]
    fn the_last_failure_of_run_is_found_behind_earlier_ones() {
        let log = r#"2026-11-22 E [8] azmlinfsrv - Encountered Exception: Traceback (most recent call last):
  File "/env/azureml_inference_server_http/server/user_script.py", line 130, in invoke_run
    run_output = self._wrapped_user_run(**run_parameters)
  File "/var/azureml-app/src/score.py", line 9, in run
    values = json.loads(raw_data)["values"]
KeyError: 'values'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
azureml_inference_server_http.server.user_script.UserScriptException: Caught an unhandled exception from the user script
2026-11-22 I [8] gunicorn.access - "POST /score HTTP/1.1" 500"#;
        let told = |log: &str| {
            let lines: Vec<&str> = log.lines().collect();
            explain_answer(&service(), &lines).map_or_else(String::new, |failure| {
                let fix = failure.fix.as_ref().map(ToString::to_string).unwrap_or_default();
                format!("{failure} | {} | {fix}", failure.detail.join(" | "))
            })
        };
        let later = "\nE [8] azmlinfsrv - Encountered Exception: Traceback (most recent call last):\n  File \"/env/json.py\", line 1, in dumps\nTypeError: Object of type set is not JSON serializable";
        expect![[r#"
            run() failed at src/score.py:9: KeyError: 'values' |   File "/var/azureml-app/src/score.py", line 9, in run |     values = json.loads(raw_data)["values"] | KeyError: 'values' | correct it or the request; to look around there: aml-debug deploy FILE --break src/score.py:9 --request REQUEST
            run() returned what JSON cannot carry: Object of type set is not JSON serializable |  | run() has to return what JSON can carry: a list, a dict, a number, a string"#]].assert_eq(&format!("{}\n{}", told(log), told(&format!("{log}{later}"))));
        assert_eq!(told("I [8] gunicorn.access - \"POST /score HTTP/1.1\" 500"), "");
    }

    #[test]
    fn workers_that_die_over_their_start_again_and_again_are_told() {
        let line = |signal: &str| {
            format!("[2026-11-22 10:00:00 +0000] [7] [ERROR] Worker (pid:9) was sent {signal}! Perhaps")
        };
        let told = |signals: &[&str]| {
            let lines: Vec<String> = signals.iter().map(|signal| line(signal)).collect();
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            explain_deaths(&lines).map_or_else(String::new, |failure| failure.to_string())
        };
        assert_eq!(told(&["SIGKILL", "SIGKILL"]), "");
        expect![[r#"
            the kernel killed the server's worker 3 times before it was ready: no memory was left
            the server's worker crashed 4 times before it was ready, the last time of SIGSEGV"#]]
        .assert_eq(&[told(&["SIGKILL"; 3]), told(&["SIGSEGV"; 4])].join("\n"));
    }

    #[test]
    fn code_that_cannot_be_loaded_is_found_at_its_line_wherever_it_stands() {
        let line = |file: &str| {
            let said = format!(
                r#"{{"unreadable": {{"file": "{file}", "line": 7, "error": "SyntaxError", "text": ""}}}}"#
            );
            match read_restart(&said, "") {
                Ok(Restart::Refused(failure)) => refused_line(&failure),
                other => panic!("{other:?}"),
            }
        };
        let inside = "/var/azureml-app/src/score.py";
        assert_eq!(line(inside), Some((inside.to_owned(), 7)));
        assert_eq!(line("/opt/code/score.py"), Some(("/opt/code/score.py".to_owned(), 7)));
        let what = message!("deployment.init-raised", place = "src/score.py:6", error = "ValueError");
        assert_eq!(refused_line(&Failure::new(Blame::Code, what)), Some((inside.to_owned(), 6)));
        assert_eq!(refused_line(&Failure::new(Blame::Code, message!("deployment.no-restart"))), None);
        let told = |said: &str| match read_restart(said, "") {
            Ok(Restart::Refused(failure)) => {
                format!("{failure} | {}", failure.fix.as_ref().map(ToString::to_string).unwrap_or_default())
            }
            other => panic!("{other:?}"),
        };
        let broken = r#"{"unreadable": {"file": "/var/azureml-app/src/score.py", "line": 7, "error": "SyntaxError: invalid syntax", "text": ""}}"#;
        let gone = r#"{"gone": "/var/azureml-app/src/score.py"}"#;
        expect![[r#"
            src/score.py:7: SyntaxError: invalid syntax | correct it and save; until then the server answers with the code from before
            the container does not see src/score.py any more | it was moved or deleted, or its folder was: one of the same name in its place is another one to the container; with the code where the spec names it, deploy again: aml-debug deploy FILE"#]]
        .assert_eq(&format!("{}\n{}", told(broken), told(gone)));
    }

    #[test]
    fn every_reason_not_to_come_up_has_words_of_its_own() {
        let logs = [
            "  File \"/var/azureml-app/src/score.py\", line 3\n    def run(\n           ^\nSyntaxError: '(' was never closed",
            "  File \"/var/azureml-app/src/score.py\", line 1, in <module>\n    import sklearn\nModuleNotFoundError: No module named 'sklearn'",
            "UserScriptError: User script at /x does not have a init() function defined.",
            "/usr/bin/python: Error while finding module specification for 'azureml_inference_server_http.amlserver' (ModuleNotFoundError: No module named 'azureml_inference_server_http')",
            "[FATAL tini (8)] exec /bin/sh failed: Exec format error",
            "killed",
        ];
        let seen: Vec<String> =
            logs.iter().map(|log| told(log).lines().next().unwrap_or_default().to_owned()).collect();
        expect![[r#"
            the entry script cannot be loaded, at src/score.py:3: SyntaxError: '(' was never closed
            the entry script cannot be loaded, at src/score.py:1: ModuleNotFoundError: No module named 'sklearn'
            src/score.py has no function init()
            the inference server is not in the image
            the image is made for another architecture, which this machine cannot run
            nothing"#]]
        .assert_eq(&seen.join("\n"));
    }
}
