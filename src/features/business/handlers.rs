use actix_web::web::Data;

use super::model::Business;
use super::store::BusinessStore;
use super::views::{BusinessView, ReplaceBusiness};
use crate::http::body::JsonBody;
use crate::http::conditional::IfMatch;
use crate::http::error::ApiResult;
use crate::http::reply::Versioned;
use crate::security::audit::event::{Event, EventKind};
use crate::security::sessions::caller::Caller;

pub async fn read(caller: Caller, store: Data<BusinessStore>) -> ApiResult<Versioned<BusinessView>> {
    let (business, version) = store.read(&caller).await?;
    Ok(Versioned { version, view: business.into() })
}

/// Replaces the caller's business. Invoices that are already issued keep the old seller.
pub async fn replace(
    caller: Caller,
    if_match: IfMatch,
    JsonBody(body): JsonBody<ReplaceBusiness>,
    store: Data<BusinessStore>,
) -> ApiResult<Versioned<BusinessView>> {
    let business = Business::try_from(body)?;
    let (_, version) = store.read(&caller).await?;
    if_match.check(version)?;
    let version = store.replace(&caller, &business, version).await?;
    Event::new(EventKind::UserUpdated).reason("business").user(caller.user()).session(caller.session()).record();
    Ok(Versioned { version, view: business.into() })
}
