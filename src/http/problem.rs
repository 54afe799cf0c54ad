//! How a failure looks on the wire: a problem document (RFC 9457) with the request id, whoever refused: a handler, an
//! extractor, a middleware, the router or a library.
//!
//! Known limit: what actix's HTTP parser answers by itself (400 for a request that is not HTTP, 408, 431) passes no
//! middleware and has an empty body (`docs/decisions.md`).

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header;
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse, web};
use serde::Serialize;
use tracing_actix_web::RequestId;

use super::error::{ApiError, FieldFault};

/// The media type of every failure.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Where a problem's `type` points: `{public_url}/problems#{code}`.
#[derive(Clone)]
pub struct ProblemBase(pub String);

/// The body of every failure.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "type": "/problems#invalid_input", "title": "The input is not valid", "status": 400, "code": "invalid_input",
    "request_id": "0f5e5a3c-2f0b-4b7e-9a39-5b8f4f1f7c11",
    "errors": [{"pointer": "/lines/0/quantity", "message": "must be a decimal above zero"}]
}))]
pub struct Problem {
    /// Where the code is explained.
    #[serde(rename = "type")]
    #[schema(max_length = 300, format = "uri-reference")]
    pub kind: String,
    /// One fixed sentence for the code.
    #[schema(max_length = 100, format = "line")]
    pub title: String,
    /// The HTTP status again.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// Stable: this is what a client compares.
    #[schema(max_length = 50, pattern = "^[a-z_]+$")]
    pub code: String,
    /// Name it when you ask us: our log has the details under it.
    #[schema(format = Uuid)]
    pub request_id: String,
    /// The fields that do not fit, for 400.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 1000)]
    pub errors: Vec<ProblemField>,
    /// With some refusals of a sign-in: work that gives another turn. `docs/limits.md` says how.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        max_length = 150,
        example = "18.1795546800.6f1d0c6a1f0b4b0e9a395b8f4f1f7c11.kV3xS0mE-t0ken-fr0m-the-1ink-in-the-mai1-AA",
        pattern = "^[0-9A-Za-z._-]+$"
    )]
    pub challenge: Option<String>,
}

/// One field that does not fit.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ProblemField {
    /// A JSON pointer into the body, or the name of the query field.
    #[schema(max_length = 300, format = JsonPointer)]
    pub pointer: String,
    /// What is expected there.
    #[schema(max_length = 200, format = "line")]
    pub message: String,
}

impl From<&FieldFault> for ProblemField {
    fn from(fault: &FieldFault) -> Self {
        Self { pointer: fault.pointer.clone(), message: fault.message.to_string() }
    }
}

/// The middleware: gives every failure its body, and the log its cause.
///
/// # Errors
/// Passes on what an inner middleware returned as `Err`, with the body added to its response.
pub async fn shape_failures(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = request.extensions().get::<RequestId>().copied();
    let base = request.app_data::<web::Data<ProblemBase>>().cloned();
    match next.call(request).await {
        Ok(reply) => {
            let (request, response) = reply.map_into_boxed_body().into_parts();
            Ok(ServiceResponse::new(request, shape(response, id, base.as_ref())))
        }
        Err(mut error) => {
            error.add_response_mapper(move |reply| shape(reply, id, base.as_ref()));
            Err(error)
        }
    }
}

fn shape(reply: HttpResponse, id: Option<RequestId>, base: Option<&web::Data<ProblemBase>>) -> HttpResponse {
    if reply.status().as_u16() < 400 {
        return reply;
    }
    let of_status;
    let error = match reply.error().and_then(|error| error.as_error::<ApiError>()) {
        Some(error) => error,
        None => {
            of_status = ApiError::of_status(reply.status());
            &of_status
        }
    };
    let errors = match error {
        ApiError::Invalid(faults) => faults.iter().map(ProblemField::from).collect(),
        ApiError::Internal(cause) => {
            tracing::error!(%cause, "request failed");
            Vec::new()
        }
        ApiError::Unavailable { cause, .. } => {
            tracing::warn!(%cause, "request refused for now");
            Vec::new()
        }
        _ => Vec::new(),
    };
    let challenge = match error {
        ApiError::TooManyRequests { challenge, .. } => challenge.clone(),
        _ => None,
    };
    let face = error.face();
    let problem = Problem {
        kind: format!("{}/problems#{}", base.map_or("", |base| &base.0), face.code),
        title: face.title.to_owned(),
        status: face.status.as_u16(),
        code: face.code.to_owned(),
        request_id: id.map(|id| id.to_string()).unwrap_or_default(),
        errors,
        challenge,
    };
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let mut shaped = reply.map_body(|_, _| BoxBody::new(body));
    *shaped.status_mut() = face.status;
    shaped.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(PROBLEM_JSON));
    shaped
}
