//! Access tokens: short-lived JWTs of which nothing is believed that was not checked here.
//!
//! **Attack**: a token without a signature, under an algorithm or a key of the attacker's choice, made for another service, of
//! another type, out of its time; and everything that `jsonwebtoken` accepts by default: no `iss`, `iss` and `aud` as lists, a
//! minute past `exp`, `nbf` ahead, any `typ`; and claims of confusing types (`sub` a number, `aud` an object, CWE-843).
//! **Control**: one algorithm, set by the configuration; one `kid`
//! out of at most two (`keys`); the header may hold `alg`, `typ`, `kid` and nothing else, the claims our eight and nothing
//! else, each of its exact type; every fault is one refusal for the caller and a [`TokenFault`] for the log. This is the only
//! place in the tree that decodes a token.
//! **Limits**: a stolen token until it expires or its session ends (`revocations`).
//! **ASVS**: 7.2.1, 9.1.1–9.2.4 · **Test**: `attacks::sessions::access_tokens` (the tokens: `support::forgery`)

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

pub use self::keys::BadJwtSettings;
use self::keys::SigningKeys;
use self::members::Members;
pub use self::token_fault::TokenFault;
use crate::base::id::{SessionId, UserId};
use crate::config::JwtSettings;

/// The type in the header (RFC 9068), so that no other kind of token signed with the same key passes for an access token.
const TYPE: &str = "at+jwt";

/// How far the clocks of replicas may differ, in seconds.
const LEEWAY: i64 = 2;

/// Ours have about 450 bytes. Looked at before anything is decoded.
const LONGEST: usize = 2_048;

/// The longest lifetime that a configuration may ask for, in seconds.
const LONGEST_LIFETIME: u64 = 3_600;

/// What a token that holds says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifiedClaims {
    pub user: UserId,
    pub session: SessionId,
    pub expires_at: DateTime<Utc>,
}

/// The token could not be signed: a fault of ours.
#[derive(Debug, thiserror::Error)]
#[error("the access token could not be signed")]
pub struct CannotSign(#[source] Error);

/// Makes and verifies access tokens.
pub struct AccessTokens {
    keys: SigningKeys,
    header: Header,
    validation: Validation,
    issuer: String,
    audience: String,
    /// Seconds.
    lifetime: i64,
}

impl AccessTokens {
    /// Loads the keys and pins everything.
    ///
    /// # Errors
    /// [`BadJwtSettings`]: a weak key, a mixed-up one, a lifetime over 60 minutes.
    pub fn new(settings: &JwtSettings) -> Result<Self, BadJwtSettings> {
        // Named, so that a build without the provider fails here and not at the first token. It is set already when a second
        // instance is made, which is no fault.
        let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
        let seconds = settings.ttl.as_secs();
        if !(1..=LONGEST_LIFETIME).contains(&seconds) {
            return Err(BadJwtSettings::Lifetime);
        }
        if settings.issuer.is_empty() || settings.audience.is_empty() {
            return Err(BadJwtSettings::NoName);
        }
        let keys = SigningKeys::new(settings)?;
        let mut header = Header::new(keys.algorithm);
        header.typ = Some(TYPE.into());
        header.kid = Some(keys.kid.clone());
        Ok(Self {
            validation: validation(&keys, settings),
            header,
            keys,
            issuer: settings.issuer.clone(),
            audience: settings.audience.clone(),
            lifetime: i64::try_from(seconds).map_err(|_| BadJwtSettings::Lifetime)?,
        })
    }

    /// How long a new token lives in a session that lives so long, in seconds (`expires_in`): no longer than that.
    #[must_use]
    pub fn lifetime_within(&self, session: TimeDelta) -> i64 {
        self.lifetime.min(session.num_seconds()).max(1)
    }

    /// The public keys as a JWK set, for other services that verify; none with HS256.
    #[must_use]
    pub fn jwks(&self) -> Option<Value> {
        self.keys.jwks()
    }

    /// A token for this user in this session, which lives so long at most.
    ///
    /// # Errors
    /// [`CannotSign`], when the library refuses the key that it took at start.
    pub fn issue(
        &self,
        user: UserId,
        session: SessionId,
        lives: TimeDelta,
        now: DateTime<Utc>,
    ) -> Result<SecretString, CannotSign> {
        let iat = now.timestamp();
        let claims = json!({
            "iss": self.issuer, "aud": self.audience, "sub": user, "sid": session, "jti": Uuid::new_v4().to_string(),
            "iat": iat, "nbf": iat, "exp": iat + self.lifetime_within(lives),
        });
        jsonwebtoken::encode(&self.header, &claims, &self.keys.signing).map(SecretString::from).map_err(CannotSign)
    }

    /// Who the token speaks for at `now`.
    ///
    /// # Errors
    /// [`TokenFault`], for the log alone.
    pub fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<VerifiedClaims, TokenFault> {
        let header = self.header_of(token)?;
        let key = self.keys.named(&header).ok_or(TokenFault::UnknownKey)?;
        // Verifies the signature under the pinned algorithm, before any claim is read.
        let decoded = jsonwebtoken::decode::<Members>(token, key, &self.validation).map_err(|error| fault(&error))?;
        self.check(decoded.claims, now)
    }

    /// The `kid` of a header that is exactly as we write them. The header never chooses anything: its algorithm is compared
    /// (`none` in any spelling is simply another one), its `kid` is looked up among ours, whatever else it brings is refused.
    fn header_of(&self, token: &str) -> Result<String, TokenFault> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if token.len() > LONGEST || !token.bytes().all(plain) || token.bytes().filter(|byte| *byte == b'.').count() != 2
        {
            return Err(TokenFault::Malformed);
        }
        let (header, _) = token.split_once('.').ok_or(TokenFault::Malformed)?;
        let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| TokenFault::Malformed)?;
        let mut header: Members = serde_json::from_slice(&header).map_err(|_| TokenFault::Malformed)?;
        if header.take("alg") != json!(self.keys.algorithm) {
            return Err(TokenFault::Algorithm);
        }
        if header.take("typ") != TYPE {
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

    /// The claims, each by its exact type: an issuer in a list, a float for a time and an id in capitals are refused. An unknown
    /// claim is refused too, because a later version's restricted token must not pass here as an unrestricted one.
    fn check(&self, mut claims: Members, now: DateTime<Utc>) -> Result<VerifiedClaims, TokenFault> {
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
        // Neither side of the subtraction is negative, so it cannot overflow. A lifetime that is made shorter acts at once.
        if !(1..=self.lifetime).contains(&(exp - iat)) {
            return Err(TokenFault::Lifetime);
        }
        let now = now.timestamp();
        if now - LEEWAY >= exp {
            return Err(TokenFault::Expired);
        }
        if nbf > now + LEEWAY || iat > now + LEEWAY {
            return Err(TokenFault::NotYetValid);
        }
        let expires_at = DateTime::from_timestamp(exp, 0).ok_or(TokenFault::Claims)?;
        Ok(VerifiedClaims { user, session, expires_at })
    }
}

/// Every setting of the library by name, never its defaults. It stays behind [`AccessTokens::check`] as a second wall; what it
/// cannot do strictly, or only against the system's clock, which no test can turn, is done there alone.
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

/// The forged tokens are built where the attack tests build theirs, so that what is refused here is what is sent over HTTP there.
#[cfg(test)]
#[path = "../../../../tests/api/support/forgery/mod.rs"]
mod forgery;

#[cfg(test)]
mod tests;
