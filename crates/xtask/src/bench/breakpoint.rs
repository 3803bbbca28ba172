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
    let place = Place { image: IMAGE, script: SCRIPT_NAME, line: BREAK_LINE };
    Ok(vec![
        Way {
            name: "docker run -p, debugpy --wait-for-client",
            reach: None,
            turn: place.by_hand(ground),
            most: None,
        },
        Way {
            name: "aml-debug run --break, same image",
            reach: REACH,
            turn: place.ours(ground, "job.yml"),
            most: None,
        },
        // The default way of most users: no debugpy in their environment.
        Way {
            name: "aml-debug run --break, debugpy from volume",
            reach: REACH,
            turn: place.ours(ground, "base.yml"),
            most: None,
        },
    ])
}

/// Where a turn stops.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// The image of the way by hand, which needs debugpy in it.
    pub(super) image: &'static str,
    pub(super) script: &'static str,
    pub(super) line: u32,
}

impl Place {
    /// The published page's way.
    pub(super) fn by_hand(self, ground: &Ground) -> Box<dyn FnMut() -> anyhow::Result<f64>> {
        let folder = ground.folder.display().to_string();
        Box::new(move || self.once_by_hand(&folder))
    }

    fn once_by_hand(self, folder: &str) -> anyhow::Result<f64> {
        let port = ground::free_port()?;
        let script = format!("/code/{}", self.script);
        let command = self.command_by_hand(folder, port);
        let begin = Instant::now();
        let mut child = ground::start_quietly(command)?;
        let stopped =
            dap_client::run_to_breakpoint(port, &script, self.line, || matches!(child.try_wait(), Ok(None)));
        let time = ground::milliseconds(begin);
        stopped?.finish()?;
        child.wait()?;
        Ok(time)
    }

    /// Stock debugpy on this port of the machine's loopback.
    pub(super) fn command_by_hand(self, folder: &str, port: u16) -> Command {
        Command::new("docker").args(self.words_by_hand(folder, port))
    }

    /// The words behind `docker`, for a driver that starts it itself.
    pub(super) fn words_by_hand(self, folder: &str, port: u16) -> Vec<String> {
        let publish = format!("127.0.0.1:{port}:5678");
        let volume = format!("{folder}:/code");
        let container = ["run", "--rm", "--publish", &publish, "--volume", &volume, "--workdir", "/code"];
        let python =
            [self.image, "python", "-Xfrozen_modules=off", "-m", "debugpy", "--listen", "0.0.0.0:5678"];
        let program = ["--wait-for-client", self.script];
        let words = container.iter().chain(&python).chain(&program);
        words.map(|word| (*word).to_owned()).collect()
    }

    /// Ours, as one command.
    pub(super) fn ours(self, ground: &Ground, spec: &str) -> Box<dyn FnMut() -> anyhow::Result<f64>> {
        let place = format!("{}:{}", self.script, self.line);
        until_stopped(ground.again(&["run", spec, "--debug", "--break", &place, "--json"]))
    }
}

/// From the start of the command until it says that it has stopped.
pub(super) fn until_stopped(
    command: impl Fn() -> Command + 'static,
) -> Box<dyn FnMut() -> anyhow::Result<f64>> {
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
