//! A run configuration in, a v2 job out; what both become has to be the same.

use super::*;
use crate::plan::job::tests::place;
use crate::plan::plan;
use crate::plan::settings::PlanSettings;
use crate::spec::Kind;
use crate::spec::files::disk::read;
use expect_test::{Expect, expect};

const DEFAULT: &str = include_str!("../run_configuration/default.runconfig");
const CONDA: &str = "name: project_environment\ndependencies:\n- python=3.8.13\n- pip:\n  - azureml-defaults\nchannels:\n- anaconda\n- conda-forge\n";

fn disk(text: &str) -> Vec<(&str, &str)> {
    vec![
        ("/p/.azureml/x.runconfig", text),
        ("/p/.azureml/conda_dependencies.yml", CONDA),
        (
            "/p/.azureml/environment.yml",
            "name: e\npython: {condaDependenciesFile: .azureml/conda_dependencies.yml}\ndocker: {baseImage: other}\n",
        ),
        ("/p/train.py", ""),
        ("/p/data/", ""),
        ("/p/data/iris.csv", ""),
        ("/p/docker/Dockerfile", "FROM x"),
        ("/p/docker/", ""),
        ("/p/", ""),
    ]
}

fn convert_text(text: &str) -> Conversion {
    let reading = read("/p/.azureml/x.runconfig", &disk(text));
    assert_eq!(reading.kind, Kind::RunConfig);
    convert(&reading).unwrap_or_else(|failure| panic!("{failure}: {text}"))
}

fn shows(text: &str, expected: Expect) {
    expected.assert_eq(&convert_text(text).yaml);
}

