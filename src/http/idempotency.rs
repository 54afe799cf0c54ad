//! Idempotent POST requests (`Idempotency-Key`) (CWE-837, API6:2023).
//!
//! **Attack**: a request that arrives twice pays or creates twice.
//! A client repeats a request if the response was lost, and an attacker replays a request.
//! **Control**: a repeated request with the same key and body receives the first response again, for 24 hours.
//! The same key with another body receives 422.
//! A repeated request waits while the first one runs, and receives 409 after PostgreSQL's `lock_timeout`.
//! One transaction stores the key, the response and the changes of the request, so all of them are stored, or none.
//! A refusal is not stored, so that the client can correct the request and repeat it with the same key.
//! **Limits**: a repetition without a key, or after 24 hours, is a new request.
//! **ASVS**: 2.3.3, 2.3.4 · **Test**: `features::idempotency`

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest};
use chrono::{DateTime, Utc};
use futures_util::future::LocalBoxFuture;
use garde::Validate;
use serde::de::DeserializeOwned;
use sqlx::PgConnection;
use utoipa::ToSchema;

use super::body::{JSON, JsonBody, is_json, parse, read, validate};
use super::error::{ApiError, ApiResult};
use super::matched_route::MatchedRoute;
use super::reply::Created;
use super::signature::{Describe, Signature};
use crate::base::id::{self, UserId};
use crate::db::idempotency::{self, Claim, ClaimOutcome};

pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The first request with the key is still running.
pub const KEY_IN_USE: ApiError =
    ApiError::Conflict { code: "idempotency_key_in_use", title: "The first request with this key is still running" };

pub struct IdempotentJson<T> {
    pub body: T,
    pub key: IdempotencyKey,
}

/// The key of a request, with the route and the body for which the key is valid. `None` if the request has no key.
pub struct IdempotencyKey(Option<BoundKey>);

struct BoundKey {
    route: String,
    key: String,
    body: Bytes,
}

/// The key of a request whose body is streamed.
pub struct StreamedIdempotencyKey(Option<(String, String)>);

impl FromRequest for StreamedIdempotencyKey {
    type Error = ApiError;
    type Future = Ready<ApiResult<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(key_of(request).map(|key| Self(key.map(|key| (route_of(request), key)))))
    }
}

impl StreamedIdempotencyKey {
    /// Adds a fingerprint, which is compared in place of the body. Different bodies must have different fingerprints.
    #[must_use]
    pub fn for_body(self, fingerprint: Bytes) -> IdempotencyKey {
        IdempotencyKey(self.0.map(|(route, key)| BoundKey { route, key, body: fingerprint }))
    }

    /// Returns whether a reply is stored for the key, for this body or another one.
    pub async fn is_used(&self, connection: &mut PgConnection, owner: UserId, now: DateTime<Utc>) -> ApiResult<bool> {
        let Some((route, key)) = &self.0 else { return Ok(false) };
        Ok(idempotency::is_answered(connection, owner, route, key, now).await?)
    }
}

impl<T> FromRequest for IdempotentJson<T>
where
    T: DeserializeOwned + Validate<Context = ()> + 'static,
{
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, ApiResult<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (accepted, key) = (is_json(request), key_of(request));
        let route = route_of(request);
        let payload = payload.take();
        Box::pin(async move {
            if !accepted {
                return Err(ApiError::UnsupportedMediaType(JSON));
            }
            let key = key?;
            let bytes = read(payload).await?.freeze();
            let body: T = parse(&bytes)?;
            validate(&body)?;
            Ok(Self { body, key: IdempotencyKey(key.map(|key| BoundKey { route, key, body: bytes })) })
        })
    }
}

/// Returns the scope of a key: method, route and the parsed id.
/// A client can spell one id in many ways (capitals, percent-encoding). With the raw path, each spelling would be a new
/// scope.
fn route_of(request: &HttpRequest) -> String {
    let route = format!("{} {}", request.method(), MatchedRoute::of(request).name());
    match request.match_info().get("id").map(id::parse) {
        Some(Ok(id)) => route.replace("{id}", &id.to_string()),
        _ => route,
    }
}

/// Reads the header. It may occur once, with 1 to 64 visible ASCII characters.
fn key_of(request: &HttpRequest) -> ApiResult<Option<String>> {
    let mut lines = request.headers().get_all(IDEMPOTENCY_KEY);
    let key = match (lines.next(), lines.next()) {
        (None, _) => return Ok(None),
        (Some(line), None) => line.to_str().ok(),
        (Some(_), Some(_)) => None,
    };
    let fits = |key: &&str| (1..=64).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    let expected = || ApiError::invalid("/Idempotency-Key", "must be 1 to 64 visible ASCII characters, and given once");
    key.filter(fits).map(|key| Some(key.to_owned())).ok_or_else(expected)
}

impl IdempotencyKey {
    /// Runs `work` once. A repeated request with this key receives the reply of the first one.
    /// The transaction `tx` stores the key before the work, and the reply after it. The caller commits `tx`.
    ///
    /// # Errors
    /// [`ApiError::IdempotencyKeyReused`] (422) if the key was used with another body.
    /// [`KEY_IN_USE`] (409) if another request with this key is still running.
    pub async fn once<Tx: AsMut<PgConnection>, R>(
        &self,
        tx: &mut Tx,
        owner: UserId,
        now: DateTime<Utc>,
        work: impl AsyncFnOnce(&mut Tx) -> ApiResult<Created<R>>,
    ) -> ApiResult<Created<R>> {
        let Some(BoundKey { route, key, body }) = &self.0 else { return work(tx).await };
        let claim = Claim { owner, route, key, body, now };
        match idempotency::claim(tx.as_mut(), &claim).await? {
            ClaimOutcome::New => {}
            ClaimOutcome::Answered(answer) => return Ok(Created::from_stored(answer)),
            ClaimOutcome::DifferentBody => return Err(ApiError::IdempotencyKeyReused),
            ClaimOutcome::InProgress => return Err(KEY_IN_USE),
        }
        let created = work(tx).await?;
        idempotency::store(tx.as_mut(), &claim, &created.answer).await?;
        Ok(created)
    }
}

impl<T: ToSchema> Describe for IdempotentJson<T> {
    fn describe(signature: &mut Signature) {
        JsonBody::<T>::describe(signature);
        signature.idempotency_key = true;
    }
}

impl Describe for StreamedIdempotencyKey {
    fn describe(signature: &mut Signature) {
        signature.idempotency_key = true;
    }
}
