//! The OpenAPI document matches the routes of the running application.

use std::collections::BTreeSet;

use actix_web::introspection::IntrospectionTree;
use actix_web::web::Data;
use actix_web::{App, test};
use reqwest::Method;
use serde_json::Value;
use strongroom::app::{openapi, routes};

use crate::support::TestApp;

fn document() -> Value {
    serde_json::from_str(&openapi::text().unwrap()).unwrap()
}

fn documented() -> BTreeSet<(String, String)> {
    let document = document();
    let paths = document["paths"].as_object().unwrap();
    let of_path = |(path, item): (&String, &Value)| {
        item.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone())).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of_path).collect()
}

#[actix_web::test]
async fn running_routes_match_the_document() {
    let app = TestApp::start().await;
    let (endpoints, unknown) = routes::with_limits(&app.services().settings).unwrap();
    let service = test::init_service(App::new().configure(|config| routes::mount(config, &endpoints, &unknown)).route(
        "/introspect",
        actix_web::web::get().to(|tree: Data<IntrospectionTree>| async move { tree.report_as_json() }),
    ))
    .await;
    let report = test::call_and_read_body(&service, test::TestRequest::get().uri("/introspect").to_request()).await;
    let report: Value = serde_json::from_slice(&report).unwrap();
    let running: BTreeSet<(String, String)> = report
        .as_array()
        .unwrap()
        .iter()
        .filter(|route| route["full_path"] != "/introspect")
        // The routes of the development profile are not part of the API.
        .filter(|route| !route["full_path"].as_str().unwrap().starts_with("/dev/"))
        .flat_map(|route| {
            let path = route["full_path"].as_str().unwrap().to_owned();
            let methods = route["methods"].as_array().cloned().unwrap_or_default();
            methods.into_iter().map(move |method| (method.as_str().unwrap().to_owned(), path.clone()))
        })
        .collect();
    // The document describes HEAD once for all GET routes, so the HEAD routes are compared separately.
    let (heads, running): (BTreeSet<_>, BTreeSet<_>) = running.into_iter().partition(|(method, _)| method == "HEAD");
    let readable =
        routes::table().into_iter().filter(|row| row.method == "GET" && row.access != routes::Access::Ticket);
    let readable: BTreeSet<&str> = readable.map(|row| row.path).collect();
    assert_eq!(heads.iter().map(|(_, path)| path.as_str()).collect::<BTreeSet<_>>(), readable);
    assert_eq!(running, documented());
    let listed: BTreeSet<(String, String)> =
        routes::table().iter().map(|endpoint| (endpoint.method.to_string(), endpoint.path.to_owned())).collect();
    assert_eq!(running, listed);
}

#[actix_web::test]
async fn served_document_matches_the_generated_one() {
    let app = TestApp::start().await;
    let mut served = app.anonymous().request(Method::GET, "/api/v1/openapi.json").send().await.ok(200).json();
    served["servers"] = document()["servers"].clone();
    assert_eq!(served, document());
    assert_eq!(served["openapi"], "3.1.0");
}

#[::core::prelude::v1::test]
fn references_resolve_and_operations_are_complete() {
    let document = document();
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"").skip(1) {
        let pointer = reference.split('"').next().unwrap().trim_start_matches('#');
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
    let mut ids = BTreeSet::new();
    for (method, path) in documented() {
        let operation = &document["paths"][&path][method.to_lowercase()];
        assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{method} {path}");
        assert!(!operation["summary"].as_str().unwrap().is_empty());
        for status in ["400", "403", "500", "503"] {
            assert!(operation["responses"][status].is_object(), "{method} {path} {status}");
        }
        assert_eq!(operation["responses"]["429"].is_null(), path.starts_with("/health/"), "{method} {path}");
    }
}
