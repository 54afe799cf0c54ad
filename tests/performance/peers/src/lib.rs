//! The code that both Rust peers share: the bodies, the totals, the password hash, and the [`Store`].

mod store;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordVerifier};
use chrono::{DateTime, NaiveDate, Utc};
use garde::Validate;
use serde::{Deserialize, Serialize};
pub use store::Store;
use uuid::Uuid;

/// A price has six decimals (of a euro, for example). As an integer, it counts ten-thousandths of a cent.
const PRICE_DECIMALS: u32 = 6;

#[derive(Deserialize, Validate)]
pub struct Login {
    #[garde(length(chars, min = 3, max = 254))]
    pub email: String,
    #[garde(length(chars, min = 1, max = 64))]
    pub password: String,
}

#[derive(Serialize)]
pub struct LoggedIn {
    pub access_token: String,
    pub refresh_token: String,
}

#[derive(Deserialize, Validate)]
pub struct NewInvoice {
    #[garde(skip)]
    pub customer_id: Uuid,
    #[garde(length(equal = 3), ascii)]
    pub currency: String,
    #[garde(skip)]
    pub due_date: Option<NaiveDate>,
    #[garde(length(chars, max = 2000))]
    pub notes: Option<String>,
    #[garde(length(min = 1, max = 100), dive)]
    pub lines: Vec<NewLine>,
}

#[derive(Deserialize, Validate)]
pub struct NewLine {
    #[garde(length(chars, min = 1, max = 500))]
    pub description: String,
    #[garde(length(chars, min = 1, max = 13))]
    pub quantity: String,
    #[garde(length(chars, min = 1, max = 19))]
    pub unit_price: String,
    #[garde(length(chars, min = 1, max = 7))]
    pub tax_rate: String,
}

#[derive(Serialize, sqlx::FromRow)]
pub struct Invoice {
    pub id: Uuid,
    pub customer_id: Uuid,
    pub status: String,
    pub number: Option<String>,
    pub currency: String,
    pub notes: Option<String>,
    pub issue_date: Option<NaiveDate>,
    pub due_date: Option<NaiveDate>,
    pub subtotal: i64,
    pub discount_total: i64,
    pub tax_total: i64,
    pub total: i64,
    pub paid: i64,
    pub credited: i64,
    #[serde(skip)]
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    #[sqlx(json)]
    pub lines: Vec<Line>,
}

/// A stored line. Its amounts are computed for the response, as in the service.
#[derive(Serialize, Deserialize, Clone)]
#[serde(from = "LineRow")]
pub struct Line {
    description: String,
    quantity: String,
    unit_price: String,
    tax_rate: String,
    gross: i64,
    net: i64,
    tax: i64,
}

#[derive(Serialize, Deserialize)]
pub struct LineRow {
    position: i32,
    description: String,
    quantity_thousandths: i64,
    unit_price_ten_thousandths: i64,
    tax_rate_millipercent: i32,
}

#[derive(Serialize, sqlx::FromRow)]
pub struct Summary {
    id: Uuid,
    customer_id: Uuid,
    status: String,
    number: Option<String>,
    currency: String,
    issue_date: Option<NaiveDate>,
    due_date: Option<NaiveDate>,
    total: i64,
    paid: i64,
    credited: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

#[derive(Serialize)]
pub struct Page {
    items: Vec<Summary>,
    next_cursor: Option<String>,
}

#[derive(sqlx::FromRow)]
pub struct Document {
    pub file_name: String,
    pub media_type: String,
    pub size: i64,
}

impl From<LineRow> for Line {
    fn from(row: LineRow) -> Self {
        let product = i128::from(row.quantity_thousandths) * i128::from(row.unit_price_ten_thousandths);
        let gross = ((product + 5_000_000) / 10_000_000) as i64;
        let tax = (gross * i64::from(row.tax_rate_millipercent) + 50_000) / 100_000;
        Self {
            description: row.description,
            quantity: plain(row.quantity_thousandths, 3),
            unit_price: plain(row.unit_price_ten_thousandths, PRICE_DECIMALS),
            tax_rate: plain(row.tax_rate_millipercent.into(), 3),
            gross,
            net: gross,
            tax,
        }
    }
}

/// Writes a scaled integer as a decimal without trailing zeros.
fn plain(value: i64, decimals: u32) -> String {
    let scale = 10_i64.pow(decimals);
    let text = format!("{}.{:0width$}", value / scale, value % scale, width = decimals as usize);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Reads a decimal as a scaled integer.
fn scaled(text: &str, decimals: u32) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let missing = decimals.checked_sub(part.len().try_into().ok()?)?;
    let digits =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| format!("0{text}").parse::<i64>().ok());
    digits(whole)??.checked_mul(10_i64.pow(decimals))?.checked_add(digits(part)??.checked_mul(10_i64.pow(missing))?)
}

impl NewInvoice {
    /// Returns the rows of the lines, or `None` if a number is malformed.
    pub fn rows(&self) -> Option<Vec<LineRow>> {
        let row = |(line, position): (&NewLine, i32)| {
            Some(LineRow {
                position,
                description: line.description.clone(),
                quantity_thousandths: scaled(&line.quantity, 3)?,
                unit_price_ten_thousandths: scaled(&line.unit_price, PRICE_DECIMALS)?,
                tax_rate_millipercent: scaled(&line.tax_rate, 3)?.try_into().ok()?,
            })
        };
        self.lines.iter().zip(1..).map(row).collect()
    }
}

/// Verifies a password. One verification takes about 13 ms of a core.
pub fn verify(password: &str, stored: &str) -> bool {
    let stored = PasswordHash::new(stored);
    stored.is_ok_and(|stored| Argon2::default().verify_password(password.as_bytes(), &stored).is_ok())
}
