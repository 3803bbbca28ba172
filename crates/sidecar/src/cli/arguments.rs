//! The command line's words (design section 9). Scripts depend on them: add, never rename.

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use std::path::PathBuf;

/// Debugger for Azure ML: stand on a breakpoint in the code that Azure ML runs.
#[derive(Debug, Parser)]
#[command(name = "aml-debug", version, propagate_version = true, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Speak JSON-RPC on standard input and output, for an editor.
    Serve,
    /// Report every problem in spec files.
    Check(Check),
    /// Run a spec or a script in a container on this machine.
    Run(Run),
    /// Run the plan of an earlier run again.
    Rerun(Rerun),
    /// Build or reuse the image of a spec, and nothing more.
    Build(Build),
    /// Deploy a model on this machine, behind the real inference server.
    Deploy(Deploy),
    /// List deployments, read their logs, ask them, restart, stop or remove them.
    Deployments(Deployments),
    /// Make or refresh the launch.json entry of a run, or of a step on a node, and print it.
    Attach(Attach),
    /// Put the remote-debug convention of the published page into a script, correctly, or take it out again.
    Instrument(Instrument),
    /// Write a pipeline in which chosen steps await a debugger, and show what differs.
    Variant(Variant),
    /// List runs, read their logs and outputs, cancel or remove them.
    Runs(Runs),
    /// List the images that were built here, say why, remove what nobody needs.
    Images(Images),
    /// Look at the container engine and everything else that a run needs.
    Doctor(Json),
    /// Print the completions of a shell.
    Completions {
        /// For which shell.
        shell: Shell,
    },
}

impl Command {
    /// Whether a program reads what is printed.
    pub(crate) fn wants_json(&self) -> bool {
        match self {
            Command::Check(check) => check.json.json,
            Command::Run(run) => run.json.json,
            Command::Rerun(rerun) => rerun.json.json,
            Command::Build(build) => build.json.json,
            Command::Deploy(deploy) => deploy.json.json,
            Command::Deployments(deployments) => match &deployments.verb {
                None => deployments.json.json,
                Some(DeploymentsVerb::List { json }) => json.json,
                Some(DeploymentsVerb::Invoke(invoke)) => invoke.json.json,
                Some(
                    DeploymentsVerb::Show(name)
                    | DeploymentsVerb::Restart(name)
                    | DeploymentsVerb::Stop(name)
                    | DeploymentsVerb::Remove(name),
                ) => name.json.json,
                Some(DeploymentsVerb::Logs { .. }) => false,
            },
            Command::Attach(attach) => attach.json.json,
            Command::Doctor(json) => json.json,
            Command::Instrument(instrument) => instrument.json.json,
            Command::Variant(variant) => variant.json.json,
            Command::Runs(runs) => match &runs.verb {
                None => runs.list.json,
                Some(RunsVerb::List(list)) => list.json,
                Some(
                    RunsVerb::Show(name)
                    | RunsVerb::Outputs(name)
                    | RunsVerb::Cancel(name)
                    | RunsVerb::Remove(name),
                ) => name.json.json,
                Some(RunsVerb::Logs { .. }) => false,
            },
            Command::Images(images) => match &images.verb {
                None => images.json.json,
                Some(
                    ImagesVerb::List { json } | ImagesVerb::Why { json, .. } | ImagesVerb::Prune { json, .. },
                ) => json.json,
            },
            Command::Serve | Command::Completions { .. } => false,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Json {
    /// Print one JSON object a line.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Spec files, folders to look for specs in, or patterns (`jobs/**/*.yml`).
    #[arg(required = true, value_name = "FILE|FOLDER")]
    pub(crate) files: Vec<PathBuf>,
    /// Print a v1 run configuration as a v2 command job, and what could not be carried over.
    #[arg(long)]
    pub(crate) convert: bool,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// A v2 command job or pipeline job (YAML), a v1 run configuration, or a Python script.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) debug: Debug,
    /// Step of a pipeline that is debugged; may be given several times. Without it, --debug debugs every step
    /// and --break those that have the file.
    #[arg(long = "step", value_name = "NAME")]
    pub(crate) steps: Vec<String>,
    /// Run every step of a pipeline, although an earlier result of the same content is there.
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) values: Values,
    /// Experiment to list the run under, instead of the spec's own.
    #[arg(long, value_name = "NAME")]
    pub(crate) experiment: Option<String>,
    #[command(flatten)]
    pub(crate) image: Image,
    /// Where to run; `local` is this machine.
    #[arg(long, value_name = "NAME", default_value = "local")]
    pub(crate) target: String,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Args)]
pub(crate) struct Debug {
    /// Stop the Python process before its first line until a debugger has attached.
    #[arg(long)]
    pub(crate) debug: bool,
    /// Stop at this line, print its locals and go on; may be given several times. Implies --debug.
    #[arg(long = "break", value_name = "FILE:LINE")]
    pub(crate) breaks: Vec<String>,
    /// Stop where an exception is raised that nothing catches, print it with the locals and let the program
    /// end of it. Implies --debug.
    #[arg(long)]
    pub(crate) break_on_exception: bool,
    /// Script whose process is debugged, where the command starts several.
    #[arg(long, value_name = "SCRIPT")]
    pub(crate) process: Option<String>,
    /// Rank whose process is debugged, where a launcher (torchrun, mpirun) starts several alike.
    #[arg(long, value_name = "N")]
    pub(crate) rank: Option<u32>,
    /// Debug the Python processes that it starts as well: worker processes, other ranks.
    #[arg(long)]
    pub(crate) children: bool,
    /// How debugpy gets in, instead of the setting.
    #[arg(long, value_name = "WAY")]
    pub(crate) debugger: Option<Debugger>,
}

/// How debugpy gets into a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Debugger {
    /// Mounted; the image stays as it is.
    Volume,
    /// One more dependency of the image's environment.
    Image,
}

