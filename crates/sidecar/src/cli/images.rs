//! `images`: the ledger of what was built here.

use super::arguments::{Images, ImagesVerb};
use super::printer::{Printer, duration};
use super::session::Session;
use crate::clock;
use crate::handlers::images::PATIENCE;
use crate::main_loop::Ask;
use crate::settings::Settings;
use crate::to_proto;
use engine::failure::Failure;
use engine::message;
use protocol::images::{PruneImagesParams, WhyImageParams};

pub(crate) async fn images(settings: Settings, images: Images, printer: &mut Printer) -> Result<u8, Failure> {
    let session = Session::open(settings).await?;
    match images.verb {
        None | Some(ImagesVerb::List { .. }) => list(&session, printer).await?,
        Some(ImagesVerb::Why { image, .. }) => why(&session, image, printer).await?,
        Some(ImagesVerb::Prune { dry_run, .. }) => prune(&session, dry_run, printer).await?,
    }
    Ok(0)
}

async fn list(session: &Session, printer: &mut Printer) -> Result<(), Failure> {
    let now = clock::now_ms();
    let images = session.ask(|reply| Ask::ListImages(PATIENCE, reply)).await?.images;
    for image in &images {
        let used =
            message!("images.used", ago = duration(now.saturating_sub(image.used_at)), runs = image.runs);
        let mut text = format!("{}  {:>6} MiB  {}", image.image, image.bytes >> 20, printer.words(&used));
        if image.missing == Some(true) {
            text += &format!("  {}", printer.words(&message!("images.missing")));
        }
        printer.answer(&text, &serde_json::to_value(image).unwrap_or_default());
    }
    if images.iter().any(|image| image.missing.is_none()) {
        printer.remark(&message!("images.not-asked"));
    }
    Ok(())
}

async fn why(session: &Session, image: String, printer: &mut Printer) -> Result<(), Failure> {
    let answer = session.ask(|reply| Ask::WhyImage(WhyImageParams { image }, reply)).await?;
    let mut lines = vec![printer.words(&match &answer.compared_with {
        Some(other) => message!("images.compared", image = answer.image.image, other = other),
        None => message!("images.first", image = answer.image.image),
    })];
    for change in &answer.changes {
        lines.push(format!("  {}", change.part));
        lines.extend(change.removed.iter().map(|line| format!("    - {line}")));
        lines.extend(change.added.iter().map(|line| format!("    + {line}")));
    }
    if answer.compared_with.is_none() {
        for (part, content) in &answer.parts {
            lines.push(format!("  {part}"));
            lines.extend(content.lines().map(|line| format!("      {line}")));
        }
    }
    if answer.image.missing == Some(true) {
        lines.push(format!("{}: {}", answer.image.image, printer.words(&message!("images.missing"))));
    }
    printer.answer(&lines.join("\n"), &serde_json::to_value(&answer).unwrap_or_default());
    Ok(())
}

async fn prune(session: &Session, dry_run: bool, printer: &mut Printer) -> Result<(), Failure> {
    let params = PruneImagesParams { dry_run };
    let images = session.ask(|reply| Ask::PruneImages(params, reply)).await?.images;
    for image in &images {
        let (name, mib) = (&image.image, image.bytes >> 20);
        let text = match (&image.kept, dry_run) {
            (_, true) if image.missing => message!("images.would-forget", image = name),
            (_, false) if image.missing => message!("images.forgotten", image = name),
            (Some(reason), _) => message!("images.kept", image = name, reason = to_proto::message(reason)),
            (None, true) => message!("images.would-go", image = name, mib = mib),
            (None, false) => message!("images.gone", image = name, mib = mib),
        };
        printer.answer(&printer.words(&text), &serde_json::to_value(image).unwrap_or_default());
    }
    Ok(())
}
