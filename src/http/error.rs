//! Safe errors: only this module chooses the status of a failure (CWE-209, API8:2023).
//!
//! **Attack**: error messages that disclose statements, paths, versions or the existence of objects.
//! **Control**: an error has a public part and a cause. The public part is status, title and code, which are constants.
//! Only the log contains the cause, together with the request id.
//! So the response to [`ApiError::Internal`] cannot contain text of the cause.
//! **Limits**: responses of actix's HTTP parser (400, 408, 431) have an empty body (`docs/decisions.md`).
//! **ASVS**: 13.4.2, 16.5.1, 16.5.3 · **Test**: `attacks::error_handling`

use std::borrow::Cow;
use std::fmt;

use actix_web::http::{StatusCode, header};
use actix_web::{Error, HttpResponse, ResponseError};

pub type ApiResult<T> = Result<T, ApiError>;

/// One invalid field: the JSON pointer of the field (RFC 6901), and a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldFault {
    /// For a field of the body, its path, for example `/lines/0/quantity`. For a query field or a header, a slash and
    /// its name. For the whole body, an empty text.
    pub pointer: String,
    /// What the service expects. It is never the message of a parser, which could disclose internals.
    pub message: Cow<'static, str>,
}

impl FieldFault {
    pub fn new(pointer: impl Into<String>, message: impl Into<Cow<'static, str>>) -> Self {
        Self { pointer: pointer.into(), message: message.into() }
    }
}

/// A refusal (4xx) or a failure (5xx). `docs/problems.md` explains each code.
#[derive(Debug)]
pub enum ApiError {
    /// The body is not JSON in UTF-8. The fault says why, for example at which line and column.
    NotJson(Option<FieldFault>),
    Invalid(Vec<FieldFault>),
    /// The access token is missing or invalid. Only the log contains the reason.
    Unauthenticated,
    /// The login failed. All reasons give the same reply, to prevent user enumeration.
    InvalidCredentials,
    /// The caller's role does not allow this function.
    Forbidden,
    /// The request came from a page of an origin that is not allowed (CORS).
    OriginNotAllowed,
    /// The CSRF header is missing on a route that reads the refresh cookie.
    CrossSiteRequest,
    /// The request came over plain HTTP.
    HttpsRequired,
    /// The object is missing, deleted or owned by another user, or its id is malformed. All four give the same reply.
    NotFound,
    MethodNotAllowed,
    /// The body did not arrive in time.
    BodyTimeout,
    /// The state of the object does not allow this operation.
    Conflict {
        code: &'static str,
        title: &'static str,
    },
    /// `If-Match` does not name the current version.
    PreconditionFailed,
    /// `If-Match` is missing.
    PreconditionRequired,
    /// The `Idempotency-Key` was used with another body.
    IdempotencyKeyReused,
    /// The body is larger than its route allows.
    PayloadTooLarge,
    /// The requested range begins after the end of the file.
    RangeNotSatisfiable {
        /// In bytes.
        length: u64,
    },
    /// The body does not have the expected media type, which is in the text. The text is empty if a library refused the
    /// body.
    UnsupportedMediaType(&'static str),
    /// The request to a WebSocket route is not a WebSocket handshake.
    UpgradeRequired,
    /// A rate limit is exhausted.
    TooManyRequests {
        /// Seconds, at least 1.
        retry_after: u64,
        /// A proof of work that allows the next login attempt.
        challenge: Option<Box<super::challenge::Challenge>>,
    },
    /// The service is overloaded, or a dependency is down.
    Unavailable {
        /// Seconds, at least 1.
        retry_after: u64,
        /// Only the log contains the cause.
        cause: Cause,
        /// Whether the database is out of disk or memory ([`exhaustion`](crate::db::exhaustion)).
        exhausted: bool,
    },
    /// A fault of the service. Only the log contains the cause.
    Internal(Cause),
}

/// A text for the log. It never contains values of a database row.
#[derive(Debug)]
pub struct Cause(pub(super) String);

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PublicError {
    pub status: StatusCode,
    pub code: &'static str,
    pub title: &'static str,
}

impl ApiError {
    pub fn internal(cause: impl fmt::Display) -> Self {
        Self::Internal(Cause(cause.to_string()))
    }

    /// Creates a 503 for a dependency that is down or full.
    pub fn unavailable(retry_after: u64, cause: impl fmt::Display) -> Self {
        Self::Unavailable { retry_after: retry_after.max(1), cause: Cause(cause.to_string()), exhausted: false }
    }

    pub fn invalid(pointer: impl Into<String>, message: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid(vec![FieldFault::new(pointer, message)])
    }

