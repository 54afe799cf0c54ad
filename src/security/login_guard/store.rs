//! The counters' statements: one to decide, one to count, one to clear. Each is the same for every attempt; what differs is its
//! parameters.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::Attempt;
use crate::config::LoginSettings;
use crate::security::proof_of_work::GOOD_FOR;

/// A run of failures ends by itself when so long none is added.
const RUN_ENDS_AFTER: TimeDelta = TimeDelta::days(30);

/// What stands in an attempt's way.
pub struct Found {
    pub pair_until: Option<DateTime<Utc>>,
    /// The address is full, and this is when its network has its next turn.
    pub turn_at: Option<DateTime<Utc>>,
    /// The address is full, and this attempt took the turn.
    pub trickled: bool,
    pub sprayed: bool,
    /// Names that have failed from there.
    pub names: i64,
    pub locked: bool,
}

/// The run of strangers has three fifths of the ceiling; known devices one, and whoever is inside and proves it again one, so
/// that all of them together stay below it.
pub(super) fn ceilings(settings: &LoginSettings) -> (i64, i64) {
    let fifth = i64::from(settings.ceiling / 5);
    (3 * fifth, fifth)
}

fn turn(settings: &LoginSettings) -> Duration {
    settings.trickle.window / settings.trickle.count.max(1)
}

/// Reads every counter, and takes the network's turn where the address is full, with the solved challenge if there is one. Of two at
/// once one has it.
pub async fn decide(
    pool: &PgPool,
    attempt: &Attempt,
    settings: &LoginSettings,
    now: DateTime<Utc>,
) -> Result<Found, sqlx::Error> {
    let (kinds, keys) = attempt.counters();
    let network = attempt.stranger.as_ref().map(|stranger| stranger.network.to_vec()).unwrap_or_default();
    let (unknown, known) = ceilings(settings);
    let next_turn = now + turn(settings);
    let challenge = attempt.challenge.map(|challenge| challenge.to_vec());
    sqlx::query_as!(
        Found,
        r#"with found as (
               select f.kind, f.failures, f.expires_at, f.held_until
               from failed_sign_ins f join unnest($1::text[], $2::bytea[]) as mine (kind, key) using (kind, key)
               where f.expires_at > $3
           ), pair as (
               select expires_at from found where kind = 'pair' and failures >= $4
           ), spray as (
               select exists (select from found where kind = 'network' and failures >= $5) as on
           ), address as (
               select from found, spray
               where found.kind = 'address' and found.failures >= case when spray.on then 1 else $6::bigint end
           ), turn as (
               insert into failed_sign_ins as known (kind, key, failures, expires_at)
               select $11, $7, 1, $8 from address
               where not exists (select from pair) and not exists (select from found where kind = 'challenge')
               on conflict (kind, key) do update set expires_at = excluded.expires_at where known.expires_at <= $3
               returning expires_at
           ), used as (
               insert into failed_sign_ins (kind, key, failures, expires_at)
               select 'challenge', $12, 1, $13 from turn where $12::bytea is not null
           )
           select (select expires_at from pair) as pair_until,
               case when exists (select from address) and not exists (select from turn)
                   then coalesce((select expires_at from found where kind = $11), $8) end as turn_at,
               exists (select from turn) as "trickled!",
               (select spray.on from spray) as "sprayed!",
               coalesce((select failures from found where kind = 'network'), 0) as "names!",
               exists (select from found where held_until > $3 or (kind = 'unknown' and failures >= $9)
                   or (kind = 'known' and failures >= $10)) as "locked!""#,
        &kinds,
        &keys,
        now,
        i64::from(settings.failures_per_pair.count),
        i64::from(settings.names_per_network.count),
        i64::from(settings.failures_per_address.count),
        network,
        next_turn,
        unknown,
        known,
        attempt.queue(),
        challenge,
        now + GOOD_FOR
    )
    .fetch_one(pool)
    .await
}

/// A failure to be counted.
pub struct Count<'a> {
    pub attempt: &'a Attempt,
    pub settings: &'a LoginSettings,
    /// Whether the password was tried at all, or the account was locked.
    pub guessed: bool,
    pub lock_mail: &'static str,
}

