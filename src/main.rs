//! The command line. All other code is in the library.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use chrono::NaiveDate;
use clap::{Parser, Subcommand};
#[cfg(feature = "dev")]
use strongroom::app::development;
use strongroom::app::failure::Failure;
use strongroom::app::output::{print_line, print_note};
use strongroom::app::{admin, audit, health, openapi, start_up};
#[cfg(feature = "dev")]
use strongroom::config::DevelopmentSettings;
use strongroom::config::{AuditSettings, Environment, OwnerSettings, Settings, http_address};
use strongroom::security::files::uploads::pdf::inspect_standard_input;

/// A secure invoice and document API. The default command is serve
#[derive(Parser)]
#[command(version, about)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API (the default). In development, also start a database and create demo data
    Serve,
    /// Apply database migrations with the role of STRONGROOM_DATABASE_OWNER_URL
    Migrate,
    /// Appoint and remove administrators, which the API cannot do
    #[command(subcommand)]
    Admin(Admin),
    /// Print the OpenAPI document
    Openapi,
    /// Verify, archive and inspect the audit trail
    #[command(subcommand)]
    Audit(Audit),
    /// Check whether the service on this machine is ready; exit with 1 if it is not
    Health,
    /// List all faults of the configuration; exit with 1 if there are any. Writes nothing
    CheckConfig,
    /// Commands for development
    #[cfg(feature = "dev")]
    #[command(subcommand)]
    Dev(Dev),
    /// Inspect the PDF on standard input; the exit status is the result. The service runs this command for uploads
    #[command(hide = true)]
    InspectPdf,
}

#[derive(Subcommand)]
enum Admin {
    /// Create an administrator. The password is read from standard input
    Create {
        /// E-mail address of the administrator
        #[arg(long)]
        email: String,
        /// Display name of the administrator
        #[arg(long)]
        name: String,
    },
    /// Appoint an existing user as administrator
    Promote {
        /// E-mail address of the user
        #[arg(long)]
        email: String,
    },
    /// Remove the administrator role from a user
    Demote {
        /// E-mail address of the administrator
        #[arg(long)]
        email: String,
    },
}

#[derive(Subcommand)]
enum Audit {
    /// Verify the hash chain: report edited, deleted, inserted,
    /// reordered or truncated events; exit with 1 if there are any
    Verify {
        /// A file with log lines. The chain heads in these lines must be in the database
        #[arg(long)]
        heads: Option<PathBuf>,
        /// A folder with files of `audit archive`, which are verified too
        #[arg(long)]
        archive: Option<PathBuf>,
        /// A file with a retired master key; may be repeated
        #[arg(long, value_name = "FILE")]
        retired_key_file: Vec<PathBuf>,
    },
    /// Write the events of complete months to a file, verify them, and delete them from the database
    Archive {
        /// The first month to keep, for example 2026-10
        #[arg(long, value_parser = first_day)]
        before: NaiveDate,
        /// An existing folder that is empty or contains all earlier archives
        #[arg(long)]
        to: PathBuf,
        /// A file with a retired master key; may be repeated
        #[arg(long, value_name = "FILE")]
        retired_key_file: Vec<PathBuf>,
    },
    /// Print the public keys (Ed25519, hexadecimal) that verify chain heads
    /// in the log, each with the id of its master key
    Key,
}

#[cfg(feature = "dev")]
#[derive(Subcommand)]
enum Dev {
    /// Delete the development database, keys, documents and mails. Refused in production
    Reset,
    /// Write the files of a new resource in this checkout: migration, feature, routes and demo data
    NewResource {
        /// The plural, for example projects
        name: String,
        /// The fields, for example name:line notes:text? due_on:date? price:money customer_id:customer
        #[arg(required = true)]
        fields: Vec<String>,
    },
}

/// Parses a month such as `2026-10` and returns its first day.
fn first_day(month: &str) -> Result<NaiveDate, String> {
    format!("{month}-01").parse().map_err(|_| "must be a month such as 2026-10".to_owned())
}

fn main() -> ExitCode {
    let command = CommandLine::parse().command.unwrap_or(Command::Serve);
    // This command parses an untrusted file, so it runs before settings and secrets are read (least privilege).
    if let Command::InspectPdf = command {
        return inspect_standard_input();
    }
    match run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            print_note(format!("strongroom: {failure}"));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    let environment = Environment::read()?;
    actix_web::rt::System::new().block_on(async {
        match command {
            Command::Serve => {
                let settings =
                    Settings::load(&environment).inspect_err(|_| start_up::record_invalid_configuration())?;
                start_up::serve(Arc::new(settings)).await
            }
            Command::CheckConfig => {
                Settings::check(&environment)?;
                print_line("The configuration is valid.")
            }
            // Never reached, because `main` handles this command.
            Command::InspectPdf => Ok(()),
            Command::Health => health::check(http_address(&environment)?),
            Command::Openapi => print_line(openapi::text()?),
            Command::Migrate => start_up::migrate(&OwnerSettings::load(&environment)?).await,
            #[cfg(feature = "dev")]
            Command::Dev(Dev::Reset) => development::reset(&DevelopmentSettings::load(&environment)?).await,
            #[cfg(feature = "dev")]
            Command::Dev(Dev::NewResource { name, fields }) => development::new_resource(&name, &fields),
            Command::Admin(Admin::Create { email, name }) => {
                admin::create(&AuditSettings::load(&environment)?, &email, &name).await
            }
            Command::Admin(Admin::Promote { email }) => {
                admin::set_admin(&AuditSettings::load(&environment)?, &email, true).await
            }
            Command::Admin(Admin::Demote { email }) => {
                admin::set_admin(&AuditSettings::load(&environment)?, &email, false).await
            }
            Command::Audit(Audit::Verify { heads, archive, retired_key_file }) => {
                let settings = AuditSettings::with_retired_keys(&environment, &retired_key_file)?;
                audit::verify(&settings, heads.as_deref(), archive.as_deref()).await
            }
            Command::Audit(Audit::Archive { before, to, retired_key_file }) => {
                audit::archive(&AuditSettings::with_retired_keys(&environment, &retired_key_file)?, before, &to).await
            }
            Command::Audit(Audit::Key) => audit::public_keys(&AuditSettings::load(&environment)?),
        }
    })
}
