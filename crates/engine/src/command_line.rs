//! Reads the user's shell command far enough to know which Python process a debugger is wanted in.
//!
//! The command is never changed and never run from here; a command that is not understood names no process,
//! and then the Python processes that run a file of the code folder are taken, one after the other.

use crate::plan::Process;

/// What a command says about its Python.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Invocation {
    /// The program: a script or a module. The last one of the command, for what comes before is preparation.
    pub process: Option<Process>,
    /// Whether others come before it, or may take its place.
    pub several: bool,
    /// The interpreter as written; `None` where a launcher starts it.
    pub interpreter: Option<String>,
    /// A flag that makes Python ignore the start hook: `-I`, `-S` or `-E`.
    pub isolated_by: Option<String>,
    /// The program that starts it: `torchrun`, `accelerate`, `mpirun`, …
    pub launcher: Option<String>,
}

/// Reads a shell command.
pub fn read(command: &str) -> Invocation {
    read_shell(command, 0)
}

/// The file that a command begins with, where that is certain: nothing before it makes files or changes the folder.
pub(crate) fn first_script(command: &str) -> Option<String> {
    let words = split(command).into_iter().next()?;
    if words.iter().any(|word| is_shell(base(word))) {
        return None;
    }
    match read_words(&words, 0).process? {
        Process::Script(path) if path.ends_with(".py") && !path.contains(['$', '*', '{']) => Some(path),
        _ => None,
    }
}

/// A word as the shell and the bindings of Azure ML take it: whole, and as it is.
pub(crate) fn quoted(word: &str) -> String {
    if is_plain(word) {
        return word.to_owned();
    }
    let quoted = format!("'{}'", word.replace('\'', "'\\''"));
    // What looks like a binding is taken apart, for the shell puts it together again.
    quoted
        .replace("${{", "$''{{")
        .replace("$[[", "$''[[")
        .replace("{inputs.", "{''inputs.")
        .replace("{outputs.", "{''outputs.")
}

/// Whether a word means itself to the shell.
pub(crate) fn is_plain(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./=:,@%+".contains(&byte))
}

/// Python programs that packages install and that load the user's code: known by their names alone.
const PROGRAMS: [&str; 9] = [
    "gunicorn",
    "uvicorn",
    "hypercorn",
    "waitress-serve",
    "flask",
    "celery",
    "pytest",
    "papermill",
    "streamlit",
];

/// How deep `bash -c "bash -c …"` is followed.
const MAX_DEPTH: usize = 4;

fn read_shell(command: &str, depth: usize) -> Invocation {
    let mut best = Invocation::default();
    for words in split(command) {
        let found = read_words(&words, depth);
        if found.process.is_some() {
            let several = found.several
                || best.several
                || best.process.is_some_and(|one| Some(&one) != found.process.as_ref());
            best = Invocation { several, ..found };
        }
    }
    best
}

fn read_words(words: &[String], depth: usize) -> Invocation {
    let mut words = words;
    while let Some((first, rest)) = words.split_first() {
        let program = base(first);
        if is_assignment(first)
            || matches!(first.as_str(), "!" | "{" | "(" | "then" | "do" | "else" | "if" | "while")
        {
            words = rest;
        } else if matches!(
            program,
            "exec"
                | "command"
                | "nohup"
                | "env"
                | "time"
                | "sudo"
                | "stdbuf"
                | "nice"
                | "timeout"
                | "xvfb-run"
        ) {
            words = skip_prefix(program, rest);
        } else if is_shell(program) {
            return read_subshell(rest, depth);
        } else if matches!(program, "conda" | "mamba" | "micromamba")
            && rest.first().is_some_and(|word| word == "run")
        {
            words = skip_options(&rest[1..], &["-n", "--name", "-p", "--prefix", "--cwd"]);
        } else if matches!(program, "uv" | "poetry" | "pipenv" | "pixi")
            && rest.first().is_some_and(|word| word == "run")
        {
            words = skip_options(&rest[1..], &["--with", "--python", "-p", "--extra", "--group"]);
        } else if matches!(program, "torchrun" | "torchrun.py") {
            return launched("torchrun", rest, TORCHRUN);
        } else if program == "accelerate" && rest.first().is_some_and(|word| word == "launch") {
            return accelerated("accelerate", &rest[1..]);
        } else if program == "accelerate-launch" {
            return accelerated("accelerate", rest);
        } else if program == "deepspeed" {
            return launched("deepspeed", rest, DEEPSPEED);
        } else if matches!(program, "mpirun" | "mpiexec" | "horovodrun" | "srun") {
            let inner = read_words(skip_options(rest, MPI), depth);
            return Invocation { launcher: Some(program.to_owned()), ..inner };
        } else if is_python(program) {
            return read_python(first, rest);
        } else if PROGRAMS.contains(&program) {
            return Invocation {
                process: Some(Process::Script(program.to_owned())),
                ..Invocation::default()
            };
        } else {
            let is_script = first.ends_with(".py") && !first.starts_with('-');
            let process = is_script.then(|| Process::Script(first.clone()));
            return Invocation { process, ..Invocation::default() };
        }
    }
    Invocation::default()
}

