//! Solves challenges as ALTCHA's widgets do, without any code of the service.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// Counts until the SHA-256 of salt and number is the challenge, and returns what a widget sends.
pub fn solve(challenge: &Value) -> String {
    assert_eq!(challenge["algorithm"], "SHA-256");
    let salt = challenge["salt"].as_str().unwrap();
    let sought = challenge["challenge"].as_str().unwrap();
    let hash = |number: u64| {
        let hash = digest(&SHA256, format!("{salt}{number}").as_bytes());
        hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let numbers = 0..=challenge["maxnumber"].as_u64().unwrap();
    let number = numbers.into_iter().find(|number| hash(*number) == sought).expect("a number up to maxnumber");
    payload(challenge, number)
}

/// The payload with this number.
pub fn payload(challenge: &Value, number: u64) -> String {
    let solution = json!({
        "algorithm": challenge["algorithm"], "challenge": challenge["challenge"], "number": number,
        "salt": challenge["salt"], "signature": challenge["signature"], "took": 83
    });
    STANDARD.encode(solution.to_string())
}
