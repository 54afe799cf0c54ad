//! A document, whose fields have been checked.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::base::hex::hex;
use crate::base::id::{DocumentId, InvoiceId};
use crate::base::page::Position;
use crate::security::files::uploads::FileType;

/// Longest title, in characters.
pub const MAX_TITLE: usize = 200;

/// What was uploaded. None of it ever changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// As it is saved, cleaned.
    pub name: String,
    pub kind: FileType,
    /// In bytes.
    pub size: u64,
    pub sha256: [u8; 32],
    /// Names the bytes in the store.
    pub key: Uuid,
}

impl File {
    /// Its hash, as text.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        hex(&self.sha256)
    }
}

/// What the owner says of it. What is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct Change {
    pub title: Option<String>,
    pub invoice: Option<Option<InvoiceId>>,
}

/// A document of an owner.
#[derive(Clone, Debug)]
pub struct Document {
    id: DocumentId,
    title: String,
    invoice: Option<InvoiceId>,
    file: File,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl Document {
    /// A new document with a random id. Without a title, its title is the name of its file, cut to [`MAX_TITLE`].
    #[must_use]
    pub fn new(title: Option<String>, invoice: Option<InvoiceId>, file: File, now: DateTime<Utc>) -> Self {
        let title = title.unwrap_or_else(|| file.name.chars().take(MAX_TITLE).collect());
        Self::kept(DocumentId::new(), title, invoice, file, 1, now, now)
    }

    /// One that was kept.
    #[must_use]
    pub fn kept(
        id: DocumentId,
        title: String,
        invoice: Option<InvoiceId>,
        file: File,
        version: i64,
        created_at: DateTime<Utc>,
        updated_at: DateTime<Utc>,
    ) -> Self {
        Self { id, title, invoice, file, version, created_at, updated_at }
    }

    /// The next version, with this change.
    #[must_use]
    pub fn changed(self, change: Change, now: DateTime<Utc>) -> Self {
        let title = change.title.unwrap_or(self.title);
        let invoice = change.invoice.unwrap_or(self.invoice);
        Self { title, invoice, version: self.version + 1, updated_at: now, ..self }
    }

    #[must_use]
    pub fn id(&self) -> DocumentId {
        self.id
    }

    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The invoice that it hangs on.
    #[must_use]
    pub fn invoice(&self) -> Option<InvoiceId> {
        self.invoice
    }

    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    #[must_use]
    pub fn version(&self) -> i64 {
        self.version
    }

    #[must_use]
    pub fn created_at(&self) -> DateTime<Utc> {
        self.created_at
    }

    #[must_use]
    pub fn updated_at(&self) -> DateTime<Utc> {
        self.updated_at
    }

    /// Where it stands in a list.
    #[must_use]
    pub fn position(&self) -> Position {
        Position { created_at: self.created_at, id: self.id.uuid() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_touches_what_is_said_of_a_file_and_never_the_file() {
        let name = "terms.pdf".to_owned();
        let file = File { name, kind: FileType::Pdf, size: 7, sha256: [0xab; 32], key: Uuid::nil() };
        let invoice = Some(InvoiceId::new());
        let old = Document::new(None, invoice, file.clone(), DateTime::UNIX_EPOCH);
        assert_eq!((old.title(), old.version(), old.invoice()), ("terms.pdf", 1, invoice));
        let renamed = old.clone().changed(Change { title: Some("Terms".into()), invoice: None }, DateTime::UNIX_EPOCH);
        assert_eq!((renamed.title(), renamed.version(), renamed.invoice()), ("Terms", 2, invoice));
        let detached = old.changed(Change { title: None, invoice: Some(None) }, DateTime::UNIX_EPOCH);
        assert_eq!((detached.title(), detached.invoice(), detached.file()), ("terms.pdf", None, &file));
        assert!(file.fingerprint().starts_with("abab") && file.fingerprint().len() == 64);
    }
}
