//! One run as debugpy 1.8.22 answered it (bodies shortened).

use super::*;
use expect_test::expect;

fn breakpoint(file: &str, line: u32) -> Breakpoint {
    Breakpoint { file: file.to_owned(), remote: format!("/mnt/code/{file}"), line, code_line: line }
}

fn wish(breakpoints: Vec<Breakpoint>) -> StopWish {
    StopWish { breakpoints, ..StopWish::default() }
}

fn response(to: i64, body: Value) -> Value {
    json!({"type": "response", "request_seq": to, "success": true, "seq": 0, "body": body})
}

#[test]
fn a_stop_is_told_with_its_locals_and_what_was_never_hit_is_named() {
    let mut client = BreakClient::new(
        wish(vec![
            breakpoint("train.py", 6),
            breakpoint("train.py", 40),
            breakpoint("nope.py", 3),
            breakpoint("train.py", 17),
        ]),
        None,
    );
    let mut told = String::new();
    for request in client.start() {
        told.push_str(&format!("send {} {}\n", request["command"], request["arguments"]));
    }
    let messages = [
        response(1, json!({"supportsConfigurationDoneRequest": true})),
        json!({"type": "event", "event": "initialized", "seq": 8}),
        response(2, Value::Null),
        response(
            3,
            json!({"breakpoints": [
                {"verified": true, "id": 0, "line": 6},
                {"verified": true, "id": 1, "line": 18},
                {"verified": true, "id": 2, "line": 17},
            ]}),
        ),
        response(
            4,
            json!({"breakpoints": [
                {"verified": false, "id": 3, "line": 3, "message": "Breakpoint in file that does not exist."},
            ]}),
        ),
        response(5, Value::Null),
        response(6, Value::Null),
        json!({"type": "event", "event": "stopped", "seq": 26, "body": {
            "reason": "breakpoint", "threadId": 1, "allThreadsStopped": true, "hitBreakpointIds": [0]}}),
        response(
            7,
            json!({"stackFrames": [
                {"id": 3, "name": "fit", "line": 6, "column": 1, "source": {"path": "/mnt/code/train.py"}},
            ]}),
        ),
        response(
            8,
            json!({"scopes": [
                {"name": "Locals", "variablesReference": 4, "presentationHint": "locals"},
                {"name": "Globals", "variablesReference": 5},
            ]}),
        ),
        response(
            9,
            json!({"variables": [
                {"name": "special variables", "value": "", "type": "", "variablesReference": 6},
                {"name": "math", "value": "<module 'math' (built-in)>", "type": "module"},
                {"name": "rate", "value": "0.5", "type": "float"},
                {"name": "rows", "value": "[1, 2, 3]", "type": "list", "variablesReference": 7},
            ]}),
        ),
        response(10, json!({"allThreadsContinued": true})),
        json!({"type": "event", "event": "terminated", "seq": 48, "body": {}}),
    ];
    for message in messages {
        for output in client.on(&message) {
            told.push_str(&match output {
                BreakOutput::Send(request) => {
                    format!("send {} {}\n", request["command"], request["arguments"])
                }
                other => format!("{other:?}\n"),
            });
        }
    }
    for missed in client.missed() {
        told.push_str(&format!("{}\n", missed.message()));
    }
    expect![[r#"
        send "initialize" {"clientID":"aml-debug","clientName":"aml-debug run --break","adapterID":"debugpy","pathFormat":"path","linesStartAt1":true,"columnsStartAt1":true}
        send "attach" {"justMyCode":true,"redirectOutput":false,"pathMappings":[{"localRoot":"/","remoteRoot":"/"}],"variablePresentation":{"special":"hide","function":"hide","class":"hide","protected":"inline"}}
        send "setBreakpoints" {"source":{"path":"/mnt/code/train.py"},"breakpoints":[{"line":6},{"line":40},{"line":17}]}
        send "setBreakpoints" {"source":{"path":"/mnt/code/nope.py"},"breakpoints":[{"line":3}]}
        send "setExceptionBreakpoints" {"filters":[]}
        send "configurationDone" {}
        send "stackTrace" {"threadId":1,"startFrame":0,"levels":1}
        send "scopes" {"frameId":3}
        send "variables" {"variablesReference":4}
        Stop(Stop { file: "train.py", line: 6, function: "fit", locals: [("rate", "0.5"), ("rows", "[1, 2, 3]")], thread: 1, reason: "breakpoint", process: None, exception: None })
        send "continue" {"threadId":1}
        Ended
        train.py:40 was never reached; there is no code on that line (the debugger would take line 18)
        nope.py:3: the debugger found no such file in the container (/mnt/code/nope.py)
        train.py:17 was never reached
    "#]].assert_eq(&told);
}

#[test]
fn a_session_that_is_refused_says_why_and_an_end_is_told_once() {
    let mut client = BreakClient::new(wish(vec![breakpoint("train.py", 6)]), None);
    client.start();
    let refusal = json!({
        "type": "response", "request_seq": 1, "success": false, "seq": 1, "command": "initialize",
        "message": "Visual Studio Code is attached to this run already.",
    });
    let refused = "Visual Studio Code is attached to this run already.".to_owned();
    assert_eq!(client.on(&refusal), vec![BreakOutput::Refused(refused)]);
    let next = json!({"type": "response", "request_seq": 2, "success": false, "seq": 2, "command": "attach"});
    assert_eq!(client.on(&next), vec![]);
    assert_eq!(client.closed(), vec![BreakOutput::Ended]);
    assert_eq!(client.closed(), vec![]);
}

#[test]
fn a_comment_stands_for_the_code_below_it_and_a_line_behind_the_end_for_nothing() {
    let text = "import os\n\n# why\nx = 1\nif False:\n    y = 2\nz = 3\n";
    assert_eq!([1, 2, 3, 4, 6, 99].map(|line| line_with_code(text, line)), [1, 4, 4, 4, 6, 99]);
}
