//! Access tokens: short-lived JWTs with a pinned algorithm and strict claims (CWE-347, CWE-613, CWE-843, API2:2023).
//!
//! **Attack**: a client sends a token without a signature, with another algorithm or key, for another audience, of
//! another type, or after its expiry.
//! Or the token has a fault that the library `jsonwebtoken` accepts by default: no `iss`; `iss` or `aud` as a list; an
//! `exp` of up to a minute ago; an `nbf` in the future; any `typ`.
//! Or a claim has the wrong JSON type: `sub` is a number, `aud` is an object.
//! **Control**: the configuration determines one algorithm and at most two keys (`keys`).
//! The header must have exactly the members `alg`, `typ` and `kid`.
//! The token must have exactly our eight claims, each with its exact JSON type. All faults get the same response.
//! Only the log contains the reason ([`TokenFault`]). No other module decodes tokens.
//! **Limits**: a stolen token is valid until it expires or its session ends (`revocations`).
//! **ASVS**: 7.2.1, 9.1.1–9.2.4
//! **Test**: `attacks::sessions::access_tokens` (forged tokens: `support::forgery`)

mod bad_tokens;
mod keys;
mod members;
mod token_fault;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::{Header, Validation};
use secrecy::SecretString;
use serde_json::{Value, json};
use uuid::Uuid;

pub use self::bad_tokens::BadTokens;
pub use self::keys::JwtSettingsError;
use self::keys::SigningKeys;
use self::members::StrictObject;
pub use self::token_fault::TokenFault;
use crate::base::id::{SessionId, UserId};
use crate::config::JwtSettings;

/// The `typ` in the header (RFC 9068). A token of another type is rejected, even if one of our keys has signed it.
const TOKEN_TYPE: &str = "at+jwt";

/// How many seconds the clocks of replicas may differ.
const LEEWAY_SECONDS: i64 = 2;

/// The maximum length of a token, checked before the token is decoded. Our tokens have about 450 bytes.
const MAX_LENGTH: usize = 2_048;

/// The maximum lifetime of a token that can be configured, in seconds.
const MAX_LIFETIME: u64 = 3_600;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifiedClaims {
    pub user: UserId,
    pub session: SessionId,
    pub expires_at: DateTime<Utc>,
}

