//! The route table with what the OpenAPI document adds to it, so that attacks on all bodies, all ids or all versions are walks:
//! tomorrow's row is attacked too.

use reqwest::Method;
use serde_json::{Value, json};
use strongroom::app::openapi;
use strongroom::app::routes::{Access, table};
use strongroom::security::limits::body_limits::BodyLimit;

use super::Actor;
use super::actor::{PASSWORD, draft, payment};
use super::client::Request;
use super::form::Form;

/// One row of the table.
pub struct Operation {
    pub method: Method,
    pub path: &'static str,
    pub access: Access,
    /// The name of its body's schema.
    pub body: Option<String>,
    /// Whether its body is a form.
    pub takes_form: bool,
    /// Whether it asks for `If-Match`.
    pub takes_version: bool,
}

/// Every row.
pub fn operations() -> Vec<Operation> {
    let document: Value = serde_json::from_str(&openapi::text().unwrap()).unwrap();
    let rows = table().into_iter().map(|row| {
        let told = &document["paths"][row.path][row.method.as_str().to_lowercase()];
        let schema = told["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str();
        let parameters = told["parameters"].as_array().cloned().unwrap_or_default();
        Operation {
            method: Method::from_bytes(row.method.as_str().as_bytes()).unwrap(),
            path: row.path,
            access: row.access,
            body: schema.map(|schema| schema.rsplit('/').next().unwrap().to_owned()),
            takes_form: matches!(row.body, BodyLimit::Form(_)),
            takes_version: parameters.iter().any(|parameter| parameter["name"] == "If-Match"),
        }
    });
    rows.collect()
}

/// Those of administrators.
pub fn for_administrators() -> Vec<Operation> {
    operations().into_iter().filter(|operation| operation.access == Access::Admin).collect()
}

/// Every operation with a JSON body, an object of this actor's for it, and a body that fits.
pub async fn with_bodies(actor: &Actor) -> Vec<(Operation, String, Value)> {
    let customer = actor.customer().await;
    let mut all = Vec::new();
    for operation in operations() {
        let Some(body) = operation.body_that_fits(&customer) else { continue };
        let id = if operation.is_on_an_object() { make(actor, operation.collection()).await } else { String::new() };
        all.push((operation, id, body));
    }
    assert!(all.len() >= 12, "the walk has something to walk on");
    all
}

impl Operation {
    /// A request to this id, with the actor's token where one is asked for.
    pub fn to(&self, actor: &Actor, id: &str) -> Request {
        let path = self.path.replace("{id}", id);
        match self.access {
            Access::Public | Access::Cookie | Access::Ticket => actor.client.request(self.method.clone(), &path),
            Access::SignedIn | Access::Admin | Access::TokenOrCookie => actor.request(self.method.clone(), &path),
        }
    }

    /// Whether it is on one object of the caller's, by its id. Administrators' are on everybody's.
    pub fn is_on_an_object(&self) -> bool {
        self.access == Access::SignedIn && self.path.contains("{id}")
    }

    /// The path of the list that the object named by the id is in.
    pub fn collection(&self) -> &'static str {
        self.path.split("/{id}").next().unwrap()
    }

    /// Sent by this actor to this id, with a body that fits if it takes one.
    pub fn by(&self, actor: &Actor, id: &str, customer: &str) -> Request {
        let request = actor.request(self.method.clone(), &self.path.replace("{id}", id));
        match self.body_that_fits(customer) {
            Some(body) => request.json(&body),
            None if self.takes_form => request.form(Form::sound()),
            None => request,
        }
    }

    /// A body that it takes, for an owner of this customer.
    pub fn body_that_fits(&self, customer: &str) -> Option<Value> {
        let token = "A".repeat(43);
        Some(match self.body.as_deref()? {
            "Register" | "RequestReset" => json!({"email": "carol@example.com"}),
            "ConfirmRegistration" => {
                json!({"token": token, "password": PASSWORD, "display_name": "Carol", "bio": "x"})
            }
            "Login" => json!({"email": "carol@example.com", "password": PASSWORD}),
            "ConfirmReset" => json!({"token": token, "new_password": PASSWORD}),
            "UpdateProfile" => json!({"display_name": "Carol", "bio": "x"}),
            "DeleteAccount" => json!({"password": PASSWORD}),
            "ChangePassword" => json!({"current_password": PASSWORD, "new_password": "another good passphrase"}),
            "NewCustomer" | "UpdateCustomer" => json!({
                "name": "Other", "email": "a@other.example", "address": "1 Road", "tax_id": "NL1", "default_currency": "EUR"
            }),
            "InvoiceDraft" => draft(customer),
            "IssueInvoice" => json!({"issue_date": null}),
            "ReplaceBusiness" => json!({
                "name": "Other", "address": "1 Road", "country": "NL", "vat_id": "NL1", "registration": "KvK 1",
                "iban": "NL91ABNA0417164300", "bic": "ABNANL2A", "time_zone": "UTC", "payment_terms_days": 14
            }),
            "NewPayment" => payment(1),
            "NewCreditNote" => json!({"reason": "x", "lines": [{"line": 1, "amount": 1}, {"line": 2}]}),
            "UpdateDocument" => json!({"title": "Other", "invoice_id": null}),
            other => panic!("say what fits into a {other}"),
        })
    }
}

/// Makes an object of the list at this path for this actor, and says its id.
pub async fn make(actor: &Actor, collection: &str) -> String {
    match collection {
        "/api/v1/customers" => actor.customer().await,
        "/api/v1/invoices" => actor.invoice().await,
        "/api/v1/credit-notes" => actor.credit_note().await,
        "/api/v1/documents" => actor.document().await,
        "/api/v1/auth/sessions" => {
            let elsewhere = Actor::sign_in(&actor.client, &actor.email, &actor.password).await;
            let sessions = elsewhere.get(collection).await.ok(200).json();
            let current = sessions["items"].as_array().unwrap().iter().find(|one| one["current"] == true).unwrap();
            current["id"].as_str().unwrap().to_owned()
        }
        other => panic!("say how an object of {other} is made"),
    }
}
