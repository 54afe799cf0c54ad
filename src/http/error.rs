//! Every way in which a request can fail, and the only place that chooses the status of a failure.
//!
//! An error has two sides: what the client reads (status, title, code: all fixed here) and what the log keeps (the cause).
//! [`ApiError::Internal`] has no way to say anything to the client, so leaking takes effort.

use std::borrow::Cow;
use std::fmt;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};

use crate::db::exhaustion::is_exhausted;
use crate::storage::StorageError;

/// What a handler or an extractor answers with.
pub type ApiResult<T> = Result<T, ApiError>;

/// One fault of the input, by the JSON pointer of the field (RFC 6901), or the name of a query field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldFault {
    /// `/lines/0/quantity`; empty for the whole body.
    pub pointer: String,
    /// What is expected there. Never what a parser said.
    pub message: Cow<'static, str>,
}

impl FieldFault {
    /// A fault of one field.
    pub fn new(pointer: impl Into<String>, message: impl Into<Cow<'static, str>>) -> Self {
        Self { pointer: pointer.into(), message: message.into() }
    }
}

/// Any refusal or failure. `docs/problems.md` explains each code to the client's developer.
#[derive(Debug)]
pub enum ApiError {
    /// The body is not JSON, or not in UTF-8: where, if it came whole.
    NotJson(Option<FieldFault>),
    /// Fields that do not fit.
    Invalid(Vec<FieldFault>),
    /// No token, or one that does not hold. Which of the two, and why, is in the log alone.
    Unauthenticated,
    /// A sign-in that failed, for whatever reason.
    InvalidCredentials,
    /// The caller is known and may not use this function.
    Forbidden,
    /// A page of another origin sent this.
    OriginNotAllowed,
    /// A cookie route was called without the proof that our own client sends.
    CrossSiteRequest,
    /// The request came over plain HTTP.
    HttpsRequired,
    /// Missing, somebody else's, deleted or malformed: one answer.
    NotFound,
    /// The path exists, this method on it does not.
    MethodNotAllowed,
    /// The body did not arrive in time.
    BodyTimeout,
    /// The object is in a state that does not allow this.
    Conflict {
        /// Stable and documented.
        code: &'static str,
        /// One sentence.
        title: &'static str,
    },
    /// `If-Match` does not hold the current version.
    PreconditionFailed,
    /// `If-Match` is missing.
    PreconditionRequired,
    /// An `Idempotency-Key` that was used for another body.
    KeyReused,
    /// The body is larger than its route takes.
    PayloadTooLarge,
    /// A part of a file that lies behind its end.
    RangeNotSatisfiable {
        /// Of the file, in bytes.
        length: u64,
    },
    /// The body is of another type than the one that its route takes; empty if a library refused.
    UnsupportedMediaType(&'static str),
    /// This route speaks WebSocket alone, and this was no handshake of it.
    UpgradeRequired,
    /// Too many requests; come back after so many seconds.
    TooManyRequests {
        /// At least 1.
        retry_after: u64,
        /// Work that admits the next attempt.
        challenge: Option<Box<super::challenge::Challenge>>,
    },
    /// Too busy, or a part is down; come back after so many seconds.
    Unavailable {
        /// At least 1.
        retry_after: u64,
        /// For the log.
        cause: Cause,
        /// The database lacks disk or memory ([`exhaustion`](crate::db::exhaustion)).
        exhausted: bool,
    },
    /// A fault of ours. The cause goes to the log and nowhere else.
    Internal(Cause),
}

/// Text for the log, made so that no value of a row is in it.
#[derive(Debug)]
pub struct Cause(String);

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the client reads of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Face {
    pub status: StatusCode,
    pub code: &'static str,
    pub title: &'static str,
}

impl ApiError {
    /// A fault of ours that is no other error's.
    pub fn internal(cause: impl fmt::Display) -> Self {
        Self::Internal(Cause(cause.to_string()))
    }

    /// Something we need does not answer, or is full.
    pub fn unavailable(retry_after: u64, cause: impl fmt::Display) -> Self {
        Self::Unavailable { retry_after: retry_after.max(1), cause: Cause(cause.to_string()), exhausted: false }
    }

    /// One field that does not fit.
    pub fn invalid(pointer: impl Into<String>, message: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid(vec![FieldFault::new(pointer, message)])
    }

