//! A relay in front of the database. It can hold back replies, so that statements hang, or delay new connections.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy, split};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::sync::watch;

use super::folder;

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// The relay. It stops when it is dropped.
pub struct Relay {
    folder: PathBuf,
    withheld: watch::Sender<bool>,
    connect_delay: watch::Sender<Duration>,
}

impl Relay {
    pub fn to(server: PgConnectOptions) -> Arc<Self> {
        let folder = folder::new_path();
        std::fs::create_dir(&folder).unwrap();
        let (withheld, state) = watch::channel(false);
        let (connect_delay, delay) = watch::channel(Duration::ZERO);
        let path = folder.join(format!(".s.PGSQL.{}", server.get_port()));
        let (ready, listens) = std::sync::mpsc::channel();
        // The relay has its own thread, because a test may block the thread of the test.
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = UnixListener::bind(path).unwrap();
                ready.send(()).unwrap();
                let mut ended = state.clone();
                loop {
                    tokio::select! {
                        client = listener.accept() => {
                            let (client, server, state, delay) = (client.unwrap().0, server.clone(), state.clone(), *delay.borrow());
                            tokio::spawn(async move {
                                tokio::time::sleep(delay).await;
                                relay(client, server, state).await;
                            });
                        }
                        gone = ended.changed() => if gone.is_err() { return },
                    }
                }
            });
        });
        listens.recv().unwrap();
        Arc::new(Self { folder, withheld, connect_delay })
    }

    /// Returns connection options that go through the relay.
    pub fn through(&self, options: PgConnectOptions) -> PgConnectOptions {
        options.socket(&self.folder)
    }

    /// Holds back the replies of the database, or forwards them again.
    pub fn withhold(&self, withheld: bool) {
        self.withheld.send_replace(withheld);
    }

    pub fn delay_connections(&self, delay: Duration) {
        self.connect_delay.send_replace(delay);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

async fn relay(client: UnixStream, server: PgConnectOptions, mut withheld: watch::Receiver<bool>) {
    let port = server.get_port();
    let server: Box<dyn Stream> = match server.get_socket() {
        Some(folder) => Box::new(UnixStream::connect(folder.join(format!(".s.PGSQL.{port}"))).await.unwrap()),
        None => Box::new(TcpStream::connect((server.get_host(), port)).await.unwrap()),
    };
    let (mut from_client, mut to_client) = split(client);
    let (mut from_server, mut to_server) = split(server);
    let requests = tokio::spawn(async move { copy(&mut from_client, &mut to_server).await });
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from_server.read(&mut buffer).await {
        if withheld.wait_for(|withheld| !withheld).await.is_err()
            || to_client.write_all(&buffer[..length]).await.is_err()
        {
            break;
        }
    }
    requests.abort();
}
