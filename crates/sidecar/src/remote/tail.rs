//! A log that grows, read from its beginning on: a file, or a blob behind a URL by ranges of bytes.

use crate::files;
use engine::failure::{Blame, Failure};
use engine::message;
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::header::{CONTENT_RANGE, RANGE};
use hyper::{Request, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use std::path::PathBuf;
use std::time::Duration;

/// Between two looks at a file, which cost a system call.
const LOOK: Duration = Duration::from_millis(20);

/// Between two requests: the service counts them, and a person does not notice a second.
const ASK: Duration = Duration::from_secs(1);

/// The most that is read in one piece.
const PIECE: u64 = 1 << 20;

/// How often in a row a server may be out of reach before that is said.
const PATIENCE: u32 = 5;

/// What came of a look at the log.
#[derive(Debug)]
pub(super) enum Piece {
    /// The next bytes.
    Bytes(Vec<u8>),
    /// The log is another one now, and begins again.
    Begun,
}

/// A log and how far it was read.
#[derive(Debug)]
pub(super) struct Tail {
    source: Source,
    offset: u64,
    failed: u32,
}

#[derive(Debug)]
enum Source {
    File(PathBuf),
    Web(Box<Web>),
}

/// Its URL is a secret: whoever has it may read.
#[derive(Debug)]
struct Web {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    uri: Uri,
}

/// Whether a log is read over the web.
pub(super) fn is_url(named: &str) -> bool {
    named.starts_with("http://") || named.starts_with("https://")
}

impl Tail {
    /// A log by its path or its URL. A file need not be there yet.
    pub(super) fn open(named: &str) -> Result<Self, Failure> {
        let source = if is_url(named) {
            Source::Web(Box::new(Web::open(named)?))
        } else {
            Source::File(PathBuf::from(named))
        };
        Ok(Self { source, offset: 0, failed: 0 })
    }

    /// Waits for the next piece. Nothing is lost where the wait is given up.
    pub(super) async fn next(&mut self) -> Result<Piece, Failure> {
        loop {
            let (piece, pause) = match &self.source {
                Source::File(path) => {
                    if files::length(path).is_some_and(|length| length < self.offset) {
                        self.offset = 0;
                        return Ok(Piece::Begun);
                    }
                    (files::read_from(path, self.offset, PIECE)?, LOOK)
                }
                Source::Web(web) => match web.read_from(self.offset).await {
                    Ok(Some(piece)) => {
                        self.failed = 0;
                        (piece, ASK)
                    }
                    Ok(None) => {
                        self.offset = 0;
                        return Ok(Piece::Begun);
                    }
                    Err(failure) if self.failed >= PATIENCE || failure.blame == Blame::User => {
                        return Err(failure);
                    }
                    Err(_) => {
                        self.failed += 1;
                        (Vec::new(), ASK)
                    }
                },
            };
            if !piece.is_empty() {
                self.offset += piece.len() as u64;
                return Ok(Piece::Bytes(piece));
            }
            tokio::time::sleep(pause).await;
        }
    }
}

impl Web {
    fn open(named: &str) -> Result<Self, Failure> {
        let bad = || Failure::new(Blame::User, message!("remote.bad-url"));
        let uri: Uri = named.parse().map_err(|_| bad())?;
        let connector = HttpsConnectorBuilder::new().with_native_roots().map_err(|error| {
            Failure::new(Blame::Environment, message!("remote.no-certificates"))
                .with_detail([error.to_string()])
        })?;
        let connector = connector.https_or_http().enable_http1().build();
        Ok(Self { client: Client::builder(TokioExecutor::new()).build(connector), uri })
    }

    /// The bytes from `offset` on; none where there are no more yet, `None` where there are fewer than that.
    async fn read_from(&self, offset: u64) -> Result<Option<Vec<u8>>, Failure> {
        let failed = |cause: String| {
            let host = self.uri.host().unwrap_or_default();
            Failure::new(Blame::Environment, message!("remote.log-unreadable", host = host))
                .with_detail([cause])
        };
        let range = format!("bytes={offset}-{}", offset + PIECE - 1);
        let request = Request::get(&self.uri).header(RANGE, range).body(Empty::new());
        let request = request.map_err(|error| failed(error.to_string()))?;
        let response = self.client.request(request).await.map_err(|error| failed(error.to_string()))?;
        let status = response.status();
        // `bytes */N`: the log has N bytes.
        let total = response.headers().get(CONTENT_RANGE).and_then(|range| range.to_str().ok());
        let total: Option<u64> = total.and_then(|range| range.rsplit('/').next()?.parse().ok());
        match status {
            StatusCode::PARTIAL_CONTENT | StatusCode::OK => {
                let body = response.into_body().collect().await.map_err(|error| failed(error.to_string()))?;
                let body = body.to_bytes();
                let skip = if status == StatusCode::OK { offset as usize } else { 0 };
                Ok((skip <= body.len()).then(|| body.slice(skip..).to_vec()))
            }
            StatusCode::RANGE_NOT_SATISFIABLE if total.is_some_and(|total| total < offset) => Ok(None),
            // Nothing new, or nothing at all yet.
            StatusCode::RANGE_NOT_SATISFIABLE | StatusCode::NOT_FOUND => Ok(Some(Vec::new())),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Err(Failure::new(Blame::User, message!("remote.log-forbidden", status = status.as_u16()))
                    .with_fix(message!("remote.log-forbidden.fix")))
            }
            status => Err(failed(status.to_string())),
        }
    }
}
