//! What a user reads when a deployment does not come up, does not answer, or answers nonsense.

use crate::deploy::{SCORE, breaks_init, try_http};
use crate::support::program::{Ended, text, told};
use crate::support::{Debugger, Ground, engine, until};
use serde_json::json;
use std::fs;
use std::net::TcpListener;

/// The usual deployment with something replaced in one of its files.
fn with(file: &str, from: &str, to: &str) -> Ground {
    let ground = Ground::with(SCORE);
    let path = ground.path(file);
    let text = fs::read_to_string(&path).expect("ours");
    assert!(text.contains(from), "{from} is not in {file}");
    fs::write(path, text.replace(from, to)).expect("ours");
    ground
}

fn deploy(ground: &Ground) -> Ended {
    ground.call(["deploy", "deployment.yml", "--request", "request.json", "--json"])
}

#[track_caller]
fn fails(ground: &Ground, code: i32, words: &[&str]) {
    let ended = deploy(ground).with_code(code);
    has(&told(&ended.result()["failure"]), words);
    ground.leaves_nothing();
}

#[track_caller]
fn has(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "no “{word}” in:\n{text}");
    }
}

#[test]
fn a_script_without_its_functions_is_told_which_one_is_missing() {
    fails(
        &with("src/score.py", "def run(", "def walk("),
        1,
        &["src/score.py has no function run()", "-> the server calls"],
    );
    fails(&with("src/score.py", "def init(", "def begin("), 1, &["src/score.py has no function init()"]);
}

#[test]
fn what_init_raises_is_told_with_its_line_and_without_the_servers_frames() {
    let ground =
        with("src/score.py", "factor = int(open(path).read())", "raise ValueError('no weights here')");
    let ended = deploy(&ground).with_code(1);
    let told = told(&ended.result()["failure"]);
    has(&told, &["init() failed at src/score.py:6: ValueError: no weights here", "in init", "-> correct it"]);
    assert!(!told.contains("user_script.py"), "{told}");
    fails(
        &with("src/score.py", "import json, os", "import json, os, no_such"),
        1,
        &["src/score.py:1: ModuleNotFoundError"],
    );
}

#[test]
fn a_model_or_a_script_that_is_not_there_is_told_before_anything_starts() {
    fails(
        &with("deployment.yml", "path: weights", "path: wheights"),
        2,
        &["Nothing is at \"wheights\"", "deployment.yml:5:9"],
    );
    fails(
        &with("deployment.yml", "scoring_script: score.py", "scoring_script: scroe.py"),
        2,
        &[
            "\"code_configuration.scoring_script\" names",
            "src/scroe.py",
            "deployment.yml:8:19: scroe.py",
            "seen from the code folder",
        ],
    );
    fails(
        &with("deployment.yml", "code: src", "code: source"),
        2,
        &["\"code_configuration.code\" names", "deployment.yml:7:9: source", "-> correct"],
    );
    fails(
        &with("deployment.yml", "model:\n  path: weights", "model: azureml:weights:3"),
        2,
        &["azureml:weights:3", "deployment.yml:4:8: azureml:weights:3", "az ml model download"],
    );
}

#[test]
fn a_server_that_cannot_be_installed_names_the_step_of_the_build() {
    let mut ground = Ground::with(SCORE);
    ground.set("PIP_INDEX_URL", "http://127.0.0.1:9/simple");
    fails(&ground, 3, &["azureml-inference-server-http"]);
}

#[test]
fn a_port_that_is_asked_for_and_taken_is_named() {
    let ground = Ground::with(SCORE);
    let taken = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let ended = ground.call(["deploy", "deployment.yml", "--port", &port]).with_code(3);
    has(&ended.stderr, &[&format!("port {port} is taken by another program"), "leave --port out"]);
    ground.leaves_nothing();
}

