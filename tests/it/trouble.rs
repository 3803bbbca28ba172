//! What a user reads when something is in the way.

use crate::support::engine::{self, docker, docker_says};
use crate::support::program::{Ended, told};
use crate::support::{Bridge, Ground, until};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

const HELLO: &str = "\n//- /src/x.py\nprint('hello')\n";

/// The failure of a command that stayed until its run had ended, as a person reads it.
#[track_caller]
fn failure(ended: &Ended) -> String {
    told(&ended.result()["failure"])
}

/// Outcome and words of one phase of the card.
fn phase(result: &Value, name: &str) -> Value {
    let phases = result["phases"].as_array().cloned().unwrap_or_default();
    phases.into_iter().find(|phase| phase["name"] == name).unwrap_or_default()
}

#[track_caller]
fn has(text: &str, words: &str) {
    assert!(text.contains(words), "no “{words}” in:\n{text}");
}

#[test]
fn no_engine_is_told_at_once_with_the_address() {
    let mut ground = Ground::with_job("python x.py", HELLO);
    ground.set("DOCKER_HOST", format!("unix://{}", ground.beside("none.sock").display()));
    let ended = ground.call(["run", "job.yml", "--json"]).with_code(3);
    let told = failure(&ended);
    has(&told, "none.sock");
    has(&told, "\n-> ");
    assert_eq!(ground.only_run()["state"], "failed");
    let person = ground.call(["run", "job.yml"]).with_code(3);
    has(&person.stderr, "none.sock");
}

#[test]
fn an_engine_that_this_user_may_not_use_says_which_group_may() {
    let mut ground = Ground::with_job("python x.py", HELLO);
    let bridge = Bridge::open(ground.beside("engine.sock"));
    fs::set_permissions(ground.beside("engine.sock"), fs::Permissions::from_mode(0o600)).unwrap();
    ground.set("DOCKER_HOST", bridge.address());
    ground.set("HOME", ground.beside("user").display().to_string());
    if crate::support::is_root() {
        ground.become_nobody();
        std::os::unix::fs::chown(ground.beside("engine.sock"), Some(0), Some(0)).unwrap();
    } else {
        fs::set_permissions(ground.beside("engine.sock"), fs::Permissions::from_mode(0o000)).unwrap();
    }
    let told = failure(&ground.call(["run", "job.yml", "--json"]).with_code(3));
    has(&told, "you may not use the container engine at");
    has(&told, "\n-> ");
}

#[test]
fn a_base_image_that_cannot_be_had_is_named_with_its_registry() {
    let ground = Ground::with(
        "//- /job.yml\ntype: command\ncommand: python x.py\ncode: src\nenvironment:\n  image: registry.invalid/none:1\n//- /src/x.py\n",
    );
    let began = Instant::now();
    let ended = ground.call(["run", "job.yml", "--json"]).with_code(3);
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    let told = failure(&ended);
    has(&told, "the image registry.invalid/none:1 could not be pulled");
    has(&told, "registry.invalid can be reached");
    assert_eq!(phase(&ended.result(), "build")["outcome"], "failed");
    ground.leaves_nothing();
}

#[test]
fn a_build_that_fails_shows_the_command_and_its_last_lines_and_keeps_the_log() {
    let ground = Ground::with(
        "//- /job.yml\ntype: command\ncommand: python x.py\ncode: src\nenvironment:\n  image: $BASE\n  conda_file: conda.yml\n//- /conda.yml\ndependencies:\n  - pip:\n      - aml-debug-no-such-package==9.9\n//- /src/x.py\n",
    );
    let ended = ground.call(["run", "job.yml", "--json"]).with_code(3);
    let told = failure(&ended);
    has(&told, "could not be built");
    has(&told, "aml-debug-no-such-package");
    has(&told, "\n-> ");
    let result = ended.result();
    assert_eq!(phase(&result, "build")["outcome"], "failed");
    let log = fs::read_to_string(ground.run_folder(&result["run"]).join("azureml-logs/60_control_log.txt"))
        .unwrap();
    has(&log, "aml-debug-no-such-package");
    let run = result["run"].as_str().unwrap();
    let shown = ground.call(["runs", "logs", run, "--control"]).with_code(0).stdout;
    assert_eq!(shown, log.trim_end());
    ground.leaves_nothing();
}