fn is_shell(program: &str) -> bool {
    matches!(program, "bash" | "sh" | "dash" | "zsh")
}

fn read_subshell(words: &[String], depth: usize) -> Invocation {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word.starts_with('-') && !word.starts_with("--") && word.contains('c') {
            return match words.find(|word| !word.starts_with('-')) {
                Some(inner) if depth < MAX_DEPTH => read_shell(inner, depth + 1),
                _ => Invocation::default(),
            };
        }
        if !word.starts_with('-') {
            break;
        }
    }
    Invocation::default()
}

/// `python [options] script | -m module | -c code`.
fn read_python(interpreter: &str, words: &[String]) -> Invocation {
    let mut invocation = Invocation { interpreter: Some(interpreter.to_owned()), ..Invocation::default() };
    let mut words = words;
    while let Some((word, rest)) = words.split_first() {
        words = rest;
        if word == "-" || word == "--" || word.starts_with("--") {
            continue;
        }
        let Some(flags) = word.strip_prefix('-') else {
            invocation.process = Some(Process::Script(word.clone()));
            return invocation;
        };
        for (at, flag) in flags.char_indices() {
            let value = &flags[at + flag.len_utf8()..];
            match flag {
                'I' | 'S' | 'E' => invocation.isolated_by = Some(format!("-{flag}")),
                'm' => {
                    let (module, rest) = if value.is_empty() {
                        let Some((module, rest)) = words.split_first() else { return invocation };
                        (module.as_str(), rest)
                    } else {
                        (value, words)
                    };
                    return read_module(invocation, module, rest);
                }
                'c' => return invocation,
                'W' | 'X' => {
                    if value.is_empty() {
                        words = words.split_first().map_or(words, |(_, rest)| rest);
                    }
                    break;
                }
                _ => {}
            }
        }
    }
    invocation
}

/// Modules that run another program are looked through.
fn read_module(invocation: Invocation, module: &str, words: &[String]) -> Invocation {
    let inner = match module {
        "torch.distributed.run"
        | "torch.distributed.launch"
        | "torch.distributed.elastic.multiprocessing" => launched(module, words, TORCHRUN),
        "accelerate.commands.launch" => accelerated(module, words),
        "deepspeed.launcher.runner" => launched(module, words, DEEPSPEED),
        "cProfile" | "profile" | "trace" | "pdb" | "memory_profiler" | "kernprof" | "coverage"
        | "debugpy" => {
            let words = if module == "coverage" { words.get(1..).unwrap_or(&[]) } else { words };
            launched(module, words, PROFILERS)
        }
        _ => return Invocation { process: Some(Process::Module(module.to_owned())), ..invocation },
    };
    Invocation { interpreter: invocation.interpreter, isolated_by: invocation.isolated_by, ..inner }
}

/// The script or `-m module` behind a launcher's own options.
fn launched(launcher: &str, words: &[String], with_value: &[&str]) -> Invocation {
    launched_by(launcher, words, |option, _| with_value.contains(&option))
}

