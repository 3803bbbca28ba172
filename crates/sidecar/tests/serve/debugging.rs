//! What a debugger may ask of the gateway, asked by somebody else's client.

use crate::ground::Ground;
use crate::third_party::DapClient;
use serde_json::{Value, json};

const SUMS: &str = r#"import time

total = 0
for number in range(10):
    square = number * number
    total += square
try:
    int("not a number")
except ValueError:
    pass
raise RuntimeError("total is %d" % total)
"#;

/// Attaches without breakpoints; the caller sets them and lets the program go on.
fn begin(client: &mut DapClient, configuration: &Value) -> crate::third_party::Call {
    client.call("initializeRequest", json!([]));
    let initialized = client.begin("waitForEvent", json!(["initialized"]));
    let attached = client.begin("attachRequest", json!([configuration]));
    client.end(initialized);
    attached
}

fn lines(client: &mut DapClient, path: &str, breakpoints: Value) -> Value {
    let wanted = json!([{"source": {"path": path}, "breakpoints": breakpoints}]);
    client.call("setBreakpointsRequest", wanted)["body"]["breakpoints"].clone()
}

#[test]
fn conditions_log_points_and_exceptions_work_and_what_does_not_is_not_claimed() {
    let ground = Ground::new();
    let (spec, script) = ground.job("sums", SUMS);
    let mut editor = ground.editor();
    editor.initialize();
    let run = editor.ask("aml/startRun", json!({"spec": spec, "debug": true}))["run"].clone();
    let ready = editor.hear("aml/debugReady", |ready| ready["run"] == run);
    let mut configuration = ready["configuration"].clone();
    configuration["pathMappings"][0]["localRoot"] = json!(ground.project().join("sums/src"));

    let mut client = DapClient::connect(&configuration);
    let claimed = client.call("initializeRequest", json!([]))["body"].clone();
    assert_eq!(claimed["supportsRestartRequest"], false);
    for works in ["supportsTerminateRequest", "supportsConditionalBreakpoints", "supportsLogPoints"] {
        assert_eq!(claimed[works], true, "{works}");
    }
    let said = client.refused("customRequest", json!(["restart", {}]));
    assert!(said.contains("end the run and start it again"), "{said}");

    let initialized = client.begin("waitForEvent", json!(["initialized"]));
    let logged = client.begin("assertOutput", json!(["stdout", "total is now 1271"]));
    let attached = client.begin("attachRequest", json!([configuration]));
    client.end(initialized);
    let conditional = json!([
        {"line": 5, "condition": "number == 4"},
        {"line": 6, "hitCondition": "8"},
        {"line": 8, "logMessage": "total is now {total}"},
    ]);
    let set = lines(&mut client, &script, conditional);
    assert!(set.as_array().unwrap().iter().all(|one| one["verified"] == true), "{set}");
    client.call("setExceptionBreakpointsRequest", json!([{"filters": ["uncaught"]}]));
    let stopped = client.begin("waitForEvent", json!(["stopped"]));
    client.call("configurationDoneRequest", json!([]));
    client.end(attached);

    let thread = client.end(stopped)["body"]["threadId"].clone();
    assert_eq!((&client.frame(&thread)["line"], client.locals(&thread)["number"].as_str()), (&json!(5), "4"));
    // What is changed in the debugger is changed in the program.
    let frame = client.frame(&thread)["id"].clone();
    let evaluate =
        |expression: &str| json!([{"expression": expression, "frameId": frame, "context": "repl"}]);
    client.call("evaluateRequest", evaluate("total = 1000"));
    let wrong = client.refused("evaluateRequest", evaluate("nothing_of_this_name"));
    assert!(wrong.contains("NameError"), "{wrong}");

    let stopped = client.begin("waitForEvent", json!(["stopped"]));
    client.call("continueRequest", json!([{"threadId": thread}]));
    client.end(stopped);
    assert_eq!((&client.frame(&thread)["line"], client.locals(&thread)["number"].as_str()), (&json!(6), "7"));
    let stopped = client.begin("waitForEvent", json!(["stopped"]));
    client.call("continueRequest", json!([{"threadId": thread}]));
    let stop = client.end(stopped)["body"].clone();
    assert_eq!(
        (stop["reason"].as_str(), stop["description"].as_str()),
        (Some("exception"), Some("total is 1271"))
    );
    assert_eq!(client.frame(&thread)["line"], 11, "the one that is caught does not stop");
    client.end(logged);

    let ended = client.begin("waitForEvent", json!(["terminated"]));
    client.call("continueRequest", json!([{"threadId": thread}]));
    client.end(ended);
    assert_eq!(editor.hear_state(&run, "failed")["exitCode"], 1);
}

