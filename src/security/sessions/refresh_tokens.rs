//! Refresh tokens: used once, and a second use is taken for theft.
//!
//! **Attack**: a stolen refresh token keeps a thief signed in for weeks beside its owner.
//! **Control**: every use replaces the token;
//! a used one that comes again after the grace ends the whole session, thief and owner both. Each successor is *derived* from its
//! parent, so a session's tokens are one chain. A second tab, or a client that lost the reply, gets the newest unused token of
//! that chain: one that was used already would look like theft later. The absolute end is the session's and no
//! refresh moves it. In the browser the token is in a `__Host-` cookie that no script reads and no other site sends. The cookie
//! carries its user's id, and a MAC that is checked before any look-up: a flood of forged cookies costs no statement (CWE-400), and
//! renewals are charged to the user's own budget (`rate_limits`).
//! **Limits**: a thief who presents a used token within the grace gets the newest one as well; the next replay after the
//! grace, by either, is detected. A grace of zero is the strict rule.
//! **ASVS**: 3.3.1–3.3.5, 7.3.1, 7.3.2, 10.4.5 · **Test**: `attacks::sessions::refresh_tokens`

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue, InvalidHeaderValue};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};

use crate::base::id::UserId;
use crate::http::cookies::{all, single};
use crate::security::crypto::keys::{Keys, Purpose, Tag};
use crate::security::crypto::secret_tokens::SecretToken;

/// The `__Host-` prefix makes browsers refuse it without `Secure`, with a `Domain`, or with another path: no sub-domain and no
/// plain page can plant one (RFC 6265bis, ASVS 3.3.3).
pub const COOKIE: &str = "__Host-refresh";

/// Renewals within the grace after which a late tab is refused. A page renews once in ten minutes; the grace is 30 s at most.
/// While master keys are exchanged, each token has a possible successor by either key: then it is 4 renewals.
pub const MAX_CHAIN: usize = 32;

/// Everything about a presented token that decides, read in the statement that tried to use it.
#[derive(Clone, Copy, Debug)]
pub struct PresentedToken {
    /// When it was used first.
    pub used_at: Option<DateTime<Utc>>,
    /// Its idle end.
    pub expires_at: DateTime<Utc>,
    /// Whether its session was ended: logout, password change, reset, an administrator, a detected theft.
    pub session_ended: bool,
    /// The absolute end.
    pub session_expires_at: DateTime<Utc>,
}

/// What a presented token gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshDecision {
    /// Mark it used and keep its successor.
    Rotate,
    /// Answer with the newest unused token of the chain; write nothing.
    ReplayWithinGrace,
    /// Theft: end the session, tell its owner.
    Reuse,
    /// Over by idleness or by age.
    Expired,
    /// The session is over.
    SessionEnded,
}

/// Decides on a presented token. The order matters: an ended session allows nothing, not even a replay in grace; and a used token
/// is a sign of theft even after its own idle end, because its successors may still be alive.
#[must_use]
pub fn judge(token: &PresentedToken, now: DateTime<Utc>, grace: Duration) -> RefreshDecision {
    if token.session_ended {
        return RefreshDecision::SessionEnded;
    }
    if now >= token.session_expires_at {
        return RefreshDecision::Expired;
    }
    match token.used_at {
        Some(used_at) if within(now - used_at, grace) => RefreshDecision::ReplayWithinGrace,
        Some(_) => RefreshDecision::Reuse,
        None if now >= token.expires_at => RefreshDecision::Expired,
        None => RefreshDecision::Rotate,
    }
}

/// A grace of zero allows nothing, also where another replica's clock makes `elapsed` negative.
fn within(elapsed: TimeDelta, grace: Duration) -> bool {
    !grace.is_zero() && TimeDelta::from_std(grace).is_ok_and(|grace| elapsed < grace)
}

/// Derives the token that follows `parent`, with the current key.
#[must_use]
pub fn successor(keys: &Keys, parent: &SecretToken) -> SecretToken {
    SecretToken::derive(keys, Purpose::RefreshSuccessor, &[parent.bytes()])
}

