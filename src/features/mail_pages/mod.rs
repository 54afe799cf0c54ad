//! The pages `/confirm` and `/reset`, to which mails link.
//! Users can also open `/reset` to request a link for changing their password.
//! No setting disables these pages, because the links in mails must always work.
//! Where the web console is on, it shows both pages instead, with the same rules for the token.
//!
//! The token is in the fragment of the link. Browsers send the fragment neither to a server nor in `Referer`.
//! The script keeps the token in memory, and removes it from the address bar and the history.
//! The script sends the token once, in the body of a POST request.
//! A mail scanner can open the link without using the token, because the scanner sends no POST request.
//!
//! The Content Security Policy in `security/browser/headers.rs` forbids inline code and code of other origins.
//! The forms are hidden without JavaScript, because only the script can send them.
//! `form-action 'none'` prevents the browser from sending a password in a URL.

pub mod docs;

use actix_web::web::Data;

use crate::http::file_reply::{Css, File, Html, JavaScript, Svg};
use crate::security::browser::headers;

/// The page of the web console, which replaces both pages where the console is on.
pub struct ConsolePage(pub Option<String>);

/// `GET /confirm`: returns the page that confirms a registration.
pub async fn confirm(console: Data<ConsolePage>) -> File<Html> {
    page(include_str!("confirm.html"), &console)
}

/// `GET /reset`: returns the page that resets the password.
pub async fn reset(console: Data<ConsolePage>) -> File<Html> {
    page(include_str!("reset.html"), &console)
}

fn page(html: &str, console: &ConsolePage) -> File<Html> {
    headers::page(console.0.clone().unwrap_or_else(|| format!("{}{html}", include_str!("head.html"))))
}

/// `GET /mail-page.css`: returns the style sheet of both pages.
pub async fn style() -> File<Css> {
    File::new(concat!(include_str!("../palette.css"), include_str!("page.css")))
}

/// `GET /mail-page.js`: returns the script of both pages.
pub async fn script() -> File<JavaScript> {
    File::new(include_str!("page.js"))
}

/// `GET /icon.svg`: returns the icon of all pages.
pub async fn icon() -> File<Svg> {
    File::new(include_str!("icon.svg"))
}
