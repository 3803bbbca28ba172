//! Traces: what happens to a run on the left, what it asks for and where it then stands on the right.

use super::adopt::{Adopter, Found};
use super::*;
use crate::plan::container::{ContainerPlan, Limits};
use crate::plan::deployment::{HostPorts, Service};
use crate::plan::image::context::{BuildContext, ContextFacts};
use crate::plan::image::{ImagePlan, Packages};
use crate::plan::{Debuggee, Process};
use crate::spec::deployment::{Probe, Route, Routes};
use expect_test::{Expect, expect};
use std::fmt::Write as _;

/// A run that is fed events and writes down what it does.
struct Trace {
    run: Run,
    now: Millis,
    text: String,
}

impl Trace {
    fn start(wish: Wish) -> Self {
        let (run, effects) = Run::start(RunId::from("iris_1_0001"), wish, 1_000);
        let mut trace = Self { run, now: 1_000, text: String::new() };
        trace.note("start", &effects);
        trace
    }

    fn adopted(self, found: Found, adopter: Adopter) -> Self {
        let stored = serde_json::to_string(&self.run).expect("a run can be stored at any time");
        let run: Run = serde_json::from_str(&stored).expect("a stored run can be read");
        let (run, effects) = run.adopt(self.now, found.clone(), adopter);
        let mut trace = Self { run, ..self };
        trace.note(&format!("adopt {}", brief(&format!("{found:?}"))), &effects);
        trace
    }

    fn on(mut self, event: RunEvent) -> Self {
        self.now += 10;
        let name = brief(&format!("{event:?}"));
        let effects = self.run.on(self.now, event);
        self.note(&name, &effects);
        self
    }

    fn later(mut self, ms: Millis) -> Self {
        self.now += ms;
        self
    }

    fn until_live(self) -> Self {
        self.on(RunEvent::Resolved(plan(), BuildSettings::default()))
            .on(inspected(BASE, true))
            .on(prepared(Some("v")))
            .on(RunEvent::ContainerCreated("c1".into()))
            .on(RunEvent::ContainerStarted)
    }

    fn note(&mut self, event: &str, effects: &[Effect]) {
        let effects: Vec<String> = effects.iter().map(|effect| brief(&format!("{effect:?}"))).collect();
        let state = self.run.state().word();
        let _ = writeln!(self.text, "{event} -> [{}] {state}", effects.join(", "));
    }

    fn expect(&self, expected: Expect) {
        expected.assert_eq(&self.text);
    }

    fn card(&self) -> String {
        let phases = self.run.card.0.iter().map(|phase| {
            let ms = phase.ended.map_or_else(|| "…".to_owned(), |ended| (ended - phase.began).to_string());
            format!("{} {ms} {:?}", phase.name, phase.outcome)
        });
        phases.collect::<Vec<_>>().join(", ")
    }

    fn failure(&self) -> &str {
        self.run.failure.as_ref().map_or("", |failure| failure.what.id.as_str())
    }
}

/// The name of a value and, where it is short, its content.
fn brief(text: &str) -> String {
    if text.len() <= 40 {
        text.to_owned()
    } else {
        text.split([' ', '(', '{']).next().unwrap_or(text).to_owned()
    }
}

const BASE: &str = "base:1";

fn debug() -> Wish {
    Wish { debug: true, wait_s: 60, ..Wish::default() }
}

fn plan() -> Box<Plan> {
    Box::new(Plan {
        spec: "/home/a/job.yml".into(),
        experiment: "iris".into(),
        display_name: None,
        command: "python train.py".into(),
        image: ImagePlan::Existing { reference: BASE.into() },
        container: ContainerPlan {
            name: "iris".into(),
            image: BASE.into(),
            command: vec!["sh".into(), "-c".into(), "python train.py".into()],
            working_dir: "/wd".into(),
            environment: vec![],
            mounts: vec![],
            files: vec![],
            texts: vec![],
            user: None,
            labels: Default::default(),
            limits: Limits::default(),
            grants: Default::default(),
            gpu: false,
        },
        code: "/home/a".into(),
        debuggee: Debuggee {
            remote_root: "/wd".into(),
            process: Some(Process::Script("train.py".into())),
            isolated_by: None,
            rank: None,
        },
        service: None,
        outputs: vec![],
        folders: vec![],
        mount_points: vec![],
        timeout_seconds: None,
        distribution: None,
        newest_of: None,
        notes: vec![],
    })
}

fn prepared(debugger: Option<&str>) -> RunEvent {
    RunEvent::Prepared { debugger: debugger.map(str::to_owned), bytecode: None }
}

fn inspected(name: &str, there: bool) -> RunEvent {
    RunEvent::ImageInspected { reference: name.into(), facts: there.then(|| facts(name)) }
}

fn facts(name: &str) -> ImageFacts {
    ImageFacts {
        reference: name.into(),
        id: "sha256:1".into(),
        architecture: "amd64".into(),
        environment: vec![],
        user: String::new(),
        built: "2026-03-02".into(),
        size: 1,
    }
}

fn listening() -> RunEvent {
    RunEvent::DebuggeeReported(Report {
        pid: 7,
        port: 40_000,
        python: "3.11.2".into(),
        argv: vec!["python".into(), "train.py".into()],
        cwd: "/wd".into(),
        debugpy: "1.8.22".into(),
        debugpy_from: "/aml-debug/debugpy".into(),
        bytecode: true,
        paused: None,
        state: DebuggeeState::Waiting,
    })
}

fn exit(code: i64) -> Exit {
    Exit { code, last_lines: vec!["the last line".into()], ..Exit::default() }
}

