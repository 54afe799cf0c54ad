//! Invoice numbers (CWE-639, CWE-203): the database function that assigns them checks the owner of the invoice.

use sqlx::{Connection, PgConnection};
use strongroom::base::id::UserId;
use strongroom::db::OwnerTx;
use strongroom::features::invoices::id::InvoiceId;
use uuid::Uuid;

use super::{id_of, invoice_and_customer, new_invoice, refusal, run};
use crate::support::TestApp;
use crate::support::database::Role;

async fn number(app: &TestApp, owner: Uuid, invoice: Uuid) -> Option<String> {
    let mut change = OwnerTx::begin(&app.replica().pool, UserId::from(owner)).await.unwrap();
    let number = sqlx::query_scalar("select assign_invoice_number($1, '2026-11-23')")
        .bind(InvoiceId::from(invoice).uuid())
        .fetch_one(change.connection())
        .await
        .unwrap();
    change.commit().await.unwrap();
    number
}

/// The function is SECURITY DEFINER and bypasses row-level security, so it must check the owner itself.
#[actix_web::test]
async fn security_definer_function_numbers_no_foreign_invoice() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let (invoice, _) = invoice_and_customer(&bob).await;
    let alice = id_of(&alice).await;
    let before = app.digest_all().await;
    assert_eq!(number(&app, alice, invoice).await, None);
    assert_eq!(number(&app, alice, Uuid::new_v4()).await, None);
    let without_owner: Option<String> = sqlx::query_scalar("select assign_invoice_number($1, '2026-11-23')")
        .bind(invoice)
        .fetch_one(&app.replica().pool)
        .await
        .unwrap();
    assert_eq!(without_owner, None);
    assert_eq!(app.digest_all().await, before);
}

/// Numbers that are unique across owners would disclose how many invoices other users have.
#[actix_web::test]
async fn invoice_numbers_are_counted_and_unique_per_owner() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let (alices_invoice, customer) = invoice_and_customer(&alice).await;
    let (bobs_invoice, _) = invoice_and_customer(&bob).await;
    let (alice, bob) = (id_of(&alice).await, id_of(&bob).await);
    assert_eq!(number(&app, alice, alices_invoice).await.as_deref(), Some("INV-2026-0001"));
    assert_eq!(number(&app, bob, bobs_invoice).await.as_deref(), Some("INV-2026-0001"));
    assert_eq!(number(&app, alice, alices_invoice).await, None, "an invoice number is assigned only once");
    let mut superuser = PgConnection::connect_with(&app.database.options(Role::Superuser)).await.unwrap();
    run(&mut superuser, new_invoice(alice, customer)).await.unwrap();
    let again = "update invoices set number = 'INV-2026-0001', issue_date = '2026-01-01' where number is null";
    let refused = refusal(run(&mut superuser, again.to_owned()).await);
    assert_eq!(refused, ("23505".to_owned(), Some("invoices_number_unique".to_owned())));
}
