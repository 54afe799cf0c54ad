//! The rows of the route table with details from the OpenAPI document, for tests of all bodies, ids or versions.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::{Value, json};
use strongroom::app::openapi;
use strongroom::app::routes::{Access, table};
use strongroom::features::object_kinds;
use strongroom::security::audit::objects::ObjectKind;
use strongroom::security::limits::body_limits::BodyLimit;
use uuid::Uuid;

use super::actor::PASSWORD;
use super::client::Request;
use super::form::Form;
use super::{Actor, examples};

pub struct Operation {
    pub method: Method,
    pub path: &'static str,
    pub access: Access,
    /// The schema of the body.
    pub body: Option<String>,
    pub takes_form: bool,
    pub takes_version: bool,
}

pub fn operations() -> Vec<Operation> {
    let document: Value = serde_json::from_str(&openapi::text().unwrap()).unwrap();
    let rows = table().into_iter().map(|row| {
        let operation = &document["paths"][row.path][row.method.as_str().to_lowercase()];
        let schema = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str();
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
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

pub fn for_administrators() -> Vec<Operation> {
    operations().into_iter().filter(|operation| operation.access == Access::Admin).collect()
}

/// Returns all operations with a JSON body, each with a valid body and the id of one of the actor's resources.
pub async fn with_bodies(actor: &Actor) -> Vec<(Operation, String, Value)> {
    let references = References::of(actor).await;
    let mut all = Vec::new();
    for operation in operations() {
        let Some(body) = operation.valid_body(&references) else { continue };
        let id = if operation.is_on_object() { make(actor, operation.collection()).await } else { String::new() };
        all.push((operation, id, body));
    }
    assert!(all.len() >= 12, "too few operations with bodies were found");
    all
}

impl Operation {
    /// Returns a request to the object with this id, with the actor's token if the operation requires one.
    pub fn request_to(&self, actor: &Actor, id: &str) -> Request {
        let path = self.path.replace("{id}", id);
        match self.access {
            Access::Public | Access::Cookie | Access::Ticket => actor.client.request(self.method.clone(), &path),
            Access::SignedIn | Access::Admin | Access::TokenOrCookie => actor.request(self.method.clone(), &path),
        }
    }

    /// Returns whether the path contains the id of a resource of the caller.
    pub fn is_on_object(&self) -> bool {
        self.access == Access::SignedIn && self.path.contains("{id}")
    }

    pub fn collection(&self) -> &'static str {
        self.path.split("/{id}").next().unwrap()
    }

    /// Returns a request with a valid body to the object with this id.
    pub fn request_by(&self, actor: &Actor, id: &str, references: &References) -> Request {
        let request = actor.request(self.method.clone(), &self.path.replace("{id}", id));
        match self.valid_body(references) {
            Some(body) => request.json(&body),
            None if self.takes_form => request.form(Form::valid()),
            None => request,
        }
    }

    /// Returns the example of the body, with the ids of `references`.
    pub fn valid_body(&self, references: &References) -> Option<Value> {
        let mut body = examples::body_of(self.body.as_deref()?);
        for (field, value) in body.as_object_mut().unwrap() {
            if let Some(id) = references.0.get(field) {
                *value = json!(id);
            }
            match field.as_str() {
                "password" | "current_password" => *value = json!(PASSWORD),
                // Not usable: the invoice is part of the demo data, and the issue date is more than 30 days ago.
                "invoice_id" | "issue_date" => *value = Value::Null,
                _ => {}
            }
        }
        Some(body)
    }

    /// Creates an object on which the operation succeeds, and returns its id.
    pub async fn make_object(&self, actor: &Actor) -> String {
        let id = make(actor, self.collection()).await;
        if self.method == Method::POST && (self.path.ends_with("/payments") || self.path.ends_with("/credit-notes")) {
            let issue = actor.request(Method::POST, &format!("{}/{id}/issue", self.collection()));
            issue.header("if-match", "\"1\"").send().await.ok(200);
        }
        id
    }
}

/// Fields of bodies such as `customer_id`, with the ids of existing objects.
pub struct References(BTreeMap<String, String>);

impl References {
    async fn in_bodies(actor: &Actor, operations: &[Operation]) -> Self {
        let mut ids = BTreeMap::new();
        for (field, kind) in references(operations) {
            ids.insert(field, Box::pin(make(actor, kind.collection)).await);
        }
        Self(ids)
    }

    pub async fn of(actor: &Actor) -> Self {
        Self::in_bodies(actor, &operations()).await
    }

    /// Returns ids that no object has.
    pub fn missing() -> Self {
        Self(references(&operations()).map(|(field, _)| (field, Uuid::new_v4().to_string())).collect())
    }
}

/// Returns the fields of the bodies that contain an id, with the kinds of the objects.
fn references(operations: &[Operation]) -> impl Iterator<Item = (String, ObjectKind)> {
    let bodies = operations.iter().filter_map(|operation| Some(examples::body_of(operation.body.as_deref()?)));
    let fields = bodies.flat_map(|body| body.as_object().unwrap().keys().cloned().collect::<Vec<_>>());
    fields.filter_map(|field| {
        // Skip `invoice_id`, because a document needs no invoice.
        let name = field.strip_suffix("_id").filter(|name| *name != "invoice")?;
        let kind = object_kinds().find(|kind| kind.name == name)?;
        Some((field, kind))
    })
}

/// Returns the paths of the caller's collections, such as `/api/v1/customers`.
pub fn collections() -> BTreeSet<&'static str> {
    operations().iter().filter(|operation| operation.is_on_object()).map(Operation::collection).collect()
}

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
        _ => make_from_example(actor, collection).await,
    }
}

async fn make_from_example(actor: &Actor, collection: &str) -> String {
    let mut create = operations();
    create.retain(|operation| operation.method == Method::POST && operation.path == collection);
    let references = References::in_bodies(actor, &create).await;
    let body = create.first().and_then(|create| create.valid_body(&references));
    let body = body.unwrap_or_else(|| panic!("add code that creates a resource in {collection}"));
    actor.post(collection, &body).await.ok(201).json()["id"].as_str().unwrap().to_owned()
}
