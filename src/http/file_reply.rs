//! Replies with a file. The media type is part of the handler's return type, for example `File<Pdf>`.

use std::marker::PhantomData;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, Responder};

use super::signature::{Describe, Signature};

/// A file of the media type `M`.
pub struct File<M> {
    response: HttpResponse,
    media_type: PhantomData<fn() -> M>,
}

pub trait MediaType {
    /// The media type in the OpenAPI document.
    const NAME: &'static str;
    const CONTENT_TYPE: &'static str;
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
    #[must_use]
    pub fn new(bytes: impl MessageBody + 'static) -> Self {
        Self::of(HttpResponse::Ok().body(bytes))
    }

    /// Turns a response into a file reply. A 304 has no body and no `Content-Type`.
    #[must_use]
    pub fn of(mut response: HttpResponse) -> Self {
        if response.status() != StatusCode::NOT_MODIFIED {
            let content_type = HeaderValue::from_static(M::CONTENT_TYPE);
            response.headers_mut().insert(header::CONTENT_TYPE, content_type);
        }
        Self { response, media_type: PhantomData }
    }

    /// Returns 304: the client already has the current version.
    #[must_use]
    pub fn not_modified(etag: &str) -> Self {
        Self::of(HttpResponse::NotModified().insert_header((header::ETAG, etag)).finish())
    }
}

impl<M> Responder for File<M> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        self.response
    }
}

impl<M: MediaType> Describe for File<M> {
    fn describe(signature: &mut Signature) {
        signature.status = 200;
        signature.files = vec![M::NAME];
    }
}
