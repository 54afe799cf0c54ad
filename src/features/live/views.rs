//! The messages: text, one JSON object each, of these shapes and no other. `docs/live.md` is their reference.

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::{Change, Topic};
use crate::base::id::InvoiceId;
use crate::http::body;
use crate::http::error::{ApiError, ApiResult};
use crate::http::params::IdField;
use crate::security::crypto::secret_output::HandedSecret;

/// What opens a socket.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"ticket": "kV3xS0mE-t1cket-f0r-one-s0cket-and-n0-m0reA", "expires_in": 30}))]
pub struct TicketView {
    /// Sent as the socket's first message; good once.
    #[schema(value_type = String, min_length = 43, max_length = 43, pattern = "^[A-Za-z0-9_-]{43}$")]
    pub ticket: HandedSecret,
    /// Seconds.
    #[schema(minimum = 30, maximum = 30)]
    pub expires_in: i64,
}

/// What a client may say.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Said {
    /// The first message, and only that.
    Authenticate {
        ticket: SecretString,
    },
    /// A new ticket, before the access runs out.
    Renew {
        ticket: SecretString,
    },
    Subscribe(Wish),
    Unsubscribe(Wish),
}

/// `{"object": "invoice", "id": "…"}` or `{"object": "invoices"}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    object: String,
    #[serde(default)]
    id: Option<IdField<Any>>,
}

/// An id of any kind.
type Any = InvoiceId;

impl Said {
    /// Reads one message.
    ///
    /// # Errors
    /// [`ApiError::NotJson`], [`ApiError::Invalid`].
    pub fn read(text: &str) -> ApiResult<Self> {
        body::parse(text.as_bytes())
    }
}

impl Wish {
    /// What is wished for.
    ///
    /// # Errors
    /// [`ApiError::Invalid`]: no such kind, one object without an id, or all of a kind with one.
    pub fn topic(&self) -> ApiResult<Topic> {
        Topic::named(&self.object, self.id.map(|IdField(id)| id.uuid()))
            .ok_or_else(|| ApiError::invalid("/object", "is none that can be subscribed to like this"))
    }
}

/// What we say.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Say {
    /// The ticket held; the access lasts until then.
    Ready {
        until: DateTime<Utc>,
    },
    /// So did the new one.
    Renewed {
        until: DateTime<Utc>,
    },
    /// The access ends soon: send `renew` with a new ticket.
    RenewSoon {
        until: DateTime<Utc>,
    },
    Subscribed(Named),
    Unsubscribed(Named),
    /// Something changed. Read it, if you want to know more.
    Event {
        object: &'static str,
        id: Uuid,
        version: i64,
        what: &'static str,
    },
    /// Events may have been missed: read again what you show.
    Resync,
    /// What was asked last was not done.
    Error {
        code: &'static str,
    },
}

/// A topic as it is written.
#[derive(Serialize)]
pub struct Named {
    object: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Uuid>,
}

impl From<Topic> for Named {
    fn from(topic: Topic) -> Self {
        match topic {
            Topic::One(kind, id) => Self { object: kind.word(), id: Some(id) },
            Topic::All(kind) => Self { object: kind.plural(), id: None },
        }
    }
}

impl Say {
    /// A change, at the version that its owner reads now.
    #[must_use]
    pub fn event(change: &Change, version: i64) -> Self {
        Self::Event { object: change.kind.word(), id: change.id, version, what: change.what.word() }
    }

    /// A refusal: its code and nothing else, so that a stranger's object and a missing one are told in the same bytes.
    #[must_use]
    pub fn refusal(error: &ApiError) -> Self {
        Self::Error { code: error.public().code }
    }

    /// The text that is sent.
    ///
    /// # Errors
    /// It cannot be written, which is a fault of ours.
    pub fn text(&self) -> ApiResult<String> {
        serde_json::to_string(self).map_err(ApiError::internal)
    }
}
