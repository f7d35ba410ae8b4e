//! Certificates: a valid one, and one for each kind of error.

use std::error::Error;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

type Failed = Box<dyn Error + Send + Sync>;
type Authority = CertifiedIssuer<'static, KeyPair>;

pub(crate) struct Certificates {
    /// The authority of all certificates except one, as PEM.
    pub(crate) ca: String,
    pub(crate) good: TlsAcceptor,
    pub(crate) expired: TlsAcceptor,
    pub(crate) wrong_host: TlsAcceptor,
    pub(crate) unknown_ca: TlsAcceptor,
}

impl Certificates {
    pub(crate) fn new() -> Result<Self, Failed> {
        let known = authority()?;
        let here = || CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()]);
        let mut expired = here()?;
        expired.not_before = date_time_ymd(2020, 1, 1);
        expired.not_after = date_time_ymd(2020, 2, 1);
        let elsewhere = CertificateParams::new(["elsewhere.example".to_owned()])?;
        Ok(Self {
            ca: known.pem(),
            good: acceptor(&here()?, &known)?,
            expired: acceptor(&expired, &known)?,
            wrong_host: acceptor(&elsewhere, &known)?,
            unknown_ca: acceptor(&here()?, &authority()?)?,
        })
    }
}

fn authority() -> Result<Authority, Failed> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    Ok(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?)
}

fn acceptor(params: &CertificateParams, authority: &Authority) -> Result<TlsAcceptor, Failed> {
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, authority)?;
    let key = PrivateKeyDer::try_from(key.serialize_der())?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
