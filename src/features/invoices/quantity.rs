//! Quantities on the wire: a decimal in a string, since a JSON number would become a float somewhere on its way. Inside they are
//! thousandths.

/// `1.5` → 1500. At most nine digits, and three after the point.
#[must_use]
pub fn thousandths(text: &str) -> Option<i64> {
    let (whole, decimals) = text.split_once('.').map_or((text, None), |(whole, decimals)| (whole, Some(decimals)));
    let digits = |text: &str, most| (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole, 9) || !decimals.is_none_or(|decimals| digits(decimals, 3)) {
        return None;
    }
    format!("{whole}{:0<3}", decimals.unwrap_or_default()).parse().ok()
}

/// 1500 → `1.5`.
#[must_use]
pub fn decimal(thousandths: i64) -> String {
    let text = format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn decimals_are_exact() {
        for (text, number) in
            [("1", 1_000), ("1.5", 1_500), ("0.001", 1), ("007.10", 7_100), ("999999999.999", 999_999_999_999)]
        {
            assert_eq!(thousandths(text), Some(number), "{text}");
        }
        for text in
            ["", ".", "1.", ".5", "-1", "+1", "1e3", "1,5", "1.2345", "1234567890", " 1", "1.5 ", "٣", "0x1", "NaN"]
        {
            assert_eq!(thousandths(text), None, "{text:?}");
        }
        assert_eq!([decimal(1_000), decimal(1), decimal(12_340), decimal(100_000)], ["1", "0.001", "12.34", "100"]);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(number in 0..=999_999_999_999_i64) {
            prop_assert_eq!(thousandths(&decimal(number)), Some(number));
        }
    }
}
