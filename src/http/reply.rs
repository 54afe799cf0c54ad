//! Typed replies. The return type of a handler determines status, headers and body of a success.
//! The OpenAPI document is generated from the same type ([`super::signature`]).

use std::marker::PhantomData;

use actix_web::body::BoxBody;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, Responder};
use serde::Serialize;
use utoipa::ToSchema;

use super::conditional::etag;
use super::error::{ApiError, ApiResult};
use super::signature::{Describe, NamedSchema, Signature};
use crate::base::page::Page;
use crate::db::idempotency::StoredAnswer;

/// Replies 200 with a body.
pub struct Json<T>(pub T);

/// Replies 200 with a page of a list.
pub type Paged<T> = Json<Page<T>>;

/// Replies 200 with a body, and the version of the object as `ETag`.
pub struct Versioned<T> {
    pub version: i64,
    pub view: T,
}

/// A JSON body, with or without a version.
pub trait JsonReply: Describe {
    fn view(&self) -> &impl Serialize;

    fn etag(&self) -> Option<String> {
        None
    }
}

impl<T: Serialize + ToSchema> JsonReply for Json<T> {
    fn view(&self) -> &impl Serialize {
        &self.0
    }
}

impl<T: Serialize + ToSchema> JsonReply for Versioned<T> {
    fn view(&self) -> &impl Serialize {
        &self.view
    }

    fn etag(&self) -> Option<String> {
        Some(etag(self.version))
    }
}

/// Replies 201 with the new object and its URL in `Location`. [`super::idempotency`] can store and repeat this reply.
pub struct Created<R> {
    pub(super) answer: StoredAnswer,
    reply: PhantomData<fn() -> R>,
}

impl<R: JsonReply> Created<R> {
    /// Returns the reply for a new object at `location`.
    pub fn at(location: String, reply: &R) -> ApiResult<Self> {
        let (body, etag) = (serde_json::to_string(reply.view()).map_err(ApiError::internal)?, reply.etag());
        Ok(Self::from_stored(StoredAnswer { status: 201, location, etag, body }))
    }
}

impl<R> Created<R> {
    pub(super) fn from_stored(answer: StoredAnswer) -> Self {
        Self { answer, reply: PhantomData }
    }
}

/// Replies 201 with a new object that has no URL, for example a ticket.
pub struct Issued<T>(pub T);

/// Redirects to another path with 303.
pub struct SeeOther(pub &'static str);

/// Replies 101, and the connection becomes a WebSocket.
pub struct SwitchingProtocols(pub HttpResponse);

macro_rules! replies_without_body {
    ($($(#[$doc:meta])* $name:ident $status:literal)*) => {$(
        $(#[$doc])*
        pub struct $name;

        impl Responder for $name {
            type Body = BoxBody;

            fn respond_to(self, _: &HttpRequest) -> HttpResponse {
                HttpResponse::new(StatusCode::from_u16($status).unwrap_or(StatusCode::OK))
            }
        }

        impl Describe for $name {
            fn describe(signature: &mut Signature) {
                signature.status = $status;
            }
        }
    )*};
}

replies_without_body! {
    /// Replies 202. The status does not show whether the account exists (prevents user enumeration).
    Accepted 202
    /// Replies 204.
    NoContent 204
}

fn respond(status: StatusCode, location: Option<String>, etag: Option<String>, body: String) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    for (name, value) in [(header::LOCATION, location), (header::ETAG, etag)] {
        if let Some(value) = value {
            response.insert_header((name, value));
        }
    }
    response.content_type("application/json").body(body)
}

fn ok(reply: &impl JsonReply) -> HttpResponse {
    match serde_json::to_string(reply.view()) {
        Ok(body) => respond(StatusCode::OK, None, reply.etag(), body),
        Err(error) => HttpResponse::from_error(ApiError::internal(error)),
    }
}

impl<T: Serialize + ToSchema> Responder for Json<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        ok(&self)
    }
}

impl<T: Serialize + ToSchema> Responder for Versioned<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        ok(&self)
    }
}

impl<R> Responder for Created<R> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let StoredAnswer { status, location, etag, body } = self.answer;
        let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
        respond(status.unwrap_or(StatusCode::CREATED), Some(location), etag, body)
    }
}

impl<T: Serialize> Responder for Issued<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::Created().json(self.0)
    }
}

impl Responder for SeeOther {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::SeeOther().insert_header((header::LOCATION, self.0)).finish()
    }
}

impl Responder for SwitchingProtocols {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        self.0
    }
}

impl<T: ToSchema> Describe for Json<T> {
    fn describe(signature: &mut Signature) {
        signature.status = 200;
        signature.reply = Some(NamedSchema::of::<T>());
    }
}

impl<T: ToSchema> Describe for Versioned<T> {
    fn describe(signature: &mut Signature) {
        Json::<T>::describe(signature);
        signature.etag = true;
    }
}

impl<R: Describe> Describe for Created<R> {
    fn describe(signature: &mut Signature) {
        R::describe(signature);
        signature.status = 201;
        signature.location = true;
    }
}

impl<T: ToSchema> Describe for Issued<T> {
    fn describe(signature: &mut Signature) {
        Json::<T>::describe(signature);
        signature.status = 201;
    }
}

impl Describe for SeeOther {
    fn describe(signature: &mut Signature) {
        signature.status = 303;
    }
}

impl Describe for SwitchingProtocols {
    fn describe(signature: &mut Signature) {
        signature.status = 101;
    }
}
