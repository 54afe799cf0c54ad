//! SQL that invalidates the device cookies of a user by incrementing the epoch of the account.

use sqlx::PgConnection;

use crate::base::id::UserId;

pub async fn advance_epoch(connection: &mut PgConnection, user: UserId) -> Result<(), sqlx::Error> {
    sqlx::query!("update users set device_epoch = device_epoch + 1 where id = $1", user.uuid())
        .execute(connection)
        .await?;
    Ok(())
}
