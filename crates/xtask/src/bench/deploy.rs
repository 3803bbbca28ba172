//! `deploy-warm`, `deploy-cold`, `deploy-edit`: against azure-ai-ml's local deployment of the same files on the same
//! image. `deploy-breakpoint`: against stock debugpy around the same server, gunicorn on in both. `invoke`: against
//! curl on the same container.
//!
//! azure-ai-ml sleeps for most of its time, so its times hardly differ from turn to turn and few are enough.

mod peer;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::Context as _;

use super::editor::{Deployed, Editor};
use super::ground::{self, Ground};
use super::{Reach, Way, breakpoint, dap_client, image_cold};
use crate::command::Command;
use peer::Peer;

/// Turns of a way that sleeps for twenty seconds or builds for fifty.
const FEW: Option<usize> = Some(3);

const REQUEST: &str = r#"{"values": [1, 2, 3]}"#;
/// In `run()`.
const LINE: u32 = 9;

pub(super) fn warm(ground: &Ground) -> anyhow::Result<Vec<Way>> {
    let peer = Peer::prepare(ground)?;
    let theirs = Stage::make(ground, "deploy-theirs", "blue", &peer.image_only())?;
    let ours = Stage::make(ground, "deploy-ours", "blue", &peer.image_only())?;
    let by_peer = Box::new(move || {
        peer.remove()?;
        ground::timed(peer.deploy(&theirs.spec()))
    });
    let by_us = Box::new(move || {
        ours.remove()?;
        ours.deployed(&[])
    });
    Ok(vec![
        Way { name: "azure-ai-ml, local=True", reach: None, turn: by_peer, most: FEW },
        Way { name: "aml-debug deploy", reach: Some(Reach::Ratio(0.1)), turn: by_us, most: None },
    ])
}

pub(super) fn cold(ground: &Ground) -> anyhow::Result<Vec<Way>> {
    let peer = Peer::prepare(ground)?;
    let theirs = Stage::make(ground, "deploy-theirs", "blue", &peer.with_conda())?;
    let mut ours = Stage::make(ground, "deploy-ours", "blue", &peer.with_conda())?;
    let mut turn = 0;
    let by_peer = Box::new(move || {
        peer.remove()?;
        // Another name each time: its builder would have the layer otherwise.
        turn += 1;
        theirs.write("conda.yml", &peer::conda_file(&format!("turn-{}-{turn}", std::process::id())))?;
        ground::timed(peer.deploy(&theirs.spec()))
    });
    let mut caches = image_cold::FreshCaches::new(ground);
    let by_us = Box::new(move || {
        ours.remove()?;
        let (turn, cache) = caches.next();
        // Another environment each time, of the same packages.
        let lowest = format!("numpy>=0.{}.{turn}", std::process::id());
        ours.write("conda.yml", &peer::conda_file("ours").replace("numpy", &lowest))?;
        ours.ground = ours.ground.with("AML_DEBUG_BUILD_CACHE", &cache);
        ours.deployed(&[])
    });
    Ok(vec![
        Way { name: "azure-ai-ml, local=True, conda file", reach: None, turn: by_peer, most: FEW },
        Way {
            name: "aml-debug deploy, cache empty",
            reach: Some(Reach::Ratio(0.2)),
            turn: by_us,
            most: None,
        },
    ])
}

pub(super) fn edit(ground: &Ground) -> anyhow::Result<Vec<Way>> {
    let peer = Peer::prepare(ground)?;
    let theirs = Stage::make(ground, "deploy-theirs", "blue", &peer.image_only())?;
    let mut factor = 0;
    let by_peer = Box::new(move || {
        factor += 1;
        let begin = Instant::now();
        theirs.edit(factor)?;
        peer.deploy(&theirs.spec()).read()?;
        until_answer(peer.port()?, factor)?;
        Ok(ground::milliseconds(begin))
    });
    Ok(vec![
        Way { name: "azure-ai-ml, local=True again", reach: None, turn: by_peer, most: FEW },
        Way {
            name: "save under aml-debug, no debugger",
            reach: Some(Reach::Ratio(0.03)),
            turn: edit_in_place(ground, "deploy-ours", false)?,
            most: None,
        },
        Way {
            name: "save under aml-debug, debugger attached",
            reach: Some(Reach::Ratio(0.05)),
            turn: edit_in_place(ground, "deploy-debugged", true)?,
            most: None,
        },
    ])
}

