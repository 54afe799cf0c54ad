//! The pattern of the matched route, for logs, metrics and idempotency keys. The client chooses the requested path.

use std::sync::Arc;

use actix_web::{HttpMessage, HttpRequest};

/// A route pattern. The request stores it, because a search compares the path with all routes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct MatchedRoute(Option<Arc<str>>);

impl MatchedRoute {
    #[must_use]
    pub fn of(request: &HttpRequest) -> Self {
        if let Some(known) = request.extensions().get::<Self>() {
            return known.clone();
        }
        let route = Self(request.match_pattern().map(Arc::from));
        request.extensions_mut().insert(route.clone());
        route
    }

    /// Returns the pattern, or `None` if no route matches.
    #[must_use]
    pub fn known(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// Returns the pattern, or `-` if no route matches.
    #[must_use]
    pub fn name(&self) -> &str {
        self.known().unwrap_or("-")
    }
}
