//! Pages: where each line of text and each rule stands. What does not fit goes on on the next page, line by line, and a table's
//! head with it.

use std::rc::Rc;

use super::typesetter::Text;

/// A4, in points.
pub(super) const WIDTH: f32 = 595.28;
pub(super) const HEIGHT: f32 = 841.89;
pub(super) const MARGIN: f32 = 48.0;
/// What there is between the margins.
pub(super) const COLUMN: f32 = WIDTH - 2.0 * MARGIN;
/// Below it stands the page's number.
const BOTTOM: f32 = HEIGHT - MARGIN - 18.0;

/// What a text is, for whoever has the page read to him.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Title,
    Paragraph,
    /// A cell of the head of this table.
    Head(usize),
    /// A cell of this table, in this row.
    Cell(usize, usize),
}

/// Something on a page.
pub(super) enum Element {
    /// A line of a text; `part` is its place in [`Paper::parts`], none for what is only repeated.
    Line { text: Rc<Text>, line: usize, x: f32, top: f32, part: Option<usize> },
    /// From margin to margin, or from `x` on.
    Rule { x: f32, top: f32, weight: f32 },
}

/// A text and where it begins.
#[derive(Clone)]
pub(super) struct Cell {
    pub text: Rc<Text>,
    pub x: f32,
}

impl Cell {
    pub fn new(text: Text, x: f32) -> Self {
        Self { text: Rc::new(text), x }
    }
}

/// The pages so far.
pub(super) struct PageBuilder {
    pub pages: Vec<Vec<Element>>,
    /// In reading order.
    pub parts: Vec<Role>,
    /// From the page's top.
    pub y: f32,
}

impl PageBuilder {
    pub fn new() -> Self {
        Self { pages: vec![Vec::new()], parts: Vec::new(), y: MARGIN }
    }

    fn push(&mut self, element: Element) {
        if let Some(page) = self.pages.last_mut() {
            page.push(element);
        }
    }

    fn part(&mut self, role: Role) -> Option<usize> {
        self.parts.push(role);
        Some(self.parts.len() - 1)
    }

    /// Goes on on a new page, below this head.
    fn new_page(&mut self, head: &[Cell]) {
        self.pages.push(Vec::new());
        self.y = MARGIN;
        if !head.is_empty() {
            let parts = vec![None; head.len()];
            self.lines(head, &parts, &[]);
            self.rule(MARGIN, 0.8);
        }
    }

    /// Begins a new page unless so much fits on this one.
    pub fn ensure_space(&mut self, height: f32) {
        if self.y + height > BOTTOM && self.y > MARGIN {
            self.new_page(&[]);
        }
    }

    /// A line across, and some air below it.
    pub fn rule(&mut self, x: f32, weight: f32) {
        let top = self.y + 2.0;
        self.push(Element::Rule { x, top, weight });
        self.y = top + 4.0;
    }

    /// Texts side by side, over as many pages as they need; each page of a table begins with its head.
    pub fn row(&mut self, cells: &[Cell], role: Role, head: &[Cell]) {
        let head_height: f32 = if head.is_empty() { 0.0 } else { height(head) + 6.0 };
        let height = height(cells);
        // What fits on a page is not torn apart.
        if self.y + height > BOTTOM && height <= BOTTOM - MARGIN - head_height {
            self.new_page(head);
        }
        let parts: Vec<Option<usize>> = cells.iter().map(|_| self.part(role)).collect();
        self.lines(cells, &parts, head);
    }

    /// One paragraph after the other.
    pub fn flow(&mut self, texts: Vec<Text>, x: f32) {
        for text in texts {
            let part = self.part(Role::Paragraph);
            self.lines(&[Cell::new(text, x)], &[part], &[]);
        }
    }

    fn lines(&mut self, cells: &[Cell], parts: &[Option<usize>], head: &[Cell]) {
        let tallest = cells.iter().map(|cell| cell.text.lines()).max().unwrap_or(0);
        let height = cells.iter().map(|cell| cell.text.style.line_height()).fold(0.0, f32::max);
        for line in 0..tallest {
            if self.y + height > BOTTOM {
                self.new_page(head);
            }
            for (cell, part) in cells.iter().zip(parts).filter(|(cell, _)| line < cell.text.lines()) {
                let (text, x, top, part) = (cell.text.clone(), cell.x, self.y, *part);
                self.push(Element::Line { text, line, x, top, part });
            }
            self.y += height;
        }
    }
}

fn height(cells: &[Cell]) -> f32 {
    cells.iter().map(|cell| cell.text.lines() as f32 * cell.text.style.line_height()).fold(0.0, f32::max)
}
