//! Refresh token rotation with reuse detection (CWE-384, CWE-613, API2:2023).
//!
//! **Attack**: an attacker with a stolen refresh token stays signed in for weeks, unnoticed by the user.
//! **Control**: every refresh replaces the token. A replay of a used token after the grace period ends the whole
//! session, for attacker and user. Each token is *derived* from its predecessor, so the tokens of a session form one
//! chain. Within the grace period, a replay gets the newest unused token of the chain: it may come from a second tab,
//! or from a client that lost a response. A refresh never extends the absolute expiry of the session.
//!
//! The token is in a `__Host-` cookie, which scripts cannot read and other sites cannot send. The cookie also contains
//! the user's id and a MAC, which is verified before any look-up. So a forged cookie costs no statement (CWE-400), and
//! `rate_limits` charges a refresh to its user.
//! **Limits**: an attacker who replays a token within the grace period gets the newest token too. The next replay after
//! the grace period is detected, whether the attacker or the user sends it. A grace period of zero prevents such
//! replays.
//! **ASVS**: 3.3.1–3.3.5, 7.3.1, 7.3.2, 10.4.5
//! **Test**: `attacks::sessions::refresh_tokens`

use std::time::Duration;

use actix_web::http::header::{self, HeaderMap, HeaderValue, InvalidHeaderValue};
use actix_web::{CustomizeResponder, Responder};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};

use crate::base::id::UserId;
use crate::http::cookies::{all, single};
use crate::http::reply::NoContent;
use crate::security::crypto::keys::{Keys, Purpose, Tag};
use crate::security::crypto::secret_tokens::SecretToken;

/// The name of the cookie. Browsers reject a `__Host-` cookie without `Secure`, with a `Domain`, or with another path.
/// So a sub-domain or a plain HTTP page cannot set this cookie (RFC 6265bis, ASVS 3.3.3).
pub const COOKIE: &str = "__Host-refresh";

/// The maximum number of tokens to derive when a replay searches for the newest token. Few are needed: a page refreshes
/// every ten minutes, and the grace period is at most 30 s. During a key rotation, each token has two possible
/// successors, one per key. So 32 tokens cover only 4 refreshes.
pub const MAX_CHAIN: usize = 32;

/// The state of a refresh token that a client has sent. The statement that tries to use the token reads this state.
#[derive(Clone, Copy, Debug)]
pub struct PresentedToken {
    /// When the token was first used.
    pub used_at: Option<DateTime<Utc>>,
    /// The idle expiry of the token.
    pub expires_at: DateTime<Utc>,
    /// Whether the session has ended: by logout, password change or reset, by an administrator, or after a detected
    /// theft.
    pub session_ended: bool,
    /// The absolute expiry of the session.
    pub session_expires_at: DateTime<Utc>,
}

/// How to respond to a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshDecision {
    /// Mark the token as used, and store its successor.
    Rotate,
    /// Return the newest unused token of the chain, and write nothing.
    ReplayWithinGrace,
    /// Theft: end the session, and notify its owner.
    Reuse,
    /// The idle or absolute expiry has passed.
    Expired,
    /// The session has ended.
    SessionEnded,
}

/// Decides how to respond to a token. The order of the checks matters: if the session has ended, a replay within the
/// grace period is rejected too. A used token is a sign of theft even after its idle expiry, because its successors may
/// still be valid.
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

/// Returns whether the grace period has not passed. A grace period of zero allows no replay, even if `elapsed` is
/// negative because the clock of another replica is ahead.
fn is_within_grace(elapsed: TimeDelta, grace: Duration) -> bool {
    !grace.is_zero() && TimeDelta::from_std(grace).is_ok_and(|grace| elapsed < grace)
}

/// Derives the successor of `parent` with the current key.
#[must_use]
pub fn derive_successor(keys: &Keys, parent: &SecretToken) -> SecretToken {
    SecretToken::derive(keys, Purpose::RefreshSuccessor, &[parent.bytes()])
}

/// Derives the possible successors of `used`, the nearest first, until there are [`MAX_CHAIN`].
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

