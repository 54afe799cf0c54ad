//! The objects that events name: by kind and id, never by content.

use std::str::FromStr;

use uuid::Uuid;

/// A kind of object. The database table `classified_objects` names the table in which each kind is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ObjectKind {
    pub name: &'static str,
    /// The URL path of the collection, for example `/api/v1/auth/sessions`.
    pub collection: &'static str,
}

impl ObjectKind {
    pub const SESSION: Self = Self { name: "session", collection: "/api/v1/auth/sessions" };
    pub const ALERT: Self = Self { name: "alert", collection: "/api/v1/admin/alerts" };
    pub const USER: Self = Self { name: "user", collection: "/api/v1/admin/users" };

    /// Returns the last segment of the collection's path.
    #[must_use]
    pub fn plural(self) -> &'static str {
        self.collection.rsplit('/').next().unwrap_or_default()
    }
}

/// An object that a client has requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Object {
    pub kind: ObjectKind,
    pub id: Uuid,
}

/// A typed id of an object that belongs to a user. The type determines the kind of the object.
pub trait ObjectId: Copy + FromStr + From<Uuid> + 'static {
    const KIND: ObjectKind;

    fn object(self) -> Object;
}

/// Defines types of ids. Each row contains the type, the name of its kind and the path of its collection.
macro_rules! object_ids {
    ($($(#[$doc:meta])* $name:ident $kind:literal $collection:literal)+) => {
        $crate::base::id::id_types! { $($(#[$doc])* $name,)+ }

        $(
            impl $crate::security::audit::objects::ObjectId for $name {
                const KIND: $crate::security::audit::objects::ObjectKind =
                    $crate::security::audit::objects::ObjectKind { name: $kind, collection: $collection };

                fn object(self) -> $crate::security::audit::objects::Object {
                    $crate::security::audit::objects::Object { kind: Self::KIND, id: self.uuid() }
                }
            }
        )+
    };
}
pub(crate) use object_ids;
