//! Converts text to lines of glyphs: shaping (joins, marks, kerning), bidirectional order, line breaks.
//! All scripts use the same typeface. A box replaces a missing glyph.

use std::iter::successors;
use std::rc::Rc;
use std::sync::Arc;

use krilla::text::{Font, GlyphId, KrillaGlyph};
use parley::fontique::{Blob, Collection, CollectionOptions};
use parley::layout::{Alignment, AlignmentOptions, Cluster, Line};
use parley::style::{FontFamily, FontWeight, LineHeight, OverflowWrap, StyleProperty};
use parley::{FontContext, LayoutContext};

use crate::base::text;

const REGULAR: &[u8] = include_bytes!("fonts/DejaVuSans.ttf");
const BOLD: &[u8] = include_bytes!("fonts/DejaVuSans-Bold.ttf");
const FAMILY: &str = "DejaVu Sans";
/// The distance between two baselines, as a multiple of the font size.
const LEADING: f32 = 1.35;

#[derive(Clone, Copy)]
pub(super) struct Style {
    /// In points.
    pub size: f32,
    pub bold: bool,
    /// The grey value. 0 is black.
    pub grey: u8,
}

impl Style {
    /// In points.
    pub fn line_height(self) -> f32 {
        self.size * LEADING
    }
}

/// A typeset paragraph. All lines have the same height.
pub(super) struct Text {
    /// The characters that the glyphs represent.
    pub text: String,
    pub lines: Vec<GlyphLine>,
    pub style: Style,
    pub font: Font,
    /// The width of the widest line.
    pub width: f32,
    /// The width that is available for the text.
    pub max_width: f32,
}

impl Text {
    pub fn height(&self) -> f32 {
        self.lines.len() as f32 * self.style.line_height()
    }
}

/// A line of glyphs, from left to right.
pub(super) struct GlyphLine {
    pub x: f32,
    /// The distance of the baseline from the top of the line.
    pub baseline: f32,
    pub glyphs: Vec<KrillaGlyph>,
}

#[derive(Clone)]
pub(super) struct Typesetter {
    context: FontContext,
    scratch: LayoutContext<()>,
    regular: Font,
    bold: Font,
}

impl Typesetter {
    /// Returns `None` if the embedded fonts are invalid.
    pub fn new() -> Option<Self> {
        // Do not use the fonts of the system, because the bytes of the PDF would then depend on the machine.
        let options = CollectionOptions { shared: false, system_fonts: false };
        let mut context = FontContext { collection: Collection::new(options), source_cache: Default::default() };
        for bytes in [REGULAR, BOLD] {
            context.collection.register_fonts(Blob::new(Arc::new(bytes)), None);
        }
        let [regular, bold] = [REGULAR, BOLD].map(|bytes| Font::new(bytes.into(), 0));
        Some(Self { context, scratch: LayoutContext::new(), regular: regular?, bold: bold? })
    }

    /// Removes control characters and direction overrides, so that readers see the text in its stored order.
    /// Input validation refuses these characters, but a row that an operator has written can contain them.
    pub fn set(&mut self, text: &str, style: Style, max_width: f32) -> Rc<Text> {
        let text = text::remove_invisible(&text.replace('\t', " "));
        let (weight, font) =
            if style.bold { (FontWeight::BOLD, &self.bold) } else { (FontWeight::NORMAL, &self.regular) };
        let mut builder = self.scratch.ranged_builder(&mut self.context, &text, 1.0, false);
        builder.push_default(StyleProperty::FontFamily(FontFamily::named(FAMILY)));
        builder.push_default(StyleProperty::FontWeight(weight));
        builder.push_default(StyleProperty::FontSize(style.size));
        builder.push_default(StyleProperty::LineHeight(LineHeight::FontSizeRelative(LEADING)));
        // Break words that are longer than the line, so that text never overlaps the next column.
        builder.push_default(StyleProperty::OverflowWrap(OverflowWrap::Anywhere));
        let mut layout = builder.build(&text);
        layout.break_all_lines(Some(max_width));
        layout.align(Alignment::Start, AlignmentOptions::default());
        let lines = layout.lines().map(|line| glyph_line(&line, style.size)).collect();
        Rc::new(Text { lines, style, font: font.clone(), width: layout.width(), max_width, text })
    }
}

fn glyph_line(line: &Line<'_, ()>, size: f32) -> GlyphLine {
    let mut glyphs = Vec::new();
    for cluster in line.runs().flat_map(|run| run.visual_clusters()) {
        // A ligature is one glyph for several characters. Each character has a cluster.
        // Only the first cluster has the glyph, so give this glyph the text of all clusters of the ligature.
        let mut range = cluster.text_range();
        let following = successors(cluster.next_logical(), Cluster::next_logical);
        for continuation in following.take_while(Cluster::is_ligature_continuation) {
            range.end = continuation.text_range().end;
        }
        // The y axis points down in the layout and up in the PDF.
        glyphs.extend(cluster.glyphs().map(|glyph| {
            let [advance, dx, dy] = [glyph.advance, glyph.x, -glyph.y].map(|length| length / size);
            KrillaGlyph::new(GlyphId::new(glyph.id), advance, dx, dy, 0.0, range.clone(), None)
        }));
    }
    let metrics = line.metrics();
    GlyphLine { x: metrics.offset, baseline: metrics.baseline - metrics.block_min_coord, glyphs }
}
