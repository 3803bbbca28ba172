//! The story of an editor, told against the real container engine and the real debugpy.

use crate::editor::{Editor, LONG};
use crate::ground::Ground;
use crate::third_party::DapClient;
use engine::ledger::ImageRecord;
use serde_json::{Value, json};
use sidecar::store::Store;
use std::fs;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// A loop that a debugger can enter and leave.
const COUNTING: &str = r#"import time

print("counting", flush=True)
for number in range(100000):
    square = number * number
    time.sleep(0.02)
"#;

/// The line of `COUNTING` where `number` is known and `square` is not yet its own.
const SQUARE: u32 = 5;

/// Stops at the breakpoint and answers with the thread that did.
fn stop(client: &mut DapClient, stopped: crate::third_party::Call, line: u32) -> Value {
    let event = client.end(stopped);
    let thread = event["body"]["threadId"].clone();
    assert_eq!(client.frame(&thread)["line"], line);
    thread
}

fn start_debugging(editor: &mut Editor, spec: &str) -> (Value, Value) {
    let begin = Instant::now();
    let run = editor.ask("aml/startRun", json!({"spec": spec, "debug": true}))["run"].clone();
    assert!(begin.elapsed() < Duration::from_secs(1), "startRun waited {:?}", begin.elapsed());
    let ready = editor.hear("aml/debugReady", |ready| ready["run"] == run);
    (run, ready)
}

#[test]
fn an_editor_debugs_a_run_and_somebody_elses_client_does_the_stopping() {
    let ground = Ground::new();
    let (spec, script) = ground.job("counting", COUNTING);
    let folder = ground.project().join("counting");
    let mut editor = ground.editor();
    editor.initialize();

    let (run, ready) = start_debugging(&mut editor, &spec);
    let waiting = editor.hear_state(&run, "waiting");
    assert_eq!(waiting["gatewayPort"], ready["port"]);
    assert_eq!(waiting["mapping"]["localRoot"], folder.join("src").to_str().unwrap());

    // The entry that the editor gets is the one that launch.json has.
    let written = editor.ask("aml/attach", json!({"run": run}));
    assert_eq!(written["configuration"], ready["configuration"]);
    assert_eq!(written["changed"], true);
    let launch = fs::read_to_string(written["launchJson"].as_str().unwrap()).unwrap();
    let launch: Value = serde_json::from_str(&launch).unwrap();
    assert_eq!(launch["configurations"], json!([ready["configuration"]]));
    assert_eq!(editor.ask("aml/attach", json!({"run": run}))["changed"], false);

    // Somebody else's client stops where it was told to, looks, steps and goes on.
    let mut client = DapClient::connect(&ready["configuration"]);
    let stopped = client.begin("waitForEvent", json!(["stopped"]));
    client.go(&ready["configuration"], &folder, &[(&script, &[SQUARE])]);
    let thread = stop(&mut client, stopped, SQUARE);
    assert_eq!(client.frame(&thread)["source"]["path"], script);
    editor.hear_state(&run, "paused");
    assert_eq!(client.locals(&thread)["number"], "0");
    let frame = client.frame(&thread)["id"].clone();
    let evaluated = client.call(
        "evaluateRequest",
        json!([{"expression": "number + 41", "frameId": frame, "context": "watch"}]),
    );
    assert_eq!(evaluated["body"]["result"], "41");
    let stopped = client.begin("waitForEvent", json!(["stopped"]));
    client.call("nextRequest", json!([{"threadId": thread}]));
    let thread = stop(&mut client, stopped, SQUARE + 1);
    assert_eq!(client.locals(&thread)["square"], "0");
    let stopped = client.begin("waitForEvent", json!(["stopped"]));
    client.call("continueRequest", json!([{"threadId": thread}]));
    let thread = stop(&mut client, stopped, SQUARE);
    assert_eq!(client.locals(&thread)["number"], "1");

    // One debugger at a time; the second is told so, and the first keeps its session.
    let mut second = DapClient::connect(&ready["configuration"]);
    let said = second.refused("initializeRequest", json!([]));
    assert!(said.contains("debugger"), "{said}");
    assert_eq!(client.frame(&thread)["line"], SQUARE);

    // It leaves, the run goes on without it, and it comes back.
    client.call("disconnectRequest", json!([{"restart": false, "terminateDebuggee": false}]));
    drop(client);
    editor.hear_state(&run, "running");
    let mut client = DapClient::connect(&ready["configuration"]);
    let stopped = client.begin("waitForEvent", json!(["stopped"]));
    client.go(&ready["configuration"], &folder, &[(&script, &[SQUARE])]);
    let thread = stop(&mut client, stopped, SQUARE);
    assert_ne!(client.locals(&thread)["number"], "1");
    editor.hear_state(&run, "paused");

    // Its Stop button ends the run, and the run says that it was ended.
    let terminated = client.begin("waitForEvent", json!(["terminated"]));
    client.call("terminateRequest", json!([{}]));
    client.end(terminated);
    let ended = editor.hear_state(&run, "cancelled");
    assert_eq!((&ended["failure"]["blame"], &ended["gatewayPort"]), (&json!("cancelled"), &Value::Null));
    assert_eq!(ground.containers(), [] as [String; 0]);
    assert_eq!(editor.ask("aml/showRun", json!({"run": run})), ended);

    rerun_and_cancel_while_paused(&ground, &mut editor, &run, &script);
    what_is_left(&ground, &mut editor, &run);
}

