//! Settings: from flags, then `AML_DEBUG_*` variables, then the editor. The one place that reads the
//! process's environment.
//!
//! [`Setting::ALL`] is the one list. The editor's contribution, the documentation and the reading here
//! follow from it, and a value that does not fit is refused with the name of the place it came from.

mod env_file;

pub use env_file::read_env_file;

use crate::files;
use docker::EngineSettings;
use engine::failure::{Blame, Failure};
use engine::message;
use engine::message::Message;
use engine::plan::image::BuildSettings;
use engine::plan::rewrite::ImageRewrite;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// One thing that can be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Setting {
    /// Folder of the workspace store and of all runs.
    Home,
    /// Archive with debugpy.
    Bundle,
    /// Images that are taken from elsewhere.
    ImageRewrite,
    /// How debugpy gets into a container.
    Debugger,
    /// The builder's cache for packages.
    BuildCache,
    /// Address of the container engine.
    DockerHost,
    /// Seconds that a debuggee waits for a debugger.
    Wait,
    /// Days after which finished runs are removed.
    KeepRunsDays,
    /// Seconds that the container of a debugged run is kept for the next.
    KeepWarm,
    /// Whether stepping skips library code.
    JustMyCode,
    /// What is logged to standard error.
    Log,
}

/// What a setting's value looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An absolute path, or one from the current folder.
    Path,
    /// Texts; in a variable, with commas between.
    List,
    /// A text.
    Text,
    /// A whole number, zero included.
    Number,
    /// `true` or `false`.
    Switch,
}

impl Setting {
    /// All of them, in the order of the documentation.
    pub const ALL: [Setting; 11] = [
        Setting::Home,
        Setting::Bundle,
        Setting::ImageRewrite,
        Setting::Debugger,
        Setting::BuildCache,
        Setting::DockerHost,
        Setting::Wait,
        Setting::KeepRunsDays,
        Setting::KeepWarm,
        Setting::JustMyCode,
        Setting::Log,
    ];

    /// The environment variable.
    pub fn variable(self) -> &'static str {
        match self {
            Setting::Home => "AML_DEBUG_HOME",
            Setting::Bundle => "AML_DEBUG_BUNDLE",
            Setting::ImageRewrite => "AML_DEBUG_IMAGE_REWRITE",
            Setting::Debugger => "AML_DEBUG_DEBUGGER",
            Setting::BuildCache => "AML_DEBUG_BUILD_CACHE",
            Setting::DockerHost => "AML_DEBUG_DOCKER_HOST",
            Setting::Wait => "AML_DEBUG_WAIT",
            Setting::KeepRunsDays => "AML_DEBUG_KEEP_RUNS_DAYS",
            Setting::KeepWarm => "AML_DEBUG_KEEP_WARM",
            Setting::JustMyCode => "AML_DEBUG_JUST_MY_CODE",
            Setting::Log => "AML_DEBUG_LOG",
        }
    }

    /// The editor's key behind `amlDebug.`.
    pub fn key(self) -> &'static str {
        match self {
            Setting::Home => "home",
            Setting::Bundle => "bundle",
            Setting::ImageRewrite => "imageRewrite",
            Setting::Debugger => "debugger",
            Setting::BuildCache => "buildCache",
            Setting::DockerHost => "dockerHost",
            Setting::Wait => "wait",
            Setting::KeepRunsDays => "keepRunsDays",
            Setting::KeepWarm => "keepWarm",
            Setting::JustMyCode => "justMyCode",
            Setting::Log => "log",
        }
    }

    /// What its value looks like.
    pub fn kind(self) -> Kind {
        match self {
            Setting::Home | Setting::Bundle => Kind::Path,
            Setting::ImageRewrite => Kind::List,
            Setting::DockerHost | Setting::Log | Setting::Debugger | Setting::BuildCache => Kind::Text,
            Setting::Wait | Setting::KeepRunsDays | Setting::KeepWarm => Kind::Number,
            Setting::JustMyCode => Kind::Switch,
        }
    }

    /// The value where nobody sets one; `None` where that depends on the machine.
    pub fn default(self) -> Option<&'static str> {
        match self {
            // A command that ends keeps nothing by itself; a process that stays does.
            Setting::Home | Setting::Bundle | Setting::DockerHost | Setting::KeepWarm => None,
            Setting::ImageRewrite => Some(""),
            // The image stays as it is.
            Setting::Debugger => Some("volume"),
            Setting::BuildCache => Some("aml-debug"),
            // As the published page's `--remote_debug_connection_timeout`.
            Setting::Wait => Some("300"),
            // Never: outputs are the user's work.
            Setting::KeepRunsDays => Some("0"),
            Setting::JustMyCode => Some("true"),
            Setting::Log => Some("warn"),
        }
    }

    /// What it does, for the documentation and the editor.
    pub fn description(self) -> Message {
        match self {
            Setting::Home => message!("settings.home"),
            Setting::Bundle => message!("settings.bundle"),
            Setting::ImageRewrite => message!("settings.image-rewrite"),
            Setting::Debugger => message!("settings.debugger"),
            Setting::BuildCache => message!("settings.build-cache"),
            Setting::DockerHost => message!("settings.docker-host"),
            Setting::Wait => message!("settings.wait"),
            Setting::KeepRunsDays => message!("settings.keep-runs-days"),
            Setting::KeepWarm => message!("settings.keep-warm"),
            Setting::JustMyCode => message!("settings.just-my-code"),
            Setting::Log => message!("settings.log"),
        }
    }
}

