//! The protocol's messages as the gateway writes and reads them.

use crate::message::{Language, Message};
use serde_json::{Value, json};

pub(super) fn source_path(request: &Value) -> Option<&str> {
    request["arguments"]["source"]["path"].as_str()
}

pub(super) fn event(name: &str, body: Value) -> Value {
    json!({"seq": 0, "type": "event", "event": name, "body": body})
}

pub(super) fn response(request: &Value) -> Value {
    json!({
        "seq": 0,
        "type": "response",
        "request_seq": request["seq"],
        "success": true,
        "command": request["command"],
    })
}

pub(super) fn refusal(seq: i64, request: &Value, said: &Message, language: Language) -> Value {
    let text = said.text_in(language);
    json!({
        "seq": seq,
        "type": "response",
        "request_seq": request["seq"],
        "success": false,
        "command": request["command"],
        "message": text,
        "body": {"error": {"id": 1, "format": text, "showUser": true}},
    })
}

pub(super) fn claim_only_what_works(response: &mut Value, restart: bool) {
    let Some(body) = response["body"].as_object_mut() else { return };
    body.insert("supportsRestartRequest".to_owned(), restart.into());
    body.insert("supportsTerminateRequest".to_owned(), true.into());
    body.insert("supportTerminateDebuggee".to_owned(), true.into());
    body.insert("supportSuspendDebuggee".to_owned(), false.into());
}

/// The language of whoever says `initialize`.
pub(super) fn language_of(first: &Value) -> Language {
    first["arguments"]["locale"].as_str().map(Language::of).unwrap_or_default()
}