/// The same for `accelerate launch`. What it does not know takes a value, unless that is a script.
fn accelerated(launcher: &str, words: &[String]) -> Invocation {
    launched_by(launcher, words, |option, next| {
        !ACCELERATE_ALONE.contains(&option) && !next.starts_with('-') && !next.ends_with(".py")
    })
}

fn launched_by(launcher: &str, words: &[String], takes: impl Fn(&str, &str) -> bool) -> Invocation {
    let mut invocation = Invocation { launcher: Some(launcher.to_owned()), ..Invocation::default() };
    let mut is_module = false;
    let mut words = words;
    while let Some((word, rest)) = words.split_first() {
        words = rest;
        if word == "-m" || word == "--module" {
            is_module = true;
        } else if word.starts_with('-') {
            if let Some((next, rest)) = words.split_first()
                && !word.contains('=')
                && takes(&word.replace('_', "-"), next)
            {
                words = rest;
            }
        } else {
            let program = word.clone();
            invocation.process =
                Some(if is_module { Process::Module(program) } else { Process::Script(program) });
            return invocation;
        }
    }
    invocation
}

const TORCHRUN: &[&str] = &[
    "--nnodes",
    "--nproc-per-node",
    "--node-rank",
    "--master-addr",
    "--master-port",
    "--rdzv-backend",
    "--rdzv-endpoint",
    "--rdzv-id",
    "--rdzv-conf",
    "--max-restarts",
    "--monitor-interval",
    "--start-method",
    "--role",
    "--log-dir",
    "-r",
    "--redirects",
    "-t",
    "--tee",
    "--local-addr",
    "--nproc_per_node",
    "--local-ranks-filter",
    "--logs-specs",
    "--event-log-handler",
];
/// Options of `accelerate launch` that stand alone; it has three times as many that do not, and new ones each year.
const ACCELERATE_ALONE: &[&str] = &[
    "-h",
    "--help",
    "-q",
    "--quiet",
    "--cpu",
    "--multi-gpu",
    "--tpu",
    "--ipex",
    "--use-xpu",
    "--enable-cpu-affinity",
    "--dynamo-use-fullgraph",
    "--dynamo-use-dynamic",
    "--dynamo-use-regional-compilation",
    "--use-deepspeed",
    "--use-fsdp",
    "--use-megatron-lm",
    "--use-parallelism-config",
    "--same-network",
    "--no-python",
    "--tpu-cluster",
    "--no-tpu-cluster",
    "--tpu-use-sudo",
    "--fp8-use-autocast-during-eval",
    "--debug",
];
const DEEPSPEED: &[&str] = &[
    "-H",
    "--hostfile",
    "-i",
    "--include",
    "-e",
    "--exclude",
    "--num-nodes",
    "--num-gpus",
    "--master-port",
    "--master-addr",
    "--launcher",
    "--launcher-args",
    "--min-elastic-nodes",
    "--max-elastic-nodes",
];
const MPI: &[&str] = &[
    "-n",
    "-np",
    "-c",
    "--np",
    "-H",
    "-host",
    "--host",
    "--hostfile",
    "-x",
    "-N",
    "-npernode",
    "--map-by",
    "--bind-to",
    "-hosts",
    "-f",
    "-machinefile",
    "--ntasks",
];
const PROFILERS: &[&str] =
    &["-o", "-s", "--listen", "--connect", "--rcfile", "--source", "--include", "--omit", "-C", "-f"];

fn skip_options<'a>(words: &'a [String], with_value: &[&str]) -> &'a [String] {
    let mut words = words;
    while let Some((word, rest)) = words.split_first() {
        if !word.starts_with('-') {
            break;
        }
        words = rest;
        if word == "--mca" || word == "-mca" {
            words = words.get(2..).unwrap_or(&[]);
        } else if with_value.contains(&word.as_str()) {
            words = words.get(1..).unwrap_or(&[]);
        }
    }
    words
}

fn skip_prefix<'a>(program: &str, words: &'a [String]) -> &'a [String] {
    let with_value: &[&str] = match program {
        "env" => &["-u", "-C", "-S"],
        "sudo" => &["-u", "-g"],
        "nice" => &["-n"],
        "timeout" => &["-s", "-k"],
        "stdbuf" => &["-i", "-o", "-e"],
        _ => &[],
    };
    let rest = skip_options(words, with_value);
    // The first word behind `timeout`'s options is the time.
    if program == "timeout" { rest.get(1..).unwrap_or(&[]) } else { rest }
}

