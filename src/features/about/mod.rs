//! What the service says of itself: what its refusals mean, whom to tell of a hole, the public keys of its tokens.

pub mod handlers;
mod problems;
