//! `breakpoint-warm`: from process start to `stopped`, against the published page's way done by hand.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::Instant;

use anyhow::Context as _;

use super::dap_client;
use super::ground::{self, BREAK_LINE, Ground, IMAGE, SCRIPT_NAME};
use super::{Reach, Way};
use crate::command::Command;

const REACH: Option<Reach> = Some(Reach::Ratio(0.55));

pub(super) fn ways(ground: &Ground) -> anyhow::Result<Vec<Way>> {
    let folder = ground.folder.display().to_string();
    Ok(vec![
        Way {
            name: "docker run -p, debugpy --wait-for-client",
            reach: None,
            turn: Box::new(move || by_hand(&folder)),
        },
        Way { name: "aml-debug run --break, same image", reach: REACH, turn: ours(ground, "job.yml") },
        // The default way of most users: no debugpy in their environment.
        Way {
            name: "aml-debug run --break, debugpy from volume",
            reach: REACH,
            turn: ours(ground, "base.yml"),
        },
    ])
}

fn by_hand(folder: &str) -> anyhow::Result<f64> {
    let port = ground::free_port()?;
    let script = format!("/code/{SCRIPT_NAME}");
    let command = Command::new("docker")
        .args(["run", "--rm", "--publish"])
        .arg(format!("127.0.0.1:{port}:5678"))
        .args(["--volume".into(), format!("{folder}:/code"), "--workdir".into(), "/code".into()])
        .args([IMAGE, "python", "-Xfrozen_modules=off", "-m", "debugpy", "--listen", "0.0.0.0:5678"])
        .args(["--wait-for-client", SCRIPT_NAME]);
    let begin = Instant::now();
    let mut child = command
        .into_inner()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("start the docker client")?;
    let stopped =
        dap_client::run_to_breakpoint(port, &script, BREAK_LINE, || matches!(child.try_wait(), Ok(None)));
    let time = ground::milliseconds(begin);
    let session = stopped?;
    session.finish()?;
    child.wait()?;
    Ok(time)
}

fn ours(ground: &Ground, spec: &'static str) -> Box<dyn FnMut() -> anyhow::Result<f64>> {
    let place = format!("{SCRIPT_NAME}:{BREAK_LINE}");
    let command = ground.again(&["run", spec, "--debug", "--break", &place, "--json"]);
    Box::new(move || {
        let begin = Instant::now();
        let mut child = command().into_inner().stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take().context("the command's output is a pipe")?;
        let mut stopped = None;
        for line in BufReader::new(output).lines() {
            // From outside, as the other way is measured; what the command says of itself is not asked.
            if line?.contains(r#""event":"stopped""#) && stopped.is_none() {
                stopped = Some(ground::milliseconds(begin));
            }
        }
        child.wait()?;
        stopped.context("the command never said that it had stopped")
    })
}
