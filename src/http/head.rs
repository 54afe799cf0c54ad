//! HEAD (RFC 9110 §9.3.2): each GET route except the WebSocket supports it, with the same authorization and limits.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::Error;
use actix_web::body::{BodySize, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;
use actix_web::web::Bytes;

/// A body that states its length but sends no bytes.
/// Without this type, actix-http would read a whole file or export, and discard the bytes.
pub struct OnlyLength(BodySize);

impl MessageBody for OnlyLength {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        self.0
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Poll::Ready(None)
    }
}

/// Middleware that drops the body of a reply to HEAD.
pub async fn drop_body<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, OnlyLength>>, Error> {
    let is_head = request.method() == Method::HEAD;
    let reply = next.call(request).await?;
    Ok(match is_head {
        true => reply.map_body(|_, body| EitherBody::right(OnlyLength(body.size()))),
        false => reply.map_into_left_body(),
    })
}
