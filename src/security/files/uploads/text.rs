//! Checks a text file. It must be UTF-8, and must contain no control characters except tabs and line breaks.
//! The file must not begin with a tag that makes a browser treat it as HTML or XML (content sniffing).
//!
//! Other encodings are refused and not converted: a file does not state whether it is Windows-1252 or Windows-1250, and
//! a wrong guess would change names without any error.

use super::refusal::UploadError;

/// A browser searches for a tag only in this many bytes at the beginning of a file (WHATWG MIME Sniffing, section 5.2).
const SNIFFED_BYTES: usize = 1445;
/// The tags by which a browser recognizes HTML (WHATWG MIME Sniffing, section 7.1), and `svg`.
/// A browser recognizes a tag only if a space, `/` or `>` follows it.
const TAGS: [&str; 18] = [
    "<!doctype html",
    "<html",
    "<head",
    "<script",
    "<iframe",
    "<h1",
    "<div",
    "<font",
    "<table",
    "<a",
    "<style",
    "<title",
    "<b",
    "<body",
    "<br",
    "<p",
    "<!--",
    "<svg",
];
/// The declaration by which a browser recognizes XML. Any character may follow it.
const XML: &str = "<?xml";
const BYTE_ORDER_MARK: char = '\u{feff}';

pub(super) struct Text {
    /// The bytes of a character that has not arrived completely.
    buffer: Vec<u8>,
    beginning: Vec<u8>,
    is_blank: bool,
    /// The number of the current line, counted from 1.
    line: u64,
    /// The position of the next character in its line, counted from 1.
    character: u64,
}

impl Default for Text {
    fn default() -> Self {
        Self { buffer: Vec::new(), beginning: Vec::new(), is_blank: true, line: 1, character: 1 }
    }
}

impl Text {
    pub fn next(&mut self, byte: u8) -> Result<(), UploadError> {
        if self.beginning.len() < SNIFFED_BYTES {
            self.beginning.push(byte);
            if matches!(self.beginning[..], [0xff, 0xfe] | [0xfe, 0xff]) {
                return Err(UploadError::Utf16);
            }
        }
        // Fast path: nearly all bytes are visible ASCII characters, which need no decoding.
        if matches!(byte, b' '..=b'~') && self.buffer.is_empty() {
            self.is_blank &= byte == b' ';
            self.character += 1;
            return Ok(());
        }
        self.buffer.push(byte);
        let character = match std::str::from_utf8(&self.buffer) {
            Ok(text) => text.chars().next(),
            Err(error) if error.error_len().is_none() => return Ok(()),
            // Wait for the second byte: 0xff 0xfe and 0xfe 0xff mean UTF-16, which gets its own error.
            Err(_) if matches!(self.beginning[..], [0xff | 0xfe]) => return Ok(()),
            Err(_) => return Err(self.not_utf8()),
        };
        self.buffer.clear();
        character.map_or(Ok(()), |c| self.accept(c))
    }

    fn accept(&mut self, c: char) -> Result<(), UploadError> {
        if c.is_control() && !matches!(c, '\t' | '\n' | '\r') {
            return Err(UploadError::Control { control: c, line: self.line, character: self.character });
        }
        match c {
            '\n' => (self.line, self.character) = (self.line + 1, 1),
            BYTE_ORDER_MARK if self.is_blank => {}
            _ => {
                self.is_blank &= c.is_whitespace();
                self.character += 1;
            }
        }
        Ok(())
    }

    fn not_utf8(&self) -> UploadError {
        UploadError::NotUtf8 { line: self.line, character: self.character }
    }

    pub fn finish(self) -> Result<(), UploadError> {
        match self {
            _ if !self.buffer.is_empty() => Err(self.not_utf8()),
            _ if self.is_blank => Err(UploadError::Empty),
            _ if is_markup(&self.beginning) => Err(UploadError::Markup),
            _ => Ok(()),
        }
    }
}

fn is_markup(beginning: &[u8]) -> bool {
    let text = String::from_utf8_lossy(beginning).to_ascii_lowercase();
    let text = text.trim_start_matches(BYTE_ORDER_MARK).trim_ascii_start();
    let is_tag =
        |tag: &&str| text.strip_prefix(tag).is_some_and(|rest| rest.starts_with([' ', '>', '\t', '\n', '\r', '/']));
    text.starts_with(XML) || TAGS.iter().any(is_tag)
}
