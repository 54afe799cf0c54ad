//! The middleware around all routes.
//!
//! **In actix, the last `wrap` runs first.** A request passes the list from bottom to top, from 0 to 12.
//! The reply passes the list from top to bottom.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::{App, Error};
use tracing_actix_web::TracingLogger;

use super::routes::{self, Mounted};
use super::services::Services;
use crate::features::kind_of_route;
use crate::http::request_span::{self, RequestSpan};
use crate::http::{deadline, head, lifecycle, metering, panics, problem};
use crate::security::audit::{context, refusals};
use crate::security::browser::{AllowedOrigins, cors, headers};
use crate::security::communication::transport;
use crate::security::limits::body_limits;
use crate::security::limits::rate_limits::RouteLimits;

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
        // 12. CORS: adds headers for allowed origins, and refuses requests of other origins.
        .wrap(cors::layer(&origins))
        // 11. Replaces the plain-text refusals of actix-cors with problem details.
        .wrap(from_fn(cors::refuse_as_problem))
        // 10. Refuses plain HTTP, before CORS can refuse the origin.
        .wrap(from_fn(transport::require_https))
        // 9. Ends a request at its deadline, so that a slow dependency cannot block it forever.
        .wrap(from_fn(deadline::enforce))
        // 8. Turns panics into errors. Otherwise actix closes the connection without a reply.
        .wrap(from_fn(panics::catch))
        // 7. Records a security event for each refusal, before step 6 replaces typed errors with JSON.
        .wrap(from_fn(|request, next| refusals::record(kind_of_route, request, next)))
        // 6. Adds problem details to all errors, including those of libraries.
        .wrap(from_fn(problem::add_problem_details))
        // 5. Drops the body of replies to HEAD.
        .wrap(from_fn(head::drop_body))
        // 4. Closes the connection if the body was not read, for example after a refusal.
        //    Otherwise actix reads and discards the rest of the body, however long it is.
        .wrap(from_fn(body_limits::close_unread))
        // 3. Adds security headers to all replies. During shutdown, closes the connection after each reply.
        .wrap(from_fn(headers::add))
        .wrap(from_fn(lifecycle::close_connections))
        // 2. Stores the data that all security events of the request contain.
        .wrap(from_fn(context::enter))
        // 1. Counts the request in the metrics, with its final status.
        .wrap(from_fn(metering::count))
        // 0. Assigns the request id, opens the log span, and writes the log line at the end.
        .wrap(from_fn(request_span::log_outcome))
        .wrap(TracingLogger::<RequestSpan>::new())
}
