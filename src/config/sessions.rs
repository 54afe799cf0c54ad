//! `STRONGROOM_SESSION_…`: how long a session lasts.

use std::time::Duration;

use super::reader::Reader;

/// The timeouts of a session.
#[derive(Clone, Debug)]
pub struct SessionSettings {
    /// The idle timeout: a session ends if the client does not refresh its tokens for this long.
    pub idle: Duration,
    /// The absolute timeout: a session ends this long after the login, even if the client refreshes its tokens.
    pub absolute: Duration,
    /// The grace period for a refresh token that is used twice, because two browser tabs may refresh at the same time.
    /// A second use after this period is treated as theft and ends the session.
    pub reuse_grace: Duration,
}

impl SessionSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let idle = reader.number("STRONGROOM_SESSION_IDLE_SECONDS", 300, 2_592_000);
        let absolute = reader.number("STRONGROOM_SESSION_ABSOLUTE_SECONDS", 300, 7_776_000);
        if absolute < idle {
            reader.combined_fault(
                "STRONGROOM_SESSION_ABSOLUTE_SECONDS",
                "is shorter than STRONGROOM_SESSION_IDLE_SECONDS: make it at least as long",
            );
        }
        Self {
            idle: Duration::from_secs(idle),
            absolute: Duration::from_secs(absolute),
            reuse_grace: Duration::from_secs(reader.number("STRONGROOM_SESSION_REUSE_GRACE_SECONDS", 0, 30)),
        }
    }
}