/// From before the file is written until the new code has answered.
fn edit_in_place(ground: &Ground, folder: &str, debug: bool) -> anyhow::Result<Turn> {
    // Both ways stand in one store for as long as the turns.
    let name = if debug { "debugged" } else { "blue" };
    let stage = Stage::make(ground, folder, name, &format!("  image: {}\n", peer::IMAGE))?;
    let home = ground.folder.join("home-of-editor").display().to_string();
    let mut editor = Editor::start(&ground.with("AML_DEBUG_HOME", &home))?;
    let Deployed { run, gateway } = editor.deploy(&stage.spec(), debug)?;
    let attached = gateway.filter(|_| debug).map(dap_client::attach).transpose()?;
    let port = editor.healthy(&run)?;
    let mut factor = 0;
    Ok(Box::new(move || {
        // The debugger stays for as long as the turns.
        let _session = &attached;
        factor += 1;
        let begin = Instant::now();
        stage.edit(factor)?;
        until_answer(port, factor)?;
        let time = ground::milliseconds(begin);
        // The editor hears all that happens, and so does a bench that stands for it.
        editor.healthy(&run)?;
        Ok(time)
    }))
}

pub(super) fn to_breakpoint(ground: &Ground) -> anyhow::Result<Vec<Way>> {
    peer::build(ground)?;
    let hand = Stage::make(ground, "deploy-theirs", "blue", "")?;
    let ours = Stage::make(ground, "deploy-ours", "blue", &format!("  image: {}\n", peer::IMAGE))?;
    let place = format!("src/score.py:{LINE}");
    let request = ours.path("request.json");
    let mut until = breakpoint::until_stopped(ours.command(&["--break", &place, "--request", &request]));
    Ok(vec![
        Way {
            name: "docker run -p, debugpy around the server",
            reach: None,
            turn: Box::new(move || hand.stopped_by_hand()),
            most: None,
        },
        Way {
            name: "aml-debug deploy --break",
            reach: Some(Reach::Ratio(0.7)),
            turn: Box::new(move || {
                ours.remove()?;
                until()
            }),
            most: None,
        },
    ])
}

pub(super) fn invoke(ground: &Ground) -> anyhow::Result<Vec<Way>> {
    peer::build(ground)?;
    let stage = Stage::make(ground, "deploy-ours", "blue", &format!("  image: {}\n", peer::IMAGE))?;
    stage.remove()?;
    let said = stage.command(&[])().read()?;
    let last: serde_json::Value = serde_json::from_str(said.lines().last().unwrap_or_default())?;
    let uri = last["scoringUri"].as_str().context("the deployment answers somewhere")?.to_owned();
    let request = stage.path("request.json");
    let file = format!("@{request}");
    let by_curl = move || {
        let header = "Content-Type: application/json";
        Command::new("curl").args(["--silent", "--fail", "--header", header, "--data-binary", &file, &uri])
    };
    let by_us =
        ground.again(&["deployments", "invoke", "aml-debug-bench/blue", "--request", &request, "--json"]);
    Ok(vec![
        Way { name: "curl", reach: None, turn: Box::new(move || ground::timed(by_curl())), most: None },
        Way {
            name: "aml-debug deployments invoke",
            reach: Some(Reach::Ratio(1.2)),
            turn: Box::new(move || ground::timed(by_us())),
            most: None,
        },
    ])
}

type Turn = Box<dyn FnMut() -> anyhow::Result<f64>>;

/// A folder with a deployment.
#[derive(Clone)]
struct Stage {
    ground: Ground,
    name: String,
    folder: PathBuf,
}

impl Stage {
    /// `environment` are the lines below that key.
    fn make(ground: &Ground, folder: &str, name: &str, environment: &str) -> anyhow::Result<Stage> {
        let conda = peer::conda_file(folder);
        let folder = ground.folder.join(folder);
        fs::create_dir_all(folder.join("src"))?;
        fs::create_dir_all(folder.join("model"))?;
        let stage = Stage { ground: ground.clone(), name: format!("{}/{name}", peer::ENDPOINT), folder };
        stage.write("model/factor.txt", "10\n")?;
        stage.write("request.json", REQUEST)?;
        stage.write("conda.yml", &conda)?;
        stage.write(
            "deployment.yml",
            &format!(
                "name: {name}\nendpoint_name: {}\ninstance_type: Standard_DS3_v2\nmodel: {{path: model}}\n\
                 code_configuration: {{code: src, scoring_script: score.py}}\nenvironment:\n{environment}",
                peer::ENDPOINT
            ),
        )?;
        stage.edit(10)?;
        Ok(stage)
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        fs::write(self.folder.join(name), text).with_context(|| format!("write {name}"))
    }

