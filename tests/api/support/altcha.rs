//! Solves ALTCHA challenges, independently of the service's code.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// Finds the number by brute force, and returns the payload that a client sends.
pub fn solve(challenge: &Value) -> String {
    assert_eq!(challenge["algorithm"], "SHA-256");
    let salt = challenge["salt"].as_str().unwrap();
    let target = challenge["challenge"].as_str().unwrap();
    let hash = |number: u64| {
        let hash = digest(&SHA256, format!("{salt}{number}").as_bytes());
        hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let numbers = 0..=challenge["maxnumber"].as_u64().unwrap();
    let number = numbers.into_iter().find(|number| hash(*number) == target).expect("a number up to maxnumber");
    payload(challenge, number)
}

pub fn payload(challenge: &Value, number: u64) -> String {
    let solution = json!({
        "algorithm": challenge["algorithm"], "challenge": challenge["challenge"], "number": number,
        "salt": challenge["salt"], "signature": challenge["signature"], "took": 83
    });
    STANDARD.encode(solution.to_string())
}