#[test]
fn a_run_without_a_debugger_goes_through_every_phase() {
    let trace = Trace::start(Wish::default())
        .on(RunEvent::Resolved(plan(), BuildSettings::default()))
        .on(inspected(BASE, false))
        .on(RunEvent::ImagePulled(BASE.into()))
        .on(inspected(BASE, true))
        .on(prepared(None))
        .on(RunEvent::ContainerCreated("c1".into()))
        .on(RunEvent::ContainerStarted)
        .on(RunEvent::ContainerExited(exit(0)))
        .on(RunEvent::Collected)
        .on(RunEvent::ContainerRemoved);
    trace.expect(expect![[r#"
        start -> [Resolve] preparing
        Resolved -> [InspectImage(ImageRef("base:1"))] preparing
        ImageInspected -> [PullImage(ImageRef("base:1"))] preparing
        ImagePulled(ImageRef("base:1")) -> [InspectImage(ImageRef("base:1"))] preparing
        ImageInspected -> [Note, Prepare] preparing
        Prepared -> [CreateContainer] preparing
        ContainerCreated(ContainerId("c1")) -> [StartContainer(ContainerId("c1"), None)] preparing
        ContainerStarted -> [] running
        ContainerExited -> [Collect] stopping
        Collected -> [RemoveContainer(ContainerId("c1"))] stopping
        ContainerRemoved -> [CloseGateway] completed
    "#]]);
    assert_eq!(
        trace.card(),
        "resolve 10 Ok, build 30 Ok, create 20 Ok, start 10 Ok, run 10 Ok, collect 10 Ok"
    );
}

#[test]
fn a_debugger_is_awaited_attached_paused_and_may_come_back() {
    let trace = Trace::start(debug())
        .on(RunEvent::GatewayOpen { port: 5 })
        .until_live()
        .on(listening())
        .on(RunEvent::Debug(DebugEvent::Configured))
        .on(RunEvent::Debug(DebugEvent::Paused))
        .on(RunEvent::Debug(DebugEvent::Detached))
        .on(RunEvent::Debug(DebugEvent::Configured))
        .on(RunEvent::Debug(DebugEvent::Detached))
        .on(RunEvent::ContainerExited(exit(0)));
    trace.expect(expect![[r#"
        start -> [OpenGateway, Resolve] preparing
        GatewayOpen { port: 5 } -> [] preparing
        Resolved -> [InspectImage(ImageRef("base:1"))] preparing
        ImageInspected -> [Note, Prepare] preparing
        Prepared -> [CreateContainer] preparing
        ContainerCreated(ContainerId("c1")) -> [StartContainer(ContainerId("c1"), None)] preparing
        ContainerStarted -> [OpenRelay(ContainerId("c1"))] preparing
        DebuggeeReported -> [OfferDebugger] waiting
        Debug(Configured) -> [] running
        Debug(Paused) -> [] paused
        Debug(Detached) -> [] paused
        Debug(Configured) -> [] running
        Debug(Detached) -> [] running
        ContainerExited -> [Collect] stopping
    "#]]);
}

#[test]
fn an_image_of_the_same_content_is_reused_and_rebuild_builds_it_all_the_same() {
    let mut wanted = plan();
    wanted.image = ImagePlan::Environment {
        base: BASE.into(),
        packages: Packages { pip: vec!["numpy".into()], ..Packages::default() },
    };
    let built = |wish: Wish| {
        let trace = Trace::start(wish)
            .on(RunEvent::Resolved(wanted.clone(), BuildSettings::default()))
            .on(inspected(BASE, true))
            .on(inspected("aml-debug/env:x", true));
        trace.text.lines().last().unwrap_or_default().to_owned()
    };
    assert_eq!(built(Wish::default()), "ImageInspected -> [NoteImage, Note, Prepare] preparing");
    assert_eq!(built(Wish { rebuild: true, ..Wish::default() }), "ImageInspected -> [BuildImage] preparing");
    assert_eq!(
        built(Wish { image_only: true, ..Wish::default() }),
        "ImageInspected -> [NoteImage, Note, CloseGateway] completed"
    );
}

#[test]
fn a_build_context_is_built_first_and_packages_go_on_top_of_it() {
    let mut wanted = plan();
    wanted.image = ImagePlan::Context {
        context: BuildContext { folder: "/p/env".into(), dockerfile: "Dockerfile".to_owned(), text: None },
        packages: Some(Packages { pip: vec!["numpy".into()], ..Packages::default() }),
        server: false,
    };
    let settings = |dockerfile: &str| BuildSettings {
        context: Some(ContextFacts { dockerfile: dockerfile.to_owned(), ..ContextFacts::default() }),
        ..BuildSettings::default()
    };
    let trace = Trace::start(Wish { image_only: true, ..Wish::default() })
        .on(RunEvent::Resolved(wanted.clone(), settings("FROM base:1")))
        .on(inspected(BASE, true))
        .on(inspected("aml-debug/env:x", false))
        .on(RunEvent::ImageBuilt(facts("aml-debug/env:x")))
        .on(inspected("aml-debug/env:y", false))
        .on(RunEvent::ImageBuilt(facts("aml-debug/env:y")));
    trace.expect(expect![[r#"
        start -> [Resolve] preparing
        Resolved -> [InspectImage(ImageRef("base:1"))] preparing
        ImageInspected -> [InspectImage] preparing
        ImageInspected -> [BuildImage] preparing
        ImageBuilt -> [NoteImage, InspectImage] preparing
        ImageInspected -> [BuildImage] preparing
        ImageBuilt -> [NoteImage, CloseGateway] completed
    "#]]);

    // Where nobody can tell what the Dockerfile begins with, its builder finds out.
    let trace = Trace::start(Wish::default()).on(RunEvent::Resolved(wanted, settings("FROM $BASE")));
    assert!(trace.text.ends_with("Resolved -> [InspectImage] preparing\n"), "{}", trace.text);
}

#[test]
fn a_container_that_appears_after_cancel_is_removed() {
    let trace = Trace::start(Wish::default())
        .on(RunEvent::Resolved(plan(), BuildSettings::default()))
        .on(inspected(BASE, true))
        .on(prepared(None))
        .on(RunEvent::CancelRequested { at_once: false })
        .on(RunEvent::ContainerCreated("c1".into()))
        .on(RunEvent::ContainerRemoved)
        .on(RunEvent::ContainerCreated("c2".into()));
    trace.expect(expect![[r#"
        start -> [Resolve] preparing
        Resolved -> [InspectImage(ImageRef("base:1"))] preparing
        ImageInspected -> [Note, Prepare] preparing
        Prepared -> [CreateContainer] preparing
        CancelRequested { at_once: false } -> [] stopping
        ContainerCreated(ContainerId("c1")) -> [RemoveContainer(ContainerId("c1"))] stopping
        ContainerRemoved -> [CloseGateway] cancelled
        ContainerCreated(ContainerId("c2")) -> [RemoveContainer(ContainerId("c2"))] cancelled
    "#]]);
}

#[test]
fn cancel_while_paused_stops_the_container_and_a_second_request_hurries() {
    let trace = Trace::start(debug())
        .until_live()
        .on(listening())
        .on(RunEvent::Debug(DebugEvent::Paused))
        .on(RunEvent::CancelRequested { at_once: false })
        .on(RunEvent::CancelRequested { at_once: true })
        .on(RunEvent::ContainerExited(exit(137)))
        .on(RunEvent::Collected)
        .on(RunEvent::ContainerRemoved);
    let tail: Vec<&str> = trace.text.lines().skip(8).collect();
    expect![[r#"
        CancelRequested { at_once: false } -> [StopContainer] stopping
        CancelRequested { at_once: true } -> [StopContainer] stopping
        ContainerExited -> [Collect] stopping
        Collected -> [RemoveContainer(ContainerId("c1"))] stopping
        ContainerRemoved -> [CloseGateway] cancelled"#]]
    .assert_eq(&tail.join("\n"));
    assert_eq!(trace.failure(), "run.cancelled");
}

#[test]
fn a_process_that_should_have_reported_and_did_not_is_never_a_silent_success() {
    let trace = Trace::start(debug()).until_live().on(RunEvent::ContainerExited(exit(0)));
    assert_eq!((trace.failure(), trace.run.state().word()), ("debuggee.ended-unseen", "stopping"));
    assert!(trace.card().contains("attach 10 Failed"), "{}", trace.card());

    let cannot =
        Failure::new(Blame::User, message!("debuggee.isolated", command = "python -I", option = "-I"));
    let trace = Trace::start(debug()).until_live().on(RunEvent::Failed(cannot));
    assert_eq!(trace.failure(), "debuggee.isolated");
    assert!(trace.text.ends_with("Failed -> [StopContainer] stopping\n"), "{}", trace.text);
}

#[test]
fn every_way_for_a_container_to_end_badly_has_its_own_cause() {
    let judged = |exit: Exit| {
        let trace = Trace::start(Wish::default()).until_live().on(RunEvent::ContainerExited(exit));
        trace.failure().to_owned()
    };
    assert_eq!(judged(exit(1)), "run.exit-code");
    assert_eq!(judged(exit(127)), "run.command-not-found");
    assert_eq!(judged(Exit { oom_killed: true, ..exit(1) }), "run.out-of-memory");
    assert_eq!(judged(exit(137)), "run.out-of-memory");
    assert_eq!(judged(Exit { error: Some("no such file".into()), ..exit(128) }), "start.failed");
    let trace = Trace::start(Wish::default()).until_live().on(RunEvent::ContainerGone);
    assert_eq!(trace.failure(), "run.container-removed");
}

#[test]
fn a_phase_without_progress_ends_and_progress_restarts_its_watchdog() {
    let building = || Trace::start(Wish::default()).on(RunEvent::Resolved(plan(), BuildSettings::default()));
    let trace = building().later(500_000).on(RunEvent::Progress).later(500_000).on(RunEvent::Tick);
    assert_eq!(trace.run.state().word(), "preparing");
    let trace = trace.later(200_000).on(RunEvent::Tick);
    assert_eq!((trace.run.state().word(), trace.failure()), ("failed", "phase.silent"));

    // A person at a breakpoint has all the time in the world.
    let trace = Trace::start(debug()).until_live().on(listening()).later(10_000_000).on(RunEvent::Tick);
    assert_eq!(trace.run.state().word(), "waiting");
}

#[test]
fn the_specs_own_time_limit_ends_the_run() {
    let mut limited = plan();
    limited.timeout_seconds = Some(60);
    let trace = Trace::start(Wish::default())
        .on(RunEvent::Resolved(limited, BuildSettings::default()))
        .on(inspected(BASE, true))
        .on(prepared(None))
        .on(RunEvent::ContainerCreated("c1".into()))
        .on(RunEvent::ContainerStarted)
        .later(61_000)
        .on(RunEvent::Tick);
    assert_eq!((trace.run.state().word(), trace.failure()), ("stopping", "run.timeout"));
}

#[test]
fn a_run_whose_owner_was_killed_ends_with_a_true_record_or_goes_on() {
    let running =
        || Trace::start(debug()).until_live().on(listening()).on(RunEvent::Debug(DebugEvent::Paused));
    let paused = running().adopted(Found::Running("c1".into()), Adopter::Passing);
    assert!(
        paused
            .text
            .ends_with("adopt Running(ContainerId(\"c1\")) -> [CatchUp(ContainerId(\"c1\"), None)] paused\n")
    );
    // The debuggee itself tells how far it is by now; nobody was there to hear it.
    let alone = Trace::start(debug())
        .until_live()
        .on(listening())
        .adopted(Found::Running("c1".into()), Adopter::Passing);
    let RunEvent::DebuggeeReported(report) = listening() else { panic!("a report") };
    let unattended = Report { state: DebuggeeState::Unattended, ..report };
    let alone =
        alone.on(RunEvent::DebuggeeReported(unattended.clone())).on(RunEvent::DebuggeeReported(unattended));
    assert_eq!(alone.run.state().word(), "running");
    assert_eq!(alone.text.matches("[Note]").count(), 1, "{}", alone.text);
    let staying = running().adopted(Found::Running("c1".into()), Adopter::Staying);
    assert_eq!(
        staying.text.lines().last(),
        Some(
            "adopt Running(ContainerId(\"c1\")) -> \
             [Follow(ContainerId(\"c1\"), None), OpenGateway, OpenRelay(ContainerId(\"c1\"))] paused"
        )
    );
    let ended = running().adopted(Found::Exited("c1".into()), Adopter::Passing);
    assert!(ended.text.ends_with("-> [Follow(ContainerId(\"c1\"), None)] paused\n"), "{}", ended.text);
    let gone = running().adopted(Found::Nothing, Adopter::Passing);
    assert_eq!((gone.run.state().word(), gone.failure()), ("lost", "adopt.owner-gone"));

    let building = Trace::start(debug()).on(RunEvent::Resolved(plan(), BuildSettings::default()));
    let building = building.adopted(Found::Nothing, Adopter::Passing);
    assert_eq!(building.run.state().word(), "lost");
    assert!(building.card().ends_with("Failed"), "{}", building.card());

    let created = Trace::start(Wish::default())
        .on(RunEvent::Resolved(plan(), BuildSettings::default()))
        .on(inspected(BASE, true))
        .adopted(Found::Created("c1".into()), Adopter::Passing);
    assert!(
        created.text.ends_with("-> [RemoveContainer(ContainerId(\"c1\"))] stopping\n"),
        "{}",
        created.text
    );
    let removed = created.on(RunEvent::ContainerRemoved);
    assert_eq!((removed.run.state().word(), removed.failure()), ("lost", "adopt.owner-gone"));
}

#[test]
fn an_engine_that_stopped_answering_leaves_the_run_to_be_found_again() {
    let lost = Failure::new(Blame::Environment, message!("run.engine-lost"));
    let trace = Trace::start(Wish::default()).until_live().on(RunEvent::EngineLost(lost));
    assert_eq!(trace.run.state().word(), "lost");
    assert_eq!(trace.run.container, Some("c1".into()));
    let found = trace.adopted(Found::Running("c1".into()), Adopter::Staying);
    assert_eq!((found.run.state().word(), found.failure()), ("running", ""));
}

#[test]
fn an_image_with_a_user_of_its_own_runs_as_root_unless_the_host_says_otherwise() {
    let user = |image: &str, host: Option<&str>| {
        let mut wanted = plan();
        wanted.container.user = host.map(str::to_owned);
        let facts = ImageFacts { user: image.to_owned(), ..facts(BASE) };
        let mut run = Run::start("r".into(), Wish::default(), 1).0;
        run.on(2, RunEvent::Resolved(wanted, BuildSettings::default()));
        run.on(3, RunEvent::ImageInspected { reference: BASE.into(), facts: Some(facts) });
        let effects = run.on(4, prepared(None));
        let [Effect::CreateContainer(container)] = effects.as_slice() else { panic!("{effects:?}") };
        container.user.clone()
    };
    assert_eq!(user("", None), None);
    assert_eq!(user("app", None).as_deref(), Some("0:0"));
    assert_eq!(user("app", Some("1000:100")).as_deref(), Some("1000:100"));
}

fn service() -> Box<Plan> {
    let route = |path: &str| Route { port: 5001, path: path.into() };
    Box::new(Plan {
        service: Some(Service {
            endpoint: "iris".into(),
            name: "blue".into(),
            routes: Routes { liveness: route("/"), health: route("/"), scoring: route("/score") },
            ports: HostPorts { scoring: 20_000, health: 20_000, liveness: 20_000 },
            liveness_probe: Probe::default(),
            readiness_probe: Probe::default(),
            entry: Some("/var/azureml-app/src/score.py".into()),
            keeps_user: false,
            has_workers: true,
        }),
        ..*plan()
    })
}

fn deployed(wish: Wish) -> Trace {
    Trace::start(wish)
        .on(RunEvent::Resolved(service(), BuildSettings::default()))
        .on(inspected(BASE, true))
        .on(RunEvent::Prepared { debugger: None, bytecode: None })
        .on(RunEvent::ContainerCreated("c1".into()))
        .on(RunEvent::ContainerStarted)
}

#[test]
fn a_deployment_is_well_when_it_answers_and_starts_again_in_place() {
    let trace = deployed(Wish::default())
        .on(RunEvent::Healthy)
        .on(RunEvent::RestartRequested)
        .on(RunEvent::RestartRequested)
        .on(RunEvent::ServerRestarted { attended: false })
        .on(RunEvent::Healthy)
        .on(RunEvent::RestartRefused(Failure::new(Blame::Code, message!("deployment.no-restart"))))
        .on(RunEvent::CancelRequested { at_once: false })
        .on(RunEvent::ContainerExited(exit(143)))
        .on(RunEvent::Collected)
        .on(RunEvent::ContainerRemoved);
    trace.expect(expect![[r#"
        start -> [Resolve] preparing
        Resolved -> [InspectImage(ImageRef("base:1"))] preparing
        ImageInspected -> [Note, Prepare] preparing
        Prepared -> [CreateContainer] preparing
        ContainerCreated(ContainerId("c1")) -> [StartContainer(ContainerId("c1"), None)] preparing
        ContainerStarted -> [WatchCode { since: None }, AwaitHealth] preparing
        Healthy -> [] running
        RestartRequested -> [RestartServer] running
        RestartRequested -> [] running
        ServerRestarted { attended: false } -> [AwaitHealth] preparing
        Healthy -> [RestartServer] running
        RestartRefused -> [Note] running
        CancelRequested { at_once: false } -> [StopContainer] stopping
        ContainerExited -> [Collect] stopping
        Collected -> [RemoveContainer(ContainerId("c1"))] stopping
        ContainerRemoved -> [CloseGateway] cancelled
    "#]]);
    assert_eq!(
        trace.card(),
        "resolve 10 Ok, build 10 Ok, create 20 Ok, start 20 Ok, run 30 Ok, start 10 Ok, run 20 Cancelled, collect 10 Ok"
    );
}

#[test]
fn a_server_starts_again_under_the_debugger_that_is_attached() {
    let trace = deployed(debug())
        .on(listening())
        .on(RunEvent::Debug(DebugEvent::Configured))
        .on(RunEvent::Healthy)
        .on(RunEvent::RestartRequested)
        .on(RunEvent::ServerRestarted { attended: true })
        .on(listening())
        .on(RunEvent::Debug(DebugEvent::Configured))
        .on(RunEvent::Healthy);
    trace.expect(expect![[r#"
        start -> [OpenGateway, Resolve] preparing
        Resolved -> [InspectImage(ImageRef("base:1"))] preparing
        ImageInspected -> [Note, Prepare] preparing
        Prepared -> [CreateContainer] preparing
        ContainerCreated(ContainerId("c1")) -> [StartContainer(ContainerId("c1"), None)] preparing
        ContainerStarted -> [WatchCode { since: None }, AwaitHealth, OpenRelay(ContainerId("c1"))] preparing
        DebuggeeReported -> [OfferDebugger] waiting
        Debug(Configured) -> [] running
        Healthy -> [] running
        RestartRequested -> [RestartServer] running
        ServerRestarted { attended: true } -> [AwaitHealth, OpenRelay(ContainerId("c1"))] preparing
        DebuggeeReported -> [] waiting
        Debug(Configured) -> [] running
        Healthy -> [] running
    "#]]);
    assert_eq!(
        trace.card(),
        "resolve 10 Ok, build 10 Ok, create 20 Ok, start 10 Ok, attach 20 Ok, run 30 Ok, start 0 Ok, attach 20 Ok, run … Running"
    );
}

#[test]
fn an_edit_is_loaded_once_however_often_it_is_saved_and_wherever_the_worker_stands() {
    let first = || deployed(debug()).on(listening()).on(RunEvent::Debug(DebugEvent::Configured));
    // In the first init().
    let stands = first()
        .on(RunEvent::Debug(DebugEvent::Paused))
        .on(RunEvent::CodeChanged)
        .on(RunEvent::CodeChanged)
        .on(RunEvent::ServerRestarted { attended: true })
        .on(RunEvent::CodeChanged)
        .on(listening())
        .on(RunEvent::Debug(DebugEvent::Configured))
        .on(RunEvent::Healthy);
    let end = |trace: &Trace, lines: usize| {
        let all: Vec<&str> = trace.text.lines().collect();
        all[all.len() - lines..].join("\n")
    };
    expect![[r#"
        Debug(Paused) -> [] paused
        CodeChanged -> [RestartServer] paused
        CodeChanged -> [] paused
        ServerRestarted { attended: true } -> [AwaitHealth, OpenRelay(ContainerId("c1"))] preparing
        CodeChanged -> [] preparing
        DebuggeeReported -> [] waiting
        Debug(Configured) -> [] running
        Healthy -> [] running"#]]
    .assert_eq(&end(&stands, 8));
    // Nobody holds the next worker: it may have read the file before or after.
    let alone = deployed(Wish::default())
        .on(RunEvent::Healthy)
        .on(RunEvent::CodeChanged)
        .on(RunEvent::ServerRestarted { attended: false })
        .on(RunEvent::CodeChanged)
        .on(RunEvent::Healthy);
    expect![[r#"
        CodeChanged -> [RestartServer] running
        ServerRestarted { attended: false } -> [AwaitHealth] preparing
        CodeChanged -> [] preparing
        Healthy -> [RestartServer] running"#]]
    .assert_eq(&end(&alone, 4));
    // Nor all of several.
    let several = deployed(Wish { children: true, ..debug() })
        .on(listening())
        .on(RunEvent::Debug(DebugEvent::Configured))
        .on(RunEvent::Healthy)
        .on(RunEvent::CodeChanged)
        .on(RunEvent::CodeChanged)
        .on(RunEvent::ServerRestarted { attended: true })
        .on(listening())
        .on(RunEvent::Debug(DebugEvent::Configured))
        .on(RunEvent::Healthy);
    expect!["Healthy -> [RestartServer] running"].assert_eq(&end(&several, 1));
    // Whoever asks for a start gets one, if not at once.
    let asked = deployed(debug())
        .on(RunEvent::RestartRequested)
        .on(listening())
        .on(RunEvent::Debug(DebugEvent::Configured))
        .on(RunEvent::Healthy);
    expect![[r#"
        RestartRequested -> [] preparing
        DebuggeeReported -> [OfferDebugger] waiting
        Debug(Configured) -> [] running
        Healthy -> [RestartServer] running"#]]
    .assert_eq(&end(&asked, 4));
}

/// An end over what `init()` raises.
fn over_init() -> RunEvent {
    let log = "Traceback (most recent call last):\n  File \"/var/azureml-app/src/score.py\", line 6, in init\n    load()\nValueError: no weights\nReason: Worker failed to boot.";
    RunEvent::ContainerExited(Exit { last_lines: log.lines().map(str::to_owned).collect(), ..exit(3) })
}

#[test]
fn a_server_that_an_edit_ends_waits_for_the_next_edit() {
    let fallen = |wish: Wish| {
        let trace = deployed(wish);
        let trace = match trace.run.wish.debug {
            true => trace.on(listening()).on(RunEvent::Debug(DebugEvent::Configured)),
            false => trace,
        };
        let attended = trace.run.wish.debug;
        trace
            .on(RunEvent::Healthy)
            .on(RunEvent::RestartRequested)
            .on(RunEvent::ServerRestarted { attended })
            .on(over_init())
    };
    let risen = fallen(Wish::default())
        .on(RunEvent::Failed(Failure::new(Blame::Environment, message!("deployment.no-restart"))))
        .on(RunEvent::RestartRequested)
        .on(RunEvent::ContainerStarted)
        .on(RunEvent::Healthy);
    risen.expect(expect![[r#"
        start -> [Resolve] preparing
        Resolved -> [InspectImage(ImageRef("base:1"))] preparing
        ImageInspected -> [Note, Prepare] preparing
        Prepared -> [CreateContainer] preparing
        ContainerCreated(ContainerId("c1")) -> [StartContainer(ContainerId("c1"), None)] preparing
        ContainerStarted -> [WatchCode { since: None }, AwaitHealth] preparing
        Healthy -> [] running
        RestartRequested -> [RestartServer] running
        ServerRestarted { attended: false } -> [AwaitHealth] preparing
        ContainerExited -> [Say] preparing
        Failed -> [] preparing
        RestartRequested -> [StartContainer(ContainerId("c1"), None)] preparing
        ContainerStarted -> [AwaitHealth] preparing
        Healthy -> [] running
    "#]]);
    assert_eq!((risen.run.serving.refusals, &risen.run.serving.refused), (1, &None));
    assert_eq!(
        risen.card(),
        "resolve 10 Ok, build 10 Ok, create 20 Ok, start 20 Ok, run 20 Ok, start 10 Failed, start 20 Ok, run … Running"
    );
    let debugged = fallen(debug())
        .on(RunEvent::Debug(DebugEvent::DebuggeeGone))
        .on(RunEvent::RestartRequested)
        .on(RunEvent::ContainerStarted)
        .on(listening())
        .on(RunEvent::Debug(DebugEvent::Configured))
        .on(RunEvent::Healthy);
    debugged.expect(expect![[r#"
        start -> [OpenGateway, Resolve] preparing
        Resolved -> [InspectImage(ImageRef("base:1"))] preparing
        ImageInspected -> [Note, Prepare] preparing
        Prepared -> [CreateContainer] preparing
        ContainerCreated(ContainerId("c1")) -> [StartContainer(ContainerId("c1"), None)] preparing
        ContainerStarted -> [WatchCode { since: None }, AwaitHealth, OpenRelay(ContainerId("c1"))] preparing
        DebuggeeReported -> [OfferDebugger] waiting
        Debug(Configured) -> [] running
        Healthy -> [] running
        RestartRequested -> [RestartServer] running
        ServerRestarted { attended: true } -> [AwaitHealth, OpenRelay(ContainerId("c1"))] preparing
        ContainerExited -> [Say] preparing
        Debug(DebuggeeGone) -> [] preparing
        RestartRequested -> [StartContainer(ContainerId("c1"), None)] preparing
        ContainerStarted -> [AwaitHealth, OpenRelay(ContainerId("c1"))] preparing
        DebuggeeReported -> [] waiting
        Debug(Configured) -> [] running
        Healthy -> [] running
    "#]]);
    // The log says so before the container ends, and the next edit comes in between.
    let quick = fallen(Wish::default()).on(RunEvent::RestartRequested).on(RunEvent::ContainerStarted);
    let failure = Failure::new(Blame::Code, message!("deployment.no-function", script = "", function = ""));
    let quick = quick.on(RunEvent::Healthy).on(RunEvent::RestartRequested);
    let quick = quick.on(RunEvent::ServerRestarted { attended: false }).on(RunEvent::CannotServe(failure));
    let quick = quick.on(RunEvent::RestartRequested).on(over_init());
    let last = |trace: &Trace| trace.text.lines().last().unwrap_or_default().to_owned();
    expect![[r#"ContainerExited -> [StartContainer(ContainerId("c1"), None)] preparing"#]]
        .assert_eq(&last(&quick));
    // Whoever wants the end of it gets that, too.
    fallen(Wish::default())
        .on(RunEvent::CancelRequested { at_once: false })
        .on(RunEvent::Collected)
        .on(RunEvent::ContainerRemoved)
        .expect(expect![[r#"
            start -> [Resolve] preparing
            Resolved -> [InspectImage(ImageRef("base:1"))] preparing
            ImageInspected -> [Note, Prepare] preparing
            Prepared -> [CreateContainer] preparing
            ContainerCreated(ContainerId("c1")) -> [StartContainer(ContainerId("c1"), None)] preparing
            ContainerStarted -> [WatchCode { since: None }, AwaitHealth] preparing
            Healthy -> [] running
            RestartRequested -> [RestartServer] running
            ServerRestarted { attended: false } -> [AwaitHealth] preparing
            ContainerExited -> [Say] preparing
            CancelRequested { at_once: false } -> [Collect] stopping
            Collected -> [RemoveContainer(ContainerId("c1"))] stopping
            ContainerRemoved -> [CloseGateway] cancelled
        "#]]);
    let adopted = |adopter| fallen(Wish::default()).adopted(Found::Exited("c1".into()), adopter);
    expect![[
        r#"adopt Exited(ContainerId("c1")) -> [WatchCode { since: None }, StartContainer(ContainerId("c1"), None)] preparing"#
    ]]
    .assert_eq(&last(&adopted(Adopter::Staying)));
    let passing = adopted(Adopter::Passing).on(over_init());
    assert_eq!(passing.failure(), "deployment.init-raised");
    // Whoever looked after it has read the log already.
    let passing = adopted(Adopter::Passing).on(RunEvent::ContainerExited(exit(3)));
    assert_eq!(passing.failure(), "deployment.init-raised");
    // One that has never answered fails, and one that nobody looks after.
    assert_eq!(deployed(Wish::default()).on(over_init()).failure(), "deployment.init-raised");
}

#[test]
fn a_server_below_a_supervisor_comes_up_by_itself_with_the_next_edit() {
    let raised = || {
        let failure =
            Failure::new(Blame::Code, message!("deployment.no-function", script = "", function = ""));
        RunEvent::CannotServe(failure)
    };
    let trace = deployed(Wish::default())
        .on(RunEvent::Healthy)
        .on(RunEvent::RestartRequested)
        .on(RunEvent::ServerRestarted { attended: false })
        .on(raised())
        .on(raised())
        .on(RunEvent::RestartRequested)
        .on(raised())
        .on(RunEvent::Healthy)
        .on(RunEvent::ServerRestarted { attended: false });
    trace.expect(expect![[r#"
        start -> [Resolve] preparing
        Resolved -> [InspectImage(ImageRef("base:1"))] preparing
        ImageInspected -> [Note, Prepare] preparing
        Prepared -> [CreateContainer] preparing
        ContainerCreated(ContainerId("c1")) -> [StartContainer(ContainerId("c1"), None)] preparing
        ContainerStarted -> [WatchCode { since: None }, AwaitHealth] preparing
        Healthy -> [] running
        RestartRequested -> [RestartServer] running
        ServerRestarted { attended: false } -> [AwaitHealth] preparing
        CannotServe -> [Say, AwaitHealth] preparing
        CannotServe -> [AwaitHealth] preparing
        RestartRequested -> [] preparing
        CannotServe -> [Say, AwaitHealth] preparing
        Healthy -> [RestartServer] running
        ServerRestarted { attended: false } -> [AwaitHealth] preparing
    "#]]);
    assert_eq!((trace.run.serving.refusals, &trace.run.serving.refused), (2, &None));
    assert_eq!(deployed(Wish::default()).on(raised()).failure(), "deployment.no-function");
}

#[test]
fn the_next_worker_is_debugged_where_one_has_died_whoever_is_there() {
    let live = || {
        deployed(debug()).on(listening()).on(RunEvent::Debug(DebugEvent::Configured)).on(RunEvent::Healthy)
    };
    let died = |trace: Trace| trace.on(RunEvent::Debug(DebugEvent::WorkerEnded)).on(listening());
    let attended = live().on(RunEvent::Debug(DebugEvent::Paused)).on(RunEvent::Debug(DebugEvent::Resumed));
    died(attended).on(RunEvent::Debug(DebugEvent::Configured)).on(RunEvent::Healthy).expect(expect![[r#"
        start -> [OpenGateway, Resolve] preparing
        Resolved -> [InspectImage(ImageRef("base:1"))] preparing
        ImageInspected -> [Note, Prepare] preparing
        Prepared -> [CreateContainer] preparing
        ContainerCreated(ContainerId("c1")) -> [StartContainer(ContainerId("c1"), None)] preparing
        ContainerStarted -> [WatchCode { since: None }, AwaitHealth, OpenRelay(ContainerId("c1"))] preparing
        DebuggeeReported -> [OfferDebugger] waiting
        Debug(Configured) -> [] running
        Healthy -> [] running
        Debug(Paused) -> [] paused
        Debug(Resumed) -> [] running
        Debug(WorkerEnded) -> [AwaitHealth] running
        DebuggeeReported -> [] running
        Debug(Configured) -> [] running
        Healthy -> [] running
    "#]]);
    let vanished = live().on(RunEvent::Debug(DebugEvent::Paused)).on(RunEvent::Debug(DebugEvent::Detached));
    died(vanished).expect(expect![[r#"
        start -> [OpenGateway, Resolve] preparing
        Resolved -> [InspectImage(ImageRef("base:1"))] preparing
        ImageInspected -> [Note, Prepare] preparing
        Prepared -> [CreateContainer] preparing
        ContainerCreated(ContainerId("c1")) -> [StartContainer(ContainerId("c1"), None)] preparing
        ContainerStarted -> [WatchCode { since: None }, AwaitHealth, OpenRelay(ContainerId("c1"))] preparing
        DebuggeeReported -> [OfferDebugger] waiting
        Debug(Configured) -> [] running
        Healthy -> [] running
        Debug(Paused) -> [] paused
        Debug(Detached) -> [] paused
        Debug(WorkerEnded) -> [AwaitHealth] preparing
        DebuggeeReported -> [OfferDebugger] waiting
    "#]]);
    let left = live().on(RunEvent::Debug(DebugEvent::Detached));
    died(left).on(RunEvent::Debug(DebugEvent::Unattended)).on(RunEvent::Healthy).expect(expect![[r#"
        start -> [OpenGateway, Resolve] preparing
        Resolved -> [InspectImage(ImageRef("base:1"))] preparing
        ImageInspected -> [Note, Prepare] preparing
        Prepared -> [CreateContainer] preparing
        ContainerCreated(ContainerId("c1")) -> [StartContainer(ContainerId("c1"), None)] preparing
        ContainerStarted -> [WatchCode { since: None }, AwaitHealth, OpenRelay(ContainerId("c1"))] preparing
        DebuggeeReported -> [OfferDebugger] waiting
        Debug(Configured) -> [] running
        Healthy -> [] running
        Debug(Detached) -> [] running
        Debug(WorkerEnded) -> [AwaitHealth] running
        DebuggeeReported -> [OfferDebugger] running
        Debug(Unattended) -> [] running
        Healthy -> [] running
    "#]]);
}

#[test]
fn a_server_that_ends_or_answers_without_its_debugger_is_a_failure() {
    let ended = deployed(Wish::default()).on(RunEvent::ContainerExited(exit(0))).on(RunEvent::Collected);
    assert_eq!(ended.failure(), "deployment.ended");
    let unseen = deployed(debug()).on(RunEvent::Healthy);
    assert_eq!(unseen.failure(), "deployment.unseen");
    // How long a server may take is its probes' affair, and whoever asks it goes by them.
    assert_eq!(deployed(Wish::default()).later(3_600_000).on(RunEvent::Tick).failure(), "");
}

#[test]
fn a_healthy_deployment_outlives_the_command_that_started_it() {
    let stored = deployed(Wish::default()).on(RunEvent::Healthy);
    let passing = stored.adopted(Found::Running("c1".into()), Adopter::Passing);
    let gone = deployed(Wish::default()).on(RunEvent::Healthy).adopted(Found::Nothing, Adopter::Passing);
    assert_eq!((gone.run.end(), gone.failure()), (Some(End::Lost), "adopt.server-gone"));
    let staying = passing.on(RunEvent::CaughtUp).adopted(Found::Running("c1".into()), Adopter::Staying);
    staying.expect(expect![[r#"
        start -> [Resolve] preparing
        Resolved -> [InspectImage(ImageRef("base:1"))] preparing
        ImageInspected -> [Note, Prepare] preparing
        Prepared -> [CreateContainer] preparing
        ContainerCreated(ContainerId("c1")) -> [StartContainer(ContainerId("c1"), None)] preparing
        ContainerStarted -> [WatchCode { since: None }, AwaitHealth] preparing
        Healthy -> [] running
        adopt Running(ContainerId("c1")) -> [CatchUp(ContainerId("c1"), None)] running
        CaughtUp -> [] running
        adopt Running(ContainerId("c1")) -> [Follow(ContainerId("c1"), None), WatchCode { since: Some(1060) }] running
    "#]]);
}

#[test]
fn the_container_of_a_server_is_not_kept_for_the_next_run() {
    let door = Door { folder: "/w".into(), token: "t".into(), ..Door::default() };
    let trace = deployed(Wish { door: Some(door), ..debug() });
    assert_eq!(trace.run.door, None);
}

#[test]
fn an_image_with_bytecode_is_used_as_it_is_and_one_without_gets_a_cache() {
    let of = |cache: Option<&str>, of_spec: &[(&str, &str)]| {
        let mut wanted = plan();
        let own = of_spec.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        wanted.container.environment.extend(own);
        let mut run = Run::start("r".into(), Wish::default(), 1).0;
        run.on(2, RunEvent::Resolved(wanted, BuildSettings::default()));
        run.on(3, inspected(BASE, true));
        let bytecode = cache.map(str::to_owned);
        let effects = run.on(4, RunEvent::Prepared { debugger: None, bytecode });
        let [Effect::CreateContainer(container)] = effects.as_slice() else { panic!("{effects:?}") };
        let digest = debuggee::volume_digest();
        format!("{:?} {:?}", container.environment, container.mounts).replace(&digest, "DIGEST")
    };
    expect![[r#"
        [("PYTHONDONTWRITEBYTECODE", "1")] []
        [("PYTHONPYCACHEPREFIX", "/aml-debug-bytecode/DIGEST/29ce385229e8"), ("PYTHONDONTWRITEBYTECODE", "")] [Volume { name: "v", target: "/aml-debug-bytecode", read_only: false }]
        [("PYTHONPYCACHEPREFIX", "/x")] []"#]]
    .assert_eq(
        &[of(None, &[]), of(Some("v"), &[]), of(Some("v"), &[("PYTHONPYCACHEPREFIX", "/x")])].join("\n"),
    );
}

#[test]
fn an_errand_is_waited_for_and_a_second_request_does_not_wait() {
    let preparing = || {
        Trace::start(debug())
            .on(RunEvent::Resolved(plan(), BuildSettings::default()))
            .on(inspected(BASE, true))
            .on(RunEvent::CancelRequested { at_once: false })
    };
    let trace = preparing().on(prepared(Some("v")));
    assert!(trace.text.ends_with("Prepared -> [CloseGateway] cancelled\n"), "{}", trace.text);
    let trace = preparing().on(RunEvent::CancelRequested { at_once: true });
    assert!(trace.text.ends_with("-> [Abandon, CloseGateway] cancelled\n"), "{}", trace.text);
}

/// What is kept moves away what the run has given, and puts it back.
#[test]
fn a_run_has_given_its_outputs_before_its_container_is_removed_and_not_before_it_is_kept() {
    let door = Door { folder: "/w".into(), token: "t".into(), ..Door::default() };
    for (door, given_before_the_end) in [(None, true), (Some(door), false)] {
        let trace = Trace::start(Wish { door, ..debug() })
            .on(RunEvent::Resolved(plan(), BuildSettings::default()))
            .on(inspected(BASE, true))
            .on(prepared(Some("v")))
            .on(RunEvent::ContainerCreated("c1".into()))
            .on(RunEvent::ContainerStarted)
            .on(listening())
            .on(RunEvent::Debug(DebugEvent::Configured))
            .on(RunEvent::ContainerExited(exit(0)));
        assert!(!trace.run.has_result(), "{}", trace.text);
        let trace = trace.on(RunEvent::Collected);
        assert_eq!(trace.run.has_result(), given_before_the_end, "{}", trace.text);
        let trace = trace.on(RunEvent::ContainerRemoved);
        assert!(trace.run.has_result(), "{}", trace.text);
    }
}

#[test]
fn a_container_is_kept_for_the_next_run_which_takes_it() {
    let door = Door { folder: "/w".into(), token: "t".into(), ..Door::default() };
    let wish = || Wish { door: Some(door.clone()), ..debug() };
    let preparing = || {
        Trace::start(wish())
            .on(RunEvent::Resolved(plan(), BuildSettings::default()))
            .on(inspected(BASE, true))
            .on(prepared(Some("v")))
    };
    let trace = preparing()
        .on(RunEvent::ContainerCreated("c1".into()))
        .on(RunEvent::ContainerStarted)
        .on(RunEvent::ContainerExited(exit(0)))
        .on(RunEvent::Collected)
        .on(RunEvent::ContainerRemoved);
    trace.expect(expect![[r#"
        start -> [OpenGateway, Resolve] preparing
        Resolved -> [InspectImage(ImageRef("base:1"))] preparing
        ImageInspected -> [Note, Prepare] preparing
        Prepared -> [TakeContainer] preparing
        ContainerCreated(ContainerId("c1")) -> [StartContainer] preparing
        ContainerStarted -> [OpenRelay(ContainerId("c1"))] preparing
        ContainerExited -> [Collect] stopping
        Collected -> [KeepContainer] stopping
        ContainerRemoved -> [CloseGateway] failed
    "#]]);
    let kept = Kept { container: "c1".into(), door: trace.run.door.clone().expect("a door") };
    let trace = preparing()
        .on(RunEvent::ContainerTaken(Box::new(kept)))
        .on(RunEvent::ContainerStarted)
        .on(RunEvent::CancelRequested { at_once: false })
        .on(RunEvent::ContainerExited(exit(143)))
        .on(RunEvent::Collected);
    trace.expect(expect![[r#"
        start -> [OpenGateway, Resolve] preparing
        Resolved -> [InspectImage(ImageRef("base:1"))] preparing
        ImageInspected -> [Note, Prepare] preparing
        Prepared -> [TakeContainer] preparing
        ContainerTaken -> [StartCommand] preparing
        ContainerStarted -> [OpenRelay(ContainerId("c1"))] preparing
        CancelRequested { at_once: false } -> [StopContainer] stopping
        ContainerExited -> [Collect] stopping
        Collected -> [RemoveContainer(ContainerId("c1"))] stopping
    "#]]);
}

#[test]
fn a_run_that_its_debugger_starts_again_stays_the_same_run() {
    let door = Door { folder: "/w".into(), token: "t".into(), ..Door::default() };
    let paused = |door: Option<Door>| {
        Trace::start(Wish { door, ..debug() })
            .until_live()
            .on(listening())
            .on(RunEvent::Debug(DebugEvent::Configured))
            .on(RunEvent::Debug(DebugEvent::Paused))
            .on(RunEvent::Debug(DebugEvent::RestartRequested))
            .on(RunEvent::ContainerExited(exit(137)))
    };
    // Its container ends with its command and is started again.
    let trace = paused(None)
        .on(RunEvent::ContainerEnded("c1".into()))
        .on(RunEvent::ContainerStarted)
        .on(listening())
        .on(RunEvent::Debug(DebugEvent::Configured));
    let told = trace.text.split_once("Debug(RestartRequested)").expect("it was asked for").1;
    expect![[r#"
         -> [Note, EndCommand(ContainerId("c1"), None)] preparing
        ContainerExited -> [KeepForAgain(ContainerId("c1"), None)] preparing
        ContainerEnded(ContainerId("c1")) -> [StartContainer(ContainerId("c1"), None)] preparing
        ContainerStarted -> [OpenRelay(ContainerId("c1"))] preparing
        DebuggeeReported -> [] waiting
        Debug(Configured) -> [] running
    "#]]
    .assert_eq(told);
    // Or goes on without it.
    let kept = |trace: &Trace| Kept { container: "c1".into(), door: trace.run.door.clone().expect("a door") };
    let trace = paused(Some(door.clone()));
    let kept_container = RunEvent::ContainerTaken(Box::new(kept(&trace)));
    let trace = trace.on(kept_container);
    assert!(trace.text.ends_with("ContainerTaken -> [StartCommand] preparing\n"), "{}", trace.text);
    // Whoever wants the end meanwhile gets it, and nothing is left.
    let trace = paused(Some(door))
        .on(RunEvent::CancelRequested { at_once: false })
        .on(RunEvent::ContainerEnded("c1".into()))
        .on(RunEvent::ContainerRemoved);
    assert_eq!((trace.run.state(), trace.run.container), (snapshot::State::Cancelled, None));
    // An owner that goes in between leaves a container that nobody will start again.
    let trace = paused(None).adopted(Found::Exited("c1".into()), Adopter::Passing);
    assert!(trace.text.ends_with("-> [RemoveContainer(ContainerId(\"c1\"))] stopping\n"), "{}", trace.text);
    assert_eq!(trace.failure(), "adopt.owner-gone");
}
