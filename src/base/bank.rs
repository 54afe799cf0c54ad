//! Bank details: IBAN (ISO 13616) and BIC (ISO 9362).

use std::fmt;
use std::str::FromStr;

use iban::IbanLike;

/// An IBAN with a valid country, length and checksum. The service cannot check whether the bank account exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Iban(iban::Iban);

/// A BIC (bank identifier code), which has 8 or 11 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bic(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadBankDetails(&'static str);

impl Iban {
    /// Returns the IBAN without spaces.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.electronic_str()
    }
}

/// Formats the IBAN in groups of four characters, as banks print it.
impl fmt::Display for Iban {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Iban {
    type Err = BadBankDetails;

    /// Accepts an IBAN without spaces, or in groups of four characters.
    fn from_str(text: &str) -> Result<Self, BadBankDetails> {
        text.parse()
            .map(Self)
            .map_err(|_| BadBankDetails("must be an IBAN in capitals with the right length and check digits"))
    }
}

impl Bic {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Bic {
    type Err = BadBankDetails;

    fn from_str(text: &str) -> Result<Self, BadBankDetails> {
        let bytes = text.as_bytes();
        let fits = matches!(bytes.len(), 8 | 11)
            && bytes.iter().take(6).all(u8::is_ascii_uppercase)
            && bytes.iter().skip(6).all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        fits.then(|| Self(text.to_owned())).ok_or(BadBankDetails("must be a BIC of 8 or 11 capitals and digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iban_has_the_length_of_its_country_and_a_checksum() {
        for valid in ["NL91ABNA0417164300", "NL91 ABNA 0417 1643 00", "GB29NWBK60161331926819", "NO9386011117947"] {
            let iban: Iban = valid.parse().unwrap();
            assert_eq!(iban.as_str(), valid.replace(' ', ""));
            assert_eq!(iban.to_string().parse(), Ok(iban));
        }
        for bad in [
            "",
            "NL92ABNA0417164300",
            "NL91ABNA0417164301",
            "NL91ABNA041716430",
            "nl91abna0417164300",
            "NL91-ABNA-0417-1643-00",
            "XX91ABNA0417164300",
            "NL91ABNA0417164300\n",
            "NL９１ABNA0417164300",
        ] {
            assert!(bad.parse::<Iban>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn bic_has_eight_or_eleven_characters() {
        for valid in ["ABNANL2A", "DEUTDEFF500"] {
            assert_eq!(valid.parse::<Bic>().unwrap().as_str(), valid);
        }
        for bad in ["", "ABNANL2", "ABNANL2AX", "abnanl2a", "AB1ANL2A", "ABNANL2A\u{200b}", "ABNANL2\u{c4}"] {
            assert!(bad.parse::<Bic>().is_err(), "{bad:?}");
        }
    }
}
