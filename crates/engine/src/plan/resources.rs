//! What a spec asks of the machine: memory, ports, GPUs.
//!
//! `docker_args` reach the user's own machine here and not a throw-away node, so only arguments of a known
//! list are honoured, and each of the others is refused with the reason.

use super::container::{Grants, Limits, Port, Ulimit};
use super::settings::Variables;
use crate::failure::{Blame, Failure};
use crate::message;
use crate::spec::job::CommandJob;

/// Azure's own default of `shm_size`.
const AZURE_SHM_BYTES: u64 = 2 << 30;

/// What of a container the spec decides beside its image, its command and its files.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Resources {
    pub(super) limits: Limits,
    pub(super) grants: Grants,
    pub(super) gpu: bool,
    /// Variables among the arguments; those of the spec's own key win over them.
    pub(super) variables: Variables,
}

/// Reads `resources` of a job.
///
/// # Errors
/// A size that is none; an argument that is not honoured on this machine.
pub(super) fn resources(job: &CommandJob) -> Result<Resources, Failure> {
    let mut resources = Resources::default();
    resources.limits.shm_bytes = match &job.shm_size {
        None => Some(AZURE_SHM_BYTES),
        Some(text) => Some(bytes_of(text).ok_or_else(|| {
            Failure::new(Blame::User, message!("plan.shm-size", value = text))
                .with_fix(message!("plan.shm-size.fix"))
        })?),
    };
    let mut words = job.docker_args.iter().flat_map(|argument| argument.split_whitespace());
    while let Some(word) = words.next() {
        let (option, value) = match word.split_once('=') {
            Some((option, value)) => (option, Some(value)),
            None => (word, None),
        };
        match judge(option) {
            Verdict::Done => {}
            Verdict::Refused(failure) => return Err(failure),
            Verdict::Honoured { option, expected } => {
                let value = value.or_else(|| words.next()).unwrap_or_default();
                resources.honour(option, value).ok_or_else(|| {
                    let argument = format!("{option}={value}");
                    let what = message!("plan.docker-arg-value", argument = argument, expected = expected);
                    Failure::new(Blame::User, what).with_fix(message!("plan.docker-arg.fix"))
                })?;
            }
        }
    }
    Ok(resources)
}

enum Verdict {
    /// It takes a value.
    Honoured {
        option: &'static str,
        expected: &'static str,
    },
    /// What it asks for is so anyway.
    Done,
    Refused(Failure),
}

/// The arguments that are honoured, their short forms, and what their value looks like.
const HONOURED: [(&str, &str, &str); 12] = [
    ("--shm-size", "", "2g"),
    ("--memory", "-m", "8g"),
    ("--cpus", "", "1.5"),
    ("--gpus", "", "all"),
    ("--ipc", "", "host, private, shareable, none"),
    ("--ulimit", "", "NAME=SOFT:HARD"),
    ("--env", "-e", "NAME=VALUE"),
    ("--publish", "-p", "HOST:CONTAINER"),
    ("--add-host", "", "NAME:ADDRESS"),
    ("--cap-add", "", "SYS_PTRACE"),
    ("--hostname", "-h", "NAME"),
    ("--runtime", "", "nvidia"),
];

const DONE: [&str; 8] = ["--rm", "--init", "-i", "-t", "-it", "-ti", "-d", "--interactive"];

const OPENS: [&str; 13] = [
    "--privileged",
    "--network",
    "--net",
    "--pid",
    "--uts",
    "--userns",
    "--device",
    "--security-opt",
    "--cap-drop",
    "--cgroup-parent",
    "--cgroupns",
    "--group-add",
    "--sysctl",
];

const FILES: [&str; 5] = ["--volume", "-v", "--mount", "--volumes-from", "--env-file"];

const OURS: [&str; 9] =
    ["--entrypoint", "--user", "-u", "--workdir", "-w", "--name", "--label", "-l", "--restart"];