fn rerun_and_cancel_while_paused(ground: &Ground, editor: &mut Editor, earlier: &Value, script: &str) {
    let again = editor.ask("aml/rerun", json!({"run": earlier}))["run"].clone();
    assert_ne!(again, *earlier);
    let ready = editor.hear("aml/debugReady", |ready| ready["run"] == again);
    let mut client = DapClient::connect(&ready["configuration"]);
    let stopped = client.begin("waitForEvent", json!(["stopped"]));
    client.go(&ready["configuration"], &ground.project().join("counting"), &[(script, &[SQUARE])]);
    stop(&mut client, stopped, SQUARE);
    editor.hear_state(&again, "paused");
    let terminated = client.begin("waitForEvent", json!(["terminated"]));
    let begin = Instant::now();
    assert_eq!(editor.ask("aml/cancelRun", json!({"run": again})), json!({"run": again}));
    editor.hear_state(&again, "stopping");
    editor.hear_state(&again, "cancelled");
    // The process is told to end and does, without the whole of its grace.
    assert!(begin.elapsed() < Duration::from_secs(20), "cancelling took {:?}", begin.elapsed());
    client.end(terminated);
    assert_eq!(ground.containers(), [] as [String; 0]);
    let too_late = editor.refused("aml/cancelRun", json!({"run": again}));
    assert_eq!(too_late["data"]["failure"]["what"]["id"], "cancel.ended");
}

fn what_is_left(ground: &Ground, editor: &mut Editor, run: &Value) {
    let runs = editor.ask("aml/listRuns", json!({}))["runs"].clone();
    assert_eq!(runs.as_array().unwrap().len(), 2);
    assert_eq!(runs[1]["run"], *run, "newest first");
    assert_eq!(editor.ask("aml/listRuns", json!({"experiment": "nothing"})), json!({"runs": []}));

    let log = editor.ask("aml/readLog", json!({"run": run, "log": "driver"}));
    assert!(log["text"].as_str().unwrap().starts_with("counting\n"), "{log}");
    let line = editor.hear("aml/logAppended", |grown| grown["run"] == *run && grown["log"] == "driver");
    assert_eq!((&line["lines"][0], &line["offset"]), (&json!("counting"), &json!(0)));
    let rest = json!({"run": run, "log": "driver", "offset": line["nextOffset"]});
    assert!(!editor.ask("aml/readLog", rest)["text"].as_str().unwrap().contains("counting"));
    let unknown = editor.refused("aml/readLog", json!({"run": run, "log": "weather"}));
    assert_eq!(unknown["data"]["failure"]["what"]["id"], "log.unknown");

    let outputs = editor.ask("aml/listOutputs", json!({"run": run}));
    assert!(Path::new(outputs["folder"].as_str().unwrap()).starts_with(ground.home()));

    let unknown = editor.refused("aml/showRun", json!({"run": "nobody"}));
    assert_eq!((&unknown["code"], &unknown["data"]["failure"]["blame"]), (&json!(-32000), &json!("user")));
    assert_eq!(unknown["message"], unknown["data"]["failure"]["what"]["text"]);
    assert_eq!(editor.ask("aml/removeRun", json!({"run": run})), json!({"run": run}));
    assert!(!Path::new(outputs["folder"].as_str().unwrap()).exists());
    editor.refused("aml/showRun", json!({"run": run}));
}

