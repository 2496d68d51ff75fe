//! Certificates of hosts, and who signs them.

use std::fs;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

/// A certificate authority.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("there is randomness");
        let certificate = parameters.self_signed(&key).expect("the key fits").pem();
        Self { issuer: Issuer::new(parameters, key), certificate }
    }

    /// Writes what a host of this common name needs: its key, its certificate, and the authority that it trusts.
    pub(crate) fn equip(&self, host: &str, trusted: &Self, directory: &Path) {
        let addresses = vec![host.to_owned(), "127.0.0.1".to_owned()];
        let mut parameters = CertificateParams::new(addresses).expect("they are addresses");
        parameters.distinguished_name.push(DnType::CommonName, host);
        let key = KeyPair::generate().expect("there is randomness");
        let certificate = parameters.signed_by(&key, &self.issuer).expect("the key fits").pem();
        for (file, text) in
            [("host.key", &key.serialize_pem()), ("host.pem", &certificate), ("ca.pem", &trusted.certificate)]
        {
            fs::write(directory.join(file), text).expect("the directory is there");
        }
    }
}
