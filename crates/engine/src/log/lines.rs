//! Chunks of bytes → whole lines. A chunk may end in the middle of a line or of a character.

/// The longest line that is kept in memory, in bytes; a longer one is cut into pieces of this length.
const LONGEST: usize = 64 * 1024;

/// Puts lines together.
///
/// ```
/// let mut lines = engine::log::lines::LineAssembler::default();
/// assert_eq!(lines.feed(b"one\r\ntw"), ["one"]);
/// assert_eq!(lines.feed(b"o\n"), ["two"]);
/// assert_eq!(lines.finish(), None);
/// ```
#[derive(Debug, Default)]
pub struct LineAssembler {
    rest: Vec<u8>,
}

impl LineAssembler {
    /// The lines that this chunk completes, without their ends. Bytes that are not UTF-8 are replaced.
    pub fn feed(&mut self, chunk: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for piece in chunk.split_inclusive(|byte| *byte == b'\n') {
            self.rest.extend_from_slice(piece);
            if piece.ends_with(b"\n") || self.rest.len() >= LONGEST {
                lines.push(self.take());
            }
        }
        lines
    }

    /// The last line, if it has no end.
    pub fn finish(&mut self) -> Option<String> {
        (!self.rest.is_empty()).then(|| self.take())
    }

    fn take(&mut self) -> String {
        let text = std::mem::take(&mut self.rest);
        let text = text.strip_suffix(b"\n").unwrap_or(&text);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        String::from_utf8_lossy(text).into_owned()
    }
}

/// Holds the halves of lines back, so that two streams that go into one file never meet within a line. What
/// it gives out are the bytes as they came.
///
/// ```
/// let mut whole = engine::log::lines::WholeLines::default();
/// assert_eq!(whole.feed(b"one\r\ntw"), b"one\r\n");
/// assert_eq!(whole.feed(b"o\n3"), b"two\n");
/// assert_eq!(whole.finish(), b"3");
/// ```
#[derive(Debug, Default)]
pub struct WholeLines {
    rest: Vec<u8>,
}

impl WholeLines {
    /// The lines that this chunk completes, with their ends. A line that grows too long comes in pieces.
    pub fn feed(&mut self, chunk: &[u8]) -> Vec<u8> {
        let end = chunk.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let (whole, rest) = chunk.split_at(end);
        let mut lines = Vec::new();
        if end > 0 {
            lines = std::mem::take(&mut self.rest);
            lines.extend_from_slice(whole);
        }
        self.rest.extend_from_slice(rest);
        if self.rest.len() >= LONGEST {
            lines.append(&mut self.rest);
        }
        lines
    }

    /// What is left of a line without an end.
    pub fn finish(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.rest)
    }
}

/// The lines of a text without their ends.
pub fn lines_of(bytes: &[u8]) -> Vec<String> {
    let mut assembler = LineAssembler::default();
    let mut lines = assembler.feed(bytes);
    lines.extend(assembler.finish());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn two_streams_never_meet_within_a_line() {
        let mut streams = [WholeLines::default(), WholeLines::default()];
        let mut file = Vec::new();
        for (stream, bytes) in [(0, "out 1\nou"), (1, "er"), (0, "t 2\n"), (1, "r 1\n"), (0, "out 3")] {
            file.extend(streams[stream].feed(bytes.as_bytes()));
        }
        file.extend(streams[0].finish());
        assert_eq!(String::from_utf8_lossy(&file), "out 1\nout 2\nerr 1\nout 3");
    }

    #[test]
    fn a_line_of_ten_megabytes_is_held_in_pieces_only() {
        let mut whole = WholeLines::default();
        let chunk = [b'x'; 32 * 1024];
        let mut length = 0;
        for _ in 0..320 {
            length += whole.feed(&chunk).len();
            assert!(whole.rest.len() < LONGEST);
        }
        length += whole.feed(b"\n").len();
        assert_eq!(length, (10 << 20) + 1);
    }

    proptest! {
        #[test]
        fn however_the_bytes_are_cut_the_lines_are_the_same(text in "[a-zä\\r\\n]{0,80}", cut in 1usize..9) {
            let mut whole = LineAssembler::default();
            let mut expected = whole.feed(text.as_bytes());
            expected.extend(whole.finish());
            let mut pieces = LineAssembler::default();
            let mut found: Vec<String> =
                text.as_bytes().chunks(cut).flat_map(|chunk| pieces.feed(chunk)).collect();
            found.extend(pieces.finish());
            prop_assert_eq!(found, expected);
        }
    }
}
