//! The reasons for rejecting an access token.

/// Why a token was rejected. This is for the log only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.code())]
pub enum TokenFault {
    /// The token is too long, or does not consist of three base64url parts with JSON objects.
    Malformed,
    /// The header has an unexpected parameter: `crit`, `jku`, `jwk`, `x5u`, `x5c`, `b64`, `zip` …
    Header,
    /// The algorithm is missing, or is not the configured one.
    Algorithm,
    /// The `typ` is not that of access tokens.
    Type,
    /// No configured key has this `kid`.
    UnknownKey,
    /// The signature is not valid.
    Signature,
    /// The issuer is not this service.
    Issuer,
    /// The audience is not this service.
    Audience,
    /// A claim is missing, unknown, or of another JSON type.
    Claims,
    /// The token lives longer than the configured lifetime, or `exp` is before `iat`.
    Lifetime,
    /// `exp` has passed.
    Expired,
    /// `nbf` or `iat` is in the future.
    NotYetValid,
}

impl TokenFault {
    /// Returns the reason that the event contains.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Header => "header",
            Self::Algorithm => "algorithm",
            Self::Type => "type",
            Self::UnknownKey => "unknown_key",
            Self::Signature => "signature",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Claims => "claims",
            Self::Lifetime => "lifetime",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
        }
    }
}