#[derive(Debug, Default, Args)]
pub(crate) struct Values {
    /// Value of an input of the spec.
    #[arg(long = "set", value_name = "inputs.NAME=VALUE")]
    pub(crate) set: Vec<String>,
    /// Environment variable of the run.
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) env: Vec<String>,
    /// File with environment variables of the run, a NAME=VALUE a line.
    #[arg(long, value_name = "FILE")]
    pub(crate) env_file: Vec<PathBuf>,
    /// Environment variable that is a secret: it reaches the run by file and is shown nowhere. Its value
    /// is taken from --env-file or from the environment.
    #[arg(long, value_name = "NAME")]
    pub(crate) secret: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Image {
    /// Environment of a bare script: an image, a conda file or an environment spec.
    #[arg(long, value_name = "IMAGE|FILE")]
    pub(crate) environment: Option<String>,
    /// Build the image even if one of the same content is there.
    #[arg(long)]
    pub(crate) rebuild: bool,
    /// Ask the registry for the base image even if one is there.
    #[arg(long)]
    pub(crate) pull: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Rerun {
    /// The earlier run, or a unique beginning of its name.
    pub(crate) run: String,
    /// Of a pipeline run: only this step, with the inputs that it had.
    #[arg(long, value_name = "NAME")]
    pub(crate) step: Option<String>,
    #[command(flatten)]
    pub(crate) debug: Debug,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Args)]
pub(crate) struct Build {
    /// The spec whose environment is built.
    pub(crate) file: PathBuf,
    /// Have debugpy in the image, as one more dependency of its environment.
    #[arg(long)]
    pub(crate) with_debugpy: bool,
    #[command(flatten)]
    pub(crate) image: Image,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Args)]
pub(crate) struct Deploy {
    /// A managed or Kubernetes online deployment (YAML); with --image, the score.py to mount over the image's own.
    #[arg(required_unless_present = "image")]
    pub(crate) file: Option<PathBuf>,
    /// An image that has all in it, as SDK v1's Model.package() makes it.
    #[arg(long, value_name = "IMAGE")]
    pub(crate) image: Option<String>,
    #[command(flatten)]
    pub(crate) debug: DeployDebug,
    /// Send this file when the deployment answers, and print what comes back.
    #[arg(long, value_name = "FILE")]
    pub(crate) request: Option<PathBuf>,
    /// Loopback port to answer on, instead of one that is free.
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<u16>,
    #[command(flatten)]
    pub(crate) values: Variables,
    /// Build the image even if one of the same content is there.
    #[arg(long)]
    pub(crate) rebuild: bool,
    /// Ask the registry for the base image even if one is there.
    #[arg(long)]
    pub(crate) pull: bool,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Args)]