#[test]
fn the_file_that_the_sdk_writes_by_default() {
    shows(
        DEFAULT,
        expect![[r#"
        # From .azureml/x.runconfig, a run configuration of SDK v1. Paths are seen from the project folder, so keep this file there.
        $schema: https://azuremlschemas.azureedge.net/latest/commandJob.schema.json
        type: command

        code: .
        command: python train.py

        environment:
          image: mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:20251130.v1
          conda_file: .azureml/conda_dependencies.yml
        environment_variables:
          EXAMPLE_ENV_VAR: EXAMPLE_VALUE

        compute: local
        resources:
          shm_size: 2g
    "#]],
    );
    assert_eq!(convert_text(DEFAULT).left_out, []);
}

#[test]
fn a_file_with_everything() {
    shows(
        r##"
script: src/train.py
arguments: [--data, $AZUREML_DATAREFERENCE_iris, --out, "DatasetOutputConfig:model", --note, "it's ${{x}} here", --lr, 0.10, "--regularisation-strength", 1, --flag, yes]
target: gpu-cluster
framework: PyTorch
communicator: Nccl
node_count: 2
max_run_duration_seconds: 3600
priority: 5
pytorch: {processCount: 8, nodeCount: 2}
environment:
  docker: {base_image: "reg/image:1", shm_size: 4g, base_image_registry: {address: my.example, username: me, password: p}}
  python:
    condaDependencies: {name: x, dependencies: [python=3.10, {pip: ["torch==2.1", "--extra-index-url https://h/x"]}]}
  environment_variables: {A: yes, B: "#1"}
docker: {useDocker: true, arguments: [--ulimit, "memlock=-1"], shmSize: 2g}
history: {directoriesToWatch: [logs, tensorboard]}
environmentVariables: {A: "off"}
data:
  iris:
    dataLocation: {uri: {path: data, isFile: false}}
    mechanism: mount
    environmentVariableName: IRIS
  big: {dataLocation: {dataset: {name: big-set, version: "3"}}, mechanism: download}
dataReferences:
  old: {dataStoreName: workspaceblobstore, pathOnDataStore: /a/b, mode: mount, pathOnCompute: /tmp/x}
outputData:
  model: {outputLocation: {dataPath: {datastoreName: store, relativePath: models}}, mechanism: upload}
"##,
        expect![[r##"
            # From .azureml/x.runconfig, a run configuration of SDK v1. Paths are seen from the project folder, so keep this file there.
            # The data "big" is the dataset "big-set" of SDK v1. If it is tabular, its type in v2 is mltable.
            # "priority" is left out: a v2 command job has no place for it.
            # "environment.docker.baseImageRegistry.username" is left out: a v2 command job has no place for it.
            # "environment.docker.baseImageRegistry.password" is left out: a v2 command job has no place for it.
            # "history.directoriesToWatch" is left out: a v2 command job has no place for it.
            # "dataReferences.old.pathOnCompute" is left out: a v2 command job has no place for it.
            $schema: https://azuremlschemas.azureedge.net/latest/commandJob.schema.json
            type: command

            code: .
            command: >-
              python src/train.py
              --data ${{inputs.iris}}
              --out ${{outputs.model}}
              --note 'it'\''s $''{{x}} here'
              --lr 0.1
              --regularisation-strength 1
              --flag yes

            inputs:
              old:
                type: uri_folder
                path: azureml://datastores/workspaceblobstore/paths/a/b
                mode: ro_mount
              iris:
                type: uri_folder
                path: data
                mode: ro_mount
              big:
                type: uri_folder
                path: azureml:big-set:3
                mode: download

            outputs:
              model:
                type: uri_folder
                path: azureml://datastores/store/paths/models
                mode: upload

            environment:
              image: my.example/reg/image:1
              conda_file:
                name: x
                dependencies:
                  - python=3.10
                  - pip:
                      - torch==2.1
                      - "--extra-index-url https://h/x"
            environment_variables:
              A: "off"
              B: "#1"
              AZUREML_DATAREFERENCE_IRIS: ${{inputs.iris}}
              IRIS: ${{inputs.iris}}
              AZUREML_DATAREFERENCE_model: ${{outputs.model}}
              model: ${{outputs.model}}

            compute: azureml:gpu-cluster
            resources:
              instance_count: 2
              shm_size: 4g
              docker_args:
                - "--ulimit"
                - memlock=-1
            distribution:
              type: pytorch
              process_count_per_instance: 4
            limits:
              timeout: 3600
        "##]],
    );
}

/// Every run configuration here has to become a v2 job without errors, and both the same plan.
#[test]
fn a_converted_job_becomes_the_same_plan() {
    let base = "environment: {docker: {baseImage: i}}\n";
    let table = [
        DEFAULT.to_owned(),
        format!("script: train.py\n{base}"),
        format!("Script: train.py\nArguments: [a b, \"c'd\", '', '$HOME', '`x`', '${{{{y}}}}', '{{inputs.d}}', 'ü', '-', '*']\n{base}"),
        format!("{{\"script\": \"train.py\", \"environment\": {{\"docker\": {{\"baseImage\": \"i\"}}}}}}{}", ""),
        format!("command: [python, train.py, '&&', ls]\n{base}"),
        format!("command: |\n  set -e\n  python train.py --a \"b: c # d\"\n\n  echo done\n{base}"),
        format!("command: \"python train.py\\n\\n\\n\"\n{base}"),
        format!("command: \"  a\\tb\\u0007c\\u2028 \"\n{base}"),
        format!("command: 'yes'\n{base}"),
        "script: train.py\nenvironment: .azureml/environment.yml\n".to_owned(),
        "script: train.py\nenvironment: {}\n".to_owned(),
        "script: train.py\nenvironment:\n  docker: {enabled: true, baseImage: i}\n  python: {userManagedDependencies: true, interpreterPath: /opt/py/bin/python3}\n".to_owned(),
        "script: train.py\nenvironment:\n  docker: {baseImage: i}\n  python: {userManagedDependencies: true, interpreterPath: /home/me/python}\n".to_owned(),
        "script: train.py\nenvironment:\n  python: {condaDependenciesFile: conda_dependencies.yml}\n".to_owned(),
        "script: train.py\nenvironment:\n  python: {condaDependencies: {dependencies: [python=3.9, {pip: [\"a>=1; python_version > '3'\", \"-f https://x/#y\"]}], variables: {A: 1, B: null}, channels: []}}\n".to_owned(),
        format!("script: train.py\nnodeCount: 2\ncommunicator: OpenMpi\nmpi: {{processCountPerNode: 4}}\ntarget: cpu\n{base}"),
        format!("script: train.py\ncommunicator: ParameterServer\nframework: TensorFlow\ntensorflow: {{workerCount: 3}}\n{base}"),
        format!("script: train.py\nmaxRunDurationSeconds: 60\ndocker: {{shmSize: 512m, arguments: [--ipc, host]}}\n{base}"),
        format!("script: train.py\nenvironmentVariables: {{A: '', B: true, C: 'no', D: ' x ', E: '1e3', F: '2026-01-01', G: 010, H: 1:30, I: no, '1': z}}\n{base}"),
        format!("script: train.py\narguments: [--d, DatasetConsumptionConfig:my_data, '$AZUREML_DATAREFERENCE_my_data/a b.csv', '${{AZUREML_DATAREFERENCE_myData}}/x']\ndata: {{my_data: {{dataLocation: {{uri: {{path: data}}}}, mechanism: mount, environmentVariableName: d}}}}\n{base}"),
        format!("script: train.py\ndata: {{f: {{dataLocation: {{uri: {{path: data/iris.csv, isFile: true}}}}, mechanism: direct}}}}\noutputData: {{'out-1': {{mechanism: mount}}}}\n{base}"),
        "ArgumentVector: [train.py, --x, '1']\nTarget: local\nFramework: Python\nCondaDependenciesFile: .azureml/conda_dependencies.yml\nEnvironmentVariables: {A_b: c}\n".to_owned(),
    ];
    for text in &table {
        let disk = disk(text);
        let v1 = read("/p/.azureml/x.runconfig", &disk).spec.unwrap_or_else(|| panic!("{text}"));
        let yaml = convert_text(text).yaml;
        let mut disk = disk.clone();
        disk.push(("/p/job.yml", &yaml));
        let reading = read("/p/job.yml", &disk);
        assert_eq!(reading.kind, Kind::CommandJob, "{yaml}");
        assert!(reading.is_well(), "{text}\n{yaml}\n{:#?}", reading.diagnostics);
        let v2 = reading.spec.expect("a spec");
        let settings = PlanSettings::default();
        let plan_of = |spec: &Spec| {
            plan(spec, &settings, &place()).unwrap_or_else(|failure| panic!("{failure}: {text}"))
        };
        let (mut v1, v2) = (plan_of(&v1), plan_of(&v2));
        // All that differs is the file's name, from which the folders' names are made, and the working
        // directory.
        let root_of = |plan: &crate::plan::Plan| {
            let uri = plan.container.environment.iter().find(|(name, _)| name == "MLFLOW_TRACKING_URI");
            uri.and_then(|(_, uri)| uri.strip_prefix("file://")?.strip_suffix("/mlruns")).map(str::to_owned)
        };
        let (one, two) = (root_of(&v1).expect("a root"), root_of(&v2).expect("a root"));
        v1.spec.clone_from(&v2.spec);
        let v1 = format!("{v1:#?}").replace("/azureml-run", &format!("{two}/exe/wd")).replace(&one, &two);
        pretty_eq(&v1, &format!("{v2:#?}"), text);
    }
}

fn pretty_eq(v1: &str, v2: &str, text: &str) {
    let differing: Vec<_> = v1.lines().zip(v2.lines()).filter(|(one, two)| one != two).take(5).collect();
    assert!(differing.is_empty() && v1.len() == v2.len(), "{text}\n{differing:#?}");
}

#[test]
fn the_example_of_sdk_v1() {
    let text = include_str!("../../../../../examples/iris/.azureml/train.runconfig");
    let conda = include_str!("../../../../../examples/iris/environment/conda.yml");
    let path = "/iris/.azureml/train.runconfig";
    let disk =
        [(path, text), ("/iris/environment/conda.yml", conda), ("/iris/src/train.py", ""), ("/iris/", "")];
    let reading = read(path, &disk);
    assert_eq!(reading.diagnostics, []);
    expect![[r##"
        # From .azureml/train.runconfig, a run configuration of SDK v1. Paths are seen from the project folder, so keep this file there.
        $schema: https://azuremlschemas.azureedge.net/latest/commandJob.schema.json
        type: command

        code: .
        command: python src/train.py --data data/iris.csv --regularisation 10.0 --model outputs

        environment:
          image: mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:20251130.v1
          conda_file: environment/conda.yml
        environment_variables:
          OMP_NUM_THREADS: "1"
          GIT_PYTHON_REFRESH: quiet

        compute: local
        resources:
          shm_size: 2g
    "##]].assert_eq(&convert(&reading).expect("a job").yaml);
}

#[test]
fn what_is_not_converted_says_so() {
    let table = [
        ("/p/job.yml", "command: ls\nenvironment: {image: i}\n"),
        (
            "/p/x.runconfig",
            "script: train.py\nenvironment: {docker: {baseImage: i, baseDockerfile: FROM x}}\n",
        ),
    ];
    let mut out = String::new();
    for (path, text) in table {
        let failure = convert(&read(path, &[(path, text)])).expect_err(text);
        out.push_str(&format!("{failure}\n"));
    }
    expect![[r#"
        Only a run configuration of SDK v1 is converted, and this is something else: command job.
        the spec has errors: "baseImage" and "baseDockerfile" exclude each other. Keep the one that is meant, and set the other to null.
    "#]].assert_eq(&out);
}
