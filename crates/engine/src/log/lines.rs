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

    /// Bytes of the line that has not ended yet.
    pub fn pending(&self) -> usize {
        self.rest.len()
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
