//! `image-unchanged`: finding out that an environment's image is up to date, against `docker build` doing so.

use std::fs;

use super::ground::{self, Ground, INSTALL};
use super::{Reach, Way};

const IMAGE: &str = "aml-debug/bench:unchanged";
const REQUIREMENT: &str = "six==1.17.0";

pub(super) fn ways(ground: &Ground) -> anyhow::Result<Vec<Way>> {
    fs::create_dir_all(ground.folder.join("unchanged"))?;
    let dockerfile =
        format!("FROM {}\nCOPY requirements.txt /\n{INSTALL} -r /requirements.txt\n", ground.base);
    ground.write("unchanged/Dockerfile", &dockerfile)?;
    ground.write("unchanged/requirements.txt", &format!("{REQUIREMENT}\n"))?;
    ground.write(
        "conda.yml",
        &format!("dependencies:\n  - python=3.11\n  - pip\n  - pip:\n      - {REQUIREMENT}\n"),
    )?;
    let job = format!(
        "type: command\ncode: .\ncommand: python train.py\nenvironment:\n  image: {}\n  conda_file: conda.yml\n",
        ground.base
    );
    ground.write("environment.yml", &job)?;
    let plain = ground.clone();
    let plain = move || ground::timed(plain.build(IMAGE, "unchanged"));
    let name = if ground.buildkit {
        "docker build (BuildKit)"
    } else {
        "docker build (classic: no BuildKit client)"
    };
    let ours = ground.again(&["build", "environment.yml", "--json"]);
    Ok(vec![
        Way { name, reach: None, turn: Box::new(plain), most: None },
        Way {
            name: "aml-debug build",
            reach: Some(Reach::Ratio(0.3)),
            turn: Box::new(move || ground::timed(ours())),
            most: None,
        },
    ])
}
