//! Values marked `--secret`: they go into the container as files that only its user can read, and from
//! there into the environment of the user's command. The engine's own records never see them.

use super::RunContext;
use crate::settings::Settings;
use engine::failure::{Blame, Failure};
use engine::message;
use engine::plan::container::{SecretFile, secret_path};
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
