//! `check-corpus`: how long `check` takes over real specs, in one process.
//!
//! Nothing plain exists to compare with. The corpus is not part of the repository: `AML_DEBUG_CORPUS` names it.

use std::path::Path;

use anyhow::Context as _;

use super::ground::{self, Ground};
use super::{Reach, Way};

/// Two thousand specs a second.
const REACH: Option<Reach> = Some(Reach::Absolute(500.0));

pub(super) fn ways(ground: &Ground) -> anyhow::Result<Vec<Way>> {
    let corpus = std::env::var("AML_DEBUG_CORPUS").context("AML_DEBUG_CORPUS names no corpus")?;
    let files = Path::new(&corpus).join("files").display().to_string();
    let check = ground.again(&["check", &files, "--json"]);
    let turn = Box::new(move || {
        let begin = std::time::Instant::now();
        let mut command = check().into_inner();
        // A corpus has specs with errors, which is exit code 1.
        let output = command.output().context("start the command line")?;
        let took = ground::milliseconds(begin);
        let specs = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count();
        anyhow::ensure!(specs > 0, "no spec was found in {files}");
        Ok(took * 1000.0 / specs as f64)
    });
    Ok(vec![Way { name: "aml-debug check FOLDER, a thousand specs", reach: REACH, turn, most: None }])
}
