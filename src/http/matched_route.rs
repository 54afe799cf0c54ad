//! The pattern of the matched route. Logs, metrics and idempotency keys use it in place of the requested path, which
//! the client chooses.

use std::sync::Arc;

use actix_web::{HttpMessage, HttpRequest};

/// The pattern of the route that matches a request. The first look-up stores it in the request, because each look-up
/// compares the path with all routes.
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
