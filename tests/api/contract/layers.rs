//! The layers of `src/lib.rs`: a module imports only from lower layers.
//! Features may import each other only as in `SIBLINGS`, and `RESTRICTED` calls are allowed in few modules.

use std::fs;
use std::path::{Path, PathBuf};

const LAYERS: &[(&str, usize)] = &[
    ("base", 0),
    ("config", 1),
    ("telemetry", 1),
    ("db", 1),
    ("storage", 1),
    ("http", 2),
    ("dev", 2),
    ("security", 3),
    ("features", 4),
    ("app", 5),
    ("main.rs", 6),
];

/// The allowed imports between features. All features may import the id types of others.
const SIBLINGS: &[(&str, &str, &str)] = &[
    ("features/users", "features/auth/", "a password change sends a mail and starts a new session"),
    ("features/live", "features/live_kinds", "each resource registers whether it has live events"),
    ("features/", "features/resources", "code that all resources share exists once"),
    ("features/demo", "features/", "the stores of the features create the demo data"),
];

/// A call, the modules that may contain the call, and the reason.
const RESTRICTED: &[(&str, &[&str], &str)] = &[
    ("sqlx::query", &["db/", "store.rs"], "SQL belongs in store.rs files and db/"),
    ("owner_query!(", &["db/", "store.rs"], "SQL belongs in store.rs files and db/"),
    ("owner_query_as!(", &["db/", "store.rs"], "SQL belongs in store.rs files and db/"),
    ("std::env", &["config/"], "only config/ reads the environment"),
    ("Utc::now", &["base/clock.rs"], "only the clock reads the time"),
    ("SystemTime::now", &["base/clock.rs"], "only the clock reads the time"),
    ("StatusCode::BAD_REQUEST", &["http/error.rs"], "http/error.rs chooses the status of an error"),
    ("StatusCode::NOT_FOUND", &["http/error.rs"], "http/error.rs chooses the status of an error"),
    ("HttpResponse::BadRequest", &[], "errors are ApiErrors"),
    ("HttpResponse::NotFound", &[], "errors are ApiErrors"),
    ("HttpResponse::Unauthorized", &[], "errors are ApiErrors"),
    (
        "expose_secret",
        &["security/", "db/", "storage/", "config/", "features/demo/"],
        "secrets are exposed only where they are used",
    ),
    (
        "reqwest::",
        &["security/communication/outbound/", "telemetry/traces.rs"],
        "only the outbound client and the trace exporter make requests",
    ),
    ("lookup_host", &["security/communication/outbound/"], "only the outbound client resolves names"),
    ("TcpStream::connect", &["app/health.rs"], "only the outbound client connects; `health` connects to this machine"),
    ("realip_remote_addr", &["http/client_ip.rs"], "it trusts headers of the client"),
    ("jsonwebtoken::", &["security/sessions/access_tokens/"], "only one module reads tokens"),
    ("insecure_decode", &[], "it reads unverified claims"),
    ("decode_header", &[], "only the strict parser in access_tokens reads the header"),
    ("dangerous::", &[], "certificates must be verified"),
    ("aws_lc_rs::h", &["security/"], "hashes and MACs belong in security/"),
    ("web::Json", &[], "handlers take JsonBody, which validates"),
];

pub(super) fn rust_files(under: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(under).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found
}

/// Returns the name and the code of each file below `src/`, without comments and unit tests.
pub(super) fn sources() -> Vec<(String, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let read = |path: &PathBuf| {
        let name = path.strip_prefix(&src).unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        (name, lines.collect::<Vec<_>>().join("\n"))
    };
    rust_files(&src).iter().filter(|path| !path.ends_with("tests.rs")).map(read).collect()
}

fn layer(name: &str) -> Option<usize> {
    let module = name.split('/').next().unwrap();
    LAYERS.iter().find(|(known, _)| *known == module).map(|(_, layer)| *layer)
}

/// Replaces `super::` by the full path.
fn with_full_paths(name: &str, code: &str) -> String {
    let module = name.trim_end_matches(".rs").trim_end_matches("/mod");
    let mut above: Vec<&str> = module.split('/').collect();
    above.pop();
    let parent = format!("crate::{}::", above.join("::"));
    above.pop();
    let grandparent = format!("crate::{}::", above.join("::"));
    code.replace("super::super::", &grandparent).replace("super::", &parent)
}

/// Returns the imported paths of this crate, for example `security/sessions/caller`.
fn imports(name: &str, code: &str) -> Vec<String> {
    let code = with_full_paths(name, code);
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
fn module_imports_only_from_lower_layers() {
    let mut faults = Vec::new();
    for (name, code) in sources() {
        let Some(own) = layer(&name) else { continue };
        let folder: Vec<&str> = name.split('/').take(2).collect();
        for import in imports(&name, &code) {
            let Some(theirs) = layer(&import) else { continue };
            let same_module = import.split('/').next() == name.split('/').next();
            let other_feature = same_module && own == 4 && import.split('/').nth(1) != folder.get(1).copied();
            let is_id = import.split('/').nth(2) == Some("id");
            let listed = SIBLINGS.iter().any(|(from, to, _)| name.starts_with(from) && import.starts_with(to));
            if theirs > own || (theirs == own && !same_module) || (other_feature && !listed && !is_id) {
                faults.push(format!("{name} imports {import}"));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn restricted_call_occurs_only_in_its_module() {
    let mut faults = Vec::new();
    for (name, code) in sources() {
        for (word, modules, reason) in RESTRICTED {
            let allowed = modules.iter().any(|module| name.starts_with(module) || name.ends_with(module));
            if code.contains(word) && !allowed {
                faults.push(format!("{name}: {word}: {reason}"));
            }
        }
        let pure = name.ends_with("model.rs") || name.ends_with("totals.rs");
        if pure && (code.contains("actix") || code.contains("sqlx")) {
            faults.push(format!("{name}: a model must not use actix or sqlx"));
        }
        if (name.ends_with("views.rs") || name.ends_with("handlers.rs"))
            && name.starts_with("features")
            && code.contains("sqlx::")
        {
            faults.push(format!("{name}: views and handlers must not use sqlx"));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// `.github/CONTRIBUTING.md` sets this limit. The route table is exempt, because each resource adds rows to it.
#[test]
fn rust_file_has_at_most_300_lines() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files: Vec<_> = ["src", "tests"].iter().flat_map(|folder| rust_files(&root.join(folder))).collect();
    assert!(files.len() > 300, "{}", files.len());
    let is_long = |path: &&PathBuf| {
        !path.ends_with("src/app/routes.rs") && fs::read_to_string(path).unwrap().lines().count() > 300
    };
    let long: Vec<_> = files.iter().filter(is_long).collect();
    assert!(long.is_empty(), "split these files: {long:#?}");
}

#[test]
fn module_names_are_specific() {
    for (name, _) in sources() {
        for vague in ["utils", "common", "helpers", "core", "types", "misc"] {
            assert!(!name.split(['/', '.']).any(|part| part == vague), "{name}");
        }
    }
}

#[test]
fn tokens_are_verified_in_exactly_one_place() {
    let calls: Vec<String> = sources()
        .into_iter()
        .flat_map(|(name, code)| {
            vec![name; code.matches("jsonwebtoken::decode").count() + code.matches(" decode::<").count()]
        })
        .collect();
    assert_eq!(calls.len(), 1, "{calls:?}");
}
