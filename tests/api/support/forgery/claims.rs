//! Tokens with a valid signature, but missing, malformed or wrong claims.

use serde_json::{Value, json};

use super::{Forger, Forgery};

/// Returns tokens with a wrong issuer, audience, subject or session (ASVS 9.2.3).
pub fn issuer_audience_subject(forger: &Forger<'_>) -> Vec<Forgery> {
    let claim = |name, value| forger.claim(name, value);
    let (iss, aud, sub, sid) = (forger.text("iss"), forger.text("aud"), forger.text("sub"), forger.text("sid"));
    let repeated = |extra: &str| {
        let claims = Forger::json(&forger.claims);
        forger.sign_raw(&Forger::json(&forger.header), &format!("{{{extra},{}", &claims[1..]))
    };
    vec![
        ("issuer: missing", claim("iss", Value::Null)),
        ("issuer: null", {
            let claims = Forger::json(&forger.claims).replace(&format!("\"iss\":\"{iss}\""), "\"iss\":null");
            forger.sign_raw(&Forger::json(&forger.header), &claims)
        }),
        ("claims: iss twice", repeated(&format!("\"iss\":\"{iss}\""))),
        ("issuer: wrong", claim("iss", json!("https://evil.example"))),
        ("issuer: empty", claim("iss", json!(""))),
        ("issuer: a slash after it", claim("iss", json!(format!("{iss}/")))),
        ("issuer: a space after it", claim("iss", json!(format!("{iss} ")))),
        ("issuer: capitals", claim("iss", json!(iss.to_uppercase()))),
        ("issuer: a prefix", claim("iss", json!(&iss[..iss.len() - 1]))),
        ("issuer: a number", claim("iss", json!(5))),
        ("issuer: an object", claim("iss", json!({iss.as_str(): true}))),
        ("issuer: a list with the right one", claim("iss", json!(["https://evil.example", iss]))),
        ("issuer: a list of the right one", claim("iss", json!([iss]))),
        ("audience: missing", claim("aud", Value::Null)),
        ("audience: wrong", claim("aud", json!("another-service"))),
        ("audience: a list with the right one", claim("aud", json!(["another-service", aud]))),
        ("audience: a list of the right one", claim("aud", json!([aud]))),
        ("audience: an empty list", claim("aud", json!([]))),
        ("audience: a number", claim("aud", json!(5))),
        ("audience: an object", claim("aud", json!({aud.as_str(): true}))),
        ("audience: a list in a list", claim("aud", json!([[aud]]))),
        ("audience: a list with an object", claim("aud", json!([aud, {}]))),
        ("audience: capitals", claim("aud", json!(aud.to_uppercase()))),
        ("issuer: a second service with the same key", {
            forger.claims(&[("iss", json!("https://second.example")), ("aud", json!("second"))])
        }),
        ("audience: the same issuer's token for a second service", claim("aud", json!("second"))),
        ("claims: sub missing", claim("sub", Value::Null)),
        ("claims: sub a number", claim("sub", json!(1))),
        ("claims: sub a float", claim("sub", json!(42.0))),
        ("claims: sub a list", claim("sub", json!([sub]))),
        ("claims: sub an object", claim("sub", json!({"id": sub}))),
        ("claims: sub in capitals", claim("sub", json!(format!("{{{}}}", sub.to_uppercase())))),
        ("claims: sub a name", claim("sub", json!("admin"))),
        ("claims: sub without hyphens", claim("sub", json!(sub.replace('-', "")))),
        ("claims: sub twice", repeated(r#""sub":"00000000-0000-4000-8000-000000000000""#)),
        ("claims: sid missing", claim("sid", Value::Null)),
        ("claims: sid a list", claim("sid", json!([sid]))),
        ("claims: sid a URN", claim("sid", json!(format!("urn:uuid:{sid}")))),
        ("claims: jti missing", claim("jti", Value::Null)),
        ("claims: jti empty", claim("jti", json!(""))),
        ("claims: jti a number", claim("jti", json!(7))),
        ("claims: unknown", claim("role", json!("admin"))),
        ("claims: a list", forger.sign_raw(&Forger::json(&forger.header), "[1]")),
        ("claims: a text", forger.sign_raw(&Forger::json(&forger.header), "\"x\"")),
        ("claims: broken JSON", forger.sign_raw(&Forger::json(&forger.header), "{")),
    ]
}

/// Returns tokens whose times are in the past, in the future, missing, or not integers (ASVS 9.2.1).
pub fn time(forger: &Forger<'_>) -> Vec<Forgery> {
    let now = forger.time("iat");
    let exp = forger.time("exp");
    let claim = |name, value| forger.claim(name, value);
    let at =
        |iat: i64, nbf: i64, exp: i64| forger.claims(&[("iat", json!(iat)), ("nbf", json!(nbf)), ("exp", json!(exp))]);
    vec![
        ("expired: one second beyond the leeway", at(now - 63, now - 63, now - 3)),
        ("expired: thirty seconds ago", at(now - 90, now - 90, now - 30)),
        ("expired: in 1970", at(0, 0, 1)),
        ("claims: exp missing", claim("exp", Value::Null)),
        ("claims: exp a text", claim("exp", json!(exp.to_string()))),
        ("claims: exp a float", claim("exp", json!(exp as f64 + 0.5))),
        ("claims: exp a whole float", claim("exp", json!(exp as f64))),
        ("claims: exp negative", claim("exp", json!(-1))),
        ("claims: exp a list", claim("exp", json!([exp]))),
        ("claims: exp true", claim("exp", json!(true))),
        ("claims: exp an object", claim("exp", json!({"seconds": exp}))),
        ("claims: exp beyond 64 bits", {
            let claims = Forger::json(&forger.claims).replace(&format!("\"exp\":{exp}"), "\"exp\":1e300");
            forger.sign_raw(&Forger::json(&forger.header), &claims)
        }),
        ("claims: exp the largest unsigned number", claim("exp", json!(u64::MAX))),
        ("lifetime: exp the largest signed number", claim("exp", json!(i64::MAX))),
        ("lifetime: exp in milliseconds", claim("exp", json!(exp * 1_000))),
        ("lifetime: a second longer than we give", claim("exp", json!(exp + 1))),
        ("lifetime: ends before it begins", at(now, now, now - 1)),
        ("claims: nbf missing", claim("nbf", Value::Null)),
        ("claims: nbf a text", claim("nbf", json!(now.to_string()))),
        ("claims: nbf negative", claim("nbf", json!(-1))),
        ("claims: nbf a list", claim("nbf", json!([now]))),
        ("claims: iat a text", claim("iat", json!(now.to_string()))),
        ("not_yet_valid: nbf ahead", claim("nbf", json!(now + 60))),
        ("not_yet_valid: nbf far ahead", claim("nbf", json!(i64::MAX))),
        ("claims: iat missing", claim("iat", Value::Null)),
        ("claims: iat a float", claim("iat", json!(now as f64))),
        ("claims: iat negative", claim("iat", json!(-now))),
        ("not_yet_valid: iat ahead", at(now + 60, now, exp)),
        ("lifetime: kept young by a later iat", at(i64::MAX - 1, now, exp)),
    ]
}
