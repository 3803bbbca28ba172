//! Ranks that wait for each other in collectives, and workers that load their data, under a debugger that takes
//! its time: real PyTorch on the CPU, with its gloo backend.
//!
//! The image is large, so it is made by `cargo xtask torch` and not by the tests, which say so where it is not.

use crate::instrument::{Waiting, free_port};
use crate::support::{Debugger, Ground, engine, not_told, until};
use crate::variant::program;
use serde_json::json;
use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Debian's torch 1.13 cannot start ranks under Python 3.11 unless it is told where their output goes; it then puts
/// the rank before each line. The program's own patience is shorter than a person's look at a variable.
const PROGRAM: &str = r#"
//- /launched.yml
type: pipeline
jobs:
  train:
    command: python -m torch.distributed.run --nproc_per_node 2 --redirects 1 --tee 1 train.py
    code: src
    environment: {image: "$TORCH"}
//- /distributed.yml
type: pipeline
jobs:
  train:
    command: python train.py
    code: src
    environment: {image: "$TORCH"}
    distribution: {type: pytorch, process_count_per_instance: 2}
//- /src/train.py
import datetime
import torch
import torch.distributed as dist
from torch.utils.data import DataLoader, Dataset


class Squares(Dataset):
    def __len__(self):
        return 8

    def __getitem__(self, n):
        square = n * n
        return torch.tensor([float(n), float(square)])


def main():
    dist.init_process_group("gloo", timeout=datetime.timedelta(seconds=3))
    rank = dist.get_rank()
    for batch in DataLoader(Squares(), batch_size=4, num_workers=2):
        total = batch.sum()
        dist.all_reduce(total)
        print(f"rank {rank} total {float(total)}\n", end="", flush=True)
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
"#;

const IMAGE: &str = "aml-debug/torch:2";

/// Torch alone takes seconds to import, in each of six processes.
const HEAVY: Duration = Duration::from_secs(400);

/// Twice what the program's own collectives would wait.
const LOOK: Duration = Duration::from_secs(6);

fn torch() -> Option<Ground> {
    if engine::docker_says(&["image", "inspect", "--format", "{{.Id}}", IMAGE]).is_none() {
        not_told("ranks under real PyTorch, since `cargo xtask torch` has not made its image");
        return None;
    }
    Some(Ground::with(&PROGRAM.replace("$TORCH", IMAGE)))
}

#[test]
fn the_chosen_rank_is_looked_at_for_longer_than_the_others_would_wait() {
    let Some(ground) = torch() else { return };
    let code = ground.path("src").display().to_string();
    for pipeline in ["launched.yml", "distributed.yml"] {
        let words = ["run", pipeline, "--debug", "--step", "train", "--rank", "1", "--json"];
        let mut run = ground.start(words).patient(HEAVY);
        let ready = run.wait_until_ready();
        let mut debugger = Debugger::attach(&ready, &code, &[("train.py", 21)]);
        for total in ["tensor(20.)", "tensor(148.)"] {
            let (thread, line, locals) = debugger.stopped();
            assert_eq!((line, locals["rank"].as_str()), (21, "1"), "{pipeline}: {locals:?}");
            assert_eq!(locals["total"], total, "{pipeline}");
            // Its peer is in the collective by now.
            std::thread::sleep(LOOK);
            debugger.go_on(&thread);
        }
        let ended = run.end().with_code(0);
        let lines = ended.log("driver");
        let both = ["rank 0 total 296.0", "rank 0 total 40.0", "rank 1 total 296.0", "rank 1 total 40.0"];
        assert!(both.iter().all(|line| lines.iter().any(|it| it.ends_with(line))), "{pipeline}: {lines:?}");
    }
    ground.leaves_nothing();
}

/// A container that goes with the story, however that ends.
struct Node(String);

impl Drop for Node {
    fn drop(&mut self) {
        engine::docker_says(&["rm", "--force", &self.0]);
    }
}

