//! `variant`: writes a pipeline whose chosen steps await a debugger, and shows what differs.

use super::arguments::Variant;
use super::printer::Printer;
use crate::variant;
use engine::diff;
use engine::failure::Failure;
use serde_json::json;
use std::path::Path;

pub(crate) fn make(arguments: &Variant, printer: &mut Printer) -> Result<u8, Failure> {
    let Variant { pipeline, steps, output, wait, .. } = arguments;
    let made = variant::write(pipeline, steps, output.as_deref(), *wait)?;
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
    printer.remark(&made.next(&shown(&made.output), *wait));
    Ok(0)
}
