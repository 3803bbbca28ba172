//! Whose line it is: the launcher of several processes marks each line that it passes on with the rank of the process
//! that wrote it, and here the mark is taken away again.

use std::ops::Range;

/// Begins a line of a process; its number and [`END`] follow. Nothing that people print begins so.
const MARK: &[u8] = b"\x1eaml-debug-rank ";
const END: &[u8] = b"\x1e:";

/// The most processes that are told apart.
const MOST: u32 = 1000;

/// Takes the marks out of the two streams of a container's output.
///
/// ```
/// let mut ranks = engine::log::ranks::Ranks::default();
/// let lines = ranks.pass(0, b"\x1eaml-debug-rank 1\x1e:loss 0.5\nnobody's\n");
/// assert_eq!(lines.bytes, b"loss 0.5\nnobody's\n");
/// assert_eq!(lines.spans, [(1, 0..9)]);
/// ```
#[derive(Debug, Default)]
pub struct Ranks {
    /// Of each stream, the line that has no end yet: whose it is, where it is somebody's.
    open: [Option<Option<u32>>; 2],
}

/// Lines without their marks.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Ranked {
    /// The bytes as the processes wrote them.
    pub bytes: Vec<u8>,
    /// Which of them are whose, in order.
    pub spans: Vec<(u32, Range<usize>)>,
}

impl Ranks {
    /// The bytes without marks; `stream` is 0 or 1. A chunk begins where a line does, or goes on with the one before.
    pub fn pass(&mut self, stream: usize, bytes: &[u8]) -> Ranked {
        let mut ranked = Ranked { bytes: Vec::with_capacity(bytes.len()), spans: Vec::new() };
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (rank, line) = match self.open[stream].take() {
                Some(rank) => (rank, line),
                None => split(line),
            };
            if !line.ends_with(b"\n") {
                self.open[stream] = Some(rank);
            }
            let from = ranked.bytes.len();
            ranked.bytes.extend_from_slice(line);
            let Some(rank) = rank else { continue };
            match ranked.spans.last_mut() {
                Some((last, span)) if *last == rank && span.end == from => span.end = ranked.bytes.len(),
                _ => ranked.spans.push((rank, from..ranked.bytes.len())),
            }
        }
        ranked
    }
}

/// Whose line it is, and the line.
fn split(line: &[u8]) -> (Option<u32>, &[u8]) {
    let marked = || {
        let rest = line.strip_prefix(MARK)?;
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let rank = std::str::from_utf8(&rest[..digits]).ok()?.parse().ok().filter(|rank| *rank < MOST)?;
        Some((Some(rank), rest[digits..].strip_prefix(END)?))
    };
    marked().unwrap_or((None, line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_two_streams_and_three_processes_are_told_apart_however_long_they_are() {
        let mut ranks = Ranks::default();
        let mut of = [Vec::new(), Vec::new(), Vec::new()];
        let mut all = Vec::new();
        for (stream, bytes) in [
            (0, &b"\x1eaml-debug-rank 0\x1e:a\n\x1eaml-debug-rank 0\x1e:b\n\x1eaml-debug-rank 2\x1e:c\n"[..]),
            // One that came in pieces, with lines of the other stream between.
            (0, b"\x1eaml-debug-rank 1\x1e:be"),
            (1, b"\x1eaml-debug-rank 2\x1e:err\nthe launcher's own\n"),
            (0, b"gin\n\n"),
            // What only looks like a mark is the user's.
            (0, b"\x1eaml-debug-rank 9999\x1e:x\n \x1eaml-debug-rank 1\x1e:y\n"),
            (0, b"\x1eaml-debug-rank 1\x1e:no end"),
        ] {
            let ranked = ranks.pass(stream, bytes);
            for (rank, span) in ranked.spans {
                of[rank as usize].extend_from_slice(&ranked.bytes[span]);
            }
            all.extend(ranked.bytes);
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(of.map(|bytes| text(&bytes)), ["a\nb\n", "begin\nno end", "c\nerr\n"]);
        let own = "a\nb\nc\nbeerr\nthe launcher's own\ngin\n\n";
        let alike = "\u{1e}aml-debug-rank 9999\u{1e}:x\n \u{1e}aml-debug-rank 1\u{1e}:y\nno end";
        assert_eq!(text(&all), format!("{own}{alike}"));
    }
}
