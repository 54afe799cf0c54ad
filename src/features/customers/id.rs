//! The id of a customer.

use crate::security::audit::objects::object_ids;

object_ids! {
    /// The id of a customer.
    CustomerId "customer" "/api/v1/customers"
}
