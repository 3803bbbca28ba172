//! What the answers of a deployment's server to its probes mean.
//!
//! Azure asks for the first time after `initial_delay` and then once every `period`. Here somebody waits, so it is
//! asked at once and often, and the first good answer is taken whenever it comes; of the bad ones only those count
//! that Azure would have heard.

use crate::failure::{Blame, Failure};
use crate::message;
use crate::message::Message;
use crate::plan::deployment::Service;
use crate::run::Millis;
use crate::spec::deployment::Probe;

/// Between two questions while nothing has answered. The first answer is what the user waits for, so it is asked
/// often; a server that takes long to load is asked less.
const SOON: Millis = 10;
const LATER: Millis = 200;
const SOON_FOR: Millis = 5_000;

/// How long the first question that is not answered is held open: a server that listens answers as soon as it has
/// loaded. But a connection that was made while the container's network was not yet whole is never answered.
const HELD: Millis = 5_000;

/// The next ones are held open twice as long each, up to ten minutes: all that were given up are answered, and
/// logged, by a server whose user goes on from a breakpoint.
const LONGER: u32 = 7;

/// What came of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A status.
    Status(u16),
    /// Nothing within the probe's timeout; the connection is open.
    Silence,
    /// No connection, or one that ended without an answer.
    Nobody,
}

/// What to do now.
#[derive(Debug, PartialEq)]
pub enum Next {
    /// Put the question again after so many milliseconds; one that is still open is waited for so long.
    Ask(Millis),
    /// Nothing more: the probe has succeeded.
    Well,
    /// Nothing more: Azure would give the server up.
    GivenUp(Failure),
}

/// One probe of a server that starts. Times are in milliseconds since the container's start.
#[derive(Debug, Clone, PartialEq)]
pub struct Asking {
    /// Loopback port.
    pub port: u16,
    /// What is asked for there.
    pub path: String,
    /// How long an answer may take.
    pub timeout: Millis,
    probe: Probe,
    name: Message,
    key: &'static str,
    deployment: String,
    is_judged: bool,
    successes: u64,
    failures: u64,
    /// How often nothing was said in a row.
    silences: u32,
    /// When Azure asks next.
    due: Millis,
    told: Option<Answer>,
}

/// The probes of a deployment. `is_judged`: nobody stands in the server's code, so its answers are its own.
pub fn probes(service: &Service, is_judged: bool) -> Vec<Asking> {
    let asking = |name: Message, key: &'static str, port: u16, path: &str, probe: Probe| Asking {
        port,
        path: path.to_owned(),
        timeout: probe.timeout.max(1) * 1_000,
        probe,
        name,
        key,
        deployment: service.full_name(),
        is_judged,
        successes: 0,
        failures: 0,
        silences: 0,
        due: probe.initial_delay * 1_000,
        told: None,
    };
    let (routes, ports) = (&service.routes, service.ports);
    let alive = (ports.liveness, routes.liveness.path.as_str(), service.liveness_probe);
    let ready = (ports.health, routes.health.path.as_str(), service.readiness_probe);
    if alive == ready {
        return vec![asking(message!("probe.both"), "liveness_probe", ready.0, ready.1, ready.2)];
    }
    vec![
        asking(message!("probe.liveness"), "liveness_probe", alive.0, alive.1, alive.2),
        asking(message!("probe.readiness"), "readiness_probe", ready.0, ready.1, ready.2),
    ]
}

