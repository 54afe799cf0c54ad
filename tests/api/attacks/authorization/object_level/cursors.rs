//! A cursor is valid only for its user, its list and its filter (CWE-639, CWE-565), in every list.

use reqwest::Method;
use serde_json::json;
use strongroom::app::routes::Access;

use crate::support::examples::{Demo, Example, Field};
use crate::support::{Actor, Reply};

/// Lists whose rows no request creates, and the reason.
const EMPTY: &[(&str, &str)] = &[("get_admin_alerts", "alerts come from detection rules")];

fn lists() -> Vec<Example> {
    Example::all()
        .into_iter()
        .filter(Example::is_paged)
        .map(|example| Example { query: Vec::new(), ..example })
        .collect()
}

fn field(example: &Example, name: &str) -> Field {
    example.fields().into_iter().find(|field| field.query_name() == Some(name)).unwrap()
}

async fn cursor(demo: &Demo, list: &Example) -> Option<String> {
    let page = demo.send(&list.with(&field(list, "limit"), &json!(1))).await.ok(200).json();
    page["next_cursor"].as_str().map(str::to_owned)
}

/// Returns whether the service refuses this actor's cursor like a forged one.
async fn is_refused(demo: &Demo, actor: &Actor, list: &Example, cursor: &str) -> bool {
    let field = field(list, "cursor");
    let reply = demo.send_as(actor, &list.with(&field, &json!(cursor))).await;
    let forged = demo.send_as(actor, &list.with(&field, &json!("forged"))).await;
    forged.assert_invalid_field("/cursor").assert_events(&["input_validation_fail/invalid_input"]);
    let seen = |reply: &Reply| (reply.comparable(), reply.statements(), reply.events());
    seen(&reply) == seen(&forged)
}

#[actix_web::test]
async fn cursor_of_every_list_is_bound_to_user_list_and_filter() {
    let demo = Demo::start().await;
    // Create two rows for each list, because a list without a second page has no cursor.
    for example in Example::all().into_iter().filter(|example| example.method == Method::POST) {
        let is_own = example.access == Access::SignedIn && !example.path.starts_with("/api/v1/me");
        for _ in 0..if is_own { 2 } else { 0 } {
            demo.send(&Example { headers: Vec::new(), ..example.clone() }).await;
        }
    }
    let (lists, mut faults) = (lists(), Vec::new());
    assert!(lists.len() >= 9);
    for list in lists.iter().filter(|list| !EMPTY.iter().any(|(id, _)| *id == list.id)) {
        let cursor = cursor(&demo, list).await;
        let cursor =
            cursor.unwrap_or_else(|| panic!("{} needs two rows: a POST example, or an entry in EMPTY", list.id));
        let actor = demo.actor(list.access);
        let usable = demo.send_as(actor, &list.with(&field(list, "cursor"), &json!(cursor))).await;
        assert_eq!(usable.status.as_u16(), 200, "{}: {}", list.id, usable.text());
        let reachable = |other: &&Example| other.access != Access::Admin || list.access == Access::Admin;
        for other in lists.iter().filter(reachable) {
            if other.id != list.id && !is_refused(&demo, actor, other, &cursor).await {
                faults.push(format!("{} accepts a cursor of {}: give each list its own name", other.id, list.id));
            }
        }
        for filter in list.fields() {
            let name = filter.query_name().unwrap_or("limit");
            let filtered = list.with(&filter, &filter.example);
            if !["limit", "cursor"].contains(&name) && !is_refused(&demo, actor, &filtered, &cursor).await {
                faults.push(format!("{} accepts a cursor of the unfiltered list with ?{name}", list.id));
            }
        }
        if list.access != Access::Admin && !is_refused(&demo, &demo.root, list, &cursor).await {
            faults.push(format!("{} accepts a cursor of another user", list.id));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}
