//! `Idempotency-Key` on POSTs that make something: a client that heard no answer asks again, and the work is done
//! once. The same key with the same body gets the first answer again for 24 hours; with another body it is refused (422). While
//! the first is still being done it waits a moment, and is refused then (409). Key and answer are kept in the transaction of the
//! work, so there is no moment in which one of the two is lost. A body that is too large to be held has its key apart
//! ([`GivenKey`]). Only successes are kept: what was refused may be tried again.

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
use crate::db::idempotency::{self, Claim, Claimed, Kept};

/// The header.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Refuses a second request while the first with the same key is running.
pub const KEY_IN_USE: ApiError =
    ApiError::Conflict { code: "key_in_use", title: "The first request with this key is still running" };

/// A validated body, and the key that came with it.
pub struct Keyed<T> {
    pub body: T,
    pub key: IdempotencyKey,
}

/// The key of a request, if it has one.
pub struct IdempotencyKey(Option<Given>);

struct Given {
    route: String,
    key: String,
    body: Bytes,
}

/// A key whose body is read elsewhere: it is none before [`GivenKey::on`] says what came.
pub struct GivenKey(Option<(String, String)>);

impl FromRequest for GivenKey {
    type Error = ApiError;
    type Future = Ready<ApiResult<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(key_of(request).map(|key| Self(key.map(|key| (route_of(request), key)))))
    }
}

impl GivenKey {
    /// For what came: bytes that are alike for no two bodies.
    #[must_use]
    pub fn on(self, came: Bytes) -> IdempotencyKey {
        IdempotencyKey(self.0.map(|(route, key)| Given { route, key, body: came }))
    }

    /// Whether it was used and answered before, for whatever body.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn is_used(&self, connection: &mut PgConnection, owner: UserId, now: DateTime<Utc>) -> ApiResult<bool> {
        let Some((route, key)) = &self.0 else { return Ok(false) };
        Ok(idempotency::is_answered(connection, owner, route, key, now).await?)
    }
}

impl<T> FromRequest for Keyed<T>
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
            Ok(Self { body, key: IdempotencyKey(key.map(|key| Given { route, key, body: bytes })) })
        })
    }
}

/// What a key is good for: one route, and one object where its path has an id. The path as it was typed would not do: an id has
/// many spellings there (capitals, percent-encoding), and each would repeat the work.
fn route_of(request: &HttpRequest) -> String {
    let route = format!("{} {}", request.method(), MatchedRoute::of(request).name());
    match request.match_info().get("id").map(id::parse) {
        Some(Ok(id)) => route.replace("{id}", &id.to_string()),
        _ => route,
    }
}

/// 1 to 64 visible characters of ASCII, once.
fn key_of(request: &HttpRequest) -> ApiResult<Option<String>> {
    let mut lines = request.headers().get_all(IDEMPOTENCY_KEY);
    let key = match (lines.next(), lines.next()) {
        (None, _) => return Ok(None),
        (Some(line), None) => line.to_str().ok(),
        (Some(_), Some(_)) => None,
    };
    let fits = |key: &&str| (1..=64).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    let expected = || ApiError::invalid("/Idempotency-Key", "must be 1 to 64 visible characters of ASCII, once");
    key.filter(fits).map(|key| Some(key.to_owned())).ok_or_else(expected)
}

/// An answer to a POST, as it can be given again.
pub struct Answer(Kept);

impl Answer {
    /// 201: where the new object is, its version if it has one, and the object.
    ///
    /// # Errors
    /// It cannot be written as JSON.
    pub fn created(location: String, version: Option<i64>, view: &impl Serialize) -> ApiResult<Self> {
        let body = serde_json::to_string(view).map_err(ApiError::internal)?;
        Ok(Self(Kept { status: 201, location, etag: version.map(etag), body }))
    }

    /// On the wire.
    #[must_use]
    pub fn reply(self) -> HttpResponse {
        let Self(Kept { status, location, etag, body }) = self;
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
    /// The first answer, if the work was done. To be asked inside its transaction, before it.
    ///
    /// # Errors
    /// 422 for another body, 409 while the first is being done and for a moment was.
    pub async fn answered(
        &self,
        connection: &mut PgConnection,
        owner: UserId,
        now: DateTime<Utc>,
    ) -> ApiResult<Option<HttpResponse>> {
        let Some(claim) = self.claim(owner, now) else { return Ok(None) };
        match idempotency::claim(connection, &claim).await? {
            Claimed::Fresh => Ok(None),
            Claimed::Done(kept) => Ok(Some(Answer(kept).reply())),
            Claimed::OtherBody => Err(ApiError::KeyReused),
            Claimed::Running => Err(KEY_IN_USE),
        }
    }

    /// Keeps the answer with the work, before its transaction is committed.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn keep(
        &self,
        connection: &mut PgConnection,
        owner: UserId,
        now: DateTime<Utc>,
        answer: &Answer,
    ) -> ApiResult<()> {
        match self.claim(owner, now) {
            Some(claim) => Ok(idempotency::keep(connection, &claim, &answer.0).await?),
            None => Ok(()),
        }
    }

    fn claim(&self, owner: UserId, now: DateTime<Utc>) -> Option<Claim<'_>> {
        let Given { route, key, body } = self.0.as_ref()?;
        Some(Claim { owner, route, key, body, now })
    }
}
