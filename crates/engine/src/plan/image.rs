//! From environment to image: what the image is made of, and the name that follows from it.
//!
//! The name is the hash of what determines the content and of nothing else: the same dependencies on the
//! same base are the same image whoever asks, and a new password or proxy makes no new one.

pub mod context;
pub mod dockerfile;
pub mod dockerignore;
pub mod grown;
pub mod logins;
mod netrc;
mod requirements;

pub use requirements::refused;

use crate::debuggee::DEBUGPY;
use crate::ids::ImageRef;
use crate::message;
use crate::plan::ImageFacts;
use context::{BuildContext, ContextFacts};
use logins::Logins;
use requirements::{Requirements, redacted};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Goes up when the same parts give another image: a change of the Dockerfile or of the script that matters.
const RECIPE_VERSION: &str = "2";

/// The label with the folder of the environment in an image of ours.
const PREFIX: &str = "aml-debug.prefix";

/// The label with the number of images of ours that an image stands on.
const DEPTH: &str = "aml-debug.depth";

/// What runs in the build.
const SCRIPT: &str = include_str!("image/environment.sh");

/// What runs in the build of an image that only lacks the inference server.
const SERVER_SCRIPT: &str = include_str!("image/server.sh");

/// What git asks for a host's user and password.
const CREDENTIAL: &str = include_str!("image/credential.py");

/// Where the secrets are in a build.
const SECRETS: &str = "/run/aml-debug/secret";

/// How the files get into a build that is sent a folder, and what runs there.
const FOLDER: &str = "--mount=type=bind,target=/run/aml-debug/build";
const RUNS: &str = "sh /run/aml-debug/build/environment.sh";

/// The same in a build that is sent nothing: a secret that makes the files and runs the script.
const MADE: &str = "--mount=type=tmpfs,target=/run/aml-debug/build \
                    --mount=type=secret,id=environment.sh,target=/run/aml-debug/environment.sh";
const MAKES: &str = "sh /run/aml-debug/environment.sh";

/// What BuildKit takes as a secret at most.
const MOST_OF_A_SECRET: usize = 500 * 1024;

/// What the script fetches uv with.
const FETCH: &str = include_str!("image/fetch.py");

/// What the script runs where a base image without conda needs conda packages.
const CONDA: &str = include_str!("image/conda.py");

/// What the script asks for the packages that pip has to leave alone.
const PINNED: &str = include_str!("image/pinned.py");

/// Where the image comes from, as far as the spec alone decides it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum ImagePlan {
    /// The user's image as it is.
    Existing {
        /// The image, after image rewriting.
        reference: ImageRef,
    },
    /// An image built on the user's base image.
    Environment {
        /// The base, after image rewriting.
        base: ImageRef,
        /// What goes on top.
        packages: Packages,
    },
    /// An image built from a Docker build context of the user's.
    Context {
        /// The folder and its Dockerfile.
        context: BuildContext,
        /// What goes on top, in an image of its own.
        packages: Option<Packages>,
        /// Whether the inference server goes on top, where the image has none.
        #[serde(default)]
        server: bool,
    },
    /// The user's image with the inference server added to its own Python, where it has none.
    Server {
        /// The image, after image rewriting.
        base: ImageRef,
    },
}

impl ImagePlan {
    /// The image that the spec names, if it names one: it has to be on the engine before anything else.
    pub fn named(&self) -> Option<&ImageRef> {
        match self {
            ImagePlan::Existing { reference } => Some(reference),
            ImagePlan::Environment { base, .. } | ImagePlan::Server { base } => Some(base),
            ImagePlan::Context { .. } => None,
        }
    }

    /// What goes on top of it.
    pub fn packages(&self) -> Option<&Packages> {
        match self {
            ImagePlan::Environment { packages, .. } => Some(packages),
            ImagePlan::Context { packages, .. } => packages.as_ref(),
            ImagePlan::Existing { .. } | ImagePlan::Server { .. } => None,
        }
    }

    /// The image that has to be on the engine first: the one that the spec names, or the one that its
    /// Dockerfile begins with, where that can be told.
    pub fn base(&self, settings: &BuildSettings) -> Option<ImageRef> {
        match self {
            ImagePlan::Context { .. } => settings.context.as_ref().and_then(context::base),
            _ => self.named().cloned(),
        }
    }
}