#[test]
fn a_script_that_is_not_there_is_the_commands_own_error() {
    let ground = Ground::with_job("python y.py", HELLO);
    let told = failure(&ground.call(["run", "job.yml", "--json"]).with_code(1));
    has(&told, "exit code 2: python y.py");
    has(&told, "can't open file");
    // With breakpoints nobody is left waiting for a process that never comes.
    let ended = ground.call(["run", "job.yml", "--break", "src/x.py:1", "--json"]).with_code(1);
    has(&failure(&ended), "can't open file");
    let missing = ground.call(["run", "nothing.yml"]).with_code(2);
    has(&missing.stderr, "there is no file nothing.yml");
    ground.leaves_nothing();
}

#[test]
fn a_module_that_the_environment_lacks_is_shown_with_its_traceback() {
    let ground = Ground::with_job("python x.py", "\n//- /src/x.py\nimport torch_not_there\n");
    let told = failure(&ground.call(["run", "job.yml", "--json"]).with_code(1));
    has(&told, "ModuleNotFoundError: No module named 'torch_not_there'");
    let ended = ground.call(["run", "job.yml", "--break", "src/x.py:1", "--json"]).with_code(1);
    assert_eq!(ended.result()["stops"][0]["line"], 1, "it stopped before it failed");
    has(&failure(&ended), "ModuleNotFoundError");
}

#[test]
fn a_command_that_the_container_lacks_is_the_specs_error() {
    let ground = Ground::with_job("pyhton x.py", HELLO);
    let told = failure(&ground.call(["run", "job.yml", "--json"]).with_code(2));
    has(&told, "the command was not found in the container: pyhton x.py");
}

#[test]
fn a_script_that_ends_before_the_debugger_is_in_it_is_no_success() {
    let ground = Ground::with_job("echo done; exit 0; python x.py", HELLO);
    let ended = ground.call(["run", "job.yml", "--break", "src/x.py:1", "--json"]).with_code(2);
    let told = failure(&ended);
    has(&told, "the debugger never was in x.py");
    has(&told, "--process");
    assert_eq!(phase(&ended.result(), "attach")["outcome"], "failed");
    let ground = Ground::with_job("echo broken; exit 5; python x.py", HELLO);
    let ended = ground.call(["run", "job.yml", "--debug", "--json"]).with_code(1);
    has(&failure(&ended), "exit code 5");
    ground.leaves_nothing();
}

#[test]
fn a_container_without_python_says_so_in_the_attach_phase() {
    let mut ground = Ground::with_job("sh x.sh", "\n//- /src/x.sh\nsleep 60\n//- /src/x.py\nprint()\n");
    let image = no_python(&ground);
    ground.set("AML_DEBUG_IMAGE_REWRITE", format!("{}={image}", engine::BASE.rsplit_once(':').unwrap().0));
    let ended = ground.call(["run", "job.yml", "--break", "src/x.py:1", "--json"]);
    docker(&["rmi", "--force", &image]);
    let ended = ended.with_code(2);
    has(&failure(&ended), "the container has no Python on its PATH");
    assert_eq!(phase(&ended.result(), "attach")["outcome"], "failed");
    ground.leaves_nothing();
}

/// The base image with its Pythons taken away.
fn no_python(ground: &Ground) -> String {
    let home = ground.home().display().to_string().to_lowercase();
    let letters = home.replace(|letter: char| !letter.is_ascii_alphanumeric(), "");
    let name = format!("aml-debug-story/no-python:{letters}");
    let line = "rm -f /usr/bin/python* /usr/local/bin/python*";
    let container = docker(&["create", engine::base(), "sh", "-c", line]);
    docker(&["start", "--attach", &container]);
    docker(&["commit", &container, &name]);
    docker(&["rm", &container]);
    name
}

