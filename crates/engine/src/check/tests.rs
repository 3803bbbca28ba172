//! What a person reads about a spec that is not well.

use super::*;
use crate::spec;
use crate::spec::files::{Files, Found};
use expect_test::{Expect, expect};

/// The findings of a job in a folder where `src` and `conda.yml` exist and nothing else.
fn check(text: &str, expected: Expect) {
    let files = Files::looking(|need| match need.path.to_str() {
        Some("/p/src") => Found::Folder,
        Some("/p/conda.yml") => Found::File(b"dependencies: [python=3.11]".as_slice().into()),
        _ => Found::Missing,
    });
    let reading = spec::read("/p/job.yml".as_ref(), text.as_bytes(), &files);
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
            job.yml:2:14: error: "conda.yml" is a conda file. An environment has an image, and names the conda file: "image: …" and "conda_file: conda.yml" below "environment:". [spec.environment-is-a-conda-file] -> "{image: \"mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04\", conda_file: \"conda.yml\"}"
        "#]],
        ),
        (
            "conda file as environment, by file:",
            "command: ls\nenvironment: file:conda.yml\n",
            expect![[r#"
                job.yml:2:14: error: "conda.yml" has problems (1). Line 1: This is a conda file, not an environment: an environment has "image" and names the conda file in "conda_file". [spec.in-other-file]
            "#]],
        ),
        (
            "image as environment",
            "command: ls\nenvironment: docker.io/python:3.11\n",
            expect![[r#"
            job.yml:2:14: error: "docker.io/python:3.11" looks like an image. Write it as a mapping: "image: docker.io/python:3.11" below "environment:". [spec.environment-is-an-image] -> "{image: \"docker.io/python:3.11\"}"
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
            "script missing",
            "command: python trian.py\nenvironment: {image: i}\ncode: ./src\n",
            expect![[r#"
            job.yml:1:17: warning: The code folder "./src" has no trian.py: nothing is at /p/src/trian.py. [spec.script-missing]
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
                job.yml:3:22: error: "torch" is not one of: mpi, pytorch, ray, tensorflow. [spec.not-one-of] -> "pytorch"
            "#]],
        ),
        (
            "a part of a word that is one",
            "command: ls\nenvironment: azureml:e:1\ninputs:\n  d: {path: ./src, mode: mount}\n",
            expect![[r#"
                job.yml:4:26: error: "mount" is not one of: direct, download, ro_mount. [spec.not-one-of] -> "ro_mount"
            "#]],
        ),
        (
            "no colon",
            "command: ls\nenvironment azureml:e:1\n",
            expect![[r#"
                job.yml:2:1: error: A key and its value have a colon and a space between them: "key: value". [spec.yaml-no-colon] -> ": "
            "#]],
        ),
        (
            "no space behind the colon",
            "command:ls\nenvironment: azureml:e:1\n",
            expect![[r#"
                job.yml:1:1: error: A space is missing behind the colon: "key: value". [spec.yaml-no-space] -> ": "
            "#]],
        ),
        (
            "a space that is none",
            "command: ls\nenvironment:\u{a0}azureml:e:1\n",
            expect![[r#"
                job.yml:2:1: error: The space behind the colon is a no-break space, which is none to YAML. It comes with text that is pasted from a web page. [spec.yaml-hard-space] -> ": "
            "#]],
        ),
        (
            "indentation",
            "command: ls\nenvironment: azureml:e:1\n  compute: c\n",
            expect![[r#"
                job.yml:3:3: error: This line is indented more than the key above it, which has a value already. [spec.yaml-indent] -> ""
            "#]],
        ),
        (
            "colon in a value",
            "command: echo a: b\nenvironment: azureml:e:1\n",
            expect![[r#"
                job.yml:1:10: error: A value with ": " in it has to stand in quotes. [spec.yaml-colon-in-value] -> "'echo a: b'"
            "#]],
        ),
        (
            "a character of YAML's own",
            "command: '@ls'\nenvironment: azureml:e:1\ncompute: @c\n",
            expect![[r#"
                job.yml:3:10: error: A value that begins with "@" has to stand in quotes. [spec.yaml-unquoted] -> "'@c'"
            "#]],
        ),
        (
            "open quote",
            "command: \"ls\nenvironment: azureml:e:1\n",
            expect![[r#"
                job.yml:1:10: error: The quote that opens here is not closed. [spec.yaml-open-quote]
            "#]],
        ),
        (
            "misspelt key that tells the kind",
            "comand: ls\nenvironment: azureml:e:1\n",
            expect![[r#"
                job.yml:1:1: error: "comand" is not known here. Did you mean "command"? [spec.unknown-key.near] -> "command"
            "#]],
        ),
        (
            "misspelt key of a component, where unknown keys are let through",
            "$schema: x/commandComponent.schema.json\nname: c\ncomand: ls\nenviroment: azureml:e:1\n",
            expect![[r#"
                job.yml:3:1: error: "comand" is not known here. Did you mean "command"? [spec.unknown-key.near] -> "command"
                job.yml:4:1: error: "enviroment" is not known here. Did you mean "environment"? [spec.unknown-key.near] -> "environment"
            "#]],
        ),
        (
            "default",
            "$schema: x/commandComponent.schema.json\nname: c\ncommand: ls\nenvironment: azureml:e:1\ninputs:\n  a: {type: integer, default: two}\n  b: {type: string, min: 1}\n  c: {type: uri_file, default: x}\n",
            expect![[r#"
                job.yml:6:31: error: "two" is no value of the type integer. [spec.wrong-default]
                job.yml:7:21: error: Only numbers have bounds: "min" is not for the type string. [spec.bound-of-no-number]
                job.yml:8:23: error: An input that is data has no "default". Make it optional, or give it in the job. [spec.data-default]
            "#]],
        ),
        (
            "model of a deployment",
            "$schema: x/managedOnlineDeployment.schema.json\nname: a\nendpoint_name: e-p\ninstance_type: x\ninstance_count: 1\nmodel: ./src\n",
            expect![[r#"
                job.yml:6:8: error: "./src" is a path, and a model is a registered name ("azureml:NAME:VERSION") or a mapping with "path". [spec.model-is-a-path] -> "{path: \"./src\"}"
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

/// A text with the edits of its findings, those behind first.
fn mended(text: &str) -> String {
    let mut text = text.to_owned();
    let reading = spec::read("/p/job.yml".as_ref(), text.as_bytes(), &Files::default());
    for finding in reading.diagnostics.iter().rev() {
        let fix = finding.fix.as_ref().unwrap_or_else(|| panic!("no fix: {}", finding.message));
        let byte = |place: crate::diagnostic::Position| {
            let lines = text.split_inclusive('\n').take(place.line as usize).map(str::len).sum::<usize>();
            let rest = text[lines..].char_indices().map(|(at, _)| at).chain([text.len() - lines]);
            lines + rest.into_iter().nth(place.character as usize).expect("a place in the line")
        };
        let (start, end) = (byte(fix.range.start), byte(fix.range.end));
        text.replace_range(start..end, &fix.new_text);
    }
    text
}

#[test]
fn the_fixes_of_usual_mistakes_make_the_file_well() {
    for text in [
        "command: ls\nenvironment azureml:e:1\n",
        "command = ls\nenvironment: azureml:e:1\n",
        "command:ls\nenvironment: azureml:e:1\n",
        "command: ls\nenvironment:\u{a0}azureml:e:1\n",
        "command: ls\nenvironment: azureml:e:1\n  compute: c\n",
        "command: echo it's a: b\nenvironment: azureml:e:1\n",
        "command: '@ls'\nenvironment: azureml:e:1\ncompute: @c\n",
        "command: *.py\nenvironment: azureml:e:1\n",
        "comand: ls\nenvironment: azureml:e:1\n",
        "command: ls\nenviroment: azureml:e:1\ncomputte: c\n",
        "command: ls\nenvironment:\n\timage: i\n",
        "command: ls\nenvironment: docker.io/python:3.11\n",
        "command: ls {inputs.d}\nenvironment: azureml:e:1\ninputs: {d: 1}\n",
        "command: ls\nenvironment: azureml:e:1\ninputs: {d: {type: urifile, path: azureml:d:1}}\n",
    ] {
        let mended = mended(text);
        let reading = spec::read("/p/job.yml".as_ref(), mended.as_bytes(), &Files::default());
        assert!(reading.diagnostics.is_empty(), "{text}\n-> {mended}\n{:#?}", reading.diagnostics);
        assert_eq!(reading.kind.word(), "commandjob", "{mended}");
    }
}

#[test]
fn the_line_of_check_json() {
    let reading =
        spec::read("/p/a.yml".as_ref(), b"command: ls\nenvironment: {image: i}\nnam: x\n", &Files::default());
    expect![[r#"{"file":"a.yml","kind":"commandjob","summary":null,"diagnostics":[{"severity":"error","code":"spec.unknown-key.near","message":"\"nam\" is not known here. Did you mean \"name\"?","range":{"start":{"line":2,"character":0},"end":{"line":2,"character":3}},"fix":{"title":"Replace \"nam\" with \"name\"","range":{"start":{"line":2,"character":0},"end":{"line":2,"character":3}},"newText":"name"}}]}"#]].assert_eq(&line("a.yml", &reading).to_string());
}
