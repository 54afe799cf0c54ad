//! Access tokens with a valid signature and one fault: one token is expired, and one has no issuer.
//! The attack panel of the console sends both, and the service must reject them. Their user does not exist.
//! Only a build with the feature `dev` signs them, once at startup. So no request can choose their claims.

#[cfg(feature = "dev")]
use {
    super::{AccessTokens, SigningError},
    chrono::{DateTime, TimeDelta, Utc},
    serde_json::json,
    uuid::Uuid,
};

#[derive(Clone)]
pub struct BadTokens {
    pub expired: String,
    pub missing_issuer: String,
}

#[cfg(feature = "dev")]
impl AccessTokens {
    /// # Errors
    /// [`SigningError`] if `jsonwebtoken` rejects a key that it accepted at startup.
    pub fn bad_tokens(&self, now: DateTime<Utc>) -> Result<BadTokens, SigningError> {
        let id = || Uuid::new_v4().to_string();
        let (now, long_ago) = (now.timestamp(), (now - TimeDelta::days(1)).timestamp());
        let expired = json!({
            "iss": self.issuer, "aud": self.audience, "sub": id(), "sid": id(), "jti": id(),
            "iat": long_ago, "nbf": long_ago, "exp": long_ago + self.lifetime,
        });
        let missing_issuer = json!({
            "aud": self.audience, "sub": id(), "sid": id(), "jti": id(),
            // This token must not expire while the service runs: its only fault must be the missing issuer.
            "iat": now, "nbf": now, "exp": now + TimeDelta::days(365).num_seconds(),
        });
        let sign = |claims| jsonwebtoken::encode(&self.header, claims, &self.keys.signing).map_err(SigningError);
        Ok(BadTokens { expired: sign(&expired)?, missing_issuer: sign(&missing_issuer)? })
    }
}
