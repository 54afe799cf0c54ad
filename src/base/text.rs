//! Allowed characters in text from users: only visible ones (CWE-1007, CWE-117, CWE-116).
//!
//! Invisible characters can make two names look the same, or hide instructions in a text.
//! Control characters can start a new line in a log, a mail or a file (injection).
//! Directional marks can reverse the displayed order of characters, for example in an amount ("Trojan Source").
//!
//! All fields have the same rules, which are based on the Unicode Character Database:
//! - Refused: general categories Cc (control), Cf (format), Cs (surrogate), Co (private use), Cn (unassigned), Zl and
//!   Zp (line and paragraph separator), and other default-ignorable characters, such as the Hangul fillers.
//! - Removed from user input: directional marks (`Bidi_Control`), because users paste them without noticing.
//! - Allowed in some positions: the joiners of RFC 5892 (CONTEXTJ) and of emoji, one variation selector after a
//!   visible character, and the tags in the flags of England, Scotland and Wales.
//! - Allowed in texts of several lines, such as notes: line breaks and tabs.

use icu_properties::props::{
    BidiControl, CanonicalCombiningClass, DefaultIgnorableCodePoint, EmojiModifier, ExtendedPictographic,
    GeneralCategory, JoiningType, VariationSelector,
};
use icu_properties::{CodePointMapData, CodePointSetData};

const ZERO_WIDTH_NON_JOINER: char = '\u{200c}';
const ZERO_WIDTH_JOINER: char = '\u{200d}';
/// The variation selector that displays the preceding character as an emoji.
const EMOJI_PRESENTATION: char = '\u{fe0f}';

/// The flags of England, Scotland and Wales: a black flag and invisible tags.
const TAG_FLAGS: [&str; 3] = [
    "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
    "\u{1f3f4}\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
    "\u{1f3f4}\u{e0067}\u{e0062}\u{e0077}\u{e006c}\u{e0073}\u{e007f}",
];

/// Returns whether a text is one line of visible characters and is not blank.
#[must_use]
pub fn is_line(text: &str) -> bool {
    !text.trim().is_empty() && remove_invisible(text) == text
}

/// Returns whether a text contains only visible characters, line breaks and tabs.
#[must_use]
pub fn is_paragraph(text: &str) -> bool {
    text.split(['\n', '\r', '\t']).all(|part| remove_invisible(part) == part)
}

/// Removes directional marks: embeddings, overrides, isolates, LRM and RLM.
#[must_use]
pub fn remove_directional_marks(text: &str) -> String {
    let is_mark = CodePointSetData::new::<BidiControl>();
    text.chars().filter(|c| !is_mark.contains(*c)).collect()
}

/// Removes all characters that [`is_line`] refuses.
#[must_use]
pub fn remove_invisible(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let flag = TAG_FLAGS.into_iter().find(|flag| rest.starts_with(flag));
        let length = flag.map_or(c.len_utf8(), str::len);
        let (taken, after) = rest.split_at(length);
        if flag.is_some() || has_visible_effect(&kept, c, after) {
            kept.push_str(taken);
        }
        rest = after;
    }
    kept
}

/// Returns whether a character is visible, or changes how the text before and after it is displayed.
fn has_visible_effect(before: &str, c: char, after: &str) -> bool {
    match c {
        ZERO_WIDTH_NON_JOINER => follows_virama(before) || separates_cursive_letters(before, after),
        ZERO_WIDTH_JOINER => follows_virama(before) || joins_emoji(before, after),
        _ if CodePointSetData::new::<VariationSelector>().contains(c) => {
            before.chars().next_back().is_some_and(|last| !last.is_whitespace() && is_visible(last))
        }
        _ => is_visible(c),
    }
}

