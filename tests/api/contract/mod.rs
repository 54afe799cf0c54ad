//! What holds for everything, walked from data: the tree, the route table, the checked statements, the catalogue.

mod cycles;
mod database_walls;
mod examples;
mod floors;
mod migrations;
mod million_rows;
pub mod monitoring;
mod openapi;
mod project_files;
mod requests_http;
mod routes;
mod service_role;
mod sql_scope;
