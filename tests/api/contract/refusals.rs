//! The tests must receive each problem code that the OpenAPI document lists.
//! The test client checks that the document lists each received code (`support/documented.rs`).

use std::collections::BTreeSet;

use crate::support::documented;

/// Codes that one part of the service returns for many operations. The tests cause them on some of these operations.
const GENERIC: [(&str, &str); 5] = [
    ("internal", "a defect of the service"),
    ("unavailable", "a failed or overloaded dependency"),
    ("body_timeout", "one deadline covers every body, and each test of it takes seconds"),
    ("idempotency_key_in_use", "one function claims the key on all routes that accept a key"),
    ("idempotency_key_reused", "one function compares the bodies on all these routes"),
];

/// Returns whether a field of the API contains ids of this resource, such as `customer_id`. Only then can the service
/// refuse a deletion with `in_use`. But the document lists this code for the deletion of every new resource.
fn is_referenced(refusal: &str) -> bool {
    let collection = refusal.split("/api/v1/").nth(1).unwrap().split('/').next().unwrap();
    documented::has_property(&format!("{}_id", collection.trim_end_matches('s')))
}

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
    missing.retain(|refusal| !refusal.ends_with(" in_use") || is_referenced(refusal));
    missing.retain(|refusal| !received.contains(refusal.as_str()));
    assert!(missing.is_empty(), "the OpenAPI document lists refusals that no test received: {missing:#?}");
}
