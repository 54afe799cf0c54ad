//! The documentation column of the route table: texts and types that do not follow from the other columns.

use std::borrow::Cow;

use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{IntoParams, ToSchema};

use crate::http::error::{ApiError, PublicError};

/// The documentation of an endpoint.
#[derive(Clone)]
pub struct Docs {
    pub(super) summary: &'static str,
    pub(super) description: &'static str,
    pub(super) example: Option<(&'static str, &'static str)>,
    pub(super) request: Option<Named>,
    pub(super) request_is_optional: bool,
    /// The media types of the file, if the body is a form.
    pub(super) form_files: &'static [&'static str],
    pub(super) query: Vec<Parameter>,
    pub(super) success: u16,
    pub(super) reply: Option<Named>,
    pub(super) files: Vec<&'static str>,
    pub(super) ranges: bool,
    pub(super) versioned: bool,
    pub(super) idempotent: bool,
    pub(super) cached: bool,
    pub(super) errors: Vec<PublicError>,
}

/// A schema with the schemas that it refers to.
#[derive(Clone)]
pub(super) struct Named {
    name: Cow<'static, str>,
    pub(super) schemas: Vec<(String, RefOr<Schema>)>,
}

impl Named {
    pub(super) fn of<T: ToSchema>() -> Self {
        let mut schemas = vec![(T::name().into_owned(), T::schema())];
        T::schemas(&mut schemas);
        Self { name: T::name(), schemas }
    }

    pub(super) fn reference(&self) -> RefOr<Schema> {
        RefOr::Ref(Ref::from_schema_name(self.name.as_ref()))
    }
}

/// Starts the documentation of an endpoint with its summary.
#[must_use]
pub fn docs(summary: &'static str) -> Docs {
    Docs {
        summary,
        description: "",
        example: None,
        request: None,
        request_is_optional: false,
        form_files: &[],
        query: Vec::new(),
        success: 200,
        reply: None,
        files: Vec::new(),
        ranges: false,
        versioned: false,
        idempotent: false,
        cached: false,
        errors: Vec::new(),
    }
}

impl Docs {
    /// Sets the description. Access and limits are added from the row.
    #[must_use]
    pub fn description(self, description: &'static str) -> Self {
        Self { description, ..self }
    }

    /// Sets the id and the `ETag` of the demo object in the example.
    #[must_use]
    pub fn example_on(self, id: &'static str, etag: &'static str) -> Self {
        Self { example: Some((id, etag)), ..self }
    }

    /// Sets the type of the body.
    #[must_use]
    pub fn body<T: ToSchema>(self) -> Self {
        Self { request: Some(Named::of::<T>()), ..self }
    }

    /// Sets the type of an optional body.
    #[must_use]
    pub fn optional_body<T: ToSchema>(self) -> Self {
        Self { request_is_optional: true, ..self.body::<T>() }
    }

    /// Sets the type of a form whose part `file` has one of these media types.
    #[must_use]
    pub fn form<T: ToSchema>(self, files: &'static [&'static str]) -> Self {
        Self { request: Some(Named::of::<T>()), form_files: files, ..self }
    }

    /// Sets the type of the query.
    #[must_use]
    pub fn query<T: IntoParams>(self) -> Self {
        Self { query: T::into_params(|| Some(ParameterIn::Query)), ..self }
    }

    /// Sets the status and type of the reply.
    #[must_use]
    pub fn returns<T: ToSchema>(self, success: u16) -> Self {
        Self { success, reply: Some(Named::of::<T>()), ..self }
    }

    /// The reply is a file of this media type.
    #[must_use]
    pub fn returns_file(self, media_type: &'static str) -> Self {
        Self { files: vec![media_type], ..self }
    }

    /// The reply is a file of one of these media types, with support for ranges (RFC 9110 §14).
    #[must_use]
    pub fn returns_ranges_of(self, media_types: &[&'static str]) -> Self {
        Self { files: media_types.to_vec(), ranges: true, ..self }
    }

    /// Sets the status of a reply without a JSON body.
    #[must_use]
    pub fn status(self, success: u16) -> Self {
        Self { success, ..self }
    }

    /// The resource has a version: replies contain an `ETag`, and changes require `If-Match`.
    #[must_use]
    pub fn versioned(self) -> Self {
        Self { versioned: true, ..self }
    }

    /// The endpoint accepts an `Idempotency-Key`.
    #[must_use]
    pub fn idempotent(self) -> Self {
        Self { idempotent: true, ..self }
    }

    /// The endpoint supports `If-None-Match` (304).
    #[must_use]
    pub fn cached(self) -> Self {
        Self { cached: true, ..self }
    }

    /// Adds errors that do not follow from the row.
    #[must_use]
    pub fn errors<const N: usize>(mut self, errors: [impl Into<ApiError>; N]) -> Self {
        self.errors.extend(errors.map(|error| error.into().public()));
        self
    }

    /// Returns whether the endpoint accepts an `Idempotency-Key`.
    #[must_use]
    pub fn is_idempotent(&self) -> bool {
        self.idempotent
    }

    /// Returns whether the endpoint reads a query.
    #[must_use]
    pub fn takes_query(&self) -> bool {
        !self.query.is_empty()
    }
}
