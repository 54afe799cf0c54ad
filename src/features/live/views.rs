//! The messages of the WebSocket: one JSON object each (`docs/live.md`).

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::{Change, Topic};
use crate::features::invoices::id::InvoiceId;
use crate::http::body;
use crate::http::error::{ApiError, ApiResult};
use crate::http::params::IdField;
use crate::security::crypto::secret_output::SecretOutput;

/// A single-use ticket that authenticates one socket.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"ticket": "kV3xS0mE-t1cket-f0r-one-s0cket-and-n0-m0reA", "expires_in": 30}))]
pub struct TicketView {
    /// Send it as the first message on the socket. It is valid once.
    #[schema(value_type = String, min_length = 43, max_length = 43, pattern = "^[A-Za-z0-9_-]{43}$")]
    pub ticket: SecretOutput,
    /// Lifetime in seconds.
    #[schema(minimum = 30, maximum = 30)]
    pub expires_in: i64,
}

/// A message from the client.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ClientMessage {
    /// Only valid as the first message.
    Authenticate {
        ticket: SecretString,
    },
    /// Extends the access with a new ticket.
    Renew {
        ticket: SecretString,
    },
    Subscribe(SubscriptionTarget),
    Unsubscribe(SubscriptionTarget),
}

/// What to subscribe to: `{"object": "invoice", "id": "…"}` or `{"object": "invoices"}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubscriptionTarget {
    object: String,
    #[serde(default)]
    id: Option<IdField<AnyId>>,
}

/// All ids are UUIDs, so this type parses the id of any kind of object.
type AnyId = InvoiceId;

impl ClientMessage {
    /// Parses a message.
    ///
    /// # Errors
    /// [`ApiError::NotJson`] or [`ApiError::Invalid`].
    pub fn read(text: &str) -> ApiResult<Self> {
        body::parse(text.as_bytes())
    }
}

impl SubscriptionTarget {
    /// Returns the topic.
    ///
    /// # Errors
    /// [`ApiError::Invalid`] for an unknown kind, a singular without an id, or a plural with one.
    pub fn topic(&self) -> ApiResult<Topic> {
        Topic::parse(&self.object, self.id.map(|IdField(id)| id.uuid())).ok_or_else(|| {
            ApiError::invalid(
                "/object",
                "must be invoice, customer or document with an id, or invoices, customers or documents without one",
            )
        })
    }
}

/// A message from the service.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage {
    /// The client is authenticated until this time.
    Ready {
        until: DateTime<Utc>,
    },
    /// The access was extended until this time.
    Renewed {
        until: DateTime<Utc>,
    },
    /// The access ends soon. The client should send `renew` with a new ticket.
    RenewSoon {
        until: DateTime<Utc>,
    },
    Subscribed(TopicView),
    Unsubscribed(TopicView),
    /// An object changed. The client can read its new content by the REST API.
    Event {
        object: &'static str,
        id: Uuid,
        version: i64,
        what: &'static str,
    },
    /// Events may have been missed. The client should read its objects again.
    Resync,
    /// The last message was refused.
    Error {
        code: &'static str,
    },
}

/// A topic in a message.
#[derive(Serialize)]
pub struct TopicView {
    object: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Uuid>,
}

impl From<Topic> for TopicView {
    fn from(topic: Topic) -> Self {
        match topic {
            Topic::One(kind, id) => Self { object: kind.name, id: Some(id) },
            Topic::All(kind) => Self { object: kind.plural(), id: None },
        }
    }
}

impl ServerMessage {
    /// Returns the event for a change. `version` is the version that a GET request would return now. It can be newer
    /// than the change.
    #[must_use]
    pub fn event(change: &Change, version: i64) -> Self {
        Self::Event { object: change.kind.name, id: change.id, version, what: change.change_type.as_str() }
    }

    /// Returns a refusal with its code only: other users' objects and missing ones get the same bytes.
    #[must_use]
    pub fn refusal(error: &ApiError) -> Self {
        Self::Error { code: error.public().code }
    }

    /// Serializes the message.
    ///
    /// # Errors
    /// [`ApiError::Internal`] if serialization fails.
    pub fn text(&self) -> ApiResult<String> {
        serde_json::to_string(self).map_err(ApiError::internal)
    }
}
