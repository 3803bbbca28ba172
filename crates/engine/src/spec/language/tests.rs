//! What is offered while a spec is being written; `|` is the cursor.

use super::*;
use expect_test::expect;

fn cursor(marked: &str) -> (String, Position) {
    let at = marked.find('|').expect("a cursor");
    let before = &marked[..at];
    let line = before.matches('\n').count() as u32;
    let character = before.rsplit('\n').next().unwrap_or("").encode_utf16().count() as u32;
    (marked.replacen('|', "", 1), Position { line, character })
}

fn offered(marked: &str) -> String {
    let (text, at) = cursor(marked);
    let Some(Offers { range, offers, files }) = complete(Path::new("/p/job.yml"), &text, at) else {
        return "nothing".to_owned();
    };
    let labels: Vec<String> = offers.iter().map(|offer| offer.text.clone()).collect();
    let files = files.map(|files| {
        format!(" files of {} as {:?}{:?}", files.folder.display(), files.written, files.wanted)
    });
    format!(
        "{}..{}: {}{}",
        range.start.character,
        range.end.character,
        labels.join(","),
        files.unwrap_or_default()
    )
}

const JOB: &str = "$schema: https://azuremlschemas.azureedge.net/latest/commandJob.schema.json\n";

#[test]
fn a_key_of_a_job_is_offered_unless_it_is_there() {
    let keys = offered(&format!("{JOB}command: ls\nenv|"));
    assert!(keys.starts_with("0..3: "), "{keys}");
    assert!(keys.contains(",environment: ,") && keys.contains(",inputs:,"), "{keys}");
    assert!(!keys.contains("command: "), "{keys}");
}

#[test]
fn keys_are_those_of_the_mapping_that_the_column_says() {
    expect![[r#"2..4: id: ,description: ,tags:,version: ,auto_delete_setting:,build:,image: ,conda_file: ,inference_config:,os_type: ,datastore: "#]]
        .assert_eq(&offered(&format!("{JOB}environment:\n  im|\n  name: a\ncommand: ls\n")).replace("$schema: ,", ""));
    expect![[r#"2..2: instance_count: ,instance_type: ,shm_size: ,max_instance_count: "#]].assert_eq(
        &offered(&format!(
            "{JOB}resources:\n  docker_args: a\n  locations: [a]\n  properties:\n    a: 1\n  |"
        )),
    );
    expect![[r#"4..4: mode: ,type: ,path: ,path_on_compute: ,datastore: ,value: "#]]
        .assert_eq(&offered(&format!("{JOB}inputs:\n  data:\n    |")));
}

#[test]
fn a_value_of_few_words_is_offered() {
    expect![[r#"6..6: command"#]].assert_eq(&offered(&format!("{JOB}type: |")));
    expect![[r#"9..11: local,azureml:"#]].assert_eq(&offered(&format!("{JOB}compute: lo|")));
    expect!["10..10: uri_file,uri_folder,custom_model,mlflow_model,triton_model,mltable"]
        .assert_eq(&offered(&format!("{JOB}inputs:\n  data:\n    type: |")));
}

#[test]
fn paths_go_on_in_their_folder() {
    expect![[r#"6..14: azureml://registries/,azureml: files of /p/src as "./src/"Any"#]]
        .assert_eq(&offered(&format!("{JOB}code: ./src/mo|")));
    expect![[r#"13..13: azureml://registries/,azureml: files of /p as "file:"File"#]]
        .assert_eq(&offered(&format!("{JOB}environment: |")));
    expect![[r#"14..14:  files of /p as ""Any"#]]
        .assert_eq(&offered(&format!("{JOB}environment:\n  conda_file: |")));
}

#[test]
fn inputs_are_offered_in_a_command_even_of_several_lines() {
    let inputs = "inputs:\n  data: 1\n  rate: 2\noutputs:\n  model:\n    type: uri_folder\n";
    expect!["24..26: inputs.data}},inputs.rate}}"]
        .assert_eq(&offered(&format!("{JOB}{inputs}command: python a.py ${{{{in|")));
    expect!["12..19: inputs.data}},inputs.rate}}"]
        .assert_eq(&offered(&format!("{JOB}{inputs}command: >-\n  python a.py\n  --data ${{{{inputs.|\n")));
}

#[test]
fn a_step_sees_its_pipeline_and_the_other_steps() {
    let pipeline = "type: pipeline\ninputs:\n  raw: 1\njobs:\n  prepare:\n    component: ./prepare.yml\n    outputs:\n      clean:\n  train:\n    type: command\n";
    expect!["15..15: parent.inputs.raw}},parent.jobs.prepare.outputs.clean}}"]
        .assert_eq(&offered(&format!("{pipeline}    inputs:\n      data: ${{{{|\n")));
    expect![[r#"4..4: command: ,code: ,environment: ,environment_variables: ,resources:,distribution: ,queue_settings:,inputs:,outputs:,properties:,comment: ,component: ,compute: ,limits:,services:,identity: ,name: ,description: ,tags:,display_name: ,experiment_name: ,parent_job_name: "#]].assert_eq(&offered(&format!("{pipeline}    |")));
}

#[test]
fn a_key_says_what_it_means() {
    let (text, at) = cursor(&format!("{JOB}command: ls\nenviron|ment: azureml:a@latest\n"));
    let hover = hover(Path::new("/p/job.yml"), &text, at).expect("a meaning");
    assert!(hover.required);
    expect![[r#"a mapping, an address in a registry ("azureml://registries/…"), a reference "azureml:NAME:VERSION" or "azureml:NAME@LABEL" (environments) Some("what the code runs in: a registered environment as `azureml:name@latest`, or image and conda file right here")"#]].assert_eq(&format!("{} {:?}", hover.expected, hover.meaning.map(|meaning| meaning.text())));
}

#[test]
fn what_is_named_is_found() {
    let leads = |marked: &str| {
        let (text, at) = cursor(marked);
        format!("{:?}", definition(Path::new("/p/job.yml"), &text, at))
    };
    expect![[r#"[File("/p/train.py"), File("/src/train.py")]"#]]
        .assert_eq(&leads("command: python tr|ain.py\ncode: ../src\n"));
    expect![[r#"[File("/p/env.yml")]"#]].assert_eq(&leads("environment: file:env|.yml\n"));
    expect![[r#"[Here(Range { start: Position { line: 1, character: 2 }, end: Position { line: 1, character: 6 } })]"#]].assert_eq(&leads("inputs:\n  data: 1\ncommand: a ${{inputs.da|ta}}\n"));
    expect![[r#"[]"#]].assert_eq(&leads("environment: azureml:a|@latest\n"));
}
