//! What a row of the route table says in words and types: the half of an operation that does not follow from its other columns.

use std::borrow::Cow;

use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{IntoParams, ToSchema};

use crate::http::error::{ApiError, Face};

/// What the table cannot say by itself about an endpoint.
#[derive(Clone)]
pub struct Docs {
    pub(super) summary: &'static str,
    pub(super) says: &'static str,
    pub(super) example: Option<(&'static str, &'static str)>,
    pub(super) request: Option<Named>,
    pub(super) request_is_optional: bool,
    /// Of the file in a form: its request is one.
    pub(super) takes_files: &'static [&'static str],
    pub(super) query: Vec<Parameter>,
    pub(super) success: u16,
    pub(super) reply: Option<Named>,
    pub(super) files: Vec<&'static str>,
    pub(super) in_parts: bool,
    pub(super) versioned: bool,
    pub(super) keyed: bool,
    pub(super) cached: bool,
    pub(super) refuses: Vec<Face>,
}

/// A schema, and those that it refers to.
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

/// Begins an endpoint's documentation.
#[must_use]
pub fn docs(summary: &'static str) -> Docs {
    Docs {
        summary,
        says: "",
        example: None,
        request: None,
        request_is_optional: false,
        takes_files: &[],
        query: Vec::new(),
        success: 200,
        reply: None,
        files: Vec::new(),
        in_parts: false,
        versioned: false,
        keyed: false,
        cached: false,
        refuses: Vec::new(),
    }
}

impl Docs {
    /// What it does, in sentences. Who may call and what is refused follow from the row.
    #[must_use]
    pub fn says(self, says: &'static str) -> Self {
        Self { says, ..self }
    }

    /// The id and the `ETag` of the demo object on which the example of this endpoint works.
    #[must_use]
    pub fn on(self, id: &'static str, etag: &'static str) -> Self {
        Self { example: Some((id, etag)), ..self }
    }

    /// The body that it takes.
    #[must_use]
    pub fn takes<T: ToSchema>(self) -> Self {
        Self { request: Some(Named::of::<T>()), ..self }
    }

    /// The body that it takes, if there is one.
    #[must_use]
    pub fn takes_optional<T: ToSchema>(self) -> Self {
        Self { request_is_optional: true, ..self.takes::<T>() }
    }

    /// The form that it takes, whose part `file` is of one of these types.
    #[must_use]
    pub fn takes_form<T: ToSchema>(self, files: &'static [&'static str]) -> Self {
        Self { request: Some(Named::of::<T>()), takes_files: files, ..self }
    }

    /// The query that it reads.
    #[must_use]
    pub fn queries<T: IntoParams>(self) -> Self {
        Self { query: T::into_params(|| Some(ParameterIn::Query)), ..self }
    }

    /// The status and body of its success.
    #[must_use]
    pub fn gives<T: ToSchema>(self, success: u16) -> Self {
        Self { success, reply: Some(Named::of::<T>()), ..self }
    }

    /// Its success is a file of this type.
    #[must_use]
    pub fn gives_file(self, media_type: &'static str) -> Self {
        Self { files: vec![media_type], ..self }
    }

    /// Its success is a file of one of these types, or a part of it (RFC 9110 §14).
    #[must_use]
    pub fn gives_part_of(self, media_types: &[&'static str]) -> Self {
        Self { files: media_types.to_vec(), in_parts: true, ..self }
    }

    /// The status of a success without a JSON body.
    #[must_use]
    pub fn answers(self, success: u16) -> Self {
        Self { success, ..self }
    }

    /// Its object has a version: reads give an `ETag`, writes ask for `If-Match`.
    #[must_use]
    pub fn versioned(self) -> Self {
        Self { versioned: true, ..self }
    }

    /// It takes an `Idempotency-Key`.
    #[must_use]
    pub fn keyed(self) -> Self {
        Self { keyed: true, ..self }
    }

    /// Who has it already, by its `ETag`, is told so (304).
    #[must_use]
    pub fn cached(self) -> Self {
        Self { cached: true, ..self }
    }

    /// Adds refusals that do not follow from the row.
    #[must_use]
    pub fn refuses<const N: usize>(mut self, errors: [impl Into<ApiError>; N]) -> Self {
        self.refuses.extend(errors.map(|error| error.into().face()));
        self
    }

    /// Whether it takes an `Idempotency-Key`.
    #[must_use]
    pub fn is_keyed(&self) -> bool {
        self.keyed
    }

    /// Whether it reads a query.
    #[must_use]
    pub fn takes_query(&self) -> bool {
        !self.query.is_empty()
    }
}
