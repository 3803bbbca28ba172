//! Stories of a session, with the debug server's side as debugpy 1.8.22 sent it (bodies shortened).

use super::*;
use crate::message;
use expect_test::{Expect, expect};

const VS_CODE: ClientId = ClientId(1);
const OTHER: ClientId = ClientId(2);

/// Feeds inputs and writes down what follows, a line each.
struct Story {
    gateway: Gateway,
    told: String,
}

impl Story {
    fn new() -> Self {
        let mappings = vec![("/home/user/iris".to_owned(), "/mnt/code".to_owned())];
        Self { gateway: Gateway::new(Role::Run, mappings), told: String::new() }
    }

    fn on(&mut self, input: GatewayInput) -> &mut Self {
        self.told.push_str(&match &input {
            GatewayInput::ClientConnected(client) => format!("client {} connects\n", client.0),
            GatewayInput::FromClient(client, message) => format!("client {}: {}\n", client.0, brief(message)),
            GatewayInput::ClientGone(client) => format!("client {} vanishes\n", client.0),
            GatewayInput::DebuggeeConnected { paused, .. } => {
                format!("debuggee connects, paused: {paused:?}\n")
            }
            GatewayInput::FromDebuggee(message) => format!("debuggee: {}\n", brief(message)),
            GatewayInput::DebuggeeGone => "debuggee ends\n".to_owned(),
            GatewayInput::DebuggeeRestarts(restarts) => format!("debuggee restarts: {restarts}\n"),
            GatewayInput::Over => "there is no debuggee any more\n".to_owned(),
            GatewayInput::Say(message) => format!("the run says {}\n", message.id),
            GatewayInput::RestartRequested => "a child's client asks for a restart\n".to_owned(),
            GatewayInput::ChildListens { pid, port } => format!("child {pid} listens on {port}\n"),
            GatewayInput::ChildGone(pid) => format!("child {pid} ends\n"),
            GatewayInput::FileFound { found, .. } => format!("found: {found:?}\n"),
            GatewayInput::Map(pair) => format!("the user maps {pair:?}\n"),
            GatewayInput::GoOn => "nobody will come\n".to_owned(),
        });
        for output in self.gateway.on(input) {
            self.told.push_str(&match output {
                GatewayOutput::ToClient(client, message) => {
                    format!("    to client {}: {message}\n", client.0)
                }
                GatewayOutput::CloseClient(client) => format!("    close client {}\n", client.0),
                GatewayOutput::ToDebuggee(message) => format!("    to debuggee: {message}\n"),
                GatewayOutput::FindFile { source, name } => format!("    find {name} for {source}\n"),
                GatewayOutput::ReleaseChild(pid) => format!("    release child {pid}\n"),
                GatewayOutput::Fact(fact) => format!("    {fact:?}\n"),
            });
        }
        self
    }

    fn says(&mut self, client: ClientId, seq: i64, command: &str, arguments: Value) -> &mut Self {
        self.on(GatewayInput::FromClient(
            client,
            json!({"seq": seq, "type": "request", "command": command, "arguments": arguments}),
        ))
    }

    fn answers(&mut self, to: i64, command: &str, body: Value) -> &mut Self {
        let mut message = json!({
            "type": "response", "request_seq": to, "success": true, "command": command, "seq": 2 * to,
        });
        if !body.is_null() {
            message["body"] = body;
        }
        self.on(GatewayInput::FromDebuggee(message))
    }

    fn event(&mut self, name: &str, body: Value) -> &mut Self {
        self.on(GatewayInput::FromDebuggee(json!({"type": "event", "event": name, "body": body, "seq": 4})))
    }

    /// Everything up to a program that runs under this client, not written down.
    fn attached(&mut self, client: ClientId, name: &str) -> &mut Self {
        let first = self.gateway.sent;
        self.says(client, 1, "initialize", json!({"clientName": name}));
        self.answers(first + 1, "initialize", json!({"supportsConfigurationDoneRequest": true}));
        self.says(client, 2, "attach", json!({})).event("initialized", json!({}));
        self.answers(first + 2, "attach", Value::Null).says(client, 3, "configurationDone", json!({}));
        self.answers(self.gateway.sent, "configurationDone", Value::Null);
        self.told.clear();
        self
    }

    fn is(&self, expected: Expect) {
        expected.assert_eq(&self.told);
    }
}

fn brief(message: &Value) -> String {
    let name = message["event"].as_str().or(message["command"].as_str()).unwrap_or_default();
    let word = |key: &str| message[key].to_string();
    match message["type"].as_str() {
        Some("request") => format!("{name} #{}", word("seq")),
        Some("response") => format!("response to #{}, {name}", word("request_seq")),
        _ => format!("event {name}"),
    }
}

fn stopped() -> Value {
    json!({"reason": "breakpoint", "threadId": 1, "allThreadsStopped": true, "hitBreakpointIds": [0]})
}

