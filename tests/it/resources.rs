//! What a spec asks of the machine: memory, ports, several processes, a limit of time.

use crate::support::program::{text, told};
use crate::support::{Ground, is_root, until};
use std::fs;

/// The usual job with further keys.
fn job(command: &str, keys: &str, files: &str) -> Ground {
    Ground::with_job(&format!("{command}\n{keys}"), files)
}

#[test]
fn memory_ports_and_variables_of_the_spec_are_the_containers() {
    let script = "\n//- /src/x.py\nimport os\nprint(os.statvfs('/dev/shm').f_blocks * os.statvfs('/dev/shm').f_frsize >> 20)\nprint(os.environ['FROM_ARGS'], os.environ['HTTPS_PROXY'], os.environ['NO_PROXY'])\nprint(open('/proc/self/limits').read().split('Max open files')[1].split()[:2])\nprint(len(os.sched_getaffinity(0)) > 0)\nimport time\nwhile not os.path.exists('go'): time.sleep(0.02)\n";
    let mut ground = job(
        "python x.py",
        "resources:\n  shm_size: 96m\n  docker_args: --ulimit nofile=512:1024 -e FROM_ARGS=yes -p 8000\nenvironment_variables:\n  NO_PROXY: of-the-spec",
        script,
    );
    ground.set("HTTPS_PROXY", "http://proxy.invalid:3128");
    ground.set("NO_PROXY", "of-the-machine");
    let mut run = ground.start(["run", "job.yml", "--json"]);
    run.wait_for_line("True");
    let format = "{{(index (index .NetworkSettings.Ports \"8000/tcp\") 0).HostIp}}";
    let address = crate::support::engine::docker(&["inspect", "--format", format, &ground.containers()[0]]);
    assert_eq!(address, "127.0.0.1", "a published port is this machine's own");
    fs::write(ground.path("src/go"), "").unwrap();
    let lines = run.end().with_code(0).log("driver");
    assert_eq!(
        lines,
        ["96", "yes http://proxy.invalid:3128 of-the-spec", "['512', '1024']", "True"].map(str::to_owned)
    );
}

#[test]
fn an_argument_that_opens_the_machine_is_refused_before_anything_is_made() {
    let ground = job("python x.py", "resources:\n  docker_args: --privileged", "\n//- /src/x.py\n");
    let ended = ground.call(["run", "job.yml", "--json"]).with_code(2);
    let said = told(&ended.result()["failure"]);
    assert!(
        said.contains("\"--privileged\" would open this machine to the job\n-> correct docker_args"),
        "{said}"
    );
    ground.leaves_nothing();
}

#[test]
fn a_distributed_job_runs_as_several_processes_and_one_that_fails_ends_all() {
    let script = "\n//- /src/x.py\nimport os, sys, time, socket\nrank, size = int(os.environ['RANK']), int(os.environ['WORLD_SIZE'])\nassert os.environ['LOCAL_RANK'] == str(rank) and os.environ['NODE_RANK'] == '0'\naddress = (os.environ['MASTER_ADDR'], int(os.environ['MASTER_PORT']))\nif rank == 0:\n    with socket.create_server(address) as server:\n        seen = [server.accept()[0].recv(1) for _ in range(size - 1)]\n    print('all', size, b''.join(sorted(seen)).decode())\nelse:\n    while True:\n        try:\n            with socket.create_connection(address) as out:\n                out.sendall(str(rank).encode())\n                break\n        except OSError:\n            time.sleep(0.02)\nif rank == 1 and 'FAIL' in os.environ:\n    print('gives up', file=sys.stderr)\n    sys.exit(7)\nif 'FAIL' in os.environ:\n    time.sleep(600)\n";
    let ground = job(
        "python x.py",
        "distribution: {type: pytorch, process_count_per_instance: 3}\nresources: {instance_count: 2}",
        script,
    );
    let ended = ground.call(["run", "job.yml", "--json"]).with_code(0);
    assert_eq!(ended.log("driver"), ["all 3 12"]);
    let said = ended.log("control").join("\n");
    assert!(said.contains("the spec asks for 2 instances"), "{said}");
    let failed = ground.call(["run", "job.yml", "--env", "FAIL=1", "--json"]).with_code(1);
    assert!(failed.log("driver").contains(&"gives up".to_owned()), "{failed:?}");
    assert_eq!(failed.result()["exitCode"], 7, "its own code, and the others do not keep the run");
    ground.leaves_nothing();
}

