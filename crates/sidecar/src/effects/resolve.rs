//! Spec file → plan: reads what the engine crate asks for until it asks for nothing more.

use super::{RunContext, collect, secrets};
use crate::files;
use crate::main_loop::Happened;
use crate::mount_points;
use crate::spec_reader;
use docker::Labels;
use engine::failure::{Blame, Failure};
use engine::message;
use engine::pipeline::room::Room;
use engine::plan::container::with_secrets;
use engine::plan::deployment::HostPorts;
use engine::plan::image::logins::{self, Logins};
use engine::plan::image::{BuildSettings, ImagePlan};
use engine::plan::pipeline::{PipelinePlan, container_name, plan_pipeline};
use engine::plan::settings::{Host, PlanSettings, RunFolders, RunPlace, Variables};
use engine::plan::{self, Plan};
use engine::run::event::RunEvent;
use engine::spec::pipeline::PipelineJob;
use engine::spec::{Body, Kind};
use protocol::run::StartRunParams;
use std::collections::BTreeMap;
use std::path::Path;

/// A pipeline has no plan of its own: the loop hears of its steps, and the run becomes their parent.
pub(super) async fn resolve(context: RunContext) -> Result<RunEvent, Failure> {
    let engine = context.engine().await?.address().to_owned();
    let of_work = context.clone();
    let work = tokio::task::spawn_blocking(move || resolve_spec(&of_work, &engine));
    match work.await.unwrap_or_else(|cause| Err(internal(&cause)))? {
        Resolved::Run(plan, build) => Ok(RunEvent::Resolved(plan, *build)),
        Resolved::Pipeline(plan) => {
            let about = context.engine().await?.about().await?;
            let nano_cpus = about.cpus.map(|cpus| cpus * 1_000_000_000);
            let room = Room { nano_cpus, memory_bytes: about.memory_bytes };
            context.tell_of_pipeline(Happened::Planned(plan, room));
            Ok(RunEvent::Progress)
        }
    }
}

enum Resolved {
    Run(Box<Plan>, Box<BuildSettings>),
    Pipeline(Box<PipelinePlan>),
}

fn resolve_spec(context: &RunContext, engine: &str) -> Result<Resolved, Failure> {
    let settings = plan_settings(context, engine)?;
    let wish = context.params.deployment.as_ref();
    if let Some(image) = wish.and_then(|wish| wish.image.as_deref()) {
        let script = &context.params.spec;
        let path = match script.is_empty() {
            true => spec_reader::of_image(image)?,
            false => spec_reader::absolute(Path::new(script))?,
        };
        let plan = plan::deployment::plan_packaged(image, script, &path, &settings, &place(context))?;
        return finished_run(context, plan);
    }
    let path = spec_reader::absolute(Path::new(&context.params.spec))?;
    let reading = spec_reader::read(&path)?;
    if reading.is_well() {
        check_command(&path, reading.kind, wish.is_some())?;
    }
    if let (Some(environment), Kind::Script) = (&context.params.environment, reading.kind) {
        let environment = spec_reader::environment(environment)?;
        let plan = plan::plan_script(&path, &[], &environment, &settings, &place(context))?;
        return finished_run(context, plan);
    }
    let spec = plan::runnable(&path, reading)?;
    match &spec.body {
        Body::Pipeline(job) => {
            pipeline_plan(context, &path, job, &settings).map(Box::new).map(Resolved::Pipeline)
        }
        _ => finished_run(context, plan::plan(&spec, &settings, &place(context))?),
    }
}

/// A deployment is deployed, and anything else is run.
fn check_command(path: &Path, kind: Kind, is_deployed: bool) -> Result<(), Failure> {
    match (is_deployed, kind.is_online_deployment()) {
        (true, false) => Err(Failure::new(Blame::User, message!("deployment.not-one", kind = kind.title()))
            .with_fix(message!("deployment.not-one.fix", path = path.display()))),
        (false, true) => Err(Failure::new(Blame::User, message!("deployment.not-a-run"))
            .with_fix(message!("deployment.not-a-run.fix", path = path.display()))),
        _ => Ok(()),
    }
}

fn finished_run(context: &RunContext, mut plan: Plan) -> Result<Resolved, Failure> {
    finish(context, &mut plan, context.params.debug)?;
    make_folders(context, &plan)?;
    let build = build_settings_of(context, &plan)?;
    Ok(Resolved::Run(Box::new(plan), Box::new(build)))
}

fn pipeline_plan(
    context: &RunContext,
    path: &Path,
    job: &PipelineJob,
    settings: &PlanSettings,
) -> Result<PipelinePlan, Failure> {
    if context.params.image_only {
        return Err(Failure::new(Blame::User, message!("pipeline.build"))
            .with_fix(message!("pipeline.build.fix", path = path.display())));
    }
    let mut plan = plan_pipeline(path, job, settings)?;
    choose_debugged(&context.params, &mut plan)?;
    for step in &mut plan.steps {
        finish(context, &mut step.plan, step.debug)?;
    }
    Ok(plan)
}

/// Which steps wait for a debugger: those that are named, those with a breakpoint, or all.
fn choose_debugged(params: &StartRunParams, plan: &mut PipelinePlan) -> Result<(), Failure> {
    if !params.debug {
        return Ok(());
    }
    if !params.steps.is_empty() {
        return plan.debug_steps(&params.steps);
    }
    for step in &mut plan.steps {
        let code = &step.plan.code;
        let has_file = |file: &String| {
            let path = code.join(file);
            path.starts_with(code) && files::exists(&path)
        };
        step.debug = params.breaks.is_empty() || params.breaks.iter().any(has_file);
    }
    if plan.steps.iter().any(|step| step.debug) {
        return Ok(());
    }
    let folders = plan.steps.iter().map(|step| format!("{}: {}", step.name, step.plan.code.display()));
    let what = message!("pipeline.break-file", files = params.breaks.join(", "));
    Err(Failure::new(Blame::User, what).with_detail(folders).with_fix(message!("pipeline.break-file.fix")))
}

