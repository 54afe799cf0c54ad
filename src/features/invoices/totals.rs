//! What an invoice comes to. The server computes it; a client's own sum is not even read.
//!
//! **Rounding.** Each line is rounded by itself, half up, to the currency's minor unit, in this order: gross = quantity × unit
//! price; discount = gross × rate; tax = (gross − discount) × rate. Totals are sums of rounded lines and are not rounded again, so
//! that the printed lines add up to the printed total.

use crate::base::money::{MOST_MINOR_UNITS, TooMuch, scale, sum};

/// Lines of one invoice.
pub const MOST_LINES: usize = 100;
/// 100 %.
pub const WHOLE: i32 = 10_000;
/// Nine digits and three decimals.
pub const MOST_THOUSANDTHS: i64 = 999_999_999_999;

/// One line, within its bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    description: String,
    quantity_thousandths: i64,
    unit_price: i64,
    discount_basis_points: i32,
    tax_basis_points: i32,
}

/// Which part of a line does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadLine {
    Quantity,
    UnitPrice,
    Discount,
    Tax,
}

impl Line {
    /// A line whose description has been checked.
    ///
    /// # Errors
    /// Which number is out of its bounds.
    pub fn new(
        description: String,
        quantity_thousandths: i64,
        unit_price: i64,
        discount_basis_points: i32,
        tax_basis_points: i32,
    ) -> Result<Self, BadLine> {
        let rate = |points: i32| (0..=WHOLE).contains(&points);
        if !(1..=MOST_THOUSANDTHS).contains(&quantity_thousandths) {
            Err(BadLine::Quantity)
        } else if !(0..=MOST_MINOR_UNITS).contains(&unit_price) {
            Err(BadLine::UnitPrice)
        } else if !rate(discount_basis_points) {
            Err(BadLine::Discount)
        } else if !rate(tax_basis_points) {
            Err(BadLine::Tax)
        } else {
            Ok(Self { description, quantity_thousandths, unit_price, discount_basis_points, tax_basis_points })
        }
    }

    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Three decimals, exactly.
    #[must_use]
    pub fn quantity_thousandths(&self) -> i64 {
        self.quantity_thousandths
    }

    /// Minor units.
    #[must_use]
    pub fn unit_price(&self) -> i64 {
        self.unit_price
    }

    /// Hundredths of a percent.
    #[must_use]
    pub fn discount_basis_points(&self) -> i32 {
        self.discount_basis_points
    }

    /// Hundredths of a percent.
    #[must_use]
    pub fn tax_basis_points(&self) -> i32 {
        self.tax_basis_points
    }

    /// What this line comes to.
    ///
    /// # Errors
    /// [`TooMuch`].
    pub fn amounts(&self) -> Result<LineAmounts, TooMuch> {
        let gross = scale(self.unit_price, self.quantity_thousandths, 1_000)?;
        let discount = scale(gross, self.discount_basis_points.into(), WHOLE.into())?;
        let net = gross - discount;
        Ok(LineAmounts { gross, discount, net, tax: scale(net, self.tax_basis_points.into(), WHOLE.into())? })
    }
}

/// One line in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineAmounts {
    pub gross: i64,
    pub discount: i64,
    pub net: i64,
    pub tax: i64,
}

/// The tax of all lines with one rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaxOfRate {
    pub basis_points: i32,
    pub net: i64,
    pub tax: i64,
}

/// An invoice in minor units.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Before discounts and tax.
    pub subtotal: i64,
    pub discount: i64,
    pub tax: i64,
    pub total: i64,
    /// By rate, the lowest first.
    pub taxes: Vec<TaxOfRate>,
}

/// The sum up to this line is too large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMuchAtLine(pub usize);

impl Totals {
    /// Adds the lines up.
    ///
    /// # Errors
    /// Names the first line at which an amount gets too large.
    pub fn of(lines: &[Line]) -> Result<Self, TooMuchAtLine> {
        let mut totals = Self::default();
        for (index, line) in lines.iter().enumerate() {
            totals.add(line).map_err(|TooMuch| TooMuchAtLine(index))?;
        }
        totals.taxes.sort_by_key(|tax| tax.basis_points);
        Ok(totals)
    }

