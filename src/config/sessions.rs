//! `STRONGROOM_SESSION_…`: how long a login session lasts.

use std::time::Duration;

use super::reader::Reader;

#[derive(Clone, Debug)]
pub struct SessionSettings {
    /// A session ends if the client does not refresh its tokens for this long (idle timeout).
    pub idle: Duration,
    /// A session ends this long after the login, even if the client refreshes its tokens (absolute timeout).
    pub absolute: Duration,
    /// A refresh token may be used twice within this time, because two browser tabs may refresh together.
    /// A later second use counts as theft and ends the session.
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
