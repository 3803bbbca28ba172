//! The keys of a v1 run configuration, transcribed from the `_field_to_info_dict` tables of azureml-core 1.61.
//!
//! Pure data. A key missing here is one that the SDK ignores in silence; a key that is [`Fate::Left`] is one
//! that a v2 command job has no place for.

use Fate::{Carried, Left};
use Holds::*;

/// One key, in the one spelling that all others are read as.
#[derive(Debug)]
pub(super) struct Key {
    /// In camel case.
    pub(super) name: &'static str,
    /// What it may hold.
    pub(super) holds: Holds,
    /// What becomes of it in a v2 job.
    pub(super) fate: Fate,
}

/// What a value may be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Holds {
    /// Any scalar.
    Text,
    /// Whatever Python's `int()` takes.
    Whole,
    /// Whatever Python's `bool()` takes, and that is everything.
    Switch,
    /// A list of scalars.
    Texts,
    /// A text, or a list that is joined with blanks.
    Command,
    /// One of these words; the SDK lets any through.
    Word(&'static [&'static str]),
    /// One of these words; the SDK refuses any other.
    OnlyWord(&'static [&'static str]),
    /// Names and values of the user's own.
    Variables,
    /// A mapping with known keys.
    Section(&'static [Key]),
    /// Mappings with known keys, by a name of the user's.
    Named(&'static [Key]),
    /// A list of mappings with known keys.
    Sections(&'static [Key]),
    /// The environment: a section, or the path of a file with one.
    Environment,
    /// Anything.
    Anything,
}

/// What becomes of a key in a v2 command job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is read, or it says nothing that a run depends on.
    Carried,
    /// It is left out; with this value (as the SDK writes it by default) nobody misses it.
    Left(&'static str),
}

const fn key(name: &'static str, holds: Holds) -> Key {
    Key { name, holds, fate: Carried }
}

const fn left(name: &'static str, holds: Holds, default: &'static str) -> Key {
    Key { name, holds, fate: Left(default) }
}

pub(super) const FRAMEWORKS: &[&str] = &["Python", "PySpark", "CNTK", "TensorFlow", "PyTorch"];
pub(super) const COMMUNICATORS: &[&str] =
    &["None", "ParameterServer", "OpenMpi", "IntelMpi", "ParallelTask", "Nccl", "Gloo"];

/// The whole file.
pub(super) const ROOT: &[Key] = &[
    key("script", Text),
    key("arguments", Texts),
    key("command", Command),
    key("target", Text),
    key("framework", Word(FRAMEWORKS)),
    key("communicator", Word(COMMUNICATORS)),
    key("maxRunDurationSeconds", Whole),
    key("nodeCount", Whole),
    left("priority", Whole, ""),
    key("environment", Environment),
    key("history", Section(HISTORY)),
    key("spark", Section(SPARK_CONFIGURATION)),
    key("docker", Section(DOCKER_CONFIGURATION)),
    key("hdi", Section(&[key("yarnDeployMode", Text)])),
    key("tensorflow", Section(&[key("workerCount", Whole), key("parameterServerCount", Whole)])),
    key("mpi", Section(&[key("processCountPerNode", Whole), key("nodeCount", Whole)])),
    key(
        "pytorch",
        Section(&[key("communicationBackend", Text), key("processCount", Whole), key("nodeCount", Whole)]),
    ),
    key("paralleltask", Section(PARALLEL_TASK)),
    key("dataReferences", Named(DATA_REFERENCE)),
    key("data", Named(DATA)),
    left("datacaches", Sections(DATA_CACHE), ""),
    key("outputData", Named(OUTPUT_DATA)),
    left("sourceDirectoryDataStore", Text, ""),
    key("amlcompute", Section(AML_COMPUTE)),
    left("autoClusterComputeSpecification", Anything, ""),
    key("kubernetescompute", Section(&[left("instanceType", Text, "")])),
    left("credentialPassthrough", Switch, "false"),
    key("environmentVariables", Variables),
    left("applicationEndpoints", Named(APPLICATION_ENDPOINT), ""),
];

/// The keys of the time before `environment`, as they read in camel case.
pub(super) const LEGACY: &[Key] = &[
    key("argumentVector", Texts),
    key("target", Text),
    key("framework", Word(FRAMEWORKS)),
    key("condaDependenciesFile", Text),
    key("environmentVariables", Variables),
    left("sparkDependenciesFile", Text, ""),
    key("trackedRun", Switch),
    key("useSampling", Switch),
    key("autoPrepareEnvironment", Switch),
];

/// `<target>.compute` of the same time.
pub(super) const COMPUTE: &[Key] = &[
    key("type", Text),
    key("baseDockerImage", Text),
    key("pythonLocation", Text),
    key("userManagedEnvironment", Switch),
    key("nodeCount", Whole),
];

/// Below `environment`.
pub(super) const ENVIRONMENT: &[Key] = &[
    key("name", Text),
    key("version", Text),
    key("environmentVariables", Variables),
    key("python", Section(PYTHON)),
    key("docker", Section(DOCKER)),
    key("spark", Section(SPARK)),
    left("databricks", Section(DATABRICKS), ""),
    left("r", Section(R), ""),
    left("inferencingStackVersion", Text, ""),
    key("assetId", Text),
];

const PYTHON: &[Key] = &[
    key("userManagedDependencies", Switch),
    key("interpreterPath", Text),
    key("condaDependenciesFile", Text),
    key("condaDependencies", Anything),
    left("baseCondaEnvironment", Text, ""),
];

const DOCKER: &[Key] = &[
    key("enabled", Switch),
    key("baseImage", Text),
    key("baseDockerfile", Text),
    key(
        "buildContext",
        Section(&[
            key("locationType", OnlyWord(&["git", "storageAccount"])),
            key("location", Text),
            key("dockerfilePath", Text),
        ]),
    ),
    left("sharedVolumes", Switch, "true"),
    key("shmSize", Text),
    key("arguments", Texts),
    key(
        "baseImageRegistry",
        Section(&[
            key("address", Text),
            left("username", Text, ""),
            left("password", Text, ""),
            left("registryIdentity", Section(&[key("resourceId", Text), key("clientId", Text)]), ""),
        ]),
    ),
    key("platform", Section(&[left("os", Text, "Linux"), left("architecture", Text, "amd64")])),
    // The SDK of old wrote it; today's finds GPUs by itself.
    key("gpuSupport", Switch),
];

const DOCKER_CONFIGURATION: &[Key] = &[
    key("useDocker", Switch),
    left("sharedVolumes", Switch, "true"),
    key("arguments", Texts),
    key("shmSize", Text),
];

const HISTORY: &[Key] = &[
    left("outputCollection", Switch, "true"),
    left("snapshotProject", Switch, "true"),
    left("directoriesToWatch", Texts, "logs"),
    left(
        "ambientAuthentication",
        Section(&[
            key("method", Text),
            key("appId", Text),
            key("secret", Text),
            key("tenant", Text),
            key("deleteSecretAfterRun", Switch),
        ]),
        "",
    ),
];

const SPARK_CONFIGURATION: &[Key] = &[key("configuration", Anything)];

const SPARK: &[Key] = &[
    left("repositories", Texts, ""),
    left("packages", Sections(&[key("group", Text), key("artifact", Text), key("version", Text)]), ""),
    key("precachePackages", Switch),
];

const DATABRICKS: &[Key] = &[
    key("mavenLibraries", Anything),
    key("pypiLibraries", Anything),
    key("rcranLibraries", Anything),
    key("jarLibraries", Anything),
    key("eggLibraries", Anything),
    key("cluster", Anything),
];

const R: &[Key] = &[
    key("rVersion", Text),
    key("userManaged", Switch),
    key("rscriptPath", Text),
    key("snapshotDate", Text),
    key("cranPackages", Anything),
    key("githubPackages", Anything),
    key("customUrlPackages", Anything),
    key("bioconductorPackages", Anything),
];

const PARALLEL_TASK: &[Key] = &[
    left("maxRetriesPerWorker", Whole, "0"),
    left("workerCountPerNode", Whole, "1"),
    left("terminalExitCodes", Anything, ""),
];

const AML_COMPUTE: &[Key] = &[
    left("vmSize", Text, ""),
    left("vmPriority", Text, ""),
    left("retainCluster", Switch, "false"),
    left("name", Text, ""),
    left("clusterMaxNodeCount", Whole, "1"),
];

const DATA_REFERENCE: &[Key] = &[
    key("dataStoreName", Text),
    key("pathOnDataStore", Text),
    key("mode", OnlyWord(&["mount", "download", "upload"])),
    left("overwrite", Switch, "false"),
    left("pathOnCompute", Text, ""),
];

const DATA_LOCATION: &[Key] = &[
    key("dataset", Section(&[key("id", Text), key("name", Text), key("version", Text)])),
    key("dataPath", Section(&[key("datastoreName", Text), key("relativePath", Text)])),
    key("uri", Section(&[key("path", Text), key("isFile", Switch)])),
];

const DATA: &[Key] = &[
    key("dataLocation", Section(DATA_LOCATION)),
    left("createOutputDirectories", Switch, "false"),
    key("mechanism", Word(&["direct", "mount", "download", "upload"])),
    key("environmentVariableName", Text),
    left("pathOnCompute", Text, ""),
    left("overwrite", Switch, "false"),
    left("options", Anything, ""),
];

const OUTPUT_DATA: &[Key] = &[
    key("outputLocation", Section(DATA_LOCATION)),
    key("mechanism", Word(&["mount", "upload"])),
    left("additionalOptions", Anything, ""),
];

const DATA_CACHE: &[Key] = &[
    key("datacacheId", Text),
    key("datacacheStore", Text),
    key("datasetId", Text),
    key("mode", Text),
    key("replica", Anything),
    key("failureFallback", Switch),
    key("pathOnCompute", Text),
];

const APPLICATION_ENDPOINT: &[Key] = &[key("type", Text), key("port", Whole), key("properties", Anything)];
