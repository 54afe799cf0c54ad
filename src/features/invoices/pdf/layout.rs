//! Layout of an invoice or credit note: places the texts of [`Wording`] on pages.

use chrono::{Datelike, Timelike};
use krilla::metadata::{DateTime, Metadata};

use super::page::{COLUMN, Cell, MARGIN, PageBuilder, Role, WIDTH};
use super::render::{PageDecoration, write_pdf};
use super::typesetter::{Style, Typeface, Typesetter};
use super::wording::{Weight, Wording};
use crate::base::bank::Iban;
use crate::features::invoices::credit_notes::model::CreditNote;
use crate::features::invoices::model::Invoice;

/// The document to print.
pub enum Document {
    Invoice(Invoice),
    CreditNote(CreditNote),
}

/// A document with both parties.
pub struct PdfData {
    pub document: Document,
    pub seller: Party,
    pub customer: Party,
    /// The seller's registration number.
    pub registration: Option<String>,
    /// The seller's bank account.
    pub iban: Option<Iban>,
    pub bic: Option<String>,
}

/// The seller or the customer.
pub struct Party {
    pub name: String,
    pub email: Option<String>,
    /// May have several lines.
    pub address: Option<String>,
    pub tax_id: Option<String>,
    /// Version of the source row. 0 for the parties stored at issue, which never change.
    pub version: i64,
}

/// The PDF library failed.
#[derive(Debug, thiserror::Error)]
#[error("failed to write the PDF: {0}")]
pub struct PdfError(String);

const BODY: Style = Style::plain(8.5);
const LABEL: Style = Style::plain(8.5).grey();
/// Space between two columns.
const GAP: f32 = 10.0;
/// Indexes of the tables.
const LINES: usize = 0;
const TOTALS: usize = 1;

/// Generates the PDF. The same data gives the same bytes.
pub(super) fn generate(typeface: Typeface, data: &PdfData) -> Result<Vec<u8>, PdfError> {
    let wording = match &data.document {
        Document::Invoice(invoice) => Wording::of_invoice(invoice),
        Document::CreditNote(note) => Wording::of_credit_note(note),
    };
    let mut layout = PdfLayout { setter: Typesetter::new(typeface), builder: PageBuilder::new(), data, wording };
    layout.head();
    layout.parties();
    layout.lines();
    layout.totals();
    layout.bank();
    layout.text();
    let decoration = layout.decoration();
    write_pdf(&layout.builder, &mut layout.setter, decoration).map_err(|error| PdfError(error.to_string()))
}

struct PdfLayout<'a> {
    setter: Typesetter,
    builder: PageBuilder,
    data: &'a PdfData,
    wording: Wording,
}

