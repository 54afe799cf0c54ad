//! The management listener: `GET /metrics` and `GET /status`, apart from the API's listeners and their table of routes.
//!
//! `status` says `degraded` where the service answers and something does not work. It asks the database for nothing, so that
//! it works with a full one.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use actix_web::dev::Server;
use actix_web::http::header;
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data, Json};
use actix_web::{App, HttpResponse};
use serde::Serialize;
use tokio_rustls::TlsAcceptor;
use tracing_actix_web::TracingLogger;

use super::listeners::Listener;
use super::meters::Asked;
use super::services::Services;
use super::start_error::StartError;
use super::tls::{self, Certificate};
use crate::db::exhaustion::Exhaustion;
use crate::http::client_ip::TrustedProxies;
use crate::http::error::{ApiError, ApiResult};
use crate::http::request_span::{self, RequestSpan};
use crate::http::{deadline, panics, problem};
use crate::security::audit::{context, refusals};
use crate::security::browser::headers;
use crate::security::communication::metrics_auth::{self, Door};
use crate::security::limits::body_limits;
use crate::security::limits::connection_limits::{Caps, ConnectionLimit};
use crate::telemetry::metrics::{Metrics, OPENMETRICS};

/// Scrapers are few.
const CONNECTIONS: Caps = Caps { total: 64, per_address: 16 };

/// Serves on this listener: over TLS where a certificate is given.
///
/// # Errors
/// See [`StartError`].
pub fn serve(
    services: &Services,
    asked: Arc<Asked>,
    socket: TcpListener,
    certificate: Option<Arc<Certificate>>,
) -> Result<Server, StartError> {
    let (metrics, door) = (services.metrics.clone(), Door(services.settings.management.token.clone()));
    let (recorder, exhaustion) = (services.recorder.clone(), services.exhaustion.clone());
    let application = move || {
        // The same layers as around the API (`stack`), with this port's own door in the place of CORS and plain HTTP.
        App::new()
            .app_data(Data::from(metrics.clone()))
            .app_data(Data::from(asked.clone()))
            .app_data(Data::new(door.clone()))
            .app_data(Data::new(recorder.clone()))
            .app_data(Data::new(exhaustion.clone()))
            .route("/metrics", web::get().to(metrics_text))
            .route("/status", web::get().to(status))
            .default_service(web::to(nothing_here))
            .wrap(from_fn(metrics_auth::admit))
            .wrap(from_fn(deadline::enforce))
            .wrap(from_fn(panics::catch))
            .wrap(from_fn(refusals::record))
            .wrap(from_fn(problem::shape_failures))
            .wrap(from_fn(body_limits::close_unread))
            .wrap(from_fn(headers::add))
            .wrap(from_fn(context::enter))
            .wrap(from_fn(request_span::tell_end))
            .wrap(TracingLogger::<RequestSpan>::new())
    };
    let tls = certificate.map(tls::server_config).transpose()?;
    let limit = || ConnectionLimit::new(CONNECTIONS, TrustedProxies::default());
    let listener = Listener {
        tls: tls.map(|tls| TlsAcceptor::from(Arc::new(tls))),
        connections: limit(),
        handshakes: limit(),
        lifecycle: services.lifecycle.clone(),
        keep_alive: services.settings.http.keep_alive,
    };
    let server = Server::build().workers(1).max_concurrent_connections(usize::MAX).disable_signals();
    Ok(listener.serve(server, socket, application)?.run())
}

/// Whether this address is heard beyond the machine, and so needs TLS.
#[must_use]
pub fn needs_tls(address: SocketAddr) -> bool {
    !address.ip().is_loopback()
}

async fn metrics_text(metrics: Data<Metrics>, asked: Data<Asked>) -> ApiResult<HttpResponse> {
    asked.refresh().await;
    let text = metrics.text().map_err(ApiError::internal)?;
    Ok(HttpResponse::Ok().insert_header((header::CONTENT_TYPE, OPENMETRICS)).body(text))
}

/// What the operator reads of the service.
#[derive(Serialize)]
struct Status {
    status: &'static str,
    reasons: Vec<&'static str>,
}

async fn status(exhaustion: Data<Exhaustion>) -> Json<Status> {
    let reasons = Vec::from_iter(exhaustion.is_current().then_some("database_exhausted"));
    Json(Status { status: if reasons.is_empty() { "ok" } else { "degraded" }, reasons })
}

async fn nothing_here() -> ApiResult<HttpResponse> {
    Err(ApiError::NotFound)
}