#[test]
fn a_run_without_a_debugger_tells_what_it_does_and_what_it_left() {
    let ground = Ground::new();
    let script = "import os\nos.makedirs('outputs', exist_ok=True)\nopen('outputs/model.txt', 'w').write('fit')\n\
                  print('one')\nprint('zwölf')\nraise SystemExit(3)\n";
    let (spec, _) = ground.job("plain", script);
    let mut editor = ground.editor();
    editor.initialize();

    let broken = ground.write("broken/job.yml", "type: command\ncommand: echo ${{inputs.missing}}\n");
    let reports = editor.ask("aml/check", json!({"files": [spec, broken]}))["files"].clone();
    assert_eq!(
        (&reports[0]["kind"], &reports[0]["diagnostics"]),
        (&json!("commandjob"), &json!([])),
        "{reports}"
    );
    assert!(
        reports[1]["diagnostics"].as_array().unwrap().iter().any(|finding| finding["severity"] == "error"),
        "{reports}"
    );
    editor.refused("aml/check", json!({"files": [ground.project().join("nothing.yml")]}));

    let run = editor.ask("aml/startRun", json!({"spec": spec}))["run"].clone();
    let failed = editor.hear_state(&run, "failed");
    assert_eq!(failed["exitCode"], 3);
    assert_eq!(failed["failure"]["blame"], "code");
    let phases: Vec<&str> =
        failed["phases"].as_array().unwrap().iter().map(|phase| phase["name"].as_str().unwrap()).collect();
    assert_eq!(phases, ["resolve", "build", "create", "start", "run", "collect"]);
    let mut lines = Vec::new();
    while lines.len() < 2 {
        let grown = editor.hear("aml/logAppended", |grown| grown["log"] == "driver");
        lines.extend(grown["lines"].as_array().unwrap().iter().cloned());
    }
    assert_eq!(lines, ["one", "zwölf"]);
    let outputs = editor.ask("aml/listOutputs", json!({"run": run}));
    assert_eq!(outputs["files"], json!([{"path": "outputs/model.txt", "bytes": 3}]));

    // What is done for a run before its own code runs is told as well, and so is what was in the way.
    let nowhere = ground.write("nowhere.py", "print('never')");
    let params = json!({"spec": nowhere, "environment": "127.0.0.1:9/nobody/nothing:1"});
    let run = editor.ask("aml/startRun", params)["run"].clone();
    let grown = editor.hear("aml/logAppended", |grown| grown["run"] == run && grown["log"] == "control");
    assert!(grown["lines"][0].as_str().unwrap().contains("127.0.0.1:9/nobody/nothing:1"), "{grown}");
    let failed = editor.hear_state(&run, "failed");
    assert_eq!(failed["failure"]["what"]["id"], "docker.pull");
    assert_eq!(failed["failure"]["blame"], "environment");
    assert_eq!(ground.containers(), [] as [String; 0]);
}

