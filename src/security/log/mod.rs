//! Security events: one typed vocabulary ([`event`]), and the events of refusals ([`refusals`]).

pub mod event;
pub mod refusals;
