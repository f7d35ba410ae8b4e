use tokio::net::TcpListener;

use super::*;

#[tokio::test]
async fn a_connection_idle_too_long_by_either_clock_is_not_used_again() {
    let server = Server::start(vec![]).await;
    let (config, clock) = client_config(&server);
    let transport = HttpsTransport::new(config);
    transport.send(request()).await.unwrap();
    // A thaw: only the wall clock has moved.
    clock.set_wall(start() + Duration::from_secs(21));
    transport.send(request()).await.unwrap();
    // The wall clock was set back: now the monotonic clock shows the time.
    clock.advance(Duration::from_secs(21));
    clock.set_wall(start());
    transport.send(request()).await.unwrap();
    transport.send(request()).await.unwrap();
    assert_eq!(server.connections(), [0, 1, 2, 2]);
}

#[tokio::test]
async fn a_connection_closed_while_idle_costs_a_reconnect_not_an_error() {
    let closing = || vec![Act::AnswerAndClose(ok("{}"))];
    // On a separate thread, so that it closes the connection even while this one is blocked.
    let (sender, receiver) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            sender
                .send(Server::start(vec![closing(), closing()]).await)
                .ok()
                .unwrap();
            std::future::pending::<()>().await;
        });
    });
    let server = receiver.await.unwrap();
    let (config, clock) = client_config(&server);
    let transport = HttpsTransport::new(config);
    transport.send(request()).await.unwrap();
    // Long enough to notice the end of the connection.
    tokio::time::sleep(Duration::from_millis(100)).await;
    transport.send(request()).await.unwrap();
    // Not long enough to notice it.
    std::thread::sleep(Duration::from_millis(100));
    clock.advance(Duration::from_secs(2));
    transport.send(request()).await.unwrap();
    assert_eq!(server.connections(), [0, 1, 2]);
}

#[tokio::test]
async fn a_connection_whose_runtime_is_gone_costs_a_reconnect() {
    let server = Server::start(vec![]).await;
    let (config, _) = client_config(&server);
    let transport = Arc::new(HttpsTransport::new(config));
    let elsewhere = Arc::clone(&transport);
    let other = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(elsewhere.send(request())).unwrap();
    });
    tokio::task::spawn_blocking(|| other.join().unwrap())
        .await
        .unwrap();
    transport.send(request()).await.unwrap();
    assert_eq!(server.connections(), [0, 1]);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_broken_and_its_connection_gone() {
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{}".to_owned();
    let server = Server::start(vec![
        vec![Act::Close],
        vec![Act::AnswerAndClose(half)],
        vec![Act::Answer("nonsense\r\n\r\n".to_owned())],
        vec![Act::Answer(ok("{}")), Act::Close],
    ])
    .await;
    let (config, _) = client_config(&server);
    let transport = HttpsTransport::new(config);
    for _ in 0..3 {
        assert_eq!(reason(&transport).await.0, IncompleteReason::Broken);
    }
    transport.send(request()).await.unwrap();
    // The request was sent on the kept connection, so it may have been executed. The transport does not repeat it.
    assert_eq!(reason(&transport).await.0, IncompleteReason::Stale);
    transport.send(request()).await.unwrap();
    assert_eq!(server.connections(), [0, 1, 2, 3, 3, 4]);
}

#[tokio::test]
async fn an_unreachable_endpoint_is_a_failure_to_connect() {
    let server = Server::start(vec![]).await;
    let (mut config, _) = client_config(&server);
    let unused = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    config.endpoint_url = Some(format!("http://{unused}"));
    let transport = HttpsTransport::new(config);
    let incomplete = transport.send(request()).await.unwrap_err();
    assert_eq!(incomplete.reason, IncompleteReason::Connect);
    assert_eq!(incomplete.endpoint, Some(format!("http://{unused}")));
}

#[tokio::test]
async fn localhost_works_whichever_family_the_server_listens_on() {
    let server = Server::start(vec![]).await;
    let (mut config, _) = client_config(&server);
    config.endpoint_url = Some(format!("http://localhost:{}", server.address.port()));
    HttpsTransport::new(config).send(request()).await.unwrap();
    assert_eq!(
        server.received()[0].headers["host"],
        format!("localhost:{}", server.address.port())
    );
}

#[tokio::test]
async fn further_requests_wait_for_a_connection_in_turn() {
    let server = Server::start(vec![vec![Act::Hang], vec![Act::Hang]]).await;
    let (mut config, clock) = client_config(&server);
    config.max_connections = 2;
    let transport = Arc::new(HttpsTransport::new(config));
    let attempt = |timeout| {
        let transport = Arc::clone(&transport);
        tokio::spawn(async move {
            let request = Request {
                timeout: Duration::from_millis(timeout),
                ..request()
            };
            transport
                .send(request)
                .await
                .map_err(|incomplete| incomplete.source.to_string())
        })
    };
    let (first, second) = (attempt(5000), attempt(5000));
    server.has_received(2).await;
    let (hasty, patient) = (attempt(900), attempt(5000));
    tokio::time::sleep(Duration::from_millis(5)).await;
    clock.advance(Duration::from_millis(900));
    assert_eq!(
        hasty.await.unwrap().err().unwrap(),
        "no connection became free"
    );
    assert_eq!(server.received().len(), 2);
    clock.advance(Duration::from_millis(100));
    for stalled in [first, second] {
        assert_eq!(stalled.await.unwrap().err().unwrap(), "no answer within 1s");
    }
    assert_eq!(patient.await.unwrap().unwrap().status, 200);
    assert_eq!(server.connections()[2..], [2]);
}

#[tokio::test]
async fn an_attempt_dropped_half_way_leaves_no_connection_behind() {
    let server = Server::start(vec![vec![Act::Answer(ok("{}")), Act::Hang]]).await;
    let (config, _) = client_config(&server);
    let transport = Arc::new(HttpsTransport::new(config));
    transport.send(request()).await.unwrap();
    let dropped = Arc::clone(&transport);
    let task = tokio::spawn(async move { dropped.send(request()).await });
    server.has_received(2).await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    transport.send(request()).await.unwrap();
    assert_eq!(server.connections(), [0, 0, 1]);
}
