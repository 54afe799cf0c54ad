//! `STRONGROOM_LOG_…`: what is logged and how.

use super::Profile;
use super::environment::Reader;

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
        if filter.parse::<tracing_subscriber::filter::Targets>().is_err() {
            reader.fault("STRONGROOM_LOG_FILTER", "is not a filter such as info,sqlx=warn");
        }
        Self { filter, format }
    }
}
