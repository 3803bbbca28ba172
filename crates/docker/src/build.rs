//! Builds through BuildKit, their log as a person reads it, and the step that failed.
//!
//! BuildKit tells what it does as a graph of vertices with logs; `docker build --progress=plain` prints
//! that as numbered steps, and so do we: the text of the lines is what `60_control_log.txt` keeps.

use crate::session::Offer;
use crate::transport::Wire;
use crate::{Builder, Cause, Docker, Error, FailedStep, LONG, Verb, credentials, session};
use bollard::auth::DockerCredentials;
use bollard::errors::Error as Theirs;
use bollard::moby::buildkit::v1::{StatusResponse, Vertex, VertexLog};
use bollard::models::{BuildInfo, BuildInfoAux};
use bollard::query_parameters::{BuildImageOptions, BuildImageOptionsBuilder, BuilderVersion};
use bytes::Bytes;
use engine::ids::ContainerId;
use engine::plan::image::{Recipe, dockerfile};
use futures::stream::BoxStream;
use futures::{Stream, StreamExt, TryStreamExt};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// Lines of a failed step that go into its error.
const LAST_LINES: usize = 20;

/// One line of a build's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildLine {
    /// Number of the step, as it stands in the text; 0 for a line outside of any.
    pub step: u32,
    /// The line: `#5 [2/2] RUN …`, `#5 1.234 output`, `#5 CACHED`, `#5 DONE 3.2s`, `#5 ERROR …`.
    pub text: String,
    /// Whether the line says that the step was not run because its result was there.
    pub cached: bool,
    /// Whether the line begins a step; its text is the step's name then.
    pub begins: bool,
}

/// A build under way. It is done when the stream has ended; an item that is an error is the last one.
/// Dropping the stream ends the build on the engine.
pub struct BuildStream(mpsc::Receiver<Result<BuildLine, Error>>);

impl Stream for BuildStream {
    type Item = Result<BuildLine, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx)
    }
}

impl BuildLine {
    /// A line of no numbered step.
    pub(crate) fn outside(text: String) -> Self {
        Self { step: 0, text, cached: false, begins: false }
    }
}

/// A tar archive that is still being made.
pub type Archive = BoxStream<'static, io::Result<Bytes>>;

impl Docker {
    /// Builds the recipe's image under its name. The base image is the engine's own if it is there; it is
    /// never asked for at its registry then. `folder` is the archive of the recipe's folder, if it has one;
    /// `labels` are for what stands on the engine only while it builds.
    pub fn build(
        &self,
        recipe: &Recipe,
        folder: Option<Archive>,
        builder: Builder,
        labels: BTreeMap<String, String>,
    ) -> BuildStream {
        let (sender, receiver) = mpsc::channel(256);
        let (this, recipe) = (self.clone(), recipe.clone());
        tokio::spawn(async move {
            let gone = sender.clone();
            let before = this.inspect_image(&recipe.name).await.ok().flatten();
            if builder == Builder::Classic && recipe.folder.is_none() {
                let name = format!("aml-debug-build-{}", random_id());
                let made = tokio::select! {
                    () = gone.closed() => Ok(()),
                    made = this.make_in_container(&recipe, &name, &labels, &sender) => made,
                };
                // Whatever the end was, and whoever still reads.
                let removed = this.remove(&ContainerId(name)).await;
                this.remove_replaced(before).await;
                if let Err(error) = made.and(removed) {
                    let _ = sender.send(Err(error)).await;
                }
                return;
            }
            let verb = Verb::Build(recipe.name.clone());
            // What nobody may find in the builder's cache goes by a session of ours, where there can be one, and so
            // does everything that need not be sent.
            let wire = this.wire.clone().filter(|_| builder == Builder::BuildKit);
            let mark = if recipe.afresh { random_id() } else { String::new() };
            let recipe = wire.as_ref().and_then(|_| recipe.without_a_folder(&mark)).unwrap_or(recipe);
            let wire = wire.filter(|_| recipe.asks_for_secrets());
            let options = options(&recipe, builder);
            let context = folder.unwrap_or_else(|| {
                let own = context(&recipe, wire.is_none());
                futures::stream::once(async { own }).boxed()
            });
            tokio::select! {
                // The reader has gone: dropping the other branch drops the connection, and the builder stops.
                () = gone.closed() => {}
                () = async {
                    let credentials = this.credentials(&recipe).await;
                    match wire.map(|wire| open_session(wire, &recipe, credentials.clone())) {
                        None => this.follow_build(verb, options, context, credentials, &sender).await,
                        // What holds the session has to be there until the build is over.
                        Some(Ok((client, _session))) => {
                            let this = Docker { patient: client, ..this.clone() };
                            this.follow_build(verb, options, context, credentials, &sender).await;
                        }
                        Some(Err(error)) => drop(sender.send(Err(this.failed(verb, error))).await),
                    }
                    // Before the reader sees the end.
                    this.remove_replaced(before).await;
                } => {}
            }
        });
        BuildStream(receiver)
    }

