//! `breakpoint-heavy`: as `breakpoint-warm`, behind the imports that most training scripts begin with; in an
//! image that has bytecode, and in one that has none, as Azure's own have none.

use super::breakpoint::Place;
use super::ground::{self, Ground, INSTALL};
use super::{Reach, Way};

const SCRIPT: &str = "\
import numpy
import pandas
import sklearn.ensemble

print(numpy.__version__, pandas.__version__, sklearn.__version__)
";
const SCRIPT_NAME: &str = "heavy.py";
const BREAK_LINE: u32 = 5;

const IMAGE: &str = "aml-debug/bench:heavy";
const BARE: &str = "aml-debug/bench:heavy-bare";

pub(super) fn ways(ground: &Ground) -> anyhow::Result<Vec<Way>> {
    ground.write(SCRIPT_NAME, SCRIPT)?;
    let install = format!("FROM {}\n{INSTALL} numpy pandas scikit-learn\n", ground::IMAGE);
    let strip = format!("FROM {IMAGE}\nRUN find / -xdev -name __pycache__ -prune -exec rm -rf {{}} +\n");
    for (folder, image, dockerfile) in [("heavy", IMAGE, install), ("heavy-bare", BARE, strip)] {
        std::fs::create_dir_all(ground.folder.join(folder))?;
        ground.write(&format!("{folder}/Dockerfile"), &dockerfile)?;
        ground.build(image, folder).read()?;
        ground.write(&format!("{folder}.yml"), &ground::job(image, SCRIPT_NAME))?;
    }
    let place = |image| Place { image, script: SCRIPT_NAME, line: BREAK_LINE };
    Ok(vec![
        Way {
            name: "docker run -p, image with bytecode",
            reach: None,
            turn: place(IMAGE).by_hand(ground),
            most: None,
        },
        Way {
            name: "aml-debug run --break, same image",
            reach: Some(Reach::Ratio(0.85)),
            turn: place(IMAGE).ours(ground, "heavy.yml"),
            most: None,
        },
        Way {
            name: "docker run -p, image without",
            reach: None,
            turn: place(BARE).by_hand(ground),
            most: None,
        },
        Way {
            name: "aml-debug run --break, cache warm",
            reach: Some(Reach::Ratio(0.45)),
            turn: place(BARE).ours(ground, "heavy-bare.yml"),
            most: None,
        },
    ])
}
