//! The route that a request matched, as it stands in the table of routes: never the path that was typed.

use std::sync::Arc;

use actix_web::{HttpMessage, HttpRequest};

/// Found once a request: before a request is routed, actix asks one route after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct MatchedRoute(Option<Arc<str>>);

impl MatchedRoute {
    /// The route of this request.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Self {
        if let Some(known) = request.extensions().get::<Self>() {
            return known.clone();
        }
        let route = Self(request.match_pattern().map(Arc::from));
        request.extensions_mut().insert(route.clone());
        route
    }

    /// `None`: its path is in no route.
    #[must_use]
    pub fn known(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// For a text that must have something here: `-` for a path that is in no route.
    #[must_use]
    pub fn name(&self) -> &str {
        self.known().unwrap_or("-")
    }
}
