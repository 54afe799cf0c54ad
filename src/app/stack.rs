//! The middleware around all routes, in order.
//!
//! **In actix, the last `wrap` runs first.** So the list reads from the inside out: a request passes it from bottom to top, the reply
//! from top to bottom.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::{App, Error};
use tracing_actix_web::TracingLogger;

use super::routes::{self, Mounted};
use super::services::Services;
use crate::http::request_span::{self, RequestSpan};
use crate::http::{deadline, head, lifecycle, metering, panics, problem};
use crate::security::audit::{context, refusals};
use crate::security::browser::{AllowedOrigins, cors, headers};
use crate::security::communication::transport;
use crate::security::limits::body_limits;
use crate::security::limits::rate_limits::RouteLimits;

/// Builds the application of a worker.
pub fn application(
    services: &Services,
    endpoints: &[Mounted],
    unknown: &RouteLimits,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody + use<>>,
        Error = Error,
        InitError = (),
    > + use<>,
> {
    let origins = AllowedOrigins(services.settings.cors.allowed_origins.clone());
    App::new()
        .configure(|config| services.register(config))
        .configure(|config| routes::mount(config, endpoints, unknown))
        // 12. CORS: headers for allowed origins; requests of other origins are refused.
        .wrap(cors::layer(&origins))
        // 11. Turns refusals of CORS into problem details.
        .wrap(from_fn(cors::refuse_as_problem))
        // 10. Refuses plain HTTP. Before CORS, so that clients of all origins receive the refusal.
        .wrap(from_fn(transport::require_https))
        // 9. Request timeout.
        .wrap(from_fn(deadline::enforce))
        // 8. Turns panics into errors.
        .wrap(from_fn(panics::catch))
        // 7. Records the security events of refusals, while the typed error is available.
        .wrap(from_fn(refusals::record))
        // 6. Problem details for all errors, including those of libraries.
        .wrap(from_fn(problem::add_problem_details))
        // 5. Drops the body of replies to HEAD.
        .wrap(from_fn(head::drop_body))
        // 4. Closes the connection if the body was not read, also after a refusal of outer middleware.
        .wrap(from_fn(body_limits::close_unread))
        // 3. Security headers for all replies. During shutdown, each reply closes its connection.
        .wrap(from_fn(headers::add))
        .wrap(from_fn(lifecycle::close_connections))
        // 2. Common data of the security events of a request. Before all middleware that records events.
        .wrap(from_fn(context::enter))
        // 1. Request metrics, with the final status.
        .wrap(from_fn(metering::count))
        // 0. Request id, log span, and the final log line.
        .wrap(from_fn(request_span::log_outcome))
        .wrap(TracingLogger::<RequestSpan>::new())
}
