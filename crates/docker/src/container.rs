//! Containers: from plan to request, and their life to the end.

use crate::archive;
use crate::{Docker, Error, Labels, Verb};
use bollard::errors::Error as Theirs;
use bollard::models::{
    ContainerCreateBody, ContainerInspectResponse, ContainerStateStatusEnum, DeviceRequest, HostConfig,
    HostConfigLogConfig, Mount as TheirMount, MountTmpfsOptions, MountType, PortBinding, ResourcesUlimits,
};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, KillContainerOptionsBuilder, ListContainersOptionsBuilder,
    RemoveContainerOptionsBuilder, StopContainerOptionsBuilder, WaitContainerOptionsBuilder,
};
use engine::ids::{ContainerId, ImageRef, StoreId};
use engine::plan::container::{ContainerPlan, Mount, Port, Ulimit};
use futures::StreamExt;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// 128 + `SIGKILL`.
const KILLED: i64 = 137;

/// What a container is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Made, never started.
    Created,
    /// Its program runs.
    Running,
    /// Frozen by the engine.
    Paused,
    /// The engine starts it again.
    Restarting,
    /// Its program has ended.
    Exited,
    /// On its way out, or half removed.
    Dead,
}

/// How a container ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// Exit code of its program; 128 + the signal's number if one killed it.
    pub code: i64,
    /// Whether the kernel killed it for want of memory.
    pub oom_killed: bool,
    /// Whether it was gone when we looked: somebody else has removed it.
    pub removed: bool,
    /// What the engine itself has to say about the end.
    pub error: Option<String>,
}

/// An inspected container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerFacts {
    /// Its id.
    pub id: ContainerId,
    /// Its name.
    pub name: String,
    /// What it is doing.
    pub state: State,
    /// How it ended, if it has.
    pub exit: Option<Exit>,
    /// RFC 3339, as the engine's clock has it; `None` if it never started.
    pub started_at: Option<String>,
    /// RFC 3339; `None` if it has not ended.
    pub finished_at: Option<String>,
    /// What it runs from, as it was asked for.
    pub image: ImageRef,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its address on the engine's network, while it runs.
    pub ip: Option<String>,
}

impl Docker {
    /// Makes the container and puts its files in. It does not run yet.
    pub async fn create(&self, plan: &ContainerPlan) -> Result<ContainerId, Error> {
        let verb = || Verb::Create(plan.name.clone());
        let options = match plan.name.as_str() {
            "" => CreateContainerOptionsBuilder::default(),
            name => CreateContainerOptionsBuilder::default().name(name),
        };
        let options = options.build();
        let created = self
            .quick
            .create_container(Some(options), body(plan))
            .await
            .map_err(|error| self.failed(verb(), error))?;
        let id = ContainerId(created.id);
        if plan.files.is_empty() && plan.texts.is_empty() {
            return Ok(id);
        }
        let files = match archive::of_files(&plan.files, &plan.texts) {
            Ok(files) => files,
            Err(error) => return Err(self.failed(verb(), error.into())),
        };
        match self.copy_in(&id, "/", files).await {
            Ok(()) => Ok(id),
            Err(error) => {
                // A container without them is of no use; the first error is the one to tell.
                let _ = self.remove(&id).await;
                Err(Error { verb: verb(), ..error })
            }
        }
    }

    /// Starts it.
    pub async fn start(&self, id: &ContainerId) -> Result<(), Error> {
        self.quick
            .start_container(id.as_str(), None)
            .await
            .map_err(|error| self.failed(Verb::Start(id.clone()), error))
    }

    /// Waits for the end of a container that was started; one that has ended already answers at once.
    pub async fn wait(&self, id: &ContainerId) -> Result<Exit, Error> {
        let verb = || Verb::Wait(id.clone());
        let options = WaitContainerOptionsBuilder::default().condition("not-running").build();
        let mut answers = self.patient.wait_container(id.as_str(), Some(options)).boxed();
        let (code, error) = match answers.next().await {
            Some(Ok(answer)) => (answer.status_code, answer.error.and_then(|error| error.message)),
            // bollard takes an exit code other than 0 for an error of its own.
            Some(Err(Theirs::DockerContainerWaitError { code, error })) => (code, Some(error)),
            Some(Err(error)) => return Err(self.failed(verb(), error)),
            None => return Err(self.ended_early(verb())),
        };
        let error = error.filter(|text| !text.is_empty());
        let facts = self.after(id, code).await.map_err(|error| Error { verb: verb(), ..error })?;
        let told = facts.as_ref().and_then(|facts| facts.exit.clone());
        Ok(Exit {
            code,
            oom_killed: told.as_ref().is_some_and(|exit| exit.oom_killed),
            removed: facts.is_none_or(|facts| facts.state == State::Dead),
            error: error.or_else(|| told.and_then(|exit| exit.error)),
        })
    }