#[test]
fn an_editor_that_comes_before_the_program_gets_its_first_stop() {
    let mut story = Story::new();
    story
        .on(GatewayInput::ClientConnected(VS_CODE))
        .says(VS_CODE, 1, "initialize", json!({"clientID": "vscode", "clientName": "Visual Studio Code"}))
        .on(GatewayInput::DebuggeeConnected { paused: None, waiting: true })
        .answers(1, "initialize", json!({"supportsConfigurationDoneRequest": true, "supportsRestartRequest": false}))
        .says(VS_CODE, 2, "attach", json!({"justMyCode": false, "connect": {"host": "127.0.0.1", "port": 5}}))
        .event("initialized", Value::Null)
        .answers(2, "attach", Value::Null)
        .says(
            VS_CODE,
            3,
            "setBreakpoints",
            json!({"source": {"path": "/home/user/iris/train.py"}, "breakpoints": [{"line": 23}, {"line": 99}]}),
        )
        .answers(
            3,
            "setBreakpoints",
            json!({"breakpoints": [
                {"verified": true, "id": 0, "line": 23},
                {"verified": false, "id": 1, "line": 99, "message": "Breakpoint in file that does not exist."},
            ]}),
        )
        .says(VS_CODE, 4, "configurationDone", json!({}))
        .answers(4, "configurationDone", Value::Null)
        .event("stopped", stopped());
    story.is(expect![[r#"
        client 1 connects
        client 1: initialize #1
        debuggee connects, paused: None
            to debuggee: {"seq":1,"type":"request","command":"initialize","arguments":{"clientID":"vscode","clientName":"Visual Studio Code"}}
        debuggee: response to #1, initialize
            to client 1: {"type":"response","request_seq":1,"success":true,"command":"initialize","seq":1,"body":{"supportsConfigurationDoneRequest":true,"supportsRestartRequest":false,"supportsTerminateRequest":true,"supportTerminateDebuggee":true,"supportSuspendDebuggee":false}}
        client 1: attach #2
            to debuggee: {"seq":2,"type":"request","command":"attach","arguments":{"justMyCode":false,"connect":{"host":"127.0.0.1","port":5},"pathMappings":[{"localRoot":"/home/user/iris","remoteRoot":"/mnt/code"}]}}
        debuggee: event initialized
            to client 1: {"type":"event","event":"initialized","body":null,"seq":2}
        debuggee: response to #2, attach
            to client 1: {"type":"response","request_seq":2,"success":true,"command":"attach","seq":3}
            Attached { client: "Visual Studio Code" }
        client 1: setBreakpoints #3
            to debuggee: {"seq":3,"type":"request","command":"setBreakpoints","arguments":{"source":{"path":"/home/user/iris/train.py"},"breakpoints":[{"line":23},{"line":99}]}}
        debuggee: response to #3, setBreakpoints
            find train.py for /home/user/iris/train.py
            to client 1: {"type":"response","request_seq":3,"success":true,"command":"setBreakpoints","seq":4,"body":{"breakpoints":[{"verified":true,"id":0,"line":23},{"verified":false,"id":1,"line":99,"message":"The container has no /mnt/code/train.py."}]}}
        client 1: configurationDone #4
            to debuggee: {"seq":4,"type":"request","command":"configurationDone","arguments":{}}
        debuggee: response to #4, configurationDone
            to client 1: {"type":"response","request_seq":4,"success":true,"command":"configurationDone","seq":5}
            Configured
        debuggee: event stopped
            Paused { reason: "breakpoint", thread: Some(1) }
            to client 1: {"seq":6,"type":"event","event":"thread","body":{"reason":"started","threadId":1}}
            to client 1: {"type":"event","event":"stopped","body":{"reason":"breakpoint","threadId":1,"allThreadsStopped":true,"hitBreakpointIds":[0]},"seq":7}
    "#]]);
}

#[test]
fn disconnecting_lets_the_run_go_on_and_another_editor_attach_over_the_same_connection() {
    let mut story = Story::new();
    story
        .on(GatewayInput::DebuggeeConnected { paused: None, waiting: true })
        .attached(VS_CODE, "Visual Studio Code");
    story
        .event("stopped", stopped())
        .says(OTHER, 1, "initialize", json!({"clientName": "Neovim", "locale": "ja"}))
        .says(VS_CODE, 4, "disconnect", json!({"restart": false}))
        .answers(4, "disconnect", Value::Null)
        .event("continued", json!({"threadId": 1, "allThreadsContinued": true}))
        .says(OTHER, 1, "initialize", json!({"clientName": "Neovim"}));
    story.is(expect![[r#"
        debuggee: event stopped
            Paused { reason: "breakpoint", thread: Some(1) }
            to client 1: {"seq":5,"type":"event","event":"thread","body":{"reason":"started","threadId":1}}
            to client 1: {"type":"event","event":"stopped","body":{"reason":"breakpoint","threadId":1,"allThreadsStopped":true,"hitBreakpointIds":[0]},"seq":6}
        client 2: initialize #1
            to client 2: {"seq":1,"type":"response","request_seq":1,"success":false,"command":"initialize","message":"Visual Studio Code が既にこの実行にアタッチしています。そちらで切断してから (実行は続きます)、もう一度アタッチしてください。","body":{"error":{"id":1,"format":"Visual Studio Code が既にこの実行にアタッチしています。そちらで切断してから (実行は続きます)、もう一度アタッチしてください。","showUser":true}}}
            close client 2
        client 1: disconnect #4
            to debuggee: {"seq":4,"type":"request","command":"disconnect","arguments":{"restart":false,"terminateDebuggee":false}}
            Resumed
            to client 1: {"seq":7,"type":"response","request_seq":4,"success":true,"command":"disconnect"}
            Detached
            close client 1
        debuggee: response to #4, disconnect
        debuggee: event continued
        client 2: initialize #1
            to debuggee: {"seq":5,"type":"request","command":"initialize","arguments":{"clientName":"Neovim"}}
    "#]]);
}

#[test]
fn whoever_comes_after_a_client_that_vanished_is_told_of_the_pause_and_rid_of_its_breakpoints() {
    let mut story = Story::new();
    story
        .on(GatewayInput::DebuggeeConnected { paused: None, waiting: true })
        .attached(VS_CODE, "Visual Studio Code");
    let lines = json!({"source": {"path": "/home/user/iris/train.py"}, "breakpoints": [{"line": 23}]});
    story
        .says(VS_CODE, 4, "setBreakpoints", lines)
        .on(GatewayInput::ClientGone(VS_CODE))
        .answers(4, "setBreakpoints", json!({"breakpoints": [{"verified": true, "id": 0, "line": 23}]}))
        .event("stopped", stopped())
        .says(OTHER, 1, "initialize", json!({"clientName": "Neovim"}))
        .answers(5, "initialize", json!({}))
        .says(
            OTHER,
            2,
            "attach",
            json!({"pathMappings": [{"localRoot": "C:\\iris", "remoteRoot": "/mnt/code"}]}),
        )
        .answers(6, "setBreakpoints", json!({"breakpoints": []}))
        .answers(7, "attach", Value::Null)
        .says(OTHER, 3, "configurationDone", json!({}))
        .answers(8, "configurationDone", Value::Null);
    story.is(expect![[r#"
        client 1: setBreakpoints #4
            to debuggee: {"seq":4,"type":"request","command":"setBreakpoints","arguments":{"source":{"path":"/home/user/iris/train.py"},"breakpoints":[{"line":23}]}}
        client 1 vanishes
            Detached
        debuggee: response to #4, setBreakpoints
        debuggee: event stopped
            Paused { reason: "breakpoint", thread: Some(1) }
        client 2: initialize #1
            to debuggee: {"seq":5,"type":"request","command":"initialize","arguments":{"clientName":"Neovim"}}
        debuggee: response to #5, initialize
            to client 2: {"type":"response","request_seq":1,"success":true,"command":"initialize","seq":1,"body":{"supportsRestartRequest":false,"supportsTerminateRequest":true,"supportTerminateDebuggee":true,"supportSuspendDebuggee":false}}
        client 2: attach #2
            to debuggee: {"seq":6,"type":"request","command":"setBreakpoints","arguments":{"source":{"path":"/home/user/iris/train.py"},"breakpoints":[]}}
            to debuggee: {"seq":7,"type":"request","command":"attach","arguments":{"pathMappings":[{"localRoot":"C:\\iris","remoteRoot":"/mnt/code"}],"clientOS":"windows"}}
        debuggee: response to #6, setBreakpoints
        debuggee: response to #7, attach
            to client 2: {"type":"response","request_seq":2,"success":true,"command":"attach","seq":2}
            Attached { client: "Neovim" }
        client 2: configurationDone #3
            to debuggee: {"seq":8,"type":"request","command":"configurationDone","arguments":{}}
        debuggee: response to #8, configurationDone
            to client 2: {"type":"response","request_seq":3,"success":true,"command":"configurationDone","seq":3}
            Configured
            Paused { reason: "breakpoint", thread: Some(1) }
            to client 2: {"seq":4,"type":"event","event":"thread","body":{"reason":"started","threadId":1}}
            to client 2: {"seq":5,"type":"event","event":"stopped","body":{"reason":"breakpoint","threadId":1,"preserveFocusHint":false,"allThreadsStopped":true}}
    "#]]);
}

#[test]
fn an_adopted_run_that_stands_on_a_breakpoint_shows_as_paused() {
    let mut story = Story::new();
    story
        .on(GatewayInput::DebuggeeConnected { paused: Some(3), waiting: false })
        .attached(VS_CODE, "Visual Studio Code");
    story
        .on(GatewayInput::DebuggeeGone)
        .on(GatewayInput::DebuggeeConnected { paused: Some(3), waiting: false })
        .says(OTHER, 1, "initialize", json!({"clientName": "Neovim"}))
        .answers(4, "initialize", json!({}))
        .says(OTHER, 2, "configurationDone", json!({}))
        .answers(5, "configurationDone", Value::Null);
    story.is(expect![[r#"
        debuggee ends
            to client 1: {"seq":7,"type":"event","event":"terminated","body":{}}
            close client 1
            Detached
        debuggee connects, paused: Some(3)
            Paused { reason: "pause", thread: Some(3) }
        client 2: initialize #1
            to debuggee: {"seq":4,"type":"request","command":"initialize","arguments":{"clientName":"Neovim"}}
        debuggee: response to #4, initialize
            to client 2: {"type":"response","request_seq":1,"success":true,"command":"initialize","seq":1,"body":{"supportsRestartRequest":false,"supportsTerminateRequest":true,"supportTerminateDebuggee":true,"supportSuspendDebuggee":false}}
        client 2: configurationDone #2
            to debuggee: {"seq":5,"type":"request","command":"configurationDone","arguments":{}}
        debuggee: response to #5, configurationDone
            to client 2: {"type":"response","request_seq":2,"success":true,"command":"configurationDone","seq":2}
            Configured
            Paused { reason: "pause", thread: Some(3) }
            to client 2: {"seq":3,"type":"event","event":"thread","body":{"reason":"started","threadId":3}}
            to client 2: {"seq":4,"type":"event","event":"stopped","body":{"reason":"pause","threadId":3,"preserveFocusHint":false,"allThreadsStopped":true}}
    "#]]);
}

#[test]
fn a_stop_that_came_while_somebody_was_about_to_connect_is_shown() {
    let mut story = Story::new();
    story
        .on(GatewayInput::DebuggeeConnected { paused: None, waiting: false })
        .says(OTHER, 1, "initialize", json!({"clientName": "Neovim"}))
        .answers(1, "initialize", json!({}))
        .says(OTHER, 2, "configurationDone", json!({}));
    story
        .event("amlDebugStands", json!({"threadId": 3}))
        .answers(2, "configurationDone", Value::Null)
        .event("amlDebugStands", json!({"threadId": 3}));
    story.is(expect![[r#"
        debuggee connects, paused: None
        client 2: initialize #1
            to debuggee: {"seq":1,"type":"request","command":"initialize","arguments":{"clientName":"Neovim"}}
        debuggee: response to #1, initialize
            to client 2: {"type":"response","request_seq":1,"success":true,"command":"initialize","seq":1,"body":{"supportsRestartRequest":false,"supportsTerminateRequest":true,"supportTerminateDebuggee":true,"supportSuspendDebuggee":false}}
        client 2: configurationDone #2
            to debuggee: {"seq":2,"type":"request","command":"configurationDone","arguments":{}}
        debuggee: event amlDebugStands
            Paused { reason: "pause", thread: Some(3) }
        debuggee: response to #2, configurationDone
            to client 2: {"type":"response","request_seq":2,"success":true,"command":"configurationDone","seq":2}
            Configured
            Paused { reason: "pause", thread: Some(3) }
            to client 2: {"seq":3,"type":"event","event":"thread","body":{"reason":"started","threadId":3}}
            to client 2: {"seq":4,"type":"event","event":"stopped","body":{"reason":"pause","threadId":3,"preserveFocusHint":false,"allThreadsStopped":true}}
        debuggee: event amlDebugStands
    "#]]);
}

#[test]
fn a_thread_is_told_before_its_stop_and_once() {
    let mut story = Story::new();
    let started = |number: i64| json!({"reason": "started", "threadId": number});
    story
        .on(GatewayInput::DebuggeeConnected { paused: None, waiting: false })
        .attached(VS_CODE, "Visual Studio Code");
    story
        .event("stopped", stopped())
        .event("thread", started(1))
        .event("thread", started(2))
        .event("thread", json!({"reason": "exited", "threadId": 2}))
        .event("thread", started(2))
        .event("stopped", json!({"reason": "breakpoint", "threadId": 2}))
        // The next program's first thread is another one.
        .event("amlDebugEnded", json!({}))
        .event("thread", started(1));
    story.is(expect![[r#"
        debuggee: event stopped
            Paused { reason: "breakpoint", thread: Some(1) }
            to client 1: {"seq":5,"type":"event","event":"thread","body":{"reason":"started","threadId":1}}
            to client 1: {"type":"event","event":"stopped","body":{"reason":"breakpoint","threadId":1,"allThreadsStopped":true,"hitBreakpointIds":[0]},"seq":6}
        debuggee: event thread
        debuggee: event thread
            to client 1: {"type":"event","event":"thread","body":{"reason":"started","threadId":2},"seq":7}
        debuggee: event thread
            to client 1: {"type":"event","event":"thread","body":{"reason":"exited","threadId":2},"seq":8}
        debuggee: event thread
            to client 1: {"type":"event","event":"thread","body":{"reason":"started","threadId":2},"seq":9}
        debuggee: event stopped
            Paused { reason: "breakpoint", thread: Some(2) }
            to client 1: {"type":"event","event":"stopped","body":{"reason":"breakpoint","threadId":2},"seq":10}
        debuggee: event amlDebugEnded
            to client 1: {"seq":11,"type":"event","event":"continued","body":{"threadId":2,"allThreadsContinued":true}}
            Resumed
        debuggee: event thread
            to client 1: {"type":"event","event":"thread","body":{"reason":"started","threadId":1},"seq":12}
    "#]]);
}

#[test]
fn ending_the_run_is_left_to_the_run() {
    let mut story = Story::new();
    story
        .on(GatewayInput::DebuggeeConnected { paused: None, waiting: true })
        .attached(VS_CODE, "Visual Studio Code");
    story
        .says(VS_CODE, 4, "terminate", json!({}))
        .says(VS_CODE, 5, "restart", json!({}))
        .says(VS_CODE, 6, "launch", json!({}))
        .on(GatewayInput::DebuggeeGone)
        .says(OTHER, 1, "initialize", json!({"clientName": "Neovim"}))
        .says(OTHER, 2, "disconnect", json!({"terminateDebuggee": true}));
    story.is(expect![[r#"
        client 1: terminate #4
            to client 1: {"seq":5,"type":"response","request_seq":4,"success":true,"command":"terminate"}
            TerminateRequested
        client 1: restart #5
            to client 1: {"seq":6,"type":"response","request_seq":5,"success":false,"command":"restart","message":"This program cannot be started again from here; end the run and start it again.","body":{"error":{"id":1,"format":"This program cannot be started again from here; end the run and start it again.","showUser":true}}}
        client 1: launch #6
            to client 1: {"seq":7,"type":"response","request_seq":6,"success":false,"command":"launch","message":"The program is started by aml-debug; use \"request\": \"attach\".","body":{"error":{"id":1,"format":"The program is started by aml-debug; use \"request\": \"attach\".","showUser":true}}}
        debuggee ends
            to client 1: {"seq":8,"type":"event","event":"terminated","body":{}}
            close client 1
            Detached
        client 2: initialize #1
        client 2: disconnect #2
            TerminateRequested
            to client 2: {"seq":1,"type":"response","request_seq":2,"success":true,"command":"disconnect"}
            close client 2
    "#]]);
}

#[test]
fn our_own_debug_type_may_say_launch_for_a_run_that_is_started_already() {
    let mut story = Story::new();
    story.says(VS_CODE, 1, "initialize", json!({"clientName": "Visual Studio Code"}));
    story.says(VS_CODE, 2, "launch", json!({"type": "aml-debug", "request": "launch", "run": "iris_1"}));
    story.on(GatewayInput::DebuggeeConnected { paused: None, waiting: true });
    story.answers(1, "initialize", Value::Null).answers(2, "attach", Value::Null);
    story.is(expect![[r#"
        client 1: initialize #1
        client 1: launch #2
        debuggee connects, paused: None
            to debuggee: {"seq":1,"type":"request","command":"initialize","arguments":{"clientName":"Visual Studio Code"}}
            to debuggee: {"seq":2,"type":"request","command":"attach","arguments":{"type":"aml-debug","request":"attach","run":"iris_1","pathMappings":[{"localRoot":"/home/user/iris","remoteRoot":"/mnt/code"}]}}
        debuggee: response to #1, initialize
            to client 1: {"type":"response","request_seq":1,"success":true,"command":"initialize","seq":1,"body":null}
        debuggee: response to #2, attach
            to client 1: {"type":"response","request_seq":2,"success":true,"command":"launch","seq":2}
            Attached { client: "Visual Studio Code" }
    "#]]);
}

#[test]
fn what_the_debuggee_asks_of_an_editor_is_answered_here_and_what_it_tells_us_stays_here() {
    let mut story = Story::new();
    story
        .on(GatewayInput::DebuggeeConnected { paused: None, waiting: true })
        .attached(VS_CODE, "Visual Studio Code");
    story
        .on(GatewayInput::FromDebuggee(
            json!({"seq": 9, "type": "request", "command": "runInTerminal", "arguments": {}}),
        ))
        .event("amlDebugUnattended", json!({}))
        .event("terminated", json!({}))
        .on(GatewayInput::DebuggeeGone);
    story.is(expect![[r#"
        debuggee: runInTerminal #9
            to debuggee: {"seq":4,"type":"response","request_seq":9,"success":false,"command":"runInTerminal","message":"notSupported","body":{"error":{"id":1,"format":"Not possible in the container of this run.","showUser":true}}}
        debuggee: event amlDebugUnattended
            Unattended
        debuggee: event terminated
            to client 1: {"type":"event","event":"terminated","body":{},"seq":5}
        debuggee ends
            close client 1
            Detached
    "#]]);
}

#[test]
fn an_editor_that_waits_for_a_run_that_never_starts_is_told() {
    let mut story = Story::new();
    story
        .says(VS_CODE, 1, "initialize", json!({"clientName": "Visual Studio Code"}))
        .on(GatewayInput::DebuggeeGone);
    story.is(expect![[r#"
        client 1: initialize #1
        debuggee ends
            to client 1: {"seq":1,"type":"response","request_seq":1,"success":false,"command":"initialize","message":"The run ended before a debugger could be attached.","body":{"error":{"id":1,"format":"The run ended before a debugger could be attached.","showUser":true}}}
            to client 1: {"seq":2,"type":"event","event":"terminated","body":{}}
            close client 1
    "#]]);
}

#[test]
fn a_server_that_starts_again_stays_under_the_same_session() {
    let mut story = Story::new();
    story
        .on(GatewayInput::DebuggeeConnected { paused: None, waiting: true })
        .attached(VS_CODE, "Visual Studio Code")
        .says(
            VS_CODE,
            4,
            "setBreakpoints",
            json!({"source": {"path": "/a/score.py"}, "breakpoints": [{"line": 5}]}),
        )
        .event("stopped", stopped());
    story.told.clear();
    story
        .on(GatewayInput::DebuggeeRestarts(true))
        .on(GatewayInput::DebuggeeGone)
        .on(GatewayInput::DebuggeeConnected { paused: None, waiting: true })
        .event("initialized", json!({}))
        .says(VS_CODE, 5, "threads", json!({}));
    story.is(expect![[r#"
        debuggee restarts: true
        debuggee ends
            to client 1: {"seq":7,"type":"response","request_seq":4,"success":false,"command":"setBreakpoints","message":"The program is starting again; ask once more.","body":{"error":{"id":1,"format":"The program is starting again; ask once more.","showUser":true}}}
            to client 1: {"seq":8,"type":"event","event":"continued","body":{"threadId":1,"allThreadsContinued":true}}
            Resumed
        debuggee connects, paused: None
            to debuggee: {"seq":5,"type":"request","command":"initialize","arguments":{"clientName":"Visual Studio Code"}}
            to debuggee: {"seq":6,"type":"request","command":"attach","arguments":{"pathMappings":[{"localRoot":"/home/user/iris","remoteRoot":"/mnt/code"}]}}
            to debuggee: {"seq":7,"type":"request","command":"setBreakpoints","arguments":{"source":{"path":"/a/score.py"},"breakpoints":[{"line":5}]}}
            to debuggee: {"seq":8,"type":"request","command":"configurationDone","arguments":{}}
            Configured
        debuggee: event initialized
        client 1: threads #5
            to debuggee: {"seq":9,"type":"request","command":"threads","arguments":{}}
    "#]]);
}

#[test]
fn a_server_whose_container_ends_and_starts_again_stays_under_the_same_session() {
    let mut story = Story::new();
    story.gateway.outlast_the_connection();
    story
        .on(GatewayInput::DebuggeeConnected { paused: None, waiting: true })
        .attached(VS_CODE, "Visual Studio Code")
        .event("stopped", stopped());
    story.told.clear();
    story
        // The end that this leads to comes before the answer.
        .says(VS_CODE, 4, "continue", json!({"threadId": 1}))
        .says(VS_CODE, 5, "threads", json!({}))
        .on(GatewayInput::DebuggeeGone)
        .on(GatewayInput::Say(message!("dap.gone")))
        .on(GatewayInput::DebuggeeConnected { paused: None, waiting: true })
        .on(GatewayInput::Over);
    story.is(expect![[r#"
        client 1: continue #4
            to debuggee: {"seq":4,"type":"request","command":"continue","arguments":{"threadId":1}}
        client 1: threads #5
            to debuggee: {"seq":5,"type":"request","command":"threads","arguments":{}}
        debuggee ends
            to client 1: {"seq":7,"type":"response","request_seq":4,"success":true,"command":"continue"}
            to client 1: {"seq":8,"type":"response","request_seq":5,"success":false,"command":"threads","message":"The program is starting again; ask once more.","body":{"error":{"id":1,"format":"The program is starting again; ask once more.","showUser":true}}}
            to client 1: {"seq":9,"type":"event","event":"continued","body":{"threadId":1,"allThreadsContinued":true}}
            Resumed
        the run says dap.gone
            to client 1: {"seq":10,"type":"event","event":"output","body":{"category":"important","output":"The program has ended.\n"}}
            Said(Message { id: "dap.gone", args: [] })
        debuggee connects, paused: None
            to debuggee: {"seq":6,"type":"request","command":"initialize","arguments":{"clientName":"Visual Studio Code"}}
            to debuggee: {"seq":7,"type":"request","command":"attach","arguments":{"pathMappings":[{"localRoot":"/home/user/iris","remoteRoot":"/mnt/code"}]}}
            to debuggee: {"seq":8,"type":"request","command":"configurationDone","arguments":{}}
            Configured
        there is no debuggee any more
            to client 1: {"seq":11,"type":"event","event":"terminated","body":{}}
            close client 1
            Detached
    "#]]);
}

#[test]
fn a_restart_is_answered_at_once_and_the_next_program_is_told_all_over() {
    let mut story = Story::new();
    story.gateway.offer_restart();
    story
        .on(GatewayInput::DebuggeeConnected { paused: None, waiting: true })
        .attached(VS_CODE, "Visual Studio Code")
        .says(
            VS_CODE,
            4,
            "setBreakpoints",
            json!({"source": {"path": "/a/x.py"}, "breakpoints": [{"line": 5}]}),
        )
        .answers(4, "setBreakpoints", json!({"breakpoints": [{"verified": true, "id": 7, "line": 5}]}))
        .event("stopped", stopped());
    story.told.clear();
    let newest = json!({"arguments": {"request": "attach", "justMyCode": false}});
    story
        .says(VS_CODE, 5, "restart", newest)
        .says(VS_CODE, 6, "restart", json!({}))
        .on(GatewayInput::DebuggeeGone)
        .on(GatewayInput::DebuggeeConnected { paused: None, waiting: true })
        .event("initialized", json!({}))
        .answers(7, "setBreakpoints", json!({"breakpoints": [{"verified": false, "id": 0, "line": 5}]}))
        .event("stopped", stopped());
    story.is(expect![[r#"
        client 1: restart #5
            to client 1: {"seq":8,"type":"response","request_seq":5,"success":true,"command":"restart"}
            RestartRequested
        client 1: restart #6
            to client 1: {"seq":9,"type":"response","request_seq":6,"success":true,"command":"restart"}
        debuggee ends
            to client 1: {"seq":10,"type":"event","event":"continued","body":{"threadId":1,"allThreadsContinued":true}}
            Resumed
        debuggee connects, paused: None
            to debuggee: {"seq":5,"type":"request","command":"initialize","arguments":{"clientName":"Visual Studio Code"}}
            to debuggee: {"seq":6,"type":"request","command":"attach","arguments":{"request":"attach","justMyCode":false,"pathMappings":[{"localRoot":"/home/user/iris","remoteRoot":"/mnt/code"}]}}
            to debuggee: {"seq":7,"type":"request","command":"setBreakpoints","arguments":{"source":{"path":"/a/x.py"},"breakpoints":[{"line":5}]}}
            to debuggee: {"seq":8,"type":"request","command":"configurationDone","arguments":{}}
            Configured
        debuggee: event initialized
        debuggee: response to #7, setBreakpoints
            to client 1: {"seq":11,"type":"event","event":"breakpoint","body":{"reason":"changed","breakpoint":{"verified":false,"id":7,"line":5}}}
        debuggee: event stopped
            Paused { reason: "breakpoint", thread: Some(1) }
            to client 1: {"seq":12,"type":"event","event":"thread","body":{"reason":"started","threadId":1}}
            to client 1: {"type":"event","event":"stopped","body":{"reason":"breakpoint","threadId":1,"allThreadsStopped":true,"hitBreakpointIds":[0]},"seq":13}
    "#]]);
}

#[test]
fn breakpoints_on_functions_come_again_after_a_restart_and_go_with_the_client_that_set_them() {
    let mut story = Story::new();
    story.gateway.offer_restart();
    story
        .on(GatewayInput::DebuggeeConnected { paused: None, waiting: true })
        .attached(VS_CODE, "Visual Studio Code")
        .says(VS_CODE, 4, "setFunctionBreakpoints", json!({"breakpoints": [{"name": "f"}]}))
        .answers(4, "setFunctionBreakpoints", json!({"breakpoints": [{"verified": true, "id": 0}]}))
        .says(VS_CODE, 5, "restart", json!({}))
        .on(GatewayInput::DebuggeeGone);
    story.told.clear();
    story.on(GatewayInput::DebuggeeConnected { paused: None, waiting: true }).says(
        VS_CODE,
        6,
        "disconnect",
        json!({}),
    );
    story.is(expect![[r#"
        debuggee connects, paused: None
            to debuggee: {"seq":5,"type":"request","command":"initialize","arguments":{"clientName":"Visual Studio Code"}}
            to debuggee: {"seq":6,"type":"request","command":"attach","arguments":{"pathMappings":[{"localRoot":"/home/user/iris","remoteRoot":"/mnt/code"}]}}
            to debuggee: {"seq":7,"type":"request","command":"setFunctionBreakpoints","arguments":{"breakpoints":[{"name":"f"}]}}
            to debuggee: {"seq":8,"type":"request","command":"configurationDone","arguments":{}}
            Configured
        client 1: disconnect #6
            to debuggee: {"seq":9,"type":"request","command":"setFunctionBreakpoints","arguments":{"breakpoints":[]}}
            to debuggee: {"seq":10,"type":"request","command":"disconnect","arguments":{"restart":false,"terminateDebuggee":false}}
            to client 1: {"seq":7,"type":"response","request_seq":6,"success":true,"command":"disconnect"}
            Detached
            close client 1
    "#]]);

    story
        .attached(OTHER, "Neovim")
        .says(OTHER, 4, "setFunctionBreakpoints", json!({"breakpoints": [{"name": "g"}]}))
        .on(GatewayInput::ClientGone(OTHER))
        .says(VS_CODE, 1, "initialize", json!({}))
        .says(VS_CODE, 2, "attach", json!({}));
    story.is(expect![[r#"
        client 2: setFunctionBreakpoints #4
            to debuggee: {"seq":14,"type":"request","command":"setFunctionBreakpoints","arguments":{"breakpoints":[{"name":"g"}]}}
        client 2 vanishes
            Detached
        client 1: initialize #1
            to debuggee: {"seq":15,"type":"request","command":"initialize","arguments":{}}
        client 1: attach #2
            to debuggee: {"seq":16,"type":"request","command":"setFunctionBreakpoints","arguments":{"breakpoints":[]}}
            to debuggee: {"seq":17,"type":"request","command":"attach","arguments":{"pathMappings":[{"localRoot":"/home/user/iris","remoteRoot":"/mnt/code"}]}}
    "#]]);
}

#[test]
fn the_session_goes_on_with_the_process_that_comes_next() {
    let mut story = Story::new();
    story.gateway.go_on_with_the_next();
    story
        .on(GatewayInput::DebuggeeConnected { paused: None, waiting: true })
        .attached(VS_CODE, "Visual Studio Code")
        .says(VS_CODE, 4, "continue", json!({"threadId": 1}));
    story.told.clear();
    let report = json!({
        "pid": 9, "port": 5, "python": "3.11.2", "argv": ["python", "b.py"], "cwd": "/", "debugpy": "1.8.22",
        "debugpyFrom": "/aml-debug/debugpy", "bytecode": true, "state": "waiting", "paused": null,
    });
    story
        .event("terminated", json!({}))
        .event("amlDebugEnded", json!({}))
        .says(VS_CODE, 5, "setBreakpoints", json!({"source": {"path": "/a/b.py"}, "breakpoints": []}))
        .event("amlDebugNext", report)
        .on(GatewayInput::DebuggeeGone);
    story.is(expect![[r#"
        debuggee: event terminated
        debuggee: event amlDebugEnded
            to client 1: {"seq":5,"type":"response","request_seq":4,"success":true,"command":"continue"}
        client 1: setBreakpoints #5
        debuggee: event amlDebugNext
            Next(Report { pid: 9, port: 5, python: "3.11.2", argv: ["python", "b.py"], cwd: "/", debugpy: "1.8.22", debugpy_from: "/aml-debug/debugpy", bytecode: true, state: Waiting, paused: None })
            to debuggee: {"seq":5,"type":"request","command":"initialize","arguments":{"clientName":"Visual Studio Code"}}
            to debuggee: {"seq":6,"type":"request","command":"attach","arguments":{"pathMappings":[{"localRoot":"/home/user/iris","remoteRoot":"/mnt/code"}]}}
            to debuggee: {"seq":7,"type":"request","command":"setBreakpoints","arguments":{"source":{"path":"/a/b.py"},"breakpoints":[]}}
            to debuggee: {"seq":8,"type":"request","command":"configurationDone","arguments":{}}
            Configured
        debuggee ends
            to client 1: {"seq":6,"type":"response","request_seq":5,"success":false,"command":"setBreakpoints","message":"The program has ended.","body":{"error":{"id":1,"format":"The program has ended.","showUser":true}}}
            to client 1: {"seq":7,"type":"event","event":"terminated","body":{}}
            close client 1
            Detached
    "#]]);
}

#[test]
fn a_worker_that_is_killed_is_told_and_the_session_goes_on_in_the_next() {
    let mut story = Story::new();
    story.gateway.go_on_with_the_next();
    story
        .on(GatewayInput::DebuggeeConnected { paused: None, waiting: true })
        .attached(VS_CODE, "Visual Studio Code")
        .event("stopped", stopped());
    story.told.clear();
    story
        .event("amlDebugEnded", json!({"worker": 9, "outOfMemory": false}))
        .event("amlDebugEnded", json!({"worker": 10, "outOfMemory": true}));
    story.is(expect![[r#"
        debuggee: event amlDebugEnded
            to client 1: {"seq":7,"type":"event","event":"continued","body":{"threadId":1,"allThreadsContinued":true}}
            Resumed
            to client 1: {"seq":8,"type":"event","event":"output","body":{"category":"important","output":"the server's worker (process 9) has ended, and no edit asked for it: it was killed or it crashed, and the server's log has its last words. The server starts another, and the debugger goes on in that one, from init() on\n"}}
            Said(Message { id: "deployment.worker-ended", args: [("pid", "9")] })
            WorkerEnded
        debuggee: event amlDebugEnded
            to client 1: {"seq":9,"type":"event","event":"output","body":{"category":"important","output":"the kernel has killed the server's worker (process 10) for want of memory. The server starts another, and the debugger goes on in that one, from init() on; give the container engine more memory, or load less in init() and run()\n"}}
            Said(Message { id: "deployment.worker-out-of-memory", args: [("pid", "10")] })
            WorkerEnded
    "#]]);
}

fn child(pid: u32, port: Option<u16>) -> Value {
    json!({"pid": pid, "argv": ["python", "/mnt/code/train.py"], "port": port})
}

#[test]
fn a_child_is_announced_in_the_way_that_the_client_knows() {
    let mut story = Story::new();
    story.on(GatewayInput::DebuggeeConnected { paused: None, waiting: true });
    story.attached(VS_CODE, "Visual Studio Code");
    story
        .event("amlDebugChild", child(31, Some(40_001)))
        .on(GatewayInput::ChildListens { pid: 31, port: 20_555 })
        .on(GatewayInput::ClientGone(VS_CODE))
        .says(OTHER, 1, "initialize", json!({"clientName": "new", "supportsStartDebuggingRequest": true}))
        .answers(4, "initialize", json!({}))
        .says(
            OTHER,
            2,
            "attach",
            json!({"type": "aml-debug", "name": "Train", "subProcess": true, "preLaunchTask": "t"}),
        )
        .answers(5, "attach", Value::Null)
        .says(OTHER, 3, "configurationDone", json!({}))
        .answers(6, "configurationDone", Value::Null)
        .on(GatewayInput::FromClient(OTHER, json!({"type": "response", "request_seq": 4, "success": false})));
    story.is(expect![[r#"
        debuggee: event amlDebugChild
            ChildWaits(Child { pid: 31, command: "python /mnt/code/train.py", debugged: true })
        child 31 listens on 20555
            to client 1: {"seq":5,"type":"event","event":"debugpyAttach","body":{"name":"train.py, process 31","request":"attach","connect":{"host":"127.0.0.1","port":20555},"subProcessId":31}}
        client 1 vanishes
            Detached
        client 2: initialize #1
            to debuggee: {"seq":4,"type":"request","command":"initialize","arguments":{"clientName":"new","supportsStartDebuggingRequest":true}}
        debuggee: response to #4, initialize
            to client 2: {"type":"response","request_seq":1,"success":true,"command":"initialize","seq":1,"body":{"supportsRestartRequest":false,"supportsTerminateRequest":true,"supportTerminateDebuggee":true,"supportSuspendDebuggee":false}}
        client 2: attach #2
            to debuggee: {"seq":5,"type":"request","command":"attach","arguments":{"type":"aml-debug","name":"Train","subProcess":true,"preLaunchTask":"t","pathMappings":[{"localRoot":"/home/user/iris","remoteRoot":"/mnt/code"}]}}
        debuggee: response to #5, attach
            to client 2: {"type":"response","request_seq":2,"success":true,"command":"attach","seq":2}
            Attached { client: "new" }
        client 2: configurationDone #3
            to debuggee: {"seq":6,"type":"request","command":"configurationDone","arguments":{}}
        debuggee: response to #6, configurationDone
            to client 2: {"type":"response","request_seq":3,"success":true,"command":"configurationDone","seq":3}
            Configured
            to client 2: {"seq":4,"type":"request","command":"startDebugging","arguments":{"request":"attach","configuration":{"type":"aml-debug","subProcess":true,"name":"train.py, process 31","request":"attach","connect":{"host":"127.0.0.1","port":20555},"subProcessId":31,"port":20555}}}
        client 2: response to #4, 
            release child 31
    "#]]);
}

#[test]
fn children_of_a_debug_server_on_a_node_are_announced_at_a_port_of_ours() {
    let configuration = json!({"name": "Subprocess 31", "subProcessId": 31, "connect": {"port": 5678}});
    let mut story = Story::new();
    story.on(GatewayInput::DebuggeeConnected { paused: None, waiting: true });
    story.attached(VS_CODE, "Visual Studio Code");
    story
        .event("debugpyAttach", configuration.clone())
        .on(GatewayInput::ChildListens { pid: 31, port: 20_555 });
    // To a client that starts sessions when asked, the debug server sends a request.
    let arguments = json!({"request": "attach", "configuration": configuration});
    let request = json!({"type": "request", "seq": 9, "command": "startDebugging", "arguments": arguments});
    story.on(GatewayInput::FromDebuggee(request));
    story.is(expect![[r#"
        debuggee: event debugpyAttach
            ChildWaits(Child { pid: 31, command: "python", debugged: true })
        child 31 listens on 20555
            to client 1: {"seq":5,"type":"event","event":"debugpyAttach","body":{"name":"python, process 31","request":"attach","connect":{"host":"127.0.0.1","port":20555},"subProcessId":31}}
        debuggee: startDebugging #9
            to debuggee: {"seq":4,"type":"response","request_seq":9,"success":true,"command":"startDebugging"}
            ChildWaits(Child { pid: 31, command: "python", debugged: true })
    "#]]);

    // One that nobody comes to is asked for by its number, or another process would go on in its place.
    let mut story = Story::new();
    story.gateway.serves_process(31);
    story.on(GatewayInput::DebuggeeConnected { paused: None, waiting: true }).on(GatewayInput::GoOn);
    story.is(expect![[r#"
        debuggee connects, paused: None
        nobody will come
            to debuggee: {"seq":1,"type":"request","command":"initialize","arguments":{"adapterID":"aml-debug"}}
            to debuggee: {"seq":2,"type":"request","command":"attach","arguments":{"subProcessId":31}}
            to debuggee: {"seq":3,"type":"request","command":"configurationDone","arguments":{}}
    "#]]);
}

#[test]
fn a_child_that_nobody_debugs_is_let_go_on_and_told_of_once() {
    let mut story = Story::new();
    story
        .on(GatewayInput::DebuggeeConnected { paused: None, waiting: true })
        .event("amlDebugChild", child(31, Some(40_001)))
        .on(GatewayInput::ChildListens { pid: 31, port: 20_555 })
        .event("amlDebugUnattended", json!({}))
        .event("amlDebugChild", child(32, None))
        .event("amlDebugChild", child(33, None));
    story.is(expect![[r#"
        debuggee connects, paused: None
        debuggee: event amlDebugChild
            ChildWaits(Child { pid: 31, command: "python /mnt/code/train.py", debugged: true })
        child 31 listens on 20555
        debuggee: event amlDebugUnattended
            Unattended
            release child 31
        debuggee: event amlDebugChild
            Said(Message { id: "dap.child-undebugged", args: [("pid", "32"), ("command", "python /mnt/code/train.py")] })
        debuggee: event amlDebugChild
    "#]]);
    let mut of_child = Story { gateway: Gateway::new(Role::Child, Vec::new()), told: String::new() };
    of_child
        .on(GatewayInput::GoOn)
        .on(GatewayInput::DebuggeeConnected { paused: None, waiting: true })
        .on(GatewayInput::GoOn);
    of_child.is(expect![[r#"
        nobody will come
        debuggee connects, paused: None
            to debuggee: {"seq":1,"type":"request","command":"initialize","arguments":{"adapterID":"aml-debug"}}
            to debuggee: {"seq":2,"type":"request","command":"attach","arguments":{}}
            to debuggee: {"seq":3,"type":"request","command":"configurationDone","arguments":{}}
        nobody will come
    "#]]);
}

#[test]
fn a_file_that_was_not_found_is_looked_for_and_reached_by_the_mapping_that_is_applied() {
    let mut story = Story::new();
    story.on(GatewayInput::DebuggeeConnected { paused: None, waiting: true });
    story.attached(VS_CODE, "Visual Studio Code");
    let source = json!({"path": "/home/user/other/train.py"});
    let pair = ("/home/user/other".to_owned(), "/mnt/code".to_owned());
    story
        .says(VS_CODE, 4, "setBreakpoints", json!({"source": source, "breakpoints": [{"line": 23}]}))
        .answers(
            4,
            "setBreakpoints",
            json!({"breakpoints": [
                {"verified": false, "id": 7, "line": 23, "message": "Breakpoint in file that does not exist."},
            ]}),
        )
        .on(GatewayInput::FileFound {
            source: "/home/user/other/train.py".to_owned(),
            resolved: None,
            found: vec!["/mnt/code/train.py".to_owned()],
        })
        .on(GatewayInput::Map(pair))
        .event("process", json!({}))
        .event("initialized", json!({}))
        .answers(7, "setBreakpoints", json!({"breakpoints": [{"verified": true, "id": 8, "line": 23}]}));
    story.is(expect![[r#"
        client 1: setBreakpoints #4
            to debuggee: {"seq":4,"type":"request","command":"setBreakpoints","arguments":{"source":{"path":"/home/user/other/train.py"},"breakpoints":[{"line":23}]}}
        debuggee: response to #4, setBreakpoints
            find train.py for /home/user/other/train.py
            to client 1: {"type":"response","request_seq":4,"success":true,"command":"setBreakpoints","seq":5,"body":{"breakpoints":[{"verified":false,"id":7,"line":23,"message":"No path mapping covers /home/user/other/train.py."}]}}
        found: ["/mnt/code/train.py"]
            to client 1: {"seq":6,"type":"event","event":"breakpoint","body":{"reason":"changed","breakpoint":{"verified":false,"id":7,"line":23,"message":"No path mapping covers /home/user/other/train.py; the container has it as /mnt/code/train.py. The mapping /home/user/other -> /mnt/code reaches it."}}}
            to client 1: {"seq":7,"type":"event","event":"output","body":{"category":"important","output":"No path mapping covers /home/user/other/train.py; the container has it as /mnt/code/train.py. The mapping /home/user/other -> /mnt/code reaches it.\n"}}
            Said(Message { id: "dap.path-unmapped", args: [("source", "/home/user/other/train.py"), ("found", "/mnt/code/train.py"), ("local", "/home/user/other"), ("remote", "/mnt/code")] })
            MappingProposed(Proposal { file: "/home/user/other/train.py", message: Message { id: "dap.path-unmapped", args: [("source", "/home/user/other/train.py"), ("found", "/mnt/code/train.py"), ("local", "/home/user/other"), ("remote", "/mnt/code")] }, pair: ("/home/user/other", "/mnt/code") })
        the user maps ("/home/user/other", "/mnt/code")
            to debuggee: {"seq":5,"type":"request","command":"setBreakpoints","arguments":{"source":{"path":"/home/user/other/train.py"},"breakpoints":[]}}
            to debuggee: {"seq":6,"type":"request","command":"attach","arguments":{"pathMappings":[{"localRoot":"/home/user/other","remoteRoot":"/mnt/code"},{"localRoot":"/home/user/iris","remoteRoot":"/mnt/code"}]}}
            to debuggee: {"seq":7,"type":"request","command":"setBreakpoints","arguments":{"source":{"path":"/home/user/other/train.py"},"breakpoints":[{"line":23}]}}
        debuggee: event process
        debuggee: event initialized
        debuggee: response to #7, setBreakpoints
            to client 1: {"seq":8,"type":"event","event":"breakpoint","body":{"reason":"changed","breakpoint":{"verified":true,"id":7,"line":23}}}
    "#]]);
}

#[test]
fn our_own_editor_which_asks_about_a_mapping_is_not_told_of_it_as_well() {
    let mut story = Story::new();
    story.on(GatewayInput::DebuggeeConnected { paused: None, waiting: true });
    story
        .says(VS_CODE, 1, "initialize", json!({"clientName": "Visual Studio Code"}))
        .answers(1, "initialize", json!({"supportsConfigurationDoneRequest": true}))
        .says(VS_CODE, 2, "attach", json!({"type": "aml-debug"}))
        .event("initialized", json!({}));
    let source = json!({"path": "/home/user/other/train.py"});
    let missing =
        json!({"verified": false, "id": 7, "line": 23, "message": "Breakpoint in file that does not exist."});
    story
        .says(VS_CODE, 3, "setBreakpoints", json!({"source": source, "breakpoints": [{"line": 23}]}))
        .answers(3, "setBreakpoints", json!({"breakpoints": [missing]}));
    story.told.clear();
    story.on(GatewayInput::FileFound {
        source: "/home/user/other/train.py".to_owned(),
        resolved: None,
        found: vec!["/mnt/code/train.py".to_owned()],
    });
    assert!(story.told.contains(r#""category":"console""#), "{}", story.told);
    assert!(!story.told.contains(r#""category":"important""#), "{}", story.told);
    assert!(story.told.contains("MappingProposed"), "{}", story.told);
}
