//! A WebSocket client made by hand, so that it can also send what no library would.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Actor, TestApp, logs, wait};

/// The example of RFC 6455 §1.3, with the answer that it must have.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Bounds every wait for something that must come.
const AT_MOST: Duration = Duration::from_secs(20);

pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;

pub struct Socket {
    pub stream: TcpStream,
    /// The id of its handshake, under which the log has its story.
    pub request_id: String,
}

/// The reply to a handshake: its head, and the stream behind it.
pub async fn shake(app: &TestApp, more: &str) -> (String, TcpStream) {
    let stream = TcpStream::connect(app.base.strip_prefix("http://").unwrap()).await.unwrap();
    shake_on(app, stream, more).await
}

async fn shake_on(app: &TestApp, mut stream: TcpStream, more: &str) -> (String, TcpStream) {
    let head = format!(
        "GET /api/v1/live HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n{more}\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("a whole head"));
    }
    let head = String::from_utf8(head).unwrap();
    let id = head.lines().find_map(|line| line.to_lowercase().strip_prefix("x-request-id: ").map(str::to_owned));
    app.sent.note(&id.expect("a request id"));
    (head, stream)
}

/// A ticket for this actor.
pub async fn ticket(actor: &Actor) -> String {
    let reply = actor.request(Method::POST, "/api/v1/live/tickets").send().await.ok(201);
    reply.json()["ticket"].as_str().unwrap().to_owned()
}

impl Socket {
    /// A handshake that is taken; nothing said yet.
    pub async fn open(app: &TestApp) -> Self {
        Self::taken(shake(app, "").await)
    }

    fn taken((head, stream): (String, TcpStream)) -> Self {
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        let header = |name: &str| {
            let line = head.lines().find(|line| line.to_lowercase().starts_with(&format!("{name}: "))).unwrap();
            line.split_once(": ").unwrap().1.to_owned()
        };
        assert_eq!(header("sec-websocket-accept"), ACCEPT);
        Self { request_id: header("x-request-id"), stream }
    }

    /// Signed in by a ticket of this actor's.
    pub async fn of(app: &TestApp, actor: &Actor) -> Self {
        // The ticket first: a socket waits only five seconds for it.
        let ticket = ticket(actor).await;
        Self::open(app).await.signed_in(&ticket).await
    }

    /// The same on a connection on which little is under way at once.
    pub async fn slow(app: &TestApp, actor: &Actor) -> Self {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(2_304).unwrap();
        socket2::SockRef::from(&socket).set_tcp_mss(536).unwrap();
        let ticket = ticket(actor).await;
        let stream = socket.connect(app.running.as_ref().unwrap().http).await.unwrap();
        Self::taken(shake_on(app, stream, "").await).signed_in(&ticket).await
    }

    async fn signed_in(mut self, ticket: &str) -> Self {
        self.say(&json!({"type": "authenticate", "ticket": ticket})).await;
        assert_eq!(self.hear().await["type"], "ready");
        self
    }

    /// Sends one frame: first byte as given, masked.
    pub async fn frame(&mut self, first: u8, payload: &[u8]) {
        self.raw(&frame(first, payload)).await;
    }

    pub async fn raw(&mut self, bytes: &[u8]) {
        // The other side may have closed meanwhile; what it said is read afterwards.
        let _ = self.stream.write_all(bytes).await;
    }

    pub async fn say(&mut self, message: &Value) {
        self.frame(0x80 | TEXT, message.to_string().as_bytes()).await;
    }

    /// Says something and reads the answer to it.
    pub async fn ask(&mut self, message: &Value) -> Value {
        self.say(message).await;
        self.hear().await
    }

    pub async fn subscribe(&mut self, object: &str, id: Option<&str>) -> Value {
        let mut wish = json!({"type": "subscribe", "object": object});
        if let Some(id) = id {
            wish["id"] = id.into();
        }
        self.ask(&wish).await
    }

    /// The next frame: opcode and payload. `None`: the connection has ended.
    pub async fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        tokio::time::timeout(AT_MOST, self.read()).await.expect("something comes")
    }

    async fn read(&mut self) -> Option<(u8, Vec<u8>)> {
        let first = self.stream.read_u8().await.ok()?;
        assert_eq!(first & 0xf0, 0x80, "whole frames, no extension");
        let length = match self.stream.read_u8().await.ok()? {
            126 => usize::from(self.stream.read_u16().await.ok()?),
            127 => panic!("a server that says so much"),
            length => usize::from(length),
        };
        let mut payload = vec![0; length];
        self.stream.read_exact(&mut payload).await.ok()?;
        Some((first & 0x0f, payload))
    }

    /// The text of the next message; pings are passed over.
    pub async fn text(&mut self) -> String {
        loop {
            match self.next().await {
                Some((TEXT, payload)) => return String::from_utf8(payload).unwrap(),
                Some((PING, _)) => {}
                other => panic!("no message: {other:?}"),
            }
        }
    }

    pub async fn hear(&mut self) -> Value {
        serde_json::from_str(&self.text().await).unwrap()
    }

    /// Reads on until the close frame and says its code, then sees the connection end. Well before the database is asked again
    /// whether the session lives: what must be announced is not found by that.
    pub async fn closed(&mut self) -> u16 {
        tokio::time::timeout(AT_MOST, self.last_word()).await.expect("it is closed")
    }

    async fn last_word(&mut self) -> u16 {
        loop {
            match self.next().await {
                Some((CLOSE, payload)) => {
                    assert_eq!(self.next().await, None, "the server ends the connection");
                    return u16::from_be_bytes([payload[0], payload[1]]);
                }
                Some(_) => {}
                None => panic!("ended without a close frame"),
            }
        }
    }

    /// Waits until an event has been left that begins like this, and says all that were.
    pub async fn left(&self, event: &str) -> Vec<String> {
        wait::found(event, async || {
            let events = logs::events(&self.request_id);
            events.iter().any(|one| one.starts_with(event)).then_some(events)
        })
        .await
    }
}

/// One frame of a client.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [7, 19, 61, 200];
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..126 => frame.push(0x80 | length as u8),
        length => frame.extend([&[0x80 | 126][..], &(length as u16).to_be_bytes()].concat()),
    }
    frame.extend(mask);
    frame.extend(payload.iter().enumerate().map(|(place, byte)| byte ^ mask[place % 4]));
    frame
}