/// What a failure brought about.
pub struct Counted {
    /// The account's waits begin.
    pub locked: bool,
    /// From now on only a reset helps.
    pub at_ceiling: bool,
    /// The network has tried too many names.
    pub sprayed: bool,
}

impl Count<'_> {
    /// Adds one to each counter, sets the account's wait, and queues the mail of a lock that begins: for a name that nobody has a
    /// row as well, which says nothing and goes nowhere. Rows are always locked in the same order, so two attempts cannot wait for
    /// each other.
    pub async fn keep(&self, connection: &mut PgConnection, now: DateTime<Utc>) -> Result<Counted, sqlx::Error> {
        let Self { attempt, settings, .. } = self;
        let (unknown, known) = ceilings(settings);
        let ceiling = if attempt.stranger.is_some() { unknown } else { known };
        let counters = self.counters(now);
        let kinds: Vec<String> = counters.iter().map(|(kind, ..)| (*kind).to_owned()).collect();
        let keys: Vec<Vec<u8>> = counters.iter().map(|(_, key, _)| key.to_vec()).collect();
        let ends: Vec<DateTime<Utc>> = counters.iter().map(|(.., end)| *end).collect();
        let stranger = attempt.stranger.as_ref();
        sqlx::query_as!(
            Counted,
            r#"with name as (
                   insert into failed_sign_ins as known (kind, key, failures, expires_at)
                   select 'name', $1::bytea, 1, $2 where $1::bytea is not null
                   on conflict (kind, key) do update set
                       failures = case when known.expires_at <= $3 then 1 else known.failures + 1 end,
                       expires_at = case when known.expires_at <= $3 then excluded.expires_at else known.expires_at end
                   returning failures
               ), network as (
                   insert into failed_sign_ins as known (kind, key, failures, expires_at)
                   select 'network', $4::bytea, 1, $2 from name where failures = 1
                   on conflict (kind, key) do update set
                       failures = case when known.expires_at <= $3 then 1 else known.failures + 1 end,
                       expires_at = case when known.expires_at <= $3 then excluded.expires_at else known.expires_at end
                   returning failures
               ), counted as (
                   insert into failed_sign_ins as known (kind, key, failures, expires_at, held_until, account)
                   select kind, key, 1, ends, case when kind = 'account' and $8::bigint <= 1 then $3 + make_interval(secs => $9) end,
                       case when kind = 'pair' then $17::bytea end
                   from unnest($5::text[], $6::bytea[], $7::timestamptz[]) as mine (kind, key, ends)
                   on conflict (kind, key) do update set
                       failures = case when known.expires_at <= $3 then 1 else known.failures + 1 end,
                       expires_at = case when known.expires_at <= $3 or known.kind in ('account', 'unknown', 'known')
                           then excluded.expires_at else known.expires_at end,
                       held_until = case
                           when known.expires_at <= $3 then excluded.held_until
                           when known.kind = 'account' and known.failures + 1 >= $8
                               then $3 + make_interval(secs => least($10, $9 * power(2, least(known.failures + 1 - $8, 30)))) end
                   returning kind, failures
               ), result as (
                   select exists (select from counted where kind = 'account' and failures = $8) as locked,
                       exists (select from counted where kind in ('unknown', 'known') and failures = $11) as at_ceiling,
                       exists (select from network where failures = $12) as sprayed
               ), told as (
                   insert into mail_outbox (id, kind, recipient, subject_id, created_at, next_attempt_at, sent_at)
                   select $13, $14, coalesce(u.email, ''), coalesce(u.id, $13), $3, $3, case when u.id is null then $3 end
                   from result left join users u on (u.email = $15 or u.id = $16) and u.status = 'active'
                   where locked or at_ceiling
               )
               select locked as "locked!", at_ceiling as "at_ceiling!", sprayed as "sprayed!" from result"#,
            stranger.map(|stranger| stranger.name.to_vec()),
            now + settings.names_per_network.window,
            now,
            stranger.map(|stranger| stranger.network.to_vec()),
            &kinds,
            &keys,
            &ends,
            i64::from(settings.failures_per_account.count),
            settings.first_wait.as_secs_f64(),
            settings.longest_wait.as_secs_f64(),
            ceiling,
            i64::from(settings.names_per_network.count),
            Uuid::new_v4(),
            self.lock_mail,
            attempt.email,
            attempt.user,
            &attempt.account
        )
        .fetch_one(connection)
        .await
    }

    fn counters(&self, now: DateTime<Utc>) -> Vec<(&'static str, &[u8; 32], DateTime<Utc>)> {
        let (attempt, settings) = (self.attempt, self.settings);
        let stranger = attempt.stranger.as_ref();
        let mut counters = vec![("pair", &attempt.pair, now + settings.failures_per_pair.window)];
        counters.extend(stranger.map(|at| ("address", &at.address, now + settings.failures_per_address.window)));
        if self.guessed {
            let waits = ("account", &attempt.account, now + settings.failures_per_account.window);
            counters.extend(stranger.map(|_| waits));
            counters.push((attempt.run(), &attempt.account, now + RUN_ENDS_AFTER));
        }
        counters
    }
}

