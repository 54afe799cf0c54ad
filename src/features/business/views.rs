use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::{Business, MAX_PAYMENT_TERMS};
use crate::base::bank::{Bic, Iban};
use crate::base::time_zone::TimeZone;
use crate::http::body::fits;
use crate::http::error::{ApiError, ApiResult};
use crate::http::rules;
use crate::http::user_text::user_text;
use crate::http::values::optional_integer;

/// The whole business. A field that is omitted is cleared.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Anna Demo Design", "address": "1 Canal\n1011 AB Amsterdam", "country": "NL", "vat_id": "NL001234567B01",
    "registration": "KvK 12345678", "iban": "NL91ABNA0417164300", "bic": "ABNANL2A", "time_zone": "Europe/Amsterdam",
    "payment_terms_days": 14
}))]
pub struct ReplaceBusiness {
    /// The name of the business, without line breaks.
    #[serde(deserialize_with = "user_text")]
    #[garde(length(chars, max = 200), custom(rules::line))]
    #[schema(min_length = 1, max_length = 200, format = "line")]
    name: String,
    /// The postal address. It may have several lines.
    #[serde(default, deserialize_with = "user_text")]
    #[garde(length(chars, max = 500), inner(custom(rules::paragraph)))]
    #[schema(max_length = 500, format = "paragraph")]
    address: Option<String>,
    /// The two-letter country code (ISO 3166-1).
    #[garde(inner(custom(rules::country)))]
    #[schema(min_length = 2, max_length = 2, pattern = "^[A-Z]{2}$")]
    country: Option<String>,
    /// The VAT id, in the format of its country.
    #[serde(default, deserialize_with = "user_text")]
    #[garde(length(chars, max = 50), inner(custom(rules::line)))]
    #[schema(min_length = 1, max_length = 50, format = "line")]
    vat_id: Option<String>,
    /// The name of a trade register, and the number of the business in this register.
    #[serde(default, deserialize_with = "user_text")]
    #[garde(length(chars, max = 100), inner(custom(rules::line)))]
    #[schema(min_length = 1, max_length = 100, format = "line")]
    registration: Option<String>,
    /// The IBAN of the account for payments. Length and check digits are verified.
    /// Spaces between groups of four are removed.
    #[garde(inner(custom(fits::<Iban>)))]
    #[schema(min_length = 15, max_length = 42, pattern = "^[A-Z]{2}[0-9]{2}[A-Z0-9 ]{11,38}$")]
    iban: Option<String>,
    /// The BIC of the bank.
    #[garde(inner(custom(fits::<Bic>)))]
    #[schema(min_length = 8, max_length = 11, pattern = "^[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?$")]
    bic: Option<String>,
    /// The name of a time zone in the IANA database. Issue dates and due dates are days in this time zone.
    #[garde(custom(fits::<TimeZone>))]
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_+/-]+$")]
    time_zone: String,
    /// The number of days from issue date to due date. It applies to drafts without a due date. Null means no due date.
    #[serde(default, deserialize_with = "optional_integer")]
    #[garde(range(min = 0, max = MAX_PAYMENT_TERMS))]
    #[schema(minimum = 0, maximum = 365)]
    payment_terms_days: Option<i32>,
}

impl TryFrom<ReplaceBusiness> for Business {
    type Error = ApiError;

    fn try_from(new: ReplaceBusiness) -> ApiResult<Self> {
        let iban = new.iban.as_deref().map(str::parse).transpose();
        let bic = new.bic.as_deref().map(str::parse).transpose();
        Ok(Self {
            name: new.name,
            address: new.address,
            country: new.country,
            vat_id: new.vat_id,
            registration: new.registration,
            iban: iban.map_err(|_| ApiError::invalid("/iban", "must be an IBAN"))?,
            bic: bic.map_err(|_| ApiError::invalid("/bic", "must be a BIC"))?,
            time_zone: new.time_zone.parse().map_err(|_| ApiError::invalid("/time_zone", "must be a time zone"))?,
            payment_terms_days: new.payment_terms_days,
        })
    }
}

/// A business. Until the user sets the business, it has the user's display name and the time zone UTC.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "name": "Anna Demo Design", "address": "1 Canal\n1011 AB Amsterdam", "country": "NL", "vat_id": "NL001234567B01",
    "registration": "KvK 12345678", "iban": "NL91ABNA0417164300", "bic": "ABNANL2A", "time_zone": "Europe/Amsterdam",
    "payment_terms_days": 14
}))]
pub struct BusinessView {
    /// The name of the business, without line breaks.
    #[schema(max_length = 200, format = "line")]
    name: String,
    /// The postal address. It may have several lines.
    #[schema(required = true, max_length = 500, format = "paragraph")]
    address: Option<String>,
    /// The two-letter country code (ISO 3166-1).
    #[schema(required = true, max_length = 2, pattern = "^[A-Z]{2}$")]
    country: Option<String>,
    /// The VAT id, in the format of its country.
    #[schema(required = true, max_length = 50, format = "line")]
    vat_id: Option<String>,
    /// The name of a trade register, and the number of the business in this register.
    #[schema(required = true, max_length = 100, format = "line")]
    registration: Option<String>,
    /// The IBAN of the account for payments, without spaces.
    #[schema(required = true, max_length = 34, pattern = "^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$")]
    iban: Option<String>,
    /// The BIC of the bank.
    #[schema(required = true, max_length = 11, pattern = "^[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?$")]
    bic: Option<String>,
    /// The name of a time zone in the IANA database. Issue dates and due dates are days in this time zone.
    #[schema(max_length = 64, pattern = "^[A-Za-z0-9_+/-]+$")]
    time_zone: &'static str,
    /// The number of days from issue date to due date. It applies to drafts without a due date.
    #[schema(required = true, minimum = 0, maximum = 365)]
    payment_terms_days: Option<i32>,
}

impl From<Business> for BusinessView {
    fn from(business: Business) -> Self {
        Self {
            name: business.name,
            address: business.address,
            country: business.country,
            vat_id: business.vat_id,
            registration: business.registration,
            iban: business.iban.map(|iban| iban.as_str().to_owned()),
            bic: business.bic.map(|bic| bic.as_str().to_owned()),
            time_zone: business.time_zone.name(),
            payment_terms_days: business.payment_terms_days,
        }
    }
}
