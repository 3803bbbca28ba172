//! The driver log while it grows: whole lines of two streams in one file, and where each stream stands, so that
//! whoever takes the run over reads on where this process was ended.
//!
//! The place is written behind the bytes. Bytes without it are taken away again by whoever opens the log next,
//! and read from the engine once more.

use super::{RunContext, secrets};
use crate::files;
use crate::main_loop::LogName;
use crate::store::LogFile;
use docker::{LogChunk, LogStream};
use engine::failure::Failure;
use engine::log::lines::{WholeLines, lines_of};
use engine::warm::{Door, EndMarks};
use std::collections::VecDeque;
use std::path::PathBuf;

/// How many of the last lines a failure shows, and of a deployment's, how many are looked at for the cause.
const LAST_LINES: usize = 20;
const LAST_LINES_OF_SERVER: usize = engine::deployment::LAST_LINES;

/// Bytes that are shown at once, however little time they took: an editor takes a message as a whole.
const LARGE_BATCH: usize = 256 * 1024;

/// More than the store's own log grows to with a run.
const ROOM_FOR_RECORD: u64 = 512 * 1024;

pub(super) struct DriverLog {
    file: LogFile,
    /// Bytes of standard output and of standard error that the file holds.
    taken: [u64; 2],
    place: PathBuf,
    streams: [WholeLines; 2],
    marks: Option<EndMarks>,
    /// What must not be read.
    masks: Vec<Vec<u8>>,
    /// What has been written and not been shown.
    batch: Vec<u8>,
    last: VecDeque<String>,
    /// How many of them are kept.
    keeps: usize,
}

impl DriverLog {
    pub(super) fn open(
        context: &RunContext,
        door: Option<&Door>,
        masks: Vec<Vec<u8>>,
    ) -> Result<Self, Failure> {
        let mut file = context.folder.open_driver_log()?;
        let place = context.folder.private().join("driver_log_place");
        let noted = files::read_from(&place, 0, 16)?;
        let number = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_le_bytes);
        let (out, err) = noted.split_at(noted.len().min(8));
        let mut taken = [number(out), number(err)];
        if taken[0] + taken[1] > file.length()? {
            // The log was cut by somebody else.
            taken = [0, 0];
        }
        file.cut(taken[0] + taken[1])?;
        Ok(Self {
            file,
            taken,
            place,
            streams: Default::default(),
            marks: door.map(EndMarks::new),
            masks,
            batch: Vec::new(),
            last: VecDeque::new(),
            keeps: if context.params.deployment.is_some() { LAST_LINES_OF_SERVER } else { LAST_LINES },
        })
    }

    /// Bytes of each stream that the file holds.
    pub(super) fn taken(&self) -> [u64; 2] {
        self.taken
    }

    /// Whether a command has ended whose container goes on.
    pub(super) fn has_ended(&self) -> bool {
        self.marks.as_ref().is_some_and(EndMarks::seen)
    }

    /// Whether there is enough to be shown at once.
    pub(super) fn is_large(&self) -> bool {
        self.batch.len() >= LARGE_BATCH
    }

    pub(super) fn is_shown(&self) -> bool {
        self.batch.is_empty()
    }

    pub(super) fn add(&mut self, chunk: &LogChunk) -> Result<(), Failure> {
        let stream = match chunk.stream {
            LogStream::Stdout => 0,
            LogStream::Stderr => 1,
        };
        let whole = match &mut self.marks {
            Some(marks) => self.streams[stream].feed(&marks.pass(stream, &chunk.bytes)),
            None => self.streams[stream].feed(&chunk.bytes),
        };
        self.write(stream, whole)
    }

    /// What is left of lines without an end.
    pub(super) async fn finish(&mut self, context: &RunContext) -> Result<(), Failure> {
        for stream in [0, 1] {
            let rest = self.streams[stream].finish();
            self.write(stream, rest)?;
        }
        self.show(context).await;
        Ok(())
    }

    fn write(&mut self, stream: usize, mut bytes: Vec<u8>) -> Result<(), Failure> {
        if bytes.is_empty() {
            return Ok(());
        }
        secrets::cover(&self.masks, &mut bytes);
        if let Err(failure) = self.file.append(&bytes) {
            // On a disk that is full, the record of the run is worth more than the end of its log.
            let _ = self.file.cut((self.taken[0] + self.taken[1]).saturating_sub(ROOM_FOR_RECORD));
            return Err(failure);
        }
        self.taken[stream] += bytes.len() as u64;
        files::overwrite(&self.place, &[self.taken[0].to_le_bytes(), self.taken[1].to_le_bytes()].concat())?;
        self.batch.extend_from_slice(&bytes);
        Ok(())
    }

    /// Shows what has been written. Waits where more is written than anybody reads.
    pub(super) async fn show(&mut self, context: &RunContext) {
        if self.batch.is_empty() {
            return;
        }
        let end = self.taken[0] + self.taken[1];
        let offset = end - self.batch.len() as u64;
        let lines = lines_of(&std::mem::take(&mut self.batch));
        for line in &lines[lines.len().saturating_sub(self.keeps)..] {
            if self.last.len() == self.keeps {
                self.last.pop_front();
            }
            self.last.push_back(line.clone());
        }
        context.many_lines(LogName::Driver, lines, offset, end).await;
    }

    pub(super) fn last_lines(self) -> Vec<String> {
        self.last.into()
    }
}
