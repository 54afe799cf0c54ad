//! Device cookies (OWASP): a device that has signed in before has its own counter of failures (CWE-307, CWE-645).
//!
//! **Attack**: an attacker guesses at an account from everywhere until it waits, and its owner waits too. Or an intruder keeps the
//! cookies of an earlier intrusion, and uses them against the owner.
//! **Control**: a sign-in, a password reset and a password change set a signed `__Host-` cookie: a random id, the account's epoch, an
//! expiry, and a MAC over them and the account. It authenticates no client: it only selects the counter of `login_throttling`. Reset,
//! password change and "end all sessions" advance the epoch, which voids every older cookie. A cookie that is forged, expired,
//! void, of another account, or sent twice is ignored without a word: its client is an unknown one.
//! **Limits**: a stolen cookie is worth ten guesses. Logout keeps the cookie, or those who sign out every
//! evening would be unknown every morning.
//! **ASVS**: 3.3.1–3.3.4, 6.1.1, 6.3.1 · **Test**: `attacks::authentication::device_cookies`

mod store;

use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderValue, InvalidHeaderValue};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::base::id::UserId;
use crate::http::cookies::single;
use crate::http::error::ApiResult;
use crate::security::crypto::keys::{Keys, Purpose, Tag};

/// For this host, by TLS, for no script (`refresh_tokens::COOKIE` says what the prefix does).
pub const COOKIE: &str = "__Host-device";

/// The cookie is id, epoch, expiry in seconds since 1970, and a [`Tag`].
const ID: usize = 16;
const NUMBER: usize = 8;
const SIGNED: usize = ID + 2 * NUMBER;

/// A device of one account. It is known only while its epoch is the account's ([`Device::is_of`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    id: Uuid,
    epoch: i64,
}

impl Device {
    /// A new device of an account in this epoch.
    #[must_use]
    pub fn new(epoch: i64) -> Self {
        Self { id: Uuid::new_v4(), epoch }
    }

    /// The device in these headers, if its cookie is unexpired and of the account with this name, in lower case.
    #[must_use]
    pub fn recognise(keys: &Keys, name: &str, headers: &HeaderMap, now: DateTime<Utc>) -> Option<Self> {
        let text = single(COOKIE, headers)?;
        let mut bytes = [0; SIGNED + Tag::LENGTH];
        // Of one length only; the decoder would not write more than fits.
        if URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()? != bytes.len() {
            return None;
        }
        let (signed, theirs) = bytes.split_first_chunk::<SIGNED>()?;
        if !keys.verify(Purpose::DeviceCookie, &[name.as_bytes(), signed], &Tag::from_bytes(theirs)?) {
            return None;
        }
        let (id, numbers) = signed.split_first_chunk::<ID>()?;
        let (epoch, expiry) = numbers.split_first_chunk::<NUMBER>()?;
        let expiry = i64::from_be_bytes(*expiry.first_chunk()?);
        let device = Self { id: Uuid::from_bytes(*id), epoch: i64::from_be_bytes(*epoch) };
        (now.timestamp() < expiry).then_some(device)
    }

    /// Whether this device is known to an account in this epoch; `None`: there is no such account.
    #[must_use]
    pub fn is_of(self, epoch: Option<i64>) -> bool {
        epoch == Some(self.epoch)
    }

    /// The `Set-Cookie` value that makes this device known for `lives`.
    ///
    /// # Errors
    /// Never in practice: all of its characters are allowed in a header.
    pub fn set_cookie(
        self,
        keys: &Keys,
        name: &str,
        now: DateTime<Utc>,
        lives: Duration,
    ) -> Result<HeaderValue, InvalidHeaderValue> {
        let expiry = (now + lives).timestamp();
        let signed = [self.id.as_bytes().as_slice(), &self.epoch.to_be_bytes(), &expiry.to_be_bytes()].concat();
        let tag = keys.sign(Purpose::DeviceCookie, &[name.as_bytes(), &signed]);
        let wire = URL_SAFE_NO_PAD.encode([signed, tag.to_bytes()].concat());
        let seconds = lives.as_secs();
        let text = format!("{COOKIE}={wire}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Strict");
        let mut value = HeaderValue::from_str(&text)?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// The random id under which its failures are counted.
    #[must_use]
    pub fn id(self) -> Uuid {
        self.id
    }
}

/// Voids every device cookie of a user. For a password reset and a password change their own statement does it.
///
/// # Errors
/// [`ApiError::Internal`](crate::http::error::ApiError) or `Unavailable`, when the database fails.
pub async fn advance_epoch(connection: &mut PgConnection, user: UserId) -> ApiResult<()> {
    Ok(store::advance_epoch(connection, user).await?)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header;

    use super::*;

    const ALICE: &str = "alice@example.com";
    const LIFE: Duration = Duration::from_secs(100);

    fn keys() -> Keys {
        Keys::new(&vec![5; 32].into()).unwrap()
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    fn headers(cookie: &str) -> HeaderMap {
        let mut map = HeaderMap::new();
        map.append(header::COOKIE, HeaderValue::from_str(cookie).unwrap());
        map
    }

    /// What a browser sends back.
    fn kept(device: Device) -> String {
        let line = device.set_cookie(&keys(), ALICE, at(0), LIFE).unwrap();
        let line = line.to_str().unwrap();
        assert!(line.ends_with("; Path=/; Max-Age=100; Secure; HttpOnly; SameSite=Strict"), "{line}");
        line.split(';').next().unwrap().to_owned()
    }

    #[test]
    fn device_is_known_to_its_own_account_until_its_cookie_expires() {
        let device = Device::new(7);
        let cookie = headers(&kept(device));
        let known = |account, seconds| Device::recognise(&keys(), account, &cookie, at(seconds));
        assert_eq!(known(ALICE, 99), Some(device));
        assert_eq!(known(ALICE, 100), None);
        assert_eq!(known("bob@example.com", 0), None);
        let others = Keys::new(&vec![6; 32].into()).unwrap();
        assert_eq!(Device::recognise(&others, ALICE, &cookie, at(0)), None);
    }

    #[test]
    fn changed_cookie_is_not_recognised() {
        let cookie = kept(Device::new(7));
        let known = |cookie: &str| Device::recognise(&keys(), ALICE, &headers(cookie), at(0));
        assert!(known(&cookie).is_some());
        for place in COOKIE.len() + 1..cookie.len() {
            let mut changed = cookie.clone().into_bytes();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            assert_eq!(known(std::str::from_utf8(&changed).unwrap()), None, "{place}");
        }
        let twice = format!("{cookie}; {cookie}");
        for bad in [&cookie[..cookie.len() - 1], &format!("{cookie}A"), &format!("{cookie}="), "__Host-device=", &twice]
        {
            assert_eq!(known(bad), None, "{bad}");
        }
    }
}
