//! The workspace store as several processes see it: this test program starts itself again in other roles.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use engine::failure::Failure;
use engine::ids::{ImageRef, RunId};
use engine::ledger::ImageRecord;
use sidecar::store::{RunRecord, Store};
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

/// Tells the child process what to do, `role home number`; without it `in_another_process` does nothing.
const ROLE: &str = "AML_DEBUG_TEST_ROLE";

/// Another process with an open store. It says `ready`, waits for a line, and does its work.
struct Other {
    process: Child,
    stdin: ChildStdin,
    stdout: BufReader<std::process::ChildStdout>,
}

impl Other {
    fn start(role: &str, home: &Path, number: usize) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "in_another_process", "--nocapture", "--test-threads=1"])
            .env(ROLE, format!("{role} {number} {}", home.display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = process.stdin.take().unwrap();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        Self { process, stdin, stdout }
    }

    fn hear(&mut self, word: &str) {
        let mut line = String::new();
        while self.stdout.read_line(&mut line).unwrap() > 0 {
            if line.trim_end().ends_with(word) {
                return;
            }
            line.clear();
        }
        panic!("the other process ended before it said {word}");
    }

    fn go(&mut self) {
        writeln!(self.stdin, "go").unwrap();
    }

    fn succeed(mut self) {
        assert!(self.process.wait().unwrap().success());
    }
}

