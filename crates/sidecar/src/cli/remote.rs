//! `attach --log`: a step on a node, from the line in its log to a debugger.

use super::arguments::Node;
use super::breaks::{self, Left, TimedStop};
use super::foreground::Signals;
use super::printer::{Printer, stop_json};
use super::values::{BreakPlace, break_place};
use crate::remote::{self, Following, News, Place, Step};
use crate::settings::Settings;
use crate::store::Store;
use crate::{attach, clock, files, spec_reader, to_proto};
use engine::attach::{AttachEntry, ready_line};
use engine::dap::breaker::{Breakpoint, StopWish, line_with_code};
use engine::failure::{Blame, Failure};
use engine::log::beacon::Beacon;
use engine::{launch_json, message};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// How long our own debugger may take to say what it saw when its connection has ended.
const LAST_WORDS: Duration = Duration::from_secs(2);

pub(crate) async fn attach(
    settings: Settings,
    node: Node,
    printer: &mut Printer,
    began: Instant,
) -> Result<u8, Failure> {
    let code = spec_reader::absolute(node.code.as_deref().unwrap_or(Path::new(".")))?;
    let code: PathBuf = code.components().collect();
    let places: Vec<BreakPlace> =
        node.breaks.iter().map(|text| break_place(text)).collect::<Result<_, _>>()?;
    let breakpoints = places.iter().map(|place| breakpoint(place, &code)).collect::<Result<Vec<_>, _>>()?;
    let step = Step { log: node.log.unwrap_or_default(), port: node.debug_port, rank: node.rank };
    let place = Place { step: node.step.clone(), code: code.clone(), remote_root: node.remote_root };
    let mut store = Store::open(&settings.home)?;
    let (following, folder, entry) = remote::follow_from(&mut store, step, place)?;
    drop(store);
    let step = node.step.unwrap_or_default();
    let code_folder = (code.to_string_lossy().into_owned(), entry.path_mappings[0].remote_root.clone());
    let wish = StopWish { breakpoints, exceptions: false, code_folder };
    let watch = Watch { step, folder, entry, wish, began, seen: Vec::new(), debugger: None };
    watch.until_over(following, printer).await
}

/// The file by its path here: what it is called on the node, the mapping says.
fn breakpoint(place: &BreakPlace, code: &Path) -> Result<Breakpoint, Failure> {
    let file = place.local(code)?;
    let code_line = line_with_code(&files::read_text(&file)?, place.line);
    let remote = file.to_string_lossy().into_owned();
    Ok(Breakpoint { file: place.file.clone(), remote, line: place.line, code_line })
}

struct Watch {
    step: String,
    folder: PathBuf,
    entry: AttachEntry,
    wish: StopWish,
    began: Instant,
    seen: Vec<Value>,
    debugger: Option<JoinHandle<Left>>,
}

impl Watch {
    async fn until_over(mut self, mut following: Following, printer: &mut Printer) -> Result<u8, Failure> {
        let mut signals = Signals::new()?;
        let (sender, mut stops) = mpsc::unbounded_channel::<TimedStop>();
        let mut said = Left::default();
        let over = loop {
            tokio::select! {
                biased;
                Some((stop, ms)) = stops.recv() => {
                    printer.stop(&stop, ms);
                    self.seen.push(stop_json(&stop, ms));
                }
                news = following.news.recv() => match news {
                    Some(News::Over) | None => break Ok(()),
                    Some(news) => if let Err(failure) = self.on(news, &sender, printer) {
                        break Err(failure);
                    }
                },
                // The program has ended; a debug server of its own stays until its client has left.
                left = done(&mut self.debugger) => {
                    self.debugger = None;
                    said = left;
                    break Ok(());
                }
                () = signals.next() => return Ok(Blame::Cancelled.exit_code()),
            }
        };
        let asked = !self.wish.breakpoints.is_empty();
        drop(following);
        let left = match self.debugger.take() {
            Some(debugger) => match tokio::time::timeout(LAST_WORDS, debugger).await {
                Ok(Ok(left)) => left,
                _ => Left::default(),
            },
            None => said,
        };
        let verdict = over.and_then(|()| match left.missed.is_empty() && left.refused.is_none() {
            true => Ok(()),
            false => {
                let detail = left.missed.iter().map(|missed| printer.words(&missed.message()));
                Err(Failure::new(Blame::Breakpoint, message!("cli.breakpoints-missed"))
                    .with_detail(detail.chain(left.refused))
                    .with_fix(message!("cli.breakpoints-missed.fix")))
            }
        });
        let code = verdict.as_ref().map_or_else(|failure| failure.blame.exit_code(), |()| 0);
        if let Err(failure) = &verdict {
            printer.failure(failure);
        }
        let failure = verdict.err().map(|failure| to_proto::failure(&failure));
        let mut result = json!({
            "event": "result",
            "outcome": if failure.is_some() { "failed" } else { "completed" },
            "failure": failure,
        });
        if asked {
            result["stops"] = json!(self.seen);
        }
        printer.answer("", &result);
        Ok(code)
    }

