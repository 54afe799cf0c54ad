use std::ops::Range;
use std::rc::Rc;

use aws_lc_rs::digest::{SHA256, digest};
use chrono::{DateTime, NaiveDate};

use super::LAYOUT_VERSION;
use super::document_text::{DocumentText, Parties};
use super::layout::generate;
use super::typesetter::{Style, Text, Typesetter};
use crate::features::customers::id::CustomerId;
use crate::features::invoices::decimals::{Quantity, Rate, UnitPrice};
use crate::features::invoices::id::InvoiceId;
use crate::features::invoices::model::{Content, Invoice, InvoiceState, Status};
use crate::features::invoices::totals::{Discount, Line, MAX_LINES, Totals};

fn parties(address: &str) -> Parties {
    Parties {
        seller: "Anna Åberg".into(),
        seller_email: "a@example.com".into(),
        seller_address: None,
        seller_country: None,
        seller_vat_id: None,
        seller_registration: None,
        iban: None,
        bic: None,
        customer: "Ελένη שלום سلام 日本".into(),
        customer_email: Some("a@example.com".into()),
        customer_address: Some(address.into()),
        customer_tax_id: Some("NL1".into()),
        seller_version: 1,
        customer_version: 1,
    }
}

fn document(lines: Vec<Line>, notes: &str, address: &str) -> DocumentText {
    let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
    let state = InvoiceState {
        status: Status::Issued,
        number: Some("INV-2026-0001".into()),
        issue_date: NaiveDate::from_ymd_opt(2026, 11, 24),
        paid: 0,
        credited: 0,
        version: 2,
        created_at: now,
        updated_at: now,
    };
    let discount = Some(Discount::Amount(1));
    let totals = Totals::of(&lines, discount).unwrap();
    let content = Content {
        customer: CustomerId::new(),
        currency: "EUR".parse().unwrap(),
        lines,
        discount,
        notes: Some(notes.into()),
        due_date: None,
    };
    DocumentText::of_invoice(&Invoice::from_stored(InvoiceId::new(), content, totals, state), parties(address))
}

/// The quantity is in thousandths, the price in minor units, and the rates in thousandths of a percent.
fn line(description: &str, quantity: i64, price: i64, discount: i32, tax: i32) -> Line {
    let price = UnitPrice::from_ten_thousandths(price * UnitPrice::STEPS_PER_MINOR_UNIT).unwrap();
    let discount = Rate::from_millipercent(discount).map(Discount::Rate);
    let (quantity, tax) = (Quantity::from_thousandths(quantity).unwrap(), Rate::from_millipercent(tax).unwrap());
    Line::new(description.into(), quantity, price, discount, tax).unwrap()
}

fn small() -> DocumentText {
    let lines =
        vec![line("Consulting", 1_500, 10_000, 10_000, 21_000), line("e\u{301} ﷺ fi שלום 日本", 1_000, 4_999, 0, 0)];
    document(lines, "Thank you.\nשלום", "1 Road\nTown")
}

fn setter() -> Typesetter {
    Typesetter::new().unwrap()
}

fn set(text: &str) -> Rc<Text> {
    setter().set(text, Style { size: 10.0, bold: false, grey: 0 }, 400.0)
}

fn glyphs(text: &str) -> Vec<u32> {
    set(text).lines[0].glyphs.iter().map(|glyph| glyph.glyph_id.to_u32()).collect()
}

/// Returns the range of bytes that each glyph represents, from the left glyph to the right.
fn ranges(text: &str) -> Vec<Range<usize>> {
    set(text).lines[0].glyphs.iter().map(|glyph| glyph.text_range.clone()).collect()
}

fn starts(text: &str) -> Vec<usize> {
    ranges(text).iter().map(|range| range.start).collect()
}

/// If this test fails after a change of the layout, increment `LAYOUT_VERSION` and update the digest.
#[test]
fn changed_layout_needs_another_layout_version() {
    let (setter, document) = (setter(), small());
    let bytes = generate(setter.clone(), &document).unwrap();
    assert_eq!(generate(setter, &document).unwrap(), bytes, "the output is deterministic");
    let digest: String = digest(&SHA256, &bytes).as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((LAYOUT_VERSION, digest.as_str()), (4, "9165f0aac4d183dd"));
}

/// An invoice at all limits. docs/limits.md states the maximum pages and size.
#[test]
fn largest_invoice_has_bounded_pages_and_size() {
    let widest = "\u{1675}".repeat(500);
    let line = |quantity, price, discount, tax| line(&widest, quantity, price, discount, tax);
    let most = UnitPrice::MAX / UnitPrice::STEPS_PER_MINOR_UNIT;
    let mut lines = vec![line(Quantity::MAX, 1, 99_999, 99_998), line(1_000, most, 99_999, 99_999)];
    lines.extend((2..MAX_LINES).map(|n| line(1_000, most / 300, 99_999, i32::try_from(n).unwrap())));
    let largest = document(lines, &"\n".repeat(2_000), &"\n".repeat(500));
    let bytes = generate(setter(), &largest).unwrap();
    let pages = bytes.windows(11).filter(|part| part.starts_with(b"/Type/Page") && !part.ends_with(b"s")).count();
    assert!((100..130).contains(&pages), "{pages} pages");
    assert!(bytes.len() < 1024 * 1024, "{} bytes", bytes.len());
}

#[test]
fn stacked_combining_marks_produce_no_extra_glyphs() {
    for mark in ["\u{301}", "\u{489}", "\u{5b0}", "\u{64b}", "\u{200d}", "\u{20dd}"] {
        for base in ["a", "ש", "ب", "日"] {
            let text = format!("{base}{}", mark.repeat(499));
            assert!(glyphs(&text).len() <= 1_000, "{text:?}");
        }
    }
}

#[test]
fn shaping_joins_letters_places_marks_and_orders_right_to_left_text() {
    let beh = glyphs("ببب");
    assert_eq!(beh.len(), 3);
    assert!(beh[0] != beh[1] && beh[1] != beh[2] && beh[0] != beh[2], "initial, medial, final: {beh:?}");
    assert_eq!(glyphs("e\u{301}"), glyphs("é"));
    assert_eq!(starts("אב"), [2, 0], "the first letter is on the right");
    // A ligature represents both of its letters.
    assert_eq!(ranges("سلا"), [2..6, 0..2]);
    assert_eq!(ranges("ﬁa"), [0..3, 3..4]);
    assert_eq!(starts("שלום abc"), [9, 10, 11, 8, 6, 4, 2, 0], "each direction in its own order");
}

/// A character that the font lacks becomes glyph 0, which DejaVu draws as a box.
#[test]
fn missing_glyph_is_a_box_with_its_own_width() {
    let text = set("日本");
    let boxes = &text.lines[0].glyphs;
    assert_eq!(boxes.len(), 2);
    assert!(boxes.iter().all(|glyph| glyph.glyph_id.to_u32() == 0 && glyph.x_advance > 0.3));
}

/// Input validation refuses these characters. But a row that an operator has written can contain them.
#[test]
fn characters_that_change_reading_order_are_removed() {
    for misleading in ["\u{202e}", "\u{202d}", "\u{2066}", "\u{2067}", "\u{2069}", "\u{0}", "\u{1b}", "\u{2028}", "\n"]
    {
        let text = format!("12{misleading}34");
        assert_eq!(set(&text).text, "1234", "{misleading:?}");
        assert_eq!(starts(&text), [0, 1, 2, 3], "{misleading:?}");
    }
}
