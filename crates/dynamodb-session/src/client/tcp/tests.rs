use super::super::testing::config;
use super::*;

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

#[test]
fn the_address_families_alternate() {
    let addresses = ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"].map(address);
    let turns = ["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"].map(address);
    assert_eq!(by_turns(&addresses), turns);
    assert_eq!(by_turns(&[]), []);
}

#[tokio::test]
async fn the_next_address_is_tried_when_one_refuses() {
    let clock = config(&[]).clock;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let open = listener.local_addr().unwrap();
    let refusing = SocketAddr::new("127.0.0.2".parse().unwrap(), open.port());
    let stream = connect_any(&clock, vec![refusing, refusing, open])
        .await
        .unwrap();
    assert_eq!(stream.peer_addr().unwrap(), open);
    let refused = connect_any(&clock, vec![refusing, refusing])
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    assert_eq!(
        connect_any(&clock, vec![]).await.unwrap_err().kind(),
        io::ErrorKind::NotFound
    );
}
