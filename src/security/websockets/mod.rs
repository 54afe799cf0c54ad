//! WebSockets: origin check and resource limits (CWE-1385, CWE-770, API4:2023).
//!
//! **Attack**: cross-site WebSocket hijacking, where a page of another site opens a socket in the victim's browser
//! (CORS does not apply to WebSockets). Resource exhaustion by many or idle sockets, large frames, endless fragments,
//! many messages, or a client that never reads. A socket that stays open after the end of its session.
//! **Control**: the handshake refuses an `Origin` that is not listed. It accepts no sub-protocol and no extension.
//! The client must authenticate with a single-use ticket within five seconds (`tickets`).
//! The number of open sockets is limited ([`connection_permits`]), and so are the number and size of frames
//! ([`frames`]). Only text is accepted. A client must read each message within [`SEND_TIMEOUT`].
//! When a session ends, its sockets are closed (`features/live`). `docs/live.md` lists the limits.
//! **Limits**: an attacker with many addresses and many accounts can open as many sockets as one process allows.
//! Each replica counts for itself.
//! **ASVS**: 4.4.1, 4.4.2, 4.4.3, 15.2.2 · **Test**: `attacks::websockets`

mod close_reason;
mod connection_permits;
mod frames;
mod handshake;

use std::time::{Duration, Instant};

pub use self::close_reason::CloseReason;
pub use self::connection_permits::{ConnectionPermit, ConnectionPermits};
pub use self::handshake::{accept, check_origin};

/// The maximum payload of one frame, in bytes.
pub const MAX_FRAME_BYTES: usize = 4 * 1024;
/// The maximum size of one message with all its fragments, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 16 * 1024;
/// The maximum number of messages per socket and minute.
pub const MAX_MESSAGES_PER_MINUTE: u32 = 60;
/// The maximum number of frames per socket and minute, including fragments, pings and pongs.
pub const MAX_FRAMES_PER_MINUTE: u32 = 600;
pub const MAX_INVALID_MESSAGES: u32 = 10;
pub const MAX_SUBSCRIPTIONS: usize = 100;
/// The maximum number of changes that are queued for the sockets of a user. A socket that is further behind loses
/// changes: its client gets the message `resync`, and must load its data again.
pub const MAX_QUEUED_CHANGES: usize = 64;
/// The time in which the client must send its ticket after the handshake.
pub const TICKET_TIMEOUT: Duration = Duration::from_secs(5);
/// The time in which a client must read a message. Otherwise its socket is closed.
pub const SEND_TIMEOUT: Duration = Duration::from_secs(5);
pub const PING_INTERVAL: Duration = Duration::from_secs(20);
/// A socket is closed if its client sends nothing, not even a pong, for this long.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// How often the service checks in the database that the login session of a socket has not ended. The check is needed,
/// because the notification of the end can be lost.
pub const SESSION_CHECK_INTERVAL: Duration = Duration::from_secs(30);
/// A socket is authorized until the access token behind its last ticket expires. This many seconds earlier, the service
/// asks the client for a new ticket.
pub const RENEW_NOTICE_SECONDS: i64 = 60;

pub struct Budget {
    max: u32,
    spent: u32,
    since: Instant,
}

impl Budget {
    #[must_use]
    pub fn per_minute(max: u32) -> Self {
        Self { max, spent: 0, since: Instant::now() }
    }

    pub fn spend(&mut self) -> bool {
        if self.since.elapsed() >= Duration::from_secs(60) {
            (self.spent, self.since) = (0, Instant::now());
        }
        self.spent = self.spent.saturating_add(1);
        self.spent <= self.max
    }
}
