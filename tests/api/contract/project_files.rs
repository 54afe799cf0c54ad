//! Documents match the code: their paths and tests exist, and they list all settings, codes and dependencies.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use strongroom::config::SETTINGS;
use strongroom::security::audit::event::EventKind;
use strongroom::security::detection::rules::table::{Action, RULES};

use super::layers::rust_files;

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Returns the cells of the first table below a heading.
fn table(text: &str, heading: &str) -> Vec<Vec<String>> {
    let below = text.split(heading).nth(1).unwrap_or_else(|| panic!("no heading {heading}"));
    let rows = below.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    rows.skip(2).map(cells).collect()
}

fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Returns whether a test or test module exists, for example `attacks::browser::cors`.
pub fn test_exists(name: &str) -> bool {
    let parts: Vec<&str> = name.split("::").collect();
    let mut folder = root().join("tests/api");
    for (place, part) in parts.iter().enumerate() {
        let file = folder.join(format!("{part}.rs"));
        if file.is_file() {
            let text = fs::read_to_string(file).unwrap();
            return parts.get(place + 1).is_none_or(|test| text.contains(&format!("fn {test}(")));
        }
        folder = folder.join(part);
    }
    folder.is_dir()
}

#[test]
fn practice_table_names_existing_code_and_tests() {
    let rows = table(&read("README.md"), "## The practices");
    assert!(rows.len() >= 10, "{}", rows.len());
    for row in &rows {
        let [_, _, files, attacks] = row.as_slice() else { panic!("four cells: {row:?}") };
        let (files, attacks) = (quoted(files), quoted(attacks));
        assert!(!files.is_empty() && !attacks.is_empty(), "{row:?}");
        for file in files {
            assert!(root().join(&file).exists(), "{file}");
        }
        for attack in attacks {
            assert!(test_exists(&attack), "{attack}");
        }
    }
}

/// Each card of the attack panel names a practice, the path of its code and its attack test.
#[test]
fn attack_cards_name_existing_practices_code_and_tests() {
    let index = read("docs/practices/README.md").replace('`', "");
    let mut seen = 0;
    for entry in fs::read_dir(root().join("src/features/console/assets/attacks")).unwrap() {
        for line in fs::read_to_string(entry.unwrap().path()).unwrap().lines() {
            let Some((field, value)) = line.trim().strip_suffix("',").and_then(|line| line.split_once(": '")) else {
                continue;
            };
            let value = value.replace("\\'", "'");
            let exists = match field {
                "practice" => index.contains(&format!("| {value} |")),
                "code" => root().join(&value).exists(),
                "test" => test_exists(&value),
                _ => continue,
            };
            assert!(exists, "{field}: {value}");
            seen += 1;
        }
    }
    assert!(seen > 60, "{seen}");
}

/// Returns the files that must have the head of a practice: each file or folder in a chapter of `src/security`, and
/// every other file whose head contains `**Attack**`. The chapters `audit` and `websockets` are one practice each.
fn practices() -> BTreeSet<PathBuf> {
    let entries =
        |folder: &Path| -> Vec<PathBuf> { fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect() };
    let names_attack = |path: &PathBuf| fs::read_to_string(path).unwrap().contains("//! **Attack**:");
    let mut found: BTreeSet<PathBuf> = rust_files(&root().join("src")).into_iter().filter(names_attack).collect();
    for chapter in entries(&root().join("src/security")).into_iter().filter(|path| path.is_dir()) {
        if chapter.ends_with("audit") || chapter.ends_with("websockets") {
            found.insert(chapter.join("mod.rs"));
            continue;
        }
        for path in entries(&chapter).into_iter().filter(|path| !path.ends_with("mod.rs")) {
            let head = if path.is_dir() { path.join("mod.rs") } else { path };
            found.extend(head.is_file().then_some(head));
        }
    }
    found
}

/// Returns the names of tests that a text contains in backticks.
pub fn tests_of(text: &str) -> Vec<String> {
    let is_test = |name: &String| ["attacks::", "contract::", "features::"].iter().any(|part| name.starts_with(part));
    quoted(text).into_iter().filter(is_test).collect()
}

