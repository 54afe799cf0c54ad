//! Writes the pages as a tagged PDF: positioned glyphs with their text and structure. It contains no active content: no links,
//! scripts, forms or embedded files.

use std::collections::BTreeMap;
use std::num::NonZeroU16;

use krilla::color::rgb;
use krilla::error::KrillaError;
use krilla::geom::{PathBuilder, Point, Rect, Transform};
use krilla::metadata::Metadata;
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::{Fill, FillRule};
use krilla::surface::Surface;
use krilla::tagging::{
    Artifact, ArtifactType, ContentTag, Identifier, Node, SpanTag, TableHeaderScope, Tag, TagGroup, TagTree,
};
use krilla::{Document, SerializeSettings};

use super::page::{COLUMN, Element, HEIGHT, MARGIN, PageBuilder, Role, WIDTH};
use super::typesetter::{Style, Text, Typeface, Typesetter};

/// Document metadata, and what is repeated on every page.
pub(super) struct PageDecoration {
    pub metadata: Metadata,
    /// Footer, left of the page number.
    pub foot: String,
    /// Printed across the page in light grey.
    pub watermark: Option<&'static str>,
}

/// Returns the bytes of the PDF. The same pages give the same bytes.
pub(super) fn write_pdf(
    builder: &PageBuilder,
    setter: &mut Typesetter,
    decoration: PageDecoration,
) -> Result<Vec<u8>, KrillaError> {
    let mut document = Document::new_with(SerializeSettings::default());
    document.set_metadata(decoration.metadata);
    let mut tagged: BTreeMap<usize, Vec<Identifier>> = BTreeMap::new();
    let page_count = builder.pages.len();
    for (number, elements) in (1..).zip(&builder.pages) {
        let Some(settings) = PageSettings::from_wh(WIDTH, HEIGHT) else { continue };
        let mut page = document.start_page_with(settings);
        let mut surface = page.surface();
        if let Some(watermark) = decoration.watermark {
            draw_watermark(&mut surface, setter, watermark);
        }
        for element in elements {
            match element {
                Element::Rule { x, top, weight } => {
                    let line = Rect::from_xywh(*x, *top, WIDTH - MARGIN - x, *weight);
                    artifact(&mut surface, ArtifactType::Layout, |surface| fill(surface, line, 150));
                }
                Element::Line { text, line, x, top, part: Some(part) } => {
                    let id = surface.start_tagged(ContentTag::Span(SpanTag::empty()));
                    tagged.entry(*part).or_default().push(id);
                    draw_line(&mut surface, &setter.typeface, text, *line, *x, *top);
                    surface.end_tagged();
                }
                Element::Line { text, line, x, top, part: None } => {
                    let typeface = &setter.typeface;
                    artifact(&mut surface, ArtifactType::Header, |surface| {
                        draw_line(surface, typeface, text, *line, *x, *top)
                    });
                }
            }
        }
        let (small, top) = (Style::plain(7.5).grey(), HEIGHT - MARGIN);
        let foot = setter.set(&decoration.foot, small, COLUMN - 100.0);
        let count = setter.set(&format!("Page {number} of {page_count}"), small.right_aligned(), 90.0);
        let typeface = &setter.typeface;
        artifact(&mut surface, ArtifactType::Footer, |surface| {
            draw_line(surface, typeface, &foot, 0, MARGIN, top);
            draw_line(surface, typeface, &count, 0, WIDTH - MARGIN - 90.0, top);
        });
        surface.finish();
        page.finish();
    }
    document.set_tag_tree(tag_tree(&builder.parts, tagged));
    document.finish()
}

/// Draws one line of a text. It is clipped, so that stacked combining marks cannot cover other lines.
fn draw_line(surface: &mut Surface<'_>, typeface: &Typeface, text: &Text, line: usize, x: f32, top: f32) {
    let (height, size) = (text.style.line_height(), text.style.size);
    let mut band = PathBuilder::new();
    if let Some(rect) = Rect::from_xywh(x - 2.0, top - height * 0.4, text.max_width.min(WIDTH) + 4.0, height * 1.8) {
        band.push_rect(rect);
    }
    let Some(band) = band.finish() else { return };
    surface.push_clip_path(&band, &FillRule::NonZero);
    surface.set_fill(Some(grey(text.style.grey)));
    let (baseline, runs) = text.line(typeface, line);
    for run in runs {
        let start = Point::from_xy(x + run.x, top + baseline);
        surface.draw_glyphs(start, &run.glyphs, run.font, text.text(), size, false);
    }
    surface.pop();
}

