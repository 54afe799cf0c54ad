//! The management listener, which serves `GET /metrics` and `GET /status` on a separate port.
//!
//! `GET /status` returns `degraded` if a statement failed within the last minute because the database lacked disk or
//! memory. The endpoint does not query the database itself.

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
use super::meters::ScrapeCache;
use super::services::Services;
use super::start_error::StartError;
use super::tls::{self, Certificate};
use crate::db::exhaustion::Exhaustion;
use crate::http::client_ip::TrustedProxies;
use crate::http::deadline::{self, ReplyTimeout};
use crate::http::error::{ApiError, ApiResult};
use crate::http::request_span::{self, RequestSpan};
use crate::http::{panics, problem};
use crate::security::audit::{context, refusals};
use crate::security::browser::headers;
use crate::security::communication::metrics_auth::{self, MetricsAuth};
use crate::security::limits::body_limits;
use crate::security::limits::connection_limits::{Caps, ConnectionLimit};
use crate::telemetry::metrics::{Metrics, OPENMETRICS};

// These limits suffice, because only Prometheus and a few operators use this port.
const CONNECTIONS: Caps = Caps { total: 64, per_address: 16 };

/// Serves the management endpoints on a bound socket. Uses TLS if the service has a certificate.
pub fn serve(
    services: &Services,
    cache: Arc<ScrapeCache>,
    socket: TcpListener,
    certificate: Option<Arc<Certificate>>,
) -> Result<Server, StartError> {
    let (metrics, auth) = (services.metrics.clone(), MetricsAuth(services.settings.management.token.clone()));
    let (recorder, exhaustion) = (services.recorder.clone(), services.exhaustion.clone());
    let reply_timeout = ReplyTimeout(services.settings.http.reply_timeout);
    let application = move || {
        // A part of the middleware in `stack.rs`, in the same order. `metrics_auth` replaces CORS and the HTTPS check.
        App::new()
            .app_data(Data::from(metrics.clone()))
            .app_data(Data::from(cache.clone()))
            .app_data(Data::new(auth.clone()))
            .app_data(Data::new(recorder.clone()))
            .app_data(Data::new(exhaustion.clone()))
            .app_data(Data::new(reply_timeout))
            .route("/metrics", web::get().to(metrics_text))
            .route("/status", web::get().to(status))
            .default_service(web::to(not_found))
            .wrap(from_fn(metrics_auth::authenticate))
            .wrap(from_fn(deadline::enforce))
            .wrap(from_fn(panics::catch))
            .wrap(from_fn(|request, next| refusals::record(|_| None, request, next)))
            .wrap(from_fn(problem::add_problem_details))
            .wrap(from_fn(body_limits::close_unread))
            .wrap(from_fn(headers::add))
            .wrap(from_fn(context::enter))
            .wrap(from_fn(request_span::log_outcome))
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

/// Returns whether other machines can reach this address. If they can, the management port requires TLS.
#[must_use]
pub fn needs_tls(address: SocketAddr) -> bool {
    !address.ip().is_loopback()
}

async fn metrics_text(metrics: Data<Metrics>, cache: Data<ScrapeCache>) -> ApiResult<HttpResponse> {
    cache.refresh().await;
    let text = metrics.text().map_err(ApiError::internal)?;
    Ok(HttpResponse::Ok().insert_header((header::CONTENT_TYPE, OPENMETRICS)).body(text))
}

#[derive(Serialize)]
struct Status {
    status: &'static str,
    reasons: Vec<&'static str>,
}

async fn status(exhaustion: Data<Exhaustion>) -> Json<Status> {
    let reasons = Vec::from_iter(exhaustion.is_current().then_some("database_exhausted"));
    Json(Status { status: if reasons.is_empty() { "ok" } else { "degraded" }, reasons })
}

async fn not_found() -> ApiResult<HttpResponse> {
    Err(ApiError::NotFound)
}
