//! What becomes of a deployment's spec: the container that Azure would have made, or a failure in words.

use super::*;
use crate::plan::job::tests::place;
use crate::plan::settings::Host;
use crate::spec::files::{Files, Need};
use crate::spec::{self, Body};
use expect_test::{Expect, expect};

const PLAIN: &str = "name: blue
endpoint_name: iris
instance_type: x
model: {path: ../models/iris}
code_configuration: {code: src, scoring_script: online/score.py}
environment: {image: base:1, conda_file: {dependencies: [python=3.11, {pip: [joblib]}]}}
environment_variables: {A: 1}
request_settings: {request_timeout_ms: 3000}
";

fn planned(text: &str) -> Result<Plan, Failure> {
    planned_with(text, &[])
}

/// With these files on disk.
fn planned_with(text: &str, files: &[(&str, &str)]) -> Result<Plan, Failure> {
    let path = Path::new("/p/e/deployment.yml");
    let mut known = Files::default();
    for name in ["MLmodel", "conda.yaml"] {
        let path = PathBuf::from(format!("/p/e/model/{name}"));
        let found = files.iter().find(|(file, _)| Path::new(file) == path);
        let found = found.map_or(Found::Missing, |(_, text)| Found::File(text.as_bytes().into()));
        known.insert(Need { path, bytes: true }, found);
    }
    let reading = spec::read(path, text.as_bytes(), &known);
    let Some(Body::Deployment(deployment)) = reading.spec.map(|spec| spec.body) else {
        panic!("{:?}", reading.diagnostics)
    };
    let settings = PlanSettings {
        ports: HostPorts { scoring: 20_001, health: 20_002, liveness: 20_003 },
        host: Host { user: Some("1000:1000".to_owned()), is_remote: false },
        ..PlanSettings::default()
    };
    plan_deployment(path, &deployment, &settings, &place())
}

fn shown(plan: &Plan) -> String {
    let mut text = format!("{:?}\n", plan.image);
    for mount in &plan.container.mounts {
        match mount {
            Mount::Bind { host, target, read_only } => {
                text += &format!("{} -> {target}{}\n", host.display(), if *read_only { " (ro)" } else { "" });
            }
            other => text += &format!("{other:?}\n"),
        }
    }
    for (name, value) in &plan.container.environment {
        text += &format!("{name}={value}\n");
    }
    for port in &plan.container.grants.ports {
        text += &format!("127.0.0.1:{} -> {}\n", port.host.unwrap_or(0), port.container);
    }
    text += &format!("{:?} as {:?}\n", plan.container.command.last(), plan.container.user);
    text
}

fn check(text: &str, expected: Expect) {
    expected.assert_eq(&shown(&planned(text).expect("a plan")));
}

fn fails(text: &str, id: &str) {
    assert_eq!(planned(text).expect_err("a failure").what.id, id);
}

