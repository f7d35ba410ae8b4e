use super::is_loopback;

#[test]
fn loopback_hosts() {
    for host in [
        "localhost",
        "LocalHost:8000",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.255.0.9:65535",
        "[::1]",
        "[::1]:8000",
        "[0:0:0:0:0:0:0:1]:80",
    ] {
        assert!(is_loopback(host), "{host}");
    }
}

#[test]
fn other_hosts() {
    for host in [
        "",
        ":8000",
        "example.com",
        "localhost.example.com",
        "127.0.0.1.example.com:8000",
        "user@localhost",
        "localhost@example.com",
        "localhost:",
        "localhost:http",
        "localhost:99999",
        "localhost, example.com",
        "0.0.0.0:8000",
        "128.0.0.1",
        "0x7f.0.0.1",
        "127.1",
        "::1",
        "[::1",
        "[::2]:8000",
        "[::ffff:127.0.0.1]",
        "[::1]x",
        "[[::1]]",
    ] {
        assert!(!is_loopback(host), "{host}");
    }
}
