//! Requests to a deployment: what can be sent, what can come back, and what is remembered of it.

use crate::deploy::SCORE;
use crate::support::Ground;
use crate::support::program::{text, told};
use serde_json::json;
use std::fs;
use std::process::Stdio;

/// The usual deployment with another `score.py`.
fn with(script: &str) -> Ground {
    let ground = Ground::with(SCORE);
    fs::write(ground.path("src/score.py"), script).expect("ours");
    ground
}

#[test]
fn bytes_go_in_and_come_out_as_they_are() {
    let ground = with(
        "from azureml_inference_server_http.api.aml_request import rawhttp\nfrom azureml_inference_server_http.api.aml_response import AMLResponse\n\ndef init():\n    pass\n\n@rawhttp\ndef run(request):\n    return AMLResponse(request.get_data()[::-1], 200, {\"Content-Type\": \"image/png\"})\n",
    );
    ground.call(["deploy", "deployment.yml", "--json"]).with_code(0);
    let bytes: Vec<u8> = (0..=255).collect();
    let reversed: Vec<u8> = bytes.iter().rev().copied().collect();
    fs::write(ground.path("in.bin"), &bytes).expect("ours");
    let sent = ground
        .call(["deployments", "invoke", "blue", "--request", "in.bin", "--output", "out.bin"])
        .with_code(0);
    assert_eq!(fs::read(ground.path("out.bin")).expect("written"), reversed);
    assert!(sent.stderr.contains("256 bytes are in"), "{}", sent.stderr);
    // Through a pipe, on both ends.
    let mut piped = ground.command(["deployments", "invoke", "blue", "--request", "-"]);
    piped.stdin(fs::File::open(ground.path("in.bin")).expect("ours")).stderr(Stdio::piped());
    assert_eq!(piped.output().expect("it ran").stdout, reversed);
    let shown = ground.call(["deployments", "show", "blue", "--json"]).with_code(0).objects();
    let last = &shown[0]["answers"][0];
    assert_eq!((&last["size"], &last["status"]), (&json!(256), &json!(200)), "{shown:?}");
    ground.call(["deployments", "remove", "blue"]).with_code(0);
}

#[test]
fn the_one_request_beside_the_spec_is_taken_and_the_answers_are_remembered() {
    let ground = Ground::with(SCORE);
    ground.call(["deploy", "deployment.yml", "--json"]).with_code(0);
    let sent = ground.call(["deployments", "invoke", "blue"]).with_code(0);
    assert_eq!(sent.stdout.trim(), r#"{"total":60,"root":"/var/azureml-app/src","args":3}"#);
    assert!(
        sent.stderr.contains("request.json, the one request that lies beside the spec"),
        "{}",
        sent.stderr
    );
    ground
        .call(["deploy", "deployment.yml", "--break", "src/score.py:9", "--request", "request.json"])
        .with_code(0);
    let shown = ground.call(["deployments", "show", "blue"]).with_code(0).stdout;
    assert!(
        shown.contains("ago: POST /score → 200 in ") && shown.contains("ms in run(), with a debugger"),
        "{shown}"
    );
    fs::write(ground.path("sample-2.json"), "{}").expect("ours");
    let several = ground.call(["deployments", "invoke", "blue"]).with_code(2).stderr;
    assert!(several.contains("request.json") && several.contains("sample-2.json"), "{several}");
    ground.call(["deployments", "remove", "blue"]).with_code(0);
}

#[test]
fn an_answer_of_fifty_megabytes_comes_whole_and_is_not_remembered_whole() {
    let ground = with("def init():\n    pass\n\ndef run(raw_data):\n    return \"x\" * 50_000_000\n");
    ground.call(["deploy", "deployment.yml", "--json"]).with_code(0);
    let whole =
        ground.call(["deployments", "invoke", "blue", "--request", "request.json", "--output", "big.json"]);
    whole.with_code(0);
    assert_eq!(fs::metadata(ground.path("big.json")).expect("written").len(), 50_000_002);
    let printed =
        ground.call(["deployments", "invoke", "blue", "--request", "request.json"]).with_code(0).stdout;
    assert_eq!(printed.trim().len(), 50_000_000);
    let shown = ground.call(["deployments", "show", "blue", "--json"]).with_code(0);
    assert!(shown.stdout.len() < 100_000, "{}", shown.stdout.len());
    assert_eq!(shown.objects()[0]["answers"][0]["size"], 50_000_002);
    ground.call(["deployments", "remove", "blue"]).with_code(0);
}

#[test]
fn an_answer_that_calls_itself_json_and_is_none_is_told() {
    let ground = with(
        "from azureml_inference_server_http.api.aml_response import AMLResponse\n\ndef init():\n    pass\n\ndef run(raw_data):\n    return AMLResponse(\"{'a': 1}\", 200, {\"Content-Type\": \"application/json\"})\n",
    );
    let answer = ground
        .call(["deploy", "deployment.yml", "--request", "request.json", "--json"])
        .with_code(1)
        .result();
    let failure = told(&answer["failure"]);
    assert!(failure.contains("the answer says that it is JSON and is not"), "{failure}");
    assert_eq!(text(&answer["response"]["body"]), "{'a': 1}", "it is shown as it came");
    ground.call(["deployments", "remove", "blue"]).with_code(0);
}
