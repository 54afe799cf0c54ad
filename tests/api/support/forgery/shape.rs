//! Malformed tokens.

use serde_json::json;

use super::{Forger, Forgery};

/// Returns texts that a lenient parser would accept as a token, for example with too many parts.
pub fn shape(forger: &Forger<'_>) -> Vec<Forgery> {
    let token = forger.token;
    let [header, claims, signature] = <[&str; 3]>::try_from(token.split('.').collect::<Vec<_>>()).unwrap();
    vec![
        ("malformed: empty", String::new()),
        ("malformed: dots", "..".into()),
        ("malformed: four parts", format!("{token}.{signature}")),
        ("malformed: five parts, as of an encrypted token", format!("{token}.{claims}.{signature}")),
        ("malformed: a dot before it", format!(".{token}")),
        ("malformed: a space inside", format!("{header}. {claims}.{signature}")),
        ("malformed: a tab after it", format!("{token}\t")),
        ("malformed: padding", format!("{header}=.{claims}.{signature}")),
        ("malformed: padding after it", format!("{token}=")),
        ("malformed: standard base64", format!("{header}.{claims}.+/{}", &signature[2..])),
        ("malformed: a percent escape", format!("{header}%2E{claims}%2E{signature}")),
        ("malformed: header not base64", format!("A.{claims}.{signature}")),
        ("malformed: header a list", forger.sign_raw(r#"["at+jwt"]"#, &Forger::json(&forger.claims))),
        ("malformed: header broken JSON", forger.sign_raw("{", &Forger::json(&forger.claims))),
        ("malformed: header and junk", {
            forger.sign_raw(&format!("{}x", Forger::json(&forger.header)), &Forger::json(&forger.claims))
        }),
        ("malformed: too long", forger.claim("pad", json!("x".repeat(8_000)))),
        ("malformed: a JSON web signature in JSON", json!({"payload": claims, "signature": signature}).to_string()),
        ("signature: header and claims changed places", format!("{header}.{header}.{signature}")),
    ]
}
