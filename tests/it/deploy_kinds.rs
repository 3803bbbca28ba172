//! Deployments of every kind: MLflow models without a score.py, servers of the user's own, build contexts,
//! several workers, and images made the way SDK v1 makes them.

use crate::deploy::SCORE;
use crate::support::engine::{docker, docker_says};
use crate::support::program::{text, told};
use crate::support::{Debugger, Ground, OWN_SERVER, until};
use serde_json::{Value, json};
use std::fs;
use std::process::Command;

/// A model as `mlflow.pyfunc.save_model(loader_module=…, code_paths=…)` lays it out.
const MLFLOW: &str = r#"
//- /deployment.yml
name: blue
endpoint_name: scaled
instance_type: Standard_DS3_v2
model:
  path: model
  type: mlflow_model
//- /table.json
{"input_data": {"columns": ["a", "b"], "index": [0, 1], "data": [[1, 2], [3, 4]]}}
//- /list.json
{"input_data": [[1, 2], [3, 4]]}
//- /wrong.json
{"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2]]}}
//- /model/MLmodel
flavors:
  python_function:
    loader_module: scaled
    code: code
    data: data
    env:
      conda: conda.yaml
    python_version: 3.11.2
model_uuid: 3f0a1c5e8f6b4b53a9f0b0d6a6a3c111
//- /model/conda.yaml
channels:
- conda-forge
dependencies:
- python=3.11.2
- pip<=23.0.1
- pip:
  - mlflow-skinny
  - pandas
name: mlflow-env
//- /model/data/factor.txt
10
//- /model/code/scaled.py
import os

class Scaled:
    def __init__(self, factor):
        self.factor = factor

    def predict(self, table, params=None):
        scaled = table * self.factor
        return scaled

def _load_pyfunc(path):
    file = os.path.join(path, "factor.txt") if os.path.isdir(path) else path
    return Scaled(int(open(file).read()))
"#;

#[test]
fn an_mlflow_model_without_a_script_answers_as_on_azure_and_stops_in_the_code_that_it_brings() {
    let ground = Ground::with(MLFLOW);
    // The image is built first, by itself.
    ground.call(["deploy", "deployment.yml", "--json"]).with_code(0);
    let words = [
        "deploy",
        "deployment.yml",
        "--break",
        "model/code/scaled.py:9",
        "--request",
        "table.json",
        "--json",
    ];
    let result = ground.call(words).with_code(0).result();
    assert_eq!(result["response"]["body"], json!([{"a": 10, "b": 20}, {"a": 30, "b": 40}]), "{result}");
    assert_eq!(result["stops"][0]["line"], 9, "{result}");
    assert!(text(&result["stops"][0]["locals"]["self"]).contains("Scaled"), "{result}");
    let invoke = |file| ground.call(["deployments", "invoke", "blue", "--request", file, "--json"]);
    assert_eq!(invoke("list.json").with_code(0).objects()[0]["body"], json!([[10, 20], [30, 40]]));
    let wrong = invoke("wrong.json").with_code(1).objects()[0].clone();
    assert_eq!(wrong["status"], 400, "{wrong}");
    assert!(
        text(&wrong["body"]).contains("A value is not provided for the 'input_data' parameter"),
        "{wrong}"
    );
    ground.call(["deployments", "remove", "blue"]).with_code(0);
    ground.leaves_nothing();
}

/// The same with what MLflow writes of a model's input and answer.
const SIGNATURE: &str = r#"signature:
  inputs: '[{"type": "double", "name": "a"}, {"type": "double", "name": "b"}]'
  outputs: '[{"type": "double", "name": "a"}, {"type": "double", "name": "b"}]'
  params: null
"#;

#[test]
fn a_model_that_describes_its_input_is_asked_and_described_as_on_azure() {
    let ground = Ground::with(MLFLOW);
    let path = ground.path("model/MLmodel");
    let text_of_model = fs::read_to_string(&path).expect("ours");
    fs::write(path, format!("{text_of_model}{SIGNATURE}")).expect("ours");
    let collector = "data_collector:\n  collections:\n    model_inputs: {enabled: 'True'}\n    model_outputs: {enabled: 'True'}\n";
    let spec = fs::read_to_string(ground.path("deployment.yml")).expect("ours");
    fs::write(ground.path("deployment.yml"), spec + collector).expect("ours");
    let words = ["deploy", "deployment.yml", "--request", "table.json", "--json"];
    let result = ground.call(words).with_code(0).result();
    assert_eq!(
        result["response"]["body"],
        json!([{"a": 10.0, "b": 20.0}, {"a": 30.0, "b": 40.0}]),
        "{result}"
    );
    let swagger =
        ground.call(["deployments", "invoke", "blue", "--path", "/swagger.json", "--json"]).with_code(0);
    let described = swagger.objects()[0]["body"]["definitions"].clone();
    assert_eq!(
        described["ServiceInput"]["properties"]["input_data"]["format"], "pandas.DataFrame:split",
        "{described}"
    );
    assert_eq!(
        described["ServiceInput"]["example"]["input_data"]["columns"],
        json!(["a", "b"]),
        "{described}"
    );
    assert_eq!(described["ServiceOutput"]["format"], "pandas.DataFrame:records", "{described}");
    // Azure reads a list as a table in the split form, which it is not.
    ground.call(["deployments", "invoke", "blue", "--request", "list.json"]).with_code(1);
    let log = ground.call(["deployments", "logs", "blue"]).with_code(0).stdout;
    for collection in ["model_inputs", "model_outputs"] {
        assert!(
            log.contains("local.capture | INFO | ") && log.contains(&format!("| {collection} |")),
            "{log}"
        );
    }
    ground.call(["deployments", "remove", "blue"]).with_code(0);
    ground.leaves_nothing();
}

/// A server of the user's own: two ports, routes of its own, the model where the spec mounts it.
const CUSTOM: &str = r#"
//- /deployment.yml
name: own
endpoint_name: custom
instance_type: Standard_DS3_v2
type: kubernetes
model:
  path: weights
  name: factors
  version: 3
model_mount_path: /models
environment:
  build:
    path: .
  inference_config:
    liveness_route: {port: 8081, path: /live}
    readiness_route: {port: 8081, path: /ready}
    scoring_route: {port: 8080, path: /v1/scale}
//- /weights/factor.txt
10
//- /app/server.py
import os, threading
from answering import Answering, serve

factor = int(open(os.environ["AZUREML_MODEL_DIR"] + "/weights/factor.txt").read())

class Scale(Answering):
    def do_GET(self):
        self.answer(200 if self.path in ("/ready", "/live") else 404, b"")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        value = int(body) * factor
        self.answer(200, b"\x00%d\xff" % value if self.path == "/v1/scale" else b"?")

threading.Thread(target=serve, args=(8081, Scale), daemon=True).start()
serve(8080, Scale)
"#;

#[test]
fn a_server_of_the_users_own_answers_on_its_routes_and_is_debugged() {
    let ground = Ground::with(&format!("{CUSTOM}{OWN_SERVER}"));
    fs::write(ground.path("four.txt"), "4").expect("ours");
    let result =
        ground.call(["deploy", "deployment.yml", "--request", "four.txt", "--json"]).with_code(0).result();
    assert!(text(&result["scoringUri"]).ends_with("/v1/scale"), "{result}");
    assert_eq!((&result["response"]["base64"], &result["response"]["size"]), (&json!("ADQw/w=="), &json!(4)));
    let published = docker(&["port", &ground.containers()[0]]);
    assert!(
        published.lines().count() == 2 && published.lines().all(|line| line.contains("127.0.0.1:")),
        "{published}"
    );
    let debugged = ground.call([
        "deploy",
        "deployment.yml",
        "--break",
        "app/server.py:12",
        "--request",
        "four.txt",
        "--json",
    ]);
    let result = debugged.with_code(0).result();
    assert_eq!(result["stops"][0]["locals"]["body"], "b'4'", "{result}");
    ground.call(["deployments", "restart", "own"]).with_code(0);
    ground.call(["deployments", "remove", "own"]).with_code(0);
    ground.leaves_nothing();
    docker_says(&["rmi", result["image"].as_str().expect("an image")]);
}

#[test]
fn a_build_context_without_the_server_gets_it_on_top() {
    let ground = Ground::with(SCORE);
    fs::create_dir(ground.path("docker")).expect("ours");
    let base = crate::support::engine::BASE;
    fs::write(ground.path("docker/Dockerfile"), format!("FROM {base}\nENV COLOUR=green\n")).expect("ours");
    let spec = fs::read_to_string(ground.path("deployment.yml")).expect("ours");
    let spec = spec.replace(&format!("image: {base}"), "build: {path: docker}");
    fs::write(ground.path("deployment.yml"), spec).expect("ours");
    let result = ground
        .call(["deploy", "deployment.yml", "--request", "request.json", "--json"])
        .with_code(0)
        .result();
    assert_eq!(result["response"]["body"]["total"], 60);
    let variables = docker(&["exec", &ground.containers()[0], "env"]);
    assert!(variables.contains("COLOUR=green"), "{variables}");
    ground.call(["deployments", "remove", "blue"]).with_code(0);
}

#[test]
fn every_worker_stops_where_all_are_debugged_and_only_one_is_there_otherwise() {
    let ground = Ground::with(SCORE);
    let spec = fs::read_to_string(ground.path("deployment.yml")).expect("ours");
    fs::write(ground.path("deployment.yml"), format!("{spec}environment_variables: {{WORKER_COUNT: 2}}\n"))
        .expect("ours");
    let local = ground.path("src").display().to_string();
    let mut deploy = ground.start(["deploy", "deployment.yml", "--debug", "--children", "--json"]);
    let mut ready = deploy.wait_until_ready();
    ready["subProcess"] = json!(true);
    let mut first = Debugger::attach(&ready, &local, &[("score.py", 6)]);
    let child = first.event("debugpyAttach");
    let mut second = Debugger::attach(&child, &local, &[("score.py", 6)]);
    for worker in [&mut first, &mut second] {
        let (thread, line, _) = worker.stopped();
        assert_eq!(line, 6, "init() of each worker");
        worker.go_on(&thread);
    }
    deploy.wait_for("healthy", |event| event["event"] == "healthy");
    deploy.signal("INT");
    deploy.end().with_code(0);
    let count = |ground: &Ground| {
        let log = ground.call(["deployments", "logs", "blue"]).with_code(0).stdout;
        log.matches("Booting worker with pid").count()
    };
    assert_eq!(count(&ground), 2);
    ground.call(["deploy", "deployment.yml", "--break", "src/score.py:6", "--json"]).with_code(0);
    assert_eq!(count(&ground), 1, "one worker while debugging");
    ground.call(["deploy", "deployment.yml", "--json"]).with_code(0);
    assert_eq!(count(&ground), 2, "as the spec says where nobody debugs");
    ground.call(["deployments", "remove", "blue"]).with_code(0);
    ground.leaves_nothing();
}

#[test]
fn the_servers_own_debug_port_is_left_out_and_said() {
    let ground = Ground::with(SCORE);
    let words = [
        "deploy",
        "deployment.yml",
        "--env",
        "AZUREML_DEBUG_PORT=5678",
        "--request",
        "request.json",
        "--json",
    ];
    let ended = ground.call(words).with_code(0);
    let said = ended.log("control").join("\n");
    assert!(said.contains("AZUREML_DEBUG_PORT is left out"), "{said}");
    assert_eq!(ended.result()["response"]["body"]["total"], 60);
    ground.call(["deployments", "remove", "blue"]).with_code(0);
}

/// An image with all in it as `Model.package()` makes one: its own server below runit, debugpy beside it, and a
/// score.py that listens as the published page has it.
struct Packaged {
    ground: Ground,
    image: String,
}

const PACKAGED: &str = r#"
//- /env.yml
type: command
code: image
command: python -V
environment:
  image: $BASE
  conda_file:
    dependencies: [python=3.11, {pip: [azureml-inference-server-http, debugpy]}]
//- /request.json
{"values": [1, 2, 3]}
//- /image/run
#!/bin/sh
exec python -m azureml_inference_server_http.amlserver --port 5001 --entry_script /var/azureml-app/score.py
//- /image/score.py
import json
import debugpy

debugpy.listen(('0.0.0.0', 5678))
print("Waiting for debugger attach")
debugpy.wait_for_client()

def init():
    global factor
    factor = 10

def run(raw_data):
    values = json.loads(raw_data)["values"]
    return {"total": factor * sum(values)}
"#;

impl Packaged {
    fn make(name: &str) -> Self {
        let ground = Ground::with(PACKAGED);
        let base = text(&ground.call(["build", "env.yml", "--json"]).with_code(0).result()["image"]);
        let folder = ground.path("image");
        fs::write(
            folder.join("Dockerfile"),
            format!(
                "FROM {base}\nCOPY usr/bin /usr/bin\nCOPY run /var/runit/gunicorn/run\nCOPY score.py /var/azureml-app/score.py\n\
                 RUN chmod +x /var/runit/gunicorn/run\nWORKDIR /var/azureml-app\nENV AML_APP_ROOT=/var/azureml-app\n\
                 CMD [\"runsvdir\", \"/var/runit\"]\n"
            ),
        )
        .expect("ours");
        // The supervisor itself, without installing it on this machine.
        let fetch = "apt-get download -qq runit && dpkg -x runit_*.deb unpacked && mkdir -p usr/bin && cp unpacked/usr/bin/run* unpacked/usr/bin/sv usr/bin/ && rm -r unpacked";
        let fetched = Command::new("sh").args(["-c", fetch]).current_dir(&folder).output().expect("a shell");
        assert!(fetched.status.success(), "{}", String::from_utf8_lossy(&fetched.stderr));
        let image = format!("{name}-{}/debug:1", std::process::id());
        docker(&["build", "--quiet", "--tag", &image, &folder.display().to_string()]);
        Self { ground, image }
    }
}

impl Drop for Packaged {
    fn drop(&mut self) {
        for container in self.ground.containers() {
            docker_says(&["rm", "--force", &container]);
        }
        docker_says(&["rmi", "--force", &self.image]);
    }
}

#[test]
fn the_published_way_works_on_an_image_by_name() {
    let packaged = Packaged::make("published");
    let (ground, image) = (&packaged.ground, packaged.image.as_str());
    // The editor's folder holds the code that the image was made of.
    let home = ground.path("image");
    let mut deploy = ground.start(["deploy", "--image", image, "--request", "request.json", "--json"]);
    deploy.wait_for_line("Waiting for debugger attach");
    let ports = docker(&["port", &ground.containers()[0]]);
    assert!(ports.lines().all(|line| line.contains("127.0.0.1:")), "{ports}");
    assert!(["5001/tcp", "5678/tcp"].iter().all(|port| ports.contains(port)), "{ports}");
    let words = docker(&["exec", &ground.containers()[0], "sh", "-c", "cat /proc/*/cmdline | tr '\\0' ' '"]);
    assert!(words.contains("runsvdir /var/runit"), "the image's own supervisor: {words}");
    let entry = ground.call(["attach", "debug:1", "--json"]).with_code(0).objects().pop().expect("an entry");
    let configuration = &entry["configuration"];
    assert_eq!(configuration["name"], "Azure Machine Learning Deployment: Docker Debug");
    assert_eq!(configuration["pathMappings"][0]["remoteRoot"], "/var/azureml-app");
    let port = configuration["connect"]["port"].clone();
    assert!(
        ports.lines().any(|line| line.starts_with("5678/tcp") && line.ends_with(&format!(":{port}"))),
        "{ports}"
    );
    let written = fs::read_to_string(text(&entry["launchJson"])).expect("launch.json");
    assert!(written.contains("Azure Machine Learning Deployment: Docker Debug"), "{written}");

    let mut debugger = Debugger::attach(configuration, &home.display().to_string(), &[("score.py", 14)]);
    let (thread, line, locals) = debugger.stopped();
    assert_eq!((line, locals["values"].as_str()), (14, "[1, 2, 3]"));
    debugger.go_on(&thread);
    let result = deploy.end().with_code(0).result();
    assert_eq!(result["response"]["body"], json!({"total": 60}), "{result}");
    ground.call(["deployments", "stop", "debug:1"]).with_code(0);
    ground.leaves_nothing();
}

#[test]
fn an_instrumented_score_py_ends_its_wait_and_the_image_is_debugged_without_one_too() {
    let packaged = Packaged::make("instrumented");
    let (ground, image) = (&packaged.ground, packaged.image.as_str());
    // Mounted over the image's own: the listener that we write, which gives up.
    let script = ground.path("score.py");
    let bare = "import json\n\ndef init():\n    pass\n\ndef run(raw_data):\n    values = json.loads(raw_data)[\"values\"]\n    return {\"total\": sum(values)}\n";
    fs::write(&script, bare).expect("ours");
    ground.call(["instrument", "score.py", "--write"]).with_code(0);
    assert!(fs::read_to_string(&script).expect("ours").contains("debugpy.listen"));
    let wait = ["--env", "AML_REMOTE_DEBUG_CONNECTION_TIMEOUT=1"];
    let words = ["deploy", "score.py", "--image", image, "--request", "request.json", "--json"];
    let ended = ground.call(words.iter().chain(&wait)).with_code(0);
    assert_eq!(ended.result()["response"]["body"]["total"], 6);
    let log = ended.log("driver").join("\n");
    assert!(log.contains("Waiting 1 s for a debugger") && log.contains("Debugger attached = False"), "{log}");
    ground.call(["instrument", "score.py", "--undo"]).with_code(0);
    assert_eq!(fs::read_to_string(&script).expect("ours"), bare, "byte for byte");

    let words = [
        "deploy",
        "score.py",
        "--image",
        image,
        "--break",
        "score.py:8",
        "--request",
        "request.json",
        "--json",
    ];
    let result = ground.call(words).with_code(0).result();
    assert_eq!(result["stops"][0]["locals"]["values"], "[1, 2, 3]", "{result}");
    ground.call(["deployments", "remove", "debug:1"]).with_code(0);
    ground.leaves_nothing();
}

#[test]
fn an_engine_on_another_machine_is_refused_in_words() {
    let mut ground = Ground::with(SCORE);
    let bridge = crate::support::Bridge::open_port();
    ground.set("DOCKER_HOST", bridge.address());
    for words in [vec!["deploy", "deployment.yml", "--json"], vec!["deploy", "--image", "debug:1", "--json"]]
    {
        let failure = told(&ground.call(words).with_code(2).result()["failure"]);
        assert!(
            failure.contains("a deployment answers on this machine, and the container engine is on another"),
            "{failure}"
        );
    }
    ground.leaves_nothing();
}

/// What a client sees of an answer, without what differs from one answer to the next.
fn seen(uri: &str, method: &str, body: &str) -> Value {
    let path = tempfile::NamedTempFile::new().expect("a file");
    fs::write(path.path(), body).expect("ours");
    let data = format!("@{}", path.path().display());
    let mut command = Command::new("curl");
    command.args(["--silent", "--include", "--request", method, "--header", "x-ms-request-id: one"]);
    command.args(["--header", "Content-Type: application/json", "--data-binary", &data, uri]);
    let output = command.output().expect("curl");
    let answer = String::from_utf8_lossy(&output.stdout).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let changing = ["date:", "x-ms-run-fn-exec-ms:", "x-request-id:", "x-ms-client-request-id:"];
    let kept = |line: &&str| !changing.iter().any(|name| line.to_lowercase().starts_with(name));
    json!([head.lines().filter(kept).collect::<Vec<_>>(), body])
}

#[test]
fn the_server_answers_the_same_bytes_as_without_us() {
    let ground = Ground::with(SCORE);
    let plain = ground.call(["deploy", "deployment.yml", "--json"]).with_code(0).result();
    let image = text(&plain["image"]);
    // The same image and files, started by hand as the server's own manual has it.
    let (code, model) = (ground.path("src"), ground.path("weights"));
    let container = docker(&[
        "run",
        "--detach",
        "--rm",
        "--publish",
        "127.0.0.1::5001",
        "--volume",
        &format!("{}:/var/azureml-app/src:ro", code.display()),
        "--volume",
        &format!("{}:/model/weights:ro", model.display()),
        "--env",
        "AZUREML_MODEL_DIR=/model",
        "--env",
        "AML_APP_ROOT=/var/azureml-app/src",
        "--env",
        "AZUREML_ENTRY_SCRIPT=score.py",
        "--env",
        "PYTHONDONTWRITEBYTECODE=1",
        &image,
        "python",
        "-m",
        "azureml_inference_server_http.amlserver",
        "--entry_script",
        "/var/azureml-app/src/score.py",
    ]);
    let address = docker(&["port", &container, "5001"]);
    let by_hand = format!("http://{}/score", address.lines().next().expect("a port"));
    let root = |uri: &str| uri.trim_end_matches("/score").to_owned();
    until("the server by hand", || {
        Command::new("curl")
            .args(["--silent", "--fail", &root(&by_hand)])
            .status()
            .ok()
            .filter(|status| status.success())
    });
    let ask = |uri: &str| {
        let root = root(uri);
        [
            seen(uri, "POST", r#"{"values": [4, 5]}"#),
            seen(uri, "POST", "nonsense"),
            seen(uri, "POST", ""),
            seen(uri, "PUT", "{}"),
            seen(&format!("{root}/"), "GET", ""),
            seen(&format!("{root}/swagger.json?version=3"), "GET", ""),
            seen(&format!("{root}/nowhere"), "GET", ""),
        ]
    };
    let expected = ask(&by_hand);
    docker_says(&["rm", "--force", &container]);
    assert!(
        expected[0].to_string().contains("gunicorn") && expected[0].to_string().contains("90"),
        "{expected:?}"
    );
    assert_eq!(ask(&text(&plain["scoringUri"])), expected);
    let mut deploy = ground.start(["deploy", "deployment.yml", "--debug", "--json"]);
    let ready = deploy.wait_until_ready();
    let debugger = Debugger::attach(&ready, &code.display().to_string(), &[]);
    let healthy = deploy.wait_for("healthy", |event| event["event"] == "healthy");
    assert_eq!(ask(&text(&healthy["service"]["scoringUri"])), expected, "and under the debugger");
    drop(debugger);
    deploy.signal("INT");
    deploy.end().with_code(0);
    ground.call(["deployments", "remove", "blue"]).with_code(0);
    ground.leaves_nothing();
}