#[test]
fn another_server_takes_over_what_a_killed_one_left_waiting_and_paused() {
    let ground = Ground::new();
    let (waiting_spec, waiting_script) = ground.job("waiting", COUNTING);
    let (paused_spec, paused_script) = ground.job("pausing", COUNTING);
    let mut editor = ground.editor();
    editor.initialize();
    let (waiting, _) = start_debugging(&mut editor, &waiting_spec);
    let (paused, ready) = start_debugging(&mut editor, &paused_spec);
    let mut client = DapClient::connect(&ready["configuration"]);
    let stopped = client.begin("waitForEvent", json!(["stopped"]));
    client.go(&ready["configuration"], &ground.project().join("pausing"), &[(&paused_script, &[SQUARE])]);
    let thread = stop(&mut client, stopped, SQUARE);
    assert_eq!(client.locals(&thread)["number"], "0");
    editor.hear_state(&paused, "paused");
    editor.kill();
    drop(client);
    assert_eq!(ground.containers().len(), 2);

    let mut editor = ground.editor();
    // Both are found again before the editor listens, and nothing of it is lost.
    std::thread::sleep(Duration::from_secs(4));
    editor.initialize();
    let ready = editor.hear("aml/debugReady", |ready| ready["run"] == paused);
    editor.hear_state(&paused, "paused");
    let other = editor.hear("aml/debugReady", |ready| ready["run"] == waiting);
    editor.hear_state(&waiting, "waiting");

    // Whoever attaches to the paused run is told that it stands, and where.
    let mut client = DapClient::connect(&ready["configuration"]);
    let stopped = client.begin("waitForEvent", json!(["stopped"]));
    client.go(&ready["configuration"], &ground.project().join("pausing"), &[(&paused_script, &[])]);
    let thread = stop(&mut client, stopped, SQUARE);
    assert_eq!(client.locals(&thread)["number"], "0");
    client.call("continueRequest", json!([{"threadId": thread}]));
    editor.hear_state(&paused, "running");

    // The other one has not begun yet.
    let mut second = DapClient::connect(&other["configuration"]);
    let stopped = second.begin("waitForEvent", json!(["stopped"]));
    second.go(&other["configuration"], &ground.project().join("waiting"), &[(&waiting_script, &[SQUARE])]);
    let thread = stop(&mut second, stopped, SQUARE);
    assert_eq!(second.locals(&thread)["number"], "0");

    for run in [&waiting, &paused] {
        editor.ask("aml/cancelRun", json!({"run": run, "atOnce": true}));
        editor.hear_state(run, "cancelled");
    }
    assert_eq!(ground.containers(), [] as [String; 0]);
}

#[test]
fn a_run_of_another_living_process_is_left_alone_and_can_be_cancelled() {
    let ground = Ground::new();
    let (spec, _) = ground.job("sleeping", "import time\nprint('asleep', flush=True)\ntime.sleep(600)\n");
    let mut owner = ground.editor();
    owner.initialize();
    let run = owner.ask("aml/startRun", json!({"spec": spec}))["run"].clone();
    owner.hear("aml/logAppended", |grown| grown["run"] == run && grown["lines"][0] == "asleep");

    let mut other = ground.editor();
    other.initialize();
    assert_eq!(other.ask("aml/listRuns", json!({}))["runs"][0]["state"], "running");
    other.refused("aml/removeRun", json!({"run": run}));
    other.ask("aml/cancelRun", json!({"run": run, "atOnce": true}));
    owner.hear_state(&run, "cancelled");
    assert_eq!(other.ask("aml/showRun", json!({"run": run}))["state"], "cancelled");
    assert_eq!(ground.containers(), [] as [String; 0]);
}