#[test]
fn the_container_is_laid_out_as_azure_lays_it_out() {
    check(
        PLAIN,
        expect![[r#"
            Environment { base: ImageRef("base:1"), packages: Packages { python: Some("3.11"), conda: [], channels: [], into_own: false, pip: ["azureml-inference-server-http", "joblib"], logins_in: None } }
            /p/models/iris -> /var/azureml-app/azureml-models/eda8976e526d9816f741af0c87e122e4/1/iris (ro)
            /p/e/src -> /var/azureml-app/src
            Tmpfs { target: "/mnt/azureml/home", mode: 1023 }
            PYTHONUNBUFFERED=1
            AML_APP_ROOT=/var/azureml-app/src/online
            AZUREML_ENTRY_SCRIPT=score.py
            AZUREML_MODEL_DIR=/var/azureml-app/azureml-models/eda8976e526d9816f741af0c87e122e4/1
            SCORING_TIMEOUT_MS=3000
            A=1
            HOME=/mnt/azureml/home
            127.0.0.1:20001 -> 5001
            Some("exec \"$(command -v python || command -v python3)\" -m azureml_inference_server_http.amlserver --port 5001 --entry_script \"${AML_APP_ROOT:-/var/azureml-app}/${AZUREML_ENTRY_SCRIPT:-main.py}\"") as Some("1000:1000")
        "#]],
    );
}

#[test]
fn an_image_gets_the_server_where_it_has_none_and_keeps_its_user() {
    let text = PLAIN.replace(", conda_file: {dependencies: [python=3.11, {pip: [joblib]}]}", "");
    let plan = planned(&text).expect("a plan");
    assert!(matches!(plan.image, ImagePlan::Server { .. }), "{:?}", plan.image);
    assert_eq!(plan.container.user, None);
    assert!(plan.container.command.last().expect("a line").contains("runsvdir"));
}

#[test]
fn a_custom_container_has_its_own_command_routes_and_ports() {
    let custom = "name: tf
endpoint_name: e
instance_type: x
model: {path: m, name: half, version: 2}
model_mount_path: /models
environment:
  image: tf:1
  inference_config:
    liveness_route: {port: 8500, path: /live}
    readiness_route: {port: 8500, path: /live}
    scoring_route: {port: 8501, path: /v1/models/half:predict}
";
    check(
        custom,
        expect![[r#"
        Existing { reference: ImageRef("tf:1") }
        /p/e/m -> /models/azureml-models/half/2/m (ro)
        PYTHONUNBUFFERED=1
        AZUREML_MODEL_DIR=/models/azureml-models/half/2
        127.0.0.1:20001 -> 8501
        127.0.0.1:20002 -> 8500
        None as None
    "#]],
    );
}

#[test]
fn every_port_may_move_and_the_routes_go_along() {
    let custom = "name: tf\nendpoint_name: e\ninstance_type: x\nenvironment: {image: tf, inference_config: \
                  {liveness_route: {port: 3, path: /}, readiness_route: {port: 1, path: /}, scoring_route: {port: 2, path: /s}}}\n";
    let mut plan = planned(custom).expect("a plan");
    assert_eq!(plan.other_ports(), [20_002, 20_003]);
    plan.answer_on(30_001);
    plan.move_port(20_002, 30_002);
    let service = plan.service.clone().expect("a service");
    assert_eq!(service.scoring_uri(), "http://127.0.0.1:30001/s");
    assert_eq!(service.ports, HostPorts { scoring: 30_001, health: 30_002, liveness: 20_003 });
    let ports = "127.0.0.1:30001 -> 2\n127.0.0.1:30002 -> 1\n127.0.0.1:20003 -> 3\n";
    assert!(shown(&plan).contains(ports));
}

#[test]
fn what_is_not_there_is_told_before_anything_is_built() {
    fails(
        &PLAIN.replace("model: {path: ../models/iris}", "model: azureml:iris:3"),
        "deployment.registered-model",
    );
    fails(
        &PLAIN.replace("code_configuration: {code: src, scoring_script: online/score.py}\n", ""),
        "deployment.no-code",
    );
    let at = PLAIN.find("environment: ").expect("a key");
    fails(&PLAIN[..at], "deployment.no-environment");
}

#[test]
fn the_debugger_takes_one_worker_and_all_the_time_there_is() {
    let mut plan = planned(&PLAIN.replace("{A: 1}", "{WORKER_COUNT: 4}")).expect("a plan");
    let of = |plan: &Plan, name: &str| {
        let of_name = plan.container.environment.iter().filter(|(known, _)| known == name);
        of_name.map(|(_, value)| value.clone()).collect::<Vec<_>>().join(",")
    };
    assert_eq!(
        (of(&plan, "WORKER_COUNT"), of(&plan, "SCORING_TIMEOUT_MS")),
        ("4".to_owned(), "3000".to_owned())
    );
    for_debugging(&mut plan.container, true);
    assert_eq!(of(&plan, "WORKER_COUNT"), "4", "all of them, where all are to be debugged");
    for_debugging(&mut plan.container, false);
    assert_eq!((of(&plan, "WORKER_COUNT"), of(&plan, "WORKER_TIMEOUT")), ("1".to_owned(), "0".to_owned()));
}

#[test]
fn the_servers_own_hook_is_taken_out_and_that_is_said() {
    let plan = planned(&PLAIN.replace("{A: 1}", "{AZUREML_DEBUG_PORT: 5678}")).expect("a plan");
    assert!(!shown(&plan).contains("AZUREML_DEBUG_PORT"));
    let notes: Vec<String> = plan.notes.iter().map(|note| note.text()).collect();
    expect!["AZUREML_DEBUG_PORT is left out: the server would dial a port inside its own container, where no debugger is; --debug needs neither it nor a port"]
        .assert_eq(&notes.join("\n"));
}

#[test]
fn a_kubernetes_deployment_and_a_build_context_are_laid_out_alike() {
    let text = PLAIN.replace("instance_type: x", "type: kubernetes");
    let text = text.replace(
        "{image: base:1, conda_file: {dependencies: [python=3.11, {pip: [joblib]}]}}",
        "{build: {path: docker}}",
    );
    let plan = planned(&text).expect("a plan");
    let ImagePlan::Context { context, packages: None, server: true } = &plan.image else {
        panic!("{:?}", plan.image)
    };
    assert_eq!(context.folder, Path::new("/p/e/docker"));
    assert!(shown(&plan).contains("AML_APP_ROOT=/var/azureml-app/src/online"));
}

#[test]
fn a_registered_environment_is_refused_unless_a_rule_maps_it() {
    let at = PLAIN.find("environment: {").expect("a key");
    let end = PLAIN.find("environment_variables").expect("a key");
    let text = PLAIN.replace(&PLAIN[at..end], "environment: azureml:mine:3\n");
    fails(&text, "plan.registered-environment");
}

#[test]
fn an_mlflow_model_brings_its_environment_and_is_asked_by_a_script_of_ours() {
    let spec =
        "name: blue\nendpoint_name: iris\ninstance_type: x\nmodel: {path: model, type: mlflow_model}\n";
    let files = [
        ("/p/e/model/MLmodel", "flavors: {python_function: {loader_module: mlflow.sklearn}}"),
        ("/p/e/model/conda.yaml", "dependencies: [python=3.11, {pip: [mlflow-skinny, pandas]}]"),
    ];
    let plan = planned_with(spec, &files).expect("a plan");
    let text = shown(&plan);
    let has = |line: &str| assert!(text.contains(line), "no {line} in {text}");
    has("base: ImageRef(\"mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04\")");
    has("pip: [\"azureml-ai-monitoring\", \"azureml-inference-server-http\", \"mlflow-skinny\", \"pandas\"]");
    has(
        "AML_APP_ROOT=/var/mlflow_resources\nAZUREML_ENTRY_SCRIPT=mlflow_score_script.py\nMLFLOW_MODEL_FOLDER=model\n",
    );
    assert_eq!(plan.container.texts[0].path, "/var/mlflow_resources/mlflow_score_script.py");
    assert_eq!(plan.code, Path::new("/p/e/model"), "what the model brings can be stopped in");
    assert!(plan.debuggee.remote_root.ends_with("/1/model"), "{}", plan.debuggee.remote_root);
    let failing = |files: &[(&str, &str)]| planned_with(spec, files).expect_err("a failure").what.id;
    assert_eq!(failing(&files[1..]), "deployment.not-mlflow");
    assert_eq!(failing(&[("/p/e/model/MLmodel", "flavors: {crate: {}}")]), "deployment.mlflow-flavor");
    assert_eq!(failing(&files[..1]), "deployment.no-environment");
}

#[test]
fn an_engine_on_another_machine_is_refused() {
    let reading = spec::read(Path::new("/p/d.yml"), PLAIN.as_bytes(), &Files::default());
    let Some(Body::Deployment(deployment)) = reading.spec.map(|spec| spec.body) else { panic!() };
    let host = Host { user: None, is_remote: true };
    let settings = PlanSettings { host, ..PlanSettings::default() };
    let refused = plan_deployment(Path::new("/p/d.yml"), &deployment, &settings, &place());
    assert_eq!(refused.expect_err("a failure").what.id, "deployment.far-engine");
    let refused = plan_packaged("debug:1", "", Path::new("/p/debug:1"), &settings, &place());
    assert_eq!(refused.expect_err("a failure").what.id, "deployment.far-engine");
}
