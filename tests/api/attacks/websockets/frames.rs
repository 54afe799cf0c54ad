//! Frames and messages that are malformed, too large or too many (API4, API8).

use serde_json::json;
use strongroom::security::websockets::MAX_QUEUED_CHANGES;

use crate::support::socket::{BINARY, Socket, TEXT, frame};
use crate::support::{TestApp, logs, wait};

async fn signed_in(app: &TestApp) -> Socket {
    let alice = app.user("alice").await;
    Socket::connect(app, &alice).await
}

/// Sends these bytes, and asserts the close code and the event.
async fn assert_closes(bytes: &[u8], code: u16, event: &str) {
    let app = TestApp::start().await;
    let mut socket = signed_in(&app).await;
    socket.raw(bytes).await;
    assert_eq!(socket.close_code().await, code);
    socket.wait_for_event(event).await;
}

#[actix_web::test]
async fn binary_message_closes_the_socket() {
    assert_closes(&frame(0x80 | BINARY, b"{}"), 1003, "input_validation_fail/live_binary").await;
}

#[actix_web::test]
async fn invalid_utf8_closes_the_socket() {
    assert_closes(&frame(0x80 | TEXT, b"\xff\xfe"), 1007, "input_validation_fail/live_not_utf8").await;
    let fragments = [frame(TEXT, b"\xc3"), frame(0x80, b"\x28")];
    assert_closes(&fragments.concat(), 1007, "input_validation_fail/live_not_utf8").await;
}

#[actix_web::test]
async fn protocol_violation_closes_the_socket() {
    for bytes in [
        // In order: no mask; reserved bits without compression; an unknown opcode; a continuation without a start; an
        // oversized ping; a fragmented ping; a message within a message.
        vec![0x81, 2, b'{', b'}'],
        frame(0xc1, b"{}"),
        frame(0x83, b"{}"),
        frame(0x80, b"{}"),
        frame(0x89, &[b'x'; 126]),
        frame(0x09, b"x"),
        [frame(TEXT, b"{"), frame(0x80 | TEXT, b"}")].concat(),
    ] {
        assert_closes(&bytes, 1002, "input_validation_fail/live_protocol").await;
    }
}

#[actix_web::test]
async fn oversized_frame_or_message_closes_the_socket() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let fits = |length: usize| format!("{{\"type\":\"x\",\"y\":\"{}\"}}", "y".repeat(length - 19));
    let mut socket = Socket::connect(&app, &alice).await;
    socket.frame(0x80 | TEXT, fits(4_096).as_bytes()).await;
    assert_eq!(
        socket.receive().await,
        json!({"type": "error", "code": "invalid_input"}),
        "the service must accept a message of 4,096 bytes"
    );
    let whole = fits(16_384);
    let parts: Vec<&[u8]> = whole.as_bytes().chunks(4_096).collect();
    for (index, part) in parts.iter().enumerate() {
        let first = if index == 0 { TEXT } else { 0 };
        socket.frame(first | if index == parts.len() - 1 { 0x80 } else { 0 }, part).await;
    }
    assert_eq!(socket.receive().await["code"], "invalid_input", "the service must accept a message of 16,384 bytes");
    socket.frame(0x80 | TEXT, fits(4_097).as_bytes()).await;
    assert_eq!(socket.close_code().await, 1009);
    socket.wait_for_event("input_validation_fail/live_too_large").await;

    let mut socket = Socket::connect(&app, &alice).await;
    socket.frame(TEXT, &[b'x'; 4_096]).await;
    for _ in 0..3 {
        socket.frame(0, &[b'x'; 4_096]).await;
    }
    socket.frame(0x80, b"x").await;
    assert_eq!(socket.close_code().await, 1009);
}

/// A frame header that announces a gigabyte must not make the service buffer a gigabyte.
#[actix_web::test]
async fn oversized_frame_header_closes_the_socket_before_its_payload() {
    let gigabyte = [&[0x81, 0xff][..], &(1_u64 << 30).to_be_bytes(), &[1, 2, 3, 4]].concat();
    assert_closes(&gigabyte, 1009, "input_validation_fail/live_too_large").await;
    assert_closes(&[&[0x81, 0xff][..], &[0xff; 8]].concat(), 1009, "input_validation_fail/live_too_large").await;
}

#[actix_web::test]
async fn endless_fragments_and_pings_close_the_socket() {
    let empty = frame(0, b"");
    let flood = [frame(TEXT, b""), empty.repeat(2_000)].concat();
    assert_closes(&flood, 4429, "excess_rate_limit_exceeded/live_frames").await;
    let pings = frame(0x89, b"x").repeat(2_000);
    assert_closes(&pings, 4429, "excess_rate_limit_exceeded/live_frames").await;
}

#[actix_web::test]
async fn invalid_messages_are_refused_and_too_many_close_the_socket() {
    let app = TestApp::start().await;
    let mut socket = signed_in(&app).await;
    let id = uuid::Uuid::new_v4().to_string();
    let invalid = [
        "".to_owned(),
        "{".to_owned(),
        "null".to_owned(),
        "[\"subscribe\",\"invoices\"]".to_owned(),
        json!({"type": "shutdown"}).to_string(),
        json!({"type": "subscribe", "object": "users"}).to_string(),
        json!({"type": "subscribe", "object": "invoices", "owner_id": id}).to_string(),
        json!({"type": "subscribe", "object": "invoices", "id": id}).to_string(),
        format!("{{\"type\":\"subscribe\",\"object\":\"invoice\",\"id\":\"{id}\",\"id\":\"{id}\"}}"),
        json!({"type": "authenticate", "ticket": "A".repeat(43)}).to_string(),
    ];
    for message in &invalid {
        socket.frame(0x80 | TEXT, message.as_bytes()).await;
        let answer = socket.text().await;
        let code = serde_json::from_str::<serde_json::Value>(&answer).unwrap()["code"].clone();
        assert!(code == "not_json" || code == "invalid_input", "{message}: {answer}");
        assert!(answer.len() < 50, "the answer must not repeat the message: {answer}");
    }
    assert_eq!(socket.wait_for_event("input_validation_fail/live_message").await.len(), invalid.len());
    socket.send(&json!({"type": "x"})).await;
    assert_eq!(socket.close_code().await, 1008);
    socket.wait_for_event("input_validation_fail/live_invalid_messages").await;
}

#[actix_web::test]
async fn sixty_first_message_in_a_minute_closes_the_socket() {
    let app = TestApp::start().await;
    let mut socket = signed_in(&app).await;
    // Send all frames in one write, so that they arrive within a minute on a slow machine.
    let message = json!({"type": "subscribe", "object": "invoices"}).to_string();
    socket.raw(&frame(0x80 | TEXT, message.as_bytes()).repeat(61)).await;
    for _ in 0..60 {
        assert_eq!(socket.receive().await["type"], "subscribed");
    }
    assert_eq!(socket.close_code().await, 4429);
    socket.wait_for_event("excess_rate_limit_exceeded/live_messages").await;
}

/// Slow read: the service's queue for this client is bounded, and fills soon if the client's receive buffer is small.
#[actix_web::test]
async fn client_that_does_not_read_is_disconnected() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let socket = Socket::connect_slow(&app, &alice).await;
    // These messages need no database, so they fill the queue long before an idle socket would time out.
    wait::until("the slow reader is disconnected", async || {
        (0..MAX_QUEUED_CHANGES).for_each(|_| app.services().live.resync());
        logs::events(&socket.request_id).contains(&"excess_rate_limit_exceeded/live_slow_reader".to_owned())
    })
    .await;
}