    fn on(
        &mut self,
        news: News,
        stops: &mpsc::UnboundedSender<TimedStop>,
        printer: &mut Printer,
    ) -> Result<(), Failure> {
        match news {
            News::Waits(beacon) => {
                printer.remark(&waits(&beacon));
                let ends = beacon.seconds.map(|seconds| clock::now_ms() + (seconds * 1000.0) as u64);
                let beacon = json!({
                    "event": "beacon", "step": self.step, "address": beacon.address, "port": beacon.port,
                    "rank": beacon.rank, "seconds": beacon.seconds, "waitEndsAt": ends,
                });
                printer.answer("", &beacon);
            }
            News::NotListening => printer.say(&message!("remote.not-listening")),
            News::Reached => self.offer(stops, printer)?,
            News::OutOfReach(beacon, cause) => {
                let address = format!("{}:{}", beacon.address, beacon.port);
                printer
                    .answer("", &json!({ "event": "outOfReach", "cause": cause.word(), "address": address }));
                return Err(cause.failure(&beacon.address, beacon.port));
            }
            News::GaveUp { why } => {
                return Err(Failure::new(Blame::Environment, message!("remote.gave-up"))
                    .with_detail(why)
                    .with_fix(message!("remote.gave-up.fix")));
            }
            News::Failed(failure) => return Err(failure),
            News::Over => {}
        }
        Ok(())
    }

    fn offer(
        &mut self,
        stops: &mpsc::UnboundedSender<TimedStop>,
        printer: &mut Printer,
    ) -> Result<(), Failure> {
        let ready = json!({
            "event": "debugReady", "step": self.step, "configuration": launch_json::configuration(&self.entry),
        });
        printer.answer("", &ready);
        // In English, since a tasks.json may wait for this line.
        printer.line(&ready_line(&self.entry.host, self.entry.port).text());
        if !self.wish.breakpoints.is_empty() {
            let wish = self.wish.clone();
            let debugger = breaks::attach(self.entry.port, wish, self.began, stops.clone());
            self.debugger = Some(debugger.task);
        }
        let answer = attach::write(&self.step, &self.folder, &self.entry)?;
        printer.remark(&match answer.changed {
            true => message!("attach.written", name = answer.name, file = answer.launch_json),
            false => message!("attach.unchanged", name = answer.name, file = answer.launch_json),
        });
        Ok(())
    }
}

/// Waits for the end of our own debugger; for ever where there is none.
async fn done(debugger: &mut Option<JoinHandle<Left>>) -> Left {
    match debugger {
        Some(debugger) => debugger.await.unwrap_or_default(),
        None => std::future::pending().await,
    }
}

fn waits(beacon: &Beacon) -> message::Message {
    match beacon.seconds {
        Some(seconds) => {
            message!("remote.waits-for", address = beacon.address, port = beacon.port, seconds = seconds)
        }
        None => message!("remote.waits", address = beacon.address, port = beacon.port),
    }
}
