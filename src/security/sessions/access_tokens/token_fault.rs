//! Reasons to reject an access token.

/// Why a token was rejected. For the log only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.code())]
pub enum TokenFault {
    /// Too long, or not three base64url parts with JSON objects.
    Malformed,
    /// An unexpected header parameter: `crit`, `jku`, `jwk`, `x5u`, `x5c`, `b64`, `zip` …
    Header,
    /// Not the configured algorithm, or none.
    Algorithm,
    /// Not the type of access tokens.
    Type,
    /// No configured key has this `kid`.
    UnknownKey,
    /// The signature is not valid.
    Signature,
    /// Another issuer.
    Issuer,
    /// Another audience.
    Audience,
    /// A claim is missing, unknown, or of another type.
    Claims,
    /// Longer than the configured lifetime, or `exp` before `iat`.
    Lifetime,
    /// `exp` has passed.
    Expired,
    /// `nbf` or `iat` is in the future.
    NotYetValid,
}

impl TokenFault {
    /// Returns the reason in the event.
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
