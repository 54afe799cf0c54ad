//! The command line: serve · migrate · admin · audit · openapi · check-config · dev. All else is in the library.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use chrono::NaiveDate;
use clap::{Parser, Subcommand};
use strongroom::app::failure::Failure;
use strongroom::app::output::{print_line, print_note};
use strongroom::app::{admin, audit, health, openapi, start_up};
use strongroom::config::{AuditSettings, DevelopmentSettings, Environment, OwnerSettings, Settings, plain_address};
use strongroom::security::files::uploads::pdf::inspect_standard_input;

/// A secure invoice and document API. Without a command it serves.
#[derive(Parser)]
#[command(version, about)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API (the default). In development this starts its own database and makes demo data
    Serve,
    /// Bring the database's schema up to date, as the role of STRONGROOM_DATABASE_OWNER_URL
    Migrate,
    /// Make and unmake administrators; the API itself cannot
    #[command(subcommand)]
    Admin(Admin),
    /// Print the OpenAPI document
    Openapi,
    /// Check that security events are as they were recorded
    #[command(subcommand)]
    Audit(Audit),
    /// Ask the service on this machine whether it can serve; exit with 1 if it cannot
    Health,
    /// List every fault of the configuration; exit with 1 if there is one. Nothing is written
    CheckConfig,
    /// Help for developers
    #[command(subcommand)]
    Dev(Dev),
    /// Inspect the PDF on standard input, for an upload of the service; the exit status is the answer
    #[command(hide = true)]
    InspectPdf,
}

#[derive(Subcommand)]
enum Admin {
    /// Create an administrator. The password is read from standard input
    Create {
        /// The address to sign in with
        #[arg(long)]
        email: String,
        /// The name that others see
        #[arg(long)]
        name: String,
    },
    /// Make an existing user an administrator
    Promote {
        /// The user's address
        #[arg(long)]
        email: String,
    },
    /// Make an administrator an ordinary user
    Demote {
        /// The administrator's address
        #[arg(long)]
        email: String,
    },
}

#[derive(Subcommand)]
enum Audit {
    /// Read all events and seals, and say what was edited, deleted, inserted, reordered or cut off; exit with 1 if anything was
    Verify {
        /// A file with lines of the log: what was sealed according to them must be there
        #[arg(long)]
        heads: Option<PathBuf>,
        /// A folder with files of `audit archive`: they are checked too
        #[arg(long)]
        archive: Option<PathBuf>,
        /// A file with a master key that is no longer configured; once for each such key
        #[arg(long, value_name = "FILE")]
        retired_key_file: Vec<PathBuf>,
    },
    /// Write the events of whole months to a file, verify them, and remove them from the database
    Archive {
        /// The first month that stays, as 2026-10
        #[arg(long, value_parser = first_day)]
        before: NaiveDate,
        /// An existing folder, with all files of earlier archives or none
        #[arg(long)]
        to: PathBuf,
        /// As for verify
        #[arg(long, value_name = "FILE")]
        retired_key_file: Vec<PathBuf>,
    },
    /// Print the public keys (Ed25519, in hex) that verify the heads in the log, each after the id of its master key
    Key,
}

#[derive(Subcommand)]
enum Dev {
    /// Remove the development database, its demo data, keys and mail. Refused in production
    Reset,
}

/// The first day of a month that was typed as `2026-10`.
fn first_day(month: &str) -> Result<NaiveDate, String> {
    format!("{month}-01").parse().map_err(|_| "a month is typed as 2026-10".to_owned())
}

fn main() -> ExitCode {
    let command = CommandLine::parse().command.unwrap_or(Command::Serve);
    // It meets hostile input, so it starts without settings, secrets and a runtime.
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
                let settings = Settings::load(&environment).inspect_err(|_| start_up::refused_by_configuration())?;
                start_up::serve(Arc::new(settings)).await
            }
            Command::CheckConfig => {
                Settings::check(&environment)?;
                print_line("The configuration is valid.")
            }
            // Done by `main`.
            Command::InspectPdf => Ok(()),
            Command::Health => health::ask(plain_address(&environment)?),
            Command::Openapi => print_line(openapi::text()?),
            Command::Migrate => start_up::migrate(&OwnerSettings::load(&environment)?).await,
            Command::Dev(Dev::Reset) => start_up::reset(&DevelopmentSettings::load(&environment)?).await,
            Command::Admin(Admin::Create { email, name }) => {
                admin::create(&AuditSettings::load(&environment)?, &email, &name).await
            }
            Command::Admin(Admin::Promote { email }) => {
                admin::promote(&AuditSettings::load(&environment)?, &email).await
            }
            Command::Admin(Admin::Demote { email }) => admin::demote(&AuditSettings::load(&environment)?, &email).await,
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
