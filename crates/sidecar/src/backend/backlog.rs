//! What has not been said to the editor yet, in order, within bounds whatever the editor does.
//!
//! An editor that keeps up hears everything. Of one that lags behind, lines wait in their log file, where
//! they are anyway, and of a run's snapshots and of a download's progress only the last is kept: nothing
//! that is dropped says more than what stays.

use crate::files;
use crate::outbox::{Notice, Stretch};
use engine::log::lines::lines_of;
use std::collections::VecDeque;

/// Bytes of lines that wait in memory: a second of a program that does nothing but print.
const LINES: usize = 4 << 20;

/// From so many notices on, an editor lags behind.
const LAG: usize = 64;

/// Notices that wait.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    queue: VecDeque<Notice>,
    /// Bytes of the lines in it.
    bytes: usize,
}

impl Backlog {
    /// The next one to say. Of lines without any text the stretch says where the text is.
    pub(super) fn next(&mut self) -> Option<Notice> {
        let notice = self.queue.pop_front()?;
        self.bytes -= weight(&notice);
        Some(notice)
    }

    pub(super) fn add(&mut self, mut notice: Notice) {
        // From here on the bounds are ours: a run never waits for an editor.
        if let Notice::Lines { room, .. } = &mut notice {
            *room = None;
        }
        if self.queue.len() >= LAG {
            self.drop_what_it_replaces(&notice);
        }
        if self.bytes + weight(&notice) > LINES {
            return self.leave_in_file(notice);
        }
        self.bytes += weight(&notice);
        self.queue.push_back(notice);
    }

    fn drop_what_it_replaces(&mut self, new: &Notice) {
        self.queue.retain(|old| match (old, new) {
            (Notice::RunChanged(old), Notice::RunChanged(new)) => old.run != new.run,
            (Notice::RemoteChanged(old), Notice::RemoteChanged(new)) => old.id != new.id,
            (Notice::Progress(old, of), Notice::Progress(new, by)) => (old, &of.item) != (new, &by.item),
            _ => true,
        });
    }

    fn leave_in_file(&mut self, mut new: Notice) {
        let Notice::Lines { run, log, lines, stretch, .. } = &mut new else {
            return self.queue.push_back(new);
        };
        let last_of_log = self.queue.iter_mut().rev().find_map(|old| match old {
            Notice::Lines { run: of, log: which, lines, stretch, .. } if of == run && which == log => {
                Some((lines, stretch))
            }
            _ => None,
        });
        match last_of_log {
            Some((lines, left)) if lines.is_empty() => left.end = stretch.end,
            _ => {
                lines.clear();
                self.queue.push_back(new);
            }
        }
    }
}

/// At most so much of a file in one notification.
const PIECE: u64 = 256 * 1024;

/// The first lines of the stretch, and where they end in the file. `None` if the file does not reach there.
pub(super) fn read_piece(stretch: &Stretch) -> Option<(Vec<String>, u64)> {
    let limit = PIECE.min(stretch.end - stretch.offset);
    let mut bytes = files::read_from(&stretch.path, stretch.offset, limit).ok()?;
    if bytes.is_empty() {
        return None;
    }
    if stretch.offset + (bytes.len() as u64) < stretch.end
        && let Some(last) = bytes.iter().rposition(|byte| *byte == b'\n')
    {
        bytes.truncate(last + 1);
    }
    Some((lines_of(&bytes), stretch.offset + bytes.len() as u64))
}

fn weight(notice: &Notice) -> usize {
    match notice {
        Notice::Lines { lines, .. } => lines.iter().map(|line| line.len() + size_of::<String>()).sum(),
        Notice::RunChanged(_)
        | Notice::Progress(..)
        | Notice::DebuggerReady(..)
        | Notice::MappingProposed(..)
        | Notice::RemoteChanged(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::main_loop::LogName;
    use crate::outbox::Progress;
    use engine::ids::RunId;

    fn lines(offset: u64, bytes: usize) -> Notice {
        Notice::Lines {
            run: RunId("iris_1".to_owned()),
            log: LogName::Driver,
            lines: vec!["x".repeat(bytes - 1)],
            stretch: Stretch { path: "log".into(), offset, end: offset + bytes as u64 },
            room: None,
        }
    }

    fn progress(done: u64) -> Notice {
        let progress = Progress { item: "layer".to_owned(), status: "pulling".to_owned(), done, total: 0 };
        Notice::Progress(RunId("iris_1".to_owned()), progress)
    }

    fn told(backlog: &mut Backlog) -> Vec<String> {
        let mut told = Vec::new();
        while let Some(notice) = backlog.next() {
            told.push(match notice {
                Notice::Lines { lines, stretch, .. } => {
                    let place = if lines.is_empty() { "file" } else { "memory" };
                    format!("{place} {}..{}", stretch.offset, stretch.end)
                }
                Notice::Progress(_, progress) => format!("progress {}", progress.done),
                other => format!("{other:?}"),
            });
        }
        told
    }

    #[test]
    fn lines_beyond_the_bound_wait_in_their_file_and_stay_in_order() {
        let mut backlog = Backlog::default();
        let batch = 3 << 20;
        for number in 0..4 {
            backlog.add(lines(number * batch, usize::try_from(batch).expect("small")));
        }
        backlog.add(progress(1));
        assert_eq!(backlog.next().map(|_| ()), Some(()));
        // There is room again, but what came before these lines has not been said yet.
        backlog.add(lines(4 * batch, 10));
        assert_eq!(
            told(&mut backlog),
            [
                format!("file {}..{}", batch, 4 * batch),
                "progress 1".to_owned(),
                format!("memory {}..{}", 4 * batch, 4 * batch + 10)
            ]
        );
        assert_eq!(backlog.bytes, 0);
    }

    #[test]
    fn only_an_editor_that_lags_behind_misses_what_was_replaced() {
        let mut backlog = Backlog::default();
        (0..10).for_each(|done| backlog.add(progress(done)));
        assert_eq!(told(&mut backlog).len(), 10);
        (0..1000).for_each(|done| backlog.add(progress(done)));
        let told = told(&mut backlog);
        assert!(told.len() <= LAG, "{told:?}");
        assert_eq!(told.last().map(String::as_str), Some("progress 999"));
    }
}
