//! What an editor needs of the framework, row by row. No engine is needed for these, so there is none, or
//! one that never answers.

use crate::editor::{Editor, LONG};
use crate::ground::Ground;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// What has to be immediate is done within this even where the machine is busy with other things.
const AT_ONCE: Duration = Duration::from_secs(1);

/// An engine that takes every connection and never says a word, so that whoever asks it waits.
struct Silent {
    _folder: tempfile::TempDir,
    socket: PathBuf,
    connections: Receiver<UnixStream>,
}

impl Silent {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("engine.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let (sender, connections) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if sender.send(stream).is_err() {
                    return;
                }
            }
        });
        Self { _folder: folder, socket, connections }
    }

    /// An editor with so many requests in flight that wait for this engine, and their ids.
    fn kept_busy(&self, ground: &Ground, requests: usize) -> (Editor, Vec<i64>) {
        let mut editor = ground.editor();
        editor.initialize();
        let ids = (0..requests).map(|_| editor.request("aml/doctor", json!({}))).collect();
        let connections: Vec<UnixStream> =
            (0..requests).map(|_| self.connections.recv_timeout(AT_ONCE * 10).unwrap()).collect();
        // Held for as long as the test lasts.
        std::mem::forget(connections);
        (editor, ids)
    }
}

#[test]
fn the_server_says_who_it_is_what_it_can_and_what_it_does_not_know() {
    let ground = Ground::without_engine();
    let mut editor = ground.editor();
    let early = editor.refused("aml/listRuns", json!({}));
    assert_eq!(early["code"], -32002, "a request before initialize: {early}");

    let answer = editor.initialize();
    assert_eq!(answer["serverInfo"], json!({"name": "aml-debug", "version": env!("CARGO_PKG_VERSION")}));
    let can = answer["capabilities"].as_object().expect("capabilities");
    assert_eq!(can["positionEncoding"], "utf-16");
    for known in ["completionProvider", "hoverProvider", "definitionProvider", "codeActionProvider"] {
        assert!(can.contains_key(known), "{known}: {can:?}");
    }
    assert!(!can.contains_key("renameProvider"), "{can:?}");
    assert_eq!(editor.refused("aml/noSuchThing", json!({}))["code"], -32601);
    assert_eq!(
        editor.refused(
            "textDocument/rename",
            json!({
                "textDocument": {"uri": "file:///x"},
                "position": {"line": 0, "character": 0},
                "newName": "y",
            })
        )["code"],
        -32601
    );
    assert_eq!(editor.refused("aml/showRun", json!({"run": 7}))["code"], -32602);
    assert_eq!(editor.refused("initialize", json!({"capabilities": {}}))["code"], -32600);
    assert_eq!(editor.ask("aml/listRuns", json!({})), json!({"runs": []}));
}

#[test]
fn exit_ends_the_process_while_stdin_stays_open() {
    let ground = Ground::without_engine();
    let mut editor = ground.editor();
    editor.initialize();
    assert_eq!(editor.ask("shutdown", Value::Null), Value::Null);
    assert_eq!(editor.refused("aml/listRuns", json!({}))["code"], -32600, "a request after shutdown");
    editor.notify("exit", Value::Null);
    let (status, _) = editor.wait(AT_ONCE).expect("exit ends the process");
    assert_eq!(status.code(), Some(0));
    assert_eq!(editor.stderr(), "");

    let mut rude = ground.editor();
    rude.initialize();
    rude.notify("exit", Value::Null);
    assert_eq!(rude.wait(AT_ONCE).expect("exit ends the process").0.code(), Some(1), "exit without shutdown");
}

