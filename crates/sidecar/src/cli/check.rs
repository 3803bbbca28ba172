//! `check`: what is wrong with specs, and a v1 run configuration as a v2 job.

use super::arguments::Check;
use super::printer::Printer;
use crate::spec_finder::{self, FoundSpec};
use crate::to_proto;
use engine::failure::Failure;
use engine::message;
use engine::message::Message;
use serde_json::json;

/// The findings of every spec; 1 if any is an error.
pub(crate) fn check(check: &Check, printer: &mut Printer) -> Result<u8, Failure> {
    let specs = spec_finder::find(&check.files)?;
    if specs.is_empty() {
        let folders: Vec<_> = check.files.iter().map(|folder| folder.to_string_lossy()).collect();
        printer.say(&message!("check.no-specs", folder = folders.join(", ")));
    }
    let mut worst = 0;
    for FoundSpec { shown, reading } in &specs {
        if check.convert {
            convert(shown, reading, check.json.json, printer)?;
            continue;
        }
        if !reading.is_well() {
            worst = 1;
        }
        let lines: Vec<Message> = match reading.diagnostics.as_slice() {
            [] => vec![message!("check.well", file = shown, kind = reading.kind.title())],
            findings => findings.iter().map(|finding| engine::check::plain(shown, finding)).collect(),
        };
        let lines: Vec<String> = lines.iter().map(|line| printer.words(line)).collect();
        printer.answer(&lines.join("\n"), &engine::check::line(shown, reading));
    }
    Ok(worst)
}

/// A v2 job on standard output; what was left out goes to standard error, so that
/// `aml-debug check FILE --convert > job.yml` makes a file that can be run.
fn convert(
    file: &str,
    reading: &engine::spec::Reading,
    as_json: bool,
    printer: &mut Printer,
) -> Result<(), Failure> {
    let conversion = engine::spec::conversion::convert(reading)?;
    let left_out: Vec<_> = conversion.left_out.iter().map(to_proto::diagnostic).collect();
    printer.answer(
        conversion.yaml.trim_end(),
        &json!({
            "event": "converted",
            "file": file,
            "folder": conversion.folder,
            "yaml": conversion.yaml,
            "leftOut": left_out,
        }),
    );
    if !as_json {
        for finding in &conversion.left_out {
            printer.remark(&engine::check::plain(file, finding));
        }
    }
    Ok(())
}
