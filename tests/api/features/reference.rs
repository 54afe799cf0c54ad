//! The page `/docs`: its files, its Content Security Policy, and its setting. `.ci/page` tests it in a browser.

use reqwest::Method;
use strongroom::app::routes::table;

use crate::support::TestApp;

#[actix_web::test]
async fn docs_page_loads_only_its_own_files_and_has_no_inline_code() {
    let app = TestApp::start().await;
    let reply = app.anonymous().request(Method::GET, "/docs").send().await.ok(200);
    assert_eq!(reply.header("content-type"), Some("text/html; charset=utf-8"));
    let policy = reply.header("content-security-policy").unwrap();
    let expected = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
         object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'";
    assert_eq!(policy, expected);
    let page = reply.text();
    for endpoint in table() {
        assert!(page.contains(&format!("<code>{}</code>", endpoint.path)), "{}", endpoint.path);
    }
    for inline in ["<style", " style=", " onclick", " onload", "javascript:", "<script>"] {
        assert!(!page.contains(inline), "{inline}");
    }
    let mut files = Vec::new();
    for part in page
        .split(" src=\"")
        .skip(1)
        .chain(page.split("<link ").skip(1).filter_map(|part| part.split("href=\"").nth(1)))
    {
        files.push(part.split('"').next().unwrap().to_owned());
    }
    files.sort();
    assert_eq!(files, ["/docs/page.css", "/docs/page.js", "/icon.svg"]);
    for (file, kind) in files.iter().zip(["text/css; charset=utf-8", "text/javascript; charset=utf-8", "image/svg+xml"])
    {
        let reply = app.anonymous().request(Method::GET, file).send().await.ok(200);
        assert_eq!(reply.header("content-type"), Some(kind));
        assert!(!reply.body.is_empty());
    }
}

/// The page `/docs` has a weaker Content Security Policy than other responses.
#[actix_web::test]
async fn error_on_the_docs_path_has_the_strict_policy() {
    let app = TestApp::start().await;
    let refused = app.anonymous().request(Method::GET, "/docs?x=1").send().await;
    refused.assert_refused(400, "invalid_input");
    assert!(refused.header("content-security-policy").unwrap().contains("sandbox"));
}

#[actix_web::test]
async fn docs_page_lists_no_operation_of_a_disabled_console() {
    let app = TestApp::with(&[("STRONGROOM_HTTP_CONSOLE", "false")]).await;
    let page = app.anonymous().request(Method::GET, "/docs").send().await.ok(200).text();
    assert!(page.contains("id=\"get_invoices\""));
    for absent in ["id=\"get_console_page", "<a href=\"/\">"] {
        assert!(!page.contains(absent), "{absent}");
    }
}

#[actix_web::test]
async fn disabled_docs_return_404_like_an_unknown_path() {
    let app = TestApp::with(&[("STRONGROOM_HTTP_DOCS", "false")]).await;
    let client = app.anonymous();
    for method in [Method::GET, Method::POST] {
        let missing = client.request(method.clone(), "/no-such-path").send().await;
        missing.assert_refused(404, "not_found");
        for path in table().iter().map(|endpoint| endpoint.path).filter(|path| path.starts_with("/docs")) {
            let reply = client.request(method.clone(), path).send().await;
            assert_eq!(reply.comparable(), missing.comparable(), "{method} {path}");
            assert_eq!(reply.events(), missing.events());
        }
    }
}
