//! Refresh token rotation with reuse detection (CWE-384, CWE-613, API2:2023).
//!
//! **Attack**: an attacker with a stolen refresh token stays signed in for weeks, unnoticed by the user.
//! **Control**: every refresh replaces the token with a new one.
//! If a used token is sent again (replay) after the grace period, the whole session ends, for attacker and user.
//! Each token is *derived* from its predecessor, so the tokens of a session form one chain.
//! A replay within the grace period gets the newest unused token of the chain.
//! Such a replay may come from a second tab, or from a client that lost a response.
//! A refresh never extends the absolute expiry of the session.
//!
//! The token is in a `__Host-` cookie, which scripts cannot read and other sites cannot send.
//! The cookie also contains the user's id and a MAC. The MAC is verified before any look-up, so a forged cookie costs
//! no SQL statement (CWE-400). The user's id lets `rate_limits` charge a refresh to its user.
//! **Limits**: an attacker who replays a token within the grace period gets the newest token too.
//! The next replay after the grace period is detected, whether the attacker or the user sends it.
//! With a grace period of zero, every replay is detected.
//! **ASVS**: 3.3.1–3.3.5, 7.3.1, 7.3.2, 10.4.5 · **Test**: `attacks::sessions::refresh_tokens`

pub mod cookie;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::security::crypto::keys::{Keys, Purpose};
use crate::security::crypto::secret_tokens::SecretToken;

/// The maximum number of successors of a used token that the service searches for the newest unused token.
/// 32 tokens cover 4 refreshes even during a key rotation, when each token has two possible successors, one per key.
/// This is enough: a page refreshes every ten minutes, and the grace period is at most 30 s.
pub const MAX_CHAIN: usize = 32;

/// The state of a refresh token that a client has sent.
#[derive(Clone, Copy, Debug)]
pub struct PresentedToken {
    /// The time at which the token was first used, or `None` if it is unused.
    pub used_at: Option<DateTime<Utc>>,
    /// The idle expiry: the token is invalid if it is not used before this time.
    pub expires_at: DateTime<Utc>,
    pub session_ended: bool,
    /// The absolute expiry of the session. No refresh extends it.
    pub session_expires_at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshDecision {
    /// The token is valid and unused: mark it as used, and store its successor.
    Rotate,
    /// The token was used a moment ago: return the newest unused token of the chain, and write nothing.
    ReplayWithinGrace,
    /// The token was stolen: end the session and notify its owner.
    Reuse,
    /// The idle expiry or the absolute expiry has passed.
    Expired,
    SessionEnded,
}

/// Decides how to respond to a token.
///
/// The end of the session is checked first, so that a replay within the grace period cannot continue an ended session.
/// A used token is a sign of theft even after its idle expiry, because its successors may still be valid.
#[must_use]
pub fn decide(token: &PresentedToken, now: DateTime<Utc>, grace: Duration) -> RefreshDecision {
    if token.session_ended {
        return RefreshDecision::SessionEnded;
    }
    if now >= token.session_expires_at {
        return RefreshDecision::Expired;
    }
    match token.used_at {
        Some(used_at) if is_within_grace(now - used_at, grace) => RefreshDecision::ReplayWithinGrace,
        Some(_) => RefreshDecision::Reuse,
        None if now >= token.expires_at => RefreshDecision::Expired,
        None => RefreshDecision::Rotate,
    }
}

/// Returns whether a use `elapsed` ago is within the grace period.
/// `elapsed` is negative if the clock of another replica is ahead. Even then, a grace period of zero allows no replay.
fn is_within_grace(elapsed: TimeDelta, grace: Duration) -> bool {
    !grace.is_zero() && TimeDelta::from_std(grace).is_ok_and(|grace| elapsed < grace)
}

#[must_use]
pub fn derive_successor(keys: &Keys, parent: &SecretToken) -> SecretToken {
    SecretToken::derive(keys, Purpose::RefreshSuccessor, &[parent.bytes()])
}

/// Derives the possible successors of `used`, nearest first, until there are [`MAX_CHAIN`] tokens.
#[must_use]
pub fn derive_chain(keys: &Keys, used: &SecretToken) -> Vec<SecretToken> {
    let successors = |token: &SecretToken| {
        let by_key = |key| SecretToken::derive_with(keys, key, Purpose::RefreshSuccessor, &[token.bytes()]);
        keys.ids().filter_map(by_key).collect::<Vec<_>>()
    };
    let (mut chain, mut last) = (successors(used), 0);
    while chain.len() < MAX_CHAIN
        && let Some(more) = chain.get(last).map(successors)
    {
        chain.extend(more);
        last += 1;
    }
    chain
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(10);

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    /// Returns a token whose idle expiry is at 1,000 s and whose session expires at 5,000 s.
    fn token(used_at: Option<i64>) -> PresentedToken {
        PresentedToken {
            used_at: used_at.map(at),
            expires_at: at(1_000),
            session_ended: false,
            session_expires_at: at(5_000),
        }
    }

    #[test]
    fn unused_token_rotates_until_idle_expiry() {
        assert_eq!(decide(&token(None), at(0), GRACE), RefreshDecision::Rotate);
        assert_eq!(decide(&token(None), at(999), GRACE), RefreshDecision::Rotate);
        assert_eq!(decide(&token(None), at(1_000), GRACE), RefreshDecision::Expired);
    }

    #[test]
    fn replay_within_grace_is_accepted_and_later_replay_is_theft() {
        let used = token(Some(100));
        for (seconds, decision) in [
            (100, RefreshDecision::ReplayWithinGrace),
            (109, RefreshDecision::ReplayWithinGrace),
            (110, RefreshDecision::Reuse),
            (111, RefreshDecision::Reuse),
            (4_999, RefreshDecision::Reuse),
            (5_000, RefreshDecision::Expired),
        ] {
            assert_eq!(decide(&used, at(seconds), GRACE), decision, "{seconds}");
        }
    }

    #[test]
    fn ended_session_rejects_tokens_within_grace() {
        for used_at in [None, Some(100)] {
            let ended = PresentedToken { session_ended: true, ..token(used_at) };
            assert_eq!(decide(&ended, at(101), GRACE), RefreshDecision::SessionEnded);
        }
    }

    #[test]
    fn zero_grace_rejects_every_replay() {
        let used = token(Some(100));
        for seconds in [98, 100, 101] {
            assert_eq!(decide(&used, at(seconds), Duration::ZERO), RefreshDecision::Reuse, "{seconds}");
        }
    }

    #[test]
    fn new_token_does_not_extend_absolute_expiry() {
        let new = PresentedToken { expires_at: at(9_000), ..token(None) };
        assert_eq!(decide(&new, at(4_999), GRACE), RefreshDecision::Rotate);
        assert_eq!(decide(&new, at(5_000), GRACE), RefreshDecision::Expired);
    }

    #[test]
    fn successor_is_deterministic_and_depends_on_key() {
        let keys = Keys::new(&vec![5; 32].into()).unwrap();
        let parent = SecretToken::random().unwrap();
        let first = derive_successor(&keys, &parent);
        assert_eq!(first.hash(), derive_successor(&keys, &parent).hash());
        assert_ne!(first.hash(), parent.hash());
        assert_ne!(derive_successor(&keys, &first).hash(), first.hash());
        let other = Keys::new(&vec![6; 32].into()).unwrap();
        assert_ne!(first.hash(), derive_successor(&other, &parent).hash());
    }
}