fn is_visible(c: char) -> bool {
    use GeneralCategory::{Control, Format, LineSeparator, ParagraphSeparator, PrivateUse, Surrogate, Unassigned};
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    let invisible =
        matches!(category, Control | Format | Surrogate | PrivateUse | Unassigned | LineSeparator | ParagraphSeparator);
    !invisible && !CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

/// Returns whether a text ends with a virama, the sign after which Indic scripts use joiners
/// (RFC 5892, appendices A.1 and A.2).
fn follows_virama(before: &str) -> bool {
    let class = CodePointMapData::<CanonicalCombiningClass>::new();
    before.chars().next_back().is_some_and(|last| class.get(last) == CanonicalCombiningClass::Virama)
}

/// Returns whether a zero-width non-joiner between these texts separates two cursive letters, for example in Persian
/// (RFC 5892, appendix A.1).
fn separates_cursive_letters(before: &str, after: &str) -> bool {
    let joining = CodePointMapData::<JoiningType>::new();
    let solid = |c: &char| joining.get(*c) != JoiningType::Transparent;
    let joins = |c: Option<char>, ways: [JoiningType; 2]| c.is_some_and(|c| ways.contains(&joining.get(c)));
    joins(before.chars().rev().find(solid), [JoiningType::LeftJoining, JoiningType::DualJoining])
        && joins(after.chars().find(solid), [JoiningType::RightJoining, JoiningType::DualJoining])
}

/// Returns whether a zero-width joiner between these texts joins two pictographs to one emoji (UTS 51).
fn joins_emoji(before: &str, after: &str) -> bool {
    let is_pictograph = CodePointSetData::new::<ExtendedPictographic>();
    let is_skin_tone = CodePointSetData::new::<EmojiModifier>();
    let base = before.chars().rev().find(|c| *c != EMOJI_PRESENTATION && !is_skin_tone.contains(*c));
    base.is_some_and(|c| is_pictograph.contains(c)) && after.chars().next().is_some_and(|c| is_pictograph.contains(c))
}

#[cfg(test)]
mod tests {
    use unicode_properties::{GeneralCategory as Category, UnicodeGeneralCategory};

    use super::*;

    /// Compares the result for every code point with the Unicode data of another crate.
    #[test]
    fn characters_are_refused_by_general_category() {
        let is_ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
        let is_selector = CodePointSetData::new::<VariationSelector>();
        for c in '\0'..=char::MAX {
            let refused = matches!(
                c.general_category(),
                Category::Control
                    | Category::Format
                    | Category::PrivateUse
                    | Category::Unassigned
                    | Category::LineSeparator
                    | Category::ParagraphSeparator
            ) || (is_ignorable.contains(c) && !is_selector.contains(c));
            assert_eq!(is_line(&format!("a{c}a")), !refused, "U+{:04X} {:?}", u32::from(c), c.general_category());
        }
    }

    #[test]
    fn invisible_characters_are_refused() {
        for text in [
            "",
            " ",
            "\u{a0}",
            "a\0",
            "a\nb",
            "a\u{1b}[2J",
            "a\u{7f}",
            "a\u{85}b",
            "zero width space \u{200b}b",
            "byte order mark \u{feff}b",
            "soft hyphen \u{ad}b",
            "word joiner \u{2060}b",
            "tags \u{e0041}\u{e0064}\u{e006d}",
            "line separator \u{2028}b",
            "override \u{202e}b",
            "isolate \u{2067}b",
            "private use \u{e000}",
            "unassigned \u{378}",
            "Hangul filler \u{3164}",
            "joiner between letters \u{200d}b",
            "non-joiner between letters\u{200c}b",
            "non-joiner at the end of a cursive word \u{628}\u{200c}",
            "two selectors \u{2764}\u{fe0f}\u{fe0f}",
            "selector after a space \u{fe0f}",
            "another flag \u{1f3f4}\u{e0075}\u{e0073}\u{e0063}\u{e0061}\u{e007f}",
            "tags after a flag \u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}\u{e0061}",
        ] {
            assert!(!is_line(text), "{text:?}");
        }
    }

    #[test]
    fn names_of_all_scripts_are_accepted() {
        for name in [
            "Åsa Öberg",
            "李小龍",
            "عمر خيّام",
            "Zoë O'Brien-Śmigły",
            "a",
            "می\u{200c}خواهم",
            "श्री क्\u{200d}ष क्\u{200c}ष",
            "ශ්\u{200d}රී ලංකා",
            "葛\u{e0100}城市",
            "\u{1f469}\u{200d}\u{1f469}\u{200d}\u{1f467} Ltd",
        ] {
            assert!(is_line(name) && is_paragraph(name), "{name}");
        }
    }

    #[test]
    fn every_recommended_emoji_is_accepted() {
        for emoji in emojis::iter().flat_map(|emoji| emoji.skin_tones().into_iter().flatten().chain([emoji])) {
            assert!(is_line(emoji.as_str()), "{} {:?}", emoji.name(), emoji.as_str());
        }
    }

    #[test]
    fn directional_marks_are_removed() {
        let pasted = "\u{202a}Anna\u{202c} \u{200e}Keller\u{200f}\u{2066}\u{2069}\u{202e}\u{61c}";
        assert_eq!(remove_directional_marks(pasted), "Anna Keller");
    }

    #[test]
    fn paragraph_may_have_lines_and_tabs() {
        assert!(is_paragraph("1 Road\r\n\tTown\n"));
        assert!(is_paragraph(""));
        for text in ["a\0", "a\u{1b}", "a\u{202e}b", "a\n\u{200b}b", "a\u{2028}b"] {
            assert!(!is_paragraph(text), "{text:?}");
        }
    }

    #[test]
    fn remove_invisible_removes_only_invisible_characters() {
        assert_eq!(remove_invisible("in\u{200b}voi\u{202e}ce\u{ad}\n.pdf"), "invoice.pdf");
    }
}