#[test]
fn workers_and_parameter_servers_of_tensorflow_find_each_other_and_the_servers_end_with_the_last_worker() {
    let script = "\n//- /src/x.py\nimport json, os, socket, time\nconfig = json.loads(os.environ['TF_CONFIG'])\ntask, cluster = config['task'], config['cluster']\nhost, port = cluster[task['type']][task['index']].split(':')\nif task['type'] == 'ps':\n    with socket.create_server((host, int(port))) as server:\n        while True:\n            server.accept()[0].sendall(b'!')\nhost, port = cluster['ps'][0].split(':')\nwhile True:\n    try:\n        with socket.create_connection((host, int(port))) as to:\n            to.recv(1)\n            break\n    except OSError:\n        time.sleep(0.02)\nindex = task['index']\nprint(f'worker {index} of {len(cluster[\"worker\"])}\\n', end='')\n";
    let ground = job(
        "python x.py",
        "distribution: {type: tensorflow, worker_count: 2, parameter_server_count: 1}",
        script,
    );
    let ended = ground.call(["run", "job.yml", "--json"]).with_code(0);
    let mut lines = ended.log("driver");
    lines.sort();
    assert_eq!(lines, ["worker 0 of 2", "worker 1 of 2"]);
    let line = script.lines().skip(2).position(|line| line.starts_with("print")).expect("a line") + 1;
    let place = format!("src/x.py:{line}");
    let words = ["run", "job.yml", "--rank", "1", "--break", &place, "--json"];
    let result = ground.call(words).with_code(0).result();
    assert_eq!(result["stops"][0]["locals"]["index"], "1", "{result}");
    ground.leaves_nothing();
}

#[test]
fn mpi_ranks_are_told_apart_where_the_image_has_no_mpirun() {
    let script = "\n//- /src/x.py\nimport os, sys\nrank, size = os.environ['OMPI_COMM_WORLD_RANK'], os.environ['OMPI_COMM_WORLD_SIZE']\nfor n in range(300):\n    print(rank, size, n, file=sys.stderr if n % 3 else sys.stdout)\n";
    let ground = job("python x.py", "distribution: {type: mpi, process_count_per_instance: 2}", script);
    // `print` writes a line and its end apart, and the ranks share one output.
    let lines = ground.call(["run", "job.yml", "--json"]).with_code(0).log("driver");
    for rank in 0..2 {
        let whole = |n: &u32| lines.iter().filter(|line| **line == format!("{rank} 2 {n}")).count() == 1;
        assert_eq!((0..300).filter(whole).count(), 300, "{lines:?}");
    }
    assert_eq!(lines.len(), 600);
}

