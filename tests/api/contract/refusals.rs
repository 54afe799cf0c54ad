//! The tests must receive each problem code that the OpenAPI document lists.
//! The test client checks that the document lists each received code (`support/documented.rs`).

use std::collections::BTreeSet;

use crate::support::documented;

/// Codes that one part of the service returns for many operations. The tests cause them on some of these operations.
const GENERIC: [(&str, &str); 6] = [
    ("internal", "a defect of the service"),
    ("unavailable", "a failed or overloaded dependency"),
    ("in_use", "a resource lists it before another resource refers to it; see contract::deletions"),
    ("body_timeout", "one deadline covers every body, and each test of it takes seconds"),
    ("idempotency_key_in_use", "one function claims the key on all routes that accept a key"),
    ("idempotency_key_reused", "one function compares the bodies on all these routes"),
];

#[test]
#[ignore = "reads what the whole suite received: .ci/test"]
fn every_listed_refusal_was_received_by_a_test() {
    let received = std::fs::read_to_string(std::env::var_os("RECEIVED_REFUSALS").expect("a file")).unwrap();
    let received: BTreeSet<&str> = received.lines().collect();
    let is_generic = |code: &str| GENERIC.iter().any(|(generic, _)| *generic == code);
    let mut missing = Vec::new();
    for (method, path) in documented::operations() {
        let codes = documented::all_codes(&method, path).into_iter().filter(|code| !is_generic(code));
        missing.extend(codes.map(|code| format!("{method} {path} {code}")));
    }
    missing.retain(|refusal| !received.contains(refusal.as_str()));
    assert!(missing.is_empty(), "the OpenAPI document lists refusals that no test received: {missing:#?}");
}
