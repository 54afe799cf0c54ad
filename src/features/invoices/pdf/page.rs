//! Page breaks and positions of text lines and rules. Text continues on the next page line by line; tables repeat their head.

use std::rc::Rc;

use super::typesetter::Text;

/// A4 in points.
pub(super) const WIDTH: f32 = 595.28;
pub(super) const HEIGHT: f32 = 841.89;
pub(super) const MARGIN: f32 = 48.0;
/// Width between the margins.
pub(super) const COLUMN: f32 = WIDTH - 2.0 * MARGIN;
/// Lower limit of the content. The page number is below it.
const BOTTOM: f32 = HEIGHT - MARGIN - 18.0;

/// The structure role of a text, for screen readers (tagged PDF).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Title,
    Paragraph,
    /// Head cell of the table with this index.
    Head(usize),
    /// Cell: table index, row index.
    Cell(usize, usize),
}

/// An element of a page.
pub(super) enum Element {
    /// A line of a text. `part` is its index in [`PageBuilder::parts`]; `None` for a repeated table head.
    Line { text: Rc<Text>, line: usize, x: f32, top: f32, part: Option<usize> },
    /// A horizontal rule from `x` to the right margin.
    Rule { x: f32, top: f32, weight: f32 },
}

/// A text with its horizontal position.
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

/// Builds the pages from top to bottom.
pub(super) struct PageBuilder {
    pub pages: Vec<Vec<Element>>,
    /// Structure roles in reading order.
    pub parts: Vec<Role>,
    /// Current position, from the top of the page.
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

    /// Begins a new page and repeats the table head.
    fn new_page(&mut self, head: &[Cell]) {
        self.pages.push(Vec::new());
        self.y = MARGIN;
        if !head.is_empty() {
            let parts = vec![None; head.len()];
            self.lines(head, &parts, &[]);
            self.rule(MARGIN, 0.8);
        }
    }

    /// Begins a new page if less than `height` is left on this one.
    pub fn ensure_space(&mut self, height: f32) {
        if self.y + height > BOTTOM && self.y > MARGIN {
            self.new_page(&[]);
        }
    }

    /// Draws a horizontal rule with space below.
    pub fn rule(&mut self, x: f32, weight: f32) {
        let top = self.y + 2.0;
        self.push(Element::Rule { x, top, weight });
        self.y = top + 4.0;
    }

    /// Places texts side by side. They continue on the next pages, below the repeated table head.
    pub fn row(&mut self, cells: &[Cell], role: Role, head: &[Cell]) {
        let head_height: f32 = if head.is_empty() { 0.0 } else { height(head) + 6.0 };
        let height = height(cells);
        // A row that fits on one page is not split.
        if self.y + height > BOTTOM && height <= BOTTOM - MARGIN - head_height {
            self.new_page(head);
        }
        let parts: Vec<Option<usize>> = cells.iter().map(|_| self.part(role)).collect();
        self.lines(cells, &parts, head);
    }

    /// Places paragraphs below each other.
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
