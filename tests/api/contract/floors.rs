//! The floors of `src/lib.rs`: a module imports only from lower floors, siblings import each other only by the list below, and
//! some words belong to one room. Standard library only.

use std::fs;
use std::path::{Path, PathBuf};

const FLOORS: &[(&str, usize)] = &[
    ("base", 0),
    ("config", 1),
    ("telemetry", 1),
    ("db", 1),
    ("storage", 1),
    ("http", 2),
    ("security", 3),
    ("features", 4),
    ("app", 5),
    ("main.rs", 6),
];

/// Floors whose own rooms may not import each other, and the exceptions.
const SIBLINGS: &[(&str, &str, &str)] = &[
    ("features/users", "features/auth/", "a new password is told by mail and opens a new session"),
    ("features/live", "features/invoices/store", "what is told is first read as its owner reads it"),
    ("features/live", "features/customers/store", "what is told is first read as its owner reads it"),
    ("features/live", "features/documents/store", "what is told is first read as its owner reads it"),
    ("features/demo", "features/", "demo data come by the same doors as everybody's"),
];

/// A word, where it may stand, and why.
const WORDS: &[(&str, &[&str], &str)] = &[
    ("sqlx::query", &["db/", "store.rs"], "SQL stands in store.rs files and db/"),
    ("std::env", &["config/"], "only config/ reads the environment"),
    ("Utc::now", &["base/clock.rs"], "only the clock reads the time"),
    ("SystemTime::now", &["base/clock.rs"], "only the clock reads the time"),
    ("StatusCode::BAD_REQUEST", &["http/error.rs"], "the status of an error is chosen in one place"),
    ("StatusCode::NOT_FOUND", &["http/error.rs"], "the status of an error is chosen in one place"),
    ("HttpResponse::BadRequest", &[], "refusals are ApiErrors"),
    ("HttpResponse::NotFound", &[], "refusals are ApiErrors"),
    ("HttpResponse::Unauthorized", &[], "refusals are ApiErrors"),
    (
        "expose_secret",
        &["security/", "db/", "storage/", "config/", "features/demo/"],
        "secrets are opened where they are used",
    ),
    (
        "reqwest::",
        &["security/communication/outbound/", "telemetry/traces.rs"],
        "there is one door to the outside, and the collector's",
    ),
    ("lookup_host", &["security/communication/outbound/"], "there is one door to the outside"),
    ("TcpStream::connect", &["app/health.rs"], "there is one door to the outside; `health` asks this machine"),
    ("realip_remote_addr", &["http/client_ip.rs"], "it believes the client"),
    ("jsonwebtoken::", &["security/sessions/access_tokens/"], "tokens are one practice's business"),
    ("insecure_decode", &[], "it reads claims that nobody has verified"),
    ("decode_header", &[], "the header is read by the strict reader in access_tokens alone"),
    ("dangerous::", &[], "a certificate that is not verified is none"),
    ("aws_lc_rs::h", &["security/"], "hashes and MACs are security's business"),
    ("web::Json", &[], "handlers take JsonBody, which is validated"),
];

fn files(under: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(under).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found
}

/// Name below src/, and the code of it: without comments, and without the unit tests at its end.
pub(super) fn sources() -> Vec<(String, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let read = |path: &PathBuf| {
        let name = path.strip_prefix(&src).unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        (name, lines.collect::<Vec<_>>().join("\n"))
    };
    files(&src).iter().filter(|path| !path.ends_with("tests.rs")).map(read).collect()
}

fn floor(name: &str) -> Option<usize> {
    let room = name.split('/').next().unwrap();
    FLOORS.iter().find(|(floor, _)| *floor == room).map(|(_, height)| *height)
}

/// `super::` spelled out: `crate::features::auth` in `features/demo/mod.rs`, whose parent is `features`.
fn spelled_out(name: &str, code: &str) -> String {
    let module = name.trim_end_matches(".rs").trim_end_matches("/mod");
    let mut above: Vec<&str> = module.split('/').collect();
    above.pop();
    let parent = format!("crate::{}::", above.join("::"));
    above.pop();
    let grandparent = format!("crate::{}::", above.join("::"));
    code.replace("super::super::", &grandparent).replace("super::", &parent)
}

/// The paths that a file imports from this crate: `security/sessions/caller` and so on.
fn imports(name: &str, code: &str) -> Vec<String> {
    let code = spelled_out(name, code);
    let mut found = Vec::new();
    for root in ["crate::", "strongroom::"] {
        for part in code.split(root).skip(1) {
            let path: String = part.chars().take_while(|c| c.is_alphanumeric() || "_:".contains(*c)).collect();
            let groups = part.strip_prefix('{').and_then(|rest| rest.split('}').next());
            match groups {
                Some(inside) => found.extend(inside.split(',').map(|path| path.trim().replace("::", "/"))),
                None => found.push(path.replace("::", "/")),
            }
        }
    }
    found
}

#[test]
fn a_module_imports_only_from_lower_floors() {
    let mut faults = Vec::new();
    for (name, code) in sources() {
        let Some(own) = floor(&name) else { continue };
        let room: Vec<&str> = name.split('/').take(2).collect();
        for import in imports(&name, &code) {
            let Some(theirs) = floor(&import) else { continue };
            let same_room = import.split('/').next() == name.split('/').next();
            let other_feature = same_room && own == 4 && import.split('/').nth(1) != room.get(1).copied();
            let listed = SIBLINGS.iter().any(|(from, to, _)| name.starts_with(from) && import.starts_with(to));
            if theirs > own || (theirs == own && !same_room) || (other_feature && !listed) {
                faults.push(format!("{name} imports {import}"));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn a_word_stands_in_its_own_room() {
    let mut faults = Vec::new();
    for (name, code) in sources() {
        for (word, rooms, reason) in WORDS {
            let allowed = rooms.iter().any(|room| name.starts_with(room) || name.ends_with(room));
            if code.contains(word) && !allowed {
                faults.push(format!("{name}: {word}: {reason}"));
            }
        }
        let pure = name.ends_with("model.rs") || name.ends_with("totals.rs");
        if pure && (code.contains("actix") || code.contains("sqlx")) {
            faults.push(format!("{name}: a model knows no framework and no database"));
        }
        if (name.ends_with("views.rs") || name.ends_with("handlers.rs"))
            && name.starts_with("features")
            && code.contains("sqlx::")
        {
            faults.push(format!("{name}: no sqlx in views and handlers"));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn there_are_no_rooms_without_a_subject() {
    for (name, _) in sources() {
        for vague in ["utils", "common", "helpers", "core", "types", "misc"] {
            assert!(!name.split(['/', '.']).any(|part| part == vague), "{name}");
        }
    }
}

#[test]
fn a_token_is_verified_in_exactly_one_place() {
    let calls: Vec<String> = sources()
        .into_iter()
        .flat_map(|(name, code)| {
            vec![name; code.matches("jsonwebtoken::decode").count() + code.matches(" decode::<").count()]
        })
        .collect();
    assert_eq!(calls.len(), 1, "{calls:?}");
}
