//! Scripts, workflows and documents contain only settings that exist.
//! The service refuses to start with an unknown setting.

use std::collections::BTreeSet;
use std::fs;

use strongroom::config::SETTINGS;

use super::plain_language::project_files;
use super::project_files::root;

/// Settings of docker-compose.yml, which the service does not read.
const COMPOSE_ONLY: [&str; 2] = ["STRONGROOM_HOST", "STRONGROOM_PUBLISH"];

/// Returns the names of settings in a text. With shell braces, `A_{B,C}` means `A_B` and `A_C`.
fn settings_named_in(text: &str) -> BTreeSet<String> {
    let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let word = |text: &str| text.chars().take_while(|c| is_name(*c)).collect::<String>();
    let mut names = BTreeSet::new();
    for (at, _) in text.match_indices("STRONGROOM_") {
        let start = word(&text[at..]);
        let braces = text[at + start.len()..].strip_prefix('{').and_then(|rest| rest.split_once('}'));
        if let Some((words, rest)) = braces {
            names.extend(words.split(',').map(|middle| format!("{start}{middle}{}", word(rest))));
        } else if !start.ends_with('_') {
            names.insert(start);
        }
    }
    names
}

#[test]
fn settings_named_in_scripts_and_documents_exist() {
    let mut found = BTreeSet::new();
    for path in project_files() {
        let is_code = ["src", "tests"].iter().any(|folder| path.starts_with(root().join(folder)));
        let Ok(text) = fs::read_to_string(&path) else { continue };
        if is_code || path.ends_with("CHANGELOG.md") {
            continue;
        }
        for name in settings_named_in(&text) {
            // `<name>_FILE` is the path of a file with the value of the setting `<name>`.
            let is = |setting: &str| setting == name || Some(setting) == name.strip_suffix("_FILE");
            let exists = SETTINGS.iter().any(|setting| is(setting.name)) || COMPOSE_ONLY.contains(&name.as_str());
            assert!(exists, "{} contains {name}, which is not a setting", path.display());
            found.insert(name);
        }
    }
    assert!(found.contains("STRONGROOM_RULES_PROBING_SESSION"), "braces must be expanded: {found:?}");
}
