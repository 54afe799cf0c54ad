//! What this feature speaks of.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::base::person::{Bio, DisplayName};
use crate::http::client_ip::ClientAddr;

/// The longest name of a program that is kept, in characters.
const LONGEST_PROGRAM: usize = 200;

/// What a new user says of themselves. It holds no role: no request can name one.
pub struct NewProfile {
    pub display_name: DisplayName,
    pub bio: Option<Bio>,
}

/// From where a session was opened, as its owner sees it in the list of his sessions. A hint and no proof: the program's name is
/// whatever the program says.
pub struct ClientSeen {
    pub program: String,
    pub address: String,
}

impl ClientSeen {
    /// What a request says of itself.
    #[must_use]
    pub fn new(user_agent: Option<&str>, address: ClientAddr) -> Self {
        let printable = user_agent.unwrap_or("unknown").chars().filter(|c| !c.is_control());
        Self { program: printable.take(LONGEST_PROGRAM).collect(), address: address.to_string() }
    }
}

/// A session that can still be used.
pub struct LiveSession {
    pub id: Uuid,
    pub created_at: DateTime<Utc>,
    pub last_used_at: DateTime<Utc>,
    pub client: String,
    pub address: String,
}