/// Variable in which an editor that starts this process hands over its `amlDebug` section, as JSON.
pub const EDITOR_VARIABLE: &str = "AML_DEBUG_EDITOR_SETTINGS";

/// Where settings come from. A plain value; nothing below reads the process's environment.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// What the command line says.
    pub flags: BTreeMap<Setting, String>,
    /// The environment's variables.
    pub environment: BTreeMap<String, String>,
    /// The editor's `amlDebug` section; null without an editor.
    pub editor: Value,
    /// The current folder.
    pub folder: PathBuf,
    /// The program's own file, beside which a distribution keeps its bundle.
    pub program: Option<PathBuf>,
}

impl Sources {
    /// This process's.
    pub fn of_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        let environment: BTreeMap<String, String> = std::env::vars_os().filter_map(text).collect();
        // What is no JSON says nothing; only our own extension writes it.
        let editor = environment.get(EDITOR_VARIABLE).and_then(|json| serde_json::from_str(json).ok());
        Self {
            flags: BTreeMap::new(),
            environment,
            editor: editor.unwrap_or_default(),
            folder: std::env::current_dir().unwrap_or_default(),
            program: std::env::current_exe().ok(),
        }
    }

    /// A variable that is set and not empty.
    fn variable(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn find(&self, setting: Setting) -> Result<Option<Found>, Failure> {
        if let Some(value) = self.flags.get(&setting) {
            return Ok(Some(Found { value: value.clone(), place: format!("--{}", dashed(setting.key())) }));
        }
        if let Some(value) = self.variable(setting.variable()) {
            return Ok(Some(Found { value: value.to_owned(), place: setting.variable().to_owned() }));
        }
        let place = format!("amlDebug.{}", setting.key());
        let value = match self.editor.get(setting.key()) {
            None | Some(Value::Null) => return Ok(None),
            // An empty text is the editor's way to say nothing.
            Some(Value::String(text)) if text.is_empty() => return Ok(None),
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Bool(on)) => on.to_string(),
            Some(Value::Array(items)) if items.iter().all(Value::is_string) => {
                items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")
            }
            Some(other @ (Value::Array(_) | Value::Object(_))) => {
                return Err(bad(&place, &other.to_string(), &expected(setting.kind())));
            }
        };
        Ok(Some(Found { value, place }))
    }
}

/// A value and where it was said.
struct Found {
    value: String,
    place: String,
}

fn dashed(key: &str) -> String {
    let dash = |letter: char| match letter.is_ascii_uppercase() {
        true => format!("-{}", letter.to_ascii_lowercase()),
        false => letter.to_string(),
    };
    key.chars().map(dash).collect()
}

