//! Objects in events. An event contains the kind and id of an object, never its content.

use uuid::Uuid;

macro_rules! object_kinds {
    ($($kind:ident $name:literal $collection:literal)*) => {
        /// The kinds of objects whose owner is looked up after a denial. Each kind has a row in `classified_objects`,
        /// which names its table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ObjectKind {
            $($kind,)*
        }

        impl ObjectKind {
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// Returns the name that is stored.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }

            /// Returns the path of the objects of this kind.
            #[must_use]
            pub fn collection(self) -> &'static str {
                match self {
                    $(Self::$kind => $collection,)*
                }
            }
        }
    };
}

object_kinds! {
    CreditNote "credit_note" "/api/v1/credit-notes"
    Customer "customer" "/api/v1/customers"
    Document "document" "/api/v1/documents"
    Invoice "invoice" "/api/v1/invoices"
    Session "session" "/api/v1/auth/sessions"
    User "user" "/api/v1/admin/users"
}

impl ObjectKind {
    /// Returns the plural, which is the last part of the path.
    #[must_use]
    pub fn plural(self) -> &'static str {
        self.collection().rsplit('/').next().unwrap_or_default()
    }

    /// Returns the kind of object that `{id}` names in this route.
    #[must_use]
    pub fn of_route(route: &str) -> Option<Self> {
        let (collection, _) = route.split_once("/{id}")?;
        Self::ALL.iter().copied().find(|kind| kind.collection() == collection)
    }
}

/// An object that a client has requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Object {
    pub kind: ObjectKind,
    pub id: Uuid,
}