#[test]
fn a_server_that_was_there_before_the_engine_takes_over_when_the_engine_comes() {
    let ground = Ground::new();
    let (spec, _) = ground.job("sleeping", "import time\ntime.sleep(600)\n");
    let mut editor = ground.editor();
    editor.initialize();
    let (run, _) = start_debugging(&mut editor, &spec);
    editor.kill();

    let socket = ground.home().join("engine.sock");
    let address = format!("unix://{}", socket.display());
    let mut editor = Editor::start(ground.command().env("DOCKER_HOST", address));
    editor.initialize();
    editor.refused("aml/cancelRun", json!({"run": "nobody"}));
    // Nobody listens for it, so nobody is sent there.
    let shown = editor.ask("aml/showRun", json!({"run": run}));
    let says = json!([shown["state"], shown["gatewayPort"], shown["actions"]]);
    assert_eq!(says, json!(["waiting", null, ["cancel"]]));
    std::thread::sleep(Duration::from_secs(1));
    std::os::unix::fs::symlink(engine_socket(), &socket).unwrap();
    let taken_over = editor.hear("aml/runChanged", |run| run["gatewayPort"].is_u64());
    assert_eq!(taken_over["actions"], json!(["attach", "cancel"]));
    editor.ask("aml/cancelRun", json!({"run": run, "atOnce": true}));
    editor.hear_state(&run, "cancelled");
    assert_eq!(ground.containers(), [] as [String; 0]);
}

/// The socket of the machine's engine.
fn engine_socket() -> String {
    let host = std::env::var("DOCKER_HOST").unwrap_or_else(|_| "unix:///var/run/docker.sock".to_owned());
    host.strip_prefix("unix://").expect("the tests' engine is on this machine").to_owned()
}

/// Lines that a run prints, in the story of a run that does nothing but print.
const FLOOD: u64 = 100_000;

#[test]
fn a_flood_of_lines_arrives_whole_and_in_order_whether_the_editor_keeps_up_or_not() {
    let ground = Ground::new();
    let script = format!("for number in range({FLOOD}):\n    print(number, 'x' * 150)\n");
    let (spec, _) = ground.job("flood", &script);
    for keeps_up in [true, false] {
        let mut editor = ground.editor();
        editor.initialize();
        let run = editor.ask("aml/startRun", json!({"spec": spec}))["run"].clone();
        if !keeps_up {
            wait_until_completed(&ground, &run);
        }
        let (mut next, mut offset, mut batches) = (0, 0, 0);
        while next < FLOOD {
            let grown = editor.hear("aml/logAppended", |grown| grown["log"] == "driver");
            assert_eq!(grown["offset"], offset, "a batch begins where the one before ended");
            offset = grown["nextOffset"].as_u64().unwrap();
            for line in grown["lines"].as_array().unwrap() {
                assert_eq!(line.as_str().unwrap().split(' ').next(), Some(next.to_string().as_str()));
                next += 1;
            }
            batches += 1;
        }
        editor.hear_state(&run, "completed");
        let memory = editor.peak_memory();
        eprintln!("keeps up: {keeps_up}; {batches} batches, {memory} MiB at most");
        assert!(batches < FLOOD / 100, "{batches} batches for {FLOOD} lines");
        assert!(memory < 64, "{memory} MiB for {} MiB of lines", offset >> 20);
    }
}

