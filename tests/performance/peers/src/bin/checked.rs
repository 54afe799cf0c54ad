//! A server with axum, sqlx and the usual checks: validation, tokens, owner conditions, a limit for parallel password
//! hashes, body limits, timeouts, versions and problem details. It has no row-level security, no revocation, no
//! security events, no rate limits and no metrics.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use axum::{Json, Router};
use garde::Validate;
use peers::{Invoice, LoggedIn, Login, NewInvoice, Page, Store, verify};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;
use uuid::Uuid;

/// The hash that the server verifies for an unknown user, so that the time of a login does not reveal whether the user
/// exists.
const UNKNOWN: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

#[derive(Clone)]
struct App {
    store: Store,
    hashing: Arc<Semaphore>,
}

/// The verified owner of a request.
struct Owner(Uuid);

impl FromRequestParts<App> for Owner {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let header = parts.headers.get(header::AUTHORIZATION).and_then(|header| header.to_str().ok());
        header
            .and_then(|header| app.store.user_of(header))
            .map(Self)
            .ok_or(Problem(StatusCode::UNAUTHORIZED, "Log in".into()))
    }
}

/// An error as problem details (RFC 9457).
struct Problem(StatusCode, String);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({ "type": "about:blank", "title": self.1, "status": self.0.as_u16() });
        (self.0, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        if error.as_database_error().is_some_and(|error| error.is_foreign_key_violation()) {
            return Self(StatusCode::BAD_REQUEST, "customer_id must be one of your customers".into());
        }
        eprintln!("{error}");
        Self(StatusCode::INTERNAL_SERVER_ERROR, "The service failed".into())
    }
}

const fn missing() -> Problem {
    Problem(StatusCode::NOT_FOUND, String::new())
}

/// Returns the body if it is valid JSON and passes the validation.
fn valid<T: Validate<Context = ()>>(body: Result<Json<T>, JsonRejection>) -> Result<T, Problem> {
    let Json(body) = body.map_err(|error| Problem(error.status(), error.body_text()))?;
    body.validate().map_err(|report| Problem(StatusCode::BAD_REQUEST, report.to_string()))?;
    Ok(body)
}

/// Returns an invoice with its version as `ETag`.
fn versioned(status: StatusCode, invoice: Invoice) -> Response {
    (status, [(header::ETAG, format!("\"{}\"", invoice.version))], Json(invoice)).into_response()
}

async fn login(State(app): State<App>, body: Result<Json<Login>, JsonRejection>) -> Result<Json<LoggedIn>, Problem> {
    let body = valid(body)?;
    let found = app.store.user(&body.email).await?;
    let (user, hash) = found.map_or((None, UNKNOWN.to_owned()), |(user, hash)| (Some(user), hash));
    let _slot = app.hashing.acquire().await;
    let hashed = tokio::task::spawn_blocking(move || verify(&body.password, &hash)).await;
    drop(_slot);
    let user = user.filter(|_| hashed.is_ok_and(|is_right| is_right));
    let user = user.ok_or(Problem(StatusCode::UNAUTHORIZED, "Wrong address or password".into()))?;
    Ok(Json(app.store.begin_session(user).await?))
}

async fn list(Owner(owner): Owner, State(app): State<App>) -> Result<Json<Page>, Problem> {
    Ok(Json(app.store.newest(owner).await?))
}

async fn one(Owner(owner): Owner, State(app): State<App>, Path(id): Path<Uuid>) -> Result<Response, Problem> {
    Ok(versioned(StatusCode::OK, app.store.invoice(owner, id).await?.ok_or(missing())?))
}

async fn create(
    Owner(owner): Owner,
    State(app): State<App>,
    body: Result<Json<NewInvoice>, JsonRejection>,
) -> Result<Response, Problem> {
    let new = valid(body)?;
    let rows = new.rows().ok_or(Problem(StatusCode::BAD_REQUEST, "A number is malformed".into()))?;
    Ok(versioned(StatusCode::CREATED, app.store.insert(owner, &new, rows).await?))
}

async fn content(Owner(owner): Owner, State(app): State<App>, Path(id): Path<Uuid>) -> Result<Response, Problem> {
    let (document, bytes) = app.store.document(owner, id).await?.ok_or(missing())?;
    let name = format!("attachment; filename=\"{}\"", document.file_name);
    Ok(([(header::CONTENT_TYPE, document.media_type), (header::CONTENT_DISPOSITION, name)], bytes).into_response())
}

#[tokio::main]
async fn main() {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let app = App { store: Store::open().await, hashing: Arc::new(Semaphore::new(cores)) };
    let fixed = |name, value| SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value));
    let router = Router::new()
        .route("/health/ready", get(|| async {}))
        .route("/api/v1/auth/login", post(login))
        .route("/api/v1/invoices", get(list).post(create))
        .route("/api/v1/invoices/{id}", get(one))
        .route("/api/v1/documents/{id}/content", get(content))
        .layer(DefaultBodyLimit::max(64 * 1024))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, Duration::from_secs(10)))
        .layer(fixed(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(fixed(header::CACHE_CONTROL, "no-store"))
        .with_state(app);
    let listener = TcpListener::bind(std::env::var("BIND").expect("BIND is missing")).await.expect("a free address");
    let listener = listener.tap_io(|connection| {
        let _ = connection.set_nodelay(true);
    });
    axum::serve(listener, router).await.expect("a server");
}
