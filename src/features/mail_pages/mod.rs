//! `/confirm` and `/reset`: the pages that our mails link to, and an address to ask for a new password. Always on.
//!
//! The token is in the link's fragment, which a browser sends to no server and in no `Referer`. The script takes it out of the
//! address bar and the history, keeps it in memory, and sends it once, in the body of a POST. A mail scanner that opens the link
//! uses nothing up. The page's policy is in `security/browser/headers.rs`: nothing inline, nothing from elsewhere. Without the script the
//! forms are hidden, and no form can put a password into an address (`form-action 'none'`).

use actix_web::HttpResponse;

use crate::security::browser::headers;

/// `GET /confirm`
pub async fn confirm() -> HttpResponse {
    headers::page(include_str!("confirm.html"))
}

/// `GET /reset`
pub async fn reset() -> HttpResponse {
    headers::page(include_str!("reset.html"))
}

/// `GET /mail-page.css`
pub async fn style() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/css; charset=utf-8")
        .body(concat!(include_str!("../palette.css"), include_str!("page.css")))
}

/// `GET /mail-page.js`
pub async fn script() -> HttpResponse {
    HttpResponse::Ok().content_type("text/javascript; charset=utf-8").body(include_str!("page.js"))
}

/// `GET /icon.svg`, of every page of ours.
pub async fn icon() -> HttpResponse {
    HttpResponse::Ok().content_type("image/svg+xml").body(include_str!("icon.svg"))
}
