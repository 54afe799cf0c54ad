//! `STRONGROOM_SESSION_…`: how long a sign-in lasts.

use std::time::Duration;

use super::reader::Reader;

/// The lives of sessions and refresh tokens.
#[derive(Clone, Debug)]
pub struct SessionSettings {
    /// A session that is not renewed for so long has ended.
    pub idle: Duration,
    /// A session ends after so long, whatever happens.
    pub absolute: Duration,
    /// A refresh token that comes again within so long is a second tab; later it is theft.
    pub reuse_grace: Duration,
}

impl SessionSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let idle = reader.number("STRONGROOM_SESSION_IDLE_SECONDS", 300, 2_592_000);
        let absolute = reader.number("STRONGROOM_SESSION_ABSOLUTE_SECONDS", 300, 7_776_000);
        if absolute < idle {
            reader.fault_together(
                "STRONGROOM_SESSION_ABSOLUTE_SECONDS",
                "is shorter than STRONGROOM_SESSION_IDLE_SECONDS: make it longer, or that one shorter",
            );
        }
        Self {
            idle: Duration::from_secs(idle),
            absolute: Duration::from_secs(absolute),
            reuse_grace: Duration::from_secs(reader.number("STRONGROOM_SESSION_REUSE_GRACE_SECONDS", 0, 30)),
        }
    }
}
