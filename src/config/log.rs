//! `STRONGROOM_LOG_…`: what is logged and how.

use tracing_subscriber::filter::{LevelFilter, Targets};

use super::Profile;
use super::reader::Reader;

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Json,
    Text,
}

/// What is logged and how.
#[derive(Clone, Debug)]
pub struct LogSettings {
    pub filter: String,
    pub format: LogFormat,
}

impl LogSettings {
    pub(super) fn read(reader: &mut Reader<'_>, profile: Profile) -> Self {
        let format = match (reader.given("STRONGROOM_LOG_FORMAT").as_deref(), profile) {
            (Some("json"), _) | (None, Profile::Production) => LogFormat::Json,
            (Some("text"), _) | (None, Profile::Development) => LogFormat::Text,
            (Some(_), _) => {
                reader.fault("STRONGROOM_LOG_FORMAT", "is neither json nor text");
                LogFormat::Json
            }
        };
        let filter = reader.text("STRONGROOM_LOG_FILTER");
        match filter.parse::<Targets>() {
            Err(_) => reader.fault("STRONGROOM_LOG_FILTER", "is not a filter such as info,sqlx=warn"),
            // The libraries below us trace what they read and write: headers, tokens, mails.
            Ok(targets) if profile == Profile::Production && shows_everything(&targets) => {
                reader.fault("STRONGROOM_LOG_FILTER", "asks for trace, which shows secrets: debug is the most here");
            }
            Ok(_) => {}
        }
        Self { filter, format }
    }
}

fn shows_everything(targets: &Targets) -> bool {
    let levels = targets.iter().map(|(_, level)| level);
    levels.chain(targets.default_level()).any(|level| level == LevelFilter::TRACE)
}
