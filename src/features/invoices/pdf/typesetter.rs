//! Converts text to lines of glyphs: shaping (joins, marks, kerning), bidirectional order, line breaks. One typeface is used for
//! all scripts. A missing glyph is printed as a box.

use std::sync::Arc;

use krilla::text::{Font, GlyphId, KrillaGlyph};
use parley::fontique::{Blob, Collection, CollectionOptions};
use parley::layout::{Alignment, AlignmentOptions, Layout};
use parley::style::{FontFamily, FontWeight, LineHeight, OverflowWrap, StyleProperty};
use parley::{FontContext, LayoutContext};

use crate::base::text;

const REGULAR: &[u8] = include_bytes!("fonts/DejaVuSans.ttf");
const BOLD: &[u8] = include_bytes!("fonts/DejaVuSans-Bold.ttf");
const FAMILY: &str = "DejaVu Sans";
/// Distance between baselines, as a multiple of the font size.
const LEADING: f32 = 1.35;

/// The parsed typeface.
#[derive(Clone)]
pub(super) struct Typeface {
    context: FontContext,
    /// Fonts by the blob id that the layout refers to.
    fonts: Vec<(u64, Font)>,
}

impl Typeface {
    /// Parses the embedded fonts. `None` if they are invalid.
    pub fn new() -> Option<Self> {
        // System fonts would make the bytes depend on the machine.
        let options = CollectionOptions { shared: false, system_fonts: false };
        let mut context = FontContext { collection: Collection::new(options), source_cache: Default::default() };
        let mut fonts = Vec::new();
        for bytes in [REGULAR, BOLD] {
            let blob = Blob::new(Arc::new(bytes));
            fonts.push((blob.id(), Font::new(bytes.into(), 0)?));
            context.collection.register_fonts(blob, None);
        }
        Some(Self { context, fonts })
    }

    fn font(&self, id: u64) -> Option<&Font> {
        self.fonts.iter().find(|(known, _)| *known == id).map(|(_, font)| font)
    }
}

/// Style of a text. Sizes are in points.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    pub size: f32,
    pub bold: bool,
    /// 0 is black.
    pub grey: u8,
    pub right_aligned: bool,
}

impl Style {
    pub const fn plain(size: f32) -> Self {
        Self { size, bold: false, grey: 0, right_aligned: false }
    }

    pub const fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    pub const fn grey(self) -> Self {
        Self { grey: 110, ..self }
    }

    pub const fn right_aligned(self) -> Self {
        Self { right_aligned: true, ..self }
    }

    /// Returns the distance between baselines.
    pub fn line_height(self) -> f32 {
        self.size * LEADING
    }
}

/// A typeset paragraph. All lines have the same height.
pub(super) struct Text {
    text: String,
    layout: Layout<()>,
    pub style: Style,
    /// The available width.
    pub max_width: f32,
}

/// Adjacent glyphs of one font.
pub(super) struct Run {
    pub font: Font,
    pub x: f32,
    pub glyphs: Vec<KrillaGlyph>,
}

impl Text {
    /// Returns the number of lines, at least one.
    pub fn lines(&self) -> usize {
        self.layout.len().max(1)
    }

    /// Returns the width of the widest line.
    pub fn width(&self) -> f32 {
        self.layout.width()
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the baseline, measured from the top of the line, and the glyphs of the line.
    pub fn line(&self, typeface: &Typeface, index: usize) -> (f32, Vec<Run>) {
        let Some(line) = self.layout.get(index) else { return (0.0, Vec::new()) };
        let metrics = line.metrics();
        let mut x = metrics.offset;
        let mut runs = Vec::new();
        for run in line.runs() {
            let (start, size) = (x, run.font_size());
            let mut glyphs: Vec<KrillaGlyph> = Vec::new();
            // In right-to-left text, the continuations of a ligature come before its glyph.
            let mut end_of_ligature = None;
            for cluster in run.visual_clusters() {
                let mut range = cluster.text_range();
                if cluster.is_ligature_continuation() {
                    match glyphs.last_mut().filter(|_| !cluster.is_rtl()) {
                        Some(ligature) => ligature.text_range.end = range.end,
                        None => end_of_ligature = end_of_ligature.or(Some(range.end)),
                    }
                    continue;
                }
                range.end = end_of_ligature.take().unwrap_or(range.end);
                for glyph in cluster.glyphs() {
                    let (id, advance) = (GlyphId::new(glyph.id), glyph.advance / size);
                    // The y axis points down in the layout and up in the PDF.
                    let (dx, dy) = (glyph.x / size, -glyph.y / size);
                    glyphs.push(KrillaGlyph::new(id, advance, dx, dy, 0.0, range.clone(), None));
                    x += glyph.advance;
                }
            }
            if let Some(font) = typeface.font(run.font().data.id()).cloned() {
                runs.push(Run { font, x: start, glyphs });
            }
        }
        (metrics.baseline - metrics.block_min_coord, runs)
    }
}

/// Typesets the texts of one document.
pub(super) struct Typesetter {
    pub typeface: Typeface,
    scratch: LayoutContext<()>,
}

impl Typesetter {
    pub fn new(typeface: Typeface) -> Self {
        Self { typeface, scratch: LayoutContext::new() }
    }

    /// Typesets one paragraph within this width. Direction overrides and control characters are removed even if they were stored,
    /// so that the visible order is the stored order.
    pub fn set(&mut self, text: &str, style: Style, max_width: f32) -> Text {
        let text = text::remove_invisible(&text.replace('\t', " "));
        let mut builder = self.scratch.ranged_builder(&mut self.typeface.context, &text, 1.0, false);
        builder.push_default(StyleProperty::FontFamily(FontFamily::named(FAMILY)));
        builder.push_default(StyleProperty::FontSize(style.size));
        builder.push_default(StyleProperty::LineHeight(LineHeight::FontSizeRelative(LEADING)));
        // Break words that are longer than the line, so that text never overlaps the next column.
        builder.push_default(StyleProperty::OverflowWrap(OverflowWrap::Anywhere));
        if style.bold {
            builder.push_default(StyleProperty::FontWeight(FontWeight::BOLD));
        }
        let mut layout = builder.build(&text);
        layout.break_all_lines(Some(max_width));
        let alignment = if style.right_aligned { Alignment::Right } else { Alignment::Start };
        layout.align(alignment, AlignmentOptions::default());
        Text { text, layout, style, max_width }
    }

    /// Typesets each line as a paragraph with its own direction.
    pub fn set_all(&mut self, text: &str, style: Style, max_width: f32) -> Vec<Text> {
        text.lines().map(|line| self.set(line, style, max_width)).collect()
    }

    /// Returns the width of the text on one line.
    pub fn measure(&mut self, text: &str, style: Style) -> f32 {
        self.set(text, style, f32::MAX).width()
    }
}
