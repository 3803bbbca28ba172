//! The driver log while it grows: whole lines of two streams in one file, and where each stream stands, so that
//! whoever takes the run over reads on where this process was ended.
//!
//! The place is written behind the bytes. Bytes without it are taken away again by whoever opens the log next,
//! and read from the engine once more.
//!
//! Of several processes each has a log of its own besides, with its lines alone.

use super::{RunContext, secrets};
use crate::files;
use crate::main_loop::LogName;
use crate::store::{LogFile, RunFolder};
use docker::{LogChunk, LogStream};
use engine::failure::Failure;
use engine::log::lines::{WholeLines, lines_of};
use engine::log::ranks::Ranks;
use engine::plan::Plan;
use engine::warm::{Door, EndMarks};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;

/// How many of the last lines a failure shows, and of a deployment's, how many are looked at for the cause.
const LAST_LINES: usize = 20;
const LAST_LINES_OF_SERVER: usize = engine::deployment::LAST_LINES;

/// Bytes that are shown at once, however little time they took: an editor takes a message as a whole.
const LARGE_BATCH: usize = 256 * 1024;

/// More than the numbers of the most processes that are told apart take.
const LARGEST_PLACE: u64 = 64 * 1024;

/// More than the store's own log grows to with a run.
const ROOM_FOR_RECORD: u64 = 512 * 1024;

/// How far the log is. In a file, each number takes eight bytes; those behind the first two are there only where lines
/// are marked with the process that they are of.
#[derive(Default)]
struct Place {
    /// Bytes of standard output and of standard error that the file holds.
    written: [u64; 2],
    /// Bytes of both that were taken for them, marks among them.
    taken: [u64; 2],
    /// Bytes that the log of each process holds.
    of_ranks: BTreeMap<u32, u64>,
}

impl Place {
    fn read(bytes: &[u8]) -> Self {
        let numbers = bytes.chunks(8).map(|bytes| bytes.try_into().map_or(0, u64::from_le_bytes));
        let mut numbers = numbers.collect::<Vec<_>>().into_iter();
        let mut two = || [numbers.next(), numbers.next()].map(Option::unwrap_or_default);
        let written = two();
        if bytes.len() <= 16 {
            return Self { written, taken: written, of_ranks: BTreeMap::new() };
        }
        let taken = two();
        let mut of_ranks = BTreeMap::new();
        while let (Some(rank), Some(length)) = (numbers.next(), numbers.next()) {
            of_ranks.extend(u32::try_from(rank).ok().map(|rank| (rank, length)));
        }
        Self { written, taken, of_ranks }
    }

    fn bytes(&self, is_ranked: bool) -> Vec<u8> {
        let mut numbers = self.written.to_vec();
        if is_ranked {
            numbers.extend(self.taken);
            numbers.extend(self.of_ranks.iter().flat_map(|(rank, length)| [u64::from(*rank), *length]));
        }
        numbers.into_iter().flat_map(u64::to_le_bytes).collect()
    }

    fn length(&self) -> u64 {
        self.written[0] + self.written[1]
    }
}

/// What a log has to know of its run.
#[derive(Clone, Default)]
pub(super) struct Reading {
    /// The way into a container that may be kept, whose output holds the marks of ends.
    pub(super) door: Option<Door>,
    /// Whether several processes write, each line marked with whose it is.
    pub(super) is_ranked: bool,
}

impl Reading {
    pub(super) fn new(door: Option<Door>, plan: Option<&Plan>) -> Self {
        Self { door, is_ranked: plan.is_some_and(|plan| plan.distribution.is_some()) }
    }
}

pub(super) struct DriverLog {
    file: LogFile,
    at: Place,
    place: PathBuf,
    /// Tells whose line it is, where several processes write.
    ranks: Option<Ranks>,
    /// The log of each process that has written.
    of_ranks: BTreeMap<u32, LogFile>,
    folder: RunFolder,
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
        reading: &Reading,
        masks: Vec<Vec<u8>>,
    ) -> Result<Self, Failure> {
        let mut file = context.folder.open_driver_log()?;
        let place = context.folder.private().join("driver_log_place");
        let mut at = Place::read(&files::read_from(&place, 0, LARGEST_PLACE)?);
        if at.length() > file.length()? {
            // The log was cut by somebody else.
            let of_ranks = at.of_ranks.into_keys().map(|rank| (rank, 0)).collect();
            at = Place { of_ranks, ..Place::default() };
        }
        file.cut(at.length())?;
        let mut of_ranks = BTreeMap::new();
        for (rank, length) in &at.of_ranks {
            let mut log = context.folder.open_process_log(*rank)?;
            log.cut(*length)?;
            of_ranks.insert(*rank, log);
        }
        Ok(Self {
            file,
            at,
            place,
            ranks: reading.is_ranked.then(Ranks::default),
            of_ranks,
            folder: context.folder.clone(),
            streams: Default::default(),
            marks: reading.door.as_ref().map(EndMarks::new),
            masks,
            batch: Vec::new(),
            last: VecDeque::new(),
            keeps: if context.params.deployment.is_some() { LAST_LINES_OF_SERVER } else { LAST_LINES },
        })
    }

    /// Bytes of each stream that are in the file, marks of processes among them.
    pub(super) fn taken(&self) -> [u64; 2] {
        self.at.taken
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
        self.at.taken[stream] += bytes.len() as u64;
        let mut spans = Vec::new();
        if let Some(ranks) = &mut self.ranks {
            let ranked = ranks.pass(stream, &bytes);
            (bytes, spans) = (ranked.bytes, ranked.spans);
        }
        secrets::cover(&self.masks, &mut bytes);
        if let Err(failure) = self.file.append(&bytes) {
            // On a disk that is full, the record of the run is worth more than the end of its log.
            let _ = self.file.cut(self.at.length().saturating_sub(ROOM_FOR_RECORD));
            return Err(failure);
        }
        self.at.written[stream] += bytes.len() as u64;
        for (rank, span) in spans {
            self.append_of_rank(rank, &bytes[span])?;
        }
        files::overwrite(&self.place, &self.at.bytes(self.ranks.is_some()))?;
        self.batch.extend_from_slice(&bytes);
        Ok(())
    }

    fn append_of_rank(&mut self, rank: u32, bytes: &[u8]) -> Result<(), Failure> {
        let log = match self.of_ranks.entry(rank) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let mut log = self.folder.open_process_log(rank)?;
                // Whatever a killed owner has written there comes again.
                log.cut(0)?;
                new.insert(log)
            }
        };
        log.append(bytes)?;
        *self.at.of_ranks.entry(rank).or_default() += bytes.len() as u64;
        Ok(())
    }

    /// Shows what has been written. Waits where more is written than anybody reads.
    pub(super) async fn show(&mut self, context: &RunContext) {
        if self.batch.is_empty() {
            return;
        }
        let end = self.at.length();
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