#[test]
fn slow_requests_delay_nobody_and_can_be_cancelled() {
    let silent = Silent::new();
    let ground = Ground::with_engine(&silent.socket);
    let (mut editor, slow) = silent.kept_busy(&ground, 10);
    let begin = Instant::now();
    editor.ask("aml/listRuns", json!({}));
    assert!(begin.elapsed() < AT_ONCE, "ten slow requests delay another by {:?}", begin.elapsed());

    editor.notify("$/cancelRequest", json!({"id": slow[3]}));
    let cancelled = editor.answer(slow[3], AT_ONCE).expect("a cancelled request is answered");
    assert_eq!(cancelled["error"]["code"], -32800);
    for id in slow.iter().filter(|id| **id != slow[3]) {
        assert_eq!(editor.answer(*id, Duration::ZERO), None, "the other requests go on");
    }

    // More than any queue of the framework holds, while handlers wait.
    for number in 0..300 {
        editor.notify("$/setTrace", json!({"value": "off", "number": number}));
    }
    let begin = Instant::now();
    editor.ask("aml/listRuns", json!({}));
    assert!(begin.elapsed() < AT_ONCE, "a burst of notifications delays a request by {:?}", begin.elapsed());

    editor.close_input();
    let (status, took) =
        editor.wait(AT_ONCE).expect("the end of input ends a process with requests in flight");
    assert_eq!(status.code(), Some(0), "after {took:?}");
}

#[test]
fn the_doctor_names_an_engine_that_says_nothing_and_does_not_wait_for_it() {
    let silent = Silent::new();
    let ground = Ground::with_engine(&silent.socket);
    let (mut editor, asked) = silent.kept_busy(&ground, 1);
    let answer = editor.answer(asked[0], AT_ONCE * 15).expect("the doctor has seen enough");
    let findings = answer["result"]["findings"].as_array().unwrap();
    let engine = findings.iter().find(|finding| finding["subject"] == "engine").unwrap();
    assert_eq!((&engine["outcome"], &engine["what"]["id"]), (&json!("error"), &json!("docker.silent")));
    assert!(engine["fix"]["text"].is_string());
}

#[test]
fn requests_reach_the_owner_in_the_order_in_which_they_were_sent() {
    let ground = Ground::without_engine();
    let mut editor = ground.editor();
    editor.initialize();
    let ids: Vec<i64> =
        (0..100).map(|_| editor.request("aml/startRun", json!({"spec": "missing.yml"}))).collect();
    let runs: Vec<String> = ids
        .iter()
        .map(|id| editor.answer(*id, AT_ONCE * 10).unwrap()["result"]["run"].as_str().unwrap().to_owned())
        .collect();
    // A run's name carries the millisecond in which the owner made it.
    let made: Vec<&str> = runs.iter().map(|run| run.split('_').nth(1).unwrap()).collect();
    assert!(made.is_sorted(), "{made:?}");

    // What is told of a run is told in the order in which it happened, and its end is the last word.
    for run in runs {
        let run = json!(run);
        while editor.next_of(&run, LONG).expect("its end is told")["params"]["state"] != "failed" {}
        assert_eq!(editor.next_of(&run, Duration::ZERO), None, "something was said of a run after its end");
    }
}

#[test]
fn the_end_of_input_ends_an_idle_process() {
    let ground = Ground::without_engine();
    let mut editor = ground.editor();
    editor.initialize();
    editor.close_input();
    assert_eq!(editor.wait(AT_ONCE).expect("the end of input ends the process").0.code(), Some(0));

    let mut never_greeted = ground.editor();
    never_greeted.close_input();
    assert!(never_greeted.wait(AT_ONCE).is_some());
}

#[test]
fn an_editor_that_does_not_read_any_more_is_left_all_the_same() {
    let ground = Ground::without_engine();
    let mut editor = ground.editor();
    editor.initialize();
    // More than the pipe and the test read ahead.
    for number in 0..100 {
        editor.request("aml/startRun", json!({"spec": format!("{}{number}", "missing/".repeat(500))}));
    }
    std::thread::sleep(Duration::from_millis(500));
    editor.request("shutdown", Value::Null);
    editor.notify("exit", Value::Null);
    let (status, took) = editor.wait(AT_ONCE).expect("exit ends the process though nobody reads");
    assert_eq!(status.code(), Some(0), "after {took:?}");

    let mut editor = ground.editor();
    editor.initialize();
    editor.close_output();
    for _ in 0..2 {
        editor.request("aml/listRuns", json!({}));
        std::thread::sleep(Duration::from_millis(200));
    }
    assert!(editor.wait(AT_ONCE).is_some(), "it stays though nothing that it says can arrive");
}

