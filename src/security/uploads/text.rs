//! Text: UTF-8 throughout, no control characters but tabs and ends of lines, and no beginning that a browser takes for a page.

use super::Refused;

#[derive(Default)]
pub(super) struct Text {
    /// The bytes of a character that has not all come.
    held: Vec<u8>,
    beginning: Beginning,
}

/// Blanks aside, what came first.
#[derive(Default)]
enum Beginning {
    #[default]
    Blank,
    /// `<`: a letter makes it a page.
    Bracket,
    Harmless,
}

impl Text {
    pub fn next(&mut self, byte: u8) -> Result<(), Refused> {
        // Nearly all there is.
        if matches!(byte, b' '..=b'~') && self.held.is_empty() && matches!(self.beginning, Beginning::Harmless) {
            return Ok(());
        }
        self.held.push(byte);
        let character = match std::str::from_utf8(&self.held) {
            Ok(text) => text.chars().next(),
            Err(error) if error.error_len().is_none() => return Ok(()),
            Err(_) => return Err(Refused::Content),
        };
        self.held.clear();
        character.map_or(Ok(()), |c| self.character(c))
    }

    fn character(&mut self, c: char) -> Result<(), Refused> {
        if c.is_control() && !matches!(c, '\t' | '\n' | '\r') {
            return Err(Refused::Content);
        }
        self.beginning = match (&self.beginning, c) {
            (Beginning::Blank, '\u{feff}') => Beginning::Blank,
            (Beginning::Blank, c) if c.is_whitespace() => Beginning::Blank,
            (Beginning::Blank, '<') => Beginning::Bracket,
            (Beginning::Bracket, c) if c.is_ascii_alphabetic() || matches!(c, '!' | '?' | '/') => {
                return Err(Refused::Content);
            }
            _ => Beginning::Harmless,
        };
        Ok(())
    }

    pub fn is_whole(&self) -> bool {
        self.held.is_empty() && !matches!(self.beginning, Beginning::Blank)
    }
}
