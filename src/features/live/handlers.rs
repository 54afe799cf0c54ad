//! The ticket, and the handshake that it is for.

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use tracing::{Instrument, Span};

use super::hub::Live;
use super::socket;
use super::views::TicketView;
use crate::http::client_ip::ClientAddr;
use crate::http::error::{ApiError, ApiResult};
use crate::http::reply;
use crate::security::audit::context;
use crate::security::sessions::caller::Caller;
use crate::security::sessions::tickets::LIVES_SECONDS;
use crate::security::websockets;

/// `POST live/tickets`: what opens a socket of the caller's, once.
pub async fn ticket(caller: Caller, live: Data<Live>) -> ApiResult<HttpResponse> {
    let ticket = live.tickets.issue(&caller).await?.to_wire().into();
    Ok(reply::created(&TicketView { ticket, expires_in: LIVES_SECONDS }))
}

/// `GET live`: the handshake. Who comes is told by the ticket that follows on the socket.
pub async fn connect(
    request: HttpRequest,
    payload: Payload,
    address: ClientAddr,
    live: Data<Live>,
) -> ApiResult<HttpResponse> {
    let live = live.into_inner();
    if *live.closing().borrow() {
        return Err(ApiError::unavailable(5, "the service ends"));
    }
    let place = live.places.enter(address)?;
    let (reply, session, frames) = websockets::accept(&request, payload, &place).await?;
    // The request's span and context go along, so that what happens on the socket is found by the id of its handshake.
    actix_web::rt::spawn(context::inherit(socket::serve(live, place, session, frames)).instrument(Span::current()));
    Ok(reply)
}