    /// For the registries of the images that the recipe's Dockerfile names.
    async fn credentials(&self, recipe: &Recipe) -> Option<HashMap<String, DockerCredentials>> {
        let mut all = HashMap::new();
        for image in dockerfile::images(&recipe.dockerfile) {
            let registry = credentials::registry(&image);
            let found = credentials::find(self.config_folder.as_ref(), registry).await.credentials;
            // Docker Hub has another name in the session of a build.
            let key = if registry == "docker.io" { "registry-1.docker.io" } else { registry };
            all.extend(found.map(|found| (key.to_owned(), found)));
        }
        (!all.is_empty()).then_some(all)
    }

    async fn follow_build(
        &self,
        verb: Verb,
        options: BuildImageOptions,
        context: Archive,
        credentials: Option<HashMap<String, DockerCredentials>>,
        lines: &mpsc::Sender<Result<BuildLine, Error>>,
    ) {
        // What keeps the archive from being made says more than the request that was cut because of it.
        let (broken, why) = std::sync::mpsc::channel();
        let context = context.inspect_err(move |error| drop(broken.send(error.to_string())));
        let body = bollard::body_try_stream(context);
        let mut infos: BoxStream<'_, Result<BuildInfo, Theirs>> =
            self.patient.build_image(options, credentials, Some(body)).boxed();
        let mut log = BuildLog::default();
        let mut built = false;
        while let Some(info) = infos.next().await {
            let told = match info {
                Ok(info) => {
                    built |= matches!(info.aux, Some(BuildInfoAux::Default(_)));
                    log.take(info)
                }
                Err(error) => vec![Err(match why.try_recv() {
                    Ok(why) => Error::new(verb.clone(), Cause::Refused(why), self.address()),
                    Err(_) => self.build_failed(verb.clone(), error, &mut log),
                })],
            };
            for line in told {
                let last = line.is_err();
                if lines.send(line).await.is_err() || last {
                    return;
                }
            }
        }
        if !built {
            let _ = lines.send(Err(self.ended_early(verb))).await;
        }
    }

    fn build_failed(&self, verb: Verb, error: Theirs, log: &mut BuildLog) -> Error {
        match (error, log.failed_step()) {
            (Theirs::DockerStreamError { error }, Some(step)) => {
                let exit_code = step.exit_code.or_else(|| exit_code(&error));
                Error::new(verb, Cause::Step(FailedStep { exit_code, text: error, ..step }), self.address())
            }
            (error, _) => self.failed(verb, error),
        }
    }
}

fn open_session(
    wire: Wire,
    recipe: &Recipe,
    credentials: Option<HashMap<String, DockerCredentials>>,
) -> Result<(bollard::Docker, mpsc::Receiver<()>), Theirs> {
    let offer = Offer {
        secrets: recipe.secrets.clone(),
        agent: recipe.agent.clone(),
        credentials: credentials.unwrap_or_default(),
    };
    session::client(wire, LONG.as_secs(), offer)
}

fn options(recipe: &Recipe, builder: Builder) -> BuildImageOptions {
    let strings =
        |map: &BTreeMap<String, String>| -> HashMap<String, String> { map.clone().into_iter().collect() };
    let mut options = BuildImageOptionsBuilder::default()
        .dockerfile(&recipe.dockerfile_path)
        // Without its cache, BuildKit gives a step empty cache mounts, too; ours is made anew by what it is sent.
        .nocache(recipe.afresh && recipe.folder.is_some())
        .t(recipe.name.as_str())
        .buildargs(&strings(&recipe.arguments))
        .labels(&strings(&recipe.labels))
        .rm(true)
        .forcerm(true);
    options = match builder {
        Builder::Classic => options.version(BuilderVersion::BuilderV1),
        // BuildKit wants a session of its own for each build.
        Builder::BuildKit | Builder::Podman => {
            options.version(BuilderVersion::BuilderBuildKit).session(&random_id())
        }
    };
    if recipe.host_network {
        options = options.networkmode("host");
    }
    options.build()
}