/// The content of a conda file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Packages {
    /// Version asked for in the conda file, `3.11`; `None` takes the base image's.
    pub python: Option<String>,
    /// Everything that conda has to solve, Python included, sorted. Empty where Python and pip packages are
    /// all that is asked for: that needs no conda.
    pub conda: Vec<String>,
    /// Where conda looks, the first one first.
    pub channels: Vec<String>,
    /// Whether they go into the image's own Python; else an environment is made for them.
    pub into_own: bool,
    /// Requirement lines, normalised and sorted; options such as `--extra-index-url …` first.
    pub pip: Vec<String>,
    /// The file in which addresses have the users and passwords that they have not here: a plan is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logins_in: Option<PathBuf>,
}

impl ImagePlan {
    /// The same image with debugpy as one more dependency, unless the file asks for one itself.
    pub fn with_debugpy(self) -> Self {
        let debugpy = || Packages { into_own: true, pip: debugpy_requirements(), ..Packages::default() };
        match self {
            ImagePlan::Existing { reference } => {
                ImagePlan::Environment { base: reference, packages: debugpy() }
            }
            ImagePlan::Environment { base, packages } => {
                ImagePlan::Environment { base, packages: packages.with_debugpy() }
            }
            // Whose Python the server runs in is found out in the build.
            plan @ (ImagePlan::Server { .. } | ImagePlan::Context { server: true, packages: None, .. }) => {
                plan
            }
            ImagePlan::Context { context, packages, server } => {
                let packages = packages.map_or_else(debugpy, Packages::with_debugpy);
                ImagePlan::Context { context, packages: Some(packages), server }
            }
        }
    }
}

/// The debugpy that fits, whatever the Python and the machine: a line for each release that is needed. Which
/// file of a release it is (compiled for glibc on amd64 and arm64, pure Python elsewhere) is the index's to tell.
pub fn debugpy_requirements() -> Vec<String> {
    let [current, older] = DEBUGPY.map(|wheel| wheel.version);
    vec![
        format!("debugpy=={current}; python_version >= '3.10'"),
        format!("debugpy=={older}; python_version < '3.10'"),
    ]
}

impl Packages {
    fn with_debugpy(mut self) -> Self {
        let is_debugpy = |line: &String| {
            let rest = line.strip_prefix("debugpy");
            rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || "-_.".contains(c)))
        };
        if !self.pip.iter().chain(&self.conda).any(is_debugpy) {
            self.pip.extend(debugpy_requirements());
        }
        self
    }

    /// The same without users and passwords in its addresses, which stay in the file.
    pub(crate) fn without_logins(mut self, file: &Path) -> Self {
        for line in self.pip.iter_mut().chain(&mut self.conda).chain(&mut self.channels) {
            let kept = logins::without(line);
            if kept != *line {
                *line = kept;
                self.logins_in = Some(file.to_owned());
            }
        }
        self
    }

    /// Whether anything has to be installed.
    pub fn asks_for_something(&self) -> bool {
        self.python.is_some() || !self.conda.is_empty() || !self.pip.is_empty()
    }
}

/// What of this machine's settings reaches a build and changes its result or its success.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BuildSettings {
    /// Name of the builder's cache for packages and the tools that install them.
    pub cache: String,
    /// PEM bundle of the host, where it differs from the image's; empty if none is set.
    pub ca_bundle: Vec<u8>,
    /// `PIP_INDEX_URL`, `UV_INDEX_URL` and their extra forms, without credentials in the name of the image.
    pub index: BTreeMap<String, String>,
    /// What [`Packages::logins_in`] says.
    pub logins: Logins,
    /// The text of the user's `.netrc`; of it, only the entries of the build's own hosts reach the build.
    pub netrc: String,
    /// The socket of the user's ssh agent, if one runs.
    pub agent: Option<PathBuf>,
    /// The text of the user's `known_hosts`.
    pub known_hosts: String,
    /// `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`; they never enter the image or its name.
    pub proxy: BTreeMap<String, String>,
    /// What is in the build context, where the plan has one.
    pub context: Option<ContextFacts>,
}