fn draw_watermark(surface: &mut Surface<'_>, setter: &mut Typesetter, watermark: &str) {
    let style = Style { grey: 232, ..Style::plain(130.0).bold() };
    let text = setter.set(watermark, style, WIDTH * 2.0);
    let (baseline, runs) = text.line(&setter.typeface, 0);
    artifact(surface, ArtifactType::Watermark, |surface| {
        surface.push_transform(&Transform::from_rotate_at(-55.0, WIDTH / 2.0, HEIGHT / 2.0));
        surface.set_fill(Some(grey(style.grey)));
        for run in runs {
            let x = (WIDTH - text.width()) / 2.0 + run.x;
            let start = Point::from_xy(x, HEIGHT / 2.0 + baseline / 3.0);
            // Drawn as outlines, so that it is not selected together with the text below.
            surface.draw_glyphs(start, &run.glyphs, run.font, text.text(), style.size, true);
        }
        surface.pop();
    });
}

/// Draws an artifact: content that is not part of the document's text (tagged PDF).
fn artifact(surface: &mut Surface<'_>, kind: ArtifactType, draw: impl FnOnce(&mut Surface<'_>)) {
    surface.start_tagged(ContentTag::Artifact(Artifact::with_kind(kind)));
    draw(surface);
    surface.end_tagged();
}

fn grey(level: u8) -> Fill {
    let paint = rgb::Color::new(level, level, level).into();
    Fill { paint, opacity: NormalizedF32::ONE, rule: FillRule::NonZero }
}

fn fill(surface: &mut Surface<'_>, rect: Option<Rect>, level: u8) {
    let mut path = PathBuilder::new();
    if let Some(rect) = rect {
        path.push_rect(rect);
    }
    if let Some(path) = path.finish() {
        surface.set_fill(Some(grey(level)));
        surface.draw_path(&path);
    }
}

/// Builds the tag tree: title, paragraphs, tables with rows and cells.
fn tag_tree(parts: &[Role], mut tagged: BTreeMap<usize, Vec<Identifier>>) -> TagTree {
    let mut tree = TagTree::new().with_lang(Some("en".to_owned()));
    let mut table: Option<(usize, TagGroup)> = None;
    let mut row: Option<(Role, TagGroup)> = None;
    for (part, role) in parts.iter().enumerate() {
        let ids: Vec<Node> = tagged.remove(&part).unwrap_or_default().into_iter().map(Node::from).collect();
        let of_table = match role {
            Role::Head(table) | Role::Cell(table, _) => Some(*table),
            Role::Title | Role::Paragraph => None,
        };
        if row.as_ref().is_some_and(|(same, _)| same != role) {
            close_row(&mut row, &mut table);
        }
        if table.as_ref().is_some_and(|(open, _)| Some(*open) != of_table) {
            tree.push(table.take().map(|(_, group)| group).unwrap_or_else(|| TagGroup::new(Tag::Table)));
        }
        match role {
            Role::Title => tree.push(TagGroup::with_children(Tag::Hn(NonZeroU16::MIN, None), ids)),
            Role::Paragraph => tree.push(TagGroup::with_children(Tag::P, ids)),
            Role::Head(number) | Role::Cell(number, _) => {
                table.get_or_insert_with(|| (*number, TagGroup::new(Tag::Table)));
                let row = &mut row.get_or_insert_with(|| (*role, TagGroup::new(Tag::TR))).1;
                row.push(match role {
                    Role::Head(_) => TagGroup::with_children(Tag::TH(TableHeaderScope::Column), ids),
                    _ => TagGroup::with_children(Tag::TD, ids),
                });
            }
        }
    }
    close_row(&mut row, &mut table);
    if let Some((_, table)) = table {
        tree.push(table);
    }
    tree
}

fn close_row(row: &mut Option<(Role, TagGroup)>, table: &mut Option<(usize, TagGroup)>) {
    if let (Some((_, row)), Some((_, table))) = (row.take(), table.as_mut()) {
        table.push(row);
    }
}
