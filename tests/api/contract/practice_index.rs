//! Generates `docs/practices/README.md` from the heads of all practices in `src/`, and fails if it is out of date.
//! To update this index, run `UPDATE_INDEX=1 cargo test --test api practice_index`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::layers::rust_files;
use super::project_files::{root, tests_of};

const INDEX: &str = "docs/practices/README.md";

const OPENING: &str = "# Practices

Generated from the heads of the code: each practice with its threat, its control, its code and its attack test. Use it to
find a practice by its usual name, or by its OWASP or CWE number. The long form is in the head of each file.
";

const GROUPS: [&str; 10] = [
    "Broken object level authorization",
    "Broken authentication",
    "Broken object property level authorization",
    "Unrestricted resource consumption",
    "Broken function level authorization",
    "Unrestricted access to sensitive business flows",
    "Server side request forgery",
    "Security misconfiguration",
    "Improper inventory management",
    "Unsafe consumption of APIs",
];

struct Practice {
    file: String,
    title: String,
    ids: Vec<String>,
    attack: String,
    tests: Vec<String>,
}

/// Returns the text after a label, up to the next label.
fn section<'a>(head: &'a str, label: &str) -> Option<&'a str> {
    Some(head.split_once(&format!("**{label}**: "))?.1.split(" **").next().unwrap())
}

/// Returns the practice of a file, if its head describes one.
fn practice(path: &Path) -> Option<Practice> {
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim);
    let head = lines.collect::<Vec<_>>().join(" ");
    let attack = section(&head, "Attack")?;
    let title = head.split("  ").next().unwrap().trim();
    let title = title.rsplit_once(" (CWE-").map_or(title, |(title, _)| title);
    let file = path.strip_prefix(root()).unwrap().to_str().unwrap().trim_end_matches("/mod.rs").to_owned();
    Some(Practice {
        file,
        title: title.trim_end_matches('.').to_owned(),
        ids: ids(&head),
        attack: attack.split(". ").next().unwrap().trim_end_matches(['.', ' ']).to_owned(),
        tests: tests_of(section(&head, "Test").unwrap_or_default()),
    })
}

/// Returns the OWASP and CWE ids of a text, in order and without repetition.
fn ids(text: &str) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for word in text.split([' ', ',', '(', ')', '.', ';', '–']) {
        let is_id = word.starts_with("CWE-") || word.starts_with("API") && word.ends_with(":2023");
        if is_id && !ids.iter().any(|id| id == word) {
            ids.push(word.to_owned());
        }
    }
    ids
}

fn practices() -> Vec<Practice> {
    let mut files = rust_files(&root().join("src"));
    files.sort();
    files.iter().filter_map(|path| practice(path)).collect()
}

/// Returns the number of the first `APIn:2023`.
fn group(practice: &Practice) -> Option<usize> {
    practice.ids.iter().find_map(|id| id.strip_prefix("API")?.strip_suffix(":2023")?.parse().ok())
}

/// Returns the row of a practice in the index, with links relative to the index.
fn row(practice: &Practice) -> String {
    let cell = |text: &str| text.replace('|', "\\|").replace("[`", "`").replace("`]", "`");
    let tests: Vec<_> = practice.tests.iter().map(|test| format!("`{test}`")).collect();
    format!(
        "| {} ({}) | {} | [`{}`](../../{}) | {} |\n",
        cell(&practice.attack),
        practice.ids.join(", "),
        cell(&practice.title),
        practice.file.trim_start_matches("src/"),
        practice.file,
        tests.join(", ")
    )
}

#[test]
fn index_of_practices_is_fresh() {
    let mut groups: BTreeMap<usize, String> = BTreeMap::new();
    for practice in practices() {
        let group = group(&practice).unwrap_or_else(|| panic!("{}: no APIn:2023 in its title", practice.file));
        groups.entry(group).or_default().push_str(&row(&practice));
    }
    let mut index = OPENING.to_owned();
    for (number, rows) in groups {
        let name = GROUPS[number - 1];
        index += &format!(
            "\n## API{number} {name}\n\n| threat | control | code | attack test |\n| --- | --- | --- | --- |\n{rows}"
        );
    }
    if std::env::var_os("UPDATE_INDEX").is_some() {
        fs::write(root().join(INDEX), &index).unwrap();
    }
    let kept = fs::read_to_string(root().join(INDEX)).unwrap_or_default();
    assert!(kept == index, "{INDEX} is out of date: UPDATE_INDEX=1 cargo test --test api practice_index");
}
