use proptest::prelude::*;

use super::*;
use crate::base::money::{Currency, MAX_MINOR_UNITS};

fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

fn line(quantity: &str, price: &str, tax: &str) -> Line {
    line_in("EUR", quantity, price, None, tax)
}

fn line_in(code: &str, quantity: &str, price: &str, discount: Option<Discount>, tax: &str) -> Line {
    let price = UnitPrice::parse(price, code.parse::<Currency>().unwrap()).unwrap();
    Line::new("x".into(), quantity.parse().unwrap(), price, discount, rate(tax)).unwrap()
}

fn taxes(totals: &Totals) -> Vec<(String, i64, i64)> {
    totals.taxes.iter().map(|tax| (tax.rate.to_string(), tax.net, tax.tax)).collect()
}

/// Each example is from a published document. It contains lines, and the expected taxes and total in minor units.
#[test]
fn totals_match_published_examples() {
    let examples = [
        // Revenu Québec, "Calculating the taxes", a good for $100: the tax QST is $100 × 9.975 %, rounded to $9.98.
        (vec![line_in("CAD", "1", "100", None, "9.975")], vec![("9.975", 10_000, 998)], 10_998),
        // Revenu Québec, the same example: the taxes GST and QST together are 14.975 %, so the total is $114.98.
        (vec![line_in("CAD", "1", "100", None, "14.975")], vec![("14.975", 10_000, 1_498)], 11_498),
        // HMRC, VAT Notice 700, paragraph 17.5: 86.76p is rounded to 87p. In this test, 86.76p is 6 % of £14.46.
        (vec![line_in("GBP", "1", "14.46", None, "6")], vec![("6", 1_446, 87)], 1_533),
        // CEN/TC 434, ubl-tc434-example2.xml: 25 % of NOK 1460.50 is 365.13 (half up), and 15 % of 1.00 is 0.15.
        (
            vec![line_in("NOK", "1", "1460.50", None, "25"), line_in("NOK", "1", "1", None, "15")],
            vec![("15", 100, 15), ("25", 146_050, 36_513)],
            182_678,
        ),
        // CEN/TC 434, sample-discount-price.xml: 100 × EUR 0.1212 is 12.12, 25 % VAT is 3.03, the total is 15.15.
        (vec![line("100", "0.1212", "25")], vec![("25", 1_212, 303)], 1_515),
    ];
    for (lines, expected, total) in examples {
        let totals = Totals::of(&lines, None).unwrap();
        let expected: Vec<_> = expected.into_iter().map(|(rate, net, tax)| (rate.to_owned(), net, tax)).collect();
        assert_eq!((taxes(&totals), totals.total), (expected, total));
    }
    // CEN/TC 434, ubl-tc434-example5.xml: an allowance of 10 % on DKK 1500.00 is 150.00.
    let totals = Totals::of(&[line_in("DKK", "1", "1500", None, "25")], Some(Discount::Rate(rate("10")))).unwrap();
    assert_eq!((totals.invoice_discount, taxes(&totals)), (15_000, vec![("25".to_owned(), 135_000, 33_750)]));
}

/// Streamlined Sales and Use Tax Agreement, section 324:
/// a tax is rounded up to the next cent if its third decimal is greater than four.
/// Revenu Québec: taxes may be computed on the total price of all goods before rounding.
#[test]
fn tax_is_rounded_once_per_rate_and_not_per_line() {
    let lines: Vec<Line> = (0..3).map(|_| line("1", "0.05", "8.875")).collect();
    // Each line has a tax of 0.44 cents. Rounding each line would give 0. Rounding the sum of 1.33 cents gives 1.
    assert_eq!(Totals::of(&lines, None).unwrap().tax, 1);
    for (price, tax) in [("10", 89), ("1", 9), ("0.05", 0), ("0.06", 1)] {
        assert_eq!(Totals::of(&[line("1", price, "8.875")], None).unwrap().tax, tax, "{price}");
    }
}

#[test]
fn lines_are_rounded_half_up() {
    let by_rate = |text| Some(Discount::Rate(rate(text)));
    // The expected amounts are gross, discount and net. The comments contain the exact amount before rounding.
    for (code, quantity, price, discount, expected) in [
        ("EUR", "1", "100.00", None, (10_000, 0, 10_000)),
        ("EUR", "1.5", "99.99", None, (14_999, 0, 14_999)), // 14,998.5
        ("EUR", "3", "3.33", by_rate("10"), (999, 100, 899)), // 99.9
        ("EUR", "0.001", "5.00", None, (1, 0, 1)),          // half a cent
        ("EUR", "0.001", "4.99", None, (0, 0, 0)),
        ("EUR", "1234", "0.1648", None, (20_336, 0, 20_336)), // 203.3632
        ("JPY", "3", "4.5", None, (14, 0, 14)),               // 13.5
        ("KWD", "1.25", "12.345", by_rate("2.5"), (15_431, 386, 15_045)),
        ("EUR", "1", "1.00", by_rate("100"), (100, 100, 0)),
        ("EUR", "1", "1.00", Some(Discount::Amount(100)), (100, 100, 0)),
        ("EUR", "2", "10.00", Some(Discount::Amount(1)), (2_000, 1, 1_999)),
    ] {
        let amounts = line_in(code, quantity, price, discount, "21").amounts();
        assert_eq!((amounts.gross, amounts.discount, amounts.net), expected, "{code} {quantity} × {price}");
    }
}

