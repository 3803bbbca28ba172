//! What the engine tells about itself: asked by the doctor, never on the way to a run.

use crate::{Docker, Error, Verb};

/// The engine, as it describes itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineFacts {
    /// The engine's own identity; the same through every address that leads to it. Podman has none.
    pub id: Option<String>,
    /// `20.10.24`.
    pub version: String,
    /// `1.41`.
    pub api_version: String,
    /// `linux`.
    pub os: String,
    /// `amd64`.
    pub architecture: String,
    /// `Debian GNU/Linux 12 (bookworm)`, `Docker Desktop`.
    pub operating_system: String,
    /// Whether this is Podman behind Docker's interface.
    pub podman: bool,
    /// Whether the engine itself runs without root, so that root in a container is an ordinary user outside.
    pub rootless: bool,
    /// `1` or `2`.
    pub cgroup_version: Option<String>,
    /// Whether builds can have cache mounts (BuildKit, or Podman's builder, which has them too).
    pub cache_mounts: bool,
    /// Names of runtimes that bring GPUs into a container.
    pub gpu_runtimes: Vec<String>,
    /// Where images and containers are kept on the engine's machine.
    pub storage_root: Option<String>,
    /// `overlay2`.
    pub storage_driver: Option<String>,
    /// CPUs of the engine's machine.
    pub cpus: Option<u64>,
    /// Memory of the engine's machine in bytes.
    pub memory_bytes: Option<u64>,
    /// What the engine itself warns of.
    pub warnings: Vec<String>,
}

impl Docker {
    /// Two questions, asked at once.
    pub async fn about(&self) -> Result<EngineFacts, Error> {
        let (version, info) = futures::future::try_join(self.quick.version(), self.quick.info())
            .await
            .map_err(|error| self.failed(Verb::About, error))?;
        let podman = version
            .components
            .iter()
            .flatten()
            .any(|component| component.name.to_lowercase().contains("podman"));
        let security = info.security_options.unwrap_or_default();
        let os = version.os.or(info.os_type).unwrap_or_default();
        let mut gpu_runtimes: Vec<String> = info.runtimes.unwrap_or_default().into_keys().collect();
        gpu_runtimes.retain(|name| name.contains("nvidia"));
        gpu_runtimes.sort();
        Ok(EngineFacts {
            id: info.id.filter(|id| !id.is_empty()),
            version: version.version.unwrap_or_default(),
            cache_mounts: os == "linux" && (podman || at_least(version.api_version.as_deref(), (1, 39))),
            api_version: version.api_version.unwrap_or_default(),
            os,
            architecture: version.arch.unwrap_or_default(),
            operating_system: info.operating_system.unwrap_or_default(),
            podman,
            rootless: security.iter().any(|option| option.contains("rootless")),
            cgroup_version: info.cgroup_version.map(|version| version.to_string()),
            gpu_runtimes,
            storage_root: info.docker_root_dir,
            storage_driver: info.driver,
            cpus: info.ncpu.and_then(|count| u64::try_from(count).ok()),
            memory_bytes: info.mem_total.and_then(|bytes| u64::try_from(bytes).ok()),
            warnings: info.warnings.unwrap_or_default(),
        })
    }
}

fn at_least(version: Option<&str>, wanted: (u32, u32)) -> bool {
    version
        .and_then(|version| version.split_once('.'))
        .and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)))
        .is_some_and(|version: (u32, u32)| version >= wanted)
}
