//! What all resources share: create, list, read, update and delete. Every object of a resource belongs to one user.
//!
//! A resource states its types and rules ([`Resource`]) and its SQL ([`ResourceStore`]). The handlers are written once,
//! here. The route table names a handler with its resource, for example `create::<Customer>`.
//!
//! Threats and controls:
//! - BOLA: every transaction is limited to the caller's rows ([`OwnerTx`]), and every statement contains the owner. An
//!   object of another user returns 404, like a missing one (`attacks::authorization::object_level`).
//! - Duplicates: a create with an `Idempotency-Key` runs once (`features::idempotency`).
//! - Lost update: a change requires `If-Match`, and its statement changes only the version that was read
//!   (`attacks::authorization::object_level::versions`).
//! - Resource exhaustion: row quotas (`attacks::limits::row_quotas`).

use std::str::FromStr;

use actix_web::web::Data;
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::PgPool;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::base::clock::Clock;
use crate::base::page::{Limit, Position};
use crate::db::OwnerTx;
use crate::http::body::JsonBody;
use crate::http::conditional::IfMatch;
use crate::http::error::{ApiError, ApiResult};
use crate::http::idempotency::IdempotentJson;
use crate::http::params::{ListQuery, NoFilter, PathId};
use crate::http::reply::{Created, Json, NoContent, Paged, Versioned};
use crate::security::authorization::cursors::{Cursors, ListScope};
use crate::security::limits::row_quotas::{Counted, RowQuotas};
use crate::security::sessions::caller::Caller;

/// The types and rules of a resource.
pub trait Resource: Sized + 'static {
    type Id: FromStr + From<Uuid> + Copy + 'static;
    /// The body of a create.
    type New: DeserializeOwned + Validate<Context = ()> + ToSchema + 'static;
    /// The body of an update.
    type Update: DeserializeOwned + Validate<Context = ()> + ToSchema + 'static;
    /// The object in a response.
    type View: Serialize + ToSchema + for<'a> From<&'a Self> + 'static;

    /// The path of the collection. It is also the name of the list in cursors.
    const PATH: &'static str;

    /// Creates an object with a random id.
    ///
    /// # Errors
    /// [`ApiError::Invalid`] with the invalid field.
    fn create(new: Self::New, now: DateTime<Utc>) -> ApiResult<Self>;

    /// Returns the next version of the object.
    ///
    /// # Errors
    /// [`ApiError::Invalid`] with the invalid field.
    fn update(self, update: Self::Update, now: DateTime<Utc>) -> ApiResult<Self>;

    fn version(&self) -> i64;

    /// Returns the position of the object in its list.
    fn position(&self) -> Position;
}

/// The SQL of a resource. Every statement contains the owner of the transaction.
pub trait ResourceStore: Resource + Counted {
    /// Returns the owner's object with this id.
    fn find(tx: &mut OwnerTx, id: Self::Id) -> impl Future<Output = ApiResult<Option<Self>>>;

    /// Returns the owner's objects after a position, newest first: at most [`Limit::rows`].
    fn list(tx: &mut OwnerTx, after: Position, limit: Limit) -> impl Future<Output = ApiResult<Vec<Self>>>;

    fn insert(&self, tx: &mut OwnerTx) -> impl Future<Output = ApiResult<()>>;

    /// Replaces the previous version with this version. Returns the number of changed rows. It is 0 if another request
    /// has changed the object.
    fn save(&self, tx: &mut OwnerTx) -> impl Future<Output = ApiResult<u64>>;

    /// Deletes this version. Returns the number of deleted rows. It is 0 if another request has changed the object.
    fn delete(&self, tx: &mut OwnerTx) -> impl Future<Output = ApiResult<u64>>;
}

/// The services of all resources.
#[derive(Clone)]
pub struct Resources {
    pub pool: PgPool,
    pub quotas: RowQuotas,
    pub cursors: Cursors,
    pub clock: Clock,
}