    /// What is left of a container after its end. A forced removal kills first and removes a moment later,
    /// so one that was killed is looked at for that moment.
    async fn after(&self, id: &ContainerId, code: i64) -> Result<Option<ContainerFacts>, Error> {
        let looks = if code == KILLED { 4 } else { 1 };
        let mut facts = self.inspect(id).await?;
        for _ in 1..looks {
            let Some(ContainerFacts {
                state: State::Exited, exit: Some(Exit { oom_killed: false, .. }), ..
            }) = &facts
            else {
                break;
            };
            tokio::time::sleep(Duration::from_millis(25)).await;
            facts = self.inspect(id).await?;
        }
        Ok(facts)
    }

    /// Sends a signal, `SIGINT` for instance, to its program and what that has started.
    pub async fn signal(&self, id: &ContainerId, signal: &str) -> Result<(), Error> {
        let options = KillContainerOptionsBuilder::default().signal(signal).build();
        match self.quick.kill_container(id.as_str(), Some(options)).await {
            // It has ended by itself.
            Err(Theirs::DockerResponseServerError { status_code: 404 | 409, .. }) => Ok(()),
            other => other.map_err(|error| self.failed(Verb::Stop(id.clone()), error)),
        }
    }

    /// Stops its whole process tree: a request to end first, the end itself after the grace. One that has
    /// ended or is gone is stopped already.
    pub async fn stop(&self, id: &ContainerId, grace: Duration) -> Result<(), Error> {
        let seconds = i32::try_from(grace.as_secs()).unwrap_or(i32::MAX);
        let options = StopContainerOptionsBuilder::default().t(seconds).build();
        match self.patient.stop_container(id.as_str(), Some(options)).await {
            Err(Theirs::DockerResponseServerError { status_code: 404, .. }) => Ok(()),
            other => other.map_err(|error| self.failed(Verb::Stop(id.clone()), error)),
        }
    }

    /// Removes it and its anonymous volumes, running or not. One that is gone is removed already.
    pub async fn remove(&self, id: &ContainerId) -> Result<(), Error> {
        let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
        match self.patient.remove_container(id.as_str(), Some(options)).await {
            // 409: somebody else is removing it at this moment.
            Err(Theirs::DockerResponseServerError { status_code: 404 | 409, .. }) => Ok(()),
            other => other.map_err(|error| self.failed(Verb::Remove(id.clone()), error)),
        }
    }

