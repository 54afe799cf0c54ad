//! Idempotent POST requests (`Idempotency-Key`) (CWE-837, API6:2023).
//!
//! **Attack**: a request that is sent twice, by a client that got no response or by an attacker who replays it, pays or creates
//! twice.
//! **Control**: the same key with the same body returns the first response again for 24 hours. The same key with another body is
//! 422. While the first request runs, the second waits a moment, and then gets 409. Key and response are stored in the
//! transaction of the work, so neither can be lost alone. Only successes are stored: a refused request can be repeated.
//! **Limits**: a repetition without a key, or after 24 hours, is a new request.
//! **ASVS**: 2.3.3, 2.3.4 · **Test**: `features::idempotency`

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::{StatusCode, header};
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use futures_util::future::LocalBoxFuture;
use garde::Validate;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::PgConnection;

use super::body::{JSON, is_json, parse, read, validate};
use super::conditional::etag;
use super::error::{ApiError, ApiResult};
use super::matched_route::MatchedRoute;
use crate::base::id::{self, UserId};
use crate::db::idempotency::{self, Claim, ClaimOutcome, StoredAnswer};

/// The header's name.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The error for a second request while the first with the same key is running.
pub const KEY_IN_USE: ApiError =
    ApiError::Conflict { code: "idempotency_key_in_use", title: "The first request with this key is still running" };

/// A validated JSON body and the request's key.
pub struct IdempotentJson<T> {
    pub body: T,
    pub key: IdempotencyKey,
}

/// The key of a request, if it has one, with the route and body that it is bound to.
pub struct IdempotencyKey(Option<BoundKey>);

struct BoundKey {
    route: String,
    key: String,
    body: Bytes,
}

/// The key of a request whose body is streamed. [`for_body`](Self::for_body) binds it to the body.
pub struct StreamedIdempotencyKey(Option<(String, String)>);

impl FromRequest for StreamedIdempotencyKey {
    type Error = ApiError;
    type Future = Ready<ApiResult<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(key_of(request).map(|key| Self(key.map(|key| (route_of(request), key)))))
    }
}

impl StreamedIdempotencyKey {
    /// Binds the key to a body. `fingerprint` must differ for different bodies.
    #[must_use]
    pub fn for_body(self, fingerprint: Bytes) -> IdempotencyKey {
        IdempotencyKey(self.0.map(|(route, key)| BoundKey { route, key, body: fingerprint }))
    }

    /// Returns whether the key has a stored reply, for any body.
    ///
    /// # Errors
    /// The database is unavailable.
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

/// Returns the scope of a key: method, route and the parsed id. The raw path would not do: an id has many spellings (capitals,
/// percent-encoding), and each would repeat the work.
fn route_of(request: &HttpRequest) -> String {
    let route = format!("{} {}", request.method(), MatchedRoute::of(request).name());
    match request.match_info().get("id").map(id::parse) {
        Some(Ok(id)) => route.replace("{id}", &id.to_string()),
        _ => route,
    }
}

/// Reads the header: once, 1 to 64 visible ASCII characters.
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

/// A reply to a POST that can be stored and sent again.
pub struct Answer(StoredAnswer);

impl Answer {
    /// Creates a 201 with `Location`, `ETag` if there is a version, and the new object.
    ///
    /// # Errors
    /// The object cannot be serialized.
    pub fn created(location: String, version: Option<i64>, view: &impl Serialize) -> ApiResult<Self> {
        let body = serde_json::to_string(view).map_err(ApiError::internal)?;
        Ok(Self(StoredAnswer { status: 201, location, etag: version.map(etag), body }))
    }

    /// Returns the HTTP response.
    #[must_use]
    pub fn reply(self) -> HttpResponse {
        let Self(StoredAnswer { status, location, etag, body }) = self;
        let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
        let mut reply = HttpResponse::build(status.unwrap_or(StatusCode::CREATED));
        reply.insert_header((header::LOCATION, location));
        if let Some(etag) = etag {
            reply.insert_header((header::ETAG, etag));
        }
        reply.content_type("application/json").body(body)
    }
}

impl IdempotencyKey {
    /// Claims the key and returns the stored reply, if there is one. Call it inside the transaction, before the work.
    ///
    /// # Errors
    /// [`ApiError::IdempotencyKeyReused`] (422) for another body; [`KEY_IN_USE`] (409) if another request still runs.
    pub async fn stored_reply(
        &self,
        connection: &mut PgConnection,
        owner: UserId,
        now: DateTime<Utc>,
    ) -> ApiResult<Option<HttpResponse>> {
        let Some(claim) = self.claim(owner, now) else { return Ok(None) };
        match idempotency::claim(connection, &claim).await? {
            ClaimOutcome::New => Ok(None),
            ClaimOutcome::Answered(kept) => Ok(Some(Answer(kept).reply())),
            ClaimOutcome::DifferentBody => Err(ApiError::IdempotencyKeyReused),
            ClaimOutcome::InProgress => Err(KEY_IN_USE),
        }
    }

    /// Stores the reply. Call it before the transaction of the work commits.
    ///
    /// # Errors
    /// The database is unavailable.
    pub async fn store(
        &self,
        connection: &mut PgConnection,
        owner: UserId,
        now: DateTime<Utc>,
        answer: &Answer,
    ) -> ApiResult<()> {
        match self.claim(owner, now) {
            Some(claim) => Ok(idempotency::store(connection, &claim, &answer.0).await?),
            None => Ok(()),
        }
    }

    fn claim(&self, owner: UserId, now: DateTime<Utc>) -> Option<Claim<'_>> {
        let BoundKey { route, key, body } = self.0.as_ref()?;
        Some(Claim { owner, route, key, body, now })
    }
}
