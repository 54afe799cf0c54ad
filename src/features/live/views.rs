//! The messages of the WebSocket. Each message is one JSON object (`docs/live.md`).

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

/// A ticket that authenticates one socket once.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"ticket": "kV3xS0mE-t1cket-f0r-one-s0cket-and-n0-m0reA", "expires_in": 30}))]
pub struct TicketView {
    /// The ticket. Send it in the first message of the socket. It is valid once.
    #[schema(value_type = String, min_length = 43, max_length = 43, pattern = "^[A-Za-z0-9_-]{43}$")]
    pub ticket: SecretOutput,
    /// The lifetime of the ticket in seconds.
    #[schema(minimum = 30, maximum = 30)]
    pub expires_in: i64,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ClientMessage {
    /// Valid only as the first message.
    Authenticate {
        ticket: SecretString,
    },
    /// The ticket must be new, and must belong to the same login session.
    Renew {
        ticket: SecretString,
    },
    Subscribe(SubscriptionTarget),
    Unsubscribe(SubscriptionTarget),
}

/// The subject of a subscription: `{"object": "invoice", "id": "…"}` or `{"object": "invoices"}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubscriptionTarget {
    object: String,
    #[serde(default)]
    id: Option<IdField<AnyId>>,
}

/// All ids are UUIDs, so one id type can parse the ids of all kinds of objects.
type AnyId = InvoiceId;

impl ClientMessage {
    pub fn read(text: &str) -> ApiResult<Self> {
        body::parse(text.as_bytes())
    }
}

impl SubscriptionTarget {
    /// # Errors
    /// [`ApiError::Invalid`] if the kind is unknown, a singular has no id, or a plural has an id.
    pub fn topic(&self) -> ApiResult<Topic> {
        Topic::parse(&self.object, self.id.map(|IdField(id)| id.uuid())).ok_or_else(|| {
            ApiError::invalid(
                "/object",
                "must be invoice, customer or document with an id, or invoices, customers, documents or alerts without one",
            )
        })
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage {
    /// The client is authenticated until this time.
    Ready {
        until: DateTime<Utc>,
    },
    Renewed {
        until: DateTime<Utc>,
    },
    /// The authentication expires soon. The client should send `renew` with a new ticket.
    RenewSoon {
        until: DateTime<Utc>,
    },
    Subscribed(TopicView),
    Unsubscribed(TopicView),
    /// An object has changed. The event does not contain the object; the client reads it from the REST API.
    Event {
        object: &'static str,
        id: Uuid,
        version: i64,
        what: &'static str,
    },
    /// The client may have missed events, so it should read its objects again.
    Resync,
    Error {
        code: &'static str,
    },
}

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
    /// `version` is the current version of the object, which can be newer than the version of the change.
    #[must_use]
    pub fn event(change: &Change, version: i64) -> Self {
        Self::Event { object: change.kind.name, id: change.id, version, what: change.change_type.as_str() }
    }

    /// Contains only a code, so that the replies for another user's object and for a missing object are equal.
    #[must_use]
    pub fn refusal(error: &ApiError) -> Self {
        Self::Error { code: error.public().code }
    }

    pub fn text(&self) -> ApiResult<String> {
        serde_json::to_string(self).map_err(ApiError::internal)
    }
}
