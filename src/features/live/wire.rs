//! The messages of one socket, in both directions.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

use actix_ws::{AggregatedMessage, AggregatedMessageStream, Closed, Session};
use secrecy::SecretString;

use super::hub::Live;
use super::views::{Said, Say};
use crate::security::sessions::caller::Caller;
use crate::security::websockets::{Goodbye, TAKEN_WITHIN, TICKET_WITHIN};

/// What ends the socket passes through everything as an error.
pub(super) type Talk<T> = Result<T, Goodbye>;

/// Redeems a ticket and returns its caller.
pub(super) async fn redeem(live: &Live, ticket: &SecretString) -> Talk<Caller> {
    match live.tickets.redeem(ticket).await {
        Ok(caller) => caller.ok_or(Goodbye::BadTicket),
        Err(error) => {
            tracing::warn!(%error, "a ticket could not be redeemed");
            Err(Goodbye::Unavailable)
        }
    }
}

/// Sends one message.
pub(super) async fn send(session: &mut Session, say: &Say) -> Talk<()> {
    let text = say.text().map_err(|_| Goodbye::Unavailable)?;
    in_time(session.text(text)).await
}

/// What we send must be taken within a time.
pub(super) async fn in_time(sent: impl Future<Output = Result<(), Closed>>) -> Talk<()> {
    match tokio::time::timeout(TAKEN_WITHIN, sent).await {
        Ok(sent) => sent.map_err(|Closed| Goodbye::Done),
        Err(_) => Err(Goodbye::SlowReader),
    }
}

/// The two directions of a socket.
pub(super) struct Wire {
    pub(super) session: Session,
    pub(super) frames: AggregatedMessageStream,
    /// When something last came.
    pub(super) seen: Rc<Cell<Instant>>,
}

impl Wire {
    /// Whose socket it is, by the ticket in the first message.
    pub(super) async fn admit(&mut self, live: &Live) -> Talk<Caller> {
        let first = tokio::time::timeout(TICKET_WITHIN, self.next()).await.map_err(|_| Goodbye::NoTicket)??;
        match Said::read(&first) {
            Ok(Said::Authenticate { ticket }) => redeem(live, &ticket).await,
            _ => Err(Goodbye::NoTicket),
        }
    }

    /// The next message. Pings are answered on the way.
    pub(super) async fn next(&mut self) -> Talk<String> {
        loop {
            let message = self.frames.recv().await.ok_or(Goodbye::Done)??;
            self.seen.set(Instant::now());
            match message {
                AggregatedMessage::Text(text) => return Ok(text.to_string()),
                AggregatedMessage::Binary(_) => return Err(Goodbye::Binary),
                AggregatedMessage::Ping(bytes) => in_time(self.session.pong(&bytes)).await?,
                AggregatedMessage::Pong(_) => {}
                AggregatedMessage::Close(_) => return Err(Goodbye::Done),
            }
        }
    }
}
