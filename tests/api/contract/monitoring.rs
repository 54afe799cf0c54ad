//! Every alert in `deploy/` has a page in `docs/runbooks/`, and every page belongs to an alert.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;
use strongroom::security::detection::rules::table::RULES;

const SECTIONS: [&str; 4] = ["## What it means", "## How to check", "## What to do", "## Resolved when"];

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Returns all queries of the dashboard and of the alert rules, with their locations.
pub fn queries() -> Vec<(String, String)> {
    let dashboard: Value = serde_json::from_str(&read("deploy/grafana/strongroom.json")).unwrap();
    let mut found = Vec::new();
    let mut panels: Vec<&Value> = dashboard["panels"].as_array().unwrap().iter().collect();
    while let Some(panel) = panels.pop() {
        panels.extend(panel["panels"].as_array().into_iter().flatten());
        let title = panel["title"].as_str().unwrap();
        for target in panel["targets"].as_array().into_iter().flatten() {
            found.push((format!("the panel {title}"), target["expr"].as_str().unwrap().to_owned()));
        }
    }
    let of_dashboard = found.len();
    for rule in rules() {
        found.push((format!("the alert {}", rule.alert), rule.expression));
    }
    assert!(of_dashboard >= 15 && found.len() >= of_dashboard + 10, "{}", found.len());
    found
}

pub fn metrics_in(query: &str) -> BTreeSet<String> {
    let words = query.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| word.starts_with("strongroom_")).map(str::to_owned).collect()
}

struct Rule {
    alert: String,
    expression: String,
    lines: Vec<String>,
}

/// Parses the alert rules. A field is one line, but the expression may continue in indented lines.
fn rules() -> Vec<Rule> {
    let text = read("deploy/prometheus/rules.yml");
    let blocks = text.split("\n      - alert: ").skip(1);
    let rules = blocks.map(|block| {
        let lines: Vec<String> = block.lines().map(|line| line.trim_end().to_owned()).collect();
        let start = lines.iter().position(|line| line.starts_with("        expr:")).unwrap();
        let rest = lines[start + 1..].iter().take_while(|line| line.starts_with("          "));
        let expression =
            std::iter::once(&lines[start]).chain(rest).map(|line| line.trim()).collect::<Vec<_>>().join(" ");
        Rule { alert: lines[0].trim().to_owned(), expression, lines }
    });
    rules.collect()
}

#[test]
fn alerts_and_runbooks_match() {
    let rules = rules();
    for rule in &rules {
        let page = format!("          runbook_url: \"{{{{ $externalLabels.runbooks }}}}/{}.md\"", rule.alert);
        assert!(rule.lines.contains(&page), "{} has no link to its page", rule.alert);
        assert!(rule.lines.iter().any(|line| line.starts_with("          summary: ")), "{}", rule.alert);
        assert!(rule.lines.iter().any(|line| line.starts_with("          severity: ")), "{}", rule.alert);
    }
    let prometheus = read("deploy/prometheus/prometheus.yml");
    let base = prometheus.lines().find_map(|line| line.strip_prefix("    runbooks: ")).expect("the external label");
    assert!(
        base.starts_with("https://") && !base.ends_with('/'),
        "{base} must be an absolute URL without a slash at its end, so that links open from a chat"
    );
    // The alerts of the detection rules have their pages in the same folder.
    let raised = RULES.iter().map(|rule| rule.name.to_owned());
    let alerts: BTreeSet<String> = rules.into_iter().map(|rule| rule.alert).chain(raised).collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/runbooks");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let pages: BTreeSet<String> =
        files.filter(|file| file != "README.md").map(|file| file.strip_suffix(".md").unwrap().to_owned()).collect();
    assert_eq!(pages, alerts);
    let list = read("docs/runbooks/README.md");
    for page in pages {
        let text = read(&format!("docs/runbooks/{page}.md"));
        assert!(text.starts_with(&format!("# {page}\n")), "{page}");
        let headings: Vec<&str> = text.lines().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(headings, SECTIONS, "{page}");
        assert!(list.contains(&format!("]({page}.md)")), "docs/runbooks/README.md does not list {page}");
    }
}

/// promtool runs these tests (`.ci/monitoring`): each alert must fire, and must not fire too early.
#[test]
fn every_alert_has_tests() {
    let tests = read("deploy/prometheus/rules_test.yml");
    for rule in rules() {
        let tried = tests.split("alertname: ").skip(1).filter(|part| part.lines().next() == Some(rule.alert.as_str()));
        let tried: Vec<&str> = tried.collect();
        let silent =
            tried.iter().filter(|part| part.lines().nth(1).is_some_and(|line| line.trim() == "exp_alerts: []"));
        assert!(
            silent.count() >= 1 && tried.len() >= 2,
            "{} needs a test in which it fires and a test in which it does not",
            rule.alert
        );
    }
}
