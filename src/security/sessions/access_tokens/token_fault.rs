//! The reasons for which an access token is rejected. They are only for the log: all clients get the same error.

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.code())]
pub enum TokenFault {
    /// The token is too long, or does not consist of three base64url parts with JSON objects.
    Malformed,
    /// The header has a parameter that is not allowed, for example `crit`, `jku`, `jwk`, `x5u`, `x5c`, `b64` or `zip`.
    Header,
    /// The algorithm is missing, or differs from the configured one.
    Algorithm,
    /// The `typ` in the header is not `at+jwt`, the type of access tokens.
    Type,
    /// No configured key has this `kid`.
    UnknownKey,
    Signature,
    Issuer,
    Audience,
    /// A claim is missing, unknown, or has the wrong JSON type.
    Claims,
    /// The token has a longer lifetime than configured, or `exp` is not after `iat`.
    Lifetime,
    Expired,
    /// The time in `nbf` or `iat` is in the future.
    NotYetValid,
}

impl TokenFault {
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
