//! Accounts and sessions: join, sign in, stay signed in, sign out, get back in.
//!
//! Threats: learning who has an account (one answer, the same work, everything else by mail); guessing passwords
//! (`security/authentication/login_throttling`); stolen refresh tokens (`security/sessions/refresh_tokens`); sessions that outlive their reason
//! (`security/sessions/revocations`); planted sessions (sign-in ends the one that came along).
//!
//! Not stopped: somebody registers a stranger's address, and the stranger follows the link in the mail although he asked for
//! nothing. The account then has the other's password until the owner of the address asks for a new one, which ends every session.

pub mod handlers;
pub mod mail;
pub mod model;
pub mod session_store;
pub mod store;
pub mod views;
