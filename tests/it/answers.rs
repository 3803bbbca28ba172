//! Commands that only answer: `check`, `doctor`, `completions`, `--version`, `--help`.

use crate::support::{Ground, engine};
use serde_json::{Value, json};
use std::fs;
use std::process::Command;

#[test]
fn check_finds_what_is_wrong_with_its_place_and_a_fix() {
    let ground = Ground::with(
        "//- /job.yml\ntype: command\ncomand: python x.py\nenvironment:\n  image: $BASE\n//- /good.yml\ntype: command\ncommand: echo\nenvironment:\n  image: $BASE\n",
    );
    let person = ground.call(["check", "job.yml", "good.yml"]).with_code(1);
    assert!(
        person.stdout.contains("job.yml:2:1: ") && person.stdout.contains("Did you mean \"command\"?"),
        "{}",
        person.stdout
    );
    assert!(person.stdout.contains("good.yml: command job, nothing to complain about"), "{}", person.stdout);

    let lines = ground.call(["check", "job.yml", "good.yml", "--json"]).with_code(1).objects();
    assert_eq!(lines.len(), 2);
    assert_eq!(
        lines.iter().map(|line| line["file"].as_str().unwrap()).collect::<Vec<_>>(),
        ["job.yml", "good.yml"]
    );
    let findings = lines[0]["diagnostics"].as_array().unwrap();
    let near = findings
        .iter()
        .find(|finding| finding["message"].to_string().contains("Did you mean"))
        .expect("a finding");
    assert_eq!(
        (&near["severity"], &near["range"]["start"]),
        (&"error".into(), &json!({ "line": 1, "character": 0 }))
    );
    assert!(near["code"].is_string() && near["fix"].is_object(), "{near}");
    assert_eq!(lines[1]["diagnostics"], json!([]));
    assert!(lines[1]["kind"].is_string() && !lines[1]["summary"].is_null(), "{}", lines[1]);
    ground.call(["check", "good.yml"]).with_code(0);
    assert!(!ground.home().join("store.sqlite").exists(), "checking needs no store");
}

/// What `check` looked at.
#[track_caller]
fn checked(ground: &Ground, code: i32, arguments: &[&str]) -> Vec<String> {
    let lines = ground.call(["check", "--json"].iter().chain(arguments)).with_code(code).objects();
    lines.iter().map(|line| line["file"].as_str().expect("a file").replace('\\', "/")).collect()
}

#[test]
fn check_finds_specs_in_folders_by_their_content_and_expands_patterns_itself() {
    let good = "type: command\ncommand: echo\nenvironment:\n  image: $BASE\n";
    let broken = "$schema: https://azuremlschemas.azureedge.net/latest/commandJob.schema.json\ncommand: [\n";
    let mut files = String::new();
    for (path, text) in [
        ("a/job.yml", good),
        ("a/broken.yaml", broken),
        ("a/nearly.yml", "comand: echo\ntype: command\nenvironment: azureml:e:1\nname: x\n"),
        ("a/.azureml/old.runconfig", "script: x.py\nenvironment: {docker: {baseImage: i}}\n"),
        ("a/x.py", "print()\n"),
        ("b/conda.yml", "dependencies:\n- python=3.11\n"),
        ("b/package.json", "{\"dependencies\": {}}\n"),
        ("b/compose.yml", "services:\n  a: {image: x}\n"),
        (".github/workflows/ci.yml", "name: ci\non: push\njobs:\n  a:\n    runs-on: x\n"),
        (".gitlab-ci.yml", "image: x\nstages: [a]\none:\n  script: x\ntwo:\n  script: x\n"),
        (".gitignore", "out/\n"),
        ("out/job.yml", good),
        ("node_modules/m/job.yml", good),
        (".venv/lib/job.yml", good),
    ] {
        files += &format!("//- /{path}\n{text}");
    }
    let ground = Ground::with(&files);
    let all = ["a/.azureml/old.runconfig", "a/broken.yaml", "a/job.yml", "a/nearly.yml", "b/conda.yml"];
    assert_eq!(checked(&ground, 1, &["."]), all);
    assert_eq!(checked(&ground, 0, &["b", "a/job.yml", "./b/conda.yml"]), ["b/conda.yml", "a/job.yml"]);
    assert_eq!(checked(&ground, 0, &["*/j*.yml"]), ["a/job.yml"]);
    assert_eq!(checked(&ground, 1, &["a/**/*.y*ml"]), ["a/broken.yaml", "a/job.yml", "a/nearly.yml"]);
    // What is named is taken as what it was named for.
    assert_eq!(checked(&ground, 1, &[".gitlab-ci.yml", "out/job.yml"]), [".gitlab-ci.yml", "out/job.yml"]);
    let none = ground.call(["check", "c/*.yml"]).with_code(2);
    assert!(none.stderr.contains("no file fits c/*.yml"), "{}", none.stderr);
    let empty = ground.call(["check", "a/.azureml", ".github"]).with_code(0);
    assert!(empty.stdout.contains("old.runconfig"), "{}", empty.stdout);
    let empty = ground.call(["check", ".github"]).with_code(0);
    assert!(empty.stderr.contains("no spec was found in .github"), "{}", empty.stderr);
}

