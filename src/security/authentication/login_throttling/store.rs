//! The counters in PostgreSQL, by the database's clock: replicas whose clocks differ agree.

use std::collections::HashSet;

use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::attempt::{LoginAttempt, LoginThrottle};
use crate::base::id::UserId;
use crate::http::error::ApiResult;

/// How long an account waits, in minutes: after the last free failure, and after each one that follows.
const WAITS: [i32; 5] = [1, 2, 4, 8, 15];

/// A counter with this attempt in it. One that was full before has not counted it.
pub struct CounterState {
    pub kind: String,
    pub key: Vec<u8>,
    pub failures: i64,
    pub in_a_row: i64,
    /// Until its window ends.
    pub seconds: f64,
}

impl LoginThrottle {
    /// Adds an attempt to its counters as if it had failed: to none if one of them is full, and to the account only while that does
    /// not wait. Of parallel attempts each takes its own number from the locked row, so no more than the limit are within it.
    pub(super) async fn count(&self, attempt: &LoginAttempt) -> ApiResult<Vec<CounterState>> {
        let counters = attempt.counters();
        let kinds: Vec<String> = counters.iter().map(|counter| counter.kind.to_owned()).collect();
        let keys: Vec<Vec<u8>> = counters.iter().map(|counter| counter.key.to_vec()).collect();
        let limits: Vec<i64> = counters.iter().map(|counter| counter.limit.count.into()).collect();
        let windows: Vec<f64> = counters.iter().map(|counter| counter.limit.window.as_secs_f64()).collect();
        let account = attempt.device.is_none().then(|| attempt.account.to_vec());
        let free = self.settings.failures_per_account;
        Ok(sqlx::query_as!(
            CounterState,
            r#"with counter as (
                   select * from unnest($1::text[], $2::bytea[], $3::bigint[], $4::float8[])
                       with ordinality as counter (kind, key, max, seconds, position)
               ), current as (
                   select kind, key, failures, expires_at, failures >= max as is_full
                   from login_failures join counter using (kind, key) where expires_at > now()
               ), client as (
                   insert into login_failures as known (kind, key, account, failures, expires_at)
                   select kind, key, case kind when 'pair' then $5::bytea end, 1, now() + make_interval(secs => seconds)
                   from counter
                   where not exists (select from current where is_full)
                       -- A network counts accounts, not failures.
                       and (kind <> 'network'
                           or not exists (select from current where kind = 'account_in_network' and failures > 0))
                   order by position
                   on conflict (kind, key) do update set
                       failures = case when known.expires_at > now() then known.failures else 0 end + 1,
                       expires_at = case when known.expires_at > now() then known.expires_at else excluded.expires_at end
                   returning kind, key, failures, 0::bigint as in_a_row, expires_at
               ), account as (
                   insert into login_failures as known (kind, key, failures, in_a_row, expires_at)
                   select 'account', $5, 1, 1, now() + make_interval(secs => $6)
                   where $5 is not null and not exists (select from current where is_full)
                       and not exists (select from client join counter using (kind) where client.failures > counter.max)
                   on conflict (kind, key) do update set
                       failures = case when known.expires_at > now() then known.failures else 0 end + 1,
                       in_a_row = known.in_a_row + 1,
                       waits_until = case when known.expires_at > now() then
                           now() + make_interval(mins => ($7::int[])[least(known.failures + 2 - $8, array_length($7, 1))]) end,
                       expires_at = excluded.expires_at
                   where known.in_a_row < $9 and coalesce(known.waits_until <= now(), true)
                   returning kind, key, failures, in_a_row, expires_at
               ), counted as (
                   select kind, key, failures + 1 as failures, 0::bigint as in_a_row, expires_at from current where is_full
                   union all select * from client
                   union all select * from account
               )
               select kind as "kind!", key as "key!", failures as "failures!", in_a_row as "in_a_row!",
                   extract(epoch from expires_at - now())::float8 as "seconds!"
               from counted"#,
            &kinds,
            &keys,
            &limits,
            &windows,
            account,
            free.window.as_secs_f64(),
            &WAITS,
            i64::from(free.count),
            attempt.max_in_a_row
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// Takes a successful attempt back: clears the pair, takes the pair's failures off the account, and one off each other counter.
    /// Locks rows in the order of [`Self::count`].
    pub(super) async fn take_back(&self, counted: &[CounterState]) -> ApiResult<()> {
        let mine = counted.iter().filter(|counted| counted.kind != "challenge");
        let (kinds, keys): (Vec<String>, Vec<Vec<u8>>) = mine.map(|mine| (mine.kind.clone(), mine.key.clone())).unzip();
        sqlx::query!(
            "with mine as (
                 select kind, key, failures from login_failures
                 join unnest($1::text[], $2::bytea[]) with ordinality as counted (kind, key, position) using (kind, key)
                 order by position for update of login_failures
             ), pair as (
                 select coalesce(max(failures) filter (where kind = 'pair'), 1) as failures from mine
             )
             update login_failures f set
                 failures = greatest(0, f.failures - case when f.kind in ('pair', 'account') then pair.failures else 1 end),
                 in_a_row = greatest(0, f.in_a_row - pair.failures),
                 waits_until = null
             from mine, pair where f.kind = mine.kind and f.key = mine.key",
            &kinds,
            &keys
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Queues the mail that tells an owner of a lock. For an account that does not exist it queues one as well, as sent already.
    pub(super) async fn queue_mail(&self, connection: &mut PgConnection, owner: Option<UserId>) -> ApiResult<()> {
        sqlx::query!(
            "insert into mail_outbox (id, kind, recipient, subject_id, created_at, next_attempt_at, sent_at)
             select $1, $2, coalesce(u.email, ''), coalesce(u.id, $1), $3::timestamptz, $3, case when u.id is null then $3 end
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

    /// Which of these accounts ([`super::account_key`]) are locked for unknown clients now.
    ///
    /// # Errors
    /// The database fails.
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

    /// Lifts the locks of these accounts ([`super::account_key`], [`super::reauthentication_key`]), also at each address and session: after
    /// a password reset, or by an administrator. What an address or a network has counted stays.
    ///
    /// # Errors
    /// The database fails.
    pub async fn reset_counters(&self, executor: impl PgExecutor<'_>, accounts: &[[u8; 32]]) -> ApiResult<()> {
        let keys: Vec<Vec<u8>> = accounts.iter().map(|key| key.to_vec()).collect();
        sqlx::query!(
            "delete from login_failures f using (
                 select kind, key from login_failures
                 where (kind = 'account' and key = any($1)) or account = any($1)
                 order by kind = 'account', key for update) mine
             where f.kind = mine.kind and f.key = mine.key",
            &keys
        )
        .execute(executor)
        .await?;
        Ok(())
    }

    /// Deletes counters whose window is over, and an account's failures in a row after 30 days without one.
    ///
    /// # Errors
    /// The database fails.
    pub async fn sweep(&self) -> ApiResult<()> {
        sqlx::query!(
            "delete from login_failures f using (
                 select kind, key from login_failures
                 where expires_at <= now() - make_interval(days => case kind when 'account' then 30 else 0 end)
                 for update skip locked) over
             where f.kind = over.kind and f.key = over.key"
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
