//! Reads of one owner's rows in one round trip ([`owner_query!`], [`owner_query_as!`]).
//!
//! PostgreSQL runs a statement outside of a transaction block in its own transaction. So a SELECT can set
//! `app.owner_id` for itself, without BEGIN and ROLLBACK. The macros put the SELECT of a store into this frame:
//!
//! ```sql
//! select read.* from set_config('app.owner_id', $1::uuid::text, true) as owner
//! cross join lateral (select statement.* from (<SELECT>) as statement where owner is not null offset 0) as read
//! ```
//!
//! The setting must be made before PostgreSQL evaluates the policies of the SELECT. Two parts of the frame ensure this:
//!
//! - LATERAL and `owner is not null`: the subquery depends on the result of `set_config`, so it runs after it.
//! - `offset 0` keeps the planner from merging the subquery with the outer query. If they were merged, PostgreSQL would
//!   evaluate the policies first.
//!
//! A policy that is evaluated too early finds no setting, so the statement returns no rows. The third argument of
//! `set_config` limits the setting to the transaction: the next statement on the connection finds no owner. The frame
//! keeps the order of the rows, because it reads the subquery once, from start to end.
//!
//! The macros also work inside an [`OwnerTx`](super::OwnerTx) of the same owner. They then set what is already set.

/// Like [`sqlx::query!`], for a SELECT on the rows of one owner. The owner (a [`UserId`](crate::base::id::UserId)) is
/// `$1`. The arguments after the statement begin at `$2`.
macro_rules! owner_query {
    (@frame $query:ident [$($row:tt)*] $owner:expr, $sql:tt $(+ $more:tt)* $(, $argument:expr)* $(,)?) => {
        sqlx::$query!(
            $($row)*
            "select read.* from set_config('app.owner_id', $1::uuid::text, true) as owner \
             cross join lateral (select statement.* from (" + $sql $(+ $more)* + ") as statement \
             where owner is not null offset 0) as read",
            $owner.uuid()
            $(, $argument)*
        )
    };
    ($($read:tt)+) => { $crate::db::owner_query!(@frame query [] $($read)+) };
}

/// Like [`sqlx::query_as!`], for a SELECT on the rows of one owner. See [`owner_query!`].
macro_rules! owner_query_as {
    ($row:ty, $($read:tt)+) => { $crate::db::owner_query!(@frame query_as [$row,] $($read)+) };
}

pub(crate) use {owner_query, owner_query_as};
