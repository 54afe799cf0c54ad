//! `.env.example` lists all settings, with the same descriptions and defaults as the code.

use std::fs;
use std::path::{Path, PathBuf};

use strongroom::config::{Environment, SETTINGS, Settings};

use super::Base;

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn example_file_matches_the_list_of_settings() {
    let example = fs::read_to_string(repository(".env.example")).unwrap();
    let mut expected = String::new();
    for setting in SETTINGS {
        assert!(!setting.meaning.is_empty(), "{}", setting.name);
        let file = if setting.secret { format!(" (or {}_FILE)", setting.name) } else { String::new() };
        expected += &format!("# {}{file}\n#{}={}\n", setting.meaning, setting.name, setting.default);
    }
    let (_, written) = example.split_once("\n\n").unwrap();
    let written: String = written.lines().filter(|line| !line.is_empty()).map(|line| format!("{line}\n")).collect();
    assert_eq!(written, expected);
}

#[test]
fn example_file_is_a_valid_configuration() {
    let base = Base::development();
    let state = base.folder.path("state");
    let example = fs::read_to_string(repository(".env.example")).unwrap();
    let environment = Environment::from_pairs([("STRONGROOM_DEV_STATE_DIR", state.as_str())]);
    assert!(Settings::load(&environment.with_dot_env(&example).unwrap()).is_ok());
    // The configuration is also valid when all defaults are set.
    let uncommented: String = example
        .lines()
        .filter(|line| line.starts_with("#STRONGROOM_") && !line.ends_with('='))
        .map(|line| format!("{}\n", line.trim_start_matches('#').replacen('=', "='", 1) + "'"))
        .collect();
    let environment = Environment::from_pairs([("STRONGROOM_DEV_STATE_DIR", state.as_str())]);
    Settings::load(&environment.with_dot_env(&uncommented).unwrap()).unwrap();
}

#[test]
fn all_listed_settings_are_read() {
    let sources = fs::read_dir(repository("src/config")).unwrap().map(|entry| entry.unwrap().path());
    let code: String =
        sources.filter(|path| !path.ends_with("catalog.rs")).map(|path| fs::read_to_string(path).unwrap()).collect();
    for setting in SETTINGS {
        assert!(code.contains(&format!("\"{}\"", setting.name)), "{} is never read", setting.name);
    }
}