#[test]
fn check_reads_bad_files_to_their_end() {
    let ground = Ground::with("//- /conda.yml\ndependencies: [python=3.11]\n");
    let levels = (1..9).map(|n| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 9].join(", ")));
    let bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned() + &levels.collect::<String>();
    for (bytes, words) in [
        (b"type: command\ncommand: [\n".as_slice(), "not YAML"),
        (b"type: command\ncommand: x\ncommand: x\nenvironment: azureml:e:1\n", "stands twice"),
        (b"type: command\n\tcommand: x\nenvironment: azureml:e:1\n", "A tab stands here"),
        (b"type: command\ncommand: \xff\nenvironment: azureml:e:1\n", "not UTF-8"),
        (b"", "empty"),
        (bomb.as_bytes(), "Aliases make this document larger than"),
        (b"type: command\ncommand: &it x\nenvironment: *nothing\n", "has to stand in quotes"),
        (b"type: command\ncommand: x\nenvironment: conda.yml\n", "is a conda file"),
        (b"script: x.py\narguments: []\ntarget: local\n", "is missing. SDK v1"),
    ] {
        fs::write(ground.path("job.yml"), bytes).unwrap();
        let found = ground.call(["check", "job.yml"]);
        assert!(found.stdout.contains(words), "{words}: {found:?}");
        let run = ground.call(["run", "job.yml", "--json"]);
        // A key that stands twice is only warned of: the last one counts, as Azure has it.
        if found.code == Some(1) {
            let failure = run.with_code(2).result()["failure"].to_string();
            assert!(failure.contains(words), "{words}: {failure}");
        }
    }
    // What other programs write, and what nobody would.
    let environment = "environment: &same\n  image: x\n";
    for well in [
        format!("\u{feff}type: command\r\ncommand: x\r\n{}", environment.replace('\n', "\r\n")),
        format!("type: command\ncommand: echo {}\n{environment}", "x".repeat(10 << 20)),
    ] {
        fs::write(ground.path("job.yml"), well).unwrap();
        ground.call(["check", "job.yml"]).with_code(0);
    }
    // The last of them is well, and nothing can start it.
    let failure = ground.call(["run", "job.yml", "--json"]).with_code(2).result()["failure"].to_string();
    assert!(failure.contains("Linux starts none of more than 131071"), "{} bytes", failure.len());
    assert!(failure.contains("put it into a script") && failure.len() < 10_000, "{} bytes", failure.len());
    let missing = ground.call(["check", "none.yml"]).with_code(2);
    assert!(missing.stderr.contains("none.yml"), "{}", missing.stderr);
}

#[test]
fn doctor_says_what_it_found_and_3_where_a_run_cannot_succeed() {
    let mut ground = Ground::with("");
    let findings = ground.call(["doctor", "--json"]).with_code(0).objects();
    let subjects: Vec<_> = findings.iter().map(|finding| finding["subject"].as_str().unwrap()).collect();
    for subject in ["store", "debugpy", "socket", "engine", "buildkit", "disk"] {
        assert!(subjects.contains(&subject), "{subject}: {subjects:?}");
    }
    let person = ground.call(["doctor"]).with_code(0).stdout;
    assert!(person.contains(&format!("unix://{} answers", engine::socket())), "{person}");

    ground.set("DOCKER_HOST", "unix:///nowhere/engine.sock");
    let ill = ground.call(["doctor"]).with_code(3).stdout;
    assert!(ill.contains("error") && ill.contains("/nowhere/engine.sock") && ill.contains("→"), "{ill}");
    ground.set("AML_DEBUG_BUNDLE", "/nowhere/debugpy.tar");
    let ill = ground.call(["doctor", "--json"]).with_code(3).objects();
    let debugpy: &Value = ill.iter().find(|finding| finding["subject"] == "debugpy").unwrap();
    assert_eq!(debugpy["outcome"], "error");
}