fn judge(option: &str) -> Verdict {
    if let Some((option, _, expected)) =
        HONOURED.iter().find(|(long, short, _)| [*long, *short].contains(&option))
    {
        return Verdict::Honoured { option, expected };
    }
    if DONE.contains(&option) {
        return Verdict::Done;
    }
    let what = if OPENS.contains(&option) {
        message!("plan.docker-arg-opens", argument = option)
    } else if FILES.contains(&option) {
        message!("plan.docker-arg-files", argument = option)
    } else if OURS.contains(&option) {
        message!("plan.docker-arg-ours", argument = option)
    } else {
        let known: Vec<&str> = HONOURED.iter().map(|(long, ..)| *long).collect();
        message!("plan.docker-arg-unknown", argument = option, known = known.join(", "))
    };
    Verdict::Refused(Failure::new(Blame::User, what).with_fix(message!("plan.docker-arg.fix")))
}

impl Resources {
    /// Takes the value in; `None` if it is not of the expected form.
    fn honour(&mut self, option: &str, value: &str) -> Option<()> {
        match option {
            "--shm-size" => self.limits.shm_bytes = Some(bytes_of(value)?),
            "--memory" => self.limits.memory_bytes = Some(bytes_of(value)?),
            "--cpus" => {
                let cpus: f64 = value.parse().ok().filter(|cpus| (0.01..=1024.0).contains(cpus))?;
                self.limits.nano_cpus = Some((cpus * 1e9) as u64);
            }
            "--gpus" | "--runtime" => self.gpu = !value.is_empty(),
            "--ipc" if ["host", "private", "shareable", "none"].contains(&value) => {
                self.grants.ipc = Some(value.to_owned());
            }
            "--ulimit" => self.grants.ulimits.push(ulimit(value)?),
            "--env" => {
                let (name, value) = value.split_once('=').filter(|(name, _)| !name.is_empty())?;
                self.variables.push((name.to_owned(), value.to_owned()));
            }
            "--publish" => self.grants.ports.push(port(value)?),
            "--add-host" if value.contains(':') => self.grants.hosts.push(value.to_owned()),
            // What debuggers of native code ask for; nothing else adds to what a container may.
            "--cap-add" if value.trim_start_matches("CAP_") == "SYS_PTRACE" => self.grants.tracing = true,
            "--hostname" if !value.is_empty() => self.grants.hostname = Some(value.to_owned()),
            _ => return None,
        }
        Some(())
    }
}

/// `NAME=SOFT` or `NAME=SOFT:HARD`.
fn ulimit(value: &str) -> Option<Ulimit> {
    let (name, limits) = value.split_once('=')?;
    let (soft, hard) = limits.split_once(':').unwrap_or((limits, limits));
    Some(Ulimit { name: name.to_owned(), soft: soft.parse().ok()?, hard: hard.parse().ok()? })
}

/// `CONTAINER`, `HOST:CONTAINER` or `ADDRESS:HOST:CONTAINER`; whatever the address, it will be loopback.
fn port(value: &str) -> Option<Port> {
    let value = value.strip_suffix("/tcp").unwrap_or(value);
    let (rest, container) = value.rsplit_once(':').unwrap_or(("", value));
    let host = rest.rsplit(':').next().unwrap_or_default();
    let host = if host.is_empty() { None } else { Some(host.parse().ok()?) };
    Some(Port { host, container: container.parse().ok()? })
}

