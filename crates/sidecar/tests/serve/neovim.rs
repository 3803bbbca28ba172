//! Specs as a language in Neovim, with the plug-in file that the documentation names.

use crate::ground::Ground;
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Stdio};

const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/serve");
const PLUG_IN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../editors/neovim");

#[test]
fn neovim_underlines_mends_explains_and_offers() {
    let ground = Ground::without_engine();
    ground.write("conda.yml", "dependencies:\n  - python=3.11\n");
    let job = "$schema: https://azuremlschemas.azureedge.net/latest/commandJob.schema.json\n\
               code: .\ncomand: echo hello\nenvironment:\n  conda_file: conda.yml\n  image: debian\n";
    let spec = ground.write("job.yml", job);
    let story = [PLUG_IN, env!("CARGO_BIN_EXE_aml-debug"), &spec].join("\n");
    let output = Command::new("nvim")
        .args(["--headless", "-n", "-u", "NONE", "-c"])
        .arg(format!("luafile {}", Path::new(HERE).join("neovim.lua").display()))
        .env("STORY", story)
        .env("AML_DEBUG_HOME", ground.home())
        .env("XDG_STATE_HOME", ground.home())
        .stdin(Stdio::null())
        .output()
        .expect("nvim runs; `cargo xtask setup --for test` installs it");
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let seen = said.lines().find_map(|line| line.strip_prefix("seen: ")).unwrap_or_else(|| panic!("{said}"));
    let seen: Value = serde_json::from_str(seen).unwrap();
    assert!(seen["found"][0].as_str().unwrap().contains("comand"), "{seen}");
    assert_eq!(seen["mended"], true, "{seen}");
    assert_eq!(seen["line"], "command: echo hello", "{seen}");
    assert!(seen["meaning"].as_str().unwrap().contains("shell command"), "{seen}");
    assert_eq!(seen["leads"], json!(["conda.yml"]), "{seen}");
    assert_eq!(seen["lenses"], json!(["Run", "Debug", "Check", "Submit experiment"]), "{seen}");
    assert_eq!(seen["offers"], json!(["compute"]), "{seen}");
}
