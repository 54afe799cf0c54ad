//! SSRF (API7, API10): the service sends outbound requests only to configured public [`addresses`]. Malicious
//! [`receivers`] cannot block, flood or mislead the service.

mod addresses;
mod receivers;

use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use strongroom::config::{OutboundUrl, Profile};
use strongroom::security::communication::outbound::{OutboundClient, OutboundError, Resolver, SystemResolver};

use crate::support::receiver::Receiver;

/// A resolver that returns these answers in order, and then repeats the last answer.
struct FakeResolver {
    answers: Mutex<Vec<Vec<IpAddr>>>,
    lookups: AtomicUsize,
}

impl FakeResolver {
    fn returning(answers: &[&[&str]]) -> Arc<Self> {
        let parsed = |answer: &&[&str]| answer.iter().map(|address| address.parse().unwrap()).collect();
        Arc::new(Self { answers: Mutex::new(answers.iter().map(parsed).collect()), lookups: AtomicUsize::new(0) })
    }
}

impl Resolver for FakeResolver {
    fn resolve(&self, _: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
        self.lookups.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
        Box::pin(async move { Ok(answer) })
    }
}

fn url(text: &str) -> OutboundUrl {
    OutboundUrl::parse(text, Profile::Development).unwrap_or_else(|| panic!("{text}"))
}

fn client(to: &str, authority: &Path, profile: Profile, resolver: Arc<dyn Resolver>) -> OutboundClient {
    OutboundClient::new(vec![url(to)], Some(authority), profile, resolver).unwrap()
}

/// Sends one message, with the resolver of the system.
async fn deliver(receiver: &Receiver) -> Result<(), OutboundError> {
    let to = receiver.url();
    post(&client(&to, &receiver.authority(), Profile::Development, Arc::new(SystemResolver)), &to).await
}

async fn post(client: &OutboundClient, to: &str) -> Result<(), OutboundError> {
    let to = url(to);
    let delivery = client.post(&to, Vec::new(), b"{}".to_vec());
    tokio::time::timeout(Duration::from_secs(60), delivery).await.expect("the request times out")
}
