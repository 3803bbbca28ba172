//! Packages from where not everybody may go: an index that asks for a password, git over ssh and over HTTP. The
//! build gets in, and nothing of the key to it is found afterwards.

use crate::conda;
use crate::support::engine::{self, docker, docker_says};
use crate::support::program::{Ended, told};
use crate::support::{Ground, until};
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// An index of one package and a file server, for whoever knows the password. It passes on to the usual index what
/// it has not.
const SERVER: &str = r#"
import base64, hashlib, http.server, io, os, sys, time, zipfile

port, root, login, usual = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
wheel = io.BytesIO()
metadata = "Metadata-Version: 2.1\nName: hiddenstory\nVersion: 1.0\n"
with zipfile.ZipFile(wheel, "w") as archive:
    # Nobody has this one in a cache.
    archive.writestr("hiddenstory.py", "SAID = 'once upon a time'\n# %d\n" % time.time_ns())
    archive.writestr("hiddenstory-1.0.dist-info/METADATA", metadata)
    archive.writestr("hiddenstory-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    archive.writestr("hiddenstory-1.0.dist-info/RECORD", "")
NAME = "hiddenstory-1.0-py3-none-any.whl"
LINK = '<a href="/files/%s#sha256=%s" data-core-metadata="true">%s</a>'

class Handler(http.server.SimpleHTTPRequestHandler):
    def __init__(self, *rest):
        super().__init__(*rest, directory=root)

    def log_message(self, *rest):
        pass

    def answer(self, code, body=b"", **headers):
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.headers.get("Authorization") != "Basic " + base64.b64encode(login.encode()).decode():
            self.answer(401, WWW_Authenticate='Basic realm="story"')
        elif self.path.rstrip("/") == "/simple/hiddenstory":
            digest = hashlib.sha256(wheel.getvalue()).hexdigest()
            self.answer(200, (LINK % (NAME, digest, NAME)).encode(), Content_Type="text/html")
        elif self.path == "/files/" + NAME + ".metadata":
            self.answer(200, metadata.encode())
        elif self.path == "/files/" + NAME:
            with open(os.path.join(root, "fetched"), "a") as file:
                file.write(NAME + "\n")
            self.answer(200, wheel.getvalue(), Content_Type="application/octet-stream")
        elif self.path.startswith("/simple/"):
            self.answer(302, Location=usual + self.path[len("/simple"):])
        else:
            super().do_GET()

http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
"#;

/// A process that goes with the story.
struct Server(Child);

impl Server {
    fn start(command: &mut Command, host: &str) -> Self {
        let started = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let server = Self(started.unwrap_or_else(|error| panic!("{command:?}: {error}")));
        until("the server listens", || TcpStream::connect(host).ok());
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free() -> (u16, String) {
    let address = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port");
    (address.port(), address.to_string())
}

fn python_server(ground: &Ground, login: &str) -> (Server, String) {
    let (port, host) = free();
    let usual = std::env::var("PIP_INDEX_URL").unwrap_or_else(|_| "https://pypi.org/simple".to_owned());
    let mut command = Command::new("python3");
    command
        .args(["-c", SERVER, &port.to_string()])
        .arg(ground.beside(""))
        .args([login, usual.trim_end_matches('/')]);
    (Server::start(&mut command, &host), host)
}

fn sh(folder: &Path, line: &str) {
    let said = Command::new("sh").args(["-ec", line]).current_dir(folder).output().expect("a shell");
    assert!(said.status.success(), "{line}\n{}", String::from_utf8_lossy(&said.stderr));
}

/// A job whose environment has this line in its pip section; it prints what the package says.
fn write_job(ground: &Ground, image: &str, line: &str) {
    let job = "type: command\ncommand: python -c 'import hiddenstory; print(hiddenstory.SAID)'\n";
    fs::write(
        ground.path("job.yml"),
        format!("{job}environment:\n  image: {image}\n  conda_file: conda.yml\n"),
    )
    .expect("ours");
    fs::write(ground.path("conda.yml"), format!("dependencies:\n  - pip:\n      - {line}\n")).expect("ours");
}

/// Fails if the word is anywhere where somebody may look afterwards.
#[track_caller]
fn is_nowhere(ground: &Ground, image: &str, ended: &Ended, word: &str) {
    let history = docker(&["history", "--no-trunc", image]);
    let facts = docker(&["inspect", image]);
    for (place, text) in [("history", &history), ("inspect", &facts), ("output", &ended.stdout)] {
        assert!(!text.contains(word), "{place}: {text}");
    }
    let line = format!(
        "docker save {image} | grep -c --binary-files=text -F {word}; grep -rlF {word} {}",
        ground.home().display()
    );
    let said = Command::new("sh").args(["-c", &line]).output().expect("a shell");
    assert_eq!(String::from_utf8_lossy(&said.stdout).trim(), "0", "in the image or in the store");
    // What the builder keeps of its own: its records, in which the keys of its cache are.
    let root = PathBuf::from(docker(&["info", "--format", "{{.DockerRootDir}}"])).join("buildkit");
    let said = Command::new("grep").args(["-rlF", word]).arg(root).output().expect("grep");
    assert_eq!(String::from_utf8_lossy(&said.stdout).trim(), "", "in the builder's records");
}

fn secret(of: &str) -> String {
    format!("sesame-{of}-{}", std::process::id())
}

#[test]
fn an_index_with_a_password_is_used_and_the_password_is_nowhere() {
    let mut ground = Ground::with("");
    let word = secret("index");
    let (_server, host) = python_server(&ground, &format!("me:{word}"));
    write_job(&ground, engine::BASE, "hiddenstory");
    let in_address = format!("http://me:{word}@{host}/simple");
    let plain = format!("http://{host}/simple");
    let netrc = ground.beside("netrc");
    fs::write(&netrc, format!("machine 127.0.0.1 login me password {word}\n")).unwrap();
    let ways = [
        ("PIP_INDEX_URL", in_address.as_str(), false),
        ("PIP_EXTRA_INDEX_URL", in_address.as_str(), false),
        ("UV_DEFAULT_INDEX", in_address.as_str(), false),
        ("UV_INDEX", in_address.as_str(), false),
        ("PIP_INDEX_URL", plain.as_str(), true),
    ];
    for (name, address, by_file) in ways {
        ground.set(name, address);
        ground.set("NETRC", if by_file { netrc.display().to_string() } else { String::new() });
        let ended = ground.call(["run", "job.yml", "--rebuild", "--json"]).with_code(0);
        assert_eq!(ended.log("driver"), ["once upon a time"], "{name}");
        let image = ended.result()["image"].as_str().unwrap().to_owned();
        is_nowhere(&ground, &image, &ended, &word);
        docker_says(&["rmi", "--force", &image]);
        ground.set(name, "");
    }

    // Whom the index does not know is told where user and password go.
    ground.set("NETRC", "");
    ground.set("PIP_INDEX_URL", &plain);
    let said =
        told(&ground.call(["build", "job.yml", "--rebuild", "--json"]).with_code(3).result()["failure"]);
    assert!(said.contains("401") && said.contains("https://USER:PASSWORD@HOST/simple"), "{said}");
    ground.leaves_nothing();
}

#[test]
fn builds_share_what_they_have_downloaded_where_their_caches_have_the_same_name() {
    let mut ground = Ground::with("");
    let word = secret("cache");
    let (_server, host) = python_server(&ground, &format!("me:{word}"));
    write_job(&ground, engine::BASE, "hiddenstory");
    ground.set("PIP_INDEX_URL", format!("http://me:{word}@{host}/simple"));
    let mut image = String::new();
    for (cache, downloads) in [("one", 1), ("one", 1), ("other", 2)] {
        ground.set("AML_DEBUG_BUILD_CACHE", format!("aml-debug-story-{cache}"));
        let ended = ground.call(["run", "job.yml", "--rebuild", "--json"]).with_code(0);
        assert_eq!(ended.log("driver"), ["once upon a time"]);
        image = ended.result()["image"].as_str().unwrap().to_owned();
        let fetched = fs::read_to_string(ground.beside("fetched")).unwrap();
        assert_eq!(fetched.lines().count(), downloads, "downloads, after a build with the cache `{cache}`");
    }
    docker_says(&["rmi", "--force", &image]);
    ground.leaves_nothing();
}

const PRINTS_A_VERSION: &str =
    "type: command\ncommand: python -c 'import packaging; print(packaging.__version__)'\n";

#[test]
fn a_conda_channel_with_a_password_is_used_and_the_password_is_nowhere() {
    let base = conda::Base::make("login");
    let ground = Ground::with("");
    let container = docker(&["create", &base.0]);
    docker(&["cp", &format!("{container}:/channel"), &ground.beside("channel").display().to_string()]);
    docker(&["rm", &container]);
    let word = secret("channel");
    let (_server, host) = python_server(&ground, &format!("me:{word}"));
    let files = [
        (
            "job.yml",
            format!("{PRINTS_A_VERSION}environment:\n  image: {}\n  conda_file: conda.yml\n", engine::BASE),
        ),
        (
            "conda.yml",
            format!(
                "channels: ['http://me:{word}@{host}/channel', nodefaults]\ndependencies: [python, packaging]\n"
            ),
        ),
    ];
    for (name, text) in files {
        fs::write(ground.path(name), text).expect("ours");
    }
    let ended = ground.call(["run", "job.yml", "--json"]).with_code(0);
    assert_eq!(ended.log("driver"), ["21.0"]);
    let said = ended.log("control").join("\n");
    assert!(said.contains(&format!("+ rattler --channel http://{host}/channel packaging python")), "{said}");
    let image = ended.result()["image"].as_str().unwrap().to_owned();
    is_nowhere(&ground, &image, &ended, &word);
    docker(&["rmi", "--force", &image]);
    ground.leaves_nothing();
}

#[test]
fn a_password_in_the_conda_file_is_nowhere_else_and_a_rerun_finds_it_there() {
    let ground = Ground::with("");
    let word = secret("file");
    let (_server, host) = python_server(&ground, &format!("me:{word}"));
    let lines = |word: &str| format!("--extra-index-url http://me:{word}@{host}/simple\n      - hiddenstory");
    write_job(&ground, engine::BASE, &lines(&word));
    let ended = ground.call(["run", "job.yml", "--json"]).with_code(0);
    assert_eq!(ended.log("driver"), ["once upon a time"]);
    let (run, image) = (ended.result()["run"].clone(), ended.result()["image"].clone());
    let (run, image) = (run.as_str().unwrap(), image.as_str().unwrap());
    is_nowhere(&ground, image, &ended, &word);

    docker(&["rmi", "--force", image]);
    let again = ground.call(["rerun", run, "--json"]).with_code(0);
    assert_eq!((again.log("driver"), &again.result()["image"]), (ended.log("driver"), &image.into()));
    is_nowhere(&ground, image, &again, &word);

    // Another password is the same environment, and what an index says to a wrong one does not tell it on.
    let wrong = secret("wrong");
    write_job(&ground, engine::BASE, &lines(&wrong));
    let refused = ground.call(["build", "job.yml", "--rebuild", "--json"]).with_code(3);
    is_nowhere(&ground, image, &refused, &wrong);
    docker_says(&["rmi", "--force", image]);
    ground.leaves_nothing();
}

/// TLS in front of the engine's socket, as an engine on another machine has it: for whoever shows a certificate. What
/// a request for a build sends is written into a file.
const TLS: &str = r#"
import asyncio, os, ssl, sys

port, socket, folder = int(sys.argv[1]), sys.argv[2], sys.argv[3]

async def copy(source, to, kept):
    try:
        while True:
            piece = await source.read(65536)
            if not piece:
                break
            if kept:
                kept.write(piece)
                kept.flush()
            to.write(piece)
            await to.drain()
    except (OSError, ssl.SSLError):
        pass

async def serve(near, to_near):
    try:
        head = await near.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return to_near.close()
    kept = open(folder + "/sent", "ab") if b"/build?" in head.split(b"\r\n")[0] else None
    far, to_far = await asyncio.open_unix_connection(socket)
    to_far.write(head)
    sent = asyncio.ensure_future(copy(near, to_far, kept))
    await copy(far, to_near, None)
    sent.cancel()
    to_near.close()
    to_far.close()

async def main():
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=folder + "/ca.pem")
    context.load_cert_chain(folder + "/server.pem", folder + "/server-key.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    async with await asyncio.start_server(serve, "127.0.0.1", port, ssl=context) as server:
        await server.serve_forever()

asyncio.run(main())
"#;

/// An authority, and the certificates that it gives the engine and its user.
const CERTIFICATES: &str = "
    key='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2'
    openssl req -x509 $key -subj /CN=story -keyout ca-key.pem -out ca.pem
    for name in server client; do
        openssl req $key -subj /CN=$name -addext subjectAltName=IP:127.0.0.1 -keyout $name-key.pem -out $name.csr
        openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial -copy_extensions copy \
            -days 2 -out $name.pem
    done
    mkdir user && cp ca.pem user && cp client.pem user/cert.pem && cp client-key.pem user/key.pem";

#[test]
fn to_an_engine_behind_tls_a_password_goes_by_the_session_and_not_among_the_files() {
    let mut ground = Ground::with("");
    let word = secret("tls");
    let (_index, host) = python_server(&ground, &format!("me:{word}"));
    let folder = ground.beside("tls");
    fs::create_dir(&folder).unwrap();
    sh(&folder, CERTIFICATES);
    let (port, engine) = free();
    let mut command = Command::new("python3");
    command.args(["-c", TLS, &port.to_string(), &engine::socket()]).arg(&folder);
    let _engine = Server::start(&mut command, &engine);
    ground.set("DOCKER_HOST", format!("tcp://{engine}"));
    ground.set("DOCKER_TLS_VERIFY", "1");
    ground.set("DOCKER_CERT_PATH", folder.join("user").display().to_string());
    ground.set("PIP_EXTRA_INDEX_URL", format!("http://me:{word}@{host}/simple"));
    write_job(&ground, engine::BASE, "hiddenstory");
    let ended = ground.call(["run", "job.yml", "--rebuild", "--json"]).with_code(0);
    assert_eq!(ended.log("driver"), ["once upon a time"]);
    let image = ended.result()["image"].as_str().unwrap().to_owned();
    is_nowhere(&ground, &image, &ended, &word);
    let sent = fs::read(folder.join("sent")).expect("a build");
    let has = |text: &str| sent.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(has("environment.sh") && !has("hiddenstory") && !has(&word), "what the build sent");
    docker_says(&["rmi", "--force", &image]);

    // Whom the engine does not know it does not answer, and an engine that nobody vouches for is none.
    fs::remove_file(folder.join("user/cert.pem")).unwrap();
    let said = told(&ground.call(["run", "job.yml", "--json"]).with_code(3).result()["failure"]);
    assert!(said.contains(&format!("tcp://{engine} was cut")), "{said}");
    fs::remove_file(folder.join("user/ca.pem")).unwrap();
    let said = told(&ground.call(["run", "job.yml", "--json"]).with_code(3).result()["failure"]);
    assert!(said.contains("UnknownIssuer"), "{said}");
    ground.set("DOCKER_HOST", "");
    ground.set("DOCKER_TLS_VERIFY", "");
    ground.leaves_nothing();
}

/// The base image with git and both ends of ssh, made once for all times.
fn with_git() -> String {
    let name = "aml-debug-story/git:1";
    if docker_says(&["image", "inspect", name]).is_none() {
        let line = "apt-get update -q && apt-get install -y -q --no-install-recommends git openssh-client openssh-server && \
                    git config --system safe.directory '*'";
        let container = docker(&["create", engine::base(), "sh", "-c", line]);
        docker(&["start", "--attach", &container]);
        docker(&["commit", &container, name]);
        docker(&["rm", &container]);
    }
    name.to_owned()
}

/// A host that has the repository, and lets in whoever has the key; in a container, since a package of the
/// distribution would open a port of this machine to everybody.
struct Sshd(String);

impl Sshd {
    fn start(image: &str, keys: &Path, repository: &Path, port: u16) -> Self {
        let (keys, repository) = (keys.display(), repository.display());
        let line = format!(
            "mkdir -p /run/sshd && cp {keys}/host /host && chmod 600 /host && exec /usr/sbin/sshd -D -e -f /dev/null \
             -p {port} -h /host -o ListenAddress=127.0.0.1 -o AuthorizedKeysFile={keys}/authorized \
             -o StrictModes=no -o PermitRootLogin=yes -o PasswordAuthentication=no"
        );
        let volumes = [format!("{keys}:{keys}:ro"), format!("{repository}:{repository}:ro")];
        let words =
            ["run", "--detach", "--rm", "--network=host", "--volume", &volumes[0], "--volume", &volumes[1]];
        Self(docker(&[&words[..], &[image, "sh", "-c", &line]].concat()))
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        docker_says(&["rm", "--force", &self.0]);
    }
}

/// A repository with the package, for git's plain file access and for ssh.
fn repository(ground: &Ground) -> PathBuf {
    let work = ground.beside("package");
    fs::create_dir(&work).expect("ours");
    fs::write(work.join("hiddenstory.py"), "SAID = 'by git'\n").expect("ours");
    let project = "[build-system]\nrequires = ['setuptools']\nbuild-backend = 'setuptools.build_meta'\n[project]\nname = 'hiddenstory'\nversion = '2.0'\n[tool.setuptools]\npy-modules = ['hiddenstory']\n";
    fs::write(work.join("pyproject.toml"), project).expect("ours");
    sh(
        &work,
        "git init -q . && git add . && git -c user.name=x -c user.email=x@example.org commit -qm x && \
         git clone -q --bare . ../package.git && git -C ../package.git update-server-info",
    );
    ground.beside("package.git")
}

#[test]
fn git_over_ssh_asks_the_users_agent_and_git_over_http_the_users_netrc() {
    let image = with_git();
    let mut ground = Ground::with("");
    let repository = repository(&ground);
    let keys = ground.beside("keys");
    fs::create_dir_all(keys.join("home/.ssh")).unwrap();
    let (port, host) = free();
    sh(
        &keys,
        &format!(
            "ssh-keygen -q -t ed25519 -N '' -f host; ssh-keygen -q -t ed25519 -N '' -C story -f own; \
             cp own.pub authorized; printf '[127.0.0.1]:{port} %s\\n' \"$(cut -d' ' -f1,2 host.pub)\" > known"
        ),
    );
    let sshd = Sshd::start(&image, &keys, &repository, port);
    until("the server listens", || TcpStream::connect(&host).ok());
    write_job(&ground, &image, &format!("hiddenstory @ git+ssh://root@{host}{}", repository.display()));
    let build = |ground: &Ground| ground.call(["build", "job.yml", "--rebuild", "--json"]);
    let said = |ended: Ended| told(&ended.with_code(3).result()["failure"]);

    ground.set("HOME", keys.join("home").display().to_string());
    ground.set("SSH_AUTH_SOCK", "");
    let without = said(build(&ground));
    assert!(without.contains("is fetched over ssh, and no ssh agent runs here"), "{without}");

    let socket = keys.join("agent");
    let mut agent = Command::new("ssh-agent");
    agent.args(["-D", "-a"]).arg(&socket).stdin(Stdio::null()).stdout(Stdio::null());
    let _agent = Server(agent.spawn().expect("ssh-agent"));
    until("the agent listens", || socket.exists().then_some(()));
    ground.set("SSH_AUTH_SOCK", socket.display().to_string());
    let unknown = said(build(&ground));
    assert!(unknown.contains("Host key verification failed") && unknown.contains("known_hosts"), "{unknown}");

    fs::copy(keys.join("known"), keys.join("home/.ssh/known_hosts")).unwrap();
    let no_key = said(build(&ground));
    assert!(no_key.contains("Permission denied (publickey") && no_key.contains("ssh-add"), "{no_key}");

    sh(&keys, &format!("SSH_AUTH_SOCK={} ssh-add -q own", socket.display()));
    let ended = ground.call(["run", "job.yml", "--json"]).with_code(0);
    assert_eq!(ended.log("driver"), ["by git"]);
    let made = ended.result()["image"].as_str().unwrap().to_owned();
    let key = fs::read_to_string(keys.join("own")).unwrap();
    is_nowhere(&ground, &made, &ended, key.lines().nth(3).expect("a line of its own"));
    let known = fs::read_to_string(keys.join("known")).unwrap();
    is_nowhere(&ground, &made, &ended, known.trim().rsplit(' ').next().expect("the host's key"));
    docker_says(&["rmi", "--force", &made]);

    // And by HTTP, with the password in the address and in the file.
    let word = secret("git");
    let (_server, host) = python_server(&ground, &format!("me:{word}"));
    let netrc = ground.beside("netrc");
    fs::write(&netrc, format!("machine 127.0.0.1 login me password {word}\n")).unwrap();
    for (login, file) in
        [(format!("me:{word}@"), String::new()), (String::new(), netrc.display().to_string())]
    {
        ground.set("NETRC", file);
        write_job(&ground, &image, &format!("hiddenstory @ git+http://{login}{host}/package.git"));
        let ended = ground.call(["run", "job.yml", "--rebuild", "--json"]).with_code(0);
        assert_eq!(ended.log("driver"), ["by git"]);
        let made = ended.result()["image"].as_str().unwrap().to_owned();
        is_nowhere(&ground, &made, &ended, &word);
        docker_says(&["rmi", "--force", &made]);
    }
    drop(sshd);
    ground.leaves_nothing();
}
