//! The other end of an alert, or of a query to a breach service: a receiver behind real TLS that does what it is told to, also what no decent one does.

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

/// What it does with a whole request.
#[derive(Clone, Debug)]
pub enum Plays {
    /// These bytes, then it closes.
    Says(String),
    /// Nothing, for ever.
    SaysNothing,
    /// A head that promises a body, which never comes.
    KeepsTheBody,
    /// A 200 and an answer of 64 MiB.
    FloodsTheBody,
}

impl Plays {
    pub fn well() -> Self {
        Self::status("200 OK", "", "ok")
    }

    pub fn status(status: &str, headers: &str, body: &str) -> Self {
        Self::Says(format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len()))
    }
}

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Arrived {
    pub head: String,
    pub headers: HashMap<String, String>,
    pub body: String,
}

impl Arrived {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// It listens until it is dropped.
pub struct Receiver {
    pub port: u16,
    folder: PathBuf,
    plays: Arc<Mutex<Plays>>,
    arrived: Arc<Mutex<Vec<Arrived>>>,
    connections: Arc<AtomicUsize>,
    /// Bytes of floods that found a taker.
    pub taken: Arc<AtomicUsize>,
    listens: tokio::task::JoinHandle<()>,
}

impl Receiver {
    pub async fn start(plays: Plays) -> Self {
        let folder = folder::new_path();
        let certificate = tls::development_certificate(&folder, Clock::default().now()).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(tls::server_config(certificate).unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (plays, arrived) = (Arc::new(Mutex::new(plays)), Arc::new(Mutex::new(Vec::new())));
        let (connections, taken) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let listens = tokio::spawn({
            let (plays, arrived, connections, taken) =
                (plays.clone(), arrived.clone(), connections.clone(), taken.clone());
            async move {
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    connections.fetch_add(1, Ordering::SeqCst);
                    let (acceptor, plays, arrived, taken) =
                        (acceptor.clone(), plays.clone(), arrived.clone(), taken.clone());
                    tokio::spawn(async move {
                        // A caller that does not trust us breaks off in the handshake.
                        let Ok(mut stream) = acceptor.accept(stream).await else { return };
                        let Some(request) = request(&mut stream).await else { return };
                        arrived.lock().unwrap().push(request);
                        let plays = plays.lock().unwrap().clone();
                        answer(&mut stream, plays, &taken).await;
                    });
                }
            }
        });
        Self { port, folder, plays, arrived, connections, taken, listens }
    }

    pub fn url(&self) -> String {
        format!("https://localhost:{}/hook", self.port)
    }

    /// The authority that its certificate is from.
    pub fn authority(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    pub fn plays(&self, plays: Plays) {
        *self.plays.lock().unwrap() = plays;
    }

    pub fn arrived(&self) -> Vec<Arrived> {
        self.arrived.lock().unwrap().clone()
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// What has arrived, once it is so many or more.
    pub async fn wait_for(&self, number: usize) -> Vec<Arrived> {
        let what = format!("message {number}");
        wait::found(&what, async || Some(self.arrived()).filter(|arrived| arrived.len() >= number)).await
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.listens.abort();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

async fn request(stream: &mut (impl AsyncReadExt + Unpin)) -> Option<Arrived> {
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
                return Some(Arrived { head, headers, body });
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

async fn answer(stream: &mut (impl AsyncWriteExt + Unpin), plays: Plays, taken: &AtomicUsize) {
    const MIB: usize = 1 << 20;
    match plays {
        Plays::Says(bytes) => {
            let _ = stream.write_all(bytes.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
        Plays::SaysNothing => std::future::pending().await,
        Plays::KeepsTheBody => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n").await;
            let _ = stream.flush().await;
            std::future::pending().await
        }
        Plays::FloodsTheBody => {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", 64 * MIB);
            let _ = stream.write_all(head.as_bytes()).await;
            let part = vec![b'x'; MIB];
            for _ in 0..64 {
                if stream.write_all(&part).await.is_err() {
                    return;
                }
                taken.fetch_add(MIB, Ordering::SeqCst);
            }
        }
    }
}
