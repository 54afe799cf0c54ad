//! Device cookies (OWASP): known devices have their own lockout counter (CWE-307, CWE-645, API2:2023).
//!
//! **Attack**: account lockout as denial of service: an attacker guesses until the account is locked, and its owner is
//! locked out too. An intruder uses a device cookie that they copied during an earlier intrusion.
//! **Control**: login, password reset and password change set a signed `__Host-` cookie.
//! The cookie contains a random id, the account's epoch (a number), an expiry, and a MAC over these values and the
//! account's mail address. The cookie does not authenticate: it only selects the counter in `login_throttling`.
//! Password reset, password change and "revoke all sessions" increment the epoch of the account.
//! This invalidates all older cookies.
//! If a cookie is forged, expired, invalidated, of another account, or sent twice, the client counts as unknown.
//! **Limits**: a stolen cookie allows ten guesses. Logout does not delete the cookie, so that the devices of users who
//! sign out every day remain known.
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

pub const COOKIE: &str = "__Host-device";

// The bytes of the cookie, in this order: the id, the epoch, the expiry in seconds since 1970, the [`Tag`].
const ID_BYTES: usize = 16;
const NUMBER_BYTES: usize = 8;
const SIGNED_BYTES: usize = ID_BYTES + 2 * NUMBER_BYTES;

/// A device cookie of one account. `epoch` is the epoch of the account at the time when the cookie was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceCookie {
    id: Uuid,
    epoch: i64,
}

impl DeviceCookie {
    #[must_use]
    pub fn new(epoch: i64) -> Self {
        Self { id: Uuid::new_v4(), epoch }
    }

    /// Returns `None` if the cookie has expired, or if its MAC is not valid for the account.
    /// `name` is the mail address of the account, in lower case.
    #[must_use]
    pub fn from_headers(keys: &Keys, name: &str, headers: &HeaderMap, now: DateTime<Utc>) -> Option<Self> {
        let text = single(COOKIE, headers)?;
        let mut bytes = [0; SIGNED_BYTES + Tag::LENGTH];
        // The decoder rejects longer values, and this check rejects shorter ones.
        if URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()? != bytes.len() {
            return None;
        }
        let (signed, theirs) = bytes.split_first_chunk::<SIGNED_BYTES>()?;
        if !keys.verify(Purpose::DeviceCookie, &[name.as_bytes(), signed], &Tag::from_bytes(theirs)?) {
            return None;
        }
        let (id, numbers) = signed.split_first_chunk::<ID_BYTES>()?;
        let (epoch, expiry) = numbers.split_first_chunk::<NUMBER_BYTES>()?;
        let expiry = i64::from_be_bytes(*expiry.first_chunk()?);
        let device = Self { id: Uuid::from_bytes(*id), epoch: i64::from_be_bytes(*epoch) };
        (now.timestamp() < expiry).then_some(device)
    }

    /// Returns whether the cookie has the current `epoch` of the account (`None` if the account does not exist).
    #[must_use]
    pub fn matches_epoch(self, epoch: Option<i64>) -> bool {
        epoch == Some(self.epoch)
    }

    /// Returns the `Set-Cookie` header. Its value is marked as sensitive, so that it does not appear in `Debug` output.
    ///
    /// # Errors
    /// [`InvalidHeaderValue`] never occurs in practice: all characters of the cookie are allowed in a header.
    pub fn set_cookie(
        self,
        keys: &Keys,
        name: &str,
        now: DateTime<Utc>,
        lifetime: Duration,
    ) -> Result<HeaderValue, InvalidHeaderValue> {
        let expiry = (now + lifetime).timestamp();
        let signed = [self.id.as_bytes().as_slice(), &self.epoch.to_be_bytes(), &expiry.to_be_bytes()].concat();
        let tag = keys.sign(Purpose::DeviceCookie, &[name.as_bytes(), &signed]);
        let wire = URL_SAFE_NO_PAD.encode([signed, tag.to_bytes()].concat());
        let seconds = lifetime.as_secs();
        let text = format!("{COOKIE}={wire}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Strict");
        let mut value = HeaderValue::from_str(&text)?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// Returns the random id. It identifies the failure counter of this device.
    #[must_use]
    pub fn id(self) -> Uuid {
        self.id
    }
}

/// Invalidates all device cookies of a user by incrementing the epoch.
pub async fn advance_epoch(connection: &mut PgConnection, user: UserId) -> ApiResult<()> {
    Ok(store::advance_epoch(connection, user).await?)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header;

    use super::*;

    const ALICE: &str = "alice@example.com";
    const LIFETIME: Duration = Duration::from_secs(100);

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

    fn sent(device: DeviceCookie) -> String {
        let line = device.set_cookie(&keys(), ALICE, at(0), LIFETIME).unwrap();
        let line = line.to_str().unwrap();
        assert!(line.ends_with("; Path=/; Max-Age=100; Secure; HttpOnly; SameSite=Strict"), "{line}");
        line.split(';').next().unwrap().to_owned()
    }

    #[test]
    fn device_cookie_is_valid_for_its_account_until_expiry() {
        let device = DeviceCookie::new(7);
        let cookie = headers(&sent(device));
        let known = |account, seconds| DeviceCookie::from_headers(&keys(), account, &cookie, at(seconds));
        assert_eq!(known(ALICE, 99), Some(device));
        assert_eq!(known(ALICE, 100), None);
        assert_eq!(known("bob@example.com", 0), None);
        let others = Keys::new(&vec![6; 32].into()).unwrap();
        assert_eq!(DeviceCookie::from_headers(&others, ALICE, &cookie, at(0)), None);
    }

    #[test]
    fn altered_device_cookie_is_ignored() {
        let cookie = sent(DeviceCookie::new(7));
        let known = |cookie: &str| DeviceCookie::from_headers(&keys(), ALICE, &headers(cookie), at(0));
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
