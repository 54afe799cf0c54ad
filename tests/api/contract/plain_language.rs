//! Plain language: comments, documents and API texts name the actor of a sentence (client, user, attacker, operator).

use std::fs;
use std::path::{Path, PathBuf};

use super::project_files::root;

/// Words that hide the actor, or assume a gender.
const FORBIDDEN: [&str; 12] =
    ["he", "him", "his", "himself", "nobody", "one's", "oneself", "somebody", "thereof", "whoever", "whom", "whomever"];

const FOLDERS: [&str; 7] = ["src", "tests", "docs", "migrations", "deploy", ".ci", ".github"];
/// These files are not checked, because other programs wrote them.
const SKIPPED: [&str; 1] = ["tests/corpus"];

pub fn project_files() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = FOLDERS.iter().map(|folder| root().join(folder)).collect();
    let mut files: Vec<PathBuf> =
        fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect();
    while let Some(folder) = folders.pop() {
        if SKIPPED.iter().any(|skipped| folder == root().join(skipped)) {
            continue;
        }
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files
}

/// Returns the prose of a file with line numbers: comments, documents without code blocks, and API texts.
fn prose(path: &Path, text: &str) -> Vec<(usize, String)> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let comment = |mark: &str| -> Vec<(usize, String)> {
        let after = |line: &str| match line.trim_start().strip_prefix(mark) {
            Some(comment) => Some(comment.to_owned()),
            None => line.split_once(&format!(" {mark} ")).map(|(_, comment)| comment.to_owned()),
        };
        text.lines().enumerate().filter_map(|(number, line)| Some((number + 1, after(line)?))).collect()
    };
    match extension {
        "rs" | "js" | "mjs" => comment("//"),
        "sql" => comment("--"),
        "sh" | "py" | "yml" | "yaml" | "toml" | "http" => comment("#"),
        "md" => {
            let mut is_code = false;
            let lines = text.lines().enumerate().filter(|(_, line)| {
                is_code ^= line.trim_start().starts_with("```");
                !is_code
            });
            lines.map(|(number, line)| (number + 1, line.to_owned())).collect()
        }
        "json" if path.ends_with("docs/openapi.json") => {
            text.lines().enumerate().map(|(number, line)| (number + 1, line.to_owned())).collect()
        }
        _ if path.ends_with(".env.example")
            || path.parent().is_some_and(|folder| folder.file_name().is_some_and(|name| name == ".ci")) =>
        {
            comment("#")
        }
        _ => Vec::new(),
    }
}

/// Returns the forbidden words of a text. Quoted code is not prose.
fn forbidden(text: &str) -> Vec<&'static str> {
    let prose = text.split('`').step_by(2).collect::<Vec<_>>().join(" ").to_lowercase();
    let words: Vec<&str> = prose.split(|c: char| !(c.is_alphanumeric() || "'@_-".contains(c))).collect();
    FORBIDDEN.into_iter().filter(|word| words.contains(word)).collect()
}

#[test]
fn texts_contain_no_word_that_hides_the_actor() {
    let mut faults = Vec::new();
    let files = project_files();
    assert!(files.len() > 300, "{}", files.len());
    for path in files {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        for (line, prose) in prose(&path, &text) {
            for word in forbidden(&prose) {
                faults.push(format!("{}:{line}: {word}", path.strip_prefix(root()).unwrap().display()));
            }
        }
    }
    assert!(faults.is_empty(), "say client, user, attacker, operator or they: {faults:#?}");
}

#[test]
fn forbidden_words_are_found_as_whole_words_outside_of_code() {
    assert_eq!(forbidden("Whoever signs in keeps his token."), ["his", "whoever"]);
    assert_eq!(forbidden("The user `nobody` and nobody@example.com; the history of this."), [""; 0]);
}
