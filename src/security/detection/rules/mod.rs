//! Abuse is counted, told apart and answered.
//!
//! **Attack**: a signed-in user who walks through ids; a guesser who spreads his tries over addresses, replicas or hours, so that no
//! single refusal looks like anything.
//! **Control**: each security event passes here once, in the transaction that writes it, off the
//! request's path; [`table`] says which rule counts it and for whom. Counters are in PostgreSQL, for all replicas and over
//! restarts. From its threshold on a rule raises an alert (`alerts`: one, not one an event), and the sternest end the session,
//! in the same transaction.
//! **Limits**: whoever stays below every threshold; what one event says is in the log.
//! **ASVS**: 2.4.1, 6.3.1, 16.3.3, 16.5.2 · **Test**: `attacks::detection::rules`

mod store;
pub mod table;
pub mod writer;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use self::store::Addition;
use self::table::{Answer, Per, RULES, Rule, Which};
use crate::base::id::{SessionId, UserId};
use crate::config::RuleSettings;
use crate::http::client_ip::prefix_of;
use crate::http::error::ApiResult;
use crate::security::audit::entry::{Entry, Task};
use crate::security::detection::alerts::{About, Alerts, Finding};
use crate::security::sessions::revocations::{Ended, Revocations};

/// Why a session was ended: stands in its event.
const REASON: &str = "probing";

/// Counts events and acts on what they add up to.
#[derive(Clone)]
pub struct Rules {
    pub settings: RuleSettings,
    pub alerts: Alerts,
    pub revocations: Arc<Revocations>,
}

/// The events of one batch that one rule counts for one somebody.
struct Count {
    rule: &'static Rule,
    about: About,
    session: Option<SessionId>,
    events: i64,
}

impl Rules {
    /// Counts a batch inside the transaction that writes it. Returns the sessions that it ends, to be announced once that has
    /// committed.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn count(
        &self,
        connection: &mut PgConnection,
        batch: &[Entry],
        now: DateTime<Utc>,
    ) -> ApiResult<Vec<Ended>> {
        let counts = counts(batch);
        if counts.is_empty() {
            return Ok(Vec::new());
        }
        let additions: Vec<Addition> = counts
            .iter()
            .map(|((rule, key), count)| Addition {
                rule,
                about: key.clone(),
                events: count.events,
                window_ends_at: now + (count.rule.threshold)(&self.settings).window,
            })
            .collect();
        let mut ended = Vec::new();
        for counter in store::add(connection, &additions, now).await? {
            let Some(count) = counts.get(&(counter.rule.as_str(), counter.about)) else { continue };
            let threshold = (count.rule.threshold)(&self.settings);
            if counter.counted >= i64::from(threshold.count) {
                let finding = Finding {
                    rule: count.rule.name,
                    severity: count.rule.severity,
                    about: count.about.clone(),
                    counted_for: count.rule.per.name(),
                    threshold: i64::from(threshold.count),
                    count: counter.counted,
                    window: threshold.window,
                };
                self.alerts.raise(connection, &finding, now).await?;
                if let (Answer::EndSession, About::User(user), Some(session)) =
                    (count.rule.answer, &count.about, count.session)
                {
                    ended.push(self.revocations.end_within(connection, *user, session, REASON).await?);
                }
            }
        }
        Ok(ended)
    }

    /// After the commit: every replica hears of it by its trigger; here it need not be waited for.
    pub fn announce(&self, ended: Vec<Ended>) {
        ended.into_iter().for_each(|ended| self.revocations.announce(ended));
    }

    /// Forgets counters whose window has been over for as long as the longest window: until then an alert over all may sum them.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn sweep(&self, pool: &PgPool, now: DateTime<Utc>) -> ApiResult<()> {
        let longest = RULES.iter().map(|rule| (rule.threshold)(&self.settings).window).max().unwrap_or_default();
        Ok(store::sweep(pool, now - longest).await?)
    }
}

/// By rule and by whom it counts.
fn counts(batch: &[Entry]) -> BTreeMap<(&'static str, String), Count> {
    let mut counts = BTreeMap::new();
    for entry in batch.iter().filter(|entry| entry.task != Task::Write) {
        for rule in RULES.iter().filter(|rule| fits(rule, entry)) {
            let Some((key, about)) = whom(rule.per, entry) else { continue };
            let session = entry.session.map(SessionId::from);
            let count = counts.entry((rule.name, key)).or_insert(Count { rule, about, session, events: 0 });
            count.events += i64::try_from(entry.events()).unwrap_or(i64::MAX);
        }
    }
    counts
}

fn fits(rule: &Rule, entry: &Entry) -> bool {
    rule.events.iter().any(|(kind, which)| {
        *kind == entry.kind
            && match which {
                Which::All => true,
                Which::For(reasons) => reasons.contains(&entry.reason),
                Which::Foreign => entry.object_class.as_deref() == Some("foreign"),
                Which::Missing => entry.object_class.as_deref() == Some("missing"),
            }
    })
}

/// The counter's key, and whom its alert is about. `None`: the event does not say.
fn whom(per: Per, entry: &Entry) -> Option<(String, About)> {
    let user = entry.user.map(UserId::from);
    Some(match per {
        Per::User => (entry.user?.to_string(), About::User(user?)),
        Per::Session => (entry.session.map(|session: Uuid| session.to_string())?, About::User(user?)),
        Per::Account => (entry.subject.clone()?, About::Account(entry.subject.clone()?)),
        Per::Network => {
            let network: IpAddr = prefix_of(entry.address.as_deref()?)?;
            (network.to_string(), About::Network(network))
        }
    })
}
