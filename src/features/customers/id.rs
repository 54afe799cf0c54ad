use crate::security::audit::objects::object_ids;

object_ids! {
    CustomerId "customer" "/api/v1/customers"
}
