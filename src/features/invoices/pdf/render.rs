//! Writes the pages as a tagged PDF: glyphs with their positions, their text and their structure.
//! The PDF contains no active content: no links, scripts, forms or embedded files.

use std::rc::Rc;

use krilla::Document;
use krilla::color::rgb;
use krilla::error::KrillaResult;
use krilla::geom::{Path, PathBuilder, Point, Rect, Transform};
use krilla::metadata::Metadata;
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::{Fill, FillRule};
use krilla::surface::Surface;
use krilla::tagging::{Artifact, ArtifactType, ContentTag, Identifier, Node, SpanTag, Tag, TagGroup, TagKind, TagTree};

use super::typesetter::Text;

/// The meaning of a drawing for screen readers (tagged PDF).
#[derive(Clone)]
pub(super) enum Mark {
    /// The path of a text in the tag tree, from the root down to the text.
    /// Each entry is a group: its position among its siblings, and its tag.
    Content(Rc<[(usize, TagKind)]>),
    /// A drawing without content: a rule, a footer, a watermark or a repeated head of a table.
    Artifact(ArtifactType),
}

/// Draws one line of a text, or one rule.
pub(super) type Drawing = (Mark, Box<dyn FnOnce(&mut Surface<'_>)>);

/// The same pages always give the same bytes. Sizes are in points.
pub(super) fn write_pdf(pages: Vec<Vec<Drawing>>, size: (f32, f32), metadata: Metadata) -> KrillaResult<Vec<u8>> {
    let mut document = Document::new();
    document.set_metadata(metadata);
    let mut tree = TagTree::new().with_lang(Some("en".to_owned()));
    for drawings in pages {
        let Some(settings) = PageSettings::from_wh(size.0, size.1) else { continue };
        let mut page = document.start_page_with(settings);
        let mut surface = page.surface();
        for (mark, draw) in drawings {
            let id = surface.start_tagged(match mark {
                Mark::Content(_) => ContentTag::Span(SpanTag::empty()),
                Mark::Artifact(kind) => ContentTag::Artifact(Artifact::with_kind(kind)),
            });
            draw(&mut surface);
            surface.end_tagged();
            if let Mark::Content(path) = mark {
                add_tag(&mut tree, &path, id);
            }
        }
        surface.finish();
        page.finish();
    }
    document.set_tag_tree(tree);
    document.finish()
}

fn add_tag(tree: &mut TagTree, path: &[(usize, TagKind)], id: Identifier) {
    let mut nodes = &mut tree.children;
    for (index, tag) in path {
        // A tag tree cannot have gaps. A group with a lower index may be drawn later, so insert a placeholder for it.
        while nodes.len() <= *index {
            nodes.push(TagGroup::new(Tag::P).into());
        }
        let Some(Node::Group(group)) = nodes.get_mut(*index) else { return };
        group.tag = tag.clone();
        nodes = &mut group.children;
    }
    nodes.push(id.into());
}

/// The line is clipped, so that stacked combining marks cannot cover other lines.
pub(super) fn draw_line(surface: &mut Surface<'_>, text: &Text, index: usize, x: f32, top: f32, outlined: bool) {
    let height = text.style.line_height();
    let band = rect(x - 2.0, top - height * 0.4, text.max_width + 4.0, height * 1.8);
    let (Some(line), Some(band)) = (text.lines.get(index), band) else { return };
    surface.push_clip_path(&band, &FillRule::NonZero);
    surface.set_fill(Some(grey(text.style.grey)));
    let start = Point::from_xy(x + line.x, top + line.baseline);
    surface.draw_glyphs(start, &line.glyphs, text.font.clone(), &text.text, text.style.size, outlined);
    surface.pop();
}

pub(super) fn draw_rule(surface: &mut Surface<'_>, x: f32, top: f32, width: f32, weight: f32) {
    if let Some(rule) = rect(x, top, width, weight) {
        surface.set_fill(Some(grey(150)));
        surface.draw_path(&rule);
    }
}

/// `x` and `y` are the center of the text.
pub(super) fn draw_watermark(surface: &mut Surface<'_>, text: &Text, x: f32, y: f32) {
    surface.push_transform(&Transform::from_rotate_at(-55.0, x, y));
    // Draw outlines instead of text, so that readers who select the text of the page do not select the watermark.
    draw_line(surface, text, 0, x - text.width / 2.0, y - text.height() / 2.0, true);
    surface.pop();
}

fn grey(level: u8) -> Fill {
    let paint = rgb::Color::new(level, level, level).into();
    Fill { paint, opacity: NormalizedF32::ONE, rule: FillRule::NonZero }
}

fn rect(x: f32, top: f32, width: f32, height: f32) -> Option<Path> {
    let mut path = PathBuilder::new();
    path.push_rect(Rect::from_xywh(x, top, width, height)?);
    path.finish()
}