#[test]
fn a_file_that_the_mapping_misses_is_explained_and_reached_when_the_right_one_is_applied() {
    let ground = Ground::new();
    let (spec, script) = ground.job("sums", SUMS);
    let mut editor = ground.editor();
    editor.initialize();
    let run = editor.ask("aml/startRun", json!({"spec": spec, "debug": true}))["run"].clone();
    let ready = editor.hear("aml/debugReady", |ready| ready["run"] == run);
    let mut configuration = ready["configuration"].clone();
    // A mapping as people write it by hand: one folder too high.
    let remote = configuration["pathMappings"][0]["remoteRoot"].clone();
    configuration["pathMappings"][0]["localRoot"] = json!(ground.project().join("sums"));

    let mut client = DapClient::connect(&configuration);
    let changed = client.begin("waitForEvent", json!(["breakpoint"]));
    let attached = begin(&mut client, &configuration);
    let set = lines(&mut client, &script, json!([{"line": 5}]));
    assert_eq!(set[0]["verified"], false);
    let at_once = set[0]["message"].as_str().unwrap();
    let tried = format!("{}/src/", remote.as_str().unwrap());
    assert!(at_once.starts_with(&format!("The container has no {tried}")), "{at_once}");

    let changed = client.end(changed)["body"]["breakpoint"].clone();
    assert_eq!((&changed["id"], &changed["verified"]), (&set[0]["id"], &json!(false)));
    let proposed = editor.hear("aml/mappingProposed", |proposed| proposed["run"] == run);
    assert_eq!(changed["message"], proposed["message"]["text"]);
    assert_eq!(proposed["message"]["id"], "dap.path-elsewhere");
    assert_eq!((&proposed["remoteRoot"], &proposed["file"]), (&remote, &json!(script)));
    let local = ground.project().join("sums/src").display().to_string();
    assert_eq!(proposed["localRoot"], local);
    let log = editor.ask("aml/readLog", json!({"run": run, "log": "control", "offset": 0}));
    assert!(log["text"].as_str().unwrap().contains(proposed["message"]["text"].as_str().unwrap()), "{log}");

    let bound = client.begin("waitForEvent", json!(["breakpoint"]));
    let applied = json!({"run": run, "localRoot": local, "remoteRoot": remote});
    assert_eq!(editor.ask("aml/applyMapping", applied), json!({"run": run}));
    let bound = client.end(bound)["body"]["breakpoint"].clone();
    assert_eq!((&bound["id"], &bound["verified"], &bound["line"]), (&set[0]["id"], &json!(true), &json!(5)));
    let stopped = client.begin("waitForEvent", json!(["stopped"]));
    client.call("configurationDoneRequest", json!([]));
    client.end(attached);
    let thread = client.end(stopped)["body"]["threadId"].clone();
    assert_eq!(client.frame(&thread)["source"]["path"], script);

    let ended = client.begin("waitForEvent", json!(["terminated"]));
    client.call("terminateRequest", json!([{}]));
    client.end(ended);
    editor.hear_state(&run, "cancelled");
    let late = json!({"run": run, "localRoot": local, "remoteRoot": remote});
    let refused = editor.refused("aml/applyMapping", late);
    assert_eq!(refused["data"]["failure"]["what"]["id"], "mapping.no-gateway");
}