#[test]
fn in_another_process() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let mut words = role.splitn(3, ' ');
    let (role, number, home) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
    let (number, home) = (number.parse::<usize>().unwrap(), Path::new(home));
    let say = |word: &str| {
        let mut stdout = std::io::stdout();
        writeln!(stdout, "{word}").and_then(|()| stdout.flush()).unwrap();
    };
    let hear = || std::io::stdin().read_line(&mut String::new()).unwrap();
    match role {
        "open" => {
            say("ready");
            hear();
            let store = Store::open(home).unwrap();
            fs::write(home.join(format!("id-{number}")), store.id().as_str()).unwrap();
        }
        "update" => {
            let mut store = Store::open(home).unwrap();
            let mut record = record(&format!("worker_{number}"));
            let owner = store.begin(&record).unwrap();
            say("ready");
            hear();
            for step in 1..=200 {
                record.exit_code = Some(step);
                store.update(&owner, &record).unwrap();
                store.ask(&RunId::from("common"), &format!("{number}:{step}"), 7).unwrap();
                store.port_for(home, &format!("{number}:{step}")).unwrap();
            }
        }
        "own" => {
            let mut store = Store::open(home).unwrap();
            let _owner = store.begin(&record("owned")).unwrap();
            say("owned");
            hear();
            loop {
                for request in store.take_requests(&RunId::from("owned")).unwrap() {
                    say(&format!("asked to {}", request.verb));
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        "refused" => {
            let failure = Store::open(home).unwrap_err();
            fs::write(home.parent().unwrap().join("said"), text(&failure)).unwrap();
        }
        other => panic!("no role {other}"),
    }
}

fn record(id: &str) -> RunRecord {
    RunRecord::new(RunId::from(id), "iris", PathBuf::from("/project/job.yml"), 1_700_000_000_000)
}

fn text(failure: &Failure) -> String {
    let mut lines = vec![failure.what.text()];
    lines.extend(failure.detail.iter().map(|line| format!("  {line}")));
    lines.extend(failure.fix.iter().map(|fix| format!("fix: {fix}")));
    lines.join("\n")
}

#[test]
fn eight_processes_make_one_store_at_once() {
    let home = tempfile::tempdir().unwrap();
    let mut others: Vec<Other> = (0..8).map(|number| Other::start("open", home.path(), number)).collect();
    others.iter_mut().for_each(|other| other.hear("ready"));
    others.iter_mut().for_each(Other::go);
    others.into_iter().for_each(Other::succeed);

    let store = Store::open(home.path()).unwrap();
    for number in 0..8 {
        let seen = fs::read_to_string(home.path().join(format!("id-{number}"))).unwrap();
        assert_eq!(seen, store.id().as_str());
    }
}

#[test]
fn four_processes_write_and_nothing_is_lost() {
    let home = tempfile::tempdir().unwrap();
    let mut store = Store::open(home.path()).unwrap();
    let _owner = store.begin(&record("common")).unwrap();
    let mut others: Vec<Other> = (0..4).map(|number| Other::start("update", home.path(), number)).collect();
    others.iter_mut().for_each(|other| other.hear("ready"));
    others.iter_mut().for_each(Other::go);
    // Reading and taking meanwhile, as an owner does.
    let mut asked = Vec::new();
    let patience = Instant::now();
    while asked.len() < 800 && patience.elapsed() < Duration::from_secs(60) {
        asked.extend(store.take_requests(&RunId::from("common")).unwrap());
    }
    others.into_iter().for_each(Other::succeed);

    for number in 0..4 {
        let mine: Vec<_> =
            asked.iter().filter_map(|it| it.verb.strip_prefix(&format!("{number}:"))).collect();
        let all: Vec<_> = (1..=200).map(|step| step.to_string()).collect();
        assert_eq!(mine, all, "every request once and in order");
        let last = store.get(&RunId(format!("worker_{number}"))).unwrap().unwrap();
        assert_eq!(last.exit_code, Some(200));
    }
    let targets = (0..4).flat_map(|number| (1..=200).map(move |step| format!("{number}:{step}")));
    let ports: BTreeSet<u16> = targets.map(|target| store.port_for(home.path(), &target).unwrap()).collect();
    assert_eq!(ports.len(), 800, "chosen at once, and no two the same");
}

#[test]
fn a_run_is_free_for_adoption_the_moment_its_owner_is_killed() {
    let home = tempfile::tempdir().unwrap();
    let mut store = Store::open(home.path()).unwrap();
    let run = RunId::from("owned");
    let mut owner = Other::start("own", home.path(), 0);
    owner.hear("owned");

    assert!(store.is_owned(&run).unwrap());
    assert!(store.try_own(&run).unwrap().is_none());
    assert_eq!(
        text(&store.remove(&run).unwrap_err()),
        "another process is working on run owned\n\
         fix: wait for its end, or end it with `aml-debug runs cancel owned`"
    );
    owner.go();
    store.ask(&run, "cancel", 5).unwrap();
    owner.hear("asked to cancel");

    owner.process.kill().unwrap();
    owner.process.wait().unwrap();
    assert!(!store.is_owned(&run).unwrap());
    let waiting: Vec<RunId> = store.unfinished().unwrap().into_iter().map(|it| it.id).collect();
    assert_eq!(waiting, std::slice::from_ref(&run));

    let adopted = store.try_own(&run).unwrap().expect("free");
    assert!(store.is_owned(&run).unwrap());
    let mut record = store.get(&run).unwrap().unwrap();
    record.state = "lost".to_owned();
    store.update(&adopted, &record).unwrap();
    assert!(store.unfinished().unwrap().is_empty());

    store.remove_owned(adopted).unwrap();
    assert!(!store.folder(&run).root().exists());
    assert!(store.try_own(&run).unwrap().is_none(), "a removed run has no owner");
    assert!(!store.folder(&run).root().exists(), "and asking leaves nothing behind");
}

#[test]
fn a_run_is_listed_found_by_the_beginning_of_its_name_and_removed() {
    let home = tempfile::tempdir().unwrap();
    let mut store = Store::open(home.path()).unwrap();
    let mut whole = record("iris_1700000000002_beef");
    whole.display_name = Some("花".to_owned());
    whole.parent = Some(RunId::from("pipeline"));
    whole.step = Some("train".to_owned());
    whole.created_ms += 2;
    whole.started_ms = Some(3);
    whole.ended_ms = Some(4);
    whole.state = "failed".to_owned();
    whole.exit_code = Some(-9);
    whole.failure = Some("{}".to_owned());
    whole.debug = true;
    drop(store.begin(&whole).unwrap());
    drop(store.begin(&record("iris_1700000000000_cafe")).unwrap());
    let mut elsewhere = record("wine_1700000000001_0000");
    elsewhere.experiment = "wine".to_owned();
    elsewhere.created_ms += 1;
    drop(store.begin(&elsewhere).unwrap());

    let ids = |records: Vec<RunRecord>| records.into_iter().map(|it| it.id.0).collect::<Vec<_>>();
    assert_eq!(
        ids(store.list(10, 0, None).unwrap()),
        ["wine_1700000000001_0000", "iris_1700000000000_cafe"],
        "a step is listed with its pipeline only"
    );
    assert_eq!(ids(store.list(1, 0, Some("iris")).unwrap()), ["iris_1700000000000_cafe"]);
    assert_eq!(ids(store.steps(&RunId::from("pipeline")).unwrap()), ["iris_1700000000002_beef"]);
    assert_eq!(store.find("iris_1700000000002").unwrap(), whole);
    assert_eq!(
        text(&store.find("iris_17").unwrap_err()),
        "iris_17 fits several runs\n  iris_1700000000000_cafe\n  iris_1700000000002_beef\n\
         fix: give more of the run's name"
    );
    for nobody in ["", "iris%", "iris_18", "pipeline"] {
        assert!(text(&store.find(nobody).unwrap_err()).starts_with("there is no run"));
    }

    let taken = store.begin(&whole).unwrap_err();
    assert!(text(&taken).contains("cannot be used"), "{}", text(&taken));
    store.remove(&whole.id).unwrap();
    assert!(store.get(&whole.id).unwrap().is_none());
    assert!(!store.folder(&whole.id).root().exists());
}

#[test]
fn a_step_of_a_pipeline_is_written_without_the_rest_of_the_pipeline() {
    let home = tempfile::tempdir().unwrap();
    let mut store = Store::open(home.path()).unwrap();
    let mut whole = record("whole");
    whole.plan = Some("x".repeat(200 << 10));
    let owner = store.begin(&whole).unwrap();
    for change in 0..100 {
        store.update_with_steps(&owner, None, &[(change % 10, format!("change {change}"))]).unwrap();
    }
    // The plan a hundred times would be twenty megabytes, and SQLite empties its log at four.
    let log = fs::metadata(home.path().join("store.sqlite-wal")).unwrap().len();
    assert!(log < 2 << 20, "{log} bytes written");
    whole.state = "completed".to_owned();
    store.update_with_steps(&owner, Some(&whole), &[(10, "the last".to_owned())]).unwrap();
    let id = RunId::from("whole");
    let read = Store::open(home.path()).unwrap();
    let steps = read.standings(&id).unwrap();
    assert_eq!((steps.len(), steps[0].as_str(), steps[10].as_str()), (11, "change 90", "the last"));
    assert_eq!(read.get(&id).unwrap(), Some(whole));
    drop(owner);
    store.remove(&id).unwrap();
    assert!(store.standings(&id).unwrap().is_empty());
}

#[test]
fn ports_stay_and_no_two_targets_share_one() {
    let home = tempfile::tempdir().unwrap();
    let other_home = tempfile::tempdir().unwrap();
    let (mine, theirs) = (Path::new("/home/me/iris"), Path::new("/srv/them/iris"));
    let mut store = Store::open(home.path()).unwrap();
    let port = store.port_for(mine, "job.yml").unwrap();
    assert!((20000..30000).contains(&port));
    assert_eq!(store.port_for(mine, "job.yml").unwrap(), port);
    assert_ne!(store.port_for(theirs, "job.yml").unwrap(), port, "one machine, two copies");
    let mut their_store = Store::open(other_home.path()).unwrap();
    assert_eq!(their_store.port_for(theirs, "job.yml").unwrap(), port, "two machines, one project");

    store.set_port(mine, "job.yml", 31111).unwrap();
    assert_eq!(Store::open(home.path()).unwrap().port_for(mine, "job.yml").unwrap(), 31111);
}

#[test]
fn the_image_ledger_keeps_what_an_image_is_made_of_and_when_it_was_used() {
    let home = tempfile::tempdir().unwrap();
    let mut store = Store::open(home.path()).unwrap();
    let image = ImageRecord {
        name: ImageRef::from("aml-debug/env:1"),
        base: ImageRef::from("python:3.11"),
        parts: [("pip".to_owned(), "numpy\npandas".to_owned())].into(),
        built_ms: 10,
        used_ms: 10,
        size: 5_000_000_000,
    };
    store.record_image(&image).unwrap();
    store.touch_image(&image.name, 30).unwrap();
    store.touch_image(&image.name, 20).unwrap();
    store.touch_image(&ImageRef::from("python:3.11"), 20).unwrap();
    assert_eq!(store.list_images().unwrap(), [ImageRecord { used_ms: 30, ..image.clone() }]);
    store.forget_image(&image.name).unwrap();
    assert!(store.list_images().unwrap().is_empty());
}

#[test]
fn another_process_is_noticed_when_it_writes() {
    let home = tempfile::tempdir().unwrap();
    let mut store = Store::open(home.path()).unwrap();
    let mut other = Store::open(home.path()).unwrap();
    assert!(store.changed_by_others().unwrap());
    assert!(!store.changed_by_others().unwrap());
    let _owner = other.begin(&record("new")).unwrap();
    assert!(store.changed_by_others().unwrap());
    assert!(!store.changed_by_others().unwrap());
}

/// A store with some runs, closed.
fn filled(home: &Path) -> PathBuf {
    let mut store = Store::open(home).unwrap();
    for number in 0..50 {
        let mut record = record(&format!("iris_{number}"));
        record.plan = Some("x".repeat(3000));
        drop(store.begin(&record).unwrap());
    }
    drop(store);
    // All into the one file, as SQLite does by itself when enough was written.
    let file = home.join("store.sqlite");
    let db = rusqlite::Connection::open(&file).unwrap();
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    file
}

#[test]
fn a_damaged_store_is_named_and_left_as_it_is() {
    type Damage = (&'static str, fn(&mut Vec<u8>));
    let damages: [Damage; 4] = [
        ("half of it", |bytes| bytes.truncate(bytes.len() / 2 / 4096 * 4096)),
        ("the last page cut", |bytes| bytes.truncate(bytes.len() - 1000)),
        ("nothing left", Vec::clear),
        ("something else", |bytes| bytes.fill(b'#')),
    ];
    for (name, damage) in damages {
        let home = tempfile::tempdir().unwrap();
        let file = filled(home.path());
        let mut bytes = fs::read(&file).unwrap();
        damage(&mut bytes);
        fs::write(&file, &bytes).unwrap();
        for _ in 0..2 {
            let failure = Store::open(home.path()).expect_err(name);
            assert_eq!(
                failure.what.text(),
                format!("the workspace store {} is damaged, so it is left as it is", file.display())
            );
            assert!(failure.fix.unwrap().text().contains("move"), "{name}");
        }
        assert!(fs::read(&file).unwrap() == bytes, "{name}: the file was changed");
    }

    // With the newest writes still in the log, an emptied file must not cost the log as well.
    let home = tempfile::tempdir().unwrap();
    drop(Store::open(home.path()).unwrap());
    let log = home.path().join("store.sqlite-wal");
    let bytes = fs::read(&log).unwrap();
    assert!(!bytes.is_empty());
    fs::write(home.path().join("store.sqlite"), "").unwrap();
    let failure = Store::open(home.path()).unwrap_err();
    assert!(failure.what.text().contains("is damaged"));
    assert!(fs::read(&log).unwrap() == bytes);
}

#[test]
fn a_store_of_a_newer_version_is_left_alone() {
    let home = tempfile::tempdir().unwrap();
    let file = filled(home.path());
    rusqlite::Connection::open(&file).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let before = fs::read(&file).unwrap();
    let failure = Store::open(home.path()).unwrap_err();
    assert_eq!(
        text(&failure),
        format!(
            "the workspace store {} was made by a newer aml-debug (store version 99; this one knows 3)\n\
             fix: update aml-debug, or set AML_DEBUG_HOME to another folder",
            file.display()
        )
    );
    assert!(fs::read(&file).unwrap() == before);
}

#[test]
fn a_home_that_cannot_be_a_folder_is_named() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("taken");
    fs::write(&file, "").unwrap();
    let failure = text(&Store::open(&file.join("store")).unwrap_err());
    assert!(failure.starts_with(&format!("cannot use {}: ", file.join("store").display())), "{failure}");
    assert!(failure.ends_with("or set AML_DEBUG_HOME to a folder that is"), "{failure}");
}

/// What a process without root's rights is told that opens the store in `parent/home`.
#[cfg(unix)]
fn told_to_nobody(parent: &Path) -> String {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;
    // A copy, since the folder of the build may be closed to others.
    let program = parent.join("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    fs::set_permissions(parent, fs::Permissions::from_mode(0o777)).unwrap();
    let mut command = Command::new(&program);
    if fs::metadata("/proc/self").map_or(0, |facts| facts.uid()) == 0 {
        command.uid(65534).gid(65534);
    }
    let role = format!("refused 0 {}", parent.join("home").display());
    let status = command
        .args(["--exact", "in_another_process"])
        .env(ROLE, role)
        .current_dir("/")
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    fs::read_to_string(parent.join("said")).unwrap()
}

#[cfg(unix)]
#[test]
fn a_folder_without_write_permission_is_named_with_what_to_do() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    let home = parent.path().join("home");
    let close = || {
        for path in [home.join("store.sqlite"), home.clone()] {
            let mode = if path.is_dir() { 0o555 } else { 0o444 };
            let _ = fs::set_permissions(&path, fs::Permissions::from_mode(mode));
        }
    };
    let expected =
        format!("the workspace store {} cannot be opened for writing", home.join("store.sqlite").display());
    fs::create_dir(&home).unwrap();
    close();
    let failure = told_to_nobody(parent.path());
    assert!(failure.starts_with(&expected), "{failure}");
    assert!(failure.ends_with("or set AML_DEBUG_HOME to a folder that is"), "{failure}");

    fs::set_permissions(&home, fs::Permissions::from_mode(0o755)).unwrap();
    filled(&home);
    close();
    let failure = told_to_nobody(parent.path());
    assert!(failure.starts_with(&expected), "{failure}");
    fs::set_permissions(&home, fs::Permissions::from_mode(0o755)).unwrap();
}

#[cfg(unix)]
#[test]
fn the_home_folder_is_for_the_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    let home = parent.path().join("deep/home");
    let mut store = Store::open(&home).unwrap();
    let _owner = store.begin(&record("mine")).unwrap();
    for folder in [home.clone(), home.join("runs"), home.join("runs/mine"), home.join("runs/mine/outputs")] {
        assert_eq!(
            fs::metadata(&folder).unwrap().permissions().mode() & 0o777,
            0o700,
            "{}",
            folder.display()
        );
    }
}