    #[must_use]
    pub fn public(&self) -> PublicError {
        use StatusCode as S;
        let (status, code, title) = match self {
            Self::NotJson(_) => (S::BAD_REQUEST, "not_json", "The body is not valid JSON"),
            Self::Invalid(_) => (S::BAD_REQUEST, "invalid_input", "The input is not valid"),
            Self::Unauthenticated => (S::UNAUTHORIZED, "unauthenticated", "Authentication is required"),
            Self::InvalidCredentials => (S::UNAUTHORIZED, "invalid_credentials", "Invalid credentials"),
            Self::Forbidden => (S::FORBIDDEN, "forbidden", "Your role does not allow this"),
            Self::OriginNotAllowed => (S::FORBIDDEN, "origin_not_allowed", "This origin is not allowed"),
            Self::CrossSiteRequest => (S::FORBIDDEN, "cross_site_request", "The CSRF header is missing"),
            Self::HttpsRequired => (S::FORBIDDEN, "https_required", "HTTPS is required"),
            Self::NotFound => (S::NOT_FOUND, "not_found", "Resource not found"),
            Self::MethodNotAllowed => (S::METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed"),
            Self::BodyTimeout => (S::REQUEST_TIMEOUT, "body_timeout", "The body did not arrive in time"),
            Self::Conflict { code, title } => (S::CONFLICT, *code, *title),
            Self::PreconditionFailed => {
                (S::PRECONDITION_FAILED, "stale_version", "The object has changed since it was read")
            }
            Self::PreconditionRequired => (S::PRECONDITION_REQUIRED, "version_required", "If-Match is required"),
            Self::IdempotencyKeyReused => {
                (S::UNPROCESSABLE_ENTITY, "idempotency_key_reused", "This Idempotency-Key was used with another body")
            }
            Self::PayloadTooLarge => (S::PAYLOAD_TOO_LARGE, "payload_too_large", "The body is too large"),
            Self::RangeNotSatisfiable { .. } => {
                (S::RANGE_NOT_SATISFIABLE, "range_not_satisfiable", "The range is outside of the file")
            }
            Self::UnsupportedMediaType(_) => {
                (S::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "The body's type is not accepted")
            }
            Self::UpgradeRequired => {
                (S::UPGRADE_REQUIRED, "upgrade_required", "This route requires a WebSocket handshake")
            }
            Self::TooManyRequests { .. } => (S::TOO_MANY_REQUESTS, "too_many_requests", "Too many requests"),
            Self::Unavailable { .. } => (S::SERVICE_UNAVAILABLE, "unavailable", "The service is busy, try again later"),
            Self::Internal(_) => (S::INTERNAL_SERVER_ERROR, "internal", "Internal server error"),
        };
        PublicError { status, code, title }
    }

    /// Returns one error for each code of this file. Features define the codes of [`ApiError::Conflict`].
    #[must_use]
    pub fn one_of_each() -> [Self; 21] {
        [
            Self::NotJson(None),
            Self::Invalid(Vec::new()),
            Self::Unauthenticated,
            Self::InvalidCredentials,
            Self::Forbidden,
            Self::OriginNotAllowed,
            Self::CrossSiteRequest,
            Self::HttpsRequired,
            Self::NotFound,
            Self::MethodNotAllowed,
            Self::BodyTimeout,
            Self::PreconditionFailed,
            Self::PreconditionRequired,
            Self::IdempotencyKeyReused,
            Self::PayloadTooLarge,
            Self::RangeNotSatisfiable { length: 0 },
            Self::UnsupportedMediaType(""),
            Self::UpgradeRequired,
            Self::TooManyRequests { retry_after: 1, challenge: None },
            Self::unavailable(1, ""),
            Self::internal(""),
        ]
    }

    /// Calls `read` with the [`ApiError`] of a failed reply. If a library has created the reply, calls `read` with the
    /// error that fits `status`.
    pub fn resolve<R>(error: Option<&Error>, status: StatusCode, read: impl FnOnce(&Self) -> R) -> R {
        match error.and_then(Error::as_error::<Self>) {
            Some(error) => read(error),
            None => read(&Self::from_status(status)),
        }
    }

    /// Returns the error that fits a status chosen by a library, for example the 404 of an unknown path.
    #[must_use]
    pub fn from_status(status: StatusCode) -> Self {
        match status {
            StatusCode::UNAUTHORIZED => Self::Unauthenticated,
            StatusCode::FORBIDDEN => Self::Forbidden,
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::REQUEST_TIMEOUT => Self::BodyTimeout,
            StatusCode::PAYLOAD_TOO_LARGE => Self::PayloadTooLarge,
            StatusCode::UPGRADE_REQUIRED => Self::UpgradeRequired,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::UnsupportedMediaType(""),
            // The library has already set `Retry-After` on the reply, so this value is never sent.
            StatusCode::TOO_MANY_REQUESTS => Self::TooManyRequests { retry_after: 1, challenge: None },
            status if status.is_client_error() => Self::Invalid(Vec::new()),
            status => Self::internal(format_args!("a library replied with {status}")),
        }
    }
}

/// The text for the log. Replies never contain it.
impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.public().code)?;
        match self {
            Self::Internal(cause) | Self::Unavailable { cause, .. } => write!(f, ": {cause}"),
            _ => Ok(()),
        }
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.public().status
    }

    /// Returns status and headers. [`super::problem`] adds the body.
    fn error_response(&self) -> HttpResponse {
        let mut reply = HttpResponse::build(self.status_code());
        match self {
            Self::TooManyRequests { retry_after, .. } | Self::Unavailable { retry_after, .. } => {
                reply.insert_header((header::RETRY_AFTER, retry_after.to_string()));
            }
            Self::Unauthenticated | Self::InvalidCredentials => {
                reply.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
            }
            Self::RangeNotSatisfiable { length } => {
                reply.insert_header((header::CONTENT_RANGE, format!("bytes */{length}")));
            }
            Self::UpgradeRequired => {
                reply.insert_header((header::UPGRADE, "websocket"));
                reply.insert_header((header::SEC_WEBSOCKET_VERSION, "13"));
            }
            _ => {}
        }
        reply.finish()
    }
}
