//! Traces: an event on the left, what it starts and where every step stands on the right.

use super::*;
use crate::plan::pipeline::plan_pipeline;
use crate::plan::settings::PlanSettings;
use crate::spec::Body;
use crate::spec::files::disk::read;
use expect_test::{Expect, expect};
use std::fmt::Write;
use std::path::Path;

/// Builds a pipeline of steps that are written `name: before, before`.
fn plan(settings: &str, steps: &str) -> PipelinePlan {
    let mut text = format!("type: pipeline\nsettings: {{{settings}}}\njobs:\n");
    for line in steps.lines() {
        let (name, before) = line.split_once(':').expect("name: before");
        let (name, image) = name.split_once('@').unwrap_or((name, "base"));
        let _ = writeln!(text, "  {name}:\n    command: run {name}\n    environment: {{image: {image}}}");
        let _ = writeln!(text, "    outputs: {{out: }}\n    inputs:");
        for before in before.split(',').map(str::trim).filter(|before| !before.is_empty()) {
            let _ = writeln!(text, "      {before}: ${{{{parent.jobs.{before}.outputs.out}}}}");
        }
        text.push_str("      n: 1\n");
    }
    let reading = read("/p/pipeline.yml", &[("/p/pipeline.yml", &text)]);
    let Some(Body::Pipeline(job)) = reading.spec.map(|spec| spec.body) else {
        panic!("{:#?}\n{text}", reading.diagnostics)
    };
    plan_pipeline(Path::new("/p/pipeline.yml"), &job, &PlanSettings::default()).expect("a plan")
}

const TWO: Room = Room { nano_cpus: Some(2_000_000_000), memory_bytes: None };

/// A pipeline and what has been told of it so far.
struct Trace {
    pipeline: Pipeline,
    told: String,
    at: Millis,
}

impl Trace {
    fn of(plan: &PipelinePlan) -> Self {
        Self::with(plan, false)
    }

    fn with(plan: &PipelinePlan, force: bool) -> Self {
        let (pipeline, effects) = Pipeline::begin("p".into(), plan, PhaseCard::default(), TWO, force, 0);
        let mut trace = Self { pipeline, told: String::new(), at: 0 };
        trace.tell("begin", &effects);
        trace
    }

    fn find(&self, name: &str) -> usize {
        self.pipeline.steps.iter().position(|step| step.name == name).expect(name)
    }

    fn on(&mut self, shown: &str, event: PipelineEvent) -> &mut Self {
        self.at += 10;
        let effects = self.pipeline.on(self.at, event);
        self.tell(shown, &effects);
        self
    }

    fn weighed(&mut self, name: &str, result: Option<&str>) -> &mut Self {
        let step = self.find(name);
        let result = result.map(RunId::from);
        self.on(&format!("{name} weighed"), PipelineEvent::Weighed { step, result })
    }

    /// No earlier result, a run, and its image.
    fn runs(&mut self, name: &str) -> &mut Self {
        let step = self.find(name);
        let told = self.told.len();
        self.weighed(name, None);
        self.pipeline.on(self.at, PipelineEvent::Started { step, run: RunId(format!("run-{name}")) });
        self.told.truncate(told);
        self.moved(name, State::Running, None)
    }

    fn moved(&mut self, name: &str, state: State, failure: Option<Failure>) -> &mut Self {
        let step = self.find(name);
        let shown = format!("{name} {}", state.word());
        self.on(&shown, PipelineEvent::Moved { step, state, has_image: true, has_result: false, failure })
    }

    /// Its command has ended well and its outputs are there; its container is still to go.
    fn gives(&mut self, name: &str) -> &mut Self {
        let step = self.find(name);
        let (state, failure) = (State::Stopping, None);
        let given = PipelineEvent::Moved { step, state, has_image: true, has_result: true, failure };
        self.on(&format!("{name} has given"), given)
    }

    fn ends(&mut self, name: &str) -> &mut Self {
        self.moved(name, State::Completed, None)
    }

    fn fails(&mut self, name: &str) -> &mut Self {
        let failure = Failure::new(Blame::Code, message!("run.exit-code", command = "x", code = 3));
        self.moved(name, State::Failed, Some(failure))
    }

