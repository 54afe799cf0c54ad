//! Page breaks, and the positions of texts and horizontal lines (rules).
//! A long text is split between its lines and continues on the next page. A table repeats its head on each page.

use std::rc::Rc;

use krilla::surface::Surface;
use krilla::tagging::{ArtifactType, TableHeaderScope, Tag, TagKind};

use super::render::{Drawing, Mark, draw_line, draw_rule, draw_watermark};
use super::typesetter::Text;

/// Width and height of an A4 page in points.
pub(super) const WIDTH: f32 = 595.28;
pub(super) const HEIGHT: f32 = 841.89;
pub(super) const MARGIN: f32 = 48.0;
/// The right end of the content.
pub(super) const RIGHT: f32 = WIDTH - MARGIN;
const RULE_HEIGHT: f32 = 6.0;
/// The lower end of the content. The page number is printed below it.
const BOTTOM: f32 = HEIGHT - MARGIN - 18.0;

#[derive(Clone)]
pub(super) struct Cell {
    pub text: Rc<Text>,
    pub x: f32,
}

/// Fills the pages from top to bottom.
pub(super) struct PageBuilder {
    pub pages: Vec<Vec<Drawing>>,
    /// The index of the current page, and the distance from the top of this page.
    pub at: (usize, f32),
    /// The number of paragraphs and tables on the first level of the tag tree ([`Mark`]).
    groups: usize,
    /// The number of rows of the current table, and the head of this table.
    rows: usize,
    head: Vec<Cell>,
}

impl PageBuilder {
    pub fn new() -> Self {
        Self { pages: vec![Vec::new()], at: (0, MARGIN), groups: 0, rows: 0, head: Vec::new() }
    }

    fn push(&mut self, mark: Mark, draw: impl FnOnce(&mut Surface<'_>) + 'static) {
        if let Some(page) = self.pages.get_mut(self.at.0) {
            page.push((mark, Box::new(draw)));
        }
    }

    fn push_line(&mut self, mark: Mark, cell: &Cell, index: usize) {
        let (cell, top) = (cell.clone(), self.at.1);
        self.push(mark, move |surface| draw_line(surface, &cell.text, index, cell.x, top, false));
    }

    pub fn space(&mut self, height: f32) {
        self.at.1 += height;
    }

    /// Begins a new page if the current page has less than `height` left.
    pub fn ensure_space(&mut self, height: f32) {
        if self.at.1 + height > BOTTOM && self.at.1 > MARGIN {
            self.begin_page();
        }
    }

    /// After two columns, the next content begins below the longer column.
    pub fn continue_below(&mut self, other: (usize, f32)) {
        if self.at < other {
            self.at = other;
        }
    }

    /// Draws a horizontal rule from `x` to the right margin, and leaves space below it.
    pub fn rule(&mut self, x: f32, weight: f32) {
        let top = self.at.1 + 2.0;
        self.push(Mark::Artifact(ArtifactType::Layout), move |surface| draw_rule(surface, x, top, RIGHT - x, weight));
        self.space(RULE_HEIGHT);
    }

    pub fn paragraph(&mut self, cell: Cell, tag: impl Into<TagKind>) {
        let path = [(self.groups, tag.into())];
        self.groups += 1;
        self.place(&[(cell, Mark::Content(path.into()))]);
    }

    /// Each new page repeats the head until the table ends.
    pub fn table_head(&mut self, cells: Vec<Cell>) {
        self.table_cells(cells.clone(), &Tag::TH(TableHeaderScope::Column).into());
        self.rule(MARGIN, 0.8);
        self.head = cells;
    }

    pub fn table_row(&mut self, cells: Vec<Cell>) {
        self.table_cells(cells, &Tag::TD.into());
    }

    pub fn end_table(&mut self) {
        self.groups += 1;
        self.rows = 0;
        self.head.clear();
    }

    pub fn footer(&mut self, page: usize, cells: &[Cell]) {
        self.at = (page, HEIGHT - MARGIN);
        for cell in cells {
            self.push_line(Mark::Artifact(ArtifactType::Footer), cell, 0);
        }
    }

    /// Draws a text across each page, behind the other texts.
    pub fn watermark(&mut self, text: &Rc<Text>) {
        for page in &mut self.pages {
            let text = text.clone();
            let draw = move |surface: &mut Surface<'_>| draw_watermark(surface, &text, WIDTH / 2.0, HEIGHT / 2.0);
            page.insert(0, (Mark::Artifact(ArtifactType::Watermark), Box::new(draw)));
        }
    }

    fn table_cells(&mut self, cells: Vec<Cell>, tag: &TagKind) {
        let (table, row) = ((self.groups, Tag::Table.into()), (self.rows, Tag::TR.into()));
        let mark = |column| Mark::Content([table.clone(), row.clone(), (column, tag.clone())].into());
        let cells: Vec<_> = (0..).zip(cells).map(|(column, cell)| (cell, mark(column))).collect();
        self.rows += 1;
        self.place(&cells);
    }

    fn begin_page(&mut self) {
        self.at = (self.at.0 + 1, MARGIN);
        if self.at.0 == self.pages.len() {
            self.pages.push(Vec::new());
        }
        if !self.head.is_empty() {
            let head = self.head.iter().map(|cell| (cell.clone(), Mark::Artifact(ArtifactType::Header)));
            self.place(&head.collect::<Vec<_>>());
            self.rule(MARGIN, 0.8);
        }
    }

    /// Keeps the cells on one page if they fit.
    fn place(&mut self, cells: &[(Cell, Mark)]) {
        let line_count = cells.iter().map(|(cell, _)| cell.text.lines.len()).max().unwrap_or(0);
        let line_height = cells.iter().map(|(cell, _)| cell.text.style.line_height()).fold(0.0, f32::max);
        let head_height = self.head.iter().map(|cell| cell.text.height() + RULE_HEIGHT).fold(0.0, f32::max);
        let height = line_height * line_count as f32;
        if height <= BOTTOM - MARGIN - head_height {
            self.ensure_space(height);
        }
        for index in 0..line_count {
            self.ensure_space(line_height);
            for (cell, mark) in cells.iter().filter(|(cell, _)| index < cell.text.lines.len()) {
                self.push_line(mark.clone(), cell, index);
            }
            self.space(line_height);
        }
    }
}
