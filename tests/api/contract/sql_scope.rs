//! Owner-scoped queries (wall 2 against BOLA): every SQL statement on an owned table has the condition `owner_id = $n`.
//! The test parses all statements in `.sqlx/`.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use serde_json::Value;
use sqlparser::ast::{
    BinaryOperator, Delete, Expr, FromTable, Insert, JoinConstraint, JoinOperator, Query, Select, SetExpr, Statement,
    TableFactor, TableObject, TableWithJoins, Update, Value as Literal, Visit, Visitor,
};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

use crate::support::TestApp;

/// Statements that need no such condition, and the reason.
const EXCEPTIONS: [(&str, &str); 0] = [];

pub fn statements() -> Vec<String> {
    let entries = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".sqlx")).unwrap();
    let text = |path| -> Value { serde_json::from_slice(&fs::read(path).unwrap()).unwrap() };
    entries.map(|entry| text(entry.unwrap().path())["query"].as_str().unwrap().to_owned()).collect()
}

/// Returns the owned tables that a statement uses without a condition on the owner.
fn unscoped(owned: &[String], sql: &str) -> Vec<String> {
    // The parser does not support FOR NO KEY UPDATE. FOR UPDATE can replace it, because both read the same tables.
    let sql = &sql.replace("for no key update", "for update");
    // The parser also does not support the condition of a partial index, which contains no table.
    let sql = &sql.replace("where state = 'open' do update", "do update");
    let statements = Parser::parse_sql(&PostgreSqlDialect {}, sql).unwrap_or_else(|error| panic!("{error}: {sql}"));
    let mut check = Check { owned, faults: Vec::new() };
    let _ = statements.visit(&mut check);
    check.faults
}

struct Check<'a> {
    owned: &'a [String],
    faults: Vec<String>,
}

