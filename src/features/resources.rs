//! The code that all resources share: create, list, read, update and delete. Every object of a resource has one owner.
//!
//! A resource defines its types and rules ([`Resource`]) and its SQL ([`ResourceStore`]).
//! The handlers in this file are generic. Each route names the resource of its handler, for example
//! `create::<Customer>`.
//!
//! Threats and controls:
//! - BOLA: every transaction is limited to the caller's rows ([`OwnerTx`]), and every statement contains the owner.
//!   An object of another user returns 404, like a missing object. Test: `attacks::authorization::object_level`.
//! - Duplicates: requests with the same `Idempotency-Key` create one object. Test: `features::idempotency`.
//! - Lost update: a change requires `If-Match`, and its statement changes only the version that was read.
//!   Test: `attacks::authorization::object_level::versions`.
//! - Resource exhaustion: row quotas limit the number of objects. Test: `attacks::limits::row_quotas`.

use actix_web::web::Data;
use chrono::{DateTime, Utc};
use garde::Validate;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::{PgExecutor, PgPool};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::base::clock::Clock;
use crate::base::page::{Limit, Position};
use crate::db::{OwnerTx, violates};
use crate::http::body::JsonBody;
use crate::http::conditional::IfMatch;
use crate::http::error::{ApiError, ApiResult};
use crate::http::idempotency::IdempotentJson;
use crate::http::params::{ListQuery, NoFilter, PathId};
use crate::http::reply::{Created, Json, NoContent, Paged, Versioned};
use crate::security::audit::context;
use crate::security::audit::objects::{ObjectId, ObjectKind};
use crate::security::authorization::cursors::{Cursors, ListScope};
use crate::security::limits::row_quotas::{Counted, RowQuotas};
use crate::security::sessions::caller::Caller;

pub const IN_USE: ApiError = ApiError::Conflict { code: "in_use", title: "Other objects refer to this object" };

/// Describes a kind of object. `features/mod.rs` lists all registrations.
pub struct Registration {
    pub kind: ObjectKind,
    /// Whether clients can subscribe to changes. If true, the table needs a trigger that calls `record_change()`.
    pub is_live: bool,
    /// The description of the resource in the OpenAPI document.
    pub text: &'static str,
    /// The id and version of the demo object in the examples of the OpenAPI document.
    pub example: (&'static str, i64),
}

pub trait Resource: Sized + 'static {
    type Id: ObjectId;
    type New: DeserializeOwned + Validate<Context = ()> + ToSchema + 'static;
    type Update: DeserializeOwned + Validate<Context = ()> + ToSchema + 'static;
    type View: Serialize + ToSchema + for<'a> From<&'a Self> + 'static;

    fn create(id: Self::Id, new: Self::New, now: DateTime<Utc>) -> ApiResult<Self>;

    /// Returns the next version of the object.
    fn update(self, update: Self::Update, now: DateTime<Utc>) -> ApiResult<Self>;

    fn version(&self) -> i64;

    /// Returns the keyset position of the object in its list.
    fn position(&self) -> Position;
}

/// The SQL of a resource. Every statement filters by the owner.
pub trait ResourceStore: Resource + Counted {
    /// To read only, pass the pool as `db`. To change the object, pass the connection of the transaction.
    fn find<'e>(
        db: impl PgExecutor<'e>,
        caller: &Caller,
        id: Self::Id,
    ) -> impl Future<Output = ApiResult<Option<Self>>>;

    /// Returns the caller's objects after a position, newest first, at most [`Limit::rows`] objects.
    fn list(
        pool: &PgPool,
        caller: &Caller,
        after: Position,
        limit: Limit,
    ) -> impl Future<Output = ApiResult<Vec<Self>>>;

    fn insert(&self, tx: &mut OwnerTx) -> impl Future<Output = ApiResult<()>>;

    /// Returns the number of saved rows: 1, or 0 if another request has changed the object meanwhile.
    fn save(&self, tx: &mut OwnerTx) -> impl Future<Output = ApiResult<u64>>;

    /// Returns the number of deleted rows: 1, or 0 if another request has changed the object meanwhile.
    fn delete(&self, tx: &mut OwnerTx) -> impl Future<Output = ApiResult<u64>>;
}

#[derive(Clone)]
pub struct Resources {
    pub pool: PgPool,
    pub quotas: RowQuotas,
    pub cursors: Cursors,
    pub clock: Clock,
}

impl Resources {
    pub async fn begin(&self, caller: &Caller) -> ApiResult<OwnerTx> {
        Ok(OwnerTx::begin(&self.pool, caller.user()).await?)
    }