/// Returns the value of the cookie: the token, the user's id, and a MAC over both, separated by dots.
#[must_use]
pub fn encode_cookie(keys: &Keys, token: &SecretToken, user: UserId) -> SecretString {
    let tag = keys.sign(Purpose::RefreshCookie, &[token.bytes(), user.uuid().as_bytes()]);
    format!("{}.{user}.{}", token.to_wire().expose_secret(), URL_SAFE_NO_PAD.encode(tag.to_bytes())).into()
}

/// Returns the token and the user in a cookie value. Returns `None` if the MAC is not valid.
fn decode_cookie(keys: &Keys, value: &str) -> Option<(SecretToken, UserId)> {
    let (token, rest) = value.split_once('.')?;
    let (user, tag) = rest.split_once('.')?;
    let (token, user) = (SecretToken::parse(token)?, user.parse::<UserId>().ok()?);
    let mut theirs = [0; Tag::LENGTH];
    // Accept only a value of the exact length: the decoder rejects longer values, and this check rejects shorter ones.
    if URL_SAFE_NO_PAD.decode_slice(tag, &mut theirs).ok()? != theirs.len() {
        return None;
    }
    let theirs = Tag::from_bytes(&theirs)?;
    keys.verify(Purpose::RefreshCookie, &[token.bytes(), user.uuid().as_bytes()], &theirs).then_some((token, user))
}

/// Returns the `Set-Cookie` value. It is marked as sensitive, so that it is not logged.
///
/// # Errors
/// Never fails in practice, because all characters of the cookie are allowed in a header.
pub fn set_cookie(cookie: &SecretString, lifetime: Duration) -> Result<HeaderValue, InvalidHeaderValue> {
    let (value, seconds) = (cookie.expose_secret(), lifetime.as_secs());
    let text = format!("{COOKIE}={value}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Strict");
    let mut value = HeaderValue::from_str(&text)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Returns the `Set-Cookie` value that deletes the cookie. It needs all attributes, because browsers ignore a `__Host-`
/// cookie without `Secure`.
#[must_use]
pub fn clear_cookie() -> HeaderValue {
    HeaderValue::from_static("__Host-refresh=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict")
}

/// Returns 204 with the headers that clear the browser's data of this session (ASVS 14.3.1). The refresh cookie is
/// deleted by its name. The value `"cookies"` would also delete the device cookie (`device_cookies`).
#[must_use]
pub fn clear_browser_data() -> CustomizeResponder<NoContent> {
    NoContent
        .customize()
        .append_header((header::SET_COOKIE, clear_cookie()))
        .insert_header(("clear-site-data", "\"cache\", \"storage\""))
}

/// Returns all valid refresh tokens in the cookies of a request. Each token of a plain HTTP request was exposed.
pub fn exposed_tokens(keys: &Keys, headers: &HeaderMap) -> impl Iterator<Item = SecretToken> {
    all(COOKIE, headers).filter_map(|value| decode_cookie(keys, value)).map(|(token, _)| token)
}

/// Why a request has no valid refresh cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CookieFault {
    /// The cookie is missing, or was sent twice. An attacker may have set one of the two (session fixation), so both
    /// are ignored.
    Missing,
    /// The MAC is not valid.
    Forged,
}

impl CookieFault {
    /// Returns the reason that the event contains.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Missing => "no_refresh_token",
            Self::Forged => "forged_refresh_token",
        }
    }
}