/// An environment's own debugpy, for another Python; and a Python that says it is older than any debugpy of ours.
const MISFITS: &str = r#"
//- /src/x.py
print('hello')
//- /src/lib/debugpy/__init__.py
import debugpy._version
//- /src/lib/debugpy/_version.py
json = '{"version": "1.8.99"}'
//- /src/lib/debugpy/_vendored/__init__.py
raise ImportError('compiled for Python 3.99')
//- /env/Dockerfile
FROM $BASE
RUN echo 'import sys; sys.version_info = (3, 7, 17, "final", 0)' > /usr/lib/python3/dist-packages/old.pth
//- /old.yml
type: command
code: src
command: python x.py
environment:
  build: {path: env}
"#;

#[test]
fn a_debugger_that_does_not_fit_the_python_ends_the_run_in_the_attach_phase() {
    let ground = Ground::with_job("python x.py\nenvironment_variables: {PYTHONPATH: lib}", MISFITS);
    let ended = ground.call(["run", "job.yml", "--break", "src/x.py:1", "--json"]).with_code(3);
    has(&failure(&ended), "the debugger could not be loaded into python x.py");
    has(&failure(&ended), "ImportError: compiled for Python 3.99");
    has(
        &failure(&ended),
        "-> if the environment brings a debugpy of its own, use a current one or leave it out",
    );
    assert_eq!(phase(&ended.result(), "attach")["outcome"], "failed");
    assert_eq!(ground.call(["run", "job.yml", "--json"]).with_code(0).log("driver"), ["hello"]);

    let ended = ground.call(["run", "old.yml", "--break", "src/x.py:1", "--json"]).with_code(2);
    docker_says(&["rmi", "--force", ended.result()["image"].as_str().unwrap_or_default()]);
    has(&failure(&ended), "python x.py runs in Python 3.7.17; the debugger needs 3.8 or newer");
    has(&failure(&ended), "-> choose an environment with a newer Python, or run it without --debug");
    assert_eq!(phase(&ended.result(), "attach")["outcome"], "failed");
    ground.leaves_nothing();
}

#[test]
fn python_that_ignores_the_hook_is_refused_where_it_is_seen() {
    let script = "\n//- /src/x.py\nimport sys, time\nprint('hello')\ntime.sleep(len(sys.argv))\n";
    for (flag, command) in [("-I", "python -I x.py"), ("-S", "python -S x.py"), ("-I", "sh go.sh")] {
        let ground =
            Ground::with_job(command, &format!("{script}//- /src/go.sh\npython -I x.py for a while\n"));
        let ended = ground.call(["run", "job.yml", "--break", "src/x.py:1", "--json"]).with_code(2);
        has(&failure(&ended), &format!("{flag}, which makes Python ignore the debugger's start hook"));
        has(&failure(&ended), &format!("take {flag} out of the command while debugging"));
        let in_phase = if command.starts_with("sh") { "attach" } else { "resolve" };
        assert_eq!(phase(&ended.result(), in_phase)["outcome"], "failed");
        ground.leaves_nothing();
        let plain = ground.call(["run", "job.yml", "--json"]).with_code(0);
        assert_eq!(plain.log("driver"), ["hello"]);
    }
}

#[test]
fn python_that_is_through_before_anybody_looks_is_no_success_either() {
    let ground =
        Ground::with_job("sh go.sh", "\n//- /src/x.py\nprint('hello')\n//- /src/go.sh\npython -I x.py\n");
    let told = failure(&ground.call(["run", "job.yml", "--break", "src/x.py:1", "--json"]).with_code(2));
    has(&told, "the debugger never was in");
    has(&told, "-I, -S or -E");
}

#[test]
fn a_container_removed_from_outside_ends_the_run_with_its_log() {
    let ground =
        Ground::with_job("python x.py", "\n//- /src/x.py\nimport time\nprint('here')\ntime.sleep(600)\n");
    let mut run = ground.start(["run", "job.yml", "--json"]);
    run.wait_for_line("here");
    docker(&["rm", "--force", &ground.containers()[0]]);
    let ended = run.end().with_code(3);
    has(&failure(&ended), "the container was removed from outside");
    assert_eq!(ground.log(&ended.result()["run"]), "here");
    assert_eq!(ground.only_run()["state"], "failed");
}