pub(crate) struct DeployDebug {
    /// Let a debugger stop in init() and run(): the server waits for one before it loads score.py.
    #[arg(long)]
    pub(crate) debug: bool,
    /// Stop at this line, print its locals and go on; may be given several times. Implies --debug.
    #[arg(long = "break", value_name = "FILE:LINE")]
    pub(crate) breaks: Vec<String>,
    /// Stop where an exception is raised that nothing catches, print it with the locals and let the program
    /// end of it. Implies --debug.
    #[arg(long)]
    pub(crate) break_on_exception: bool,
    /// Keep all workers that WORKER_COUNT asks for and debug each of them; otherwise there is one while debugging.
    #[arg(long)]
    pub(crate) children: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Variables {
    /// Environment variable of the deployment.
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) env: Vec<String>,
    /// File with environment variables, a NAME=VALUE a line.
    #[arg(long, value_name = "FILE")]
    pub(crate) env_file: Vec<PathBuf>,
    /// Environment variable that is a secret: it goes in by file and is shown nowhere. Its value is taken
    /// from --env-file or from the environment.
    #[arg(long, value_name = "NAME")]
    pub(crate) secret: Vec<String>,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Deployments {
    #[command(subcommand)]
    pub(crate) verb: Option<DeploymentsVerb>,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeploymentsVerb {
    /// List the deployments of this machine and where they answer.
    List {
        #[command(flatten)]
        json: Json,
    },
    /// Print what a deployment's server has written.
    Logs {
        /// The deployment, as NAME or ENDPOINT/NAME.
        name: String,
        /// Go on until the deployment ends.
        #[arg(long, short)]
        follow: bool,
        /// The control log (image build and our own notes) instead of the server's output.
        #[arg(long)]
        control: bool,
    },
    /// Show one deployment: how it stands, requests that lie beside it, and the last answers.
    Show(DeploymentName),
    /// Send a request to a deployment and print the answer.
    Invoke(Invoke),
    /// Load the code again, in place; start again what has ended.
    Restart(DeploymentName),
    /// End a deployment; its record stays, and `restart` starts it again.
    Stop(DeploymentName),
    /// End a deployment and forget it.
    Remove(DeploymentName),
}

#[derive(Debug, Args)]
pub(crate) struct Invoke {
    /// The deployment, as NAME or ENDPOINT/NAME.
    pub(crate) name: String,
    /// File with the request, sent as it is; `-` is standard input. Where only one lies beside the spec, it is taken.
    #[arg(long, value_name = "FILE")]
    pub(crate) request: Option<PathBuf>,
    /// Write the answer's body to this file, byte for byte.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Another path than the scoring route: / or /swagger.json.
    #[arg(long, value_name = "PATH")]
    pub(crate) path: Option<String>,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Args)]
pub(crate) struct DeploymentName {
    /// The deployment, as NAME or ENDPOINT/NAME.
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Args)]
pub(crate) struct Instrument {
    /// The Python script, or a scoring script.
    pub(crate) script: PathBuf,
    #[command(flatten)]
    pub(crate) what: InstrumentVerb,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Clone, Copy, Args)]
#[group(multiple = false)]
pub(crate) struct InstrumentVerb {
    /// Print what would change, as a diff; the default.
    #[arg(long)]
    pub(crate) diff: bool,
    /// Change the script.
    #[arg(long)]
    pub(crate) write: bool,
    /// Give the script its original bytes back.
    #[arg(long)]
    pub(crate) undo: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Variant {
    /// The v2 pipeline job.
    pub(crate) pipeline: PathBuf,
    /// A step that awaits a debugger; may be given several times.
    #[arg(long = "step", value_name = "NAME", required = true)]
    pub(crate) steps: Vec<String>,
    /// Where to write it: a new file in the pipeline's folder; PIPELINE.debug.yml by default.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// How long a step waits for its debugger.
    #[arg(long, value_name = "SECONDS", default_value_t = crate::variant::WAIT_S)]
    pub(crate) wait: u32,
    /// Have the steps call here instead of being reached, for networks in which only that direction is open:
    /// the address at which "aml-debug attach --listen" is reached from the nodes.
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) call: Option<String>,
    /// Of a distributed step, the rank that waits; may be given several times. All of them wait by default.
    #[arg(long = "rank", value_name = "N")]
    pub(crate) ranks: Vec<u32>,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Args)]
pub(crate) struct Attach {
    /// The run, a unique beginning of its name, or the name of a deployment.
    #[arg(required_unless_present_any = ["log", "listen"], conflicts_with = "on_node")]
    run: Option<String>,
    #[command(flatten)]
    pub(crate) node: Node,
    #[command(flatten)]
    pub(crate) json: Json,
}