impl PdfLayout<'_> {
    fn head(&mut self) {
        let half = COLUMN / 2.0;
        let seller = self.setter.set(&self.data.seller.name, Style::plain(13.0), half);
        let title = self.setter.set(self.wording.title, Style::plain(20.0).bold().right_aligned(), half - GAP);
        let top = self.builder.y;
        self.builder.row(&[Cell::new(title, MARGIN + half + GAP)], Role::Title, &[]);
        let number = self.setter.set(&self.wording.number, Style::plain(11.0).right_aligned(), half - GAP);
        self.builder.row(&[Cell::new(number, MARGIN + half + GAP)], Role::Paragraph, &[]);
        let (below, page) = (self.builder.y, self.builder.pages.len());
        self.builder.y = top;
        self.builder.flow(vec![seller], MARGIN);
        let party = &self.data.seller;
        let vat_id = party.tax_id.as_ref().map(|id| format!("VAT ID: {id}"));
        let registration = self.data.registration.as_ref().map(|number| format!("Registration: {number}"));
        let mut texts = vec![self.setter.set(party.email.as_deref().unwrap_or_default(), LABEL, half)];
        if let Some(address) = &party.address {
            texts.extend(self.setter.set_all(address, LABEL, half));
        }
        texts.extend([vat_id, registration].iter().flatten().map(|text| self.setter.set(text, LABEL, half)));
        self.builder.flow(texts, MARGIN);
        // If the address continues on the next page, the title is on another page.
        if self.builder.pages.len() == page {
            self.builder.y = self.builder.y.max(below);
        }
        self.builder.y += 8.0;
        self.builder.rule(MARGIN, 1.2);
        self.builder.y += 10.0;
    }

    /// Customer on the left, facts of the document on the right.
    fn parties(&mut self) {
        let customer = &self.data.customer;
        let half = COLUMN / 2.0;
        let (top, x, column_width) = (self.builder.y, MARGIN + half + GAP, half - GAP);
        for (label, value) in &self.wording.facts {
            let label = self.setter.set(label, LABEL, 80.0);
            let value = self.setter.set(value, BODY.right_aligned(), column_width - 80.0);
            self.builder.row(&[Cell::new(label, x), Cell::new(value, x + 80.0)], Role::Paragraph, &[]);
        }
        let (below, page) = (self.builder.y, self.builder.pages.len());
        self.builder.y = top;
        let mut texts = vec![self.setter.set("Billed to", LABEL, half)];
        texts.push(self.setter.set(&customer.name, Style::plain(11.0), half));
        texts.extend(self.setter.set_all(customer.address.as_deref().unwrap_or_default(), BODY, half));
        let tax_id = customer.tax_id.as_ref().map(|id| format!("Tax ID: {id}"));
        for text in [customer.email.as_ref(), tax_id.as_ref()].into_iter().flatten() {
            texts.push(self.setter.set(text, BODY, half));
        }
        self.builder.flow(texts, MARGIN);
        // If the address continues on the next page, the facts are on another page.
        if self.builder.pages.len() == page {
            self.builder.y = self.builder.y.max(below);
        }
        self.builder.y += 18.0;
    }

    fn lines(&mut self) {
        let head = self.wording.columns.iter().copied().map(str::to_owned).collect();
        let mut rows = vec![("Description".to_owned(), head)];
        rows.append(&mut self.wording.lines);
        let mut widths: Vec<f32> = vec![0.0; self.wording.columns.len()];
        for (_, row) in &rows {
            for (width, text) in widths.iter_mut().zip(row) {
                *width = width.max(self.setter.measure(text, BODY.bold()) + 1.0);
            }
        }
        let description_width = COLUMN - widths.iter().map(|width| width + GAP).sum::<f32>();
        let mut head: Vec<Cell> = Vec::new();
        for (number, (name, row)) in rows.iter().enumerate() {
            let style = if number == 0 { BODY.bold() } else { BODY };
            let mut cells = vec![Cell::new(self.setter.set(name, style, description_width), MARGIN)];
            let mut x = MARGIN + description_width + GAP;
            for (text, width) in row.iter().zip(&widths) {
                cells.push(Cell::new(self.setter.set(text, style.right_aligned(), *width), x));
                x += width + GAP;
            }
            if number == 0 {
                self.builder.row(&cells, Role::Head(LINES), &[]);
                self.builder.rule(MARGIN, 0.8);
                head = cells;
            } else {
                self.builder.row(&cells, Role::Cell(LINES, number), &head);
                self.builder.y += 3.0;
            }
        }
    }

    fn totals(&mut self) {
        let (left, half) = (MARGIN + COLUMN / 2.0, COLUMN / 2.0);
        self.builder.rule(MARGIN, 0.8);
        for (number, (label, amount, weight)) in self.wording.sums.iter().enumerate() {
            let style = match weight {
                Weight::Plain => BODY,
                Weight::Bold => BODY.bold(),
                Weight::Large => Style::plain(11.0).bold(),
            };
            if style.bold {
                // Keep the rule and its sum on one page.
                self.builder.ensure_space(style.line_height() + 8.0);
                self.builder.rule(left, 0.5);
            }
            let width = self.setter.measure(amount, style) + 1.0;
            let label = self.setter.set(label, style, half - width - GAP);
            let amount = self.setter.set(amount, style.right_aligned(), width);
            let cells = [Cell::new(label, left), Cell::new(amount, WIDTH - MARGIN - width)];
            self.builder.row(&cells, Role::Cell(TOTALS, number), &[]);
        }
    }

    /// Bank account of the seller.
    fn bank(&mut self) {
        let PdfData { iban: Some(iban), bic, .. } = self.data else { return };
        let bic = bic.as_ref().map(|bic| format!(", BIC {bic}")).unwrap_or_default();
        self.builder.y += 18.0;
        self.builder.ensure_space(BODY.line_height() * 2.0);
        let label = self.setter.set("Bank account", LABEL, COLUMN);
        let account = self.setter.set(&format!("IBAN {iban}{bic}"), BODY, COLUMN);
        self.builder.flow(vec![label, account], MARGIN);
    }

    fn text(&mut self) {
        let Some((label, text)) = self.wording.text.as_ref().filter(|(_, text)| !text.trim().is_empty()) else {
            return;
        };
        self.builder.y += 18.0;
        self.builder.ensure_space(BODY.line_height() * 3.0);
        let label = self.setter.set(label, LABEL, COLUMN);
        self.builder.flow(vec![label], MARGIN);
        let text = self.setter.set_all(text, BODY, COLUMN);
        self.builder.flow(text, MARGIN);
    }

    fn decoration(&self) -> PageDecoration {
        let Wording { name, status, watermark, at, .. } = &self.wording;
        let [month, day, hour, minute, second] =
            [at.month(), at.day(), at.hour(), at.minute(), at.second()].map(|part| u8::try_from(part).unwrap_or(0));
        let created = DateTime::new(u16::try_from(at.year()).unwrap_or(0)).month(month).day(day).hour(hour);
        let created = created.minute(minute).second(second).utc_offset_hour(0).utc_offset_minute(0);
        let metadata = Metadata::new()
            .title(name.clone())
            .authors(vec![self.data.seller.name.clone()])
            .creator("Strongroom".to_owned())
            .language("en".to_owned())
            .creation_date(created);
        let foot = status.map_or_else(|| name.clone(), |status| format!("{name} · {status}"));
        PageDecoration { metadata, foot, watermark: *watermark }
    }
}
