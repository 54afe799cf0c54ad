//! A minimal WebSocket client that can also send invalid frames.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Actor, TestApp, logs, wait};

/// The example of RFC 6455 §1.3: the key, and the server's answer to it.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// How long a test waits for an expected message.
const MAX_WAIT: Duration = Duration::from_secs(20);

pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;

pub struct Socket {
    pub stream: TcpStream,
    /// The request id of the handshake, which finds the log lines of the socket.
    pub request_id: String,
}

/// Sends a handshake with additional headers. Returns the head of the reply, and the stream.
pub async fn handshake(app: &TestApp, more: &str) -> (String, TcpStream) {
    let stream = TcpStream::connect(app.base.strip_prefix("http://").unwrap()).await.unwrap();
    handshake_on(app, stream, more).await
}

async fn handshake_on(app: &TestApp, mut stream: TcpStream, more: &str) -> (String, TcpStream) {
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
    app.sent.record(&id.expect("a request id"));
    (head, stream)
}

pub async fn ticket(actor: &Actor) -> String {
    let reply = actor.request(Method::POST, "/api/v1/live/tickets").send().await.ok(201);
    reply.json()["ticket"].as_str().unwrap().to_owned()
}

impl Socket {
    pub async fn open(app: &TestApp) -> Self {
        Self::upgraded(handshake(app, "").await)
    }

    fn upgraded((head, stream): (String, TcpStream)) -> Self {
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        let header = |name: &str| {
            let line = head.lines().find(|line| line.to_lowercase().starts_with(&format!("{name}: "))).unwrap();
            line.split_once(": ").unwrap().1.to_owned()
        };
        assert_eq!(header("sec-websocket-accept"), ACCEPT);
        Self { request_id: header("x-request-id"), stream }
    }

    /// Opens a socket and authenticates with a ticket of the actor.
    pub async fn connect(app: &TestApp, actor: &Actor) -> Self {
        // Get the ticket first, because an open socket waits only five seconds for it.
        let ticket = ticket(actor).await;
        Self::open(app).await.signed_in(&ticket).await
    }

    /// Connects with very small buffers, to simulate a slow client.
    pub async fn connect_slow(app: &TestApp, actor: &Actor) -> Self {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(2_304).unwrap();
        socket2::SockRef::from(&socket).set_tcp_mss(536).unwrap();
        let ticket = ticket(actor).await;
        let stream = socket.connect(app.running.as_ref().unwrap().http).await.unwrap();
        Self::upgraded(handshake_on(app, stream, "").await).signed_in(&ticket).await
    }

    async fn signed_in(mut self, ticket: &str) -> Self {
        self.send(&json!({"type": "authenticate", "ticket": ticket})).await;
        assert_eq!(self.receive().await["type"], "ready");
        self
    }

    /// Sends a masked frame with this first byte.
    pub async fn frame(&mut self, first: u8, payload: &[u8]) {
        self.raw(&frame(first, payload)).await;
    }

    pub async fn raw(&mut self, bytes: &[u8]) {
        // Ignore an error: the server may have closed the connection, and the test reads the close frame later.
        let _ = self.stream.write_all(bytes).await;
    }

    pub async fn send(&mut self, message: &Value) {
        self.frame(0x80 | TEXT, message.to_string().as_bytes()).await;
    }

    pub async fn request(&mut self, message: &Value) -> Value {
        self.send(message).await;
        self.receive().await
    }

    pub async fn subscribe(&mut self, object: &str, id: Option<&str>) -> Value {
        let mut message = json!({"type": "subscribe", "object": object});
        if let Some(id) = id {
            message["id"] = id.into();
        }
        self.request(&message).await
    }

    /// Returns opcode and payload of the next frame, or `None` at the end of the connection.
    pub async fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        tokio::time::timeout(MAX_WAIT, self.read()).await.expect("a frame arrives")
    }

    async fn read(&mut self) -> Option<(u8, Vec<u8>)> {
        let first = self.stream.read_u8().await.ok()?;
        assert_eq!(first & 0xf0, 0x80, "the server must send only final frames without extensions");
        let length = match self.stream.read_u8().await.ok()? {
            126 => usize::from(self.stream.read_u16().await.ok()?),
            127 => panic!("frame too long"),
            length => usize::from(length),
        };
        let mut payload = vec![0; length];
        self.stream.read_exact(&mut payload).await.ok()?;
        Some((first & 0x0f, payload))
    }

    /// Returns the text of the next message that is no ping.
    pub async fn text(&mut self) -> String {
        loop {
            match self.next().await {
                Some((TEXT, payload)) => return String::from_utf8(payload).unwrap(),
                Some((PING, _)) => {}
                other => panic!("not a message: {other:?}"),
            }
        }
    }

    pub async fn receive(&mut self) -> Value {
        serde_json::from_str(&self.text().await).unwrap()
    }

    /// Reads until the close frame and the end of the connection, and returns the code.
    /// The timeout is shorter than the interval at which the service checks sessions. So if a session has ended, the
    /// notification must close the socket, because this check may come too late.
    pub async fn close_code(&mut self) -> u16 {
        tokio::time::timeout(MAX_WAIT, self.read_close_code()).await.expect("the server closes the socket")
    }

    async fn read_close_code(&mut self) -> u16 {
        loop {
            match self.next().await {
                Some((CLOSE, payload)) => {
                    assert_eq!(self.next().await, None, "the server ends the connection");
                    return u16::from_be_bytes([payload[0], payload[1]]);
                }
                Some(_) => {}
                None => panic!("the connection ended without a close frame"),
            }
        }
    }

    pub async fn wait_for_event(&self, event: &str) -> Vec<String> {
        wait::until_some(event, async || {
            let events = logs::events(&self.request_id);
            events.iter().any(|one| one.starts_with(event)).then_some(events)
        })
        .await
    }
}

/// Returns a masked frame, because clients must mask their frames.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [7, 19, 61, 200];
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..126 => frame.push(0x80 | length as u8),
        length => frame.extend([&[0x80 | 126][..], &(length as u16).to_be_bytes()].concat()),
    }
    frame.extend(mask);
    frame.extend(payload.iter().enumerate().map(|(index, byte)| byte ^ mask[index % 4]));
    frame
}
