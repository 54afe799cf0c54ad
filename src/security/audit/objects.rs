//! Objects in events. An event contains the kind and id of an object, never its content.

use std::str::FromStr;

use uuid::Uuid;

/// A kind of object whose owner is looked up after a denial. Each kind has a row in `classified_objects`, which names
/// its table. `features/mod.rs` lists all kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ObjectKind {
    /// The name that is stored.
    pub name: &'static str,
    /// The path of the objects of this kind.
    pub collection: &'static str,
}

impl ObjectKind {
    pub const SESSION: Self = Self { name: "session", collection: "/api/v1/auth/sessions" };
    pub const USER: Self = Self { name: "user", collection: "/api/v1/admin/users" };

    /// Returns the plural, which is the last part of the path.
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

/// The id of an object that belongs to a user.
pub trait ObjectId: Copy + FromStr + From<Uuid> + 'static {
    const KIND: ObjectKind;

    /// Returns the object with this id.
    fn object(self) -> Object;
}

/// Declares types of ids, each with the name of its kind and the path of its collection.
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
