//! The commands `admin …`, which appoint and remove administrators.
//! The API cannot change a role, so that no stolen access token can create an administrator (privilege escalation).

use std::io::{self, BufRead, IsTerminal};

use secrecy::SecretString;
use sqlx::Connection;

use super::audit;
use super::database::connect_as_owner;
use super::failure::Failure;
use super::output::{print_line, print_note};
use crate::base::clock::Clock;
use crate::base::email::EmailAddress;
use crate::base::id::UserId;
use crate::base::person::DisplayName;
use crate::config::AuditSettings;
use crate::features::users::store as users;
use crate::security::audit::event::{Event, EventKind};
use crate::security::authentication::passwords::Passwords;

/// Runs `admin create`.
/// The password is read from standard input, because an argument would appear in process lists and shell histories.
pub async fn create(settings: &AuditSettings, email: &str, name: &str) -> Result<(), Failure> {
    let email: EmailAddress = email.parse()?;
    let name: DisplayName = name.parse()?;
    if io::stdin().is_terminal() {
        print_note("Enter the password. The terminal shows it; to hide it, pipe it into the command:");
    }
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(Failure::PasswordInput)?;
    let password = SecretString::from(line.trim_end_matches(['\r', '\n']).to_owned());
    let passwords = Passwords::new(&settings.owner.passwords)?;
    let context = [email.local_part(), email.as_str(), name.as_str()];
    passwords.check(&password, &context).await.map_err(Failure::Hashing)?.map_err(Failure::Password)?;
    let hash = passwords.hash(&password).await.map_err(Failure::Hashing)?;
    let (mut connection, database) = connect_as_owner(&settings.owner).await?;
    let mut transaction = connection.begin().await?;
    let (id, now) = (UserId::new(), Clock::default().now());
    let created = users::create_admin(&mut transaction, id, &email, &name, &hash, now).await?;
    if let Some(user) = created {
        let event = |kind| Event::new(kind).reason("by_command").user(user);
        let events = vec![event(EventKind::UserCreated), event(EventKind::PrivilegePermissionsChanged)];
        audit::store(settings, events, &mut transaction).await?;
    }
    transaction.commit().await?;
    connection.close().await?;
    database.stop().await?;
    if created.is_none() {
        return Err(Failure::UserExists(email));
    }
    print_line(format!("{email} is an administrator."))
}

pub async fn set_admin(settings: &AuditSettings, email: &str, is_admin: bool) -> Result<(), Failure> {
    let email: EmailAddress = email.parse()?;
    let (mut connection, database) = connect_as_owner(&settings.owner).await?;
    let mut transaction = connection.begin().await?;
    let changed = users::set_admin(&mut transaction, &email, is_admin, Clock::default().now()).await?;
    if let Some(user) = changed {
        let event = Event::new(EventKind::PrivilegePermissionsChanged).reason("by_command").user(user);
        audit::store(settings, vec![event], &mut transaction).await?;
    }
    transaction.commit().await?;
    connection.close().await?;
    database.stop().await?;
    if changed.is_none() {
        return Err(Failure::NoSuchUser(email));
    }
    print_line(format!("{email} {} an administrator.", if is_admin { "is" } else { "is no longer" }))
}