/// 128 random bits, from the seed that every hash map of the standard library takes.
fn random_id() -> String {
    let random = || std::hash::RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", random(), random())
}

/// What is sent: an archive, or the Dockerfile alone where that is all there is.
fn context(recipe: &Recipe, with_secrets: bool) -> io::Result<Bytes> {
    if recipe.context.is_empty() {
        return Ok(recipe.dockerfile.clone().into());
    }
    let mut archive = tar::Builder::new(Vec::new());
    let dockerfile = (recipe.dockerfile_path.as_str(), recipe.dockerfile.as_bytes());
    let others = recipe.context.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice()));
    let mark = random_id();
    let mark = recipe.afresh.then_some(("afresh", mark.as_bytes()));
    let secrets = recipe.secret_files();
    let secrets = secrets.iter().filter(|_| with_secrets);
    let secrets = secrets.map(|(path, bytes)| (path.as_str(), bytes.as_slice()));
    for (path, bytes) in std::iter::once(dockerfile).chain(others).chain(secrets).chain(mark) {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, bytes)?;
    }
    Ok(archive.into_inner()?.into())
}

/// The log so far: enough to number the steps, to join their output to lines and to tell which one failed.
#[derive(Default)]
struct BuildLog {
    steps: Vec<Step>,
    /// Steps by BuildKit's name of them.
    numbers: HashMap<String, usize>,
    failed: Option<usize>,
    outside: Step,
}

#[derive(Default)]
pub(crate) struct Step {
    name: String,
    /// Seconds since 1970.
    started: Option<f64>,
    ended: bool,
    /// What has come of a line that has not ended yet.
    open: Vec<u8>,
    /// Its last whole lines.
    pub(crate) last: VecDeque<String>,
    /// The command that its script was running, as the script says itself.
    pub(crate) command: Option<String>,
    error: String,
}

impl BuildLog {
    fn take(&mut self, info: BuildInfo) -> Vec<Result<BuildLine, Error>> {
        let lines = match (info.aux, info.stream) {
            (Some(BuildInfoAux::BuildKit(status)), _) => self.status(status),
            // Builders that are not BuildKit just write.
            (_, Some(text)) => self.plain(&text),
            _ => Vec::new(),
        };
        lines.into_iter().map(Ok).collect()
    }

    fn status(&mut self, status: StatusResponse) -> Vec<BuildLine> {
        let mut lines = Vec::new();
        // The log of a step may come in the same message as its end, and belongs before it.
        let (ended, begun): (Vec<Vertex>, Vec<Vertex>) =
            status.vertexes.into_iter().partition(|vertex| vertex.completed.is_some());
        for vertex in begun.iter().chain(&ended) {
            self.begin(vertex, &mut lines);
        }
        for log in &status.logs {
            self.output(log, &mut lines);
        }
        for vertex in &ended {
            self.end(vertex, &mut lines);
        }
        lines
    }

    /// Steps are numbered as they start, so that the log counts upwards.
    fn begin(&mut self, vertex: &Vertex, lines: &mut Vec<BuildLine>) {
        let Some(started) = vertex.started.as_ref().or(vertex.completed.as_ref()) else { return };
        if self.numbers.contains_key(&vertex.digest) {
            return;
        }
        let number = self.steps.len();
        self.numbers.insert(vertex.digest.clone(), number);
        let name = readable(&vertex.name);
        lines.push(BuildLine { begins: true, ..line(number, &name) });
        let started = Some(seconds(started.seconds, started.nanos));
        self.steps.push(Step { name, started, ..Step::default() });
    }

