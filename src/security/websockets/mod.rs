//! A socket is a door that stays open: who may hold one, how many, and what may come through it.
//!
//! **Attack**: a page of another site opens a socket in the victim's browser (CORS does not hold for sockets); memory and processor
//! used up by many sockets, silent ones, large frames, endless fragments, many messages, a reader who never reads; a
//! socket that outlives its session.
//! **Control**: `Origin` is matched with the list at the handshake, and only a program without one
//! may come without; no sub-protocol and no extension (compression) is agreed to; a ticket comes within five seconds
//! (`tickets`); places are counted ([`connection_permits`]); each frame is measured by its head, before its payload is kept ([`frames`]);
//! text alone is taken; what is sent must be taken in time. The caps are the constants here; `docs/live.md` has them as a table.
//! **Limits**: many addresses with many accounts, up to the cap of the process. Counts are per process.
//! **ASVS**: 4.4.1, 4.4.2, 4.4.3, 15.2.2 · **Test**: `attacks::websockets`

mod close_reason;
mod connection_permits;
mod frames;
mod handshake;

use std::time::{Duration, Instant};

pub use self::close_reason::Goodbye;
pub use self::connection_permits::{Place, Places};
pub use self::handshake::{accept, check_origin};

/// Bytes of one frame's payload.
pub const MOST_FRAME: usize = 4 * 1024;
/// Bytes of one message, over all its fragments.
pub const MOST_MESSAGE: usize = 16 * 1024;
/// Messages of one socket in a minute.
pub const MESSAGES_A_MINUTE: u32 = 60;
/// Frames of one socket in a minute: fragments, pings and pongs too.
pub const FRAMES_A_MINUTE: u32 = 600;
/// Messages of one socket that do not fit.
pub const MOST_FAULTS: u32 = 10;
/// Subscriptions of one socket.
pub const MOST_SUBSCRIPTIONS: usize = 100;
/// Changes that wait for one user's sockets; beyond them, the socket is told to read again.
pub const MOST_WAITING_CHANGES: usize = 64;
/// From the handshake to the ticket.
pub const TICKET_WITHIN: Duration = Duration::from_secs(5);
/// What we send must be taken within this.
pub const TAKEN_WITHIN: Duration = Duration::from_secs(5);
/// How often a socket is asked whether it lives.
pub const PING_EVERY: Duration = Duration::from_secs(20);
/// A socket from which nothing came for so long is closed.
pub const SILENT_AFTER: Duration = Duration::from_secs(60);
/// How often the database is asked whether a session lives, since an announcement can be lost.
pub const RECHECK_EVERY: Duration = Duration::from_secs(30);
/// How long before its end a socket is asked for a new ticket, in seconds.
pub const RENEW_BEFORE_SECONDS: i64 = 60;

/// So many in each minute.
pub struct Budget {
    most: u32,
    spent: u32,
    since: Instant,
}

impl Budget {
    #[must_use]
    pub fn a_minute(most: u32) -> Self {
        Self { most, spent: 0, since: Instant::now() }
    }

    /// Whether there was one left.
    pub fn spend(&mut self) -> bool {
        if self.since.elapsed() >= Duration::from_secs(60) {
            (self.spent, self.since) = (0, Instant::now());
        }
        self.spent = self.spent.saturating_add(1);
        self.spent <= self.most
    }
}
