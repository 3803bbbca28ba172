//! Spec file → plan: reads what the engine crate asks for until it asks for nothing more.

use super::{RunContext, collect, secrets};
use crate::files;
use crate::mount_points;
use crate::spec_reader;
use docker::Labels;
use engine::failure::{Blame, Failure};
use engine::ids::RunId;
use engine::message;
use engine::plan::container::with_secrets;
use engine::plan::image::{BuildSettings, ImagePlan};
use engine::plan::settings::{Host, PlanSettings, RunFolders, RunPlace, Variables};
use engine::plan::{self, Plan};
use engine::run::event::RunEvent;
use engine::spec::Kind;
use std::collections::BTreeMap;
use std::path::Path;

pub(super) async fn resolve(context: RunContext) -> Result<RunEvent, Failure> {
    let address = context.engine().await?.address().to_owned();
    let work = tokio::task::spawn_blocking(move || {
        let plan = plan_of(&context, &address)?;
        make_folders(&context, &plan)?;
        let build = build_settings_of(&context, &plan)?;
        Ok((plan, build))
    });
    let (plan, build) = work.await.unwrap_or_else(|cause| Err(internal(&cause)))?;
    Ok(RunEvent::Resolved(Box::new(plan), build))
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
    Ok(build)
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

fn plan_of(context: &RunContext, engine: &str) -> Result<Plan, Failure> {
    let params = &context.params;
    let spec = spec_reader::absolute(Path::new(&params.spec))?;
    let settings = plan_settings(context, engine)?;
    let place = RunPlace {
        run: context.id.clone(),
        container: container_name(&context.id),
        labels: Default::default(),
        folders: RunFolders {
            outputs: context.folder.outputs(),
            logs: context.folder.logs(),
            mlruns: context.folder.mlruns(),
            named: context.folder.root().join("named_outputs"),
        },
    };
    let reading = spec_reader::read(&spec)?;
    let mut plan = match (&params.environment, reading.kind) {
        (Some(environment), Kind::Script) => {
            let environment = spec_reader::environment(environment)?;
            plan::plan_script(&spec, &[], &environment, &settings, &place)?
        }
        _ => plan::plan(&plan::runnable(&spec, reading)?, &settings, &place)?,
    };
    plan.debuggee.choose(params.process.as_deref(), params.rank);
    if params.debug
        && let Some(flag) = &plan.debuggee.isolated_by
    {
        return Err(Failure::new(
            Blame::User,
            message!("debuggee.isolated", command = plan.command, option = flag),
        )
        .with_fix(message!("debuggee.isolated.fix", option = flag)));
    }
    plan.container.labels.insert(Labels::CODE.to_owned(), plan.code.to_string_lossy().into_owned());
    plan.container.command =
        with_secrets(plan.container.command, &secrets::names(&context.settings, &context.params));
    Ok(plan)
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
        host: Host {
            user: context.settings.host.container_user(engine_is_the_users(context, engine)),
            is_remote: is_remote(engine),
        },
    })
}

fn container_name(run: &RunId) -> String {
    format!("aml-debug-{run}")
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
