//! Spec file → plan: reads what the engine crate asks for until it asks for nothing more.

use super::{RunContext, secrets};
use crate::files;
use crate::spec_reader;
use crate::store::RunFolder;
use docker::Labels;
use engine::failure::{Blame, Failure};
use engine::ids::RunId;
use engine::message;
use engine::plan::container::with_secrets;
use engine::plan::deployment::HostPorts;
use engine::plan::image::{BuildSettings, ImagePlan};
use engine::plan::settings::{Host, PlanSettings, RunFolders, RunPlace, Variables};
use engine::plan::{self, Plan};
use engine::run::event::RunEvent;
use engine::spec::Kind;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub(super) async fn resolve(context: RunContext) -> Result<RunEvent, Failure> {
    let engine_is_the_users = engine_is_the_users(&context).await?;
    let work = tokio::task::spawn_blocking(move || {
        let plan = plan_of(&context, engine_is_the_users)?;
        make_folders(&context.folder, &plan)?;
        let build = build_settings_of(&context, &plan)?;
        Ok((plan, build))
    });
    let (plan, build) = work.await.unwrap_or_else(|cause| Err(internal(&cause)))?;
    Ok(RunEvent::Resolved(Box::new(plan), build))
}

pub(super) async fn build_settings(context: RunContext, plan: Option<Plan>) -> Result<RunEvent, Failure> {
    let work = tokio::task::spawn_blocking(move || {
        let Some(plan) = &plan else { return context.settings.build() };
        make_folders(&context.folder, plan)?;
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
async fn engine_is_the_users(context: &RunContext) -> Result<bool, Failure> {
    let address = context.engine().await?.address().to_owned();
    let own = ["XDG_RUNTIME_DIR", "HOME"].iter().filter_map(|name| context.settings.variable(name));
    Ok(address.strip_prefix("unix://").is_some_and(|path| {
        own.map(Path::new).any(|folder| folder != Path::new("/") && Path::new(path).starts_with(folder))
    }))
}

fn plan_of(context: &RunContext, engine_is_the_users: bool) -> Result<Plan, Failure> {
    let params = &context.params;
    let spec = spec_reader::absolute(Path::new(&params.spec))?;
    let settings = plan_settings(context, engine_is_the_users)?;
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
    let packaged = params.deployment.as_ref().and_then(|wish| wish.image.as_deref());
    let mut plan = match packaged {
        Some(image) => plan::deployment::plan_packaged(image, &params.spec, &spec, &settings, &place),
        None => plan_of_spec(context, &spec, &settings, &place)?,
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
    let secret = secrets::names(context);
    if plan.container.command.is_empty() && !secret.is_empty() {
        // The image's own command is not known, so nothing can be put before it.
        return Err(Failure::new(Blame::User, message!("deployment.no-secrets"))
            .with_fix(message!("deployment.no-secrets.fix")));
    }
    plan.container.command = with_secrets(plan.container.command, &secret);
    Ok(plan)
}

fn plan_of_spec(
    context: &RunContext,
    spec: &Path,
    settings: &PlanSettings,
    place: &RunPlace,
) -> Result<Plan, Failure> {
    let reading = spec_reader::read(spec)?;
    let is_deployed = context.params.deployment.is_some();
    if is_deployed != reading.kind.is_online_deployment() && reading.is_well() {
        return Err(match is_deployed {
            true => Failure::new(Blame::User, message!("deployment.not-one", kind = reading.kind.title()))
                .with_fix(message!("deployment.not-one.fix", path = spec.display())),
            false => Failure::new(Blame::User, message!("deployment.not-a-run"))
                .with_fix(message!("deployment.not-a-run.fix", path = spec.display())),
        });
    }
    match (&context.params.environment, reading.kind) {
        (Some(environment), Kind::Script) => {
            let environment = spec_reader::environment(environment)?;
            plan::plan_script(spec, &[], &environment, settings, place)
        }
        _ => plan::plan(&plan::runnable(spec, reading)?, settings, place),
    }
}

fn plan_settings(context: &RunContext, engine_is_the_users: bool) -> Result<PlanSettings, Failure> {
    let params = &context.params;
    let proxies = context.settings.proxies();
    let secret = secrets::names(context);
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
        }),
        host: Host { user: context.settings.host.container_user(engine_is_the_users) },
    })
}

fn container_name(run: &RunId) -> String {
    format!("aml-debug-{run}")
}

/// The container's mounts need folders that are the user's; the engine would make them as root.
///
/// Those in the user's source tree are noted in the run's folder, so that whoever ends the run can take
/// them away again.
fn make_folders(folder: &RunFolder, plan: &Plan) -> Result<(), Failure> {
    plan.folders.iter().try_for_each(|folder| files::make_folder(folder))?;
    let missing: Vec<&PathBuf> = plan.mount_points.iter().filter(|point| !files::exists(point)).collect();
    let noted: Vec<_> = missing.iter().map(|point| point.to_string_lossy()).collect();
    files::write(&super::collect::made_points(folder), noted.join("\n").as_bytes())?;
    missing.into_iter().try_for_each(|point| files::make_folder(point))
}

fn internal(cause: &tokio::task::JoinError) -> Failure {
    Failure::new(Blame::Internal, message!("internal.task-ended")).with_detail([cause.to_string()])
}