/// The variant's step as a node would run it, its ranks in one container that has the machine's own network.
#[test]
fn the_chosen_rank_of_a_variant_is_looked_at_for_longer_than_the_others_would_wait() {
    let Some(ground) = torch() else { return };
    ground.call(["variant", "distributed.yml", "--step", "train", "--rank", "1"]).with_code(0);
    let variant = fs::read_to_string(ground.path("distributed.debug.yml")).expect("the variant");
    let (_, program) = program(&variant);
    let (code, debugpy) = (ground.path("src").display().to_string(), ground.unpack_debugpy());
    let (port, meeting) = (free_port(), free_port());
    let mut ranks = Command::new("docker");
    let node = Node(format!("aml-debug-story-ranks-{}", std::process::id()));
    ranks.args(["run", "--rm", "--name", &node.0, "--network", "host", "--workdir", &code]);
    ranks.args(["--volume", &format!("{code}:{code}"), "--volume", &format!("{0}:{0}", debugpy.display())]);
    for (name, value) in [
        ("PYTHONPATH", debugpy.display().to_string()),
        ("AML_DEBUG_START", program),
        ("AML_REMOTE_DEBUG_RANK", "1".to_owned()),
        ("AML_REMOTE_DEBUG_PORT", port.to_string()),
        ("AML_REMOTE_DEBUG_CONNECTION_TIMEOUT", "300".to_owned()),
        ("MASTER_ADDR", "127.0.0.1".to_owned()),
        ("MASTER_PORT", meeting.to_string()),
        ("WORLD_SIZE", "2".to_owned()),
    ] {
        ranks.args(["--env", &format!("{name}={value}")]);
    }
    let one = |rank| format!("RANK={rank} LOCAL_RANK={rank} python -c \"$AML_DEBUG_START\" train.py");
    let both = format!("{} & {}; wait", one(0), one(1));
    ranks.args([IMAGE, "sh", "-c", &both]).stdout(Stdio::piped());
    let mut waiting = Waiting::start(&mut ranks);
    let (address, port) = waiting.beacon();
    let configuration =
        json!({ "connect": { "host": address, "port": port }, "pathMappings": [{ "remoteRoot": code }] });
    let mut debugger = Debugger::attach(&configuration, &code, &[("train.py", 21)]);
    debugger.lets_children_go();
    for _ in 0..2 {
        let (thread, line, locals) = debugger.stopped();
        assert_eq!((line, locals["rank"].as_str()), (21, "1"), "{locals:?}");
        std::thread::sleep(LOOK);
        debugger.go_on(&thread);
    }
    let said = waiting.rest();
    for line in ["rank 0 total 296.0", "rank 0 total 40.0", "rank 1 total 296.0", "rank 1 total 40.0"] {
        assert!(said.contains(line), "{line}: {said}");
    }
}

#[test]
fn every_rank_and_every_worker_of_a_data_loader_stops_where_all_are_debugged() {
    let Some(ground) = torch() else { return };
    let words = ["run", "distributed.yml", "--break", "src/train.py:13", "--children", "--json"];
    let result = ground.start(words).patient(HEAVY).end().with_code(0).result();
    let stops = result["stops"].as_array().expect("stops");
    // Two ranks, each with eight items in its workers.
    assert_eq!(stops.len(), 16, "{result}");
    assert!(stops.iter().all(|stop| stop["process"].is_u64()), "in workers only: {result}");
    let mut workers: Vec<_> = stops.iter().map(|stop| stop["process"].as_u64()).collect();
    workers.sort_unstable();
    workers.dedup();
    assert_eq!(workers.len(), 4, "{result}");
    ground.leaves_nothing();
}

/// Says what it has to say, waits to be ended and then takes its time.
const MPI: &str = r#"
//- /job.yml
type: command
code: src
command: python x.py
environment: {image: "$TORCH"}
distribution: {type: mpi, process_count_per_instance: 2}
//- /src/x.py
import os, signal, sys, time
rank, size = os.environ["OMPI_COMM_WORLD_RANK"], os.environ["OMPI_COMM_WORLD_SIZE"]
def save(*_):
    print("saving", rank, flush=True)
    time.sleep(1.5)
    open("outputs/saved-" + rank, "w").close()
    sys.exit(0)
signal.signal(signal.SIGTERM, save)
print("here", rank, size)
while "CODE" not in os.environ:
    time.sleep(600)
sys.exit(int(os.environ["CODE"]) if rank == "1" else 0)
"#;

