//! `run-overhead`: a run without a debugger against a plain `docker run` of the same script.

use super::ground::{self, Ground, IMAGE, SCRIPT_NAME};
use super::{Reach, Way};
use crate::command::Command;

pub(super) fn ways(ground: &Ground) -> anyhow::Result<Vec<Way>> {
    let volume = format!("{}:/code", ground.folder.display());
    let plain = move || {
        let command = Command::new("docker").args(["run", "--rm", "--volume", &volume, "--workdir", "/code"]);
        ground::timed(command.args([IMAGE, "python", SCRIPT_NAME]))
    };
    let ours = ground.again(&["run", "job.yml", "--json"]);
    Ok(vec![
        Way { name: "docker run", reach: None, turn: Box::new(plain), most: None },
        Way {
            name: "aml-debug run",
            reach: Some(Reach::Ratio(1.15)),
            turn: Box::new(move || ground::timed(ours())),
            most: None,
        },
    ])
}
