//! The counters in PostgreSQL. They use the database's clock, so replicas with different clocks agree.

use std::collections::HashSet;

use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::attempt::{Counter, LoginAttempt, LoginThrottle};
use crate::base::id::UserId;
use crate::db::begin;
use crate::http::error::ApiResult;

/// How many minutes an account is locked. The first lock follows the last failure that the settings allow. Each further
/// failure takes the next entry; the last entry repeats.
const LOCK_MINUTES: [i32; 5] = [1, 2, 4, 8, 15];

/// A stored counter, including this attempt.
pub struct CounterState {
    pub kind: String,
    pub key: Vec<u8>,
    pub failures: i64,
    pub in_a_row: i64,
    /// The number of seconds until the window ends.
    pub seconds: f64,
}

/// Returns the first counter that exceeds its limit.
pub(super) fn exceeded<'a>(limits: &[Counter], states: &'a [CounterState]) -> Option<(&'static str, &'a CounterState)> {
    limits.iter().find_map(|limit| {
        let mut of_kind = states.iter().filter(|state| state.kind == limit.kind);
        of_kind.find(|state| state.failures > limit.limit.count.into()).map(|state| (limit.kind, state))
    })
}

fn kinds_and_keys(counters: &[Counter]) -> (Vec<String>, Vec<Vec<u8>>) {
    counters.iter().map(|counter| (counter.kind.to_owned(), counter.key.to_vec())).unzip()
}

impl LoginThrottle {
    /// Counts an attempt as a failure, and returns its counters. If one of them exceeds its limit, nothing is counted.
    /// A locked account is neither counted nor returned.
    ///
    /// Parallel attempts wait for the locked rows. So each attempt gets its own number, and no more attempts than the
    /// limit are admitted. Known and unknown accounts, and clients with and without a device cookie, take the same
    /// statements.
    pub(super) async fn count_attempt(&self, attempt: &LoginAttempt) -> ApiResult<Vec<CounterState>> {
        let counters = attempt.counters();
        // Without this look-up, each refused attempt would write and roll back.
        let full = self.full_counters(&counters).await?;
        if !full.is_empty() {
            return Ok(full);
        }
        let mut transaction = begin(&self.pool).await?;
        let mut counted = count_client(&mut transaction, &counters, &attempt.account).await?;
        if exceeded(&counters, &counted).is_some() {
            transaction.rollback().await?;
            return Ok(counted);
        }
        counted.extend(self.count_account(&mut transaction, attempt).await?);
        transaction.commit().await?;
        Ok(counted)
    }