/// Returns the token in the refresh cookie, and its user. Does not look up the token, which may be used, expired or
/// revoked.
///
/// # Errors
/// [`CookieFault`] says why there is no valid cookie. It is for the log only.
pub fn read_cookie(keys: &Keys, headers: &HeaderMap) -> Result<(SecretToken, UserId), CookieFault> {
    decode_cookie(keys, single(COOKIE, headers).ok_or(CookieFault::Missing)?).ok_or(CookieFault::Forged)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(10);

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    /// Returns a token with an idle expiry after 1,000 s and an absolute expiry after 5,000 s.
    fn token(used_at: Option<i64>) -> PresentedToken {
        PresentedToken {
            used_at: used_at.map(at),
            expires_at: at(1_000),
            session_ended: false,
            session_expires_at: at(5_000),
        }
    }

    fn headers(lines: &[&str]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for line in lines {
            map.append(header::COOKIE, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        map
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

    #[test]
    fn refresh_cookie_is_host_only_http_only_and_strict() {
        let cookie = SecretString::from("value");
        let value = set_cookie(&cookie, Duration::from_secs(60)).unwrap();
        assert_eq!(
            value.to_str().unwrap(),
            "__Host-refresh=value; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Strict"
        );
        assert_eq!(format!("{value:?}"), "Sensitive");
        assert!(clear_cookie().to_str().unwrap().starts_with(&format!("{COOKIE}=;")));
    }

    #[test]
    fn duplicate_or_misnamed_refresh_cookie_is_ignored() {
        let (keys, token) = (Keys::new(&vec![5; 32].into()).unwrap(), SecretToken::random().unwrap());
        let user = UserId::new();
        let cookie = encode_cookie(&keys, &token, user);
        let wire = cookie.expose_secret();
        let ours = format!("{COOKIE}={wire}");
        let read = |lines: &[&str]| read_cookie(&keys, &headers(lines)).ok().map(|(token, user)| (token.hash(), user));
        assert_eq!(read(&[&ours]), Some((token.hash(), user)));
        assert_eq!(read(&[&format!("a=b; {ours}; c=d")]), Some((token.hash(), user)));
        assert_eq!(read(&["a=b", &ours]), Some((token.hash(), user)));
        for lines in
            [vec![], vec![""], vec!["a=b"], vec![COOKIE], vec!["__Host-refresh="], vec!["__Host-refresh=short"]]
        {
            assert_eq!(read(&lines), None, "{lines:?}");
        }
        for (twin, why) in [
            (format!("{ours}; {ours}"), "twice"),
            (format!("{ours}; {COOKIE}=planted"), "a second one"),
            (format!("{COOKIE}; {ours}"), "one without a value"),
            (format!("{COOKIE} =x; {ours}"), "a space in the name"),
            (format!("{COOKIE}=\"{wire}\""), "quoted"),
            (format!("__host-refresh={wire}"), "another name"),
            (format!("refresh={wire}"), "no prefix"),
            (format!("{ours}; é=1"), "not ASCII"),
        ] {
            assert_eq!(read(&[&twin]), None, "{why}");
        }
        assert_eq!(read(&[&ours, &ours]), None, "on two lines");
    }

    #[test]
    fn refresh_cookie_with_wrong_mac_is_forged() {
        let (keys, token) = (Keys::new(&vec![5; 32].into()).unwrap(), SecretToken::random().unwrap());
        let (user, other_user) = (UserId::new(), UserId::new());
        let ours = encode_cookie(&keys, &token, user);
        let (left, mac) = ours.expose_secret().rsplit_once('.').unwrap();
        let wire = token.to_wire();
        let wire = wire.expose_secret();
        let other_key = encode_cookie(&Keys::new(&vec![6; 32].into()).unwrap(), &token, user);
        let other = encode_cookie(&keys, &SecretToken::random().unwrap(), user);
        let (other_left, other_mac) = other.expose_secret().rsplit_once('.').unwrap();
        for forged in [
            left.to_owned(),
            format!("{left}."),
            format!("{left}.{}", &mac[1..]),
            format!("{left}.{mac}A"),
            format!("{left}.{mac}.{mac}"),
            format!("{left}.{other_mac}"),
            format!("{other_left}.{mac}"),
            format!("{wire}.{mac}"),
            format!("{wire}.{other_user}.{mac}"),
            format!("{left}.{}", "A".repeat(43)),
            other_key.expose_secret().to_owned(),
        ] {
            let headers = headers(&[&format!("{COOKIE}={forged}")]);
            assert_eq!(read_cookie(&keys, &headers).err(), Some(CookieFault::Forged), "{forged}");
        }
        assert_eq!(read_cookie(&keys, &headers(&[])).err(), Some(CookieFault::Missing));
    }
}
