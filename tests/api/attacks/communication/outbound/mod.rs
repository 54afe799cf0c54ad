//! The one door to the outside (API7, API10): none of the [`addresses`] leads inside, and none of the [`receivers`] holds us up,
//! floods us or is believed.

mod addresses;
mod receivers;

use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use strongroom::config::{Profile, WebhookUrl};
use strongroom::security::communication::outbound::{Door, Lookup, SystemLookup, Undelivered};

use crate::support::receiver::Receiver;

/// A name server that says one thing after another; the last one again and again.
struct Liar {
    answers: Mutex<Vec<Vec<IpAddr>>>,
    asked: AtomicUsize,
}

impl Liar {
    fn saying(answers: &[&[&str]]) -> Arc<Self> {
        let parsed = |answer: &&[&str]| answer.iter().map(|address| address.parse().unwrap()).collect();
        Arc::new(Self { answers: Mutex::new(answers.iter().map(parsed).collect()), asked: AtomicUsize::new(0) })
    }
}

impl Lookup for Liar {
    fn addresses(&self, _: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
        Box::pin(async move { Ok(answer) })
    }
}

fn url(text: &str) -> WebhookUrl {
    WebhookUrl::parse(text, Profile::Development).unwrap_or_else(|| panic!("{text}"))
}

fn door(to: &str, authority: &Path, profile: Profile, lookup: Arc<dyn Lookup>) -> Door {
    Door::new(vec![url(to)], Some(authority), profile, lookup).unwrap()
}

/// One delivery, as the system resolves. It has an end, or the test has one.
async fn deliver(receiver: &Receiver) -> Result<(), Undelivered> {
    let to = receiver.url();
    knock(&door(&to, &receiver.authority(), Profile::Development, Arc::new(SystemLookup)), &to).await
}

async fn knock(door: &Door, to: &str) -> Result<(), Undelivered> {
    let to = url(to);
    let delivery = door.post(&to, Vec::new(), b"{}".to_vec());
    tokio::time::timeout(Duration::from_secs(60), delivery).await.expect("a delivery has an end")
}
