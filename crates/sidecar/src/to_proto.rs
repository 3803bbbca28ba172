//! Engine values → words on the wire. Dull on purpose: the wire stays while the inside moves.

use crate::outbox::Progress;
use crate::store::RunRecord;
use engine::dap::path_doctor::Proposal;
use engine::deployment;
use engine::diagnostic::{Diagnostic, Position, Range, Severity};
use engine::failure::{Blame, Failure};
use engine::ids::RunId;
use engine::message::{Arg, Message};
use engine::pipeline::{Pipeline, Step, StepState};
use engine::plan::deployment::Service;
use engine::plan::pipeline::Source;
use engine::run::card::{Phase, PhaseOutcome};
use engine::run::service::Serving;
use engine::run::snapshot::Snapshot;
use protocol::check::{DiagnosticText, FixText, PositionText, RangeText};
use protocol::debug::MappingProposal;
use protocol::deployment::{CodePlace, ServiceSnapshot};
use protocol::run::{Edge, Graph, PathMapping, PhaseSnapshot, PipelineOutput, RunSnapshot, StepSnapshot};
use protocol::text::{FailureText, Text};
use std::path::PathBuf;

pub(crate) fn text(message: &Message) -> Text {
    let args = message.args.iter().map(|(name, value)| (name.clone(), value.to_string())).collect();
    let parts: Vec<_> = message
        .args
        .iter()
        .filter_map(|(name, value)| match value {
            Arg::Said(said) => Some((name.clone(), text(said))),
            Arg::Plain(_) => None,
        })
        .collect();
    Text { id: message.id.clone(), args, parts: (!parts.is_empty()).then_some(parts), text: message.text() }
}

/// The way back, for a front that has the words of another language.
pub(crate) fn message(text: &Text) -> Message {
    let part = |name: &str| text.parts.iter().flatten().find(|(part, _)| part == name);
    let args = text.args.iter().map(|(name, value)| {
        let said = part(name).map(|(_, said)| Arg::Said(Box::new(message(said))));
        (name.clone(), said.unwrap_or_else(|| Arg::Plain(value.clone())))
    });
    Message { id: text.id.clone(), args: args.collect() }
}

pub(crate) fn failure(failure: &Failure) -> FailureText {
    let blame = match failure.blame {
        Blame::User => "user",
        Blame::Code => "code",
        Blame::Environment => "environment",
        Blame::Breakpoint => "breakpoint",
        Blame::Cancelled => "cancelled",
        Blame::Internal => "internal",
    };
    FailureText {
        blame: blame.to_owned(),
        what: text(&failure.what),
        detail: failure.detail.clone(),
        said: (!failure.said.is_empty()).then(|| failure.said.iter().map(text).collect()),
        fix: failure.fix.as_ref().map(text),
    }
}

pub(crate) fn run_snapshot(record: &RunRecord, snapshot: &Snapshot) -> RunSnapshot {
    RunSnapshot {
        run: record.id.0.clone(),
        experiment: record.experiment.clone(),
        display_name: record.display_name.clone(),
        kind: record.kind.clone(),
        parent: record.parent.as_ref().map(|parent| parent.0.clone()),
        step: record.step.clone(),
        graph: None,
        spec: record.spec.to_string_lossy().into_owned(),
        state: snapshot.state.word().to_owned(),
        debug: record.debug,
        phases: snapshot.card.0.iter().map(phase).collect(),
        image: snapshot.image.as_ref().map(|image| image.0.clone()),
        container: snapshot.container.as_ref().map(|container| container.0.clone()),
        warm_until: None,
        gateway_port: snapshot.gateway_port,
        mapping: snapshot.mapping.as_ref().map(|(local, remote)| PathMapping {
            local_root: local.to_string_lossy().into_owned(),
            remote_root: remote.clone(),
        }),
        service: snapshot.service.as_ref().map(|known| service(known, snapshot.mapping.as_ref())),
        exit_code: snapshot.exit_code.and_then(|code| i32::try_from(code).ok()),
        failure: snapshot.failure.as_ref().map(failure),
        started_at: record.created_ms,
        ended_at: record.ended_ms,
        actions: snapshot.actions().into_iter().map(str::to_owned).collect(),
    }
}

/// A pipeline run with its steps.
pub(crate) fn pipeline_snapshot(record: &RunRecord, pipeline: &Pipeline) -> RunSnapshot {
    RunSnapshot { graph: Some(graph(pipeline)), ..run_snapshot(record, &pipeline.snapshot()) }
}