#[test]
fn requests_and_answers_that_are_no_json_are_told_apart() {
    let ground = with("src/score.py", "return {", "from azureml_contrib_services import x\n    return {");
    let answer = deploy(&ground).with_code(1).result();
    has(
        &told(&answer["failure"]),
        &["run() failed at src/score.py:11: ModuleNotFoundError", "in run", "--break src/score.py:11"],
    );
    assert_eq!((&answer["outcome"], &answer["response"]["status"]), (&json!("running"), &json!(500)));
    // Nobody looks after it now, and the cause is told all the same.
    let again = ground.call(["deployments", "invoke", "blue", "--request", "request.json"]).with_code(1);
    has(&again.stderr, &["run() failed at src/score.py:11: ModuleNotFoundError"]);
    fs::write(ground.path("bad.json"), "{\"values\": [1, 2,\n}").expect("ours");
    let bad = ground.call(["deployments", "invoke", "blue", "--request", "bad.json"]).with_code(2);
    has(&bad.stderr, &["bad.json is not JSON", "line 2 column 1"]);
    let none = ground.call(["deployments", "invoke", "blue", "--request", "none.json"]).with_code(2);
    has(&none.stderr, &["there is no file none.json", "→ name a file with the body of the request"]);
    let none = ground.call(["deploy", "none.yml"]).with_code(2);
    has(&none.stderr, &["there is no file none.yml", "→ name the file of a managed or Kubernetes online"]);
    ground.call(["deployments", "remove", "blue"]).with_code(0);
}

#[test]
fn a_restart_that_cannot_be_done_says_where_why_and_what_to_do() {
    let ground = Ground::with(SCORE);
    deploy(&ground).with_code(0);
    let script = ground.path("src/score.py");
    let well = fs::read_to_string(&script).expect("ours");
    let restart = || ground.call(["deployments", "restart", "blue"]);
    fs::write(&script, format!("{well}\ndef broken(\n")).expect("ours");
    has(
        &restart().with_code(1).stderr,
        &["src/score.py:13: SyntaxError", "→ correct it and save; until then the server answers"],
    );

    // Nobody looks after it when the command is over, and whoever comes next is told the same.
    fs::write(&script, &well).expect("ours");
    breaks_init(&script);
    let raised = "init() failed at src/score.py:6: ValueError: no weights here";
    has(&restart().with_code(1).stderr, &[raised, "→ correct it and save", "deployments restart iris/blue"]);
    // The log says so before the server has ended.
    engine::docker(&["wait", &ground.containers()[0]]);
    let asked = ground.call(["deployments", "invoke", "blue"]).with_code(2).stderr;
    has(&asked, &[&format!("the deployment iris/blue is failed: {raised}"), "deployments restart iris/blue"]);
    assert!(ground.call(["deployments", "show", "blue"]).with_code(0).stdout.contains(raised));
    fs::write(&script, &well).expect("ours");
    restart().with_code(0);

    // As some tools do when another branch is checked out.
    let src = ground.path("src");
    fs::remove_dir_all(&src).expect("ours");
    fs::create_dir(&src).expect("ours");
    fs::write(&script, &well).expect("ours");
    has(
        &restart().with_code(1).stderr,
        &["the container does not see src/score.py any more", "deploy again: aml-debug deploy"],
    );
    deploy(&ground).with_code(0);
    ground.call(["deployments", "remove", "blue"]).with_code(0);
    ground.leaves_nothing();
}

#[test]
fn an_answer_that_cannot_be_written_and_one_that_takes_too_long_are_told_apart() {
    let ground = with("src/score.py", "return {", "return {1, 2}\n    return {");
    has(
        &told(&deploy(&ground).with_code(1).result()["failure"]),
        &[
            "run() returned what JSON cannot carry: Object of type set is not JSON serializable",
            "a list, a dict",
        ],
    );
    ground.call(["deployments", "remove", "blue"]).with_code(0);
    let ground = with("src/score.py", "    total = ", "    import time; time.sleep(5)\n    total = ");
    let spec = fs::read_to_string(ground.path("deployment.yml")).expect("ours");
    let limited = spec + "request_settings: {request_timeout_ms: 300}\n";
    fs::write(ground.path("deployment.yml"), limited).expect("ours");
    has(
        &told(&deploy(&ground).with_code(1).result()["failure"]),
        &["run() took longer than its limit", "300", "\"request_timeout_ms\" below \"request_settings\""],
    );
    ground.call(["deployments", "remove", "blue"]).with_code(0);
    ground.leaves_nothing();
}

#[test]
fn a_worker_that_the_kernel_kills_over_its_start_is_told_and_not_waited_for() {
    let ground =
        with("src/score.py", "    global factor\n", "    global factor\n    os.kill(os.getpid(), 9)\n");
    fails(
        &ground,
        1,
        &[
            "the kernel killed the server's worker",
            "times before it was ready",
            "-> give the container engine more memory",
        ],
    );
    let crash =
        with("src/score.py", "    global factor\n", "    global factor\n    os.kill(os.getpid(), 11)\n");
    fails(&crash, 1, &["crashed", "SIGSEGV", "-> a library of compiled code"]);
}