    /// # Errors
    /// [`ApiError::NotFound`] if the object does not exist or belongs to another user.
    pub async fn read<R: ResourceStore>(&self, caller: &Caller, id: R::Id) -> ApiResult<R> {
        R::find(&self.pool, caller, id).await?.ok_or(ApiError::NotFound)
    }
}

pub async fn create<R: ResourceStore>(
    caller: Caller,
    IdempotentJson { body, key }: IdempotentJson<R::New>,
    resources: Data<Resources>,
) -> ApiResult<Created<Versioned<R::View>>> {
    let (owner, now) = (caller.user(), resources.clock.now());
    let object = R::create(Uuid::new_v4().into(), body, now)?;
    let mut tx = resources.begin(&caller).await?;
    let created = key
        .once(&mut tx, owner, now, async |tx| {
            resources.quotas.admit::<R>(tx.connection(), owner).await?;
            object.insert(tx).await?;
            Created::at(format!("{}/{}", R::Id::KIND.collection, object.position().id), &versioned(&object))
        })
        .await?;
    tx.commit().await?;
    Ok(created)
}

pub async fn list<R: ResourceStore>(
    caller: Caller,
    query: ListQuery<NoFilter>,
    resources: Data<Resources>,
) -> ApiResult<Paged<R::View>> {
    let scope = ListScope::new(caller.user(), R::Id::KIND.collection, &query)?;
    let after = resources.cursors.start(&scope)?;
    let rows = R::list(&resources.pool, &caller, after, scope.limit).await?;
    Ok(Json(resources.cursors.page(&scope, rows, R::position)?.map(|object| R::View::from(&object))))
}

pub async fn read<R: ResourceStore>(
    caller: Caller,
    PathId(id): PathId<R::Id>,
    resources: Data<Resources>,
) -> ApiResult<Versioned<R::View>> {
    Ok(versioned(&resources.read::<R>(&caller, id).await?))
}

/// Fields that are absent from the request do not change.
pub async fn update<R: ResourceStore>(
    caller: Caller,
    PathId(id): PathId<R::Id>,
    if_match: IfMatch,
    JsonBody(update): JsonBody<R::Update>,
    resources: Data<Resources>,
) -> ApiResult<Versioned<R::View>> {
    let mut tx = resources.begin(&caller).await?;
    let object = R::find(tx.connection(), &caller, id).await?.ok_or(ApiError::NotFound)?;
    if_match.check(object.version())?;
    let object = object.update(update, resources.clock.now())?;
    check_changed(object.save(&mut tx).await?)?;
    tx.commit().await?;
    Ok(versioned(&object))
}

pub async fn delete<R: ResourceStore>(
    caller: Caller,
    PathId(id): PathId<R::Id>,
    if_match: IfMatch,
    resources: Data<Resources>,
) -> ApiResult<NoContent> {
    let mut tx = resources.begin(&caller).await?;
    let object = R::find(tx.connection(), &caller, id).await?.ok_or(ApiError::NotFound)?;
    if_match.check(object.version())?;
    check_changed(object.delete(&mut tx).await?)?;
    tx.commit().await?;
    Ok(NoContent)
}

fn versioned<R: Resource>(object: &R) -> Versioned<R::View> {
    Versioned { version: object.version(), view: R::View::from(object) }
}

/// Maps the violation of a composite foreign key to a field error.
/// A missing object and an object of another user violate the key in the same way, so the response is the same.
pub fn map_reference_error<I: ObjectId>(error: sqlx::Error, key: &str, pointer: &str, id: Option<I>) -> ApiError {
    if violates(&error, key) { reference_error(pointer, id) } else { error.into() }
}

/// Returns the field error for a reference to an object that is missing or belongs to another user.
pub fn reference_error<I: ObjectId>(pointer: &str, id: Option<I>) -> ApiError {
    if let Some(id) = id {
        context::set_denied_object(id.object());
    }
    ApiError::invalid(pointer, format!("must be one of your {}", I::KIND.plural()))
}

/// The foreign keys refuse to delete an object to which other objects refer.
/// A check before the deletion would have a race condition (CWE-367): a parallel request could insert a reference.
pub fn map_deletion_error(error: sqlx::Error) -> ApiError {
    let is_in_use = error.as_database_error().is_some_and(|error| error.is_foreign_key_violation());
    if is_in_use { IN_USE } else { error.into() }
}

/// Returns 412 if another request has changed the object since this request read it.
fn check_changed(rows: u64) -> ApiResult<()> {
    if rows == 1 { Ok(()) } else { Err(ApiError::PreconditionFailed) }
}
