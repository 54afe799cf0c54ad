//! What was typed is text and no pattern.

/// The pattern (of LIKE) of what holds this text: `%` finds a percent sign.
#[must_use]
pub fn containing(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern + "%"
}

#[cfg(test)]
mod tests {
    use super::containing;

    #[test]
    fn a_pattern_is_only_what_we_make_one() {
        assert_eq!(containing("Müller"), "%Müller%");
        assert_eq!(containing(r"100%_\"), r"%100\%\_\\%");
    }
}