#[test]
fn a_worker_that_dies_over_a_request_and_a_container_that_is_taken_away_are_told() {
    let ground = with("src/score.py", "    total = ", "    if len(values) == 7: os._exit(1)\n    total = ");
    deploy(&ground).with_code(0);
    fs::write(ground.path("seven.json"), "{\"values\": [1, 2, 3, 4, 5, 6, 7]}").expect("ours");
    let cut = ground.call(["deployments", "invoke", "blue", "--request", "seven.json"]).with_code(3);
    has(&cut.stderr, &["iris/blue closed the connection without an answer", "deployments logs iris/blue"]);
    engine::docker(&["rm", "--force", &ground.containers().pop().expect("a container")]);
    // Whoever asks it finds that out.
    let asked = ground.call(["deployments", "invoke", "blue", "--request", "seven.json"]).with_code(2);
    has(
        &asked.stderr,
        &[
            "iris/blue is lost: its container was ended or removed from outside",
            "deployments restart iris/blue",
        ],
    );
    assert!(
        ground.call(["deployments", "show", "blue"]).with_code(0).stdout.contains("removed from outside")
    );
    let gone = ground.call(["deployments", "list", "--json"]).with_code(0).objects();
    assert_eq!(gone[0]["state"], "lost");
    ground.call(["deployments", "remove", "blue"]).with_code(0);
    ground.leaves_nothing();
}

/// Kills the worker that is debugged as the kernel would.
fn kill_the_worker(ground: &Ground) {
    let container = &ground.containers()[0];
    engine::docker(&["exec", container, "sh", "-c", "kill -9 $(cat /run/aml-debug/claim)"]);
}

#[test]
fn a_worker_that_is_killed_at_a_breakpoint_is_told_and_the_next_stops_under_the_same_session() {
    let ground = with(
        "src/score.py",
        "    total = ",
        "    hoard = bytearray(100_000_000 * len(values))\n    total = ",
    );
    let local = ground.path("src").display().to_string();
    let mut deploy = ground.start(["deploy", "deployment.yml", "--debug", "--json"]);
    let ready = deploy.wait_until_ready();
    let mut debugger = Debugger::attach(&ready, &local, &[("score.py", 6), ("score.py", 10)]);
    let begins = |debugger: &mut Debugger| {
        let (thread, line, _) = debugger.stopped();
        assert_eq!(line, 6, "init() of each worker");
        debugger.go_on(&thread);
    };
    begins(&mut debugger);
    let healthy = deploy.wait_for("healthy", |event| event["event"] == "healthy");
    let uri = text(&healthy["service"]["scoringUri"]);
    let ask = |values: &str| {
        let (uri, body) = (uri.clone(), format!("{{\"values\": {values}}}"));
        std::thread::spawn(move || try_http(&uri, "POST", &body))
    };

    let cut = ask("[1]");
    assert_eq!(debugger.stopped().1, 10);
    kill_the_worker(&ground);
    assert_eq!(cut.join().expect("an end"), None, "nobody answers this one");
    has(&debugger.important(), &["the server's worker (process ", "no edit asked for it", "from init() on"]);
    begins(&mut debugger);
    deploy.wait_for("healthy again", |event| event["event"] == "healthy");
    let answered = ask("[1]");
    let (thread, line, locals) = debugger.stopped();
    assert_eq!((line, locals["values"].as_str()), (10, "[1]"), "run() of the new worker");
    debugger.go_on(&thread);
    assert_eq!(answered.join().expect("an answer").expect("an answer").0, 200);

    // The kernel itself, now: there is less memory than run() takes.
    let limit = ["--memory", "600m", "--memory-swap", "600m"];
    engine::docker(&[&["update"], &limit[..], &[ground.containers()[0].as_str()]].concat());
    let cut = ask("[1, 2, 3, 4, 5, 6, 7, 8, 9]");
    let (thread, ..) = debugger.stopped();
    debugger.send("continue", json!({ "threadId": thread }));
    assert_eq!(cut.join().expect("an end"), None);
    has(&debugger.important(), &["for want of memory", "load less in init() and run()"]);
    begins(&mut debugger);
    deploy.wait_for("healthy at last", |event| event["event"] == "healthy");
    deploy.signal("INT");
    let log = deploy.end().log("control").join("\n");
    has(&log, &["no edit asked for it", "for want of memory"]);
    ground.call(["deployments", "remove", "blue"]).with_code(0);
    ground.leaves_nothing();
}

