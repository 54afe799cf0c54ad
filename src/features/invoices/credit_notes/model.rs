//! What a credit note comes to: chosen lines, or everything that is left. Without database and framework.
//!
//! A line is credited by its net amount, after its part of the discount on the invoice. Tax is computed per rate on all that has been
//! credited so far, less what the notes before have taken. So the notes of an invoice add up to it exactly when all of it has been
//! credited, however it is cut into notes, and never to more.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use super::super::decimals::Rate;
use super::super::model::Invoice;
use super::super::totals::{TaxOfRate, share};
use crate::base::id::{CreditNoteId, InvoiceId};
use crate::base::money::{Currency, TooMuch, sum};
use crate::base::page::Position;

/// Net amounts by line, in minor units. Lines are counted from 1, in the invoice's order.
pub type NetByLine = BTreeMap<i32, i64>;

/// Which part of a line is credited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
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
    pub taxes: Vec<TaxOfRate>,
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
pub enum BadCredit {
    /// The part with this index names a line that the invoice does not have.
    NoSuchLine(usize),
    /// The part with this index names a line for the second time.
    LineTwice(usize),
    /// More than is left.
    Exceeds,
    TooMuch,
}

impl Credit {
    /// Credits these parts of an invoice, or everything that is left; `before` has been credited by the notes before.
    ///
    /// # Errors
    /// [`BadCredit`].
    pub fn of(invoice: &Invoice, before: &NetByLine, parts: Option<&[Part]>) -> Result<Self, BadCredit> {
        let lines = match parts {
            Some(parts) => chosen(invoice, before, parts)?,
            None => left(invoice, before).filter(|line| line.net > 0).collect(),
        };
        if lines.is_empty() {
            return Err(BadCredit::Exceeds);
        }
        Self::with_tax(invoice, before, lines).map_err(|TooMuch| BadCredit::TooMuch)
    }

    fn with_tax(invoice: &Invoice, before: &NetByLine, lines: Vec<CreditedLine>) -> Result<Self, TooMuch> {
        let mut taxes = Vec::new();
        for TaxOfRate { rate, .. } in &invoice.totals().taxes {
            let of_rate = (1..).zip(&invoice.content().lines).filter(|(_, line)| line.tax_rate() == *rate);
            let earlier = sum(of_rate.map(|(number, _)| before.get(&number).copied().unwrap_or(0)))?;
            let net = sum(lines.iter().filter(|line| line.tax_rate == *rate).map(|line| line.net))?;
            if net > 0 {
                let tax = share(sum([earlier, net])?, *rate)? - share(earlier, *rate)?;
                taxes.push(TaxOfRate { rate: *rate, net, tax });
            }
        }
        let (net, tax) = (sum(taxes.iter().map(|tax| tax.net))?, sum(taxes.iter().map(|tax| tax.tax))?);
        sum([net, tax])?;
        Ok(Self { lines, taxes, net, tax })
    }
}

/// What is left of each line.
fn left<'a>(invoice: &'a Invoice, before: &'a NetByLine) -> impl Iterator<Item = CreditedLine> + 'a {
    let lines = invoice.content().lines.iter().zip(&invoice.totals().nets);
    (1..).zip(lines).map(|(number, (line, net))| CreditedLine {
        line: number,
        description: line.description().to_owned(),
        tax_rate: line.tax_rate(),
        net: net - before.get(&number).copied().unwrap_or(0),
    })
}

fn chosen(invoice: &Invoice, before: &NetByLine, parts: &[Part]) -> Result<Vec<CreditedLine>, BadCredit> {
    let mut left: BTreeMap<i32, CreditedLine> = left(invoice, before).map(|line| (line.line, line)).collect();
    let lines = i32::try_from(left.len()).unwrap_or(i32::MAX);
    let take = |(index, part): (usize, &Part)| {
        if !(1..=lines).contains(&part.line) {
            return Err(BadCredit::NoSuchLine(index));
        }
        let line = left.remove(&part.line).ok_or(BadCredit::LineTwice(index))?;
        let net = part.amount.unwrap_or(line.net);
        if !(1..=line.net).contains(&net) {
            return Err(BadCredit::Exceeds);
        }
        Ok(CreditedLine { net, ..line })
    };
    parts.iter().enumerate().map(take).collect()
}

/// A credit note. It is issued when it is made, and never changes.
#[derive(Clone, Debug)]
pub struct CreditNote {
    pub head: Head,
    pub invoice_number: String,
    pub reason: Option<String>,
    pub credit: Credit,
}

/// What a list shows of it.
#[derive(Clone, Debug)]
pub struct Head {
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

impl Head {
    /// Where it stands in a list.
    #[must_use]
    pub fn position(&self) -> Position {
        Position { created_at: self.created_at, id: self.id.uuid() }
    }
}

#[cfg(test)]
mod tests;
