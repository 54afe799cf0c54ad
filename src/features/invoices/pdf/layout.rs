//! Places the texts of an invoice or a credit note ([`DocumentText`]) on pages.

use std::mem::replace;
use std::num::NonZeroU16;

use chrono::{Datelike, Timelike};
use krilla::error::KrillaResult;
use krilla::metadata::{DateTime, Metadata};
use krilla::tagging::Tag;

use super::document_text::{DocumentText, Weight};
use super::page::{Cell, HEIGHT, MARGIN, PageBuilder, RIGHT, WIDTH};
use super::render::write_pdf;
use super::typesetter::{Style, Typesetter};

const BODY: Style = Style { size: 8.5, bold: false, grey: 0 };
const BOLD: Style = Style { bold: true, ..BODY };
const LABEL: Style = Style { grey: 110, ..BODY };
const TITLE: Style = Style { size: 20.0, ..BOLD };
const SELLER: Style = Style { size: 13.0, ..BODY };
const MEDIUM: Style = Style { size: 11.0, ..BODY };
const LARGE_SUM: Style = Style { size: 11.0, ..BOLD };
const FOOTER: Style = Style { size: 7.5, ..LABEL };
const WATERMARK: Style = Style { size: 130.0, bold: true, grey: 232 };
/// The space between two columns, in points.
const GAP: f32 = 10.0;
/// The width between the margins, and half of this width.
const FULL: f32 = WIDTH - 2.0 * MARGIN;
const HALF: f32 = FULL / 2.0;
/// The position at which the right half of the page begins.
const MIDDLE: f32 = MARGIN + HALF;

/// Generates the PDF. The same document always gives the same bytes, so that its `ETag` is correct.
pub(super) fn generate(setter: Typesetter, document: &DocumentText) -> KrillaResult<Vec<u8>> {
    let mut layout = PdfLayout { setter, builder: PageBuilder::new(), document };
    layout.title_and_seller();
    layout.facts_and_customer();
    layout.lines();
    layout.sums();
    layout.blocks();
    layout.footers();
    layout.watermark();
    write_pdf(layout.builder.pages, (WIDTH, HEIGHT), metadata(document))
}

struct PdfLayout<'a> {
    setter: Typesetter,
    builder: PageBuilder,
    document: &'a DocumentText,
}

