//! Integers and quantities that the API accepts in bodies.

use serde_json::{Value, json};
use strongroom::app::openapi;

use crate::support::TestApp;
use crate::support::actor::draft;
use crate::support::operations::{References, operations};

fn document() -> Value {
    serde_json::from_str(&openapi::text().unwrap()).unwrap()
}

/// JSON Schema accepts `172.0` as an integer. Some languages write integers in this form.
#[actix_web::test]
async fn integral_double_is_accepted_as_integer_and_a_fraction_is_refused() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let document = document();
    let (references, mut fields) = (References::of(&alice).await, 0);
    for operation in operations() {
        let Some(mut fits) = operation.valid_body(&references) else { continue };
        // The test sets the discount amount, and a draft with an amount must have no rate.
        if let Some(rate) = fits.get_mut("discount_rate") {
            *rate = Value::Null;
        }
        for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
            let line = operation.body.as_deref() == Some("InvoiceDraft") && name == "NewLine";
            if operation.body.as_deref() != Some(name) && !line {
                continue;
            }
            for (field, property) in schema["properties"].as_object().unwrap() {
                if !property["type"].to_string().contains("\"integer\"") {
                    continue;
                }
                fields += 1;
                let send = async |value: f64| {
                    let mut body = fits.clone();
                    if line {
                        body["lines"][0][field] = json!(value)
                    } else {
                        body[field] = json!(value)
                    }
                    let id = match operation.is_on_object() {
                        true => operation.make_object(&alice).await,
                        false => String::new(),
                    };
                    operation.request_to(&alice, &id).header("if-match", "\"1\"").json(&body).send().await
                };
                let reply = send(172.0).await;
                assert_ne!(reply.status.as_u16(), 400, "{field} of {}: {}", operation.path, reply.text());
                let pointer = if line { format!("/lines/0/{field}") } else { format!("/{field}") };
                send(172.5).await.assert_invalid_field(&pointer);
                send(9_007_199_254_740_994.0).await.assert_invalid_field(&pointer);
            }
        }
    }
    assert!(fields >= 3, "{fields}");
}

/// A quantity must be above zero.
#[actix_web::test]
async fn quantity_of_zero_is_refused_by_the_service_and_by_the_schema() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let customer = alice.customer().await;
    for quantity in ["0", "0.0", "000.000"] {
        let mut body = draft(&customer);
        body["lines"][0]["quantity"] = json!(quantity);
        alice.post("/api/v1/invoices", &body).await.assert_invalid_field("/lines/0/quantity");
    }
    // A look-ahead (ECMA-262) requires a digit above zero.
    let pattern = &document()["components"]["schemas"]["NewLine"]["properties"]["quantity"]["pattern"];
    assert!(pattern.as_str().unwrap().starts_with("^(?=.*[1-9])"), "{pattern}");
}