/// Everything a build needs, and the name of what it makes.
#[derive(Debug, Clone, PartialEq)]
pub struct Recipe {
    /// `aml-debug/env:<first 16 hex digits of the hash of the parts>`.
    pub name: ImageRef,
    /// What the name is the hash of: part name → normalised content.
    pub parts: BTreeMap<String, String>,
    /// The image it begins with, where that is known.
    pub base: Option<ImageRef>,
    /// The Dockerfile.
    pub dockerfile: String,
    /// Its name in the archive that is sent.
    pub dockerfile_path: String,
    /// Other files of ours in that archive: path → bytes.
    pub context: BTreeMap<String, Vec<u8>>,
    /// What the build may read and nobody else: file name → bytes. They are in no layer, no history and no key of
    /// the builder's cache.
    pub secrets: BTreeMap<String, Vec<u8>>,
    /// The ssh agent that the build may ask, if it has to.
    pub agent: Option<PathBuf>,
    /// A folder of the user's, and what of it is sent.
    pub folder: Option<(BuildContext, ContextFacts)>,
    /// Build arguments of BuildKit that stay out of the image's history (proxy settings).
    pub arguments: BTreeMap<String, String>,
    /// Labels of the image.
    pub labels: BTreeMap<String, String>,
    /// Name of the builder's cache for packages.
    pub cache: String,
    /// Whether the build needs the engine's own network: its index, channel or proxy listens on loopback.
    pub host_network: bool,
    /// Whether no step may be taken from the builder's cache.
    pub afresh: bool,
}

/// The recipe of the user's own build context; `None` if the plan has none. `base` is the image that its
/// Dockerfile begins with, where that can be told.
pub fn context_recipe(
    plan: &ImagePlan,
    base: Option<&ImageFacts>,
    settings: &BuildSettings,
) -> Option<Recipe> {
    let (ImagePlan::Context { context, .. }, Some(facts)) = (plan, &settings.context) else { return None };
    let host_network = settings.proxy.values().any(|address| on_loopback(address));
    Some(context::recipe(context, facts, base, proxies(&settings.proxy), host_network))
}

/// The recipe of the packages on top of `base`; `None` if the plan has none.
///
/// The certificates are no part of the name: they decide whether a package can be fetched, not which, and
/// they stay out of the image. The same goes for proxies and for the credentials of an index.
pub fn recipe(plan: &ImagePlan, base: &ImageFacts, settings: &BuildSettings) -> Option<Recipe> {
    let packages = match plan {
        ImagePlan::Environment { packages, .. } | ImagePlan::Context { packages: Some(packages), .. } => {
            packages
        }
        ImagePlan::Server { .. } | ImagePlan::Context { server: true, .. } => {
            return Some(server_recipe(base, settings));
        }
        ImagePlan::Existing { .. } | ImagePlan::Context { packages: None, .. } => return None,
    };
    let full = |lines: &[String]| -> Vec<String> {
        lines.iter().map(|line| logins::with(line, &settings.logins)).collect()
    };
    let mut requirements = Requirements::of(&full(&packages.pip));
    let agent = agent(&mut requirements, settings);
    let index = Index::of(settings, &requirements);
    let python = version_asked(packages.python.as_deref());
    // The same image whether or not the passwords are at hand.
    let mut parts = parts(base, &python, &Requirements::of(&packages.pip), &index);
    if packages.into_own {
        parts.insert("into".to_owned(), "the image's own Python".to_owned());
    }
    if !packages.conda.is_empty() {
        parts.insert("conda".to_owned(), packages.conda.join("\n") + "\n");
        parts.insert("channels".to_owned(), redacted(&packages.channels.join("\n")));
    }
    let hash = hash(&parts);
    let short = &hash[..16];
    let prefix = format!("/azureml-envs/azureml_{short}");
    let with_logins =
        Packages { conda: full(&packages.conda), channels: full(&packages.channels), ..packages.clone() };
    let Files { context, secrets } = files(&prefix, &with_logins, &python, &requirements, &index, settings);
    let mounts = mounts(&secrets, agent.is_some());
    let addresses = index.addresses().map(String::as_str).chain(requirements.addresses());
    let channels = packages.channels.iter().map(String::as_str);
    let mut addresses = settings.proxy.values().map(String::as_str).chain(addresses).chain(channels);
    let host_network = addresses.any(on_loopback);
    Some(Recipe {
        name: ImageRef(format!("aml-debug/env:{short}")),
        base: Some(base.reference.clone()),
        dockerfile: dockerfile(
            base,
            &settings.cache,
            &mounts,
            (!packages.into_own).then_some(prefix.as_str()),
        ),
        dockerfile_path: "Dockerfile".to_owned(),
        context,
        secrets,
        agent,
        folder: None,
        arguments: proxies(&settings.proxy),
        cache: settings.cache.clone(),
        labels: if packages.into_own { labels(&parts) } else { labels_with(&parts, &prefix) },
        host_network,
        afresh: false,
        parts,
    })
}