impl PdfLayout<'_> {
    fn cell(&mut self, text: &str, style: Style, x: f32, width: f32) -> Cell {
        Cell { text: self.setter.set(text, style, width), x }
    }

    /// Returns a cell whose text ends at `right`.
    fn right_aligned(&mut self, text: &str, style: Style, right: f32) -> Cell {
        let text = self.setter.set(text, style, FULL);
        Cell { x: right - text.width, text }
    }

    /// Places each line of the text as a separate paragraph, because each line can have its own direction of writing.
    fn paragraphs(&mut self, text: &str, style: Style, width: f32) {
        for line in text.lines() {
            let cell = self.cell(line, style, MARGIN, width);
            self.builder.paragraph(cell, Tag::P);
        }
    }

    fn title_and_seller(&mut self) {
        let top = self.builder.at;
        let title = self.right_aligned(self.document.title, TITLE, RIGHT);
        self.builder.paragraph(title, Tag::Hn(NonZeroU16::MIN, None));
        let number = self.right_aligned(self.document.number.as_deref().unwrap_or("Draft"), MEDIUM, RIGHT);
        self.builder.paragraph(number, Tag::P);
        let title_end = replace(&mut self.builder.at, top);
        self.paragraphs(&self.document.parties.seller, SELLER, HALF);
        self.paragraphs(&self.document.parties.seller_details(), LABEL, HALF);
        self.builder.continue_below(title_end);
        self.builder.space(8.0);
        self.builder.rule(MARGIN, 1.2);
        self.builder.space(10.0);
    }

    fn facts_and_customer(&mut self) {
        let top = self.builder.at;
        for (label, value) in &self.document.facts {
            let label = self.cell(label, LABEL, MIDDLE + GAP, HALF - GAP);
            let value = self.right_aligned(value, BODY, RIGHT);
            self.builder.table_row(vec![label, value]);
        }
        self.builder.end_table();
        let facts_end = replace(&mut self.builder.at, top);
        self.paragraphs("Billed to", LABEL, HALF);
        self.paragraphs(&self.document.parties.customer, MEDIUM, HALF);
        self.paragraphs(&self.document.parties.customer_details(), BODY, HALF);
        self.builder.continue_below(facts_end);
        self.builder.space(18.0);
    }

    /// Places the table of lines.
    /// Each column of figures is as wide as its widest text, and the description gets the remaining width.
    fn lines(&mut self) {
        let (columns, lines) = (&self.document.columns, &self.document.lines);
        let head = columns.iter().map(|name| self.right_aligned(name, BOLD, 0.0)).collect();
        let mut rows: Vec<(&str, Style, Vec<Cell>)> = vec![("Description", BOLD, head)];
        for (description, figures) in lines {
            let figures = figures.iter().map(|text| self.right_aligned(text, BODY, 0.0)).collect();
            rows.push((description, BODY, figures));
        }
        let mut widths = vec![0.0; columns.len()];
        for (_, _, figures) in &rows {
            for (width, figure) in widths.iter_mut().zip(figures) {
                *width = figure.text.width.max(*width);
            }
        }
        let description_width = FULL - widths.iter().map(|width| width + GAP).sum::<f32>();
        for (number, (description, style, figures)) in rows.into_iter().enumerate() {
            let mut cells = vec![self.cell(description, style, MARGIN, description_width)];
            let mut right = MARGIN + description_width;
            for (figure, width) in figures.into_iter().zip(&widths) {
                right += GAP + width;
                cells.push(Cell { x: right + figure.x, ..figure });
            }
            if number == 0 {
                self.builder.table_head(cells);
            } else {
                self.builder.table_row(cells);
                self.builder.space(3.0);
            }
        }
        self.builder.end_table();
    }

    fn sums(&mut self) {
        self.builder.rule(MARGIN, 0.8);
        for (label, amount, weight) in &self.document.sums {
            let style = match weight {
                Weight::Plain => BODY,
                Weight::Bold => BOLD,
                Weight::Large => LARGE_SUM,
            };
            if style.bold {
                // Keep the horizontal rule and the sum below it on one page.
                self.builder.ensure_space(style.line_height() + 8.0);
                self.builder.rule(MIDDLE, 0.5);
            }
            let amount = self.right_aligned(amount, style, RIGHT);
            let label = self.cell(label, style, MIDDLE, HALF - amount.text.width - GAP);
            self.builder.table_row(vec![label, amount]);
        }
        self.builder.end_table();
    }

    fn blocks(&mut self) {
        for (label, text) in self.document.blocks.iter().filter(|(_, text)| !text.trim().is_empty()) {
            self.builder.space(18.0);
            // Keep the label and the first lines of its text on one page.
            self.builder.ensure_space(BODY.line_height() * 3.0);
            self.paragraphs(label, LABEL, FULL);
            self.paragraphs(text, BODY, FULL);
        }
    }

    fn footers(&mut self) {
        let count = self.builder.pages.len();
        let name = self.cell(&self.document.footer, FOOTER, MARGIN, FULL - 100.0);
        for page in 0..count {
            let number = self.right_aligned(&format!("Page {} of {count}", page + 1), FOOTER, RIGHT);
            self.builder.footer(page, &[name.clone(), number]);
        }
    }

    fn watermark(&mut self) {
        if let Some(text) = self.document.watermark {
            let text = self.setter.set(text, WATERMARK, WIDTH * 2.0);
            self.builder.watermark(&text);
        }
    }
}

fn metadata(document: &DocumentText) -> Metadata {
    let at = document.at;
    let [month, day, hour, minute, second] =
        [at.month(), at.day(), at.hour(), at.minute(), at.second()].map(|part| u8::try_from(part).unwrap_or(0));
    let created = DateTime::new(u16::try_from(at.year()).unwrap_or(0)).month(month).day(day).hour(hour);
    Metadata::new()
        .title(document.name.clone())
        .authors(vec![document.parties.seller.clone()])
        .creator("Strongroom".to_owned())
        .language("en".to_owned())
        .creation_date(created.minute(minute).second(second).utc_offset_hour(0).utc_offset_minute(0))
}