/// Asks as another process would: the editor under test hears nothing of it.
fn wait_until_completed(ground: &Ground, run: &Value) {
    let begin = Instant::now();
    while begin.elapsed() < LONG {
        let shown =
            ground.command().args(["runs", "show", run.as_str().unwrap(), "--json"]).output().unwrap();
        if String::from_utf8_lossy(&shown.stdout).contains("\"completed\"") {
            return;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    panic!("{run} has not ended");
}

#[test]
fn the_example_stops_at_the_named_line_with_the_named_locals() {
    let ground = Ground::new();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/iris");
    let copy = ground.project();
    assert!(Command::new("cp").arg("-r").arg(&example).arg(&copy).status().unwrap().success());
    let script = copy.join("src/train.py").to_str().unwrap().to_owned();
    let text = fs::read_to_string(&script).unwrap();
    let line =
        1 + text.lines().position(|line| line.contains("accuracy = 1 - wrong / count")).unwrap() as u32;
    let mut editor = ground.editor();
    editor.initialize();

    let spec = copy.join("job.yml");
    let (run, ready) = start_debugging(&mut editor, spec.to_str().unwrap());
    let mut client = DapClient::connect(&ready["configuration"]);
    let stopped = client.begin("waitForEvent", json!(["stopped"]));
    client.go(&ready["configuration"], &copy, &[(&script, &[line])]);
    let thread = stop(&mut client, stopped, line);
    let locals = client.locals(&thread);
    assert_eq!(
        (locals["count"].as_str(), locals["wrong"].parse::<u32>().is_ok()),
        ("30", true),
        "{locals:?}"
    );
    client.call("continueRequest", json!([{"threadId": thread}]));
    let completed = editor.hear_state(&run, "completed");
    assert_eq!(completed["exitCode"], 0);
    let outputs = editor.ask("aml/listOutputs", json!({"run": run}));
    assert!(outputs["metrics"]["accuracy"].as_f64().unwrap() > 0.5, "{outputs}");
}

#[test]
fn an_editor_in_japanese_reads_findings_fixes_and_meanings_in_japanese() {
    let ground = Ground::without_engine();
    let file = ground.write("job.yml", "");
    let uri = format!("file://{file}");
    let text = "type: command\ncommand: [x]\nenviroment: azureml:e:1\n";
    let mut editor = ground.editor();
    let hello = json!({"processId": std::process::id(), "locale": "ja", "capabilities": {}});
    editor.ask("initialize", hello);
    editor.notify("initialized", json!({}));
    let document = json!({"uri": uri, "languageId": "yaml", "version": 1, "text": text});
    editor.notify("textDocument/didOpen", json!({"textDocument": document}));

    let told = editor.hear("textDocument/publishDiagnostics", |told| told["uri"] == uri.as_str());
    let finding = |id: &str| {
        let findings = told["diagnostics"].as_array().unwrap();
        findings
            .iter()
            .find(|finding| finding["code"] == id)
            .unwrap_or_else(|| panic!("{id}: {told}"))
            .clone()
    };
    let wrong = finding("spec.wrong-type");
    assert_eq!(wrong["message"], "テキストが必要ですが、リストがあります。");
    assert_eq!(wrong["data"]["text"], "Expected text, found a list.");
    assert_eq!(wrong["data"]["parts"][0][1]["id"], "spec.kind.list");

    let range = finding("spec.unknown-key.near")["range"].clone();
    let place = json!({"textDocument": {"uri": uri}, "range": range, "context": {"diagnostics": []}});
    let fixes = editor.ask("textDocument/codeAction", place);
    assert_eq!(fixes[0]["title"], "\"enviroment\" を \"environment\" に置き換える");
    let place = json!({"textDocument": {"uri": uri}, "position": {"line": 1, "character": 2}});
    let meaning = editor.ask("textDocument/hover", place)["contents"]["value"].to_string();
    assert!(meaning.contains("**command** (必須): テキスト"), "{meaning}");
    assert!(meaning.contains("コード フォルダーで実行するシェル コマンド。"), "{meaning}");
}

#[test]
fn an_engine_that_hangs_does_not_hold_up_the_list_of_images() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("hangs.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || {
        // It takes every connection and never answers.
        let _open: Vec<_> = listener.incoming().collect();
    });
    let ground = Ground::with_engine(&socket);
    let mut store = Store::open(&ground.home()).unwrap();
    for number in 0..30 {
        let name = format!("aml-debug/env:{number}").as_str().into();
        let base = "base:1".into();
        let image = ImageRecord { name, base, parts: [].into(), built_ms: 1, used_ms: 1, size: 1 };
        store.record_image(&image).unwrap();
    }
    drop(store);
    let mut editor = ground.editor();
    editor.initialize();
    let mut list = || {
        let begin = Instant::now();
        let listed = editor.ask("aml/listImages", json!({}))["images"].clone();
        let images = listed.as_array().unwrap();
        assert!(images.len() == 30 && images.iter().all(|image| image["missing"].is_null()), "{listed}");
        begin.elapsed()
    };
    let first = list();
    assert!(first < Duration::from_secs(3), "{first:?}");
    // A tree that is drawn again and again waits for the same question, and not again.
    let again: Duration = (0..10).map(|_| list()).sum();
    assert!(again < Duration::from_secs(2), "{again:?}");
}
