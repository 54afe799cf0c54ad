//! What an invoice comes to. The server computes it; a sum in a request is refused.
//!
//! **Rounding.** Half up to the currency's minor unit, where EN 16931 rounds (BR-CO-10 to BR-CO-17, BR-S-08):
//! - a line: gross = quantity × unit price; its discount, if by rate, = gross × rate; net = gross − discount;
//! - the invoice's discount, if by rate, = sum of the lines' nets × rate. It is spread over the tax rates in proportion to their nets;
//! - tax, once per rate: what is taxed at this rate × rate.
//!
//! Totals are sums of rounded amounts and are not rounded again, so that what is printed adds up.

use std::collections::BTreeMap;

use super::decimals::{Quantity, Rate, UnitPrice};
use crate::base::money::{TooMuch, scale, sum};

/// Lines of one invoice.
pub const MAX_LINES: usize = 100;

/// A discount on a line or on an invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discount {
    Rate(Rate),
    /// Minor units.
    Amount(i64),
}

/// The discount is more than what it is taken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiscountTooLarge;

impl Discount {
    /// Returns what is taken off `base`, in minor units.
    fn of(self, base: i64) -> Result<i64, DiscountTooLarge> {
        match self {
            Self::Rate(rate) => apply_rate(base, rate).map_err(|TooMuch| DiscountTooLarge),
            Self::Amount(amount) => (0..=base).contains(&amount).then_some(amount).ok_or(DiscountTooLarge),
        }
    }
}

/// This rate of an amount, rounded half up.
///
/// # Errors
/// [`TooMuch`].
pub fn apply_rate(amount: i64, rate: Rate) -> Result<i64, TooMuch> {
    scale(amount, rate.millipercent().into(), Rate::ONE_HUNDRED_PERCENT.into())
}

/// One line, with what it comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    description: String,
    quantity: Quantity,
    unit_price: UnitPrice,
    discount: Option<Discount>,
    tax_rate: Rate,
    amounts: LineAmounts,
}

/// One line in minor units. Tax is computed per rate, not per line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineAmounts {
    pub gross: i64,
    pub discount: i64,
    pub net: i64,
}

/// Why there is no such line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineError {
    /// Quantity × unit price is larger than [`MOST_MINOR_UNITS`](crate::base::money::MOST_MINOR_UNITS).
    Overflow,
    Discount(DiscountTooLarge),
}

impl Line {
    /// Makes a line whose description has been checked.
    ///
    /// # Errors
    /// [`BadLine`].
    pub fn new(
        description: String,
        quantity: Quantity,
        unit_price: UnitPrice,
        discount: Option<Discount>,
        tax_rate: Rate,
    ) -> Result<Self, LineError> {
        let gross =
            scale(unit_price.ten_thousandths(), quantity.thousandths(), UnitPrice::STEPS_PER_MINOR_UNIT * 1_000)
                .map_err(|TooMuch| LineError::Overflow)?;
        let off = discount.map_or(Ok(0), |discount| discount.of(gross)).map_err(LineError::Discount)?;
        let amounts = LineAmounts { gross, discount: off, net: gross - off };
        Ok(Self { description, quantity, unit_price, discount, tax_rate, amounts })
    }

    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    #[must_use]
    pub fn quantity(&self) -> Quantity {
        self.quantity
    }

    #[must_use]
    pub fn unit_price(&self) -> UnitPrice {
        self.unit_price
    }

    #[must_use]
    pub fn discount(&self) -> Option<Discount> {
        self.discount
    }

    #[must_use]
    pub fn tax_rate(&self) -> Rate {
        self.tax_rate
    }

    #[must_use]
    pub fn amounts(&self) -> LineAmounts {
        self.amounts
    }
}

/// The tax of one rate, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaxSubtotal {
    pub rate: Rate,
    /// What is taxed: the nets of the lines with this rate, less this rate's part of the invoice's discount.
    pub net: i64,
    pub tax: i64,
}

/// An invoice in minor units.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Before discounts and tax.
    pub subtotal: i64,
    /// All discounts together.
    pub discount: i64,
    /// The part of `discount` that is on the invoice as a whole.
    pub invoice_discount: i64,
    pub tax: i64,
    pub total: i64,
    /// By rate, the lowest first.
    pub taxes: Vec<TaxSubtotal>,
    /// Each line's net, less its part of the discount on the invoice, in the order of the lines.
    pub nets: Vec<i64>,
}

/// Why there are no totals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TotalsError {
    /// The sum up to this line is larger than [`MOST_MINOR_UNITS`](crate::base::money::MOST_MINOR_UNITS).
    OverflowAtLine(usize),
    /// The sum with tax is.
    Overflow,
    Discount(DiscountTooLarge),
}

impl Totals {
    /// Adds the lines up, takes the discount on the invoice off, and adds the tax of each rate.
    ///
    /// # Errors
    /// [`BadTotals`].
    pub fn of(lines: &[Line], discount: Option<Discount>) -> Result<Self, TotalsError> {
        let mut totals = Self::default();
        for (index, line) in lines.iter().enumerate() {
            totals.add(line).map_err(|TooMuch| TotalsError::OverflowAtLine(index))?;
        }
        let net = totals.subtotal - totals.discount;
        let off = discount.map_or(Ok(0), |discount| discount.of(net)).map_err(TotalsError::Discount)?;
        totals
            .apply_invoice_discount(lines, off, net)
            .and_then(|()| totals.add_taxes(lines))
            .map_err(|TooMuch| TotalsError::Overflow)?;
        Ok(totals)
    }

    fn add(&mut self, line: &Line) -> Result<(), TooMuch> {
        let LineAmounts { gross, discount, net } = line.amounts;
        self.subtotal = sum([self.subtotal, gross])?;
        self.discount = sum([self.discount, discount])?;
        self.nets.push(net);
        Ok(())
    }

    /// Spreads the discount over the lines, by tax rate: up to each line, as much is taken off in all as is due on the nets up to
    /// there. So the parts add up to `off` exactly, and no part is larger than its net.
    fn apply_invoice_discount(&mut self, lines: &[Line], off: i64, net: i64) -> Result<(), TooMuch> {
        self.invoice_discount = off;
        self.discount = sum([self.discount, off])?;
        let mut by_rate: Vec<_> = lines.iter().zip(&mut self.nets).collect();
        by_rate.sort_by_key(|(line, _)| line.tax_rate);
        let (mut nets, mut spread) = (0, 0);
        for (_, net_of_line) in by_rate {
            nets = sum([nets, *net_of_line])?;
            let up_to_here = scale(off, nets, net)?;
            *net_of_line -= up_to_here - spread;
            spread = up_to_here;
        }
        Ok(())
    }

    fn add_taxes(&mut self, lines: &[Line]) -> Result<(), TooMuch> {
        let mut nets = BTreeMap::<Rate, i64>::new();
        for (line, net) in lines.iter().zip(&self.nets) {
            let of_rate = nets.entry(line.tax_rate).or_default();
            *of_rate = sum([*of_rate, *net])?;
        }
        let tax = |(rate, net)| Ok(TaxSubtotal { rate, net, tax: apply_rate(net, rate)? });
        self.taxes = nets.into_iter().map(tax).collect::<Result<_, _>>()?;
        self.tax = sum(self.taxes.iter().map(|tax| tax.tax))?;
        self.total = sum([self.subtotal, -self.discount, self.tax])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
