//! Reads the rows of one owner in one round trip to the database ([`owner_query!`], [`owner_query_as!`]).
//!
//! PostgreSQL runs a statement outside of a transaction block in its own transaction.
//! So a SELECT can set `app.owner_id` for itself, without BEGIN and ROLLBACK.
//! The macros insert the SELECT of a store into this statement:
//!
//! ```sql
//! select read.* from set_config('app.owner_id', $1::uuid::text, true) as owner
//! cross join lateral (select statement.* from (<SELECT>) as statement where owner is not null offset 0) as read
//! ```
//!
//! Two parts of the statement make PostgreSQL execute `set_config` before it evaluates the policies of the SELECT:
//!
//! - LATERAL and `owner is not null`: the subquery depends on the result of `set_config`.
//! - `offset 0` keeps the planner from merging the subquery with the outer query.
//!   After a merge, PostgreSQL would evaluate the policies first, find no owner, and return no rows.
//!
//! The third argument of `set_config` limits the setting to the transaction.
//! The rows keep the order of the subquery, because the statement reads the subquery once, from start to end.
//!
//! The macros also work inside an [`OwnerTx`](super::OwnerTx) of the same owner.

/// A variant of [`sqlx::query!`] for a SELECT on the rows of one owner.
/// `$1` is the owner (a [`UserId`](crate::base::id::UserId)).
/// The arguments after the SQL text are `$2`, `$3` and so on.
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

/// Like [`owner_query!`], but returns values of the type `$row`, as [`sqlx::query_as!`] does.
macro_rules! owner_query_as {
    ($row:ty, $($read:tt)+) => { $crate::db::owner_query!(@frame query_as [$row,] $($read)+) };
}

pub(crate) use {owner_query, owner_query_as};
