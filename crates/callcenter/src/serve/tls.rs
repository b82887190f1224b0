//! HTTPS in this process: reads certificate and key, and again when the files change.

use crate::config::TlsFiles;
use anyhow::{Context as _, anyhow};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};
use tokio_rustls::TlsAcceptor;
use tracing::{info, warn};

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// The certificate in use.
pub struct Certificates {
    files: TlsFiles,
    current: RwLock<Arc<ServerConfig>>,
}

/// Tells one version of the files from the next.
type Stamp = [Option<(SystemTime, u64)>; 2];

impl Certificates {
    /// Reads the files for the first time.
    pub fn load(files: &TlsFiles) -> anyhow::Result<Arc<Self>> {
        Ok(Arc::new(Self { files: files.clone(), current: RwLock::new(load(files)?) }))
    }

    /// Does the next handshake with the certificate of this moment.
    pub fn acceptor(&self) -> TlsAcceptor {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone().into()
    }

    /// Takes the files in again whenever they change. Runs until it is dropped.
    pub async fn follow_files(&self) {
        let mut taken_in = self.stamp();
        let mut complained_about = taken_in;
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let stamp = self.stamp();
            if stamp == taken_in {
                continue;
            }
            // Certificate and key are replaced one after the other: until they fit, the old ones stay.
            match load(&self.files) {
                Ok(config) => {
                    *self.current.write().unwrap_or_else(PoisonError::into_inner) = config;
                    taken_in = stamp;
                    info!("The TLS certificate was read again");
                }
                Err(error) if stamp != complained_about => {
                    warn!("The TLS files have changed and cannot be used yet: {error:#}");
                    complained_about = stamp;
                }
                Err(_) => {}
            }
        }
    }

    fn stamp(&self) -> Stamp {
        [&self.files.certificate, &self.files.key].map(|path| {
            let metadata = std::fs::metadata(path).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        })
    }
}

/// Reads the files into a configuration of the server's side.
pub fn load(files: &TlsFiles) -> anyhow::Result<Arc<ServerConfig>> {
    let chain = read("TLS_CERT_FILE", &files.certificate, |pem| {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>()?;
        if chain.is_empty() { Err(anyhow!("there is no certificate in it")) } else { Ok(chain) }
    })?;
    let key = read("TLS_KEY_FILE", &files.key, |pem| Ok(PrivateKeyDer::from_pem_slice(pem)?))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("TLS_CERT_FILE and TLS_KEY_FILE do not fit together")?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn read<T>(variable: &str, path: &Path, parse: impl FnOnce(&[u8]) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let read = std::fs::read(path).map_err(Into::into).and_then(|pem| parse(&pem));
    read.with_context(|| format!("{variable} {} cannot be used", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_cannot_be_used_are_named_with_their_variable() {
        let folder = tempfile::tempdir().unwrap();
        let files = TlsFiles { certificate: folder.path().join("c.pem"), key: folder.path().join("k.pem") };
        let message = || format!("{:#}", load(&files).err().unwrap());
        assert!(message().starts_with("TLS_CERT_FILE ") && message().contains("c.pem"), "{}", message());
        std::fs::write(&files.certificate, "nothing\n").unwrap();
        assert!(message().ends_with("there is no certificate in it"), "{}", message());
        std::fs::write(&files.certificate, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
            .unwrap();
        assert!(message().starts_with("TLS_KEY_FILE "), "{}", message());
    }
}
