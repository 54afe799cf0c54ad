//! A PDF is judged by its structure, also where it is packed. What acts is refused ([`active`]), what people send is accepted
//! ([`sound`]), and a file that its parser cannot bear costs one upload ([`process`]).

mod active;
mod process;
mod sound;

use crate::support::client::Reply;
use crate::support::form::Form;
use crate::support::{Actor, TestApp};

async fn upload(user: &Actor, file: &[u8]) -> Reply {
    user.upload(Form::default().file("a.pdf", "application/pdf", file)).await
}

/// The message of a refusal.
#[track_caller]
fn refusal(reply: &Reply, what: &str) -> String {
    super::is_refused(reply, "/file", what);
    reply.json()["errors"][0]["message"].as_str().unwrap().to_owned()
}

async fn user() -> (TestApp, Actor) {
    let app = TestApp::start().await;
    let user = app.user("alice").await;
    (app, user)
}
