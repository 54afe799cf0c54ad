//! `STRONGROOM_LOG_…`: the level and the format of the log.

use tracing_subscriber::filter::{LevelFilter, Targets};

use super::Profile;
use super::reader::Reader;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Json,
    Text,
}

#[derive(Clone, Debug)]
pub struct LogSettings {
    pub filter: Targets,
    pub format: LogFormat,
}

impl LogSettings {
    pub(super) fn read(reader: &mut Reader<'_>, profile: Profile) -> Self {
        let format = match (reader.optional("STRONGROOM_LOG_FORMAT").as_deref(), profile) {
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
        let problem = "is not a list such as info,sqlx=warn: a level (off, error, warn, info, debug, trace), and target=level for single modules";
        reader.fault(name, problem);
        return Targets::new();
    };
    // At the level `trace`, libraries log headers, tokens and mails (CWE-532).
    if profile == Profile::Production && contains_trace(&filter) {
        reader.fault(name, "contains trace, which logs secrets: use debug or less");
    }
    // In development, the chain heads would hide the other lines: a batch is sealed every few seconds.
    if profile == Profile::Development && reader.optional(name).is_none() {
        return filter.with_target("security_head", LevelFilter::WARN);
    }
    filter
}

/// Parses a filter. `Targets` alone would read a misspelled `inof` as the name of a module, and log almost nothing.
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

fn contains_trace(targets: &Targets) -> bool {
    let levels = targets.iter().map(|(_, level)| level);
    levels.chain(targets.default_level()).any(|level| level == LevelFilter::TRACE)
}
