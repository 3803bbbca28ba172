//! Steps that run on nodes, as an editor asks for them: the convention in a script, the variant of a pipeline, and the log
//! of a step that cannot be reached.

use crate::editor::Editor;
use crate::ground::Ground;
use serde_json::{Value, json};
use std::fs;

const SCRIPT: &str = "\
import argparse

parser = argparse.ArgumentParser()
args = parser.parse_args()
print('läuft')";

#[test]
fn a_script_gets_the_convention_and_loses_it_again_by_edits_that_are_shown_first() {
    let ground = Ground::without_engine();
    let uri = format!("file://{}", ground.write("train.py", SCRIPT));
    let mut editor = ground.editor();
    editor.initialize();
    editor.notify(
        "textDocument/didOpen",
        json!({"textDocument": {"uri": uri, "languageId": "python", "version": 1, "text": SCRIPT}}),
    );
    let (title, instrumented) = edited(&mut editor, &uri, SCRIPT);
    assert_eq!(title, "Add remote debugging (Azure ML)");
    assert!(instrumented.contains("--remote_debug_connection_timeout"), "{instrumented}");
    editor.notify(
        "textDocument/didChange",
        json!({"textDocument": {"uri": uri, "version": 2}, "contentChanges": [{"text": instrumented}]}),
    );
    let (title, original) = edited(&mut editor, &uri, &instrumented);
    assert_eq!((title.as_str(), original.as_str()), ("Take remote debugging out again (Azure ML)", SCRIPT));
}