/// Everything resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Folder of the workspace store and of all runs; absolute.
    pub home: PathBuf,
    /// Archive with debugpy: the one that was set, or the one beside the program.
    pub bundle: Option<PathBuf>,
    /// Image rewriting, in the order given.
    pub rewrites: Vec<ImageRewrite>,
    /// Whether debugpy gets into a debugged run's container as a part of its image.
    pub debugpy_in_image: bool,
    /// Name of the builder's cache for packages.
    pub build_cache: String,
    /// Which container engine.
    pub engine: EngineSettings,
    /// Seconds that a debuggee waits for a debugger.
    pub wait_s: u32,
    /// Days after which a finished run is removed; `None` keeps all.
    pub keep_runs_days: Option<u32>,
    /// Seconds that the container of a debugged run is kept for the next; `None` where nobody says.
    pub keep_warm_s: Option<u32>,
    /// `justMyCode` of a new attach configuration.
    pub just_my_code: bool,
    /// Filter of the log on standard error, in the words of `tracing`.
    pub log: String,
    /// Who runs this process.
    pub host: Host,
    variables: BTreeMap<String, String>,
}

/// The user of this process, as a container has to know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Host {
    /// User and group; `None` where the platform has none.
    pub user: Option<(u32, u32)>,
}

impl Host {
    /// `uid:gid` for the container, so that what it writes is the user's; `None` leaves the image's own
    /// user. Root needs no other name, and an engine that belongs to the user maps its root to the user.
    pub fn container_user(&self, engine_is_the_users: bool) -> Option<String> {
        match self.user {
            Some((uid, gid)) if uid != 0 && !engine_is_the_users => Some(format!("{uid}:{gid}")),
            _ => None,
        }
    }
}

impl Settings {
    /// Settings of a process that no editor speaks to.
    pub fn from_environment() -> Result<Self, Failure> {
        Self::resolve(&Sources::of_process())
    }

    /// Resolves all of them, or says which value cannot be used.
    pub fn resolve(sources: &Sources) -> Result<Self, Failure> {
        let keep = number(sources, Setting::KeepRunsDays)?;
        Ok(Self {
            home: match path(sources, Setting::Home)? {
                Some(home) => home,
                None => default_home(sources).ok_or_else(no_home)?,
            },
            bundle: path(sources, Setting::Bundle)?.or_else(|| bundle_beside(sources.program.as_deref()?)),
            rewrites: rewrites(sources)?,
            debugpy_in_image: debugpy_in_image(sources)?,
            build_cache: text(sources, Setting::BuildCache)?.value,
            engine: engine(sources)?,
            wait_s: number(sources, Setting::Wait)?,
            keep_runs_days: (keep > 0).then_some(keep),
            keep_warm_s: match sources.find(Setting::KeepWarm)? {
                Some(_) => Some(number(sources, Setting::KeepWarm)?),
                None => None,
            },
            just_my_code: switch(sources, Setting::JustMyCode)?,
            log: text(sources, Setting::Log)?.value,
            host: Host { user: files::own_user() },
            variables: sources.environment.clone(),
        })
    }

    /// What of this machine reaches a build: its certificate authorities, its index, its proxies. Fails if
    /// a certificate bundle is named that cannot be read.
    pub fn build(&self) -> Result<BuildSettings, Failure> {
        let ca_bundle = match AUTHORITIES.iter().find_map(|name| self.set(name)) {
            Some(path) => files::read(Path::new(path), files::TEXT_LIMIT)?,
            None => Vec::new(),
        };
        Ok(BuildSettings {
            cache: self.build_cache.clone(),
            ca_bundle,
            index: self.only(&INDEXES),
            netrc: self.netrc(),
            agent: self.agent(),
            known_hosts: self.known_hosts(),
            proxy: self.proxies(),
            context: None,
            logins: Default::default(),
        })
    }