#[test]
fn each_of_several_processes_has_a_log_of_its_own() {
    let script = "\n//- /src/x.py\nimport os, sys, time\nrank = os.environ['RANK']\nprint('here', rank, os.environ.get('TOKEN'))\nprint('there', rank, file=sys.stderr)\nwhile not os.path.exists('go'):\n    time.sleep(0.02)\nprint('gone', rank)\n";
    let mut ground =
        job("python x.py", "distribution: {type: pytorch, process_count_per_instance: 2}", script);
    ground.set("TOKEN", "hidden-of-the-ranks");
    let run = ground.start(["run", "job.yml", "--secret", "TOKEN", "--json"]);
    let name = until("a run", || ground.runs().first().map(|run| run["run"].clone()));
    let logs = ground.run_folder(&name).join("user_logs");
    let lines = |file: &str| -> Vec<String> {
        let text = fs::read_to_string(logs.join(file)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    };
    let all = |count: usize| until("all lines", || (lines("std_log.txt").len() == count).then_some(()));
    all(4);
    // Whoever takes the run over goes on where each of the logs stands.
    run.kill();
    assert_eq!(ground.only_run()["state"], "running");
    fs::write(ground.path("src/go"), "").unwrap();
    let run = until("the end of the run", || Some(ground.only_run()).filter(|run| run["endedAt"].is_u64()));
    assert_eq!(run["state"], "completed", "{run}");
    all(6);
    for rank in 0..2 {
        let mut own = lines(&format!("std_log_process_{rank}.txt"));
        // Its two streams are two.
        own.sort();
        let hidden = "*".repeat("hidden-of-the-ranks".len());
        assert_eq!(own, [format!("gone {rank}"), format!("here {rank} {hidden}"), format!("there {rank}")]);
    }
    let mut of_both: Vec<_> = (0..2).flat_map(|rank| lines(&format!("std_log_process_{rank}.txt"))).collect();
    let mut whole = lines("std_log.txt");
    of_both.sort();
    whole.sort();
    assert_eq!(whole, of_both, "no mark is left in it");
    let left =
        ground.call(["runs", "outputs", name.as_str().unwrap(), "--json"]).with_code(0).objects().remove(0);
    let files: Vec<&str> =
        left["files"].as_array().unwrap().iter().filter_map(|file| file["path"].as_str()).collect();
    assert_eq!(files, ["user_logs/std_log_process_0.txt", "user_logs/std_log_process_1.txt"], "{left}");
    let of_one = Ground::with_job("python x.py", "\n//- /src/x.py\nprint('alone')\n");
    let result = of_one.call(["run", "job.yml", "--json"]).with_code(0).result();
    let files = fs::read_dir(of_one.run_folder(&result["run"]).join("user_logs")).unwrap();
    assert_eq!(files.count(), 1, "one process, one log");
    ground.leaves_nothing();
}

#[test]
fn a_run_past_its_limit_is_ended_and_one_that_is_debugged_is_not() {
    let script = "\n//- /src/x.py\nimport time\nprint('here', flush=True)\ntime.sleep(3)\nprint('there')\n";
    let ground = job("python x.py", "limits: {timeout: 1}", script);
    let ended = ground.call(["run", "job.yml", "--json"]).with_code(1);
    let said = told(&ended.result()["failure"]);
    assert!(said.contains("the run reached the limit of its spec: 1 s"), "{said}");
    assert_eq!(ended.log("driver"), ["here"]);
    let debugged = ground.call(["run", "job.yml", "--break", "src/x.py:2", "--json"]).with_code(0);
    assert_eq!(debugged.log("driver"), ["here", "there"]);
    assert!(debugged.log("control").iter().any(|line| line.contains("limits.timeout (1 s) does not end")));
    ground.leaves_nothing();
}

#[test]
fn gpus_are_given_where_there_are_some_and_missed_in_words_where_not() {
    let runtimes = crate::support::engine::docker(&["info", "--format", "{{json .Runtimes}}"]);
    if runtimes.contains("nvidia") {
        crate::support::not_told("GPUs that are missed, since this engine has some");
        return;
    }
    let ground =
        job("python x.py", "resources: {docker_args: --gpus all}", "\n//- /src/x.py\nprint('hello')\n");
    let ended = ground.call(["run", "job.yml", "--json"]).with_code(0);
    let said = ended.log("control").join("\n");
    assert!(said.contains("the spec asks for GPUs, and this engine has none to give"), "{said}");
}

#[test]
fn a_user_whom_the_image_does_not_know_has_a_name_and_a_home() {
    let script = "\n//- /src/x.py\nimport getpass, os\nprint(getpass.getuser(), os.access(os.path.expanduser('~'), os.W_OK))\n";
    let mut ground = job("python x.py", "", script);
    if is_root() {
        let bridge = crate::support::Bridge::open(ground.beside("engine.sock"));
        ground.set("DOCKER_HOST", bridge.address());
        ground.set("HOME", text(&ground.beside("user").display().to_string().into()));
        ground.become_nobody();
        assert_eq!(ground.call(["run", "job.yml", "--json"]).with_code(0).log("driver"), ["azureml True"]);
    } else {
        assert_eq!(ground.call(["run", "job.yml", "--json"]).with_code(0).log("driver"), ["azureml True"]);
    }
}
