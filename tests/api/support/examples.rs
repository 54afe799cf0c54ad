//! The requests in the examples of the OpenAPI document, which work with the demo data.
//! Tests change one value and send the request, so they also cover operations that are added later.

use std::sync::LazyLock;

use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use strongroom::app::openapi;
use strongroom::app::routes::{Access, table};
use strongroom::features::demo::{self, DemoServices};
use strongroom::security::audit::context::background;

use super::files::pdf;
use super::form::Form;
use super::reply::Reply;
use super::{Actor, TestApp};

/// The placeholder for the demo password in the examples, as JSON text.
const DEMO_PASSWORD: &str = "\"printed by cargo run\"";

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(&openapi::text().unwrap()).unwrap());

pub struct Demo {
    pub app: TestApp,
    pub anna: Actor,
    pub root: Actor,
}

impl Demo {
    /// Starts the service, and signs in Anna and the administrator.
    pub async fn start() -> Self {
        let app = TestApp::start().await;
        let passwords = app.services().settings.secrets.demo_passwords.clone().unwrap();
        let demo = Self::create_missing(&app).await.expect("demo users");
        app.services().demo_accounts.publish(&demo);
        let anna = Actor::sign_in(&app.anonymous(), "anna@demo.example", passwords[0].expose_secret()).await;
        let root = Actor::sign_in(&app.anonymous(), "root@demo.example", passwords[2].expose_secret()).await;
        Self { app, anna, root }
    }

    /// Creates missing demo data, as each start does. Returns `None` if the demo users cannot log in.
    pub async fn create_missing(app: &TestApp) -> Option<demo::Demo> {
        let passwords = app.services().settings.secrets.demo_passwords.clone().unwrap();
        let mut owner = app.owner().await;
        let services = DemoServices { recorder: app.services().recorder.clone(), ..app.replica().demo_services() };
        let created = demo::create_missing(&services, Some(&mut owner), &passwords);
        background(&services.recorder, created).await.unwrap()
    }

    /// Returns the actor for operations with this access.
    pub fn actor(&self, access: Access) -> &Actor {
        if access == Access::Admin { &self.root } else { &self.anna }
    }

    pub async fn send(&self, example: &Example) -> Reply {
        self.send_as(self.actor(example.access), example).await
    }

    pub async fn send_as(&self, actor: &Actor, example: &Example) -> Reply {
        let request = match example.access {
            Access::SignedIn | Access::TokenOrCookie | Access::Admin => {
                actor.request(example.method.clone(), &example.target())
            }
            Access::Public | Access::Cookie | Access::Ticket => {
                actor.client.request(example.method.clone(), &example.target())
            }
        };
        let headers = example.headers.iter();
        let request = headers.fold(request, |request, (name, value)| request.header(name, value));
        match &example.body {
            Body::None => request,
            Body::Json(body) => request
                .body("application/json", body.to_string().replace(DEMO_PASSWORD, &json!(actor.password).to_string())),
            Body::Form(parts) => {
                let form = Form::default().file("terms.pdf", "application/pdf", &pdf(""));
                request.form(parts.iter().fold(form, |form, (name, text)| form.text(name, text)))
            }
        }
        .send()
        .await
    }
}

#[derive(Clone)]
pub struct Example {
    pub id: String,
    pub method: Method,
    /// The path with the placeholder `{id}`.
    pub path: &'static str,
    pub access: Access,
    pub object: String,
    pub query: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
    pub body: Body,
    pub operation: Value,
}

#[derive(Clone)]
pub enum Body {
    None,
    Json(Value),
    /// The parts of a form other than the file.
    Form(Vec<(String, String)>),
}

/// A value that a client chooses.
pub struct Field {
    place: Place,
    /// The pointer in the errors of a 400: `/lines/0/quantity`, `/limit`, `/If-Match`.
    pub pointer: String,
    pub schema: Value,
    pub example: Value,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Query,
    Header,
    Json,
    Form,
}

impl Field {
    /// Returns whether the example of the field is an id.
    pub fn is_id(&self) -> bool {
        self.example.as_str().is_some_and(|text| text.parse::<uuid::Uuid>().is_ok())
    }

    pub fn is_header(&self) -> bool {
        self.place == Place::Header
    }

    pub fn query_name(&self) -> Option<&str> {
        (self.place == Place::Query).then(|| &self.pointer[1..])
    }
}

impl Example {
    /// Returns the example request of every operation, with all optional values except a cursor.
    pub fn all() -> Vec<Self> {
        table().into_iter().map(|row| Self::new(row.method.as_str(), row.path, row.access)).collect()
    }

