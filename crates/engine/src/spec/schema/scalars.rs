//! Which values are of a scalar type: marshmallow's judgement, and azure-ai-ml's own of names and references.

use super::Ty;
use crate::yaml::Value;

pub(super) fn is_scalar_of(value: &Value, ty: &Ty) -> bool {
    match ty {
        Ty::Any => *value != Value::Null,
        Ty::Map => matches!(value, Value::Map(_)),
        Ty::Bool => match value {
            Value::Bool(_) | Value::Int(0 | 1) => true,
            Value::Float(number) => *number == 0.0 || *number == 1.0,
            Value::Str(text) => is_bool_text(text),
            _ => false,
        },
        Ty::WholeOnly => matches!(value, Value::Int(_)),
        Ty::FloatOnly => matches!(value, Value::Float(number) if number.is_finite()),
        Ty::Int => match value {
            Value::Int(_) => true,
            Value::Float(number) => number.is_finite(),
            Value::Str(text) => text.trim().replace('_', "").parse::<i64>().is_ok(),
            _ => false,
        },
        Ty::Number => match value {
            Value::Int(_) => true,
            Value::Float(number) => number.is_finite(),
            Value::Str(text) => text.trim().parse::<f64>().is_ok_and(f64::is_finite),
            _ => false,
        },
        Ty::AnyNumber => matches!(value, Value::Float(_)) || is_scalar_of(value, &Ty::Number),
        Ty::Version => matches!(value, Value::Str(_) | Value::Int(_) | Value::Float(_) | Value::Bool(_)),
        Ty::ComponentVersion => match value {
            Value::List(items) => !items.is_empty(),
            Value::Map(entries) => !entries.is_empty(),
            _ => is_scalar_of(value, &Ty::Version),
        },
        Ty::OneOf(values) => match value {
            Value::Str(text) => values.iter().any(|value| value.eq_ignore_ascii_case(text)),
            _ => false,
        },
        Ty::SnakeOneOf(values) => {
            matches!(value, Value::Str(text) if values.contains(&camel_to_snake(text.trim_end()).as_str()))
        }
        Ty::ExactlyOneOf(values) => matches!(value, Value::Str(text) if values.contains(&text.as_str())),
        _ => match value {
            Value::Str(text) => is_text_of(text, ty),
            _ => false,
        },
    }
}

fn is_text_of(text: &str, ty: &Ty) -> bool {
    match ty {
        Ty::Str | Ty::Time => true,
        Ty::Binding | Ty::OutputBinding => has_binding(text),
        Ty::Arm(_) => text.starts_with("azureml:"),
        Ty::ArmVersioned(_) => text.strip_prefix("azureml:").is_some_and(|name| is_versioned(name, false)),
        Ty::ArmAnyVersion(_) => text.strip_prefix("azureml:").is_some_and(|name| is_versioned(name, true)),
        Ty::Registry => text.starts_with("azureml://registries/"),
        Ty::Feed => text.starts_with("azureml://feeds/") || text.starts_with("azureml://registries/"),
        Ty::Url => is_url(text),
        Ty::Git => text.starts_with("git+"),
        _ => false,
    }
}

/// azure-ai-ml's own: `TCNForecaster` is `tcn_forecaster`.
pub(in crate::spec) fn camel_to_snake(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len() + 4);
    for (at, character) in characters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| characters.get(at));
        let next = characters.get(at + 1);
        let begins = character.is_ascii_uppercase()
            && before.is_some_and(|before| {
                before.is_ascii_lowercase()
                    || before.is_ascii_digit()
                    || next.is_some_and(char::is_ascii_lowercase)
            });
        if begins {
            out.push('_');
        }
        out.push(character.to_ascii_lowercase());
    }
    out
}

/// `name:version`, `name@label`, or a full ARM id with a version.
fn is_versioned(name: &str, allow_default: bool) -> bool {
    let path = name.trim_start_matches('/');
    if path.starts_with("subscriptions/") {
        return path.split_once("/versions/").is_some_and(|(_, version)| !version.is_empty());
    }
    if name.starts_with("//registries/") {
        return name.contains("/versions/") || name.contains("/labels/");
    }
    if name.is_empty() {
        return true;
    }
    if name.contains('/') && !name.starts_with('/') {
        return false;
    }
    let label = name.rsplit_once('@').is_some_and(|(_, label)| !label.is_empty());
    let version = name.split_once(':').is_some_and(|(_, version)| !version.is_empty());
    label || version || allow_default
}

/// Whether a text has a binding `${{…}}` in it.
pub(crate) fn has_binding(text: &str) -> bool {
    text.match_indices("${{").any(|(at, _)| {
        let inner = text[at + 3..].trim_start();
        inner.find("}}").is_some_and(|end| !inner[..end].trim_end().contains(char::is_whitespace))
    })
}

/// marshmallow's own idea of an address: a scheme of its list, a host with a point in it (or `localhost`, or
/// numbers), then nothing, or a path or a query without white space.
fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let knows_scheme =
        ["http", "https", "ftp", "ftps"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let is_user = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:%".contains(c);
    let (host, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => {
            let is_address =
                address.contains(':') && address.chars().all(|c| c.is_ascii_hexdigit() || c == ':');
            (if is_address { "localhost" } else { "" }, port.strip_prefix(':').unwrap_or(port))
        }
        None => host.split_once(':').unwrap_or((host, "0")),
    };
    knows_scheme
        && user.chars().all(is_user)
        && is_host(host)
        && port.bytes().all(|byte| byte.is_ascii_digit())
        && !path.contains(char::is_whitespace)
}

fn is_host(host: &str) -> bool {
    let labels: Vec<&str> = host.strip_suffix('.').unwrap_or(host).split('.').collect();
    let Some((last, before)) = labels.split_last() else { return false };
    let is_word = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_label = |label: &&str| is_word(label) && !label.starts_with('-') && !label.ends_with('-');
    let is_top = (last.len() > 1 && is_word(last)) || labels.len() == 4 && last.parse::<u8>().is_ok();
    host.eq_ignore_ascii_case("localhost") || (!before.is_empty() && before.iter().all(is_label) && is_top)
}

fn is_bool_text(text: &str) -> bool {
    matches!(
        text.to_lowercase().as_str(),
        "t" | "true" | "y" | "yes" | "on" | "1" | "f" | "false" | "n" | "no" | "off" | "0"
    )
}

pub(super) fn is_component_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_lowercase())
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

pub(super) fn is_endpoint_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_alphabetic)
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
}

pub(super) fn is_step_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_lowercase() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}
