//! `variant`: writes a pipeline whose chosen steps await a debugger, and shows what differs.

use super::arguments::Variant;
use super::printer::Printer;
use crate::remote::token;
use crate::settings::Settings;
use crate::variant::{self, Asked};
use engine::failure::{Blame, Failure};
use engine::variant::Call;
use engine::{diff, message};
use serde_json::json;
use std::path::Path;

pub(crate) fn make(settings: &Settings, arguments: &Variant, printer: &mut Printer) -> Result<u8, Failure> {
    let Variant { pipeline, steps, output, wait, call, ranks, .. } = arguments;
    let call = match call {
        Some(address) => Some((check_address(address)?, token::token(&settings.home)?)),
        None => None,
    };
    let to = call.as_ref().map(|(address, token)| Call { address, token });
    let output = output.as_deref();
    let made = variant::write(Asked { pipeline, steps, output, wait: *wait, call: to, ranks })?;
    let shown = |path: &Path| {
        let folder = std::env::current_dir().unwrap_or_default();
        path.strip_prefix(folder).unwrap_or(path).display().to_string().replace('\\', "/")
    };
    let mut diffs = Vec::new();
    for file in &made.variant.files {
        let name = shown(&file.to);
        diffs.push(json!({
            "file": name,
            "from": shown(&file.from),
            "diff": diff::unified(&name, file.old.as_bytes(), file.new.as_bytes()),
        }));
    }
    let text: String = diffs.iter().filter_map(|file| file["diff"].as_str()).collect();
    let remarks: Vec<String> = made.variant.remarks.iter().map(|remark| remark.text()).collect();
    let value = json!({ "file": shown(&made.output), "files": diffs, "remarks": remarks });
    printer.answer(text.trim_end_matches('\n'), &value);
    for remark in &made.variant.remarks {
        printer.remark(remark);
    }
    let file = shown(&made.output);
    let next = match &call {
        Some((address, _)) => {
            let port = address.rsplit(':').next().unwrap_or_default();
            message!("variant.next-call", file = file, seconds = wait, port = port)
        }
        None => made.next(&file, *wait),
    };
    printer.remark(&next);
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
