//! TLS: the trusted authorities, and the configuration of rustls.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, Error as TlsError, RootCertStore, crypto,
};

use super::environment::Environment;
use super::reason::{BoxError, Failure, InvalidSetting};
use super::settings;
use crate::options::TlsRoots;
use crate::remedy::Remedy;

/// Checks certificates given as text.
pub(super) fn check_roots(roots: &TlsRoots) -> Result<(), InvalidSetting> {
    match roots {
        TlsRoots::Pem(pem) => add_pem(&mut RootCertStore::empty(), "tls_roots", pem.as_bytes()),
        TlsRoots::BuiltIn | TlsRoots::System => Ok(()),
    }
}

/// The TLS configuration that all connections of a transport share. `ca_bundle` is a setting and its value.
pub(super) fn config(
    roots: &TlsRoots,
    ca_bundle: Option<&(&'static str, String)>,
    environment: &Environment,
) -> Result<Arc<ClientConfig>, InvalidSetting> {
    let mut store = RootCertStore::empty();
    match roots {
        TlsRoots::Pem(pem) => add_pem(&mut store, "tls_roots", pem.as_bytes())?,
        TlsRoots::System => {
            store.add_parsable_certificates(of_system(environment));
            if store.is_empty() {
                return Err(InvalidSetting::new(
                    "tls_roots",
                    "the operating system has no certificate authorities",
                ));
            }
        }
        TlsRoots::BuiltIn => {
            if let Some((setting, path)) = ca_bundle {
                let pem = std::fs::read(path)
                    .map_err(|error| InvalidSetting::new(setting, format!("{path}: {error}")))?;
                add_pem(&mut store, setting, &pem)?;
            } else {
                store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
                // As in Node.js, a file that cannot be read is ignored.
                let extra = &settings::EXTRA_CA_CERTS;
                if let Some(Ok(pem)) = extra.variable(environment).map(std::fs::read) {
                    add_pem(&mut store, extra.name(), &pem)?;
                }
            }
        }
    }
    // The provider is named here because another crate in the process may have installed another default.
    let provider = Arc::new(crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| InvalidSetting::new("tls_roots", error))?
        .with_root_certificates(store)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Where Linux distributions keep the certificates that they trust: the first file that exists, and these directories.
const LINUX_FILES: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/ssl/cert.pem",
];
const LINUX_DIRECTORIES: [&str; 2] = ["/etc/ssl/certs", "/etc/pki/tls/certs"];

/// The certificates that the operating system trusts, or those that the variables of OpenSSL name in their place.
fn of_system(environment: &Environment) -> Vec<CertificateDer<'static>> {
    let mut file = settings::SYSTEM_CA_FILE
        .variable(environment)
        .map(PathBuf::from);
    let directories = settings::SYSTEM_CA_DIRECTORIES.variable(environment);
    let mut directories: Vec<_> = directories
        .into_iter()
        .flat_map(std::env::split_paths)
        .filter(|path| !path.as_os_str().is_empty())
        .collect();
    if file.is_none() && directories.is_empty() {
        if !cfg!(target_os = "linux") {
            return rustls_native_certs::load_native_certs().certs;
        }
        // The function for all systems reads the variables of the process, which may be changing.
        let paths = |names: &[&str]| names.iter().map(PathBuf::from).collect::<Vec<_>>();
        file = paths(&LINUX_FILES).into_iter().find(|path| path.exists());
        directories = paths(&LINUX_DIRECTORIES);
    }
    let mut found = rustls_native_certs::load_certs_from_paths(file.as_deref(), None).certs;
    for directory in directories {
        let more = rustls_native_certs::load_certs_from_paths(None, Some(&directory));
        found.extend(more.certs);
    }
    found
}

/// The error of a failed handshake, with its remedy.
pub(super) fn explained(error: io::Error) -> BoxError {
    let cause = error
        .get_ref()
        .and_then(|cause| cause.downcast_ref::<TlsError>());
    let remedy = match cause {
        Some(TlsError::InvalidCertificate(reason)) => match reason {
            // The error is a bad signature if a different authority with the same name is trusted.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                Remedy::TrustAuthority
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Remedy::CheckEndpointHost
            }
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => Remedy::RenewCertificate,
            _ => Remedy::ReplaceCertificate,
        },
        Some(TlsError::InvalidMessage(_)) => Remedy::CheckEndpointTls,
        _ => return error.into(),
    };
    Failure::new(error.to_string()).with_remedy(remedy).into()
}

fn add_pem(
    store: &mut RootCertStore,
    setting: &'static str,
    pem: &[u8],
) -> Result<(), InvalidSetting> {
    let mut any = false;
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| InvalidSetting::new(setting, error))?;
        store
            .add(certificate)
            .map_err(|error| InvalidSetting::new(setting, error))?;
        any = true;
    }
    if any {
        Ok(())
    } else {
        Err(InvalidSetting::new(
            setting,
            "it holds no certificate in PEM form",
        ))
    }
}

#[cfg(test)]
mod tests;
