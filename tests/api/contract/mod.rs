//! What holds for everything, walked from data: the tree, the route table, the checked statements, the catalogue.

mod database_walls;
mod floors;
mod openapi;
mod project_files;
mod routes;
mod sql_scope;