#[test]
fn practice_heads_are_complete() {
    let mut faults = Vec::new();
    let practices = practices();
    assert!(practices.len() > 25, "{practices:?}");
    for path in practices {
        let text = fs::read_to_string(&path).unwrap();
        let head: String = text.lines().take_while(|line| line.starts_with("//!")).collect::<Vec<_>>().join("\n");
        let tests = tests_of(&head);
        let labels = ["**Attack**:", "**Control**:", "**Limits**:", "**ASVS**:", "**Test**:"];
        let missing: Vec<_> = labels.iter().filter(|label| !head.contains(**label)).collect();
        let (cwe, api) = (has_id(&head, "CWE-", ""), has_id(&head, "API", ":2023"));
        if !missing.is_empty() || !cwe || !api || tests.is_empty() || !tests.iter().all(|name| test_exists(name)) {
            faults.push(format!("{}: lacks {missing:?}, CWE {cwe}, OWASP {api}, tests {tests:?}", path.display()));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// Returns whether a text contains an id such as `CWE-79` or `API4:2023`.
fn has_id(text: &str, before: &str, after: &str) -> bool {
    text.split(before).skip(1).any(|rest| {
        let number = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        number.len() < rest.len() && number.starts_with(after)
    })
}

/// If `.dockerignore` excluded a compiled-in file, the build of the image would fail.
#[test]
fn compiled_in_files_are_in_the_build_context() {
    let allowed = read(".dockerignore");
    let mut seen = 0;
    for path in rust_files(&root().join("src")) {
        let text = fs::read_to_string(&path).unwrap();
        for part in ["include_str!(\"", "include_bytes!(\""].iter().flat_map(|macro_| text.split(macro_).skip(1)) {
            let file = path.parent().unwrap().join(part.split('"').next().unwrap()).canonicalize().unwrap();
            let file = file.strip_prefix(root().canonicalize().unwrap()).unwrap().to_str().unwrap().to_owned();
            seen += 1;
            let inside = file.starts_with("src/") || allowed.lines().any(|line| line == format!("!{file}"));
            assert!(inside, ".dockerignore excludes {file}");
        }
    }
    assert!(seen > 0);
}

/// The build of the image does not read `rust-toolchain.toml`, and a workflow could override it.
#[test]
fn same_rust_version_is_used_everywhere() {
    let toolchain = read("rust-toolchain.toml");
    let version = toolchain.split("channel = \"").nth(1).unwrap().split('"').next().unwrap();
    assert!(toolchain.contains(r#"components = ["clippy", "rustfmt"]"#));
    let workflows = fs::read_dir(root().join(".github/workflows")).unwrap().map(|entry| entry.unwrap().path());
    let files = workflows.map(|path| fs::read_to_string(path).unwrap()).chain([read("Dockerfile"), read(".ci/needs")]);
    let mut images = 0;
    for file in files {
        assert!(!file.contains("RUSTUP_TOOLCHAIN"));
        for image in file.split(" rust:").skip(1) {
            assert!(image.starts_with(&format!("{version}-bookworm@sha256:")), "{image}");
            images += 1;
        }
    }
    assert!(images > 0);
}

fn crates(section: &str) -> Vec<String> {
    let manifest = read("Cargo.toml");
    let body = manifest.split(&format!("\n[{section}]\n")).nth(1).unwrap().split("\n[").next().unwrap();
    let names = body.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name.to_owned());
    names.filter(|name| !name.starts_with('#')).collect()
}

#[test]
fn dependencies_match_their_document() {
    let text = read("docs/dependencies.md");
    for (section, heading) in [("dependencies", "## In the service"), ("dev-dependencies", "## In the tests")] {
        let mut listed: Vec<String> = table(&text, heading).iter().map(|row| quoted(&row[0]).remove(0)).collect();
        let mut used = crates(section);
        listed.sort();
        used.sort();
        assert_eq!(listed, used, "{section}");
    }
}

#[test]
fn documented_rates_match_the_settings() {
    let rows = table(&read("docs/limits.md"), "## Rates");
    let names: Vec<&str> = SETTINGS.iter().map(|setting| setting.name).filter(|name| is_rate(name)).collect();
    assert_eq!(rows.len(), names.len());
    for row in rows {
        let [_, budget, setting] = row.as_slice() else { panic!("three cells: {row:?}") };
        let setting = quoted(setting).remove(0);
        let default = SETTINGS.iter().find(|known| known.name == setting).unwrap().default;
        let (count, window) = default.split_once('/').unwrap();
        let window = window.replace('m', " min").replace('h', " h");
        let documented = budget.split(',').next().unwrap();
        assert_eq!(documented, format!("{count} in {window}"), "{setting}");
    }
}

fn is_rate(name: &str) -> bool {
    let default = SETTINGS.iter().find(|known| known.name == name).map_or("", |known| known.default);
    name.starts_with("STRONGROOM_LIMITS_") || name.starts_with("STRONGROOM_LOGIN_") && default.contains('/')
}

#[test]
fn event_kinds_are_documented_with_their_severity() {
    let rows = table(&read("docs/security-events.md"), "## Kinds");
    let documented: Vec<(String, String)> =
        rows.iter().map(|row| (quoted(&row[0]).remove(0), row[1].clone())).collect();
    let known = EventKind::ALL.iter().map(|kind| (kind.name().to_owned(), kind.severity().name().to_owned()));
    assert_eq!(documented, known.collect::<Vec<_>>());
    assert!(rows.iter().all(|row| row[2].len() > 10), "{rows:?}");
}

#[test]
fn problem_codes_are_documented() {
    let explained = read("docs/problems.md");
    let headings: BTreeSet<&str> = explained.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let codes: BTreeSet<&str> = strongroom::app::openapi::codes().collect();
    assert!(codes.len() > 30, "{codes:?}");
    assert_eq!(headings, codes);
}

#[test]
fn documented_detection_rules_match_the_table() {
    let rows = table(&read("docs/rules.md"), "# Detection rules");
    assert_eq!(rows.len(), RULES.len());
    for (row, rule) in rows.iter().zip(RULES) {
        let name = rule.name;
        let [link, _, counted_by, threshold, action, alert] = row.as_slice() else { panic!("six cells: {row:?}") };
        assert_eq!(*link, format!("[`{name}`](runbooks/{name}.md)"));
        let setting = format!("STRONGROOM_RULES_{}", name.to_uppercase());
        let default = SETTINGS.iter().find(|known| known.name == setting).expect(&setting).default;
        assert_eq!(*threshold, default.replace('/', " in ").replace('m', " min").replace('h', " h"), "{name}");
        assert_eq!(counted_by, rule.count_by.name(), "{name}");
        assert_eq!(action.is_empty(), rule.action == Action::AlertOnly, "{name}");
        assert_eq!(alert, rule.severity.name(), "{name}");
        let page = read(&format!("docs/runbooks/{name}.md"));
        assert!(page.contains("## What to do"), "docs/runbooks/{name}.md");
    }
}
