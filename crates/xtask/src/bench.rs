//! `cargo xtask bench`: the figures of the design, each as a ratio against the plain way of doing the same thing.
//!
//! The ways of a case take turns within one run of the tool, so that a machine that is busy for a while is busy
//! for all of them. The first turn of each is not counted: it warms caches that a user has warm, too.

mod breakpoint;
mod corpus;
mod dap_client;
mod deploy;
mod editor;
mod ground;
mod heavy;
mod image;
mod image_cold;
mod logs;
mod pipeline;
mod plain_run;
mod remote;
mod rerun;
mod serve;
mod step;
mod window;

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;

use crate::command::Command;
use crate::repository::Repository;
use crate::setup::{self, For};
use ground::Ground;

/// One way of doing what a case measures. The product's ways are compared with the last plain one before them.
struct Way {
    name: &'static str,
    /// What has to be reached, if this way is the product's.
    reach: Option<Reach>,
    /// One turn, in the case's unit.
    turn: Box<dyn FnMut() -> anyhow::Result<f64>>,
    /// The most turns that count; of a way that sleeps, more would only take longer.
    most: Option<usize>,
}

#[derive(Debug, Clone, Copy)]
enum Reach {
    /// At most so many times the plain way's median.
    Ratio(f64),
    /// At most so much; where nothing plain exists to compare with.
    Absolute(f64),
}

type Prepare = fn(&Ground) -> anyhow::Result<Vec<Way>>;

/// Name, unit, and what makes its ways.
const CASES: &[(&str, &str, Prepare)] = &[
    ("breakpoint-warm", "ms", breakpoint::ways),
    ("breakpoint-rerun", "ms", rerun::ways),
    ("breakpoint-heavy", "ms", heavy::ways),
    ("logs", "s", logs::ways),
    ("gateway-step", "ms", step::ways),
    ("run-overhead", "ms", plain_run::ways),
    ("image-unchanged", "ms", image::ways),
    ("image-cold", "ms", image_cold::cold),
    ("image-one-more", "ms", image_cold::one_more),
    ("check-corpus", "ms", corpus::ways),
    ("pipeline-plan", "ms", pipeline::plan),
    ("pipeline-makespan", "ms", pipeline::makespan),
    ("log-to-offer", "ms", remote::offer),
    ("remote-step", "ms", remote::step),
    ("deploy-warm", "ms", deploy::warm),
    ("deploy-cold", "ms", deploy::cold),
    ("deploy-edit", "ms", deploy::edit),
    ("deploy-breakpoint", "ms", deploy::to_breakpoint),
    ("invoke", "ms", deploy::invoke),
    ("serve-start", "ms", serve::start),
    ("serve-memory", "MiB", serve::memory),
    ("editor-debug", "ms", window::debug),
    ("editor-activation", "ms", window::activation),
    ("editor-first-page", "ms", window::first_page),
];

/// Nine is odd, so the median is one of the turns, and the issue asks for no fewer.
const TURNS: usize = 9;

const USAGE: &str = "\
Usage: cargo xtask bench [--turns N] [--plain-only] [--binary FILE] [--keep] [CASE]...

  --turns N      how often each way is measured (9)
  --plain-only   only the plain ways, for looking at the machine
  --binary FILE  measure this program instead of building one
  --keep         leave images, volumes and files for the next time
";

/// What the user asked for.
struct Request<'a> {
    turns: usize,
    plain_only: bool,
    keep: bool,
    binary: Option<&'a str>,
    names: Vec<&'a str>,
}

/// Measures the named cases, or all; an error if one could not be measured, not if a figure was missed.
pub(crate) fn bench(repository: &Repository, arguments: &[&str]) -> anyhow::Result<()> {
    let Some(request) = parse(arguments) else {
        let names: Vec<&str> = CASES.iter().map(|(name, ..)| *name).collect();
        print!("{USAGE}\nCases: {}\n", names.join(", "));
        return Ok(());
    };
    setup::setup(repository, For::Demo)?;
    if !request.plain_only && request.binary.is_none() {
        Command::new("cargo")
            .args(["build", "--release", "--package", "sidecar"])
            .folder(&repository.root)
            .run()?;
    }
    let binary = request.binary.map_or_else(|| repository.binary("release"), PathBuf::from);
    let ground = Ground::prepare(repository, std::path::absolute(binary)?)?;
    println!("\n{}", ground.machine());
    let mut table = String::new();
    let mut unmeasured = 0;
    for &(name, unit, prepare) in CASES {
        if !request.names.is_empty() && !request.names.contains(&name) {
            continue;
        }
        println!("\n== {name} ==");
        match prepare(&ground).and_then(|ways| measure(ways, &request)) {
            Ok(measured) => table.push_str(&rows(name, unit, &measured)),
            Err(error) => {
                println!("could not be measured: {error:#}");
                unmeasured += 1;
            }
        }
    }
    println!("\n{:<44} {:>9} {:>9} {:>7}  reach", "median (least) of each way", "", "", "ratio");
    print!("{table}");
    if !request.keep {
        ground.clean()?;
    }
    anyhow::ensure!(unmeasured == 0, "{unmeasured} cases could not be measured");
    Ok(())
}

