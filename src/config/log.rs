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
    pub filter: Targets,
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
        Self { filter: filter(reader, profile), format }
    }
}

fn filter(reader: &mut Reader<'_>, profile: Profile) -> Targets {
    let name = "STRONGROOM_LOG_FILTER";
    let Some(filter) = parse(&reader.text(name)) else {
        let problem = "is not a list such as info,sqlx=warn: a level (off, error, warn, info, debug, trace) for everything, and target=level for parts";
        reader.fault(name, problem);
        return Targets::new();
    };
    // The libraries below us trace what they read and write: headers, tokens, mails.
    if profile == Profile::Production && shows_everything(&filter) {
        reader.fault(name, "asks for trace, which shows secrets: debug is the most here");
    }
    filter
}

/// `Targets` itself takes `inof`, or `info;sqlx=warn`, for the name of a target, and would log nothing else.
fn parse(text: &str) -> Option<Targets> {
    let is_level = |level: &str| !level.is_empty() && level.parse::<LevelFilter>().is_ok();
    let is_target =
        |target: &str| !target.is_empty() && target.chars().all(|c| c.is_ascii_alphanumeric() || "_:-".contains(c));
    let is_directive = |directive: &str| match directive.split_once('=') {
        Some((target, level)) => is_target(target) && is_level(level),
        None => is_level(directive),
    };
    text.split(',').all(is_directive).then(|| text.parse().ok()).flatten()
}

fn shows_everything(targets: &Targets) -> bool {
    let levels = targets.iter().map(|(_, level)| level);
    levels.chain(targets.default_level()).any(|level| level == LevelFilter::TRACE)
}