/// `2g`, `512m`, `1024`.
fn bytes_of(text: &str) -> Option<u64> {
    let text = text.trim().to_lowercase();
    let text = text.trim_end_matches('b').trim_end_matches('i');
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..end].parse().ok()?;
    let shift = match text[end..].trim() {
        "" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        _ => return None,
    };
    number.checked_shl(shift).filter(|bytes| bytes >> shift == number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::files::disk::read;
    use crate::spec::{Body, Spec};
    use expect_test::expect;

    fn of(section: &str) -> Result<Resources, Failure> {
        let text = format!("command: echo\nenvironment: {{image: python}}\nresources: {{{section}}}\n");
        let reading = read("/p/job.yml", &[("/p/job.yml", text.as_str())]);
        let Some(Spec { body: Body::Command(job), .. }) = reading.spec else { panic!("{reading:#?}") };
        resources(&job)
    }

    #[test]
    fn arguments_of_the_list_are_honoured_in_both_spellings() {
        let asked = "docker_args: --shm-size 16g -m=2g --cpus 1.5 --gpus all --ipc=host --ulimit nofile=1:2 \
                     -e A=b=c -p 127.0.0.2:8080:80 -p 90 --add-host=db:10.0.0.1 --cap-add SYS_PTRACE --rm";
        let resources = of(asked).expect("all of the list");
        assert!(resources.gpu);
        assert_eq!(resources.variables, [("A".to_owned(), "b=c".to_owned())]);
        expect![[r#"
            Limits { shm_bytes: Some(17179869184), memory_bytes: Some(2147483648), nano_cpus: Some(1500000000) }
            Grants { ports: [Port { host: Some(8080), container: 80 }, Port { host: None, container: 90 }], hosts: ["db:10.0.0.1"], hostname: None, ulimits: [Ulimit { name: "nofile", soft: 1, hard: 2 }], ipc: Some("host"), tracing: true }"#]]
        .assert_eq(&format!("{:?}\n{:?}", resources.limits, resources.grants));
        let listed = of("docker_args: ['--ipc', host, '--shm-size=1g']").expect("a list is as good");
        assert_eq!((listed.grants.ipc.as_deref(), listed.limits.shm_bytes), (Some("host"), Some(1 << 30)));
    }

    #[test]
    fn what_is_not_on_the_list_is_refused_with_the_reason() {
        let asked = [
            "docker_args: --privileged",
            "docker_args: -v /:/host",
            "docker_args: --user 0",
            "docker_args: --oom-kill-disable",
            "docker_args: --publish http",
            "docker_args: --cap-add SYS_ADMIN",
            "shm_size: much",
        ];
        let said: Vec<String> = asked
            .iter()
            .map(|asked| {
                let failure = of(asked).expect_err(asked);
                format!("{failure} -> {}", failure.fix.as_ref().map(ToString::to_string).unwrap_or_default())
            })
            .collect();
        expect![[r#"
            the docker argument "--privileged" would open this machine to the job -> correct docker_args in the spec, or take the argument out for runs on this machine
            the docker argument "-v" brings files into the container; on this machine inputs do that -> correct docker_args in the spec, or take the argument out for runs on this machine
            the docker argument "--user" sets what aml-debug itself has to set -> correct docker_args in the spec, or take the argument out for runs on this machine
            the docker argument "--oom-kill-disable" is none of those that are honoured on this machine: --shm-size, --memory, --cpus, --gpus, --ipc, --ulimit, --env, --publish, --add-host, --cap-add, --hostname, --runtime -> correct docker_args in the spec, or take the argument out for runs on this machine
            the docker argument "--publish=http" is not understood; expected a value like HOST:CONTAINER -> correct docker_args in the spec, or take the argument out for runs on this machine
            the docker argument "--cap-add=SYS_ADMIN" is not understood; expected a value like SYS_PTRACE -> correct docker_args in the spec, or take the argument out for runs on this machine
            resources.shm_size is "much", which is no size -> write a number and a unit, 2g or 512m"#]]
        .assert_eq(&said.join("\n"));
    }

    #[test]
    fn sizes_are_read_as_docker_reads_them() {
        for (text, bytes) in [
            ("1024", Some(1024)),
            ("512m", Some(512 << 20)),
            ("2GiB", Some(2 << 30)),
            ("2x", None),
            ("", None),
        ] {
            assert_eq!(bytes_of(text), bytes, "{text}");
        }
    }
}
