//! What a credit note comes to: chosen lines, or everything that is left. Without database and framework.
//!
//! A line is credited by its net amount, after its part of the discount on the invoice. Tax is computed per rate on all that has been
//! credited so far, less what the notes before have taken. So the notes of an invoice add up to it exactly when all of it has been
//! credited, however it is cut into notes, and never to more.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use super::super::decimals::Rate;
use super::super::model::Invoice;
use super::super::totals::{TaxSubtotal, apply_rate};
use crate::base::id::{CreditNoteId, InvoiceId};
use crate::base::money::{Currency, TooMuch, sum};
use crate::base::page::Position;

/// Net amounts by line, in minor units. Lines are counted from 1, in the invoice's order.
pub type NetByLine = BTreeMap<i32, i64>;

/// Which part of a line is credited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreditPart {
    pub line: i32,
    /// Net, in minor units. `None`: all that is left of the line.
    pub amount: Option<i64>,
}

/// A line of a credit note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditedLine {
    pub line: i32,
    pub description: String,
    pub tax_rate: Rate,
    /// Minor units.
    pub net: i64,
}

/// What is taken back, in minor units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credit {
    pub lines: Vec<CreditedLine>,
    /// By rate, the lowest first.
    pub taxes: Vec<TaxSubtotal>,
    pub net: i64,
    pub tax: i64,
}

impl Credit {
    /// Minor units.
    #[must_use]
    pub fn total(&self) -> i64 {
        self.net + self.tax
    }
}

/// Why nothing is credited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreditError {
    /// The part with this index names a line that the invoice does not have.
    NoSuchLine(usize),
    /// The part with this index names a line for the second time.
    LineTwice(usize),
    /// More than is left.
    Exceeds,
    Overflow,
}

impl Credit {
    /// Credits these parts of an invoice, or everything that is left; `before` has been credited by the notes before.
    ///
    /// # Errors
    /// [`BadCredit`].
    pub fn of(invoice: &Invoice, before: &NetByLine, parts: Option<&[CreditPart]>) -> Result<Self, CreditError> {
        let lines = match parts {
            Some(parts) => selected(invoice, before, parts)?,
            None => remaining(invoice, before).filter(|line| line.net > 0).collect(),
        };
        if lines.is_empty() {
            return Err(CreditError::Exceeds);
        }
        Self::with_tax(invoice, before, lines).map_err(|TooMuch| CreditError::Overflow)
    }

    fn with_tax(invoice: &Invoice, before: &NetByLine, lines: Vec<CreditedLine>) -> Result<Self, TooMuch> {
        let mut taxes = Vec::new();
        for TaxSubtotal { rate, .. } in &invoice.totals().taxes {
            let of_rate = (1..).zip(&invoice.content().lines).filter(|(_, line)| line.tax_rate() == *rate);
            let earlier = sum(of_rate.map(|(number, _)| before.get(&number).copied().unwrap_or(0)))?;
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

/// What is left of each line.
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

/// A credit note. It is issued when it is made, and never changes.
#[derive(Clone, Debug)]
pub struct CreditNote {
    pub header: CreditNoteHeader,
    pub invoice_number: String,
    pub reason: Option<String>,
    pub credit: Credit,
}

/// What a list shows of it.
#[derive(Clone, Debug)]
pub struct CreditNoteHeader {
    pub id: CreditNoteId,
    pub invoice: InvoiceId,
    /// Given by the database, without gaps.
    pub number: String,
    pub issue_date: NaiveDate,
    pub currency: Currency,
    /// Minor units.
    pub total: i64,
    pub created_at: DateTime<Utc>,
}

impl CreditNoteHeader {
    /// Where it stands in a list.
    #[must_use]
    pub fn position(&self) -> Position {
        Position { created_at: self.created_at, id: self.id.uuid() }
    }
}

#[cfg(test)]
mod tests;
