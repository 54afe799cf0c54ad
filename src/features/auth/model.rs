//! The types of this feature.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::base::person::{Bio, DisplayName};
use crate::http::client_ip::ClientAddr;

/// Longer user agents are truncated.
const MAX_USER_AGENT_CHARS: usize = 200;

/// The profile of a new user. It has no role: no request can set one.
pub struct NewProfile {
    pub display_name: DisplayName,
    pub bio: Option<Bio>,
}

/// The client that opened a session, for the user's list of sessions. It is not verified: clients choose their user agent.
pub struct ClientDescription {
    pub user_agent: String,
    pub address: String,
}

impl ClientDescription {
    /// Removes control characters and truncates the user agent.
    #[must_use]
    pub fn new(user_agent: Option<&str>, address: ClientAddr) -> Self {
        let printable = user_agent.unwrap_or("unknown").chars().filter(|c| !c.is_control());
        Self { user_agent: printable.take(MAX_USER_AGENT_CHARS).collect(), address: address.to_string() }
    }
}

/// A session that has not ended or expired.
pub struct LiveSession {
    pub id: Uuid,
    pub created_at: DateTime<Utc>,
    pub last_used_at: DateTime<Utc>,
    pub client: String,
    pub address: String,
}
