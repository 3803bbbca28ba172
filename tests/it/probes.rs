//! When a deployment is well and when it is given up: by the probes of its spec, as Azure takes them.

use crate::support::program::told;
use crate::support::{Ground, OWN_SERVER, engine};
use serde_json::json;
use std::fs;
use std::time::Instant;

/// A server of the user's own with three ports, whose health is what its variables say: statuses one after the
/// other, the last for ever; 0 is no answer.
const SERVER: &str = r#"
//- /deployment.yml
name: own
endpoint_name: probed
instance_type: Standard_DS3_v2
environment:
  build:
    path: .
  inference_config:
    liveness_route: {port: 8082, path: /live}
    readiness_route: {port: 8081, path: /ready}
    scoring_route: {port: 8080, path: /asked}
//- /app/server.py
import json, os, threading, time
from answering import Answering, serve

answers = {path: os.environ[path.upper()].split() for path in ("live", "ready")}
good = {"live": [], "ready": []}

class Probed(Answering):
    kind = "application/json"

    def do_GET(self):
        path = self.path[1:]
        if path == "asked":
            return self.answer(200, json.dumps(good).encode())
        left = answers[path]
        status = int(left.pop(0) if len(left) > 1 else left[0])
        if status == 0:
            return time.sleep(60)
        if status == 200:
            good[path].append(time.monotonic())
        self.answer(status, b"")

for port in (8081, 8082):
    threading.Thread(target=serve, args=(port, Probed), daemon=True).start()
serve(8080, Probed)
"#;

fn with(live: &str, ready: &str, probes: &str) -> Ground {
    let ground = Ground::with(&format!("{SERVER}{OWN_SERVER}"));
    let path = ground.path("deployment.yml");
    let text = fs::read_to_string(&path).expect("ours");
    let variables = format!("environment_variables: {{LIVE: \"{live}\", READY: \"{ready}\"}}\n");
    fs::write(path, format!("{text}{variables}{probes}")).expect("ours");
    ground
}

#[track_caller]
fn is_given_up(ground: &Ground, words: &[&str]) {
    let ended = ground.call(["deploy", "deployment.yml", "--json"]).with_code(1);
    let failure = told(&ended.result()["failure"]);
    for word in words {
        assert!(failure.contains(word), "no “{word}” in:\n{failure}");
    }
    let control = ended.log("control").join("\n");
    assert!(control.contains("has failed 1 of "), "the first is told at once: {control}");
    ground.leaves_nothing();
}

#[test]
fn a_server_is_ready_after_as_many_good_answers_in_a_row_as_its_probe_wants() {
    let ground = with(
        "503 200",
        "503 503 200 500 200",
        "readiness_probe: {period: 1, success_threshold: 3, initial_delay: 1}\n",
    );
    let result = ground.call(["deploy", "deployment.yml", "--json"]).with_code(0).result();
    let asked = ground.call(["deployments", "invoke", "own", "--path", "/asked", "--json"]).with_code(0);
    let good = asked.objects()[0]["body"].clone();
    let times: Vec<f64> =
        good["ready"].as_array().expect("times").iter().filter_map(|it| it.as_f64()).collect();
    // One before the 500, which does not count, and three behind it, a period apart.
    assert_eq!((times.len(), good["live"].as_array().map(Vec::len)), (4, Some(1)), "{good}");
    assert!(times[1..].windows(2).all(|two| two[1] - two[0] > 0.9), "{good}");
    ground.call(["deployments", "remove", "own"]).with_code(0);
    ground.leaves_nothing();
    engine::docker_says(&["rmi", result["image"].as_str().expect("an image")]);
}

#[test]
fn a_probe_that_fails_is_named_with_its_count_and_its_last_answer() {
    let quick = "{initial_delay: 1, period: 1, timeout: 1, failure_threshold: 3}";
    let began = Instant::now();
    is_given_up(
        &with("404", "200", &format!("liveness_probe: {quick}\n")),
        &[
            "the liveness probe failed 3 times in a row, every 1 s from 1 s after the start on",
            "/live: it answered with status 404",
            "deployments logs probed/own",
            "\"liveness_probe\" in the spec",
        ],
    );
    assert!(began.elapsed().as_secs() < 60, "by the numbers of the spec: {:?}", began.elapsed());
    is_given_up(
        &with("200", "0", &format!("readiness_probe: {quick}\n")),
        &["the readiness probe failed 3 times", "/ready: no answer within 1 s", "\"readiness_probe\""],
    );
}

#[test]
fn a_server_that_never_listens_is_given_up_and_one_under_the_debugger_is_not() {
    let ground = with("200", "200", "liveness_probe: {initial_delay: 0, period: 1, failure_threshold: 2}\n");
    let script = ground.path("app/server.py");
    let text = fs::read_to_string(&script).expect("ours");
    fs::write(&script, text.replace("answers = {", "time.sleep(4)\nanswers = {")).expect("ours");
    is_given_up(&ground, &["the liveness probe failed 2 times", "nothing answers there"]);
    let words = ["deploy", "deployment.yml", "--break", "app/server.py:8", "--json"];
    let result = ground.call(words).with_code(0).result();
    assert_eq!(result["stops"][0]["line"], json!(8), "{result}");
    ground.call(["deployments", "remove", "own"]).with_code(0);
    ground.leaves_nothing();
}