/// Clears the pair if nothing is full or held, and takes its failures back from the account. Returns whether that was so.
pub async fn clear_pair(
    pool: &PgPool,
    attempt: &Attempt,
    settings: &LoginSettings,
    trickled: bool,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let (kinds, keys) = attempt.counters();
    let (unknown, known) = ceilings(settings);
    sqlx::query_scalar!(
        r#"with found as (
               select f.kind, f.failures, f.held_until
               from failed_sign_ins f join unnest($1::text[], $2::bytea[]) as mine (kind, key) using (kind, key)
               where f.expires_at > $3
           ), spray as (
               select exists (select from found where kind = 'network' and failures >= $4) as on
           ), open as (
               select not exists (select from found, spray where held_until > $3
                   or (kind = 'pair' and failures >= $5)
                   or (kind = 'address' and failures >= case when spray.on then 1 else $6::bigint end and not $7)
                   or (kind = 'unknown' and failures >= $8) or (kind = 'known' and failures >= $9)) as yes
           ), cleared as (
               delete from failed_sign_ins using open where open.yes and kind = 'pair' and key = $10
               returning failures, expires_at
           ), taken_back as (
               update failed_sign_ins f set failures = greatest(0, f.failures - own.failures)
               from (select kind, key, cleared.failures from failed_sign_ins join cleared on cleared.expires_at > $3
                     where kind in ('account', 'unknown', 'known') and key = $11 order by kind for update of failed_sign_ins) own
               where f.kind = own.kind and f.key = own.key
           )
           select yes as "yes!" from open"#,
        &kinds,
        &keys,
        now,
        i64::from(settings.names_per_network.count),
        i64::from(settings.failures_per_pair.count),
        i64::from(settings.failures_per_address.count),
        trickled,
        unknown,
        known,
        &attempt.pair,
        &attempt.account
    )
    .fetch_one(pool)
    .await
}

pub async fn forgive(pool: &PgPool, sign_in: &Attempt, inside: &[u8; 32]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "delete from failed_sign_ins f using (
             select kind, key from failed_sign_ins
             where (kind in ('account', 'unknown', 'known') and key in ($1, $2)) or (kind = 'pair' and key = $3)
             order by kind <> 'pair', key, kind for update) mine
         where f.kind = mine.kind and f.key = mine.key",
        &sign_in.account,
        inside,
        &sign_in.pair
    )
    .execute(pool)
    .await?;
    Ok(())
}

pub async fn sweep(pool: &PgPool, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from failed_sign_ins where expires_at <= $1", now).execute(pool).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Environment, Settings};

    /// NIST SP 800-63B §3.2.2: a hundred in a row, whoever fails.
    #[test]
    fn all_runs_together_stay_below_the_ceiling() {
        let settings = Settings::load(&Environment::from_pairs(Vec::<(&str, &str)>::new())).unwrap().login;
        let (unknown, known) = ceilings(&settings);
        assert_eq!((unknown, known, unknown + 2 * known), (60, 20, 100));
        for ceiling in 10..100 {
            let (unknown, known) = ceilings(&LoginSettings { ceiling, ..settings.clone() });
            assert!(known > 0 && unknown + 2 * known <= i64::from(ceiling), "{ceiling}");
        }
    }
}