fn parse<'a>(arguments: &[&'a str]) -> Option<Request<'a>> {
    let mut request =
        Request { turns: TURNS, plain_only: false, keep: false, binary: None, names: Vec::new() };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match *argument {
            "--turns" => request.turns = rest.next()?.parse().ok().filter(|turns| *turns > 0)?,
            "--plain-only" => request.plain_only = true,
            "--keep" => request.keep = true,
            "--binary" => request.binary = Some(rest.next()?),
            name if CASES.iter().any(|(known, ..)| *known == name) => request.names.push(name),
            _ => return None,
        }
    }
    Some(request)
}

/// A way and its turns, sorted.
struct Measured {
    name: &'static str,
    reach: Option<Reach>,
    turns: Vec<f64>,
}

impl Measured {
    fn median(&self) -> f64 {
        self.turns[self.turns.len() / 2]
    }
}

fn measure(ways: Vec<Way>, request: &Request) -> anyhow::Result<Vec<Measured>> {
    let mut ways: Vec<Way> =
        ways.into_iter().filter(|way| way.reach.is_none() || !request.plain_only).collect();
    if ways.is_empty() {
        println!("has no plain way");
    }
    let mut measured: Vec<Measured> =
        ways.iter().map(|way| Measured { name: way.name, reach: way.reach, turns: Vec::new() }).collect();
    for turn in 0..=request.turns {
        let still = |way: &Way| way.most.is_none_or(|most| turn <= most);
        for (way, measured) in ways.iter_mut().zip(&mut measured).filter(|(way, _)| still(way)) {
            let value = (way.turn)().with_context(|| way.name)?;
            println!(
                "{:>3}  {:<40} {value:>9.1}",
                if turn == 0 { "-".into() } else { turn.to_string() },
                way.name
            );
            if turn > 0 {
                measured.turns.push(value);
            }
        }
    }
    measured.iter_mut().for_each(|way| way.turns.sort_by(f64::total_cmp));
    Ok(measured)
}

fn rows(case: &str, unit: &str, measured: &[Measured]) -> String {
    let mut rows = format!("{case} ({unit})\n");
    let Some(mut plain) = measured.first() else { return rows };
    for way in measured {
        if way.reach.is_none() {
            plain = way;
        }
        let ratio = way.median() / plain.median();
        let (ratio, reach) = match way.reach {
            Some(Reach::Ratio(most)) => (format!("{ratio:.2}"), verdict(ratio, most)),
            Some(Reach::Absolute(most)) => (String::new(), verdict(way.median(), most)),
            None => (String::new(), String::new()),
        };
        let least = format!("({:.1})", way.turns[0]);
        let _ = writeln!(rows, "  {:<42} {:>9.1} {least:>9} {ratio:>7}  {reach}", way.name, way.median());
    }
    rows
}

fn verdict(value: f64, most: f64) -> String {
    format!("≤ {most}: {}", if value <= most { "reached" } else { "MISSED" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ways_take_turns_the_first_is_not_counted_and_a_missed_figure_is_said() -> anyhow::Result<()> {
        let (said, heard) = std::sync::mpsc::channel();
        let way = |name: &'static str, reach, values: [f64; 4]| {
            let (said, mut values) = (said.clone(), values.into_iter());
            let turn = Box::new(move || {
                said.send(name)?;
                values.next().context("no more turns")
            });
            Way { name, reach, turn, most: None }
        };
        let ways = vec![
            way("plain", None, [9000.0, 400.0, 300.0, 500.0]),
            way("ours", Some(Reach::Ratio(0.55)), [9000.0, 200.0, 100.0, 900.0]),
            way("slow", Some(Reach::Ratio(0.55)), [9000.0, 240.0, 240.0, 240.0]),
        ];
        let request = parse(&["--turns", "3"]).context("a request")?;
        let rows = rows("breakpoint-warm", "ms", &measure(ways, &request)?);
        drop(said);
        assert_eq!(
            heard.try_iter().take(6).collect::<Vec<_>>(),
            ["plain", "ours", "slow", "plain", "ours", "slow"]
        );
        let words: Vec<Vec<&str>> = rows.lines().map(|row| row.split_whitespace().collect()).collect();
        assert_eq!(words[1], ["plain", "400.0", "(300.0)"]);
        assert_eq!(words[2], ["ours", "200.0", "(100.0)", "0.50", "≤", "0.55:", "reached"]);
        assert_eq!(words[3], ["slow", "240.0", "(240.0)", "0.60", "≤", "0.55:", "MISSED"]);
        Ok(())
    }
}
