//! A user in a test, with an account and a session in the service.

use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Client, Request};
use super::form::Form;
use super::wait;
use super::{Reply, TestApp};

pub const PASSWORD: &str = "correct horse battery 9";

pub struct Actor {
    pub email: String,
    pub password: String,
    pub token: String,
    pub cookie: String,
    /// The device cookie, as `name=value`.
    pub device: String,
    pub client: Client,
}

impl Actor {
    /// Registers a user, confirms the registration with the token in the mail, and signs in.
    pub async fn sign_up(app: &TestApp, name: &str) -> Self {
        Self::sign_up_from(app, &app.anonymous(), name).await
    }

    pub async fn sign_up_from(app: &TestApp, client: &Client, name: &str) -> Self {
        app.wait_until_listening().await;
        let email = format!("{name}@example.com");
        register(client, &email).await.ok(202);
        confirm(client, &mail_token(app, &email).await, PASSWORD, name).await.ok(204);
        Self::sign_in(client, &email, PASSWORD).await
    }

    pub async fn sign_in(client: &Client, email: &str, password: &str) -> Self {
        let reply = try_sign_in(client, email, password).await.ok(200);
        Self {
            email: email.to_owned(),
            password: password.to_owned(),
            token: reply.json()["access_token"].as_str().unwrap().to_owned(),
            cookie: refresh_cookie(&reply).expect("a refresh cookie"),
            device: device_cookie(&reply).expect("a device's cookie"),
            client: client.clone(),
        }
    }

    /// Creates an actor without a session.
    pub fn anonymous(app: &TestApp) -> Self {
        let empty = String::new;
        Self {
            email: empty(),
            password: empty(),
            token: empty(),
            cookie: empty(),
            device: empty(),
            client: app.anonymous(),
        }
    }

    pub fn request(&self, method: Method, path: &str) -> Request {
        self.client.request(method, path).bearer(&self.token)
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.request(Method::GET, path).send().await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        self.request(Method::POST, path).json(body).send().await
    }

    pub async fn put(&self, path: &str, version: &str, body: &Value) -> Reply {
        self.request(Method::PUT, path).header("if-match", version).json(body).send().await
    }

    pub async fn patch(&self, path: &str, version: &str, body: &Value) -> Reply {
        self.request(Method::PATCH, path).header("if-match", version).json(body).send().await
    }

    pub async fn delete(&self, path: &str, version: &str) -> Reply {
        self.request(Method::DELETE, path).header("if-match", version).send().await
    }

    /// Refreshes the session, with the headers of a page of the service.
    pub async fn refresh(&self, app: &TestApp, cookie: &str) -> Reply {
        refresh(app, &self.client, cookie).await
    }

    pub async fn customer(&self) -> String {
        let customer = json!({"name": "Acme Ltd", "email": "billing@acme.example", "default_currency": "EUR"});
        let reply = self.post("/api/v1/customers", &customer).await.ok(201);
        reply.json()["id"].as_str().unwrap().to_owned()
    }

    pub async fn document(&self) -> String {
        let reply = self.upload(Form::valid()).await.ok(201);
        reply.json()["id"].as_str().unwrap().to_owned()
    }

    pub async fn upload(&self, form: Form) -> Reply {
        self.request(Method::POST, "/api/v1/documents").form(form).send().await
    }

    /// Creates a draft invoice with a new customer.
    pub async fn invoice(&self) -> String {
        let customer = self.customer().await;
        let reply = self.post("/api/v1/invoices", &draft(&customer)).await.ok(201);
        reply.json()["id"].as_str().unwrap().to_owned()
    }

    /// Creates a credit note on a new invoice.
    pub async fn credit_note(&self) -> String {
        let invoice = format!("/api/v1/invoices/{}", self.invoice().await);
        let issue = self.request(Method::POST, &format!("{invoice}/issue")).header("if-match", "\"1\"");
        issue.send().await.ok(200);
        let reply = self.post(&format!("{invoice}/credit-notes"), &json!({})).await.ok(201);
        reply.json()["id"].as_str().unwrap().to_owned()
    }
}