    /// What pip itself would read; nothing where there is no such file.
    fn netrc(&self) -> String {
        let own = || Some(Path::new(self.set("HOME").or_else(|| self.set("USERPROFILE"))?).join(".netrc"));
        let path = self.set("NETRC").map(PathBuf::from).or_else(own);
        path.and_then(|path| files::read_text_if_there(&path).ok().flatten()).unwrap_or_default()
    }

    /// Where ssh itself would find its agent.
    fn agent(&self) -> Option<PathBuf> {
        let usual = cfg!(windows).then_some("//./pipe/openssh-ssh-agent");
        self.set("SSH_AUTH_SOCK").or(usual).map(PathBuf::from)
    }

    fn known_hosts(&self) -> String {
        let home = self.set("HOME").or_else(|| self.set("USERPROFILE"));
        let path = home.map(|home| Path::new(home).join(".ssh/known_hosts"));
        path.and_then(|path| files::read_text_if_there(&path).ok().flatten()).unwrap_or_default()
    }

    /// The proxy variables of this process, for builds and runs.
    pub fn proxies(&self) -> BTreeMap<String, String> {
        self.only(&PROXIES)
    }

    /// The value of a variable of this process, empty or not: for `--secret` and `--env-file`.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    fn set(&self, name: &str) -> Option<&str> {
        self.variable(name).filter(|value| !value.is_empty())
    }

    fn only(&self, names: &[&str]) -> BTreeMap<String, String> {
        names.iter().filter_map(|name| Some(((*name).to_owned(), self.set(name)?.to_owned()))).collect()
    }
}

const AUTHORITIES: [&str; 3] = ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT"];

const INDEXES: [&str; 6] = [
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "UV_INDEX_URL",
    "UV_EXTRA_INDEX_URL",
    "UV_DEFAULT_INDEX",
    "UV_INDEX",
];

const PROXIES: [&str; 6] = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"];

/// The value that was set, or the default.
fn text(sources: &Sources, setting: Setting) -> Result<Found, Failure> {
    let default = || Found { value: setting.default().unwrap_or_default().to_owned(), place: String::new() };
    Ok(sources.find(setting)?.unwrap_or_else(default))
}

fn path(sources: &Sources, setting: Setting) -> Result<Option<PathBuf>, Failure> {
    let Some(found) = sources.find(setting)? else { return Ok(None) };
    let value = match (found.value.strip_prefix("~/"), user_folder(sources)) {
        (Some(rest), Some(user)) => user.join(rest),
        _ => PathBuf::from(&found.value),
    };
    Ok(Some(sources.folder.join(value)))
}

fn number(sources: &Sources, setting: Setting) -> Result<u32, Failure> {
    let found = text(sources, setting)?;
    found.value.trim().parse().map_err(|_| bad(&found.place, &found.value, &expected(Kind::Number)))
}

fn switch(sources: &Sources, setting: Setting) -> Result<bool, Failure> {
    let found = text(sources, setting)?;
    match found.value.trim() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err(bad(&found.place, &found.value, &expected(Kind::Switch))),
    }
}

fn rewrites(sources: &Sources) -> Result<Vec<ImageRewrite>, Failure> {
    let found = text(sources, Setting::ImageRewrite)?;
    let rules = found.value.split([',', '\n']).map(str::trim).filter(|rule| !rule.is_empty());
    rules
        .map(|rule| {
            ImageRewrite::parse(rule)
                .ok_or_else(|| bad(&found.place, rule, &message!("settings.expected-rewrite")))
        })
        .collect()
}

fn debugpy_in_image(sources: &Sources) -> Result<bool, Failure> {
    let found = text(sources, Setting::Debugger)?;
    match found.value.trim() {
        "volume" => Ok(false),
        "image" => Ok(true),
        _ => Err(bad(&found.place, &found.value, &message!("settings.expected-debugger"))),
    }
}

fn engine(sources: &Sources) -> Result<EngineSettings, Failure> {
    let mut variables = sources.environment.clone();
    let named_by_user = ["DOCKER_HOST", "DOCKER_CONTEXT"].iter().any(|name| sources.variable(name).is_some());
    let ours = sources.flags.contains_key(&Setting::DockerHost)
        || sources.variable(Setting::DockerHost.variable()).is_some();
    // A variable wins over the editor, and Docker's own are variables too.
    if let Some(found) = sources.find(Setting::DockerHost)?.filter(|_| ours || !named_by_user) {
        variables.insert("DOCKER_HOST".to_owned(), found.value);
    }
    Ok(EngineSettings::new(variables))
}