/// The tokens that may follow `used`, nearest first, up to [`MAX_CHAIN`].
#[must_use]
pub fn chain(keys: &Keys, used: &SecretToken) -> Vec<SecretToken> {
    let followers = |token: &SecretToken| {
        let by_key = |key| SecretToken::derive_with(keys, key, Purpose::RefreshSuccessor, &[token.bytes()]);
        keys.ids().filter_map(by_key).collect::<Vec<_>>()
    };
    let (mut chain, mut last) = (followers(used), 0);
    while chain.len() < MAX_CHAIN
        && let Some(more) = chain.get(last).map(followers)
    {
        chain.extend(more);
        last += 1;
    }
    chain
}

/// Returns the cookie's value: the token, its user's id, and a MAC over both, separated by dots.
#[must_use]
pub fn to_cookie(keys: &Keys, token: &SecretToken, user: UserId) -> SecretString {
    let tag = keys.sign(Purpose::RefreshCookie, &[token.bytes(), user.uuid().as_bytes()]);
    format!("{}.{user}.{}", token.to_wire().expose_secret(), URL_SAFE_NO_PAD.encode(tag.to_bytes())).into()
}

/// Returns the token and the user of a cookie's value, if its MAC is ours.
fn from_cookie(keys: &Keys, value: &str) -> Option<(SecretToken, UserId)> {
    let (token, rest) = value.split_once('.')?;
    let (user, tag) = rest.split_once('.')?;
    let (token, user) = (SecretToken::parse(token)?, user.parse::<UserId>().ok()?);
    let mut theirs = [0; Tag::LENGTH];
    // Of one length only; the decoder would not write more than fits.
    if URL_SAFE_NO_PAD.decode_slice(tag, &mut theirs).ok()? != theirs.len() {
        return None;
    }
    let theirs = Tag::from_bytes(&theirs)?;
    keys.verify(Purpose::RefreshCookie, &[token.bytes(), user.uuid().as_bytes()], &theirs).then_some((token, user))
}

/// The `Set-Cookie` value that hands the token over. `lives` ends with the token's idle or the session's absolute end, whichever
/// is sooner. Marked sensitive, so that printing the response's headers does not print it.
///
/// # Errors
/// Never in practice: all of its characters are allowed in a header.
pub fn set_cookie(cookie: &SecretString, lives: Duration) -> Result<HeaderValue, InvalidHeaderValue> {
    let (value, seconds) = (cookie.expose_secret(), lives.as_secs());
    let text = format!("{COOKIE}={value}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Strict");
    let mut value = HeaderValue::from_str(&text)?;
    value.set_sensitive(true);
    Ok(value)
}

/// The `Set-Cookie` value that removes it. With all the attributes: a browser ignores one without `Secure` for this prefix.
#[must_use]
pub fn clear_cookie() -> HeaderValue {
    HeaderValue::from_static("__Host-refresh=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict")
}

/// The reply, which takes the cookie away.
#[must_use]
pub fn take_cookie(mut reply: HttpResponse) -> HttpResponse {
    reply.headers_mut().append(header::SET_COOKIE, clear_cookie());
    reply
}

/// The reply, after which the browser has forgotten who was signed in (ASVS 14.3.1). Not `"cookies"`: that would take the
/// device's cookie too, and who signs out every evening would be a stranger every morning (`device_cookies`). Ours goes by name.
#[must_use]
pub fn forget_browser(reply: HttpResponse) -> HttpResponse {
    let mut reply = take_cookie(reply);
    let kept_there = HeaderValue::from_static("\"cache\", \"storage\"");
    reply.headers_mut().insert(HeaderName::from_static("clear-site-data"), kept_there);
    reply
}

/// All tokens of ours that a request brings, for a request that is refused: each of them was exposed.
pub fn exposed(keys: &Keys, headers: &HeaderMap) -> impl Iterator<Item = SecretToken> {
    all(COOKIE, headers).filter_map(|value| from_cookie(keys, value)).map(|(token, _)| token)
}

/// Why a request brings no refresh token of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CookieFault {
    /// There is no cookie, or more than one. Of two, an attacker may have planted one to fix the victim's session, so neither
    /// counts.
    Missing,
    /// Its MAC is not ours.
    Forged,
}

impl CookieFault {
    /// Its name in the log.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Missing => "no_refresh_token",
            Self::Forged => "forged_refresh_token",
        }
    }
}

