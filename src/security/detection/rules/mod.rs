//! Detection rules: counting events to find brute force, password spraying and id enumeration (CWE-307, CWE-799,
//! CWE-778, API1:2023, API2:2023).
//!
//! **Attack**: a user enumerates ids, or an attacker spreads password guesses over addresses, replicas or hours.
//! No single refusal looks suspicious.
//! **Control**: each security event is counted once, in the transaction that stores the event.
//! The request does not wait for this transaction.
//! [`table`] lists the rules, and the property by which each rule counts.
//! The counters are in PostgreSQL, so all replicas share them and a restart does not reset them.
//! When the count of a subject reaches the threshold of a rule, the rule raises one alert.
//! Some rules ([`Action::EndSession`]) also end the session, in the same transaction.
//! **Limits**: an attacker who stays below every threshold causes no alert. Their events are in the log.
//! **ASVS**: 2.4.1, 6.3.1, 16.3.3, 16.5.2 · **Test**: `attacks::detection::rules`

pub mod table;
pub mod writer;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use self::table::{Action, CountBy, EventFilter, RULES, Rule};
use crate::base::id::{SessionId, UserId};
use crate::config::RuleSettings;
use crate::db::counters::{self, Increment};
use crate::http::client_ip::prefix_of;
use crate::http::error::ApiResult;
use crate::security::audit::entry::{Entry, Task};
use crate::security::detection::alerts::{Alerts, Finding, Subject};
use crate::security::sessions::revocations::{EndedSessions, Revocations};

/// The reason in the security event `session_ended`, if a detection rule ended the session.
const REASON: &str = "abuse_detected";

#[derive(Clone)]
pub struct Rules {
    pub settings: RuleSettings,
    pub alerts: Alerts,
    pub revocations: Arc<Revocations>,
}

/// How many events of a batch one rule counts for one subject.
struct Count {
    rule: &'static Rule,
    subject: Subject,
    session: Option<SessionId>,
    events: i64,
}

impl Rules {
    /// Counts the events of a batch in the transaction that stores them.
    /// Returns the sessions that the rules have ended. Pass them to [`Self::announce`] after the commit.
    pub async fn count(
        &self,
        connection: &mut PgConnection,
        batch: &[Entry],
        now: DateTime<Utc>,
    ) -> ApiResult<Vec<EndedSessions>> {
        let counts = counts(batch);
        let increments: Vec<Increment> = counts
            .iter()
            .map(|((rule, key), count)| Increment {
                kind: rule,
                key: key.clone(),
                by: count.events,
                window_ends_at: now + (count.rule.threshold)(&self.settings).window,
            })
            .collect();
        let mut ended = Vec::new();
        for counter in counters::add(&mut *connection, &increments, now).await? {
            let Some(count) = counts.get(&(counter.kind.as_str(), counter.key)) else { continue };
            let threshold = (count.rule.threshold)(&self.settings);
            if counter.count >= i64::from(threshold.count) {
                let finding = Finding {
                    rule: count.rule.name,
                    severity: count.rule.severity,
                    subject: count.subject.clone(),
                    counted_for: count.rule.count_by.name(),
                    threshold: i64::from(threshold.count),
                    count: counter.count,
                    window: threshold.window,
                };
                self.alerts.raise(connection, &finding, now).await?;
                if let (Action::EndSession, Subject::User(user), Some(session)) =
                    (count.rule.action, &count.subject, count.session)
                {
                    ended.push(self.revocations.end_in_transaction(connection, *user, session, REASON).await?);
                }
            }
        }
        Ok(ended)
    }

    /// Marks the sessions as ended on this replica and publishes their events. Call it after the commit.
    /// A database trigger notifies the other replicas.
    pub fn announce(&self, ended: Vec<EndedSessions>) {
        ended.into_iter().for_each(|ended| self.revocations.announce(ended));
    }

    /// Deletes old counters. An expired counter is kept for the longest window of all rules, because the totals
    /// of a combined alert may still include it.
    pub async fn sweep(&self, pool: &PgPool, now: DateTime<Utc>) -> ApiResult<()> {
        let longest = RULES.iter().map(|rule| (rule.threshold)(&self.settings).window).max().unwrap_or_default();
        Ok(counters::sweep(pool, now - longest).await?)
    }
}

fn counts(batch: &[Entry]) -> BTreeMap<(&'static str, String), Count> {
    let mut counts = BTreeMap::new();
    for entry in batch.iter().filter(|entry| entry.task != Task::Write) {
        for rule in RULES.iter().filter(|rule| matches(rule, entry)) {
            let Some((key, subject)) = subject_of(rule.count_by, entry) else { continue };
            let session = entry.session.map(SessionId::from);
            let count = counts.entry((rule.name, key)).or_insert(Count { rule, subject, session, events: 0 });
            count.events += i64::try_from(entry.events()).unwrap_or(i64::MAX);
        }
    }
    counts
}

fn matches(rule: &Rule, entry: &Entry) -> bool {
    rule.events.iter().any(|(kind, which)| {
        *kind == entry.kind
            && match which {
                EventFilter::All => true,
                EventFilter::Reasons(reasons) => reasons.contains(&entry.reason),
                EventFilter::Foreign => entry.object_class.as_deref() == Some("foreign"),
                EventFilter::Missing => entry.object_class.as_deref() == Some("missing"),
            }
    })
}

/// Returns the key of the counter and the subject of the alert, or `None` if the event does not contain the subject.
fn subject_of(count_by: CountBy, entry: &Entry) -> Option<(String, Subject)> {
    let user = entry.user.map(UserId::from);
    Some(match count_by {
        CountBy::User => (entry.user?.to_string(), Subject::User(user?)),
        CountBy::Session => (entry.session.map(|session: Uuid| session.to_string())?, Subject::User(user?)),
        CountBy::Account => (entry.subject.clone()?, Subject::Account(entry.subject.clone()?)),
        CountBy::Network => {
            let network: IpAddr = prefix_of(entry.address.as_deref()?)?;
            (network.to_string(), Subject::Network(network))
        }
    })
}
