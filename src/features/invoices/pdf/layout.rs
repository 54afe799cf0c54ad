//! Places the texts of an invoice or a credit note ([`DocumentText`]) on pages.

use std::mem::replace;
use std::num::NonZeroU16;

use chrono::{Datelike, Timelike};
use krilla::error::KrillaResult;
use krilla::metadata::{DateTime, Metadata};
use krilla::tagging::Tag;

use super::document_text::{DocumentText, Row, RowKind};
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

/// The same document always gives the same bytes, so that its `ETag` is correct.
pub(super) fn generate(setter: Typesetter, document: &DocumentText) -> KrillaResult<Vec<u8>> {
    let mut layout = PdfLayout { setter, builder: PageBuilder::new() };
    let parties = &document.parties;

    let top = layout.builder.at;
    let title = layout.right_aligned(document.title, TITLE, RIGHT);
    layout.builder.paragraph(title, Tag::Hn(NonZeroU16::MIN, None));
    let number = layout.right_aligned(document.number.as_deref().unwrap_or("Draft"), MEDIUM, RIGHT);
    layout.builder.paragraph(number, Tag::P);
    let title_end = replace(&mut layout.builder.at, top);
    layout.paragraphs(&parties.seller, SELLER, HALF);
    layout.paragraphs(&parties.seller_details(), LABEL, HALF);
    layout.builder.continue_below(title_end);
    layout.builder.space(8.0);
    layout.builder.rule(MARGIN, 1.2);
    layout.builder.space(10.0);

    let top = layout.builder.at;
    layout.table(MIDDLE + GAP, &document.facts);
    let facts_end = replace(&mut layout.builder.at, top);
    layout.paragraphs("Billed to", LABEL, HALF);
    layout.paragraphs(&parties.customer, MEDIUM, HALF);
    layout.paragraphs(&parties.customer_details(), BODY, HALF);
    layout.builder.continue_below(facts_end);
    layout.builder.space(18.0);

    layout.table(MARGIN, &document.lines);
    layout.builder.rule(MARGIN, 0.8);
    layout.table(MIDDLE, &document.sums);
    for (label, text) in document.blocks.iter().filter(|(_, text)| !text.trim().is_empty()) {
        layout.builder.space(18.0);
        // Keep the label and the first lines of its text on one page.
        layout.builder.ensure_space(BODY.line_height() * 3.0);
        layout.paragraphs(label, LABEL, FULL);
        layout.paragraphs(text, BODY, FULL);
    }

    layout.footers(&document.footer);
    if let Some(text) = document.watermark {
        layout.builder.watermark(&layout.setter.set(text, WATERMARK, WIDTH * 2.0));
    }
    write_pdf(layout.builder.pages, (WIDTH, HEIGHT), metadata(document))
}

struct PdfLayout {
    setter: Typesetter,
    builder: PageBuilder,
}

impl PdfLayout {
    fn cell(&mut self, text: &str, style: Style, x: f32, width: f32) -> Cell {
        Cell { text: self.setter.set(text, style, width), x }
    }

    /// The text of the cell ends at `right`.
    fn right_aligned(&mut self, text: &str, style: Style, right: f32) -> Cell {
        let text = self.setter.set(text, style, FULL);
        Cell { x: right - text.width, text }
    }

    /// Each line becomes a separate paragraph, because each line can have its own direction of writing.
    fn paragraphs(&mut self, text: &str, style: Style, width: f32) {
        for line in text.lines() {
            let cell = self.cell(line, style, MARGIN, width);
            self.builder.paragraph(cell, Tag::P);
        }
    }

    /// Each column of figures is as wide as its widest text. The first column gets the remaining width.
    fn table(&mut self, left: f32, rows: &[Row]) {
        let mut widths = vec![0.0; rows.first().map_or(0, |Row(_, _, figures)| figures.len())];
        let mut typeset = Vec::new();
        for Row(kind, _, figures) in rows {
            let style = styles(*kind).1;
            let figures: Vec<Cell> = figures.iter().map(|text| self.right_aligned(text, style, 0.0)).collect();
            for (width, figure) in widths.iter_mut().zip(&figures) {
                *width = figure.text.width.max(*width);
            }
            typeset.push(figures);
        }
        let first_width = RIGHT - left - widths.iter().map(|width| width + GAP).sum::<f32>();
        for (Row(kind, first, _), figures) in rows.iter().zip(typeset) {
            let style = styles(*kind).0;
            let mut cells = vec![self.cell(first, style, left, first_width)];
            let mut right = left + first_width;
            for (figure, width) in figures.into_iter().zip(&widths) {
                right += GAP + width;
                cells.push(Cell { x: right + figure.x, ..figure });
            }
            if matches!(kind, RowKind::Total | RowKind::AmountDue) {
                // Keep the horizontal rule and the sum below it on one page.
                self.builder.ensure_space(style.line_height() + 8.0);
                self.builder.rule(left, 0.5);
            }
            match kind {
                RowKind::Head => self.builder.table_head(cells),
                _ => self.builder.table_row(cells),
            }
            if *kind == RowKind::Line {
                self.builder.space(3.0);
            }
        }
        self.builder.end_table();
    }

    fn footers(&mut self, text: &str) {
        let count = self.builder.pages.len();
        let text = self.cell(text, FOOTER, MARGIN, FULL - 100.0);
        for page in 0..count {
            let number = self.right_aligned(&format!("Page {} of {count}", page + 1), FOOTER, RIGHT);
            self.builder.footer(page, &[text.clone(), number]);
        }
    }
}

/// Returns the styles of the first column and of the other columns.
fn styles(kind: RowKind) -> (Style, Style) {
    match kind {
        RowKind::Fact => (LABEL, BODY),
        RowKind::Line | RowKind::Sum => (BODY, BODY),
        RowKind::Head | RowKind::Total => (BOLD, BOLD),
        RowKind::AmountDue => (LARGE_SUM, LARGE_SUM),
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