/// Returns the token that a browser sends, and its user. The token may be used, expired or revoked: nothing is looked up.
///
/// # Errors
/// [`CookieFault`], for the log: the client is told nothing of it.
pub fn presented(keys: &Keys, headers: &HeaderMap) -> Result<(SecretToken, UserId), CookieFault> {
    from_cookie(keys, single(COOKIE, headers).ok_or(CookieFault::Missing)?).ok_or(CookieFault::Forged)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(10);

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    /// Idle end after 1,000 s, absolute end after 5,000 s.
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
    fn a_fresh_token_rotates_until_its_idle_end() {
        assert_eq!(judge(&token(None), at(0), GRACE), RefreshDecision::Rotate);
        assert_eq!(judge(&token(None), at(999), GRACE), RefreshDecision::Rotate);
        assert_eq!(judge(&token(None), at(1_000), GRACE), RefreshDecision::Expired);
    }

    #[test]
    fn a_replay_is_a_second_tab_for_ten_seconds_and_theft_after() {
        let used = token(Some(100));
        for (seconds, decision) in [
            (100, RefreshDecision::ReplayWithinGrace),
            (109, RefreshDecision::ReplayWithinGrace),
            (110, RefreshDecision::Reuse),
            (111, RefreshDecision::Reuse),
            (4_999, RefreshDecision::Reuse),
            (5_000, RefreshDecision::Expired),
        ] {
            assert_eq!(judge(&used, at(seconds), GRACE), decision, "{seconds}");
        }
    }

    #[test]
    fn an_ended_session_kills_tokens_in_grace_too() {
        for used_at in [None, Some(100)] {
            let ended = PresentedToken { session_ended: true, ..token(used_at) };
            assert_eq!(judge(&ended, at(101), GRACE), RefreshDecision::SessionEnded);
        }
    }

    #[test]
    fn a_grace_of_zero_is_the_strict_rule() {
        let used = token(Some(100));
        for seconds in [98, 100, 101] {
            assert_eq!(judge(&used, at(seconds), Duration::ZERO), RefreshDecision::Reuse, "{seconds}");
        }
    }

    #[test]
    fn the_absolute_end_is_not_moved_by_a_young_token() {
        let young = PresentedToken { expires_at: at(9_000), ..token(None) };
        assert_eq!(judge(&young, at(4_999), GRACE), RefreshDecision::Rotate);
        assert_eq!(judge(&young, at(5_000), GRACE), RefreshDecision::Expired);
    }

    #[test]
    fn two_tabs_get_one_successor_and_a_stranger_to_the_key_gets_none() {
        let keys = Keys::new(&vec![5; 32].into()).unwrap();
        let parent = SecretToken::random().unwrap();
        let first = successor(&keys, &parent);
        assert_eq!(first.hash(), successor(&keys, &parent).hash());
        assert_ne!(first.hash(), parent.hash());
        assert_ne!(successor(&keys, &first).hash(), first.hash());
        let other = Keys::new(&vec![6; 32].into()).unwrap();
        assert_ne!(first.hash(), successor(&other, &parent).hash());
    }

    #[test]
    fn the_cookie_is_for_this_host_only_and_for_no_script() {
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
    fn exactly_one_cookie_of_the_name_is_read() {
        let (keys, token) = (Keys::new(&vec![5; 32].into()).unwrap(), SecretToken::random().unwrap());
        let user = UserId::new();
        let cookie = to_cookie(&keys, &token, user);
        let wire = cookie.expose_secret();
        let ours = format!("{COOKIE}={wire}");
        let read = |lines: &[&str]| presented(&keys, &headers(lines)).ok().map(|(token, user)| (token.hash(), user));
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
            (format!("{ours}; {COOKIE}=planted"), "a planted second one"),
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
    fn cookie_with_any_other_mac_is_forged() {
        let (keys, token) = (Keys::new(&vec![5; 32].into()).unwrap(), SecretToken::random().unwrap());
        let (user, other_user) = (UserId::new(), UserId::new());
        let ours = to_cookie(&keys, &token, user);
        let (left, mac) = ours.expose_secret().rsplit_once('.').unwrap();
        let wire = token.to_wire();
        let wire = wire.expose_secret();
        let stranger = to_cookie(&Keys::new(&vec![6; 32].into()).unwrap(), &token, user);
        let other = to_cookie(&keys, &SecretToken::random().unwrap(), user);
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
            stranger.expose_secret().to_owned(),
        ] {
            let headers = headers(&[&format!("{COOKIE}={forged}")]);
            assert_eq!(presented(&keys, &headers).err(), Some(CookieFault::Forged), "{forged}");
        }
        assert_eq!(presented(&keys, &headers(&[])).err(), Some(CookieFault::Missing));
    }
}
