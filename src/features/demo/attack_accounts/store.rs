//! SQL of throw-away accounts: the users whose address has the domain `attacks.invalid`.
//! The domain is reserved (RFC 2606) and receives no mail. So no other user can confirm such an address.

use chrono::TimeDelta;
use secrecy::SecretString;

use crate::base::id::UserId;
use crate::db::begin;
use crate::features::auth::model::ClientDescription;
use crate::features::auth::session_store::IssuedSession;
use crate::features::demo::{DemoServices, invalid_plan};
use crate::features::users::store as users;
use crate::http::error::{ApiError, ApiResult};
use crate::security::audit::event::{Event, EventKind, Object, ObjectKind};
use crate::security::authorization::administrators::AdminCaller;

/// The maximum number of throw-away accounts.
/// Parallel requests can exceed the maximum until the next request deletes the surplus.
pub const MAX_ACCOUNTS: i64 = 40;

pub(super) async fn create(
    demo: &DemoServices,
    admin: &AdminCaller,
    name: &str,
    password: &SecretString,
    client: &ClientDescription,
) -> ApiResult<(String, IssuedSession)> {
    let id = UserId::new();
    let email = format!("{}-{id}@attacks.invalid", name.to_lowercase());
    let (address, display_name) =
        (email.parse().map_err(|_| invalid_plan())?, name.parse().map_err(|_| invalid_plan())?);
    let hash = demo.credentials.passwords.hash(password).await?;
    let mut transaction = begin(&demo.pool).await?;
    let is_admin = sqlx::query_scalar!(r#"select is_active_admin($1) as "is_admin!""#, admin.user().uuid());
    if !is_admin.fetch_one(&mut *transaction).await? {
        return Err(ApiError::Forbidden);
    }
    let created = users::create(&mut transaction, id, &address, &display_name, &hash, demo.clock.now()).await?;
    created.ok_or_else(|| ApiError::internal("a random address is taken"))?;
    // A new user has no earlier session that `insert_session` could end.
    let (issued, _) = demo.auth.insert_session(&mut transaction, id, None, client).await?;
    let event = |kind| Event::new(kind).reason("attack_panel");
    let events = vec![
        event(EventKind::UserCreated).object(target(id)),
        event(EventKind::SessionCreated).user(id).session(issued.session),
    ];
    let pending = Event::record_all_in(events, &mut transaction).await?;
    transaction.commit().await?;
    pending.publish();
    Ok((email, issued))
}

/// Returns the throw-away user as the object of an event. The user of the event is the administrator.
fn target(user: UserId) -> Object {
    Object { kind: ObjectKind::USER, id: user.uuid() }
}

/// Deletes accounts older than an hour. Also deletes the oldest accounts if two more would exceed [`MAX_ACCOUNTS`].
/// `users/purge_store.rs` deletes the data of the deleted accounts.
pub async fn delete_old(demo: &DemoServices) -> ApiResult<()> {
    let mut transaction = begin(&demo.pool).await?;
    // Lock order: all transactions lock a user before the user's sessions.
    let old = sqlx::query_scalar!(
        "select id from users
         where email like '%@attacks.invalid' and (created_at < $1 or id not in (
             select id from users where email like '%@attacks.invalid' order by created_at desc, id desc limit $2))
         order by id for no key update skip locked",
        demo.clock.now() - TimeDelta::hours(1),
        MAX_ACCOUNTS - 2
    )
    .fetch_all(&mut *transaction)
    .await?;
    let (mut ended, mut events) = (Vec::new(), Vec::new());
    for user in old.iter().copied().map(UserId::from) {
        ended.push(demo.authenticator.revocations.end_all(&mut transaction, user, "account_deleted").await?);
        events.push(Event::new(EventKind::UserDeleted).reason("attack_panel").object(target(user)));
    }
    sqlx::query!("delete from users where id = any($1)", &old).execute(&mut *transaction).await?;
    let pending = Event::record_all_in(events, &mut transaction).await?;
    transaction.commit().await?;
    ended.into_iter().for_each(|ended| demo.authenticator.revocations.announce(ended));
    pending.publish();
    demo.purge.wake();
    Ok(())
}