impl Visitor for Check<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.set(&query.body);
        ControlFlow::Continue(())
    }

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<()> {
        match statement {
            Statement::Update(Update { table, from, selection, .. }) => {
                let mut tables = vec![table.clone()];
                if let Some(from) = from {
                    let (sqlparser::ast::UpdateTableFromKind::BeforeSet(more)
                    | sqlparser::ast::UpdateTableFromKind::AfterSet(more)) = from;
                    tables.extend(more.clone());
                }
                self.block(&tables, selection.as_ref());
            }
            Statement::Delete(Delete { from, using, selection, .. }) => {
                let (FromTable::WithFromKeyword(tables) | FromTable::WithoutKeyword(tables)) = from;
                let mut tables = tables.clone();
                tables.extend(using.clone().unwrap_or_default());
                self.block(&tables, selection.as_ref());
            }
            Statement::Insert(Insert { table: TableObject::TableName(name), columns, .. }) => {
                let table = name.to_string();
                if self.owned.contains(&table) && !columns.iter().any(|column| column.to_string() == "owner_id") {
                    self.faults.push(format!("insert into {table}"));
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

impl Check<'_> {
    fn set(&mut self, body: &SetExpr) {
        match body {
            SetExpr::Select(select) => {
                let Select { from, selection, .. } = select.as_ref();
                self.block(from, selection.as_ref());
            }
            SetExpr::SetOperation { left, right, .. } => {
                self.set(left);
                self.set(right);
            }
            SetExpr::Insert(statement) | SetExpr::Update(statement) | SetExpr::Delete(statement) => {
                let _ = self.pre_visit_statement(statement);
            }
            _ => {}
        }
    }

    /// Checks a FROM clause. Each owned table in it needs its own condition: in the WHERE, or in the ON of its join.
    fn block(&mut self, tables: &[TableWithJoins], selection: Option<&Expr>) {
        let mut conditions = Vec::new();
        if let Some(selection) = selection {
            terms(selection, &mut conditions);
        }
        let mut owned = Vec::new();
        for table in tables {
            owned.extend(self.alias(&table.relation));
            for join in &table.joins {
                owned.extend(self.alias(&join.relation));
                if let JoinOperator::Inner(on)
                | JoinOperator::Join(on)
                | JoinOperator::Left(on)
                | JoinOperator::LeftOuter(on) = &join.join_operator
                    && let JoinConstraint::On(on) = on
                {
                    terms(on, &mut conditions);
                }
            }
        }
        for (name, alias) in &owned {
            if !conditions.iter().any(|condition| scopes(condition, alias, owned.len() == 1)) {
                self.faults.push(format!("{name} as {alias}"));
            }
        }
    }

    /// Returns the owned table of a FROM item, and its alias.
    fn alias(&self, factor: &TableFactor) -> Option<(String, String)> {
        let TableFactor::Table { name, alias, .. } = factor else { return None };
        let table = name.to_string();
        self.owned.contains(&table).then(|| {
            let alias = alias.as_ref().map_or_else(|| table.clone(), |alias| alias.name.value.clone());
            (table, alias)
        })
    }
}

/// Collects the terms of an AND. Terms of an OR do not count, because a row can match without them.
fn terms<'a>(condition: &'a Expr, found: &mut Vec<&'a Expr>) {
    match condition {
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            terms(left, found);
            terms(right, found);
        }
        Expr::Nested(inner) => terms(inner, found),
        other => found.push(other),
    }
}

/// Returns whether a condition is `alias.owner_id = $n`, in either order. Without other owned tables, the alias may be
/// missing.
fn scopes(condition: &Expr, alias: &str, alone: bool) -> bool {
    let Expr::BinaryOp { left, op: BinaryOperator::Eq, right } = condition else { return false };
    let column = |side: &Expr| match side {
        Expr::Identifier(name) => alone && name.value == "owner_id",
        Expr::CompoundIdentifier(path) => path.len() == 2 && path[0].value == alias && path[1].value == "owner_id",
        _ => false,
    };
    let parameter = |side: &Expr| matches!(side, Expr::Value(value) if matches!(&value.value, Literal::Placeholder(_)));
    (column(left) && parameter(right)) || (column(right) && parameter(left))
}

#[actix_web::test]
async fn every_statement_on_an_owned_table_is_scoped() {
    let owned = TestApp::start().await.owned_tables().await;
    let mut seen = 0;
    for sql in statements() {
        if EXCEPTIONS.iter().any(|(known, _)| *known == sql) {
            continue;
        }
        let faults = unscoped(&owned, &sql);
        assert!(faults.is_empty(), "{faults:?} without a condition on the owner in: {sql}");
        seen += usize::from(owned.iter().any(|table| sql.contains(table)));
    }
    assert!(seen >= 10, "only {seen} statements on owned tables were found: is .sqlx complete?");
}

#[::core::prelude::v1::test]
fn unscoped_statements_are_detected() {
    let owned = ["customers", "invoices", "invoice_lines"].map(str::to_owned);
    for hole in [
        "select id from invoices where id = $1",
        "select id from invoices where id = $1 or owner_id = $2",
        "select id from invoices where owner_id = owner_id",
        "select i.id from invoices i join customers c on c.id = i.customer_id where i.owner_id = $1",
        "select id from invoices where owner_id = $1 and customer_id in (select id from customers where name = $2)",
        "select (select count(*) from invoice_lines l where l.invoice_id = i.id) from invoices i where i.owner_id = $1",
        "update invoices set notes = $2 where id = $1",
        "delete from customers where id = $1",
        "insert into customers (id, name) values ($1, $2)",
        "with gone as (delete from invoices where id = $1 returning id) select id from gone",
        "select id from invoices where owner_id = $1 union select id from invoices",
    ] {
        assert!(!unscoped(&owned, hole).is_empty(), "the check did not detect: {hole}");
    }
    for scoped in [
        "select i.id from invoices i join customers c on c.owner_id = $1 and c.id = i.customer_id where i.owner_id = $1",
        "update invoices set notes = $2 where owner_id = $1 and id = $3",
        "insert into customers (id, owner_id, name) values ($1, $2, $3)",
        "select id from users where email = $1",
    ] {
        assert_eq!(unscoped(&owned, scoped), Vec::<String>::new(), "{scoped}");
    }
}
