//! A device that has signed in before is told apart from a guesser.
//!
//! **Abuse**: somebody guesses at an account from everywhere, so that its owner is locked out too. **How**: a good sign-in, and a
//! reset, leave a signed `__Host-` cookie: a random id, an end, and a MAC over both and the account. It signs nobody in. It only
//! chooses the counters (`login_guard`), before any look-up, so that a guesser who has used up what strangers have has used
//! up nothing of the owner's. Who brings another account's, a forged, an old one or two at once is a stranger, without a word.
//! **Not stopped**: a stolen cookie, which is worth the few guesses of one device. A browser keeps the device of its last
//! sign-in alone. Logout leaves it there: knowing the device opens nothing, and forgetting it would make strangers of those who
//! sign out.
//! **ASVS** 3.3.1–3.3.4, 6.1.1, 6.3.1 · **Attack** `attacks::known_devices`

use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderValue, InvalidHeaderValue};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::keys::{Keys, Purpose, Tag};
use crate::http::cookies::the_only;

/// For this host, by TLS, for no script (`refresh_tokens::COOKIE` says what the prefix does).
pub const COOKIE: &str = "__Host-device";

/// Id, end in seconds since 1970, then a [`Tag`].
const ID: usize = 16;
const END: usize = 8;

/// A device of one account. Only a good cookie or a good sign-in makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device(Uuid);

impl Device {
    /// A device that nobody has seen before.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// The device of `account` that these headers name.
    #[must_use]
    pub fn recognise(keys: &Keys, account: &[u8; 32], headers: &HeaderMap, now: DateTime<Utc>) -> Option<Self> {
        let text = the_only(COOKIE, headers)?;
        let mut bytes = [0; ID + END + Tag::LENGTH];
        // Of one length only; the decoder would not write more than fits.
        if URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()? != bytes.len() {
            return None;
        }
        let (id, rest) = bytes.split_first_chunk::<ID>()?;
        let (end, theirs) = rest.split_first_chunk::<END>()?;
        let is_ours = keys.verify(Purpose::KnownDevice, &[account, id, end], &Tag::from_bytes(theirs)?);
        (is_ours && now.timestamp() < i64::from_be_bytes(*end)).then(|| Self(Uuid::from_bytes(*id)))
    }

    /// The `Set-Cookie` value by which this device is known for `lives`.
    ///
    /// # Errors
    /// Never in practice: all of its characters are allowed in a header.
    pub fn set_cookie(
        self,
        keys: &Keys,
        account: &[u8; 32],
        now: DateTime<Utc>,
        lives: Duration,
    ) -> Result<HeaderValue, InvalidHeaderValue> {
        let end = (now + lives).timestamp().to_be_bytes();
        let tag = keys.sign(Purpose::KnownDevice, &[account, self.0.as_bytes(), &end]);
        let wire = URL_SAFE_NO_PAD.encode([self.0.as_bytes().as_slice(), &end, &tag.to_bytes()].concat());
        let seconds = lives.as_secs();
        let text = format!("{COOKIE}={wire}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Strict");
        let mut value = HeaderValue::from_str(&text)?;
        value.set_sensitive(true);
        Ok(value)
    }

    pub(super) fn id(self) -> Uuid {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header;

    use super::*;

    const ALICE: [u8; 32] = [1; 32];
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
        let line = device.set_cookie(&keys(), &ALICE, at(0), LIFE).unwrap();
        let line = line.to_str().unwrap();
        assert!(line.ends_with("; Path=/; Max-Age=100; Secure; HttpOnly; SameSite=Strict"), "{line}");
        line.split(';').next().unwrap().to_owned()
    }

    #[test]
    fn a_device_is_known_until_its_end_by_its_own_account_alone() {
        let device = Device::random();
        let cookie = headers(&kept(device));
        let known = |account, seconds| Device::recognise(&keys(), account, &cookie, at(seconds));
        assert_eq!(known(&ALICE, 99), Some(device));
        assert_eq!(known(&ALICE, 100), None);
        assert_eq!(known(&[2; 32], 0), None);
        let others = Keys::new(&vec![6; 32].into()).unwrap();
        assert_eq!(Device::recognise(&others, &ALICE, &cookie, at(0)), None);
    }

    #[test]
    fn no_changed_cookie_is_known() {
        let cookie = kept(Device::random());
        let known = |cookie: &str| Device::recognise(&keys(), &ALICE, &headers(cookie), at(0));
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
