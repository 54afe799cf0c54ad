//! `STRONGROOM_RULES_…`: the thresholds of the detection rules (`security/detection/rules`).

use super::limits::{Rate, rate};
use super::reader::Reader;

/// The threshold of each detection rule. `10/5m` raises an alert after ten events in five minutes.
#[derive(Clone, Debug)]
pub struct RuleSettings {
    pub access_denials: Rate,
    pub probing_session: Rate,
    pub id_enumeration: Rate,
    pub enumerating_session: Rate,
    pub account_brute_force: Rate,
    pub password_spraying: Rate,
    pub correct_password_while_locked: Rate,
    pub reused_tokens: Rate,
    pub forged_tokens: Rate,
    pub tokens_over_plain_http: Rate,
    pub disallowed_origins: Rate,
    pub spoofed_forwarding_headers: Rate,
    pub input_validation_failures: Rate,
    pub rate_limit_floods: Rate,
}

impl RuleSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            access_denials: rate(reader, "STRONGROOM_RULES_ACCESS_DENIALS"),
            probing_session: rate(reader, "STRONGROOM_RULES_PROBING_SESSION"),
            id_enumeration: rate(reader, "STRONGROOM_RULES_ID_ENUMERATION"),
            enumerating_session: rate(reader, "STRONGROOM_RULES_ENUMERATING_SESSION"),
            account_brute_force: rate(reader, "STRONGROOM_RULES_ACCOUNT_BRUTE_FORCE"),
            password_spraying: rate(reader, "STRONGROOM_RULES_PASSWORD_SPRAYING"),
            correct_password_while_locked: rate(reader, "STRONGROOM_RULES_CORRECT_PASSWORD_WHILE_LOCKED"),
            reused_tokens: rate(reader, "STRONGROOM_RULES_REUSED_TOKENS"),
            forged_tokens: rate(reader, "STRONGROOM_RULES_FORGED_TOKENS"),
            tokens_over_plain_http: rate(reader, "STRONGROOM_RULES_TOKENS_OVER_PLAIN_HTTP"),
            disallowed_origins: rate(reader, "STRONGROOM_RULES_DISALLOWED_ORIGINS"),
            spoofed_forwarding_headers: rate(reader, "STRONGROOM_RULES_SPOOFED_FORWARDING_HEADERS"),
            input_validation_failures: rate(reader, "STRONGROOM_RULES_INPUT_VALIDATION_FAILURES"),
            rate_limit_floods: rate(reader, "STRONGROOM_RULES_RATE_LIMIT_FLOODS"),
        }
    }
}
