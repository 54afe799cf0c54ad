//! The server computes all amounts of an invoice. A request that contains a sum is refused (mass assignment).
//!
//! **Rounding**: half up to the currency's minor unit, in the order of EN 16931 (BR-CO-10 to BR-CO-17, BR-S-08):
//! - Line: gross = quantity × unit price. Discount by rate = gross × rate. Net = gross − discount.
//! - Discount by rate on the whole invoice = sum of the net amounts × rate.
//!   The discount is distributed over the tax rates in proportion to their net amounts.
//! - Tax of a rate = taxable amount of this rate × rate. It is computed once for each rate, and not for each line.
//!
//! The totals are sums of rounded amounts, and are not rounded again. So the amounts on a printed invoice add up.

use std::collections::BTreeMap;

use super::decimals::{Quantity, Rate, UnitPrice};
use crate::base::money::{AmountTooLarge, scale, sum};

pub const MAX_LINES: usize = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discount {
    Rate(Rate),
    /// In minor units.
    Amount(i64),
}

/// The discount is negative or larger than the discounted amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiscountTooLarge;

impl Discount {
    /// Returns the discount on `base`, in minor units.
    fn of(self, base: i64) -> Result<i64, DiscountTooLarge> {
        match self {
            Self::Rate(rate) => apply_rate(base, rate).map_err(|AmountTooLarge| DiscountTooLarge),
            Self::Amount(amount) => (0..=base).contains(&amount).then_some(amount).ok_or(DiscountTooLarge),
        }
    }
}

/// Multiplies an amount by a rate and rounds the result half up.
pub fn apply_rate(amount: i64, rate: Rate) -> Result<i64, AmountTooLarge> {
    scale(amount, rate.millipercent().into(), Rate::ONE_HUNDRED_PERCENT.into())
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    description: String,
    quantity: Quantity,
    unit_price: UnitPrice,
    discount: Option<Discount>,
    tax_rate: Rate,
    amounts: LineAmounts,
}

/// In minor units, without tax, because tax is computed once for each rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineAmounts {
    pub gross: i64,
    pub discount: i64,
    pub net: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineError {
    /// Quantity × unit price is larger than [`MAX_MINOR_UNITS`](crate::base::money::MAX_MINOR_UNITS).
    Overflow,
    Discount(DiscountTooLarge),
}

impl Line {
    /// Does not validate the description. The request types have already validated it.
    pub fn new(
        description: String,
        quantity: Quantity,
        unit_price: UnitPrice,
        discount: Option<Discount>,
        tax_rate: Rate,
    ) -> Result<Self, LineError> {
        let gross =
            scale(unit_price.ten_thousandths(), quantity.thousandths(), UnitPrice::STEPS_PER_MINOR_UNIT * 1_000)
                .map_err(|AmountTooLarge| LineError::Overflow)?;
        let reduction = discount.map_or(Ok(0), |discount| discount.of(gross)).map_err(LineError::Discount)?;
        let amounts = LineAmounts { gross, discount: reduction, net: gross - reduction };
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

/// The net amount and the tax of all lines with one rate, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaxSubtotal {
    pub rate: Rate,
    /// The taxable amount: the net amounts of the lines with this rate, minus their shares of the invoice discount.
    pub net: i64,
    pub tax: i64,
}

/// All amounts are in minor units.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// The sum of the lines before discounts and tax.
    pub subtotal: i64,
    /// The sum of all discounts, both on the lines and on the whole invoice.
    pub discount: i64,
    /// The discount on the whole invoice. It is a part of `discount`.
    pub invoice_discount: i64,
    pub tax: i64,
    pub total: i64,
    /// The taxes, from the lowest rate to the highest.
    pub taxes: Vec<TaxSubtotal>,
    /// The net amount of each line, minus the line's share of the discount on the invoice.
    pub nets: Vec<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TotalsError {
    /// The sum up to the line with this index is too large.
    OverflowAtLine(usize),
    /// The total including tax is too large.
    Overflow,
    Discount(DiscountTooLarge),
}

impl Totals {
    pub fn of(lines: &[Line], discount: Option<Discount>) -> Result<Self, TotalsError> {
        let mut totals = Self::default();
        for (index, line) in lines.iter().enumerate() {
            totals.add(line).map_err(|AmountTooLarge| TotalsError::OverflowAtLine(index))?;
        }
        let net = totals.subtotal - totals.discount;
        let reduction = discount.map_or(Ok(0), |discount| discount.of(net)).map_err(TotalsError::Discount)?;
        totals
            .apply_invoice_discount(lines, reduction, net)
            .and_then(|()| totals.add_taxes(lines))
            .map_err(|AmountTooLarge| TotalsError::Overflow)?;
        Ok(totals)
    }

    fn add(&mut self, line: &Line) -> Result<(), AmountTooLarge> {
        let LineAmounts { gross, discount, net } = line.amounts;
        self.subtotal = sum([self.subtotal, gross])?;
        self.discount = sum([self.discount, discount])?;
        self.nets.push(net);
        Ok(())
    }

    /// Distributes the discount on the invoice over its lines. The lines are processed in the order of their tax rates.
    ///
    /// The discount on the first n lines is `reduction` × (their net amounts ÷ all net amounts), rounded once.
    /// The share of line n is this discount minus the discount on the first n - 1 lines.
    /// So the shares add up to `reduction` exactly, and no share is larger than the line's net amount.
    fn apply_invoice_discount(&mut self, lines: &[Line], reduction: i64, net: i64) -> Result<(), AmountTooLarge> {
        self.invoice_discount = reduction;
        self.discount = sum([self.discount, reduction])?;
        let mut by_rate: Vec<_> = lines.iter().zip(&mut self.nets).collect();
        by_rate.sort_by_key(|(line, _)| line.tax_rate);
        let (mut cumulative_net, mut distributed) = (0, 0);
        for (_, line_net) in by_rate {
            cumulative_net = sum([cumulative_net, *line_net])?;
            let cumulative_discount = scale(reduction, cumulative_net, net)?;
            *line_net -= cumulative_discount - distributed;
            distributed = cumulative_discount;
        }
        Ok(())
    }

    fn add_taxes(&mut self, lines: &[Line]) -> Result<(), AmountTooLarge> {
        let mut nets = BTreeMap::<Rate, i64>::new();
        for (line, net) in lines.iter().zip(&self.nets) {
            let rate_net = nets.entry(line.tax_rate).or_default();
            *rate_net = sum([*rate_net, *net])?;
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
