//! What a debugger may ask of the gateway, asked by somebody else's client.

use crate::editor::Editor;
use crate::ground::Ground;
use crate::third_party::{Call, DapClient};
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

/// A run that stands before the first line of its script.
struct Waiting {
    run: Value,
    script: String,
    /// What an editor attaches by.
    configuration: Value,
}

impl Waiting {
    /// Starts a job of this script; `more` are parameters beside its spec.
    fn start(ground: &Ground, editor: &mut Editor, name: &str, text: &str, more: Value) -> Self {
        let (spec, script) = ground.job(name, text);
        editor.initialize();
        let mut params = json!({"spec": spec, "debug": true});
        params.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        let run = editor.ask("aml/startRun", params)["run"].clone();
        let ready = editor.hear("aml/debugReady", |ready| ready["run"] == run);
        let mut configuration = ready["configuration"].clone();
        configuration["pathMappings"][0]["localRoot"] = json!(ground.project().join(name).join("src"));
        Self { run, script, configuration }
    }
}

/// Attaches without breakpoints; the caller sets them and lets the program go on. What the gateway says that it
/// can, and the request that is answered when the program goes on.
fn begin(client: &mut DapClient, configuration: &Value) -> (Value, Call) {
    let claimed = client.call("initializeRequest", json!([]))["body"].clone();
    let initialized = client.begin("waitForEvent", json!(["initialized"]));
    let attached = client.begin("attachRequest", json!([configuration]));
    client.end(initialized);
    (claimed, attached)
}

fn lines(client: &mut DapClient, path: &str, breakpoints: Value) -> Value {
    let wanted = json!([{"source": {"path": path}, "breakpoints": breakpoints}]);
    client.call("setBreakpointsRequest", wanted)["body"]["breakpoints"].clone()
}