#[test]
fn ranks_of_a_real_mpirun_have_logs_of_their_own_pass_their_code_on_and_save_at_the_end() {
    if torch().is_none() || engine::docker_says(&["run", "--rm", IMAGE, "mpirun", "--version"]).is_none() {
        not_told("ranks under a real mpirun, since the image has none; `cargo xtask torch` makes it");
        return;
    }
    let ground = Ground::with(&MPI.replace("$TORCH", IMAGE));
    let failed = ground.start(["run", "job.yml", "--env", "CODE=7", "--json"]).patient(HEAVY).end();
    assert_eq!(failed.with_code(1).result()["exitCode"], 7);
    let run = ground.start(["run", "job.yml", "--json"]).patient(HEAVY);
    let name = until("a run", || {
        ground.runs().into_iter().find(|run| run["endedAt"].is_null()).map(|run| run["run"].clone())
    });
    until("both ranks", || (ground.log(&name).matches("here").count() == 2).then_some(()));
    run.signal("INT");
    let ended = run.end().with_code(130);
    for rank in 0..2 {
        assert!(ground.run_folder(&name).join(format!("outputs/saved-{rank}")).exists(), "rank {rank}");
        let log = ground.run_folder(&name).join(format!("user_logs/std_log_process_{rank}.txt"));
        let log = fs::read_to_string(log).expect("a log of its own");
        // mpirun does not always pass on what is said after it was asked to end.
        let own = [format!("here {rank} 2\n"), format!("here {rank} 2\nsaving {rank}\n")];
        assert!(own.contains(&log), "{log}");
    }
    let own = |line: &String| line.starts_with("here ") || line.starts_with("saving ");
    assert!(ended.log("driver").iter().all(own), "and nothing else: {ended:?}");
    ground.leaves_nothing();
}

/// Three ways of one launcher: its own process becomes that of torch's elastic agent, or starts Open MPI's, or starts a
/// single one, whatever number it was told, for that is what `--cpu` means to it.
const ACCELERATE: &str = r#"
//- /ranks.yml
type: command
code: src
command: >-
  PET_REDIRECTS=1 accelerate launch --multi_gpu --tee 1 --num_processes 2 --num_machines 1
  --mixed_precision no --dynamo_backend no train.py
environment: {image: "$TORCH"}
//- /mpi.yml
type: command
code: src
command: accelerate launch --cpu --num_processes 2 --mpirun_hostfile hosts train.py
environment: {image: "$TORCH"}
environment_variables: {OMPI_ALLOW_RUN_AS_ROOT: "1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1"}
//- /one.yml
type: command
code: src
command: accelerate launch --cpu --num_processes 2 train.py
environment: {image: "$TORCH"}
//- /src/hosts
localhost slots=2
//- /src/train.py
import torch
from accelerate import Accelerator

accelerator = Accelerator(cpu=True)
rank, size = accelerator.process_index, accelerator.num_processes
for step in range(2):
    total = accelerator.reduce(torch.tensor([rank + 1.0]), "sum").item()
    print(f"rank {rank} of {size} step {step} total {total}\n", end="", flush=True)
"#;

#[test]
fn accelerate_launch_stops_in_its_main_process_in_a_chosen_rank_or_in_all_and_ends() {
    if torch().is_none() {
        return;
    }
    let ground = Ground::with(&ACCELERATE.replace("$TORCH", IMAGE));
    let stopped = |job: &str, size: u64, more: &[&str]| -> Vec<(String, String, bool)> {
        let words = ["run", job, "--break", "src/train.py:8", "--json"];
        let ended = ground.start(words.iter().chain(more)).patient(HEAVY).end().with_code(0);
        let lines = ended.log("driver");
        for rank in 0..size {
            for step in 0..2 {
                let total = size * (size + 1) / 2;
                let line = format!("rank {rank} of {size} step {step} total {total}.0");
                assert!(lines.iter().any(|it| it.ends_with(&line)), "{job} {more:?}: {line} of {lines:?}");
            }
        }
        let stops = ended.result()["stops"].as_array().expect("stops").clone();
        let of = |stop: &serde_json::Value| {
            let local = |name: &str| stop["locals"][name].as_str().unwrap_or_default().to_owned();
            (local("rank"), local("step"), stop["process"].is_u64())
        };
        let mut stops: Vec<_> = stops.iter().map(of).collect();
        stops.sort();
        stops
    };
    let stop = |rank: &str, step: &str, is_child| (rank.to_owned(), step.to_owned(), is_child);
    for job in ["ranks.yml", "mpi.yml"] {
        assert_eq!(stopped(job, 2, &[]), [stop("0", "0", false), stop("0", "1", false)], "{job}");
        let chosen = stopped(job, 2, &["--rank", "1"]);
        assert_eq!(chosen, [stop("1", "0", false), stop("1", "1", false)], "{job}");
        let all = stopped(job, 2, &["--children"]);
        let both = [stop("0", "0", false), stop("0", "1", false), stop("1", "0", true), stop("1", "1", true)];
        assert_eq!(all, both, "{job}");
    }
    let one = [stop("0", "0", false), stop("0", "1", false)];
    assert_eq!(stopped("one.yml", 1, &[]), one);
    assert_eq!(stopped("one.yml", 1, &["--children"]), one);
    ground.leaves_nothing();
}
