//! The outside of a PDF: its first bytes, its last, and the names in it that make a reader act. A raw search: names in compressed
//! parts are not seen, which is why nothing rests on it alone.

use super::{FileType, Refused};

/// At offset 0 exactly: readers forgive a kilobyte before it, which is where the other file would stand.
const START: &[u8] = b"%PDF-";
const END: &[u8] = b"%%EOF";

/// Names of what acts, in the spelling that readers know.
const ACTIVE: [&[u8]; 13] = [
    b"JavaScript",
    b"JS",
    b"OpenAction",
    b"AA",
    b"Launch",
    b"EmbeddedFile",
    b"EmbeddedFiles",
    b"RichMedia",
    b"XFA",
    b"SubmitForm",
    b"ImportData",
    b"GoToE",
    b"Rendition",
];
/// Two or three letters come up by chance in compressed bytes; by chance they are not followed by so many of plain text.
const SHORT: usize = 3;
const PLAIN_AFTER_SHORT: u8 = 8;
const LONGEST: usize = 13;

#[derive(Default)]
pub(super) struct Pdf {
    seen: usize,
    name: Name,
    /// A short name was there; so many bytes of plain text make it one.
    suspect: Option<u8>,
    /// Within a comment, while there is a suspect.
    comment: bool,
    /// How much of the end mark stands at the end, blanks aside.
    end: usize,
}

/// A name that is being read, `#xx` decoded.
#[derive(Default)]
enum Name {
    #[default]
    None,
    Reading {
        letters: Vec<u8>,
        escape: Vec<u8>,
    },
}

impl Pdf {
    pub fn next(&mut self, byte: u8) -> Result<(), Refused> {
        if START.get(self.seen).is_some_and(|expected| *expected != byte) {
            return Err(Refused::Not(FileType::Pdf));
        }
        self.seen += 1;
        self.follow_end(byte);
        if self.suspect.is_some() && (byte == b'%' || self.comment) {
            // A comment is white space, whatever is in it.
            self.comment = !matches!(byte, b'\n' | b'\r');
        } else if let Some(left) = self.suspect {
            let plain = byte.is_ascii_graphic() || byte.is_ascii_whitespace();
            match (plain, left) {
                (true, 0..=1) => return Err(Refused::Active),
                (true, _) => self.suspect = Some(left - 1),
                (false, _) => self.suspect = None,
            }
        }
        self.read_name(byte)
    }

    fn follow_end(&mut self, byte: u8) {
        let blank = byte.is_ascii_whitespace() || byte == 0;
        self.end = match END.get(self.end) {
            Some(expected) if *expected == byte => self.end + 1,
            None if blank => self.end,
            _ if byte == b'%' && self.end == 2 => 2,
            _ => usize::from(byte == b'%'),
        };
    }

    fn read_name(&mut self, byte: u8) -> Result<(), Refused> {
        if matches!(self.name, Name::None) && byte != b'/' {
            return Ok(());
        }
        let ends = byte.is_ascii_whitespace() || byte == 0 || b"()<>[]{}/%".contains(&byte);
        if ends {
            let name = std::mem::take(&mut self.name);
            if byte == b'/' {
                self.name = Name::Reading { letters: Vec::new(), escape: Vec::new() };
            }
            let Name::Reading { letters, .. } = name else { return Ok(()) };
            if ACTIVE.contains(&letters.as_slice()) {
                if letters.len() > SHORT {
                    return Err(Refused::Active);
                }
                self.suspect = Some(PLAIN_AFTER_SHORT);
            }
            return Ok(());
        }
        let Name::Reading { letters, escape } = &mut self.name else { return Ok(()) };
        if byte == b'#' || !escape.is_empty() {
            escape.push(byte);
            if let [_, high, low] = escape[..] {
                let digits = [high, low];
                let decoded = std::str::from_utf8(&digits).ok().and_then(|digits| u8::from_str_radix(digits, 16).ok());
                letters.push(decoded.unwrap_or(b'#'));
                escape.clear();
            }
        } else {
            letters.push(byte);
        }
        if letters.len() > LONGEST {
            self.name = Name::None;
        }
        Ok(())
    }

    pub fn is_whole(&self) -> bool {
        self.seen > START.len() && self.end == END.len()
    }
}