    /// Looks at it; `None` if there is no such container.
    pub async fn inspect(&self, id: &ContainerId) -> Result<Option<ContainerFacts>, Error> {
        match self.quick.inspect_container(id.as_str(), None).await {
            Ok(facts) => Ok(Some(facts_of(facts))),
            Err(Theirs::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
            Err(error) => Err(self.failed(Verb::Inspect, error)),
        }
    }

    /// Paths in its own file system that were made, changed or deleted since it was created. What is mounted is
    /// not among them.
    pub async fn changes(&self, id: &ContainerId) -> Result<Vec<String>, Error> {
        let changes = self.quick.container_changes(id.as_str()).await;
        let changes = changes.map_err(|error| self.failed(Verb::Inspect, error))?;
        Ok(changes.unwrap_or_default().into_iter().map(|change| change.path).collect())
    }

    /// Every container of this store, whatever it is doing.
    pub async fn find_ours(&self, store: &StoreId) -> Result<Vec<ContainerFacts>, Error> {
        self.find_labelled(Labels::STORE, store.as_str()).await
    }

    /// Every container with this label, whatever it is doing and whose ever it is.
    pub async fn find_labelled(&self, label: &str, value: &str) -> Result<Vec<ContainerFacts>, Error> {
        let wanted = vec![format!("{label}={value}")];
        let filters = HashMap::from([("label".to_owned(), wanted)]);
        let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
        let found = self
            .quick
            .list_containers(Some(options))
            .await
            .map_err(|error| self.failed(Verb::Inspect, error))?;
        let ids = found.into_iter().filter_map(|container| Some(ContainerId(container.id?)));
        // The list leaves out exit codes and times; a store has few containers.
        let facts =
            futures::future::try_join_all(ids.map(|id| async move { self.inspect(&id).await })).await?;
        Ok(facts.into_iter().flatten().collect())
    }
}

fn body(plan: &ContainerPlan) -> ContainerCreateBody {
    let mut words = plan.command.iter().cloned();
    // The engine's init hands a signal to its child alone unless it is told otherwise; a shell that
    // dies of it would take its Python along without a word.
    let environment = plan.environment.iter().map(|(name, value)| format!("{name}={value}"));
    let environment = environment.chain(["TINI_KILL_PROCESS_GROUP=1".to_owned()]);
    ContainerCreateBody {
        image: Some(plan.image.to_string()),
        // The plan's command is all of it: an entry point of the image would take it for arguments.
        entrypoint: words.next().map(|program| vec![program]),
        cmd: (!plan.command.is_empty()).then(|| words.collect()),
        working_dir: (!plan.working_dir.is_empty()).then(|| plan.working_dir.clone()),
        env: Some(environment.collect()),
        user: plan.user.clone(),
        labels: Some(plan.labels.clone().into_iter().collect()),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        exposed_ports: Some(plan.grants.ports.iter().map(inside).collect()),
        hostname: plan.grants.hostname.clone(),
        host_config: Some(host_config(plan)),
        ..ContainerCreateBody::default()
    }
}

fn host_config(plan: &ContainerPlan) -> HostConfig {
    let signed = |number: Option<u64>| number.and_then(|number| i64::try_from(number).ok());
    HostConfig {
        // With an init, the end of the program is the end of every process in the container.
        init: Some(true),
        mounts: Some(plan.mounts.iter().filter_map(mount).collect()),
        shm_size: signed(plan.limits.shm_bytes),
        memory: signed(plan.limits.memory_bytes),
        nano_cpus: signed(plan.limits.nano_cpus),
        device_requests: plan.gpu.then(|| vec![every_gpu()]),
        port_bindings: Some(
            plan.grants.ports.iter().map(|port| (inside(port), Some(vec![binding(port)]))).collect(),
        ),
        extra_hosts: Some(plan.grants.hosts.clone()),
        ipc_mode: plan.grants.ipc.clone(),
        ulimits: Some(plan.grants.ulimits.iter().map(ulimit).collect()),
        cap_add: plan.grants.tracing.then(|| vec!["SYS_PTRACE".to_owned()]),
        // Other drivers keep nothing that an adopter could read.
        log_config: Some(HostConfigLogConfig { typ: Some("json-file".to_owned()), config: None }),
        ..HostConfig::default()
    }
}

fn inside(port: &Port) -> String {
    format!("{}/tcp", port.container)
}

/// Never on another interface: whoever reaches a port of a run may be anybody.
fn binding(port: &Port) -> PortBinding {
    PortBinding {
        host_ip: Some("127.0.0.1".to_owned()),
        host_port: Some(port.host.map(|port| port.to_string()).unwrap_or_default()),
    }
}

fn ulimit(limit: &Ulimit) -> ResourcesUlimits {
    ResourcesUlimits { name: Some(limit.name.clone()), soft: Some(limit.soft), hard: Some(limit.hard) }
}

fn every_gpu() -> DeviceRequest {
    DeviceRequest {
        count: Some(-1),
        capabilities: Some(vec![vec!["gpu".to_owned()]]),
        ..DeviceRequest::default()
    }
}

/// `None` for what is not mounted but copied.
fn mount(mount: &Mount) -> Option<TheirMount> {
    Some(match mount {
        Mount::Copied { .. } => return None,
        Mount::Bind { host, target, read_only } => TheirMount {
            typ: Some(MountType::BIND),
            source: Some(host.display().to_string()),
            target: Some(target.clone()),
            read_only: Some(*read_only),
            ..TheirMount::default()
        },
        Mount::Volume { name, target, read_only } => TheirMount {
            typ: Some(MountType::VOLUME),
            source: Some(name.clone()),
            target: Some(target.clone()),
            read_only: Some(*read_only),
            ..TheirMount::default()
        },
        Mount::Tmpfs { target, mode } => TheirMount {
            typ: Some(MountType::TMPFS),
            target: Some(target.clone()),
            tmpfs_options: Some(MountTmpfsOptions {
                mode: Some(i64::from(*mode)),
                ..MountTmpfsOptions::default()
            }),
            ..TheirMount::default()
        },
    })
}

fn facts_of(facts: ContainerInspectResponse) -> ContainerFacts {
    let state = facts.state.unwrap_or_default();
    let doing = match state.status {
        Some(ContainerStateStatusEnum::RUNNING) => State::Running,
        Some(ContainerStateStatusEnum::PAUSED) => State::Paused,
        Some(ContainerStateStatusEnum::RESTARTING) => State::Restarting,
        Some(ContainerStateStatusEnum::EXITED) => State::Exited,
        Some(ContainerStateStatusEnum::DEAD | ContainerStateStatusEnum::REMOVING) => State::Dead,
        _ => State::Created,
    };
    let ended = matches!(doing, State::Exited | State::Dead);
    let config = facts.config.unwrap_or_default();
    let networks = facts.network_settings.and_then(|settings| settings.networks).unwrap_or_default();
    ContainerFacts {
        id: ContainerId(facts.id.unwrap_or_default()),
        name: facts.name.unwrap_or_default().trim_start_matches('/').to_owned(),
        state: doing,
        exit: ended.then(|| Exit {
            code: state.exit_code.unwrap_or_default(),
            oom_killed: state.oom_killed.unwrap_or_default(),
            removed: false,
            error: state.error.filter(|text| !text.is_empty()),
        }),
        started_at: state.started_at.filter(|time| is_a_time(time)),
        finished_at: state.finished_at.filter(|time| is_a_time(time) && ended),
        image: ImageRef(config.image.unwrap_or_default()),
        labels: config.labels.unwrap_or_default().into_iter().collect(),
        ip: networks.into_values().filter_map(|network| network.ip_address).find(|ip| !ip.is_empty()),
    }
}

/// The engine writes the year 1 for what has not happened.
fn is_a_time(text: &str) -> bool {
    !text.is_empty() && !text.starts_with("0001-")
}
