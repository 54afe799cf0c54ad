//! Which characters a typed-in text may hold. What is refused here cannot be kept (PostgreSQL has no NUL), breaks out of its line
//! in a log, a mail or a file, or makes a reader see another text than the one that is there (direction overrides, in
//! "Trojan Source" style: an amount that reads backwards).

/// One line: a name, a tax id, a description. Not blank.
#[must_use]
pub fn is_line(text: &str) -> bool {
    !text.trim().is_empty() && !text.chars().any(misleads)
}

/// Several lines: notes, a postal address. Line feeds and tabs are fine.
#[must_use]
pub fn is_paragraph(text: &str) -> bool {
    !text.chars().any(|c| misleads(c) && !matches!(c, '\n' | '\r' | '\t'))
}

/// Whether a reader sees this character for what it is.
#[must_use]
pub fn is_visible(c: char) -> bool {
    !misleads(c)
}

fn misleads(c: char) -> bool {
    // Line and paragraph separator; embeddings, overrides and isolates of direction.
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_of_all_tongues_have_names() {
        for name in ["Åsa Öberg", "李小龍", "عمر خيّام", "Zoë O'Brien-Śmigły", "👩‍👩‍👧 Ltd", "a"]
        {
            assert!(is_line(name) && is_paragraph(name), "{name}");
        }
    }

    #[test]
    fn what_is_not_seen_is_not_taken() {
        for text in [
            "",
            " ",
            "\u{a0}",
            "a\0",
            "a\nb",
            "a\u{1b}[2J",
            "a\u{7f}",
            "a\u{85}b",
            "a\u{2028}b",
            "a\u{202e}b",
            "a\u{2067}b",
        ] {
            assert!(!is_line(text), "{text:?}");
        }
    }

    #[test]
    fn a_paragraph_has_lines_and_nothing_else() {
        assert!(is_paragraph("1 Road\r\n\tTown\n"));
        for text in ["a\0", "a\u{1b}", "a\u{202e}b"] {
            assert!(!is_paragraph(text), "{text:?}");
        }
    }
}