    fn output(&mut self, log: &VertexLog, lines: &mut Vec<BuildLine>) {
        let Some(&number) = self.numbers.get(&log.vertex) else { return };
        let step = &mut self.steps[number];
        let since = match (&log.timestamp, step.started) {
            (Some(at), Some(started)) => (seconds(at.seconds, at.nanos) - started).max(0.0),
            _ => 0.0,
        };
        step.open.extend_from_slice(&log.msg);
        while let Some(end) = step.open.iter().position(|&byte| byte == b'\n') {
            let rest = step.open.split_off(end + 1);
            let whole = std::mem::replace(&mut step.open, rest);
            let text = step.remember(&whole);
            lines.push(line(number, &format!("{since:.3} {text}")));
        }
    }

    fn end(&mut self, vertex: &Vertex, lines: &mut Vec<BuildLine>) {
        let Some(&number) = self.numbers.get(&vertex.digest) else { return };
        let step = &mut self.steps[number];
        if std::mem::replace(&mut step.ended, true) {
            return;
        }
        if !step.open.is_empty() {
            let rest = std::mem::take(&mut step.open);
            let text = step.remember(&rest);
            lines.push(line(number, &text));
        }
        if !vertex.error.is_empty() {
            step.error = vertex.error.clone();
            lines.push(line(number, &format!("ERROR {}", vertex.error)));
            self.failed.get_or_insert(number);
        } else if vertex.cached {
            lines.push(BuildLine { cached: true, ..line(number, "CACHED") });
        } else if let (Some(ended), Some(started)) = (&vertex.completed, step.started) {
            let took = (seconds(ended.seconds, ended.nanos) - started).max(0.0);
            lines.push(line(number, &format!("DONE {took:.1}s")));
        }
    }

    /// Lines outside of BuildKit's steps: `Successfully tagged …`, or all of another builder's.
    fn plain(&mut self, text: &str) -> Vec<BuildLine> {
        let whole = text.lines().filter(|text| !text.is_empty());
        let tell = |text: &str| {
            // `Step 2/3 : RUN …` (classic), `STEP 2/3: RUN …` (Podman).
            if let Some((_, name)) =
                text.split_once(": ").filter(|(head, _)| head.to_lowercase().starts_with("step "))
            {
                self.outside = Step { name: name.trim().to_owned(), ..Step::default() };
            }
            BuildLine::outside(self.outside.remember(text.as_bytes()))
        };
        whole.map(tell).collect()
    }

    /// The step that failed, as far as the log tells.
    fn failed_step(&mut self) -> Option<FailedStep> {
        let step = match self.failed {
            Some(number) => &mut self.steps[number],
            None if self.steps.is_empty() && !self.outside.name.is_empty() => &mut self.outside,
            None => return None,
        };
        Some(FailedStep {
            command: step.command.take().unwrap_or_else(|| command_of(&step.name)),
            exit_code: exit_code(&step.error),
            lines: step.last.drain(..).collect(),
            text: step.error.clone(),
        })
    }
}

impl Step {
    /// Cleans a line, keeps it among the last ones and returns it.
    pub(crate) fn remember(&mut self, bytes: &[u8]) -> String {
        let text = String::from_utf8_lossy(bytes);
        // A progress bar writes over itself; only its last state is of interest.
        let text = text.trim_end().rsplit('\r').next().unwrap_or_default().to_owned();
        if let Some(command) = text.strip_prefix("+ ") {
            self.command = Some(command.to_owned());
            self.last.clear();
        } else {
            if self.last.len() == LAST_LINES {
                self.last.pop_front();
            }
            self.last.push_back(text.clone());
        }
        text
    }
}

fn line(number: usize, text: &str) -> BuildLine {
    let step = u32::try_from(number + 1).unwrap_or(u32::MAX);
    BuildLine { step, text: format!("#{step} {text}"), cached: false, begins: false }
}

/// `[2/2] RUN --mount=… --mount=… sh x` without its mounts, which say nothing to the reader of a log.
fn readable(name: &str) -> String {
    let words: Vec<&str> = name.split(' ').filter(|word| !word.starts_with("--mount=")).collect();
    words.join(" ")
}

/// What stands behind `RUN` in a step's name.
fn command_of(name: &str) -> String {
    name.split_once("RUN ").map_or(name, |(_, command)| command).to_owned()
}

fn exit_code(text: &str) -> Option<i64> {
    // BuildKit's words, and the classic builder's.
    let (_, after) = text.rsplit_once("exit code: ").or_else(|| text.rsplit_once("non-zero code: "))?;
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn seconds(seconds: i64, nanos: i32) -> f64 {
    seconds as f64 + f64::from(nanos) / 1e9
}
