//! Totals of an invoice follow the rules for rates, prices, discounts and rounding in docs/limits.md.

use serde_json::{Value, json};

use crate::support::TestApp;

/// Adds a description and a default tax rate to each line.
fn lines_of(lines: &[Value]) -> Vec<Value> {
    let line = |line: &Value| {
        let mut made = json!({"description": "x", "tax_rate": "0"});
        made.as_object_mut().unwrap().extend(line.as_object().unwrap().clone());
        made
    };
    lines.iter().map(line).collect()
}

/// The expected values were computed by hand. `totals/tests.rs` tests published examples.
#[actix_web::test]
async fn totals_follow_the_documented_rounding() {
    let app = TestApp::start().await;
    let alice = app.user("alice").await;
    let customer = alice.customer().await;
    for (currency, discount, lines, [subtotal, discounts, tax, total]) in [
        ("EUR", json!({}), vec![json!({"quantity": "1", "unit_price": "1.00", "tax_rate": "20"})], [100, 0, 20, 120]),
        // 0.333 × 1.00 is 0.33. The discount of 10 % is 0.03, and the tax of 19 % on 0.30 is 0.06.
        (
            "EUR",
            json!({}),
            vec![json!({"quantity": "0.333", "unit_price": "1", "discount_rate": "10", "tax_rate": "19"})],
            [33, 3, 6, 36],
        ),
        // Rounded half up: 0.5 × 0.01 = 0.005 becomes 0.01.
        ("EUR", json!({}), vec![json!({"quantity": "0.5", "unit_price": "0.01"})], [1, 0, 0, 1]),
        // 1234 kilowatt-hours at 0.1648 cost 203.3632. The tax of 8.875 % (New York City) is 18.0490.
        (
            "USD",
            json!({}),
            vec![json!({"quantity": "1234", "unit_price": "0.1648", "tax_rate": "8.875"})],
            [20_336, 0, 1_805, 22_141],
        ),
        // The yen has no minor unit, but a page costs 4.5 yen.
        (
            "JPY",
            json!({}),
            vec![json!({"quantity": "333", "unit_price": "4.5", "tax_rate": "8"})],
            [1_499, 0, 120, 1_619],
        ),
        (
            "KWD",
            json!({}),
            vec![json!({"quantity": "1.001", "unit_price": "1.005", "tax_rate": "5"})],
            [1_006, 0, 50, 1_056],
        ),
        // Tax is rounded once per rate: 9.975 % of 0.15 becomes 0.01. Rounded per line, it would be 0.
        (
            "CAD",
            json!({}),
            vec![json!({"quantity": "1", "unit_price": "0.05", "tax_rate": "9.975"}); 3],
            [15, 0, 1, 16],
        ),
        // Discounts on a line and on the invoice: 5 % of 95.00 is 4.75.
        (
            "EUR",
            json!({"discount_rate": "5"}),
            vec![json!({"quantity": "1", "unit_price": "100", "discount_amount": 500, "tax_rate": "21"})],
            [10_000, 975, 1_895, 10_920],
        ),
        // The tax rates share a discount of 10.00: 6.67 of 100.00 at 19 %, and 3.33 of 50.00 at 7 %.
        (
            "EUR",
            json!({"discount_amount": 1_000}),
            vec![
                json!({"quantity": "1", "unit_price": "100", "tax_rate": "19"}),
                json!({"quantity": "1", "unit_price": "50", "tax_rate": "7"}),
            ],
            [15_000, 1_000, 2_100, 16_100],
        ),
        (
            "EUR",
            json!({"discount_rate": "100"}),
            vec![json!({"quantity": "1", "unit_price": "100", "tax_rate": "21"})],
            [10_000, 10_000, 0, 0],
        ),
        (
            "EUR",
            json!({}),
            vec![json!({"quantity": "1000", "unit_price": "90071992547.40991"})],
            [9_007_199_254_740_991_i64, 0, 0, 9_007_199_254_740_991],
        ),
    ] {
        let mut body = json!({"customer_id": customer, "currency": currency, "lines": lines_of(&lines)});
        body.as_object_mut().unwrap().extend(discount.as_object().unwrap().clone());
        let made = alice.post("/api/v1/invoices", &body).await.ok(201).json();
        let path = format!("/api/v1/invoices/{}", made["id"].as_str().unwrap());
        let sums = [&made["subtotal"], &made["discount_total"], &made["tax_total"], &made["total"]];
        assert_eq!(sums.map(|sum| sum.as_i64().unwrap()), [subtotal, discounts, tax, total], "{body}");
        assert_eq!(alice.get(&path).await.json(), made, "{body}");
        for field in ["discount_rate", "discount_amount"] {
            assert_eq!(made[field], discount[field]);
            assert_eq!(made["lines"][0][field], lines[0][field]);
        }
        // If a client sends the invoice back unchanged, its totals must stay the same.
        let mut again = json!({"customer_id": customer, "currency": currency});
        for field in ["discount_rate", "discount_amount"] {
            again[field] = made[field].clone();
        }
        let mut lines = made["lines"].clone();
        for line in lines.as_array_mut().unwrap() {
            for sum in ["gross", "discount", "net"] {
                line.as_object_mut().unwrap().remove(sum);
            }
        }
        again["lines"] = lines;
        let replaced = alice.put(&path, "\"1\"", &again).await.ok(200).json();
        for field in ["lines", "taxes", "discount", "total"] {
            assert_eq!(replaced[field], made[field], "{field} of {body}");
        }
    }
}