#[test]
fn a_worker_that_dies_after_its_debugger_has_left_is_replaced_by_one_that_waits_for_nobody() {
    let mut ground = Ground::with(SCORE);
    // Longer than anything here is waited for.
    ground.set("AML_DEBUG_WAIT", "3600");
    let words = ["deploy", "deployment.yml", "--break", "src/score.py:6", "--json"];
    let uri = text(&ground.call(words).with_code(0).result()["scoringUri"]);
    kill_the_worker(&ground);
    until("an answer of the next worker", || {
        try_http(&uri, "POST", r#"{"values": [1]}"#).filter(|answer| answer.0 == 200)
    });
    ground.call(["deployments", "remove", "blue"]).with_code(0);
    ground.leaves_nothing();
}

#[test]
fn a_second_deployment_of_a_name_is_refused_and_names_the_first() {
    let ground = Ground::with(SCORE);
    deploy(&ground).with_code(0);
    fs::copy(ground.path("deployment.yml"), ground.path("again.yml")).expect("ours");
    let second = ground.call(["deploy", "again.yml", "--json"]).with_code(2);
    has(
        &told(&second.result()["failure"]),
        &["a deployment iris/blue is live already", "work/deployment.yml"],
    );
    ground.call(["deployments", "remove", "blue"]).with_code(0);
    ground.leaves_nothing();
}

#[test]
fn a_container_that_is_taken_away_under_its_owner_is_told() {
    let ground = Ground::with(SCORE);
    let local = ground.path("src").display().to_string();
    let mut deploy = ground.start(["deploy", "deployment.yml", "--debug", "--json"]);
    let ready = deploy.wait_until_ready();
    let mut debugger = Debugger::attach(&ready, &local, &[("score.py", 10)]);
    deploy.wait_for("healthy", |event| event["event"] == "healthy");
    engine::docker(&["rm", "--force", &ground.containers()[0]]);
    debugger.wait_for_close();
    let ended = deploy.end();
    let result = ended.result();
    assert_ne!(ended.code, Some(0), "{result}");
    has(&told(&result["failure"]), &["container"]);
    assert!(result["outcome"] == "lost" || result["outcome"] == "failed", "{result}");
    ground.call(["deployments", "remove", "blue"]).with_code(0);
    ground.leaves_nothing();
}

#[test]
fn an_image_without_the_server_and_one_for_another_architecture_are_told() {
    let ground = Ground::with(SCORE);
    let ended = ground.call(["deploy", "--image", engine::base(), "--json"]).with_code(2);
    has(
        &told(&ended.result()["failure"]),
        &["the inference server is not in the image", "azureml-inference-server-http"],
    );
    ground.leaves_nothing();

    // A shell that is a program for another processor, in an image that says so.
    let own = engine::docker(&["version", "--format", "{{.Server.Arch}}"]);
    let (other, machine) = if own == "arm64" { ("amd64", 62_u8) } else { ("arm64", 183) };
    let root = ground.beside("foreign");
    fs::create_dir_all(root.join("bin")).expect("ours");
    let mut shell = fs::read("/bin/true").expect("a program");
    shell[18] = machine;
    fs::write(root.join("bin/sh"), shell).expect("ours");
    let name = format!("aml-debug-story/elsewhere:{}", std::process::id());
    let script = format!(
        "set -e; cd '{}'; chmod 755 bin/sh; tar -cf layer.tar bin; id=$(sha256sum layer.tar | cut -d' ' -f1); \
         echo '{{\"architecture\": \"{other}\", \"os\": \"linux\", \"config\": {{}}, \"rootfs\": \
         {{\"type\": \"layers\", \"diff_ids\": [\"sha256:'$id'\"]}}}}' > config.json; \
         echo '[{{\"Config\": \"config.json\", \"RepoTags\": [\"{name}\"], \"Layers\": [\"layer.tar\"]}}]' \
         > manifest.json; tar -c layer.tar config.json manifest.json | docker load --quiet",
        root.display()
    );
    let made = std::process::Command::new("sh").args(["-c", &script]).output().expect("a shell");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let ended = ground.call(["deploy", "--image", &name, "--json"]);
    engine::docker_says(&["rmi", "--force", &name]);
    has(
        &told(&ended.result()["failure"]),
        &[&format!("the image is made for {other}"), "-> take an image for this machine"],
    );
    ended.with_code(2);
    ground.leaves_nothing();
}
