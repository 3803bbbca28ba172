//! `logs`: 500 MB of lines into the run's log, against `docker logs -f` into a file; and the memory that takes.

use std::cell::Cell;
use std::fs;
use std::process::Stdio;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::ground::Ground;
use super::{Reach, Way};
use crate::command::Command;

/// 80 bytes with its end.
const LINE: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde";
const LINES: u64 = 6_250_000;

pub(super) fn ways(ground: &Ground) -> anyhow::Result<Vec<Way>> {
    let line = format!("yes {LINE} | head -n {LINES}");
    let job = format!("type: command\ncode: .\ncommand: {line}\nenvironment:\n  image: {}\n", ground.base);
    ground.write("logs.yml", &job)?;
    let (base, file) = (ground.base.clone(), ground.folder.join("logs.txt"));
    let plain = Box::new(move || {
        let begin = Instant::now();
        let container = Command::new("docker").args(["run", "--detach", &base, "sh", "-c", &line]).read()?;
        let logs = Command::new("docker").args(["logs", "--follow", container.trim()]);
        let ended = logs.into_inner().stdout(fs::File::create(&file)?).stderr(Stdio::null()).status();
        let time = begin.elapsed().as_secs_f64();
        Command::new("docker").args(["rm", "--force", container.trim()]).read()?;
        anyhow::ensure!(ended?.success(), "docker logs failed");
        whole(fs::metadata(&file)?.len())?;
        fs::remove_file(&file)?;
        Ok(time)
    });
    let peak = Rc::new(Cell::new(0.0));
    let seen = Rc::clone(&peak);
    let (ours, home) = (ground.again(&["run", "logs.yml", "--json"]), ground.folder.join("home"));
    let ours = Box::new(move || {
        let begin = Instant::now();
        let mut child =
            ours().into_inner().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let status = format!("/proc/{}/status", child.id());
        seen.set(0.0);
        while child.try_wait()?.is_none() {
            if let Some(mebibytes) = highest(&fs::read_to_string(&status).unwrap_or_default()) {
                seen.set(mebibytes);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let time = begin.elapsed().as_secs_f64();
        let runs = fs::read_dir(home.join("runs"))?.flatten().map(|run| run.path());
        let run = runs.max_by_key(|run| fs::metadata(run).and_then(|facts| facts.modified()).ok());
        let run = run.context("the run has a folder")?;
        whole(fs::metadata(run.join("user_logs/std_log.txt"))?.len())?;
        fs::remove_dir_all(run)?;
        Ok(time)
    });
    let memory = Box::new(move || Ok(peak.get()));
    Ok(vec![
        Way { name: "docker logs --follow into a file", reach: None, turn: plain, most: None },
        // 0.8 of the throughput.
        Way {
            name: "aml-debug run, into the run's log",
            reach: Some(Reach::Ratio(1.25)),
            turn: ours,
            most: None,
        },
        Way { name: "its memory at most, MiB", reach: Some(Reach::Absolute(64.0)), turn: memory, most: None },
    ])
}

fn whole(bytes: u64) -> anyhow::Result<()> {
    anyhow::ensure!(bytes == LINES * 80, "the log has {bytes} bytes");
    Ok(())
}

fn highest(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse::<f64>().ok().map(|kibibytes| kibibytes / 1024.0)
}
