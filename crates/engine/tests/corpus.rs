//! Agreement with azure-ai-ml on real files: `AML_DEBUG_CORPUS` names a folder with `verdicts.json` and `files/`.
//!
//! Without the variable nothing is compared, and the test says so on standard error.
#![expect(clippy::print_stderr, reason = "what was not run has to be seen")]

use engine::plan::pipeline::{Graph, GraphStep, graph};
use engine::spec::files::{Files, Found, Need};
use engine::spec::job::Input;
use engine::spec::{self, Body, Reading};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Files on which our verdict differs on purpose; the reasons are in `docs/spec-differences.md`.
const WE_WARN: &str = "spec.endpoint-name-missing";

#[test]
fn verdicts_and_summaries_agree_with_azure_ai_ml() {
    let Some(corpus) = corpus() else { return };
    let text = std::fs::read_to_string(corpus.join("verdicts.json")).expect("verdicts.json");
    let verdicts: Vec<Value> = serde_json::from_str(&text).expect("a list of verdicts");
    let mut differences = Vec::new();
    let mut reasoned = 0;
    for verdict in &verdicts {
        let file = verdict["file"].as_str().expect("a file name");
        let reading = read(&corpus.join("files").join(file));
        let kind = verdict["kind"].as_str().unwrap_or_default();
        let accepted = verdict["ok"] == true;
        let warned = reading.diagnostics.iter().any(|finding| finding.message.id == WE_WARN);
        if reading.kind.word() != kind {
            differences.push(format!("{file}: kind {} and not {kind}", reading.kind.word()));
        } else if reading.is_well() && !accepted && warned {
            reasoned += 1;
        } else if reading.is_well() != accepted {
            let ours: Vec<String> =
                reading.diagnostics.iter().map(|finding| finding.message.text()).collect();
            differences.push(format!(
                "{file} ({kind}): accepted by them {accepted}, ours {ours:?}, theirs {}",
                verdict["error"]
            ));
        } else if accepted && !verdict["summary"].is_null() {
            let ours = reading.summary.unwrap_or_default();
            if ours != verdict["summary"] {
                differences
                    .push(format!("{file} ({kind}):\n   ours   {ours}\n   theirs {}", verdict["summary"]));
            }
        }
    }
    let agree = verdicts.len() - differences.len() - reasoned;
    eprintln!("corpus: {agree} of {} agree, {reasoned} differ with a reason", verdicts.len());
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}

/// What azure-ai-ml reads of each pipeline job: a line per file with the steps that run, taken apart.
const PIPELINES: &str = include_str!("pipelines.json");

#[test]
fn pipelines_are_read_as_azure_ai_ml_reads_them() {
    let Some(corpus) = corpus() else { return };
    let theirs: serde_json::Map<String, Value> = serde_json::from_str(PIPELINES).expect("pipelines.json");
    let mut differences = Vec::new();
    for (file, theirs) in &theirs {
        let path = corpus.join("files").join(file);
        let Some(Body::Pipeline(job)) = read(&path).spec.map(|spec| spec.body) else {
            differences.push(format!("{file}: not read as a pipeline"));
            continue;
        };
        let graph = match graph(&path, &job, job.inputs.clone()) {
            Ok(graph) => graph,
            Err(failure) => {
                differences.push(format!("{file}: {failure}"));
                continue;
            }
        };
        let ours = json!({
            "continue": job.settings.continue_on_step_failure,
            "force": job.settings.force_rerun,
            "steps": graph.steps.iter().map(|step| step_json(&graph, step)).collect::<Vec<_>>(),
        });
        if ours != *theirs {
            differences.push(format!("{file}:\n   ours   {ours}\n   theirs {theirs}"));
        }
    }
    eprintln!("corpus: {} of {} pipelines agree", theirs.len() - differences.len(), theirs.len());
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}

fn step_json(graph: &Graph, step: &GraphStep) -> Value {
    let Ok(job) = &step.work else {
        return json!({ "name": step.name, "elsewhere": true, "inputs": {} });
    };
    let input = |(name, input): &(String, Input)| {
        let source = step.sources.iter().find(|(of, _)| of == name).map(|(_, source)| source);
        let value = match (source, input) {
            (Some(source), _) => {
                json!({ "step": graph.steps[source.step].name, "output": source.output })
            }
            (None, Input::Literal(literal)) => json!(literal.text),
            (None, Input::Data { kind, .. }) => json!({ "type": kind }),
        };
        (name.clone(), value)
    };
    json!({
        "name": step.name,
        "command": job.command,
        "deterministic": step.is_deterministic,
        "inputs": job.inputs.iter().map(input).collect::<serde_json::Map<_, _>>(),
        "outputs": job.outputs.iter().map(|(name, output)| (name.clone(), json!(output.kind)))
            .collect::<serde_json::Map<_, _>>(),
    })
}

#[test]
fn a_second_is_enough_for_two_thousand_specs() {
    let Some(corpus) = corpus() else { return };
    let text = std::fs::read_to_string(corpus.join("verdicts.json")).expect("verdicts.json");
    let verdicts: Vec<Value> = serde_json::from_str(&text).expect("a list of verdicts");
    let files = Files::looking(look);
    let specs: Vec<(PathBuf, Vec<u8>)> = verdicts
        .iter()
        .map(|verdict| corpus.join("files").join(verdict["file"].as_str().unwrap_or_default()))
        .map(|path| (path.clone(), std::fs::read(path).expect("a file of the corpus")))
        .collect();
    // The disk is not what is measured.
    for (path, bytes) in &specs {
        spec::read(path, bytes, &files);
    }
    let start = std::time::Instant::now();
    for (path, bytes) in &specs {
        assert!(spec::read(path, bytes, &files).needs.is_empty());
    }
    let rate = specs.len() as f64 / start.elapsed().as_secs_f64();
    eprintln!("corpus: {rate:.0} specs a second in this build");
}

fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("AML_DEBUG_CORPUS");
    if folder.is_none() {
        eprintln!("not run: AML_DEBUG_CORPUS is not set, so nothing was compared with azure-ai-ml");
    }
    folder.map(PathBuf::from)
}

fn read(path: &Path) -> Reading {
    let bytes = std::fs::read(path).expect("a file of the corpus");
    spec::read(path, &bytes, &Files::looking(look))
}

fn look(need: &Need) -> Found {
    match std::fs::metadata(&need.path) {
        Err(_) => Found::Missing,
        Ok(data) if data.is_dir() => Found::Folder,
        Ok(_) if need.bytes => match std::fs::read(&need.path) {
            Ok(bytes) => Found::File(bytes.into()),
            Err(_) => Found::Missing,
        },
        Ok(_) => Found::File(Vec::new().into()),
    }
}
