//! Mails link to the pages `/confirm` and `/reset`. `.ci/page` tests these pages in a browser.

use reqwest::Method;
use strongroom::app::routes::table;

use crate::support::TestApp;
use crate::support::actor::{newest_mail, register, reset_token};

const PAGES: [&str; 2] = ["/confirm", "/reset"];
const CONSOLE_OFF: (&str, &str) = ("STRONGROOM_HTTP_CONSOLE", "false");

fn values<'a>(page: &'a str, attribute: &str) -> Vec<&'a str> {
    let start = format!(" {attribute}=\"");
    page.split(start.as_str()).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

#[actix_web::test]
async fn mail_pages_are_served_when_docs_and_console_are_disabled() {
    let app = TestApp::with(&[("STRONGROOM_HTTP_DOCS", "false"), CONSOLE_OFF]).await;
    for path in PAGES {
        let page = app.anonymous().request(Method::GET, path).send().await.ok(200).text();
        for inline in ["<style", " style=", " onclick", " onload", "javascript:", "<script>", "http:", "https:"] {
            assert!(!page.contains(inline), "{path}: {inline}");
        }
        let files = [values(&page, "src"), values(&page, "href")].concat();
        assert!(files.len() >= 3, "{files:?}");
        for file in files {
            let reply = app.anonymous().request(Method::GET, file).send().await.ok(200);
            assert!(!reply.body.is_empty() && reply.header("content-type").is_some(), "{file}");
        }
    }
}

/// A link in a mail opens a view of the console that needs no session. So the page says `data-session="off"`, even if
/// the browser has a refresh cookie.
#[actix_web::test]
async fn console_shows_the_pages_if_it_is_on() {
    let app = TestApp::start().await;
    let console = app.anonymous().request(Method::GET, "/").send().await.ok(200);
    for path in PAGES {
        let page = app.anonymous().request(Method::GET, path).header("cookie", "__Host-refresh=x").send().await.ok(200);
        assert_eq!(page.comparable(), console.comparable(), "{path}");
        assert!(page.text().contains(" data-session=\"off\""));
    }
}

/// Each form has the fields of its request body.
#[actix_web::test]
async fn forms_send_the_fields_of_the_api() {
    let app = TestApp::with(&[CONSOLE_OFF]).await;
    for (path, sends) in [
        ("/confirm", vec![("/api/v1/auth/confirm", vec!["display_name", "password"])]),
        (
            "/reset",
            vec![
                ("/api/v1/auth/password-reset/confirm", vec!["new_password"]),
                ("/api/v1/auth/password-reset", vec!["email"]),
            ],
        ),
    ] {
        let page = app.anonymous().request(Method::GET, path).send().await.ok(200).text();
        let forms: Vec<_> =
            page.split("<form ").skip(1).map(|rest| format!(" {}", rest.split("</form>").next().unwrap())).collect();
        assert_eq!(forms.len(), sends.len());
        for (form, (to, fields)) in forms.iter().zip(sends) {
            assert_eq!((values(form, "data-to"), values(form, "name")), (vec![to], fields));
            assert!(table().iter().any(|endpoint| endpoint.path == to));
        }
    }
}

/// Proxies log query strings, so a token in a query string would be in their logs (CWE-598).
#[actix_web::test]
async fn token_in_a_query_is_refused_and_not_stored() {
    let app = TestApp::start().await;
    let token = "A".repeat(43);
    for path in PAGES {
        let reply = app.anonymous().request(Method::GET, &format!("{path}?token={token}")).send().await;
        reply.assert_refused(400, "invalid_input").assert_events(&["input_validation_fail/invalid_input"]);
        assert!(!reply.text().contains(&token));
    }
    let stored = "select count(*) from security_events e where to_jsonb(e)::text like '%' || $1 || '%'";
    let stored: i64 = sqlx::query_scalar(stored).bind(&token).fetch_one(&app.all_rows).await.unwrap();
    assert_eq!(stored, 0);
}

#[actix_web::test]
async fn mails_link_to_the_pages() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    register(&app.anonymous(), "bob@example.com").await.ok(202);
    let mail = newest_mail(&app, "bob@example.com").await;
    assert!(mail.contains("/confirm#token="), "{mail}");
    let forgot = serde_json::json!({"email": alice.email});
    app.anonymous().request(Method::POST, "/api/v1/auth/password-reset").json(&forgot).send().await.ok(202);
    // `reset_token` waits for a mail with a link to `/reset#token=`.
    assert_eq!(reset_token(&app, &alice.email, "").await.len(), 43);
}
