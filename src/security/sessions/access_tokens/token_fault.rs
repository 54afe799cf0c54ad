//! Why an access token is refused.

/// Why a token was refused. For the log: the caller learns nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.code())]
pub enum TokenFault {
    /// Not three parts of base64url with JSON objects in them, or too long.
    Malformed,
    /// A header parameter that we never write: `crit`, `jku`, `jwk`, `x5u`, `x5c`, `b64`, `zip` …
    Header,
    /// Another algorithm than the configured one, or none.
    Algorithm,
    /// Another type than an access token.
    Type,
    /// No configured key has that name.
    UnknownKey,
    /// The signature does not fit.
    Signature,
    /// Made by another issuer.
    Issuer,
    /// Made for another service.
    Audience,
    /// A claim that is missing, unknown, or of another type.
    Claims,
    /// Lives longer than we ever allow, or ends before it begins.
    Lifetime,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
}

impl TokenFault {
    /// Its name in the log.
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
