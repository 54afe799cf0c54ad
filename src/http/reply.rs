//! Typed replies. The return type of a handler says the status, the headers and the body of a success, and the OpenAPI document
//! follows from it ([`super::signature`]).

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

/// 200 with a body.
pub struct Json<T>(pub T);

/// 200 with a page of a list.
pub type Paged<T> = Json<Page<T>>;

/// 200 with a body, and the version of the object as `ETag`.
pub struct Versioned<T> {
    pub version: i64,
    pub view: T,
}

/// A JSON body that a reply can carry, with or without a version.
pub trait JsonReply: Describe {
    /// Returns the value of the `ETag` header.
    fn etag(&self) -> Option<String>;

    /// Serializes the body.
    ///
    /// # Errors
    /// The body has no JSON form.
    fn to_json(&self) -> serde_json::Result<String>;
}

impl<T: Serialize + ToSchema> JsonReply for Json<T> {
    fn etag(&self) -> Option<String> {
        None
    }

    fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string(&self.0)
    }
}

impl<T: Serialize + ToSchema> JsonReply for Versioned<T> {
    fn etag(&self) -> Option<String> {
        Some(etag(self.version))
    }

    fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string(&self.view)
    }
}

/// 201 with the new object and its URL in `Location`. Under an `Idempotency-Key` the reply is stored and sent again
/// ([`super::idempotency`]).
pub struct Created<R> {
    pub(super) answer: StoredAnswer,
    reply: PhantomData<fn() -> R>,
}

impl<R: JsonReply> Created<R> {
    /// Returns the reply for a new object at `location`.
    ///
    /// # Errors
    /// [`ApiError::Internal`] if the object cannot be serialized.
    pub fn at(location: String, reply: &R) -> ApiResult<Self> {
        let (body, etag) = (reply.to_json().map_err(ApiError::internal)?, reply.etag());
        Ok(Self::from_stored(StoredAnswer { status: 201, location, etag, body }))
    }
}

impl<R> Created<R> {
    pub(super) fn from_stored(answer: StoredAnswer) -> Self {
        Self { answer, reply: PhantomData }
    }
}

/// 201 with an object that has no URL.
pub struct Issued<T>(pub T);

/// 303 to another path.
pub struct SeeOther(pub &'static str);

/// 101: the connection becomes a WebSocket.
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
    /// 202, so that the reply does not reveal whether an account exists.
    Accepted 202
    /// 204.
    NoContent 204
}

/// A file of the media type `M`.
pub struct File<M> {
    response: HttpResponse,
    media_type: PhantomData<fn() -> M>,
}

/// The media type of a [`File`].
pub trait MediaType {
    /// The name, as documented.
    const NAME: &'static str;
    /// The `Content-Type`.
    const CONTENT_TYPE: &'static str = Self::NAME;
}

macro_rules! media_types {
    ($($name:ident $media_type:literal $content_type:literal)*) => {$(
        #[doc = concat!("`", $media_type, "`")]
        pub enum $name {}

        impl MediaType for $name {
            const NAME: &'static str = $media_type;
            const CONTENT_TYPE: &'static str = $content_type;
        }
    )*};
}

media_types! {
    Css "text/css" "text/css; charset=utf-8"
    Csv "text/csv" "text/csv; charset=utf-8; header=present"
    Html "text/html" "text/html; charset=utf-8"
    JavaScript "text/javascript" "text/javascript; charset=utf-8"
    JsonFile "application/json" "application/json"
    Pdf "application/pdf" "application/pdf"
    PlainText "text/plain" "text/plain; charset=utf-8"
    Svg "image/svg+xml" "image/svg+xml"
}

impl<M: MediaType> File<M> {
    /// Returns 200 with these bytes.
    #[must_use]
    pub fn new(bytes: impl actix_web::body::MessageBody + 'static) -> Self {
        Self::of(HttpResponse::Ok().body(bytes))
    }

    /// Returns a response as a file: sets its `Content-Type`, unless it has no body (304).
    #[must_use]
    pub fn of(mut response: HttpResponse) -> Self {
        if response.status() != StatusCode::NOT_MODIFIED {
            let content_type = header::HeaderValue::from_static(M::CONTENT_TYPE);
            response.headers_mut().insert(header::CONTENT_TYPE, content_type);
        }
        Self { response, media_type: PhantomData }
    }

    /// Returns 304: the client's copy is current.
    #[must_use]
    pub fn not_modified(etag: &str) -> Self {
        Self::of(HttpResponse::NotModified().insert_header((header::ETAG, etag)).finish())
    }
}

fn json(reply: &impl JsonReply) -> HttpResponse {
    let Ok(body) = reply.to_json() else {
        return HttpResponse::from_error(ApiError::internal("a reply has no JSON form"));
    };
    let mut response = HttpResponse::Ok();
    if let Some(etag) = reply.etag() {
        response.insert_header((header::ETAG, etag));
    }
    response.content_type("application/json").body(body)
}

impl<T: Serialize + ToSchema> Responder for Json<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        json(&self)
    }
}

impl<T: Serialize + ToSchema> Responder for Versioned<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        json(&self)
    }
}

impl<R> Responder for Created<R> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let StoredAnswer { status, location, etag, body } = self.answer;
        let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
        let mut response = HttpResponse::build(status.unwrap_or(StatusCode::CREATED));
        response.insert_header((header::LOCATION, location));
        if let Some(etag) = etag {
            response.insert_header((header::ETAG, etag));
        }
        response.content_type("application/json").body(body)
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

impl<M> Responder for File<M> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        self.response
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

impl<M: MediaType> Describe for File<M> {
    fn describe(signature: &mut Signature) {
        signature.status = 200;
        signature.files = vec![M::NAME];
    }
}
