use super::super::testing::config;
use super::*;
use crate::options::TlsRoots;

#[test]
fn contradictions_are_found_before_the_first_request() {
    let url = Some("http://h".to_owned());
    let bad = [
        ClientConfig {
            endpoint_url: Some("nonsense://".to_owned()),
            ..config(&[])
        },
        ClientConfig {
            endpoint_url: url.clone(),
            use_fips: true,
            ..config(&[])
        },
        ClientConfig {
            endpoint_url: url.clone(),
            use_dual_stack: true,
            ..config(&[])
        },
        ClientConfig {
            proxy: Some("socks5://p".to_owned()),
            ..config(&[])
        },
        ClientConfig {
            user_agent_suffix: Some("a\nb".to_owned()),
            ..config(&[])
        },
        ClientConfig {
            tls_roots: TlsRoots::Pem("nothing".to_owned()),
            ..config(&[])
        },
    ];
    for config in bad {
        assert_eq!(
            settings(&config).unwrap_err().kind(),
            crate::ErrorKind::Config
        );
    }
    assert!(
        settings(&ClientConfig {
            endpoint_url: url,
            ..config(&[])
        })
        .is_ok()
    );
}