#[test]
fn conditions_log_points_and_exceptions_work_and_what_does_not_is_not_claimed() {
    let ground = Ground::new();
    let mut editor = ground.editor();
    let Waiting { run, script, configuration } =
        Waiting::start(&ground, &mut editor, "sums", SUMS, json!({}));

    let mut client = DapClient::connect(&configuration);
    let logged = client.begin("assertOutput", json!(["stdout", "total is now 1272"]));
    let (claimed, attached) = begin(&mut client, &configuration);
    for works in [
        "supportsRestartRequest",
        "supportsTerminateRequest",
        "supportsConditionalBreakpoints",
        "supportsLogPoints",
    ] {
        assert_eq!(claimed[works], true, "{works}");
    }
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

    let offered = json!(["completions", {"text": "tot", "column": 4, "frameId": frame}]);
    let offered = client.call("customRequest", offered)["body"]["targets"].clone();
    assert!(offered.as_array().unwrap().iter().any(|one| one["label"] == "total"), "{offered}");
    let stopped = client.begin("waitForEvent", json!(["stopped"]));
    client.call("nextRequest", json!([{"threadId": thread}]));
    assert_eq!(client.end(stopped)["body"]["reason"], "step");
    assert_eq!(
        (&client.frame(&thread)["line"], client.locals(&thread)["square"].as_str()),
        (&json!(6), "16")
    );
    let frame = client.frame(&thread)["id"].clone();
    let scopes = client.call("scopesRequest", json!([{"frameId": frame}]));
    let locals = scopes["body"]["scopes"][0]["variablesReference"].clone();
    let changed = json!([{"variablesReference": locals, "name": "square", "value": "20 - 3"}]);
    assert_eq!(client.call("setVariableRequest", changed)["body"]["value"], "17");

    let stopped = client.begin("waitForEvent", json!(["stopped"]));
    client.call("continueRequest", json!([{"threadId": thread}]));
    client.end(stopped);
    assert_eq!((&client.frame(&thread)["line"], client.locals(&thread)["number"].as_str()), (&json!(6), "7"));
    let stopped = client.begin("waitForEvent", json!(["stopped"]));
    client.call("continueRequest", json!([{"threadId": thread}]));
    let stop = client.end(stopped)["body"].clone();
    assert_eq!(
        (stop["reason"].as_str(), stop["description"].as_str()),
        (Some("exception"), Some("total is 1272"))
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
    let mut editor = ground.editor();
    let Waiting { run, script, mut configuration } =
        Waiting::start(&ground, &mut editor, "sums", SUMS, json!({}));
    // A mapping as people write it by hand: one folder too high.
    let remote = configuration["pathMappings"][0]["remoteRoot"].clone();
    configuration["pathMappings"][0]["localRoot"] = json!(ground.project().join("sums"));

    let mut client = DapClient::connect(&configuration);
    let changed = client.begin("waitForEvent", json!(["breakpoint"]));
    let (_, attached) = begin(&mut client, &configuration);
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

/// Calls a function again and again, and says so.
const CALLS: &str = r#"import time

def square(number):
    return number * number

for number in range(100000):
    print(square(number), flush=True)
    time.sleep(0.02)
"#;

#[test]
fn a_breakpoint_on_a_function_stops_comes_again_after_a_restart_and_goes_with_its_client() {
    let ground = Ground::new();
    let mut editor = ground.editor();
    let Waiting { run, configuration, .. } = Waiting::start(&ground, &mut editor, "calls", CALLS, json!({}));

    let mut client = DapClient::connect(&configuration);
    let (claimed, attached) = begin(&mut client, &configuration);
    assert_eq!(claimed["supportsFunctionBreakpoints"], true);
    let wanted = json!([{"breakpoints": [{"name": "square", "condition": "number == 3"}]}]);
    let set = client.call("setFunctionBreakpointsRequest", wanted)["body"]["breakpoints"].clone();
    assert_eq!(set[0]["verified"], true, "{set}");
    let mut stopped = client.begin("waitForEvent", json!(["stopped"]));
    client.call("configurationDoneRequest", json!([]));
    client.end(attached);
    let mut thread = Value::Null;
    for starts in 1..=2 {
        let stop = client.end(stopped)["body"].clone();
        assert_eq!(stop["reason"], "function breakpoint", "start {starts}: {stop}");
        thread = stop["threadId"].clone();
        assert_eq!(client.frame(&thread)["name"], "square");
        assert_eq!(client.locals(&thread)["number"], "3", "start {starts}");
        stopped = client.begin("waitForEvent", json!(["stopped"]));
        if starts == 1 {
            client.call("customRequest", json!(["restart", {}]));
        }
    }

    // The next one is every call, and whoever wanted it leaves.
    let wanted = json!([{"breakpoints": [{"name": "square"}]}]);
    client.call("setFunctionBreakpointsRequest", wanted);
    client.call("continueRequest", json!([{"threadId": thread}]));
    client.end(stopped);
    assert_eq!(client.locals(&thread)["number"], "4");
    client.call("disconnectRequest", json!([{"restart": false, "terminateDebuggee": false}]));
    drop(client);
    editor.hear("aml/logAppended", |grown| {
        grown["log"] == "driver" && grown["lines"].as_array().unwrap().iter().any(|line| line == "400")
    });
    editor.ask("aml/cancelRun", json!({"run": run, "atOnce": true}));
    editor.hear_state(&run, "cancelled");
}

/// Tells how often it was started, by what its earlier starts have left.
const STARTS: &str = r#"import multiprocessing, os

def work(number):
    square = number * number
    return square

if __name__ == "__main__":
    os.makedirs("outputs", exist_ok=True)
    starts = len(os.listdir("outputs")) + 1
    open("outputs/%d" % starts, "w").close()
    print("start", starts, flush=True)
    with multiprocessing.Pool(1) as pool:
        pool.map(work, [starts])
    print("end", starts, flush=True)
"#;

#[test]
fn the_program_starts_again_under_the_same_session_and_its_children_with_it() {
    // Into the container that is kept, and where none is, with the container.
    for seconds in ["60", "0"] {
        let ground = Ground::new();
        let mut editor = Editor::start(ground.command().env("AML_DEBUG_KEEP_WARM", seconds));
        let children = json!({"children": true});
        let Waiting { run, script, configuration } =
            Waiting::start(&ground, &mut editor, "starts", STARTS, children);
        let mut client = DapClient::connect(&configuration);
        let (_, attached) = begin(&mut client, &configuration);
        lines(&mut client, &script, json!([{"line": 12}]));
        let stopped = client.begin("waitForEvent", json!(["stopped"]));
        client.call("configurationDoneRequest", json!([]));
        client.end(attached);
        let thread = client.end(stopped)["body"]["threadId"].clone();
        assert_eq!(client.locals(&thread)["starts"], "1");

        // Paused, it is ended where it stands.
        let stopped = client.begin("waitForEvent", json!(["stopped"]));
        client.call("customRequest", json!(["restart", {}]));
        let thread = client.end(stopped)["body"]["threadId"].clone();
        assert_eq!(
            (&client.frame(&thread)["line"], client.locals(&thread)["starts"].as_str()),
            (&json!(12), "2")
        );

        // A child that stands does not keep it from starting again, and the next one is told of.
        let child = client.begin("waitForEvent", json!(["debugpyAttach"]));
        client.call("continueRequest", json!([{"threadId": thread}]));
        let child = client.end(child)["body"].clone();
        let mut inner = DapClient::connect(&child);
        let (claimed, attached) = begin(&mut inner, &child);
        assert_eq!(claimed["supportsRestartRequest"], true);
        lines(&mut inner, &script, json!([{"line": 5}]));
        let in_child = inner.begin("waitForEvent", json!(["stopped"]));
        inner.call("configurationDoneRequest", json!([]));
        inner.end(attached);
        inner.end(in_child);
        let ended = inner.begin("waitForEvent", json!(["terminated"]));
        let stopped = client.begin("waitForEvent", json!(["stopped"]));
        inner.call("customRequest", json!(["restart", {}]));
        inner.end(ended);
        let thread = client.end(stopped)["body"]["threadId"].clone();
        assert_eq!(client.locals(&thread)["starts"], "3", "keep {seconds}");

        // It is one run with one log, and ends as any other does.
        let ended = client.begin("waitForEvent", json!(["terminated"]));
        client.call("customRequest", json!(["terminate", {}]));
        client.end(ended);
        let over = editor.hear_state(&run, "cancelled");
        let restarted = over["phases"].as_array().unwrap().iter();
        let restarted = restarted.filter(|phase| phase["note"]["id"] == "run.restarted").count();
        assert_eq!(restarted, 2, "{over}");
        let log = editor.ask("aml/readLog", json!({"run": run, "log": "driver", "offset": 0}));
        assert_eq!(log["text"], "start 1\nstart 2\nstart 3\n", "keep {seconds}");
        assert_eq!(editor.held("aml/debugReady"), 0, "whoever is attached is not called again");
        assert_eq!(ground.containers(), [""; 0]);
    }
}
