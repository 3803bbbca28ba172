//! Bytes ↔ messages. A reader refuses, with the cause, what is not the debug adapter protocol: debugpy
//! itself takes anything that connects for its client, an HTTP request too.

use crate::message;
use crate::message::Message;
use serde_json::Value;

/// Longest message accepted, in bytes. A debugger may be asked for the text of a large value.
pub const LONGEST_MESSAGE: usize = 64 * 1024 * 1024;

const LONGEST_HEADER: usize = 4096;
const HEADER_START: &[u8] = b"content-";
const END_OF_HEADER: &[u8] = b"\r\n\r\n";
const HTTP_METHODS: [&[u8]; 8] =
    [b"GET ", b"POST ", b"PUT ", b"HEAD ", b"DELETE ", b"OPTIONS ", b"CONNECT ", b"PATCH "];

/// Why a stream is not, or no longer, the debug adapter protocol. Nothing can be read behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FrameError {
    /// An HTTP request: a browser, a health probe, a port forwarder.
    Http,
    /// A TLS greeting.
    Tls,
    /// Something else that does not begin with a header of ours.
    Foreign,
    /// A header without a usable `Content-Length`.
    Header,
    /// A message longer than [`LONGEST_MESSAGE`].
    TooLong(usize),
    /// The body is not a JSON object.
    Body(String),
}

impl FrameError {
    /// The cause in words.
    pub fn message(&self) -> Message {
        match self {
            FrameError::Http => message!("dap.frame-http"),
            FrameError::Tls => message!("dap.frame-tls"),
            FrameError::Foreign => message!("dap.frame-foreign"),
            FrameError::Header => message!("dap.frame-header"),
            FrameError::TooLong(bytes) => message!("dap.frame-too-long", bytes = bytes),
            FrameError::Body(cause) => message!("dap.frame-body", cause = cause),
        }
    }
}

/// Collects bytes as they come and gives out whole messages.
#[derive(Debug, Default)]
pub struct FrameReader {
    buffer: Vec<u8>,
    /// Where in the buffer the next message begins.
    start: usize,
}

impl FrameReader {
    /// An empty reader, one per stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what the stream gave.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.start);
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// What was fed and not given out, for whoever reads the stream from here on.
    pub fn into_rest(mut self) -> Vec<u8> {
        self.buffer.split_off(self.start)
    }

    /// The next whole message, or `None` until more bytes are fed.
    pub fn next_message(&mut self) -> Result<Option<Value>, FrameError> {
        let rest = &self.buffer[self.start..];
        refuse_foreign(rest)?;
        let Some(header) = find(rest, END_OF_HEADER) else {
            return if rest.len() > LONGEST_HEADER { Err(FrameError::Header) } else { Ok(None) };
        };
        let length = content_length(&rest[..header]).ok_or(FrameError::Header)?;
        if length > LONGEST_MESSAGE {
            return Err(FrameError::TooLong(length));
        }
        let body = header + END_OF_HEADER.len();
        let Some(bytes) = rest.get(body..body + length) else { return Ok(None) };
        let message: Value =
            serde_json::from_slice(bytes).map_err(|cause| FrameError::Body(cause.to_string()))?;
        if !message.is_object() {
            return Err(FrameError::Body("not an object".to_owned()));
        }
        self.start += body + length;
        Ok(Some(message))
    }
}

/// A message as it goes over the wire.
pub fn frame(message: &Value) -> Vec<u8> {
    let body = message.to_string();
    let mut bytes = format!("Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body.as_bytes());
    bytes
}

/// Decides on the first bytes, so that a foreign client is told off before it has finished its request.
fn refuse_foreign(bytes: &[u8]) -> Result<(), FrameError> {
    let seen = bytes.len().min(HEADER_START.len());
    if bytes[..seen].eq_ignore_ascii_case(&HEADER_START[..seen]) {
        return Ok(());
    }
    if bytes.starts_with(&[0x16, 0x03]) {
        return Err(FrameError::Tls);
    }
    let is_prefix = |method: &&[u8]| {
        let seen = bytes.len().min(method.len());
        bytes[..seen] == method[..seen]
    };
    match HTTP_METHODS.iter().find(|method| is_prefix(method)) {
        Some(method) if bytes.len() >= method.len() => Err(FrameError::Http),
        Some(_) => Ok(()),
        None => Err(FrameError::Foreign),
    }
}

fn content_length(header: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(header).ok()?;
    text.split("\r\n")
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read_all(chunks: &[&[u8]]) -> (Vec<Value>, Option<FrameError>) {
        let mut reader = FrameReader::new();
        let mut seen = Vec::new();
        for chunk in chunks {
            reader.feed(chunk);
            loop {
                match reader.next_message() {
                    Ok(Some(message)) => seen.push(message),
                    Ok(None) => break,
                    Err(error) => return (seen, Some(error)),
                }
            }
        }
        (seen, None)
    }

    #[test]
    fn messages_come_out_whole_however_the_bytes_are_cut() {
        let messages = [json!({"seq": 1, "text": "größer"}), json!({"seq": 2}), json!({"seq": 3})];
        let bytes: Vec<u8> = messages.iter().flat_map(frame).collect();
        for size in 1..bytes.len() {
            let chunks: Vec<&[u8]> = bytes.chunks(size).collect();
            assert_eq!(read_all(&chunks), (messages.to_vec(), None), "cut every {size}");
        }
    }

    #[test]
    fn what_is_not_the_protocol_is_refused_with_its_cause_before_it_is_complete() {
        let http = read_all(&[b"PO", b"ST / HT"]);
        assert_eq!(http, (vec![], Some(FrameError::Http)));
        assert_eq!(read_all(&[b"\x16\x03\x01\x02\x00"]).1, Some(FrameError::Tls));
        assert_eq!(read_all(&[b"SSH-2.0-x"]).1, Some(FrameError::Foreign));
        assert_eq!(read_all(&[b"Content-Type: x\r\n\r\n"]).1, Some(FrameError::Header));
        assert_eq!(read_all(&[b"Content-Length: -4\r\n\r\n"]).1, Some(FrameError::Header));
        assert_eq!(
            read_all(&[b"Content-Length: 99999999999\r\n\r\n"]).1,
            Some(FrameError::TooLong(99_999_999_999))
        );
        assert_eq!(
            read_all(&[b"Content-Length: 2\r\n\r\n[]"]).1,
            Some(FrameError::Body("not an object".to_owned()))
        );
        assert_eq!(read_all(&[b"Content-", &[b'x'; 5000]]).1, Some(FrameError::Header));
    }

    #[test]
    fn what_came_whole_before_the_trouble_is_given_out_first() {
        let mut bytes = frame(&json!({"seq": 1}));
        bytes.extend_from_slice(b"GET / HTTP/1.1\r\n");
        assert_eq!(read_all(&[&bytes]), (vec![json!({"seq": 1})], Some(FrameError::Http)));
    }
}
