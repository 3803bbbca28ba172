//! `gateway-step`: a step through the gateway, against a step in stock debugpy that is reached directly. The way
//! by hand goes through the port that the published page tells a user to publish.

use std::process::Stdio;
use std::time::Instant;

use super::breakpoint::Place;
use super::dap_client::{self, Session};
use super::editor::Editor;
use super::ground::{self, Ground, IMAGE};
use super::{Reach, Way};

const SCRIPT: &str = "\
total = 0
for number in range(100):
    total += number
    total -= 1
print(total)
";
const SCRIPT_NAME: &str = "steps.py";
const BREAK_LINE: u32 = 3;

/// In each turn; a session begins with them.
const STEPS: u32 = 100;

pub(super) fn ways(ground: &Ground) -> anyhow::Result<Vec<Way>> {
    ground.write(SCRIPT_NAME, SCRIPT)?;
    ground.write("steps.yml", &ground::job(IMAGE, SCRIPT_NAME))?;
    let place = Place { image: IMAGE, script: SCRIPT_NAME, line: BREAK_LINE };
    let folder = ground.folder.display().to_string();
    let direct = Box::new(move || {
        let port = ground::free_port()?;
        let command = place.command_by_hand(&folder, port);
        let mut child = command.into_inner().stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
        let script = format!("/code/{SCRIPT_NAME}");
        let session =
            dap_client::run_to_breakpoint(port, &script, BREAK_LINE, || matches!(child.try_wait(), Ok(None)));
        let time = steps(session?, &script)?;
        child.wait()?;
        Ok(time)
    });
    let mut editor = Editor::start(ground)?;
    let spec = ground.folder.join("steps.yml").display().to_string();
    let script = ground.folder.join(SCRIPT_NAME).display().to_string();
    let ours = Box::new(move || {
        let (run, port) = editor.debug(&spec)?;
        let session = dap_client::run_to_breakpoint(port, &script, BREAK_LINE, || true)?;
        let time = steps(session, &script)?;
        editor.ended(&run)?;
        Ok(time)
    });
    Ok(vec![
        Way { name: "next, stock debugpy on its port", reach: None, turn: direct, most: None },
        Way { name: "next, through the gateway", reach: Some(Reach::Ratio(1.0)), turn: ours, most: None },
    ])
}

/// Milliseconds from a step to the word that it is done, on the average.
fn steps(mut session: Session, script: &str) -> anyhow::Result<f64> {
    session.clear(script)?;
    let begin = Instant::now();
    for _ in 0..STEPS {
        session.step()?;
    }
    let time = ground::milliseconds(begin) / f64::from(STEPS);
    session.finish()?;
    Ok(time)
}
