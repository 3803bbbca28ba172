//! `variant`: writes a pipeline whose chosen steps await a debugger, and shows what differs.

use super::arguments::Variant;
use super::printer::Printer;
use crate::remote::token;
use crate::settings::Settings;
use crate::{files, spec_reader};
use engine::diagnostic::Severity;
use engine::failure::{Blame, Failure};
use engine::variant::{Call, Wish, variant};
use engine::{check, diff, message};
use serde_json::json;
use std::path::Path;

pub(crate) fn make(settings: &Settings, arguments: &Variant, printer: &mut Printer) -> Result<u8, Failure> {
    let pipeline = spec_reader::absolute(&arguments.pipeline)?;
    let output = match &arguments.output {
        Some(output) => spec_reader::absolute(output)?,
        None => {
            let stem = pipeline.file_stem().unwrap_or_default().to_string_lossy();
            pipeline.with_file_name(format!("{stem}.debug.yml"))
        }
    };
    // The first word on a file that is not there or not well is the file's own.
    files::read_text(&pipeline)?;
    let before = errors(&pipeline)?;
    let token = match &arguments.call {
        Some(address) => Some((check_address(address)?, token::token(&settings.home)?)),
        None => None,
    };
    let call = token.as_ref().map(|(address, token)| Call { address, token });
    let wish =
        Wish { pipeline: &pipeline, steps: &arguments.steps, output: &output, wait: arguments.wait, call };
    let made = variant(&wish, |path| files::read_text(path).ok())?;
    let shown = |path: &Path| {
        let folder = std::env::current_dir().unwrap_or_default();
        path.strip_prefix(folder).unwrap_or(path).display().to_string().replace('\\', "/")
    };
    let mut diffs = Vec::new();
    for file in &made.files {
        files::write(&file.to, file.new.as_bytes())?;
        let name = shown(&file.to);
        diffs.push(json!({
            "file": name,
            "from": shown(&file.from),
            "diff": diff::unified(&name, file.old.as_bytes(), file.new.as_bytes()),
        }));
    }
    // What was well before is well now, or it is a defect of ours that nobody should submit.
    let after = errors(&output)?;
    if before.is_empty() && !after.is_empty() {
        return Err(Failure::new(Blame::Internal, message!("instrument.not-edited")).with_detail(after));
    }
    let text: String = diffs.iter().filter_map(|file| file["diff"].as_str()).collect();
    let remarks: Vec<String> = made.remarks.iter().map(|remark| remark.text()).collect();
    let value = json!({ "file": shown(&output), "files": diffs, "remarks": remarks });
    printer.answer(text.trim_end_matches('\n'), &value);
    for remark in remarks {
        printer.remark(&remark);
    }
    let next = match &arguments.call {
        Some(address) => {
            let port = address.rsplit(':').next().unwrap_or_default();
            message!("variant.next-call", file = shown(&output), seconds = arguments.wait, port = port)
        }
        None => message!("variant.next", file = shown(&output), seconds = arguments.wait),
    };
    printer.remark(&next.text());
    Ok(0)
}

/// `HOST:PORT`, as the node's Python reads it.
fn check_address(text: &str) -> Result<&str, Failure> {
    let is_plain = |host: &str| {
        !host.is_empty()
            && host.chars().all(|letter| letter.is_ascii_alphanumeric() || ".-_:[]".contains(letter))
    };
    match text.rsplit_once(':') {
        Some((host, port)) if is_plain(host) && port.parse::<u16>().is_ok_and(|port| port > 0) => Ok(text),
        _ => Err(Failure::new(
            Blame::User,
            message!("cli.bad-value", flag = "--call", value = text, form = "HOST:PORT"),
        )),
    }
}

fn errors(path: &Path) -> Result<Vec<String>, Failure> {
    let reading = spec_reader::read(path)?;
    let errors = reading.diagnostics.iter().filter(|finding| finding.severity == Severity::Error);
    Ok(errors.map(|finding| check::plain(&path.display().to_string(), finding)).collect())
}
