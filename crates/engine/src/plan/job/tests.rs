//! A user's job file in, the plan out.

use super::*;
use crate::ids::RunId;
use crate::plan::image::ImagePlan;
use crate::plan::rewrite::ImageRewrite;
use crate::plan::settings::{Host, RunFolders};
use crate::spec::files::disk::read;
use expect_test::expect;
use std::collections::BTreeMap;

pub(crate) fn place() -> RunPlace {
    let folder = |name: &str| PathBuf::from("/runs/r1").join(name);
    RunPlace {
        run: RunId::from("r1"),
        container: "aml-debug-r1".to_owned(),
        labels: BTreeMap::new(),
        folders: RunFolders {
            outputs: folder("outputs"),
            logs: folder("logs"),
            mlruns: folder("mlruns"),
            named: folder("named"),
        },
    }
}

fn plan_of(disk: &[(&str, &str)], settings: &PlanSettings) -> Result<Plan, Failure> {
    let reading = read("/p/job.yml", disk);
    let spec = reading.spec.unwrap_or_else(|| panic!("{:#?}", reading.diagnostics));
    plan(&spec, settings, &place())
}

const JOB: &str = "\
$schema: https://azuremlschemas.azureedge.net/latest/commandJob.schema.json
command: >-
  python train.py --lr ${{inputs.lr}} --epochs ${{inputs.epochs}} --data ${{inputs.data}}
  $[[--seed ${{inputs.seed}}]] --model ${{outputs.model}}
code: src
environment:
  image: mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:20250101.v1
  conda_file: conda.yml
inputs:
  lr: 0.10
  epochs: 3
  data: {type: uri_file, path: data/iris.csv}
outputs:
  model: {type: uri_folder}
environment_variables:
  LEVEL: 3
  FLAG: yes
experiment_name: iris
display_name: Iris
compute: azureml:cpu-cluster
resources: {shm_size: 1g}
limits: {timeout: 60}
";
const CONDA: &str = "dependencies: [python=3.11, pip, {pip: [mlflow, scikit-learn==1.5.0]}]";