impl Asking {
    /// Takes the answer to a question that was put `at` and came, or did not come, by `now`; and what to say of it.
    pub fn answered(&mut self, at: Millis, now: Millis, answer: Answer) -> (Next, Option<Message>) {
        // Azure goes by Kubernetes, to which whatever is neither refused nor broken is well.
        if matches!(answer, Answer::Status(200..400)) {
            self.failures = 0;
            self.successes += 1;
            let is_well = self.successes >= self.probe.success_threshold;
            return (if is_well { Next::Well } else { Next::Ask(self.probe.period * 1_000) }, None);
        }
        self.successes = 0;
        let said = self.count(at, &answer);
        if self.is_judged && self.failures >= self.probe.failure_threshold {
            return (Next::GivenUp(self.given_up(&answer)), None);
        }
        let is_silent = answer == Answer::Silence;
        let held = at + (HELD << self.silences.min(LONGER));
        self.silences = if is_silent { self.silences + 1 } else { 0 };
        let pause = match is_silent {
            true if self.is_judged => held.min(self.due.max(now)).saturating_sub(now),
            true => held.saturating_sub(now),
            false if now < SOON_FOR => SOON,
            false => LATER,
        };
        (Next::Ask(pause), said)
    }

    /// Counts a failure that Azure would have seen, and says the first and every other kind.
    fn count(&mut self, at: Millis, answer: &Answer) -> Option<Message> {
        if !self.is_judged || at < self.due {
            return None;
        }
        self.failures += 1;
        let period = self.probe.period.max(1) * 1_000;
        self.due += period * ((at - self.due) / period + 1);
        let is_news = self.told.as_ref() != Some(answer);
        self.told = Some(answer.clone());
        is_news.then(|| {
            message!(
                "probe.failed",
                probe = self.name,
                uri = self.uri(),
                answer = self.words(answer),
                count = self.failures,
                limit = self.probe.failure_threshold,
                period = self.probe.period
            )
        })
    }

    fn given_up(&self, answer: &Answer) -> Failure {
        let what = message!(
            "probe.given-up",
            probe = self.name,
            uri = self.uri(),
            count = self.failures,
            period = self.probe.period,
            delay = self.probe.initial_delay,
            answer = self.words(answer)
        );
        let fix = message!("probe.given-up.fix", name = self.deployment, key = self.key);
        Failure::new(Blame::Code, what).with_fix(fix)
    }

    fn words(&self, answer: &Answer) -> Message {
        match answer {
            Answer::Status(status) => message!("probe.status", status = status),
            Answer::Silence => message!("probe.silence", seconds = self.timeout / 1_000),
            Answer::Nobody => message!("probe.nobody"),
        }
    }

