//! The commands `dev reset` and `dev new-resource`, and the welcome message of `serve`.
//! A build without the feature `dev` does not contain this file.

use std::path::Path;

use super::database::{Database, server_config};
use super::failure::Failure;
use super::output::print_line;
use super::server::Running;
use crate::config::{DevelopmentSettings, Settings};
use crate::dev::{new_resource, postgres};
use crate::features::demo::Demo;

pub(super) fn welcome(settings: &Settings, running: &Running, database: &Database, demo: Option<&Demo>) -> String {
    let base = format!("http://{}", running.http);
    let page = if settings.http.docs { "docs" } else { "api/v1/openapi.json" };
    let mut lines = String::new();
    if settings.http.console {
        lines += &format!("  console     {base}/\n");
    }
    lines += &format!("  API         {base}/{page}\n");
    if let Some(https) = running.https {
        let authority = settings.state_dir.join("tls/ca.pem");
        lines += &format!("  over TLS    https://{https} (trust {})\n", authority.display());
    }
    lines += &format!("  metrics     http://{}/metrics\n", running.management);
    if let Some(data) = database.data_dir() {
        lines += &format!("  database    {}\n", data.display());
    }
    let folder = settings.state_dir.display();
    let users = match demo {
        Some(demo) => demo.instructions(&base),
        None => "The demo users have changed their passwords, are temporarily locked, or are being deleted.".to_owned(),
    };
    format!(
        "\nStrongroom is ready (development profile, reachable from this machine only).\n\n{lines}  files       {folder} (`cargo run -- dev reset` deletes them)\n\n{users}\n\nStop with Ctrl-C.\n"
    )
}

/// Runs `dev new-resource` in the current folder.
pub fn new_resource(name: &str, fields: &[String]) -> Result<(), Failure> {
    for path in new_resource::write(Path::new("."), name, fields)? {
        print_line(format!("wrote {}", path.display()))?;
    }
    print_line("Next: .ci/sqlx --write && .ci/openapi --write")
}

/// Runs `dev reset`.
pub async fn reset(settings: &DevelopmentSettings) -> Result<(), Failure> {
    let removed = postgres::dev::reset(&server_config(&settings.database, &settings.state_dir)).await?;
    if removed.is_empty() {
        print_line(format!("Nothing to delete in {}.", settings.state_dir.display()))?;
    }
    for folder in removed {
        print_line(format!("deleted {}", folder.display()))?;
    }
    Ok(())
}
