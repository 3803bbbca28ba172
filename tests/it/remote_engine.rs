//! An engine on another machine: nothing of this one can be mounted there, so it is copied.

use crate::support::engine::docker;
use crate::support::program::text;
use crate::support::{Bridge, Debugger, Ground};
use serde_json::json;
use std::fs;

const SCRIPT: &str = "\n//- /src/x.py\nimport os, sys\nprint(sorted(os.listdir('.')), open(sys.argv[1]).read().strip())\nos.makedirs('outputs/deep', exist_ok=True)\nopen('outputs/deep/model.txt', 'w').write('weights')\nopen(os.path.join(sys.argv[2], 'named.txt'), 'w').write('named')\nopen('beside.txt', 'w').write('stays there')\n//- /src/big.bin\nxxxx\n//- /src/kept.txt\nkept\n//- /src/.amlignore\n*.bin\n//- /src/.gitignore\n*.txt\n//- /data/in.txt\nthe input\n";

#[test]
fn code_and_inputs_are_copied_in_and_outputs_come_back() {
    let job = "python x.py ${{inputs.data}} ${{outputs.model}}\ninputs:\n  data: {type: uri_file, path: data/in.txt}\noutputs:\n  model: {type: uri_folder}";
    let mut ground = Ground::with_job(job, SCRIPT);
    let bridge = Bridge::open_port();
    ground.set("DOCKER_HOST", bridge.address());
    let before = ground.files();
    let mut run = ground.start(["run", "job.yml", "--debug", "--json"]);
    run.wait_until_ready();
    let mounts =
        docker(&["inspect", "--format", "{{range .Mounts}}{{.Type}} {{end}}", &ground.containers()[0]]);
    assert!(!mounts.contains("bind"), "the far engine sees nothing of this machine: {mounts}");
    run.signal("INT");
    run.end().with_code(130);
    ground.leaves_nothing();

    let ended = ground.call(["run", "job.yml", "--break", "src/x.py:3", "--json"]).with_code(0);
    let said = ended.log("driver").join("\n");
    assert!(said.contains("'kept.txt'") && said.contains("the input"), "{said}");
    assert!(!said.contains("big.bin"), "what .amlignore names stays here: {said}");
    let result = ended.result();
    assert_eq!(result["stops"][0]["line"], 3, "{result}");
    let folder = ground.run_folder(&result["run"]);
    assert_eq!(fs::read_to_string(folder.join("outputs/deep/model.txt")).unwrap(), "weights");
    assert_eq!(fs::read_to_string(folder.join("named_outputs/model/named.txt")).unwrap(), "named");
    assert_eq!(ground.files(), before, "{}", text(&result["run"]));
    assert!(ended.log("control").iter().any(|line| line.contains("the engine is on another machine")));
    ground.leaves_nothing();
}

#[test]
fn a_restart_copies_the_code_as_it_is_by_then() {
    let files = "\n//- /src/x.py\nfrom words import word\nsaid = word\nprint(said, flush=True)\n//- /src/words.py\nword = 'before'\n";
    let mut ground = Ground::with_job("python x.py", files);
    let bridge = Bridge::open_port();
    ground.set("DOCKER_HOST", bridge.address());
    let code = ground.path("src").display().to_string();
    let mut run = ground.start(["run", "job.yml", "--debug", "--json"]);
    let ready = run.wait_until_ready();
    let mut debugger = Debugger::attach(&ready, &code, &[("x.py", 3)]);
    let (_, _, locals) = debugger.stopped();
    assert_eq!(locals["said"], "'before'");
    fs::write(ground.path("src/words.py"), "word = 'as edited'\n").unwrap();
    let restarted = debugger.request("restart", json!({}));
    assert_eq!(restarted["success"], true, "{restarted}");
    let (thread, line, locals) = debugger.stopped();
    assert_eq!((line, locals["said"].as_str()), (3, "'as edited'"));
    debugger.go_on(&thread);
    let ended = run.end().with_code(0);
    assert_eq!(ended.log("driver").last().map(String::as_str), Some("as edited"));
    ground.leaves_nothing();
}
