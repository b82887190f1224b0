//! Whom to believe certificates from: the public certificate authorities, and those that the operator adds. Reads no
//! files.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;

/// Certificate authorities beside the public ones.
#[derive(Debug, Clone, Default)]
pub struct ExtraRoots(Vec<CertificateDer<'static>>);

/// Why a file has no certificate authorities in it.
#[derive(Debug, thiserror::Error)]
pub enum InvalidRoots {
    /// Not PEM.
    #[error("it is no PEM file: {0}")]
    Pem(#[from] rustls::pki_types::pem::Error),
    /// No certificate.
    #[error("there is no certificate in it")]
    Empty,
    /// A certificate that is none.
    #[error("certificate {number} in it cannot be used: {error}")]
    Certificate {
        /// Which one, from 1.
        number: usize,
        /// What is wrong with it.
        error: rustls::Error,
    },
}

impl ExtraRoots {
    /// Takes the certificates of a PEM file, all of them or none.
    pub fn from_pem(pem: &[u8]) -> Result<Self, InvalidRoots> {
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>()?;
        if certificates.is_empty() {
            return Err(InvalidRoots::Empty);
        }
        let mut store = RootCertStore::empty();
        for (at, certificate) in certificates.iter().enumerate() {
            let added = store.add(certificate.clone());
            added.map_err(|error| InvalidRoots::Certificate { number: at + 1, error })?;
        }
        Ok(Self(certificates))
    }
}

/// TLS as endpoints get it.
pub(crate) fn tls(extra: &ExtraRoots) -> ClientConfig {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    // Each was added once before.
    roots.add_parsable_certificates(extra.0.iter().cloned());
    #[expect(clippy::expect_used, reason = "ring has the default protocol versions; a test opens a client")]
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring supports TLS 1.2 and 1.3");
    builder.with_root_certificates(roots).with_no_client_auth()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_says_what_is_wrong_with_it() {
        let problem = |pem: &str| ExtraRoots::from_pem(pem.as_bytes()).unwrap_err().to_string();
        assert_eq!(problem("nothing"), "there is no certificate in it");
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(problem(broken).starts_with("certificate 1 in it cannot be used: "), "{}", problem(broken));
        assert!(problem("-----BEGIN CERTIFICATE-----\nAAAA\n").starts_with("it is no PEM file"));
    }
}
