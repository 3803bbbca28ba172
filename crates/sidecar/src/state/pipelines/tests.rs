//! A pipeline of many steps in the owner's hands, with the real store; the runs of its steps are told of.

use super::*;
use crate::main_loop::Event;
use crate::outbox::Outbox;
use crate::settings::{Settings, Sources};
use engine::plan::pipeline::plan_pipeline;
use engine::plan::settings::PlanSettings;
use engine::spec::files::Files;
use engine::spec::{self, Body};
use std::fmt::Write;
use std::path::Path;
use tokio::sync::mpsc;

const STEPS: usize = 60;

fn plan() -> PipelinePlan {
    let mut text = "type: pipeline\njobs:\n".to_owned();
    for step in 0..STEPS {
        let _ =
            writeln!(text, "  s{step}: {{command: run, environment: {{image: base}}, outputs: {{out: }}}}");
    }
    let path = Path::new("/p/pipeline.yml");
    let reading = spec::read(path, text.as_bytes(), &Files::default());
    let Some(Body::Pipeline(job)) = reading.spec.map(|spec| spec.body) else {
        panic!("{:?}", reading.diagnostics)
    };
    plan_pipeline(path, &job, &PlanSettings::default()).expect("a plan")
}

#[tokio::test]
async fn of_many_changes_each_is_kept_and_the_whole_is_told_now_and_then_and_at_the_end() {
    let home = tempfile::tempdir().expect("a folder");
    let environment = [("AML_DEBUG_HOME".to_owned(), home.path().display().to_string())];
    let sources = Sources { environment: environment.into(), ..Sources::default() };
    let settings = Settings::resolve(&sources).expect("settings");
    let store = Store::open(&settings.home).expect("a store");
    let (outbox, mut notices) = Outbox::new();
    let (events, mut inbox) = mpsc::unbounded_channel();
    let mut state = State::new(settings, store, outbox, events);
    let id = RunId::from("whole");
    let record = RunRecord::new(id.clone(), "numbers", PathBuf::from("/p/pipeline.yml"), 1);
    let ownership = state.store.begin(&record).expect("ours");
    let began = Instant::now();
    let room = Room { nano_cpus: Some(8_000_000_000), memory_bytes: None };
    let params = StartRunParams::default();
    state.begin_pipeline(record, ownership, params, plan(), PhaseCard::default(), room);
    while state.is_live_pipeline(&id) {
        match inbox.recv().await {
            Some(Event::Pipeline(_, happened)) => state.on_happened(&id, happened),
            // Of the runs themselves only what the test tells counts.
            Some(_) => continue,
            None => panic!("nobody is left to tell anything"),
        }
        let Some(live) = state.pipelines.get(&id) else { break };
        let is_live = |step: &&Step| matches!(step.state, engine::pipeline::StepState::Live { .. });
        let begun: Vec<String> =
            live.pipeline.steps.iter().filter(is_live).map(|it| it.name.clone()).collect();
        let whole = live.pipeline.snapshot();
        for step in begun {
            for now in [snapshot::State::Preparing, snapshot::State::Running, snapshot::State::Completed] {
                let run = Snapshot { id: RunId(format!("run-{step}")), state: now, ..whole.clone() };
                state.step_moved(&id, &step, &run, true, now == snapshot::State::Completed);
                if let Some(live) = state.pipelines.get(&id) {
                    let record = live.record.clone();
                    let stored = stored_pipeline(&state.store, &record).expect("a record");
                    assert_eq!(stored, live.pipeline, "what is kept is where it stands");
                }
            }
        }
    }
    let most = began.elapsed().as_millis() / BETWEEN_WORDS.as_millis();
    let mut told = Vec::new();
    while let Ok(notice) = notices.try_recv() {
        if let Notice::RunChanged(run) = notice
            && run.run == "whole"
        {
            told.push(run);
        }
    }
    let last = told.last().expect("a word");
    let graph = last.graph.as_ref().expect("steps");
    assert_eq!((last.state.as_str(), graph.steps.len()), ("completed", STEPS));
    assert!(graph.steps.iter().all(|step| step.state == "completed"));
    // The begin, the end of the steps, the end of the whole: those are told at once.
    assert!(told.len() as u128 <= most + 4, "{} words in {most} tenths of a second", told.len());
    assert!(told.len() < STEPS, "{} words", told.len());
    let kept = state.store.get(&id).ok().flatten().expect("a record");
    let kept = stored_pipeline(&state.store, &kept).expect("a pipeline");
    assert!(kept.is_finished() && kept.steps.iter().all(Step::is_well));
}
