//! Issues tickets and accepts WebSocket handshakes.

use actix_web::HttpRequest;
use actix_web::web::{Data, Payload};
use tracing::{Instrument, Span};

use super::hub::Live;
use super::socket;
use super::views::TicketView;
use crate::http::client_ip::ClientAddr;
use crate::http::error::{ApiError, ApiResult};
use crate::http::reply::{Issued, SwitchingProtocols};
use crate::security::audit::context;
use crate::security::sessions::caller::Caller;
use crate::security::sessions::tickets::LIFETIME_SECONDS;
use crate::security::websockets;

/// `POST live/tickets`: issues a single-use ticket for one socket.
pub async fn ticket(caller: Caller, live: Data<Live>) -> ApiResult<Issued<TicketView>> {
    let ticket = live.tickets.issue(&caller).await?.to_wire().into();
    Ok(Issued(TicketView { ticket, expires_in: LIFETIME_SECONDS }))
}

/// `GET live`: the WebSocket handshake. The client authenticates afterwards, with a ticket as its first message.
pub async fn connect(
    request: HttpRequest,
    payload: Payload,
    address: ClientAddr,
    live: Data<Live>,
) -> ApiResult<SwitchingProtocols> {
    let live = live.into_inner();
    if *live.closing().borrow() {
        return Err(ApiError::unavailable(5, "the service is shutting down"));
    }
    let permit = live.permits.acquire(address)?;
    let (reply, session, frames) = websockets::accept(&request, payload, &permit).await?;
    // Logs and security events of the socket carry the request id of its handshake.
    actix_web::rt::spawn(context::inherit(socket::serve(live, permit, session, frames)).instrument(Span::current()));
    Ok(SwitchingProtocols(reply))
}
