//! Values marked `--secret`: they go into the container as files that only its user can read, and from
//! there into the environment of the user's command. The engine's own records never see them.

use super::RunContext;
use crate::settings::Settings;
use engine::failure::{Blame, Failure};
use engine::ids::ContainerId;
use engine::message;
use engine::plan::container::{SecretFile, secret_path};
use futures::TryStreamExt;
use protocol::run::StartRunParams;

/// Variables whose values are kept from the engine's records: those that the user names, and proxies whose
/// address holds a password.
pub(crate) fn names(settings: &Settings, params: &StartRunParams) -> Vec<String> {
    let proxies = settings.proxies();
    let with_password = proxies.iter().filter(|(_, address)| address.contains('@')).map(|(name, _)| name);
    params.secrets.iter().chain(with_password).cloned().collect()
}

/// The files of the secret variables.
///
/// # Errors
/// One that has no value.
pub(super) fn files(context: &RunContext) -> Result<Vec<SecretFile>, Failure> {
    let uid = context.settings.host.user.map_or(0, |(uid, _)| u64::from(uid));
    let file = |name: String| {
        let value =
            context.params.env.get(&name).map(String::as_str).or_else(|| context.settings.variable(&name));
        let value = value.ok_or_else(|| {
            Failure::new(Blame::User, message!("secret.no-value", name = name))
                .with_fix(message!("secret.no-value.fix", name = name))
        })?;
        Ok(SecretFile { path: secret_path(&name), contents: value.as_bytes().to_vec(), uid })
    };
    names(&context.settings, &context.params).into_iter().map(file).collect()
}

/// A secret shorter than this stands in every log by chance.
const SHORTEST: usize = 4;

/// What must not be read in the run's log: each line of each secret. Whoever takes a run over has no values and
/// asks the container for them.
pub(super) async fn masks(context: &RunContext, container: &ContainerId) -> Vec<Vec<u8>> {
    let mut values = Vec::new();
    for name in names(&context.settings, &context.params) {
        let known = context.params.env.get(&name).map(String::as_str);
        match known.or_else(|| context.settings.variable(&name)) {
            Some(value) => values.push(value.as_bytes().to_vec()),
            None => values.extend(ask(context, container, &name).await),
        }
    }
    let lines = values.iter().flat_map(|value| value.split(|byte| *byte == b'\n'));
    let mut masks: Vec<_> = lines.filter(|line| line.len() >= SHORTEST).map(<[u8]>::to_vec).collect();
    // What holds another one goes first.
    masks.sort_by_key(|mask| std::cmp::Reverse(mask.len()));
    masks
}

async fn ask(context: &RunContext, container: &ContainerId, name: &str) -> Option<Vec<u8>> {
    let docker = context.engine().await.ok()?;
    let pieces: Vec<_> = docker.copy_out(container, &secret_path(name)).try_collect().await.ok()?;
    crate::files::first_of_archive(&pieces.concat())
}

/// Covers each secret with as many stars as it has bytes, so that places in the log stay what they are.
pub(super) fn cover(masks: &[Vec<u8>], bytes: &mut [u8]) {
    for mask in masks {
        let mut at = 0;
        while let Some(found) = bytes[at..].windows(mask.len()).position(|window| window == mask) {
            bytes[at + found..at + found + mask.len()].fill(b'*');
            at += found + mask.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_covered_wherever_it_stands_and_the_length_stays() {
        let mut line = b"token=hidden1hidden1, hidden\n".to_vec();
        cover(&[b"hidden1".to_vec()], &mut line);
        assert_eq!(line, b"token=**************, hidden\n");
    }
}
