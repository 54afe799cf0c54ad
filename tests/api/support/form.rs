//! Multipart forms with files, built from bytes, so that they can be malformed.

use super::client::Request;

const BOUNDARY: &str = "a-boundary-that-is-in-no-file";

#[derive(Clone, Default)]
pub struct Form {
    bytes: Vec<u8>,
}

impl Form {
    pub fn valid() -> Self {
        Self::default().file("terms.txt", "text/plain", b"Delivery within three days.\n")
    }

    pub fn with_size(bytes: usize) -> Self {
        Self::default().file("long.txt", "text/plain", &vec![b'x'; bytes])
    }

    pub fn text(self, name: &str, text: &str) -> Self {
        self.raw(&format!("Content-Disposition: form-data; name=\"{name}\"\r\n"), text.as_bytes())
    }

    pub fn file(self, name: &str, kind: &str, content: &[u8]) -> Self {
        let head =
            format!("Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: {kind}\r\n");
        self.raw(&head, content)
    }

    pub fn raw(self, head: &str, content: &[u8]) -> Self {
        self.raw_bytes(head.as_bytes(), content)
    }

    /// Adds a part whose head may be invalid UTF-8.
    pub fn raw_bytes(mut self, head: &[u8], content: &[u8]) -> Self {
        self.bytes.extend_from_slice(&[format!("--{BOUNDARY}\r\n").as_bytes(), head, b"\r\n"].concat());
        self.bytes.extend_from_slice(content);
        self.bytes.extend_from_slice(b"\r\n");
        self
    }

    pub fn content_type() -> String {
        format!("multipart/form-data; boundary={BOUNDARY}")
    }

    pub fn bytes(mut self) -> Vec<u8> {
        self.bytes.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        self.bytes
    }

    /// Returns the form without the final boundary.
    pub fn truncated(self) -> Vec<u8> {
        self.bytes
    }
}

impl Request {
    pub fn form(self, form: Form) -> Self {
        self.body(&Form::content_type(), form.bytes())
    }
}
