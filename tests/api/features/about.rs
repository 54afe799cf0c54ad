//! The page `/problems` explains the problem codes. The file `security.txt` contains the security contact.

use reqwest::Method;

use crate::support::TestApp;

#[actix_web::test]
async fn problem_type_links_to_its_heading_on_the_page() {
    let app = TestApp::start().await;
    let page = app.anonymous().request(Method::GET, "/problems").send().await.ok(200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    let text = page.text();
    let refused = app.anonymous().request(Method::GET, "/api/v1/me").send().await;
    let refused = refused.assert_refused(401, "unauthenticated").json();
    let kind = refused["type"].as_str().unwrap().split_once("/problems#").unwrap().1;
    assert!(text.contains(&format!("<h2 id=\"{kind}\">{kind}</h2>")), "{text}");
    let source = include_str!("../../../docs/problems.md");
    for code in source.lines().filter_map(|line| line.strip_prefix("## ")) {
        assert!(text.contains(&format!("<h2 id=\"{code}\">")), "{code}");
    }
    // The Content Security Policy forbids inline scripts and styles, and the service does not serve `.md` files.
    for unwanted in ["<script", "<style", " style=", ".md\""] {
        assert!(!text.contains(unwanted), "{unwanted}");
    }
}

async fn contact(app: &TestApp) -> String {
    let reply = app.anonymous().request(Method::GET, "/.well-known/security.txt").send().await.ok(200);
    reply.text().lines().next().unwrap().to_owned()
}

#[actix_web::test]
async fn security_txt_names_the_configured_contact() {
    let app = TestApp::start().await;
    assert_eq!(contact(&app).await, "Contact: mailto:security@localhost");
    let app = TestApp::with(&[("STRONGROOM_HTTP_SECURITY_CONTACT", "https://example.com/report")]).await;
    assert_eq!(contact(&app).await, "Contact: https://example.com/report");
}
