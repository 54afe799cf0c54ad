//! The closed vocabulary of security events. A name is from the OWASP Logging Vocabulary, if that contains the event.
//! `docs/security-events.md` explains each kind.

/// How urgently an operator must react to an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    Info,
    Warning,
    Critical,
}

impl Severity {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// Each row of the vocabulary contains the variant, the name and the severity of one kind.
macro_rules! vocabulary {
    ($($kind:ident $name:literal $severity:ident),+ $(,)?) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum EventKind {
            $($kind),+
        }

        impl EventKind {
            pub const ALL: &[Self] = &[$(Self::$kind),+];

            /// Returns the name of the kind in the log and in the database.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name),+
                }
            }

            #[must_use]
            pub fn severity(self) -> Severity {
                match self {
                    $(Self::$kind => Severity::$severity),+
                }
            }
        }
    };
}

vocabulary! {
    AlertDeliveryFailed "alert_delivery_failed" Critical,
    AdminEventsRead "admin_events_read" Info,
    AdminSessionsEnded "admin_sessions_ended" Warning,
    AdminUserDisabled "admin_user_disabled" Warning,
    AdminUserEnabled "admin_user_enabled" Warning,
    AdminUserUnlocked "admin_user_unlocked" Warning,
    AuthnLoginFail "authn_login_fail" Warning,
    AuthnLoginFailMax "authn_login_fail_max" Warning,
    AuthnLoginLock "authn_login_lock" Warning,
    AuthnLoginSpray "authn_login_spray" Warning,
    AuthnLoginSuccess "authn_login_success" Info,
    AuthnPasswordChange "authn_password_change" Info,
    AuthnPasswordChangeFail "authn_password_change_fail" Warning,
    AuthnRegistrationRequested "authn_registration_requested" Info,
    AuthnResetRequested "authn_reset_requested" Info,
    AuthnTokenInvalid "authn_token_invalid" Warning,
    AuthnTokenReuse "authn_token_reuse" Critical,
    AuthnTokenRevoked "authn_token_revoked" Warning,
    AuthzFail "authz_fail" Warning,
    BreachCheckFailed "breach_check_failed" Warning,
    ExcessRateLimitExceeded "excess_rate_limit_exceeded" Warning,
    InputValidationFail "input_validation_fail" Warning,
    MaliciousCors "malicious_cors" Warning,
    MaliciousForwardingHeader "malicious_forwarding_header" Warning,
    PlainHttpRefused "plain_http_refused" Critical,
    PrivilegePermissionsChanged "privilege_permissions_changed" Warning,
    SequenceFail "sequence_fail" Warning,
    SessionCreated "session_created" Info,
    SessionEnded "session_ended" Info,
    SessionRenewed "session_renewed" Info,
    SysAuditArchived "sys_audit_archived" Warning,
    SysAuditFault "sys_audit_fault" Critical,
    SysAuditLost "sys_audit_lost" Critical,
    SysConfigFault "sys_config_fault" Critical,
    SysError "sys_error" Critical,
    SysKeyChanged "sys_key_changed" Warning,
    SysShutdown "sys_shutdown" Info,
    SysStartup "sys_startup" Info,
    UserCreated "user_created" Info,
    UserDeleted "user_deleted" Info,
    UserUpdated "user_updated" Info,
}