/// The one action on a script and what it makes of the text.
fn edited(editor: &mut Editor, uri: &str, text: &str) -> (String, String) {
    let nowhere = json!({"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}});
    let params = json!({"textDocument": {"uri": uri}, "range": nowhere, "context": {"diagnostics": []}});
    let actions = editor.ask("textDocument/codeAction", params);
    let [action] = actions.as_array().unwrap().as_slice() else { panic!("{actions}") };
    assert_eq!(action["kind"], "refactor.rewrite.amlDebug");
    let edit = &action["edit"];
    let annotations = edit["changeAnnotations"].as_object().unwrap();
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    for edit in edit["documentChanges"][0]["edits"].as_array().unwrap().iter().rev() {
        assert_eq!(annotations[edit["annotationId"].as_str().unwrap()]["needsConfirmation"], true);
        let line = |end: &str| usize::try_from(edit["range"][end]["line"].as_u64().unwrap()).unwrap();
        // Whole lines, but for a last one without an end.
        let to_the_end = edit["range"]["end"]["character"] != 0;
        lines.splice(
            line("start")..line("end") + usize::from(to_the_end),
            [edit["newText"].as_str().unwrap().to_owned()],
        );
    }
    (action["title"].as_str().unwrap().to_owned(), lines.concat())
}

#[test]
fn a_pipeline_names_its_steps_and_gets_a_variant_beside_it() {
    let ground = Ground::without_engine();
    ground.write("src/train.py", "print('hello')\n");
    let step = |name: &str| {
        format!(
            "  {name}:\n    type: command\n    code: src\n    command: python train.py\n    compute: azureml:c\n    \
             environment:\n      image: debian\n      conda_file: ../conda.yml\n"
        )
    };
    ground.write("../conda.yml", "dependencies: [python=3.11, pip]\n");
    let text = format!("type: pipeline\njobs:\n{}{}", step("prep"), step("train"));
    let file = ground.write("pipeline.yml", &text);
    let mut editor = ground.editor();
    editor.initialize();
    let report = editor.ask("aml/check", json!({"files": [file]}))["files"][0].clone();
    assert_eq!(
        (&report["steps"], &report["deployable"]),
        (&json!(["prep", "train"]), &json!(false)),
        "{report}"
    );
    let uri = format!("file://{file}");
    editor.notify(
        "textDocument/didOpen",
        json!({"textDocument": {"uri": uri, "languageId": "yaml", "version": 1, "text": text}}),
    );
    let lenses = editor.ask("textDocument/codeLens", json!({"textDocument": {"uri": uri}}));
    let of_steps: Vec<(&Value, &Value)> = lenses
        .as_array()
        .unwrap()
        .iter()
        .filter(|lens| lens["command"]["command"] == "amlDebug.debugStep")
        .map(|lens| (&lens["range"]["start"]["line"], &lens["command"]["arguments"][1]))
        .collect();
    assert_eq!(of_steps, [(&json!(2), &json!("prep")), (&json!(10), &json!("train"))], "{lenses}");
    let made = editor.ask("aml/variant", json!({"file": file, "steps": ["train"], "wait": 60}));
    let variant = fs::read_to_string(made["file"].as_str().unwrap()).unwrap();
    assert!(
        made["file"].as_str().unwrap().ends_with("pipeline.debug.yml") && variant.contains("60"),
        "{variant}"
    );
    assert!(made["files"].as_array().unwrap().iter().any(|one| one["from"] == *file), "{made}");
    assert_eq!(made["ranks"], Value::Null, "{made}");
    let refused = editor.refused("aml/variant", json!({"file": file, "steps": ["fit"]}));
    assert_eq!(refused["data"]["failure"]["what"]["id"], "variant.no-step");
}

#[test]
fn of_a_distributed_step_the_variant_says_how_many_ranks_may_be_chosen() {
    let ground = Ground::without_engine();
    ground.write("src/train.py", "print('hello')\n");
    ground.write("conda.yml", "dependencies: [python=3.11, pip]\n");
    let file = ground.write(
        "pipeline.yml",
        "type: pipeline\njobs:\n  train:\n    type: command\n    code: src\n    command: python train.py\n    compute: azureml:c\n    \
         environment:\n      image: debian\n      conda_file: conda.yml\n    \
         distribution:\n      type: pytorch\n      process_count_per_instance: 2\n",
    );
    let mut editor = ground.editor();
    editor.initialize();
    let made = editor.ask("aml/variant", json!({"file": file, "steps": ["train"]}));
    assert_eq!(made["ranks"], 2, "{made}");
    let made = editor.ask("aml/variant", json!({"file": file, "steps": ["train"], "ranks": [1]}));
    let variant = fs::read_to_string(made["file"].as_str().unwrap()).unwrap();
    assert!(variant.contains("AML_REMOTE_DEBUG_RANK"), "{variant}");
}

#[test]
fn a_step_whose_node_has_no_address_says_so_and_one_that_gave_up_too() {
    let ground = Ground::without_engine();
    ground.write("src/train.py", "print('hello')\n");
    let log =
        ground.write("std_log.txt", "Timeout for debug connection: 60\nip_address: no-such-node.invalid\n");
    let code = ground.project().join("src").display().to_string();
    let mut editor = ground.editor();
    editor.initialize();
    let begun = editor.ask("aml/attachRemote", json!({"log": log, "code": code, "step": "train"}));
    let of = |state: &'static str, id: Value| move |step: &Value| step["id"] == id && step["state"] == state;
    editor.hear("aml/remoteChanged", of("following", begun["id"].clone()));
    let awaited = editor.hear("aml/remoteChanged", of("awaited", begun["id"].clone()));
    assert_eq!(awaited["address"], "no-such-node.invalid:5678", "{awaited}");
    assert!(awaited["waitEndsAt"].is_u64(), "{awaited}");
    let failed = editor.hear("aml/remoteChanged", of("failed", begun["id"].clone()));
    assert_eq!((&failed["cause"], &failed["entry"]), (&json!("notResolved"), &Value::Null), "{failed}");
    assert!(failed["failure"]["fix"]["text"].is_string(), "{failed}");
    let log = ground.write("70_driver_log.txt", "Debugger attached = False\n");
    let begun = editor.ask("aml/attachRemote", json!({"log": log, "code": code}));
    let failed = editor.hear("aml/remoteChanged", of("failed", begun["id"].clone()));
    assert_eq!(failed["cause"], "gaveUp", "{failed}");
    editor.ask("aml/leaveRemote", json!({"id": begun["id"]}));
}