fn base(word: &str) -> &str {
    let word = word.strip_prefix("$(which ").or_else(|| word.strip_prefix("$(command -v ")).unwrap_or(word);
    let word = word.trim_end_matches(')').trim();
    word.rsplit('/').next().unwrap_or(word)
}

fn is_python(program: &str) -> bool {
    let rest = program.strip_prefix("python").or_else(|| program.strip_prefix("pypy"));
    let known = rest.is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'));
    known || matches!(program, "$PYTHON" | "${PYTHON}" | "ipython" | "ipython3")
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

/// Splits a shell command into its simple commands and their words. Substitutions `$(…)` and bindings
/// `${{…}}` stay whole; here-documents are not understood.
fn split(command: &str) -> Vec<Vec<String>> {
    let mut commands = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut characters = command.chars().peekable();
    let mut skip_word = false;
    macro_rules! end_word {
        () => {
            if let Some(word) = word.take() {
                if !std::mem::take(&mut skip_word) {
                    if let Some(words) = commands.last_mut() {
                        words.push(word);
                    }
                }
            }
        };
    }
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('\n') | None => {}
                Some(next) => word.get_or_insert_default().push(next),
            },
            '\'' => {
                let word = word.get_or_insert_default();
                word.extend(characters.by_ref().take_while(|next| *next != '\''));
            }
            '"' => {
                let word = word.get_or_insert_default();
                while let Some(next) = characters.next() {
                    match next {
                        '"' => break,
                        '\\' => match characters.next() {
                            Some('\n') | None => {}
                            Some(escaped @ ('"' | '\\' | '$' | '`')) => word.push(escaped),
                            Some(other) => word.extend(['\\', other]),
                        },
                        _ => word.push(next),
                    }
                }
            }
            '$' if matches!(characters.peek(), Some('(' | '{')) => {
                let open = characters.next().unwrap_or('(');
                let close = if open == '(' { ')' } else { '}' };
                let word = word.get_or_insert_default();
                word.extend(['$', open]);
                let mut depth = 1;
                for next in characters.by_ref() {
                    word.push(next);
                    depth += i32::from(next == open) - i32::from(next == close);
                    if depth == 0 {
                        break;
                    }
                }
            }
            '#' if word.is_none() => while characters.next_if(|next| *next != '\n').is_some() {},
            '\n' | ';' | '|' | '&' => {
                // `2>&1` and `&>file` are redirections.
                if character == '&' && word.as_deref().is_some_and(|word| word.ends_with('>')) {
                    word.get_or_insert_default().push('&');
                    continue;
                }
                end_word!();
                commands.push(Vec::new());
            }
            '>' | '<' => {
                let is_number =
                    word.as_deref().is_some_and(|word| word.bytes().all(|byte| byte.is_ascii_digit()));
                if is_number {
                    word = None;
                }
                end_word!();
                while characters.next_if(|next| matches!(next, '>' | '<' | '&' | ' ')).is_some() {}
                skip_word = true;
            }
            ' ' | '\t' | '\r' => end_word!(),
            '(' | ')' => {
                end_word!();
                commands.push(Vec::new());
            }
            _ => word.get_or_insert_default().push(character),
        }
    }
    end_word!();
    commands.retain(|words| !words.is_empty());
    commands
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(command: &str) -> String {
        let Invocation { process, several, interpreter: _, isolated_by, launcher } = read(command);
        let process = match process {
            None => "-".to_owned(),
            Some(Process::Script(path)) => path,
            Some(Process::Module(name)) => format!("-m {name}"),
            Some(Process::Import(name)) => format!("import {name}"),
        };
        let by = launcher.map(|launcher| format!(" by {launcher}")).unwrap_or_default();
        let isolated = isolated_by.map(|flag| format!(" isolated {flag}")).unwrap_or_default();
        let several = if several { " after others" } else { "" };
        format!("{process}{by}{isolated}{several}")
    }

    #[test]
    fn a_script_comes_first_only_where_nothing_could_make_it() {
        let table = [
            ("python train.py --x 1", Some("train.py")),
            ("torchrun --nproc-per-node 2 src/train.py", Some("src/train.py")),
            ("python prep.py && python made.py", Some("prep.py")),
            ("cd src && python train.py", None),
            ("pip install x; python train.py", None),
            ("bash -c 'cd x && python a.py'", None),
            ("python ${{inputs.script}}.py", None),
            ("python $SCRIPT.py", None),
            ("python -m pkg.mod", None),
            ("pytest tests", None),
            ("", None),
        ];
        for (command, first) in table {
            assert_eq!(first_script(command).as_deref(), first, "{command}");
        }
    }

    #[test]
    fn the_python_process_of_a_command() {
        let table = [
            ("python train.py --x 1", "train.py"),
            ("python3 -u src/train.py", "src/train.py"),
            ("/opt/conda/bin/python3.11 -X dev -W ignore train.py", "train.py"),
            ("python -m pkg.mod a.py", "-m pkg.mod"),
            ("python -mpkg.mod", "-m pkg.mod"),
            ("bash -c \"cd x && python y.py\"", "y.py"),
            ("bash -lc 'python y.py'", "y.py"),
            ("FOO=1 BAR='a b' python x.py", "x.py"),
            ("a && b && python train.py 2>&1 | tee log", "train.py"),
            ("pip install -r requirements.txt\npython prep.py\npython train.py", "train.py after others"),
            ("pip install x && python train.py; python train.py again", "train.py"),
            ("python train.py \\\n  --lr ${{inputs.lr}}", "train.py"),
            ("torchrun --nproc_per_node 2 --nnodes=1 train.py --batch 4", "train.py by torchrun"),
            ("torchrun --standalone -m pkg.train", "-m pkg.train by torchrun"),
            (
                "python -m torch.distributed.run --nproc-per-node 2 train.py",
                "train.py by torch.distributed.run",
            ),
            ("accelerate launch --num_processes 2 train.py", "train.py by accelerate"),
            ("accelerate launch --cpu --mpirun_hostfile hosts train.py", "train.py by accelerate"),
            ("accelerate launch --multi-gpu -t 1 --some-new-flag train.py", "train.py by accelerate"),
            ("accelerate launch --fsdp_offload_params true -m pkg.train", "-m pkg.train by accelerate"),
            ("accelerate-launch --config_file a.yaml src/train.py --lr 1", "src/train.py by accelerate"),
            ("gunicorn --workers 2 --bind 127.0.0.1:8000 app:app", "gunicorn"),
            ("python prep.py && exec /opt/conda/bin/pytest -x tests", "pytest after others"),
            ("mpirun -np 4 --mca btl tcp python train.py", "train.py by mpirun"),
            ("deepspeed --num_gpus 2 train.py --deepspeed", "train.py by deepspeed"),
            ("conda run -n x --no-capture-output python y.py", "y.py"),
            ("$(which python) y.py", "y.py"),
            ("exec timeout -k 5 100 python y.py", "y.py"),
            ("./train.py --x", "./train.py"),
            ("python -m cProfile -o out.prof train.py", "train.py by cProfile"),
            ("python -I x.py", "x.py isolated -I"),
            ("python -IS x.py", "x.py isolated -S"),
            ("python -Iu x.py", "x.py isolated -I"),
            ("python -uE -m mod", "-m mod isolated -E"),
            ("python x.py -I", "x.py"),
            ("python -c 'import x'", "-"),
            ("echo python train.py", "-"),
            ("echo 'python a.py' # python b.py", "-"),
            ("python train.py > out.txt", "train.py"),
            ("(cd src; python train.py)", "train.py"),
            ("if true; then python train.py; fi", "train.py"),
            ("Rscript train.R", "-"),
            ("", "-"),
        ];
        for (command, expected) in table {
            assert_eq!(show(command), expected, "{command}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_command_makes_it_panic(command in "([ \\t\n\"'\\\\$(){}|&;<>#=a-c.-]|python |-m |bash -c ){0,40}") {
            let _ = read(&command);
        }
    }
}
