//! The command line: serve · migrate · admin · openapi · check-config · dev. All else is in the library.
#![allow(clippy::disallowed_macros, reason = "a command line prints; the service itself only logs")]

use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use strongroom::app::openapi;
use strongroom::app::start_up::{self, Failure};
use strongroom::config::{Environment, OwnerSettings, Settings};

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
    /// Make administrators; the API itself cannot
    #[command(subcommand)]
    Admin(Admin),
    /// Print the OpenAPI document
    Openapi,
    /// List every fault of the configuration; exit with 1 if there is one
    CheckConfig,
    /// Help for developers
    #[command(subcommand)]
    Dev(Dev),
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
}

#[derive(Subcommand)]
enum Dev {
    /// Remove the development database, its demo data, keys and mail
    Reset,
}

fn main() -> ExitCode {
    let command = CommandLine::parse().command.unwrap_or(Command::Serve);
    match run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("strongroom: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    let environment = Environment::read()?;
    actix_web::rt::System::new().block_on(async {
        match command {
            Command::Serve => start_up::serve(Arc::new(Settings::load(&environment)?)).await,
            Command::CheckConfig => {
                Settings::load(&environment)?;
                println!("The configuration holds.");
                Ok(())
            }
            Command::Openapi => {
                println!("{}", openapi::text()?);
                Ok(())
            }
            command => as_owner(command, &OwnerSettings::load(&environment)?).await,
        }
    })
}

/// The commands that work on the schema and on users, whatever the service's own settings are.
async fn as_owner(command: Command, settings: &OwnerSettings) -> Result<(), Failure> {
    match command {
        Command::Migrate => start_up::migrate(settings).await,
        Command::Admin(Admin::Create { email, name }) => start_up::create_admin(settings, &email, &name).await,
        Command::Admin(Admin::Promote { email }) => start_up::promote(settings, &email).await,
        Command::Dev(Dev::Reset) => start_up::reset(settings).await,
        Command::Serve | Command::Openapi | Command::CheckConfig => Ok(()),
    }
}