    /// Status, code and title: the whole public side.
    #[must_use]
    pub fn face(&self) -> Face {
        use StatusCode as S;
        let (status, code, title) = match self {
            Self::NotJson(_) => (S::BAD_REQUEST, "not_json", "The body is not valid JSON"),
            Self::Invalid(_) => (S::BAD_REQUEST, "invalid_input", "The input is not valid"),
            Self::Unauthenticated => (S::UNAUTHORIZED, "unauthenticated", "Sign-in is needed"),
            Self::InvalidCredentials => (S::UNAUTHORIZED, "invalid_credentials", "Invalid credentials"),
            Self::Forbidden => (S::FORBIDDEN, "forbidden", "This is not allowed"),
            Self::OriginNotAllowed => (S::FORBIDDEN, "origin_not_allowed", "This origin is not allowed"),
            Self::CrossSiteRequest => (S::FORBIDDEN, "cross_site_request", "This request needs its own site's proof"),
            Self::HttpsRequired => (S::FORBIDDEN, "https_required", "HTTPS is required"),
            Self::NotFound => (S::NOT_FOUND, "not_found", "Resource not found"),
            Self::MethodNotAllowed => (S::METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed"),
            Self::BodyTimeout => (S::REQUEST_TIMEOUT, "body_timeout", "The body did not arrive in time"),
            Self::Conflict { code, title } => (S::CONFLICT, *code, *title),
            Self::PreconditionFailed => {
                (S::PRECONDITION_FAILED, "stale_version", "The object has changed since it was read")
            }
            Self::PreconditionRequired => (S::PRECONDITION_REQUIRED, "version_required", "If-Match is needed"),
            Self::KeyReused => (S::UNPROCESSABLE_ENTITY, "key_reused", "This key was used for another body"),
            Self::PayloadTooLarge => (S::PAYLOAD_TOO_LARGE, "payload_too_large", "The body is too large"),
            Self::RangeNotSatisfiable { .. } => {
                (S::RANGE_NOT_SATISFIABLE, "range_not_satisfiable", "The file has no such part")
            }
            Self::UnsupportedMediaType(_) => {
                (S::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "The body's type is not accepted")
            }
            Self::UpgradeRequired => (S::UPGRADE_REQUIRED, "upgrade_required", "This is a WebSocket"),
            Self::TooManyRequests { .. } => (S::TOO_MANY_REQUESTS, "too_many_requests", "Too many requests"),
            Self::Unavailable { .. } => (S::SERVICE_UNAVAILABLE, "unavailable", "The service is busy, try again later"),
            Self::Internal(_) => (S::INTERNAL_SERVER_ERROR, "internal", "Something went wrong on our side"),
        };
        Face { status, code, title }
    }

    /// Every one whose face is its own; what a conflict is called is said where it arises.
    #[must_use]
    pub fn plain() -> [Self; 21] {
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
            Self::KeyReused,
            Self::PayloadTooLarge,
            Self::RangeNotSatisfiable { length: 0 },
            Self::UnsupportedMediaType(""),
            Self::UpgradeRequired,
            Self::TooManyRequests { retry_after: 1, challenge: None },
            Self::unavailable(1, ""),
            Self::internal(""),
        ]
    }

    /// The one error that fits a status which some library chose (404 of an unknown path, 405, …).
    #[must_use]
    pub fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::UNAUTHORIZED => Self::Unauthenticated,
            StatusCode::FORBIDDEN => Self::Forbidden,
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::REQUEST_TIMEOUT => Self::BodyTimeout,
            StatusCode::PAYLOAD_TOO_LARGE => Self::PayloadTooLarge,
            StatusCode::UPGRADE_REQUIRED => Self::UpgradeRequired,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::UnsupportedMediaType(""),
            // The reply has its Retry-After already.
            StatusCode::TOO_MANY_REQUESTS => Self::TooManyRequests { retry_after: 1, challenge: None },
            status if status.is_client_error() => Self::Invalid(Vec::new()),
            status => Self::internal(format_args!("a library answered {status}")),
        }
    }
}

/// For the log: no reply is made of this.
impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.face().code)?;
        match self {
            Self::Internal(cause) | Self::Unavailable { cause, .. } => write!(f, ": {cause}"),
            _ => Ok(()),
        }
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.face().status
    }

    /// Status and headers; the body, which holds the request id, is written by [`super::problem`].
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

/// A store that is away is a 503. Bytes that should be there and are not are ours to mend.
impl From<StorageError> for ApiError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Missing => Self::internal(error),
            StorageError::Down(_) => Self::unavailable(5, error),
        }
    }
}

/// A database that is away, full or too slow is a 503; anything else is ours to mend. PostgreSQL's own text can hold a
/// row's values, so of a database's error only its code and constraint are kept.
impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(database) => {
                let code = database.code().unwrap_or_default();
                let cause = format!("database error {code}, constraint {}", database.constraint().unwrap_or("-"));
                match code.as_ref() {
                    _ if is_exhausted(&error) => {
                        Self::Unavailable { retry_after: 30, cause: Cause(cause), exhausted: true }
                    }
                    // Resources, shutdown, cancelled by timeout, deadlock, serialization.
                    code if matches!(code.get(..2), Some("40" | "53" | "57")) => Self::unavailable(1, cause),
                    "55P03" | "25P03" => Self::unavailable(1, cause),
                    // We are not let in: the database is closed, gone, or knows us no more.
                    code if code == "55000" || code == "3D000" || code.starts_with("28") => Self::unavailable(2, cause),
                    _ => Self::internal(cause),
                }
            }
            sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed
            | sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_) => Self::unavailable(2, error),
            _ => Self::internal(error),
        }
    }
}
