//! A certificate authority of the tests' own, and servers with certificates of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// What a server's certificate is like.
#[derive(Clone, Copy)]
pub struct Certificate {
    pub name: &'static str,
    /// The years in which it begins and ends.
    pub years: [i32; 2],
}

/// For `https://localhost`, in force.
pub const GOOD: Certificate = Certificate { name: "localhost", years: [2020, 4000] };

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("a certificate"))
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A server's side of TLS that speaks these protocols.
    pub fn server(&self, certificate: Certificate, protocols: &[&str]) -> Arc<ServerConfig> {
        let (signed, key) = self.sign(certificate);
        server(signed.der(), &key, protocols)
    }

    fn sign(&self, certificate: Certificate) -> (rcgen::Certificate, KeyPair) {
        let mut params = CertificateParams::new(vec![certificate.name.to_owned()]).expect("a name");
        [params.not_before, params.not_after] = certificate.years.map(|year| date_time_ymd(year, 1, 1));
        let key = KeyPair::generate().expect("a key");
        (params.signed_by(&key, &self.0).expect("a certificate"), key)
    }

    /// A server's certificate, its key and the authority's own certificate as files in this folder.
    pub fn write(&self, certificate: Certificate, folder: &Path) -> [PathBuf; 3] {
        let (signed, key) = self.sign(certificate);
        [("certificate.pem", signed.pem()), ("key.pem", key.serialize_pem()), ("authority.pem", self.pem())]
            .map(|(name, pem)| {
                let file = folder.join(name);
                std::fs::write(&file, pem).expect("the folder is ours");
                file
            })
    }

    /// A server's side of TLS that shows the authority's own certificate.
    pub fn self_signed_server(&self) -> Arc<ServerConfig> {
        server(self.0.der(), self.0.key(), &[])
    }
}

fn server(certificate: &CertificateDer<'static>, key: &KeyPair, protocols: &[&str]) -> Arc<ServerConfig> {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring supports them")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .expect("they fit together");
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    Arc::new(config)
}

/// A client's side of TLS that believes the authority in this file, and nobody else.
pub fn client(believed: Option<&Path>, protocols: &[&str]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    if let Some(file) = believed {
        let certificate = CertificateDer::from_pem_file(file).expect("the file holds a certificate");
        roots.add(certificate).expect("it is a certificate");
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring supports them")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    config
}