pub(super) async fn build_settings(context: RunContext, plan: Option<Plan>) -> Result<RunEvent, Failure> {
    let work = tokio::task::spawn_blocking(move || {
        let Some(plan) = &plan else { return context.settings.build() };
        make_folders(&context, plan)?;
        build_settings_of(&context, plan)
    });
    work.await.unwrap_or_else(|cause| Err(internal(&cause))).map(RunEvent::BuildSettingsRead)
}

/// What of this machine reaches the builds of a plan.
fn build_settings_of(context: &RunContext, plan: &Plan) -> Result<BuildSettings, Failure> {
    let mut build = context.settings.build()?;
    if let ImagePlan::Context { context: folder, .. } = &plan.image {
        build.context = Some(super::context::read(folder, &context.settings.rewrites)?);
    }
    build.logins = logins_of(plan);
    Ok(build)
}

/// What the plan does not keep. Where the file is gone, the image may be there already; if it is not, the index says
/// what it misses.
fn logins_of(plan: &Plan) -> Logins {
    let file = plan.image.packages().and_then(|packages| packages.logins_in.as_ref());
    let bytes = file.and_then(|file| files::read(file, files::TEXT_LIMIT).ok());
    bytes.map(|bytes| logins::logins(&bytes)).unwrap_or_default()
}

/// Rootless and desktop engines run as the user and map the container's root to the user; their sockets
/// stand in the user's own folders, and so nothing has to be asked of the engine.
fn engine_is_the_users(context: &RunContext, address: &str) -> bool {
    let own = ["XDG_RUNTIME_DIR", "HOME"].iter().filter_map(|name| context.settings.variable(name));
    address.strip_prefix("unix://").is_some_and(|path| {
        own.map(Path::new).any(|folder| folder != Path::new("/") && Path::new(path).starts_with(folder))
    })
}

/// Behind a socket file or a pipe is this machine, or one that shares its disk with it. Behind anything else may
/// be any other, and copying is right there, too.
fn is_remote(address: &str) -> bool {
    !["unix://", "npipe://"].iter().any(|local| address.starts_with(local))
}

fn place(context: &RunContext) -> RunPlace {
    RunPlace {
        run: context.id.clone(),
        container: container_name(&context.id),
        labels: Default::default(),
        folders: RunFolders::below(context.folder.root()),
    }
}

/// What the spec does not say: the caller's choice of a process, labels, secrets.
fn finish(context: &RunContext, plan: &mut Plan, debug: bool) -> Result<(), Failure> {
    if context.params.with_debugpy || debug && context.settings.debugpy_in_image {
        plan.image = plan.image.clone().with_debugpy();
    }
    plan.debuggee.choose(context.params.process.as_deref(), context.params.rank);
    if debug && let Some(flag) = &plan.debuggee.isolated_by {
        return Err(Failure::new(
            Blame::User,
            message!("debuggee.isolated", command = plan.command, option = flag),
        )
        .with_fix(message!("debuggee.isolated.fix", option = flag)));
    }
    plan.container.labels.insert(Labels::CODE.to_owned(), plan.code.to_string_lossy().into_owned());
    let secret = secrets::names(&context.settings, &context.params);
    if plan.container.command.is_empty() && !secret.is_empty() {
        // The image's own command is not known, so nothing can be put before it.
        return Err(Failure::new(Blame::User, message!("deployment.no-secrets"))
            .with_fix(message!("deployment.no-secrets.fix")));
    }
    let command = std::mem::take(&mut plan.container.command);
    plan.container.command = with_secrets(command, &secret);
    Ok(())
}

fn plan_settings(context: &RunContext, engine: &str) -> Result<PlanSettings, Failure> {
    let params = &context.params;
    let proxies = context.settings.proxies();
    let secret = secrets::names(&context.settings, &context.params);
    let public = |variables: &BTreeMap<String, String>| -> Variables {
        let public = variables.iter().filter(|(name, _)| !secret.contains(name));
        public.map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    Ok(PlanSettings {
        experiment: params.experiment.clone(),
        set: params.inputs.iter().map(|(name, value)| format!("inputs.{name}={value}")).collect(),
        environment: public(&params.env),
        proxies: public(&proxies),
        rewrites: context.settings.rewrites.clone(),
        ports: params.deployment.as_ref().map_or_else(HostPorts::default, |wish| HostPorts {
            scoring: wish.port,
            health: wish.second_port,
            liveness: wish.third_port,
        }),
        host: Host {
            user: context.settings.host.container_user(engine_is_the_users(context, engine)),
            is_remote: is_remote(engine),
        },
    })
}

/// The container's mounts need folders that are the user's; the engine would make them as root.
///
/// Those in the user's source tree are noted in the run's folder, so that whoever ends the run can take them away
/// again; and so are those that another run has made, for it may end before this one.
fn make_folders(context: &RunContext, plan: &Plan) -> Result<(), Failure> {
    plan.folders.iter().try_for_each(|folder| files::make_folder(folder))?;
    let ours = mount_points::make(&context.settings.home, &plan.mount_points)?;
    let noted: Vec<_> = ours.iter().map(|point| point.to_string_lossy()).collect();
    files::write(&collect::made_points(&context.folder), noted.join("\n").as_bytes())
}

fn internal(cause: &tokio::task::JoinError) -> Failure {
    Failure::new(Blame::Internal, message!("internal.task-ended")).with_detail([cause.to_string()])
}
