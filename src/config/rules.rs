//! `STRONGROOM_RULES_…`: from how many events in how long a rule of abuse acts (`security/detection/rules`).

use super::limits::{Rate, rate};
use super::reader::Reader;

/// One threshold a rule, as `10/5m`: ten in five minutes.
#[derive(Clone, Debug)]
pub struct RuleSettings {
    pub access_denials: Rate,
    pub probing_session: Rate,
    pub guessed_ids: Rate,
    pub guessing_session: Rate,
    pub account_hammered: Rate,
    pub many_accounts: Rate,
    pub right_password_while_locked: Rate,
    pub stolen_tokens: Rate,
    pub forged_tokens: Rate,
    pub tokens_on_plain_http: Rate,
    pub foreign_origins: Rate,
    pub forged_addresses: Rate,
    pub hostile_input: Rate,
    pub floods: Rate,
}

impl RuleSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            access_denials: rate(reader, "STRONGROOM_RULES_ACCESS_DENIALS"),
            probing_session: rate(reader, "STRONGROOM_RULES_PROBING_SESSION"),
            guessed_ids: rate(reader, "STRONGROOM_RULES_GUESSED_IDS"),
            guessing_session: rate(reader, "STRONGROOM_RULES_GUESSING_SESSION"),
            account_hammered: rate(reader, "STRONGROOM_RULES_ACCOUNT_HAMMERED"),
            many_accounts: rate(reader, "STRONGROOM_RULES_MANY_ACCOUNTS"),
            right_password_while_locked: rate(reader, "STRONGROOM_RULES_RIGHT_PASSWORD_WHILE_LOCKED"),
            stolen_tokens: rate(reader, "STRONGROOM_RULES_STOLEN_TOKENS"),
            forged_tokens: rate(reader, "STRONGROOM_RULES_FORGED_TOKENS"),
            tokens_on_plain_http: rate(reader, "STRONGROOM_RULES_TOKENS_ON_PLAIN_HTTP"),
            foreign_origins: rate(reader, "STRONGROOM_RULES_FOREIGN_ORIGINS"),
            forged_addresses: rate(reader, "STRONGROOM_RULES_FORGED_ADDRESSES"),
            hostile_input: rate(reader, "STRONGROOM_RULES_HOSTILE_INPUT"),
            floods: rate(reader, "STRONGROOM_RULES_FLOODS"),
        }
    }
}
