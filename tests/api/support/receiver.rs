//! A TLS server that simulates a receiver of webhooks, the breach service, or a malicious server.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::folder;
use super::wait;
use serde_json::Value;
use strongroom::app::tls;
use strongroom::base::clock::Clock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

#[derive(Clone, Debug)]
pub enum ReceiverBehavior {
    /// Sends these bytes and closes the connection.
    Reply(String),
    NeverReply,
    /// Sends a head, but never the body.
    WithholdBody,
    /// Sends a 200 with a body of 64 MiB.
    FloodBody,
}

impl ReceiverBehavior {
    pub fn ok() -> Self {
        Self::status("200 OK", "", "ok")
    }

    pub fn status(status: &str, headers: &str, body: &str) -> Self {
        Self::Reply(format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len()))
    }
}

#[derive(Clone, Debug)]
pub struct ReceivedRequest {
    pub head: String,
    pub headers: HashMap<String, String>,
    pub body: String,
}

impl ReceivedRequest {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

pub struct Receiver {
    pub port: u16,
    folder: PathBuf,
    behavior: Arc<Mutex<ReceiverBehavior>>,
    received: Arc<Mutex<Vec<ReceivedRequest>>>,
    connections: Arc<AtomicUsize>,
    /// How many bytes of [`ReceiverBehavior::FloodBody`] the service has read.
    pub flooded: Arc<AtomicUsize>,
    listener: tokio::task::JoinHandle<()>,
}

impl Receiver {
    pub async fn start(behavior: ReceiverBehavior) -> Self {
        let folder = folder::new_path();
        let certificate = tls::development_certificate(&folder, Clock::default().now()).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(tls::server_config(certificate).unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (behavior, received) = (Arc::new(Mutex::new(behavior)), Arc::new(Mutex::new(Vec::new())));
        let (connections, flooded) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let task = tokio::spawn({
            let (behavior, received, connections, flooded) =
                (behavior.clone(), received.clone(), connections.clone(), flooded.clone());
            async move {
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    connections.fetch_add(1, Ordering::SeqCst);
                    let (acceptor, behavior, received, flooded) =
                        (acceptor.clone(), behavior.clone(), received.clone(), flooded.clone());
                    tokio::spawn(async move {
                        // A service that does not trust this certificate ends the handshake.
                        let Ok(mut stream) = acceptor.accept(stream).await else { return };
                        let Some(request) = request(&mut stream).await else { return };
                        received.lock().unwrap().push(request);
                        let behavior = behavior.lock().unwrap().clone();
                        answer(&mut stream, behavior, &flooded).await;
                    });
                }
            }
        });
        Self { port, folder, behavior, received, connections, flooded, listener: task }
    }

    pub fn url(&self) -> String {
        format!("https://localhost:{}/hook", self.port)
    }

    pub fn authority(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    pub fn set_behavior(&self, behavior: ReceiverBehavior) {
        *self.behavior.lock().unwrap() = behavior;
    }

    pub fn requests(&self) -> Vec<ReceivedRequest> {
        self.received.lock().unwrap().clone()
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Waits for this number of requests, and returns all requests.
    pub async fn wait_for_requests(&self, number: usize) -> Vec<ReceivedRequest> {
        let what = format!("message {number}");
        wait::until_some(&what, async || Some(self.requests()).filter(|received| received.len() >= number)).await
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.listener.abort();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

async fn request(stream: &mut (impl AsyncReadExt + Unpin)) -> Option<ReceivedRequest> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
            let lines = head.lines().skip(1).filter_map(|line| line.split_once(": "));
            let headers: HashMap<String, String> =
                lines.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
            let length: usize = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
            if bytes.len() >= end + 4 + length {
                let body = String::from_utf8(bytes[end + 4..].to_vec()).unwrap();
                return Some(ReceivedRequest { head, headers, body });
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

async fn answer(stream: &mut (impl AsyncWriteExt + Unpin), behavior: ReceiverBehavior, flooded: &AtomicUsize) {
    const MIB: usize = 1 << 20;
    match behavior {
        ReceiverBehavior::Reply(bytes) => {
            let _ = stream.write_all(bytes.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
        ReceiverBehavior::NeverReply => std::future::pending().await,
        ReceiverBehavior::WithholdBody => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n").await;
            let _ = stream.flush().await;
            std::future::pending().await
        }
        ReceiverBehavior::FloodBody => {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", 64 * MIB);
            let _ = stream.write_all(head.as_bytes()).await;
            let part = vec![b'x'; MIB];
            for _ in 0..64 {
                if stream.write_all(&part).await.is_err() {
                    return;
                }
                flooded.fetch_add(MIB, Ordering::SeqCst);
            }
        }
    }
}