/// The error if the service cannot sign a token. The cause is a bug of the service.
#[derive(Debug, thiserror::Error)]
#[error("failed to sign an access token")]
pub struct SigningError(#[source] Error);

pub struct AccessTokens {
    keys: SigningKeys,
    header: Header,
    validation: Validation,
    issuer: String,
    audience: String,
    /// The configured lifetime of a token, in seconds.
    lifetime: i64,
}

impl AccessTokens {
    /// # Errors
    /// [`JwtSettingsError`] for a weak or mismatched key, or for a lifetime over 60 minutes.
    pub fn new(settings: &JwtSettings) -> Result<Self, JwtSettingsError> {
        // A build without the crypto provider fails here, and not at the first token. The error of this call is
        // ignored: it only means that the provider is already installed.
        let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
        let seconds = settings.ttl.as_secs();
        if !(1..=MAX_LIFETIME).contains(&seconds) {
            return Err(JwtSettingsError::Lifetime);
        }
        if settings.issuer.is_empty() || settings.audience.is_empty() {
            return Err(JwtSettingsError::NoName);
        }
        let keys = SigningKeys::new(settings)?;
        let mut header = Header::new(keys.algorithm);
        header.typ = Some(TOKEN_TYPE.into());
        header.kid = Some(keys.kid.clone());
        Ok(Self {
            validation: validation(&keys, settings),
            header,
            keys,
            issuer: settings.issuer.clone(),
            audience: settings.audience.clone(),
            lifetime: i64::try_from(seconds).map_err(|_| JwtSettingsError::Lifetime)?,
        })
    }

    /// Returns the lifetime of a new token in seconds (`expires_in`). A token expires no later than its session.
    #[must_use]
    pub fn token_lifetime(&self, session: TimeDelta) -> i64 {
        self.lifetime.min(session.num_seconds()).max(1)
    }

    /// Returns the public keys as a JWK set, or `None` for HS256, which has no public keys.
    #[must_use]
    pub fn jwks(&self) -> Option<Value> {
        self.keys.jwks()
    }

    /// Issues a token for this user and session. `session_lifetime` is the remaining lifetime of the session.
    ///
    /// # Errors
    /// [`SigningError`] if `jsonwebtoken` rejects a key that it has accepted at startup.
    pub fn issue(
        &self,
        user: UserId,
        session: SessionId,
        session_lifetime: TimeDelta,
        now: DateTime<Utc>,
    ) -> Result<SecretString, SigningError> {
        let iat = now.timestamp();
        let claims = json!({
            "iss": self.issuer, "aud": self.audience, "sub": user, "sid": session, "jti": Uuid::new_v4().to_string(),
            "iat": iat, "nbf": iat, "exp": iat + self.token_lifetime(session_lifetime),
        });
        jsonwebtoken::encode(&self.header, &claims, &self.keys.signing).map(SecretString::from).map_err(SigningError)
    }

    /// # Errors
    /// [`TokenFault`] is the reason for the rejection. It is only for the log: all clients get the same error.
    pub fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<VerifiedClaims, TokenFault> {
        let kid = self.check_header(token)?;
        let key = self.keys.find(&kid).ok_or(TokenFault::UnknownKey)?;
        // `jsonwebtoken` verifies the signature with the configured algorithm before this code reads a claim.
        let decoded =
            jsonwebtoken::decode::<StrictObject>(token, key, &self.validation).map_err(|error| fault(&error))?;
        self.check(decoded.claims, now)
    }

    /// Checks the header and returns its `kid`. An attacker cannot select an algorithm or a key with the header:
    /// the algorithm must be the configured one, and parameters other than `alg`, `typ` and `kid` are rejected.
    fn check_header(&self, token: &str) -> Result<String, TokenFault> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if token.len() > MAX_LENGTH
            || !token.bytes().all(plain)
            || token.bytes().filter(|byte| *byte == b'.').count() != 2
        {
            return Err(TokenFault::Malformed);
        }
        let (header, _) = token.split_once('.').ok_or(TokenFault::Malformed)?;
        let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| TokenFault::Malformed)?;
        let mut header: StrictObject = serde_json::from_slice(&header).map_err(|_| TokenFault::Malformed)?;
        if header.take("alg") != json!(self.keys.algorithm) {
            return Err(TokenFault::Algorithm);
        }
        if header.take("typ") != TOKEN_TYPE {
            return Err(TokenFault::Type);
        }
        let Value::String(kid) = header.take("kid") else {
            return Err(TokenFault::UnknownKey);
        };
        if !header.is_empty() {
            return Err(TokenFault::Header);
        }
        Ok(kid)
    }

    /// Checks each claim. Its JSON type must be exact: an issuer in a list or a time with a fraction is rejected.
    /// Unknown claims are rejected too: a later version of the service may add a claim that restricts a token,
    /// and this version would ignore the restriction.
    fn check(&self, mut claims: StrictObject, now: DateTime<Utc>) -> Result<VerifiedClaims, TokenFault> {
        if claims.take("iss") != self.issuer.as_str() {
            return Err(TokenFault::Issuer);
        }
        if claims.take("aud") != self.audience.as_str() {
            return Err(TokenFault::Audience);
        }
        let user: UserId = claims.text("sub")?.parse().map_err(|_| TokenFault::Claims)?;
        let session: SessionId = claims.text("sid")?.parse().map_err(|_| TokenFault::Claims)?;
        Uuid::parse_str(&claims.text("jti")?).map_err(|_| TokenFault::Claims)?;
        let (iat, nbf, exp) = (claims.seconds("iat")?, claims.seconds("nbf")?, claims.seconds("exp")?);
        if !claims.is_empty() {
            return Err(TokenFault::Claims);
        }
        // A token with a longer lifetime than configured is rejected, so that a shorter setting also applies to older
        // tokens. Neither time is negative, so the subtraction cannot overflow.
        if !(1..=self.lifetime).contains(&(exp - iat)) {
            return Err(TokenFault::Lifetime);
        }
        let now = now.timestamp();
        if now - LEEWAY_SECONDS >= exp {
            return Err(TokenFault::Expired);
        }
        if nbf > now + LEEWAY_SECONDS || iat > now + LEEWAY_SECONDS {
            return Err(TokenFault::NotYetValid);
        }
        let expires_at = DateTime::from_timestamp(exp, 0).ok_or(TokenFault::Claims)?;
        Ok(VerifiedClaims { user, session, expires_at })
    }
}

/// Sets every validation rule of `jsonwebtoken` explicitly, as a second check in addition to [`AccessTokens::check`].
/// Only the checks of `exp` and `nbf` are off, because they use the system clock, which tests cannot change.
fn validation(keys: &SigningKeys, settings: &JwtSettings) -> Validation {
    let mut validation = Validation::new(keys.algorithm);
    validation.algorithms = vec![keys.algorithm];
    validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
    validation.set_issuer(&[&settings.issuer]);
    validation.set_audience(&[&settings.audience]);
    validation.validate_aud = true;
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.leeway = 0;
    validation
}

fn fault(error: &Error) -> TokenFault {
    match error.kind() {
        ErrorKind::InvalidSignature => TokenFault::Signature,
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidKeyFormat => TokenFault::Algorithm,
        ErrorKind::InvalidIssuer => TokenFault::Issuer,
        ErrorKind::InvalidAudience => TokenFault::Audience,
        ErrorKind::MissingRequiredClaim(claim) | ErrorKind::InvalidClaimFormat(claim) if claim == "iss" => {
            TokenFault::Issuer
        }
        ErrorKind::MissingRequiredClaim(claim) | ErrorKind::InvalidClaimFormat(claim) if claim == "aud" => {
            TokenFault::Audience
        }
        ErrorKind::MissingRequiredClaim(_) | ErrorKind::InvalidClaimFormat(_) | ErrorKind::Json(_) => {
            TokenFault::Claims
        }
        _ => TokenFault::Malformed,
    }
}

/// The forged tokens for the unit tests. The attack tests use the same file.
#[cfg(test)]
#[path = "../../../../tests/api/support/forgery/mod.rs"]
mod forgery;

#[cfg(test)]
mod tests;
