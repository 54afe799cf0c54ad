//! Escapes a search text for the SQL operator LIKE.

/// Returns a LIKE pattern for all values that contain this text. Escapes `%`, `_` and `\`.
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
    fn wildcards_are_escaped() {
        assert_eq!(containing("Müller"), "%Müller%");
        assert_eq!(containing(r"100%_\"), r"%100\%\_\\%");
    }
}
