//! SQL of the counters of login throttling. It uses the clock of the database, because the clocks of replicas differ.

use std::collections::HashSet;

use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::attempt::{Counter, LoginAttempt, LoginThrottle};
use crate::base::id::UserId;
use crate::http::client_ip::ClientAddr;
use crate::http::error::ApiResult;

/// The duration of each lock of an account, in minutes. The last value also applies to all later locks.
const LOCK_MINUTES: [i32; 5] = [1, 2, 4, 8, 15];

pub struct CounterState {
    pub kind: String,
    pub key: Vec<u8>,
    pub failures: i64,
    pub in_a_row: i64,
    /// The number of seconds until the counter's window ends.
    pub seconds: f64,
}

pub(super) fn exceeded<'a>(limits: &[Counter], states: &'a [CounterState]) -> Option<(&'static str, &'a CounterState)> {
    limits.iter().find_map(|limit| {
        let mut of_kind = states.iter().filter(|state| state.kind == limit.kind);
        of_kind.find(|state| state.failures > limit.limit.count.into()).map(|state| (limit.kind, state))
    })
}

impl LoginThrottle {
    /// Counts an attempt as a failure, and returns its counters.
    /// If a counter is already at its limit, nothing is counted, and only the counters at their limit are returned.
    /// The counter of a locked account does not change and is not returned.
    ///
    /// The rows of the counters are locked in the order of `LoginAttempt::counters`, and then the row of the account.
    /// So parallel attempts wait for each other and cannot exceed a limit.
    /// An attempt that is over a limit after this wait is refused. It counts for its client but not for the account.
    ///
    /// All accounts and devices, known or unknown, use the same statement, so its duration reveals nothing.
    pub(super) async fn count_attempt(&self, attempt: &LoginAttempt) -> ApiResult<Vec<CounterState>> {
        let (counters, free) = (attempt.counters(), self.settings.failures_per_account);
        let kinds: Vec<String> = counters.iter().map(|counter| counter.kind.to_owned()).collect();
        let keys: Vec<Vec<u8>> = counters.iter().map(|counter| counter.key.to_vec()).collect();
        let windows: Vec<f64> = counters.iter().map(|counter| counter.limit.window.as_secs_f64()).collect();
        let limits: Vec<i64> = counters.iter().map(|counter| counter.limit.count.into()).collect();
        Ok(sqlx::query_as!(
            CounterState,
            r#"with attempt as (
                   select counter.*, stored.failures, stored.in_a_row, stored.expires_at
                   from set_config('synchronous_commit', 'off', true),
                       unnest((select $1::text[]), (select $2::bytea[]), (select $3::float8[]), (select $4::bigint[]))
                       with ordinality as counter (kind, key, seconds, max, position)
                       left join login_failures stored
                           on stored.kind = counter.kind and stored.key = counter.key and stored.expires_at > now()
               ), exhausted as (
                   select kind, key, failures + 1 as failures, in_a_row, expires_at from attempt where failures >= max
               ), client as (
                   insert into login_failures as stored (kind, key, account, failures, expires_at)
                   select kind, key, case kind when 'account_and_address' then $5::bytea end, 1, now() + make_interval(secs => seconds)
                   from attempt
                   where not exists (select from exhausted)
                     -- A network counts accounts, not failures.
                     and (kind <> 'network'
                         or not exists (select from attempt where kind = 'account_in_network' and failures > 0))
                   order by position
                   on conflict (kind, key) do update set
                       failures = case when stored.expires_at > now() then stored.failures else 0 end + 1,
                       expires_at = case when stored.expires_at > now() then stored.expires_at else excluded.expires_at end
                   returning kind, key, failures, in_a_row, expires_at
               ), account as (
                   insert into login_failures as stored (kind, key, failures, in_a_row, expires_at)
                   select 'account', $5, 1, 1, now() + make_interval(secs => $6)
                   where $7 and not exists (select from exhausted)
                     and not exists (select from client join attempt using (kind) where client.failures > max)
                   on conflict (kind, key) do update set
                       failures = case when stored.expires_at > now() then stored.failures else 0 end + 1,
                       in_a_row = stored.in_a_row + 1,
                       waits_until = case when stored.expires_at > now() then
                           now() + make_interval(mins => ($8::int[])[least(stored.failures + 2 - $9, array_length($8, 1))]) end,
                       expires_at = excluded.expires_at
                   where stored.in_a_row < $10 and coalesce(stored.waits_until <= now(), true)
                   returning kind, key, failures, in_a_row, expires_at
               )
               select kind as "kind!", key as "key!", failures as "failures!", in_a_row as "in_a_row!",
                   extract(epoch from expires_at - now())::float8 as "seconds!"
               from (select * from exhausted union all select * from client union all select * from account) counted"#,
            &kinds,
            &keys,
            &windows,
            &limits,
            &attempt.account,
            free.window.as_secs_f64(),
            attempt.device.is_none(),
            &LOCK_MINUTES,
            i64::from(free.count),
            attempt.max_in_a_row
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// Subtracts a successful attempt. Resets the counter of account and address. Subtracts the failures of the reset
    /// counter from the counter of the account, which includes them. Decrements all other counters.
    /// Locks the rows in the same order as [`Self::count_attempt`], so that parallel logins cannot deadlock.
    pub(super) async fn subtract_attempt(&self, counters: &[CounterState]) -> ApiResult<()> {
        let counters = counters.iter().filter(|counter| counter.kind != "challenge");
        let (kinds, keys): (Vec<String>, Vec<Vec<u8>>) =
            counters.map(|counter| (counter.kind.clone(), counter.key.clone())).unzip();
        sqlx::query!(
            "with locked as (
                 select kind, key, failures
                 from set_config('synchronous_commit', 'off', true),
                     unnest((select $1::text[]), (select $2::bytea[])) with ordinality as counter (kind, key, position)
                     join login_failures using (kind, key)
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

    /// Queues the mail that tells an owner that the account was locked.
    /// If the account does not exist, stores a mail that is marked as sent, so that both cases take the same time.
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

    /// Returns the keys of those accounts ([`super::account_key`]) that are locked for unknown clients.
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

    /// Unlocks these accounts ([`super::account_key`], [`super::reauthentication_key`]).
    /// Does not reset the counters of addresses and networks.
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

    /// Resets the counters of an address and of its network, for the attack panel in development.
    pub async fn reset_client(&self, client: ClientAddr) -> ApiResult<()> {
        sqlx::query!(
            "delete from login_failures where (kind = 'address' and key = $1) or (kind = 'network' and key = $2)",
            &self.keys.fingerprint(&client.prefix().to_string()),
            &self.keys.fingerprint(&client.network().to_string())
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Deletes expired counters. The counter of an account is kept for 30 more days, because failures in a row are
    /// counted beyond a window.
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
