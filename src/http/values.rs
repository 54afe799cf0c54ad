//! Deserializers for JSON values that serde alone would read too strictly or too leniently.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::StringDeserializer;
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

/// 2^53: a double, such as a number in JavaScript, represents every integer up to this value exactly.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// Deserializes an integer as JSON Schema defines it: `#[serde(deserialize_with = "integer")]`.
/// `172.0` is an integer, because JavaScript, PHP and pandas write integers in this way; `172.5` is not.
pub fn integer<'de, D: Deserializer<'de>, T: TryFrom<i64>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(Integer(PhantomData))
}

/// Deserializes an [`integer`] or null. Use it together with `default` if the field may be absent.
pub fn optional_integer<'de, D: Deserializer<'de>, T: TryFrom<i64>>(deserializer: D) -> Result<Option<T>, D::Error> {
    struct Whole<T>(T);
    impl<'de, T: TryFrom<i64>> Deserialize<'de> for Whole<T> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            integer(deserializer).map(Self)
        }
    }
    Ok(Option::<Whole<T>>::deserialize(deserializer)?.map(|Whole(number)| number))
}

struct Integer<T>(PhantomData<T>);

impl<T: TryFrom<i64>> Visitor<'_> for Integer<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an integer")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        T::try_from(number).map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        let fits = i64::try_from(number).ok().and_then(|number| T::try_from(number).ok());
        fits.ok_or_else(|| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    #[allow(clippy::cast_possible_truncation, reason = "a whole number of at most 53 bits")]
    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        if number.fract() != 0.0 || number.abs() > MAX_EXACT {
            return Err(E::invalid_value(Unexpected::Float(number), &self));
        }
        self.visit_i64(number as i64)
    }
}

/// Deserializes an enum from a string: `#[serde(deserialize_with = "variant")]`.
/// serde alone also accepts the object `{"card": null}` for the string `"card"`.
pub fn variant<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    T::deserialize(StringDeserializer::new(String::deserialize(deserializer)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Amount {
        #[serde(deserialize_with = "integer")]
        large: i64,
        #[serde(default, deserialize_with = "integer")]
        small: i32,
        #[serde(default, deserialize_with = "optional_integer")]
        optional: Option<i32>,
    }

    #[test]
    fn whole_number_with_a_decimal_point_is_an_integer() {
        let read = |json: &str| serde_json::from_str::<Amount>(json).ok().map(|amount| (amount.large, amount.small));
        assert_eq!(read(r#"{"large": 172.0, "small": 1e2}"#), Some((172, 100)));
        assert_eq!(read(r#"{"large": 9007199254740992.0}"#), Some((9_007_199_254_740_992, 0)));
        assert_eq!(read(r#"{"large": -0.0}"#), Some((0, 0)));
        assert_eq!(read(r#"{"large": -172}"#), Some((-172, 0)));
        let optional = |json: &str| serde_json::from_str::<Amount>(json).ok().map(|amount| amount.optional);
        assert_eq!(optional(r#"{"large": 1, "optional": 30.0}"#), Some(Some(30)));
        assert_eq!(optional(r#"{"large": 1, "optional": null}"#), Some(None));
        assert_eq!(optional(r#"{"large": 1, "optional": 30.5}"#), None);
        for other in ["172.5", "9007199254740994.0", "1e300", "18446744073709551615", "\"172\"", "true", "null", "[1]"]
        {
            assert_eq!(read(&format!(r#"{{"large": {other}}}"#)), None, "{other}");
        }
        for other in ["2147483648", "2147483648.0", "0.1"] {
            assert_eq!(read(&format!(r#"{{"large": 1, "small": {other}}}"#)), None, "{other}");
        }
    }

    #[test]
    fn variant_is_a_string() {
        #[derive(Debug, PartialEq, Deserialize)]
        #[serde(rename_all = "snake_case")]
        enum Method {
            Card,
        }
        #[derive(Deserialize)]
        struct Payment {
            #[serde(deserialize_with = "variant")]
            method: Method,
        }
        let read = |json: &str| serde_json::from_str::<Payment>(json).ok().map(|payment| payment.method);
        assert_eq!(read(r#"{"method": "card"}"#), Some(Method::Card));
        for other in [r#"{"card": null}"#, "\"cash\"", "1", "null"] {
            assert_eq!(read(&format!(r#"{{"method": {other}}}"#)), None, "{other}");
        }
    }
}
