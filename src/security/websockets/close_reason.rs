//! Why a socket is closed by us: the code that the client reads, and the event that is left.

use std::io::ErrorKind;

use actix_web::error::PayloadError;
use actix_ws::{CloseCode, CloseReason, ProtocolError};

use crate::security::audit::event::{Event, EventKind};

/// The last word. `docs/live.md` explains each code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goodbye {
    /// The client closed it, or is gone.
    Done,
    /// The service ends.
    GoingAway,
    /// Not RFC 6455: an unmasked frame, a reserved bit, a continuation of nothing.
    NotTheProtocol,
    Binary,
    NotUtf8,
    /// Too many messages that do not fit.
    TooManyFaults,
    TooLarge,
    /// Whether the ticket holds cannot be known now.
    Unavailable,
    /// No ticket came in time, or something else came first.
    NoTicket,
    /// The ticket does not hold. The event is the ticket's.
    BadTicket,
    /// The session, or the user, is no more.
    SessionEnded,
    /// Its access has run out, and no new ticket came.
    Expired,
    /// Nothing came from the other side.
    Silent,
    /// The other side does not take what we send.
    SlowReader,
    TooManySockets,
    TooManyMessages,
    TooManyFrames,
}

impl Goodbye {
    /// What the client reads.
    #[must_use]
    pub fn reason(self) -> CloseReason {
        let (code, words) = match self {
            Self::Done => (CloseCode::Normal, ""),
            Self::GoingAway => (CloseCode::Away, "going away"),
            Self::NotTheProtocol => (CloseCode::Protocol, "not the protocol"),
            Self::Binary => (CloseCode::Unsupported, "text only"),
            Self::NotUtf8 => (CloseCode::Invalid, "not UTF-8"),
            Self::TooManyFaults => (CloseCode::Policy, "too many invalid messages"),
            Self::TooLarge => (CloseCode::Size, "too large"),
            Self::Unavailable => (CloseCode::Again, "try again later"),
            Self::NoTicket | Self::BadTicket | Self::SessionEnded | Self::Expired => {
                (CloseCode::Other(4401), "a ticket is needed")
            }
            Self::Silent | Self::SlowReader => (CloseCode::Other(4408), "timed out"),
            Self::TooManySockets | Self::TooManyMessages | Self::TooManyFrames => (CloseCode::Other(4429), "too many"),
        };
        CloseReason { code, description: Some(words.to_owned()).filter(|words| !words.is_empty()) }
    }

    /// Leaves the event, if it is one.
    pub fn record(self) {
        let (kind, reason) = match self {
            Self::NotTheProtocol => (EventKind::InputValidationFail, "live_protocol"),
            Self::Binary => (EventKind::InputValidationFail, "live_binary"),
            Self::NotUtf8 => (EventKind::InputValidationFail, "live_not_utf8"),
            Self::TooManyFaults => (EventKind::InputValidationFail, "live_invalid_messages"),
            Self::TooLarge => (EventKind::InputValidationFail, "live_too_large"),
            Self::NoTicket => (EventKind::AuthnTokenInvalid, "no_ticket"),
            Self::SlowReader => (EventKind::ExcessRateLimitExceeded, "live_slow_reader"),
            Self::TooManySockets => (EventKind::ExcessRateLimitExceeded, "live_sockets"),
            Self::TooManyMessages => (EventKind::ExcessRateLimitExceeded, "live_messages"),
            Self::TooManyFrames => (EventKind::ExcessRateLimitExceeded, "live_frames"),
            Self::SessionEnded => (EventKind::AuthnTokenRevoked, "live_session_ended"),
            Self::Done | Self::GoingAway | Self::Unavailable | Self::BadTicket | Self::Expired | Self::Silent => return,
        };
        Event::new(kind).reason(reason).record();
    }
}

impl From<ProtocolError> for Goodbye {
    fn from(error: ProtocolError) -> Self {
        let ProtocolError::Io(error) = error else {
            return if matches!(error, ProtocolError::Overflow) { Self::TooLarge } else { Self::NotTheProtocol };
        };
        // What `frames` found comes as the payload's error; what is left of the library's own are these two.
        match error.get_ref().and_then(|inner| inner.downcast_ref::<PayloadError>()) {
            Some(PayloadError::Overflow) => Self::TooLarge,
            Some(PayloadError::Io(io)) if io.kind() == ErrorKind::QuotaExceeded => Self::TooManyFrames,
            Some(PayloadError::Io(io)) if io.kind() == ErrorKind::Unsupported => Self::NotTheProtocol,
            Some(_) => Self::Done,
            None if error.kind() == ErrorKind::InvalidData => Self::NotUtf8,
            None => Self::TooLarge,
        }
    }
}
