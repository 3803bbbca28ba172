//! The launch.json entry of a run: where it belongs, what it says, and writing it.

use crate::files;
use engine::attach::{
    AttachEntry, DEPLOYMENT_NAME, PathMapping, StartTask, folder_for, local_root, run_name, shown_path,
    target_of_step,
};
use engine::failure::Failure;
use engine::launch_json::{self, Edited};
use engine::plan::Plan;
use protocol::debug::AttachAnswer;
use std::path::{Path, PathBuf};

/// The folder whose `.vscode` belongs to a spec, and the target's name there: the spec, or a step of it.
pub(crate) fn place(spec: &Path, step: Option<&str>) -> (PathBuf, String) {
    let spec = std::path::absolute(spec).unwrap_or_else(|_| spec.to_owned());
    let folder = folder_for(&spec, files::exists);
    let shown = shown_path(&folder, &spec);
    let target = step.map_or_else(|| shown.clone(), |step| target_of_step(&shown, step));
    (folder, target)
}

/// The entry for a plan, the same from run to run.
pub(crate) fn entry(folder: &Path, plan: &Plan, step: Option<&str>, port: u16) -> AttachEntry {
    let spec = shown_path(folder, &plan.spec);
    let (name, start) = match &plan.service {
        // An image that has all in it is deployed by its name, which is nothing to share.
        Some(_) if plan.listener().is_some() => (DEPLOYMENT_NAME.to_owned(), None),
        Some(_) => (DEPLOYMENT_NAME.to_owned(), Some(StartTask::deploy(&spec))),
        None => match step {
            None => (run_name(&spec), Some(StartTask::run(&spec))),
            Some(step) => (run_name(&target_of_step(&spec, step)), Some(StartTask::run_step(&spec, step))),
        },
    };
    AttachEntry {
        name,
        host: "127.0.0.1".to_owned(),
        port,
        path_mappings: vec![PathMapping {
            local_root: local_root(folder, &plan.code),
            remote_root: plan.debuggee.remote_root.clone(),
        }],
        just_my_code: true,
        start,
    }
}

/// Writes the entry and its task; nothing is written where they already say the same.
pub(crate) fn write(run: &str, folder: &Path, entry: &AttachEntry) -> Result<AttachAnswer, Failure> {
    let launch = folder.join(".vscode").join("launch.json");
    let tasks = folder.join(".vscode").join("tasks.json");
    // Both are judged before either is written: a broken tasks.json leaves launch.json alone too.
    let mut edits = vec![(&launch, launch_json::upsert(&launch, &text_of(&launch)?, entry)?)];
    if let Some(task) = &entry.start {
        edits.push((&tasks, launch_json::upsert_task(&tasks, &text_of(&tasks)?, task)?));
    }
    let mut changed = false;
    for (path, edit) in edits {
        if let Edited::Changed(text) = edit {
            files::write(path, text.as_bytes())?;
            changed = true;
        }
    }
    Ok(AttachAnswer {
        run: run.to_owned(),
        launch_json: launch.to_string_lossy().into_owned(),
        name: entry.name.clone(),
        changed,
        configuration: launch_json::configuration(entry),
    })
}

fn text_of(path: &Path) -> Result<String, Failure> {
    Ok(files::read_text_if_there(path)?.unwrap_or_default())
}
