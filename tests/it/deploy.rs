//! Deployments: a score.py behind the real inference server, from the command to what is left afterwards.

use crate::support::program::{text, told};
use crate::support::{Debugger, Ground, engine, until};
use serde_json::{Value, json};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

pub(crate) const SCORE: &str = r#"
//- /deployment.yml
name: blue
endpoint_name: iris
instance_type: Standard_DS3_v2
model:
  path: weights
code_configuration:
  code: src
  scoring_script: score.py
environment:
  image: $BASE
//- /request.json
{"values": [1, 2, 3]}
//- /weights/factor.txt
10
//- /src/score.py
import json, os

def init():
    global factor
    path = os.path.join(os.environ["AZUREML_MODEL_DIR"], "weights", "factor.txt")
    factor = int(open(path).read())

def run(raw_data):
    values = json.loads(raw_data)["values"]
    total = factor * sum(values)
    return {"total": total, "root": os.environ["AML_APP_ROOT"], "args": len(values)}
"#;

/// An HTTP exchange as it is on the wire: the whole answer.
pub(crate) fn http(uri: &str, method: &str, body: &str) -> (u16, String) {
    try_http(uri, method, body).expect("an answer")
}

/// The same, where the connection may be cut before anything comes.
pub(crate) fn try_http(uri: &str, method: &str, body: &str) -> Option<(u16, String)> {
    let (authority, path) = uri.strip_prefix("http://").and_then(|rest| rest.split_once('/')).expect("a URI");
    let mut stream = TcpStream::connect(authority).ok()?;
    let length = body.len();
    write!(
        stream,
        "{method} /{path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Some((status, body.to_owned()))
}

/// The deployments, as `deployments list` has them.
#[track_caller]
fn list(ground: &Ground) -> Vec<Value> {
    ground.call(["deployments", "list", "--json"]).with_code(0).objects()
}

#[test]
fn a_deployment_answers_outlives_its_command_and_leaves_nothing_when_it_is_removed() {
    let ground = Ground::with(SCORE);
    let before = ground.files();
    let ended = ground.call(["deploy", "deployment.yml", "--request", "request.json", "--json"]).with_code(0);
    let result = ended.result();
    assert_eq!(result["outcome"], "running");
    assert_eq!(result["deployment"], "iris/blue");
    let body = json!({"total": 60, "root": "/var/azureml-app/src", "args": 3});
    assert_eq!((&result["response"]["status"], &result["response"]["body"]), (&json!(200), &body));
    let phases = result["phases"].as_array().unwrap();
    let names: Vec<_> = phases.iter().map(|phase| text(&phase["name"])).collect();
    assert_eq!(names, ["resolve", "build", "create", "start", "run"]);

    // Nobody looks after it now, and every later command finds it well.
    let uri = text(&result["scoringUri"]);
    assert_eq!(http(&uri, "POST", r#"{"values": [1]}"#).0, 200);
    assert_eq!(list(&ground)[0]["state"], "running");
    let container = ground.containers().pop().expect("a container");
    let ports = engine::docker(&["port", &container]);
    assert!(ports.lines().all(|line| line.contains("127.0.0.1:")) && !ports.is_empty(), "{ports}");
    let answer = ground.call(["deployments", "invoke", "blue", "--request", "request.json", "--json"]);
    assert_eq!(answer.with_code(0).objects()[0]["body"], body);
    let health = ground.call(["deployments", "invoke", "iris/blue", "--path", "/"]).with_code(0);
    assert_eq!(health.stdout, "Healthy");
    let swagger =
        ground.call(["deployments", "invoke", "blue", "--path", "/swagger.json", "--json"]).with_code(0);
    assert_eq!(swagger.objects()[0]["body"]["swagger"], "2.0");
    assert!(ground.call(["deployments", "logs", "blue"]).with_code(0).stdout.contains("POST /score 200"));
    assert!(ground.runs().is_empty(), "a deployment is no run of an experiment");

    ground.call(["deployments", "stop", "blue"]).with_code(0);
    assert_eq!(list(&ground)[0]["state"], "cancelled");
    ground.leaves_nothing();
    ground.call(["deployments", "restart", "blue"]).with_code(0);
    assert_eq!(http(&uri, "POST", r#"{"values": [1]}"#).0, 200, "it answers where it answered before");
    ground.call(["deployments", "remove", "blue"]).with_code(0);
    assert!(list(&ground).is_empty());
    ground.leaves_nothing();
    assert_eq!(ground.files(), before, "nothing in the source tree");
}

#[test]
fn both_functions_stop_and_the_answer_is_the_same_as_without_a_debugger() {
    let ground = Ground::with(SCORE);
    let plain = ground.call(["deploy", "deployment.yml", "--json"]).with_code(0).result();
    let uri = text(&plain["scoringUri"]);
    let requests = [("POST", r#"{"values": [4, 5]}"#), ("POST", "nonsense"), ("GET", ""), ("PUT", "{}")];
    let ask = || requests.map(|(method, body)| http(&uri, method, body));
    let without = ask();
    let debugged = ground.call([
        "deploy",
        "deployment.yml",
        "--break",
        "src/score.py:6",
        "--break",
        "score.py:10",
        "--request",
        "request.json",
        "--json",
    ]);
    let result = debugged.with_code(0).result();
    assert_eq!(result["scoringUri"], plain["scoringUri"], "the second takes the place of the first");
    let stops: Vec<_> = result["stops"].as_array().unwrap().iter().map(|stop| stop["line"].clone()).collect();
    assert_eq!(stops, [6, 10]);
    assert!(text(&result["stops"][0]["locals"]["path"]).contains("/azureml-models/"));
    assert_eq!(result["stops"][1]["locals"]["values"], "[1, 2, 3]");
    // The debugger has taken its breakpoints along.
    assert_eq!(ask(), without);
    ground.call(["deployments", "remove", "blue"]).with_code(0);
    ground.leaves_nothing();
}

#[test]
fn a_breakpoint_that_no_request_reaches_is_an_exit_code_of_its_own() {
    let ground = Ground::with(SCORE);
    let ended =
        ground.call(["deploy", "deployment.yml", "--break", "src/score.py:10", "--json"]).with_code(4);
    assert!(text(&ended.result()["failure"]["detail"][0]).contains("score.py:10"));
    ground.call(["deployments", "remove", "blue"]).with_code(0);
}

#[test]
fn an_edit_is_loaded_in_place_under_the_debugger_that_is_attached() {
    let ground = Ground::with(SCORE);
    let code = ground.path("src").display().to_string();
    let script = ground.path("src/score.py");
    let mut deploy = ground.start(["deploy", "deployment.yml", "--debug", "--json"]);
    let ready = deploy.wait_until_ready();
    assert_eq!(ready["name"], "Azure Machine Learning Deployment: Docker Debug");
    let mut debugger = Debugger::attach(&ready, &code, &[("score.py", 6)]);
    let (thread, line, _) = debugger.stopped();
    assert_eq!(line, 6, "init() is never missed");
    debugger.go_on(&thread);
    let healthy = deploy.wait_for("healthy", |event| event["event"] == "healthy");
    let uri = text(&healthy["service"]["scoringUri"]);
    assert!(http(&uri, "POST", r#"{"values": [1]}"#).1.contains(r#""total": 10"#));

    let edited = fs::read_to_string(&script).unwrap().replace("factor * sum", "2 * factor * sum");
    fs::write(&script, &edited).unwrap();
    let (thread, line, _) = debugger.stopped();
    assert_eq!(line, 6, "the same session stops in the new init()");
    debugger.go_on(&thread);
    let answer = until("the new answer", || {
        let (_, body) = http(&uri, "POST", r#"{"values": [1]}"#);
        body.contains(r#""total": 20"#).then_some(body)
    });
    assert!(answer.contains("score") || answer.contains("root"));

    fs::write(&script, format!("{edited}\ndef broken(\n")).unwrap();
    let refused = deploy.wait_for("a refusal", |event| !event["run"]["service"]["refused"].is_null());
    let told = text(&refused["run"]["service"]["refused"]["what"]["text"]);
    assert!(told.starts_with("src/score.py:13: SyntaxError"), "{told}");
    assert!(
        http(&uri, "POST", r#"{"values": [1]}"#).1.contains(r#""total": 20"#),
        "the last good one answers"
    );

    deploy.signal("INT");
    deploy.end().with_code(0);
    assert_eq!(list(&ground)[0]["state"], "running", "Ctrl+C leaves it");
    ground.call(["deployments", "remove", "blue"]).with_code(0);
    ground.leaves_nothing();
}

#[test]
fn an_edit_while_the_first_init_stands_is_loaded_at_once() {
    let ground = Ground::with(SCORE);
    let code = ground.path("src").display().to_string();
    let script = ground.path("src/score.py");
    let mut deploy = ground.start(["deploy", "deployment.yml", "--debug", "--json"]);
    let ready = deploy.wait_until_ready();
    let mut debugger = Debugger::attach(&ready, &code, &[("score.py", 6)]);
    debugger.stopped();
    let edited = fs::read_to_string(&script).unwrap().replace("factor * sum", "2 * factor * sum");
    fs::write(&script, edited).unwrap();
    let (thread, line, locals) = debugger.stopped();
    assert_eq!(line, 6, "another worker's init()");
    assert!(!locals.contains_key("factor"), "{locals:?}");
    debugger.go_on(&thread);
    let healthy = deploy.wait_for("healthy", |event| event["event"] == "healthy");
    let (_, answer) = http(&text(&healthy["service"]["scoringUri"]), "POST", r#"{"values": [1]}"#);
    assert!(answer.contains(r#""total": 20"#), "{answer}");
    deploy.signal("INT");
    deploy.end().with_code(0);
    ground.call(["deployments", "remove", "blue"]).with_code(0);
    ground.leaves_nothing();
}

/// `init()` raises on its last line, which is the sixth.
pub(crate) fn breaks_init(script: &Path) -> String {
    let well = fs::read_to_string(script).expect("ours");
    let broken = well.replace("factor = int(open(path).read())", "raise ValueError('no weights here')");
    fs::write(script, broken).expect("ours");
    well
}

#[test]
fn an_edit_that_init_raises_over_is_told_and_the_next_good_one_answers() {
    let ground = Ground::with(SCORE);
    let result = ground.call(["deploy", "deployment.yml", "--json"]).with_code(0).result();
    let uri = text(&result["scoringUri"]);
    // Somebody looks after it, as an editor does, and does so before it shows the log. Its lock alone says less: whoever
    // asks for an owner holds it for a moment.
    let mut owner = ground.start(["deployments", "logs", "blue", "--follow"]);
    owner.wait_for_output("ready for serving");
    let shown = || ground.call(["deployments", "show", "blue", "--json"]).with_code(0).objects()[0].clone();
    let service = || shown()["run"]["service"].clone();
    let script = ground.path("src/score.py");
    let well = breaks_init(&script);
    let refused = until("a refusal", || Some(service()).filter(|service| !service["refused"].is_null()));
    let said = told(&refused["refused"]);
    for words in ["init() failed at src/score.py:6: ValueError: no weights here", "-> correct it and save"] {
        assert!(said.contains(words), "{said}");
    }
    assert_eq!(refused["refusedAt"], json!({"file": script.display().to_string(), "line": 6}));
    assert_eq!(ground.containers().len(), 1, "the container stays");
    let asked =
        ground.call(["deployments", "invoke", "blue", "--request", "request.json"]).with_code(1).stderr;
    let because = "nothing answers for the deployment iris/blue: init() failed at src/score.py:6";
    assert!(asked.contains(because), "{asked}");

    fs::write(&script, well.replace("factor * sum", "2 * factor * sum")).expect("ours");
    until("the answer of the next edit", || {
        let (_, body) = try_http(&uri, "POST", r#"{"values": [1]}"#)?;
        body.contains(r#""total": 20"#).then_some(())
    });
    let service =
        until("that it is well", || Some(service()).filter(|service| service["healthyAt"].is_u64()));
    assert_eq!((&service["refused"], &service["refusals"]), (&Value::Null, &json!(1)));

    // Once more, and then it is stopped as it stands.
    breaks_init(&script);
    until("another refusal", || (shown()["run"]["service"]["refusals"] == 2).then_some(()));
    ground.call(["deployments", "stop", "blue"]).with_code(0);
    owner.end();
    assert_eq!(list(&ground)[0]["state"], "cancelled");
    ground.leaves_nothing();
}

#[test]
fn an_edit_that_init_raises_over_leaves_the_debug_session_to_the_next_good_one() {
    let ground = Ground::with(SCORE);
    let code = ground.path("src").display().to_string();
    let script = ground.path("src/score.py");
    let mut deploy = ground.start(["deploy", "deployment.yml", "--debug", "--json"]);
    let ready = deploy.wait_until_ready();
    let mut debugger = Debugger::attach(&ready, &code, &[("score.py", 5)]);
    let (thread, ..) = debugger.stopped();
    debugger.go_on(&thread);
    let healthy = deploy.wait_for("healthy", |event| event["event"] == "healthy");
    let uri = text(&healthy["service"]["scoringUri"]);

    let well = breaks_init(&script);
    let (thread, line, _) = debugger.stopped();
    assert_eq!(line, 5, "the new init()");
    debugger.go_on(&thread);
    let refused = deploy.wait_for("a refusal", |event| !event["run"]["service"]["refused"].is_null());
    let said = told(&refused["run"]["service"]["refused"]);
    assert!(said.contains("init() failed at src/score.py:6: ValueError"), "{said}");
    let said = debugger.important();
    assert!(said.contains("waits for the next edit: init() failed at src/score.py:6"), "{said}");

    fs::write(&script, well.replace("factor * sum", "2 * factor * sum")).expect("ours");
    let (thread, line, _) = debugger.stopped();
    assert_eq!(line, 5, "the same session stops in the init() of the next edit");
    debugger.go_on(&thread);
    deploy.wait_for("healthy again", |event| event["event"] == "healthy");
    until("the answer of the next edit", || {
        let (_, body) = try_http(&uri, "POST", r#"{"values": [1]}"#)?;
        body.contains(r#""total": 20"#).then_some(())
    });
    deploy.signal("INT");
    let log = deploy.end().with_code(0).log("control").join("\n");
    assert!(!log.contains("no edit asked for it"), "the worker that ended with its server is no news: {log}");
    ground.call(["deployments", "remove", "blue"]).with_code(0);
    ground.leaves_nothing();
}

#[test]
fn several_deployments_answer_side_by_side_and_two_stores_see_only_their_own() {
    let (one, two) = (Ground::with(SCORE), Ground::with(SCORE));
    fs::write(
        one.path("green.yml"),
        fs::read_to_string(one.path("deployment.yml")).unwrap().replace("name: blue", "name: green"),
    )
    .unwrap();
    let deploy = |ground: &Ground, file: &str| ground.call(["deploy", file, "--json"]).with_code(0).result();
    let uris: Vec<_> =
        [deploy(&one, "deployment.yml"), deploy(&one, "green.yml"), deploy(&two, "deployment.yml")]
            .iter()
            .map(|result| text(&result["scoringUri"]))
            .collect();
    assert!(uris.iter().all(|uri| http(uri, "POST", r#"{"values": [1]}"#).0 == 200), "{uris:?}");
    assert_eq!((list(&one).len(), list(&two).len()), (2, 1));
    two.call(["deployments", "remove", "blue"]).with_code(0);
    assert!(list(&one).iter().all(|deployment| deployment["state"] == "running"));
    for name in ["blue", "green"] {
        one.call(["deployments", "remove", name]).with_code(0);
    }
    one.leaves_nothing();
}

#[test]
fn killed_at_a_breakpoint_it_is_adopted_attached_again_and_answers() {
    let ground = Ground::with(SCORE);
    let local = ground.path("src").display().to_string();
    let mut deploy = ground.start(["deploy", "deployment.yml", "--debug", "--json"]);
    let ready = deploy.wait_until_ready();
    let mut debugger = Debugger::attach(&ready, &local, &[("score.py", 6)]);
    debugger.stopped();
    deploy.kill();
    debugger.wait_for_close();
    let known = list(&ground);
    assert_eq!(known[0]["state"], "paused", "{known:?}");
    let run = text(&known[0]["run"]);
    let mut attach = ground.start(["attach", &run, "--json"]);
    let entry = attach.wait_for("an entry", |event| event["event"] == "attach");
    let mut debugger = Debugger::attach(&entry["configuration"], &local, &[("score.py", 10)]);
    let (thread, line, _) = debugger.stopped();
    assert_eq!(line, 6, "where it stood before");
    debugger.go_on(&thread);
    let uri = text(&known[0]["service"]["scoringUri"]);
    let client = std::thread::spawn(move || http(&uri, "POST", r#"{"values": [1]}"#));
    let (thread, line, _) = debugger.stopped();
    assert_eq!(line, 10);
    debugger.go_on(&thread);
    assert_eq!(client.join().expect("an answer").0, 200);
    attach.signal("INT");
    attach.end();
    assert_eq!(list(&ground)[0]["state"], "running");
    ground.call(["deployments", "remove", "blue"]).with_code(0);
    ground.leaves_nothing();
}

#[test]
fn an_edit_that_nobody_saw_is_loaded_by_whoever_takes_the_deployment_over() {
    let ground = Ground::with(SCORE);
    let uri = text(&ground.call(["deploy", "deployment.yml", "--json"]).with_code(0).result()["scoringUri"]);
    let script = ground.path("src/score.py");
    let well = fs::read_to_string(&script).unwrap();
    let edit = |times: u32| {
        fs::write(&script, well.replace("factor * sum", &format!("{times} * factor * sum"))).expect("ours");
    };
    let answers = |total: u32| {
        until(&format!("the answer {total}"), || {
            let (_, body) = try_http(&uri, "POST", r#"{"values": [1]}"#)?;
            body.contains(&format!(r#""total": {total}"#)).then_some(())
        });
    };
    edit(2);
    answers(10);
    let owner = ground.start(["deployments", "logs", "blue", "--follow"]);
    answers(20);
    until("that it is well", || Some(()).filter(|()| list(&ground)[0]["service"]["healthyAt"].is_u64()));
    owner.kill();

    // What it answers with is not loaded once more.
    let owner = ground.start(["deployments", "logs", "blue", "--follow"]);
    edit(3);
    answers(30);
    assert_eq!(list(&ground)[0]["service"]["restarts"], 2);
    owner.kill();
    ground.call(["deployments", "remove", "blue"]).with_code(0);
    ground.leaves_nothing();
}

#[test]
fn a_restart_that_its_owner_was_asked_for_and_did_not_do_is_done_all_the_same() {
    let ground = Ground::with(SCORE);
    let result = ground.call(["deploy", "deployment.yml", "--json"]).with_code(0).result();
    let mut owner = ground.start(["deployments", "logs", "blue", "--follow"]);
    owner.wait_for_output("ready for serving");
    owner.signal("STOP");
    let script = ground.path("src/score.py");
    let edited = fs::read_to_string(&script).unwrap().replace("factor * sum", "2 * factor * sum");
    fs::write(&script, edited).unwrap();
    let restart = ground.start(["deployments", "restart", "blue"]);
    ground.wait_until_asked("restart");
    owner.kill();
    restart.end().with_code(0);
    let (_, answer) = http(&text(&result["scoringUri"]), "POST", r#"{"values": [1]}"#);
    assert!(answer.contains(r#""total": 20"#), "{answer}");
    ground.call(["deployments", "remove", "blue"]).with_code(0);
    ground.leaves_nothing();
}
