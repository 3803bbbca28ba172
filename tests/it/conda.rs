//! Environments with packages that only conda has, solved against a channel on disk that these stories make.

use crate::support::Ground;
use crate::support::engine::{self, docker, docker_says};
use crate::support::program::told;
use serde_json::Value;
use std::fs;

/// Makes the channel `/channel` in a container: a Python, a library, two versions of a Python package.
const CHANNEL: &str = r#"
import hashlib, io, json, os, sys, tarfile

def add(archive, path, body, mode=0o644):
    entry = tarfile.TarInfo(path)
    entry.size, entry.mode = len(body), mode
    archive.addfile(entry, io.BytesIO(body))

def package(repository, name, version, depends, files):
    index = {"name": name, "version": version, "build": "0", "build_number": 0, "depends": depends,
             "subdir": "noarch", "noarch": "generic", "license": "MIT"}
    path = "/channel/noarch/%s-%s-0.tar.bz2" % (name, version)
    paths = []
    with tarfile.open(path, "w:bz2") as archive:
        for file, body in files.items():
            if body.startswith(b"-> "):
                link = tarfile.TarInfo(file)
                link.type, link.linkname = tarfile.SYMTYPE, body[3:].decode()
                archive.addfile(link)
                paths.append({"_path": file, "path_type": "softlink"})
            else:
                add(archive, file, body)
                paths.append({"_path": file, "path_type": "hardlink",
                              "sha256": hashlib.sha256(body).hexdigest(), "size_in_bytes": len(body)})
        add(archive, "info/index.json", json.dumps(index).encode())
        add(archive, "info/files", "\n".join(files).encode())
        add(archive, "info/paths.json", json.dumps({"paths": paths, "paths_version": 1}).encode())
    body = open(path, "rb").read()
    index.update(md5=hashlib.md5(body).hexdigest(), sha256=hashlib.sha256(body).hexdigest(), size=len(body))
    repository[os.path.basename(path)] = index

os.makedirs("/channel/noarch")
packages = {}
version = "%d.%d.%d" % sys.version_info[:3]
site = "lib/python%d.%d/site-packages/" % sys.version_info[:2]
real = os.path.realpath(sys.executable)
package(packages, "python", version, [], {
    "bin/python": b"-> " + real.encode(),
    "pyvenv.cfg": ("home = %s\nversion = %s\n" % (os.path.dirname(real), version)).encode(),
    site + "README.txt": b"",
})
package(packages, "libstory", "1.2", [], {"share/story.txt": b"once upon a time"})
for number in ["20.0", "21.0"]:
    package(packages, "packaging", number, ["python", "libstory >=1"], {
        site + "packaging/__init__.py": ("__version__ = '%s'\n" % number).encode(),
        site + "packaging-%s.dist-info/METADATA" % number: ("Metadata-Version: 2.1\nName: packaging\nVersion: %s\n" % number).encode(),
        site + "packaging-%s.dist-info/INSTALLER" % number: b"conda",
        site + "packaging-%s.dist-info/RECORD" % number: b"",
    })
json.dump({"info": {"subdir": "noarch"}, "packages": packages, "packages.conda": {}, "repodata_version": 1},
          open("/channel/noarch/repodata.json", "w"))
"#;

/// The base image with the channel in it.
pub(crate) struct Base(pub(crate) String);

impl Base {
    pub(crate) fn make(what: &str) -> Self {
        let name = format!("aml-debug-story/conda-{what}:{}", std::process::id());
        let container = docker(&["create", engine::base(), "python", "-c", CHANNEL]);
        docker(&["start", "--attach", &container]);
        docker(&["commit", &container, &name]);
        docker(&["rm", &container]);
        Self(name)
    }
}

impl Drop for Base {
    fn drop(&mut self) {
        docker_says(&["rmi", &self.0]);
    }
}

fn ground(base: &Base, conda: &str) -> Ground {
    let job = format!(
        "//- /job.yml\ntype: command\ncode: src\ncommand: python x.py\nenvironment:\n  image: {}\n  conda_file: conda.yml\n",
        base.0
    );
    let script = "//- /src/x.py\nimport packaging, sys\nprint(packaging.__version__, open(sys.prefix + '/share/story.txt').read())\n";
    Ground::with(&format!("{job}//- /conda.yml\n{conda}{script}"))
}

fn run(ground: &Ground, code: i32) -> Value {
    let result = ground.call(["run", "job.yml", "--json"]).with_code(code).result();
    if let Some(image) = result["image"].as_str().filter(|image| image.starts_with("aml-debug/env:")) {
        docker_says(&["rmi", image]);
    }
    result
}

fn log(ground: &Ground, result: &Value) -> String {
    fs::read_to_string(ground.run_folder(&result["run"]).join("azureml-logs/60_control_log.txt"))
        .expect("a control log")
}

#[test]
fn conda_packages_are_really_solved_and_pip_goes_on_top() {
    let base = Base::make("solved");
    let conda = "channels: [file:///channel, nodefaults]\ndependencies:\n  - python\n  - packaging<21\n  - pip:\n      - six\n";
    let ground = ground(&base, conda);
    let result = run(&ground, 0);
    assert_eq!(ground.log(&result["run"]), "20.0 once upon a time");
    let log = log(&ground, &result);
    for words in ["solved by rattler", "libstory 1.2 0", "packaging 20.0 0", "+ six=="] {
        assert!(log.contains(words), "no “{words}” in:\n{log}");
    }
    ground.leaves_nothing();
}

#[test]
fn what_conda_cannot_do_is_told_with_what_to_do() {
    let base = Base::make("trouble");
    let failure = |conda: &str| {
        let ground = ground(&base, conda);
        told(&run(&ground, 3)["failure"])
    };
    let said = failure("channels: [file:///channel]\ndependencies: [python, packaging>=30]\n");
    assert!(said.contains("No candidates were found for packaging >=30"), "{said}");
    assert!(said.contains("-> no set of conda packages fits the file"), "{said}");

    let said = failure("channels: ['http://127.0.0.1:9/channel']\ndependencies: [python, packaging]\n");
    assert!(said.contains("127.0.0.1:9/channel"), "{said}");
    assert!(said.contains("-> the conda channels could not be reached"), "{said}");

    let said = failure(
        "channels: [file:///channel]\ndependencies: [python, packaging=20.0, {pip: [packaging==24.0]}]\n",
    );
    assert!(said.contains("`uv pip install"), "{said}");
    assert!(said.contains("since the conda file asks for them: packaging==20.0"), "{said}");
    assert!(said.contains("-> the pip section asks for other versions than the conda packages"), "{said}");
}
