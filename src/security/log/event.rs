//! What is told of an event that concerns security: what, when, where, who.
//!
//! **Abuse**: abuse that nobody sees; log lines that a client writes. **How**: a closed vocabulary with the names of OWASP's
//! logging vocabulary; values are typed (ids, fixed words, keyed hashes), never typed-in text. The root span adds the request
//! id, the route and the client's address; the logger adds the time in UTC.
//! **Not stopped**: an operator who throws the log away.
//! **ASVS** 16.2.1–16.2.4, 16.3.1–16.3.3, 16.4.1 · **Attack** each attack test asserts the event that it leaves

use crate::base::id::{SessionId, UserId};

/// The log target of every security event.
pub const TARGET: &str = "security";

/// What happened. Names follow the OWASP Logging Vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    AuthnLoginSuccess,
    AuthnLoginFail,
    AuthnLoginFailMax,
    AuthnLoginLock,
    AuthnPasswordChange,
    AuthnPasswordChangeFail,
    AuthnTokenInvalid,
    AuthnTokenReuse,
    AuthnTokenRevoked,
    AuthnResetRequested,
    AuthzFail,
    ExcessRateLimitExceeded,
    InputValidationFail,
    MaliciousCors,
    MaliciousForwardingHeader,
    PlainHttpRefused,
    SequenceFail,
    SessionCreated,
    SessionEnded,
    UserCreated,
    UserDeleted,
    UserUpdated,
    SysStartup,
    SysShutdown,
}

/// How much a reader should care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    Info,
    Warning,
    Critical,
}

impl EventKind {
    /// The name in the log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AuthnLoginSuccess => "authn_login_success",
            Self::AuthnLoginFail => "authn_login_fail",
            Self::AuthnLoginFailMax => "authn_login_fail_max",
            Self::AuthnLoginLock => "authn_login_lock",
            Self::AuthnPasswordChange => "authn_password_change",
            Self::AuthnPasswordChangeFail => "authn_password_change_fail",
            Self::AuthnTokenInvalid => "authn_token_invalid",
            Self::AuthnTokenReuse => "authn_token_reuse",
            Self::AuthnTokenRevoked => "authn_token_revoked",
            Self::AuthnResetRequested => "authn_reset_requested",
            Self::AuthzFail => "authz_fail",
            Self::ExcessRateLimitExceeded => "excess_rate_limit_exceeded",
            Self::InputValidationFail => "input_validation_fail",
            Self::MaliciousCors => "malicious_cors",
            Self::MaliciousForwardingHeader => "malicious_forwarding_header",
            Self::PlainHttpRefused => "plain_http_refused",
            Self::SequenceFail => "sequence_fail",
            Self::SessionCreated => "session_created",
            Self::SessionEnded => "session_ended",
            Self::UserCreated => "user_created",
            Self::UserDeleted => "user_deleted",
            Self::UserUpdated => "user_updated",
            Self::SysStartup => "sys_startup",
            Self::SysShutdown => "sys_shutdown",
        }
    }

    /// How much a reader should care.
    #[must_use]
    pub fn severity(self) -> Severity {
        match self {
            Self::AuthnTokenReuse | Self::PlainHttpRefused => Severity::Critical,
            Self::AuthnLoginFail
            | Self::AuthnLoginFailMax
            | Self::AuthnLoginLock
            | Self::AuthnPasswordChangeFail
            | Self::AuthnTokenInvalid
            | Self::AuthnTokenRevoked
            | Self::AuthzFail
            | Self::ExcessRateLimitExceeded
            | Self::InputValidationFail
            | Self::MaliciousCors
            | Self::MaliciousForwardingHeader
            | Self::SequenceFail => Severity::Warning,
            _ => Severity::Info,
        }
    }
}

/// An event, built up and then recorded.
#[derive(Clone, Debug)]
#[must_use = "an event that is not recorded did not happen"]
pub struct Event {
    kind: EventKind,
    reason: &'static str,
    user: Option<UserId>,
    session: Option<SessionId>,
    subject: Option<String>,
}

impl Event {
    /// An event of this kind.
    pub fn new(kind: EventKind) -> Self {
        Self { kind, reason: "", user: None, session: None, subject: None }
    }

    /// A fixed word that tells like events apart.
    pub fn reason(self, reason: &'static str) -> Self {
        Self { reason, ..self }
    }

    /// Whom it concerns, where the request has no caller yet.
    pub fn user(self, user: UserId) -> Self {
        Self { user: Some(user), ..self }
    }

    /// Which sign-in it concerns.
    pub fn session(self, session: SessionId) -> Self {
        Self { session: Some(session), ..self }
    }

    /// The keyed hash of what was typed in (`Keys::fingerprint`).
    pub fn subject(self, fingerprint: String) -> Self {
        Self { subject: Some(fingerprint), ..self }
    }

    /// Tells it.
    pub fn record(self) {
        let user = self.user.map(tracing::field::display);
        let session = self.session.map(tracing::field::display);
        macro_rules! tell {
            ($level:ident) => {
                tracing::$level!(
                    target: TARGET,
                    event = self.kind.name(),
                    reason = self.reason,
                    user,
                    session,
                    subject = self.subject,
                    "security event"
                )
            };
        }
        match self.kind.severity() {
            Severity::Info => tell!(info),
            Severity::Warning => tell!(warn),
            Severity::Critical => tell!(error),
        }
    }
}