#[test]
fn a_connection_that_breaks_in_mid_run_loses_no_record_and_the_run_is_found_again() {
    let script = "\n//- /src/x.py\nimport os, time\nprint('here')\nwhile not os.path.exists('go'):\n    time.sleep(0.02)\nprint('there')\n";
    let mut ground = Ground::with_job("python x.py", script);
    let bridge = Bridge::open(ground.beside("engine.sock"));
    ground.set("DOCKER_HOST", bridge.address());
    let mut run = ground.start(["run", "job.yml", "--json"]);
    run.wait_for_line("here");
    bridge.cut();
    let ended = run.end().with_code(3);
    has(&failure(&ended), "the container engine stopped answering");
    let name = ended.result()["run"].clone();
    // Without an engine nobody can know more.
    assert_eq!(ground.only_run()["run"], name);

    // The engine is there again, and the run never went.
    ground.set("DOCKER_HOST", format!("unix://{}", engine::socket()));
    assert_eq!(ground.only_run()["state"], "running", "the container goes on");
    fs::write(ground.path("src/go"), "").unwrap();
    let run = until("its end", || Some(ground.only_run()).filter(|run| run["state"] == "completed"));
    assert_eq!(ground.log(&run["run"]), "here\nthere");
    ground.leaves_nothing();
}

#[test]
fn a_disk_that_fills_up_ends_the_run_with_the_cause_and_a_true_record() {
    if !crate::support::is_root() {
        // Only root can mount a small disk.
        return;
    }
    let mut ground = Ground::with_job("yes 0123456789 | head -n 2000000", HELLO);
    let small = ground.beside("small");
    fs::create_dir(&small).unwrap();
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"])
        .arg(&small)
        .status();
    if !mounted.unwrap().success() {
        return;
    }
    ground.set("AML_DEBUG_HOME", small.join("home").display().to_string());
    let ended = ground.call(["run", "job.yml", "--json"]);
    let listed = ground.call(["runs", "list", "--json"]);
    let store = label_of(&ground, &small);
    std::process::Command::new("umount").arg(&small).status().unwrap();
    let told = failure(&ended.with_code(3));
    has(&told, "70_driver_log.txt: No space left on device");
    has(&told, "\n-> ");
    let runs = listed.with_code(0).objects();
    assert_eq!((runs.len(), &runs[0]["state"]), (1, &"failed".into()));
    assert_eq!(engine::containers(&store), Vec::<String>::new());
}

/// The label of a store elsewhere than at the ground's own home.
fn label_of(ground: &Ground, small: &std::path::Path) -> String {
    let doctor = ground.call(["doctor", "--json"]).objects();
    let store = doctor.iter().find(|finding| finding["subject"] == "store").cloned().unwrap_or_default();
    let arguments = store["what"]["args"].as_array().cloned().unwrap_or_default();
    let id =
        arguments.iter().find(|pair| pair[0] == "id").and_then(|pair| pair[1].as_str()).map(str::to_owned);
    format!("aml-debug.store={}", id.unwrap_or_else(|| panic!("no store at {}", small.display())))
}

#[test]
fn what_a_script_prints_of_a_secret_is_covered_in_the_log() {
    let script = "\n//- /src/x.py\nimport os\nprint('token', os.environ['TOKEN'], 'end')\n";
    let mut ground = Ground::with_job("python x.py", script);
    ground.set("TOKEN", "very-hidden");
    let ended = ground.call(["run", "job.yml", "--secret", "TOKEN", "--json"]).with_code(0);
    assert_eq!(ended.log("driver"), ["token *********** end"]);
    assert!(!ended.stdout.contains("very-hidden"));
    assert!(!ground.log(&ended.result()["run"]).contains("very-hidden"));
}

#[test]
fn a_line_of_ten_megabytes_comes_through() {
    let script = "\n//- /src/x.py\nimport sys\nsys.stdout.write('x' * (10 << 20) + '\\n')\nsys.stderr.write('err\\n')\nprint('after')\n";
    let ground = Ground::with_job("python x.py", script);
    let ended = ground.call(["run", "job.yml", "--json"]).with_code(0);
    let log = ground.log(&ended.result()["run"]);
    assert_eq!(log.len(), (10 << 20) + "\nerr\nafter".len());
    assert!(log.lines().any(|line| line.ends_with("after")), "{}", log.len());
}