    fn new(method: &str, path: &'static str, access: Access) -> Self {
        let operation = DOCUMENT["paths"][path][method.to_lowercase()].clone();
        let id = operation["operationId"].as_str().unwrap().to_owned();
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let content = operation["requestBody"]["content"].as_object();
        let body = match content.and_then(|media| media.iter().next()) {
            None => Body::None,
            Some((kind, media)) if kind == "application/json" => Body::Json(media["example"].clone()),
            Some((kind, media)) if kind == "multipart/form-data" => {
                let parts = media["example"].as_object().unwrap().iter();
                Body::Form(parts.map(|(name, text)| (name.clone(), text.as_str().unwrap().to_owned())).collect())
            }
            Some((other, _)) => panic!("{id}: add code that sends a body of {other}"),
        };
        let (object, query, headers) = (String::new(), Vec::new(), Vec::new());
        let mut example = Self { id, method, path, access, object, query, headers, body, operation };
        for parameter in example.operation["parameters"].as_array().cloned().into_iter().flatten() {
            let (name, value) = (parameter["name"].as_str().unwrap().to_owned(), text(&parameter["example"]));
            match parameter["in"].as_str().unwrap() {
                "path" => example.object = value,
                "query" if name == "cursor" => {}
                "query" => example.query.push((name, value)),
                "header" => example.headers.push((name, value)),
                other => panic!("{}: add code that sends a parameter in {other}", example.id),
            }
        }
        example
    }

    fn target(&self) -> String {
        let path = self.path.replace("{id}", &self.object);
        match self.query.is_empty() {
            true => path,
            false => format!("{path}?{}", serde_urlencoded::to_string(&self.query).unwrap()),
        }
    }

    pub fn is_paged(&self) -> bool {
        self.fields().iter().any(|field| field.query_name() == Some("cursor"))
    }

    /// Returns all values of the request except the id in its path.
    pub fn fields(&self) -> Vec<Field> {
        let mut fields = Vec::new();
        for parameter in self.operation["parameters"].as_array().into_iter().flatten() {
            let place = match parameter["in"].as_str().unwrap() {
                "query" => Place::Query,
                "header" => Place::Header,
                _ => continue,
            };
            let pointer = format!("/{}", parameter["name"].as_str().unwrap());
            let (schema, example) = (parameter["schema"].clone(), parameter["example"].clone());
            fields.push(Field { place, pointer, schema, example });
        }
        let content = self.operation["requestBody"]["content"].as_object();
        if let Some((kind, media)) = content.and_then(|media| media.iter().next()) {
            let place = if kind == "application/json" { Place::Json } else { Place::Form };
            collect(place, "", &media["schema"], &media["example"], &mut fields);
        }
        fields
    }

    pub fn with(&self, field: &Field, value: &Value) -> Self {
        let (mut changed, name) = (self.clone(), &field.pointer[1..]);
        let put = |values: &mut Vec<(String, String)>| {
            values.retain(|(other, _)| other != name);
            values.push((name.to_owned(), text(value)));
        };
        match (field.place, &mut changed.body) {
            (Place::Query, _) => put(&mut changed.query),
            (Place::Header, _) => put(&mut changed.headers),
            (_, Body::Form(parts)) => put(parts),
            (_, Body::Json(body)) => {
                let (parent, name) = field.pointer.rsplit_once('/').unwrap();
                body.pointer_mut(parent).unwrap()[name] = value.clone();
            }
            (_, Body::None) => unreachable!("a field of a body"),
        }
        changed
    }
}

/// Collects the fields of a schema and of the items in its lists.
fn collect(place: Place, pointer: &str, schema: &Value, example: &Value, fields: &mut Vec<Field>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let schema = DOCUMENT.pointer(reference.trim_start_matches('#')).unwrap();
        return collect(place, pointer, schema, example, fields);
    }
    if !pointer.is_empty() {
        fields.push(Field { place, pointer: pointer.to_owned(), schema: schema.clone(), example: example.clone() });
    }
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        collect(place, &format!("{pointer}/{name}"), schema, &example[name], fields);
    }
    if let Some(items) = schema.get("items").filter(|items| items.get("$ref").is_some()) {
        let item = example.get(0).unwrap_or_else(|| panic!("{pointer}: its example needs an item"));
        let mut inner = Vec::new();
        collect(place, &format!("{pointer}/0"), items, item, &mut inner);
        // The first field is the item of the list itself, which has no bounds.
        fields.extend(inner.into_iter().skip(1));
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Returns the example of the body with this schema.
pub fn body_of(schema: &str) -> Value {
    let reference = json!({"$ref": format!("#/components/schemas/{schema}")});
    let mut bodies =
        DOCUMENT["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values());
    let content = |operation: &Value| operation["requestBody"]["content"]["application/json"].clone();
    let found = bodies.find(|operation| content(operation)["schema"] == reference);
    content(found.unwrap_or_else(|| panic!("no operation takes {schema}")))["example"].clone()
}