/// The archive of a distribution stands beside the program, that of a build one folder up.
fn bundle_beside(program: &Path) -> Option<PathBuf> {
    let folder = program.parent()?;
    let places = [Some(folder), folder.parent()].into_iter().flatten();
    places.map(|place| place.join("bundle").join("debugpy.tar")).find(|file| files::exists(file))
}

/// The platform's folder for a program's data.
fn default_home(sources: &Sources) -> Option<PathBuf> {
    let absolute = |name| sources.variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if cfg!(windows) {
        return Some(absolute("LOCALAPPDATA")?.join("aml-debug"));
    }
    let user = user_folder(sources);
    if cfg!(target_os = "macos") {
        return Some(user?.join("Library/Application Support/aml-debug"));
    }
    let data = absolute("XDG_DATA_HOME").or_else(|| Some(user?.join(".local/share")))?;
    Some(data.join("aml-debug"))
}

fn user_folder(sources: &Sources) -> Option<PathBuf> {
    let name = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
    sources.variable(name).map(PathBuf::from).or_else(std::env::home_dir)
}

fn no_home() -> Failure {
    Failure::new(Blame::Environment, message!("settings.no-home")).with_fix(message!("settings.no-home.fix"))
}

fn expected(kind: Kind) -> Message {
    match kind {
        Kind::Path | Kind::Text => message!("settings.expected-text"),
        Kind::List => message!("settings.expected-list"),
        Kind::Number => message!("settings.expected-number"),
        Kind::Switch => message!("settings.expected-switch"),
    }
}

