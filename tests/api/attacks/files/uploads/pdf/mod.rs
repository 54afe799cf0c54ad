//! The service inspects the structure of a PDF, including its compressed objects: it refuses active content
//! ([`active`]) and accepts ordinary files ([`valid`]). A file that crashes or stalls the parser fails alone
//! ([`process`]).

mod active;
mod process;
mod valid;

use crate::support::form::Form;
use crate::support::reply::Reply;
use crate::support::{Actor, TestApp};

async fn upload(user: &Actor, file: &[u8]) -> Reply {
    user.upload(Form::default().file("a.pdf", "application/pdf", file)).await
}

#[track_caller]
fn refusal(reply: &Reply, what: &str) -> String {
    super::assert_part_refused(reply, "/file", what);
    reply.json()["errors"][0]["message"].as_str().unwrap().to_owned()
}

async fn user() -> (TestApp, Actor) {
    let app = TestApp::start().await;
    let user = app.user("alice").await;
    (app, user)
}