#[test]
fn version_help_and_completions() {
    let ground = Ground::with("");
    let version = ground.call(["--version"]).with_code(0).stdout;
    assert!(version.starts_with("aml-debug 0."), "{version}");
    let help = ground.call(["--help"]).with_code(0).stdout;
    for command in ["serve", "check", "run", "rerun", "build", "attach", "runs", "doctor", "completions"] {
        assert!(help.contains(&format!("\n  {command} ")), "{command}:\n{help}");
    }
    let run = ground.call(["run", "--help"]).with_code(0).stdout;
    for flag in [
        "--debug",
        "--break",
        "--set",
        "--env",
        "--env-file",
        "--secret",
        "--experiment",
        "--process",
        "--rebuild",
        "--pull",
        "--target",
        "--json",
    ] {
        assert!(run.contains(flag), "{flag}:\n{run}");
    }
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let script = ground.call(["completions", shell]).with_code(0).stdout;
        assert!(script.contains("aml-debug") && script.contains("doctor"), "{shell}: {script}");
    }
    // What bash itself makes of it.
    let complete = r#"
        source <("$0" completions bash)
        COMP_WORDS=(aml-debug "$@") COMP_CWORD=$#
        by=$(complete -p aml-debug | sed 's/.* -F \([^ ]*\) .*/\1/')
        "$by" aml-debug "${@: -1}" "${COMP_WORDS[-2]}"
        echo "${COMPREPLY[@]}"
    "#;
    let program = ground.command([""; 0]).get_program().to_owned();
    for (words, offered) in [
        (&["ru"][..], "run runs"),
        (&["images", "pr"], "prune"),
        (&["run", "--break-on"], "--break-on-exception"),
    ] {
        let asked = Command::new("bash").args(["-c", complete]).arg(&program).args(words).output();
        assert_eq!(String::from_utf8_lossy(&asked.expect("bash").stdout).trim(), offered);
    }
    ground.call(["walk"]).with_code(2);
    ground.call(["run"]).with_code(2);
    let elsewhere = ground.call(["run", "x.yml", "--target", "cluster"]).with_code(2).stderr;
    assert!(elsewhere.contains("this machine only, not on cluster"), "{elsewhere}");
}

#[test]
fn a_setting_that_cannot_be_read_is_named() {
    let mut ground = Ground::with("");
    ground.set("AML_DEBUG_WAIT", "soon");
    let refused = ground.call(["runs"]).with_code(2).stderr;
    assert!(refused.contains("AML_DEBUG_WAIT is \"soon\"; expected: a whole number"), "{refused}");
}

#[test]
fn a_japanese_terminal_is_spoken_to_in_japanese_and_a_program_is_not() {
    let mut ground = Ground::with(
        "//- /job.yml\ntype: command\ncode: src\ncommand: python x.py\nenvironment:\n  image: $BASE\n//- /src/x.py\nnumber = 7\nprint(number)\n//- /bad.yml\ntype: command\ncommand: [x]\nenvironment:\n  image: $BASE\n",
    );
    ground.set("LC_ALL", "ja_JP.UTF-8");
    let person = ground.call(["check", "bad.yml"]).with_code(1).stdout;
    assert!(person.contains("bad.yml:2:10: error: テキストが必要ですが、リストがあります。"), "{person}");
    let program = ground.call(["check", "bad.yml", "--json"]).with_code(1).stdout;
    assert!(program.contains("Expected text, found a list."), "{program}");

    let ended = ground.call(["run", "job.yml", "--break", "x.py:2"]).with_code(0);
    for words in ["x.py:2 で停止しました", "number = 7", ": 完了\n"] {
        assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
    }
    // What a tasks.json waits for is the same for everybody who shares it.
    ground.set("AML_DEBUG_WAIT", "1");
    let ended = ground.call(["run", "job.yml", "--debug"]).with_code(0);
    for line in ["aml-debug: starting ", "aml-debug: debugger can attach at 127.0.0.1:"] {
        assert!(ended.stderr.lines().any(|said| said.starts_with(line)), "{line}: {}", ended.stderr);
    }

    ground.set("LC_ALL", "ja_JP.eucJP");
    let other_letters = ground.call(["runs", "show", "none"]).with_code(2).stderr;
    assert!(other_letters.contains("there is no run none"), "{other_letters}");
    ground.set("LC_ALL", "");
    ground.set("LANG", "ja_JP.UTF-8");
    let person = ground.call(["runs", "show", "none"]).with_code(2).stderr;
    assert!(
        person.starts_with("aml-debug: 実行 none はありません\n  → `aml-debug runs list` で"),
        "{person}"
    );
}
