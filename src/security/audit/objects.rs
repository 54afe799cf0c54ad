//! Objects in events. An event contains the kind and id of an object, never its content.

use uuid::Uuid;

/// The kinds of objects whose owner is looked up after a denial. Each kind has a row in `classified_objects`, which
/// names its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObjectKind {
    CreditNote,
    Customer,
    Document,
    Invoice,
    Session,
    User,
}

impl ObjectKind {
    pub const ALL: &[Self] =
        &[Self::CreditNote, Self::Customer, Self::Document, Self::Invoice, Self::Session, Self::User];

    /// Returns the name that is stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CreditNote => "credit_note",
            Self::Customer => "customer",
            Self::Document => "document",
            Self::Invoice => "invoice",
            Self::Session => "session",
            Self::User => "user",
        }
    }

    /// Returns the kind of object that `{id}` names in this route.
    #[must_use]
    pub fn of_route(route: &str) -> Option<Self> {
        let (collection, _) = route.split_once("/{id}")?;
        match collection {
            "/api/v1/credit-notes" => Some(Self::CreditNote),
            "/api/v1/customers" => Some(Self::Customer),
            "/api/v1/documents" => Some(Self::Document),
            "/api/v1/invoices" => Some(Self::Invoice),
            "/api/v1/auth/sessions" => Some(Self::Session),
            "/api/v1/admin/users" => Some(Self::User),
            _ => None,
        }
    }
}

/// An object that a client has requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Object {
    pub kind: ObjectKind,
    pub id: Uuid,
}
