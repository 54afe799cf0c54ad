//! At the end of each test, compares the security events in the log with the rows of `security_events`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};
use uuid::Uuid;

use super::database::on_own_thread;
use super::{logs, wait};

/// The ids of all requests to one service. All clients of the service share this list.
#[derive(Clone, Default)]
pub struct SentRequests(Arc<Mutex<Vec<Uuid>>>);

impl SentRequests {
    pub fn record(&self, request: &str) {
        self.0.lock().unwrap().push(request.parse().unwrap());
    }
}

/// Waits until the stored events of all recorded requests equal the logged ones. Blocks its thread meanwhile: the
/// service runs on another thread.
pub fn assert_stored(superuser: PgConnectOptions, sent: &SentRequests) {
    let requests = std::mem::take(&mut *sent.0.lock().unwrap());
    if !requests.is_empty() {
        on_own_thread(move || wait_until_stored(superuser, requests));
    }
}

async fn wait_until_stored(superuser: PgConnectOptions, requests: Vec<Uuid>) {
    let mut superuser = superuser.connect().await.expect("the database is available at the end");
    wait::until_equal(Vec::new(), async || {
        let rows: Vec<(Uuid, String)> =
            sqlx::query_as("select request_id, kind || '/' || reason from security_events where request_id = any($1)")
                .bind(&requests)
                .fetch_all(&mut superuser)
                .await
                .unwrap();
        let (logged, stored) = (events_in_log(&requests), grouped(rows));
        let differ = requests.iter().filter(|id| logged.get(id) != stored.get(id));
        differ.map(|id| (logged.get(id).cloned(), stored.get(id).cloned())).collect()
    })
    .await;
    superuser.close().await.unwrap();
}

fn events_in_log(requests: &[Uuid]) -> BTreeMap<Uuid, Vec<String>> {
    grouped(requests.iter().flat_map(|id| logs::events_so_far(&id.to_string()).into_iter().map(|event| (*id, event))))
}

fn grouped(events: impl IntoIterator<Item = (Uuid, String)>) -> BTreeMap<Uuid, Vec<String>> {
    let mut all: BTreeMap<Uuid, Vec<String>> = BTreeMap::new();
    events.into_iter().for_each(|(id, event)| all.entry(id).or_default().push(event));
    all.values_mut().for_each(|events| events.sort());
    all
}