/// The inference server on top of an image, as its own user finds it.
fn server_recipe(base: &ImageFacts, settings: &BuildSettings) -> Recipe {
    let requirements = Requirements::of(&["azureml-inference-server-http".to_owned()]);
    let index = Index::of(settings, &requirements);
    let mut parts = parts(base, "", &requirements, &index);
    // Goes up with the script.
    parts.insert("kind".to_owned(), "server 2".to_owned());
    let short = &hash(&parts)[..16];
    let Files { mut context, secrets } = files("", &Packages::default(), "", &requirements, &index, settings);
    let mounts = mounts(&secrets, false);
    context.insert("environment.sh".to_owned(), SERVER_SCRIPT.as_bytes().to_vec());
    let reference = &base.reference;
    let (user, cache) = (if base.user.is_empty() { "root" } else { &base.user }, &settings.cache);
    Recipe {
        name: ImageRef(format!("aml-debug/env:{short}")),
        base: Some(reference.clone()),
        dockerfile_path: "Dockerfile".to_owned(),
        folder: None,
        afresh: false,
        dockerfile: format!(
            "FROM {reference}\n\
             USER root\n\
             RUN {FOLDER}{mounts} \
             --mount=type=cache,id={cache},target=/run/aml-debug/cache \
             {RUNS}\n\
             USER {user}\n"
        ),
        context,
        secrets,
        agent: None,
        arguments: proxies(&settings.proxy),
        labels: labels(&parts),
        cache: settings.cache.clone(),
        host_network: settings.proxy.values().chain(index.addresses()).any(|address| on_loopback(address)),
        parts,
    }
}

fn parts(
    base: &ImageFacts,
    python: &str,
    requirements: &Requirements,
    index: &Index,
) -> BTreeMap<String, String> {
    let mut pip = redacted(&requirements.file());
    if requirements.prereleases {
        pip.insert_str(0, "--pre\n");
    }
    let parts = [
        ("base", base.id.clone()),
        ("python", python.to_owned()),
        ("pip", pip),
        ("index", redacted(&index.addresses().cloned().collect::<Vec<_>>().join("\n"))),
        ("recipe", RECIPE_VERSION.to_owned()),
    ];
    parts.into_iter().map(|(name, content)| (name.to_owned(), content)).collect()
}

