//! The pages `/confirm` and `/reset`, to which mails link. Users can also open `/reset` to change their password.
//!
//! The token is in the fragment of the link. Browsers send the fragment neither to a server nor in `Referer`.
//! The script keeps the token in memory, and removes it from the address bar and the history.
//! A mail scanner can open the link without using the token, because only a POST request uses the token.
//!
//! If the web console is enabled, its own views replace both pages. The views treat the token in the same way.
//!
//! The Content Security Policy in `security/browser/headers.rs` forbids inline code and code of other origins.
//! `form-action 'none'` prevents the browser from sending a password in a URL.

pub mod docs;

use actix_web::web::Data;

use crate::http::file_reply::{Css, File, Html, JavaScript, Svg};
use crate::security::browser::headers;

/// The page of the web console, which replaces both pages if the console is enabled.
pub struct ConsolePage(pub Option<String>);

pub async fn confirm(console: Data<ConsolePage>) -> File<Html> {
    page(include_str!("confirm.html"), &console)
}

pub async fn reset(console: Data<ConsolePage>) -> File<Html> {
    page(include_str!("reset.html"), &console)
}

fn page(html: &str, console: &ConsolePage) -> File<Html> {
    headers::page(console.0.clone().unwrap_or_else(|| format!("{}{html}", include_str!("head.html"))))
}

pub async fn style() -> File<Css> {
    File::new(concat!(include_str!("../palette.css"), include_str!("page.css")))
}

pub async fn script() -> File<JavaScript> {
    File::new(include_str!("page.js"))
}

pub async fn icon() -> File<Svg> {
    File::new(include_str!("icon.svg"))
}