    fn add(&mut self, line: &Line) -> Result<(), TooMuch> {
        let LineAmounts { gross, discount, net, tax } = line.amounts()?;
        self.subtotal = sum([self.subtotal, gross])?;
        self.discount = sum([self.discount, discount])?;
        self.tax = sum([self.tax, tax])?;
        self.total = sum([self.total, net, tax])?;
        match self.taxes.iter_mut().find(|known| known.basis_points == line.tax_basis_points) {
            Some(known) => {
                known.net = sum([known.net, net])?;
                known.tax = sum([known.tax, tax])?;
            }
            None => self.taxes.push(TaxOfRate { basis_points: line.tax_basis_points, net, tax }),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(quantity: i64, price: i64, discount: i32, tax: i32) -> Line {
        Line::new("x".into(), quantity, price, discount, tax).unwrap()
    }

    #[test]
    fn worked_examples() {
        // quantity in thousandths, unit price, discount, tax → gross, discount, net, tax
        for (input, expected) in [
            ((1_000, 10_000, 0, 2_100), (10_000, 0, 10_000, 2_100)), // EUR 100.00, 21 %
            ((1_500, 9_999, 0, 2_100), (14_999, 0, 14_999, 3_150)),  // 14,998.5 rounds up
            ((3_000, 333, 1_000, 1_900), (999, 100, 899, 171)),      // 99.9 and 170.81
            ((1, 500, 0, 0), (1, 0, 1, 0)),                          // half a minor unit goes up
            ((1, 499, 0, 0), (0, 0, 0, 0)),                          // less does not
            ((2_000, 1_250, 0, 1_000), (2_500, 0, 2_500, 250)),      // JPY 1250: no decimals, same rule
            ((1_250, 12_345, 250, 500), (15_431, 386, 15_045, 752)), // KWD 12.345: three decimals
            ((1_000, 100, 10_000, 2_100), (100, 100, 0, 0)),         // all of it given away
        ] {
            let amounts = line(input.0, input.1, input.2, input.3).amounts().unwrap();
            assert_eq!((amounts.gross, amounts.discount, amounts.net, amounts.tax), expected, "{input:?}");
        }
        let totals =
            Totals::of(&[line(1_500, 9_999, 0, 2_100), line(3_000, 333, 1_000, 1_900), line(1_000, 100, 0, 2_100)])
                .unwrap();
        assert_eq!((totals.subtotal, totals.discount, totals.tax, totals.total), (16_098, 100, 3_342, 19_340));
        assert_eq!(
            totals.taxes,
            [
                TaxOfRate { basis_points: 1_900, net: 899, tax: 171 },
                TaxOfRate { basis_points: 2_100, net: 15_099, tax: 3_171 }
            ]
        );
    }

    #[test]
    fn too_much_names_its_line() {
        let most = line(1_000, MOST_MINOR_UNITS, 0, 0);
        assert_eq!(Totals::of(std::slice::from_ref(&most)).unwrap().total, MOST_MINOR_UNITS);
        assert_eq!(Totals::of(&[line(1_000, 1, 0, 0), most]), Err(TooMuchAtLine(1)));
        assert_eq!(Totals::of(&[line(MOST_THOUSANDTHS, MOST_MINOR_UNITS, 0, WHOLE)]), Err(TooMuchAtLine(0)));
    }

    #[test]
    fn a_number_out_of_bounds_is_named() {
        for (input, fault) in [
            ((0, 1, 0, 0), BadLine::Quantity),
            ((-1, 1, 0, 0), BadLine::Quantity),
            ((MOST_THOUSANDTHS + 1, 1, 0, 0), BadLine::Quantity),
            ((1, -1, 0, 0), BadLine::UnitPrice),
            ((1, MOST_MINOR_UNITS + 1, 0, 0), BadLine::UnitPrice),
            ((1, 1, -1, 0), BadLine::Discount),
            ((1, 1, WHOLE + 1, 0), BadLine::Discount),
            ((1, 1, 0, WHOLE + 1), BadLine::Tax),
        ] {
            assert_eq!(Line::new(String::new(), input.0, input.1, input.2, input.3), Err(fault), "{input:?}");
        }
    }

    proptest! {
        #[test]
        fn the_lines_add_up_to_the_total(
            input in prop::collection::vec((1..=MOST_THOUSANDTHS, 0..=1_000_000_i64, 0..=WHOLE, 0..=WHOLE), 1..=MOST_LINES)
        ) {
            let lines: Vec<Line> = input.iter().map(|(q, p, d, t)| line(*q, *p, *d, *t)).collect();
            if let Ok(totals) = Totals::of(&lines) {
                prop_assert_eq!(totals.total, totals.subtotal - totals.discount + totals.tax);
                prop_assert_eq!(totals.taxes.iter().map(|tax| tax.tax).sum::<i64>(), totals.tax);
                prop_assert_eq!(totals.taxes.iter().map(|tax| tax.net + tax.tax).sum::<i64>(), totals.total);
                prop_assert!(totals.discount >= 0 && totals.discount <= totals.subtotal && totals.tax >= 0);
            }
        }
    }
}