impl Resources {
    /// Begins a transaction on the caller's objects.
    ///
    /// # Errors
    /// [`ApiError::Unavailable`] if the database is unavailable.
    pub async fn begin(&self, caller: &Caller) -> ApiResult<OwnerTx> {
        Ok(OwnerTx::begin(&self.pool, caller.user()).await?)
    }

    /// Returns the caller's object with this id.
    ///
    /// # Errors
    /// [`ApiError::NotFound`] if the object does not exist or belongs to another user.
    pub async fn read<R: ResourceStore>(&self, caller: &Caller, id: R::Id) -> ApiResult<R> {
        R::find(&mut self.begin(caller).await?, id).await?.ok_or(ApiError::NotFound)
    }
}

/// Creates an object.
pub async fn create<R: ResourceStore>(
    caller: Caller,
    IdempotentJson { body, key }: IdempotentJson<R::New>,
    resources: Data<Resources>,
) -> ApiResult<Created<Versioned<R::View>>> {
    let (owner, now) = (caller.user(), resources.clock.now());
    let object = R::create(body, now)?;
    let mut tx = resources.begin(&caller).await?;
    let created = key
        .once(&mut tx, owner, now, async |tx| {
            resources.quotas.admit::<R>(tx.connection(), owner).await?;
            object.insert(tx).await?;
            Created::at(format!("{}/{}", R::PATH, object.position().id), &versioned(&object))
        })
        .await?;
    tx.commit().await?;
    Ok(created)
}

/// Lists the caller's objects, newest first.
pub async fn list<R: ResourceStore>(
    caller: Caller,
    query: ListQuery<NoFilter>,
    resources: Data<Resources>,
) -> ApiResult<Paged<R::View>> {
    let scope = ListScope::new(caller.user(), R::PATH, &query)?;
    let after = resources.cursors.start(&scope)?;
    let rows = R::list(&mut resources.begin(&caller).await?, after, scope.limit).await?;
    Ok(Json(resources.cursors.page(&scope, rows, R::position)?.map(|object| R::View::from(&object))))
}

/// Returns an object.
pub async fn read<R: ResourceStore>(
    caller: Caller,
    PathId(id): PathId<R::Id>,
    resources: Data<Resources>,
) -> ApiResult<Versioned<R::View>> {
    Ok(versioned(&resources.read::<R>(&caller, id).await?))
}

/// Changes the given fields of an object.
pub async fn update<R: ResourceStore>(
    caller: Caller,
    PathId(id): PathId<R::Id>,
    if_match: IfMatch,
    JsonBody(update): JsonBody<R::Update>,
    resources: Data<Resources>,
) -> ApiResult<Versioned<R::View>> {
    let mut tx = resources.begin(&caller).await?;
    let object = R::find(&mut tx, id).await?.ok_or(ApiError::NotFound)?;
    if_match.check(object.version())?;
    let object = object.update(update, resources.clock.now())?;
    check_changed(object.save(&mut tx).await?)?;
    tx.commit().await?;
    Ok(versioned(&object))
}

/// Deletes an object.
pub async fn delete<R: ResourceStore>(
    caller: Caller,
    PathId(id): PathId<R::Id>,
    if_match: IfMatch,
    resources: Data<Resources>,
) -> ApiResult<NoContent> {
    let mut tx = resources.begin(&caller).await?;
    let object = R::find(&mut tx, id).await?.ok_or(ApiError::NotFound)?;
    if_match.check(object.version())?;
    check_changed(object.delete(&mut tx).await?)?;
    tx.commit().await?;
    Ok(NoContent)
}

fn versioned<R: Resource>(object: &R) -> Versioned<R::View> {
    Versioned { version: object.version(), view: R::View::from(object) }
}

/// Returns 412 if no row was changed, because another request changed the object after this request read it.
fn check_changed(rows: u64) -> ApiResult<()> {
    if rows == 1 { Ok(()) } else { Err(ApiError::PreconditionFailed) }
}
