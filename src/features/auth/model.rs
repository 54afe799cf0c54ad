use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::base::person::{Bio, DisplayName};
use crate::http::client_ip::ClientAddr;

/// In characters. A longer user agent is cut off.
const MAX_USER_AGENT_CHARS: usize = 200;

/// There is no field for a role, so no request can set a role (mass assignment).
pub struct NewProfile {
    pub display_name: DisplayName,
    pub bio: Option<Bio>,
}

/// The client that opened a session. Do not rely on the user agent, because a client can send any text.
pub struct ClientDescription {
    pub user_agent: String,
    pub address: String,
}

impl ClientDescription {
    #[must_use]
    pub fn new(user_agent: Option<&str>, address: ClientAddr) -> Self {
        let printable = user_agent.unwrap_or("unknown").chars().filter(|c| !c.is_control());
        Self { user_agent: printable.take(MAX_USER_AGENT_CHARS).collect(), address: address.to_string() }
    }
}

/// A session that has neither ended nor expired.
pub struct LiveSession {
    pub id: Uuid,
    pub created_at: DateTime<Utc>,
    pub last_used_at: DateTime<Utc>,
    pub client: String,
    pub address: String,
}
