//! `aml/variant`, `aml/attachRemote`, `aml/leaveRemote`: steps that run on a node.

use crate::main_loop::{Reply, give};
use crate::outbox::{Notice, Outbox};
use crate::remote::{self, Code, Following, Log, News, Who, Wish};
use crate::state::State;
use crate::store::Store;
use crate::variant::{self, Asked};
use crate::{attach, clock, spec_reader, to_proto};
use engine::failure::{Blame, Failure};
use engine::log::beacon::{self, Beacon};
use engine::message;
use protocol::remote::{
    AttachRemoteAnswer, AttachRemoteParams, LeaveRemoteAnswer, LeaveRemoteParams, RemoteSnapshot,
    VariantAnswer, VariantFile, VariantParams,
};
use std::collections::BTreeMap;
use std::path::Path;

/// Files are read and written beside the loop.
pub(crate) fn make_variant(params: VariantParams, reply: Reply<VariantAnswer>) {
    tokio::task::spawn_blocking(move || give(reply, variant_of(&params)));
}

fn variant_of(params: &VariantParams) -> Result<VariantAnswer, Failure> {
    let wait = params.wait.unwrap_or(variant::WAIT_S);
    let output = params.output.as_deref().map(Path::new);
    let (pipeline, steps) = (Path::new(&params.file), params.steps.as_slice());
    let made = variant::write(Asked { pipeline, steps, output, wait, call: None, ranks: &params.ranks })?;
    let shown = |path: &Path| path.to_string_lossy().into_owned();
    let name = made.output.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let next = made.next(&name, wait);
    Ok(VariantAnswer {
        file: shown(&made.output),
        files: made
            .variant
            .files
            .iter()
            .map(|file| VariantFile { from: shown(&file.from), to: shown(&file.to) })
            .collect(),
        remarks: made.variant.remarks.iter().chain([&next]).map(to_proto::text).collect(),
        ranks: made.variant.ranks.and_then(|count| u32::try_from(count).ok()),
    })
}

pub(crate) fn attach(state: &mut State, params: AttachRemoteParams) -> Result<AttachRemoteAnswer, Failure> {
    let code = spec_reader::absolute(Path::new(&params.code))?;
    let code = Code {
        local: BTreeMap::new(),
        other_local: code.components().collect(),
        remote: BTreeMap::new(),
        other_remote: params.remote_root.unwrap_or_else(|| ".".to_owned()),
    };
    let who = Who { step: params.step.clone(), rank: None };
    let (folder, _) = attach::place(&code.other_local.join("step"), None);
    let port = state.store.port_for(&folder, &who.target())?;
    let wish = Wish {
        logs: vec![Log { step: params.step.clone(), at: params.log }],
        listen: None,
        steps: Vec::new(),
        port: params.port.unwrap_or(beacon::PORT),
        rank: params.rank,
        jump: None,
        code: code.clone(),
    };
    let following = remote::follow(wish, Store::open(&state.settings.home)?)?;
    let outbox = state.outbox.clone();
    let id = state.new_remote(|id| {
        let watch = Watch { snapshot: begun(id, params.step), code, who: None, outbox };
        tokio::spawn(watch.until_over(following)).abort_handle()
    });
    Ok(AttachRemoteAnswer { id, port })
}

/// To leave one alone that is over already is no mistake.
pub(crate) fn leave(state: &mut State, params: &LeaveRemoteParams) -> LeaveRemoteAnswer {
    state.leave_remote(&params.id);
    LeaveRemoteAnswer {}
}

fn begun(id: &str, step: Option<String>) -> RemoteSnapshot {
    RemoteSnapshot {
        id: id.to_owned(),
        step,
        state: "following".to_owned(),
        address: None,
        wait_ends_at: None,
        listens_not: false,
        entry: None,
        cause: None,
        failure: None,
    }
}

/// A step that is watched for the editor; it ends with the task.
struct Watch {
    snapshot: RemoteSnapshot,
    code: Code,
    /// The process that came first; others of its log have their own.
    who: Option<Who>,
    outbox: Outbox,
}

impl Watch {
    async fn until_over(mut self, mut following: Following) {
        self.tell();
        while !matches!(self.snapshot.state.as_str(), "over" | "failed") {
            match following.news.recv().await {
                Some((who, news)) if *self.who.get_or_insert_with(|| who.clone()) == who => {
                    self.on(&who, news).await;
                }
                Some(_) => {}
                None => "over".clone_into(&mut self.snapshot.state),
            }
            self.tell();
        }
    }

    async fn on(&mut self, who: &Who, news: News) {
        match news {
            News::Waits(beacon) => {
                "awaited".clone_into(&mut self.snapshot.state);
                self.snapshot.address = Some(address(&beacon));
                let ends = |seconds: f64| clock::now_ms() + (seconds * 1000.0) as u64;
                self.snapshot.wait_ends_at = beacon.seconds.map(ends);
            }
            News::NotListening => self.snapshot.listens_not = true,
            News::Reached(port) => match self.written(who, port).await {
                Ok(entry) => {
                    self.snapshot.entry = Some(entry);
                    self.snapshot.listens_not = false;
                    "reached".clone_into(&mut self.snapshot.state);
                }
                Err(failure) => self.fail(None, &failure),
            },
            News::OutOfReach(beacon, unreached) => {
                self.snapshot.address = Some(address(&beacon));
                let word = unreached.cause.word();
                self.fail(Some(word), &unreached.failure(&beacon.address, beacon.port, None));
            }
            News::GaveUp { why, waited } => {
                let failure = remote::gave_up(who, None, why, waited);
                self.fail(Some("gaveUp"), &failure);
            }
            News::Attended => self.snapshot.wait_ends_at = None,
            News::Refused(_) => {}
            News::Failed(failure) => self.fail(None, &failure),
            News::Over => "over".clone_into(&mut self.snapshot.state),
        }
    }

    async fn written(&self, who: &Who, port: u16) -> Result<protocol::debug::AttachAnswer, Failure> {
        let step = self.snapshot.step.clone().unwrap_or_default();
        let (folder, entry) = who.entry(&self.code, port);
        let written = tokio::task::spawn_blocking(move || attach::write(&step, &folder, &entry)).await;
        written.unwrap_or_else(|error| {
            Err(Failure::new(Blame::Internal, message!("serve.shutting-down"))
                .with_detail([error.to_string()]))
        })
    }

    fn fail(&mut self, cause: Option<&str>, failure: &Failure) {
        "failed".clone_into(&mut self.snapshot.state);
        self.snapshot.cause = cause.map(str::to_owned);
        self.snapshot.failure = Some(to_proto::failure(failure));
    }

    fn tell(&self) {
        self.outbox.say(Notice::RemoteChanged(Box::new(self.snapshot.clone())));
    }
}

fn address(beacon: &Beacon) -> String {
    format!("{}:{}", beacon.address, beacon.port)
}
