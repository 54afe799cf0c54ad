//! A minimal load balancer. It forwards TCP connections to the replicas whose readiness check succeeds.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::rt::spawn;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

use super::client::Client;
use super::wait;

const CHECK_INTERVAL: Duration = Duration::from_millis(100);

/// The load balancer. The field `base` is its own URL. A parameter `base` is the URL of a replica.
pub struct Proxy {
    pub base: String,
    ready: Ready,
}

type Ready = Arc<Mutex<Vec<String>>>;

impl Proxy {
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let ready = Ready::default();
        spawn(accept(listener, ready.clone()));
        Self { base, ready }
    }

    pub async fn add(&self, base: &str) {
        spawn(check(base.to_owned(), self.ready.clone()));
        wait::until("the replica is ready", async || self.has(base)).await;
    }

    pub fn has(&self, base: &str) -> bool {
        self.ready.lock().unwrap().iter().any(|ready| ready == base)
    }
}

async fn check(base: String, ready: Ready) {
    let client = Client::from_address(&base, Ipv4Addr::LOCALHOST.into());
    loop {
        let is_ready = client.try_get("/health/ready").await.is_some_and(|status| status.is_success());
        {
            let mut ready = ready.lock().unwrap();
            ready.retain(|other| *other != base);
            if is_ready {
                ready.push(base.clone());
            }
        }
        tokio::time::sleep(CHECK_INTERVAL).await;
    }
}

async fn accept(listener: TcpListener, ready: Ready) {
    for turn in 0.. {
        let (mut client, _) = listener.accept().await.unwrap();
        let replica: Option<SocketAddr> = {
            let ready = ready.lock().unwrap();
            let base = ready.get(turn % ready.len().max(1));
            base.map(|base| base.strip_prefix("http://").unwrap().parse().unwrap())
        };
        let Some(replica) = replica else { continue };
        spawn(async move {
            if let Ok(mut replica) = TcpStream::connect(replica).await {
                // Ignore errors, because the client checks how the connection ends.
                let _ = copy_bidirectional(&mut client, &mut replica).await;
            }
        });
    }
}
