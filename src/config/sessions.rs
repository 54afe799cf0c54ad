//! `STRONGROOM_SESSION_…`: session timeouts.

use std::time::Duration;

use super::reader::Reader;

/// Session timeouts.
#[derive(Clone, Debug)]
pub struct SessionSettings {
    /// Idle timeout: a session ends if the client does not refresh its tokens for this long.
    pub idle: Duration,
    /// Absolute timeout: a session ends this long after the login.
    pub absolute: Duration,
    /// A refresh token that is used twice within this time is attributed to a second browser tab. A later reuse is
    /// treated as theft and ends the session.
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
