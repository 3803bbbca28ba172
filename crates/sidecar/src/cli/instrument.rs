//! `instrument`: a script with the remote-debug convention in it, shown, written or taken back.

use super::arguments::Instrument;
use super::printer::Printer;
use crate::files;
use engine::failure::Failure;
use engine::instrument::{self, Instrumented};
use engine::{diff, message};
use serde_json::json;

pub(crate) fn instrument(arguments: &Instrument, printer: &mut Printer) -> Result<u8, Failure> {
    let path = &arguments.script;
    let shown = path.display();
    let old = files::read(path, files::TEXT_LIMIT)?;
    let (new, how) = match arguments.what.undo {
        true => (instrument::undo(&old)?, None),
        false => {
            let Instrumented { bytes, style } = instrument::instrument(&old)?;
            (bytes, Some(style.how()))
        }
    };
    let writes = arguments.what.write || arguments.what.undo;
    let changes = new != old;
    if writes && changes {
        files::write(path, &new)?;
    }
    let diff = diff::unified(&shown.to_string().replace('\\', "/"), &old, &new);
    let value = json!({
        "file": shown.to_string(),
        "changed": changes,
        "written": writes && changes,
        "how": how.as_ref().map(engine::message::Message::text),
        "diff": diff,
    });
    printer.answer(if writes { "" } else { diff.trim_end_matches('\n') }, &value);
    let said = match () {
        () if !changes => Some(message!("instrument.unchanged", path = shown)),
        () if arguments.what.undo => Some(message!("instrument.undone", path = shown)),
        () if writes => Some(message!("instrument.written", path = shown)),
        () => None,
    };
    for sentence in said.into_iter().chain(how) {
        printer.remark(&sentence);
    }
    Ok(0)
}
