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

/// Issues a ticket that can authenticate one socket once.
pub async fn ticket(caller: Caller, live: Data<Live>) -> ApiResult<Issued<TicketView>> {
    let ticket = live.tickets.issue(&caller).await?.to_wire().into();
    Ok(Issued(TicketView { ticket, expires_in: LIFETIME_SECONDS }))
}

/// The WebSocket handshake. The client then authenticates with a ticket in its first message.
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
    // Pass on the context, so that the logs and security events of the socket contain the handshake's request id.
    actix_web::rt::spawn(context::inherit(socket::serve(live, permit, session, frames)).instrument(Span::current()));
    Ok(SwitchingProtocols(reply))
}
