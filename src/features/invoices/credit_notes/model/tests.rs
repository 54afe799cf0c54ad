use proptest::prelude::*;

use super::*;
use crate::features::customers::id::CustomerId;
use crate::features::invoices::decimals::UnitPrice;
use crate::features::invoices::model::Content;
use crate::features::invoices::totals::{Discount, Line, Totals};

/// Returns a draft with these lines: price in minor units, and tax rate.
fn invoice(lines: &[(i64, &str)], discount: Option<Discount>) -> Invoice {
    let line = |&(price, rate): &(i64, &str)| {
        let price = UnitPrice::from_ten_thousandths(price * UnitPrice::STEPS_PER_MINOR_UNIT).unwrap();
        Line::new("x".into(), "1".parse().unwrap(), price, None, rate.parse().unwrap()).unwrap()
    };
    let lines: Vec<Line> = lines.iter().map(line).collect();
    let totals = Totals::of(&lines, discount).unwrap();
    let (customer, currency) = (CustomerId::new(), "EUR".parse().unwrap());
    let content = Content { customer, currency, lines, discount, notes: None, due_date: None };
    Invoice::draft(content, totals, DateTime::UNIX_EPOCH)
}

fn part(line: i32, amount: i64) -> CreditPart {
    CreditPart { line, amount: Some(amount) }
}

fn add_credit(before: &mut NetByLine, credit: &Credit) {
    for line in &credit.lines {
        *before.entry(line.line).or_default() += line.net;
    }
}

#[test]
fn full_credit_equals_the_invoice_exactly() {
    let invoice = invoice(&[(10_000, "19"), (5_000, "7"), (1, "0")], Some(Discount::Amount(1_000)));
    let credit = Credit::of(&invoice, &NetByLine::new(), None).unwrap();
    let nets: Vec<i64> = credit.lines.iter().map(|line| line.net).collect();
    assert_eq!(nets, [9_333, 4_667, 1]);
    assert_eq!((&credit.taxes, credit.total()), (&invoice.totals().taxes, invoice.totals().total));
}

#[test]
fn credit_of_part_of_a_line_includes_its_tax() {
    let invoice = invoice(&[(10_000, "21"), (4_999, "0")], None);
    let credit = Credit::of(&invoice, &NetByLine::new(), Some(&[part(1, 1_000)])).unwrap();
    assert_eq!((credit.net, credit.tax, credit.total()), (1_000, 210, 1_210));
    let rest = CreditPart { line: 1, amount: None };
    let credit = Credit::of(&invoice, &NetByLine::from([(1, 1_000)]), Some(&[rest])).unwrap();
    assert_eq!((credit.net, credit.tax), (9_000, 1_890));
}

#[test]
fn invalid_part_is_named() {
    let invoice = invoice(&[(100, "21"), (100, "0")], None);
    let of = |before: &NetByLine, parts: &[CreditPart]| Credit::of(&invoice, before, Some(parts));
    let none = NetByLine::new();
    for line in [0, -1, 3, i32::MAX, i32::MIN] {
        assert_eq!(of(&none, &[part(1, 1), part(line, 1)]), Err(CreditError::NoSuchLine(1)), "{line}");
    }
    assert_eq!(of(&none, &[part(2, 1), part(2, 1)]), Err(CreditError::LineTwice(1)));
    for amount in [101, 0, -1, i64::MAX, i64::MIN] {
        assert_eq!(of(&none, &[part(1, amount)]), Err(CreditError::Exceeds), "{amount}");
    }
    let before = NetByLine::from([(1, 100)]);
    assert_eq!(of(&before, &[CreditPart { line: 1, amount: None }]), Err(CreditError::Exceeds));
    assert_eq!(of(&before, &[]), Err(CreditError::Exceeds));
    let all = NetByLine::from([(1, 100), (2, 100)]);
    assert_eq!(Credit::of(&invoice, &all, None), Err(CreditError::Exceeds));
}

proptest! {
    /// Random credit notes are above zero, never exceed the remaining amount, and together equal the invoice.
    #[test]
    fn credit_notes_add_up_to_the_invoice(
        lines in prop::collection::vec((0..2_000_i64, prop::sample::select(vec!["0", "7", "8.875", "19"])), 1..8),
        percent in 0..100_i32,
        cuts in prop::collection::vec((1..8_i32, 1..1_500_i64), 0..20)
    ) {
        let discount = Rate::from_millipercent(percent * 1_000).map(Discount::Rate);
        let invoice = invoice(&lines, discount);
        let (mut before, mut total) = (NetByLine::new(), 0);
        let last = [None];
        let cuts: Vec<Option<CreditPart>> = cuts.iter().map(|&(line, amount)| Some(part(line, amount))).chain(last).collect();
        for cut in cuts {
            let parts = cut.map(|part| vec![part]);
            let Ok(credit) = Credit::of(&invoice, &before, parts.as_deref()) else { continue };
            prop_assert!(credit.net > 0 && credit.tax >= 0);
            for tax in &credit.taxes {
                // A tax that is computed from this credit note alone would differ by at most one minor unit.
                prop_assert!((apply_rate(tax.net, tax.rate).unwrap() - tax.tax).abs() <= 1);
            }
            add_credit(&mut before, &credit);
            total += credit.total();
            prop_assert!(total <= invoice.totals().total);
        }
        prop_assert_eq!(total, invoice.totals().total);
    }
}
