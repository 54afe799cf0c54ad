//! A build without the feature `dev` has only the production profile, without the settings of development.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const MARK: &str = "#[cfg(feature = \"dev\")]";

/// Returns the code without the items (one line or one block) with the attribute `cfg(feature = "dev")`.
fn without_development(code: &str) -> String {
    let mut kept = String::new();
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        if line.trim() != MARK {
            kept.extend([line, "\n"]);
            continue;
        }
        let item = lines.by_ref().find(|line| !line.trim_start().starts_with("#[")).unwrap();
        if !item.ends_with([';', ',']) {
            let indent: String = item.chars().take_while(|c| *c == ' ').collect();
            lines.by_ref().find(|line| line.strip_prefix(&indent).is_some_and(|end| end.starts_with('}'))).unwrap();
        }
    }
    kept
}

/// Returns the names of settings in string literals.
fn names(code: &str) -> BTreeSet<String> {
    let is_name = |text: &str| ["STRONGROOM_", "DATABASE_URL", "PG_BIN"].iter().any(|start| text.starts_with(start));
    let is_word = |text: &str| text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    let quoted = code.split('"').skip(1).step_by(2).filter(|text| is_name(text) && is_word(text));
    quoted.map(str::to_owned).collect()
}

#[test]
fn production_build_has_no_setting_that_only_development_reads() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config");
    let (mut listed, mut read, mut all) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // The `mod` line of this file has the attribute, so a production build does not contain the file.
        if path.ends_with("development.rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let code: String =
            text.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect();
        let production = without_development(&code);
        if path.ends_with("catalog.rs") {
            listed = names(&production);
            all = names(&code);
        } else {
            read.extend(names(&production));
        }
    }
    let unread: Vec<&String> = listed.difference(&read).collect();
    assert!(
        unread.is_empty(),
        "only development reads these settings: mark them with the feature `dev` in src/config/catalog.rs: {unread:?}"
    );
    let unlisted: Vec<&String> = read.intersection(&all).filter(|name| !listed.contains(*name)).collect();
    assert!(
        unlisted.is_empty(),
        "production reads these settings: remove the feature `dev` from them in src/config/catalog.rs: {unlisted:?}"
    );
    assert_eq!(all.difference(&listed).collect::<Vec<_>>(), ["PG_BIN", "STRONGROOM_DEV_STATE_DIR"]);
}