#[test]
fn a_command_job_becomes_a_plan() {
    let disk = [("/p/job.yml", JOB), ("/p/conda.yml", CONDA), ("/p/src/", ""), ("/p/data/iris.csv", "")];
    let settings = PlanSettings {
        rewrites: ImageRewrite::parse("mcr.microsoft.com=mirror").into_iter().collect(),
        host: Host { user: Some("1000:1000".to_owned()), ..Host::default() },
        environment: vec![("LEVEL".to_owned(), "9".to_owned())],
        set: vec!["inputs.epochs=1".to_owned()],
        ..PlanSettings::default()
    };
    let plan = plan_of(&disk, &settings).expect("a plan");
    expect![[r#"
        Plan {
            spec: "/p/job.yml",
            experiment: "iris",
            display_name: Some(
                "Iris",
            ),
            command: "python train.py --lr 0.1 --epochs 1 --data /mnt/azureml/cr/j/6cc3a0dcda489fe1545d114ff9c945c9/cap/data-capability/wd/INPUT_data/iris.csv  --model /mnt/azureml/cr/j/6cc3a0dcda489fe1545d114ff9c945c9/cap/data-capability/wd/model",
            image: Environment {
                base: ImageRef(
                    "mirror/azureml/openmpi4.1.0-ubuntu22.04:20250101.v1",
                ),
                packages: Packages {
                    python: Some(
                        "3.11",
                    ),
                    conda: [],
                    channels: [],
                    into_own: false,
                    pip: [
                        "mlflow",
                        "scikit-learn==1.5.0",
                    ],
                    logins_in: None,
                },
            },
            container: ContainerPlan {
                name: "aml-debug-r1",
                image: ImageRef(
                    "mirror/azureml/openmpi4.1.0-ubuntu22.04:20250101.v1",
                ),
                command: [
                    "/bin/sh",
                    "-c",
                    "[ -x /bin/bash ] && exec /bin/bash -c \"$1\"; exec /bin/sh -c \"$1\"",
                    "aml-debug",
                    "python train.py --lr 0.1 --epochs 1 --data /mnt/azureml/cr/j/6cc3a0dcda489fe1545d114ff9c945c9/cap/data-capability/wd/INPUT_data/iris.csv  --model /mnt/azureml/cr/j/6cc3a0dcda489fe1545d114ff9c945c9/cap/data-capability/wd/model",
                ],
                working_dir: "/mnt/azureml/cr/j/6cc3a0dcda489fe1545d114ff9c945c9/exe/wd",
                environment: [
                    (
                        "PYTHONUNBUFFERED",
                        "1",
                    ),
                    (
                        "AZUREML_RUN_ID",
                        "r1",
                    ),
                    (
                        "AZUREML_ROOT_RUN_ID",
                        "r1",
                    ),
                    (
                        "AZUREML_EXPERIMENT_NAME",
                        "iris",
                    ),
                    (
                        "AZUREML_CR_EXECUTION_WORKING_DIR_PATH",
                        "/mnt/azureml/cr/j/6cc3a0dcda489fe1545d114ff9c945c9/exe/wd",
                    ),
                    (
                        "MLFLOW_TRACKING_URI",
                        "file:///mnt/azureml/cr/j/6cc3a0dcda489fe1545d114ff9c945c9/mlruns",
                    ),
                    (
                        "MLFLOW_ALLOW_FILE_STORE",
                        "true",
                    ),
                    (
                        "MLFLOW_EXPERIMENT_NAME",
                        "iris",
                    ),
                    (
                        "HOME",
                        "/mnt/azureml/home",
                    ),
                    (
                        "LOGNAME",
                        "azureml",
                    ),
                    (
                        "USER",
                        "azureml",
                    ),
                    (
                        "AZUREML_PARAMETER_lr",
                        "0.1",
                    ),
                    (
                        "AZUREML_PARAMETER_epochs",
                        "1",
                    ),
                    (
                        "AZURE_ML_INPUT_data",
                        "/mnt/azureml/cr/j/6cc3a0dcda489fe1545d114ff9c945c9/cap/data-capability/wd/INPUT_data/iris.csv",
                    ),
                    (
                        "AZUREML_DATAREFERENCE_data",
                        "/mnt/azureml/cr/j/6cc3a0dcda489fe1545d114ff9c945c9/cap/data-capability/wd/INPUT_data/iris.csv",
                    ),
                    (
                        "AZURE_ML_OUTPUT_model",
                        "/mnt/azureml/cr/j/6cc3a0dcda489fe1545d114ff9c945c9/cap/data-capability/wd/model",
                    ),
                    (
                        "LEVEL",
                        "9",
                    ),
                    (
                        "FLAG",
                        "True",
                    ),
                ],
                mounts: [
                    Bind {
                        host: "/p/src",
                        target: "/mnt/azureml/cr/j/6cc3a0dcda489fe1545d114ff9c945c9/exe/wd",
                        read_only: false,
                    },
                    Bind {
                        host: "/runs/r1/outputs",
                        target: "/mnt/azureml/cr/j/6cc3a0dcda489fe1545d114ff9c945c9/exe/wd/outputs",
                        read_only: false,
                    },
                    Bind {
                        host: "/runs/r1/logs",
                        target: "/mnt/azureml/cr/j/6cc3a0dcda489fe1545d114ff9c945c9/exe/wd/logs",
                        read_only: false,
                    },
                    Bind {
                        host: "/runs/r1/mlruns",
                        target: "/mnt/azureml/cr/j/6cc3a0dcda489fe1545d114ff9c945c9/mlruns",
                        read_only: false,
                    },
                    Bind {
                        host: "/p/data/iris.csv",
                        target: "/mnt/azureml/cr/j/6cc3a0dcda489fe1545d114ff9c945c9/cap/data-capability/wd/INPUT_data/iris.csv",
                        read_only: true,
                    },
                    Bind {
                        host: "/runs/r1/named/model",
                        target: "/mnt/azureml/cr/j/6cc3a0dcda489fe1545d114ff9c945c9/cap/data-capability/wd/model",
                        read_only: false,
                    },
                    Tmpfs {
                        target: "/mnt/azureml/home",
                        mode: 1023,
                    },
                ],
                files: [],
                texts: [],
                user: Some(
                    "1000:1000",
                ),
                labels: {},
                limits: Limits {
                    shm_bytes: Some(
                        1073741824,
                    ),
                    memory_bytes: None,
                    nano_cpus: None,
                },
                grants: Grants {
                    ports: [],
                    hosts: [],
                    hostname: None,
                    ulimits: [],
                    ipc: None,
                    tracing: false,
                },
                gpu: false,
            },
            code: "/p/src",
            debuggee: Debuggee {
                remote_root: "/mnt/azureml/cr/j/6cc3a0dcda489fe1545d114ff9c945c9/exe/wd",
                process: Some(
                    Script(
                        "train.py",
                    ),
                ),
                isolated_by: None,
                rank: None,
            },
            service: None,
            outputs: [
                Output {
                    name: "model",
                    path: "/mnt/azureml/cr/j/6cc3a0dcda489fe1545d114ff9c945c9/cap/data-capability/wd/model",
                    host: "/runs/r1/named/model",
                },
            ],
            folders: [
                "/runs/r1/outputs",
                "/runs/r1/logs",
                "/runs/r1/mlruns",
                "/runs/r1/named/model",
            ],
            mount_points: [
                "/p/src/outputs",
                "/p/src/logs",
            ],
            timeout_seconds: Some(
                60,
            ),
            distribution: None,
            newest_of: None,
            notes: [],
        }
    "#]].assert_debug_eq(&plan);
}

#[test]
fn a_job_without_code_runs_in_an_empty_folder() {
    let disk = [("/p/job.yml", "command: echo hi\nenvironment: {image: python}\n")];
    let plan = plan_of(&disk, &PlanSettings::default()).expect("a plan");
    assert!(matches!(plan.container.mounts[0], Mount::Tmpfs { .. }));
    assert_eq!(plan.container.user, None);
    assert_eq!(plan.experiment, "p");
    assert!(matches!(plan.image, ImagePlan::Existing { .. }));
}

#[test]
fn what_cannot_run_here_says_why_and_what_to_do() {
    let table = [
        "command: python a.py ${{inputs.x}}\nenvironment: {image: p}\n",
        "command: python a.py\nenvironment: azureml:sklearn-1.5@latest\n",
        "command: python a.py\nenvironment: {image: p}\ninputs: {d: {path: 'azureml:iris:1'}}\n",
        "command: python a.py\nenvironment: {image: p}\ninputs: {d: {path: ./no.csv, type: uri_file}}\n",
        "command: python a.py\nenvironment: {build: {path: 'https://example.org/x.git'}}\n",
        "command: python a.py\ncode: git+https://example.org/x\nenvironment: {image: p}\n",
    ];
    let mut out = String::new();
    for text in table {
        let disk = [("/p/job.yml", text), ("/p/", "")];
        let failure = plan_of(&disk, &PlanSettings::default()).expect_err(text);
        let fix = failure.fix.map(|fix| fix.text()).unwrap_or_default();
        out.push_str(&format!("{}\n    {fix}\n", failure.what));
    }
    expect![[r#"
        the command uses "${{inputs.x}}", which is not declared below "inputs"
            declare it below "inputs", or remove it from the command
        the environment "sklearn-1.5@latest" is registered in Azure ML; what is in it cannot be known without a signed-in workspace
            map it to an image (image rewriting: "sklearn-1.5=IMAGE"), or write the environment out in the spec with "image" and "conda_file"
        the input "d" is "azureml:iris:1", which is not on this machine; reading it needs a signed-in workspace
            use a copy on this machine: --set inputs.d=PATH
        the input "d" has the path "/p/no.csv", and nothing is there
            correct the path in the spec, or give another: --set inputs.d=PATH
        the environment is built from https://example.org/x.git, which is not a folder of this machine
            clone or download it, and name the folder as the path of "build"
        the code is at "git+https://example.org/x"; only a local folder can be mounted
            clone it and write the folder's path as "code"
    "#]].assert_eq(&out);
}

#[test]
fn a_component_runs_with_its_defaults_and_what_is_set() {
    let text = "name: train\ntype: command\nversion: 1\ncommand: python t.py --lr ${{inputs.lr}} $[[--seed ${{inputs.seed}}]] --data ${{inputs.data}} --out ${{outputs.o}}\ncode: src\nenvironment: {image: i}\ninputs:\n  lr: {type: number, default: 0.10}\n  seed: {type: integer, optional: true}\n  data: {type: uri_folder}\noutputs: {o: {type: uri_folder}}\n";
    let disk = [("/p/job.yml", text), ("/p/src/", ""), ("/p/data/", "")];
    let failure = plan_of(&disk, &PlanSettings::default()).expect_err("no data");
    assert_eq!(failure.to_string(), "the component has inputs without a value: data");
    assert_eq!(failure.fix.map(|fix| fix.text()).as_deref(), Some("give them: --set inputs.data=…"));
    let command = |set: &[&str]| {
        let set = set.iter().map(|&set| set.to_owned()).collect();
        let plan = plan_of(&disk, &PlanSettings { set, ..PlanSettings::default() }).expect("a plan");
        let root = plan.container.working_dir.trim_end_matches("exe/wd").to_owned();
        plan.command.replace(&root, "/")
    };
    let data = "/cap/data-capability/wd";
    assert_eq!(
        command(&["inputs.data=data"]),
        format!("python t.py --lr 0.1  --data {data}/INPUT_data --out {data}/o")
    );
    assert_eq!(
        command(&["inputs.data=data", "inputs.seed=7", "inputs.lr=1"]),
        format!("python t.py --lr 1 --seed 7 --data {data}/INPUT_data --out {data}/o")
    );
}
