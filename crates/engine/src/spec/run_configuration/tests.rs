//! What a person reads about a run configuration, and what it becomes.

use super::*;
use crate::check::plain;
use crate::plan::image::ImagePlan;
use crate::plan::job::tests::place;
use crate::plan::plan;
use crate::plan::settings::PlanSettings;
use crate::spec::files::disk::read;
use crate::spec::{Body, Kind};
use expect_test::{Expect, expect};
use proptest::prelude::*;

const PATH: &str = "/p/.azureml/x.runconfig";
const DEFAULT: &str = include_str!("default.runconfig");

fn disk(text: &str) -> [(&str, &str); 10] {
    [
        ("/p/", ""),
        (PATH, text),
        ("/p/train.py", ""),
        ("/p/data/", ""),
        (
            "/p/.azureml/conda_dependencies.yml",
            "dependencies: [python=3.9, {pip: [numpy, --index-url https://h/simple]}]",
        ),
        ("/p/no-python.yml", "dependencies: [{pip: [numpy]}]"),
        ("/p/odd.yml", "name: x\nchanels: []\ndependencies: [python]\n"),
        ("/p/broken.yml", "a: [\n"),
        ("/p/env.yml", "name: e\ndocker: {enabled: maybe, arguments: x}\n"),
        ("/p/Dockerfile", "FROM x"),
    ]
}

fn findings(text: &str) -> String {
    let reading = read(PATH, &disk(text));
    let mut out = String::new();
    for finding in &reading.diagnostics {
        out.push_str(&plain("x", finding).text());
        if let Some(fix) = &finding.fix {
            out.push_str(&format!(" -> {:?}", fix.new_text));
        }
        out.push('\n');
    }
    out
}

/// The findings of a file with Docker switched on, which else would be a finding of its own.
fn shows(text: &str, expected: Expect) {
    expected
        .assert_eq(&findings(&text.replace("ENV", "environment: {docker: {enabled: true, baseImage: i}}")));
}