    async fn full_counters(&self, counters: &[Counter]) -> ApiResult<Vec<CounterState>> {
        let (kinds, keys) = kinds_and_keys(counters);
        let limits: Vec<i64> = counters.iter().map(|counter| counter.limit.count.into()).collect();
        Ok(sqlx::query_as!(
            CounterState,
            r#"select kind as "kind!", key as "key!", failures + 1 as "failures!", in_a_row as "in_a_row!",
                   extract(epoch from expires_at - now())::float8 as "seconds!"
               from login_failures join unnest($1::text[], $2::bytea[], $3::bigint[]) as counter (kind, key, max) using (kind, key)
               where failures >= max and expires_at > now()"#,
            &kinds,
            &keys,
            &limits
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// Counts the attempt for the account, unless the account is locked or the client is a known device.
    async fn count_account(
        &self,
        connection: &mut PgConnection,
        attempt: &LoginAttempt,
    ) -> ApiResult<Option<CounterState>> {
        let free = self.settings.failures_per_account;
        Ok(sqlx::query_as!(
            CounterState,
            r#"insert into login_failures as stored (kind, key, failures, in_a_row, expires_at)
               select 'account', $1, 1, 1, now() + make_interval(secs => $2) where $1::bytea is not null
               on conflict (kind, key) do update set
                   failures = case when stored.expires_at > now() then stored.failures else 0 end + 1,
                   in_a_row = stored.in_a_row + 1,
                   waits_until = case when stored.expires_at > now() then
                       now() + make_interval(mins => ($3::int[])[least(stored.failures + 2 - $4, array_length($3, 1))]) end,
                   expires_at = excluded.expires_at
               where stored.in_a_row < $5 and coalesce(stored.waits_until <= now(), true)
               returning kind, key, failures, in_a_row, extract(epoch from expires_at - now())::float8 as "seconds!""#,
            attempt.device.is_none().then_some(attempt.account.as_slice()),
            free.window.as_secs_f64(),
            &LOCK_MINUTES,
            i64::from(free.count),
            attempt.max_in_a_row
        )
        .fetch_optional(connection)
        .await?)
    }

    /// Subtracts a successful attempt. The counter of account and address is reset. The failures that it had are
    /// subtracted from the account too, because they were counted in both. All other counters lose one failure. Locks
    /// rows in the order of [`Self::count_attempt`], so that parallel logins cannot deadlock.
    pub(super) async fn subtract_attempt(&self, counters: &[CounterState]) -> ApiResult<()> {
        let counters = counters.iter().filter(|counter| counter.kind != "challenge");
        let (kinds, keys): (Vec<String>, Vec<Vec<u8>>) =
            counters.map(|counter| (counter.kind.clone(), counter.key.clone())).unzip();
        sqlx::query!(
            "with locked as (
                 select kind, key, failures from login_failures
                 join unnest($1::text[], $2::bytea[]) with ordinality as counter (kind, key, position) using (kind, key)
                 order by position for update of login_failures
             ), own as (
                 select coalesce(max(failures) filter (where kind = 'account_and_address'), 1) as failures from locked
             )
             update login_failures f set
                 failures = greatest(0,
                     f.failures - case when f.kind in ('account_and_address', 'account') then own.failures else 1 end),
                 in_a_row = greatest(0, f.in_a_row - own.failures),
                 waits_until = null
             from locked, own where f.kind = locked.kind and f.key = locked.key",
            &kinds,
            &keys
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Queues the mail that notifies the owner of a lock. For an account that does not exist, the row is marked as
    /// sent. Both cases take the same statement and write one row, so that the response time does not reveal whether
    /// the account exists.
    pub(super) async fn queue_lock_mail(&self, connection: &mut PgConnection, owner: Option<UserId>) -> ApiResult<()> {
        sqlx::query!(
            "insert into outbox (id, queue, kind, recipient, subject_id, created_at, next_attempt_at, done_at)
             select $1, 'mail', $2, coalesce(u.email, ''), coalesce(u.id, $1), $3::timestamptz, $3, case when u.id is null then $3 end
             from (select 1) always left join users u on u.id = $4 and u.status = 'active'",
            Uuid::new_v4(),
            self.lock_mail_kind,
            self.clock.now(),
            owner.map(UserId::uuid)
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    /// Returns which of these accounts ([`super::account_key`]) are locked for unknown clients.
    pub async fn locked(&self, accounts: &[[u8; 32]]) -> ApiResult<HashSet<Vec<u8>>> {
        let keys: Vec<Vec<u8>> = accounts.iter().map(|key| key.to_vec()).collect();
        let locked = sqlx::query_scalar!(
            "select key from login_failures
             where kind = 'account' and key = any($1) and (waits_until > now() or in_a_row >= $2)",
            &keys,
            i64::from(self.settings.failures_in_a_row)
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(locked.into_iter().collect())
    }

    /// Unlocks these accounts ([`super::account_key`], [`super::reauthentication_key`]) after a password reset or by an
    /// administrator. The counters of addresses and networks stay.
    pub async fn reset_counters(&self, executor: impl PgExecutor<'_>, accounts: &[[u8; 32]]) -> ApiResult<()> {
        let keys: Vec<Vec<u8>> = accounts.iter().map(|key| key.to_vec()).collect();
        sqlx::query!(
            "delete from login_failures f using (
                 select kind, key from login_failures
                 where (kind = 'account' and key = any($1)) or account = any($1)
                 order by kind = 'account', key for update) reset
             where f.kind = reset.kind and f.key = reset.key",
            &keys
        )
        .execute(executor)
        .await?;
        Ok(())
    }

    /// Deletes expired counters. The failures in a row of an account are kept for 30 days after the last failure.
    pub async fn sweep(&self) -> ApiResult<()> {
        sqlx::query!(
            "delete from login_failures f using (
                 select kind, key from login_failures
                 where expires_at <= now() - make_interval(days => case kind when 'account' then 30 else 0 end)
                 for update skip locked) expired
             where f.kind = expired.kind and f.key = expired.key"
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

/// Counts the attempt in each of `counters`. Locks rows in this order.
async fn count_client(
    connection: &mut PgConnection,
    counters: &[Counter],
    account: &[u8; 32],
) -> ApiResult<Vec<CounterState>> {
    let (kinds, keys) = kinds_and_keys(counters);
    let windows: Vec<f64> = counters.iter().map(|counter| counter.limit.window.as_secs_f64()).collect();
    Ok(sqlx::query_as!(
        CounterState,
        r#"insert into login_failures as stored (kind, key, account, failures, expires_at)
           select kind, key, case kind when 'account_and_address' then $4::bytea end, 1, now() + make_interval(secs => seconds)
           from unnest($1::text[], $2::bytea[], $3::float8[]) with ordinality as counter (kind, key, seconds, position)
           -- A network counts accounts, not failures.
           where kind <> 'network' or not exists (
               select from login_failures
               where kind = 'account_in_network' and key = any($2) and failures > 0 and expires_at > now())
           order by position
           on conflict (kind, key) do update set
               failures = case when stored.expires_at > now() then stored.failures else 0 end + 1,
               expires_at = case when stored.expires_at > now() then stored.expires_at else excluded.expires_at end
           returning kind, key, failures, in_a_row, extract(epoch from expires_at - now())::float8 as "seconds!""#,
        &kinds,
        &keys,
        &windows,
        account
    )
    .fetch_all(connection)
    .await?)
}
