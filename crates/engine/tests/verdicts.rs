//! azure-ai-ml's verdict on small files of every kind: `verdicts.json` has a file, and what 1.35 said of it.
//!
//! The corpus has what people publish; here is what they get wrong, and the rules that published files never
//! touch. A row stands for a class of differences that was found by asking azure-ai-ml about thousands of
//! files.

use engine::spec;
use engine::spec::files::{Files, Found, Need};
use serde_json::Value;

/// What stands beside the files: path below their folder, and content.
const BESIDE: [(&str, &str); 10] = [
    ("src/main.py", ""),
    ("src/score.py", ""),
    ("data/a.csv", ""),
    ("model/model.pkl", ""),
    ("env/Dockerfile", ""),
    ("env/conda.yml", "dependencies: [python=3.10, {pip: [numpy]}]\n"),
    ("env.yml", "$schema: x/environment.schema.json\nname: e\nversion: 1\nimage: python:3.9\n"),
    (
        "comp/train.yml",
        "$schema: x/commandComponent.schema.json\ntype: command\nname: train\nversion: 1\ninputs:\n  data: {type: uri_folder}\n  lr: {type: number, default: 0.1, min: 0, max: 1}\n  flag: {type: boolean, optional: true}\n  mode: {type: string, enum: [a, b], default: a}\noutputs:\n  model: {type: mlflow_model}\ncode: ../src\nenvironment: azureml:e@latest\ncommand: python main.py ${{inputs.data}} ${{inputs.lr}} $[[--flag ${{inputs.flag}}]] ${{outputs.model}}\n",
    ),
    (
        "comp/pipe.yml",
        "$schema: x/pipelineComponent.schema.json\ntype: pipeline\nname: pipe_c\ninputs:\n  data: {type: uri_folder}\n  lr: {type: number, default: 0.5}\noutputs:\n  model: {type: mlflow_model}\njobs:\n  t:\n    type: command\n    component: ./train.yml\n    inputs: {data: \"${{parent.inputs.data}}\", lr: \"${{parent.inputs.lr}}\"}\n    outputs: {model: \"${{parent.outputs.model}}\"}\n",
    ),
    (
        "comp/score.yml",
        "$schema: x/commandComponent.schema.json\ntype: command\nname: score\ninputs:\n  model: {type: mlflow_model}\noutputs:\n  out: {type: uri_folder}\nenvironment: azureml:e@latest\ncommand: echo ${{inputs.model}} ${{outputs.out}}\n",
    ),
];

#[test]
fn small_files_are_judged_as_azure_ai_ml_judges_them() {
    let rows: Vec<Value> = serde_json::from_str(include_str!("verdicts.json")).expect("a list of rows");
    let mut differences = Vec::new();
    for row in &rows {
        let text = row["text"].as_str().expect("a text");
        let reading = spec::read("/p/spec.yml".as_ref(), text.as_bytes(), &Files::looking(look));
        let accepted = row["ok"] == true;
        let kind = row["kind"].as_str().unwrap_or_default();
        let first = reading.diagnostics.first().map(|finding| finding.message.text()).unwrap_or_default();
        if reading.kind.word() != kind {
            differences.push(format!("kind {} and not {kind} of\n{text}", reading.kind.word()));
        } else if reading.is_well() != accepted {
            differences.push(format!("accepted by them: {accepted}; ours says \"{first}\" of\n{text}"));
        } else if let (true, Some(summary)) = (accepted, row.get("summary"))
            && reading.summary.as_ref() != Some(summary)
        {
            differences.push(format!("ours {:?}\ntheirs {summary} of\n{text}", reading.summary));
        }
    }
    assert!(rows.len() > 300, "only {} rows", rows.len());
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}

fn look(need: &Need) -> Found {
    let Some(path) = need.path.to_str().and_then(|path| path.strip_prefix("/p")) else {
        return Found::Missing;
    };
    let path = path.trim_matches('/');
    let is_folder = |(known, _): &(&str, &str)| path.is_empty() || known.starts_with(&format!("{path}/"));
    match BESIDE.iter().find(|(known, _)| *known == path) {
        Some((_, content)) => Found::File(content.as_bytes().into()),
        None if BESIDE.iter().any(is_folder) => Found::Folder,
        None => Found::Missing,
    }
}