impl Attach {
    /// The run of this machine's, if one was named.
    pub(crate) fn name(&self) -> Option<RunName> {
        Some(RunName { run: self.run.clone()?, json: Json { json: self.json.json } })
    }
}

/// Steps that await their debugger on nodes.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("on_node").multiple(true))]
pub(crate) struct Node {
    /// The log of a step, which grows: a file, or a URL that is read piece by piece. As soon as it says where
    /// the step awaits its debugger, the step is reached and offered. May be given several times; of a folder,
    /// every log of either layout that is or comes there is followed, and its steps are named by their folders.
    #[arg(long, value_name = "[STEP=]FILE|FOLDER|URL", group = "on_node")]
    pub(crate) log: Vec<String>,
    /// Wait here for steps that call by themselves, for networks in which only that direction is open. Only
    /// this machine can call where no address is given.
    #[arg(long, value_name = "[ADDRESS:]PORT", group = "on_node")]
    pub(crate) listen: Option<String>,
    /// Name of the step, for its own entry in launch.json where there are several; of a folder, or with
    /// --listen, only the steps that are named.
    #[arg(long, value_name = "NAME", requires = "on_node")]
    pub(crate) step: Vec<String>,
    /// A step's code folder on this machine; the current one by default.
    #[arg(long, value_name = "[STEP=]FOLDER", requires = "on_node")]
    pub(crate) code: Vec<String>,
    /// The pipeline that the steps are of: it says where the code of each is.
    #[arg(long, value_name = "FILE", requires = "on_node")]
    pub(crate) pipeline: Option<PathBuf>,
    /// The code folder on the node; the step's working directory by default.
    #[arg(long, value_name = "[STEP=]PATH", requires = "on_node")]
    pub(crate) remote_root: Vec<String>,
    /// The port of a step whose log names none.
    #[arg(long, value_name = "PORT", requires = "log", default_value_t = engine::log::beacon::PORT)]
    pub(crate) debug_port: u16,
    /// The rank to attach to; all of them by default.
    #[arg(long, value_name = "N", requires = "on_node")]
    pub(crate) rank: Option<u32>,
    /// Reach the nodes through this SSH host, by the system's ssh with its keys, agent and configuration.
    #[arg(long, value_name = "[USER@]HOST[:PORT]", requires = "log")]
    pub(crate) jump: Option<String>,
    /// Stop at this line, print its locals and go on; may be given several times.
    #[arg(long = "break", value_name = "FILE:LINE", requires = "on_node")]
    pub(crate) breaks: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RunName {
    /// The run, or a unique beginning of its name.
    pub(crate) run: String,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Runs {
    #[command(subcommand)]
    pub(crate) verb: Option<RunsVerb>,
    #[command(flatten)]
    pub(crate) list: RunsList,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct RunsList {
    /// Runs of this experiment only.
    #[arg(long, value_name = "NAME")]
    pub(crate) experiment: Option<String>,
    /// At most so many, newest first.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) limit: u32,
    /// The runs of a pipeline's steps under it.
    #[arg(long)]
    pub(crate) steps: bool,
    /// Print one JSON object a line, steps among them.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Images {
    #[command(subcommand)]
    pub(crate) verb: Option<ImagesVerb>,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ImagesVerb {
    /// List the images, last used first.
    List {
        #[command(flatten)]
        json: Json,
    },
    /// Say why an image was built although others were there.
    Why {
        /// Its name, or a unique beginning of its hash.
        image: String,
        #[command(flatten)]
        json: Json,
    },
    /// Remove the images that nobody needs: no run in progress, and no spec whose newest image they are.
    Prune {
        /// Only say what would be removed.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        json: Json,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RunsVerb {
    /// List runs, newest first.
    List(RunsList),
    /// Show one run with its phase card.
    Show(RunName),
    /// Print the log of a run.
    Logs {
        /// The run, or a unique beginning of its name.
        run: String,
        /// Go on until the run ends.
        #[arg(long, short)]
        follow: bool,
        /// The control log (image build and our own notes) instead of the command's output.
        #[arg(long)]
        control: bool,
    },
    /// List the files and metrics that a run left behind.
    Outputs(RunName),
    /// End a run.
    Cancel(RunName),
    /// Forget an ended run: record, logs and outputs.
    Remove(RunName),
}
