//! What went wrong, in the one form that every surface shows: what failed, why, and what to do.

use crate::message::Message;
use serde::{Deserialize, Serialize};

/// Whose turn it is to act on a failure. Decides the exit code and how loudly it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Blame {
    /// The command line or a file of the user's is wrong.
    User,
    /// The user's code ran and failed.
    Code,
    /// The machine, the engine or the network is in the way.
    Environment,
    /// A named breakpoint was never hit.
    Breakpoint,
    /// The user asked for the end.
    Cancelled,
    /// A defect of ours.
    Internal,
}

impl Blame {
    /// Exit code of the command line (design section 9).
    pub fn exit_code(self) -> u8 {
        match self {
            Blame::Code | Blame::Internal => 1,
            Blame::User => 2,
            Blame::Environment => 3,
            Blame::Breakpoint => 4,
            Blame::Cancelled => 130,
        }
    }
}

/// A failure a person can act on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Who can mend it.
    pub blame: Blame,
    /// What failed and why.
    pub what: Message,
    /// What belongs to it besides, in English, line by line: the engine's answer, the last lines of a log.
    pub detail: Vec<String>,
    /// The first lines of that, where they are sentences of ours.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub said: Vec<Message>,
    /// What to do about it.
    pub fix: Option<Message>,
}

impl Failure {
    /// A failure with no foreign text and no fix yet.
    pub fn new(blame: Blame, what: Message) -> Self {
        Self { blame, what, detail: Vec::new(), said: Vec::new(), fix: None }
    }

    /// The same with what to do.
    pub fn with_fix(self, fix: Message) -> Self {
        Self { fix: Some(fix), ..self }
    }

    /// The same with each text of somebody else's as `cover` gives it back.
    pub fn covered(mut self, cover: impl Fn(&str) -> String) -> Self {
        let cover = &cover as &dyn Fn(&str) -> String;
        self.detail.iter_mut().for_each(|line| *line = cover(line));
        let messages = std::iter::once(&mut self.what).chain(&mut self.said).chain(&mut self.fix);
        messages.for_each(|message| message.cover(cover));
        self
    }

    /// The same with foreign text, line by line.
    pub fn with_detail(self, detail: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { detail: detail.into_iter().map(Into::into).collect(), ..self }
    }

    /// The same with more of ours, a line each.
    pub fn with_said(self, said: impl IntoIterator<Item = Message>) -> Self {
        let said: Vec<Message> = said.into_iter().collect();
        Self { detail: said.iter().map(Message::text).collect(), said, ..self }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.what)
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message;

    #[test]
    fn a_password_is_covered_wherever_it_stands() {
        let inner = message!("images.kept", image = "of sesame", reason = "sesame");
        let failure = Failure::new(Blame::User, message!("images.gone", image = inner.argument(), mib = 1))
            .with_said([inner.clone()])
            .with_fix(message!("images.not-known", name = "sesame"));
        let failure = failure.covered(|text| text.replace("sesame", "******"));
        let told = serde_json::to_string(&failure).expect("JSON");
        assert!(!told.contains("sesame") && told.matches("******").count() == 7, "{told}");
    }
}