/// EN 16931, BR-S-08: the taxable amount of a rate is reduced by the rate's share of the discount on the invoice.
#[test]
fn invoice_discount_is_distributed_over_the_tax_rates() {
    let lines = [line("1", "100", "19"), line("1", "50", "7"), line("1", "0.01", "0")];
    // The discount of 10.00 on 150.01 is distributed: 0.00 to the line of 0.01, 3.33 to 50.00, and 6.67 to 100.00.
    let totals = Totals::of(&lines, Some(Discount::Amount(1_000))).unwrap();
    assert_eq!((totals.subtotal, totals.discount, totals.invoice_discount), (15_001, 1_000, 1_000));
    let expected = [("0", 1, 0), ("7", 4_667, 327), ("19", 9_333, 1_773)].map(|(r, net, tax)| (r.to_owned(), net, tax));
    assert_eq!((taxes(&totals), totals.tax, totals.total), (expected.to_vec(), 2_100, 16_101));
}

#[test]
fn discount_above_the_discounted_amount_is_refused() {
    let price = UnitPrice::parse("1", "EUR".parse().unwrap()).unwrap();
    for amount in [101, -1, i64::MIN, i64::MAX] {
        let discount = Some(Discount::Amount(amount));
        let line = Line::new("x".into(), "1".parse().unwrap(), price, discount, rate("0"));
        assert_eq!(line, Err(LineError::Discount(DiscountTooLarge)), "{amount}");
        let totals = Totals::of(&[line_in("EUR", "1", "1", None, "21")], discount);
        assert_eq!(totals, Err(TotalsError::Discount(DiscountTooLarge)), "{amount}");
    }
}

#[test]
fn overflow_names_its_line() {
    let most = || line("1000", "90071992547.40991", "0");
    assert_eq!(Totals::of(&[most()], None).unwrap().total, MAX_MINOR_UNITS);
    assert_eq!(Totals::of(&[line("1", "0.01", "0"), most()], None), Err(TotalsError::OverflowAtLine(1)));
    assert_eq!(Totals::of(&[line("1000", "90071992547.40991", "1")], None), Err(TotalsError::Overflow));
    let (quantity, price) =
        (Quantity::from_thousandths(Quantity::MAX), UnitPrice::from_ten_thousandths(UnitPrice::MAX));
    let line = Line::new("x".into(), quantity.unwrap(), price.unwrap(), None, rate("0"));
    assert_eq!(line, Err(LineError::Overflow));
}

fn discounts() -> impl Strategy<Value = Option<Discount>> {
    prop_oneof![
        Just(None),
        (0..=Rate::ONE_HUNDRED_PERCENT).prop_map(|points| Rate::from_millipercent(points).map(Discount::Rate)),
        (0..=1_000_000_i64).prop_map(|amount| Some(Discount::Amount(amount)))
    ]
}

prop_compose! {
    fn any_line()(
        quantity in 1..=Quantity::MAX, price in 0..=10_000_000_000_i64, discount in discounts(),
        tax in prop_oneof![Just(0), Just(8_875), Just(21_000), 0..=Rate::ONE_HUNDRED_PERCENT]
    ) -> Option<Line> {
        let price = UnitPrice::from_ten_thousandths(price)?;
        Line::new("x".into(), Quantity::from_thousandths(quantity)?, price, discount, Rate::from_millipercent(tax)?).ok()
    }
}

proptest! {
    #[test]
    fn totals_are_sums_of_rounded_amounts(
        lines in prop::collection::vec(any_line(), 1..=MAX_LINES), discount in discounts()
    ) {
        let lines: Vec<Line> = lines.into_iter().flatten().collect();
        if let Ok(totals) = Totals::of(&lines, discount) {
            let of_lines = |part: fn(LineAmounts) -> i64| lines.iter().map(|line| part(line.amounts())).sum::<i64>();
            prop_assert_eq!(totals.subtotal, of_lines(|amounts| amounts.gross));
            prop_assert_eq!(totals.discount, of_lines(|amounts| amounts.discount) + totals.invoice_discount);
            prop_assert_eq!(totals.total, totals.subtotal - totals.discount + totals.tax);
            prop_assert_eq!(totals.taxes.iter().map(|tax| tax.net + tax.tax).sum::<i64>(), totals.total);
            prop_assert!(totals.invoice_discount >= 0 && totals.discount <= totals.subtotal);
            for tax in &totals.taxes {
                let lines = lines.iter().filter(|line| line.tax_rate() == tax.rate);
                prop_assert!(0 <= tax.net && tax.net <= lines.map(|line| line.amounts().net).sum::<i64>());
                // Rounding half up differs from the exact tax by at most half a minor unit.
                let exact = i128::from(tax.net) * i128::from(tax.rate.millipercent());
                let off = i128::from(tax.tax) * 100_000 - exact;
                prop_assert!(-50_000 < off && off <= 50_000);
            }
        }
    }
}
