//! What a person reads about a spec that is not well.

use super::*;
use crate::spec;
use expect_test::{Expect, expect};

/// The findings of a job in a folder where `src` and `conda.yml` exist and nothing else.
fn check(text: &str, expected: Expect) {
    let mut files = Files::default();
    let reading = loop {
        let reading = spec::read("/p/job.yml".as_ref(), text.as_bytes(), &files);
        if is_settled(&reading) {
            break reading;
        }
        settle(&reading, &mut files, |need| match need.path.to_str() {
            Some("/p/src") => Found::Folder,
            Some("/p/conda.yml") => Found::File(b"dependencies: [python=3.11]".as_slice().into()),
            _ => Found::Missing,
        });
    };
    let mut out = String::new();
    for finding in &reading.diagnostics {
        out.push_str(&plain("job.yml", finding).text());
        if let Some(fix) = &finding.fix {
            out.push_str(&format!(" -> {:?}", fix.new_text));
        }
        out.push('\n');
    }
    expected.assert_eq(&out);
}

#[test]
fn every_usual_mistake_has_its_own_word() {
    let table = [
        (
            "misspelt key",
            "command: ls\nenvironment: azureml:e@latest\ncomputte: x\n",
            expect![[r#"
            job.yml:3:1: error: "computte" is not known here. Did you mean "compute"? [spec.unknown-key.near] -> "compute"
        "#]],
        ),
        (
            "unknown key",
            "command: ls\nenvironment: azureml:e@latest\nfoo: x\n",
            expect![[r#"
            job.yml:3:1: error: "foo" is not known here. Known: name, description, tags, services, display_name, experiment_name, properties, compute, identity, code, environment_variables, resources, distribution, queue_settings, type, limits, inputs, outputs, parent_job_name. [spec.unknown-key]
        "#]],
        ),
        (
            "missing key",
            "$schema: x/commandJob.schema.json\ncommand: ls\n",
            expect![[r#"
            job.yml:1:1: error: "environment" is missing. Expected: a mapping, an address in a registry ("azureml://registries/…"), a reference "azureml:NAME:VERSION" or "azureml:NAME@LABEL" (environments). [spec.missing-key]
        "#]],
        ),
        (
            "misspelt required key",
            "$schema: x/commandJob.schema.json\ncomand: ls\nenvironment: azureml:e:1\n",
            expect![[r#"
                job.yml:2:1: error: "comand" is not known here. Did you mean "command"? [spec.unknown-key.near] -> "command"
            "#]],
        ),
        (
            "no value",
            "command: ls\nenvironment: azureml:e:1\ninputs:\n",
            expect![[r#"
            job.yml:3:1: error: "inputs" has no value. Give it one (a mapping) or remove it. [spec.empty-value]
        "#]],
        ),
        (
            "bad enum",
            "command: ls\nenvironment: azureml:e:1\ninputs:\n  d: {type: uri_fil, path: ./src}\n",
            expect![[r#"
                job.yml:4:13: error: "uri_fil" is not one of: custom_model, mlflow_model, mltable, triton_model, uri_file, uri_folder. [spec.not-one-of] -> "uri_file"
            "#]],
        ),
        (
            "wrong type",
            "command: [ls]\nenvironment: azureml:e:1\n",
            expect![[r#"
            job.yml:1:10: error: Expected text, found a list. [spec.wrong-type]
        "#]],
        ),
        (
            "wrong number",
            "command: ls\nenvironment: azureml:e:1\nresources: {instance_count: two}\n",
            expect![[r#"
                job.yml:3:29: error: Expected a whole number, found "two". [spec.wrong-type]
            "#]],
        ),
        (
            "code folder missing",
            "command: ls\nenvironment: azureml:e:1\ncode: ./scr\n",
            expect![[r#"
            job.yml:3:7: error: Nothing is at "./scr" (/p/scr). [spec.path-missing]
        "#]],
        ),
        (
            "conda file missing",
            "command: ls\nenvironment: {image: i, conda_file: conda.yaml}\n",
            expect![[r#"
                job.yml:2:37: error: The conda file "conda.yaml" does not exist. [spec.conda-file-missing]
            "#]],
        ),
        (
            "conda file as environment",
            "command: ls\nenvironment: conda.yml\n",
            expect![[r#"
            job.yml:2:14: error: "conda.yml" is a file; an environment is a name ("azureml:NAME:VERSION") or a mapping with "image" and "conda_file". To use an environment file, write "file:conda.yml". [spec.environment-is-a-file]
        "#]],
        ),
        (
            "conda file as environment, by file:",
            "command: ls\nenvironment: file:conda.yml\n",
            expect![[r#"
                job.yml:2:14: error: "conda.yml" has problems (2). Line 1: This is a conda file, not an environment: an environment has "image" and names the conda file in "conda_file". [spec.in-other-file]
            "#]],
        ),
        (
            "image as environment",
            "command: ls\nenvironment: docker.io/python:3.11\n",
            expect![[r#"
            job.yml:2:14: error: "docker.io/python:3.11" looks like an image. Write it as a mapping: "image: docker.io/python:3.11" below "environment:". [spec.environment-is-an-image]
        "#]],
        ),
        (
            "no version",
            "command: ls\nenvironment: sklearn\n",
            expect![[r#"
            job.yml:2:14: error: "sklearn" is no reference to one of the environments: write "azureml:NAME:VERSION", "azureml:NAME@LABEL" or "azureml://registries/…". [spec.reference]
        "#]],
        ),
        (
            "input missing",
            "command: ls\nenvironment: {image: i}\ninputs: {d: {path: ./no}}\n",
            expect![[r#"
            job.yml:3:20: warning: The input "d" has the path "./no", and nothing is at /p/no. [spec.input-missing]
        "#]],
        ),
        (
            "undeclared input",
            "command: ls ${{inputs.dat}} ${{outputs.x}}\nenvironment: {image: i}\ninputs: {data: 1}\n",
            expect![[r#"
                job.yml:1:13: warning: The command uses "dat", which is not declared in "inputs". [spec.undeclared] -> "${{inputs.data}}"
                job.yml:1:29: warning: The command uses "x", which is not declared in "outputs". [spec.undeclared]
            "#]],
        ),
        (
            "single braces",
            "command: ls {inputs.data} {x}\nenvironment: {image: i}\ninputs: {data: 1}\n",
            expect![[r#"
                job.yml:1:13: warning: "{inputs.data}" in single braces is deprecated; a binding is "${{…}}". [spec.single-brace] -> "${{inputs.data}}"
            "#]],
        ),
        (
            "name of a port",
            "command: ls\nenvironment: {image: i}\ninputs: {my-data: 1}\n",
            expect![[r#"
            job.yml:3:10: warning: The name "my-data" may have letters, digits and underscores only, and may not start with a digit; Azure ML refuses it when the job is submitted. [spec.port-name]
        "#]],
        ),
        (
            "distribution",
            "command: ls\nenvironment: {image: i}\ndistribution: {type: torch}\n",
            expect![[r#"
                job.yml:3:22: error: "torch" is not one of: mpi, pytorch, ray, tensorflow. [spec.not-one-of]
            "#]],
        ),
        (
            "nothing known",
            "a: 1\n",
            expect![[r#"
            job.yml:1:1: error: This file is none of the kinds that Azure ML knows. A job has "command", a pipeline has "jobs", an environment has "image". [spec.unknown-kind]
        "#]],
        ),
        (
            "empty",
            "# nothing\n",
            expect![[r#"
            job.yml:1:1: error: This file is empty. [spec.empty-file]
        "#]],
        ),
    ];
    for (_, text, expected) in table {
        check(text, expected);
    }
}

#[test]
fn the_line_of_check_json() {
    let reading =
        spec::read("/p/a.yml".as_ref(), b"command: ls\nenvironment: {image: i}\nnam: x\n", &Files::default());
    expect![[r#"{"file":"a.yml","kind":"commandjob","summary":null,"diagnostics":[{"severity":"error","code":"spec.unknown-key.near","message":"\"nam\" is not known here. Did you mean \"name\"?","range":{"start":{"line":2,"character":0},"end":{"line":2,"character":3}},"fix":{"title":"Replace \"nam\" with \"name\"","range":{"start":{"line":2,"character":0},"end":{"line":2,"character":3}},"newText":"name"}}]}"#]].assert_eq(&line("a.yml", &reading).to_string());
}