fn bad(place: &str, value: &str, expected: &Message) -> Failure {
    Failure::new(
        Blame::User,
        message!("settings.bad-value", place = place, value = value, expected = expected),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sources(environment: &[(&str, &str)], editor: Value) -> Sources {
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Sources {
            environment: environment.chain([("HOME".to_owned(), "/home/me".to_owned())]).collect(),
            editor,
            folder: PathBuf::from("/project"),
            ..Sources::default()
        }
    }

    #[test]
    fn a_flag_wins_over_a_variable_and_a_variable_over_the_editor() {
        let editor = json!({
            "wait": 20, "justMyCode": false, "keepRunsDays": 7, "log": "", "buildCache": "ours",
        });
        let mut sources = sources(&[("AML_DEBUG_WAIT", "10"), ("AML_DEBUG_JUST_MY_CODE", "")], editor);
        let settings = Settings::resolve(&sources).unwrap();
        assert_eq!(settings.wait_s, 10);
        assert!(!settings.just_my_code, "an empty variable says nothing");
        assert_eq!(settings.keep_runs_days, Some(7));
        assert_eq!(settings.log, "warn");
        assert_eq!(settings.build_cache, "ours");
        sources.flags.insert(Setting::Wait, "5".to_owned());
        assert_eq!(Settings::resolve(&sources).unwrap().wait_s, 5);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_home_folder_is_the_platforms_unless_one_is_named() {
        let home = |environment: &[(&str, &str)]| {
            Settings::resolve(&sources(environment, Value::Null)).unwrap().home.display().to_string()
        };
        assert_eq!(home(&[]), "/home/me/.local/share/aml-debug");
        assert_eq!(home(&[("XDG_DATA_HOME", "/data")]), "/data/aml-debug");
        assert_eq!(home(&[("XDG_DATA_HOME", "data")]), "/home/me/.local/share/aml-debug");
        assert_eq!(home(&[("AML_DEBUG_HOME", "here")]), "/project/here");
        assert_eq!(home(&[("AML_DEBUG_HOME", "~/there")]), "/home/me/there");
    }

    #[test]
    fn dockers_own_variables_win_over_the_editor_and_ours_over_both() {
        let host = |environment: &[(&str, &str)]| {
            let sources = sources(environment, json!({ "dockerHost": "unix:///editor" }));
            Settings::resolve(&sources).unwrap().engine.variables.get("DOCKER_HOST").cloned()
        };
        assert_eq!(host(&[]).as_deref(), Some("unix:///editor"));
        assert_eq!(host(&[("DOCKER_HOST", "unix:///own")]).as_deref(), Some("unix:///own"));
        assert_eq!(host(&[("DOCKER_CONTEXT", "away")]), None);
        let both = [("DOCKER_HOST", "unix:///own"), ("AML_DEBUG_DOCKER_HOST", "unix:///ours")];
        assert_eq!(host(&both).as_deref(), Some("unix:///ours"));
    }

    #[test]
    fn image_rules_come_as_a_list_or_with_commas() {
        let rules = |sources: &Sources| Settings::resolve(sources).unwrap().rewrites;
        let expected: Vec<_> =
            ["a.io/x=b", "python=mine:1"].into_iter().filter_map(ImageRewrite::parse).collect();
        let variable = [("AML_DEBUG_IMAGE_REWRITE", " a.io/x=b,\npython=mine:1, ")];
        assert_eq!(rules(&sources(&variable, Value::Null)), expected);
        let editor = json!({ "imageRewrite": ["a.io/x=b", "python=mine:1"] });
        assert_eq!(rules(&sources(&[], editor)), expected);
    }

    #[test]
    fn a_value_that_does_not_fit_is_named_with_its_place() {
        let said = |environment: &[(&str, &str)], editor: Value| {
            Settings::resolve(&sources(environment, editor)).unwrap_err().what.text()
        };
        assert_eq!(
            said(&[("AML_DEBUG_WAIT", "soon")], Value::Null),
            "AML_DEBUG_WAIT is \"soon\"; expected: a whole number of 0 or more"
        );
        assert_eq!(
            said(&[], json!({ "justMyCode": {} })),
            "amlDebug.justMyCode is \"{}\"; expected: true or false"
        );
        assert_eq!(
            said(&[("AML_DEBUG_IMAGE_REWRITE", "mirror")], Value::Null),
            "AML_DEBUG_IMAGE_REWRITE is \"mirror\"; expected: registry/prefix=replacement"
        );
    }

    #[test]
    fn only_the_variables_that_concern_a_build_reach_it() {
        let variables = [
            ("PIP_INDEX_URL", "https://index.example/simple"),
            ("HTTPS_PROXY", "http://proxy.example:3128"),
            ("NO_PROXY", ""),
            ("AZURE_CLIENT_SECRET", "s"),
        ];
        let settings = Settings::resolve(&sources(&variables, Value::Null)).unwrap();
        let build = settings.build().unwrap();
        assert_eq!(build.index.keys().collect::<Vec<_>>(), ["PIP_INDEX_URL"]);
        assert_eq!(build.proxy.keys().collect::<Vec<_>>(), ["HTTPS_PROXY"]);
        assert!(build.ca_bundle.is_empty());

        let missing = [("SSL_CERT_FILE", "/nowhere/ca.pem")];
        let failure = Settings::resolve(&sources(&missing, Value::Null)).unwrap().build().unwrap_err();
        assert_eq!(failure.what.text(), "there is no file /nowhere/ca.pem");
    }

    #[test]
    fn a_container_runs_as_the_user_unless_the_engine_does_so_by_itself() {
        let host = Host { user: Some((1000, 100)) };
        assert_eq!(host.container_user(false).as_deref(), Some("1000:100"));
        assert_eq!(host.container_user(true), None);
        assert_eq!(Host { user: Some((0, 0)) }.container_user(false), None);
    }

    #[test]
    fn every_setting_has_a_description_and_a_default_of_its_kind() {
        for setting in Setting::ALL {
            assert_ne!(setting.description().text(), setting.description().id);
            assert!(setting.variable().starts_with("AML_DEBUG_"));
        }
        assert!(Settings::resolve(&sources(&[], Value::Null)).is_ok());
    }
}
