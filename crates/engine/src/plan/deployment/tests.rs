//! What becomes of a deployment's spec: the container that Azure would have made, or a failure in words.

use super::*;
use crate::plan::job::tests::place;
use crate::plan::settings::Host;
use crate::spec::files::Files;
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
    let path = Path::new("/p/e/deployment.yml");
    let reading = spec::read(path, text.as_bytes(), &Files::default());
    let Some(Body::Deployment(deployment)) = reading.spec.map(|spec| spec.body) else {
        panic!("{:?}", reading.diagnostics)
    };
    let settings = PlanSettings {
        ports: HostPorts { scoring: 20_001, health: 20_002 },
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
            Environment { base: ImageRef("base:1"), packages: Packages { python: Some("3.11"), conda: [], channels: [], into_own: false, pip: ["azureml-inference-server-http", "joblib"] } }
            /p/models/iris -> /var/azureml-app/azureml-models/eda8976e526d9816f741af0c87e122e4/1/iris (ro)
            /p/e/src -> /var/azureml-app/src
            Tmpfs { target: "/mnt/azureml/home", mode: 1023 }
            PYTHONUNBUFFERED=1
            PYTHONDONTWRITEBYTECODE=1
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
        PYTHONDONTWRITEBYTECODE=1
        AZUREML_MODEL_DIR=/models/azureml-models/half/2
        127.0.0.1:20001 -> 8501
        127.0.0.1:20002 -> 8500
        None as None
    "#]],
    );
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
    for_debugging(&mut plan.container);
    assert_eq!((of(&plan, "WORKER_COUNT"), of(&plan, "WORKER_TIMEOUT")), ("1".to_owned(), "0".to_owned()));
}
