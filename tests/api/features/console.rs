//! The web console. `.ci/page` tests it in a browser.

use aws_lc_rs::digest::{SHA384, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use strongroom::features::console::VIEWS;

use crate::support::TestApp;

/// The file of Preact has the hash that `docs/dependencies.md` states.
#[test]
fn library_is_the_documented_one() {
    let library = include_bytes!("../../../src/features/console/assets/preact.js");
    let hash = STANDARD.encode(digest(&SHA384, library));
    assert!(include_str!("../../../docs/dependencies.md").contains(&format!("`{hash}`")), "{hash}");
}

/// Returns the paths of the files that the page loads.
fn files(page: &str) -> Vec<String> {
    let values = page.split('"').filter(|value| value.starts_with("/console/"));
    values.map(ToOwned::to_owned).collect()
}

#[actix_web::test]
async fn every_view_is_the_same_page_with_the_strict_policy() {
    let app = TestApp::start().await;
    let first = app.anonymous().request(Method::GET, "/").send().await.ok(200);
    let policy = first.header("content-security-policy").unwrap();
    assert!(policy.contains("script-src 'self'") && policy.contains("require-trusted-types-for"), "{policy}");
    for inline in ["<style", " style=", " onclick", " onload", "javascript:", "<script>", "http:", "https:"] {
        assert!(!first.text().contains(inline), "{inline}");
    }
    for path in VIEWS {
        let page = app.anonymous().request(Method::GET, path).send().await.ok(200);
        assert_eq!(page.comparable(), first.comparable(), "{path}");
    }
}

/// Scripts cannot see the refresh cookie, so the page tells them whether there may be one (`data-session`). Without a
/// cookie, a refresh would be refused and recorded.
#[actix_web::test]
async fn page_tells_whether_the_browser_may_have_a_session() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let cookie = format!("__Host-refresh={}", alice.cookie);
    for (header, value, session) in [
        ("accept", "text/html", "off"),
        ("cookie", "refresh=planted; __Host-refresh2=x", "off"),
        ("sec-fetch-site", "none", "off"),
        ("sec-fetch-site", "same-origin", "off"),
        ("cookie", &cookie, "on"),
        // The page does not verify the cookie. The refresh verifies it, and records a forged cookie.
        ("cookie", "__Host-refresh=forged", "on"),
        // After a link on another site, the browser does not send its cookie (`SameSite=Strict`), so there may be one.
        ("sec-fetch-site", "cross-site", "on"),
    ] {
        let page = app.anonymous().request(Method::GET, "/invoices").header(header, value).send().await.ok(200);
        assert!(page.text().contains(&format!(" data-session=\"{session}\"")), "{header}: {value}");
        assert!(!page.text().contains(&alice.cookie));
        page.assert_events(&[]);
    }
}

/// The path of each file contains the hash of all files, so a browser may cache the files.
#[actix_web::test]
async fn files_are_cached_and_the_page_is_not() {
    let app = TestApp::start().await;
    let page = app.anonymous().request(Method::GET, "/").send().await.ok(200);
    assert_eq!(page.header("cache-control"), Some("no-store"));
    let files = files(&page.text());
    assert_eq!(files.len(), 2);
    let folder = files[0].rsplit_once('/').unwrap().0;
    let module = format!("{folder}/session.js");
    for path in files.iter().chain([&module]) {
        let file = app.anonymous().request(Method::GET, path).send().await.ok(200);
        assert_eq!(file.header("cache-control"), Some("public, max-age=31536000, immutable"), "{path}");
        assert_eq!(file.header("x-content-type-options"), Some("nosniff"), "{path}");
    }
    let old = "/console/0123456789abcdef";
    for path in [
        format!("{old}/style.css"),
        format!("{old}/app.js"),
        format!("{folder}/none.js"),
        format!("{folder}/..%2fapp.js"),
    ] {
        app.anonymous().request(Method::GET, &path).send().await.assert_refused(404, "not_found");
    }
}

#[actix_web::test]
async fn console_is_off_by_setting() {
    let page = TestApp::start().await.anonymous().request(Method::GET, "/").send().await.ok(200).text();
    let app = TestApp::with(&[("STRONGROOM_HTTP_CONSOLE", "false")]).await;
    for path in VIEWS.map(ToOwned::to_owned).into_iter().chain(files(&page)) {
        app.anonymous().request(Method::GET, &path).send().await.assert_refused(404, "not_found");
    }
}

/// A visit loads about 20 files, so ten visits would exhaust the rate limit of reads.
#[actix_web::test]
async fn files_have_their_own_budget() {
    let app = TestApp::with(&[("STRONGROOM_LIMITS_STANDARD", "1/1h"), ("STRONGROOM_LIMITS_ASSET", "2/1h")]).await;
    let page = app.anonymous().request(Method::GET, "/").send().await.ok(200).text();
    let files = files(&page);
    let load = async || app.anonymous().request(Method::GET, &files[1]).send().await;
    load().await.ok(200);
    load().await.ok(200);
    load().await.assert_refused(429, "too_many_requests");
}
