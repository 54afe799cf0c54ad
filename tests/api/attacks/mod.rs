//! The abuser's part, by the OWASP API Security Top 10 (2023). Each test asserts the whole refusal, that nothing changed, and
//! the security event that it left.

mod alerts; // API7, API10
mod amounts; // API3, API6
mod audit_archive; // API8
mod audit_trail; // API8
mod authentication; // API2
mod breached_passwords; // API2, API10
mod business; // API1, API3, API6
mod connections; // API4
mod cors; // API8
mod credit_notes; // API1, API6
mod csrf; // API8
mod device_cookies; // API2
mod each_rule; // API1, API2, API4
mod errors; // API8
mod export; // API3, API4
mod forwarded;
mod full_disk; // API4
mod function_level; // API5
mod headers; // API8
mod history; // API1, API3
mod invisible_text; // API8
mod key_rotation; // API2, API8
mod live; // API1, API4, API5
mod login_challenge; // API2, API4
mod login_throttling; // API2
mod logout;
mod logs; // API8
mod mail_budgets; // API6
mod mass_assignment; // API3
mod metrics; // API8, API9
mod object_level; // API1
mod outbound; // API7, API10
mod password_resets; // API2
mod passwords; // API2
mod pdf; // API4, API8
mod rate_limits; // API4
mod refusal_texts;
mod registration; // API2
mod resources; // API4
mod row_quotas; // API4
mod rules; // API1, API2
mod sealing; // API8
mod security_events; // API1, API8
mod session_liveness;
mod sessions; // API2
mod traces; // API8
mod transactions;
mod transport; // API8
mod uploads; // API4, API8
