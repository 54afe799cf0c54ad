//! Contract tests: rules for the sources, the route table, all SQL statements and the database catalogue.

mod cycles;
mod database_walls;
mod deletions;
mod development;
mod examples;
mod layers;
mod list_plans;
mod login_plans;
mod many_rows;
mod migrations;
pub mod monitoring;
mod openapi;
mod owner_reads;
mod plain_language;
mod practice_index;
pub mod project_files;
mod refusals;
mod requests_http;
mod routes;
mod service_role;
mod setting_names;
mod sql_scope;
mod statement_counts;
