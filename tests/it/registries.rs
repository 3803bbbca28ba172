//! Images of private registries, against Debian's own `docker-registry` on loopback.

use crate::support::engine::{self, docker, docker_says};
use crate::support::program::told;
use crate::support::{Ground, until};
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

/// A registry that only `me` with the password `sesame` may use.
struct Registry {
    server: Child,
    host: String,
}

/// bcrypt of that password.
const HTPASSWD: &str = "me:$2b$05$p3OtadhhaLj0G.I6JCwlz.JVUcyEzhTbmvUTqZ.t6KohOu3o5Ei0u\n";
/// base64 of `me:sesame`.
const AUTH: &str = "bWU6c2VzYW1l";

impl Registry {
    fn start(ground: &Ground) -> Self {
        let host = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port");
        let host = host.to_string();
        let secrets = ground.beside("htpasswd");
        fs::write(&secrets, HTPASSWD).expect("ours");
        let config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: {host}}}\nauth: {{htpasswd: {{realm: r, path: {}}}}}\n",
            ground.beside("registry").display(),
            secrets.display()
        );
        fs::write(ground.beside("registry.yml"), config).expect("ours");
        let server = Command::new("docker-registry")
            .arg("serve")
            .arg(ground.beside("registry.yml"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("these stories need Debian's package docker-registry");
        until("the registry listens", || TcpStream::connect(&host).ok());
        Self { server, host }
    }

    /// Puts an image of this engine there, and away from here.
    fn take(&self, ground: &Ground, image: &str, name: &str) -> String {
        let there = format!("{}/{name}", self.host);
        docker(&["tag", image, &there]);
        let config = configure(
            ground,
            "pusher",
            &format!("{{\"auths\": {{\"{}\": {{\"auth\": \"{AUTH}\"}}}}}}", self.host),
        );
        docker(&["--config", &config, "push", "--quiet", &there]);
        docker(&["rmi", &there]);
        there
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// A Docker configuration, by its folder.
fn configure(ground: &Ground, name: &str, text: &str) -> String {
    let folder = ground.beside(name);
    fs::create_dir_all(&folder).expect("ours");
    fs::write(folder.join("config.json"), text).expect("ours");
    folder.display().to_string()
}

#[test]
fn a_private_image_is_pulled_as_whom_docker_login_or_a_helper_says() {
    let mut ground = Ground::with("//- /src/x.py\nprint('hello')\n");
    let registry = Registry::start(&ground);
    let image = registry.take(&ground, engine::base(), "team/base:1");
    let host = &registry.host;
    let job = format!("type: command\ncode: src\ncommand: python x.py\nenvironment:\n  image: {image}\n");
    fs::write(ground.path("job.yml"), job).unwrap();

    ground.set("DOCKER_CONFIG", configure(&ground, "nobody", "{}"));
    let said = told(&ground.call(["run", "job.yml", "--json"]).with_code(3).result()["failure"]);
    assert!(said.contains(&format!("the registry does not let you pull {image}")), "{said}");
    assert!(said.contains(&format!("docker login {host}")), "{said}");

    // The helper answers as Docker's own do.
    let helpers = ground.beside("bin");
    fs::create_dir(&helpers).unwrap();
    let helper = helpers.join("docker-credential-story");
    let script = format!(
        "#!/bin/sh\nread host\n[ \"$1 $host\" = \"get {host}\" ] && echo '{{\"ServerURL\": \"x\", \"Username\": \"me\", \"Secret\": \"sesame\"}}' && exit\necho credentials not found in native keychain; exit 1\n"
    );
    fs::write(&helper, script).unwrap();
    fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).unwrap();
    ground.set("PATH", format!("{}:{}", helpers.display(), std::env::var("PATH").unwrap()));
    let configurations = [
        ("file", format!("{{\"auths\": {{\"http://{host}/v2/\": {{\"auth\": \"{AUTH}\"}}}}}}")),
        ("helper", format!("{{\"credHelpers\": {{\"{host}\": \"story\"}}}}")),
        ("store", "{\"credsStore\": \"story\"}".to_owned()),
    ];
    for (name, text) in &configurations {
        ground.set("DOCKER_CONFIG", configure(&ground, name, text));
        let ended = ground.call(["run", "job.yml", "--json"]).with_code(0);
        assert_eq!(ended.log("driver"), ["hello"], "{name}");
        assert!(!ended.stdout.contains("sesame") && !ended.stdout.contains(AUTH), "{name}");
        docker(&["rmi", &image]);
    }

    // A Dockerfile's first stage is pulled by the builder, which asks us who we are.
    fs::create_dir(ground.path("env")).unwrap();
    let dockerfile = format!(
        "FROM {image} AS tools\nRUN echo {host} > /opt/made\nFROM {}\nCOPY --from=tools /opt/made /opt/made\n",
        engine::BASE
    );
    fs::write(ground.path("env/Dockerfile"), dockerfile).unwrap();
    let job = "type: command\ncommand: cat /opt/made\nenvironment:\n  build: {path: env}\n";
    fs::write(ground.path("job.yml"), job).unwrap();
    let ended = ground.call(["run", "job.yml", "--json"]).with_code(0);
    assert_eq!(ended.log("driver"), [host.as_str()]);
    docker_says(&["rmi", ended.result()["image"].as_str().unwrap()]);

    ground.set(
        "DOCKER_CONFIG",
        configure(&ground, "lost", &format!("{{\"credHelpers\": {{\"{host}\": \"of-nobody\"}}}}")),
    );
    let job = format!("type: command\ncommand: ls\nenvironment:\n  image: {image}\n");
    fs::write(ground.path("job.yml"), job).unwrap();
    let said = told(&ground.call(["run", "job.yml", "--json"]).with_code(3).result()["failure"]);
    assert!(
        said.contains("does not let you pull") && said.contains("docker-credential-of-nobody: "),
        "{said}"
    );
    ground.leaves_nothing();
}

/// An image of one file for another processor, by hand: builders make only what they can run.
fn make_for(ground: &Ground, processor: &str, name: &str) {
    let script = format!(
        "set -e; cd '{}'; mkdir made; cd made; echo x > file; tar -cf layer.tar file; \
         id=$(sha256sum layer.tar | cut -d' ' -f1); \
         echo '{{\"architecture\": \"{processor}\", \"os\": \"linux\", \"config\": {{}}, \"rootfs\": \
         {{\"type\": \"layers\", \"diff_ids\": [\"sha256:'$id'\"]}}}}' > config.json; \
         echo '[{{\"Config\": \"config.json\", \"RepoTags\": [\"{name}\"], \"Layers\": [\"layer.tar\"]}}]' \
         > manifest.json; tar -c layer.tar config.json manifest.json | docker load",
        ground.beside("").display()
    );
    let made = Command::new("sh").args(["-c", &script]).stdout(Stdio::null()).status();
    assert!(made.expect("a shell").success());
}

#[test]
fn an_image_for_another_processor_is_said_before_it_is_pulled() {
    let mut ground = Ground::with("");
    let registry = Registry::start(&ground);
    let own = docker(&["version", "--format", "{{.Server.Arch}}"]);
    let other = if own == "arm64" { "amd64" } else { "arm64" };
    let name = format!("aml-debug-story/foreign:{}", std::process::id());
    make_for(&ground, other, &name);
    let image = registry.take(&ground, &name, "foreign:1");
    docker(&["rmi", &name]);
    let text = format!("{{\"auths\": {{\"{}\": {{\"auth\": \"{AUTH}\"}}}}}}", registry.host);
    ground.set("DOCKER_CONFIG", configure(&ground, "file-of", &text));
    let job = format!("type: command\ncommand: ls\nenvironment:\n  image: {image}\n");
    fs::write(ground.path("job.yml"), job).unwrap();
    let ended = ground.call(["build", "job.yml", "--json"]).with_code(0);
    let lines = ended.log("control");
    docker_says(&["rmi", &image]);
    assert_eq!(lines[0], format!("pulling {image}"));
    assert!(lines[1].contains(&format!("is made for {other}, and this engine runs on {own}")), "{lines:?}");
}

#[test]
fn the_newest_version_of_a_curated_environment_is_answered_from_what_is_here_and_says_what_it_cannot_know() {
    let mut ground = Ground::with("");
    // Nobody listens there, as in a network that is closed.
    let mirror = format!("127.0.0.1:9/story-{}", std::process::id());
    ground.set("AML_DEBUG_IMAGE_REWRITE", format!("mcr.microsoft.com/azureml/curated={mirror}"));
    let run = |environment: &str, more: &[&str]| {
        let job = format!("type: command\ncommand: echo hello\nenvironment: azureml:{environment}\n");
        fs::write(ground.path("job.yml"), job).unwrap();
        ground.call(["run", "job.yml", "--json"].iter().chain(more))
    };
    let old = format!("{mirror}/iris:24");
    docker(&["tag", engine::base(), &old]);
    let unknown = run("AzureML-iris@latest", &[]).with_code(3);
    let said = told(&unknown.result()["failure"]);
    assert!(said.contains(&format!("the image {mirror}/iris:latest could not be pulled")), "{said}");
    assert!(said.contains(&format!("other versions of it are here: {old}")), "{said}");

    let newest = format!("{mirror}/iris:latest");
    docker(&["tag", engine::base(), &newest]);
    let ended = run("AzureML-iris@latest", &[]).with_code(0);
    assert_eq!(ended.log("driver"), ["hello"]);
    let said = ended.log("control").join("\n");
    assert!(said.contains(&format!("AzureML-iris@latest stands for the image {newest}")), "{said}");
    assert!(said.contains("built on 2") && said.contains("not known: --pull asks"), "{said}");
    let asked = told(&run("AzureML-iris@latest", &["--pull"]).with_code(3).result()["failure"]);
    assert!(asked.contains("could not be pulled"), "{asked}");

    // A version that is named is what it is.
    let said = run("AzureML-iris:24", &[]).with_code(0).log("control").join("\n");
    assert!(said.contains(&old) && !said.contains("not known"), "{said}");
    // What only a workspace can tell is not guessed.
    let said = told(&run("iris@latest", &[]).with_code(2).result()["failure"]);
    assert!(said.contains("cannot be known without a signed-in workspace"), "{said}");
    docker(&["rmi", &old, &newest]);
    ground.leaves_nothing();
}