    fn spec(&self) -> String {
        self.path("deployment.yml")
    }

    /// The script that multiplies by this number.
    fn edit(&self, factor: u32) -> anyhow::Result<()> {
        self.write(
            "src/score.py",
            &format!(
                "import json\n\ndef init():\n    global factor\n    factor = {factor}\n\ndef run(raw_data):\n    \
                 values = json.loads(raw_data)[\"values\"]\n    return {{\"total\": factor * sum(values)}}\n"
            ),
        )
    }

    fn command(&self, more: &[&str]) -> impl Fn() -> Command + use<> {
        let spec = self.spec();
        let words: Vec<&str> = ["deploy", &spec, "--json"].into_iter().chain(more.iter().copied()).collect();
        let again = self.ground.again(&words);
        let folder = self.folder.clone();
        move || again().folder(&folder)
    }

    fn deployed(&self, more: &[&str]) -> anyhow::Result<f64> {
        ground::timed(self.command(more)())
    }

    /// What stands of the turn before is no part of this one.
    fn remove(&self) -> anyhow::Result<()> {
        let listed = self.ground.again(&["deployments", "list", "--json"])().read()?;
        if listed.lines().next().is_some() {
            self.ground.again(&["deployments", "remove", &self.name])().read()?;
        }
        Ok(())
    }

    /// The published way of a debugger, put around the server: its listener in the master, a session more for
    /// the worker that this forks.
    fn stopped_by_hand(&self) -> anyhow::Result<f64> {
        let (debugger, server) = (ground::free_port()?, ground::free_port()?);
        let name = format!("aml-debug-bench-{debugger}");
        let command = Command::new("docker")
            .args(["run", "--rm", "--name", &name])
            .args(["--publish".into(), format!("127.0.0.1:{debugger}:5678")])
            .args(["--publish".into(), format!("127.0.0.1:{server}:5001")])
            .args(["--volume".into(), format!("{}:/var/azureml-app/src", self.path("src"))])
            .args(["--env", "AML_APP_ROOT=/var/azureml-app/src", "--env", "AZUREML_MODEL_DIR=/model"])
            .args([peer::DEBUGPY_IMAGE, "python", "-Xfrozen_modules=off", "-m", "debugpy"])
            .args(["--listen", "0.0.0.0:5678", "--wait-for-client", "-m"])
            .args(["azureml_inference_server_http.amlserver", "--port", "5001"])
            .args(["--entry_script", "/var/azureml-app/src/score.py"]);
        let begin = Instant::now();
        let mut child = ground::start_quietly(command)?;
        let asked = move || {
            thread::spawn(move || until_healthy(server).and_then(|()| post(server)));
        };
        let script = "/var/azureml-app/src/score.py";
        let stopped = dap_client::run_to_breakpoint_in_child(debugger, script, LINE, asked, || {
            matches!(child.try_wait(), Ok(None))
        });
        let time = ground::milliseconds(begin);
        Command::new("docker").args(["rm", "--force", &name]).read()?;
        child.wait()?;
        stopped.map(|_| time)
    }
}

/// Between two questions to a server.
const BETWEEN: Duration = Duration::from_millis(3);
/// Nothing here takes longer on a machine that works.
const LIMIT: Duration = Duration::from_secs(120);

fn until_healthy(port: u16) -> anyhow::Result<()> {
    asked_until(port, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", |answer| {
        answer.starts_with("HTTP/1.1 200")
    })
}

fn post(port: u16) -> anyhow::Result<()> {
    asked_until(port, &request(), |_| true)
}

/// Until the code that multiplies by this number answers.
fn until_answer(port: u16, factor: u32) -> anyhow::Result<()> {
    let total = format!("\"total\": {}}}", factor * 6);
    asked_until(port, &request(), |answer| answer.ends_with(&total))
}

fn request() -> String {
    format!(
        "POST /score HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{REQUEST}",
        REQUEST.len()
    )
}

fn asked_until(port: u16, request: &str, fits: impl Fn(&str) -> bool) -> anyhow::Result<()> {
    let begin = Instant::now();
    loop {
        let asked = || -> std::io::Result<String> {
            let mut stream = TcpStream::connect(("127.0.0.1", port))?;
            stream.set_nodelay(true)?;
            stream.write_all(request.as_bytes())?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        };
        let answer = asked().unwrap_or_default();
        if !answer.is_empty() && fits(&answer) {
            return Ok(());
        }
        anyhow::ensure!(begin.elapsed() < LIMIT, "the server never answered as expected; last: {answer}");
        thread::sleep(BETWEEN);
    }
}
