//! Specs: what a file of the user's is, whether it is well, and what it says.
//!
//! [`read`] touches no disk. A spec refers to other files; what `read` has to know of them it asks of [`Files`],
//! and those ask the caller:
//!
//! ```
//! # use engine::spec::{self, files::{Files, Found, Need}};
//! fn look(need: &Need) -> Found {
//!     // …and here the caller looks at its disk.
//!     Found::Missing
//! }
//! let text = b"command: ls\nenvironment: file:environment.yml";
//! let reading = spec::read("/p/job.yml".as_ref(), text, &Files::looking(look));
//! assert_eq!(reading.kind.word(), "commandjob");
//! assert_eq!(reading.diagnostics[0].message.id, "spec.file-missing");
//! ```

pub mod component;
pub mod conversion;
pub mod deployment;
pub mod draft;
pub mod environment;
pub mod files;
pub mod job;
pub mod kind;
pub mod language;
pub mod pipeline;
pub(crate) mod rules;
pub mod run_configuration;
pub mod schema;
mod writer;

use crate::diagnostic::{Diagnostic, Severity};
use crate::instrument;
use crate::message;
use crate::yaml::{self, Parsed, Span};
use environment::{CondaFile, DEFAULT_IMAGE, Environment};
use files::{Files, Need};
pub use kind::Kind;
use schema::Checker;
use std::path::{Path, PathBuf};

/// What a file turned out to be.
#[derive(Debug, Clone)]
pub struct Reading {
    /// Its kind; known even where the file is not well.
    pub kind: Kind,
    /// What it says; `None` where it is not well, or where its kind does not run here.
    pub spec: Option<Spec>,
    /// Its gist, for the kinds that have one.
    pub summary: Option<serde_json::Value>,
    /// Everything that was found, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
    /// What nobody has looked up, and what has to be before the rest of this value can be trusted.
    pub needs: Vec<Need>,
}

impl Reading {
    /// Whether nothing keeps the file from being used.
    pub fn is_well(&self) -> bool {
        self.diagnostics.iter().all(|finding| finding.severity != Severity::Error)
    }
}

/// A spec that can become a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// The file, absolute.
    pub path: PathBuf,
    /// What it says.
    pub body: Body,
}

/// What a spec says, by kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// A v2 command job.
    Command(Box<job::CommandJob>),
    /// A v2 command component.
    Component(Box<component::CommandComponent>),
    /// A v2 pipeline job.
    Pipeline(Box<pipeline::PipelineJob>),
    /// A v1 run configuration.
    RunConfiguration(Box<run_configuration::RunConfiguration>),
    /// A v2 online deployment.
    Deployment(Box<deployment::OnlineDeployment>),
    /// An environment file, or a conda file, which is an environment on the usual base image.
    Environment(Environment),
}

/// Reads one file. `path` is absolute; a relative path in the file is seen from its folder.
pub fn read(path: &Path, bytes: &[u8], files: &Files) -> Reading {
    if let Some(kind) = Kind::of_name(path) {
        let diagnostics = match kind {
            Kind::Script => instrument::findings(bytes),
            _ => Vec::new(),
        };
        return Reading { kind, spec: None, summary: None, diagnostics, needs: Vec::new() };
    }
    let parsed = yaml::parse(bytes);
    let Parsed { source, root, findings } = &parsed;
    let Some(root) = root else {
        let mut diagnostics = findings.clone();
        if diagnostics.is_empty() {
            let range = source.range(Span::default());
            let message = message!("spec.empty-file");
            diagnostics.push(Diagnostic { severity: Severity::Error, message, range, fix: None });
        }
        return Reading { kind: Kind::Unparsable, spec: None, summary: None, diagnostics, needs: Vec::new() };
    };
    let kind = Kind::of_file(path, root);
    let folder = match kind {
        Kind::RunConfig => run_configuration::project_of(path),
        _ => path.parent().unwrap_or(Path::new("")),
    };
    let mut checker = Checker::new(files, source, path, folder);
    kind.check(&mut checker, root);
    let mut summary = None;
    let mut body = None;
    if checker.is_well() && kind == Kind::CommandJob {
        let job = job::read(&mut checker, root);
        summary = Some(job.summary_of(root));
        job::warn(&mut checker, root, &job);
        body = Some(Body::Command(Box::new(job)));
    }
    if checker.is_well() && kind == Kind::CommandComponent {
        body = Some(Body::Component(Box::new(component::read(&mut checker, root))));
    }
    if kind == Kind::RunConfig {
        let read = run_configuration::read(&mut checker, path, root);
        summary = read.as_ref().map(|read| read.job.summary());
        body = read.map(|read| Body::RunConfiguration(Box::new(read)));
    }
    if checker.is_well() && kind.is_online_deployment() {
        let deployment = deployment::read(&mut checker, root);
        deployment::warn(&mut checker, root, &deployment);
        body = Some(Body::Deployment(Box::new(deployment)));
    }
    if checker.is_well() && kind == Kind::Environment {
        body = Some(Body::Environment(Environment::read(&mut checker, root)));
    }
    if checker.is_well() && kind == Kind::Conda {
        let conda = Some(Box::new(CondaFile::from_node(root, path, None)));
        let image = Some(DEFAULT_IMAGE.to_owned());
        body = Some(Body::Environment(Environment::Inline { image, conda, build: None }));
    }
    if checker.is_well() && kind == Kind::PipelineJob {
        let pipeline = pipeline::read(&mut checker, path, root);
        pipeline::findings::of_job(&mut checker, root, &pipeline);
        summary = Some(pipeline.summary());
        body = Some(Body::Pipeline(Box::new(pipeline)));
    }
    if checker.is_well() && kind == Kind::PipelineComponent {
        pipeline::findings::of_component(&mut checker, path, root);
    }
    let (mut diagnostics, mut needs) = checker.finish();
    diagnostics.extend(findings.iter().cloned().map(|finding| match kind {
        Kind::RunConfig => run_configuration::as_the_sdk_sees(finding),
        _ => finding,
    }));
    if diagnostics.iter().any(|finding| finding.severity == Severity::Error) {
        body = None;
    }
    diagnostics.sort_by_key(|finding| (finding.range.start, finding.range.end));
    needs.sort_unstable();
    needs.dedup();
    let spec = body.map(|body| Spec { path: path.to_owned(), body });
    Reading { kind, spec, summary, diagnostics, needs }
}
