use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::super::https::HttpsTransport;
use super::super::testing::{Server, client_config, environment, request};
use super::*;
use crate::transport::{Incomplete, IncompleteReason, Transport as _};

/// A server with a certificate for `localhost` and 127.0.0.1, and its authority's as PEM.
async fn tls_server() -> (Server, u16, String) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let certificate = CertificateParams::new(names)
        .unwrap()
        .signed_by(&key, &authority)
        .unwrap();

    let provider = Arc::new(crypto::ring::default_provider());
    let private = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = Server::start(vec![]).await;
    let serving = server.clone();
    tokio::spawn(async move {
        for connection in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            let (server, acceptor) = (serving.clone(), acceptor.clone());
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
                    server.serve(connection, stream, vec![]).await;
                }
            });
        }
    });
    (server, port, authority.pem())
}

async fn send(
    server: &Server,
    url: &str,
    roots: TlsRoots,
    variables: &[(&str, &str)],
) -> Result<(), Incomplete> {
    send_to(server, Some(url), roots, variables).await
}

async fn send_to(
    server: &Server,
    url: Option<&str>,
    roots: TlsRoots,
    variables: &[(&str, &str)],
) -> Result<(), Incomplete> {
    let (mut config, _) = client_config(server);
    config.endpoint_url = url.map(str::to_owned);
    config.tls_roots = roots;
    let mut all = vec![
        ("AWS_REGION", "r"),
        ("AWS_ACCESS_KEY_ID", "K"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
    ];
    all.extend(variables);
    config.environment = environment(&all);
    let transport = HttpsTransport::new(config);
    for _ in 0..2 {
        transport.send(request()).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_server_needs_a_trusted_authority_and_the_right_name() {
    let (server, port, pem) = tls_server().await;
    let by_name = format!("https://localhost:{port}");
    for url in [&by_name, &format!("https://127.0.0.1:{port}")] {
        send(&server, url, TlsRoots::Pem(pem.clone()), &[])
            .await
            .unwrap();
    }
    let connections: Vec<_> = server
        .received()
        .iter()
        .map(|request| request.connection)
        .collect();
    assert_eq!(connections, [0, 0, 1, 1]);

    for (url, roots) in [
        (by_name.clone(), TlsRoots::BuiltIn),
        (
            format!("https://127.0.0.2:{port}"),
            TlsRoots::Pem(pem.clone()),
        ),
        (
            format!("https://app.localhost:{port}"),
            TlsRoots::Pem(pem.clone()),
        ),
    ] {
        let incomplete = send(&server, &url, roots, &[]).await.unwrap_err();
        assert_eq!(incomplete.reason, IncompleteReason::Connect, "{url}");
    }

    let file = std::env::temp_dir().join(format!("dynamodb-session-ca-{}.pem", std::process::id()));
    std::fs::write(&file, &pem).unwrap();
    let path = file.to_str().unwrap();
    for variable in ["AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"] {
        send(&server, &by_name, TlsRoots::BuiltIn, &[(variable, path)])
            .await
            .unwrap();
        let pinned = send(
            &server,
            &by_name,
            TlsRoots::Pem(other_authority()),
            &[(variable, path)],
        )
        .await;
        assert_eq!(pinned.unwrap_err().reason, IncompleteReason::Connect);
    }
    std::fs::remove_file(file).unwrap();
    let missing = send(
        &server,
        &by_name,
        TlsRoots::BuiltIn,
        &[("AWS_CA_BUNDLE", "/nonexistent")],
    )
    .await;
    let missing = missing.unwrap_err();
    assert_eq!(missing.reason, IncompleteReason::Config);
    assert!(missing.source.to_string().starts_with("AWS_CA_BUNDLE: "));
}

/// As in the AWS CLI, the variable counts before the profile's setting.
#[tokio::test]
async fn the_profile_can_name_the_file_with_the_authorities() {
    let (server, port, pem) = tls_server().await;
    let directory =
        std::env::temp_dir().join(format!("dynamodb-session-tls-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let path = |name: &str| directory.join(name).to_str().unwrap().to_owned();
    let (files, bundle) = (
        [path("config"), path("right"), path("wrong")],
        path("right"),
    );
    for (file, text) in files.iter().zip([
        format!("[default]\nendpoint_url = https://localhost:{port}\nca_bundle = {bundle}\n"),
        pem,
        other_authority(),
    ]) {
        std::fs::write(file, text).unwrap();
    }
    let [config, right, wrong] = &files;
    for (set, roots, expected) in [
        (None, TlsRoots::BuiltIn, None),
        (Some(right), TlsRoots::BuiltIn, None),
        (
            Some(wrong),
            TlsRoots::BuiltIn,
            Some(IncompleteReason::Connect),
        ),
        (
            Some(config),
            TlsRoots::BuiltIn,
            Some(IncompleteReason::Config),
        ),
        (
            None,
            TlsRoots::Pem(other_authority()),
            Some(IncompleteReason::Connect),
        ),
    ] {
        let mut variables = vec![("AWS_CONFIG_FILE", config.as_str())];
        variables.extend(set.map(|path| ("AWS_CA_BUNDLE", path.as_str())));
        let sent = send_to(&server, None, roots, &variables).await;
        assert_eq!(
            sent.err().map(|incomplete| incomplete.reason),
            expected,
            "{set:?}"
        );
    }
    std::fs::remove_file(right).unwrap();
    let missing = send_to(
        &server,
        None,
        TlsRoots::BuiltIn,
        &[("AWS_CONFIG_FILE", config)],
    )
    .await;
    let missing = missing.unwrap_err().source.to_string();
    assert!(
        missing.starts_with(&format!("ca_bundle: {right}: ")),
        "{missing}"
    );
    std::fs::remove_dir_all(directory).unwrap();
}

#[tokio::test]
async fn the_authorities_of_the_system_are_those_of_the_store_s_variables() {
    let (server, port, pem) = tls_server().await;
    let url = format!("https://localhost:{port}");
    let directory =
        std::env::temp_dir().join(format!("dynamodb-session-ssl-{}", std::process::id()));
    let [first, second] = ["first", "second"].map(|name| directory.join(name));
    std::fs::create_dir_all(&first).unwrap();
    std::fs::create_dir_all(&second).unwrap();
    let file = second.join("ca.pem");
    std::fs::write(first.join("ca.pem"), other_authority()).unwrap();
    std::fs::write(&file, &pem).unwrap();
    let both = std::env::join_paths([&first, &second]).unwrap();
    for (name, value, is_trusted) in [
        ("SSL_CERT_FILE", file.to_str().unwrap(), true),
        ("SSL_CERT_DIR", both.to_str().unwrap(), true),
        ("SSL_CERT_DIR", first.to_str().unwrap(), false),
        ("SSL_CERT_FILE", "/nonexistent", false),
    ] {
        let sent = send(&server, &url, TlsRoots::System, &[(name, value)]).await;
        assert_eq!(sent.is_ok(), is_trusted, "{name} {value}");
    }
    std::fs::remove_dir_all(directory).unwrap();
}

/// Runs itself again, in a process whose variables name a file without certificates.
#[test]
#[cfg(target_os = "linux")]
fn the_authorities_of_the_system_do_not_depend_on_the_variables_of_the_process() {
    let is_ok = config(&TlsRoots::System, None, &environment(&[])).is_ok();
    assert!(is_ok, "this host has no certificate authorities");
    if std::env::var("SSL_CERT_FILE").is_ok_and(|file| file == "/dev/null") {
        return;
    }
    let test = "client::tls::tests::the_authorities_of_the_system_do_not_depend_on_the_variables_of_the_process";
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test])
        .env("SSL_CERT_FILE", "/dev/null")
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && shown.contains("1 passed"),
        "{shown}"
    );
}

fn other_authority() -> String {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap())
        .unwrap()
        .pem()
}

#[test]
fn the_extra_authorities_of_node_may_be_missing() {
    let environment = environment(&[("NODE_EXTRA_CA_CERTS", "/nonexistent")]);
    assert!(config(&TlsRoots::BuiltIn, None, &environment).is_ok());
}