/// SHA-256 over names and contents, each with its length before it, so that no two sets of parts run together.
fn hash(parts: &BTreeMap<String, String>) -> String {
    let mut sha = Sha256::new();
    for text in parts.iter().flat_map(|(name, content)| [name, content]) {
        sha.update((text.len() as u64).to_be_bytes());
        sha.update(text.as_bytes());
    }
    sha.finalize().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The variables are those of Azure's own environment images, and the user is theirs as well. What goes into the
/// image's own Python changes neither.
fn dockerfile(base: &ImageFacts, cache: &str, mounts: &str, prefix: Option<&str>) -> String {
    let build = install(&base.reference, cache, mounts);
    match prefix {
        Some(prefix) => format!(
            "{build}ENV PATH={prefix}/bin:$PATH VIRTUAL_ENV={prefix} AZUREML_CONDA_ENVIRONMENT_PATH={prefix} \
             AZUREML_ENVIRONMENT_IMAGE=True\n"
        ),
        None if base.user.is_empty() => build,
        None => format!("{build}USER {}\n", base.user),
    }
}

/// The script, on an image.
fn install(base: &ImageRef, cache: &str, mounts: &str) -> String {
    format!(
        "FROM {base}\n\
         USER root\n\
         RUN {FOLDER} \
         --mount=type=cache,id={cache},target=/run/aml-debug/cache{mounts} \
         {RUNS}\n"
    )
}

/// What a step has to be given for the secrets and for the ssh agent.
fn mounts(secrets: &BTreeMap<String, Vec<u8>>, agent: bool) -> String {
    let secrets =
        secrets.keys().map(|name| format!(" --mount=type=secret,id={name},target={SECRETS}/{name}"));
    secrets.chain(agent.then(|| " --mount=type=ssh".to_owned())).collect()
}

/// The agent, if a package is fetched over ssh. Without one that package is refused.
fn agent(requirements: &mut Requirements, settings: &BuildSettings) -> Option<PathBuf> {
    let line = requirements.over_ssh()?;
    if settings.agent.is_none() {
        let refusal = message!("image.git-ssh", line = redacted(line));
        requirements.refused.push(refusal);
    }
    settings.agent.clone()
}

/// What a build is sent: what anybody may see, and what nobody may.
struct Files {
    context: BTreeMap<String, Vec<u8>>,
    secrets: BTreeMap<String, Vec<u8>>,
}

fn files(
    prefix: &str,
    packages: &Packages,
    python: &str,
    requirements: &Requirements,
    index: &Index,
    settings: &BuildSettings,
) -> Files {
    let mut variables = vec![("prefix", prefix.to_owned()), ("asked", python.to_owned())];
    let refused: Vec<String> = requirements.refused.iter().map(ToString::to_string).collect();
    variables.push(("refused", refused.join("\n")));
    variables.push(("own", if packages.into_own { "yes" } else { "" }.to_owned()));
    variables.push(("kept", versioned(&packages.conda).join(" ")));
    let mut script = variables
        .iter()
        .fold(String::new(), |text, (name, value)| text + &format!("{name}={}\n", quoted(value)));
    let mut hidden = String::new();
    for (name, lines) in [("conda", &packages.conda), ("channels", &packages.channels)] {
        let value = lines.join("\n");
        let shown = redacted(&value);
        script += &format!("{name}={}\n", quoted(&shown));
        if shown != value {
            hidden += &format!("{name}={}\n", quoted(&value));
        }
    }
    for (name, value) in index.variables(requirements) {
        let shown = redacted(&value);
        script += &format!("export {name}={}\n", quoted(&shown));
        if shown != value {
            hidden += &format!("export {name}={}\n", quoted(&value));
        }
    }
    let named = requirements.file();
    let shown = redacted(&named);
    let hosts: Vec<&str> = index
        .addresses()
        .map(String::as_str)
        .chain(named.split_whitespace())
        .filter_map(netrc::host)
        .collect();
    let netrc = netrc::entries(&settings.netrc, &hosts);
    let over_ssh = requirements.over_ssh().is_some();
    let secrets = [
        ("settings.sh", hidden),
        ("requirements.txt", if shown == named { String::new() } else { named.clone() }),
        ("netrc", netrc),
        // It names the hosts that the user works with.
        ("known_hosts", if over_ssh { settings.known_hosts.clone() } else { String::new() }),
    ];
    let secrets = secrets.into_iter().filter(|(_, text)| !text.is_empty());
    let secrets = secrets.map(|(name, text)| (name.to_owned(), text.into_bytes())).collect();
    let mut context = BTreeMap::from([
        ("environment.sh".to_owned(), SCRIPT.as_bytes().to_vec()),
        ("fetch.py".to_owned(), FETCH.as_bytes().to_vec()),
        ("credential.py".to_owned(), CREDENTIAL.as_bytes().to_vec()),
        ("conda.py".to_owned(), CONDA.as_bytes().to_vec()),
        ("pinned.py".to_owned(), PINNED.as_bytes().to_vec()),
        ("settings.sh".to_owned(), script.into_bytes()),
        ("requirements.txt".to_owned(), shown.into_bytes()),
    ]);
    if !settings.ca_bundle.is_empty() {
        context.insert("ca.pem".to_owned(), settings.ca_bundle.clone());
    }
    Files { context, secrets }
}

impl Recipe {
    /// The same with its files as a secret, for a builder that can ask for secrets: a folder that is sent is stored,
    /// unpacked and hashed before the first command runs, which takes as long as everything else before it. `mark`
    /// makes it another build than any before. `None` where the files have to be sent.
    pub fn without_a_folder(&self, mark: &str) -> Option<Recipe> {
        if self.folder.is_some() || self.context.is_empty() {
            return None;
        }
        let text = |bytes: &Vec<u8>| String::from_utf8(bytes.clone()).ok();
        let files = self.context.iter().map(|(name, bytes)| Some((name.clone(), text(bytes)?)));
        let mut files: BTreeMap<String, String> = files.collect::<Option<_>>()?;
        files.insert("mark".to_owned(), mark.to_owned());
        // What is in a secret makes no difference to BuildKit, so the command says what it is.
        let digest = hash(&files);
        files.remove("mark");
        let mut script = String::from("set -eu\n");
        for (name, text) in &files {
            let _ = write!(script, "cat >/run/aml-debug/build/{name} <<'{digest}'\n{text}");
            script += if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
            let _ = writeln!(script, "{digest}");
        }
        let _ = writeln!(script, "exec {RUNS}");
        let mut secrets = self.secrets.clone();
        secrets.insert("environment.sh".to_owned(), script.into_bytes());
        let dockerfile = self.dockerfile.replace(FOLDER, MADE);
        let dockerfile = dockerfile.replace(RUNS, &format!("{MAKES} {}", &digest[..16]));
        let is_small = secrets.values().all(|secret| secret.len() < MOST_OF_A_SECRET);
        is_small.then(|| Recipe { dockerfile, context: BTreeMap::new(), secrets, ..self.clone() })
    }

    /// Whether the build needs what nobody else may see.
    pub fn asks_for_secrets(&self) -> bool {
        !self.secrets.is_empty() || self.agent.is_some()
    }

    /// The secrets as files among those that are sent, for builders that know no other way.
    pub fn secret_files(&self) -> BTreeMap<String, Vec<u8>> {
        self.secrets.iter().map(|(name, bytes)| (format!("secret/{name}"), bytes.clone())).collect()
    }

    /// The passwords among the secrets, which no line of the build's log may show.
    pub fn passwords(&self) -> Vec<Vec<u8>> {
        let texts = self.secrets.iter().filter(|(name, _)| *name != "known_hosts");
        let mut found: Vec<String> =
            texts.flat_map(|(_, bytes)| requirements::passwords(&String::from_utf8_lossy(bytes))).collect();
        // What holds another one goes first.
        found.sort_by_key(|password| std::cmp::Reverse(password.len()));
        found.dedup();
        found.into_iter().map(String::into_bytes).collect()
    }
}

/// The names of the packages that are asked for in a version.
fn versioned(conda: &[String]) -> Vec<String> {
    let parts = conda.iter().map(|spec| {
        let spec = spec.rsplit("::").next().unwrap_or(spec);
        spec.split_at(spec.find(|c: char| !(c.is_alphanumeric() || "-_.".contains(c))).unwrap_or(spec.len()))
    });
    parts
        .filter(|(_, version)| !version.trim().is_empty())
        .map(|(name, _)| name.replace(['_', '.'], "-"))
        .collect()
}

fn labels(parts: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let kind = ("aml-debug.kind".to_owned(), "environment".to_owned());
    let parts = parts.iter().map(|(name, content)| (format!("aml-debug.part.{name}"), content.clone()));
    parts.chain([kind]).collect()
}

fn labels_with(parts: &BTreeMap<String, String>, prefix: &str) -> BTreeMap<String, String> {
    let mut labels = labels(parts);
    labels.insert(PREFIX.to_owned(), prefix.to_owned());
    labels
}

/// Where packages come from on this machine, pip's and uv's words for it taken together.
struct Index {
    default: Option<String>,
    extra: Vec<String>,
    links: Vec<String>,
    trusted: Vec<String>,
}

impl Index {
    fn of(settings: &BuildSettings, requirements: &Requirements) -> Self {
        let value = |names: &[&str]| {
            names.iter().filter_map(|&name| settings.index.get(name)).find(|value| !value.trim().is_empty())
        };
        let list = |names: &[&str]| -> Vec<String> {
            value(names).into_iter().flat_map(|list| list.split_whitespace()).map(unnamed).collect()
        };
        let default = value(&["UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"]);
        Self {
            // What the file itself says wins, as it does for pip.
            default: default.filter(|_| !requirements.names_an_index()).map(|url| unnamed(url.trim())),
            extra: list(&["UV_INDEX", "UV_EXTRA_INDEX_URL", "PIP_EXTRA_INDEX_URL"]),
            // A folder of this machine is not there in the build.
            links: list(&["UV_FIND_LINKS", "PIP_FIND_LINKS"])
                .into_iter()
                .filter(|place| place.starts_with("http"))
                .collect(),
            trusted: [list(&["UV_INSECURE_HOST", "PIP_TRUSTED_HOST"]), requirements.trusted.clone()].concat(),
        }
    }

    fn addresses(&self) -> impl Iterator<Item = &String> {
        self.default.iter().chain(&self.extra).chain(&self.links)
    }

    /// For uv, and for the pip that fetches uv.
    fn variables(&self, requirements: &Requirements) -> Vec<(&'static str, String)> {
        let mut variables = Vec::new();
        let mut both = |uv, pip, value: String, separator: &str| {
            if !value.is_empty() {
                variables.push((uv, value.replace(' ', separator)));
                variables.push((pip, value));
            }
        };
        both("UV_DEFAULT_INDEX", "PIP_INDEX_URL", self.default.clone().unwrap_or_default(), " ");
        both("UV_INDEX", "PIP_EXTRA_INDEX_URL", self.extra.join(" "), " ");
        both("UV_FIND_LINKS", "PIP_FIND_LINKS", self.links.join(" "), ",");
        both("UV_INSECURE_HOST", "PIP_TRUSTED_HOST", self.trusted.join(" "), " ");
        if !self.extra.is_empty() || requirements.has_extra_index() {
            // pip takes the best version of all indexes, and pip is what Azure uses.
            variables.push(("UV_INDEX_STRATEGY", "unsafe-best-match".to_owned()));
        }
        if requirements.prereleases {
            variables.push(("UV_PRERELEASE", "allow".to_owned()));
        }
        variables
    }
}

/// uv lets an index have a name before its address, `name=https://…`; pip does not.
fn unnamed(address: &str) -> String {
    match address.split_once('=') {
        Some((name, url)) if !name.contains(['/', ':']) => url.to_owned(),
        _ => address.to_owned(),
    }
}

/// BuildKit hands these to the steps of a build and keeps them out of the image and its history. Programs
/// differ in which spelling they look for.
fn proxies(settings: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    const NAMES: [&str; 5] = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "FTP_PROXY"];
    let both = |(name, value): (&String, &String)| {
        let upper = name.to_uppercase();
        let known = NAMES.contains(&upper.as_str()) && !value.is_empty();
        let spellings = [upper.clone(), upper.to_lowercase()];
        known.then(|| spellings.map(|name| (name, value.clone()))).into_iter().flatten()
    };
    settings.iter().flat_map(both).collect()
}

fn on_loopback(address: &str) -> bool {
    let clean = redacted(address);
    let host = clean.split_once("://").map_or(clean.as_str(), |(_, host)| host);
    let lists_hosts = host.contains(',');
    !lists_hosts
        && clean.contains("://")
        && ["localhost", "127.", "[::1]"].iter().any(|here| host.starts_with(here))
}

/// What uv understands of conda's way to ask for a Python: `=3.11`, `3.11.*`, `3.11=build`, `>=3.8,<3.12`.
fn version_asked(asked: Option<&str>) -> String {
    let asked: String = asked.unwrap_or_default().chars().filter(|c| !c.is_whitespace()).collect();
    let plain = asked.trim_start_matches('=');
    if !plain.starts_with(|c: char| c.is_ascii_digit()) {
        return asked;
    }
    let version = plain.split('=').next().unwrap_or_default();
    version.trim_end_matches(".*").trim_end_matches('*').to_owned()
}

/// For a shell: nothing in single quotes means anything but the quote itself.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests;
