//! The debugpy of debug images, for every Python and machine that one may have: what the index really has.

use engine::plan::image::debugpy_requirements;
use std::process::Command;

/// Python 3.8 to 3.14 on both C libraries and both processors. Compiled parts exist for glibc on amd64 alone; the
/// pure wheel is slower to step through and otherwise the same. Of these, 3.11 on glibc and amd64 is run for real
/// by the stories; the rest is what the index says.
#[test]
fn the_index_has_a_wheel_for_every_python_c_library_and_processor() {
    let platforms =
        ["manylinux_2_34_x86_64", "manylinux_2_34_aarch64", "musllinux_1_2_x86_64", "musllinux_1_2_aarch64"];
    let lines = debugpy_requirements();
    let python = interpreter();
    let found: Vec<_> = std::thread::scope(|scope| {
        let ask = |platform: &'static str| {
            let (lines, python) = (&lines, &python);
            scope.spawn(move || {
                (8..=14).map(|minor| wheel(python, lines, minor, platform)).collect::<Vec<_>>()
            })
        };
        platforms.map(ask).into_iter().map(|asked| asked.join().expect("an answer")).collect()
    });
    for (platform, wheels) in platforms.iter().zip(&found) {
        for (minor, wheel) in (8..=14).zip(wheels) {
            let version = if minor >= 10 { "1.8.22" } else { "1.8.21" };
            let tag = match *platform {
                "manylinux_2_34_x86_64" => format!("cp3{minor}-cp3{minor}-{platform}"),
                _ => "py2.py3-none-any".to_owned(),
            };
            assert_eq!(wheel, &format!("debugpy-{version}-{tag}.whl"), "Python 3.{minor} on {platform}");
        }
    }
}

/// This machine's Python itself: a version manager's stand-in on the search path does work of its own after each
/// pip, and several at once are in each other's way.
fn interpreter() -> String {
    let output = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output();
    String::from_utf8(output.expect("Python").stdout).expect("a path").trim().to_owned()
}

/// The wheel that pip would take. Its markers are about the Python it runs on, so the line is chosen here.
fn wheel(python: &str, lines: &[String], minor: u32, platform: &str) -> String {
    let marker = if minor >= 10 { ">=" } else { "<" };
    let line = lines.iter().find(|line| line.contains(&format!("python_version {marker} "))).expect("a line");
    let requirement = line.split(';').next().expect("a requirement");
    let output = Command::new(python)
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--dry-run",
            "--report",
            "-",
            "--no-deps",
            "--target",
            "/nowhere",
        ])
        .args(["--only-binary=:all:", "--ignore-installed", "--platform", platform])
        .args(["--python-version", &format!("3.{minor}"), requirement])
        .output()
        .expect("Python with pip");
    assert!(output.status.success(), "{requirement} {platform}: {}", String::from_utf8_lossy(&output.stderr));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a report");
    let url = report["install"][0]["download_info"]["url"].as_str().expect("an address");
    url.rsplit('/').next().unwrap_or_default().to_owned()
}
