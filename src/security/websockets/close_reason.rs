//! The reasons for closing a WebSocket. `docs/live.md` explains the close code of each reason.

use std::io::ErrorKind;

use actix_web::error::PayloadError;
use actix_ws::{CloseCode, ProtocolError};

use crate::security::audit::event::{Event, EventKind};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The client closed the connection, or the connection was lost.
    Closed,
    GoingAway,
    /// The client violates RFC 6455, for example by an unmasked frame or a reserved bit.
    ProtocolViolation,
    Binary,
    InvalidUtf8,
    TooManyInvalidMessages,
    TooLarge,
    /// The database is down, so the service cannot check the ticket.
    Unavailable,
    /// The first message was not a ticket, or no message came within [`TICKET_TIMEOUT`](super::TICKET_TIMEOUT).
    MissingTicket,
    /// The ticket is unknown, expired or used. The module `tickets` has already recorded the event.
    InvalidTicket,
    /// The session ended, or its user was deleted or disabled.
    SessionEnded,
    /// The access that the last ticket granted has expired, and the client sent no new ticket.
    Expired,
    /// The client sent nothing for [`IDLE_TIMEOUT`](super::IDLE_TIMEOUT).
    IdleTimeout,
    /// The client did not read a message within [`SEND_TIMEOUT`](super::SEND_TIMEOUT).
    SlowReader,
    TooManySockets,
    TooManyMessages,
    TooManyFrames,
}

impl CloseReason {
    #[must_use]
    pub fn close_frame(self) -> actix_ws::CloseReason {
        let (code, words) = match self {
            Self::Closed => (CloseCode::Normal, ""),
            Self::GoingAway => (CloseCode::Away, "going away"),
            Self::ProtocolViolation => (CloseCode::Protocol, "protocol error"),
            Self::Binary => (CloseCode::Unsupported, "text only"),
            Self::InvalidUtf8 => (CloseCode::Invalid, "not UTF-8"),
            Self::TooManyInvalidMessages => (CloseCode::Policy, "too many invalid messages"),
            Self::TooLarge => (CloseCode::Size, "too large"),
            Self::Unavailable => (CloseCode::Again, "try again later"),
            Self::MissingTicket | Self::InvalidTicket | Self::SessionEnded | Self::Expired => {
                (CloseCode::Other(4401), "ticket required")
            }
            Self::IdleTimeout | Self::SlowReader => (CloseCode::Other(4408), "timed out"),
            Self::TooManySockets | Self::TooManyMessages | Self::TooManyFrames => (CloseCode::Other(4429), "too many"),
        };
        actix_ws::CloseReason { code, description: Some(words.to_owned()).filter(|words| !words.is_empty()) }
    }

    /// Records the security event of this reason. Normal reasons, for example a shutdown, cause no event. The end of a
    /// session has its own event (`session_ended`).
    pub fn record(self) {
        let (kind, reason) = match self {
            Self::ProtocolViolation => (EventKind::InputValidationFail, "live_protocol"),
            Self::Binary => (EventKind::InputValidationFail, "live_binary"),
            Self::InvalidUtf8 => (EventKind::InputValidationFail, "live_not_utf8"),
            Self::TooManyInvalidMessages => (EventKind::InputValidationFail, "live_invalid_messages"),
            Self::TooLarge => (EventKind::InputValidationFail, "live_too_large"),
            Self::MissingTicket => (EventKind::AuthnTokenInvalid, "no_ticket"),
            Self::SlowReader => (EventKind::ExcessRateLimitExceeded, "live_slow_reader"),
            Self::TooManySockets => (EventKind::ExcessRateLimitExceeded, "live_sockets"),
            Self::TooManyMessages => (EventKind::ExcessRateLimitExceeded, "live_messages"),
            Self::TooManyFrames => (EventKind::ExcessRateLimitExceeded, "live_frames"),
            Self::Closed
            | Self::GoingAway
            | Self::Unavailable
            | Self::InvalidTicket
            | Self::SessionEnded
            | Self::Expired
            | Self::IdleTimeout => return,
        };
        Event::new(kind).reason(reason).record();
    }
}

impl From<ProtocolError> for CloseReason {
    fn from(error: ProtocolError) -> Self {
        let ProtocolError::Io(error) = error else {
            return if matches!(error, ProtocolError::Overflow) { Self::TooLarge } else { Self::ProtocolViolation };
        };
        // The module `frames` reports a violation as a `PayloadError`. All other errors come from actix-ws.
        match error.get_ref().and_then(|inner| inner.downcast_ref::<PayloadError>()) {
            Some(PayloadError::Overflow) => Self::TooLarge,
            Some(PayloadError::Io(io)) if io.kind() == ErrorKind::QuotaExceeded => Self::TooManyFrames,
            Some(PayloadError::Io(io)) if io.kind() == ErrorKind::Unsupported => Self::ProtocolViolation,
            Some(_) => Self::Closed,
            None if error.kind() == ErrorKind::InvalidData => Self::InvalidUtf8,
            None => Self::TooLarge,
        }
    }
}
