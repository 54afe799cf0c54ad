//! The layers around every route, in order, with a reason each.
//!
//! **actix's trap: the last `wrap` runs first.** So this list reads from the inside out; a request meets it from the bottom up,
//! the reply from the top down.

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

/// One worker's application.
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
        // 12. Labels for listed origins, and no handler for the others.
        .wrap(cors::layer(&origins))
        // 11. …whose refusal looks like every other.
        .wrap(from_fn(cors::refuse_as_problem))
        // 10. Plain HTTP goes no further; before CORS, since its answer is for everybody.
        .wrap(from_fn(transport::require_https))
        // 9. Deadline: a request that hangs inside ends here.
        .wrap(from_fn(deadline::enforce))
        // 8. A panic inside ends here, as an error like any other.
        .wrap(from_fn(panics::catch))
        // 7. What was refused inside leaves its event, while it is still typed.
        .wrap(from_fn(refusals::record))
        // 6. Every failure gets its problem document, also one of a library.
        .wrap(from_fn(problem::shape_failures))
        // 5. No body goes out for HEAD, and none is read for it.
        .wrap(from_fn(head::drop_body))
        // 4. A body that is not read closes its connection, also if an outer layer refused.
        .wrap(from_fn(body_limits::close_unread))
        // 3. Every reply gets its headers, failures of layers included; while the service stops, it closes its connection.
        .wrap(from_fn(headers::add))
        .wrap(from_fn(lifecycle::close_connections))
        // 2. What every event of this request has in common: before anything that may record one.
        .wrap(from_fn(context::enter))
        // 1. Every request is counted, with the status that it really got.
        .wrap(from_fn(metering::count))
        // 0. The request id and the span that all the above log into, and the line that ends it.
        .wrap(from_fn(request_span::tell_end))
        .wrap(TracingLogger::<RequestSpan>::new())
}
