//! `breakpoint-rerun`: the second debug run of a job and every one after it, against the way by hand, which
//! begins anew each time.

use std::time::Instant;

use super::breakpoint::Place;
use super::editor::Editor;
use super::ground::{self, BREAK_LINE, Ground, IMAGE, SCRIPT_NAME};
use super::{Reach, Way, dap_client};

const REACH: Option<Reach> = Some(Reach::Ratio(0.35));

pub(super) fn ways(ground: &Ground) -> anyhow::Result<Vec<Way>> {
    let place = Place { image: IMAGE, script: SCRIPT_NAME, line: BREAK_LINE };
    let kept = ground.with("AML_DEBUG_KEEP_WARM", "600");
    Ok(vec![
        Way {
            name: "docker run -p, debugpy --wait-for-client",
            reach: None,
            turn: place.by_hand(ground),
            most: None,
        },
        Way {
            name: "F5 again in the editor, same image",
            reach: REACH,
            turn: again_in_editor(ground, "job.yml")?,
            most: None,
        },
        Way {
            name: "F5 again, debugpy from volume",
            reach: REACH,
            turn: again_in_editor(ground, "base.yml")?,
            most: None,
        },
        Way {
            name: "aml-debug run --break, container kept",
            reach: REACH,
            turn: place.ours(&kept, "job.yml"),
            most: None,
        },
    ])
}

/// From the request until the debugger hears that the debuggee has stopped.
fn again_in_editor(ground: &Ground, spec: &str) -> anyhow::Result<Box<dyn FnMut() -> anyhow::Result<f64>>> {
    // Apart from the command's, so that neither takes the other's container.
    let home = ground.folder.join("home-of-editor").display().to_string();
    let mut editor = Editor::start(&ground.with("AML_DEBUG_HOME", &home))?;
    let spec = ground.folder.join(spec).display().to_string();
    let script = ground.folder.join(SCRIPT_NAME).display().to_string();
    Ok(Box::new(move || {
        let begin = Instant::now();
        let (run, port) = editor.debug(&spec)?;
        let session = dap_client::run_to_breakpoint(port, &script, BREAK_LINE, || true)?;
        let time = ground::milliseconds(begin);
        session.finish()?;
        editor.ended(&run)?;
        Ok(time)
    }))
}