#[test]
fn every_trap_of_sdk_v1_has_its_own_word() {
    let table = [
        (
            "no environment",
            "script: train.py\ntarget: local\n",
            expect![[r#"
                x:1:1: error: "environment" is missing. SDK v1 takes such a file for one of an older kind and fails with: Compute target = local doesn't exist at .azureml/local.compute. [spec.v1.no-environment] -> "environment:\n  docker:\n    baseImage: mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04\nscript"
            "#]],
        ),
        (
            "no environment, JSON",
            "{\"script\": \"train.py\"}",
            expect![[r#"
                x:1:2: error: "environment" is missing. SDK v1 takes such a file for one of an older kind and fails with: Compute target = local doesn't exist at .azureml/local.compute. [spec.v1.no-environment]
            "#]],
        ),
        (
            "environment without a value",
            "script: train.py\nenvironment:\n",
            expect![[r#"
                x:2:1: error: "environment" is missing. SDK v1 takes such a file for one of an older kind and fails with: Compute target = local doesn't exist at .azureml/local.compute. [spec.v1.no-environment] -> "environment:\n  docker:\n    baseImage: mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04"
            "#]],
        ),
        (
            "misspelt key",
            "script: train.py\nargumnets: [a]\nENV\n",
            expect![[r#"
            x:2:1: warning: "argumnets" is not known in a run configuration, and SDK v1 ignores it in silence. Did you mean "arguments"? [spec.v1.unknown-key.near] -> "arguments"
        "#]],
        ),
        (
            "unknown key",
            "script: train.py\nenvironment:\n  docker: {enabled: true, baseImage: i, fancy: 1}\n",
            expect![[r#"
            x:3:41: warning: "fancy" is not known in a run configuration. SDK v1 ignores it in silence. [spec.v1.unknown-key]
        "#]],
        ),
        (
            "two spellings",
            "script: train.py\nnode_count: 1\nnodeCount: 2\nENV\n",
            expect![[r#"
            x:3:1: warning: "nodeCount" stands here in two spellings. Only the last one counts. [spec.v1.two-spellings]
        "#]],
        ),
        (
            "key twice",
            "script: train.py\nscript: other.py\nENV\n",
            expect![[r#"
            x:2:1: error: "script" stands twice in this mapping, on line 1 and on line 2. SDK v1 refuses such a file. [spec.v1.duplicate-key]
            x:2:9: warning: The script "other.py" does not exist: nothing is at /p/other.py. [spec.v1.script-missing]
        "#]],
        ),
        (
            "number in words",
            "script: train.py\nnodeCount: two\nENV\n",
            expect![[r#"
            x:2:12: error: Expected a whole number, found "two". [spec.wrong-type]
        "#]],
        ),
        (
            "None for a number",
            "script: train.py\nmaxRunDurationSeconds: None\nENV\n",
            expect![[r#"
            x:2:24: error: To YAML "None" is a text like any other. Leave the value empty, or write null. [spec.v1.none] -> "null"
        "#]],
        ),
        (
            "None for a text",
            "script: train.py\nenvironment:\n  docker: {enabled: true, baseImage: i, baseDockerfile: None}\n",
            expect![[r#"
            x:3:57: warning: To YAML "None" is a text like any other. Leave the value empty, or write null. [spec.v1.none] -> "null"
        "#]],
        ),
        ("communicator None is right", "script: train.py\ncommunicator: None\nENV\n", expect![[""]]),
        (
            "switch in words",
            "script: train.py\ndocker: {useDocker: no}\nENV\n",
            expect![[r#"
            x:2:21: warning: SDK v1 takes "no" for true, since it is a text. Write true or false. [spec.v1.switch] -> "false"
        "#]],
        ),
        (
            "two docker sections",
            "script: train.py\ndocker: {useDocker: false, shmSize: 1g, arguments: [-x]}\nenvironment: {docker: {enabled: true, baseImage: i, shmSize: 4g, arguments: [-y]}}\n",
            expect![[r#"
            x:2:10: warning: "useDocker" is false, and "environment.docker.enabled" is true. This one is the newer; where it has the value that is always there by default, the other counts. [spec.v1.two-docker-sections]
            x:2:28: warning: "shmSize" is 1g, and "environment.docker.shmSize" is 4g. This one is the newer; where it has the value that is always there by default, the other counts. [spec.v1.two-docker-sections]
            x:2:41: warning: "arguments" is -x, and "environment.docker.arguments" is -y. This one is the newer; where it has the value that is always there by default, the other counts. [spec.v1.two-docker-sections]
        "#]],
        ),
        (
            "two bases",
            "script: train.py\nenvironment: {docker: {enabled: true, baseImage: i, baseDockerfile: Dockerfile}}\n",
            expect![[r#"
            x:2:53: error: "baseImage" and "baseDockerfile" exclude each other. Keep the one that is meant, and set the other to null. [spec.v1.two-bases]
        "#]],
        ),
        (
            "build context",
            "script: train.py\nenvironment: {docker: {enabled: true, buildContext: {locationType: local, location: .}}}\n",
            expect![[r#"
            x:2:68: error: "local" is not one of: git, storageAccount. [spec.not-one-of]
        "#]],
        ),
        (
            "conda file missing",
            "script: train.py\nenvironment: {docker: {enabled: true}, python: {condaDependenciesFile: c.yml}}\n",
            expect![[r#"
            x:2:72: error: The conda file "c.yml" does not exist. [spec.conda-file-missing]
        "#]],
        ),
        (
            "conda file without Python",
            "script: train.py\nenvironment: {docker: {enabled: true}, python: {condaDependenciesFile: no-python.yml}}\n",
            expect![[r#"
            x:2:72: warning: The conda file names no Python version, and SDK v1 refuses such an environment when it is built. Add "python=3.11", or the version you need, below "dependencies". [spec.v1.conda-no-python]
        "#]],
        ),
        (
            "conda file with an unknown key",
            "script: train.py\nenvironment: {docker: {enabled: true}, python: {condaDependenciesFile: odd.yml}}\n",
            expect![[r#"
                x:2:72: error: "odd.yml" has problems (1). Line 2: "chanels" is not known in a conda file of SDK v1, which refuses the file. Known: name, channels, dependencies, prefix, variables. [spec.in-other-file]
            "#]],
        ),
        (
            "conda file broken",
            "script: train.py\nenvironment: {docker: {enabled: true}, python: {condaDependenciesFile: broken.yml}}\n",
            expect![[r#"
                x:2:72: error: "broken.yml" has problems (1). Line 2: This is not YAML: while parsing a node, did not find expected node content. [spec.in-other-file]
            "#]],
        ),
        (
            "script missing",
            "script: trian.py\nENV\n",
            expect![[r#"
            x:1:9: warning: The script "trian.py" does not exist: nothing is at /p/trian.py. [spec.v1.script-missing]
        "#]],
        ),
        (
            "no script",
            "arguments: [a]\nENV\n",
            expect![[r#"
            x:1:1: warning: There is neither a "script" nor a "command", so this run configuration runs only with code that adds one. [spec.v1.no-script]
        "#]],
        ),
        (
            "script and command",
            "script: train.py\ncommand: python train.py\nENV\n",
            expect![[r#"
            x:2:1: warning: "script" and "command" exclude each other. The command is what runs here. [spec.v1.script-and-command]
        "#]],
        ),
        (
            "arguments in one text",
            "script: train.py\narguments: --a b\nENV\n",
            expect![[r#"
            x:2:12: error: Expected a list, found "--a b". [spec.wrong-type]
        "#]],
        ),
        (
            "target",
            "script: train.py\ntarget: gpu-cluster\nENV\n",
            expect![[r#"
            x:2:9: information: This run configuration is for the compute target "gpu-cluster". Here it runs on this machine. [spec.v1.target]
        "#]],
        ),
        (
            "no docker",
            "script: train.py\ntarget: local\nenvironment: {}\n",
            expect![[r#"
            x:2:1: information: Docker is switched off in this run configuration: SDK v1 would make the environment on this machine. Here it always runs in a container. [spec.v1.no-docker]
        "#]],
        ),
        (
            "Python of this machine",
            "script: train.py\nenvironment: {python: {userManagedDependencies: true, interpreterPath: /home/me/bin/python}}\n",
            expect![[r#"
            x:2:1: warning: "/home/me/bin/python" is a Python of this machine. The run takes place in a container and uses the Python of the image; its packages have to be in the image. [spec.v1.interpreter]
        "#]],
        ),
        (
            "framework",
            "script: train.py\nframework: Pytroch\ncommunicator: MPI\nENV\n",
            expect![[r#"
            x:2:12: warning: "Pytroch" is not one of: Python, PySpark, CNTK, TensorFlow, PyTorch. [spec.not-one-of] -> "PyTorch"
            x:3:15: warning: "MPI" is not one of: None, ParameterServer, OpenMpi, IntelMpi, ParallelTask, Nccl, Gloo. [spec.not-one-of]
        "#]],
        ),
        (
            "name of data",
            "script: train.py\ndata: {my_data: {dataLocation: {uri: {path: data}}}}\nENV\n",
            expect![[r#"
            x:2:8: warning: SDK v1 reads this name as "myData", since names in "data" are spelled like keys. Environment variables and arguments have to use "myData". [spec.v1.renamed] -> "myData"
        "#]],
        ),
        (
            "data missing",
            "script: train.py\ndata: {d: {dataLocation: {uri: {path: no}}}, e: {}}\nENV\n",
            expect![[r#"
            x:2:39: warning: The input "d" has the path "no", and nothing is at /p/no. [spec.input-missing]
            x:2:46: warning: The data "e" says no place in "dataLocation". [spec.v1.no-location]
        "#]],
        ),
        (
            "datastore",
            "script: train.py\ndataReferences: {d: {mode: direct}}\nENV\n",
            expect![[r#"
            x:2:18: error: The data reference "d" names no "dataStoreName", and SDK v1 refuses the file. [spec.v1.no-datastore]
            x:2:28: error: "direct" is not one of: mount, download, upload. [spec.not-one-of]
        "#]],
        ),
        (
            "environment file missing",
            "script: train.py\nenvironment: nowhere.yml\n",
            expect![[r#"
                x:2:14: error: The file "nowhere.yml" does not exist. [spec.file-missing]
            "#]],
        ),
        (
            "environment file not well",
            "script: train.py\nenvironment: env.yml\n",
            expect![[r#"
                x:2:14: error: "env.yml" has problems (1). Line 2: Expected a list, found "x". [spec.in-other-file]
            "#]],
        ),
        (
            "legacy",
            "ArgumentVector: [train.py]\nTarget: local\nCondaDependenciesFile: .azureml/conda_dependencies.yml\n",
            expect![[r#"
            x:1:1: warning: This run configuration is older than "environment". The SDK of today reads nothing of it but that it is old; write a new one. [spec.v1.legacy]
            x:2:1: information: Docker is switched off in this run configuration: SDK v1 would make the environment on this machine. Here it always runs in a container. [spec.v1.no-docker]
            x:2:9: warning: A run configuration of this age needs the file local.compute beside it. The usual image is taken instead. [spec.v1.no-compute-file]
        "#]],
        ),
        (
            "not a mapping",
            "script: train.py\nenvironment: [a]\ndata: 3\n",
            expect![[r#"
                x:2:14: error: Expected a mapping with keys, found a list. [spec.not-a-mapping]
                x:3:7: error: Expected a mapping with keys, found a number. [spec.not-a-mapping]
            "#]],
        ),
    ];
    for (_, text, expected) in table {
        shows(text, expected);
    }
}

#[test]
fn the_default_file_of_the_sdk_is_well() {
    expect![[r#"
        x:6:1: information: Docker is switched off in this run configuration: SDK v1 would make the environment on this machine. Here it always runs in a container. [spec.v1.no-docker]
    "#]].assert_eq(&findings(DEFAULT));
}

#[test]
fn all_spellings_and_json_mean_the_same() {
    let texts = [
        "script: train.py\nnodeCount: 2\nenvironment:\n  docker: {baseImage: i, shmSize: 1g}\n  python: {condaDependenciesFile: .azureml/conda_dependencies.yml}\n  environmentVariables: {My_Var: a}\nmaxRunDurationSeconds: 5\n",
        "script: train.py\nnode_count: 2\nenvironment:\n  docker: {base_image: i, shm_size: 1g}\n  python: {conda_dependencies_file: .azureml/conda_dependencies.yml}\n  environment_variables: {My_Var: a}\nmax_run_duration_seconds: 5\n",
        "Script: train.py\nNodeCount: 2\nEnvironment:\n  Docker: {BaseImage: i, ShmSize: 1g}\n  Python: {CondaDependenciesFile: .azureml/conda_dependencies.yml}\n  EnvironmentVariables: {My_Var: a}\nMaxRunDurationSeconds: 5\n",
        "{\"script\":\"train.py\",\"nodeCount\":2,\"environment\":{\"docker\":{\"baseImage\":\"i\",\"shmSize\":\"1g\"},\"python\":{\"condaDependenciesFile\":\".azureml/conda_dependencies.yml\"},\"environmentVariables\":{\"My_Var\":\"a\"}},\"maxRunDurationSeconds\":5}",
    ];
    let read_one = |text: &str| match read(PATH, &disk(text)).spec.map(|spec| spec.body) {
        Some(Body::RunConfiguration(v1)) => *v1,
        other => panic!("{text}: {other:?}"),
    };
    let first = read_one(texts[0]);
    assert_eq!(first.job.instance_count, Some(2));
    assert_eq!(first.job.environment_variables, [("My_Var".to_owned(), "a".to_owned())]);
    for text in texts {
        assert_eq!(read_one(text), first, "{text}");
        // Windows' own way of writing it.
        assert_eq!(read_one(&format!("\u{feff}{}", text.replace('\n', "\r\n"))), first, "{text}");
    }
}

#[test]
fn a_run_configuration_becomes_a_plan() {
    let text = "script: train.py\narguments: [--n, a b]\nenvironment:\n  docker: {baseImage: i}\n  python: {condaDependenciesFile: .azureml/conda_dependencies.yml}\n";
    let reading = read(PATH, &disk(text));
    let plan = plan(&reading.spec.expect("a spec"), &PlanSettings::default(), &place()).expect("a plan");
    assert_eq!(plan.command, "python train.py --n 'a b'");
    assert_eq!(plan.container.working_dir, "/azureml-run");
    assert_eq!(plan.debuggee.remote_root, "/azureml-run");
    assert_eq!(plan.debuggee.process, Some(crate::plan::Process::Script("train.py".to_owned())));
    assert_eq!(plan.code, Path::new("/p"));
    assert_eq!(plan.experiment, "p");
    let ImagePlan::Environment { base, packages } = plan.image else { panic!("{:?}", plan.image) };
    assert_eq!((base.as_str(), packages.python.as_deref()), ("i", Some("3.9")));
    assert_eq!(packages.pip, ["--index-url https://h/simple", "numpy"]);
    // `Run.get_context()` has to stay offline.
    let is_online = |(name, _): &(String, String)| {
        name.contains("TOKEN") || name.contains("SERVICE_ENDPOINT") || name.contains("_ARM_")
    };
    assert!(!plan.container.environment.iter().any(is_online));
}

#[test]
fn what_cannot_run_here_says_why_and_what_to_do() {
    let table = [
        "script: no.py\nENV\n",
        "arguments: []\nENV\n",
        "script: train.py\nframework: PySpark\nENV\n",
        "script: train.py\ndata: {d: {dataLocation: {dataset: {name: iris, version: 2}}}}\nENV\n",
        "script: train.py\ndataReferences: {d: {dataStoreName: s, pathOnDataStore: a/b}}\nENV\n",
    ];
    let mut out = String::new();
    for text in table {
        let text = text.replace("ENV", "environment: {docker: {enabled: true, baseImage: i}}");
        let reading = read(PATH, &disk(&text));
        let spec = crate::plan::runnable(Path::new(PATH), reading).expect("a runnable spec");
        let failure = plan(&spec, &PlanSettings::default(), &place()).expect_err(&text);
        let fix = failure.fix.map(|fix| fix.text()).unwrap_or_default();
        out.push_str(&format!("{}\n    {fix}\n", failure.what));
    }
    expect![[r#"
        the script "no.py" of the run configuration does not exist: nothing is at /p/no.py
            correct "script"; it is seen from the project folder, the one that has .azureml in it
        the run configuration names neither a script nor a command
            write the script's path as "script"; code that gives it to ScriptRunConfig is not read here
        a run configuration with "framework: PySpark" runs on Spark clusters only
            submit it to its cluster; where the script does without Spark, write "framework: Python"
        the input "d" is "azureml:iris:2", which is not on this machine; reading it needs a signed-in workspace
            use a copy on this machine: --set inputs.d=PATH
        the input "d" is "azureml://datastores/s/paths/a/b", which is not on this machine; reading it needs a signed-in workspace
            use a copy on this machine: --set inputs.d=PATH
    "#]].assert_eq(&out);
}

#[test]
fn the_kind_is_told_from_the_content() {
    let table = [
        ("/p/a.yml", "script: a.py\ntarget: local\nenvironment: {}\n", Kind::RunConfig),
        ("/p/a.json", "{\"Script\": \"a.py\", \"NodeCount\": 1}", Kind::RunConfig),
        ("/p/a.yml", "ArgumentVector: [a.py]\n", Kind::RunConfig),
        ("/p/a.yml", "command: ls\nenvironment: {docker: {}}\n", Kind::RunConfig),
        ("/p/a.runconfig", "script: a.py\n", Kind::RunConfig),
        ("/p/a.runconfig", "- a\n", Kind::Unknown),
        ("/p/a.yml", "command: ls\nenvironment: {image: i}\n", Kind::CommandJob),
        ("/p/a.yml", "script: a.py\n", Kind::Unknown),
    ];
    for (path, text, kind) in table {
        assert_eq!(read(path, &[(path, text)]).kind, kind, "{text}");
    }
}

#[test]
fn large_files_take_time_in_proportion() {
    let start = std::time::Instant::now();
    let keys = (0..20_000).map(|n| format!("k_{n}: 1\n")).collect::<String>();
    let names = (0..5_000).map(|n| format!("  d_{n}: {{dataStoreName: s}}\n")).collect::<String>();
    let line = "x".repeat(10_000_000);
    for text in [
        format!("script: train.py\n{keys}environment: {{}}\n"),
        format!(
            "script: train.py\nenvironment: {{}}\ndataReferences:\n{names}arguments: ['${}']\n",
            "AZUREML_DATAREFERENCE_".repeat(50_000)
        ),
        format!("script: train.py\narguments: ['{line}']\nenvironment: {{}}\n"),
    ] {
        assert_eq!(read(PATH, &disk(&text)).kind, Kind::RunConfig);
    }
    // Seconds on an idle machine, a minute on one with ten other things to do; a square would take hours.
    assert!(start.elapsed().as_secs() < 300, "{:?}", start.elapsed());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Keys of the tables with values of every kind, in every nesting: nothing panics, and what is well
    /// converts into a job that is well.
    #[test]
    fn no_run_configuration_makes_it_panic(
        entries in proptest::collection::vec(("(script|Arguments|command|target|environment|docker|data|data_references|outputData|nodeCount|framework|mpi|history|argument_vector|x_)", "(a b|'None'|no|3|\\[a, \\[b\\]\\]|\\[x, 1, ~\\]|\\{python: \\{interpreterPath: p\\}\\}|\\{docker: \\{baseImage: i, arguments: q\\}\\}|\\{a-b: \\{dataLocation: \\{uri: \\{path: data\\}\\}\\}\\}|\\{d: \\{dataStoreName: s, mode: upload\\}, D: \\{dataStoreName: 'ü '\\}\\}|\\{useDocker: 1.5, shmSize: ~\\}|\"\\\\u2028 \\\\\"x'\"|~|\\{\\})"), 0..9)
    ) {
        let text: String = entries.iter().map(|(key, value)| format!("{key}: {value}\n")).collect();
        let reading = read(PATH, &disk(&text));
        if let Ok(conversion) = crate::spec::conversion::convert(&reading) {
            let mut disk = disk(&text).to_vec();
            disk.push(("/p/job.yml", &conversion.yaml));
            let job = read("/p/job.yml", &disk);
            prop_assert!(job.is_well(), "{text}\n{}\n{:#?}", conversion.yaml, job.diagnostics);
        }
    }
}
