//! TLS to an engine: whom to believe that it is the one, and who we are there.

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

/// What the folder says, by the file names that the Docker command line knows: `ca.pem` signs engines, beside those that
/// this machine trusts; `cert.pem` and `key.pem` are the user's.
pub(crate) async fn config(folder: &Path) -> Result<Arc<ClientConfig>, String> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(authorities(folder).await?);
    let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    let config = match (read(&cert).await?, read(&key).await?) {
        (Some(chain), Some(secret)) => {
            let secret = PrivateKeyDer::from_pem_slice(&secret).map_err(|error| of_file(&key, &error))?;
            builder
                .with_client_auth_cert(certificates(&cert, &chain)?, secret)
                .map_err(|error| of_file(&cert, &error))?
        }
        _ => builder.with_no_client_auth(),
    };
    Ok(Arc::new(config))
}

async fn authorities(folder: &Path) -> Result<RootCertStore, String> {
    let mut authorities = RootCertStore::empty();
    // Where this machine has none that can be read, the folder's own have to do.
    let machine = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs).await;
    authorities.add_parsable_certificates(machine.map(|found| found.certs).unwrap_or_default());
    let path = folder.join("ca.pem");
    if let Some(bytes) = read(&path).await? {
        authorities.add_parsable_certificates(certificates(&path, &bytes)?);
    }
    Ok(authorities)
}

fn certificates(path: &Path, bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
    all.map_err(|error| of_file(path, &error))
}

async fn read(path: &Path) -> Result<Option<Vec<u8>>, String> {
    match tokio::fs::read(path).await {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(of_file(path, &error)),
    }
}

fn of_file(path: &Path, error: &dyn std::error::Error) -> String {
    format!("{}: {error}", path.display())
}