    fn uri(&self) -> String {
        format!("http://127.0.0.1:{}{}", self.port, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::deployment::HostPorts;
    use crate::spec::deployment::{Route, Routes};
    use expect_test::{Expect, expect};

    fn service(liveness_probe: Probe, readiness_probe: Probe, live: &str) -> Service {
        let route = |path: &str| Route { port: 5001, path: path.to_owned() };
        Service {
            endpoint: "iris".to_owned(),
            name: "blue".to_owned(),
            routes: Routes { liveness: route(live), health: route("/"), scoring: route("/score") },
            ports: HostPorts { scoring: 20_001, health: 20_001, liveness: 20_001 },
            liveness_probe,
            readiness_probe,
            entry: None,
            keeps_user: false,
            has_workers: true,
        }
    }

    /// Puts the question whenever it is due and answers it in no time, or with silence after the timeout.
    fn told(mut asking: Asking, answers: impl Fn(Millis) -> Answer) -> String {
        let (mut now, mut asked, mut text) = (0, 0, String::new());
        loop {
            let (at, answer) = (now, answers(now));
            asked += 1;
            now += if answer == Answer::Silence { asking.timeout } else { 0 };
            let (next, said) = asking.answered(at, now, answer);
            if let Some(said) = said {
                text += &format!("{now}: {said}\n");
            }
            match next {
                Next::Ask(pause) => now += pause,
                Next::Well => return text + &format!("{now}: well, asked {asked} times\n"),
                Next::GivenUp(failure) => {
                    let fix = failure.fix.as_ref().map(ToString::to_string).unwrap_or_default();
                    return text + &format!("{now}: {failure}\n-> {fix}\n");
                }
            }
        }
    }

    #[track_caller]
    fn is(probe: Probe, answers: impl Fn(Millis) -> Answer, expected: Expect) {
        let service = service(probe, probe, "/");
        let asking = probes(&service, true).pop().expect("a probe");
        expected.assert_eq(&told(asking, answers));
    }

    #[test]
    fn the_first_good_answer_is_taken_and_only_what_azure_would_hear_counts_against_it() {
        let late = |now| if now < 700 { Answer::Nobody } else { Answer::Status(200) };
        is(
            Probe::default(),
            late,
            expect![[r#"
            700: well, asked 71 times
        "#]],
        );
        let never = |now| if now < 15_000 { Answer::Nobody } else { Answer::Status(503) };
        is(
            Probe { failure_threshold: 3, ..Probe::default() },
            never,
            expect![[r#"
            10000: the liveness/readiness probe has failed 1 of 3 times, GET http://127.0.0.1:20001/: nothing answers there; it is asked every 10 s
            20000: the liveness/readiness probe has failed 2 of 3 times, GET http://127.0.0.1:20001/: it answered with status 503; it is asked every 10 s
            30000: the liveness/readiness probe failed 3 times in a row, every 10 s from 10 s after the start on, GET http://127.0.0.1:20001/: it answered with status 503
            -> its log says what the server is doing: aml-debug deployments logs iris/blue; "liveness_probe" in the spec gives it more time (initial_delay, period, failure_threshold) or each answer (timeout)
        "#]],
        );
        is(
            Probe { initial_delay: 1, period: 2, timeout: 1, failure_threshold: 2, success_threshold: 1 },
            |_| Answer::Silence,
            expect![[r#"
                2000: the liveness/readiness probe has failed 1 of 2 times, GET http://127.0.0.1:20001/: no answer within 1 s; it is asked every 2 s
                4000: the liveness/readiness probe failed 2 times in a row, every 2 s from 1 s after the start on, GET http://127.0.0.1:20001/: no answer within 1 s
                -> its log says what the server is doing: aml-debug deployments logs iris/blue; "liveness_probe" in the spec gives it more time (initial_delay, period, failure_threshold) or each answer (timeout)
            "#]],
        );
    }

    #[test]
    fn good_answers_have_to_follow_each_other_where_several_are_wanted() {
        let probe = Probe { success_threshold: 3, period: 4, ..Probe::default() };
        is(
            probe,
            |_| Answer::Status(200),
            expect![[r#"
            8000: well, asked 3 times
        "#]],
        );
        let unsteady = |now| if now == 4_000 { Answer::Status(500) } else { Answer::Status(200) };
        is(
            probe,
            unsteady,
            expect![[r#"
            12010: well, asked 5 times
        "#]],
        );
    }

    #[test]
    fn each_probe_is_told_by_its_name_and_one_is_enough_where_both_are_the_same() {
        let names = |service: &Service| {
            probes(service, true).iter().map(|it| it.name.to_string()).collect::<Vec<_>>().join(", ")
        };
        let usual = Probe::default();
        assert_eq!(names(&service(usual, usual, "/")), "liveness/readiness");
        assert_eq!(names(&service(usual, usual, "/live")), "liveness, readiness");
        let patient = Probe { timeout: 9, ..usual };
        assert_eq!(names(&service(usual, patient, "/")), "liveness, readiness");
    }

    #[test]
    fn nobody_is_given_up_who_stands_at_a_breakpoint() {
        let probe = Probe { failure_threshold: 1, initial_delay: 0, ..Probe::default() };
        let asking = probes(&service(probe, probe, "/"), false).pop().expect("a probe");
        let hours = |now| if now < 7_200_000 { Answer::Silence } else { Answer::Status(200) };
        expect![[r#"
            7675000: well, asked 19 times
        "#]]
        .assert_eq(&told(asking, hours));
    }
}