    fn tell(&mut self, shown: &str, effects: &[PipelineEffect]) {
        let name = |step: &usize| self.pipeline.steps[*step].name.as_str();
        let effects: Vec<String> = effects
            .iter()
            .map(|effect| match effect {
                PipelineEffect::Weigh { step } => format!("weigh {}", name(step)),
                PipelineEffect::Start { step, is_first_of_image: true } => {
                    format!("start {} first", name(step))
                }
                PipelineEffect::Start { step, .. } => format!("start {}", name(step)),
                PipelineEffect::Cancel { step, .. } => format!("cancel {}", name(step)),
                PipelineEffect::Collect => "collect".to_owned(),
            })
            .collect();
        let states: Vec<String> =
            self.pipeline.steps.iter().map(|step| format!("{}={}", step.name, step.word())).collect();
        let _ = writeln!(
            self.told,
            "{shown:<16} -> {:<22} | {} {}",
            effects.join(", "),
            self.pipeline.state().word(),
            states.join(" ")
        );
    }

    #[track_caller]
    fn check(&mut self, expected: Expect) {
        expected.assert_eq(&self.told);
    }
}

#[test]
fn steps_run_side_by_side_as_far_as_there_is_room_and_the_longest_chain_first() {
    let plan = plan("", "alone:\nleft:\nright:\nend: left, right\nlast: end");
    let mut trace = Trace::of(&plan);
    trace.weighed("left", None);
    let left = trace.find("left");
    trace.pipeline.on(5, PipelineEvent::Started { step: left, run: "run-left".into() });
    trace.moved("left", State::Preparing, None).moved("left", State::Running, None);
    trace.runs("right").ends("left").runs("alone").ends("right").runs("end").ends("alone").ends("end");
    trace.runs("last").ends("last").on("collected", PipelineEvent::Collected);
    trace.check(expect![[r#"
        begin            -> weigh left             | running alone=pending left=preparing right=pending end=pending last=pending
        left weighed     -> start left first       | running alone=pending left=preparing right=pending end=pending last=pending
        left preparing   -> weigh right            | running alone=pending left=preparing right=preparing end=pending last=pending
        left running     ->                        | running alone=pending left=running right=preparing end=pending last=pending
        right running    ->                        | running alone=pending left=running right=running end=pending last=pending
        left completed   -> weigh alone            | running alone=preparing left=completed right=running end=pending last=pending
        alone running    ->                        | running alone=running left=completed right=running end=pending last=pending
        right completed  -> weigh end              | running alone=running left=completed right=completed end=preparing last=pending
        end running      ->                        | running alone=running left=completed right=completed end=running last=pending
        alone completed  ->                        | running alone=completed left=completed right=completed end=running last=pending
        end completed    -> weigh last             | running alone=completed left=completed right=completed end=completed last=preparing
        last running     ->                        | running alone=completed left=completed right=completed end=completed last=running
        last completed   -> collect                | stopping alone=completed left=completed right=completed end=completed last=completed
        collected        ->                        | completed alone=completed left=completed right=completed end=completed last=completed
    "#]]);
}

#[test]
fn the_next_step_does_not_wait_for_the_container_of_the_last_one_to_be_removed_and_the_end_does() {
    let mut trace = Trace::of(&plan("", "a:\nb: a\nc:\nd:"));
    trace
        .runs("a")
        .runs("c")
        .gives("a")
        .runs("b")
        .ends("a")
        .gives("c")
        .ends("c")
        .runs("d")
        .gives("b")
        .gives("d");
    trace.on("cancel", PipelineEvent::CancelRequested { at_once: false });
    trace.ends("d").ends("b");
    trace.check(expect![[r#"
        begin            -> weigh a                | running a=preparing b=pending c=pending d=pending
        a running        -> weigh c                | running a=running b=pending c=preparing d=pending
        c running        ->                        | running a=running b=pending c=running d=pending
        a has given      -> weigh b                | running a=stopping b=preparing c=running d=pending
        b running        ->                        | running a=stopping b=running c=running d=pending
        a completed      ->                        | running a=completed b=running c=running d=pending
        c has given      -> weigh d                | running a=completed b=running c=stopping d=preparing
        c completed      ->                        | running a=completed b=running c=completed d=preparing
        d running        ->                        | running a=completed b=running c=completed d=running
        b has given      ->                        | running a=completed b=stopping c=completed d=running
        d has given      ->                        | running a=completed b=stopping c=completed d=stopping
        cancel           ->                        | stopping a=completed b=stopping c=completed d=stopping
        d completed      ->                        | stopping a=completed b=stopping c=completed d=completed
        b completed      -> collect                | stopping a=completed b=completed c=completed d=completed
    "#]]);
}

#[test]
fn a_failed_step_ends_what_waits_for_it_and_a_setting_lets_the_others_go_on() {
    let steps = "a:\nb: a\nc: b\nother:\nafter: other";
    for settings in ["", "continue_on_step_failure: true"] {
        let mut trace = Trace::of(&plan(settings, steps));
        trace.runs("a").runs("other").fails("a").ends("other");
        if !settings.is_empty() {
            trace.runs("after").ends("after");
        }
        trace.on("collected", PipelineEvent::Collected);
        let failure = trace.pipeline.failure.as_ref().expect("a failure");
        let told = format!("{}-> {}\n{}", failure.what, failure.fix.as_ref().expect("a fix"), trace.told);
        let expected = match settings {
            "" => expect![[r#"
                step a: the command ended with exit code 3: x-> run that step alone again, with the inputs it had: aml-debug rerun p --step a --debug
                begin            -> weigh a                | running a=preparing b=pending c=pending other=pending after=pending
                a running        -> weigh other            | running a=running b=pending c=pending other=preparing after=pending
                other running    ->                        | running a=running b=pending c=pending other=running after=pending
                a failed         ->                        | running a=failed b=skipped c=skipped other=running after=skipped
                other completed  -> collect                | stopping a=failed b=skipped c=skipped other=completed after=skipped
                collected        ->                        | failed a=failed b=skipped c=skipped other=completed after=skipped
            "#]],
            _ => expect![[r#"
                step a: the command ended with exit code 3: x-> run that step alone again, with the inputs it had: aml-debug rerun p --step a --debug
                begin            -> weigh a                | running a=preparing b=pending c=pending other=pending after=pending
                a running        -> weigh other            | running a=running b=pending c=pending other=preparing after=pending
                other running    ->                        | running a=running b=pending c=pending other=running after=pending
                a failed         ->                        | running a=failed b=skipped c=skipped other=running after=pending
                other completed  -> weigh after            | running a=failed b=skipped c=skipped other=completed after=preparing
                after running    ->                        | running a=failed b=skipped c=skipped other=completed after=running
                after completed  -> collect                | stopping a=failed b=skipped c=skipped other=completed after=completed
                collected        ->                        | failed a=failed b=skipped c=skipped other=completed after=completed
            "#]],
        };
        expected.assert_eq(&told);
    }
}

#[test]
fn an_earlier_result_takes_the_place_of_a_step_but_never_of_one_that_is_debugged() {
    let mut of_plan = plan("", "a:\nb: a\nc: b");
    of_plan.debug_steps(&["b".to_owned()]).expect("a step");
    let mut trace = Trace::of(&of_plan);
    trace.weighed("a", Some("earlier-a"));
    trace.moved("b", State::Waiting, None).ends("b").weighed("c", Some("earlier-c"));
    trace.check(expect![[r#"
        begin            -> weigh a                | running a=preparing b=pending c=pending
        a weighed        -> start b first          | running a=completed b=preparing c=pending
        b waiting        ->                        | running a=completed b=waiting c=pending
        b completed      -> weigh c                | running a=completed b=completed c=preparing
        c weighed        -> collect                | stopping a=completed b=completed c=completed
    "#]]);
    let mut forced = Trace::with(&plan("", "a:"), true);
    forced.weighed("a", Some("earlier-a"));
    forced.check(expect![[r#"
        begin            -> weigh a                | running a=preparing
        a weighed        -> start a first          | running a=preparing
    "#]]);
}

#[test]
fn steps_of_one_image_wait_until_the_first_of_them_has_it() {
    let mut trace = Trace::of(&plan("", "a@one:\nb@one:\nc@two:"));
    trace.weighed("a", None).weighed("c", None);
    trace.moved("a", State::Running, None).moved("c", State::Running, None).ends("c").weighed("b", None);
    trace.check(expect![[r#"
        begin            -> weigh a, weigh c       | running a=preparing b=pending c=preparing
        a weighed        -> start a first          | running a=preparing b=pending c=preparing
        c weighed        -> start c first          | running a=preparing b=pending c=preparing
        a running        ->                        | running a=running b=pending c=preparing
        c running        ->                        | running a=running b=pending c=running
        c completed      -> weigh b                | running a=running b=preparing c=completed
        b weighed        -> start b                | running a=running b=preparing c=completed
    "#]]);
}

#[test]
fn a_cancel_ends_every_run_and_skips_the_rest() {
    let mut trace = Trace::of(&plan("", "a:\nb:\nc: a"));
    trace.runs("a").on("cancel", PipelineEvent::CancelRequested { at_once: false });
    trace.weighed("b", None).moved("a", State::Cancelled, None).on("collected", PipelineEvent::Collected);
    trace.check(expect![[r#"
        begin            -> weigh a                | running a=preparing b=pending c=pending
        a running        -> weigh b                | running a=running b=preparing c=pending
        cancel           -> cancel a               | stopping a=running b=preparing c=skipped
        b weighed        ->                        | stopping a=running b=skipped c=skipped
        a cancelled      -> collect                | stopping a=cancelled b=skipped c=skipped
        collected        ->                        | cancelled a=cancelled b=skipped c=skipped
    "#]]);
}

#[test]
fn whoever_stays_goes_on_with_it_and_whoever_passes_by_only_makes_it_true() {
    let mut trace = Trace::of(&plan("", "a:\nb: a"));
    trace.runs("a");
    let stored = serde_json::to_string(&trace.pipeline).expect("JSON");
    let revive = || serde_json::from_str::<Pipeline>(&stored).expect("the same");
    for (adopter, state) in [
        (Adopter::Staying, State::Running),
        (Adopter::Staying, State::Completed),
        (Adopter::Passing, State::Running),
        (Adopter::Staying, State::Lost),
        (Adopter::Passing, State::Completed),
        (Adopter::Passing, State::Lost),
    ] {
        let found = |step: &Step| Some((step.run.clone()?, state, None));
        let (pipeline, effects) = revive().adopt(100, found, adopter);
        trace.pipeline = pipeline;
        trace.tell(&format!("{adopter:?} {}", state.word()), &effects);
    }
    trace.on("collected", PipelineEvent::Collected);
    trace.check(expect![[r#"
        begin            -> weigh a                | running a=preparing b=pending
        a running        ->                        | running a=running b=pending
        Staying running  ->                        | running a=running b=pending
        Staying completed -> weigh b                | running a=completed b=preparing
        Passing running  ->                        | running a=running b=pending
        Staying lost     -> weigh a                | running a=preparing b=pending
        Passing completed -> collect                | stopping a=completed b=skipped
        Passing lost     -> collect                | stopping a=lost b=skipped
        collected        ->                        | lost a=lost b=skipped
    "#]]);
    let failure = trace.pipeline.failure.as_ref().expect("a failure");
    expect!["run the pipeline again (aml-debug rerun p): steps that have ended well are not run again"]
        .assert_eq(&failure.fix.as_ref().expect("a fix").text());
}

/// Steps of which nobody waits for another, from the first to the end of all; `after` sees the pipeline after each
/// event. How many were started.
fn run_through(count: usize, mut after: impl FnMut(&mut Pipeline)) -> usize {
    let lines: String = (0..count).map(|step| format!("s{step}:\n")).collect();
    let plan = plan("", &lines);
    let (mut pipeline, mut effects) = Pipeline::begin("p".into(), &plan, PhaseCard::default(), TWO, false, 0);
    after(&mut pipeline);
    let (mut begun, mut at) = (0, 0);
    while !effects.is_empty() && !pipeline.is_finished() {
        let mut next = Vec::new();
        for effect in effects {
            at += 1;
            let events = match effect {
                PipelineEffect::Weigh { step } => vec![PipelineEvent::Weighed { step, result: None }],
                PipelineEffect::Start { step, .. } => {
                    begun += 1;
                    let run = RunId(format!("run-{step}"));
                    let moved = |state| PipelineEvent::Moved {
                        step,
                        state,
                        has_image: true,
                        has_result: false,
                        failure: None,
                    };
                    let states = [State::Preparing, State::Running, State::Running, State::Completed];
                    [PipelineEvent::Started { step, run }].into_iter().chain(states.map(moved)).collect()
                }
                PipelineEffect::Collect => vec![PipelineEvent::Collected],
                PipelineEffect::Cancel { .. } => unreachable!("nobody cancels"),
            };
            for event in events {
                next.extend(pipeline.on(at, event));
                after(&mut pipeline);
            }
        }
        effects = next;
    }
    assert_eq!(pipeline.state(), State::Completed);
    begun
}

#[test]
fn a_step_more_costs_the_scheduler_a_step_more_and_not_all_of_them() {
    assert_eq!(run_through(600, |_| {}), 600);
}

#[test]
fn what_is_written_down_grows_with_the_steps_and_is_all_there_is() {
    let written = |count: usize| {
        let (mut whole, mut steps, mut bytes) = (String::new(), vec![String::new(); count], 0);
        run_through(count, |pipeline| {
            let changes = pipeline.take_changes();
            if changes.whole {
                whole = serde_json::to_string(&pipeline.without_steps()).expect("JSON");
                bytes += whole.len();
            }
            for step in changes.steps.iter().copied() {
                steps[step] = serde_json::to_string(&pipeline.steps[step]).expect("JSON");
                bytes += steps[step].len();
            }
            if changes.whole {
                let mut read: Pipeline = serde_json::from_str(&whole).expect("what was written");
                read.steps = steps.iter().map(|step| serde_json::from_str(step).expect("a step")).collect();
                assert_eq!(&read, pipeline);
            }
        });
        bytes
    };
    let (one, two) = (written(150), written(300));
    assert!(two < one * 22 / 10, "{two} bytes of 300 steps, {one} of 150");
}