#[test]
fn the_end_of_the_editors_process_ends_ours_though_stdin_stays_open() {
    let ground = Ground::without_engine();
    let mut parent = Command::new("sleep").arg("600").spawn().unwrap();
    let mut editor = ground.editor();
    editor.ask("initialize", json!({"processId": parent.id(), "capabilities": {}}));
    editor.notify("initialized", json!({}));
    editor.ask("aml/listRuns", json!({}));
    assert!(editor.wait(Duration::from_millis(300)).is_none(), "it stays while the editor does");
    parent.kill().unwrap();
    assert!(editor.wait(AT_ONCE).is_some(), "it stays though the editor is gone");
    parent.wait().unwrap();
}

#[test]
fn a_server_that_the_system_asks_to_end_ends_as_if_its_editor_had_left() {
    let ground = Ground::without_engine();
    let mut editor = ground.editor();
    editor.initialize();
    editor.ask("aml/listRuns", json!({}));
    editor.terminate();
    let (status, _) = editor.wait(AT_ONCE).expect("the signal ends the process");
    assert_eq!(status.code(), Some(0), "it died where it stood");
}

#[test]
fn what_is_not_the_protocol_is_answered_named_and_ends_the_process() {
    let ground = Ground::without_engine();
    for (said, code) in [
        ("Content-Length: 9\r\n\r\n{\"jsonrpc", -32700),
        ("Content-Length: 2\r\n\r\n[]", -32600),
        ("npm warn deprecated\r\n\r\n", -32700),
    ] {
        let mut editor = ground.editor();
        editor.initialize();
        editor.send_bytes(said.as_bytes());
        let answer = editor.next(AT_ONCE).unwrap_or_else(|| panic!("{said:?} is not answered"));
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&Value::Null, &json!(code)), "{said:?}");
        let (status, _) = editor.wait(AT_ONCE).expect("nobody knows where the next message begins");
        assert_eq!(status.code(), Some(1), "{said:?}");
        let stderr = editor.stderr();
        assert!(stderr.contains("failed to decode message"), "{said:?}: {stderr}");
        assert!(!stderr.contains('\u{1b}'), "colours are for terminals: {stderr:?}");
    }
}

#[test]
fn a_message_of_eight_mebibytes_is_read() {
    let ground = Ground::without_engine();
    let mut editor = ground.editor();
    editor.initialize();
    let begin = Instant::now();
    let padding = "x".repeat(8 << 20);
    assert_eq!(editor.ask("aml/listRuns", json!({"padding": padding})), json!({"runs": []}));
    assert!(begin.elapsed() < AT_ONCE * 3, "it took {:?}", begin.elapsed());
}

#[test]
fn a_store_that_cannot_be_opened_is_a_reason_and_not_a_dead_server() {
    let ground = Ground::without_engine();
    fs::create_dir_all(ground.home()).unwrap();
    let file = ground.home().join("store.sqlite");
    fs::write(&file, "this is no database, and it is longer than the header of one would be: ".repeat(9))
        .unwrap();
    let mut editor = ground.editor();
    editor.initialize();
    let error = editor.refused("aml/listRuns", json!({}));
    assert_eq!(error["code"], -32000);
    assert_eq!(error["data"]["failure"]["what"]["id"], "store.damaged", "{error}");
    assert!(error["data"]["failure"]["fix"]["text"].is_string(), "{error}");
    let findings = editor.ask("aml/doctor", json!({}))["findings"].clone();
    let store = findings.as_array().unwrap().iter().find(|finding| finding["subject"] == "store").unwrap();
    assert_eq!(store["outcome"], "error");

    fs::remove_file(&file).unwrap();
    assert_eq!(editor.ask("aml/listRuns", json!({})), json!({"runs": []}));
}
