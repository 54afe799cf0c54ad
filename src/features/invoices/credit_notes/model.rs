//! The amounts of a credit note, which credits selected lines or the whole remaining amount of the invoice.
//!
//! A credit on a line is a net amount, which contains no tax.
//! Two discounts are already subtracted: that of the line, and the line's share of the discount on the invoice.
//!
//! The tax of each rate is the tax on all credits including this one, minus the tax on the earlier credits.
//! So rounding differences do not accumulate, and the credit notes of a fully credited invoice add up to its total.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use super::super::decimals::Rate;
use super::super::model::Invoice;
use super::super::totals::{TaxSubtotal, apply_rate};
use crate::base::money::{AmountTooLarge, Currency, sum};
use crate::base::page::Position;
use crate::features::invoices::id::{CreditNoteId, InvoiceId};

/// Net amounts by line number, in minor units. The first line has number 1.
pub type NetByLine = BTreeMap<i32, i64>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreditPart {
    pub line: i32,
    /// The net amount in minor units. `None` means the whole remaining amount of the line.
    pub amount: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditedLine {
    pub line: i32,
    pub description: String,
    pub tax_rate: Rate,
    /// In minor units.
    pub net: i64,
}

/// The amounts of a credit, in minor units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credit {
    pub lines: Vec<CreditedLine>,
    /// The taxes, from the lowest rate to the highest.
    pub taxes: Vec<TaxSubtotal>,
    pub net: i64,
    pub tax: i64,
}

impl Credit {
    #[must_use]
    pub fn total(&self) -> i64 {
        self.net + self.tax
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreditError {
    /// The requested part with this index names a line that the invoice does not have.
    NoSuchLine(usize),
    /// The requested part with this index repeats the line of an earlier part.
    LineTwice(usize),
    /// The credit exceeds the remaining amount of the invoice or of a line.
    Exceeds,
    Overflow,
}

impl Credit {
    /// If `parts` is `None`, credits the whole remaining amount.
    /// `before` contains the net amounts that earlier credit notes have credited.
    pub fn of(invoice: &Invoice, before: &NetByLine, parts: Option<&[CreditPart]>) -> Result<Self, CreditError> {
        let lines = match parts {
            Some(parts) => selected(invoice, before, parts)?,
            None => remaining(invoice, before).filter(|line| line.net > 0).collect(),
        };
        if lines.is_empty() {
            return Err(CreditError::Exceeds);
        }
        Self::with_tax(invoice, before, lines).map_err(|AmountTooLarge| CreditError::Overflow)
    }

    fn with_tax(invoice: &Invoice, before: &NetByLine, lines: Vec<CreditedLine>) -> Result<Self, AmountTooLarge> {
        let mut taxes = Vec::new();
        for TaxSubtotal { rate, .. } in &invoice.totals().taxes {
            let rate_lines = (1..).zip(&invoice.content().lines).filter(|(_, line)| line.tax_rate() == *rate);
            let earlier = sum(rate_lines.map(|(number, _)| before.get(&number).copied().unwrap_or(0)))?;
            let net = sum(lines.iter().filter(|line| line.tax_rate == *rate).map(|line| line.net))?;
            if net > 0 {
                let tax = apply_rate(sum([earlier, net])?, *rate)? - apply_rate(earlier, *rate)?;
                taxes.push(TaxSubtotal { rate: *rate, net, tax });
            }
        }
        let (net, tax) = (sum(taxes.iter().map(|tax| tax.net))?, sum(taxes.iter().map(|tax| tax.tax))?);
        sum([net, tax])?;
        Ok(Self { lines, taxes, net, tax })
    }
}

/// Returns all lines, each with its remaining net amount: the part that earlier credit notes have not credited.
fn remaining<'a>(invoice: &'a Invoice, before: &'a NetByLine) -> impl Iterator<Item = CreditedLine> + 'a {
    let lines = invoice.content().lines.iter().zip(&invoice.totals().nets);
    (1..).zip(lines).map(|(number, (line, net))| CreditedLine {
        line: number,
        description: line.description().to_owned(),
        tax_rate: line.tax_rate(),
        net: net - before.get(&number).copied().unwrap_or(0),
    })
}

fn selected(invoice: &Invoice, before: &NetByLine, parts: &[CreditPart]) -> Result<Vec<CreditedLine>, CreditError> {
    let mut remaining: BTreeMap<i32, CreditedLine> = remaining(invoice, before).map(|line| (line.line, line)).collect();
    let lines = i32::try_from(remaining.len()).unwrap_or(i32::MAX);
    let take = |(index, part): (usize, &CreditPart)| {
        if !(1..=lines).contains(&part.line) {
            return Err(CreditError::NoSuchLine(index));
        }
        let line = remaining.remove(&part.line).ok_or(CreditError::LineTwice(index))?;
        let net = part.amount.unwrap_or(line.net);
        if !(1..=line.net).contains(&net) {
            return Err(CreditError::Exceeds);
        }
        Ok(CreditedLine { net, ..line })
    };
    parts.iter().enumerate().map(take).collect()
}

/// A credit note. It is issued when it is created, and never changes.
#[derive(Clone, Debug)]
pub struct CreditNote {
    pub header: CreditNoteHeader,
    pub invoice_number: String,
    pub reason: Option<String>,
    pub credit: Credit,
}

/// The fields of a credit note that a list shows.
#[derive(Clone, Debug)]
pub struct CreditNoteHeader {
    pub id: CreditNoteId,
    pub invoice: InvoiceId,
    /// The database assigns the number, so that the numbers of an owner have no gaps.
    pub number: String,
    pub issue_date: NaiveDate,
    pub currency: Currency,
    /// In minor units.
    pub total: i64,
    pub created_at: DateTime<Utc>,
}

impl CreditNoteHeader {
    #[must_use]
    pub fn position(&self) -> Position {
        Position { created_at: self.created_at, id: self.id.uuid() }
    }
}

#[cfg(test)]
mod tests;