fn graph(pipeline: &Pipeline) -> Graph {
    let name = |step: usize| pipeline.steps[step].name.clone();
    let step = |step: &Step| StepSnapshot {
        name: step.name.clone(),
        state: step.word().to_owned(),
        run: step.run.as_ref().map(|run| run.0.clone()),
        reused: step.state == StepState::Reused,
        debug: step.debug,
        started_at: step.began,
        ended_at: step.ended,
    };
    let edges = |to: &Step| {
        let to_name = to.name.clone();
        let edge = move |(input, source): &(String, Source)| Edge {
            from: name(source.step),
            output: source.output.clone(),
            to: to_name.clone(),
            input: input.clone(),
        };
        to.sources.iter().map(edge).collect::<Vec<_>>()
    };
    Graph {
        steps: pipeline.steps.iter().map(step).collect(),
        edges: pipeline.steps.iter().flat_map(edges).collect(),
        outputs: pipeline
            .outputs
            .iter()
            .map(|(output, source)| PipelineOutput {
                name: output.clone(),
                from: name(source.step),
                output: source.output.clone(),
            })
            .collect(),
    }
}

fn service((service, serving): &(Service, Serving), mapping: Option<&(PathBuf, String)>) -> ServiceSnapshot {
    let place = serving.refused.as_ref().and_then(deployment::refused_line);
    let refused_at = place.zip(mapping).and_then(|((file, line), (local, remote))| {
        let inside = file.strip_prefix(remote)?.trim_start_matches('/');
        Some(CodePlace { file: local.join(inside).to_string_lossy().into_owned(), line })
    });
    ServiceSnapshot {
        endpoint: service.endpoint.clone(),
        name: service.name.clone(),
        scoring_uri: service.scoring_uri(),
        health_uri: service.health_uri(),
        healthy_at: serving.healthy_at,
        restarts: serving.restarts,
        refused: serving.refused.as_ref().map(failure),
        refusals: serving.refusals,
        refused_at,
    }
}

/// A run as the store has it. Its gateway, if it has one, is its owner's: where nobody owns the run, nobody listens.
pub(crate) fn stored_snapshot(record: &RunRecord, is_owned: impl FnOnce() -> bool) -> RunSnapshot {
    match record.snapshot.as_deref().and_then(|json| serde_json::from_str::<Snapshot>(json).ok()) {
        Some(snapshot) => {
            let gateway_port = snapshot.gateway_port.filter(|_| is_owned());
            run_snapshot(record, &Snapshot { gateway_port, ..snapshot })
        }
        None => RunSnapshot {
            run: record.id.0.clone(),
            experiment: record.experiment.clone(),
            display_name: record.display_name.clone(),
            kind: record.kind.clone(),
            parent: record.parent.as_ref().map(|parent| parent.0.clone()),
            step: record.step.clone(),
            graph: None,
            spec: record.spec.to_string_lossy().into_owned(),
            state: record.state.clone(),
            debug: record.debug,
            phases: Vec::new(),
            image: None,
            container: None,
            warm_until: None,
            gateway_port: None,
            mapping: None,
            service: None,
            exit_code: None,
            failure: None,
            started_at: record.created_ms,
            ended_at: record.ended_ms,
            actions: Vec::new(),
        },
    }
}

/// A path mapping that the editor may offer.
pub(crate) fn mapping_proposal(run: &RunId, proposal: &Proposal) -> MappingProposal {
    let (local_root, remote_root) = proposal.pair.clone();
    MappingProposal {
        run: run.0.clone(),
        file: proposal.file.clone(),
        message: text(&proposal.message),
        local_root,
        remote_root,
    }
}

pub(crate) fn progress(run: &RunId, progress: &Progress) -> protocol::log::Progress {
    protocol::log::Progress {
        run: run.0.clone(),
        item: progress.item.clone(),
        status: progress.status.clone(),
        done: progress.done,
        total: progress.total,
    }
}

fn phase(phase: &Phase) -> PhaseSnapshot {
    let outcome = match phase.outcome {
        PhaseOutcome::Running => "running",
        PhaseOutcome::Ok => "ok",
        PhaseOutcome::Failed => "failed",
        PhaseOutcome::Cancelled => "cancelled",
    };
    PhaseSnapshot {
        name: phase.name.to_string(),
        ms: phase.ended.map(|ended| ended.saturating_sub(phase.began)),
        outcome: outcome.to_owned(),
        note: phase.note.as_ref().map(text),
        cause: phase.cause.as_ref().map(text),
        fix: phase.fix.as_ref().map(text),
    }
}

pub(crate) fn diagnostic(finding: &Diagnostic) -> DiagnosticText {
    let severity = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Information => "information",
    };
    DiagnosticText {
        severity: severity.to_owned(),
        code: finding.message.id.clone(),
        message: text(&finding.message),
        range: range(finding.range),
        fix: finding.fix.as_ref().map(|fix| FixText {
            title: text(&fix.title),
            range: range(fix.range),
            new_text: fix.new_text.clone(),
        }),
    }
}

fn range(range: Range) -> RangeText {
    let position = |at: Position| PositionText { line: at.line, character: at.character };
    RangeText { start: position(range.start), end: position(range.end) }
}
