//! Every event that a request left in the log must have its row in `security_events`, and no other: asked once a test, at its
//! end, for every request that the test has sent. So each attack test asserts the event that lasts, too.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};
use uuid::Uuid;

use super::database::apart;
use super::{logs, wait};

/// The requests that were sent to one service. Its clients share it, so that no other test's requests can come in: a port is given
/// again as soon as its service has ended.
#[derive(Clone, Default)]
pub struct Sent(Arc<Mutex<Vec<Uuid>>>);

impl Sent {
    /// This request was sent.
    pub fn note(&self, request: &str) {
        self.0.lock().unwrap().push(request.parse().unwrap());
    }
}

/// Waits until the rows of all these requests are what the log says. Blocks: the service has a thread of its own.
pub fn must_have_rows(superuser: PgConnectOptions, sent: &Sent) {
    let requests = std::mem::take(&mut *sent.0.lock().unwrap());
    if requests.is_empty() {
        return;
    }
    apart(move || async move {
        let mut superuser = superuser.connect().await.expect("the database is there again at the end");
        wait::equal(Vec::new(), async || {
            let rows: Vec<(Uuid, String)> = sqlx::query_as(
                "select request_id, kind || '/' || reason from security_events where request_id = any($1)",
            )
            .bind(&requests)
            .fetch_all(&mut superuser)
            .await
            .unwrap();
            let (told, kept) = (of_log(&requests), grouped(rows));
            let differ = requests.iter().filter(|id| told.get(id) != kept.get(id));
            differ.map(|id| (told.get(id).cloned(), kept.get(id).cloned())).collect()
        })
        .await;
        superuser.close().await.unwrap();
    });
}

fn of_log(requests: &[Uuid]) -> BTreeMap<Uuid, Vec<String>> {
    grouped(requests.iter().flat_map(|id| logs::events_so_far(&id.to_string()).into_iter().map(|event| (*id, event))))
}

fn grouped(events: impl IntoIterator<Item = (Uuid, String)>) -> BTreeMap<Uuid, Vec<String>> {
    let mut all: BTreeMap<Uuid, Vec<String>> = BTreeMap::new();
    events.into_iter().for_each(|(id, event)| all.entry(id).or_default().push(event));
    all.values_mut().for_each(|events| events.sort());
    all
}
