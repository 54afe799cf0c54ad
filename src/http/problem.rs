//! Problem details (RFC 9457): the body of every error reply has the same form, also for errors of libraries.
//!
//! Exception: replies of actix's HTTP parser (400, 408, 431) pass no middleware, so their body is empty
//! (`docs/decisions.md`).

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{StatusCode, header};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse, web};
use serde::Serialize;
use tracing_actix_web::RequestId;

use super::challenge::Challenge;
use super::error::{ApiError, FieldFault};

pub const PROBLEM_JSON: &str = "application/problem+json";

/// The public URL of the service. The `type` of a problem is `{public_url}/problems#{code}`.
#[derive(Clone)]
pub struct ProblemBase(pub String);

/// The body of every error reply.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "type": "/problems#invalid_input", "title": "The input is not valid", "status": 400, "code": "invalid_input",
    "request_id": "0f5e5a3c-2f0b-4b7e-9a39-5b8f4f1f7c11",
    "errors": [{"pointer": "/lines/0/quantity", "message": "must be a decimal above zero"}]
}))]
pub struct Problem {
    /// The URL of a page that explains the code.
    #[serde(rename = "type")]
    #[schema(max_length = 300, format = "uri-reference")]
    pub kind: String,
    /// A short text for people. It is fixed for each code.
    #[schema(max_length = 100, format = "line")]
    pub title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// The problem code. It is stable, so clients should compare this field.
    #[schema(max_length = 50, pattern = "^[a-z_]+$")]
    pub code: String,
    /// The id of the request. Include it in support requests, because the service's log contains the details.
    #[schema(format = Uuid)]
    pub request_id: String,
    /// The invalid fields. Only replies with status 400 or 415 contain them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 1000)]
    pub errors: Vec<ProblemField>,
    /// A proof of work that allows the next login attempt.
    /// Some replies with status 429 contain it. See `docs/limits.md`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Challenge, required = false)]
    pub challenge: Option<Challenge>,
}

/// One invalid field.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ProblemField {
    /// A JSON pointer into the body, or a slash and the name of a query field or header.
    #[schema(max_length = 300, format = JsonPointer)]
    pub pointer: String,
    /// Says what is expected.
    #[schema(max_length = 300, format = "line")]
    pub message: String,
}

impl From<&FieldFault> for ProblemField {
    fn from(fault: &FieldFault) -> Self {
        Self { pointer: fault.pointer.clone(), message: fault.message.to_string() }
    }
}

pub fn fields(error: &ApiError) -> Vec<ProblemField> {
    match error {
        ApiError::Invalid(faults) => faults.iter().map(ProblemField::from).collect(),
        ApiError::NotJson(fault) => fault.iter().map(ProblemField::from).collect(),
        ApiError::UnsupportedMediaType(expected) if !expected.is_empty() => {
            vec![ProblemField::from(&FieldFault::new("/Content-Type", format!("must be {expected}")))]
        }
        _ => Vec::new(),
    }
}

/// Middleware that adds the problem document to every error reply and logs the cause.
pub async fn add_problem_details(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = request.extensions().get::<RequestId>().copied();
    let base = request.app_data::<web::Data<ProblemBase>>().cloned();
    match next.call(request).await {
        Ok(reply) => {
            let (request, response) = reply.map_into_boxed_body().into_parts();
            let status = response.status();
            if !status.is_client_error() && !status.is_server_error() {
                return Ok(ServiceResponse::new(request, response));
            }
            let document = ApiError::resolve(response.error(), status, |error| Document::new(error, id, base.as_ref()));
            Ok(ServiceResponse::new(request, document.put_into(response)))
        }
        Err(mut error) => {
            // Create the document now, because the mapper receives no typed error.
            let status = error.as_response_error().status_code();
            let document = ApiError::resolve(Some(&error), status, |error| Document::new(error, id, base.as_ref()));
            error.add_response_mapper(move |reply| document.put_into(reply));
            Err(error)
        }
    }
}

struct Document {
    status: StatusCode,
    body: Vec<u8>,
}

impl Document {
    /// Creates the document, and logs the cause of a 5xx.
    fn new(error: &ApiError, id: Option<RequestId>, base: Option<&web::Data<ProblemBase>>) -> Self {
        let mut challenge = None;
        match error {
            ApiError::TooManyRequests { challenge: work, .. } => challenge = work.as_deref().cloned(),
            ApiError::Internal(cause) => tracing::error!(%cause, "request failed"),
            ApiError::Unavailable { cause, .. } => tracing::warn!(%cause, "request refused with 503"),
            _ => {}
        }
        let public = error.public();
        let problem = Problem {
            kind: format!("{}/problems#{}", base.map_or("", |base| &base.0), public.code),
            title: public.title.to_owned(),
            status: public.status.as_u16(),
            code: public.code.to_owned(),
            request_id: id.map(|id| id.to_string()).unwrap_or_default(),
            errors: fields(error),
            challenge,
        };
        Self { status: public.status, body: serde_json::to_vec(&problem).unwrap_or_default() }
    }

    fn put_into(&self, reply: HttpResponse) -> HttpResponse {
        let mut shaped = reply.map_body(|_, _| BoxBody::new(self.body.clone()));
        *shaped.status_mut() = self.status;
        shaped.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(PROBLEM_JSON));
        shaped
    }
}
