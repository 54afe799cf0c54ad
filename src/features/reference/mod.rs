//! `/docs`: the OpenAPI document as an HTML page with forms to send requests.
//!
//! XSS (CWE-79): every text of the page is escaped.
//! The Content Security Policy in `security/browser/headers.rs` forbids inline code and code of other origins.
//!
//! The page stores the access token only in memory.
//! The page neither sends nor stores cookies. So a login on this page does not change the user of an open console.

pub mod docs;
mod html;
mod models;
mod render;

use actix_web::web::{Bytes, Data};
use serde_json::Value;

use crate::config::Profile;
use crate::http::file_reply::{Css, File, Html, JavaScript, JsonFile};
use crate::security::browser::headers;

#[derive(Clone)]
pub struct Page(Bytes);

impl Page {
    /// `order` contains the method (in lower case) and the path of each served operation.
    #[must_use]
    pub fn of(document: &Value, order: &[(String, &str)], profile: Profile) -> Self {
        Self(render::page(document, order, profile).into())
    }
}

pub async fn page(page: Data<Page>) -> File<Html> {
    headers::page(page.0.clone())
}

pub async fn style() -> File<Css> {
    File::new(concat!(include_str!("../palette.css"), include_str!("page.css")))
}

pub async fn script() -> File<JavaScript> {
    File::new(include_str!("page.js"))
}

#[derive(Clone)]
pub struct Document(Bytes);

impl Document {
    pub fn of(document: &Value) -> Result<Self, serde_json::Error> {
        Ok(Self(serde_json::to_vec(document)?.into()))
    }
}

pub async fn document(document: Data<Document>) -> File<JsonFile> {
    File::new(document.0.clone())
}
