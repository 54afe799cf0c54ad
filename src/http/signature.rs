//! The signature and the texts of a handler, from which its OpenAPI operation is generated.
//!
//! The arguments say what the handler reads, and the return type says how it replies ([`super::reply`]).
//! Each of these types implements [`Describe`], so the document cannot differ from the code.

use std::borrow::Cow;

use actix_web::http::Method;
use actix_web::web::{Data, Payload};
use actix_web::{CustomizeResponder, Either, Handler, HttpRequest, HttpResponse};
use utoipa::ToSchema;
use utoipa::openapi::path::Parameter;
use utoipa::openapi::{AllOf, Object, Ref, RefOr, Schema, Type};

use super::error::ApiError;

#[derive(Default)]
pub struct Signature {
    pub query: Vec<Parameter>,
    pub body: Option<RequestBody>,
    pub if_match: bool,
    /// The handler replies 304 to `If-None-Match`.
    pub if_none_match: bool,
    pub idempotency_key: bool,
    /// The handler replies 206 to `Range`.
    pub ranges: bool,
    pub status: u16,
    /// The schema of a JSON reply.
    pub reply: Option<NamedSchema>,
    /// The media types of the reply, if it is a file.
    pub files: Vec<&'static str>,
    pub location: bool,
    pub etag: bool,
}

pub struct RequestBody {
    pub schema: NamedSchema,
    pub is_required: bool,
    /// The media types of the part `file` of a form.
    pub files: &'static [&'static str],
}

/// A schema with its name and the schemas that it refers to.
pub struct NamedSchema {
    name: Cow<'static, str>,
    pub schemas: Vec<(String, RefOr<Schema>)>,
}

impl NamedSchema {
    #[must_use]
    pub fn of<T: ToSchema>() -> Self {
        let mut schemas = vec![(T::name().into_owned(), T::schema())];
        T::schemas(&mut schemas);
        let schemas = schemas.into_iter().map(|(name, schema)| (name, merge_flattened(schema))).collect();
        Self { name: T::name(), schemas }
    }

    /// Returns a `$ref` to the component of this schema.
    #[must_use]
    pub fn reference(&self) -> RefOr<Schema> {
        RefOr::Ref(Ref::from_schema_name(self.name.as_ref()))
    }
}

/// Merges the parts of a type with flattened fields, so that readers see all fields in one place.
fn merge_flattened(schema: RefOr<Schema>) -> RefOr<Schema> {
    let RefOr::T(Schema::AllOf(AllOf { items, description, example, .. })) = schema else { return schema };
    let mut object = Object::with_type(Type::Object);
    (object.description, object.example) = (description, example);
    for item in items {
        if let RefOr::T(Schema::Object(part)) = item {
            object.properties.extend(part.properties);
            object.required.extend(part.required);
        }
    }
    object.into()
}

/// The texts of an operation, and its errors that do not follow from the route table.
#[derive(Clone, Copy)]
pub struct Docs {
    pub summary: &'static str,
    /// What the operation does. The route table adds sentences about access and limits.
    pub description: &'static str,
    pub errors: &'static [ApiError],
}

/// An argument or the return type of a handler. The default implementation adds nothing to the signature.
pub trait Describe {
    fn describe(_: &mut Signature) {}
}

impl Signature {
    pub fn of<F, Args>(_: &F) -> Self
    where
        F: Handler<Args>,
        F::Output: Describe,
        Args: Describe,
    {
        let mut signature = Self::default();
        Args::describe(&mut signature);
        F::Output::describe(&mut signature);
        signature
    }

    #[must_use]
    pub fn takes_query(&self) -> bool {
        !self.query.is_empty()
    }
}

impl<T> Describe for Data<T> {}
impl Describe for HttpRequest {}
impl Describe for Method {}
impl Describe for Payload {}
impl<T: Describe> Describe for Option<T> {}

impl<T: Describe, E> Describe for Result<T, E> {
    fn describe(signature: &mut Signature) {
        T::describe(signature);
    }
}

/// A reply to which the handler adds headers.
impl<T: Describe> Describe for CustomizeResponder<T> {
    fn describe(signature: &mut Signature) {
        T::describe(signature);
    }
}

/// Either a reply, or an error to which the handler adds headers.
impl<T: Describe> Describe for Either<T, HttpResponse> {
    fn describe(signature: &mut Signature) {
        T::describe(signature);
    }
}

macro_rules! describe_arguments {
    ($($argument:ident)*) => {
        impl<$($argument: Describe),*> Describe for ($($argument,)*) {
            fn describe(_signature: &mut Signature) {
                $($argument::describe(_signature);)*
            }
        }
    };
}

describe_arguments! {}
describe_arguments! { A }
describe_arguments! { A B }
describe_arguments! { A B C }
describe_arguments! { A B C D }
describe_arguments! { A B C D E }
describe_arguments! { A B C D E F }
describe_arguments! { A B C D E F G }