pub fn draft(customer: &str) -> Value {
    json!({
        "customer_id": customer,
        "currency": "EUR",
        "due_date": "2030-01-31",
        "lines": [
            {"description": "Consulting", "quantity": "1.5", "unit_price": "100.00", "tax_rate": "21"},
            {"description": "Travel", "quantity": "1", "unit_price": "49.99", "tax_rate": "0"}
        ]
    })
}

pub fn payment(amount: i64) -> Value {
    json!({"amount": amount, "paid_on": "2026-11-20", "method": "bank_transfer", "reference": "INV-2026-0001"})
}

pub async fn register(client: &Client, email: &str) -> Reply {
    client.request(Method::POST, "/api/v1/auth/register").json(&json!({"email": email})).send().await
}

pub async fn confirm(client: &Client, token: &str, password: &str, name: &str) -> Reply {
    let body = json!({"token": token, "password": password, "display_name": name});
    client.request(Method::POST, "/api/v1/auth/confirm").json(&body).send().await
}

pub async fn try_sign_in(client: &Client, email: &str, password: &str) -> Reply {
    let body = json!({"email": email, "password": password});
    client.request(Method::POST, "/api/v1/auth/login").json(&body).send().await
}

pub async fn try_sign_in_with(client: &Client, email: &str, password: &str, cookie: &str) -> Reply {
    let body = json!({"email": email, "password": password});
    client.request(Method::POST, "/api/v1/auth/login").header("cookie", cookie).json(&body).send().await
}

pub async fn refresh(app: &TestApp, client: &Client, cookie: &str) -> Reply {
    client
        .request(Method::POST, "/api/v1/auth/refresh")
        .header("origin", &app.services().settings.http.public_url)
        .header("x-strongroom-csrf", "1")
        .header("cookie", format!("__Host-refresh={cookie}"))
        .send()
        .await
}

pub fn refresh_cookie(reply: &Reply) -> Option<String> {
    let line = reply.header("set-cookie")?;
    let value = line.strip_prefix("__Host-refresh=")?.split(';').next()?;
    Some(value.to_owned()).filter(|value| !value.is_empty())
}

/// Returns the device cookie of a reply, as `name=value`.
pub fn device_cookie(reply: &Reply) -> Option<String> {
    let lines = reply.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
    let line = lines.into_iter().find(|line| line.starts_with("__Host-device="))?;
    Some(line.split(';').next()?.to_owned())
}

pub async fn mail_token(app: &TestApp, email: &str) -> String {
    token_in(&newest_mail(app, email).await)
}

/// Waits for a password reset mail with a token other than `old`.
pub async fn reset_token(app: &TestApp, email: &str, old: &str) -> String {
    wait::until_some("a password reset mail", async || {
        let mails = mails(app, email);
        let newest = mails.iter().rev().find(|mail| mail.contains("/reset#"))?;
        Some(token_in(newest)).filter(|token| token != old)
    })
    .await
}

pub fn token_in(mail: &str) -> String {
    let start = mail.find("#token=").expect("a link with a token") + "#token=".len();
    mail[start..].chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect()
}

/// Waits for a mail to this address, and returns the newest one.
pub async fn newest_mail(app: &TestApp, email: &str) -> String {
    wait::until_some("a mail", async || mails(app, email).pop()).await
}

/// Returns all mails to this address, oldest first. Each replica has its own mail folder.
pub fn mails(app: &TestApp, email: &str) -> Vec<String> {
    let folders = app.database.state_dirs().into_iter();
    let mut mails: Vec<_> = folders
        .filter_map(|folder| std::fs::read_dir(folder.join("mail")).ok())
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            // Skip files with other endings, because the service is still writing them.
            entry.path().extension().filter(|ending| *ending == "eml")?;
            let text = std::fs::read_to_string(entry.path()).ok()?;
            // Quoted-printable breaks long lines and escapes `=`.
            let text = text.replace("=\r\n", "").replace("=3D", "=");
            text.contains(&format!("To: {email}")).then(|| (entry.metadata().unwrap().modified().unwrap(), text))
        })
        .collect();
    mails.sort();
    mails.into_iter().map(|(_, text)| text).collect()
}
