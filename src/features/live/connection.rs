use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

use actix_ws::{AggregatedMessage, AggregatedMessageStream, Closed, Session};
use secrecy::SecretString;

use super::hub::Live;
use super::views::{ClientMessage, ServerMessage};
use crate::security::sessions::caller::Caller;
use crate::security::websockets::{CloseReason, SEND_TIMEOUT, TICKET_TIMEOUT};

/// The error is the reason for closing the socket.
pub(super) type SocketResult<T> = Result<T, CloseReason>;

pub(super) async fn redeem(live: &Live, ticket: &SecretString) -> SocketResult<Caller> {
    match live.tickets.redeem(ticket).await {
        Ok(caller) => caller.ok_or(CloseReason::InvalidTicket),
        Err(error) => {
            tracing::warn!(%error, "failed to redeem a ticket");
            Err(CloseReason::Unavailable)
        }
    }
}

pub(super) async fn send(session: &mut Session, message: &ServerMessage) -> SocketResult<()> {
    let text = message.text().map_err(|_| CloseReason::Unavailable)?;
    with_timeout(session.text(text)).await
}

/// Returns [`CloseReason::SlowReader`] if the client does not read fast enough.
pub(super) async fn with_timeout(sent: impl Future<Output = Result<(), Closed>>) -> SocketResult<()> {
    match tokio::time::timeout(SEND_TIMEOUT, sent).await {
        Ok(sent) => sent.map_err(|Closed| CloseReason::Closed),
        Err(_) => Err(CloseReason::SlowReader),
    }
}

pub(super) struct Connection {
    pub(super) session: Session,
    pub(super) frames: AggregatedMessageStream,
    pub(super) last_frame_at: Rc<Cell<Instant>>,
}

impl Connection {
    /// Authenticates the client by the ticket in its first message.
    pub(super) async fn authenticate(&mut self, live: &Live) -> SocketResult<Caller> {
        let first =
            tokio::time::timeout(TICKET_TIMEOUT, self.next()).await.map_err(|_| CloseReason::MissingTicket)??;
        match ClientMessage::read(&first) {
            Ok(ClientMessage::Authenticate { ticket }) => redeem(live, &ticket).await,
            _ => Err(CloseReason::MissingTicket),
        }
    }

    pub(super) async fn next(&mut self) -> SocketResult<String> {
        loop {
            let message = self.frames.recv().await.ok_or(CloseReason::Closed)??;
            self.last_frame_at.set(Instant::now());
            match message {
                AggregatedMessage::Text(text) => return Ok(text.to_string()),
                AggregatedMessage::Binary(_) => return Err(CloseReason::Binary),
                AggregatedMessage::Ping(bytes) => with_timeout(self.session.pong(&bytes)).await?,
                AggregatedMessage::Pong(_) => {}
                AggregatedMessage::Close(_) => return Err(CloseReason::Closed),
            }
        }
    }
}
