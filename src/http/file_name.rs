//! Decodes the file name of an upload (RFC 7578, section 4.2). Clients encode names outside ASCII in four ways:
//! - `filename*` (RFC 8187): Python's `urllib3` 1.x and .NET. This parameter takes precedence over `filename`.
//! - Percent-encoding: browsers, curl, OkHttp and Node encode only quotation marks and line breaks.
//!   aiohttp encodes all special characters.
//! - Encoded words (RFC 2047): .NET and Spring.
//! - Plain UTF-8.
//!
//! The decoded name is untrusted; [`safe_file_name`](super::disposition::safe_file_name) sanitizes it.

use actix_web::http::header::{ContentDisposition, ExtendedValue};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode;

/// Returns the decoded name, or `None` for a part that is not a file.
#[must_use]
pub fn file_name(disposition: &ContentDisposition) -> Option<String> {
    let extended = disposition.get_filename_ext().and_then(extended);
    extended.or_else(|| disposition.get_filename().map(plain))
}

fn extended(value: &ExtendedValue) -> Option<String> {
    match value.charset.to_string().to_ascii_lowercase().as_str() {
        "utf-8" => String::from_utf8(value.value.clone()).ok(),
        "iso-8859-1" => Some(value.value.iter().copied().map(char::from).collect()),
        _ => None,
    }
}

fn plain(name: &str) -> String {
    // `percent_decode` does not change a `%` that is not followed by two hexadecimal digits, so `100%.pdf` stays as it
    // is.
    let percent = || String::from_utf8(percent_decode(name.as_bytes()).collect()).ok();
    encoded_words(name).or_else(percent).unwrap_or_else(|| name.to_owned())
}

/// Decodes words such as `=?utf-8?B?w7wucGRm?=`.
/// The bytes of all words are joined first, because a character may begin in one word and end in the next.
fn encoded_words(name: &str) -> Option<String> {
    let mut decoded = Vec::new();
    for word in name.split_ascii_whitespace() {
        let (charset, word) = word.strip_prefix("=?")?.strip_suffix("?=")?.split_once('?')?;
        let (encoding, text) = word.split_once('?')?;
        if !charset.eq_ignore_ascii_case("utf-8") {
            return None;
        }
        if encoding.eq_ignore_ascii_case("b") {
            decoded.extend(STANDARD.decode(text).ok()?);
        } else if encoding.eq_ignore_ascii_case("q") {
            // Quoted-printable writes `=41` for `%41`.
            let text = text.replace('%', "%25").replace('_', " ").replace('=', "%");
            decoded.extend(percent_decode(text.as_bytes()));
        } else {
            return None;
        }
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn of(parameters: &str) -> Option<String> {
        let line = HeaderValue::from_bytes(format!("form-data; name=\"file\"{parameters}").as_bytes()).unwrap();
        file_name(&ContentDisposition::from_raw(&line).unwrap())
    }

    /// The parameters are copied from real clients.
    #[test]
    fn names_of_all_clients_are_decoded() {
        for (client, parameters, name) in [
            ("browsers, curl, requests, Node", r#"; filename="Müller %22A%22 100%.pdf""#, "Müller \"A\" 100%.pdf"),
            ("curl before 7.81", r#"; filename="a \"b\".pdf""#, "a \"b\".pdf"),
            ("aiohttp", r#"; filename="M%C3%BCller%20%25.pdf""#, "Müller %.pdf"),
            ("urllib3 1.x, requests", "; filename*=utf-8''M%C3%BCller.pdf", "Müller.pdf"),
            (".NET", r#"; filename="=?utf-8?B?TcO8bGxlci5wZGY=?="; filename*=utf-8''M%C3%BCller.pdf"#, "Müller.pdf"),
            (".NET, FileName alone", r#"; filename="=?utf-8?B?TcO8bGxlci5wZGY=?=""#, "Müller.pdf"),
            ("Spring", r#"; filename="=?UTF-8?Q?M=C3=BCller_1%.pdf?=""#, "Müller 1%.pdf"),
            (
                "two words that share a character",
                r#"; filename="=?UTF-8?Q?M=C3?= =?UTF-8?Q?=BCller.pdf?=""#,
                "Müller.pdf",
            ),
            ("both, the extended one first", "; filename*=UTF-8''a.pdf; filename=b.pdf", "a.pdf"),
            ("both, the extended one last", "; filename=b.pdf; filename*=UTF-8''a.pdf", "a.pdf"),
            ("RFC 5987", "; filename*=iso-8859-1'en'%A3%20rates.txt", "£ rates.txt"),
            ("an unknown character set", "; filename=b.pdf; filename*=utf-7''a.pdf", "b.pdf"),
            ("not UTF-8", "; filename=b.pdf; filename*=utf-8''%FF.pdf", "b.pdf"),
            ("percent signs that are not UTF-8", "; filename=\"a%FF.pdf\"", "a%FF.pdf"),
            ("a malformed encoded word", "; filename=\"=?utf-8?B?!?=.pdf\"", "=?utf-8?B?!?=.pdf"),
            ("plain", "; filename=a.pdf", "a.pdf"),
        ] {
            assert_eq!(of(parameters).as_deref(), Some(name), "{client}");
        }
        assert_eq!(of(""), None);
        assert_eq!(of("; filename*=utf-8''%FF.pdf"), None);
    }
}
